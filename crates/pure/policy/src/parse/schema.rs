//! The JSON Schema of a policy document, for editors: made from what the parser itself asks for.
//!
//! Holds: a key that the parser does not know is refused by the schema, and what the schema says of a
//! value the parser asks of it. Absent on purpose: what only the parser can see, such as names that
//! nobody defined, thresholds that do not fall, and two keys that exclude each other.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::ask::{ANY, Ask, Asked};
use super::read::{Field, Report, key_path};
use super::yaml::{Kind, Mark, Node};

/// What some places mean, in words that an editor can show.
const MEANINGS: &[(&str, &str)] = &[
    ("policy", "Its name, for people"),
    ("version", "Raise it with every change: every score and handoff says which version judged it"),
    ("identity", "How ids and duplicates are treated"),
    ("engagement", "Points for what people do"),
    ("engagement.bands", "How warm a lead is: the least points for bands 1, 2 and 3; below is band 4"),
    ("engagement.warm_needs", "What bands 1 and 2 ask for besides points"),
    ("engagement.groups", "The most that each kind of behaviour can give"),
    ("engagement.rules[0].when.at_least", "So many times, days or pieces of content within a time"),
    ("engagement.rules[0].when.sequence", "One thing after another, within a time"),
    ("engagement.rules[0].half_life", "Time in which the points halve, or never"),
    ("engagement.rules[0].cap", "The most that this rule gives in all"),
    ("engagement.rules[0].hand_raise", "The person asks for sales: needs no points"),
    ("fit", "Points for who people are"),
    ("fit.trust", "Sources of facts, the most trusted first"),
    ("fit.fresh_for", "For how long after it was observed a fact counts as known"),
    ("fit.disqualify", "Who is never handed to sales, whatever the points"),
    ("criteria", "Sets of questions that are answered yes, no or unknown in every handoff"),
    ("criteria[\"*\"][0].mandatory", "A no keeps the lead with marketing; unknown does not"),
    ("decision", "When sales is asked to take over"),
    ("decision.matrix", "Lane by grade and band, as in A1: P1"),
    ("lifecycle", "How a lead moves from stage to stage"),
    ("lifecycle.opt_in", "Sources whose word is taken that a person opted in again"),
    ("routing", "Who gets the lead"),
    ("sla", "How long the desk has"),
];

/// The schema (JSON Schema, draft 7), pretty-printed, with a line end.
pub fn schema() -> String {
    let report = Report::new("");
    let root = Node { at: Mark { line: 1, column: 1 }, kind: Kind::Probe };
    // What is read from a probe is no policy, and its problems are nobody's.
    drop(super::document(&Field::root(&report, &root)));
    let Value::Object(mut whole) = place(&report.into_asked(), "") else { return String::new() };
    whole.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    whole.insert("title".to_owned(), json!("Baton policy"));
    format!("{:#}\n", Value::Object(sorted(whole)))
}

/// The same whatever order the map keeps.
fn sorted(map: Map<String, Value>) -> Map<String, Value> {
    let mut entries: Vec<(String, Value)> = map.into_iter().collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.into_iter().collect()
}

/// What a value at a path may be.
fn place(asked: &Asked, path: &str) -> Value {
    let none = BTreeSet::new();
    let asks = asked.get(path).unwrap_or(&none);
    let mut shapes: Vec<Value> = asks.iter().filter_map(|ask| shape(asked, path, ask, asks)).collect();
    shapes.dedup();
    let shape = match shapes.len() {
        0 => json!({}),
        1 => shapes.remove(0),
        _ => json!({ "anyOf": shapes }),
    };
    let Value::Object(mut shape) = shape else { return shape };
    if let Some((_, meaning)) = MEANINGS.iter().find(|(place, _)| *place == path) {
        shape.insert("description".to_owned(), json!(meaning));
    }
    Value::Object(sorted(shape))
}

/// What one question admits; `None` where another question of the place says it.
fn shape(asked: &Asked, path: &str, ask: &Ask, asks: &BTreeSet<Ask>) -> Option<Value> {
    match ask {
        Ask::Keys(known) => {
            let properties: Map<String, Value> =
                known.iter().map(|key| ((*key).to_owned(), place(asked, &key_path(path, key)))).collect();
            let needs = asks.iter().filter_map(|ask| if let Ask::Needs(key) = ask { Some(key.as_str()) } else { None });
            let needs: Vec<&str> = needs.collect();
            Some(json!({
                "type": "object",
                "properties": sorted(properties),
                "required": needs,
                "additionalProperties": false,
            }))
        }
        Ask::Named => Some(named(asked, path)),
        Ask::List => Some(json!({ "type": "array", "items": place(asked, &format!("{path}[0]")) })),
        Ask::ListOrItem => {
            let item = place(asked, &format!("{path}[0]"));
            Some(json!({ "anyOf": [item.clone(), { "type": "array", "items": item }] }))
        }
        // What stands there without quotes is a text to the parser, and a number or a flag to an editor.
        Ask::Text => Some(json!({ "type": ["string", "number", "boolean"] })),
        Ask::OneOf(known) if known.iter().any(|name| name == ANY) => {
            Some(json!({ "type": ["string", "number", "boolean"] }))
        }
        Ask::OneOf(known) => Some(json!({ "enum": known })),
        Ask::Integer(low, high) => Some(integer(*low, *high)),
        Ask::Points(None) => Some(json!({ "type": "number" })),
        Ask::Points(Some(above)) => {
            Some(json!({ "type": "number", "exclusiveMinimum": above.0 / baton_domain::Points::ONE.0 }))
        }
        Ask::Duration => Some(json!({ "type": "string", "pattern": "^[0-9]+(\\.0+)?[smhdw]$" })),
        Ask::Flag => Some(json!({ "type": "boolean" })),
        Ask::Needs(_) => None,
    }
}

fn named(asked: &Asked, path: &str) -> Value {
    let value = key_path(path, ANY);
    let mut shape = json!({ "type": "object", "additionalProperties": place(asked, &value) });
    let names = asked.get(&format!("{value}#key")).into_iter().flatten();
    for ask in names {
        if let Ask::OneOf(known) = ask
            && !known.iter().any(|name| name == ANY)
        {
            shape["propertyNames"] = json!({ "enum": known });
        }
    }
    shape
}

fn integer(low: i64, high: i64) -> Value {
    let mut shape = Map::from_iter([("type".to_owned(), json!("integer"))]);
    if low != i64::MIN {
        shape.insert("minimum".to_owned(), json!(low));
    }
    if high != i64::MAX {
        shape.insert("maximum".to_owned(), json!(high));
    }
    Value::Object(sorted(shape))
}
