//! Every mistake is found, at its line, in words that help; and nothing else is found.

use baton_domain::{Activity, Clock, FactValue, Grade, Millis, Points};
use proptest::prelude::*;

use super::{doubts, parse};
use crate::{Counting, FactTest, Policy, Problem, STARTER, Sign, Target};
use mistakes::MISTAKES;

mod editors;
mod guide;
mod lifecycle;
mod mistakes;
mod sla;

/// A small policy without mistakes, to make them in.
const SMALL: &str = include_str!("tests/small.yaml");

fn good(text: &str) -> Policy {
    parse("p.yaml", text).unwrap_or_else(|problems| panic!("{}", lines(&problems)))
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The small policy with `old`, which must stand in it once, replaced.
fn with(old: &str, new: &str) -> String {
    assert_eq!(SMALL.matches(old).count(), 1, "{old:?} must stand once in the small policy");
    SMALL.replace(old, new)
}

/// The problems of the small policy after a change, without the name of the file.
fn wrong(old: &str, new: &str) -> Vec<String> {
    complaints(&with(old, new))
}

fn complaints(text: &str) -> Vec<String> {
    let problems = parse("p.yaml", text).expect_err("must be refused");
    problems.iter().map(|problem| problem.to_string().trim_start_matches("p.yaml:").to_owned()).collect()
}

#[test]
fn the_starter_policy_has_no_problems() {
    let policy = good(STARTER);
    assert_eq!((policy.name.as_str(), policy.version), ("starter", 1));
    assert_eq!(policy.engagement.bands, [60, 35, 15].map(Points::whole));
    assert_eq!(policy.decision.hand_raise[&Grade::U], "P0");
    assert_eq!(policy.decision.matrix.len(), 6);
    assert_eq!(policy.routing.reps.len(), 8);
    let target = policy.target(Clock::FirstTouch, "P0");
    assert_eq!(target, Some(Target { within_ms: 5 * Millis::MINUTE, business_hours: true, working_days: 0 }));
    let hand_raises = policy.engagement.rules.iter().filter(|rule| rule.hand_raise).count();
    assert_eq!(hand_raises, 4);
}

#[test]
fn an_event_finds_the_rules_that_name_it_and_no_others() {
    let engagement = good(STARTER).engagement;
    for (name, indexes) in &engagement.by_name {
        assert!(indexes.is_sorted_by(|a, b| a < b), "{name}");
        assert!(indexes.iter().all(|i| engagement.rules[*i].when.names.contains(name)), "{name}");
    }
    let named: usize = engagement.rules.iter().map(|rule| rule.when.names.len()).sum();
    assert_eq!(engagement.by_name.values().map(Vec::len).sum::<usize>(), named);
    assert_eq!(engagement.by_name["Content Downloaded"].len(), 3);
}

#[test]
fn every_kind_of_value_arrives_as_written() {
    let policy = good(SMALL);
    let rule = &policy.engagement.rules[0];
    assert_eq!(rule.points, Points(2_125_000));
    assert_eq!(rule.half_life_ms, Some(14 * Millis::DAY));
    assert_eq!(rule.count, Counting::PerDay(5));
    assert_eq!(rule.when.at_least.map(|w| (w.times, w.within_ms)), Some((3, 14 * Millis::DAY)));
    assert_eq!(policy.engagement.rules[1].half_life_ms, None);
    assert_eq!(policy.fit.rules[0].test, FactTest::Between(50, i64::MAX));
    assert_eq!(policy.fit.disqualify[0].test, FactTest::AnyOf(vec!["no".into(), "kp".into()]));
    assert_eq!(policy.fit.asked, ["budget", "employees"]);
    assert_eq!(policy.identity.placeholder_ids, ["anonymous", "null"]);
    assert_eq!(policy.routing.pools["night"].members, [("bo".to_owned(), 2), ("ada".to_owned(), 1)]);
    assert_eq!(policy.engagement.max_contributions, 128);
    assert_eq!(policy.sla.warn_percent, [50, 80]);
}

#[test]
fn a_sequence_is_met_by_each_of_its_steps_and_knows_which() {
    let text = "when: { sequence: [{ event: A, path: /x* }, { event: [A, B], title: Price }], within: 48h }";
    let rule = &good(&with("when: { event: Email Unsubscribed }", text)).engagement.rules[1];
    assert_eq!(rule.when.names, ["A", "B"]);
    assert_eq!(rule.when.span_ms(), Some(48 * Millis::HOUR));
    let activity = |name: &str, path: &str, title: &str| Activity {
        name: name.to_owned(),
        path: Some(path.to_owned()),
        title: Some(title.to_owned()),
        ..Activity::default()
    };
    let steps = |name, path, title| rule.when.steps(&activity(name, path, title));
    assert_eq!([steps("A", "/x/1", "Our PRICES"), steps("A", "/x", ""), steps("B", "/", "price")], [3, 1, 2]);
    assert!(!rule.when.matches(&activity("B", "/x", "About")));
}

#[test]
fn a_question_marks_the_rule_that_answers_it() {
    let criteria = "criteria:\n  bant:\n    - id: time\n      yes: [{ rule: leave, within: 30d }, { fact: x, known: true }]\n      mandatory: true\ndecision:\n";
    let policy = good(&with("decision:\n", criteria));
    let question = &policy.criteria[0].questions[0];
    assert_eq!(question.yes[0], Sign::Did { rule: "leave".to_owned(), within_ms: Some(30 * Millis::DAY) });
    assert_eq!(question.yes[1], Sign::Fact("x".to_owned(), FactTest::Known));
    assert!(question.mandatory && policy.asks_for("x") && !policy.asks_for("y"));
    assert_eq!(policy.engagement.rules.iter().map(|rule| rule.asked_for).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_fact_is_held_against_words_in_every_way() {
    let list = FactValue::List(vec!["Kafka".into(), "Rust".into()]);
    let text = FactValue::Text("Kafka".into());
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for (test, of_list, of_text, of_nothing) in [
        (FactTest::AnyOf(words(&["kafka", "go"])), true, true, false),
        (FactTest::NoneOf(words(&["kafka", "go"])), false, false, false),
        (FactTest::NoneOf(words(&["go"])), true, true, false),
        (FactTest::AllOf(words(&["kafka", "rust"])), true, false, false),
        (FactTest::AllOf(words(&["kafka"])), true, true, false),
        (FactTest::Known, true, true, false),
        (FactTest::Unknown, false, false, true),
        (FactTest::IsFalse, false, false, false),
    ] {
        let spaced = FactValue::Text(" KAFKA ".into());
        assert_eq!(test.holds(Some(&spaced)), of_text, "{test:?}: neither case nor blanks around it matter");
        let passes = [test.holds(Some(&list)), test.holds(Some(&text)), test.holds(None)];
        assert_eq!(passes, [of_list, of_text, of_nothing], "{test:?}");
    }
    assert!(FactTest::IsFalse.passes(&FactValue::Flag(false)) && !FactTest::IsFalse.passes(&FactValue::Flag(true)));
}

#[test]
fn a_name_that_is_almost_a_common_one_is_doubted_with_its_place_and_no_other_is() {
    let doubted = |from: &str, to: &str| -> Vec<String> {
        let text = STARTER.replacen(from, to, 1);
        assert_ne!(text, STARTER, "{from}");
        assert!(parse("p", &text).is_ok(), "{to}");
        doubts("p", &text).iter().map(ToString::to_string).collect()
    };
    for (from, to, meant) in [
        ("event: Demo Requested", "event: demo requested", "Demo Requested"),
        ("event: Demo Requested", "event: Demo_Requested", "Demo Requested"),
        ("event: Demo Requested", "event: Demo Requsted", "Demo Requested"),
        ("fact: employees", "fact: emploees", "employees"),
        ("fact: employees", "fact: Employees", "employees"),
        ("fact: country", "fact: county", "country"),
    ] {
        let told = doubted(from, to);
        assert_eq!(told.len(), 1, "{told:?}");
        let line = STARTER.lines().position(|line| line.contains(from)).unwrap() + 1;
        assert!(told[0].starts_with(&format!("p:{line}:")), "{told:?}");
        assert!(told[0].contains(&format!("did you mean \"{meant}\"?")), "{told:?}");
    }
    for own in ["event: Trade Show Visited", "event: 'Demo Requested '"] {
        assert_eq!(doubted("event: Demo Requested", own), Vec::<String>::new(), "{own}");
    }
    assert_eq!(doubts("p", STARTER), []);
}

#[test]
fn what_can_be_used_and_is_hardly_meant_is_doubted() {
    let doubted = |from: &str, to: &str| -> Vec<String> {
        let text = STARTER.replacen(from, to, 1);
        assert_ne!(text, STARTER, "{from}");
        assert!(parse("p", &text).is_ok(), "{to}");
        doubts("p", &text).iter().map(ToString::to_string).collect()
    };
    for (from, to, told) in [
        ("content_stage: bofu", "content_stage: bufo", "\"bufo\" is no common stage of content"),
        ("content_stages: [bofu]", "content_stages: [bufo]", "\"bufo\" is no common stage of content"),
        ("    A1: P1\n", "", "decision.matrix: A1 hands nobody off, and A2 does"),
        ("    A1: P1\n", "    A1: P3\n", "decision.matrix: A1 is P3, and A2 is P1"),
        ("times: 3, within: 30d", "days: 5, within: 3d", "5 cannot be reached: 4 days at most lie within it"),
        (
            "web: 40\n    content: 40\n    email: 10\n    event: 35\n    intent: 60",
            "web: 10\n    content: 10\n    email: 10\n    event: 10\n    intent: 10",
            "engagement.bands: 60, the least for 1, cannot be reached: the groups and their rules give at most 50",
        ),
    ] {
        let doubts = doubted(from, to);
        assert!(matches!(doubts.as_slice(), [doubt] if doubt.contains(told)), "{doubts:?}");
    }
    for meant in ["days: 4, within: 3d", "days: 2, within: 1h", "times: 50, within: 1d"] {
        assert_eq!(doubted("times: 3, within: 30d", meant), Vec::<String>::new(), "{meant}");
    }
}

#[test]
fn an_absence_starts_and_ends_with_the_reps_own_days() {
    let ada = &good(SMALL).routing.reps["ada"];
    let berlin = |text: &str| Millis(text.parse::<jiff::Zoned>().unwrap().timestamp().as_millisecond());
    let days = (berlin("2026-03-20T00:00[Europe/Berlin]"), berlin("2026-04-01T00:00[Europe/Berlin]"));
    assert_eq!(ada.away, [days]);
}

#[test]
fn a_shift_past_midnight_belongs_to_the_day_on_which_it_begins() {
    let week = &good(SMALL).sla.calendars["night"].week;
    let time = |hour| jiff::civil::time(hour, 0, 0, 0);
    assert!(week[..5].iter().all(|day| *day == [(time(22), Some(time(6)))]));
    assert_eq!((&week[5], &week[6]), (&vec![], &vec![]));
}

#[test]
fn a_date_may_have_a_shift_past_midnight() {
    let policy = good(&with("2026-12-25: []", "2026-12-25: 20:00-02:00"));
    let time = |hour| jiff::civil::time(hour, 0, 0, 0);
    let day = &policy.sla.calendars["day"].exceptions[&jiff::civil::date(2026, 12, 25)];
    assert_eq!(day, &[(time(20), Some(time(2)))]);
}

#[test]
fn sunday_night_reaches_into_monday() {
    let policy = good(&with("mon-fri: 22:00-06:00", "sun: 22:00-06:00"));
    let night = &policy.sla.calendars["night"];
    let at = |text: &str| baton_domain::Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let from = at("2026-03-02T05:00:00Z");
    assert_eq!(night.next_open(from), Some(from), "Monday, midnight in New York");
    assert_eq!(night.between(from, from.plus(baton_domain::Millis::DAY)), 6 * baton_domain::Millis::HOUR);
}

#[test]
fn a_shift_until_midnight_may_be_written_both_ways() {
    let (to_24, to_00) = (with("22:00-06:00", "22:00-24:00"), with("22:00-06:00", "22:00-00:00"));
    assert_eq!(good(&to_24).sla, good(&to_00).sla);
}

#[test]
fn six_mistakes_are_told_at_once_in_the_order_of_the_document() {
    let text = SMALL
        .replace("    half_life: 14d", "    half_live: 14d")
        .replace("points: 2.125", "points: .inf")
        .replace("rearm_percent: 75", "rearm_percent: 100")
        .replace("fallback: night", "fallback: nihgt")
        .replace("zone: Europe/Berlin", "zone: Europe/Berlni")
        .replace("warn: [50, 80]", "warn: [80, 50]");
    assert_eq!(
        complaints(&text),
        [
            "18:15: engagement.rules[0].points: must be finite, found .inf",
            "19:7: engagement.rules[0].half_live: unknown key; did you mean \"half_life\"?",
            "47:18: decision.rearm_percent: must be from 1 to 99",
            "50:13: routing.fallback: unknown pool \"nihgt\"; did you mean \"night\"?",
            "69:13: sla.calendars.day.zone: unknown time zone \"Europe/Berlni\"; did you mean \"Europe/Berlin\"?",
            "79:14: sla.warn[1]: must be above 80, the warning before it",
        ]
    );
}

#[test]
fn what_cannot_be_in_a_document_is_told_with_its_place() {
    assert_eq!(complaints(""), ["1:1: the document is empty"]);
    assert_eq!(complaints("- a"), ["1:1: expected a map, found a list"]);
    assert_eq!(complaints("a: &x 1\nb: *x"), ["2:4: aliases are not read: repeat the value"]);
    assert_eq!(complaints("a: !!int 1"), ["1:4: tags are not read: leave out the `!`"]);
    assert_eq!(complaints("a: 1\n---\nb: 2"), ["2:1: a second document begins here"]);
    assert_eq!(complaints("? [a]\n: 1"), ["1:3: a key must be a word"]);
    assert!(complaints("a: [1")[0].contains("not YAML: "));
}

#[test]
fn a_document_too_large_or_too_deep_is_refused() {
    let large = format!("{SMALL}# {}\n", "x".repeat(1 << 20));
    assert_eq!(complaints(&large), ["1:1: larger than 1048576 bytes"]);
    let deep = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
    assert_eq!(complaints(&deep), ["1:35: nested more than 32 deep"]);
}

#[test]
fn each_mistake_is_told_once_at_its_place() {
    let differs = |(old, new, expected): &(&str, &str, &str)| {
        let told = wrong(old, new);
        (told != [*expected]).then(|| format!("{old:?} -> {new:?}\n  expected {expected}\n  told     {told:?}"))
    };
    let differing: Vec<String> = MISTAKES.iter().filter_map(differs).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn a_missing_section_is_told_once_and_not_again_by_those_who_refer_to_it() {
    let without = |from: &str, to: &str| {
        let (start, end) = (SMALL.find(from).unwrap(), SMALL.find(to).unwrap());
        complaints(&format!("{}{}", &SMALL[..start], &SMALL[end..]))
    };
    assert_eq!(without("  groups:", "  rules:\n    - id: page"), ["8:3: engagement.groups: missing"]);
    assert_eq!(without("identity:", "engagement:"), ["1:1: identity: missing"]);
    assert_eq!(without("  calendars:", "  accept:"), ["67:3: sla.calendars: missing"]);
    assert_eq!(without("  pools:", "  reps:"), ["50:3: routing.pools: missing"]);
}

#[test]
fn long_and_odd_names_are_cut_and_escaped_before_they_are_shown() {
    let told = wrong("fallback: night", &format!("fallback: \"\\e[31m{}\"", "x".repeat(100)));
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("unknown pool \"\\u{1b}[31mxxx") && told[0].ends_with("xxx...\""), "{told:?}");
}

/// A text with a few bytes or lines lost, doubled or changed.
fn damaged(text: &'static str) -> impl Strategy<Value = String> {
    let harm = (0..5_u8, any::<prop::sample::Index>(), prop::sample::select(b"-:[]{}#&*!|>'\"% \n\t0a\x00,?".to_vec()));
    prop::collection::vec(harm, 1..6).prop_map(move |harms| {
        let mut bytes = text.as_bytes().to_vec();
        for (kind, place, byte) in harms {
            let at = place.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            let line_end = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n + 1);
            match kind {
                0 => drop(bytes.remove(at)),
                1 => bytes[at] = byte,
                2 => bytes.insert(at, byte),
                3 => drop(bytes.drain(at..line_end)),
                _ => bytes.extend_from_within(at..line_end),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_damaged_policy_is_read_or_refused_with_reasons(text in prop_oneof![damaged(STARTER), damaged(SMALL)]) {
        if let Err(problems) = parse("p.yaml", &text) {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|p| p.line >= 1 && p.column >= 1 && !p.message.is_empty()));
            prop_assert!(problems.is_sorted_by_key(|p| (p.line, p.column)));
        }
    }

    #[test]
    fn any_text_at_all_is_answered(text in "[-:\\[\\]{}#&*!|>'\"%@`,? \n\ta-c0]{0,60}") {
        prop_assert!(parse("p.yaml", &text).is_err_and(|problems| !problems.is_empty()));
    }
}
