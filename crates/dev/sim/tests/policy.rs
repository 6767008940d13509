//! Policies published on the log: each event is judged by the policy of its day.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may unwrap, its helpers too")]

use std::sync::Arc;

use baton_domain::{Handoff, Ledger, LifecycleChanged, LogTime, Millis, PolicyPublished, ScoreUpdate};
use baton_engine::Limits;
use baton_pipeline::{Topology, checksum};
use baton_sim::{Pipeline, Record, Setup, Shared};
use baton_wire::Decoder;

/// After every event of the sample.
const NOW: Millis = Millis(1_800_000_000_000);
/// When the sample has lived a week, and two.
const WEEKS: [Millis; 2] = [week(1), week(2)];

const fn week(number: i64) -> Millis {
    Millis(baton_workload::START.0 + number * 7 * Millis::DAY)
}

fn document(version: i64) -> String {
    let text = baton_policy::STARTER.replacen("version: 1", &format!("version: {version}"), 1);
    text.replacen("total_cap: 100", &format!("total_cap: {}", 100 - version), 1)
}

fn published(version: i64, effective_at: Millis) -> PolicyPublished {
    let document = document(version);
    let checksum = checksum(&document);
    PolicyPublished { name: "starter".into(), version, author: "kim".into(), effective_at, document, checksum }
}

struct Play {
    pipeline: Pipeline,
    topology: Topology,
}

impl Play {
    fn new(lanes: i32, limits: Limits) -> Self {
        let topology = Topology::new("", lanes);
        let mut shared = Shared::at(NOW);
        shared.keep_changelogs = true;
        Self { pipeline: pipeline(&topology, shared, limits), topology }
    }

    fn publish(&mut self, published: &PolicyPublished) {
        self.pipeline.publish(published);
    }

    fn feed(&mut self, lines: &[String]) {
        for line in lines {
            self.pipeline.feed(line.as_bytes());
        }
        self.pipeline.settle().unwrap();
    }

    /// Every consumer starts anew, from what is on the log.
    fn restart(&mut self) {
        let shared = std::mem::take(&mut *self.pipeline.shared().borrow_mut());
        self.pipeline = pipeline(&self.topology, shared, Limits::default());
    }

    fn take<T: baton_wire::Record + serde::Serialize + serde::de::DeserializeOwned>(&mut self, topic: &str) -> Vec<T> {
        let decoder = Decoder::new();
        let values = self.pipeline.take(topic).into_iter().filter_map(|record| record.value);
        values.map(|value| decoder.decode(&value).unwrap()).collect()
    }

    fn count(&mut self, stage: &str, outcome: &str) -> i64 {
        let mut newest = std::collections::BTreeMap::new();
        for ledger in self.take::<Ledger>("ledger.balance").into_iter().filter(|ledger| ledger.stage == stage) {
            newest.insert(ledger.stamp.lane, ledger);
        }
        let counts = newest.into_values().flat_map(|ledger| ledger.outcomes);
        counts.filter(|count| count.name == outcome).map(|count| count.count).sum()
    }
}

fn pipeline(topology: &Topology, shared: Shared, limits: Limits) -> Pipeline {
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    Pipeline::over(topology, &policy, shared, Setup { limits, ..Setup::default() })
}

fn sample() -> Vec<String> {
    baton_workload::demo().collect()
}

fn expected(at: LogTime) -> i64 {
    1 + i64::try_from(WEEKS.iter().filter(|week| at >= LogTime::from_millis(**week)).count()).unwrap()
}

/// Key, value and headers of the outcomes, in the order of each partition.
fn outcomes(play: &mut Play) -> Vec<Vec<Record>> {
    ["lead.score", "lifecycle.changed", "lead.handoff", "lead.assignment", "sla.started", "sla.met", "sla.breach"]
        .map(|topic| play.pipeline.take(topic))
        .into()
}

#[test]
fn each_event_is_judged_by_the_policy_of_its_day() {
    let mut play = Play::new(3, Limits::default());
    play.publish(&published(2, WEEKS[0]));
    play.publish(&published(3, WEEKS[1]));
    play.feed(&sample());
    let scores: Vec<ScoreUpdate> = play.take("lead.score");
    for score in &scores {
        assert_eq!(score.policy_version, expected(score.stamp.at), "{} at {}", score.lead_id, score.stamp.at.0);
    }
    for change in play.take::<LifecycleChanged>("lifecycle.changed") {
        assert_eq!(change.policy_version, expected(change.stamp.at), "{} at {}", change.lead_id, change.stamp.at.0);
    }
    for handoff in play.take::<Handoff>("lead.handoff") {
        assert_eq!(handoff.assignment.policy_version, expected(handoff.assignment.stamp.at), "{handoff:?}");
    }
    let versions: std::collections::BTreeSet<i64> = scores.iter().map(|score| score.policy_version).collect();
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(play.count("route", "policy_changed"), 2);
}

#[test]
fn neither_restarts_nor_batches_change_by_which_policy_is_judged() {
    let lines = sample();
    let mut whole = Play::new(2, Limits::default());
    whole.publish(&published(2, WEEKS[0]));
    whole.publish(&published(3, WEEKS[1]));
    whole.feed(&lines);
    let expected = outcomes(&mut whole);
    let mut broken = Play::new(2, Limits { records: 7, wakes: 7, ..Limits::default() });
    broken.publish(&published(2, WEEKS[0]));
    broken.publish(&published(3, WEEKS[1]));
    for part in lines.chunks(lines.len() / 7) {
        broken.feed(part);
        broken.restart();
    }
    broken.pipeline.settle().unwrap();
    for (found, expected) in outcomes(&mut broken).into_iter().zip(expected) {
        assert!(found == expected, "{} records, {} expected", found.len(), expected.len());
    }
}

#[test]
fn a_change_of_policy_alone_hands_nobody_off() {
    let lines = sample();
    let (before, tick) = (&lines[..lines.len() / 2], r#"{"type":"tick","receivedAt":"2026-09-20T00:00:00Z"}"#);
    let mut told = Vec::new();
    for (first, then) in [(false, false), (false, true), (true, false)] {
        let mut play = Play::new(3, Limits::default());
        if first {
            play.publish(&lenient());
        }
        play.feed(before);
        if then {
            play.publish(&lenient());
        }
        play.feed(&[tick.to_owned()]);
        assert_eq!(play.count("score", "policy_changed"), if first || then { 3 } else { 0 });
        told.push(play.take::<Handoff>("lead.handoff").len());
    }
    let [old, changed, new] = told[..] else { panic!("{told:?}") };
    assert_eq!(changed, old, "nobody did anything under the new policy");
    assert!(new > old && old > 0, "it would have handed off {new} instead of {old}");
}

#[test]
fn a_policy_that_cannot_be_used_or_is_no_newer_is_refused_and_the_old_one_judges_on() {
    let mut play = Play::new(2, Limits::default());
    let good = published(2, WEEKS[0]);
    let broken = document(3).replacen("total_cap", "total_cup", 1);
    for refused in [
        PolicyPublished { checksum: checksum(&broken), document: broken, ..published(3, Millis(0)) },
        PolicyPublished { checksum: "0".repeat(32), ..published(3, Millis(0)) },
        PolicyPublished { version: 4, ..published(3, Millis(0)) },
    ] {
        play.publish(&refused);
    }
    play.publish(&good);
    play.publish(&good);
    play.feed(&sample()[..1_000]);
    let reasons: Vec<String> = play
        .pipeline
        .take("dlq")
        .into_iter()
        .filter(|letter| header(letter, "x-dlq-topic") == "policy")
        .map(|letter| header(&letter, "x-dlq-reason"))
        .collect();
    assert_eq!(reasons, ["decode", "decode", "decode", "id_conflict"]);
    let scores: Vec<ScoreUpdate> = play.take("lead.score");
    assert!(!scores.is_empty());
    assert!(scores.iter().all(|score| score.policy_version == expected(score.stamp.at).min(2)));
}

#[test]
fn a_policy_whose_instant_comes_after_a_later_version_never_judges() {
    let mut play = Play::new(2, Limits::default());
    play.publish(&published(2, WEEKS[1]));
    play.publish(&published(3, WEEKS[0]));
    play.feed(&sample());
    for score in play.take::<ScoreUpdate>("lead.score") {
        let expected = if score.stamp.at >= LogTime::from_millis(WEEKS[0]) { 3 } else { 1 };
        assert_eq!(score.policy_version, expected);
    }
}

/// A policy by which many more leads are ready.
fn lenient() -> PolicyPublished {
    let document = document(2).replacen("    C1: P2\n", "    C1: P2\n    B3: P2\n    C2: P2\n    C3: P2\n", 1);
    PolicyPublished { checksum: checksum(&document), document, ..published(2, Millis(0)) }
}

fn header(record: &Record, name: &str) -> String {
    String::from_utf8(record.headers.get(name).unwrap_or_default().to_vec()).unwrap()
}
