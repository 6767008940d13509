//! The sample, run over a log in memory that is kept whole, and that log as something to verify.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{Millis, PolicyPublished};
use baton_engine::{Fault, Limits, Part, TRACEPARENT, TraceContext};
use baton_pipeline::{Codec, Consumer, NoRegistry, Schemas, Topology, checksum};
use baton_policy::Policy;
use baton_sim::{Headers, Pipeline, Record, Setup, Shared};
use baton_verify::{Account, Balance, Bounds, Cluster, Difference, Entry, Receipts, StageReport, Tape, Verifier};

/// After every event of the sample.
const NOW: Millis = Millis(1_800_000_000_000);

/// A pipeline that has run, and all that it left.
pub(crate) struct Ran {
    pub(crate) shared: Rc<RefCell<Shared>>,
    topology: Topology,
    policy: Arc<Policy>,
}

/// One source topic for all lines.
pub(crate) fn one(_: &str) -> &'static str {
    "engagement.raw"
}

/// Three source topics, as they come.
pub(crate) fn three(line: &str) -> &'static str {
    match line {
        line if line.contains(r#""type":"crm""#) => "crm.activity",
        line if line.contains(r#""type":"consent""#) => "consent.events",
        _ => "engagement.raw",
    }
}

/// Runs `given` through a pipeline of `lanes`, fed in chunks, each consumer `turns` turns at a time.
pub(crate) fn run(given: &[String], source: impl Fn(&str) -> &'static str, lanes: i32, chunk: usize) -> Ran {
    run_in_chunks(given, source, lanes, chunk, |_, _| {})
}

/// The same with three policies: two published at the start for instants to come, one in the midst and at once.
pub(crate) fn run_with_policies(
    given: &[String],
    source: impl Fn(&str) -> &'static str,
    lanes: i32,
    chunk: usize,
) -> Ran {
    let day = |number: i64| baton_workload::START.plus(number * Millis::DAY);
    let last = given.len().div_ceil(chunk) - 1;
    run_in_chunks(given, source, lanes, chunk, |pipeline, number| {
        if number == 0 {
            publish(pipeline, 2, day(2));
            publish(pipeline, 3, day(4));
        }
        if number == last {
            publish(pipeline, 4, if last == 0 { day(6) } else { Millis(0) });
        }
    })
}

/// The same with a roster: in each chunk a rep leaves or comes back, and something is told that cannot be used.
pub(crate) fn run_with_roster(
    given: &[String],
    source: impl Fn(&str) -> &'static str,
    lanes: i32,
    chunk: usize,
) -> Ran {
    run_in_chunks(given, source, lanes, chunk, |pipeline, number| {
        let status = if number.is_multiple_of(2) { "away" } else { "active" };
        for (rep, more) in [("jonas.weber", ""), ("nobody.known", r#", "pools": ["nowhere"]"#)] {
            let at = baton_workload::START.plus(i64::try_from(number).unwrap() * 12 * Millis::HOUR).0;
            let told = format!(r#"{{"rep": "{rep}", "status": "{status}", "updated_at": {at}{more}}}"#);
            pipeline.feed_to("reps.state", told.as_bytes());
        }
    })
}

/// The same with a trace that the source began, of every line of the first half.
pub(crate) fn run_traced(given: &[String], lanes: i32, chunk: usize) -> Ran {
    let (traced, rest) = given.split_at(given.len() / 2);
    run_in_chunks(rest, one, lanes, chunk, |pipeline, number| {
        for (number, line) in traced.iter().enumerate().filter(|_| number == 0) {
            let trace = TraceContext { trace_id: 0x1000 + number as u128, span_id: 7, flags: 1 };
            let headers = Headers::of(&vec![(TRACEPARENT.into(), Some(trace.text().into()))]);
            let record = Record { appended: NOW, key: None, value: Some(line.clone().into()), headers };
            pipeline.shared().borrow_mut().append("engagement.raw", 0, record);
        }
    })
}

fn publish(pipeline: &mut Pipeline, version: i64, effective_at: Millis) {
    let document = baton_policy::STARTER.replacen("version: 1", &format!("version: {version}"), 1);
    let checksum = checksum(&document);
    let published =
        PolicyPublished { name: "starter".into(), version, author: "kim".into(), effective_at, document, checksum };
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    pipeline.feed_to("policy", &Codec::<PolicyPublished>::new(&schemas).bytes(&published));
}

fn run_in_chunks(
    given: &[String],
    source: impl Fn(&str) -> &'static str,
    lanes: i32,
    chunk: usize,
    before: impl Fn(&mut Pipeline, usize),
) -> Ran {
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let topology = Topology::new("", lanes);
    let mut shared = Shared::at(NOW);
    shared.keep_changelogs = true;
    let mut pipeline = Pipeline::over(&topology, &policy, shared, Setup::default());
    for (number, part) in given.chunks(chunk).enumerate() {
        before(&mut pipeline, number);
        for line in part {
            pipeline.feed_to(source(line), line.as_bytes());
        }
        settle(&mut pipeline);
    }
    Ran { shared: pipeline.shared(), topology, policy }
}

/// A pipeline stopped amid its work, after so many turns of its consumers, in bounded transactions.
pub(crate) fn run_partly(given: &[String], source: impl Fn(&str) -> &'static str, lanes: i32, turns: usize) -> Ran {
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let topology = Topology::new("", lanes);
    let mut shared = Shared::at(NOW);
    shared.keep_changelogs = true;
    let limits = Limits { records: 40, wakes: 5, ..Limits::default() };
    let mut pipeline = Pipeline::over(&topology, &policy, shared, Setup { limits, ..Setup::default() });
    for line in given {
        pipeline.feed_to(source(line), line.as_bytes());
    }
    for turn in 0..turns {
        // The first is the quickest, the last the slowest.
        pipeline.turn([0, 1, 0, 2, 1, 3, 0, 2, 4][turn % 9]).unwrap();
    }
    Ran { shared: pipeline.shared(), topology, policy }
}

/// Like [`Pipeline::settle`], which lets go of what was consumed.
fn settle(pipeline: &mut Pipeline) {
    loop {
        let mut idle = true;
        for consumer in 0..Consumer::ALL.len() {
            while !pipeline.turn(consumer).unwrap() {
                idle = false;
            }
        }
        if idle {
            return;
        }
    }
}

impl Ran {
    pub(crate) fn verify_one(&self, consumer: Consumer) -> StageReport {
        let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
        let verifier =
            Verifier { topology: self.topology.clone(), policy: Arc::clone(&self.policy), schemas, is_clocked: false };
        verifier.stage(&mut self.cluster(), consumer, &mut |_, _| {}).unwrap()
    }

    /// Every score, worked out again.
    pub(crate) fn receipts(&self) -> Receipts {
        let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
        let verifier =
            Verifier { topology: self.topology.clone(), policy: Arc::clone(&self.policy), schemas, is_clocked: false };
        verifier.receipts(&mut self.cluster(), &mut |_, _| {}).unwrap()
    }

    /// Every difference of every consumer.
    pub(crate) fn differences(&self) -> Vec<Difference> {
        Consumer::ALL.into_iter().flat_map(|consumer| self.verify_one(consumer).differences).collect()
    }

    pub(crate) fn reconcile(&self) -> Balance {
        let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
        let account = Account::take(&mut self.cluster(), &self.topology, &schemas, &mut |_, _| {}).unwrap();
        account.settle(&self.topology)
    }

    /// How often a consumer has counted an outcome.
    pub(crate) fn counted(&self, consumer: Consumer, outcome: &str) -> i64 {
        let (topic, partitions) = consumer.spec(&self.topology).ledger;
        let decoder = baton_wire::Decoder::<baton_domain::Ledger>::new();
        let mut newest = BTreeMap::new();
        let mut shared = self.shared.borrow_mut();
        for record in (0..partitions).flat_map(|number| shared.records(&topic, number).clone()) {
            newest.insert(record.key, record.value.unwrap_or_default());
        }
        let ledgers = newest.into_values().map(|value| decoder.decode(&value).unwrap());
        let of_stage = ledgers.filter(|ledger| ledger.stage == consumer.as_str());
        of_stage.flat_map(|ledger| ledger.outcomes).filter(|count| count.name == outcome).map(|count| count.count).sum()
    }

    fn cluster(&self) -> Memory {
        Memory { shared: Rc::clone(&self.shared), topology: self.topology.clone() }
    }

    /// The first place of a topic that holds a record with a key.
    pub(crate) fn place(&self, topic: &str, nth: usize) -> (i32, usize) {
        let mut shared = self.shared.borrow_mut();
        for partition in 0..self.topology.lanes {
            let records = shared.records(topic, partition);
            let found = records.iter().enumerate().filter(|(_, record)| record.key.is_some()).nth(nth);
            if let Some((index, _)) = found {
                return (partition, index);
            }
        }
        panic!("{topic} holds no {nth} records in any partition");
    }
}

struct Memory {
    shared: Rc<RefCell<Shared>>,
    topology: Topology,
}

impl Cluster for Memory {
    fn committed(&mut self, consumer: Consumer) -> Result<BTreeMap<Part, i64>, Fault> {
        let spec = consumer.spec(&self.topology);
        let shared = self.shared.borrow();
        let mut committed = BTreeMap::new();
        for (index, input) in spec.inputs.iter().enumerate() {
            for partition in 0..input.partitions {
                if let Some(offset) = shared.committed(&spec.name, &input.topic, partition) {
                    committed.insert((index, partition), offset);
                }
            }
        }
        Ok(committed)
    }

    fn bounds(&mut self, topic: &str, partition: i32) -> Result<Bounds, Fault> {
        let end = self.shared.borrow_mut().records(topic, partition).len();
        Ok(Bounds { first: 0, end: i64::try_from(end).unwrap() })
    }

    fn read(&mut self, topic: &str, ends: &[(i32, i64)]) -> Result<Box<dyn Tape>, Fault> {
        let ends = ends.iter().map(|(partition, end)| (*partition, (0, *end))).collect();
        Ok(Box::new(MemoryTape { shared: Rc::clone(&self.shared), topic: topic.to_owned(), ends }))
    }
}

struct MemoryTape {
    shared: Rc<RefCell<Shared>>,
    topic: String,
    ends: BTreeMap<i32, (usize, i64)>,
}

impl Tape for MemoryTape {
    fn next(&mut self, partition: i32) -> Result<Option<Entry>, Fault> {
        let Some((next, end)) = self.ends.get_mut(&partition) else { return Ok(None) };
        let offset = i64::try_from(*next).unwrap();
        if offset >= *end {
            return Ok(None);
        }
        let mut shared = self.shared.borrow_mut();
        let record = &shared.records(&self.topic, partition)[*next];
        *next += 1;
        Ok(Some(Entry {
            offset,
            appended: record.appended,
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.to_vec(),
        }))
    }
}
