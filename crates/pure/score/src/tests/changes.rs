//! Another policy: whom it takes over the line, and whom it leaves where they are.

use baton_domain::{Millis, Points, ReasonKind, Stage, TriggerKind};
use baton_policy::{Policy, WarmNeeds};
use proptest::prelude::*;

use super::support::*;
use crate::line::Stood;
use crate::state::Considered;

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
fn whom_a_policy_moved_over_a_lowered_line_is_handed_off_by_the_event_that_would_have_crossed_the_old_one() {
    for on_change in [None, Some("P3")] {
        let mut lead = warm();
        lead.policy = lower(on_change);
        lead.did(day(0), VIEW);
        let handoff = lead.handoffs()[0];
        assert_eq!((handoff.lane.as_str(), handoff.reason), ("P1", ReasonKind::Matrix), "30 points were enough before");
        assert_eq!(handoff.trigger_set.len(), 1);
    }
}

/// Warm by 40 points of page views where two channels are asked for; the next version asks for so many.
fn of_one_channel(channels_next: usize, bands: [i64; 3]) -> Lead {
    let mut policy = usual();
    policy.engagement.rules[1].group = "content".to_owned();
    policy.engagement.warm_needs = WarmNeeds { activities: 0, channels: 2 };
    let mut lead = Lead::known(policy, &grade_a());
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    assert_eq!(lead.stage(), Stage::Identified);
    lead.policy.version += 1;
    lead.policy.engagement.warm_needs.channels = channels_next;
    lead.policy.engagement.bands = bands.map(Points::whole);
    lead
}

#[test]
fn the_second_channel_that_the_old_line_asked_for_takes_a_lead_over_it_when_it_is_asked_for_no_more() {
    for channels_next in [0, 1] {
        let mut lead = of_one_channel(channels_next, [60, 30, 10]);
        lead.policy.engagement.rules[1].points = Points::whole(1);
        lead.did(day(0), VIEW);
        assert_eq!(lead.handoffs().len(), 0, "the policy alone took it over the line");
        lead.downloaded(day(0), "guide");
        assert_eq!(lead.handoffs().len(), 1);
    }
}

#[test]
fn points_alone_take_nobody_over_a_line_that_asked_for_a_second_channel() {
    let mut lead = of_one_channel(0, [90, 15, 10]);
    lead.did(day(40), VIEW); // 15 points left of before the drop
    assert_eq!(lead.handoffs().len(), 1, "a step over the new line is one");

    let mut few = of_one_channel(0, [90, 15, 10]);
    few.did(day(14), VIEW); // from 20 points to 30
    assert_eq!(few.handoffs().len(), 0, "the old line was more than its thirty points");
    few.downloaded(day(14), "guide");
    assert_eq!(few.handoffs().len(), 1);
}

#[test]
fn the_old_line_is_remembered_over_news_that_does_not_reach_it_and_over_one_more_policy() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), VIEW);
    lead.policy = Policy { version: 8, ..lower(None) };
    lead.policy.engagement.bands = [60, 10, 5].map(Points::whole);
    lead.did(day(0), VIEW);
    lead.policy = Policy { version: 9, ..lower(None) };
    lead.linked(day(0), "phone");
    assert_eq!(lead.handoffs().len(), 0, "20 points are over both new lines, by no step of its own");
    lead.did(day(0), VIEW);
    assert_eq!(lead.handoffs().len(), 1, "30 points were the line on the day it was last below one");
}

#[test]
fn who_fell_below_the_lowered_line_is_measured_by_it() {
    let mut lead = warm();
    lead.policy = lower(None);
    lead.did(day(14), "Email Unsubscribed");
    lead.did(day(14), VIEW);
    assert_eq!(lead.handoffs().len(), 0, "5 points");
    lead.did(day(14), VIEW);
    assert_eq!(lead.handoffs().len(), 1, "15 points are the new line");
}

#[test]
fn a_fact_that_would_have_crossed_the_old_line_hands_off_where_the_grades_were_lowered_too() {
    let mut lead = Lead::known(usual(), &[number("employees", 250)]);
    (0..2).for_each(|_| lead.did(day(0), VIEW));
    let mut policy = lower(None);
    policy.fit.grades = [40, 30, 20].map(Points::whole);
    policy.decision.matrix.insert((baton_domain::Grade::B, 3), "P3".to_owned());
    let mut before = usual();
    before.decision.matrix.insert((baton_domain::Grade::A, 3), "P2".to_owned());
    lead.policy = before;
    lead.facts(day(0), &[text("title", "Manager of it")]);
    assert_eq!(lead.handoffs().len(), 1, "60 points of fit are an A");

    let mut lead =
        Lead::known(Policy { decision: lead.policy.decision.clone(), ..usual() }, &[number("employees", 250)]);
    (0..2).for_each(|_| lead.did(day(0), VIEW));
    policy.decision.matrix.insert((baton_domain::Grade::A, 3), "P2".to_owned());
    lead.policy = policy;
    lead.did(day(0), "Email Clicked");
    assert_eq!(lead.handoffs().len(), 0, "no news");
    lead.facts(day(0), &[text("title", "Manager of it")]);
    assert_eq!(lead.handoffs().len(), 1, "an A by the grades of before");
}

/// Bytes of a row as an earlier version wrote `under` and whether the lead stood over the line.
#[test]
fn rows_of_a_version_that_remembered_no_line_are_read() {
    let read =
        |over: bool| postcard::from_bytes::<Considered>(&postcard::to_allocvec(&(7_i64, over)).unwrap()).unwrap();
    assert_eq!(read(false), Considered { under: 7, stood: Stood::Below });
    assert_eq!(read(true), Considered { under: 7, stood: Stood::Over });
}

/// Page views, downloads and unsubscribings: hours from one to the next, and what.
fn any_doings() -> impl Strategy<Value = Vec<(i64, &'static str)>> {
    let names = prop::sample::select(vec![VIEW, VIEW, VIEW, "Content Downloaded", "Email Unsubscribed"]);
    prop::collection::vec((0..8 * 24i64, names), 1..25)
}

/// The points of each event by the rules of [`usual`], halved by the model's own series: just before it, and just
/// after.
fn points(doings: &[(i64, &str)]) -> Vec<(i128, i128)> {
    let mut now = 0;
    let mut told = Vec::new();
    for (wait, name) in doings {
        now += wait;
        told.push((now, *name));
    }
    let sum = |known: &[(i64, &str)], at: i64| {
        let each = |(then, name): &(i64, &str)| match *name {
            VIEW => super::model::left_of(10_000_000, at - then, 14 * 24),
            "Email Unsubscribed" => -15_000_000,
            _ => 0,
        };
        let of = |name: &str| known.iter().filter(|known| known.1 == name).copied().collect::<Vec<_>>();
        let downloads = of("Content Downloaded");
        let first = downloads.first().map_or(0, |first| super::model::left_of(20_000_000, at - first.0, 14 * 24));
        let binge = (2..downloads.len()).find(|n| downloads[*n].0 - downloads[n - 2].0 <= 30 * 24);
        let binge = binge.map_or(0, |n| super::model::left_of(25_000_000, at - downloads[n].0, 14 * 24));
        (known.iter().map(each).sum::<i128>() + first + binge).max(0)
    };
    (0..told.len()).map(|n| (sum(&told[..n], told[n].0), sum(&told[..=n], told[n].0))).collect()
}

/// Plays the doings, the lowered line judging from the one of that number on; when the lead was handed off.
fn played(doings: &[(i64, &str)], lowered: Option<usize>) -> Option<usize> {
    let mut lead = Lead::known(usual(), &grade_a());
    let mut now = day(0);
    for (n, (wait, name)) in doings.iter().enumerate() {
        if lowered == Some(n) {
            lead.policy = lower(None);
        }
        now = now.plus(wait * Millis::HOUR);
        lead.did(now, name);
        if !lead.handoffs().is_empty() {
            return Some(n);
        }
    }
    None
}

proptest! {
    #[test]
    fn a_lowered_line_loses_nobody_and_floods_nobody(doings in any_doings(), lowered in 0..25usize) {
        let points = points(&doings);
        // Half a point of rounding apart from a line nothing is certain.
        let lines = [60, 30, 15].map(|line| line * 1_000_000);
        let near = |points: i128| lines.iter().any(|line| (points - line).abs() < 1_000);
        prop_assume!(points.iter().all(|(before, after)| !near(*before) && !near(*after)));
        let crosses = |n: usize, line: i128| points[n].0 < line && points[n].1 >= line;
        let [first, second, low] = lines;
        let alone = (0..points.len()).find(|n| crosses(*n, second));
        prop_assert_eq!(played(&doings, None), alone, "by the old line");
        let steps = |n: usize| crosses(n, second) || n >= lowered && (crosses(n, low) || crosses(n, first));
        let found = played(&doings, Some(lowered));
        prop_assert_eq!(found, (0..points.len()).find(|n| steps(*n)), "only a step, and every step");
        prop_assert!(alone.is_none_or(|alone| found.is_some_and(|found| found <= alone)), "nobody is lost");
    }
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
    lead.policy.engagement.rules[0].points = Points::whole(2);
    lead.did(day(1), VIEW);
    lead.policy = Policy { version: 9, engagement: lead.policy.engagement.clone(), ..lower(Some("P3")) };
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
