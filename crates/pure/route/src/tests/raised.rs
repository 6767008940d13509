//! A lead that asks for sales, or says how it may be contacted, while it waits.

use baton_domain::{ChannelConsent, ConsentState, Moved, Raised, Trigger, TriggerKind};
use baton_policy::Release;

use super::hands::moved;
use super::*;

/// The lead asks for a demo, which is worth this lane.
fn asks(id: &str, lane: &str) -> Moved {
    let trigger = Trigger {
        kind: TriggerKind::Action,
        event_id: "e7".to_owned(),
        label: "Demo Requested".to_owned(),
        occurred_at: at(9, 30).millis(),
        points: Points::whole(40),
    };
    Moved { raised: Some(Raised { lane: lane.to_owned(), trigger }), ..moved(id, 60) }
}

fn hears(router: &mut Router, policy: &Policy, at: LogTime, moved: Moved) -> Answer {
    router.takes(policy, at, Heard::Lead(RouteInput::Moved(moved)))
}

pub(super) fn handoff(step: &Answer) -> &baton_domain::Handoff {
    step.outputs.iter().find_map(|said| if let Said::Handoff(handoff) = said { Some(handoff) } else { None }).unwrap()
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
    let lane = step.outputs.iter().find_map(|said| match said {
        Said::Clock(clock) => match &clock.input {
            WatchInput::Queued { lane, .. } => Some(lane.as_str()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(lane, Some("P0"), "the watchdog hears of the lane");
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
