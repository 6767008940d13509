//! Requests for sales that take several activities, or that wait.

use baton_domain::{Body, ConsentState, Points, ReasonKind, RouteInput, Stage, TriggerKind};
use baton_policy::{ActivityMatch, ActivityRule, Policy, Sequence};
use proptest::prelude::*;

use super::support::*;

const DEMO: &str = "Demo Requested";

/// A, B, then C within two days is a request for sales that gives no points.
fn in_steps() -> Policy {
    let step = |name: &str| ActivityMatch { names: vec![name.to_owned()], ..ActivityMatch::default() };
    let sequence = Sequence { steps: ["A", "B", "C"].map(step).into(), within_ms: 2 * DAY };
    let names = ["A", "B", "C"].map(str::to_owned).into();
    let when = ActivityMatch { names, sequence: Some(sequence), ..ActivityMatch::default() };
    let demo = ActivityRule { hand_raise: true, ..rule("demo", "Demo Requested", 0) };
    policy(vec![ActivityRule { when, hand_raise: true, half_life_ms: None, ..rule("steps", "", 0) }, demo])
}

/// Tells acts of day 1, each by its name and an hour, in this order and late.
fn tell(lead: &mut Lead, acts: &[(&str, i64)]) {
    for (name, hour) in acts {
        let at = day(1).plus(hour * baton_domain::Millis::HOUR);
        lead.hear(day(8), at, &format!("{name}{hour}"), body(name));
    }
}

fn why(lead: &Lead) -> Vec<&str> {
    let set = &lead.handoffs().last().unwrap().trigger_set;
    assert!(set.iter().all(|trigger| trigger.kind == TriggerKind::Action || trigger.label == "email known"));
    set.iter().map(|trigger| trigger.event_id.as_str()).collect()
}

#[test]
fn steps_told_in_any_order_ask_for_sales_once_the_last_of_them_is_told() {
    let (a, b, c) = (("A", 0), ("B", 1), ("C", 2));
    for (order, named) in [
        ([a, b, c], ["C2", "B1", "A0"]),
        ([b, c, a], ["C2", "A0", "B1"]),
        ([c, a, b], ["C2", "B1", "A0"]),
        ([c, b, a], ["C2", "A0", "B1"]),
    ] {
        let mut lead = Lead::known(in_steps(), &grade_a());
        tell(&mut lead, &order[..2]);
        assert_eq!(lead.handoffs().len(), 0);
        tell(&mut lead, &order[2..]);
        assert_eq!((lead.handoffs().len(), lead.handoffs()[0].reason), (1, ReasonKind::HandRaise), "{order:?}");
        assert_eq!((why(&lead), lead.handoffs()[0].event_id.starts_with(order[2].0)), (named.to_vec(), true));
    }
}

#[test]
fn steps_of_a_request_that_waited_are_named() {
    let mut lead = Lead::new(in_steps());
    tell(&mut lead, &[("A", 0), ("B", 1), ("C", 2)]);
    lead.linked(day(8), "email");
    assert_eq!(why(&lead), ["C2", "e004", "B1", "A0"]);
}

#[test]
fn steps_told_late_of_a_lead_that_sales_has_are_told_to_it() {
    let mut lead = Lead::known(in_steps(), &grade_a());
    lead.policy.decision.alerts =
        Some(baton_policy::Alerts { events: Vec::new(), content_stages: Vec::new(), hand_raise: true, every_ms: DAY });
    lead.did(day(0), "Demo Requested");
    tell(&mut lead, &[("B", 1), ("C", 2)]);
    let noticed = |lead: &Lead| {
        let is_notice = |said: &&crate::Said| matches!(said, crate::Said::Request(r) if matches!(r.input, baton_domain::RouteInput::Noticed(_)));
        lead.said.iter().filter(is_notice).count()
    };
    assert_eq!(noticed(&lead), 0);
    tell(&mut lead, &[("A", 0)]);
    assert_eq!(noticed(&lead), 1);
}

#[test]
fn a_request_that_waits_stands_when_a_later_one_is_taken_back() {
    let mut lead = Lead::new(in_steps());
    lead.did(day(1), "Demo Requested"); // e001
    lead.did(day(1), "Demo Requested"); // e002
    lead.retract(day(1), "e002");
    lead.linked(day(2), "email");
    assert_eq!(why(&lead), ["e001", "e004"]);
}

#[test]
fn a_request_that_waits_falls_with_a_step_for_which_there_is_no_other() {
    for (other, handoffs) in [(None, 0), (Some(("A", -1)), 1)] {
        let mut lead = Lead::new(in_steps());
        tell(&mut lead, &other.into_iter().collect::<Vec<_>>());
        tell(&mut lead, &[("A", 0), ("B", 1), ("C", 2)]);
        lead.retract(day(8), "A0");
        lead.linked(day(8), "email");
        assert_eq!(lead.handoffs().len(), handoffs);
        if handoffs == 1 {
            assert_eq!(why(&lead)[2..], ["B1", "A-1"]);
        }
    }
}

#[test]
fn a_handoff_by_steps_is_withdrawn_with_any_of_them() {
    for gone in ["A0", "B1", "C2"] {
        let mut lead = Lead::known(in_steps(), &grade_a());
        tell(&mut lead, &[("B", 1), ("C", 2), ("A", 0)]);
        lead.retract(day(8), gone);
        assert_eq!(lead.revisions()[0].kind, baton_domain::Revision::Withdrawn, "{gone}");
    }
}

/// What the router hears of requests for sales: which stands, in which lane, and which do not.
fn heard(lead: &Lead) -> (Option<(String, String)>, Vec<String>) {
    let Some(RouteInput::Moved(moved)) = lead.asked() else { panic!("{:?}", lead.asked()) };
    let raised = moved.raised.as_ref().map(|asks| (asks.trigger_set[0].event_id.clone(), asks.lane.clone()));
    (raised, moved.fallen.clone())
}

#[test]
fn the_router_hears_that_a_lead_that_it_has_did_not_ask_after_all_and_what_is_left() {
    let p0 = |event: &str| Some((event.to_owned(), "P0".to_owned()));
    let mut lead = Lead::known(in_steps(), &grade_a());
    lead.did(day(0), "Demo Requested");
    let opened_by = lead.handoffs()[0].event_id.clone();
    lead.hear(day(1), day(1), "d2", body("Demo Requested"));
    assert_eq!(heard(&lead), (p0("d2"), vec![]));
    lead.hear(day(1), day(1), "d3", body("Demo Requested"));
    lead.retract(day(1), "d2");
    assert_eq!(heard(&lead), (p0("d3"), vec!["d2".to_owned()]));
    lead.retract(day(1), "d3");
    assert_eq!(heard(&lead), (None, vec!["d3".to_owned()]), "{opened_by} opened the episode");
}

#[test]
fn the_router_hears_of_a_request_in_steps_that_falls_with_one_of_them() {
    let mut lead = Lead::known(in_steps(), &grade_a());
    lead.did(day(0), "Demo Requested");
    tell(&mut lead, &[("A", 0), ("B", 1), ("C", 2)]);
    assert_eq!(heard(&lead).0.unwrap().0, "C2");
    lead.retract(day(8), "B1");
    assert_eq!(heard(&lead), (None, vec!["A0".to_owned(), "B1".to_owned(), "C2".to_owned()]));
}

#[test]
fn the_router_hears_what_is_known_of_a_lead_when_it_asks_for_sales() {
    let mut lead = Lead::known(in_steps(), &grade_a());
    lead.did(day(0), "Demo Requested");
    lead.facts(day(1), &[text("city", "Lagos")]);
    lead.did(day(1), "Demo Requested");
    let Some(RouteInput::Moved(moved)) = lead.asked() else { panic!("{:?}", lead.asked()) };
    let asks = moved.raised.as_ref().unwrap();
    let told = lead.scores().pop().unwrap();
    assert_eq!((asks.score, asks.fit, asks.grade, asks.band), (told.score, told.fit, told.grade, told.band));
    assert!(asks.facts.iter().any(|fact| fact.name == "city") && asks.recent.len() == 2, "{asks:?}");
    assert_eq!(
        (asks.reason, asks.episode, asks.cell.as_str()),
        (ReasonKind::HandRaise, 1, &*format!("{}{}", told.grade, told.band))
    );
}

/// Whether some A, B, C in rising order lie within two days.
fn asks(acts: &[(usize, i64)]) -> bool {
    let of = |step: usize| acts.iter().filter(move |(name, _)| *name == step).map(|(_, hour)| *hour);
    of(0).any(|first| of(1).any(|second| first < second && of(2).any(|third| second < third && third - first <= 48)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn whether_steps_ask_for_sales_does_not_depend_on_the_order_in_which_they_are_told(
        acts in prop::collection::btree_set((0..3_usize, 0..120_i64), 0..9)
            .prop_map(|acts| acts.into_iter().collect::<Vec<_>>()).prop_shuffle()
    ) {
        // Two at once would follow one another by their ids.
        let mut hours = std::collections::BTreeSet::new();
        let acts: Vec<_> = acts.into_iter().filter(|(_, hour)| hours.insert(*hour)).collect();
        let mut lead = Lead::known(in_steps(), &grade_a());
        let named: Vec<_> = acts.iter().map(|(name, hour)| (["A", "B", "C"][*name], *hour)).collect();
        tell(&mut lead, &named);
        prop_assert_eq!(lead.handoffs().len(), usize::from(asks(&acts)));
    }
}

/// Handed off on day 1 and given back by a word of day 3 that is told on day 5; what else was done meanwhile.
fn given_back(code: &str, between: &[(i64, i64, &str)]) -> Lead {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.policy.engagement.rules[2].points = Points::whole(1);
    lead.hear(day(1), day(1), "first", body(DEMO));
    for (told, done, id) in between {
        lead.hear(
            day(*told),
            day(*done),
            id,
            if id.starts_with("accepted") { Body::Crm(accepted()) } else { body(DEMO) },
        );
    }
    lead.hear(day(5), day(3), "verdict", Body::Crm(judged(code)));
    lead
}

#[test]
fn a_request_of_after_a_verdict_that_is_told_before_it_opens_the_next_episode() {
    for accepted in [true, false] {
        let mut between = vec![(4, 4, "asked")];
        if accepted {
            between.insert(0, (2, 2, "accepted"));
        }
        let mut lead = given_back("not_now", &between);
        assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Recycled, 1));
        lead.sleep(day(5).plus(1));
        let [_, handoff] = lead.handoffs()[..] else { panic!("{accepted}") };
        assert_eq!((handoff.reason, handoff.episode, handoff.event_id.as_str()), (ReasonKind::HandRaise, 2, "asked"));
        let [why] = handoff.trigger_set.as_slice() else { panic!("{:?}", handoff.trigger_set) };
        assert_eq!((why.kind, why.label.as_str(), why.occurred_at), (TriggerKind::Action, DEMO, day(4)));
        lead.retract(day(6), "asked");
        assert_eq!((lead.stage(), lead.revisions().len()), (Stage::Recycled, 1), "it rests as sales said");
        lead.did(day(7), "Page Viewed");
        assert_eq!(lead.handoffs().len(), 2);
    }
}

#[test]
fn what_sales_had_answered_or_knew_when_it_spoke_opens_nothing() {
    let of_before = [(2, 2, "asked")];
    let same_time = [(1, 1, "asked")];
    for between in [&[][..], &of_before, &same_time] {
        let mut lead = given_back("not_now", between);
        lead.did(day(6), "Page Viewed");
        lead.sleep(day(20));
        assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Recycled, 1), "{between:?}");
    }
    let mut by_the_day = Lead::known(usual(), &grade_a());
    by_the_day.did(day(1), DEMO);
    by_the_day.did(day(2), DEMO);
    by_the_day.hear(day(3), day(0), "verdict", Body::Crm(judged("not_now")));
    by_the_day.sleep(day(20));
    assert_eq!(by_the_day.handoffs().len(), 1, "dated before its own handoff, it was said when it was told");
}

#[test]
fn who_must_not_be_contacted_has_asked_for_nothing() {
    let mut lead = given_back("never_contact", &[(4, 4, "asked")]);
    lead.consent(day(6), "all", ConsentState::Granted);
    lead.did(day(6), "Page Viewed");
    lead.sleep(day(9));
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn a_request_that_nobody_expects_an_answer_to_any_more_is_not_dug_up_by_a_late_verdict() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(1), DEMO);
    lead.did(day(4), DEMO);
    lead.hear(day(20), day(3), "verdict", Body::Crm(judged("not_now")));
    lead.sleep(day(30));
    assert_eq!(lead.handoffs().len(), 1);
}
