//! The pipeline under planted faults gives what it gives without them.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, its helpers too")]

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::{Ledger, LogTime, Millis};
use baton_engine::{Limits, Log};
use baton_pipeline::{Consumer, Topology};
use baton_policy::Policy;
use baton_sim::{Dice, FaultyLog, MemoryLog, Pipeline, Shared, Thrown};
use baton_wire::Decoder;

const NOW: Millis = Millis(1_800_000_000_000);

/// Key and value of every record of every outcome topic, sorted, and the newest ledger of each lane.
type Outcome = Vec<(&'static str, Vec<(Option<Vec<u8>>, Option<Vec<u8>>)>)>;

const OUTCOMES: [&str; 10] = [
    "lead.score",
    "lifecycle.changed",
    "lead.qualified",
    "lead.assignment",
    "lead.handoff",
    "sla.started",
    "sla.warned",
    "sla.met",
    "sla.breach",
    "sla.cancelled",
];

fn policy() -> Arc<Policy> {
    Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap())
}

fn limits(dice: &mut Dice) -> Limits {
    let records = 1 + usize::try_from(dice.below(60)).unwrap();
    Limits { records, wakes: records, ..Limits::default() }
}

fn outcome<L: Log>(pipeline: &mut Pipeline<L>) -> Outcome {
    let newest: BTreeMap<_, _> =
        pipeline.take("ledger.balance").into_iter().map(|r| (r.key, r.value.map(|value| counts(&value)))).collect();
    let ledgers = ("ledger.balance", newest.into_iter().collect());
    let topics = OUTCOMES.iter().map(|topic| {
        let mut records: Vec<_> = pipeline.take(topic).into_iter().map(|r| (r.key, r.value)).collect();
        records.sort();
        (*topic, records)
    });
    topics.chain([ledgers]).collect()
}

/// A ledger without its time: when the last count was made known depends on the batches.
fn counts(ledger: &[u8]) -> Vec<u8> {
    let mut ledger: Ledger = Decoder::new().decode(ledger).unwrap();
    ledger.stamp.at = LogTime(0);
    format!("{ledger:?}").into_bytes()
}

fn undisturbed(lines: &[String]) -> Outcome {
    let mut pipeline = Pipeline::new(&Topology::new("", 3), &policy(), NOW, Limits::default());
    for line in lines {
        pipeline.feed(line.as_bytes());
    }
    pipeline.settle().unwrap();
    outcome(&mut pipeline)
}

/// Runs a schedule that the seed decides: who turns next, what fails, how much is fed at a time.
fn disturbed(lines: &[String], seed: u64) -> (Outcome, Thrown) {
    let mut dice = Dice::new(seed);
    let mut shared = Shared::at(NOW);
    shared.keep_changelogs = true;
    let one_in = 40 + dice.below(400);
    let limits = limits(&mut dice);
    let mut pipeline = Pipeline::over(&Topology::new("", 3), &policy(), shared, limits, |spec, log: MemoryLog| {
        FaultyLog::new(log, spec, seed ^ spec.name.len() as u64, one_in)
    });
    let mut rest = lines;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(1 + usize::try_from(dice.below(90)).unwrap()));
        for line in now {
            pipeline.feed(line.as_bytes());
        }
        rest = later;
        for _ in 0..dice.below(12) {
            let consumer = usize::try_from(dice.below(Consumer::ALL.len() as u64)).unwrap();
            pipeline.turn(consumer).unwrap();
        }
    }
    let mut thrown = Thrown::default();
    for log in pipeline.logs() {
        log.heal();
        thrown.aborts += log.thrown.aborts;
        thrown.fatals += log.thrown.fatals;
        thrown.lost_answers += log.thrown.lost_answers;
        thrown.rebalances += log.thrown.rebalances;
    }
    pipeline.settle().unwrap();
    (outcome(&mut pipeline), thrown)
}

#[test]
fn no_schedule_of_faults_changes_the_outcome() {
    let lines: Vec<String> = baton_workload::demo().take(600).chain(tick()).collect();
    let expected = undisturbed(&lines);
    assert!(expected.iter().all(|(topic, records)| !records.is_empty() || *topic == "sla.cancelled"), "a rich sample");
    let mut all = Thrown::default();
    for seed in 0..seeds() {
        let (found, thrown) = disturbed(&lines, seed);
        for ((topic, expected), (_, found)) in expected.iter().zip(&found) {
            assert_eq!(found.len(), expected.len(), "seed {seed}: number of records on {topic}; {thrown:?}");
            assert!(found == expected, "seed {seed}: {topic} differs; {thrown:?}");
        }
        all.aborts += thrown.aborts;
        all.fatals += thrown.fatals;
        all.lost_answers += thrown.lost_answers;
        all.rebalances += thrown.rebalances;
    }
    for (kind, count) in [
        ("aborts", all.aborts),
        ("fatals", all.fatals),
        ("lost answers", all.lost_answers),
        ("rebalances", all.rebalances),
    ] {
        assert!(count > 0, "no {kind} were thrown: the test would prove nothing");
    }
}

#[test]
fn one_seed_is_one_schedule() {
    let lines: Vec<String> = baton_workload::demo().take(300).chain(tick()).collect();
    assert_eq!(disturbed(&lines, 7), disturbed(&lines, 7));
}

/// A hundred schedules; `BATON_SEEDS` asks for more.
fn seeds() -> u64 {
    std::env::var("BATON_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(100)
}

/// Long after everything: every deadline has passed.
fn tick() -> impl Iterator<Item = String> {
    std::iter::once(r#"{"type":"tick","receivedAt":"2026-11-30T00:00:00Z"}"#.to_owned())
}
