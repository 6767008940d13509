//! Conditions on a fact, as `fit` and `routing` write them: a fact and one test.

use super::read::{Field, Fields};
use super::yaml::Kind;
use crate::{FactTest, RULED_OUT_AS};

/// The keys that make up a condition.
pub(super) const KEYS: [&str; 10] =
    ["fact", "any_of", "none_of", "all_of", "contains", "between", "at_least", "at_most", "is_true", "known"];

/// Facts that sources commonly tell, and one that a disposition leaves.
pub(super) const COMMON: [&str; 27] = [
    "email",
    "phone",
    "name",
    "first_name",
    "last_name",
    "title",
    "seniority",
    "department",
    "company",
    "domain",
    "group_id",
    "country",
    "region",
    "state",
    "industry",
    "employees",
    "revenue",
    "tech_stack",
    "target_account",
    "competitor_product",
    "language",
    "budget",
    "authority",
    "need",
    "timeline",
    "source",
    RULED_OUT_AS,
];

/// Reads the fact's name and its test. Without exactly one test, a problem and a test that nothing passes.
pub(super) fn read(fields: &Fields<'_>) -> (String, FactTest) {
    let fact = fields.need("fact").and_then(|f| name(&f)).unwrap_or_default();
    match tests(fields).as_slice() {
        [(_, test)] => return (fact, test.clone()),
        [] => fields.whole().wrong_but("says no test", format!("give one of {}", KEYS[1..].join(", "))),
        [_, (second, _), ..] => second.wrong("one test only: write a second rule for another"),
    }
    (fact, FactTest::AnyOf(Vec::new()))
}

/// The name of a fact: the writer's own, or one that sources commonly tell.
pub(super) fn name(field: &Field<'_>) -> Option<String> {
    field.name().inspect(|name| field.doubt("fact", name, &COMMON))
}

/// Every test given, each with its place.
pub(super) fn tests<'a>(fields: &Fields<'a>) -> Vec<(Field<'a>, FactTest)> {
    KEYS[1..].iter().filter_map(|key| fields.get(key).map(|field| (field.clone(), test(key, &field)))).collect()
}

fn test(key: &str, field: &Field<'_>) -> FactTest {
    match key {
        "any_of" => FactTest::AnyOf(words(field)),
        "none_of" => FactTest::NoneOf(words(field)),
        "all_of" => FactTest::AllOf(words(field)),
        "contains" => FactTest::Contains(words(field)),
        "between" => between(field),
        "at_least" => FactTest::Between(bound(field), i64::MAX),
        "at_most" => FactTest::Between(i64::MIN, bound(field)),
        "known" if field.flag() == Some(false) => FactTest::Unknown,
        "known" => FactTest::Known,
        _ if field.flag() == Some(false) => FactTest::IsFalse,
        _ => FactTest::IsTrue,
    }
}

fn words(field: &Field<'_>) -> Vec<String> {
    field.texts().iter().map(|word| word.to_lowercase()).collect()
}

fn bound(field: &Field<'_>) -> i64 {
    field.integer(i64::MIN, i64::MAX).unwrap_or_default()
}

fn between(field: &Field<'_>) -> FactTest {
    let numbers: Vec<Option<i64>> = field.items().iter().map(|item| item.integer(i64::MIN, i64::MAX)).collect();
    let [low, high] = numbers.as_slice() else {
        if matches!(field.kind, Kind::List(_)) {
            field.wrong("expected two numbers: [least, most]");
        }
        return FactTest::Between(0, 0);
    };
    let bounds = (*low, *high);
    if let (Some(least), Some(most)) = bounds
        && least > most
    {
        field.wrong(format!("upside down: {least} is more than {most}"));
    }
    FactTest::Between(bounds.0.unwrap_or_default(), bounds.1.unwrap_or_default())
}
