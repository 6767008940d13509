//! The section `fit`: grades, the rules on who people are, and who is ruled out.

use baton_domain::Points;

use super::compile::asked;
use super::engagement::fall;
use super::facts;
use super::read::{Field, Fields, Once};
use crate::{FactRule, Fit};

const GRADES: [&str; 3] = ["A", "B", "C"];

/// Reads the section; problems go to the report.
pub(super) fn read(section: &Field<'_>) -> Option<Fit> {
    let fields = section.fields(&["grades", "known_at_least", "rules", "disqualify"])?;
    let mut ids = Once::default();
    let rules = fields.need("rules").map(|f| fact_rules(&f, true, &mut ids)).unwrap_or_default();
    let disqualify = fields.get("disqualify").map(|f| fact_rules(&f, false, &mut ids)).unwrap_or_default();
    let asked = asked(&rules);
    Some(Fit {
        grades: fields.need("grades").and_then(|f| grades(&f)).unwrap_or_default(),
        known_at_least: known_at_least(&fields, asked.len()),
        rules,
        asked,
        disqualify,
    })
}

fn grades(field: &Field<'_>) -> Option<[Points; 3]> {
    let fields = field.fields(&GRADES)?;
    let read = GRADES.map(|grade| fields.need(grade).and_then(|f| f.points()));
    fall(&fields, GRADES, read);
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
