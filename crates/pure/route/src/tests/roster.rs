//! What is told of the roster between two leads.

use baton_domain::{Absence, RepState};

use super::*;

fn told(state: RepState) -> Heard {
    Heard::Rep(state)
}

fn of(rep: &str) -> RepState {
    RepState { rep: rep.to_owned(), ..RepState::default() }
}

#[test]
fn a_rep_who_is_told_to_be_away_gets_nothing_and_the_queue_is_served_on_their_return() {
    let policy = desk(vec![("ada", rep())]);
    let mut router = Router::default();
    let away = Some(vec![Absence { from: at(8, 0).millis(), to: at(11, 0).millis() }]);
    assert_eq!(router.takes(&policy, at(8, 0), told(RepState { away, ..of("ada") })).outcome, "roster");
    let step = router.hears(&policy, at(9, 0), lead("l1"));
    assert_eq!((step.outcome, step.wake), ("queued", Some(at(11, 0))));
    assert_eq!(owners(&router.wakes(&policy)), pairs(&[("l1", "ada")]));
}

#[test]
fn a_telling_replaces_the_one_before_whole() {
    let policy = desk(vec![("ada", rep())]);
    let mut router = Router::default();
    router.takes(&policy, at(8, 0), told(RepState { status: Some(RepStatus::Away), ..of("ada") }));
    router.hears(&policy, at(9, 0), lead("l1"));
    let step = router.takes(&policy, at(9, 1), told(RepState { day_max: Some(5), ..of("ada") }));
    assert_eq!(owners(&step), pairs(&[("l1", "ada")]), "the policy says active");
}

#[test]
fn a_rep_whom_the_policy_does_not_know_serves_the_pools_that_are_told() {
    let policy = desk(vec![("ada", Rep { status: RepStatus::Gone, ..rep() })]);
    let mut router = Router::default();
    let zoe = RepState { pools: Some(vec!["desk".to_owned()]), calendar: Some("24x7".to_owned()), ..of("zoe") };
    router.takes(&policy, at(8, 0), told(zoe.clone()));
    assert_eq!(router.gives(&policy, at(9, 0), lead("l1")), "zoe");
    router.takes(&policy, at(9, 1), told(RepState { pools: Some(Vec::new()), ..zoe }));
    assert_eq!(router.hears(&policy, at(9, 2), lead("l2")).outcome, "queued");
}

#[test]
fn a_rep_told_to_serve_elsewhere_leaves_the_pool_of_the_policy() {
    let pools = vec![("desk", pool(&[("ada", 1), ("bob", 1)], None)), ("north", pool(&[("bob", 1)], None))];
    let policy = policy(vec![("ada", rep()), ("bob", rep())], pools);
    let mut router = Router::default();
    router.takes(&policy, at(8, 0), told(RepState { pools: Some(vec!["north".to_owned()]), ..of("ada") }));
    for n in 0..3 {
        assert_eq!(router.gives(&policy, at(9, n), lead(&format!("l{n}"))), "bob");
    }
    assert_eq!(router.gives(&policy, at(9, 9), from_region("l9", "north")), "bob");
    assert_eq!(router.gives(&policy, at(9, 10), from_region("l10", "north")), "ada");
}

#[test]
fn a_paused_rep_is_passed_over_until_the_pause_is_over() {
    let policy = desk(vec![("ada", rep())]);
    let mut router = Router::default();
    let state = RepState { auto_paused_until: Some(at(10, 0).millis()), ..of("ada") };
    router.takes(&policy, at(8, 0), told(state));
    let step = router.hears(&policy, at(9, 0), lead("l1"));
    assert_eq!(assignment(&step).excluded, excluded(&[("ada", "paused")]));
    assert_eq!(owners(&router.wakes(&policy)), pairs(&[("l1", "ada")]));
}

#[test]
fn a_weight_told_is_the_weight_of_the_turns() {
    let policy = desk(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    router.takes(&policy, at(8, 0), told(RepState { weight: Some(3), ..of("ada") }));
    let had: Vec<String> = (0..8).map(|n| router.gives(&policy, at(9, n), lead(&format!("l{n}")))).collect();
    assert_eq!(had.iter().filter(|owner| *owner == "ada").count(), 6);
}

#[test]
fn a_silent_owners_lead_is_offered_to_whom_the_roster_brings_back_at_the_next_look() {
    let mut policy = super::hands::impatient(desk(vec![("ada", rep()), ("bob", rep())]));
    policy.routing.alert_after_ms = 30 * Millis::MINUTE;
    let mut router = Router::default();
    let status = |status| Heard::Rep(RepState { rep: "bob".to_owned(), status: Some(status), ..RepState::default() });
    router.takes(&policy, at(8, 0), status(RepStatus::Away));
    router.hears(&policy, at(9, 0), lead("l1"));
    router.fires(&policy, "l/l1", at(10, 0));
    let back = router.takes(&policy, at(10, 5), status(RepStatus::Active));
    assert_eq!(owners(&back), [], "leads that a rep has stay with them");
    let (due, key) = router.next().unwrap();
    let said = Answer { outputs: router.fires(&policy, &key, due), outcome: "", wake: None };
    assert_eq!((due, owners(&said)), (at(10, 30), pairs(&[("l1", "bob")])));
}
