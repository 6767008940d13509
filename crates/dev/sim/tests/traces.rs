//! A trace that a source began is that of all its record leads to, and changes nothing else.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use baton_domain::Millis;
use baton_engine::{Limits, TRACEPARENT, TraceContext};
use baton_pipeline::{Consumer, Topology};
use baton_sim::{Headers, Pipeline, Record, Setup, Shared};

/// After every event of the sample.
const NOW: Millis = Millis(1_800_000_000_000);
const LANES: i32 = 3;

/// Everything on the log, by topic and partition.
type Log = BTreeMap<(String, i32), Vec<Record>>;

/// The trace that the line of this number begins.
fn began(line: usize) -> TraceContext {
    TraceContext { trace_id: 0x1000 + line as u128, span_id: 7, flags: 1 }
}

fn run(traced: impl Fn(usize) -> bool, limits: Limits) -> Log {
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let topology = Topology::new("", LANES);
    let mut shared = Shared::at(NOW);
    shared.keep_changelogs = true;
    let mut pipeline = Pipeline::over(&topology, &policy, shared, Setup { limits, ..Setup::default() });
    for (number, line) in baton_workload::demo().take(2_000).enumerate() {
        let header = (TRACEPARENT.as_bytes().to_vec(), Some(began(number).text().into_bytes()));
        let headers = Headers::of(&Vec::from_iter(traced(number).then_some(header)));
        let record = Record { appended: NOW, key: None, value: Some(line.into_bytes()), headers };
        pipeline.shared().borrow_mut().append("engagement.raw", 0, record);
    }
    // Consumer after consumer, and nothing of what was read is let go.
    for consumer in 0..Consumer::ALL.len() {
        while !pipeline.turn(consumer).unwrap() {}
    }
    let shared = pipeline.shared();
    let mut shared = shared.borrow_mut();
    let parts =
        topology.topics().into_iter().flat_map(|topic| (0..topic.partitions).map(move |p| (topic.name.clone(), p)));
    parts.map(|(topic, p)| ((topic.clone(), p), shared.records(&topic, p).iter().cloned().collect())).collect()
}

fn context(record: &Record) -> Option<TraceContext> {
    let mut found = record.headers.iter().filter(|(name, _)| *name == TRACEPARENT.as_bytes());
    let value = found.next()?.1.unwrap();
    assert!(found.next().is_none(), "one header");
    Some(TraceContext::parse(value).unwrap())
}

fn header(record: &Record, name: &str) -> Option<String> {
    Some(String::from_utf8(record.headers.get(name)?.to_vec()).unwrap())
}

#[test]
fn the_trace_of_a_record_goes_through_every_topic_to_the_promise() {
    let log = run(|_| true, Limits::default());
    // By trace: the topics it came to, and its spans, each with the consumer that gave it.
    let mut topics: BTreeMap<u128, BTreeSet<&str>> = BTreeMap::new();
    let mut spans: BTreeMap<u64, BTreeSet<(u128, String)>> = BTreeMap::new();
    let mut handed = BTreeSet::new();
    for ((topic, _), record) in log.iter().flat_map(|(part, records)| records.iter().map(move |record| (part, record)))
    {
        let Some(context) = context(record) else { continue };
        topics.entry(context.trace_id).or_default().insert(topic);
        if let Some(source) = header(record, "ce_source") {
            let consumer = source.split('/').nth(2).unwrap().to_owned();
            spans.entry(context.span_id).or_default().insert((context.trace_id, consumer));
        }
        if topic == "lead.handoff" {
            handed.insert(context.trace_id);
        }
    }
    assert!(handed.len() > 10, "{} handoffs that a record led to", handed.len());
    let way = [
        "engagement.raw",
        "lead.events",
        "engagement.aggregate",
        "lead.score",
        "lead.qualified",
        "assignment.requests",
        "lead.assignment",
        "sla.requests",
        "sla.started",
    ];
    for trace in handed {
        let missing: Vec<_> = way.iter().filter(|topic| !topics[&trace].contains(**topic)).collect();
        assert_eq!(missing, Vec::<&&str>::new(), "of the trace of line {}", trace - 0x1000);
    }
    assert!(spans.values().all(|of| of.len() == 1), "a span is one consumer's, in one trace");
}

#[test]
fn a_trace_changes_nothing_but_its_header_and_batches_do_not_change_it() {
    let (plain, traced) = (run(|_| false, Limits::default()), run(|line| line % 3 != 0, Limits::default()));
    let mut stripped = traced.clone();
    for record in stripped.values_mut().flatten() {
        let mut headers = record.headers.to_vec();
        headers.retain(|(name, _)| name != TRACEPARENT.as_bytes());
        record.headers = Headers::of(&headers);
    }
    assert!(stripped == plain, "values, keys, state, accounts and the other headers are those without traces");
    assert!(plain.values().flatten().all(|record| context(record).is_none()), "none begins by itself");
    let by_news = |log: &Log| -> BTreeMap<_, _> {
        let records = log.iter().flat_map(|((topic, _), records)| records.iter().map(move |record| (topic, record)));
        let told =
            records.filter_map(|(topic, record)| Some(((topic.clone(), header(record, "ce_id")?), context(record))));
        told.collect()
    };
    let small = run(|line| line % 3 != 0, Limits { records: 7, wakes: 7, ..Limits::default() });
    assert!(by_news(&small) == by_news(&traced), "in transactions of 7 records");
}
