//! What an owner promised: paused, counted against the rep, in whose hours.

use super::hands::{answered, impatient};
use super::*;
use baton_domain::{Answer as Reply, Clock, RepState, SlaAction};
use baton_policy::AutoPause;

fn reply(router: &mut Router, policy: &Policy, at: LogTime, answer: Reply, until: Option<LogTime>) -> Answer {
    let mut said = answered("l1", answer, at);
    said.until = until.map(LogTime::millis);
    router.takes(policy, at, Heard::Lead(RouteInput::Answered(said)))
}

/// When the lead goes to another desk, if nothing else happens.
fn goes_at(router: &Router) -> LogTime {
    router.next().unwrap().0
}

#[test]
fn a_status_that_waits_shifts_the_instant_by_just_so_long() {
    let policy = impatient(desk(vec![("ada", rep()), ("bob", rep())]));
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    assert_eq!(reply(&mut router, &policy, at(9, 20), Reply::Paused, None).outcome, "paused");
    assert_eq!(router.next(), None, "while it stands still nobody is late");
    assert_eq!(reply(&mut router, &policy, at(11, 5), Reply::Resumed, None).outcome, "resumed");
    assert_eq!(goes_at(&router), at(11, 45), "forty minutes were left");
}

#[test]
fn call_me_in_may_waits_until_may_also_for_the_router() {
    let policy = impatient(desk(vec![("ada", rep()), ("bob", rep())]));
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    reply(&mut router, &policy, at(9, 30), Reply::Judged, Some(at(30, 0)));
    assert_eq!(goes_at(&router), at(30, 0), "on that day the clock goes on");
    let (due, key) = router.next().unwrap();
    assert_eq!(router.fires(&policy, &key, due), []);
    assert_eq!(goes_at(&router), at(30, 30));
    let (due, key) = router.next().unwrap();
    let said = Answer { outputs: router.fires(&policy, &key, due), outcome: "", wake: None };
    assert_eq!(owners(&said), pairs(&[("l1", "bob")]));
}

#[test]
fn what_sales_did_before_the_handoff_answers_and_stops_nothing() {
    let policy = impatient(desk(vec![("ada", rep()), ("bob", rep())]));
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    for answer in [Reply::Touched, Reply::Paused] {
        let early = answered("l1", answer, at(8, 59));
        router.takes(&policy, at(9, 1), Heard::Lead(RouteInput::Answered(early)));
        assert_eq!(goes_at(&router), at(10, 0), "{answer:?}");
    }
}

#[test]
fn a_rep_is_held_to_the_hours_that_the_roster_told() {
    let mut policy = impatient(desk(vec![("ada", rep()), ("bob", rep())]));
    let target = baton_policy::Target { within_ms: Millis::HOUR, business_hours: true, working_days: 0 };
    policy.sla.clocks.insert(Clock::FirstTouch, BTreeMap::from([("P1".to_owned(), target)]));
    let mut router = Router::default();
    let told = |rep: &str| RepState { rep: rep.to_owned(), calendar: Some("office".to_owned()), ..RepState::default() };
    for rep in ["ada", "bob"] {
        router.takes(&policy, at(8, 0), Heard::Rep(told(rep)));
    }
    let said = router.hears(&policy, at(16, 30), lead("l1"));
    assert_eq!(goes_at(&router), at(24 + 9, 30), "the office opens again on Thursday at nine");
    let hours = said.outputs.iter().find_map(|said| match said {
        Said::Clock(clock) => match &clock.input {
            WatchInput::HandedOff { hours, .. } => hours.clone(),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(hours.unwrap().calendar.as_deref(), Some("office"), "the watchdog hears in whose hours");
}

/// Who has no calendar keeps the section's hours, in the lead's own zone.
fn in_the_leads_zone() -> Policy {
    let bare = || Rep { calendar: String::new(), ..rep() };
    let mut policy = impatient(desk(vec![("ada", bare()), ("bob", bare())]));
    let target = baton_policy::Target { within_ms: Millis::HOUR, business_hours: true, working_days: 0 };
    policy.sla.clocks.insert(Clock::FirstTouch, BTreeMap::from([("P1".to_owned(), target)]));
    policy.sla.calendar = Some("office".to_owned());
    policy.sla.lead_zone = Some("time_zone".to_owned());
    policy
}

fn in_zone(zone: &str) -> Qualifying {
    let value = FactValue::Text(zone.to_owned());
    Qualifying {
        facts: vec![Fact { name: "time_zone".to_owned(), value, source: "form".to_owned(), observed_at: None }],
        ..lead("l1")
    }
}

#[test]
fn without_a_calendar_of_rep_or_pool_the_leads_own_zone_counts() {
    let policy = in_the_leads_zone();
    let note = |zone: &str| {
        let mut router = Router::default();
        let said = router.hears(&policy, at(12, 0), in_zone(zone));
        let step = assignment(&said).steps.iter().find(|step| step.step == "hours").cloned();
        (goes_at(&router), step.map(|step| step.result))
    };
    assert_eq!(note("America/New_York"), (at(14, 0), Some("lead_zone".to_owned())), "New York opens at 13:00 UTC");
    assert_eq!(note("Mars/Base"), (at(13, 0), Some("unknown_zone".to_owned())), "the office's own is UTC");
    let mut pooled = policy.clone();
    pooled.sla.pool_calendars.insert("desk".to_owned(), "24x7".to_owned());
    let mut router = Router::default();
    router.hears(&pooled, at(12, 0), in_zone("America/New_York"));
    assert_eq!(goes_at(&router), at(13, 0), "the pool's hours come first");
}

/// Silent twice within a day: no leads for two hours.
fn strict() -> Policy {
    let mut policy = impatient(desk(vec![("ada", rep()), ("bob", rep())]));
    policy.routing.auto_pause = Some(AutoPause { after: 2, within_ms: Millis::DAY, for_ms: 2 * Millis::HOUR });
    policy.sla.escalation.get_mut(&Clock::FirstTouch).unwrap()[0].action = SlaAction::AutoPause;
    policy
}

/// Two leads of ada's whom she does not call, at 9:00 and 9:01; their promises break an hour later.
fn silent(policy: &Policy) -> (Router, Vec<Said>) {
    let mut router = Router::default();
    for (minute, id) in [(0, "l1"), (1, "m1"), (2, "l2"), (3, "m2")] {
        router.hears(policy, at(9, minute), lead(id));
    }
    for id in ["m1", "m2"] {
        router.takes(policy, at(9, 10), Heard::Lead(RouteInput::Answered(answered(id, Reply::Touched, at(9, 10)))));
    }
    let mut said = Vec::new();
    while let Some((due, key)) = router.next().filter(|(due, _)| *due <= at(10, 2)) {
        said.extend(router.fires(policy, &key, due));
    }
    (router, said)
}

#[test]
fn a_silent_rep_gets_no_more_leads_and_everybody_reads_why() {
    let policy = strict();
    let (mut router, said) = silent(&policy);
    let [Said::Assignment(told)] = &said[..] else { panic!("{said:?}") };
    assert_eq!((told.cause.as_str(), told.owner.as_deref()), ("auto_paused", Some("ada")), "the lead stays");
    assert_eq!(told.why, "ada gets no leads until 2026-09-09T12:02:00Z: 2 promises broken in a row");
    for n in 0..3 {
        let step = router.hears(&policy, at(10, 10 + n), lead(&format!("n{n}")));
        assert_eq!(owners(&step)[0].1, "bob");
        assert_eq!(assignment(&step).excluded, excluded(&[("ada", "auto_paused")]));
    }
    assert_eq!(router.gives(&policy, at(12, 2), lead("n9")), "ada", "the time is over");
}

#[test]
fn a_touch_or_a_word_of_the_roster_brings_a_silent_rep_back() {
    let policy = strict();
    let touch = Heard::Lead(RouteInput::Answered(answered("l1", Reply::Touched, at(10, 30))));
    let word = Heard::Rep(RepState { rep: "ada".to_owned(), ..RepState::default() });
    let pause = Heard::Lead(RouteInput::Answered(answered("l1", Reply::Paused, at(10, 30))));
    for (heard, next) in [(touch, "ada"), (word, "ada"), (pause, "bob")] {
        let (mut router, _) = silent(&policy);
        router.takes(&policy, at(10, 30), heard.clone());
        assert_eq!(router.gives(&policy, at(10, 31), lead("n1")), next, "{heard:?}");
    }
}

#[test]
fn a_touch_between_two_broken_promises_begins_the_count_anew() {
    let policy = strict();
    let mut router = Router::default();
    for (minute, id) in [(0, "l1"), (1, "m1"), (2, "l2"), (3, "m2")] {
        router.hears(&policy, at(9, minute), lead(id));
    }
    let (due, key) = router.next().unwrap();
    assert_eq!((due, router.fires(&policy, &key, due)), (at(10, 0), vec![]));
    let late = answered("l1", Reply::Touched, at(10, 1));
    router.takes(&policy, at(10, 1), Heard::Lead(RouteInput::Answered(late)));
    while let Some((due, key)) = router.next().filter(|(due, _)| *due <= at(10, 2)) {
        assert_eq!(router.fires(&policy, &key, due), [], "one in a row is not two");
    }
}

#[test]
fn nobody_is_paused_where_everybody_is_and_leads_wait_until_one_is_back() {
    let policy = strict();
    let (mut router, _) = silent(&policy);
    let only_ada = desk(vec![("ada", rep())]);
    let policy = Policy {
        routing: baton_policy::Routing { auto_pause: policy.routing.auto_pause, ..only_ada.routing.clone() },
        ..only_ada
    };
    let step = router.hears(&policy, at(10, 30), lead("n1"));
    assert_eq!((step.outcome, step.wake), ("queued", Some(at(12, 2))));
    assert_eq!(owners(&router.wakes(&policy)), pairs(&[("n1", "ada")]));
}

#[test]
fn where_the_step_moves_the_lead_the_record_of_the_move_tells_of_the_pause() {
    let mut policy = strict();
    policy.routing.auto_pause = Some(AutoPause { after: 1, within_ms: Millis::DAY, for_ms: 2 * Millis::HOUR });
    policy.sla.escalation.get_mut(&Clock::FirstTouch).unwrap()[0].action = SlaAction::Reassign;
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let (due, key) = router.next().unwrap();
    let said = Answer { outputs: router.fires(&policy, &key, due), outcome: "", wake: None };
    assert_eq!((owners(&said), assignment(&said).cause.as_str()), (pairs(&[("l1", "bob")]), "reassign"));
    assert!(assignment(&said).steps.iter().any(|step| step.step == "auto_pause" && step.result == "paused"));
}
