//! Leads that nobody could take: they wait in the open, in order, and none is forgotten.

use super::*;

#[test]
fn a_lead_nobody_can_take_waits_in_the_open_and_is_assigned_when_a_rep_is_back() {
    let policy = desk(vec![("ada", away(at(8, 0), at(11, 30))), ("bob", Rep { status: RepStatus::Away, ..rep() })]);
    let mut router = Router::default();
    let step = router.hears(&policy, at(9, 0), lead("l1"));
    let queued = assignment(&step);
    assert_eq!((queued.owner.as_deref(), queued.why.as_str()), (None, "waiting: nobody eligible"));
    assert_eq!(queued.excluded, excluded(&[("ada", "away"), ("bob", "away")]));
    assert_eq!((step.outputs.len(), step.outcome, step.wake), (2, "queued", Some(at(11, 30))));

    let step = router.wakes(&policy);
    assert_eq!(owners(&step), pairs(&[("l1", "ada")]));
    let given = assignment(&step);
    assert_eq!((given.stamp.at, given.waited_ms), (at(11, 30), 150 * Millis::MINUTE));
    assert!(matches!(&step.outputs[2], Said::Clock(clock) if clock.stamp.at == at(11, 30)));
    assert_eq!((step.outcome, step.wake), ("assigned", None));
}

#[test]
fn leads_beyond_the_days_limit_wait_for_midnight() {
    let policy = desk(vec![("ada", Rep { day_max: Some(2), ..rep() })]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    router.hears(&policy, at(9, 1), lead("l2"));
    for id in ["l3", "l4", "l5"] {
        let step = router.hears(&policy, at(9, 2), lead(id));
        assert_eq!((step.outcome, step.wake), ("queued", Some(at(24, 0))));
        assert_eq!(assignment(&step).excluded, excluded(&[("ada", "day_full")]));
    }
    let step = router.wakes(&policy);
    assert_eq!(owners(&step), pairs(&[("l3", "ada"), ("l4", "ada")]), "the new day has room for two");
    assert_eq!(step.wake, Some(at(48, 0)));
    assert_eq!(owners(&router.wakes(&policy)), pairs(&[("l5", "ada")]));
}

#[test]
fn the_queue_is_served_by_urgency_then_age_then_lead() {
    let policy = desk(vec![("ada", away(at(8, 0), at(10, 0)))]);
    let mut router = Router::default();
    for (minute, event) in [(0, lead("l9")), (1, lead("l2")), (1, lead("l1")), (2, urgent("l8"))] {
        router.hears(&policy, at(9, minute), event);
    }
    let order = owners(&router.wakes(&policy));
    assert_eq!(order, pairs(&[("l8", "ada"), ("l9", "ada"), ("l1", "ada"), ("l2", "ada")]));
}

#[test]
fn a_waiting_lead_is_served_before_one_that_arrives_as_the_rep_is_back() {
    let policy = desk(vec![("ada", Rep { day_max: Some(1), ..away(at(8, 0), at(10, 0)) })]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l9"));
    let step = router.hears(&policy, at(10, 0), lead("l1"));
    assert_eq!(owners(&step), pairs(&[("l9", "ada")]));
    assert_eq!(step.outcome, "queued");
}

#[test]
fn a_repeat_does_not_make_the_router_sleep_through() {
    let policy = desk(vec![("ada", away(at(8, 0), at(10, 0)))]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let step = router.hears(&policy, at(9, 1), lead("l1"));
    assert_eq!((step.outcome, step.outputs.len(), step.wake), ("repeated", 0, Some(at(10, 0))));
}

#[test]
fn a_newer_episode_takes_the_place_of_one_that_waits() {
    let policy = desk(vec![("ada", away(at(8, 0), at(10, 0)))]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    assert_eq!(router.hears(&policy, at(9, 1), again("l1", 2)).outcome, "queued");
    let step = router.wakes(&policy);
    assert_eq!(step.outputs.len(), 3);
    assert_eq!(assignment(&step).episode, 2);
}

#[test]
fn a_lead_waiting_on_an_empty_roster_is_placed_once_a_new_roster_is_in_force() {
    let mut router = Router::default();
    router.hears(&desk(vec![]), at(9, 0), lead("l1"));
    assert_eq!(router.wake(), Some(at(24, 0)), "asked again at midnight though nobody is expected back");
    assert_eq!(owners(&router.wakes(&desk(vec![("ada", rep())]))), pairs(&[("l1", "ada")]));
}

#[test]
fn a_previous_owner_may_take_a_waiting_lead_though_its_pool_is_dry() {
    let reps = |cid: Rep| vec![("ada", away(at(8, 0), at(12, 0))), ("cid", cid)];
    let pools = || vec![("desk", pool(&[("ada", 1)], None)), ("other", pool(&[("cid", 1)], None))];
    let mut router = Router::default();
    router.hears(&policy(reps(rep()), pools()), at(9, 0), from_region("l2", "other"));
    let absent = policy(reps(away(at(9, 0), at(10, 0))), pools());
    router.hears(&absent, at(9, 1), lead("l1"));
    router.hears(&absent, at(9, 2), again("l2", 2));
    assert_eq!(owners(&router.wakes(&absent)), pairs(&[("l2", "cid")]));
}
