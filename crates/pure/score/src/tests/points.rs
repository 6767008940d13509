//! Points: decay, caps, counting, the receipt.

use baton_domain::{Activity, Band, Body, ContributionKind, Grade, Millis, Points, ScoreUpdate};
use baton_policy::{ActivityRule, Counting, Distinct, Window};

use super::support::*;

const VIEW: &str = "Page Viewed";

fn points(score: &ScoreUpdate) -> Points {
    score.engagement
}

/// Kind, rule and points of each line.
fn lines(score: &ScoreUpdate) -> Vec<(ContributionKind, &str, Points)> {
    score.receipt.iter().map(|line| (line.kind, line.rule.as_str(), line.points)).collect()
}

fn about(content: &str) -> Body {
    let content_id = Some(content.to_owned());
    Body::Activity(Activity { name: VIEW.to_owned(), content_id, ..Activity::default() })
}

#[test]
fn two_views_a_half_life_apart_are_fifteen_points_and_a_half_life_later_half_of_it() {
    let mut lead = Lead::new(policy(vec![rule("pricing", VIEW, 10)]));
    lead.did(day(0), VIEW);
    lead.did(day(14), VIEW);
    assert_eq!(points(&lead.score(day(14))), Points::whole(15));
    assert_eq!(points(&lead.score(day(28))), Points(7_500_000));
}

#[test]
fn a_view_that_arrives_after_a_later_one_gives_the_same_micro_points() {
    let read = |order: [i64; 2]| {
        let mut lead = Lead::new(policy(vec![rule("pricing", VIEW, 10)]));
        for n in order {
            lead.hear(day(9), day(n), &format!("v{n}"), about("x"));
        }
        lead.score(day(20)).receipt
    };
    assert_eq!(read([1, 4]), read([4, 1]));
}

#[test]
fn an_event_stamped_ahead_of_the_log_is_worth_no_more_than_its_points() {
    let mut lead = Lead::new(policy(vec![rule("pricing", VIEW, 10)]));
    lead.hear(day(0), day(3), "v", about("x"));
    assert_eq!(points(&lead.score(day(1))), Points::whole(10));
}

#[test]
fn a_group_cap_is_applied_when_read_so_the_uncapped_sum_decays() {
    let mut policy = policy(vec![rule("view", VIEW, 5)]);
    policy.engagement.group_caps.insert("web".to_owned(), Points::whole(20));
    let mut lead = Lead::new(policy);
    (0..5).for_each(|_| lead.did(day(0), VIEW));
    let full = lead.score(day(0));
    assert_eq!(points(&full), Points::whole(20));
    assert_eq!(*lines(&full).last().unwrap(), (ContributionKind::Cap, "web", Points::whole(-5)));
    assert_eq!(points(&lead.score(day(14))), Points(12_500_000));
}

#[test]
fn rule_caps_bind_before_group_caps_and_those_before_the_total() {
    let mut policy = policy(vec![
        ActivityRule { cap: Some(Points::whole(15)), ..rule("view", VIEW, 10) },
        rule("download", "Content Downloaded", 30),
        ActivityRule { group: "other".to_owned(), ..rule("webinar", "Webinar Attended", 50) },
    ]);
    policy.engagement.group_caps.insert("web".to_owned(), Points::whole(40));
    policy.engagement.total_cap = Points::whole(85);
    let mut lead = Lead::new(policy);
    lead.did(day(0), VIEW);
    lead.did(day(0), VIEW);
    lead.did(day(0), "Content Downloaded");
    lead.did(day(0), "Webinar Attended");
    let score = lead.score(day(0));
    let caps: Vec<_> = lines(&score).into_iter().filter(|line| line.0 == ContributionKind::Cap).collect();
    let cap = |of, points| (ContributionKind::Cap, of, Points::whole(points));
    assert_eq!(caps, [cap("total", -5), cap("view", -5), cap("web", -5)]);
    assert_eq!(points(&score), Points::whole(85));
}

#[test]
fn negative_points_are_not_capped_and_the_floor_gives_back_what_lies_below_zero() {
    let unsubscribe =
        ActivityRule { half_life_ms: None, cap: Some(Points::whole(5)), ..rule("bye", "Unsubscribed", -15) };
    let mut policy = policy(vec![rule("view", VIEW, 10), unsubscribe]);
    policy.engagement.total_cap = Points::whole(10);
    let mut lead = Lead::new(policy);
    lead.did(day(0), VIEW);
    lead.did(day(0), VIEW);
    lead.did(day(0), "Unsubscribed");
    let score = lead.score(day(0));
    assert_eq!(points(&score), Points::ZERO);
    let line = |kind, rule, points| (kind, rule, Points::whole(points));
    assert_eq!(
        lines(&score),
        [
            line(ContributionKind::Activity, "view", 10),
            line(ContributionKind::Activity, "view", 10),
            line(ContributionKind::Floor, "total", 5),
            line(ContributionKind::Cap, "total", -10),
            line(ContributionKind::Activity, "bye", -15),
        ]
    );
}

#[test]
fn the_receipt_lists_facts_and_activities_largest_first() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), VIEW);
    let score = lead.score(day(0));
    assert_eq!((score.score, score.fit, score.engagement), (Points::whole(80), Points::whole(70), Points::whole(10)));
    assert_eq!((score.grade, score.band, score.policy_version), (Grade::A, Band(3), 7));
    let of: Vec<_> = score.receipt.iter().map(|line| (line.rule.as_str(), line.event_id.as_str())).collect();
    assert_eq!(of, [("mid_market", "e002"), ("senior", "e002"), ("view", "e003")]);
}

#[test]
fn a_lead_is_unknown_until_enough_facts_are_known_and_then_poor_if_they_earn_nothing() {
    let mut lead = Lead::known(usual(), &[flag("likes_cats")]);
    assert_eq!(lead.score(day(0)).grade, Grade::U);
    lead.facts(day(1), &[number("employees", 3)]);
    assert_eq!(lead.score(day(1)).grade, Grade::D);
}

#[test]
fn the_newest_fact_by_event_time_holds_and_an_empty_text_says_nothing() {
    let mut lead = Lead::known(usual(), &[]);
    lead.hear(day(5), day(5), "new", Body::Facts(vec![number("employees", 100)]));
    lead.hear(day(6), day(1), "old", Body::Facts(vec![number("employees", 5)]));
    lead.facts(day(7), &[text("title", " ")]);
    let score = lead.score(day(7));
    assert_eq!((score.fit, score.grade), (Points::whole(40), Grade::B));
    assert!(!lead.state.unwrap().facts.0.contains_key("title"));
}

/// Events behind the lines of a receipt, in the order of the events.
fn counted(count: Counting, views: &[(Millis, &str, &str)]) -> Vec<String> {
    let mut lead = Lead::new(policy(vec![ActivityRule { count, ..rule("view", VIEW, 10) }]));
    for (occurred_at, id, content) in views {
        lead.hear(day(5), *occurred_at, id, about(content));
    }
    let mut events: Vec<_> = lead.score(day(5)).receipt.into_iter().map(|line| line.event_id).collect();
    events.sort();
    events
}

#[test]
fn once_counts_the_earliest_even_when_it_arrives_last() {
    let views = [(day(2), "c", ""), (day(1), "b", ""), (day(1), "a", "")];
    assert_eq!(counted(Counting::Once, &views), ["a"]);
}

#[test]
fn once_per_content_counts_the_earliest_of_each_content() {
    let views = [(day(2), "c", "x"), (day(3), "d", "y"), (day(1), "a", "x"), (day(4), "e", "y")];
    assert_eq!(counted(Counting::OncePerContent, &views), ["a", "d"]);
}

#[test]
fn per_day_counts_the_earliest_so_many_of_each_day() {
    let hour = |day: Millis, hours: i64| day.plus(hours * Millis::HOUR);
    let views = [
        (hour(day(1), 3), "c", ""),
        (hour(day(1), 2), "b", ""),
        (hour(day(1), 1), "a", ""),
        (hour(day(2), 0), "d", ""),
    ];
    assert_eq!(counted(Counting::PerDay(2), &views), ["a", "b", "d"]);
}

#[test]
fn an_event_told_twice_counts_once() {
    assert_eq!(counted(Counting::Every, &[(day(1), "a", ""), (day(1), "a", "")]), ["a"]);
}

#[test]
fn once_stays_used_up_after_its_points_are_gone_and_costs_few_marks() {
    let mut lead = Lead::new(policy(vec![ActivityRule { count: Counting::Once, ..rule("view", VIEW, 10) }]));
    for n in [0, 1, 2, 3, 4, 5, 1_000, 1_001] {
        lead.did(day(n), VIEW);
    }
    assert_eq!(points(&lead.score(day(1_001))), Points::ZERO);
    assert_eq!(lead.state.unwrap().marks.of("view").len(), 5, "one that counts, and four for when it is taken back");
}

#[test]
fn contributions_that_decayed_to_nothing_are_forgotten() {
    let mut lead = Lead::new(policy(vec![rule("view", VIEW, 10)]));
    lead.did(day(0), VIEW);
    lead.did(day(1_000), VIEW);
    assert_eq!(lead.state.unwrap().marks.of("view").len(), 1);
}

#[test]
fn a_source_that_invents_facts_cannot_grow_the_state_without_bound() {
    let known = |order: Vec<i64>| {
        let mut lead = Lead::new(usual());
        lead.facts(day(0), &grade_a());
        let body = |n| Body::Facts(vec![number(&format!("trait {n:03}"), n)]);
        for n in order {
            lead.hear(day(0), day(0), &format!("f{n}"), body(n));
        }
        lead.state.unwrap().facts
    };
    let forth = known((0..400).collect());
    assert_eq!((forth.0.len(), forth.0.contains_key("title")), (130, true));
    assert_eq!(forth, known((0..400).rev().collect()));
}

/// The rule counts from the third download within 30 days.
fn third_download() -> ActivityRule {
    let mut third = rule("third", "Content Downloaded", 10);
    third.when.at_least = Some(Window { times: 3, within_ms: 30 * DAY, of: Distinct::Times });
    third.half_life_ms = None;
    third
}

#[test]
fn three_downloads_in_thirty_days_reach_the_window_and_three_in_more_do_not() {
    let read = |last: i64| {
        let mut lead = Lead::new(policy(vec![third_download()]));
        for n in [0, 10, last] {
            lead.downloaded(day(n), "x");
        }
        points(&lead.score(day(last)))
    };
    assert_eq!((read(30), read(31)), (Points::whole(10), Points::ZERO));
}

#[test]
fn a_late_download_lifts_a_later_one_into_the_window() {
    let mut lead = Lead::new(policy(vec![third_download()]));
    let download = || Body::Activity(Activity { name: "Content Downloaded".to_owned(), ..Activity::default() });
    lead.hear(day(20), day(0), "a", download());
    lead.hear(day(20), day(20), "c", download());
    lead.hear(day(21), day(10), "b", download());
    let receipt = lead.score(day(21)).receipt;
    assert_eq!(receipt.iter().map(|line| line.event_id.as_str()).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn a_later_policy_reads_old_marks_with_its_own_half_life_and_their_own_points() {
    let mut lead = Lead::new(policy(vec![rule("view", VIEW, 10)]));
    lead.did(day(0), VIEW);
    let changed = ActivityRule { half_life_ms: Some(7 * DAY), points: Points::whole(99), ..rule("view", VIEW, 99) };
    lead.policy = policy(vec![rule("new", "Webinar Attended", 1), changed]);
    assert_eq!(points(&lead.score(day(7))), Points::whole(5));
    lead.policy = policy(Vec::new());
    assert_eq!(points(&lead.score(day(7))), Points::ZERO);
}

#[test]
fn a_bot_earns_nothing_and_leaves_no_trace() {
    let mut lead = Lead::new(usual());
    let bot = Activity { name: "Demo Requested".to_owned(), bot: true, ..Activity::default() };
    lead.hear(day(0), day(0), "bot", Body::Activity(bot));
    assert_eq!((lead.outcome, lead.state, lead.said), ("unchanged", None, Vec::new()));
}

#[test]
fn the_state_survives_being_written_down() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), "Demo Requested");
    lead.judged(day(1), "not_now");
    lead.downloaded(day(2), "x");
    let state = lead.state.unwrap();
    let bytes = postcard::to_stdvec(&state).unwrap();
    assert_eq!(postcard::from_bytes::<crate::State>(&bytes).unwrap(), state);
}
