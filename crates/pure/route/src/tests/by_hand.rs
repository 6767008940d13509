//! Pools in which leads are claimed or given out: who takes one and is silent loses it.

use baton_domain::{Answer as Reply, Clock};
use baton_policy::{AutoPause, Target};

use super::hands::{answered, named};
use super::*;

/// One pool with this strategy, in which a lead is to be accepted within half an hour. Nothing says `reassign`.
fn shared(strategy: Strategy) -> Policy {
    let desk = Pool { strategy, ..pool(&[("ada", 1), ("bob", 1)], None) };
    let mut policy = policy(vec![("ada", rep()), ("bob", rep()), ("dee", rep())], vec![("desk", desk)]);
    let target = Target { within_ms: 30 * Millis::MINUTE, ..Target::default() };
    policy.sla.clocks.insert(Clock::Accept, BTreeMap::from([("P1".to_owned(), target)]));
    policy
}

/// The lead is ready at nine and ada has it at ten past.
fn taken(policy: &Policy, actor: &str) -> Router {
    let mut router = Router::default();
    router.hears(policy, at(9, 0), lead("l1"));
    let step = router.takes(policy, at(9, 10), named("l1", Some("ada"), Some(actor)));
    assert_eq!(owners(&step), pairs(&[("l1", "ada")]));
    router
}

fn fires(router: &mut Router, policy: &Policy) -> (LogTime, Answer) {
    let (due, key) = router.next().unwrap();
    (due, Answer { outputs: router.fires(policy, &key, due), outcome: "", wake: None })
}

fn queued(step: &Answer) -> bool {
    step.outputs
        .iter()
        .any(|said| matches!(said, Said::Clock(clock) if matches!(clock.input, WatchInput::Queued { .. })))
}

#[test]
fn a_claimed_lead_that_is_not_accepted_in_time_is_there_for_the_next_one_to_claim() {
    let policy = shared(Strategy::Claim);
    let mut router = taken(&policy, "ada");
    let claim = named("l1", Some("bob"), Some("bob"));
    assert_eq!(router.clone().takes(&policy, at(9, 39), claim.clone()).outcome, "too_late");
    let (due, step) = fires(&mut router, &policy);
    let told = assignment(&step);
    assert_eq!((due, told.owner.as_deref(), told.cause.as_str()), (at(9, 40), None, "reassign"));
    assert_eq!(told.why, "waiting: for a member of desk to take it");
    assert!(queued(&step), "the watchdog hears that it waits");
    let step = router.takes(&policy, at(9, 41), claim);
    assert_eq!((step.outcome, owners(&step)), ("claimed", pairs(&[("l1", "bob")])));
}

#[test]
fn a_lead_given_out_that_is_not_accepted_in_time_is_with_the_dispatcher_again() {
    let policy = shared(Strategy::Dispatcher { dispatcher: "dee".to_owned() });
    let mut router = taken(&policy, "dee");
    let (due, step) = fires(&mut router, &policy);
    assert_eq!((due, assignment(&step).why.as_str()), (at(9, 40), "waiting: for dee to give it out"));
    let step = router.takes(&policy, at(9, 41), named("l1", Some("bob"), Some("dee")));
    assert_eq!(step.outcome, "dispatched");
}

#[test]
fn nobody_is_given_a_lead_by_the_dispatcher_who_is_away_or_gone() {
    let mut policy = shared(Strategy::Dispatcher { dispatcher: "dee".to_owned() });
    let gone = Rep { status: RepStatus::Gone, ..rep() };
    let paused = Rep { paused_until: Some(at(12, 0).millis()), ..rep() };
    for (name, rep) in [("ada", away(at(8, 0), at(10, 0))), ("bob", gone), ("cy", paused)] {
        policy.routing.reps.insert(name.to_owned(), rep);
    }
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    for (rep, why) in [("ada", "away"), ("bob", "gone")] {
        let step = router.takes(&policy, at(9, 10), named("l1", Some(rep), Some("dee")));
        assert_eq!((step.outcome, owners(&step), assignment(&step).cause.as_str()), (why, vec![], why));
    }
    let step = router.takes(&policy, at(9, 11), named("l1", Some("cy"), Some("dee")));
    assert_eq!((step.outcome, owners(&step)), ("dispatched", pairs(&[("l1", "cy")])), "a pause is the router's rule");
}

#[test]
fn who_accepts_keeps_what_they_claimed_and_a_status_that_waits_gives_time() {
    let policy = shared(Strategy::Claim);
    let mut router = taken(&policy, "ada");
    let said = |reply, minute| Heard::Lead(RouteInput::Answered(answered("l1", reply, at(9, minute))));
    let mut kept = router.clone();
    kept.takes(&policy, at(9, 40), said(Reply::Accepted, 40));
    assert_eq!(kept.next(), None);
    router.takes(&policy, at(9, 20), said(Reply::Paused, 20));
    router.takes(&policy, at(9, 50), said(Reply::Resumed, 50));
    assert_eq!(fires(&mut router, &policy).0, at(10, 10));
}

#[test]
fn in_a_pool_that_gives_out_leads_by_itself_only_the_policys_steps_move_them() {
    let policy = shared(Strategy::Weighted);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    assert_eq!(router.next(), None, "the breach is the watchdog's to tell");
}

#[test]
fn a_lead_that_goes_back_counts_against_the_rep_and_both_are_told() {
    let mut policy = shared(Strategy::Claim);
    policy.routing.auto_pause = Some(AutoPause { after: 1, within_ms: Millis::DAY, for_ms: 2 * Millis::HOUR });
    let mut router = taken(&policy, "ada");
    let (_, step) = fires(&mut router, &policy);
    let causes = step.outputs.iter().filter_map(|said| match said {
        Said::Assignment(told) => Some(told.cause.as_str()),
        _ => None,
    });
    assert_eq!(causes.collect::<Vec<_>>(), ["auto_paused", "reassign"]);
}
