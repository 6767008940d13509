//! The guides to the policy and the roster are true: their examples can be used, and that of the policy
//! names every key that the parser reads.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::parse::document;
use crate::parse::read::{Field, Report};
use crate::parse::yaml::{Entry, Kind, Node, read};
use crate::{Problem, STARTER, read_roster, schema};

const GUIDE: &str = include_str!("../../../../../../docs/POLICY.md");
const ROSTER: &str = include_str!("../../../../../../docs/ROSTER.md");

/// The examples of a document, each with the line of its fence.
fn examples(document: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (line, text) in (1..).zip(document.lines()) {
        match (&mut open, text) {
            (None, "```yaml") => open = Some((line, String::new())),
            (Some(_), "```") => found.extend(open.take()),
            (Some((_, example)), text) => example.extend([text, "\n"]),
            (None, _) => {}
        }
    }
    found
}

/// What a desk that writes the example into its policy then has: rules beside the others, all else in place of what was.
fn put(policy: &mut Node, example: Node) {
    let with_ids = |items: &[Node]| {
        let has_id =
            |item: &Node| matches!(&item.kind, Kind::Map(entries) if entries.iter().any(|entry| entry.key == "id"));
        items.iter().all(has_id)
    };
    match (&mut policy.kind, example.kind) {
        (Kind::Map(old), Kind::Map(new)) => new.into_iter().for_each(|entry| put_entry(old, entry)),
        (Kind::List(old), Kind::List(new)) if with_ids(old) && with_ids(&new) => {
            new.into_iter().rev().for_each(|item| old.insert(0, item));
        }
        (old, new) => *old = new,
    }
}

fn put_entry(entries: &mut Vec<Entry>, entry: Entry) {
    match entries.iter_mut().find(|old| old.key == entry.key) {
        Some(old) => put(&mut old.value, entry.value),
        None => entries.push(entry),
    }
}

/// What is wrong with the starter once an example is written into it.
fn problems(example: &str) -> Vec<Problem> {
    let text = |text: &str| read(text).unwrap_or_else(|fault| panic!("{}", fault.message));
    let mut policy = text(STARTER);
    put(&mut policy, text(example));
    let report = Report::new("docs/POLICY.md, the example");
    document(&Field::root(&report, &policy));
    report.into_problems()
}

#[test]
fn every_example_of_the_guide_can_be_written_into_a_policy() {
    let mut examples = examples(GUIDE);
    // A step of a scenario is none of the policy's.
    examples.retain(|(_, example)| !example.trim_start().starts_with("- "));
    assert!(examples.len() >= 8, "one for each section, found {}", examples.len());
    // A list is a step of a scenario, which a host plays.
    for (line, example) in examples.into_iter().filter(|(_, example)| !example.trim_start().starts_with("- ")) {
        let problems = problems(&example);
        assert!(problems.is_empty(), "the example under line {line}: {}", super::lines(&problems));
    }
}

#[test]
fn the_roster_of_the_guide_can_be_used_with_the_starter() {
    let examples = examples(ROSTER);
    assert_eq!(examples.len(), 1);
    let policy = super::good(STARTER);
    for (line, example) in examples {
        let read = read_roster("docs/ROSTER.md", &example, &policy);
        assert!(read.is_ok_and(|states| !states.is_empty()), "the roster under line {line}");
    }
}

#[test]
fn an_example_that_could_not_be_used_would_be_found() {
    assert_eq!(problems("decision:\n  dwell: soon\n").len(), 1);
    assert_eq!(problems("routing:\n  rules: [{ id: x, pool: nowhere }]\n").len(), 1);
}

#[test]
fn the_guide_names_every_key_that_the_parser_reads() {
    let told: BTreeSet<&str> = GUIDE.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    let mut keys = BTreeSet::new();
    collect(&serde_json::from_str(&schema()).unwrap(), &mut keys);
    assert!(keys.len() > 100, "{keys:?}");
    let left_out: Vec<&String> = keys.iter().filter(|key| !told.contains(key.as_str())).collect();
    assert!(left_out.is_empty(), "not in docs/POLICY.md: {left_out:?}");
}

/// The keys of a schema, however deep.
fn collect(schema: &Value, keys: &mut BTreeSet<String>) {
    match schema {
        Value::Object(parts) => {
            let named = parts.get("properties").and_then(Value::as_object).into_iter().flatten();
            keys.extend(named.map(|(key, _)| key.clone()));
            parts.values().for_each(|part| collect(part, keys));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        _ => {}
    }
}
