//! What is told of two documents, and what is no difference.

use super::*;
use crate::STARTER;

fn told(pairs: &[(&str, &str)]) -> Vec<String> {
    let after = pairs.iter().fold(STARTER.to_owned(), |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "{old:?} must stand once in the starter policy");
        text.replace(old, new)
    });
    diff(STARTER, &after).unwrap().into_iter().map(|change| change.words).collect()
}

#[test]
fn the_same_said_in_another_way_is_no_change() {
    let hours = "        mon-thu: [09:00-12:30, 13:00-18:00]\n        fri: [09:00-12:30, 13:00-16:00]\n";
    let by_day = "        fri: [09:00-12:30, 13:00-16:00]\n        mon-tue: [09:00-12:30, 13:00-18:00]\n        wed: [09:00-12:30, 13:00-18:00]\n        thu: [09:00-12:30, 13:00-18:00]\n";
    let spelt = [
        ("dedupe: 14d", "dedupe: \"2w\""),
        ("total_cap: 100", "total_cap: 100.0 # most"),
        ("    every: 30m #", "    every: 1800s #"),
        ("    P2: 8h business\n    P3: 24h business # 24", "    P3: 24h business\n    P2: 480m business # 24"),
        (
            "        - { fact: country, any_of: [US, CA, MX, BR] }",
            "          { any_of: [BR, us, CA, MX, CA], fact: country }",
        ),
        (
            "    events: [Webinar Attended, Chat Started, Product Milestone]",
            "    events: [Product Milestone, Chat Started, Webinar Attended]",
        ),
        ("    content_stages: [bofu]", "    content_stages: bofu"),
        (
            "      when: { event: Email Opened }\n      points: 0\n",
            "      points: 0\n      count: every\n      when: { event: [Email Opened] }\n",
        ),
        ("  off_hours: assign #", "  #"),
        (hours, by_day),
    ];
    assert_eq!(told(&spelt), [""; 0]);
    // Nor are they told beside what is a change.
    assert_eq!(
        told(&[&spelt[..], &[("rearm_percent: 75", "rearm_percent: 70")]].concat()),
        ["decision, rearm_percent: 75 -> 70"]
    );
}

#[test]
fn a_default_that_another_change_makes_one_of_its_own_is_told() {
    // What rests for 30d by itself would rest for 60d.
    let said = told(&[
        ("cool_down: 30d # given", "cool_down: 60d # given"),
        ("    not_now: { to: recycled, check_in: 60d,", "    not_now: { to: recycled, cool_down: 30d, check_in: 60d,"),
    ]);
    assert_eq!(said, ["decision, cool_down: 30d -> 60d", "lifecycle, dispositions, not_now, cool_down added: 30d"]);
}

#[test]
fn an_order_that_decides_is_told() {
    let emea = "members: { jonas.weber: 2, lena.fischer: 2, pieter.jansen: 1 }";
    let turned = "members: { lena.fischer: 2, jonas.weber: 2, pieter.jansen: 1 }";
    assert_eq!(
        told(&[(emea, turned)]),
        ["pool emea, members: another order: lena.fischer, jonas.weber, pieter.jansen"]
    );
    let trusting =
        |trust: &str| STARTER.replacen("  # trust: [crm, enrichment, form]", &format!("  trust: {trust}"), 1);
    let changes = diff(&trusting("[crm, form]"), &trusting("[form, crm]")).unwrap();
    assert_eq!(
        changes.iter().map(|change| change.words.as_str()).collect::<Vec<_>>(),
        ["fit, trust: another order: form, crm"]
    );
}

/// Every number of the starter policy, greater by one; every word of a list, left out.
fn variants() -> Vec<String> {
    let mut variants = Vec::new();
    let mut offset = 0;
    for line in STARTER.split_inclusive('\n') {
        let code = line.split('#').next().unwrap_or_default();
        for (place, _) in code.match_indices(|c: char| c.is_ascii_digit()) {
            let at = offset + place;
            let digit = (STARTER.as_bytes()[at] - b'0' + 1) % 10;
            variants.push(format!("{}{digit}{}", &STARTER[..at], &STARTER[at + 1..]));
        }
        for (place, _) in code.match_indices(", ") {
            let (at, rest) = (offset + place, &code[place + 2..]);
            let length = rest.find([',', ']', '}']).unwrap_or(rest.len());
            variants.push(format!("{}{}", &STARTER[..at], &STARTER[at + 2 + length..]));
        }
        offset += line.len();
    }
    variants
}

#[test]
fn something_is_told_exactly_where_the_policies_are_not_the_same() {
    let starter = crate::parse("starter.yaml", STARTER).unwrap();
    let mut compared = 0;
    for variant in variants() {
        let Ok(policy) = crate::parse("mine.yaml", &variant) else { continue };
        let changes = diff(STARTER, &variant).unwrap();
        assert_eq!(changes.is_empty(), policy == starter, "{changes:?}");
        compared += 1;
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn each_kind_of_change_is_told_in_words() {
    let rule = "    - id: careers_page # wants a job, not a product\n      when: { event: Page Viewed, path: /careers* }\n      points: -10\n      half_life: never\n      count: once\n      group: web\n";
    let said = told(&[
        ("    A: 70\n", "    A: 65\n"),
        (rule, "    - { id: chat, when: { event: Chat }, points: 1, half_life: 1d, group: web }\n"),
        ("    A3: P2\n", ""),
        ("any_of: [US, CA, MX, BR]", "any_of: [US, CA, MX, AR]"),
        ("emea:\n      members: { jonas.weber: 2,", "emea:\n      members: { jonas.weber: 3,"),
        ("    P2: 8h business\n    P3: 24h business # 24", "    P2: 4h business\n    P3: 24h business # 24"),
    ]);
    assert_eq!(
        said,
        [
            "engagement rule careers_page removed: { id: careers_page, when: { event: Page Viewed, path: /careers* }, points: -10, half_life: never, count: once, group: web }",
            "engagement rule chat added: { id: chat, when: { event: Chat }, points: 1, half_life: 1d, group: web }",
            "grade A: 70 -> 65",
            "lane of cell A3 removed: P2",
            "routing rule americas, when: [{ fact: country, any_of: [US, CA, MX, BR] }] -> [{ fact: country, any_of: [US, CA, MX, AR] }]",
            "pool emea, weight of jonas.weber: 2 -> 3",
            "clock accept in lane P2: 8h business -> 4h business",
        ]
    );
}

#[test]
fn rules_in_another_order_are_a_change_since_the_first_that_matches_wins() {
    let (a, b) = ("r: [{ id: x, p: 1 }, { id: y, p: 2 }]", "r: [{ id: y, p: 2 }, { id: x, p: 1 }]");
    let changes = diff(a, b).unwrap();
    assert_eq!(changes.iter().map(|change| change.words.as_str()).collect::<Vec<_>>(), ["r: another order: y, x"]);
    assert_eq!(diff(a, a).unwrap(), []);
}

#[test]
fn words_that_come_and_go_are_named() {
    let changes = diff("f: { any_of: [a, b] }", "f: { any_of: c }").unwrap();
    assert_eq!(changes[0].words, "f, any_of: now also c; no longer a, b");
    assert_eq!(changes[0].path, "f.any_of");
}
