//! The schema for editors admits what the parser admits, and refuses what it would not know.

use serde_json::Value;

use super::mistakes::MISTAKES;
use super::{SMALL, with};
use crate::parse::yaml::{Kind, Node, read};
use crate::{STARTER, schema};

/// Policies that ship, and one that uses what they do not.
const SHIPPED: [(&str, &str); 7] = [
    ("starter", STARTER),
    ("education", include_str!("../../../../../../deploy/policy/education.yaml")),
    ("posthog", include_str!("../../../../../../deploy/policy/examples/posthog.yaml")),
    ("gitlab", include_str!("../../../../../../deploy/policy/examples/gitlab.yaml")),
    ("relias", include_str!("../../../../../../deploy/policy/examples/relias.yaml")),
    ("varsity_tutors", include_str!("../../../../../../deploy/policy/examples/varsity_tutors.yaml")),
    ("small", SMALL),
];
/// Sections to paste into a policy.
const TEMPLATES: [(&str, &str); 3] = [
    ("bant", include_str!("../../../../../../deploy/policy/templates/bant.yaml")),
    ("meddic", include_str!("../../../../../../deploy/policy/templates/meddic.yaml")),
    ("s0", include_str!("../../../../../../deploy/policy/templates/s0.yaml")),
];

fn loaded() -> Value {
    serde_json::from_str(&schema()).unwrap()
}

fn document(text: &str) -> Node {
    read(text).unwrap_or_else(|fault| panic!("{}", fault.message))
}

/// Where a document differs from the schema: the part of JSON Schema that ours uses, written anew.
fn faults(schema: &Value, node: &Node, path: &str) -> Vec<String> {
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let fits = choices.iter().any(|choice| faults(choice, node, path).is_empty());
        return if fits { Vec::new() } else { vec![format!("{path}: fits no choice")] };
    }
    if let Some(known) = schema.get("enum").and_then(Value::as_array) {
        let fits =
            matches!(&node.kind, Kind::Plain(text) | Kind::Quoted(text) if known.contains(&Value::from(text.as_str())));
        return if fits { Vec::new() } else { vec![format!("{path}: not among the words")] };
    }
    let Some(wanted) = schema.get("type") else { return Vec::new() };
    let wanted: Vec<&str> = wanted.as_array().map_or_else(
        || wanted.as_str().into_iter().collect(),
        |types| types.iter().filter_map(Value::as_str).collect(),
    );
    let plain = matches!(node.kind, Kind::Plain(_));
    let fits = |name: &&str| match (*name, &node.kind) {
        ("object", Kind::Map(_)) | ("array", Kind::List(_)) | ("string", Kind::Plain(_) | Kind::Quoted(_)) => true,
        ("integer", Kind::Plain(text)) => text.parse::<i64>().is_ok_and(|number| within(schema, number)),
        ("number", Kind::Plain(text)) => {
            text.replacen('.', "", 1).trim_start_matches('-').bytes().all(|b| b.is_ascii_digit())
        }
        ("boolean", Kind::Plain(text)) => plain && (text == "true" || text == "false"),
        _ => false,
    };
    if !wanted.iter().any(fits) {
        return vec![format!("{path}: is no {wanted:?}")];
    }
    match &node.kind {
        Kind::List(items) => {
            items.iter().flat_map(|item| faults(&schema["items"], item, &format!("{path}[]"))).collect()
        }
        Kind::Map(_) => keys(schema, node, path),
        _ => Vec::new(),
    }
}

fn within(schema: &Value, number: i64) -> bool {
    let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
    bound("minimum").is_none_or(|low| low <= number) && bound("maximum").is_none_or(|high| number <= high)
}

fn keys(schema: &Value, node: &Node, path: &str) -> Vec<String> {
    let Kind::Map(entries) = &node.kind else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = format!("{path}.{}", entry.key);
        let named = schema.get("propertyNames").and_then(|names| names["enum"].as_array());
        if named.is_some_and(|known| !known.contains(&Value::from(entry.key.as_str()))) {
            found.push(format!("{path}: not among the names"));
        }
        let known = schema.get("properties").and_then(|properties| properties.get(&entry.key));
        match known.unwrap_or(&schema["additionalProperties"]) {
            Value::Bool(false) => found.push(format!("{path}: unknown key")),
            shape => found.extend(faults(shape, &entry.value, &path)),
        }
    }
    let needed = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let missing = needed.filter(|needed| entries.iter().all(|entry| entry.key != *needed));
    found.extend(missing.map(|key| format!("{path}.{key}: missing")));
    found
}

#[test]
fn every_policy_that_ships_is_a_policy_to_editors_too() {
    let schema = loaded();
    for (name, text) in SHIPPED {
        super::good(text);
        assert_eq!(faults(&schema, &document(text), name), Vec::<String>::new());
    }
}

#[test]
fn every_template_fits_into_the_starter_policy() {
    let schema = loaded();
    for (name, text) in TEMPLATES {
        let whole = format!("{STARTER}\n{text}");
        assert!(!super::good(&whole).criteria.is_empty(), "{name}");
        assert_eq!(faults(&schema, &document(&whole), name), Vec::<String>::new());
    }
}

#[test]
fn a_key_that_is_unknown_or_missing_to_the_parser_is_so_to_editors() {
    let schema = loaded();
    let mut tried = 0;
    for (old, new, complaint) in MISTAKES {
        let says = |what: &str| complaint.contains(what);
        // Whether these are missing depends on another value, which a schema does not say.
        let depends =
            ["half_life", "at_least.times", "when.within", "when.event"].iter().any(|key| complaint.contains(key));
        if (says(": unknown key") || (complaint.ends_with(": missing") && !depends))
            && let Ok(root) = read(&with(old, new))
        {
            tried += 1;
            assert!(!faults(&schema, &root, "").is_empty(), "{complaint}");
        }
    }
    assert!(tried >= 5, "only {tried} mistakes tried");
}

#[test]
fn every_key_that_the_parser_knows_has_a_shape() {
    fn bare(schema: &Value, path: &str, found: &mut Vec<String>) {
        if let Some(object) = schema.as_object() {
            if ["type", "enum", "anyOf"].iter().all(|key| !object.contains_key(*key)) {
                found.push(path.to_owned());
            }
            let properties = object.get("properties").and_then(Value::as_object).into_iter().flatten();
            properties.for_each(|(key, value)| bare(value, &format!("{path}.{key}"), found));
            for (key, inner) in
                object.iter().filter(|(key, _)| ["items", "additionalProperties"].contains(&key.as_str()))
            {
                bare(inner, &format!("{path}.{key}"), found);
            }
            object.get("anyOf").and_then(Value::as_array).into_iter().flatten().for_each(|one| bare(one, path, found));
        }
    }
    let mut found = Vec::new();
    bare(&loaded(), "", &mut found);
    assert_eq!(found, Vec::<String>::new());
}
