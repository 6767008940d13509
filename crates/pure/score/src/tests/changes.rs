//! Another policy: whom it takes over the line, and whom it leaves where they are.

use baton_domain::{Points, ReasonKind, Stage, TriggerKind};
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
