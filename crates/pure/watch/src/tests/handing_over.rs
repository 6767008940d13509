//! Handoffs that come twice, late, without an owner or to another one.

use super::*;

#[test]
fn a_handoff_heard_twice_starts_nothing_twice() {
    let mut desk = Desk::owned_by("ada");
    let answer = desk.hears(&policy(), at(9, 1), handed_to("ada"));
    assert_eq!((answer.outcome, answer.said), ("repeated", vec![]));
    assert_eq!(desk.wake, Some(at(9, 15)), "the next warning is not forgotten");
    desk.hears(&policy(), at(9, 21), verdict(at(9, 21), "not_now"));
    assert_eq!(desk.hears(&policy(), at(9, 22), handed_to("ada")).outcome, "repeated", "even when its clocks are over");
}

#[test]
fn a_lead_in_the_queue_has_no_clock_until_somebody_owns_it() {
    let mut desk = Desk::default();
    assert_eq!(desk.hears(&policy(), at(9, 0), handed("h1", 1, "P1", None)).outcome, "ignored");
    assert_eq!(desk.wake, None);
    let answer = desk.hears(&policy(), at(11, 0), handed_to("ada"));
    assert_eq!(answer.ids(), ["accept_started_h1", "first_touch_started_h1"]);
    assert_eq!(answer.said[0].started_at, at(11, 0));
}

#[test]
fn a_new_owner_gets_clocks_of_their_own() {
    let mut desk = Desk::owned_by("ada");
    let answer = desk.hears(&policy(), at(9, 10), handed_to("kim"));
    let told: Vec<_> = answer.said.iter().map(|event| (event.id.as_str(), event.owner.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("accept_cancelled_h1", Some("ada")),
            ("first_touch_cancelled_h1", Some("ada")),
            ("accept_started_h1_2", Some("kim")),
            ("first_touch_started_h1_2", Some("kim")),
        ]
    );
    assert_eq!(answer.outcome, "clock_started");
    desk.wakes_until(&policy(), at(24, 0));
    let ids: std::collections::BTreeSet<_> = desk.said.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), desk.said.len(), "no id is said twice");
}

#[test]
fn a_new_episode_ends_the_clocks_of_the_one_before() {
    let mut desk = Desk::owned_by("ada");
    let answer = desk.hears(&policy(), at(9, 10), handed("h2", 2, "P1", Some("ada")));
    let expected = ["accept_cancelled_h1", "first_touch_cancelled_h1", "accept_started_h2", "first_touch_started_h2"];
    assert_eq!(answer.ids(), expected);
    assert_eq!(desk.hears(&policy(), at(9, 11), handed_to("kim")).outcome, "repeated", "an older episode is over");
}
