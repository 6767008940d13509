//! A copying stage on a broker behind a proxy: the engine and `KafkaLog`, and an exact oracle.
//!
//! Each input record `n` becomes one output that names it and how many its lane copied before. So
//! the outputs must be the inputs in order, numbered without a gap: a lost, repeated, torn or
//! reordered one shows.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use baton_domain::{Ledger, LogTime, Stamp};
use baton_engine::{
    Ctx, Emit, Incoming, InputSpec, Limits, MemStore, Order, Processor, Spread, StageSpec, Stamped, StoreError, Worker,
};
use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use baton_kafka::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use baton_kafka::rdkafka::{ClientConfig, Offset, TopicPartitionList};
use baton_kafka::{Admin, Cluster, KafkaLog, TopicConfig};
use baton_proxy::Proxy;

use crate::harness::read_topic;

/// One proxy at a time: the broker advertises one address.
static DOOR: Mutex<()> = Mutex::new(());

pub(crate) const LANES: i32 = 2;
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A broker behind a proxy, with topics of one's own.
pub(crate) struct Rig {
    pub(crate) proxy: Proxy,
    pub(crate) direct: String,
    pub(crate) prefix: String,
    _alone: MutexGuard<'static, ()>,
}

/// A stage on a rig.
pub(crate) type Copier = Worker<Copying, MemStore, fn(i32) -> Result<MemStore, StoreError>>;

/// The rig, or `None` with a line that says why the test is skipped.
pub(crate) fn rig(name: &str) -> Option<Rig> {
    let rig = rig_bare(name)?;
    rig.create(&["in", "out", "state", "ledger", "dlq"]);
    Some(rig)
}

/// The same without topics.
pub(crate) fn rig_bare(name: &str) -> Option<Rig> {
    let (Ok(direct), Ok(door)) = (std::env::var("BATON_TEST_BOOTSTRAP"), std::env::var("BATON_TEST_PROXY")) else {
        assert!(
            std::env::var("E2E_REQUIRED").is_err() || std::env::var("KAFKA_BOOTSTRAP").is_ok(),
            "BATON_TEST_BOOTSTRAP and BATON_TEST_PROXY must name a broker and its door"
        );
        eprintln!("skipped: no broker with a door for a proxy; run `make broker-test`");
        return None;
    };
    let alone = DOOR.lock().unwrap_or_else(PoisonError::into_inner);
    let (listen, broker) = door.split_once(' ').expect("two addresses");
    let proxy = Proxy::start(listen, broker).unwrap();
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    Some(Rig { proxy, direct, prefix: format!("{name}-{nanos}."), _alone: alone })
}

impl Rig {
    /// The cluster as seen through the proxy.
    pub(crate) fn cluster(&self) -> Cluster {
        Cluster { bootstrap: self.proxy.address().to_string(), properties: BTreeMap::new() }
    }

    /// A plain client that the proxy does not touch.
    pub(crate) fn onlooker(&self) -> ClientConfig {
        Cluster { bootstrap: self.direct.clone(), properties: BTreeMap::new() }.tool()
    }

    pub(crate) fn admin(&self) -> Admin {
        Admin::new(&Cluster { bootstrap: self.direct.clone(), properties: BTreeMap::new() }).unwrap()
    }

    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn create(&self, names: &[&str]) {
        let topics: Vec<_> = names
            .iter()
            .map(|name| TopicConfig { name: self.topic(name), partitions: LANES, settings: BTreeMap::new() })
            .collect();
        block_on(self.admin().create(&topics, 1)).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !topics.iter().all(|topic| self.admin().topics().unwrap().get(&topic.name) == Some(&LANES)) {
            assert!(Instant::now() < deadline, "the topics do not appear");
        }
    }

    pub(crate) fn delete(&self, names: &[&str]) {
        let names: Vec<_> = names.iter().map(|name| self.topic(name)).collect();
        block_on(self.admin().delete(&names)).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while names.iter().any(|name| self.admin().topics().unwrap().contains_key(name)) {
            assert!(Instant::now() < deadline, "the topics do not go");
        }
    }

    pub(crate) fn spec(&self) -> StageSpec {
        StageSpec {
            name: "copy".to_owned(),
            inputs: vec![InputSpec {
                topic: self.topic("in"),
                partitions: LANES,
                spread: Spread::Own,
                order: Order::Arrival,
            }],
            outputs: vec![(self.topic("out"), LANES)],
            changelog: self.topic("state"),
            ledger: (self.topic("ledger"), LANES),
            dead_letters: (self.topic("dlq"), LANES),
        }
    }

    pub(crate) fn group(&self) -> String {
        self.topic("copy")
    }

    pub(crate) fn open(&self, instance: &str) -> KafkaLog {
        KafkaLog::open(&self.cluster(), &self.spec(), &self.group(), instance).unwrap()
    }

    /// A worker that commits every record by itself: as many transactions as there can be.
    pub(crate) fn copier(&self) -> Copier {
        let limits = Limits { records: 1, idle_ms: 20, ..Limits::default() };
        Worker::new(self.spec(), limits, Copying, |_| Ok(MemStore::default()))
    }

    /// Sends records `from..to` to each lane.
    pub(crate) fn feed(&self, from: usize, to: usize) {
        let producer: BaseProducer = self.onlooker().set("acks", "all").create().unwrap();
        let topic = self.topic("in");
        for number in from..to {
            let text = number.to_string();
            for lane in 0..LANES {
                producer.send(BaseRecord::to(&topic).partition(lane).key(&text).payload(&text)).unwrap();
            }
        }
        producer.flush(PATIENCE).unwrap();
    }

    fn read_only(&self, topic: &str) -> Vec<Vec<u8>> {
        read_topic(&self.direct, &self.topic(topic), false).into_iter().map(|record| record.value).collect()
    }

    /// The whole of the promise: each input once, in order; positions at the end.
    pub(crate) fn assert_exact(&self, records: usize) {
        for lane in 0..LANES {
            let wanted: Vec<_> = (0..records).map(|n| format!("{lane}:{n}:{}", n + 1)).collect();
            let mut found: Vec<String> =
                self.read_only("out").into_iter().map(|value| String::from_utf8(value).unwrap()).collect();
            found.retain(|value| value.starts_with(&format!("{lane}:")));
            assert_eq!(found, wanted, "outputs of lane {lane}");
            assert_eq!(self.committed(lane), i64::try_from(records).unwrap(), "position of lane {lane}");
        }
    }

    /// The group's committed offset.
    pub(crate) fn committed(&self, lane: i32) -> i64 {
        let reader: BaseConsumer = self.onlooker().set("group.id", self.group()).create().unwrap();
        let mut parts = TopicPartitionList::new();
        parts.add_partition_offset(&self.topic("in"), lane, Offset::Invalid).unwrap();
        let committed = reader.committed_offsets(parts, PATIENCE).unwrap();
        committed.elements()[0].offset().to_raw().unwrap_or(-1)
    }
}

/// Turns the worker until each lane has committed `records` inputs, or fails after a minute.
pub(crate) fn copy(worker: &mut Copier, log: &mut KafkaLog, records: usize) {
    let deadline = Instant::now() + PATIENCE;
    let wanted = i64::try_from(records).unwrap();
    let is_done = |worker: &Copier| {
        let lanes = worker.lanes();
        lanes.len() == 2
            && lanes.iter().all(|lane| lane.offsets.values().all(|at| *at >= wanted) && lane.restoring.is_none())
    };
    while !is_done(worker) {
        worker.turn(log).unwrap();
        assert!(Instant::now() < deadline, "not copied within a minute: {:?} {:?}", worker.stats(), worker.lanes());
    }
    // What would be too much must have the time to show.
    for _ in 0..20 {
        worker.turn(log).unwrap();
    }
}

/// Copies.
pub(crate) struct Copying;

impl Processor for Copying {
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped {
        Stamped::At(Stamp { at: LogTime(now.0.max(0) + 1), lane: record.partition })
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let copied: u64 = ctx.get(b"copied").map_or(0, |row| String::from_utf8_lossy(row).parse().unwrap()) + 1;
        ctx.put(b"copied", copied.to_string().as_bytes(), None);
        let number = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
        let value = format!("{}:{number}:{copied}", ctx.lane());
        let (topic, partition) = (0, ctx.lane());
        ctx.emit(Emit { topic, partition, key: record.key, value: value.as_bytes(), headers: &[] });
        ctx.count("copied");
        at
    }

    fn wake(&mut self, _: &[u8], _: LogTime, _: &mut Ctx<'_>) {}

    fn tell_time(&mut self, _: LogTime, _: &mut Ctx<'_>) {}

    fn encode_ledger(&mut self, _: &Ledger) -> Vec<u8> {
        b"ledger".to_vec()
    }
}

/// The admin client is asynchronous; a test is not.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
