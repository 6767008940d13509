//! Another policy: whom it takes over the line, and whom it leaves where they are.

use baton_domain::{Millis, Points, ReasonKind, Stage, TriggerKind};
use baton_policy::Policy;

use super::support::*;

const VIEW: &str = "Page Viewed";

/// The next version, by which 15 points are enough for a handoff, with or without a lane for whom it moves.
fn lower(on_change: Option<&str>) -> Policy {
    let mut policy = usual();
    policy.version += 1;
    policy.engagement.bands = [60, 15, 10].map(Points::whole);
    policy.decision.on_change = on_change.map(str::to_owned);
    policy
}

/// A lead that fits and has 20 points, not enough for the policy of the day.
fn warm() -> Lead {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), VIEW);
    lead.did(day(0), VIEW);
    assert_eq!(lead.stage(), Stage::Identified);
    lead
}

#[test]
fn a_lead_that_the_policy_moved_over_the_line_goes_with_its_next_news_to_the_lane_for_it() {
    let mut lead = warm();
    lead.policy = lower(Some("P3"));
    lead.linked(day(1), "anonymous");
    assert_eq!(lead.handoffs().len(), 0, "no news");
    lead.did(day(1), VIEW);
    let handoff = lead.handoffs()[0];
    assert_eq!((handoff.lane.as_str(), handoff.reason, handoff.band.0), ("P3", ReasonKind::Policy, 2));
    let why: Vec<_> = handoff.trigger_set.iter().map(|why| (why.kind, why.label.as_str())).collect();
    assert_eq!(why, [(TriggerKind::Fact, "policy test in version 8"), (TriggerKind::Action, VIEW)]);
    assert_eq!(lead.moves(), [(Stage::Mql, "policy")]);
}

#[test]
fn without_a_lane_for_it_only_a_step_up_hands_off_whom_the_policy_moved() {
    let mut lead = warm();
    lead.policy = lower(None);
    lead.did(day(1), VIEW);
    assert_eq!(lead.handoffs().len(), 0);
    (0..4).for_each(|_| lead.did(day(1), VIEW));
    assert_eq!(lead.handoffs()[0].reason, ReasonKind::Matrix);
}

#[test]
fn who_takes_the_step_under_the_new_policy_goes_where_the_matrix_says() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), VIEW);
    lead.policy = lower(Some("P3"));
    lead.did(day(0), VIEW);
    assert_eq!((lead.handoffs()[0].lane.as_str(), lead.handoffs()[0].reason), ("P1", ReasonKind::Matrix));
}

#[test]
fn who_stood_over_the_line_of_the_old_policy_as_well_was_left_there_for_another_reason() {
    let mut lead = Lead::known(Policy { lifecycle: expanding(), ..usual() }, &grade_a());
    lead.did(day(0), "Demo Requested");
    lead.did(day(0), VIEW);
    for deal in ["open", "won"] {
        lead.crm(day(1), opportunity(deal));
    }
    lead.did(day(2), VIEW);
    assert_eq!(lead.stage(), Stage::Customer);
    lead.policy = Policy { lifecycle: expanding(), ..lower(Some("P3")) };
    lead.did(day(3), VIEW);
    assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Customer, 1));
}

fn expanding() -> baton_policy::Lifecycle {
    baton_policy::Lifecycle { expansion: true, ..baton_policy::Lifecycle::default() }
}

#[test]
fn news_judged_under_the_new_policy_once_is_not_judged_as_a_change_again() {
    let mut lead = warm();
    lead.policy = lower(None);
    lead.did(day(1), VIEW);
    lead.policy = Policy { version: 9, ..lower(Some("P3")) };
    lead.did(day(2), VIEW);
    assert_eq!(lead.handoffs().len(), 0, "version 8 saw it over the line, too");
}

/// A lead that is warm and fits, ruled out by its country from day 0 on.
fn ruled_out(policy: Policy) -> Lead {
    let mut lead = Lead::known(policy, &grade_a());
    lead.facts(day(0), &[text("country", "kp")]);
    (0..4).for_each(|_| lead.did(day(29), VIEW));
    assert_eq!(lead.stage(), Stage::Disqualified);
    lead
}

fn without_disqualifier(on_change: Option<&str>) -> Policy {
    let mut policy = usual();
    policy.version += 1;
    policy.fit.disqualify.clear();
    policy.decision.on_change = on_change.map(str::to_owned);
    policy
}

#[test]
fn whom_a_dropped_disqualifier_kept_out_is_let_in_by_the_next_event_and_handed_off_by_a_step_or_a_request() {
    let mut lead = ruled_out(usual());
    lead.policy = without_disqualifier(None);
    lead.did(day(30), VIEW);
    assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Identified, 0), "a view is no step");
    lead.did(day(31), "Demo Requested");
    assert_eq!(lead.handoffs()[0].reason, ReasonKind::HandRaise);

    let mut asks = ruled_out(usual());
    asks.policy = without_disqualifier(None);
    asks.did(day(30), "Demo Requested");
    assert_eq!(asks.handoffs()[0].reason, ReasonKind::HandRaise);
}

#[test]
fn whom_a_dropped_disqualifier_kept_out_goes_to_the_lane_for_whom_the_policy_moved() {
    let mut lead = ruled_out(usual());
    lead.policy = without_disqualifier(Some("P3"));
    lead.did(day(30), VIEW);
    assert_eq!((lead.handoffs()[0].lane.as_str(), lead.handoffs()[0].reason), ("P3", ReasonKind::Policy));
}

#[test]
fn whom_a_fact_kept_out_that_went_stale_is_let_in_by_the_next_event_and_by_no_wake_up() {
    let mut policy = usual();
    policy.fit.fresh_for.insert("country".to_owned(), 30 * Millis::DAY);
    policy.decision.on_change = Some("P3".to_owned());
    let mut lead = ruled_out(policy);
    lead.sleep(day(31));
    assert_eq!(lead.stage(), Stage::Disqualified);
    lead.did(day(31), VIEW);
    assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Identified, 0), "no other policy moved it");
    lead.did(day(31), "Demo Requested");
    assert_eq!(lead.handoffs().len(), 1);
}
