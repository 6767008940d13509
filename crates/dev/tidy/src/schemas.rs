//! `schemas/`: the list of subjects and the files are about each other.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Fault, Tree};

const LIST: &str = "schemas/subjects.json";

/// Schemas that no subject names, and subjects without their schema.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let Some(Ok(Value::Object(subjects))) = tree.get(LIST).map(serde_json::from_str) else {
        return vec![Fault::new(LIST, "is not there, or is not a JSON object")];
    };
    let mut faults = Vec::new();
    let mut named = BTreeSet::new();
    for (subject, about) in &subjects {
        match about.get("schema").and_then(Value::as_str) {
            Some(file) if tree.get(&format!("schemas/{file}")).is_some() => {
                named.insert(file.to_owned());
            }
            Some(file) => faults.push(Fault::new(LIST, format!("{subject} names {file}, which is not there"))),
            None => faults.push(Fault::new(LIST, format!("{subject} names no schema"))),
        }
    }
    for (path, _) in tree.with_extension("avsc") {
        if let Some(file) = path.strip_prefix("schemas/")
            && !file.contains('/')
            && !named.contains(file)
        {
            faults.push(Fault::new(path, format!("no subject in {LIST} names it")));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECTS: (&str, &str) = (LIST, r#"{"a-value": {"schema": "a.avsc"}, "b-value": {"schema": "a.avsc"}}"#);

    #[test]
    fn two_subjects_may_share_a_schema_and_frozen_copies_need_none() {
        assert!(check(&Tree::of(&[SUBJECTS, ("schemas/a.avsc", ""), ("schemas/published/v1/b.avsc", "")])).is_empty());
    }

    #[test]
    fn a_schema_without_a_subject_is_found() {
        let faults = check(&Tree::of(&[SUBJECTS, ("schemas/a.avsc", ""), ("schemas/b.avsc", "")]));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].at, "schemas/b.avsc");
    }

    #[test]
    fn a_subject_without_its_schema_is_found() {
        assert_eq!(check(&Tree::of(&[SUBJECTS])).len(), 2);
        let none = r#"{"a-value": {"topic": "a"}}"#;
        assert_eq!(check(&Tree::of(&[(LIST, none)])).len(), 1);
    }

    #[test]
    fn a_list_that_cannot_be_read_is_found() {
        assert_eq!(check(&Tree::of(&[])).len(), 1);
        assert_eq!(check(&Tree::of(&[(LIST, "[]")])).len(), 1);
    }
}
