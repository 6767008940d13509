//! Indexes that the stages look things up in, built from checked rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ActivityRule, FactRule};

/// For each event name, the rules that name it, by rising index.
pub(super) fn by_name(rules: &[ActivityRule]) -> BTreeMap<String, Vec<usize>> {
    let mut index = BTreeMap::<String, Vec<usize>>::new();
    for (i, rule) in rules.iter().enumerate() {
        for name in rule.when.names.iter().collect::<BTreeSet<_>>() {
            index.entry(name.clone()).or_default().push(i);
        }
    }
    index
}

/// The facts that rules ask for, sorted, each once.
pub(super) fn asked(rules: &[FactRule]) -> Vec<String> {
    let facts: BTreeSet<&String> = rules.iter().map(|rule| &rule.fact).collect();
    facts.into_iter().cloned().collect()
}
