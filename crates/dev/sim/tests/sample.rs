//! The bundled sample through the whole pipeline, with the starter policy.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, its helpers too")]

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::{Count, Handoff, Ledger, LifecycleChanged, Millis, Points, SlaEvent, SlaEventKind, Stage};
use baton_engine::Limits;
use baton_pipeline::Topology;
use baton_sim::{Pipeline, Record};
use baton_wire::Decoder;

/// After every event of the sample.
const NOW: Millis = Millis(1_800_000_000_000);

/// What a run comes to. The lane that wrote a record is left out: it depends on how many there are.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    handoffs: Vec<Handoff>,
    promises: Vec<SlaEvent>,
    moves: Vec<LifecycleChanged>,
}

fn run(lanes: i32, chunk: usize, limits: Limits) -> (Outcome, Vec<Ledger>) {
    run_from(|_| "engagement.raw", lanes, chunk, limits)
}

/// The same with each line on the source topic that `topic` says.
fn run_from(topic: impl Fn(&str) -> &'static str, lanes: i32, chunk: usize, limits: Limits) -> (Outcome, Vec<Ledger>) {
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let mut pipeline = Pipeline::new(&Topology::new("", lanes), &policy, NOW, limits);
    let events: Vec<String> = baton_workload::demo().collect();
    for part in events.chunks(chunk) {
        for line in part {
            pipeline.feed_to(topic(line), line.as_bytes());
        }
        pipeline.settle().unwrap();
    }
    let mut handoffs: Vec<Handoff> = decode(pipeline.take("lead.handoff"));
    for handoff in &mut handoffs {
        handoff.stamp.lane = 0;
    }
    handoffs.sort_by_key(|handoff| (handoff.stamp.at, handoff.decision.handoff_id.clone()));
    let mut promises: Vec<SlaEvent> = Vec::new();
    let topics = ["sla.started", "sla.warned", "sla.met", "sla.breach", "sla.cancelled", "sla.paused", "sla.resumed"];
    for topic in topics {
        promises.extend(decode::<SlaEvent>(pipeline.take(topic)));
    }
    for promise in &mut promises {
        promise.stamp.lane = 0;
    }
    promises.sort_by_key(|promise| (promise.stamp.at, promise.id.clone(), promise.kind));
    let mut moves: Vec<LifecycleChanged> = decode(pipeline.take("lifecycle.changed"));
    for change in &mut moves {
        change.stamp.lane = 0;
    }
    moves.sort_by_key(|change| (change.stamp.at, change.lead_id.clone(), change.to));
    let newest: BTreeMap<_, _> =
        pipeline.take("ledger.balance").into_iter().map(|record| (record.key.clone(), record)).collect();
    (Outcome { handoffs, promises, moves }, decode(newest.into_values().collect()))
}

fn decode<T: baton_wire::Record + serde::Serialize + serde::de::DeserializeOwned>(records: Vec<Record>) -> Vec<T> {
    let decoder = Decoder::new();
    records.into_iter().filter_map(|record| record.value).map(|value| decoder.decode(&value).unwrap()).collect()
}

fn total(ledgers: &[Ledger], stage: &str, pick: impl Fn(&Ledger) -> &Vec<Count>, name: &str) -> i64 {
    let of_stage = ledgers.iter().filter(|ledger| ledger.stage == stage);
    of_stage.flat_map(|ledger| pick(ledger).iter().filter(|count| count.name == name)).map(|count| count.count).sum()
}

fn consumed(ledgers: &[Ledger], stage: &str) -> i64 {
    ledgers.iter().filter(|ledger| ledger.stage == stage).map(|ledger| ledger.consumed).sum()
}

#[test]
fn neither_partitions_nor_batches_nor_feeding_change_what_happens() {
    let (expected, _) = run(4, 1_000, Limits::default());
    assert!(expected.handoffs.len() > 50, "the sample hands leads off");
    for (lanes, chunk, records) in [(1, 5_000, 5_000), (4, 1, 5_000), (7, 333, 7), (4, 5_000, 1)] {
        let limits = Limits { records, wakes: records, ..Limits::default() };
        let (outcome, _) = run(lanes, chunk, limits);
        assert!(outcome == expected, "{lanes} lanes, fed {chunk} at a time, {records} records a transaction");
    }
}

#[test]
fn what_a_handoff_shows_of_the_score_sums_to_it() {
    let (outcome, _) = run(4, 1_000, Limits::default());
    for handoff in outcome.handoffs {
        let shown: Points = handoff.decision.contributions.iter().map(|line| line.points).sum();
        assert_eq!((shown, &handoff.trimmed[..]), (handoff.decision.score, &[][..]), "{}", handoff.decision.handoff_id);
    }
}

#[test]
fn a_backlog_over_several_sources_is_taken_in_the_order_of_receipt() {
    let topic = |line: &str| match line {
        line if line.contains(r#""type":"crm""#) => "crm.activity",
        line if line.contains(r#""type":"consent""#) => "consent.events",
        _ => "engagement.raw",
    };
    let (expected, _) = run(4, 5_000, Limits::default());
    for records in [5_000, 100, 3] {
        let (outcome, _) = run_from(topic, 4, 5_000, Limits { records, ..Limits::default() });
        assert!(outcome == expected, "{records} records a transaction");
    }
}

#[test]
fn every_record_is_accounted_for_at_every_stage() {
    let (_, ledgers) = run(4, 1_000, Limits::default());
    for ledger in &ledgers {
        let sum: i64 = ledger.outcomes.iter().map(|outcome| outcome.count).sum();
        assert_eq!(ledger.consumed, sum, "{} lane {}", ledger.stage, ledger.stamp.lane);
    }
    let lines = i64::try_from(baton_workload::demo().count()).unwrap();
    let made = |stage: &str, topic: &str| total(&ledgers, stage, |ledger| &ledger.produced, topic);
    assert_eq!(consumed(&ledgers, "identify"), lines);
    assert_eq!(made("identify", "lead.events"), consumed(&ledgers, "aggregate"));
    assert_eq!(made("aggregate", "engagement.aggregate"), consumed(&ledgers, "score"));
    assert_eq!(made("score", "assignment.requests"), consumed(&ledgers, "route"));
    assert_eq!(made("identify", "lead.events") + made("route", "sla.requests"), consumed(&ledgers, "watch"));
}

#[test]
fn a_lead_is_handed_off_at_most_once_an_episode() {
    let (outcome, _) = run(4, 1_000, Limits::default());
    let mut ids: Vec<_> = outcome.handoffs.iter().map(|handoff| &handoff.decision.handoff_id).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn every_handoff_says_why_now_and_who_has_it() {
    let (outcome, _) = run(4, 1_000, Limits::default());
    for handoff in &outcome.handoffs {
        assert!(!handoff.decision.trigger_set.is_empty(), "{}", handoff.decision.handoff_id);
        assert!(handoff.assignment.owner.is_some(), "{}", handoff.decision.handoff_id);
    }
}

#[test]
fn a_promise_ends_in_one_way_and_is_broken_at_its_deadline() {
    use SlaEventKind::{Breached, Cancelled, Met};
    let (outcome, _) = run(4, 1_000, Limits::default());
    let mut ends: BTreeMap<_, Vec<SlaEventKind>> = BTreeMap::new();
    let mut late = 0;
    for promise in &outcome.promises {
        match promise.kind {
            SlaEventKind::Started | SlaEventKind::Warned | SlaEventKind::Paused | SlaEventKind::Resumed => {}
            // A broken promise stays broken by a late answer.
            SlaEventKind::Met if promise.late => late += 1,
            // What is done about a breach is said under its own level, after it.
            SlaEventKind::Escalated => assert!(promise.level > 100 && promise.stamp.at >= promise.deadline),
            kind => {
                let owner_and_stage = (&promise.owner, &promise.lane, promise.started_at);
                ends.entry((&promise.handoff_id, promise.clock, owner_and_stage)).or_default().push(kind);
            }
        }
        if promise.kind == SlaEventKind::Breached {
            assert_eq!(promise.stamp.at, promise.deadline.max(promise.started_at));
        }
    }
    for (promise, ways) in &ends {
        let allowed = matches!(ways.as_slice(), [Met | Breached | Cancelled]) || is_taken_back(ways);
        assert!(allowed, "{promise:?} ended as {ways:?}");
    }
    assert!(late > 0, "the sample holds an answer to a broken promise");
    assert!(ends.values().any(|ways| is_taken_back(ways)), "the sample holds a touch that was told late");
}

#[test]
fn the_funnel_is_walked_in_order() {
    let (outcome, _) = run(4, 1_000, Limits::default());
    let reached = |stage: Stage| outcome.moves.iter().filter(|change| change.to == stage).count();
    for stage in [Stage::Identified, Stage::Mql, Stage::Sal, Stage::Sql, Stage::Recycled, Stage::Suppressed] {
        assert!(reached(stage) > 0, "nobody became {stage}");
    }
    let mut at: BTreeMap<&str, Option<Stage>> = BTreeMap::new();
    for change in &outcome.moves {
        let before = at.insert(&change.lead_id, Some(change.to)).flatten();
        if before.is_some() {
            assert_eq!(change.from, before, "{} at {}", change.lead_id, change.stamp.at.0);
        }
    }
}

/// A breach, the late word of a touch in time, and so the promise was kept.
fn is_taken_back(ways: &[SlaEventKind]) -> bool {
    let mut sorted = ways.to_vec();
    sorted.sort_unstable();
    sorted == [SlaEventKind::Met, SlaEventKind::Breached, SlaEventKind::Retracted]
}
