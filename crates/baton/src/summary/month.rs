//! T23: what the report says of a month of traffic, against a recount.
//!
//! Holds: the two have nothing in common but the stages. The report is made of the records of the engine's
//! log; the recount goes through what the bare stages said, record by record, as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::Millis;
use baton_engine::Limits;
use baton_pipeline::{NoRegistry, Schemas, Topology};
use baton_scenario::{Line, Script, Seen, bare};
use baton_sim::Pipeline;

use super::model::{Report, SlaLine};
use super::{Intake, OUTCOMES};

/// After every event of the sample.
const NOW: Millis = Millis(1_800_000_000_000);
/// The way up, and the ways out.
const UP: [&str; 7] = ["Visitor", "Identified", "Mql", "Sal", "Sql", "Opportunity", "Customer"];
const OUT: [&str; 3] = ["Recycled", "Disqualified", "Suppressed"];

fn policy() -> Arc<baton_policy::Policy> {
    Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap())
}

fn reported() -> Report {
    let topology = Topology::new("", 4);
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    let mut pipeline = Pipeline::new(&topology, &policy(), NOW, Limits::default());
    baton_workload::demo().for_each(|line| pipeline.feed(line.as_bytes()));
    pipeline.settle().unwrap();
    let mut intake = Intake::new(&schemas);
    for topic in OUTCOMES {
        for record in pipeline.take(topic) {
            let header = |name: &str| record.headers.get(name);
            intake.take(topic, record.value.as_deref().unwrap_or_default(), None, header);
        }
    }
    intake.summary().report(&topology)
}

fn recounted() -> Vec<Seen> {
    let lines = baton_workload::demo().map(|line| (NOW, Line::of(&line))).collect();
    bare::play(&policy(), &Script { policy: String::new(), only: None, lines })
}

fn word<'a>(seen: &'a Seen, name: &str) -> &'a str {
    seen.value[name].as_str().unwrap_or_default()
}

/// Leads that ever were in one of these stages.
fn ever_in(records: &[Seen], stages: &[&str]) -> i64 {
    let moves = records.iter().filter(|seen| seen.topic == "lifecycle.changed");
    let there = moves.filter(|seen| stages.contains(&word(seen, "to")));
    i64::try_from(there.map(|seen| seen.key.as_str()).collect::<BTreeSet<_>>().len()).unwrap()
}

/// Promises by clock, lane and what was said of them.
fn promises(records: &[Seen]) -> BTreeMap<(String, String, String), i64> {
    let mut told = BTreeSet::new();
    for seen in records.iter().filter(|seen| seen.topic.starts_with("sla.")) {
        let started = seen.value["started_at"].as_i64().unwrap();
        let [clock, lane, kind, handoff] =
            ["clock", "lane", "kind", "handoff_id"].map(|name| word(seen, name).to_owned());
        let kind = if seen.value["late"] == true { "Late".to_owned() } else { kind };
        told.insert((clock, lane, kind, handoff, started));
    }
    // What was taken back was in time, whatever was said before.
    let undone: BTreeSet<_> = told
        .iter()
        .filter(|(.., kind, _, _)| kind == "Retracted")
        .map(|(c, l, _, h, s)| (c.clone(), l.clone(), "Late".to_owned(), h.clone(), *s))
        .collect();
    told.retain(|word| !undone.contains(word));
    let mut counts = BTreeMap::new();
    for (clock, lane, kind, ..) in told {
        *counts.entry((clock, lane, kind)).or_default() += 1;
    }
    counts
}

type Count = fn(&SlaLine) -> i64;

/// As the records spell it: `first_touch` is `FirstTouch`.
fn spelled(clock: &str) -> String {
    let part = |part: &str| format!("{}{}", part[..1].to_uppercase(), &part[1..]);
    clock.split('_').map(part).collect()
}

#[test]
fn t23_the_funnel_and_the_promises_of_a_month_of_traffic_are_those_of_a_recount() {
    let (report, records) = (reported(), recounted());
    let mut expected: Vec<i64> = (0..UP.len()).map(|place| ever_in(&records, &UP[place..])).collect();
    expected.extend(OUT.map(|stage| ever_in(&records, &[stage])));
    let funnel: Vec<i64> = report.funnel.iter().map(|step| step.leads).collect();
    assert_eq!(funnel, expected);
    assert!(funnel.iter().all(|leads| *leads > 0), "a month without one stage proves nothing of it: {funnel:?}");
    let handoffs = records.iter().filter(|seen| seen.topic == "lead.handoff").count();
    assert_eq!(report.handoffs.total, handoffs);

    let counted = promises(&records);
    let kinds: [(&str, Count); 7] = [
        ("Started", |line| line.started),
        ("Warned", |line| line.warned),
        ("Met", |line| line.met),
        ("Breached", |line| line.breached),
        ("Late", |line| line.late),
        ("Retracted", |line| line.retracted),
        ("Cancelled", |line| line.cancelled),
    ];
    let mut told = BTreeMap::new();
    for line in &report.sla {
        for (kind, count) in kinds.iter().map(|(kind, count)| (*kind, count(line))).filter(|(_, count)| *count > 0) {
            told.insert((spelled(line.clock), line.lane.clone(), kind.to_owned()), count);
        }
    }
    let is_shown = |kind: &str| kinds.iter().any(|(known, _)| *known == kind);
    let counted: BTreeMap<_, _> = counted.into_iter().filter(|((.., kind), _)| is_shown(kind)).collect();
    assert_eq!(told, counted);
    let touches = &report.first_touches;
    assert_eq!(touches.all.count, touches.kept.count + touches.late.count);
    assert!(touches.late.count > 0 && touches.all.median_ms > touches.kept.median_ms, "{touches:?}");
}
