//! The router takes a lead to another desk at the very instant at which the watchdog says that it does, whatever
//! sales does meanwhile, and tells an owner the deadlines that the watchdog keeps, to the millisecond: the two hear
//! nothing of each other.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, its helpers too")]

use std::collections::{BTreeMap, BTreeSet};

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

/// A lead that is ready by what it does, and what sales says of it and it says itself.
fn lines(does: &str, words: &[Word]) -> Vec<(Millis, Line)> {
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
            json!({"type": "track", "messageId": "d", "userId": "u", "event": does, "timestamp": instant(at + 1)}),
        ),
    ];
    for (n, word) in words.iter().enumerate() {
        at += word.after * Millis::MINUTE;
        let mut what = word.what.clone();
        if let Some(minutes) = what.pointer("/disposition/nextCheckIn").and_then(Value::as_i64) {
            what["disposition"]["nextCheckIn"] = json!(instant(at + minutes * Millis::MINUTE));
        }
        if what.get("type").is_none() {
            what["type"] = json!("crm");
            what["activityId"] = json!(format!("c{n}"));
            what["occurredAt"] = json!(instant(at - word.late * Millis::MINUTE));
        }
        if what["type"] != "retract" {
            what["userId"] = json!("u");
        }
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
        let seen = bare::play(&policy(from_lead), &Script { policy: String::new(), only: None, lines: lines("Demo Requested", &words) });
        prop_assert!(seen.iter().any(|record| record.topic == "lead.handoff"), "{seen:?}");
        prop_assert!(seen.iter().all(|record| record.topic != "dlq"), "{seen:?}");
        let moved = told(&seen, "lead.assignment", |a| a["cause"] == "reassign");
        let due = told(&seen, "sla.breach", |e| e["action"] == "Reassign" && e["kind"] != "Retracted");
        for (at, record) in &moved {
            // One for whom there was no other desk goes to the first that is free, and was told to stay until then.
            let stays = told(&seen, "lead.assignment", |_| true).range(..*at).next_back().is_some_and(|(_, a)| stays(a));
            prop_assert!(near(&due, *at) || stays, "moved at {at}, and nobody was told: {record}");
            let broken = near(&told(&seen, "sla.breach", |_| true), *at);
            prop_assert!(broken || !self::stays(record), "told at {at} to stay, and nothing was due: {record}");
        }
        for (at, event) in &due {
            // Who waits has no desk to leave, and whom sales moves or gives back in that very instant goes there.
            let owned = told(&seen, "lead.assignment", |_| true).range(..*at).next_back().is_some_and(|(_, a)| a["owner"].is_string());
            let taken = near(&told(&seen, "lead.assignment", |a| a["cause"] != "reassign"), *at);
            prop_assert!(near(&moved, *at) || taken || !owned, "told at {at} and not moved: {event}");
        }
        prop_assert_eq!(promised(&seen), started(&seen), "as the router tells it, and as the watchdog keeps it");
        for handoff in seen.iter().filter(|record| record.topic == "lead.handoff").map(|record| &record.value) {
            let told = told(&seen, "lead.assignment", |a| a["stamp"] == handoff["assignment"]["stamp"]);
            prop_assert!(told.values().any(|told| *told == handoff["assignment"]), "{handoff}");
        }
    }

    #[test]
    fn a_claimed_lead_goes_back_at_the_instant_at_which_its_acceptance_breaks_and_at_no_other(
        words in prop::collection::vec(prop_oneof![2 => word(), 2 => claim(), 3 => asks()], 1..12),
        does in prop_oneof![Just("Demo Requested"), Just("Webinar Attended")], from_lead: bool,
    ) {
        let policy = claims(from_lead);
        let seen = bare::play(&policy, &Script { policy: String::new(), only: None, lines: lines(does, &words) });
        let back = told(&seen, "lead.assignment", |a| a["cause"] == "reassign");
        let due = told(&seen, "sla.breach", |e| {
            e["clock"] == "Accept" && e["kind"] == "Breached" || e["action"] == "Reassign" && e["kind"] != "Retracted"
        });
        for (at, record) in &back {
            prop_assert!(record["owner"].is_null() && near(&due, *at), "went back at {at}, and nobody was told: {record}");
        }
        for (at, event) in &due {
            let owned = told(&seen, "lead.assignment", |_| true).range(..*at).next_back().is_some_and(|(_, a)| a["owner"].is_string());
            let taken = near(&told(&seen, "lead.assignment", |a| a["cause"] != "reassign"), *at);
            prop_assert!(near(&back, *at) || taken || !owned, "told at {at} and not taken back: {event}");
        }
        prop_assert_eq!(promised(&seen), started(&seen), "as the router tells it, and as the watchdog keeps it");
    }
}

/// The starter policy, in which the leads of one pool are claimed.
fn claims(from_lead: bool) -> Policy {
    let text = STARTER
        .replace("    emea:\n      members", "    emea:\n      strategy: claim\n      members")
        .replace("  # first_touch_from: lead #", if from_lead { "  first_touch_from: lead #" } else { "  #" });
    assert!(text.contains("strategy: claim\n"));
    parse("starter.yaml", &text).unwrap()
}

/// A member of the pool takes the lead, if it is there to be taken.
fn claim() -> impl Strategy<Value = Word> {
    let rep = prop_oneof![Just("jonas.weber"), Just("lena.fischer")];
    let what = rep.prop_map(|rep| json!({"kind": "owner", "owner": rep, "actor": rep}));
    (1..900_i64, what).prop_map(|(after, what)| Word { after, late: 0, what })
}

/// The lead is handed back; or it asks for sales, with one of two events, or with one of them it did not after all.
fn asks() -> impl Strategy<Value = Word> {
    let back = json!({"kind": "owner", "owner": null, "actor": "boss"});
    let asks = |id: &str| json!({"type": "track", "messageId": id, "event": "Demo Requested"});
    let not = |id: &str| json!({"type": "retract", "messageId": format!("not-{id}"), "retracts": id, "reason": "test", "by": "ops"});
    let what = [back.clone(), back, asks("d1"), asks("d2"), not("d1"), not("d2")];
    (1..900_i64, 0..what.len()).prop_map(move |(after, n)| Word { after, late: 0, what: what[n].clone() })
}

/// Handoff, owner, clock, start and deadline.
type Promised = BTreeSet<(String, String, String, i64, i64)>;

fn promise(handoff: &Value, owner: &Value, due: &Value) -> (String, String, String, i64, i64) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let at = |name: &str| due[name].as_i64().unwrap();
    (word(handoff), word(owner), word(&due["clock"]), at("started_at"), at("deadline"))
}

/// What each owner is told to owe, and that its local time is the same instant.
fn promised(seen: &[Seen]) -> Promised {
    let assignments = seen.iter().filter(|record| record.topic == "lead.assignment").map(|record| &record.value);
    let due =
        assignments.flat_map(|told| told["deadlines"].as_array().into_iter().flatten().map(move |due| (told, due)));
    due.map(|(told, due)| {
        let local: jiff::Timestamp = due["local"].as_str().unwrap().parse().unwrap();
        assert_eq!(local.as_microsecond(), due["deadline"].as_i64().unwrap(), "{due}");
        promise(&told["handoff_id"], &told["owner"], due)
    })
    .collect()
}

/// What the watchdog holds each owner to from the beginning.
fn started(seen: &[Seen]) -> Promised {
    let started = seen.iter().filter(|record| record.topic == "sla.started").map(|record| &record.value);
    let owners = started.filter(|event| event["clock"] == "Accept" || event["clock"] == "FirstTouch");
    owners.map(|event| promise(&event["handoff_id"], &event["owner"], event)).collect()
}

/// Whether something was told at an instant. One of the two may have heard a word in that very instant, and comes to
/// what is due one step of log time after it.
fn near(told: &BTreeMap<i64, Value>, at: i64) -> bool {
    told.range(at - 1..=at + 1).next().is_some()
}

/// Whether a lead keeps its silent owner for want of another.
fn stays(assignment: &Value) -> bool {
    assignment["why"].as_str().is_some_and(|why| why.starts_with("stays with "))
}
