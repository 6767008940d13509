//! A model of the broker that is faithful where it hurts: markers, open transactions, epochs, the
//! group's generations, requests that arrive late, compaction, a clock that stalls and jumps.
//!
//! It speaks transactions V1, like librdkafka: an epoch lasts over many transactions, so that a late
//! request of one can hit the next. Exact in what a client can see, not in how it comes about.
//!
//! Holds: the same calls in the same order, under the same die, give the same log.
//!
//! Absent on purpose: replication and loss of acknowledged records, the wire format, time of its own.

mod group;
mod partition;
mod transactions;

use std::collections::BTreeMap;

use baton_domain::Millis;

pub(crate) use group::{Change, Group, Place, Stranger};
pub(crate) use partition::{Body, Fate, Partition};
pub(crate) use transactions::{Batch, Holder, Refusal, Request};

use crate::client::Intent;
use crate::dice::Dice;
use crate::log::Record;
use crate::trace::Trace;

use transactions::Transaction;

/// A topic, and whether it is compacted.
#[derive(Debug)]
struct Topic {
    name: String,
    is_compacted: bool,
    partitions: Vec<Partition>,
}

/// The broker, and what every client of it shares.
#[derive(Debug)]
pub struct Broker {
    now: i64,
    /// Added to the time in records: the append clock may stall and jump.
    skew: i64,
    topics: Vec<Topic>,
    names: BTreeMap<String, usize>,
    transactions: BTreeMap<String, Transaction>,
    groups: BTreeMap<String, Group>,
    /// Requests under way that their client has given up, by arrival.
    flight: Vec<(i64, Request)>,
    dice: Dice,
    ids: u64,
    /// No request is answered before then.
    down_until: i64,
    /// Markers are written at once; nothing moves without cause.
    is_calm: bool,
    /// What clients mean to write, by their count of transactions.
    pub(crate) intents: BTreeMap<u64, Intent>,
    pub(crate) trace: Trace,
}

impl Broker {
    /// An empty broker at this host time; `seed` decides how long its markers take.
    pub fn new(now: Millis, seed: u64) -> Self {
        Self {
            now: now.0,
            skew: 0,
            topics: Vec::new(),
            names: BTreeMap::new(),
            transactions: BTreeMap::new(),
            groups: BTreeMap::new(),
            flight: Vec::new(),
            dice: Dice::new(seed),
            ids: 0,
            down_until: i64::MIN,
            is_calm: false,
            intents: BTreeMap::new(),
            trace: Trace::default(),
        }
    }

    /// Makes a topic.
    pub fn create(&mut self, name: &str, partitions: i32, is_compacted: bool) {
        let partitions = (0..partitions).map(|_| Partition::default()).collect();
        self.names.insert(name.to_owned(), self.topics.len());
        self.topics.push(Topic { name: name.to_owned(), is_compacted, partitions });
    }

    /// Appends a record outside of any transaction. Returns whether there is such a partition.
    pub fn append(&mut self, topic: &str, partition: i32, record: Record) -> bool {
        let stamp = Millis(self.now + self.skew);
        let Some(place) = self.topic(topic).map(|topic| (topic, partition)) else { return false };
        self.partition_mut(place).map(|log| log.append(record, stamp, None)).is_some()
    }

    /// The committed records of a partition with their offsets, as a new reader finds them.
    pub fn read(&self, topic: &str, partition: i32) -> Vec<(i64, Record)> {
        let mut all = Vec::new();
        if let Some(log) = self.topic(topic).and_then(|topic| self.partition((topic, partition))) {
            log.read(log.first(), |offset, record| {
                all.push((offset, record.clone()));
                true
            });
        }
        all
    }

    /// The high watermark of a partition.
    pub fn end(&self, topic: &str, partition: i32) -> i64 {
        self.topic(topic).and_then(|topic| self.partition((topic, partition))).map_or(0, Partition::end)
    }

    /// Host time.
    pub fn now(&self) -> Millis {
        Millis(self.now)
    }

    /// Lets time pass: requests arrive, markers are written, transactions and sessions time out.
    pub fn pass(&mut self, ms: i64) {
        self.now += ms;
        while let Some(index) = self.flight.iter().position(|(due, _)| *due <= self.now) {
            let (_, request) = self.flight.remove(index);
            self.arrive(request);
        }
        self.sweep();
        let Self { now, groups, dice, trace, .. } = self;
        for group in groups.values_mut() {
            for _ in 0..group.settle(*now, dice) {
                trace.saw("a member was struck off");
            }
        }
    }

    /// Lets go of what is before `offset`, as retention does.
    pub fn retain_from(&mut self, topic: &str, partition: i32, offset: i64) {
        if let Some(topic) = self.topic(topic)
            && let Some(log) = self.partition_mut((topic, partition))
        {
            log.cut(offset);
        }
    }

    /// Compacts a topic below `bound`; tombstones older than `expiry_ms` go too.
    pub fn compact(&mut self, topic: &str, bound: i64, expiry_ms: i64) {
        let expiry = Millis(self.now + self.skew.min(0) - expiry_ms);
        let Some(topic) = self.topic(topic).and_then(|topic| self.topics.get_mut(topic)) else { return };
        for partition in &mut topic.partitions {
            for _ in 0..partition.compact(bound, expiry) {
                self.trace.saw("a tombstone expired");
            }
        }
    }

    pub(crate) fn topic(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    pub(crate) fn partition(&self, (topic, partition): Place) -> Option<&Partition> {
        self.topics.get(topic)?.partitions.get(usize::try_from(partition).ok()?)
    }

    fn partition_mut(&mut self, (topic, partition): Place) -> Option<&mut Partition> {
        self.topics.get_mut(topic)?.partitions.get_mut(usize::try_from(partition).ok()?)
    }

    /// Every partition: topic, whether it is compacted, number, log.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = (&str, bool, i32, &Partition)> {
        self.topics.iter().flat_map(|topic| {
            topic.partitions.iter().zip(0..).map(|(log, number)| (topic.name.as_str(), topic.is_compacted, number, log))
        })
    }

    /// A group; `lanes` are shared out among its members.
    pub(crate) fn group(&mut self, name: &str, lanes: i32) -> &mut Group {
        if !self.groups.contains_key(name) {
            self.groups.insert(name.to_owned(), Group::new(lanes));
        }
        self.groups.entry(name.to_owned()).or_default()
    }

    pub(crate) fn groups(&mut self) -> impl Iterator<Item = &mut Group> {
        self.groups.values_mut()
    }

    /// The committed offset; `Err` while an open transaction could still change it.
    pub(crate) fn committed(&self, group: &str, place: Place, is_stable: bool) -> Result<Option<i64>, Refusal> {
        let Some(group) = self.groups.get(group) else { return Ok(None) };
        if is_stable && group.pending.values().any(|offsets| offsets.contains_key(&place)) {
            return Err(Refusal::Unstable);
        }
        Ok(group.committed.get(&place).copied())
    }

    /// Who holds a transactional id.
    pub(crate) fn holder(&self, id: &str) -> Option<Holder> {
        self.transactions.get(id).map(Transaction::holder)
    }

    /// A number that nobody had before.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub(crate) fn is_down(&self) -> bool {
        self.now < self.down_until
    }

    /// Stops answering for a while; what was under way is lost with the connections.
    pub(crate) fn bounce(&mut self, ms: i64) {
        self.down_until = self.now + ms;
        self.flight.clear();
        self.trace.saw("the broker was away");
    }

    /// Lets the append clock run ahead or back.
    pub(crate) fn skew(&mut self, ms: i64) {
        self.skew += ms;
    }

    /// A request that its client has given up goes on its way.
    pub(crate) fn delay(&mut self, ms: i64, request: Request) {
        self.flight.push((self.now + ms, request));
    }

    /// The end of all faults: what is under way arrives now.
    pub(crate) fn calm(&mut self) {
        self.is_calm = true;
        self.down_until = i64::MIN;
        for (_, request) in std::mem::take(&mut self.flight) {
            self.arrive(request);
        }
    }
}
