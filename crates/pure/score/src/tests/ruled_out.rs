//! Where a lead goes that a rule had ruled out when the rule holds no more, and what has counted meanwhile.

use baton_domain::{Body, ConsentState, Millis, Points, ReasonKind, Revision, Stage};
use baton_policy::{Lifecycle, Policy};
use proptest::prelude::*;

use super::laws::{any_story, tell};
use super::support::*;

const VIEW: &str = "Page Viewed";
const DEMO: &str = "Demo Requested";

/// Points do not fade, so that what a lead does alone decides.
fn lasting() -> Policy {
    let mut policy = usual();
    policy.engagement.rules.iter_mut().for_each(|rule| rule.half_life_ms = None);
    policy
}

fn expanding() -> Policy {
    Policy { lifecycle: Lifecycle { expansion: true, ..Lifecycle::default() }, ..lasting() }
}

fn in_country(lead: &mut Lead, at: Millis, id: &str, country: &str) {
    lead.hear(at, at, id, Body::Facts(vec![text("country", country)]));
}

/// Given back on day 2, to be seen again after sixty days; warm all along.
fn recycled(code: &str) -> Lead {
    let mut lead = Lead::known(lasting(), &grade_a());
    lead.did(day(1), DEMO);
    lead.judged(day(2), code);
    (0..6).for_each(|_| lead.did(day(3), VIEW));
    assert_eq!(lead.stage(), Stage::Recycled);
    lead
}

/// A customer that asked for sales again on day 5.
fn buying_again() -> Lead {
    let mut lead = Lead::known(expanding(), &grade_a());
    lead.did(day(1), DEMO);
    lead.crm(day(2), opportunity("open"));
    lead.crm(day(3), opportunity("won"));
    lead.hear(day(5), day(5), "again", body(DEMO));
    assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Mql, 2));
    lead
}

#[test]
fn who_rested_when_it_was_ruled_out_by_mistake_rests_again_and_comes_back_on_its_date() {
    for taken_back in [true, false] {
        let mut lead = recycled("not_now");
        let date = lead.state.as_ref().unwrap().check_in;
        in_country(&mut lead, day(10), "kp", "KP");
        lead.sleep(day(12));
        if taken_back {
            lead.retract(day(12), "kp");
        } else {
            in_country(&mut lead, day(12), "de", "DE");
        }
        assert_eq!(lead.moves(), [(Stage::Recycled, "cleared")]);
        assert_eq!(lead.lifecycle().last().unwrap().check_in, date, "that is told, too");
        lead.did(day(13), VIEW);
        assert_eq!(lead.stage(), Stage::Recycled, "it rests");
        lead.sleep(day(62));
        assert_eq!(lead.handoffs().last().unwrap().reason, ReasonKind::CheckIn);
    }
}

#[test]
fn a_check_in_date_that_came_while_a_lead_was_ruled_out_is_kept_when_a_fact_lets_it_in() {
    let mut lead = recycled("not_now");
    in_country(&mut lead, day(10), "kp", "KP");
    lead.sleep(day(80));
    assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Disqualified, 1));
    lead.retract(day(80), "kp");
    assert_eq!(lead.handoffs()[1].reason, ReasonKind::CheckIn);
}

#[test]
fn a_dropped_rule_hands_nobody_off_whose_check_in_date_came_while_it_held() {
    let mut lead = recycled("not_now");
    in_country(&mut lead, day(10), "kp", "KP");
    lead.policy.version += 1;
    lead.policy.fit.disqualify.clear();
    lead.did(day(80), VIEW);
    assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Recycled, 1));
    lead.sleep(day(200));
    assert_eq!(lead.handoffs().len(), 1);
    lead.did(day(201), DEMO);
    assert_eq!(lead.handoffs().len(), 2);
}

#[test]
fn a_customer_that_is_let_in_again_is_a_customer() {
    let mut lead = buying_again();
    in_country(&mut lead, day(6), "kp", "KP");
    assert_eq!(lead.stage(), Stage::Disqualified);
    lead.retract(day(6), "again");
    in_country(&mut lead, day(7), "de", "DE");
    assert!(lead.moves().contains(&(Stage::Customer, "cleared")), "{:?}", lead.moves());

    let mut dropped = buying_again();
    in_country(&mut dropped, day(6), "kp", "KP");
    dropped.policy.version += 1;
    dropped.policy.fit.disqualify.clear();
    dropped.did(day(30), VIEW);
    assert_eq!((dropped.stage(), dropped.handoffs().len()), (Stage::Customer, 2));
}

#[test]
fn neither_an_opt_out_nor_an_opt_in_takes_the_purchase_of_whom_a_rule_ruled_out() {
    let mut lead = buying_again();
    in_country(&mut lead, day(6), "kp", "KP");
    lead.consent(day(7), "all", ConsentState::Denied);
    lead.consent(day(8), "all", ConsentState::Granted);
    assert_eq!(lead.stage(), Stage::Disqualified);
    in_country(&mut lead, day(40), "de", "DE");
    assert!(lead.moves().contains(&(Stage::Customer, "cleared")), "{:?}", lead.moves());
}

#[test]
fn what_sales_and_the_person_say_while_a_lead_is_ruled_out_counts() {
    let mut agreed = recycled("not_now");
    in_country(&mut agreed, day(10), "kp", "KP");
    agreed.judged(day(11), "spam");
    in_country(&mut agreed, day(12), "de", "DE");
    assert_eq!(agreed.stage(), Stage::Disqualified, "sales ruled it out as well");
    agreed.judged(day(13), "reinstated");
    assert_eq!(agreed.moves(), [(Stage::Identified, "reinstated")]);
    agreed.sleep(day(200));
    assert_eq!(agreed.handoffs().len(), 1, "the date went with the verdict");

    let mut silent = recycled("not_now");
    in_country(&mut silent, day(10), "kp", "KP");
    silent.consent(day(11), "all", ConsentState::Denied);
    silent.consent(day(12), "all", ConsentState::Granted);
    in_country(&mut silent, day(13), "de", "DE");
    assert_eq!(silent.moves(), [(Stage::Identified, "cleared")], "as after any opt-out");
    silent.sleep(day(200));
    assert_eq!(silent.handoffs().len(), 1);
}

#[test]
fn a_lead_that_cooled_while_it_was_ruled_out_is_armed() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(1), DEMO);
    lead.judged(day(2), "no_response");
    in_country(&mut lead, day(3), "kp", "KP");
    lead.did(day(20), VIEW);
    in_country(&mut lead, day(21), "de", "DE");
    assert_eq!(lead.stage(), Stage::Recycled);
    (0..4).for_each(|_| lead.did(day(21), VIEW));
    assert_eq!(lead.handoffs().len(), 2);
}

#[test]
fn the_rest_of_whose_handoff_a_rule_ended_goes_on_when_the_request_was_none() {
    let mut lead = recycled("wrong_person");
    lead.hear(day(4), day(4), "asked", body(DEMO));
    assert_eq!(lead.handoffs().len(), 2);
    in_country(&mut lead, day(5), "kp", "KP");
    lead.retract(day(5), "asked");
    in_country(&mut lead, day(6), "de", "DE");
    assert_eq!(lead.moves(), [(Stage::Recycled, "cleared")]);
    (0..3).for_each(|_| lead.did(day(7), VIEW));
    assert_eq!(lead.handoffs().len(), 2, "it rests as sales said");
}

#[test]
fn a_rule_that_ended_a_handoff_ends_no_date_of_the_verdict_before() {
    let mut lead = recycled("not_now");
    lead.hear(day(4), day(4), "asked", body(DEMO));
    in_country(&mut lead, day(5), "kp", "KP");
    lead.retract(day(5), "asked");
    in_country(&mut lead, day(6), "de", "DE");
    lead.sleep(day(62));
    assert_eq!(lead.handoffs().last().unwrap().reason, ReasonKind::CheckIn);
}

#[test]
fn of_two_requests_the_one_that_is_left_counts_when_the_one_that_was_answered_is_taken_back() {
    for again in [true, false] {
        let mut lead = Lead::known(usual(), &grade_a());
        lead.policy.engagement.rules[2].points = Points::whole(1);
        in_country(&mut lead, day(1), "kp", "KP");
        lead.hear(day(1), day(1), "first", body(DEMO));
        lead.hear(day(2), day(2), "second", body(DEMO));
        in_country(&mut lead, day(3), "de", "DE");
        assert_eq!(lead.handoffs().len(), 1);
        if again {
            in_country(&mut lead, day(4), "kp2", "KP");
        }
        lead.retract(day(4), "second");
        if again {
            in_country(&mut lead, day(5), "de2", "DE");
            let handoff = lead.handoffs()[1];
            assert_eq!((handoff.reason, handoff.trigger_set[0].event_id.as_str()), (ReasonKind::HandRaise, "first"));
        } else {
            assert_eq!(lead.revisions().last().unwrap().kind, Revision::Revised);
        }
    }
}

#[test]
fn a_request_from_before_a_ruling_out_that_is_told_after_it_waits_as_any_other() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.policy.engagement.rules[2].points = Points::whole(1);
    lead.hear(day(1), day(1), "asked", body(DEMO));
    in_country(&mut lead, day(3), "kp", "KP");
    lead.hear(day(4), day(2), "late", body(DEMO));
    lead.retract(day(4), "asked");
    in_country(&mut lead, day(5), "de", "DE");
    assert_eq!(lead.handoffs()[1].reason, ReasonKind::HandRaise);
}

#[test]
fn a_request_while_a_lead_is_ruled_out_is_answered_when_it_is_let_in() {
    for silenced in [true, false] {
        let mut lead = Lead::known(usual(), &grade_a());
        lead.did(day(1), VIEW);
        in_country(&mut lead, day(1), "kp", "KP");
        if silenced {
            lead.consent(day(2), "all", ConsentState::Denied);
            lead.consent(day(3), "all", ConsentState::Granted);
        }
        lead.did(day(4), DEMO);
        assert_eq!(lead.stage(), Stage::Disqualified);
        in_country(&mut lead, day(5), "de", "DE");
        assert_eq!(lead.stage(), Stage::Mql);
    }
}

#[test]
fn a_request_of_whom_sales_ruled_out_is_answered_when_sales_lets_it_in() {
    for silenced in [true, false] {
        let mut lead = Lead::known(usual(), &grade_a());
        lead.did(day(1), VIEW);
        lead.judged(day(1), "spam");
        if silenced {
            lead.consent(day(2), "all", ConsentState::Denied);
            lead.consent(day(3), "all", ConsentState::Granted);
        }
        lead.did(day(4), DEMO);
        assert_eq!(lead.stage(), Stage::Disqualified);
        lead.judged(day(5), "reinstated");
        lead.sleep(day(5).plus(1));
        assert_eq!(lead.stage(), Stage::Mql);
        assert_eq!(lead.handoffs()[0].trigger_set[0].label, DEMO);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_ruling_that_is_taken_back_leaves_the_lead_as_it_was(story in any_story()) {
        let (mut never, mut lead) = (tell(&story, |_, _| {}), tell(&story, |_, _| {}));
        let end = day(0).plus(story.iter().map(|(_, _, wait)| wait).sum());
        never.facts(end, &[flag("seen_the_docs")]);
        prop_assume!(never.stage() != Stage::Mql);
        in_country(&mut lead, end, "ruled", "KP");
        lead.retract(end, "ruled");
        prop_assume!(lead.stage() != Stage::Mql);
        let kept = |lead: &Lead| {
            let state = lead.state.clone().unwrap();
            (state.stage, state.status.is_some(), state.recycled, state.check_in, state.word_from, state.raises)
        };
        prop_assert_eq!(kept(&lead), kept(&never));
    }
}
