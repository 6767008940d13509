//! The section `fit`: grades, the rules on who people are, and who is ruled out.

use std::collections::BTreeMap;

use baton_domain::Points;

use super::compile::asked;
use super::engagement::fall;
use super::facts;
use super::read::{Field, Fields, Named, Once};
use crate::{FactRule, Fit};

const GRADES: [&str; 3] = ["A", "B", "C"];

/// Reads the section; problems go to the report.
pub(super) fn read(section: &Field<'_>) -> Option<Fit> {
    let fields = section.fields(&[
        "grades",
        "known_at_least",
        "complete_at_least",
        "trust",
        "fresh_for",
        "rules",
        "disqualify",
    ])?;
    let mut ids = Once::default();
    let before = section.report.count();
    let rules = fields.need("rules").map(|f| fact_rules(&f, true, &mut ids)).unwrap_or_default();
    let disqualify = fields.get("disqualify").map(|f| fact_rules(&f, false, &mut ids)).unwrap_or_default();
    let asked = asked(&rules);
    // Of rules that could not be read it is not known how many points they give.
    let most = (section.report.count() == before).then(|| rules.iter().map(|rule| rule.points.max(Points::ZERO)).sum());
    Some(Fit {
        grades: fields.need("grades").and_then(|f| grades(&f, most)).unwrap_or_default(),
        known_at_least: known_at_least(&fields, asked.len()),
        complete_at_least: fields.get("complete_at_least").and_then(|f| f.integer(0, 100)).unwrap_or_default(),
        trust: fields.get("trust").map(|f| trust(&f)).unwrap_or_default(),
        fresh_for: fields.get("fresh_for").map(|f| fresh_for(&f)).unwrap_or_default(),
        rules,
        asked,
        disqualify,
    })
}

/// Sources of facts: few, since the claims of each are kept apart.
fn trust(field: &Field<'_>) -> Vec<String> {
    const MOST: usize = 8;
    let sources = field.texts();
    if sources.len() > MOST {
        field.wrong(format!("at most {MOST} sources"));
    }
    sources
}

fn fresh_for(field: &Field<'_>) -> BTreeMap<String, i64> {
    let facts = field.named().unwrap_or_default();
    let read = |fact: &Named<'_>| {
        fact.key.check_name(fact.name);
        fact.key.doubt("fact", fact.name, &facts::COMMON);
        (fact.name.to_owned(), fact.value.duration().unwrap_or_default())
    };
    facts.iter().map(read).collect()
}

/// The least for each grade; grade A must be within reach of the rules.
fn grades(field: &Field<'_>, most: Option<Points>) -> Option<[Points; 3]> {
    let fields = field.fields(&GRADES)?;
    let read = GRADES.map(|grade| fields.need(grade).and_then(|f| f.points()));
    fall(&fields, GRADES, read);
    if let (Some(best), Some(most), Some(first)) = (read[0], most, fields.get("A"))
        && best > most
    {
        first.wrong(format!("{best} cannot be reached: the rules give at most {most}"));
    }
    Some(read.map(Option::unwrap_or_default))
}

fn known_at_least(fields: &Fields<'_>, asked: usize) -> usize {
    let Some(field) = fields.need("known_at_least") else { return 0 };
    let least = field.integer(0, 1_000).and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
    if least > asked && fields.get("rules").is_some() {
        field.wrong(format!("nobody would be graded: the rules ask for {asked} facts"));
    }
    least
}

/// Rules with points, or rules that rule out and have none.
fn fact_rules(field: &Field<'_>, with_points: bool, ids: &mut Once) -> Vec<FactRule> {
    let mut known: Vec<&'static str> = vec!["id"];
    known.extend(facts::KEYS);
    if with_points {
        known.push("points");
    }
    let read = |item: &Field<'_>, ids: &mut Once| {
        let fields = item.fields(&known)?;
        let (fact, test) = facts::read(&fields);
        let points = if with_points { fields.need("points").and_then(|f| f.points()) } else { None };
        Some(FactRule { id: fields.id(ids), fact, test, points: points.unwrap_or_default() })
    };
    field.items().iter().filter_map(|item| read(item, ids)).collect()
}
