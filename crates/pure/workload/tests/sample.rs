//! What the demo's sample promises, read back as any consumer would read it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use baton_domain::Millis;
use baton_workload::{BROKEN, DAYS, SEED, START, demo, sample};
use jiff::Timestamp;
use serde_json::Value;

/// The demo's lines that are whole: an object with a type that exists.
fn whole() -> Vec<Value> {
    demo().filter_map(|line| serde_json::from_str::<Value>(&line).ok()).filter(is_known).collect()
}

fn is_known(line: &Value) -> bool {
    let known = ["page", "track", "identify", "group", "alias", "crm", "consent", "tick"];
    known.contains(&text(line, "type"))
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_default()
}

fn millis(line: &Value, field: &str) -> Option<i64> {
    Some(line[field].as_str()?.parse::<Timestamp>().ok()?.as_millisecond())
}

fn id(line: &Value) -> &str {
    line["messageId"].as_str().or(line["activityId"].as_str()).unwrap_or_default()
}

/// FNV-1a over every line and its end.
fn fingerprint(lines: impl Iterator<Item = String>) -> u64 {
    lines
        .flat_map(|line| line.into_bytes().into_iter().chain([b'\n']))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The lines that report this event.
fn asked(lines: &[Value], event: &str) -> Vec<Value> {
    lines.iter().filter(|line| text(line, "event") == event).cloned().collect()
}

#[test]
fn the_demo_is_the_same_bytes_everywhere() {
    assert_eq!(format!("{:016x}", fingerprint(demo())), "e5944a23ed13f3e7");
    assert_ne!(fingerprint(sample(1, 100, START, 7)), fingerprint(sample(2, 100, START, 7)));
}

#[test]
fn the_packed_demo_is_what_the_generator_says() {
    let packed = include_bytes!("../../../../deploy/demo/clickstream.jsonl.gz");
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
    let said = demo().fold(String::new(), |all, line| all + &line + "\n");
    assert!(unpacked == said, "run the example write_sample and pack it with gzip -9n");
}

#[test]
fn the_demo_has_about_five_thousand_lines_in_the_order_of_receipt() {
    let lines = whole();
    assert!((4_500..5_500).contains(&lines.len()), "{}", lines.len());
    let times: Vec<i64> = lines.iter().map(|line| millis(line, "receivedAt").unwrap()).collect();
    assert!(times.is_sorted());
    assert!(times[0] >= START.0);
}

#[test]
fn nothing_is_received_before_it_happens() {
    for line in whole() {
        let received = millis(&line, "receivedAt").unwrap();
        let field = if text(&line, "type") == "crm" { "occurredAt" } else { "timestamp" };
        let Some(happened) = millis(&line, field) else { continue };
        assert!(happened <= received || id(&line) == "far-future", "{line}");
    }
}

#[test]
fn exactly_the_promised_records_are_broken() {
    let lines: Vec<String> = demo().collect();
    let whole = whole();
    // Those with a type and of a usable size and shape, so only a reader that checks can tell.
    let marked: BTreeSet<&str> = whole.iter().map(id).filter(|id| !id.contains('-') || id.len() < 12).collect();
    assert_eq!(marked, BTreeSet::from(["", "bad-1970", "bad-nobody", "bad-number", "bad-size", "far-future"]));
    assert_eq!(whole.iter().filter(|line| id(line).is_empty() && text(line, "type") == "page").count(), 1);
    // Cut off, of an unknown type, a list.
    assert_eq!(lines.len() - whole.len(), 3);
    assert_eq!(lines.iter().filter(|line| line.len() > 300 * 1024).count(), 1);
    assert_eq!(5 + 1 + 3, BROKEN);
}

#[test]
fn two_lines_in_a_hundred_come_again_with_nothing_but_the_receipt_changed() {
    let lines = whole();
    let mut seen: BTreeMap<&str, Value> = BTreeMap::new();
    let mut repeats = 0;
    for line in lines.iter().filter(|line| !id(line).is_empty()) {
        let mut content = line.clone();
        let received = content.as_object_mut().unwrap().remove("receivedAt");
        assert!(received.is_some());
        if let Some(first) = seen.insert(id(line), content) {
            repeats += 1;
            assert_eq!(first, seen[id(line)]);
        }
    }
    let share = repeats * 1_000 / lines.len();
    assert!((15..=25).contains(&share), "{share} in a thousand");
}

#[test]
fn three_lines_in_a_hundred_come_hours_late_and_a_raised_hand_never() {
    let lines = whole();
    let late: Vec<&Value> = lines
        .iter()
        .filter(|line| {
            let happened = millis(line, "timestamp").filter(|at| *at >= START.0);
            happened.is_some_and(|at| millis(line, "receivedAt").unwrap() - at >= Millis::HOUR)
        })
        .collect();
    let share = late.len() * 1_000 / lines.len();
    assert!((22..=38).contains(&share), "{share} in a thousand");
    assert!(late.iter().all(|line| !text(line, "event").ends_with("Requested")));
}

#[test]
fn every_midnight_ticks_and_the_last_word_comes_ten_days_later() {
    let ticks: Vec<i64> = whole()
        .iter()
        .filter(|line| text(line, "type") == "tick")
        .map(|line| (millis(line, "receivedAt").unwrap() - START.0) / Millis::DAY)
        .collect();
    let midnights: Vec<i64> = (1..=DAYS).chain([DAYS + 10]).collect();
    assert_eq!(ticks, midnights);
    let last: Value = serde_json::from_str(&demo().last().unwrap()).unwrap();
    assert_eq!(text(&last, "receivedAt"), "2026-10-08T00:00:00Z");
}

#[test]
fn a_story_does_not_depend_on_how_many_leads_there_are() {
    let ours = |line: &String| !line.contains("anon-broken") && !line.contains("bad-nobody");
    let more: BTreeSet<String> = sample(SEED, 130, START, 10).collect();
    let missing = sample(SEED, 100, START, 10).filter(ours).filter(|line| !more.contains(line)).count();
    assert_eq!(missing, 0);
}

#[test]
fn some_ask_for_a_demo_when_nobody_is_at_a_desk() {
    let demos = asked(&whole(), "Demo Requested");
    let at = |line: &Value| Millis(millis(line, "timestamp").unwrap());
    let weekend = demos.iter().filter(|line| (at(line).day() + 3).rem_euclid(7) >= 5).count();
    let night = demos.iter().filter(|line| at(line).0.rem_euclid(Millis::DAY) >= 18 * Millis::HOUR).count();
    assert!(demos.len() >= 40, "{}", demos.len());
    assert!(weekend >= 3, "{weekend}");
    assert!(night >= 5, "{night}");
}

#[test]
fn some_who_took_every_permission_back_ask_under_another_id() {
    let lines = whole();
    let mut denied: BTreeSet<&str> = BTreeSet::new();
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut came_back = BTreeSet::new();
    for line in &lines {
        if text(line, "type") == "consent" {
            denied.insert(text(line, "email"));
        }
        let email = line["traits"]["email"].as_str().unwrap_or_default();
        let new = !email.is_empty() && names.entry(email).or_default().insert(text(line, "userId"));
        if new && denied.contains(email) {
            came_back.insert(email);
        }
    }
    assert!(denied.len() >= 8, "{denied:?}");
    assert!(came_back.len() >= 3, "{came_back:?}");
}

#[test]
fn some_browsers_have_two_users() {
    let lines = whole();
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["userId"].is_string() && line["anonymousId"].is_string()) {
        users.entry(text(line, "anonymousId")).or_default().insert(text(line, "userId"));
    }
    assert!(users.values().filter(|users| users.len() == 2).count() >= 3);
    assert!(users.values().all(|users| users.len() <= 2));
}

#[test]
fn facts_come_from_forms_and_from_enrichment() {
    let lines = whole();
    let from = |source: &str| lines.iter().filter(|line| line["context"]["source"] == source).count();
    assert!(from("form") >= 100);
    assert!(from("enrichment") >= 10);
    let countries: BTreeSet<&str> = lines.iter().filter_map(|line| line["traits"]["country"].as_str()).collect();
    assert!(countries.len() >= 8 && countries.contains("IR"), "{countries:?}");
}

#[test]
fn sales_calls_in_time_late_by_machine_and_speaks_only_of_people_the_site_knows() {
    let lines = whole();
    let known: BTreeSet<&str> = lines
        .iter()
        .filter(|line| text(line, "type") != "crm")
        .flat_map(|line| [line["userId"].as_str(), line["traits"]["email"].as_str()])
        .flatten()
        .collect();
    let crm: Vec<&Value> = lines.iter().filter(|line| text(line, "type") == "crm").collect();
    for line in &crm {
        let who = line["email"].as_str().or(line["userId"].as_str()).unwrap();
        assert!(known.contains(who), "{line}");
    }
    let told_late =
        |line: &Value| millis(line, "receivedAt").unwrap() - millis(line, "occurredAt").unwrap() > 2 * Millis::MINUTE;
    assert!(crm.iter().any(|line| told_late(line)));
    assert!(crm.iter().any(|line| line["automated"] == true));
    let kinds: BTreeSet<&str> = crm.iter().map(|line| text(line, "kind")).collect();
    assert_eq!(kinds, BTreeSet::from(["touch", "accepted", "disposition", "opportunity"]));
    let codes: BTreeSet<&str> = crm.iter().filter_map(|line| line["disposition"]["code"].as_str()).collect();
    assert_eq!(codes, BTreeSet::from(["qualified", "not_now", "not_a_fit", "no_response", "never_contact"]));
    let ends: BTreeSet<&str> = crm.iter().filter_map(|line| line["opportunity"].as_str()).collect();
    assert_eq!(ends, BTreeSet::from(["open", "won", "lost"]));
    assert!(crm.iter().any(|line| line["disposition"]["nextCheckIn"].is_string()));
}
