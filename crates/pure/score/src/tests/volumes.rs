//! More activities than are kept one by one.

use baton_domain::{Activity, Body, ContributionKind, Millis, Points, Retraction, RetractionReason, ScoreUpdate};
use baton_policy::{ActivityRule, Counting, Distinct, Policy, Sequence, Window};
use proptest::prelude::*;

use super::laws::{any_activity, full};
use super::model::engagement;
use super::support::*;

const VIEW: &str = "Page Viewed";
/// Kept one by one in these tests.
const KEPT: usize = 6;

fn few(mut policy: Policy) -> Policy {
    policy.engagement.max_contributions = KEPT;
    policy
}

fn viewed(content: &str) -> Body {
    let content_id = Some(content.to_owned());
    Body::Activity(Activity { name: VIEW.to_owned(), content_id, ..Activity::default() })
}

/// Activities in the order of event time, and how many places later than in order each is told, fewer
/// than are kept.
fn any_flood() -> impl Strategy<Value = (Vec<(usize, i64, Body)>, Vec<usize>)> {
    let event = (0..30 * 24i64, any_activity());
    prop::collection::vec((event, 0..KEPT - 1), 1..150).prop_map(|mut all| {
        all.sort_by_key(|((hour, _), _)| *hour);
        let events = all.iter().enumerate().map(|(n, ((hour, body), _))| (n, *hour, body.clone())).collect();
        (events, all.iter().map(|(_, late)| *late).collect())
    })
}

fn id(n: usize) -> String {
    format!("e{n:03}")
}

/// Millionths of a point between the lead's engagement and the model's.
fn apart(history: &[(usize, i64, Body)], lead: &mut Lead) -> i128 {
    let ids: Vec<String> = history.iter().map(|(n, ..)| id(*n)).collect();
    let score = lead.score(day(40));
    assert_eq!(score.receipt.iter().map(|line| line.points).sum::<Points>(), score.score);
    (engagement(history, &ids, day(40)) - i128::from(score.engagement.0)).abs()
}

/// The lead that heard a flood, each event so many places late.
fn flooded(events: &[(usize, i64, Body)], late: &[usize], mut after: impl FnMut(&mut Lead, usize)) -> Lead {
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by_key(|n| (n + late[*n], *n));
    let mut lead = Lead::new(few(full()));
    for n in order {
        let (_, hour, body) = &events[n];
        lead.hear(day(35), day(0).plus(hour * Millis::HOUR), &id(n), body.clone());
        after(&mut lead, n);
    }
    lead
}

proptest! {
    #[test]
    fn however_many_activities_there_are_the_score_is_that_of_all_of_them((events, late) in any_flood()) {
        let mut lead = flooded(&events, &late, |_, _| {});
        let apart = apart(&events, &mut lead);
        prop_assert!(apart <= 7 * 150, "{apart} millionths apart");
        let kept = ["every", "once", "content", "daily", "window", "bye", "spam"]
            .map(|rule| lead.state.as_ref().unwrap().marks.of(rule).len());
        prop_assert!(kept.iter().all(|kept| *kept <= KEPT + 1 + 2), "{kept:?}");
    }

    #[test]
    fn an_activity_taken_back_before_it_is_old_leaves_the_score_of_all_the_others(
        (events, late) in any_flood(), place in any::<prop::sample::Index>(),
    ) {
        let gone = place.index(events.len());
        let mut lead = flooded(&events, &late, |lead, n| {
            if n == gone {
                let (event_id, by) = (id(gone), "ops".to_owned());
                let body = Body::Retracted(Retraction { event_id, reason: RetractionReason::Bot, by });
                lead.hear(day(35), day(35), "back", body);
            }
        });
        let mut rest = events;
        rest.remove(gone);
        let apart = apart(&rest, &mut lead);
        prop_assert!(apart <= 7 * 150, "{apart} millionths apart");
    }

    #[test]
    fn where_every_occurrence_counts_the_order_of_a_flood_leaves_no_trace(
        (hours, shuffled) in prop::collection::vec(0..30 * 24i64, 1..100).prop_flat_map(|hours| {
            let told: Vec<(usize, i64)> = hours.into_iter().enumerate().collect();
            (Just(told.clone()), Just(told).prop_shuffle())
        })
    ) {
        let heard = |told: &[(usize, i64)]| {
            let mut lead = Lead::new(few(policy(vec![rule("view", VIEW, 1)])));
            for (n, hour) in told {
                lead.hear(day(35), day(0).plus(hour * Millis::HOUR), &id(*n), viewed("x"));
            }
            (lead.score(day(40)).receipt, lead.state.unwrap().marks)
        };
        prop_assert_eq!(heard(&hours), heard(&shuffled));
    }
}

/// The engagement a half-life after so many views at one instant.
fn later(count: Counting, cap: Option<i64>, views: usize) -> ScoreUpdate {
    let view = ActivityRule { count, cap: cap.map(Points::whole), ..rule("view", VIEW, 8) };
    let mut lead = Lead::new(few(policy(vec![view])));
    for n in 0..views {
        lead.hear(day(0), day(0), &id(n), viewed(&format!("c{n}")));
    }
    lead.score(day(14))
}

#[test]
fn what_a_cap_hides_of_a_flood_goes_on_fading_under_it() {
    assert_eq!(later(Counting::Every, Some(24), 1_000).engagement, Points::whole(24));
    assert_eq!(later(Counting::OncePerContent, None, 100).engagement, Points::whole(400));
    let told = later(Counting::Every, Some(24), 1_000).receipt;
    let activities = told.iter().filter(|line| line.kind == ContributionKind::Activity);
    assert_eq!(activities.map(|line| line.count).sum::<i32>(), 1_000, "{told:?}");
}

#[test]
fn a_piece_of_content_counts_once_though_it_is_no_longer_kept() {
    let once = ActivityRule { count: Counting::OncePerContent, half_life_ms: None, ..rule("view", VIEW, 1) };
    let mut lead = Lead::new(few(policy(vec![once])));
    for round in 0..3 {
        for n in 0..20 {
            lead.hear(day(round), day(round), &format!("{round}-{n}"), viewed(&format!("c{n}")));
        }
    }
    assert_eq!(lead.score(day(5)).engagement, Points::whole(20));
}

#[test]
fn a_session_that_goes_on_counts_no_more_than_its_share() {
    let view = ActivityRule { count: Counting::PerSession(3), half_life_ms: None, ..rule("view", VIEW, 1) };
    let mut lead = Lead::new(few(policy(vec![view])));
    let minute = |n: i64| day(0).plus(n * Millis::MINUTE);
    for n in 0..40 {
        lead.hear(minute(n * 20), minute(n * 20), &format!("a{n:02}"), viewed("x"));
    }
    assert_eq!(lead.score(minute(801)).engagement, Points::whole(3));
    lead.hear(minute(900), minute(900), "next", viewed("x"));
    assert_eq!(lead.score(minute(901)).engagement, Points::whole(4));
}

#[test]
fn a_flood_of_one_day_hides_no_earlier_day_from_a_window_of_days() {
    let mut days = rule("days", VIEW, 12);
    days.when.at_least = Some(Window { times: 3, within_ms: 14 * DAY, of: Distinct::Days });
    days.half_life_ms = None;
    days.count = Counting::Once;
    let mut lead = Lead::new(few(policy(vec![days])));
    for n in [0, 3] {
        for view in 0..50 {
            lead.hear(day(n), day(n), &format!("{n}-{view}"), viewed("x"));
        }
    }
    assert_eq!(lead.score(day(4)).engagement, Points::ZERO);
    lead.hear(day(10), day(10), "third", viewed("x"));
    assert_eq!(lead.score(day(10)).engagement, Points::whole(12));
}

#[test]
fn a_flood_between_its_steps_hides_no_sequence() {
    let step = |path: &str| baton_policy::ActivityMatch {
        names: vec![VIEW.to_owned()],
        paths: vec![path.to_owned()],
        ..Default::default()
    };
    let mut steps = rule("steps", VIEW, 20);
    let sequence = Sequence { steps: vec![step("/pricing"), step("/docs"), step("/customers")], within_ms: 2 * DAY };
    steps.when.sequence = Some(sequence);
    let mut lead = Lead::new(few(policy(vec![steps])));
    let mut see = |n: i64, path: &str| {
        let path = Some(path.to_owned());
        let body = Body::Activity(Activity { name: VIEW.to_owned(), path, ..Activity::default() });
        let at = day(0).plus(n * Millis::MINUTE);
        lead.hear(at, at, &format!("{n:03}"), body);
    };
    see(0, "/pricing");
    (1..50).for_each(|n| see(n, "/docs"));
    see(60, "/customers");
    assert_eq!(lead.score(day(0).plus(Millis::HOUR)).engagement, Points::whole(20));
}

#[test]
fn a_recycle_takes_its_share_of_what_is_no_longer_kept_one_by_one() {
    let view = ActivityRule { half_life_ms: None, ..rule("view", VIEW, 1) };
    let demo = ActivityRule { hand_raise: true, half_life_ms: None, ..rule("demo", "Demo Requested", 0) };
    let mut lead = Lead::known(few(policy(vec![view, demo])), &grade_a());
    (0..20).for_each(|_| lead.did(day(0), VIEW));
    lead.did(day(0), "Demo Requested");
    lead.judged(day(1), "not_now");
    assert_eq!(lead.score(day(1)).engagement, Points::whole(10));
    (0..20).for_each(|_| lead.did(day(2), VIEW));
    assert_eq!(lead.score(day(2)).engagement, Points::whole(30));
}

#[test]
fn a_policy_that_changes_the_half_life_leaves_what_is_settled_with_its_own() {
    let mut lead = Lead::new(few(policy(vec![rule("view", VIEW, 8)])));
    (0..=KEPT).for_each(|_| lead.did(day(0), VIEW));
    assert_eq!(lead.score(day(0)).engagement, Points::whole(56));
    lead.policy = few(policy(vec![ActivityRule { half_life_ms: Some(7 * DAY), ..rule("view", VIEW, 8) }]));
    assert_eq!(lead.score(day(14)).engagement, Points::whole(6 * 2 + 4));
}

#[test]
fn rules_that_come_and_go_with_policies_do_not_grow_the_state_without_bound() {
    let mut lead = Lead::new(few(policy(Vec::new())));
    for n in 0..100 {
        lead.policy = few(policy(vec![rule(&format!("r{n:03}"), VIEW, 1)]));
        lead.did(day(n), VIEW);
    }
    let kept = (0..100).filter(|n| !lead.state.as_ref().unwrap().marks.of(&format!("r{n:03}")).is_empty());
    assert_eq!(kept.collect::<Vec<_>>(), (67..100).collect::<Vec<_>>());
}
