//! The score once more, from the whole history, by somebody who knows the rules and not the code.
//!
//! Holds: every event is looked at for every score; halves are taken by a
//! series, not by the tables of `decay`. Both round each event once, so they
//! agree to a millionth of a point an event.

use std::collections::BTreeMap;

use baton_domain::{Body, FactValue, Millis, Points};
use proptest::prelude::*;

use super::laws::{any_history, full};
use super::support::*;

const ONE: i128 = 1 << 60;

/// `2^-(age / half_life)` in units of `2^-60`, by the series of the exponential.
fn left(age_ms: i64, half_life_ms: i64) -> i128 {
    const LN_2: i128 = 799_144_290_325_165_979; // ln 2 * 2^60
    let (age, half_life) = (i128::from(age_ms.max(0)), i128::from(half_life_ms));
    let x = LN_2 * (age % half_life) / half_life;
    let (mut sum, mut term) = (ONE, ONE);
    for n in 1..40 {
        term = -((term * x) >> 60) / n;
        sum += term;
    }
    sum >> (age / half_life).min(100)
}

/// What is left of `size` after so many hours, when it halves in so many.
pub(super) fn left_of(size: i128, age: i64, half_life: i64) -> i128 {
    (size * left(age, half_life)) >> 60
}

/// One event of a rule: when, which, on what.
type Told<'a> = (i64, &'a str, &'a str);

/// Those of a rule's events that count.
fn counting<'a>(rule: &str, mut events: Vec<Told<'a>>) -> Vec<Told<'a>> {
    events.sort_unstable();
    let firsts = |key: &dyn Fn(&Told<'a>) -> String, most: usize| {
        let mut seen = BTreeMap::<String, usize>::new();
        let mut kept = events.clone();
        kept.retain(|event| {
            let times = seen.entry(key(event)).or_default();
            *times += 1;
            *times <= most
        });
        kept
    };
    match rule {
        "once" => firsts(&|_| String::new(), 1),
        "content" => firsts(&|event| event.2.to_owned(), 1),
        "daily" => firsts(&|event| event.0.div_euclid(DAY).to_string(), 2),
        // At least two in three days, this one included.
        "window" => {
            let near = |n: usize| n > 0 && events[n].0 - events[n - 1].0 <= 3 * DAY;
            (0..events.len()).filter(|n| near(*n)).map(|n| events[n]).collect()
        }
        _ => events,
    }
}

/// Engagement at `at`, by the policy [`full`].
pub(super) fn engagement(history: &[(usize, i64, Body)], ids: &[String], at: Millis) -> i128 {
    let rules = [
        ("every", "Page Viewed", 7, Some(14), "web"),
        ("once", "Page Viewed", 7, Some(14), "web"),
        ("content", "Page Viewed", 7, Some(14), "web"),
        ("daily", "Page Viewed", 7, Some(14), "web"),
        ("window", "Content Downloaded", 25, Some(14), "content"),
        ("bye", "Email Unsubscribed", -15, None, ""),
        ("spam", "Email Marked As Spam", -40, Some(3), ""),
    ];
    let (mut web, mut content, mut taken) = (0, 0, 0);
    for (rule, name, points, half_life_days, group) in rules {
        let told = history.iter().zip(ids).filter_map(|((_, hour, body), id)| match body {
            Body::Activity(activity) if activity.name == name => {
                let on = activity.content_id.as_deref().unwrap_or_default();
                Some((day(0).plus(hour * Millis::HOUR).0, id.as_str(), on))
            }
            _ => None,
        });
        let worth = |event: &Told<'_>| {
            let share = half_life_days.map_or(ONE, |days: i64| left(at.0 - event.0, days * DAY));
            let size: i128 = i128::from(i32::abs(points)) * 1_000_000;
            ((size * share) >> 60) * i128::from(points.signum())
        };
        let sum: i128 = counting(rule, told.collect()).iter().map(worth).sum();
        match group {
            "web" => web += sum.min(45_000_000),
            "content" => content += sum,
            _ => taken += sum,
        }
    }
    ((web.min(60_000_000) + content).min(90_000_000) + taken).max(0)
}

/// Fit by the newest word on each fact.
fn fit(history: &[(usize, i64, Body)], ids: &[String]) -> i64 {
    let mut newest = BTreeMap::<&str, ((i64, &str, usize), &FactValue)>::new();
    for ((_, hour, body), id) in history.iter().zip(ids) {
        let Body::Facts(facts) = body else { continue };
        for (place, fact) in facts.iter().enumerate() {
            let told = (*hour, id.as_str(), place);
            if newest.get(fact.name.as_str()).is_none_or(|(before, _)| *before < told) {
                newest.insert(&fact.name, (told, &fact.value));
            }
        }
    }
    let employees = match newest.get("employees") {
        Some((_, FactValue::Number(n))) if (50..=10_000).contains(n) => 40,
        _ => 0,
    };
    let title = match newest.get("title") {
        Some((_, FactValue::Text(title))) if title.contains("VP") => 30,
        Some((_, FactValue::Text(title))) if title.contains("Manager") => 20,
        _ => 0,
    };
    employees + title
}

proptest! {
    #[test]
    fn a_slow_model_of_the_whole_history_comes_to_the_same_score(history in any_history()) {
        let ids: Vec<String> = history.iter().map(|(n, ..)| format!("e{n:02}")).collect();
        let mut lead = Lead::new(full());
        for ((_, hour, body), id) in history.iter().zip(&ids) {
            lead.hear(day(35), day(0).plus(hour * Millis::HOUR), id, body.clone());
        }
        let score = lead.score(day(40));
        prop_assert_eq!(score.fit, Points::whole(fit(&history, &ids)));
        let apart = (engagement(&history, &ids, day(40)) - i128::from(score.engagement.0)).abs();
        // Seven rules at most look at an event, and each rounds it once.
        prop_assert!(apart <= 7 * 40, "{apart} millionths apart");
    }
}

#[test]
fn the_models_own_halves_are_right_where_they_are_known() {
    assert_eq!(left(14 * DAY, 14 * DAY), ONE / 2);
    assert_eq!(left(28 * DAY, 14 * DAY), ONE / 4);
    let root = left(7 * DAY, 14 * DAY);
    assert!((root * root / ONE - ONE / 2).abs() < 100, "{root}");
}
