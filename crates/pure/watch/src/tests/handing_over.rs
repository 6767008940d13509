//! Handoffs that come twice, late, without an owner or to another one.

use super::nine::{all_clocks, dated, of, owned, queued};
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
fn a_lead_grows_old_with_whoever_has_it_now() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    desk.hears(&policy, at(9, 10), handed_to("kim"));
    let told = desk.wakes_until(&policy, at(24 * 60, 0));
    let aged: Vec<_> = told.iter().filter(|event| event.clock == Clock::StageAge).collect();
    assert!(!aged.is_empty() && aged.iter().all(|event| event.owner.as_deref() == Some("kim")), "{aged:?}");
}

#[test]
fn a_new_episode_ends_the_clocks_of_the_one_before() {
    let mut desk = Desk::owned_by("ada");
    let answer = desk.hears(&policy(), at(9, 10), handed("h2", 2, "P1", Some("ada")));
    let expected = ["accept_cancelled_h1", "first_touch_cancelled_h1", "accept_started_h2", "first_touch_started_h2"];
    assert_eq!(answer.ids(), expected);
    assert_eq!(desk.hears(&policy(), at(9, 11), handed_to("kim")).outcome, "repeated", "an older episode is over");
}

#[test]
fn a_lead_handed_back_into_an_empty_queue_is_promised_to_a_desk_anew() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let back = desk.hears(&policy, at(9, 10), queued("P1"));
    assert_eq!(of(&back.said, Clock::Assign), [(SlaEventKind::Started, at(9, 10))]);
    let broken = desk.wakes_until(&policy, at(9, 11));
    let breach = broken.iter().find(|event| event.kind == SlaEventKind::Breached).unwrap();
    assert_eq!((breach.id.as_str(), breach.started_at, breach.owner.as_deref()), ("assign_100_h1_2", at(9, 10), None));
    assert_eq!(desk.hears(&policy, at(9, 12), queued("P1")).outcome, "repeated");
    let again = desk.hears(&policy, at(9, 20), handed_to("kim"));
    assert_eq!(again.ids()[..2], ["assign_late_h1_2", "accept_started_h1_2"]);
    let ids: std::collections::BTreeSet<_> = desk.said.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), desk.said.len(), "no id is said twice");
}

#[test]
fn a_lead_that_is_moved_up_while_it_waits_is_promised_to_a_desk_in_its_new_lane() {
    let mut policy = all_clocks();
    let (slow, soon) = (minutes(30), minutes(1));
    let target = |within_ms| Target { within_ms, ..Target::default() };
    policy
        .sla
        .clocks
        .insert(Clock::Assign, [("P2", slow), ("P0", soon)].map(|(l, t)| (l.to_owned(), target(t))).into());
    let mut desk = Desk::default();
    desk.hears(&policy, at(9, 0), queued("P2"));
    let up = desk.hears(&policy, at(9, 10), queued("P0"));
    assert_eq!(up.ids(), ["assign_cancelled_h1", "assign_started_h1_2"]);
    assert_eq!((up.said[1].lane.as_str(), up.said[1].deadline), ("P0", at(9, 11)));
}

/// First touches within ten minutes for who asks and a day for others, from when the lead is ready.
fn from_lead() -> Policy {
    let mut policy = all_clocks();
    policy.sla.first_touch_from_lead = true;
    let lanes = [("P0", 10), ("P2", 24 * 60)];
    let target = |m| Target { within_ms: minutes(m), ..Target::default() };
    policy.sla.clocks.insert(Clock::FirstTouch, lanes.map(|(lane, m)| (lane.to_owned(), target(m))).into());
    policy
}

fn first_touches(said: &[SlaEvent]) -> Vec<(SlaEventKind, LogTime, LogTime)> {
    let meant = said.iter().filter(|event| event.clock == Clock::FirstTouch);
    meant.map(|event| (event.kind, event.started_at, event.deadline)).collect()
}

#[test]
fn a_first_touch_that_counts_from_the_lead_counts_from_its_request_once_it_is_moved_up() {
    for waits in [true, false] {
        let mut desk = Desk::default();
        desk.hears(&from_lead(), at(9, 0), queued("P2"));
        if waits {
            desk.hears(&from_lead(), at(9, 55), queued("P0"));
        }
        let when = if waits { at(9, 58) } else { at(9, 55) };
        let answer = desk.hears(&from_lead(), when, handed("h1", 1, "P0", Some("ada")));
        assert_eq!(first_touches(&answer.said), [(SlaEventKind::Started, at(9, 55), at(10, 5))], "{waits}");
    }
}

#[test]
fn who_gets_a_lead_that_was_handed_back_and_changed_lanes_since_owes_it_a_first_touch_anew() {
    let mut desk = Desk::default();
    desk.hears(&from_lead(), at(9, 0), handed("h1", 1, "P2", Some("ada")));
    assert_eq!(first_touches(&desk.hears(&from_lead(), at(9, 10), queued("P2")).said), []);
    let up = desk.hears(&from_lead(), at(9, 55), queued("P0"));
    let ended: Vec<_> = first_touches(&up.said).into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(ended, [SlaEventKind::Cancelled]);
    let answer = desk.hears(&from_lead(), at(10, 0), handed("h1", 1, "P0", Some("kim")));
    assert_eq!(first_touches(&answer.said), [(SlaEventKind::Started, at(9, 55), at(10, 5))]);
    let ids: std::collections::BTreeSet<_> = desk.said.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), desk.said.len(), "no id is said twice");
}

#[test]
fn what_was_due_of_an_inherited_time_before_the_clocks_stand_still_is_told_before() {
    let policy = from_lead();
    let mut desk = Desk::default();
    desk.hears(&policy, at(9, 0), handed("h1", 1, "P0", Some("ada")));
    desk.hears(&policy, at(9, 1), status(at(9, 1), "on_hold"));
    desk.hears(&policy, at(9, 2), queued("P0"));
    desk.hears(&policy, at(9, 3), queued("P2"));
    desk.hears(&policy, at(9, 4), queued("P0"));
    let answer = desk.hears(&policy, at(9, 20), handed("h1", 1, "P0", Some("kim")));
    let told: Vec<_> = first_touches(&answer.said).into_iter().map(|(kind, ..)| kind).collect();
    assert!(told.contains(&SlaEventKind::Breached) && told.last() == Some(&SlaEventKind::Paused), "{told:?}");
}

#[test]
fn the_day_on_which_sales_wanted_the_lead_back_goes_on_with_the_handoff_of_that_day() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let day = at(60 * 24, 0);
    desk.hears(&policy, at(9, 30), dated(at(9, 30), "bad_timing", day));
    let back = desk.hears(&policy, day, handed("h2", 2, "P1", Some("kim")));
    let started = back.said.iter().find(|event| event.clock == Clock::CheckIn).unwrap();
    assert_eq!(
        (started.id.as_str(), started.started_at, started.owner.as_deref()),
        ("check_in_started_h2", day, Some("kim"))
    );
    let met = desk.hears(&policy, day.next(), call(day.next()));
    assert!(met.ids().contains(&"check_in_met_h2"), "{:?}", met.ids());
    assert_eq!(of(&desk.said, Clock::CheckIn).len(), 2, "started once and met once: {:?}", desk.said);
}

#[test]
fn who_gives_a_lead_back_again_owes_no_attempt_for_the_day_that_brought_it() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    let day = at(48, 0);
    desk.hears(&policy, at(9, 30), dated(at(9, 30), "bad_timing", day));
    desk.hears(&policy, day, handed("h2", 2, "P1", Some("kim")));
    let given_back = desk.hears(&policy, day.next(), dated(day.next(), "bad_timing", at(96, 0)));
    assert!(given_back.ids().contains(&"check_in_cancelled_h2"), "{:?}", given_back.ids());
    let next = desk.wakes_until(&policy, at(96, 0));
    assert_eq!(of(&next, Clock::CheckIn), [(SlaEventKind::Started, at(96, 0))], "the next date holds");
}

#[test]
fn a_handoff_of_another_day_does_not_take_the_date_over() {
    let policy = all_clocks();
    let mut desk = owned(&policy);
    desk.hears(&policy, at(9, 30), dated(at(9, 30), "bad_timing", at(96, 0)));
    desk.hears(&policy, at(48, 0), handed("h2", 2, "P1", Some("kim")));
    assert!(desk.wakes_until(&policy, at(100, 0)).iter().all(|event| event.clock != Clock::CheckIn));
}
