//! The clocks beyond acceptance and first touch, pauses, levels and inheritance.

use super::*;
use baton_domain::{SlaAction, TouchOutcome};
use baton_policy::{After, Cadence, Escalation};

/// Lane P1 with every clock, by the wall clock.
pub(super) fn all_clocks() -> Policy {
    let mut policy = policy();
    let hours = |n: i64| Target { within_ms: n * Millis::HOUR, ..Target::default() };
    let p1 = |target: Target| [("P1".to_owned(), target)].into();
    policy.sla.clocks.insert(Clock::Assign, p1(Target { within_ms: minutes(1), ..Target::default() }));
    policy.sla.clocks.insert(Clock::Disposition, p1(hours(72)));
    policy.sla.clocks.insert(Clock::CheckIn, p1(hours(24)));
    let ages = [("mql", 48), ("sal", 96), ("sql", 200), ("opportunity", 400)];
    let ages = ages.map(|(stage, n)| (stage.to_owned(), hours(n))).into();
    policy.sla.clocks.insert(Clock::StageAge, ages);
    policy.sla.cadence = Some(Cadence { touches: 3, within: hours(240), calendar: None });
    policy.sla.pause_statuses = vec!["on_hold".to_owned()];
    let step = |after, action, to: &[&str]| Escalation {
        after,
        action,
        to: to.iter().map(|role| (*role).to_owned()).collect(),
    };
    let steps = vec![
        step(After::Percent(100), SlaAction::Escalate, &["rep", "manager"]),
        step(After::Late(minutes(30)), SlaAction::Reassign, &["manager"]),
    ];
    policy.sla.escalation = [(Clock::FirstTouch, steps)].into();
    policy
}

pub(super) fn owned(policy: &Policy) -> Desk {
    let mut desk = Desk::default();
    desk.hears(policy, at(9, 0), handed_to("ada"));
    desk
}

pub(super) fn queued(lane: &str) -> Heard {
    Heard::Clock(WatchInput::Queued {
        lead_id: "l1".to_owned(),
        handoff_id: "h1".to_owned(),
        episode: 1,
        lane: lane.to_owned(),
        pool: "desk".to_owned(),
        qualified_at: at(9, 0),
        policy_version: 6,
        occurred_at: at(8, 59).millis(),
        score: None,
        hours: None,
    })
}

fn connected(occurred_at: LogTime) -> Heard {
    touch(occurred_at, Touch { outcome: TouchOutcome::Connected, ..Touch::default() })
}

pub(super) fn dated(occurred_at: LogTime, code: &str, date: LogTime) -> Heard {
    let disposition =
        Some(Disposition { code: code.to_owned(), next_check_in: Some(date.millis()), ..Disposition::default() });
    event(occurred_at, Body::Crm(CrmActivity { kind: CrmKind::Disposition, disposition, ..CrmActivity::default() }))
}

pub(super) fn of(said: &[SlaEvent], clock: Clock) -> Vec<(SlaEventKind, LogTime)> {
    said.iter().filter(|event| event.clock == clock).map(|event| (event.kind, event.stamp.at)).collect()
}

#[test]
fn an_acceptance_dated_before_the_handoff_ends_the_stage_that_it_leaves() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let accepted = desk.hears(&policy, at(9, 10), sales(at(7, 30), CrmKind::Accepted));
    assert_eq!(accepted.ids(), ["stage_age_met_h1_mql", "stage_age_started_h1_sal"]);
    assert_eq!((accepted.said[0].wall_ms, accepted.said[0].business_ms), (0, 0), "no less than none");
}

#[test]
fn t08_assignment_meets_its_clock_and_tells_system_and_human_delay_apart() {
    let policy = all_clocks();
    let mut desk = Desk::default();
    let waits = desk.hears(&policy, at(9, 0), queued("P1"));
    assert_eq!(waits.ids(), ["assign_started_h1", "stage_age_started_h1_mql"]);
    let told = desk.hears(&policy, LogTime(at(9, 0).0 + 30_000_000), handed_to("ada"));
    assert_eq!(told.ids()[..2], ["assign_met_h1", "accept_started_h1"]);
    let met = desk.hears(&policy, at(9, 20), call(at(9, 20))).said[0].clone();
    assert_eq!(
        (met.id.as_str(), met.system_ms),
        ("first_touch_met_h1", 90_000),
        "a minute at the source and half of one here"
    );
    assert_eq!((met.wall_ms, met.lead_ms), (minutes(20) - 30_000, minutes(21)));
}

#[test]
fn a_lead_that_nobody_takes_breaks_the_promise_of_the_line() {
    let policy = all_clocks();
    let mut desk = Desk::default();
    desk.hears(&policy, at(9, 0), queued("P1"));
    let fired = desk.wakes_until(&policy, at(9, 5));
    let breach = fired.last().unwrap();
    assert_eq!((breach.id.as_str(), breach.party), ("assign_100_h1", baton_domain::Party::Ops));
    let told = desk.hears(&policy, at(9, 6), handed_to("ada"));
    let late = told.said.iter().find(|event| event.clock == Clock::Assign).unwrap();
    assert_eq!((late.id.as_str(), late.late, late.stamp.at), ("assign_late_h1", true, at(9, 6)));
}

#[test]
fn t09_a_breach_escalates_and_the_next_owner_starts_anew_at_the_instant_of_the_reassign() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let told = desk.hears(&policy, at(10, 30), handed_to("kim"));
    let touch: Vec<_> =
        desk.said.iter().filter(|e| e.clock == Clock::FirstTouch).map(|e| (e.id.as_str(), e.level, e.action)).collect();
    assert_eq!(
        touch,
        [
            ("first_touch_started_h1", 0, None),
            ("first_touch_50_h1", 50, Some(SlaAction::Warn)),
            ("first_touch_80_h1", 80, Some(SlaAction::Warn)),
            ("first_touch_100_h1", 100, Some(SlaAction::Escalate)),
            ("first_touch_150_h1", 150, Some(SlaAction::Reassign)),
            ("first_touch_started_h1_2", 0, None),
        ]
    );
    assert!(told.said.iter().all(|event| event.stamp.at == at(10, 30)));
    assert_eq!(
        desk.said.iter().find(|e| e.level == 100 && e.clock == Clock::FirstTouch).unwrap().to,
        ["rep", "manager"]
    );
}

#[test]
fn a_late_answer_ends_the_escalation() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    desk.hears(&policy, at(10, 10), call(at(10, 10)));
    assert!(desk.wakes_until(&policy, at(12, 0)).iter().all(|event| event.kind != SlaEventKind::Escalated));
}

#[test]
fn a_clock_from_the_lead_is_inherited_by_the_next_owner() {
    let mut policy = all_clocks();
    policy.sla.first_touch_from_lead = true;
    let mut desk = owned(&policy);
    desk.hears(&policy, at(9, 10), handed_to("kim"));
    let touch: Vec<_> = desk.said.iter().filter(|event| event.clock == Clock::FirstTouch).collect();
    assert_eq!(
        (touch.len(), touch[0].started_at, touch[0].deadline),
        (4, at(8, 0), at(9, 0)),
        "said to have started, both warnings and the breach, once each"
    );
}

#[test]
fn t18_attempts_without_an_answer_end_the_cadence() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    for hour in [10, 34] {
        desk.hears(&policy, at(hour, 0), call(at(hour, 0)));
    }
    let fired = desk.wakes_until(&policy, at(24 * 12, 0));
    let breach = fired.iter().find(|event| event.clock == Clock::Cadence && event.level == 100).unwrap();
    assert_eq!((breach.stamp.at, breach.done, breach.promised), (at(10 + 240, 0), 2, 3));
}

#[test]
fn the_last_attempt_or_a_conversation_keeps_the_cadence_and_a_verdict_is_owed() {
    let policy = all_clocks();
    for last in [call(at(12, 0)), connected(at(12, 0))] {
        let mut desk = owned(&policy);
        desk.hears(&policy, at(9, 30), call(at(9, 30)));
        desk.hears(&policy, at(11, 0), call(at(11, 0)));
        let told = desk.hears(&policy, at(12, 0), last);
        // Who spoke with the lead has accepted it, late by now.
        let others: Vec<_> = told.ids().into_iter().filter(|id| *id != "accept_late_h1").collect();
        assert_eq!(others, ["cadence_met_h1", "disposition_started_h1"]);
        let judged = desk.hears(&policy, at(13, 0), verdict(at(13, 0), "qualified"));
        let disposition: Vec<_> = judged.said.iter().filter(|event| event.clock == Clock::Disposition).collect();
        assert_eq!((disposition[0].kind, disposition[0].wall_ms), (SlaEventKind::Met, Millis::HOUR));
    }
}

#[test]
fn an_automated_mail_counts_for_no_cadence() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let mail = Touch { automated: true, ..Touch::default() };
    assert_eq!(desk.hears(&policy, at(9, 10), touch(at(9, 10), mail)).outcome, "ignored");
}

#[test]
fn a_stage_ends_where_the_next_begins() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let told = desk.hears(&policy, at(9, 10), sales(at(9, 10), CrmKind::Accepted));
    assert_eq!(told.ids(), ["stage_age_met_h1_mql", "accept_met_h1", "stage_age_started_h1_sal"]);
    let told = desk.hears(&policy, at(9, 20), sales(at(9, 20), CrmKind::Opportunity));
    let expected = ["first_touch_cancelled_h1", "stage_age_met_h1_sal", "stage_age_started_h1_opportunity"];
    assert_eq!(told.ids(), expected, "nobody need reach out to a lead with whom there is a deal");
    let old = desk.wakes_until(&policy, at(24 * 30, 0));
    let review = old.iter().find(|event| event.clock == Clock::StageAge && event.level == 100).unwrap();
    assert_eq!((review.action, review.lane.as_str()), (Some(SlaAction::Review), "opportunity"));
}

#[test]
fn what_sales_did_before_a_second_episode_ends_no_stage_of_it() {
    let policy = all_clocks();
    let ends_deal = |deal: &str| {
        let opportunity = Some(deal.to_owned());
        CrmActivity { kind: CrmKind::Opportunity, opportunity, ..CrmActivity::default() }
    };
    let accepted = CrmActivity { kind: CrmKind::Accepted, ..CrmActivity::default() };
    for claim in [accepted, ends_deal("lost"), ends_deal("won")] {
        let mut desk = Desk::default();
        desk.hears(&policy, at(9, 0), handed("h2", 2, "P1", Some("ada")));
        let told = desk.hears(&policy, at(9, 10), event(at(7, 0), Body::Crm(claim.clone())));
        assert_eq!(told.ids(), Vec::<&str>::new(), "{claim:?}");
        let told = desk.hears(&policy, at(9, 20), event(at(9, 15), Body::Crm(claim)));
        assert!(told.ids().contains(&"stage_age_met_h2_mql"), "{:?}", told.ids());
    }
}

#[test]
fn what_sales_does_with_a_lead_that_was_taken_back_begins_no_stage() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let taken_back = Heard::Clock(WatchInput::Withdrawn {
        lead_id: "l1".to_owned(),
        handoff_id: "h1".to_owned(),
        episode: 1,
        cause: "cadence_expired".to_owned(),
    });
    let said = desk.hears(&policy, at(9, 10), taken_back);
    assert!(said.ids().contains(&"stage_age_cancelled_h1_mql"), "{:?}", said.ids());
    let said = desk.hears(&policy, at(9, 20), sales(at(9, 20), CrmKind::Accepted));
    assert_eq!((said.ids(), desk.state.iter().flat_map(State::owed).count()), (Vec::<&str>::new(), 0));
    let again = desk.hears(&policy, at(10, 0), handed("h2", 2, "P1", Some("ada")));
    assert!(again.ids().contains(&"stage_age_started_h2_mql"), "{:?}", again.ids());
}

#[test]
fn t16_bad_timing_comes_back_on_its_day() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let day = at(60 * 24, 0);
    let told = desk.hears(&policy, at(9, 30), dated(at(9, 30), "bad_timing", day));
    assert!(told.ids().contains(&"first_touch_cancelled_h1"));
    let later = desk.wakes_until(&policy, at(61 * 24, 0));
    assert_eq!(
        of(&later, Clock::CheckIn).first(),
        Some(&(SlaEventKind::Started, day)),
        "the clock starts on the day, and its start is the reminder"
    );
    assert_eq!(of(&later, Clock::CheckIn).last(), Some(&(SlaEventKind::Breached, at(61 * 24, 0))));
}

#[test]
fn t16_without_a_date_of_the_reps_it_comes_back_on_the_policys_day() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    desk.hears(&policy, at(9, 30), verdict(at(9, 30), "bad_timing"));
    let later = desk.wakes_until(&policy, at(70 * 24, 0));
    assert_eq!(of(&later, Clock::CheckIn).first(), Some(&(SlaEventKind::Started, at(60 * 24 + 9, 30))));
}

#[test]
fn a_touch_after_the_day_meets_the_check_in() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    desk.hears(&policy, at(9, 30), dated(at(9, 30), "not_now", at(48, 0)));
    let met = desk.hears(&policy, at(50, 0), call(at(50, 0)));
    assert_eq!(met.ids(), ["check_in_met_h1"]);
}

#[test]
fn t20_never_contact_cancels_every_timer_and_the_day_too() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    desk.hears(&policy, at(9, 30), dated(at(9, 30), "not_now", at(48, 0)));
    desk.hears(&policy, at(10, 0), consent(at(10, 0), "all", ConsentState::Denied));
    assert_eq!((desk.wake, desk.wakes_until(&policy, at(100, 0))), (None, vec![]));
}

#[test]
fn a_withdrawn_handoff_owes_nothing() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let withdrawn = || {
        Heard::Clock(WatchInput::Withdrawn {
            lead_id: "l1".to_owned(),
            handoff_id: "h1".to_owned(),
            episode: 1,
            cause: "retracted".to_owned(),
        })
    };
    let told = desk.hears(&policy, at(9, 10), withdrawn());
    assert_eq!(told.outcome, "cancelled");
    assert!(told.said.iter().all(|event| event.kind == SlaEventKind::Cancelled && event.event_id == "retracted"));
    assert_eq!(desk.wake, None);
    assert_eq!(desk.hears(&policy, at(9, 11), withdrawn()).outcome, "repeated");
}

#[test]
fn a_status_that_waits_stops_the_reps_clocks_and_keeps_what_was_used() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let told = desk.hears(&policy, at(9, 10), status(at(9, 10), "on_hold"));
    assert_eq!((told.ids(), told.outcome), (vec!["accept_paused_h1", "first_touch_paused_h1"], "paused"));
    assert!(desk.wakes_until(&policy, at(20, 0)).is_empty(), "nothing is due while it stands still");
    let told = desk.hears(&policy, at(20, 0), status(at(20, 0), "working"));
    assert_eq!(told.ids(), ["accept_resumed_h1", "first_touch_resumed_h1"]);
    assert_eq!(told.said[1].deadline, at(20, 50), "ten of sixty minutes were used");
    let met = desk.hears(&policy, at(20, 30), call(at(20, 30)));
    let met = &met.said[0];
    assert_eq!((met.business_ms, met.paused_ms, met.wall_ms), (minutes(40), minutes(650), minutes(690)));
    assert_eq!((met.pauses.len(), met.pauses[0].cause.as_str()), (1, "on_hold"));
}

#[test]
fn call_me_in_may_waits_until_may() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    desk.hears(&policy, at(9, 10), dated(at(9, 10), "call_later", at(33, 0)));
    let told = desk.wakes_until(&policy, at(33, 0));
    assert_eq!(of(&told, Clock::FirstTouch), [(SlaEventKind::Resumed, at(33, 0))]);
    let rest = desk.wakes_until(&policy, at(33, 50));
    assert_eq!(of(&rest, Clock::FirstTouch).last(), Some(&(SlaEventKind::Breached, at(33, 50))));
}

#[test]
fn a_new_policy_leaves_what_was_used_as_it_is() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    desk.hears(&policy, at(9, 10), status(at(9, 10), "on_hold"));
    let mut strict = all_clocks();
    strict.version = 8;
    strict
        .sla
        .clocks
        .insert(Clock::FirstTouch, [("P1".to_owned(), Target { within_ms: 1, ..Target::default() })].into());
    let told = desk.hears(&strict, at(10, 0), status(at(10, 0), "working"));
    let touch = told.said.iter().find(|event| event.clock == Clock::FirstTouch).unwrap();
    assert_eq!((touch.deadline, touch.policy_version), (at(10, 50), 7));
}

#[test]
fn a_clock_remembers_sixteen_pauses_and_the_length_of_all() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    for n in 0..20 {
        desk.hears(&policy, LogTime(at(9, 1).0 + 2 * n * 1_000_000), status(at(9, 1), "on_hold"));
        desk.hears(&policy, LogTime(at(9, 1).0 + (2 * n + 1) * 1_000_000), status(at(9, 1), "working"));
    }
    let told = desk.hears(&policy, at(9, 10), call(at(9, 10)));
    let met = &told.said[0];
    assert_eq!((met.pauses.len(), met.paused_ms), (16, 20_000));
    let ids: std::collections::BTreeSet<_> = desk.said.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), desk.said.len(), "no id is said twice");
}
