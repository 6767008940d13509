//! Runs the stages: one worker each, on the engine, the store and the Kafka client as the product has them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use baton_engine::{InputSpec, Limits, Order, Processor, Spread, StageSpec, Stop, StoreError, Worker};
use baton_kafka::{Admin, AdminError, Cluster, KafkaLog, TopicConfig};
use baton_store::{Error, Identity, MemLog, Trust};

use crate::aggregator::Aggregator;
use crate::router::Router;
use crate::scorer::Scorer;
use crate::watchdog::Watchdog;

/// Every topic of the fixed work has as many partitions.
pub const LANES: i32 = 6;

/// The four stages, in order.
pub const STAGES: [&str; 4] = ["aggregator", "scorer", "router", "watchdog"];

/// Where a run reads and writes.
#[derive(Clone, Debug)]
pub struct Place {
    /// The brokers.
    pub bootstrap: String,
    /// Prefix of the input topics.
    pub inputs: String,
    /// Prefix of all that is written.
    pub prefix: String,
    /// Where local state is kept.
    pub state: PathBuf,
    /// Which of the processes that share the work.
    pub instance: String,
}

impl Place {
    /// How to reach the brokers.
    pub fn cluster(&self) -> Cluster {
        Cluster { bootstrap: self.bootstrap.clone(), ..Cluster::default() }
    }

    /// What a stage reads and writes; `None` when there is no such stage.
    pub fn spec(&self, stage: &str) -> Option<StageSpec> {
        let given = |name: &str| format!("{}{name}", self.inputs);
        let own = |name: &str| format!("{}{name}", self.prefix);
        let (inputs, output) = match stage {
            "aggregator" => (vec![given("engagement.events")], own("lead.engagement")),
            "scorer" => (vec![own("lead.engagement"), given("lead.profiles")], own("lead.scores")),
            "router" => (vec![own("lead.scores")], own("lead.handoffs")),
            "watchdog" => (vec![own("lead.handoffs"), given("crm.activities")], own("lead.sla-breaches")),
            _ => return None,
        };
        let input = |topic| InputSpec { topic, partitions: LANES, spread: Spread::Own, order: Order::Arrival };
        Some(StageSpec {
            name: stage.to_owned(),
            inputs: inputs.into_iter().map(input).collect(),
            outputs: vec![(output, LANES)],
            changelog: own(&format!("{stage}.changelog")),
            ledger: (own("ledger"), 1),
            dead_letters: (own("dlq"), 1),
        })
    }

    /// The topics that are this program's own business.
    pub fn topics(&self, stages: &[String]) -> Vec<TopicConfig> {
        let topic = |name: &str, partitions, policy: &str| TopicConfig {
            name: name.to_owned(),
            partitions,
            settings: [("cleanup.policy", policy), ("segment.bytes", "67108864")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        let mut topics = Vec::new();
        for spec in stages.iter().filter_map(|stage| self.spec(stage)) {
            topics.push(topic(&spec.changelog, LANES, "compact"));
            topics.push(topic(&spec.ledger.0, spec.ledger.1, "compact"));
            topics.push(topic(&spec.dead_letters.0, spec.dead_letters.1, "delete"));
        }
        topics.dedup_by(|a, b| a.name == b.name);
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        topics.dedup();
        topics
    }
}

/// A stage of the fixed work.
pub fn processor(stage: &str) -> Box<dyn Processor> {
    match stage {
        "aggregator" => Box::new(Aggregator::default()),
        "scorer" => Box::new(Scorer::default()),
        "router" => Box::new(Router::default()),
        _ => Box::new(Watchdog::default()),
    }
}

/// Starts a stage on a thread of its own.
pub fn start(
    stage: &str,
    place: &Place,
    limits: Limits,
    stop: &Arc<AtomicBool>,
) -> Result<JoinHandle<Result<(), Stop>>, Stop> {
    let config = |why: &str| Stop::Config(format!("{stage}: {why}"));
    let spec = place.spec(stage).ok_or_else(|| config("no such stage"))?;
    let (stage, place, stop) = (stage.to_owned(), place.clone(), Arc::clone(stop));
    let changelog = Admin::new(&place.cluster())
        .and_then(|admin| admin.topic_id(&spec.changelog))
        .map_err(|e| config(&e.to_string()))?;
    let thread = std::thread::Builder::new().name(stage.clone());
    let run = move || {
        let group = format!("{}lead-{stage}", place.prefix);
        let mut log = KafkaLog::open(&place.cluster(), &spec, &group, &place.instance)
            .map_err(|e| Stop::Config(e.to_string()))?;
        let open = |lane| open_store(&place.state, &stage, lane, &changelog);
        let mut worker = Worker::new(spec, limits, processor(&stage), open);
        while !stop.load(Ordering::Acquire) {
            worker.turn(&mut log)?;
            if let Some(fault) = worker.take_fault() {
                tracing::warn!(stage, %fault, "trying again");
            }
        }
        tracing::info!(stage, stats = ?worker.stats(), "stopping");
        worker.close(&mut log)
    };
    thread.spawn(run).map_err(|error| Stop::Config(error.to_string()))
}

fn open_store(dir: &Path, stage: &str, lane: i32, changelog: &str) -> Result<MemLog, StoreError> {
    let identity = Identity {
        stage: stage.to_owned(),
        lane,
        application: "fixed-work".to_owned(),
        changelog: changelog.to_owned(),
        format: 1,
    };
    let began = Instant::now();
    loop {
        match MemLog::open(dir, &identity, Trust::six_days()) {
            // A process that was killed a moment ago may hold it still.
            Err(Error::Locked { .. }) if began.elapsed() < Duration::from_secs(5) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok((store, opened)) => {
                tracing::info!(stage, lane, ?opened, "local state");
                return Ok(store);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Creates what is missing.
pub async fn prepare(place: &Place, stages: &[String]) -> Result<(), AdminError> {
    Admin::new(&place.cluster())?.create(&place.topics(stages), 1).await
}
