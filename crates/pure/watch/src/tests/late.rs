//! Answers to promises that had broken: who answers late counts among those who answer.

use baton_domain::SlaAction;
use baton_policy::{After, Escalation};

use super::*;

fn withdrawn(cause: &str) -> Heard {
    Heard::Clock(WatchInput::Withdrawn {
        lead_id: "l1".to_owned(),
        handoff_id: "h1".to_owned(),
        episode: 1,
        cause: cause.to_owned(),
    })
}

#[test]
fn a_late_answer_is_told_once_with_the_time_that_it_took_and_mends_nothing() {
    let mut desk = Desk::owned_by("ada");
    let answer = desk.hears(&policy(), at(10, 20), call(at(10, 2)));
    assert_eq!((answer.outcome, answer.ids()), ("answered_late", vec!["first_touch_late_h1"]));
    let told = &answer.said[0];
    assert_eq!(
        (told.kind, told.late, told.wall_ms, told.business_ms),
        (SlaEventKind::Met, true, minutes(62), minutes(62))
    );
    assert_eq!(desk.hears(&policy(), at(10, 30), call(at(10, 30))).outcome, "ignored");
    let owed: Vec<Clock> = desk.state.iter().flat_map(State::owed).map(|owed| owed.clock).collect();
    assert_eq!(owed, [Clock::Accept], "a touch that was late is owed no more");
}

#[test]
fn a_late_answer_is_never_later_than_it_was_known() {
    let answer = Desk::owned_by("ada").hears(&policy(), at(10, 2), call(at(10, 40)));
    assert_eq!(answer.said[0].wall_ms, minutes(62));
}

#[test]
fn after_a_late_answer_the_truth_still_takes_the_breach_back() {
    let mut desk = Desk::owned_by("ada");
    assert_eq!(desk.hears(&policy(), at(10, 2), call(at(10, 1))).ids(), ["first_touch_late_h1"]);
    let truth = desk.hears(&policy(), at(10, 5), call(at(9, 58)));
    assert_eq!((truth.outcome, truth.ids()), ("retracted", vec!["first_touch_retracted_h1", "first_touch_met_h1"]));
    assert_eq!((truth.said[1].late, truth.said[1].wall_ms), (false, minutes(58)));
}

#[test]
fn what_nobody_owes_any_more_is_not_answered_late() {
    let mut desk = Desk::owned_by("ada");
    desk.hears(&policy(), at(10, 2), verdict(at(10, 2), "not_now"));
    assert_eq!(desk.hears(&policy(), at(10, 3), call(at(10, 3))).outcome, "ignored");
}

#[test]
fn a_touch_in_time_takes_the_breach_back_though_the_lead_has_another_owner() {
    let mut desk = Desk::owned_by("ada");
    desk.hears(&policy(), at(10, 2), handed_to("kim"));
    let truth = desk.hears(&policy(), at(10, 5), call(at(9, 58)));
    assert_eq!(truth.ids(), ["first_touch_retracted_h1", "first_touch_met_h1"]);
    assert!(
        truth.said.iter().all(|event| event.owner.as_deref() == Some("ada")),
        "it was ada who had been called late"
    );
    assert_eq!(desk.hears(&policy(), at(10, 6), call(at(9, 57))).outcome, "ignored", "once");
    assert_eq!(desk.hears(&policy(), at(10, 20), call(at(10, 20))).ids(), ["first_touch_met_h1_2"], "kim's runs on");
}

#[test]
fn the_breach_of_an_owner_before_is_neither_owed_nor_answered_late_nor_taken_back_after_its_grace() {
    let mut desk = Desk::owned_by("ada");
    desk.hears(&policy(), at(10, 2), handed_to("kim"));
    let owed: Vec<_> = desk.state.iter().flat_map(State::owed).map(|owed| owed.standing).collect();
    assert_eq!(owed, [crate::Standing::Running; 2], "kim's clocks only");
    assert_eq!(desk.hears(&policy(), at(10, 3), call(at(10, 3))).ids(), ["first_touch_met_h1_2"]);
    assert_eq!(desk.hears(&policy(), at(10, 7), call(at(9, 58))).outcome, "ignored", "the grace is six minutes");
    desk.hears(&policy(), at(10, 8), handed_to("ada"));
    assert_eq!(desk.state.iter().map(|state| state.clocks.len()).sum::<usize>(), 2, "and it is forgotten");
}

#[test]
fn a_touch_in_time_takes_the_breach_back_though_a_verdict_withdrew_the_handoff() {
    let mut desk = Desk::owned_by("ada");
    desk.hears(&policy(), at(10, 2), verdict(at(10, 2), "not_now"));
    desk.hears(&policy(), at(10, 2), withdrawn("not_now"));
    assert_eq!(desk.hears(&policy(), at(10, 3), withdrawn("not_now")).outcome, "repeated");
    let truth = desk.hears(&policy(), at(10, 5), call(at(9, 58)));
    assert_eq!(truth.ids(), ["first_touch_retracted_h1", "first_touch_met_h1"]);
}

#[test]
fn a_status_that_ends_says_nothing_of_the_broken_clock_of_an_owner_before() {
    let mut policy = policy();
    policy.sla.pause_statuses = vec!["on_hold".to_owned()];
    let review = Escalation { after: After::Percent(150), action: SlaAction::Review, to: Vec::new() };
    policy.sla.escalation = [(Clock::FirstTouch, vec![review])].into();
    let mut desk = Desk::default();
    desk.hears(&policy, at(9, 0), handed_to("ada"));
    desk.hears(&policy, at(10, 2), status(at(10, 2), "on_hold"));
    desk.hears(&policy, at(10, 3), handed_to("kim"));
    let back = desk.hears(&policy, at(10, 4), status(at(10, 4), "open"));
    assert_eq!(back.ids(), ["accept_resumed_h1_2", "first_touch_resumed_h1_2"]);
}
