//! An event taken back is told to the lead in whose history it stands, or never gets there.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{Body, Ids, LeadEvent, LogTime, Millis, RawEvent, Reason, Retraction, RetractionReason};
use proptest::prelude::*;

use super::{NOON, Rows, policy, read, refusal, view};
use crate::{Sequenced, check, stamp_for, step, wake};

#[derive(Default)]
struct Log {
    rows: Rows,
    now: LogTime,
}

impl Log {
    fn take(&mut self, raw: RawEvent) -> Sequenced {
        let at = stamp_for(self.now, &raw, NOON);
        let done = step(&policy(), &mut self.rows, at, "event.retractions/0/7", raw);
        self.now = done.last;
        done
    }

    /// Takes what is of no interest but for what it leaves behind.
    fn had(&mut self, raw: RawEvent) {
        assert_eq!(self.take(raw).rejected, None);
    }

    /// Time passes until every event id is forgotten.
    fn forget(&mut self) {
        for (key, _) in std::mem::take(&mut self.rows.wakes) {
            wake(&mut self.rows, &key);
        }
    }
}

fn retraction(event_id: &str, target: &str, ids: &str) -> RawEvent {
    let retraction = Retraction { event_id: target.into(), reason: RetractionReason::Bot, by: "ops".into() };
    RawEvent { body: Body::Retracted(retraction), ..view(event_id, ids) }
}

fn lead(done: &Sequenced) -> &str {
    &done.events.last().unwrap().lead_id
}

#[test]
fn a_retraction_goes_to_the_lead_in_whose_history_the_event_stands() {
    let mut log = Log::default();
    let first = log.take(view("e1", "user=u1 anon=a1"));
    log.had(view("e2", "user=u2 anon=a1"));
    let taken = log.take(retraction("r1", "e1", ""));
    assert_eq!((taken.outcome, taken.events.len()), ("retracted", 1));
    assert_eq!(lead(&taken), lead(&first), "whoever has the device today");
    let LeadEvent { body: Body::Retracted(said), event_id, .. } = &taken.events[0] else { panic!("{taken:?}") };
    assert_eq!((said.event_id.as_str(), said.reason, event_id.as_str()), ("e1", RetractionReason::Bot, "r1"));
}

#[test]
fn an_event_is_taken_back_once_and_stays_a_repeat() {
    let mut log = Log::default();
    log.had(view("e1", "anon=a1"));
    assert_eq!(log.take(retraction("r1", "e1", "")).outcome, "retracted");
    assert_eq!(log.take(retraction("r1", "e1", "")).outcome, "duplicate");
    assert_eq!(log.take(retraction("r2", "e1", "")).outcome, "retracted_before");
    assert_eq!(log.take(view("e1", "anon=a1")).outcome, "duplicate");
}

#[test]
fn an_event_taken_back_before_it_came_is_dropped_when_it_comes() {
    let mut log = Log::default();
    assert_eq!(log.take(retraction("r1", "e1", "")).outcome, "retracted_ahead");
    let before = log.rows.clone();
    for _ in 0..2 {
        let dropped = log.take(view("e1", "anon=a1"));
        assert_eq!((dropped.outcome, dropped.events.len(), dropped.links.len()), ("taken_back", 0, 0));
    }
    assert_eq!(log.rows, before, "it leaves no lead and no id behind");
    assert_eq!(log.take(retraction("r2", "e1", "")).outcome, "retracted_before");
}

#[test]
fn a_retraction_of_what_is_forgotten_finds_its_lead_by_the_ids_it_brings() {
    let mut log = Log::default();
    let first = lead(&log.take(view("e1", "user=u1"))).to_owned();
    log.forget();
    let taken = log.take(retraction("r1", "e1", "user=u1"));
    assert_eq!((taken.outcome, lead(&taken)), ("retracted", first.as_str()));
    assert!(taken.links.is_empty());
    let unknown = log.take(retraction("r2", "e0", "user=u9"));
    assert_eq!((unknown.outcome, unknown.events.len()), ("retracted_ahead", 0), "it begins no lead");
    let nobody = log.take(retraction("r3", "e3", "crm=ld_0000000000000000")).rejected.unwrap();
    assert_eq!(nobody.reason, Reason::MissingId);
}

#[test]
fn what_was_taken_back_is_remembered_as_long_as_what_came() {
    let mut log = Log::default();
    log.had(view("e1", "anon=a1"));
    log.had(retraction("r1", "e1", ""));
    log.had(retraction("r2", "e2", ""));
    assert_eq!(log.rows.wakes.len(), 4);
    let least = LogTime::from_millis(NOON.plus(policy().dedupe_ms));
    assert!(log.rows.wakes.values().all(|at| *at >= least));
    log.forget();
    assert_eq!(log.take(view("e2", "anon=a1")).outcome, "sequenced");
}

#[test]
fn a_retraction_is_not_taken_back_itself() {
    let mut log = Log::default();
    log.had(view("e1", "anon=a1"));
    log.had(retraction("r1", "e1", ""));
    assert_eq!(log.take(retraction("r2", "r1", "")).rejected.unwrap().reason, Reason::UnknownKind);
}

#[test]
fn a_retraction_is_read_with_reason_and_author_and_needs_no_person() {
    let event = read(
        r#"{"type":"retract","messageId":"r1","retracts":"m7","reason":"fraud","by":"ops","timestamp":"2026-01-01T11:00:00Z"}"#,
    );
    let wanted = Retraction { event_id: "m7".into(), reason: RetractionReason::Fraud, by: "ops".into() };
    assert_eq!(
        (event.body, event.ids, event.occurred_at),
        (Body::Retracted(wanted), Ids::default(), NOON.plus(-Millis::HOUR))
    );
    let named = read(r#"{"type":"retract","messageId":"r1","retracts":"m7","reason":"test","userId":"u1"}"#);
    assert_eq!(named.ids.user_id.as_deref(), Some("u1"));
    assert_eq!(check(named.clone()), Ok(named));
}

#[test]
fn every_unusable_retraction_is_refused_by_reason_and_field() {
    for (fields, reason, said) in [
        (r#""messageId":"r","reason":"bot""#, Reason::MissingField, "retracts"),
        (r#""messageId":"r","retracts":" ","reason":"bot""#, Reason::MissingField, "retracts"),
        (r#""messageId":"r","retracts":"e""#, Reason::MissingField, "reason"),
        (r#""messageId":"r","retracts":"e","reason":"mood""#, Reason::UnknownKind, "reason"),
        (r#""messageId":"r","retracts":{},"reason":"bot""#, Reason::WrongType, "retracts"),
        (r#""retracts":"e","reason":"bot""#, Reason::MissingField, "messageId"),
    ] {
        let (got, detail) = refusal(format!(r#"{{"type":"retract",{fields}}}"#).as_bytes());
        assert_eq!(got, reason, "{fields}: {detail}");
        assert!(detail.contains(said), "{fields}: {detail}");
    }
}

proptest! {
    /// Events and retractions in any order: the history of a lead is what came, less what was taken back.
    #[test]
    fn no_history_keeps_an_event_that_was_taken_back(run in prop::collection::vec((0..12_u8, 0..3_u8), 1..60)) {
        let (mut log, mut came, mut standing) = (Log::default(), BTreeSet::new(), BTreeMap::new());
        let mut taken = BTreeSet::new();
        for (place, (target, kind)) in run.into_iter().enumerate() {
            let target = format!("e{target}");
            // What an event says follows from its id, so no id comes with other content.
            let ids = format!("anon=a{}", target.len());
            let raw = match kind {
                0 => retraction(&format!("r{place}"), &target, ""),
                _ => view(&target, &ids),
            };
            let done = log.take(raw);
            if kind == 0 {
                taken.insert(target.clone());
            } else {
                came.insert(target.clone());
            }
            for event in &done.events {
                match &event.body {
                    Body::Retracted(what) => {
                        let was = standing.remove(&what.event_id);
                        prop_assert_eq!(was.as_ref(), Some(&event.lead_id), "told to the lead that has it, once");
                    }
                    Body::Activity(_) => {
                        let was = standing.insert(event.event_id.clone(), event.lead_id.clone());
                        prop_assert!(was.is_none(), "counted once");
                    }
                    _ => {}
                }
            }
        }
        let kept: BTreeSet<String> = standing.into_keys().collect();
        prop_assert_eq!(kept, came.difference(&taken).cloned().collect::<BTreeSet<_>>());
    }
}
