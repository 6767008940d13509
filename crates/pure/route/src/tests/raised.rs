//! A lead that asks for sales, or says how it may be contacted, while it waits.

use baton_domain::{ChannelConsent, Clock, ConsentState, Moved, Trigger, TriggerKind};
use baton_policy::{Release, Target};

use super::hands::{moved, named};
use super::*;

/// The lead asks for a demo, which is worth this lane.
fn asks(id: &str, lane: &str) -> Moved {
    asks_by("e7", Qualifying { lane: lane.to_owned(), ..lead(id) })
}

/// The lead asks for a demo with this event, when this is known of it.
fn asks_by(event_id: &str, known: Qualifying) -> Moved {
    let trigger = Trigger {
        kind: TriggerKind::Action,
        event_id: event_id.to_owned(),
        label: "Demo Requested".to_owned(),
        occurred_at: at(9, 30).millis(),
        points: Points::whole(40),
    };
    let id = known.lead_id.clone();
    let raised = Qualifying { reason: ReasonKind::HandRaise, trigger_set: vec![trigger], ..known };
    Moved { raised: Some(Box::new(raised)), ..moved(&id, 60) }
}

/// The lead did not ask by this event after all.
fn fallen(id: &str, event_id: &str) -> Moved {
    Moved { fallen: vec![event_id.to_owned()], ..moved(id, 0) }
}

fn hears(router: &mut Router, policy: &Policy, at: LogTime, moved: Moved) -> Answer {
    router.takes(policy, at, Heard::Lead(RouteInput::Moved(moved)))
}

pub(super) fn handoff(step: &Answer) -> &baton_domain::Handoff {
    step.outputs.iter().find_map(|said| if let Said::Handoff(handoff) = said { Some(handoff) } else { None }).unwrap()
}

/// The lane in which the watchdog hears that a lead waits.
fn lane(step: &Answer) -> Option<String> {
    let waits = |said: &Said| match said {
        Said::Clock(clock) => match &clock.input {
            WatchInput::Queued { lane, .. } => Some(lane.clone()),
            _ => None,
        },
        _ => None,
    };
    step.outputs.iter().find_map(waits)
}

/// Ada is back at ten; a release lets one lead an hour go.
fn waits() -> (Policy, Router) {
    let limit = Release { per_ms: Millis::HOUR, most: 1 };
    let desk = Pool { release: Some(limit), ..pool(&[("ada", 1)], None) };
    let policy = policy(vec![("ada", away(at(8, 0), at(10, 0)))], vec![("desk", desk)]);
    let mut router = Router::default();
    for (minute, id) in [(0, "l1"), (1, "l2"), (2, "l3")] {
        router.hears(&policy, at(9, minute), Qualifying { lane: "P2".to_owned(), ..lead(id) });
    }
    (policy, router)
}

#[test]
fn a_waiting_lead_that_asks_for_sales_waits_on_among_those_who_do_and_says_so() {
    let (policy, mut router) = waits();
    let step = hears(&mut router, &policy, at(9, 30), asks("l3", "P0"));
    let told = assignment(&step);
    assert_eq!((step.outcome, told.cause.as_str(), told.owner.as_deref()), ("raised", "hand_raise", None));
    assert_eq!(lane(&step).as_deref(), Some("P0"), "the watchdog hears of the lane");
    let served = router.wakes(&policy);
    assert_eq!(owners(&served), pairs(&[("l3", "ada"), ("l1", "ada")]), "it passes, and takes nobody's place");
    let decision = &handoff(&served).decision;
    assert_eq!((decision.lane.as_str(), decision.reason), ("P0", ReasonKind::HandRaise));
    assert_eq!(decision.trigger_set[0].label, "Demo Requested");
}

#[test]
fn a_lead_held_up_by_a_release_goes_to_a_desk_the_moment_it_asks_for_sales() {
    let (policy, mut router) = waits();
    router.wakes(&policy);
    let step = hears(&mut router, &policy, at(10, 1), asks("l3", "P0"));
    assert_eq!((step.outcome, owners(&step)), ("assigned", pairs(&[("l3", "ada")])));
}

#[test]
fn who_asks_for_sales_is_never_moved_down_and_who_has_a_desk_stays_there() {
    let (policy, mut router) = waits();
    for lane in ["P2", "P3"] {
        assert_eq!(hears(&mut router, &policy, at(9, 30), asks("l3", lane)).outcome, "ranked");
    }
    router.wakes(&policy);
    assert_eq!(hears(&mut router, &policy, at(10, 5), asks("l3", "P3")).outcome, "told_on");
}

#[test]
fn a_no_that_comes_while_the_lead_waits_stands_in_its_handoff() {
    let (policy, mut router) = waits();
    let (channel, state) = ("phone".to_owned(), ConsentState::Denied);
    let said = ChannelConsent { channel, state, explicit: false, since: at(9, 30).millis() };
    hears(&mut router, &policy, at(9, 30), Moved { consent: Some(vec![said.clone()]), ..moved("l1", 0) });
    assert_eq!(handoff(&router.wakes(&policy)).decision.consent, [said]);
}

#[test]
fn a_lead_that_did_not_ask_after_all_stands_as_if_it_never_had_and_the_watchdog_hears_of_its_lane() {
    let (policy, mut router) = waits();
    let mut never = router.clone();
    hears(&mut router, &policy, at(9, 30), asks("l3", "P0"));
    assert_eq!(hears(&mut router, &policy, at(9, 31), fallen("l3", "e8")).outcome, "ranked", "that was not it");
    let step = hears(&mut router, &policy, at(9, 40), fallen("l3", "e7"));
    let told = assignment(&step);
    assert_eq!((step.outcome, told.cause.as_str(), told.owner.as_deref()), ("lowered", "retracted", None));
    assert_eq!(lane(&step).as_deref(), Some("P2"));
    let served = router.wakes(&policy);
    assert_eq!(owners(&served), pairs(&[("l1", "ada")]), "the release holds it up again");
    router.wakes(&policy);
    assert_eq!(router.wakes(&policy), {
        never.wakes(&policy);
        never.wakes(&policy);
        never.wakes(&policy)
    });
}

#[test]
fn a_lead_that_asked_twice_stays_where_the_request_that_is_left_moves_it() {
    let (policy, mut router) = waits();
    hears(&mut router, &policy, at(9, 30), asks("l3", "P0"));
    hears(&mut router, &policy, at(9, 31), asks_by("e9", urgent("l3")));
    let left = Moved { fallen: vec!["e7".to_owned()], ..asks_by("e9", urgent("l3")) };
    let step = hears(&mut router, &policy, at(9, 40), left);
    assert_eq!((step.outcome, lane(&step).as_deref()), ("raised", Some("P0")));
    assert_eq!(hears(&mut router, &policy, at(9, 50), fallen("l3", "e9")).outcome, "lowered");
}

#[test]
fn what_a_rep_reads_of_a_lead_that_was_moved_up_is_what_was_known_when_it_asked() {
    let mut policy = policy(
        vec![("ada", away(at(8, 0), at(10, 0))), ("bob", rep())],
        vec![("desk", pool(&[("ada", 1)], None)), ("north", pool(&[("bob", 1)], None))],
    );
    policy.routing.fallback = "desk".to_owned();
    let mut router = Router::default();
    let ready = Qualifying { lane: "P2".to_owned(), event_id: "e1".to_owned(), ..lead("l1") };
    router.hears(&policy, at(9, 0), ready);
    let known = Qualifying {
        lane: "P0".to_owned(),
        cell: "B1".to_owned(),
        grade: Grade::B,
        score: Points::whole(60),
        missing_facts: vec!["title".to_owned()],
        event_id: "e7".to_owned(),
        ..from_region("l1", "north")
    };
    let step = hears(&mut router, &policy, at(9, 30), asks_by("e7", known.clone()));
    assert_eq!(owners(&step), pairs(&[("l1", "bob")]), "its pool is that of what is known by now");
    let decision = &handoff(&step).decision;
    let expected = Qualifying { event_id: "e1".to_owned(), ..known };
    let trigger_set = decision.trigger_set.clone();
    assert_eq!(*decision, Qualifying { reason: ReasonKind::HandRaise, trigger_set, ..expected });
    assert_eq!(decision.trigger_set[0].label, "Demo Requested");
}

/// First touches within ten minutes for who asks and a day for others, from when the lead is ready.
fn from_lead() -> Policy {
    let mut policy = desk(vec![("ada", away(at(8, 0), at(10, 0)))]);
    let within = |minutes| Target { within_ms: minutes * Millis::MINUTE, ..Target::default() };
    let lanes = [("P0", within(10)), ("P2", within(24 * 60))].map(|(lane, target)| (lane.to_owned(), target));
    policy.sla.clocks.insert(Clock::FirstTouch, lanes.into());
    policy.sla.first_touch_from_lead = true;
    policy
}

/// Start and deadline of the first touch that is promised.
fn first_touch(step: &Answer) -> Option<(LogTime, LogTime)> {
    let due = assignment(step).deadlines.clone()?;
    due.iter().find(|due| due.clock == Clock::FirstTouch).map(|due| (due.started_at, due.deadline))
}

#[test]
fn a_first_touch_that_counts_from_the_lead_counts_from_its_request_once_it_is_moved_up() {
    let policy = from_lead();
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), Qualifying { lane: "P2".to_owned(), ..lead("l1") });
    hears(&mut router, &policy, at(9, 55), asks("l1", "P0"));
    assert_eq!(first_touch(&router.wakes(&policy)), Some((at(9, 55), at(10, 5))));
}

#[test]
fn who_gets_a_lead_that_was_handed_back_and_asked_for_sales_since_owes_it_a_first_touch_anew() {
    let mut policy = from_lead();
    policy.routing.reps.insert("bob".to_owned(), rep());
    policy.routing.pools.get_mut("desk").unwrap().members.push(("bob".to_owned(), 1));
    let mut router = Router::default();
    assert_eq!(router.gives(&policy, at(9, 0), Qualifying { lane: "P2".to_owned(), ..lead("l1") }), "bob");
    router.takes(&policy, at(9, 10), named("l1", None, None));
    hears(&mut router, &policy, at(9, 55), asks("l1", "P0"));
    let step = router.wakes(&policy);
    assert_eq!((owners(&step), first_touch(&step)), (pairs(&[("l1", "ada")]), Some((at(9, 55), at(10, 5)))));
}
