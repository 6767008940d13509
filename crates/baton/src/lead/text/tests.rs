//! One lead's records, told.

use baton_domain::{Band, Fact, FactValue, KindCount, Moment, PastEpisode, Status};
use baton_domain::{
    Contribution, ContributionKind, Grade, Millis, Points, Qualified, ScoreUpdate, SlaAction, SlaEventKind, Stage,
};
use baton_scenario::Seen;
use serde::Serialize;

use super::super::story::Story;
use super::*;
use crate::summary::samples::{at, handoff, moved, sla};

fn seen<T: Serialize>(topic: &str, record: &T) -> Seen {
    Seen { topic: topic.to_owned(), key: "ld_1".to_owned(), value: serde_json::to_value(record).unwrap() }
}

fn score() -> ScoreUpdate {
    let line = |points, rule: &str, event_id: &str| Contribution {
        kind: if event_id.is_empty() { ContributionKind::Cap } else { ContributionKind::Activity },
        rule: rule.to_owned(),
        event_id: event_id.to_owned(),
        occurred_at: at(0).millis(),
        points: Points(points),
        count: 1,
        span: None,
    };
    ScoreUpdate {
        stamp: baton_domain::Stamp { at: at(60), lane: 0 },
        lead_id: "ld_1".to_owned(),
        event_id: "e1".to_owned(),
        score: Points(37_500_000),
        fit: Points::ZERO,
        engagement: Points(37_500_000),
        grade: Grade::A,
        band: Band(2),
        stage: Stage::Mql,
        receipt: vec![line(40_000_000, "demo_requested", "e1"), line(-2_500_000, "total", "")],
        policy_version: 3,
        status: Some(Status::New),
        kept_by: None,
    }
}

fn records() -> Vec<Seen> {
    let mut handoff = handoff(60, "ld_1");
    handoff.decision.recent =
        vec![Moment { occurred_at: Millis(at(20).millis().0), name: "Demo Requested".to_owned(), detail: None }];
    handoff.decision.topics = vec![KindCount { name: "pricing".to_owned(), count: 2 }];
    let fact = |name: &str, value, source: &str| Fact {
        name: name.to_owned(),
        value,
        source: source.to_owned(),
        observed_at: (source == "enrichment").then_some(at(20).millis()),
    };
    handoff.decision.facts = vec![
        fact("email", FactValue::Text("ada@acme.example".to_owned()), "form"),
        fact("phone", FactValue::Text("+49 30 1234".to_owned()), "crm"),
        fact("employees", FactValue::Number(250), "enrichment"),
    ];
    handoff.decision.history.past = vec![PastEpisode {
        episode: 1,
        stage: Stage::Recycled,
        code: "not_now".to_owned(),
        reason: Some("budget".to_owned()),
        owner: Some("kim".to_owned()),
        ended_at: at(0).millis(),
    }];
    handoff.decision.first_campaign = Some("spring".to_owned());
    handoff.decision.consent = vec![baton_domain::ChannelConsent {
        channel: "phone".to_owned(),
        state: baton_domain::ConsentState::Denied,
        explicit: false,
        since: at(0).millis(),
    }];
    handoff.assignment.deadlines = Some(vec![baton_domain::Deadline {
        clock: baton_domain::Clock::FirstTouch,
        started_at: at(60),
        deadline: at(360),
        local: "2026-09-07T11:06:00+02:00".to_owned(),
        zone: "Europe/Berlin".to_owned(),
    }]);
    handoff.assignment.excluded =
        vec![baton_domain::Excluded { rep: "pieter.jansen".to_owned(), reason: "away".to_owned() }];
    vec![
        seen("lifecycle.changed", &moved(60, "ld_1", Some(Stage::Identified), Stage::Mql)),
        seen("lead.score", &score()),
        seen("lead.qualified", &Qualified { stamp: handoff.stamp, decision: handoff.decision.clone() }),
        seen("lead.assignment", &handoff.assignment),
        seen("lead.handoff", &handoff),
        seen("sla.met", &sla(SlaEventKind::Met, 60, 120, "ld_1")),
        seen("sla.started", &sla(SlaEventKind::Started, 60, 60, "ld_1")),
    ]
}

#[test]
fn the_receipt_shown_sums_to_the_score_shown() {
    let story = Story::of("ld_1", &records(), None);
    let score = story.score.unwrap();
    assert_eq!((score.score, score.sum), ("37.5".to_owned(), "37.5".to_owned()));
}

#[test]
fn a_line_of_the_receipt_says_what_the_person_did_where_the_log_still_has_it() {
    let activity = baton_domain::Activity { name: "Demo Requested".to_owned(), ..Default::default() };
    let event = baton_domain::LeadEvent {
        stamp: baton_domain::Stamp { at: at(0), lane: 0 },
        lead_id: "ld_1".to_owned(),
        event_id: "e1".to_owned(),
        occurred_at: at(0).millis(),
        origin: String::new(),
        body: baton_domain::Body::Activity(activity),
    };
    let line = |did: &str| format!("         40  demo_requested (activity)  {did} at 2026-09-07T09:00:00Z\n");
    let mut records = records();
    let said = story(&Story::of("ld_1", &records, None));
    assert!(said.contains(&line("e1")), "{said}");
    records.push(seen("lead.events", &event));
    let said = story(&Story::of("ld_1", &records, None));
    assert!(said.contains(&line("Demo Requested")), "{said}");
}

#[test]
fn what_is_refused_and_how_far_a_promise_is_past_are_told_in_words() {
    let rejected = baton_domain::LifecycleRejected {
        stamp: baton_domain::Stamp { at: at(0), lane: 0 },
        lead_id: "ld_1".to_owned(),
        attempted: "budget".to_owned(),
        current: Stage::Mql,
        rule: "earlier_episode".to_owned(),
        event_id: "e1".to_owned(),
        episode: 2,
        policy_version: 1,
        status: None,
    };
    let mut escalated = sla(SlaEventKind::Escalated, 60, 360, "ld_1");
    escalated.level = 700;
    let said =
        story(&Story::of("ld_1", &[seen("lifecycle.rejected", &rejected), seen("sla.breach", &escalated)], None));
    assert!(
        said.contains("budget is refused: it happened before the episode that is open (earlier_episode)\n"),
        "{said}"
    );
    assert!(said.contains("7 times its time used, "), "{said}");
}

#[test]
fn a_line_that_tells_several_events_says_how_many_and_names_none_alone() {
    let mut score = score();
    let span = baton_domain::Span { first_at: at(0).millis(), last_at: at(20).millis() };
    if let Some(line) = score.receipt.first_mut() {
        (line.count, line.span) = (2, Some(span));
    }
    let said = story(&Story::of("ld_1", &[seen("lead.score", &score)], None));
    let line = "         40  demo_requested (activity)  2 times, 2026-09-07T09:00:00Z to 2026-09-07T09:00:20Z\n";
    assert!(said.contains(line), "{said}");
}

#[test]
fn the_questions_of_whoever_takes_over_are_answered_or_said_to_be_open() {
    let said = story(&Story::of("ld_1", &records(), None));
    for answer in [
        "  What were they last doing?\n    Demo Requested at 2026-09-07T09:00:20Z\n",
        "  Where did they hear about us?\n    first: google, campaign spring\n",
        "  Which resources interest them?\n    pricing (2)\n",
        "  Why are they suddenly ready?\n    an action: Demo Requested at 2026-09-07T09:00:20Z, 40 points\n",
        "  Who are they?\n    email: a***@acme.example (form)\n    phone: known (crm)\n    employees: 250 (enrichment, 2026-09-07T09:00:20Z)\n",
        "  What is not known?\n    employees\n",
        "  How may they be contacted?\n    phone: denied, since 2026-09-07T09:00:00Z\n",
        "  What happened before?\n    episode 1 ended in recycled at 2026-09-07T09:00:00Z: not_now, budget, kim had it\n",
    ] {
        assert!(said.contains(answer), "{answer}\n{said}");
    }
    let empty = story(&Story::of("ld_1", &records()[..1], None));
    assert!(!empty.contains("suddenly"), "no episode, no questions: {empty}");
}

#[test]
fn a_desk_says_why_this_rep_and_why_not_the_others() {
    let said = desks(&super::super::desk::desks(&records()));
    assert_eq!(
        said,
        "  2026-09-07T09:01:00Z  episode 1: jonas.weber (qualified)\n    pool emea, by rule emea: next in turn\n    waited 30s\n    \
         owes first_touch by 2026-09-07T09:06:00Z, there 2026-09-07T11:06:00+02:00 Europe/Berlin\n    not pieter.jansen: away\n    judged by policy 1\n"
    );
    assert_eq!(desks(&[]), "no desk was asked for\n");
}

#[test]
fn a_promise_says_what_became_of_it_in_whatever_order_its_topics_are_read() {
    let told = super::super::promise::promises(&records());
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].state.as_str(), told[0].clock.as_str()), ("met", "first_touch"));
    let said = promises(&told);
    assert!(
        said.starts_with("  Episode 1\n  first_touch P0, jonas.weber: met\n    from 2026-09-07T09:01:00Z, due "),
        "{said}"
    );
    let mut records = records();
    records.reverse();
    assert_eq!(super::super::promise::promises(&records), told);
}

#[test]
fn a_promise_of_a_lead_that_nobody_has_yet_names_the_pool_that_owes_it() {
    let mut waits = sla(SlaEventKind::Started, 60, 60, "ld_1");
    (waits.owner, waits.pool) = (None, "emea".to_owned());
    let told = super::super::promise::promises(&[seen("sla.started", &waits)]);
    let said = promises(&told);
    assert!(said.starts_with("  Episode 1\n  first_touch P0, pool emea: open\n"), "{said}");
}

#[test]
fn a_broken_promise_says_what_was_asked_for_and_that_it_was_taken_back() {
    let step = |kind, level, action, at| {
        let mut event = sla(kind, 60, at, "ld_1");
        (event.level, event.action, event.to) = (level, Some(action), vec!["rep".to_owned(), "manager".to_owned()]);
        event
    };
    let records = [
        seen("sla.breach", &step(SlaEventKind::Breached, 100, SlaAction::Escalate, 360)),
        seen("sla.breach", &step(SlaEventKind::Escalated, 700, SlaAction::Reassign, 2_160)),
        seen("sla.breach", &sla(SlaEventKind::Retracted, 60, 2_400, "ld_1")),
    ];
    let said = promises(&super::super::promise::promises(&records));
    for line in [
        "    its time used up at 2026-09-07T09:06:00Z: escalate, told to rep, manager\n",
        "    7 times its time used at 2026-09-07T09:36:00Z: reassign, told to rep, manager\n",
        "    taken back at 2026-09-07T09:40:00Z: the answer had come in time\n",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
}

#[test]
fn a_span_is_told_by_its_two_largest_units() {
    assert_eq!(span(90_061_001), "1d 1h");
    assert_eq!(span(300_000), "5m");
    assert_eq!(span(0), "no time");
}

#[test]
fn a_lead_that_changed_lanes_while_it_waited_says_when_into_which_and_why() {
    let mut records = records();
    let assigned = handoff(60, "ld_1").assignment;
    let told = |seconds, cause: &str, why: &str| {
        let stamp = baton_domain::Stamp { at: at(seconds), lane: 0 };
        let (owner, cause, why) = (None, cause.to_owned(), why.to_owned());
        seen("lead.assignment", &baton_domain::Assignment { stamp, owner, cause, why, ..assigned.clone() })
    };
    records.push(told(70, "hand_raise", "waiting: nobody eligible"));
    records.push(seen("sla.started", &sla(SlaEventKind::Started, 70, 70, "ld_1")));
    records.push(told(80, "retracted", "waiting: nobody eligible"));
    records.push(told(90, "retracted", "withdrawn: retracted"));
    let said = story(&Story::of("ld_1", &records, None));
    let [up, down] = [70, 80].map(|seconds| super::super::time(at(seconds)));
    let lines = format!(
        "\n  Moved up to P0 at {up}: it asked for sales while it waited\n  Moved back at {down}: that request was taken back\n"
    );
    assert!(said.contains(&lines) && said.matches("Moved back").count() == 1, "{said}");
}
