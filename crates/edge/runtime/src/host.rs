//! Runs workers, each on a thread of its own, until they are told to stop or cannot go on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use baton_engine::{Limits, Stats, Stop, Store, StoreError, Worker};
use baton_kafka::{Cluster, KafkaLog};
use baton_pipeline::{Consumer, NoRegistry, Pace, Schemas, Topology};
use baton_policy::Policy;
use baton_store::{Identity, MemLog, Opened, Trust};
use baton_wire::schemas;

use crate::health::{Board, Snapshot};
use crate::registry::Registry;

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
}

/// Why a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was told to.
    Asked,
    /// It cannot go on.
    Stopped(Stop),
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
        let consumer = self.consumer;
        self.thread.join().unwrap_or_else(|_| Exit::Stopped(Stop::Config(format!("{consumer} panicked"))))
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
    board: &Arc<Board>,
    stop: &Arc<AtomicBool>,
) -> std::io::Result<Running> {
    let (hosting, board, stop) = (hosting.clone(), Arc::clone(board), Arc::clone(stop));
    let thread = std::thread::Builder::new().name(format!("{consumer}-{worker}")).spawn(move || {
        match run(consumer, worker, &hosting, &board, &stop) {
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
    board: &Board,
    stop: &Arc<AtomicBool>,
) -> Result<(), Stop> {
    let spec = consumer.spec(&hosting.topology);
    let group = group_of(&hosting.topology, consumer);
    let instance = format!("{}.{number}", hosting.instance);
    let schemas = schemas_of(hosting)?;
    let processor = consumer.processor(&hosting.topology, &hosting.policy, &schemas, hosting.pace);
    let mut log =
        KafkaLog::open(&hosting.cluster, &spec, &group, &instance).map_err(|fault| Stop::Config(fault.to_string()))?;
    let open = |lane| open_store(hosting, consumer, lane);
    let mut worker = Worker::new(spec, hosting.limits, processor, open);
    let mut said_at = Instant::now().checked_sub(SAY_EVERY).unwrap_or_else(Instant::now);
    let mut before = Stats::default();
    while !stop.load(Ordering::Acquire) {
        worker.turn(&mut log)?;
        if let Some(fault) = worker.take_fault() {
            tracing::warn!(%consumer, %fault, "trying again");
        }
        if said_at.elapsed() >= SAY_EVERY {
            said_at = Instant::now();
            report_faults(consumer, before, worker.stats());
            before = worker.stats();
            say(consumer, number, &worker.stats(), worker.lanes(), board);
        }
    }
    tracing::info!(%consumer, "draining");
    worker.close(&mut log)
}

const SAY_EVERY: Duration = Duration::from_millis(250);

fn say(consumer: Consumer, worker: usize, stats: &Stats, lanes: Vec<baton_engine::LaneStatus>, board: &Board) {
    board.say(Snapshot { consumer, worker, at: Instant::now(), stats: *stats, lanes });
}

fn report_faults(consumer: Consumer, before: Stats, after: Stats) {
    if after.aborted > before.aborted {
        tracing::warn!(%consumer, transactions = after.aborted - before.aborted, "undone and done again");
    }
    if after.fenced > before.fenced && before.fenced > 0 {
        tracing::warn!(%consumer, "took up a new producer after a fault");
    }
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
