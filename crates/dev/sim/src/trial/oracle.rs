//! What must be true of a broker after everything, however it came about.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use baton_domain::{Ledger, LogTime};
use baton_pipeline::{Consumer, Topology};
use baton_wire::Decoder;

use super::disk::Rows;
use crate::OUTCOMES;
use crate::broker::{Body, Broker, Fate};
use crate::log::Record;

/// Told anew with every event, beside what [`OUTCOMES`] names.
const SCORE: &str = "lead.score";
const LEDGER: &str = "ledger.balance";

/// Key and value of every record, sorted.
type Pairs = Vec<(Option<Vec<u8>>, Option<Vec<u8>>)>;

/// What a run came to, whatever its batches were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    topics: BTreeMap<&'static str, Pairs>,
    /// The newest ledger of each lane, without its time: when a count was told depends on the batches.
    ledgers: BTreeMap<Vec<u8>, Ledger>,
}

impl Outcome {
    /// Takes it from wherever the records of a topic can be had.
    pub(super) fn of(mut records: impl FnMut(&str) -> Vec<Record>) -> Self {
        let topics = [SCORE].iter().chain(&OUTCOMES).map(|topic| {
            let mut pairs: Pairs = records(topic).into_iter().map(|record| (record.key, record.value)).collect();
            pairs.sort();
            (*topic, pairs)
        });
        let topics = topics.collect();
        let decoder = Decoder::<Ledger>::new();
        let ledgers = records(LEDGER).into_iter().filter_map(|record| {
            let mut ledger = decoder.decode(&record.value?).ok()?;
            ledger.stamp.at = LogTime(0);
            Some((record.key?, ledger))
        });
        Self { topics, ledgers: ledgers.collect() }
    }

    /// The topics that have nothing.
    pub(super) fn blanks(&self) -> Vec<&'static str> {
        self.topics.iter().filter(|(_, pairs)| pairs.is_empty()).map(|(topic, _)| *topic).collect()
    }

    /// Says how another outcome differs.
    pub(super) fn compare(&self, found: &Self) -> Result<(), String> {
        for (topic, expected) in &self.topics {
            let found = found.topics.get(topic).map_or(&[][..], Vec::as_slice);
            if found.len() != expected.len() {
                return Err(format!("{topic} has {} records instead of {}", found.len(), expected.len()));
            }
            if found != expected {
                return Err(format!("{topic} has other records"));
            }
        }
        if self.ledgers == found.ledgers {
            return Ok(());
        }
        let other = self.ledgers.iter().find(|(key, ledger)| found.ledgers.get(*key) != Some(*ledger));
        let found = other.and_then(|(key, _)| found.ledgers.get(key));
        Err(format!("the ledger differs: {other:?}, found {found:?}"))
    }

    /// Every consumer's counts add up, among themselves and with the next consumer's.
    pub(super) fn balance(&self, lines: usize) -> Result<(), String> {
        let consumed = |stage: &str| -> i64 {
            self.ledgers.values().filter(|ledger| ledger.stage == stage).map(|ledger| ledger.consumed).sum()
        };
        let made = |stage: &str, topic: &str| -> i64 {
            let of_stage = self.ledgers.values().filter(|ledger| ledger.stage == stage).flat_map(|l| &l.produced);
            of_stage.filter(|count| count.name == topic).map(|count| count.count).sum()
        };
        for ledger in self.ledgers.values() {
            let sum: i64 = ledger.outcomes.iter().map(|outcome| outcome.count).sum();
            if ledger.consumed != sum {
                return Err(format!("{}: {} taken in, {sum} accounted for", ledger.stage, ledger.consumed));
            }
        }
        let events = made("identify", "lead.events");
        let pairs = [
            ("lines", i64::try_from(lines).unwrap_or(0), consumed("identify")),
            ("events", events, consumed("aggregate")),
            ("aggregates", made("aggregate", "engagement.aggregate"), consumed("score")),
            ("requests", made("score", "assignment.requests") + made("identify", "roster.events"), consumed("route")),
            ("clocks", events + made("route", "sla.requests"), consumed("watch")),
        ];
        match pairs.iter().find(|(_, made, taken)| made != taken) {
            Some((what, made, taken)) => Err(format!("{made} {what} were made, {taken} were taken in")),
            None => Ok(()),
        }
    }
}

/// Offset and fingerprint of each record.
type Prints = Vec<(i64, u64)>;

/// A reader that looks on while it happens.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// By topic and partition: the position, and a fingerprint of the record at each offset.
    seen: BTreeMap<(String, i32), (i64, Prints)>,
}

impl Witness {
    /// Reads what is committed by now.
    pub(super) fn look(&mut self, broker: &Broker) {
        for (topic, is_compacted, number, log) in broker.partitions() {
            if is_compacted {
                continue;
            }
            let (position, seen) = self.seen.entry((topic.to_owned(), number)).or_default();
            *position = log.read(*position, |offset, record| {
                seen.push((offset, hash(record)));
                true
            });
        }
    }

    /// A reader that comes when all is over must find the very same.
    pub(super) fn compare(&mut self, broker: &Broker) -> Result<(), String> {
        self.look(broker);
        for (topic, is_compacted, number, log) in broker.partitions() {
            if is_compacted {
                continue;
            }
            let mut last = Prints::new();
            log.read(log.first(), |offset, record| {
                last.push((offset, hash(record)));
                true
            });
            let seen = self.seen.get(&(topic.to_owned(), number)).map_or(&[][..], |(_, seen)| seen);
            let kept = seen.partition_point(|(offset, _)| *offset < log.first());
            if seen[kept..] != last {
                return Err(format!("{topic}[{number}]: a reader on the way saw other records than one at the end"));
            }
        }
        Ok(())
    }
}

fn hash(record: &Record) -> u64 {
    let mut hasher = DefaultHasher::new();
    (record.appended, &record.key, &record.value, &record.headers).hash(&mut hasher);
    hasher.finish()
}

/// A fingerprint of all that is on the broker.
pub(super) fn fingerprint(broker: &Broker) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (topic, _, number, log) in broker.partitions() {
        (topic, number, log.end()).hash(&mut hasher);
        for entry in log.entries() {
            entry.offset.hash(&mut hasher);
            if let Body::Record { record, fate, .. } = &entry.body {
                (hash(record), *fate == Fate::Committed).hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

/// Each transaction, as its client meant it, is there as a whole or not at all, as its client was told.
pub(super) fn whole_or_nothing(broker: &Broker) -> Result<(), String> {
    for (topic, _, number, log) in broker.partitions() {
        if log.stable() < log.end() {
            return Err(format!("{topic}[{number}] ends in a transaction that is open for good"));
        }
    }
    for (serial, intent) in &broker.intents {
        if intent.landed != 0 && intent.landed != intent.records {
            return Err(format!("transaction {serial} is torn: {} of {} records", intent.landed, intent.records));
        }
        let expected = match intent.told {
            Some(true) => intent.records,
            Some(false) => 0,
            None => continue,
        };
        if intent.landed != expected {
            return Err(format!("transaction {serial}: its client was told otherwise ({:?})", intent.told));
        }
    }
    Ok(())
}

/// Every committed record of a topic, partition by partition.
pub(super) fn records(broker: &Broker, topic: &str) -> Vec<Record> {
    let numbers =
        (0..).take_while(|number| broker.topic(topic).is_some_and(|t| broker.partition((t, *number)).is_some()));
    numbers.flat_map(|number| broker.read(topic, number)).map(|(_, record)| record).collect()
}

/// What a lane's changelog comes to.
pub(super) fn fold(broker: &Broker, topic: &str, lane: i32) -> Rows {
    let mut rows = Rows::new();
    for (_, record) in broker.read(topic, lane) {
        let key = record.key.unwrap_or_default();
        match record.value {
            Some(value) => drop(rows.insert(key, value)),
            None => drop(rows.remove(&key)),
        }
    }
    rows
}

/// The first consumer that has not read everything there is, markers included.
pub(super) fn lag(broker: &Broker, topology: &Topology) -> Option<String> {
    for spec in Consumer::ALL.map(|consumer| consumer.spec(topology)) {
        for (input, number) in (0..spec.lanes()).flat_map(|lane| spec.parts_of(lane)) {
            let name = &spec.inputs.get(input)?.topic;
            let place = (broker.topic(name)?, number);
            let end = broker.partition(place)?.end();
            let committed = broker.committed(&spec.name, place, false).ok().flatten();
            if committed.unwrap_or(0) != end {
                return Some(format!("{} has read {name}[{number}] to {committed:?} of {end}", spec.name));
            }
        }
    }
    None
}
