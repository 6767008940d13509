//! The cluster, as far as `verify` and `reconcile` look at it: read only, in no group, committed records only.
//!
//! Holds: of each partition that is read, a bounded number of records waits in memory; a partition ends where it
//! ended when its bounds were asked for, markers included; a cluster that is silent for too long is a failure, never
//! an end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use baton_domain::Millis;
use baton_engine::{Fault, Part};
use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer as _};
use baton_kafka::rdkafka::error::KafkaError;
use baton_kafka::rdkafka::message::{BorrowedMessage, Headers, Message};
use baton_kafka::rdkafka::types::RDKafkaErrorCode as Code;
use baton_kafka::rdkafka::{Offset, TopicPartitionList};
use baton_pipeline::{Consumer, Topology};
use baton_runtime::group_of;
use baton_verify::{Bounds, Cluster, Entry, Tape};

use crate::Failure;
use crate::settings::Settings;

/// One question to the cluster.
const ASK: Duration = Duration::from_secs(10);
/// How long the cluster may be silent; longer than a transaction of a dead producer can hold records back.
const PATIENCE: Duration = Duration::from_mins(1);
/// Records of one partition that wait while another is read.
const WAITING: usize = 1_000;

/// Readers to be used again.
type Spare = Rc<RefCell<Vec<BaseConsumer>>>;

/// A cluster.
pub(crate) struct Kafka {
    settings: Settings,
    topology: Topology,
    probe: BaseConsumer,
    /// Readers that have nothing to read: to connect takes longer than to read a small partition.
    spare: Spare,
    groups: BTreeMap<Consumer, BaseConsumer>,
}

impl Kafka {
    pub(crate) fn open(settings: &Settings, topology: &Topology) -> Result<Self, Failure> {
        let open = |group: &str| client(settings, group).map_err(|error| Failure::config(error.to_string()));
        let probe = open(&format!("{}baton.verify", settings.topology.prefix))?;
        let mut groups = BTreeMap::new();
        for consumer in Consumer::ALL {
            groups.insert(consumer, open(&group_of(topology, consumer))?);
        }
        Ok(Self { settings: settings.clone(), topology: topology.clone(), probe, spare: Spare::default(), groups })
    }
}

/// A reader; as one of a consumer's group it only asks what the group has committed.
fn client(settings: &Settings, group: &str) -> Result<BaseConsumer, KafkaError> {
    let mut config = settings.cluster.tool();
    let own = [
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        // Also makes the broker wait with committed offsets until open transactions are decided.
        ("isolation.level", "read_committed"),
        ("enable.partition.eof", "true"),
        ("auto.offset.reset", "earliest"),
        ("fetch.wait.max.ms", "50"),
        ("fetch.queue.backoff.ms", "5"),
        ("queued.max.messages.kbytes", "4096"),
    ];
    for (name, value) in own {
        config.set(name, value);
    }
    config.create()
}

/// Asks until there is an answer or patience is at its end.
fn ask<T>(what: &str, mut question: impl FnMut() -> Result<T, KafkaError>) -> Result<T, Fault> {
    let began = Instant::now();
    loop {
        match question() {
            Ok(answer) => return Ok(answer),
            Err(error) if began.elapsed() > PATIENCE => return Err(Fault::Fatal(format!("{what}: {error}"))),
            Err(error) if is_final(&error) => return Err(Fault::Config(format!("{what}: {error}"))),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn is_final(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::UnknownTopic
                | Code::UnknownPartition
                | Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
        )
    )
}

impl Cluster for Kafka {
    fn committed(&mut self, consumer: Consumer) -> Result<BTreeMap<Part, i64>, Fault> {
        let Some(group) = self.groups.get(&consumer) else { return Ok(BTreeMap::new()) };
        let spec = consumer.spec(&self.topology);
        let list = || {
            let mut list = TopicPartitionList::new();
            for input in &spec.inputs {
                list.add_partition_range(&input.topic, 0, input.partitions - 1);
            }
            list
        };
        let what = format!("the offsets of {}", group_of(&self.topology, consumer));
        let answer = ask(&what, || group.committed_offsets(list(), ASK))?;
        let mut committed = BTreeMap::new();
        for element in answer.elements() {
            let input = spec.inputs.iter().position(|input| input.topic == element.topic());
            if let (Some(input), Offset::Offset(offset)) = (input, element.offset()) {
                committed.insert((input, element.partition()), offset);
            }
        }
        Ok(committed)
    }

    fn bounds(&mut self, topic: &str, partition: i32) -> Result<Bounds, Fault> {
        let what = format!("{topic}[{partition}]");
        let (first, end) = ask(&what, || self.probe.fetch_watermarks(topic, partition, ASK))?;
        Ok(Bounds { first, end })
    }

    fn read(&mut self, topic: &str, ends: &[(i32, i64)]) -> Result<Box<dyn Tape>, Fault> {
        Ok(Box::new(Reel::open(&self.settings, &self.spare, topic, ends)?))
    }
}

/// Partitions of one topic.
struct Reel {
    /// `None` where there is nothing to read.
    consumer: Option<BaseConsumer>,
    spare: Spare,
    topic: String,
    ends: BTreeMap<i32, i64>,
    /// Partitions that have more to give.
    open: BTreeSet<i32>,
    waiting: BTreeMap<i32, VecDeque<Entry>>,
    held: BTreeSet<i32>,
}

impl Reel {
    fn open(settings: &Settings, spare: &Spare, topic: &str, ends: &[(i32, i64)]) -> Result<Self, Fault> {
        let failed = |error: KafkaError| Fault::Config(format!("{topic}: {error}"));
        let open: BTreeSet<i32> = ends.iter().filter(|(_, end)| *end > 0).map(|(partition, _)| *partition).collect();
        let mut reel = Self {
            consumer: None,
            spare: Rc::clone(spare),
            topic: topic.to_owned(),
            ends: ends.iter().copied().collect(),
            open,
            waiting: BTreeMap::new(),
            held: BTreeSet::new(),
        };
        if reel.open.is_empty() {
            return Ok(reel);
        }
        let left = spare.borrow_mut().pop();
        let consumer = match left {
            Some(consumer) => consumer,
            None => client(settings, &format!("{}baton.verify", settings.topology.prefix)).map_err(failed)?,
        };
        let mut list = TopicPartitionList::new();
        for partition in &reel.open {
            list.add_partition_offset(topic, *partition, Offset::Beginning).map_err(failed)?;
        }
        consumer.assign(&list).map_err(failed)?;
        reel.consumer = Some(consumer);
        Ok(reel)
    }

    fn hold(&mut self, partition: i32, hold: bool) -> Result<(), Fault> {
        let Some(consumer) = &self.consumer else { return Ok(()) };
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, partition);
        let done = if hold { consumer.pause(&list) } else { consumer.resume(&list) };
        done.map_err(|error| Fault::Fatal(format!("{}[{partition}]: {error}", self.topic)))?;
        if hold {
            self.held.insert(partition);
        } else {
            self.held.remove(&partition);
        }
        Ok(())
    }

    /// Takes in one record or end.
    fn take_in(&mut self, heard: &mut Instant) -> Result<(), Fault> {
        let Some(consumer) = &self.consumer else { return Ok(()) };
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                *heard = Instant::now();
                let partition = message.partition();
                let end = self.ends.get(&partition).copied().unwrap_or(0);
                if message.offset() >= end {
                    self.open.remove(&partition);
                } else {
                    let entry = entry(&message);
                    if entry.offset + 1 >= end {
                        self.open.remove(&partition);
                    }
                    self.waiting.entry(partition).or_default().push_back(entry);
                }
                drop(message);
                let waits = self.waiting.get(&partition).map_or(0, VecDeque::len);
                if (waits >= WAITING || !self.open.contains(&partition)) && !self.held.contains(&partition) {
                    self.hold(partition, true)?;
                }
                Ok(())
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                *heard = Instant::now();
                self.open.remove(&partition);
                Ok(())
            }
            Some(Err(error)) if is_final(&error) => Err(Fault::Config(format!("{}: {error}", self.topic))),
            Some(Err(_)) | None if heard.elapsed() < PATIENCE => Ok(()),
            Some(Err(error)) => Err(Fault::Fatal(format!("{}: {error}", self.topic))),
            None => Err(Fault::Fatal(format!("{}: nothing heard for {} s", self.topic, PATIENCE.as_secs()))),
        }
    }
}

/// What it was reading with may read another topic.
impl Drop for Reel {
    fn drop(&mut self) {
        // A partition that is held would still be when it is assigned again.
        for partition in self.held.clone() {
            if self.hold(partition, false).is_err() {
                return;
            }
        }
        if let Some(consumer) = self.consumer.take()
            && consumer.unassign().is_ok()
        {
            self.spare.borrow_mut().push(consumer);
        }
    }
}

impl Tape for Reel {
    fn next(&mut self, partition: i32) -> Result<Option<Entry>, Fault> {
        let mut heard = Instant::now();
        loop {
            if let Some(entry) = self.waiting.get_mut(&partition).and_then(VecDeque::pop_front) {
                return Ok(Some(entry));
            }
            if !self.open.contains(&partition) {
                return Ok(None);
            }
            if self.held.contains(&partition) {
                self.hold(partition, false)?;
            }
            self.take_in(&mut heard)?;
        }
    }
}

fn entry(message: &BorrowedMessage<'_>) -> Entry {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        let pairs = headers.iter().map(|header| (header.key.as_bytes().to_vec(), header.value.map(<[u8]>::to_vec)));
        pairs.collect()
    });
    Entry {
        offset: message.offset(),
        appended: Millis(message.timestamp().to_millis().unwrap_or(0)),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}
