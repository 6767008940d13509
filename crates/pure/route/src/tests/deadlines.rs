//! By when the owner of a lead owes what, as its handoff and each further assignment tell.

use baton_domain::{Clock, RepState};
use baton_policy::Target;

use super::hands::{named, released};
use super::raised::handoff;
use super::*;

/// Acceptance in half an hour, a first touch in an hour of the office's time.
fn promising() -> Policy {
    let mut policy = desk(vec![("ada", Rep { calendar: "office".to_owned(), ..rep() }), ("bob", rep())]);
    let target =
        |minutes, business_hours| Target { within_ms: minutes * Millis::MINUTE, business_hours, working_days: 0 };
    let clocks = [(Clock::Accept, target(30, false)), (Clock::FirstTouch, target(60, true))];
    policy.sla.clocks = clocks.map(|(clock, target)| (clock, BTreeMap::from([("P1".to_owned(), target)]))).into();
    policy
}

#[test]
fn a_handoff_says_by_when_its_owner_owes_what_and_each_next_owner_is_told_theirs() {
    let policy = promising();
    let mut router = Router::default();
    let first = router.hears(&policy, at(16, 40), lead("l1"));
    let told = |step: &Answer| -> Vec<(Clock, LogTime, String)> {
        let deadlines = assignment(step).deadlines.clone().unwrap();
        deadlines.into_iter().map(|due| (due.clock, due.deadline, due.local)).collect()
    };
    let expected = [
        (Clock::Accept, at(17, 10), "2026-09-09T17:10:00+00:00".to_owned()),
        (Clock::FirstTouch, at(24 + 9, 40), "2026-09-10T09:40:00+00:00".to_owned()),
    ];
    assert_eq!(told(&first), expected);
    assert_eq!(handoff(&first).assignment.deadlines, assignment(&first).deadlines);
    let next = router.takes(&policy, at(16, 50), released("l1", true, "wrong_owner"));
    assert_eq!((owners(&next), told(&next)[1].1), (pairs(&[("l1", "bob")]), at(17, 50)), "bob works round the clock");
    let waits = router.takes(&policy, at(16, 55), named("l1", None, None));
    assert_eq!((assignment(&waits).owner.as_deref(), &assignment(&waits).deadlines), (None, &None));
}

#[test]
fn a_first_touch_that_is_inherited_is_not_promised_anew() {
    let mut policy = promising();
    policy.sla.first_touch_from_lead = true;
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let next = router.takes(&policy, at(9, 10), released("l1", true, "wrong_owner"));
    let clocks: Vec<_> = assignment(&next).deadlines.iter().flatten().map(|due| due.clock).collect();
    assert_eq!(clocks, [Clock::Accept]);
}

#[test]
fn a_rep_without_a_calendar_works_the_pools_hours_in_the_zone_that_the_roster_tells() {
    let mut policy = promising();
    policy.routing.reps.insert("ada".to_owned(), Rep::default());
    policy.routing.reps.remove("bob");
    policy.sla.pool_calendars.insert("desk".to_owned(), "office".to_owned());
    let mut router = Router::default();
    let tz = Some("America/New_York".to_owned());
    router.takes(&policy, at(8, 0), Heard::Rep(RepState { rep: "ada".to_owned(), tz, ..RepState::default() }));
    let step = router.hears(&policy, at(12, 0), lead("l1"));
    let due = assignment(&step).deadlines.as_ref().unwrap()[1].clone();
    assert_eq!((due.deadline, due.zone.as_str()), (at(14, 0), "America/New_York"), "New York opens at 13:00 UTC");
    assert_eq!(due.local, "2026-09-09T10:00:00-04:00");
}
