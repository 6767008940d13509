//! Runs workers, each on a thread of its own, until they are told to stop or cannot go on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use baton_engine::{Limits, Stop, Store, StoreError, Worker};
use baton_kafka::{Cluster, KafkaLog};
use baton_pipeline::{Consumer, Meter, NoRegistry, Pace, Schemas, Topology};
use baton_policy::Policy;
use baton_store::{Identity, MemLog, Opened, Trust};
use baton_wire::schemas;

use crate::drive::{Told, drive};
#[cfg(feature = "failpoints")]
use crate::failpoints::{FailLog, FailProcessor, FailStore, Failpoints};
use crate::health::Board;
use crate::metrics::{Counters, Metrics};
use crate::registry::Registry;
#[cfg(feature = "otel")]
use crate::spans::Spans;

/// The version of the layout of the local store.
const STORE_FORMAT: u8 = 1;

/// Everything a worker needs to know.
#[derive(Clone, Debug)]
pub struct Hosting {
    /// How to reach Kafka.
    pub cluster: Cluster,
    /// Topics.
    pub topology: Topology,
    /// The rules.
    pub policy: Arc<Policy>,
    /// Where local state is kept.
    pub state_dir: PathBuf,
    /// The name of this process among its kind.
    pub instance: String,
    /// Where time comes from when nothing arrives.
    pub pace: Pace,
    /// The id of each consumer's changelog topic, where the cluster tells it: local state of a topic that was
    /// deleted and made anew is not that topic's.
    pub changelog_ids: BTreeMap<Consumer, String>,
    /// Bounds of a transaction.
    pub limits: Limits,
    /// Schema registry: address, and user with password.
    pub registry: Option<(String, Option<(String, String)>)>,
    /// Where spans of what is done go.
    #[cfg(feature = "otel")]
    pub spans: Option<Spans>,
}

/// Why a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was told to.
    Asked,
    /// It cannot go on.
    Stopped(Stop),
    /// It panicked: a defect. What it had open is undone when it is started again.
    Panicked,
}

/// A worker on its thread.
pub struct Running {
    /// Whose worker.
    pub consumer: Consumer,
    thread: JoinHandle<Exit>,
}

impl Running {
    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its end.
    pub fn join(self) -> Exit {
        self.thread.join().unwrap_or(Exit::Panicked)
    }
}

/// The consumer group of a consumer.
pub fn group_of(topology: &Topology, consumer: Consumer) -> String {
    format!("{}baton.{consumer}", topology.prefix)
}

/// Starts a worker.
pub fn start(
    consumer: Consumer,
    worker: usize,
    hosting: &Hosting,
    (board, metrics): (&Arc<Board>, &Arc<Metrics>),
    stop: &Arc<AtomicBool>,
) -> std::io::Result<Running> {
    let (hosting, board, metrics, stop) = (hosting.clone(), Arc::clone(board), Arc::clone(metrics), Arc::clone(stop));
    let thread = std::thread::Builder::new().name(format!("{consumer}-{worker}")).spawn(move || {
        match run(consumer, worker, &hosting, (&board, &metrics), &stop) {
            Ok(()) => Exit::Asked,
            Err(why) => Exit::Stopped(why),
        }
    })?;
    Ok(Running { consumer, thread })
}

fn run(
    consumer: Consumer,
    number: usize,
    hosting: &Hosting,
    (board, metrics): (&Board, &Arc<Metrics>),
    stop: &Arc<AtomicBool>,
) -> Result<(), Stop> {
    let counters = Counters::new(metrics, consumer).map_err(|error| Stop::Config(format!("metrics: {error}")))?;
    let counters = Rc::new(counters);
    let meter: Rc<dyn Meter> = Rc::<Counters>::clone(&counters);
    let spec = consumer.spec(&hosting.topology);
    let group = group_of(&hosting.topology, consumer);
    let instance = format!("{}.{number}", hosting.instance);
    let schemas = schemas_of(hosting)?;
    let processor = consumer.metered(&hosting.topology, &hosting.policy, &schemas, hosting.pace, Some(&meter));
    #[cfg(feature = "otel")]
    let processor = match &hosting.spans {
        Some(spans) => spans.of(processor, &spec, group.clone()),
        None => processor,
    };
    let log =
        KafkaLog::open(&hosting.cluster, &spec, &group, &instance).map_err(|fault| Stop::Config(fault.to_string()))?;
    let open = |lane| open_store(hosting, consumer, lane);
    let gives_time = match hosting.pace {
        Pace::Wall { every_ms } if consumer == Consumer::Identify => {
            Some(Duration::from_millis(u64::try_from(every_ms).unwrap_or(0)))
        }
        _ => None,
    };
    let told_of = Arc::new(spec.clone());
    let told = Told { consumer, number, spec: &told_of, gives_time, board, counters: &counters };
    #[cfg(feature = "failpoints")]
    {
        let points = Failpoints::of(consumer)?;
        let log = FailLog::new(log, points.clone());
        let processor = FailProcessor::new(processor, points.clone());
        let open = |lane| open(lane).map(|store| FailStore::new(store, points.clone()));
        drive(Worker::new(spec, hosting.limits, processor, open), log, told, stop)
    }
    #[cfg(not(feature = "failpoints"))]
    drive(Worker::new(spec, hosting.limits, processor, open), log, told, stop)
}

/// The schemas that a consumer reads and writes by: the registry's where there is one.
pub fn schemas_of(hosting: &Hosting) -> Result<Rc<dyn Schemas>, Stop> {
    let Some((url, login)) = &hosting.registry else { return Ok(Rc::new(NoRegistry)) };
    let login = login.as_ref().map(|(user, password)| (user.as_str(), password.as_str()));
    let mut registry = Registry::new(url, login);
    let own: Vec<_> = schemas().into_iter().map(|schema| (schema.subject.to_owned(), schema.json)).collect();
    registry.adopt(&own).map_err(|error| Stop::Config(error.to_string()))?;
    Ok(Rc::new(registry))
}

/// A worker that has just given the lane up may hold the folder for a moment longer.
fn open_when_free(hosting: &Hosting, identity: &Identity) -> Result<(MemLog, Opened), baton_store::Error> {
    let began = Instant::now();
    loop {
        match MemLog::open(&hosting.state_dir, identity, Trust::six_days()) {
            Err(baton_store::Error::Locked { .. }) if began.elapsed() < Duration::from_secs(5) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            other => return other,
        }
    }
}

fn open_store(hosting: &Hosting, consumer: Consumer, lane: i32) -> Result<MemLog, StoreError> {
    let identity = Identity {
        stage: consumer.to_string(),
        lane,
        application: format!("{}@{}", hosting.topology.prefix, hosting.cluster.bootstrap),
        changelog: hosting.changelog_ids.get(&consumer).cloned().unwrap_or_default(),
        format: STORE_FORMAT,
    };
    let (store, opened) = open_when_free(hosting, &identity).map_err(StoreError::from)?;
    match opened {
        Opened::Fresh => tracing::info!(%consumer, lane, "no local state; restoring from the changelog"),
        Opened::Loaded { .. } => tracing::info!(%consumer, lane, rows = store.len(), "local state loaded"),
        Opened::Wiped { cause } => tracing::warn!(%consumer, lane, %cause, "local state wiped; restoring"),
    }
    Ok(store)
}
