//! The accounts: does every total of every ledger agree with the others and with what is on the topics?
//!
//! Holds: true also of consumers at work. The ledgers are read before and after the topics are counted, and a
//! count must lie between; what is under way between two consumers is told as such and is no imbalance.
//!
//! Absent on purpose: content. A record altered in place balances; that is what the replay is for.

use std::collections::BTreeMap;

use baton_domain::Ledger;
use baton_engine::{Fault, StageSpec};
use baton_pipeline::{Cleanup, Codec, Consumer, Schemas, Topology};

use crate::tape::Cluster;

/// Two numbers that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// What the first number is.
    pub left: String,
    /// The first number.
    pub left_count: i64,
    /// What the second number is.
    pub right: String,
    /// The second number.
    pub right_count: i64,
}

/// Records that were written for a consumer and that it has not counted yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The topics it reads.
    pub topic: String,
    /// Who reads them.
    pub reader: String,
    /// How many.
    pub records: i64,
}

/// What the accounts come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Equations looked at.
    pub equations: usize,
    /// Those that do not hold.
    pub wrong: Vec<Imbalance>,
    /// What is under way.
    pub under_way: Vec<Lag>,
    /// Records consumed, by stage.
    pub consumed: Vec<(String, i64)>,
    /// Equations that cannot be looked at, and why.
    pub skipped: Vec<String>,
}

/// Ledgers and counts.
#[derive(Clone, Debug, Default)]
pub struct Account {
    before: Vec<Ledger>,
    after: Vec<Ledger>,
    /// News by topic and the stage that wrote it; a topic that has lost records is absent.
    counted: BTreeMap<(String, String), i64>,
    /// News that lies before what the reader has committed, by topic and reader.
    passed: BTreeMap<(String, String), i64>,
    skipped: Vec<String>,
}

impl Account {
    /// Reads the ledgers and counts the topics.
    pub fn take(
        cluster: &mut dyn Cluster,
        topology: &Topology,
        schemas: &std::rc::Rc<dyn Schemas>,
        heard: &mut dyn FnMut(&str, u64),
    ) -> Result<Self, Fault> {
        let specs = Consumer::ALL.map(|consumer| (consumer, consumer.spec(topology)));
        let mut committed = BTreeMap::new();
        for (consumer, spec) in &specs {
            for ((input, partition), offset) in cluster.committed(*consumer)? {
                if let Some(input) = spec.inputs.get(input) {
                    committed.insert((spec.name.clone(), input.topic.clone(), partition), offset);
                }
            }
        }
        let mut account = Self { before: ledgers(cluster, topology, schemas)?, ..Self::default() };
        let mut topics: BTreeMap<String, i32> = BTreeMap::new();
        for (_, spec) in &specs {
            topics.extend(spec.inputs.iter().map(|input| (input.topic.clone(), input.partitions)));
            topics.extend(spec.outputs.iter().cloned().chain([spec.dead_letters.clone()]));
        }
        let own = topology.topics();
        for (topic, partitions) in topics {
            let is_compacted = own.iter().any(|other| other.name == topic && other.cleanup == Cleanup::Compact);
            if is_compacted {
                account
                    .skipped
                    .push(format!("{topic}: the broker keeps the newest of each key, so it cannot be counted"));
                continue;
            }
            account.count(cluster, &specs.each_ref().map(|(_, spec)| spec), &topic, partitions, &committed, heard)?;
        }
        account.after = ledgers(cluster, topology, schemas)?;
        Ok(account)
    }

    fn count(
        &mut self,
        cluster: &mut dyn Cluster,
        specs: &[&StageSpec],
        topic: &str,
        partitions: i32,
        committed: &BTreeMap<(String, String, i32), i64>,
        heard: &mut dyn FnMut(&str, u64),
    ) -> Result<(), Fault> {
        let mut ends = Vec::new();
        for partition in 0..partitions {
            let bounds = cluster.bounds(topic, partition)?;
            if bounds.first > 0 {
                self.skipped.push(format!("{topic}: retention has removed records of partition {partition}"));
                return Ok(());
            }
            ends.push((partition, bounds.end));
        }
        let readers: Vec<&str> = specs
            .iter()
            .filter(|spec| spec.inputs.iter().any(|input| input.topic == topic))
            .map(|spec| spec.name.as_str())
            .collect();
        let writers: Vec<&str> = specs
            .iter()
            .filter(|spec| spec.dead_letters.0 == topic || spec.outputs.iter().any(|(name, _)| name == topic))
            .map(|spec| spec.name.as_str())
            .collect();
        for writer in &writers {
            self.counted.insert((topic.to_owned(), (*writer).to_owned()), 0);
        }
        let limits: BTreeMap<(&str, i32), i64> = readers
            .iter()
            .flat_map(|reader| ends.iter().map(move |(partition, _)| (*reader, *partition)))
            .map(|(reader, partition)| {
                let key = (reader.to_owned(), topic.to_owned(), partition);
                ((reader, partition), committed.get(&key).copied().unwrap_or(0))
            })
            .collect();
        let mut passed: BTreeMap<&str, i64> = readers.iter().map(|reader| (*reader, 0)).collect();
        let mut tape = cluster.read(topic, &ends)?;
        let mut read = 0_u64;
        for (partition, _) in &ends {
            while let Some(entry) = tape.next(*partition)? {
                read += 1;
                if read.is_multiple_of(10_000) {
                    heard(topic, read);
                }
                // Between consumers a record without a key is a tick; at a source it is an event.
                let is_source = writers.is_empty();
                let stage = entry.header("x-dlq-stage").filter(|_| specs.iter().all(|s| s.dead_letters.0 == topic));
                let stage = stage.or_else(|| entry.header("ce_source")?.strip_prefix("/baton/")?.split('/').next());
                if entry.key.is_none() && !is_source && stage.is_none() {
                    continue;
                }
                for reader in &readers {
                    if limits.get(&(*reader, *partition)).is_some_and(|limit| entry.offset < *limit)
                        && let Some(passed) = passed.get_mut(reader)
                    {
                        *passed += 1;
                    }
                }
                if !is_source {
                    let stage = stage.unwrap_or("somebody else").to_owned();
                    *self.counted.entry((topic.to_owned(), stage)).or_default() += 1;
                }
            }
        }
        self.passed.extend(passed.into_iter().map(|(reader, count)| ((topic.to_owned(), reader.to_owned()), count)));
        Ok(())
    }

    /// Looks at every equation.
    pub fn settle(&self, topology: &Topology) -> Balance {
        let specs = Consumer::ALL.map(|consumer| consumer.spec(topology));
        let mut balance = Balance { skipped: self.skipped.clone(), ..Balance::default() };
        for ledger in &self.after {
            let name = format!("{} lane {}", ledger.stage, ledger.stamp.lane);
            let outcomes: i64 = ledger.outcomes.iter().map(|count| count.count).sum();
            balance.check(
                outcomes == ledger.consumed,
                (format!("{name} consumed"), ledger.consumed),
                ("the sum of its outcomes".to_owned(), outcomes),
            );
        }
        for ((topic, stage), counted) in &self.counted {
            self.written(&mut balance, &specs, topic, stage, *counted);
        }
        for spec in &specs {
            self.read(&mut balance, &specs, spec);
            balance.consumed.push((spec.name.clone(), consumed(&self.after, &spec.name)));
        }
        balance
    }

    /// What a stage says it wrote on a topic is what is there.
    fn written(&self, balance: &mut Balance, specs: &[StageSpec], topic: &str, stage: &str, counted: i64) {
        let is_dead = specs.iter().any(|spec| spec.dead_letters.0 == topic);
        let says = |ledgers: &[Ledger]| if is_dead { dead(ledgers, stage) } else { produced(ledgers, stage, topic) };
        let (least, most) = (says(&self.before), says(&self.after));
        let said = if counted < least { least } else { most };
        balance.check(
            (least..=most).contains(&counted),
            (format!("{stage} says it wrote to {topic}"), said),
            (format!("its records on {topic}"), counted),
        );
    }

    /// A consumer has counted all it has passed, and no more than was written for it.
    fn read(&self, balance: &mut Balance, specs: &[StageSpec], reader: &StageSpec) {
        let name = reader.name.as_str();
        let topics: Vec<&str> = reader.inputs.iter().map(|input| input.topic.as_str()).collect();
        let about = topics.join(" and ");
        let counted = consumed(&self.before, name);
        let passed = topics.iter().map(|topic| self.passed.get(&((*topic).to_owned(), name.to_owned())));
        if let Some(passed) = passed.sum::<Option<i64>>() {
            balance.check(
                passed <= counted,
                (format!("{name} consumed"), counted),
                (format!("records that it has passed on {about}"), passed),
            );
        }
        if name == Consumer::Identify.as_str() {
            return;
        }
        let wrote = |topic: &&str| specs.iter().map(|spec| produced(&self.after, &spec.name, topic)).sum::<i64>();
        let written: i64 = topics.iter().map(wrote).sum();
        balance.check(
            counted <= written,
            (format!("{name} consumed"), counted),
            (format!("produced for it on {about}"), written),
        );
        if counted < written {
            balance.under_way.push(Lag { topic: about, reader: name.to_owned(), records: written - counted });
        }
    }
}

impl Balance {
    fn check(&mut self, holds: bool, left: (String, i64), right: (String, i64)) {
        self.equations += 1;
        if !holds {
            self.wrong.push(Imbalance { left: left.0, left_count: left.1, right: right.0, right_count: right.1 });
        }
    }
}

fn consumed(ledgers: &[Ledger], stage: &str) -> i64 {
    ledgers.iter().filter(|ledger| ledger.stage == stage).map(|ledger| ledger.consumed).sum()
}

fn produced(ledgers: &[Ledger], stage: &str, topic: &str) -> i64 {
    let counts = ledgers.iter().filter(|ledger| ledger.stage == stage).flat_map(|ledger| &ledger.produced);
    counts.filter(|count| count.name == topic).map(|count| count.count).sum()
}

fn dead(ledgers: &[Ledger], stage: &str) -> i64 {
    let counts = ledgers.iter().filter(|ledger| ledger.stage == stage).flat_map(|ledger| &ledger.outcomes);
    counts.filter(|count| count.name.starts_with("dlq_")).map(|count| count.count).sum()
}

/// The newest ledger of each stage and lane.
fn ledgers(
    cluster: &mut dyn Cluster,
    topology: &Topology,
    schemas: &std::rc::Rc<dyn Schemas>,
) -> Result<Vec<Ledger>, Fault> {
    let (topic, partitions) = Consumer::Identify.spec(topology).ledger;
    let mut codec = Codec::<Ledger>::new(schemas);
    let mut newest = BTreeMap::new();
    for partition in 0..partitions {
        let end = cluster.bounds(&topic, partition)?.end;
        let mut tape = cluster.read(&topic, &[(partition, end)])?;
        while let Some(entry) = tape.next(partition)? {
            newest.insert(entry.key, entry.value);
        }
    }
    let decoded = newest.into_values().flatten().filter_map(|value| codec.decode(&value).ok());
    Ok(decoded.collect())
}
