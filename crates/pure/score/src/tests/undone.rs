//! What a retraction undoes besides points: handoffs, waits, what ruled a lead out or let it back in.

use baton_domain::{Activity, Body, Fact, FactValue, Linked, Millis, Points, ReasonKind, Revision, Stage, TriggerKind};
use baton_policy::{CriteriaSet, FactTest, Policy, Question, Sign};
use proptest::prelude::*;

use super::support::*;

const VIEW: &str = "Page Viewed";
const DEMO: &str = "Demo Requested";
const BYE: &str = "Email Unsubscribed";

/// A look at late-stage content that gives no points.
fn late_stage() -> Body {
    let content_stage = Some("bofu".to_owned());
    Body::Activity(Activity { name: "Price List Opened".to_owned(), content_stage, ..Activity::default() })
}

/// Handed off on day 1, given back on day 2 until it shows high intent, and warm again since day 3.
fn resting() -> Lead {
    let mut policy = usual();
    policy.engagement.rules.iter_mut().for_each(|rule| rule.half_life_ms = None);
    let mut lead = Lead::known(policy, &grade_a());
    lead.did(day(1), DEMO);
    lead.judged(day(2), "not_now");
    (0..5).for_each(|_| lead.did(day(3), VIEW));
    assert_eq!((lead.stage(), lead.scores().pop().unwrap().band.0), (Stage::Recycled, 1));
    lead
}

/// Whether there is money is a question whose no keeps leads.
fn asking() -> Policy {
    let yes = vec![Sign::Fact("budget".to_owned(), FactTest::IsTrue)];
    let budget = Question { id: "budget".to_owned(), ask: None, yes, no: Vec::new(), mandatory: true };
    let criteria = vec![CriteriaSet { name: "bant".to_owned(), questions: vec![budget] }];
    Policy { criteria, ..usual() }
}

fn no_budget() -> Fact {
    Fact { value: FactValue::Flag(false), ..flag("budget") }
}

fn last_kind(lead: &Lead) -> Option<Revision> {
    lead.revisions().last().map(|told| told.kind)
}

#[test]
fn a_handoff_that_late_stage_content_allowed_is_withdrawn_with_it() {
    let mut lead = resting();
    lead.hear(day(4), day(4), "shown", late_stage());
    lead.did(day(4), VIEW);
    assert_eq!(lead.handoffs().len(), 2, "in play again");
    lead.retract(day(4), "shown");
    assert_eq!((last_kind(&lead), lead.stage()), (Some(Revision::Withdrawn), Stage::Recycled));
    lead.did(day(4), VIEW);
    assert_eq!(lead.handoffs().len(), 2, "it rests as before");
}

#[test]
fn a_handoff_out_of_a_rest_stands_where_something_else_ended_the_rest() {
    for more in [late_stage(), body(DEMO)] {
        let mut lead = resting();
        lead.hear(day(4), day(4), "shown", late_stage());
        lead.did(day(4), VIEW);
        lead.hear(day(4), day(4), "more", more);
        lead.did(day(4), VIEW);
        lead.retract(day(4), "shown");
        assert_eq!(last_kind(&lead), Some(Revision::Revised));
        lead.retract(day(4), "more");
        assert_eq!(last_kind(&lead), Some(Revision::Withdrawn));
    }
}

#[test]
fn late_stage_content_that_was_taken_back_arms_nobody() {
    let mut lead = resting();
    lead.hear(day(4), day(4), "shown", late_stage());
    lead.retract(day(4), "shown");
    (0..3).for_each(|_| lead.did(day(4), VIEW));
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn only_late_stage_content_of_after_the_verdict_arms_in_whatever_order_both_are_told() {
    let in_play = |shown_at: Millis, told_first: bool| {
        let mut lead = Lead::known(usual(), &grade_a());
        lead.did(day(1), DEMO);
        let hear = |lead: &mut Lead| lead.hear(day(3), shown_at, "shown", late_stage());
        if told_first {
            hear(&mut lead);
        }
        lead.hear(day(3), day(2), "verdict", Body::Crm(judged("not_now")));
        if !told_first {
            hear(&mut lead);
        }
        (0..5).for_each(|_| lead.did(day(3), VIEW));
        lead.handoffs().len() == 2
    };
    for told_first in [true, false] {
        assert!(!in_play(day(2).plus(-1), told_first));
        assert!(in_play(day(2), told_first));
    }
}

#[test]
fn a_request_from_before_the_verdict_that_is_told_after_it_opens_nothing() {
    for (asked_at, handoffs) in [(day(2).plus(-1), 1), (day(2), 2)] {
        for code in ["not_now", "spam"] {
            let mut lead = Lead::known(usual(), &grade_a());
            lead.policy.engagement.rules[2].points = Points::whole(5);
            lead.did(day(1), DEMO);
            lead.hear(day(3), day(2), "verdict", Body::Crm(judged(code)));
            lead.hear(day(3), asked_at, "asked", body(DEMO));
            lead.judged(day(3), "reinstated");
            lead.did(day(3), VIEW);
            assert_eq!(lead.handoffs().len(), handoffs, "{code}");
        }
    }
}

#[test]
fn a_handoff_that_an_answer_allowed_is_withdrawn_with_the_answer_and_the_request_waits_again() {
    let mut lead = Lead::known(asking(), &grade_a());
    lead.facts(day(0), &[no_budget()]);
    lead.did(day(1), DEMO);
    assert_eq!(lead.outcome, "kept");
    lead.hear(day(1), day(1), "yes", Body::Facts(vec![flag("budget")]));
    assert_eq!(lead.handoffs().len(), 1);
    (0..6).for_each(|_| lead.did(day(1), VIEW));
    lead.retract(day(2), "yes");
    assert_eq!((last_kind(&lead), lead.stage()), (Some(Revision::Withdrawn), Stage::Identified));
    lead.facts(day(3), &[flag("budget")]);
    assert_eq!(lead.handoffs()[1].reason, ReasonKind::HandRaise);
}

#[test]
fn a_handoff_by_a_line_that_was_lowered_is_withdrawn_with_the_step_over_the_old_one() {
    let mut lead = Lead::known(usual(), &grade_a());
    (0..2).for_each(|_| lead.did(day(0), VIEW));
    lead.policy.version += 1;
    lead.policy.engagement.bands = [60, 15, 10].map(Points::whole);
    lead.did(day(0), VIEW); // e005
    assert_eq!(lead.stage(), Stage::Mql, "30 points were the line");
    lead.retract(day(0), "e005");
    assert_eq!((last_kind(&lead), lead.stage()), (Some(Revision::Withdrawn), Stage::Identified));
    lead.linked(day(0), "phone");
    assert_eq!(lead.handoffs().len(), 1);
    lead.did(day(0), VIEW);
    assert_eq!(lead.handoffs().len(), 2, "the step is taken anew");
}

#[test]
fn who_is_over_the_line_without_a_penalty_that_is_taken_back_is_handed_off_at_once() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(1), BYE); // e003
    (0..4).for_each(|_| lead.did(day(1), VIEW)); // 40 - 15
    assert_eq!(lead.handoffs().len(), 0);
    lead.retract(day(2), "e003");
    let handoff = lead.handoffs()[0];
    assert_eq!((lead.outcome, handoff.event_id.as_str(), handoff.lane.as_str()), ("qualified", "r-e003", "P1"));
    let [why] = handoff.trigger_set.as_slice() else { panic!("{:?}", handoff.trigger_set) };
    assert_eq!((why.kind, why.label.as_str()), (TriggerKind::Fact, "Email Unsubscribed taken back"));
    assert_eq!((why.points, why.event_id.as_str()), (Points::whole(15), "r-e003"));
    assert_eq!(lead.revisions().len(), 0, "there was no handoff before");
    lead.retract(day(2), "e004");
    assert_eq!((last_kind(&lead), lead.stage()), (Some(Revision::Withdrawn), Stage::Identified), "28 points");
}

#[test]
fn a_retraction_that_takes_nobody_over_the_line_hands_nobody_off() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(1), BYE); // e003
    (0..2).for_each(|_| lead.did(day(1), VIEW));
    lead.retract(day(2), "e003");
    assert_eq!((lead.outcome, lead.handoffs().len()), ("retracted", 0));

    let mut policy = usual();
    policy.engagement.rules[0].half_life_ms = None;
    let mut rested = Lead::known(policy, &grade_a());
    (0..5).for_each(|_| rested.did(day(1), VIEW));
    rested.judged(day(2), "wrong_person");
    rested.hear(day(3), day(3), "bye", body(BYE));
    rested.retract(day(80), "bye");
    assert_eq!(rested.handoffs().len(), 1, "over the line all along: what it does next is its news");
    rested.did(day(80), VIEW);
    assert_eq!(rested.handoffs().len(), 2);
}

#[test]
fn who_is_over_the_line_when_what_ruled_it_out_is_taken_back_is_handed_off_at_once() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.hear(day(0), day(0), "kp", Body::Facts(vec![text("country", "KP")]));
    (0..4).for_each(|_| lead.did(day(1), VIEW));
    assert_eq!(lead.stage(), Stage::Disqualified);
    lead.retract(day(2), "kp");
    assert_eq!(lead.moves(), [(Stage::Identified, "cleared"), (Stage::Mql, "matrix")]);
    assert_eq!(lead.handoffs()[0].trigger_set[0].label, "country taken back");
}

#[test]
fn who_asked_for_sales_and_was_ruled_out_by_mistake_is_handed_off_when_that_is_taken_back() {
    let mut lead = Lead::known(usual(), &[number("employees", 3)]);
    lead.did(day(1), DEMO);
    assert_eq!(lead.handoffs()[0].lane, "P3");
    lead.hear(day(2), day(2), "kp", Body::Facts(vec![text("country", "KP")]));
    assert_eq!(lead.released(), [("embargo", false)]);
    lead.retract(day(3), "kp");
    assert_eq!((lead.handoffs().len(), lead.stage()), (2, Stage::Mql));
    assert_eq!(lead.handoffs()[1].reason, ReasonKind::HandRaise);
}

#[test]
fn whom_a_no_kept_that_is_taken_back_is_handed_off_at_once() {
    for kept in [DEMO, VIEW] {
        let mut lead = Lead::known(asking(), &grade_a());
        lead.hear(day(0), day(0), "no", Body::Facts(vec![no_budget()]));
        (0..4).for_each(|_| lead.did(day(1), kept));
        assert_eq!((lead.outcome, lead.handoffs().len()), ("kept", 0));
        lead.retract(day(2), "no");
        assert_eq!(lead.handoffs().len(), 1, "{kept}");
    }
}

#[test]
fn an_open_handoff_of_whom_a_retraction_rules_out_again_is_withdrawn() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.facts(day(0), &[text("country", "KP")]);
    lead.hear(day(1), day(1), "de", Body::Facts(vec![text("country", "DE")]));
    lead.did(day(1), DEMO);
    lead.retract(day(2), "de");
    assert_eq!((lead.moves(), last_kind(&lead)), (vec![(Stage::Disqualified, "embargo")], Some(Revision::Withdrawn)));
    assert_eq!(lead.released(), [("embargo", false)]);
}

/// A day to be stood out; views of six points, so that one of five is not missed by the lower line.
fn dwelling() -> Lead {
    let mut policy = usual();
    policy.decision.dwell_ms = DAY;
    policy.engagement.rules[0].points = Points::whole(6);
    let mut lead = Lead::known(policy, &grade_a());
    (0..5).for_each(|_| lead.did(day(1), VIEW)); // e003 to e007
    lead
}

#[test]
fn a_wait_ends_with_what_carried_the_lead_over_the_line() {
    let mut lead = dwelling();
    lead.retract(day(1), "e003");
    lead.sleep(day(9));
    assert_eq!(lead.handoffs().len(), 0);
}

#[test]
fn a_wait_that_does_not_rest_on_what_is_taken_back_goes_on() {
    let mut lead = dwelling();
    lead.hear(day(1), day(1), "other", body("Nothing Known"));
    lead.retract(day(1).plus(DAY / 2), "other");
    lead.sleep(day(2));
    assert_eq!((lead.handoffs().len(), lead.handoffs()[0].event_id.as_str()), (1, "e007"));
}

#[test]
fn a_wait_begins_anew_where_later_events_carry_the_lead() {
    let mut lead = dwelling();
    let later = day(1).plus(DAY / 2);
    (0..3).for_each(|_| lead.did(later, VIEW));
    lead.retract(later, "e003");
    lead.sleep(day(2));
    assert_eq!(lead.handoffs().len(), 0, "without it the lead stands there for half a day");
    lead.sleep(later.plus(DAY));
    let handoff = lead.handoffs()[0];
    assert_eq!(
        (handoff.event_id.as_str(), handoff.trigger_set[0].label.as_str()),
        ("r-e003", "Page Viewed taken back")
    );
}

/// The lead that was told all but one event, or all of them and, after one of them, that the one never was.
fn told(events: &[(String, Body)], gone: usize, retract_after: Option<usize>) -> Lead {
    let mut lead = Lead::new(asking());
    for (n, (id, body)) in events.iter().enumerate() {
        if retract_after.is_some() || n != gone {
            lead.hear(day(1), day(1), id, body.clone());
        }
        if retract_after == Some(n) {
            lead.retract(day(1), &events[gone].0);
        }
    }
    lead
}

/// What can only help a lead on, and one thing that is taken back and may have stood in its way.
fn any_events() -> impl Strategy<Value = (Vec<(String, Body)>, usize)> {
    let download = |content: u8| {
        let content_id = Some(format!("c{content}"));
        Body::Activity(Activity { name: "Content Downloaded".to_owned(), content_id, ..Activity::default() })
    };
    let helps = prop_oneof![
        4 => Just(body(VIEW)),
        3 => (0..3u8).prop_map(download),
        1 => Just(body(DEMO)),
        1 => Just(Body::Facts(vec![number("employees", 250)])),
        1 => Just(Body::Facts(vec![text("title", "VP Sales")])),
        1 => Just(Body::Linked(Linked { kind: "email".to_owned(), id: "x".to_owned(), previous_lead: None })),
    ];
    let gone = prop_oneof![
        Just(body(VIEW)),
        Just(download(1)),
        Just(body(DEMO)),
        Just(body(BYE)),
        Just(Body::Facts(vec![text("title", "VP Sales")])),
        Just(Body::Facts(vec![text("country", "KP")])),
        Just(Body::Facts(vec![no_budget()])),
    ];
    (prop::collection::vec(helps, 1..12), gone, any::<prop::sample::Index>()).prop_map(|(mut all, gone, place)| {
        let place = place.index(all.len() + 1);
        all.insert(place, gone);
        (all.into_iter().enumerate().map(|(n, body)| (format!("e{n:02}"), body)).collect(), place)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_lead_is_with_sales_just_when_it_would_be_had_the_event_never_come(
        (events, gone) in any_events(), after in any::<prop::sample::Index>()
    ) {
        let after = gone + after.index(events.len() - gone);
        let (without, taken_back) = (told(&events, gone, None), told(&events, gone, Some(after)));
        prop_assert_eq!(without.state.map(|state| state.stage), taken_back.state.map(|state| state.stage));
    }
}
