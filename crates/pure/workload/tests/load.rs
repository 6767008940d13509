//! What the load stream promises.

#![expect(clippy::unwrap_used, reason = "a line that cannot be read fails the test, also in a helper")]

use std::collections::BTreeMap;

use baton_workload::load;
use jiff::Timestamp;
use serde_json::Value;

const EVENTS: usize = 20_000;

fn lines() -> Vec<Value> {
    load(7, 5_000, EVENTS).map(|line| serde_json::from_str(&line).unwrap()).collect()
}

fn millis(line: &Value, field: &str) -> i64 {
    line[field].as_str().unwrap().parse::<Timestamp>().unwrap().as_millisecond()
}

#[test]
fn a_load_has_as_many_lines_as_asked_for_and_ends_with_a_tick() {
    let lines = lines();
    assert_eq!(lines.len(), EVENTS);
    assert_eq!(lines.iter().filter(|line| line["type"] == "tick").count(), 1);
    assert_eq!(lines.last().unwrap()["type"], "tick");
    assert_eq!(load(7, 5_000, 0).count(), 0);
    assert_eq!(load(7, 0, 10).count(), 10);
}

#[test]
fn a_longer_load_starts_like_a_shorter_one() {
    assert!(load(7, 5_000, 500).take(499).eq(load(7, 5_000, 900).take(499)));
    assert!(!load(8, 5_000, 500).take(10).eq(load(7, 5_000, 500).take(10)));
}

#[test]
fn receipt_rises_from_line_to_line() {
    let times: Vec<i64> = lines().iter().map(|line| millis(line, "receivedAt")).collect();
    assert!(times.is_sorted_by(|earlier, later| earlier < later));
}

#[test]
fn a_few_leads_get_most_of_the_lines() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines() {
        if let Some(device) = line["anonymousId"].as_str() {
            *counts.entry(device.to_owned()).or_default() += 1;
        }
    }
    let mut sorted: Vec<usize> = counts.into_values().collect();
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    let total: usize = sorted.iter().sum();
    assert!(sorted.len() > 2_000, "{}", sorted.len());
    assert!(sorted[..10].iter().sum::<usize>() * 100 / total >= 20, "{:?}", &sorted[..10]);
}

#[test]
fn a_load_repeats_and_delays_its_share() {
    let lines = lines();
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for id in lines.iter().filter_map(|line| line["messageId"].as_str().or(line["activityId"].as_str())) {
        *ids.entry(id).or_default() += 1;
    }
    let repeats = ids.values().map(|times| times - 1).sum::<usize>() * 1_000 / EVENTS;
    assert!((15..=25).contains(&repeats), "{repeats} in a thousand");
    let web = lines.iter().filter(|line| line["timestamp"].is_string());
    let late = web.filter(|line| millis(line, "receivedAt") - millis(line, "timestamp") > 60_000).count();
    assert!((20..=40).contains(&(late * 1_000 / EVENTS)), "{late}");
}

#[test]
fn every_kind_of_line_is_in_a_load() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines() {
        *kinds.entry(line["type"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.into_keys().collect();
    assert_eq!(kinds, ["consent", "crm", "identify", "page", "tick", "track"]);
}

#[test]
fn every_line_of_a_load_but_the_tick_names_somebody() {
    let ids = ["anonymousId", "userId", "email"];
    let nobody = lines().into_iter().filter(|line| ids.iter().all(|id| !line[id].is_string())).count();
    assert_eq!(nobody, 1);
}
