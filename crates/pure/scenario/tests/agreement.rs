//! The router takes a lead to another desk at the very instant at which the watchdog says that it does, whatever
//! sales does meanwhile: the two hear nothing of each other.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, its helpers too")]

use std::collections::BTreeMap;

use baton_domain::Millis;
use baton_policy::{Policy, STARTER, parse};
use baton_scenario::{Line, Script, Seen, bare};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Monday, 2026-03-02, 09:00 UTC: Berlin is open, and puts its clocks forward in four weeks.
const START: i64 = 1_772_442_000_000;

/// The starter policy with steps that move leads and count against reps, and with hours for some.
fn policy(from_lead: bool) -> Policy {
    let text = STARTER
        .replace("      - { after: 100%, do: escalate, to: [rep, manager] }\n    first_touch:", {
            "      - { after: 100%, do: reassign, to: [rep, manager] }\n    first_touch:"
        })
        .replace("  # first_touch_from: lead #", if from_lead { "  first_touch_from: lead #" } else { "  #" })
        .replace("  fallback: desk #", "  auto_pause: { after: 3, within: 7d, for: 1d }\n  fallback: desk #")
        .replace("      - { after: 4h, do: escalate", "      - { after: 4h, do: auto_pause")
        .replace(
            "emea:\n      members: {",
            "emea:\n      members: { ines.hoffmann: 1, marcus.reed: 1, dana.brooks: 1,",
        );
    assert_eq!(text.matches("do: reassign").count(), 2);
    assert!(
        text.contains("do: auto_pause, to") && text.contains("{ after: 3") && text.contains("dana.brooks: 1, jonas")
    );
    assert_eq!(text.contains("\n  first_touch_from: lead"), from_lead);
    parse("starter.yaml", &text).unwrap()
}

/// What sales says, so many minutes after the word before.
#[derive(Clone, Debug)]
struct Word {
    after: i64,
    /// How long before it is told it happened, in minutes.
    late: i64,
    what: Value,
}

fn word() -> impl Strategy<Value = Word> {
    let status = prop_oneof![Just("on_hold"), Just("waiting_for_lead"), Just("open"), Just("attempted")];
    let touch = |direction: &str, outcome: &str, automated: bool| json!({"kind": "touch", "medium": "call", "direction": direction, "outcome": outcome, "automated": automated});
    let touches = [
        touch("outbound", "attempt", false),
        touch("outbound", "connected", false),
        touch("inbound", "connected", false),
        touch("outbound", "attempt", true),
    ];
    let what = prop_oneof![
        5 => status.prop_map(|status| json!({"kind": "status", "status": status})),
        4 => (0..4_usize).prop_map(move |n| touches[n].clone()),
        1 => Just(json!({"kind": "accepted"})),
        3 => (1..4_000_i64).prop_map(|minutes| json!({"kind": "disposition", "disposition": {"code": "qualified", "nextCheckIn": minutes}})),
        1 => Just(json!({"kind": "disposition", "disposition": {"code": "wrong_owner"}})),
        1 => Just(json!({"kind": "owner", "owner": "luis.ortega", "actor": "boss"})),
        1 => Just(json!({"kind": "opportunity", "opportunity": "open"})),
    ];
    (1..900_i64, prop_oneof![3 => Just(0_i64), 1 => 1..90_i64], what).prop_map(|(after, late, what)| Word {
        after,
        late,
        what,
    })
}

fn instant(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// A demo request in some lane and zone, and what sales says of it.
fn lines(words: &[Word]) -> Vec<(Millis, Line)> {
    let mut at = START;
    let raw = |at: i64, mut value: Value| {
        value["receivedAt"] = json!(instant(at));
        (Millis(at), Line::Source(value.to_string()))
    };
    let traits = json!({"email": "a@acme.example", "title": "VP Sales", "company": "Acme", "employees": 250, "industry": "software", "country": "DE"});
    let mut lines = vec![
        raw(
            at,
            json!({"type": "identify", "messageId": "i", "userId": "u", "timestamp": instant(at), "traits": traits}),
        ),
        raw(
            at + 1,
            json!({"type": "track", "messageId": "d", "userId": "u", "event": "Demo Requested", "timestamp": instant(at)}),
        ),
    ];
    for (n, word) in words.iter().enumerate() {
        at += word.after * Millis::MINUTE;
        let mut what = word.what.clone();
        if let Some(minutes) = what.pointer("/disposition/nextCheckIn").and_then(Value::as_i64) {
            what["disposition"]["nextCheckIn"] = json!(instant(at + minutes * Millis::MINUTE));
        }
        what["type"] = json!("crm");
        what["activityId"] = json!(format!("c{n}"));
        what["userId"] = json!("u");
        what["occurredAt"] = json!(instant(at - word.late * Millis::MINUTE));
        lines.push(raw(at, what));
    }
    // Time goes on for two weeks.
    let end = at + 14 * Millis::DAY;
    lines.push(raw(end, json!({"type": "track", "messageId": "end", "userId": "somebody", "event": "Page Viewed", "timestamp": instant(end)})));
    lines
}

/// Instant, in µs, and owner of each record of a topic that is meant.
fn told(seen: &[Seen], topic: &str, is_meant: impl Fn(&Value) -> bool) -> BTreeMap<i64, Value> {
    let meant = seen.iter().filter(|record| record.topic == topic && is_meant(&record.value));
    meant.map(|record| (record.value["stamp"]["at"].as_i64().unwrap(), record.value.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn a_lead_moves_at_the_instants_that_the_watchdog_tells_and_at_no_other(
        words in prop::collection::vec(word(), 0..8), from_lead: bool,
    ) {
        let seen = bare::play(&policy(from_lead), &Script { policy: String::new(), only: None, lines: lines(&words) });
        prop_assert!(seen.iter().any(|record| record.topic == "lead.handoff"), "{seen:?}");
        prop_assert!(seen.iter().all(|record| record.topic != "dlq"), "{seen:?}");
        let moved = told(&seen, "lead.assignment", |a| a["cause"] == "reassign");
        let due = told(&seen, "sla.breach", |e| e["action"] == "Reassign" && e["kind"] != "Retracted");
        for (at, record) in &moved {
            prop_assert!(due.contains_key(at), "moved at {at}, and nobody was told: {record}");
        }
        for (at, event) in &due {
            // Who waits has no desk to leave, and who is the last has none to go to.
            let owned = told(&seen, "lead.assignment", |_| true).range(..*at).next_back().is_some_and(|(_, a)| a["owner"].is_string());
            prop_assert!(moved.contains_key(at) || !owned || nobody_left(&seen, *at), "told at {at} and not moved: {event}");
        }
    }
}

/// Whether everybody on the roster has had the lead by then.
fn nobody_left(seen: &[Seen], at: i64) -> bool {
    let had = told(seen, "lead.assignment", |a| a["owner"].is_string());
    let had: std::collections::BTreeSet<&str> = had.range(..at).filter_map(|(_, a)| a["owner"].as_str()).collect();
    ["jonas.weber", "lena.fischer", "ines.hoffmann", "marcus.reed", "dana.brooks", "sam.keller"]
        .iter()
        .all(|rep| had.contains(rep))
}
