//! Leads that change hands: released, rerouted, claimed, given out, handed back.

use baton_domain::{Answered, Clock, Moved, OwnerChange, Released, SlaAction};
use baton_policy::{After, Escalation, Release, Target};

use super::*;

pub(super) fn released(id: &str, reroute: bool, cause: &str) -> Heard {
    Heard::Lead(RouteInput::Released(Released {
        lead_id: id.to_owned(),
        handoff_id: format!("h_{id}_1"),
        episode: 1,
        reroute,
        cause: cause.to_owned(),
        event_id: "e9".to_owned(),
    }))
}

pub(super) fn named(id: &str, owner: Option<&str>, actor: Option<&str>) -> Heard {
    Heard::Lead(RouteInput::Owner(OwnerChange {
        lead_id: id.to_owned(),
        handoff_id: String::new(),
        episode: 0,
        owner: owner.map(str::to_owned),
        actor: actor.map(str::to_owned),
        event_id: "e8".to_owned(),
    }))
}

fn withdrawn(step: &Answer) -> usize {
    let is = |said: &&Said| matches!(said, Said::Clock(clock) if matches!(clock.input, WatchInput::Withdrawn { .. }));
    step.outputs.iter().filter(is).count()
}

#[test]
fn a_rerouted_lead_goes_to_everybody_else_before_it_waits_and_to_nobody_twice() {
    let policy = desk(vec![("ada", rep()), ("bob", rep()), ("cid", rep())]);
    let mut router = Router::default();
    let mut had = vec![router.gives(&policy, at(9, 0), lead("l1"))];
    for minute in 1..3 {
        let step = router.takes(&policy, at(9, minute), released("l1", true, "reassign"));
        assert_eq!(step.outcome, "assigned");
        assert_eq!(assignment(&step).cause, "reassign");
        had.push(owners(&step)[0].1.clone());
    }
    had.sort_unstable();
    assert_eq!(had, ["ada", "bob", "cid"]);
    let step = router.takes(&policy, at(9, 3), released("l1", true, "reassign"));
    assert_eq!((step.outcome, assignment(&step).owner.as_deref()), ("queued", None));
    assert!(assignment(&step).excluded.iter().all(|other| other.reason == "tried"));
}

#[test]
fn a_handoff_is_told_once_an_episode_however_often_the_lead_changes_desks() {
    let policy = desk(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    let told = |step: &Answer| step.outputs.iter().filter(|said| matches!(said, Said::Handoff(_))).count();
    let first = router.hears(&policy, at(9, 0), lead("l1"));
    let second = router.takes(&policy, at(9, 1), released("l1", true, "reassign"));
    assert_eq!((told(&first), told(&second), owners(&second).len()), (1, 0, 1));
    let next = router.hears(&policy, at(9, 2), again("l1", 2));
    assert_eq!((told(&next), owners(&next).len()), (1, 1));
}

#[test]
fn a_released_lead_gives_its_owner_room_and_takes_its_clocks_along() {
    let policy = desk(vec![("ada", Rep { open_max: Some(1), ..rep() })]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let step = router.hears(&policy, at(9, 1), lead("l2"));
    assert_eq!(assignment(&step).excluded, excluded(&[("ada", "open_full")]));
    let step = router.takes(&policy, at(9, 2), released("l1", false, "recycled"));
    assert_eq!((step.outcome, withdrawn(&step)), ("released", 1));
    let given_up = assignment(&step);
    assert_eq!(
        (given_up.lead_id.as_str(), given_up.owner.as_deref(), given_up.cause.as_str()),
        ("l1", None, "recycled")
    );
    assert_eq!(owners(&step), pairs(&[("l2", "ada")]), "the room goes to who waits");
    assert_eq!(router.takes(&policy, at(9, 3), released("l1", false, "recycled")).outcome, "stale");
}

#[test]
fn whoever_wins_a_customer_keeps_it() {
    let policy = desk(vec![("ada", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let step = router.takes(&policy, at(9, 2), released("l1", false, "won"));
    assert_eq!((step.outputs.len(), withdrawn(&step)), (1, 1), "only the clocks end");
}

#[test]
fn a_waiting_lead_that_is_released_leaves_the_queue() {
    let policy = desk(vec![("ada", away(at(8, 0), at(10, 0)))]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    router.takes(&policy, at(9, 1), released("l1", false, "suppressed"));
    assert_eq!((crate::waiting(&router.rows), router.wake()), (0, None));
}

#[test]
fn a_lead_handed_back_waits_for_somebody_else() {
    let policy = desk(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let step = router.takes(&policy, at(9, 1), named("l1", None, Some("ada")));
    assert_eq!(owners(&step), pairs(&[("l1", "bob")]));
    assert_eq!(assignment(&step).cause, "handback");
}

#[test]
fn the_word_of_the_crm_holds_and_moves_the_count_of_open_leads() {
    let full = || Rep { open_max: Some(1), ..rep() };
    let policy = desk(vec![("ada", full()), ("bob", full())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let step = router.takes(&policy, at(9, 1), named("l1", Some("bob"), Some("kim")));
    assert_eq!((step.outcome, owners(&step)), ("owner", pairs(&[("l1", "bob")])));
    assert_eq!(router.gives(&policy, at(9, 2), lead("l2")), "ada", "ada has room, bob has none");
    assert_eq!(router.takes(&policy, at(9, 3), named("l1", Some("bob"), None)).outcome, "unchanged");
}

#[test]
fn an_owner_named_before_the_first_episode_gets_it() {
    let policy = desk(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    assert_eq!(router.takes(&policy, at(9, 0), named("l1", Some("bob"), None)).outcome, "owner_noted");
    assert_eq!(router.gives(&policy, at(9, 1), lead("l1")), "bob");
}

#[test]
fn t29_a_pool_with_a_dispatcher_gives_out_by_its_word_alone() {
    let dispatcher = Strategy::Dispatcher { dispatcher: "dee".to_owned() };
    let desk = Pool { strategy: dispatcher, ..pool(&[("ada", 1), ("bob", 1)], None) };
    let policy = policy(vec![("ada", rep()), ("bob", rep()), ("dee", rep())], vec![("desk", desk)]);
    let mut router = Router::default();
    let step = router.hears(&policy, at(9, 0), lead("l1"));
    assert_eq!((step.outcome, step.wake), ("queued", None));
    assert_eq!(assignment(&step).why, "waiting: for dee to give it out");
    let refused = router.takes(&policy, at(9, 1), named("l1", Some("ada"), Some("ada")));
    assert_eq!((refused.outcome, owners(&refused)), ("not_the_dispatcher", vec![]));
    let step = router.takes(&policy, at(9, 2), named("l1", Some("bob"), Some("dee")));
    assert_eq!((step.outcome, owners(&step)), ("dispatched", pairs(&[("l1", "bob")])));
    let starts = |said: &Said| {
        matches!(said, Said::Clock(clock) if clock.stamp.at == at(9, 2)
        && matches!(&clock.input, WatchInput::HandedOff { owner: Some(owner), .. } if owner == "bob"))
    };
    assert!(step.outputs.iter().any(starts), "the clocks start with the dispatcher's word");
}

#[test]
fn the_first_claim_in_the_log_has_the_lead_and_later_ones_are_told_so() {
    let desk = Pool { strategy: Strategy::Claim, ..pool(&[("ada", 1), ("bob", 1)], None) };
    let policy = policy(vec![("ada", rep()), ("bob", rep()), ("eve", rep())], vec![("desk", desk)]);
    let mut router = Router::default();
    assert_eq!(router.hears(&policy, at(9, 0), lead("l1")).outcome, "queued");
    assert_eq!(router.takes(&policy, at(9, 1), named("l1", Some("eve"), Some("eve"))).outcome, "not_a_member");
    let step = router.takes(&policy, at(9, 2), named("l1", Some("bob"), Some("bob")));
    assert_eq!((step.outcome, owners(&step)), ("claimed", pairs(&[("l1", "bob")])));
    let late = router.takes(&policy, at(9, 3), named("l1", Some("ada"), Some("ada")));
    assert_eq!((late.outcome, assignment(&late).owner.as_deref()), ("too_late", Some("bob")));
    let by_hand = router.takes(&policy, at(9, 4), named("l1", Some("ada"), Some("boss")));
    assert_eq!(owners(&by_hand), pairs(&[("l1", "ada")]), "a third person's word is no claim");
}

#[test]
fn who_is_away_claims_nothing() {
    let desk = Pool { strategy: Strategy::Claim, ..pool(&[("ada", 1), ("bob", 1)], None) };
    let policy = policy(vec![("ada", away(at(8, 0), at(10, 0))), ("bob", rep())], vec![("desk", desk)]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let step = router.takes(&policy, at(9, 1), named("l1", Some("ada"), Some("ada")));
    assert_eq!((step.outcome, owners(&step), assignment(&step).why.as_str()), ("away", vec![], "refused: ada, away"));
    assert_eq!(router.takes(&policy, at(10, 0), named("l1", Some("ada"), Some("ada"))).outcome, "claimed");
}

#[test]
fn a_claimed_lead_on_an_open_queue_is_told_of_again_and_again() {
    let desk = Pool { strategy: Strategy::Claim, ..pool(&[("ada", 1)], None) };
    let policy = policy(vec![("ada", rep())], vec![("desk", desk)]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    for due in [at(9, 30), at(10, 0), at(11, 0), at(13, 0)] {
        let (wake, key) = router.next().unwrap();
        assert_eq!(wake, due);
        let said = router.fires(&policy, &key, wake);
        assert!(matches!(&said[..], [Said::Assignment(told)] if told.cause == "unrouted" && told.owner.is_none()));
    }
}

#[test]
fn t13_with_nobody_eligible_the_lead_waits_with_an_age_and_an_alert() {
    let policy = desk(vec![("ada", Rep { status: RepStatus::Gone, ..rep() })]);
    let mut router = Router::default();
    assert_eq!(router.hears(&policy, at(9, 0), lead("l1")).outcome, "queued");
    let (due, key) = router.next().unwrap();
    let said = router.fires(&policy, &key, due);
    assert!(matches!(&said[..], [Said::Assignment(told)] if told.waited_ms == 30 * Millis::MINUTE));
}

#[test]
fn t12_a_release_holds_back_all_but_hand_raisers_and_lets_go_as_its_time_passes() {
    let limit = Release { per_ms: Millis::HOUR, most: 2 };
    let desk = Pool { release: Some(limit), ..pool(&[("ada", 1)], None) };
    let policy = policy(vec![("ada", rep())], vec![("desk", desk)]);
    let mut router = Router::default();
    assert_eq!(router.gives(&policy, at(9, 0), lead("l1")), "ada");
    assert_eq!(router.gives(&policy, at(9, 10), lead("l2")), "ada");
    let step = router.hears(&policy, at(9, 20), lead("l3"));
    assert_eq!((step.outcome, step.wake), ("queued", Some(at(10, 0))));
    assert_eq!(assignment(&step).why, "waiting: the pool's release");
    assert_eq!(router.gives(&policy, at(9, 21), urgent("l4")), "ada", "a hand-raiser passes");
    router.hears(&policy, at(9, 22), Qualifying { score: Points::whole(9), ..lead("l5") });
    assert_eq!(owners(&router.wakes(&policy)), pairs(&[("l5", "ada")]), "one place, for the highest score");
    assert_eq!(router.wake(), Some(at(10, 10)));
    assert_eq!(owners(&router.wakes(&policy)), pairs(&[("l3", "ada")]));
}

/// A score of the first episode.
pub(super) fn moved(id: &str, score: i64) -> Moved {
    let (lead_id, event_id) = (id.to_owned(), "e7".to_owned());
    Moved {
        lead_id,
        episode: 1,
        score: Points::whole(score),
        event_id,
        raised: None,
        consent: None,
        fallen: Vec::new(),
    }
}

#[test]
fn a_waiting_lead_whose_score_moves_is_served_by_its_new_rank() {
    let policy = desk(vec![("ada", Rep { day_max: Some(1), ..away(at(8, 0), at(10, 0)) })]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    router.hears(&policy, at(9, 1), lead("l2"));
    let moved = moved("l2", 80);
    assert_eq!(router.takes(&policy, at(9, 2), Heard::Lead(RouteInput::Moved(moved.clone()))).outcome, "ranked");
    assert_eq!(owners(&router.wakes(&policy)), pairs(&[("l2", "ada")]));
    assert_eq!(router.takes(&policy, at(10, 2), Heard::Lead(RouteInput::Moved(moved))).outcome, "told_on");
}

/// A first touch within an hour, and another desk where it does not come.
pub(super) fn impatient(mut policy: Policy) -> Policy {
    let target = Target { within_ms: Millis::HOUR, ..Target::default() };
    policy.sla.clocks.insert(Clock::FirstTouch, BTreeMap::from([("P1".to_owned(), target)]));
    let step = Escalation { after: After::Percent(100), action: SlaAction::Reassign, to: Vec::new() };
    policy.sla.escalation.insert(Clock::FirstTouch, vec![step]);
    policy
}

/// Sales's word about the first episode of a lead.
pub(super) fn answered(id: &str, answer: baton_domain::Answer, occurred_at: LogTime) -> Answered {
    Answered {
        lead_id: id.to_owned(),
        handoff_id: format!("h_{id}_1"),
        episode: 1,
        answer,
        actor: None,
        occurred_at: occurred_at.millis(),
        event_id: "e5".to_owned(),
        until: None,
    }
}

fn touched(id: &str) -> Heard {
    Heard::Lead(RouteInput::Answered(answered(id, baton_domain::Answer::Touched, at(9, 30))))
}

#[test]
fn t09_a_lead_whose_owner_is_silent_goes_to_another_desk_at_the_instant_of_the_promise() {
    let policy = impatient(desk(vec![("ada", rep()), ("bob", rep())]));
    let mut router = Router::default();
    assert_eq!(router.gives(&policy, at(9, 0), lead("l1")), "ada");
    let (due, key) = router.next().unwrap();
    assert_eq!(due, at(10, 0));
    let said = Answer { outputs: router.fires(&policy, &key, due), outcome: "", wake: None };
    assert_eq!((owners(&said), assignment(&said).cause.as_str()), (pairs(&[("l1", "bob")]), "reassign"));
    let (due, key) = router.next().unwrap();
    let said = Answer { outputs: router.fires(&policy, &key, due), outcome: "", wake: None };
    let told = assignment(&said);
    assert_eq!((due, told.owner.as_deref(), told.cause.as_str()), (at(11, 0), Some("bob"), "reassign"));
    assert_eq!(told.why, "stays with bob: nobody else can take it");
    assert_eq!((owners(&said), &told.excluded), (vec![], &excluded(&[("bob", "tried"), ("ada", "tried")])));
    for (hour, minute) in [(11, 30), (12, 30), (14, 30)] {
        let (due, key) = router.next().unwrap();
        assert_eq!((due, router.fires(&policy, &key, due)), (at(hour, minute), vec![]), "told once, tried on");
    }
}

#[test]
fn a_silent_owners_lead_goes_to_the_first_who_is_back_unless_the_owner_answers() {
    let policy = impatient(desk(vec![("ada", rep()), ("bob", away(at(8, 0), at(10, 10)))]));
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let (due, key) = router.next().unwrap();
    let said = Answer { outputs: router.fires(&policy, &key, due), outcome: "", wake: None };
    assert_eq!(assignment(&said).excluded, excluded(&[("ada", "tried"), ("bob", "away")]));
    let mut heard = router.clone();
    let (due, key) = router.next().unwrap();
    let said = Answer { outputs: router.fires(&policy, &key, due), outcome: "", wake: None };
    assert_eq!((due, owners(&said)), (at(10, 10), pairs(&[("l1", "bob")])));
    heard.takes(&policy, at(10, 5), touched("l1"));
    assert_eq!(heard.next(), None, "who answers late keeps the lead");
}

#[test]
fn a_move_that_found_nobody_stands_still_with_the_promise_and_is_tried_as_it_goes_on() {
    let policy = impatient(desk(vec![("ada", rep()), ("bob", away(at(8, 0), at(10, 10)))]));
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    router.fires(&policy, "l/l1", at(10, 0));
    for (minute, answer) in [(5, baton_domain::Answer::Paused), (50, baton_domain::Answer::Resumed)] {
        let said = answered("l1", answer, at(10, minute));
        router.takes(&policy, at(10, minute), Heard::Lead(RouteInput::Answered(said)));
    }
    let (due, key) = router.next().unwrap();
    let said = Answer { outputs: router.fires(&policy, &key, due), outcome: "", wake: None };
    assert_eq!((due, owners(&said)), (at(10, 50), pairs(&[("l1", "bob")])));
}

#[test]
fn a_new_owner_inherits_no_move_that_found_nobody() {
    let mut policy = impatient(desk(vec![("ada", rep()), ("bob", away(at(8, 0), at(20, 0)))]));
    policy.sla.first_touch_from_lead = true;
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    router.fires(&policy, "l/l1", at(10, 0));
    assert_eq!(router.next().unwrap().0, at(10, 30));
    router.takes(&policy, at(10, 1), named("l1", Some("bob"), Some("kim")));
    assert_eq!(router.next(), None);
}

#[test]
fn an_owner_who_reached_out_keeps_the_lead() {
    let policy = impatient(desk(vec![("ada", rep()), ("bob", rep())]));
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    assert_eq!(router.takes(&policy, at(10, 0), touched("l1")).outcome, "answered");
    assert_eq!(router.next(), None);
}

#[test]
fn a_lead_on_a_desk_stays_there_however_long_and_fills_it() {
    let mut policy = desk(vec![("ada", Rep { open_max: Some(1), ..rep() })]);
    policy.routing.sticky.expires_ms = Millis::HOUR;
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    // A wake-up that nobody asked for.
    assert_eq!(router.fires(&policy, "l/l1", at(10, 0)), []);
    let step = router.hears(&policy, at(33, 0), lead("l2"));
    assert_eq!((step.outcome, assignment(&step).excluded.clone()), ("queued", excluded(&[("ada", "open_full")])));
    let step = router.takes(&policy, at(57, 0), named("l1", Some("bob"), Some("kim")));
    assert_eq!((step.outcome, owners(&step)), ("owner", pairs(&[("l1", "bob"), ("l2", "ada")])));
}

#[test]
fn a_lead_taken_back_is_taken_off_the_count_of_the_pool_that_it_was_counted_for() {
    let pools = || vec![("north", pool(&[("ada", 1)], None)), ("desk", pool(&[("ada", 1)], None))];
    let before = policy(vec![("ada", rep())], pools());
    let mut after = before.clone();
    after.routing.rules.clear();
    let mut router = Router::default();
    router.hears(&before, at(9, 0), from_region("l1", "north"));
    let step = router.takes(&after, at(9, 5), released("l1", false, "retracted"));
    let pool = step.outputs.iter().find_map(|said| match said {
        Said::Clock(clock) => match &clock.input {
            WatchInput::Returned { pool, .. } => Some(pool.as_str()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(pool, Some("north"), "whatever the rules say by now");
}
