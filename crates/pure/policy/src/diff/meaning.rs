//! Which of the differences between two policies change what they come to.
//!
//! Holds: a difference is left out where each of the two policies stays what it is with this difference alone made or
//! unmade, or with all of a part that it stands in; where that would leave out every one, though the policies are not
//! the same, none is.

use std::collections::BTreeMap;

use super::{Found, Of, Step, id_of};
use crate::Policy;
use crate::parse::compile;
use crate::parse::yaml::{Entry, Kind, Mark, Node};

/// Two documents with the policies that they come to.
pub(super) struct Meant<'a> {
    before: (&'a Node, Policy),
    after: (&'a Node, Policy),
}

impl<'a> Meant<'a> {
    /// Nothing where one of them cannot be used.
    pub(super) fn of(before: &'a Node, after: &'a Node) -> Option<Self> {
        Some(Self { before: (before, meaning(before)?), after: (after, meaning(after)?) })
    }

    /// Leaves out what changes nothing.
    pub(super) fn keep(&self, found: &mut Vec<Found<'_>>) {
        if self.before.1 == self.after.1 {
            return found.clear();
        }
        let mut looked = BTreeMap::new();
        let matters: Vec<bool> = found.iter().map(|found| self.matters(found, &mut looked)).collect();
        if matters.contains(&true) {
            let mut matters = matters.into_iter();
            found.retain(|_| matters.next().unwrap_or(true));
        }
    }

    fn matters<'f>(&self, found: &Found<'f>, looked: &mut BTreeMap<Vec<Step<'f>>, bool>) -> bool {
        for length in 1..=found.way.len() {
            let way = &found.way[..length];
            let (old, new) = (at(self.before.0, way), at(self.after.0, way));
            if !*looked.entry(way.to_vec()).or_insert_with(|| self.differ(way, old, new)) {
                return false;
            }
        }
        let sides = (at(self.before.0, &found.way), at(self.after.0, &found.way));
        match (found.of, sides) {
            (Of::Rules | Of::Keys, (Some(old), Some(new))) => {
                self.differ(&found.way, Some(&in_order_of(new, old)), Some(&in_order_of(old, new)))
            }
            _ => true,
        }
    }

    /// Whether it makes a difference to either policy which of two values stands in a place.
    fn differ(&self, way: &[Step<'_>], old: Option<&Node>, new: Option<&Node>) -> bool {
        becomes_another(&self.before, way, new) || becomes_another(&self.after, way, old)
    }
}

/// Whether a policy is another one with this value in this place, or can be used no more.
fn becomes_another((root, policy): &(&Node, Policy), way: &[Step<'_>], value: Option<&Node>) -> bool {
    let mut root = (*root).clone();
    put(&mut root, way, value);
    meaning(&root).as_ref() != Some(policy)
}

/// The policy that a document comes to; nothing where it cannot be used.
fn meaning(root: &Node) -> Option<Policy> {
    let mut root = root.clone();
    sort("", &mut root);
    compile("", &root).ok()
}

/// Puts words in one order, each once, where a list of them is a choice. Sources are trusted in the order in which
/// they stand, and numbers and hours rise.
fn sort(key: &str, node: &mut Node) {
    match &mut node.kind {
        Kind::Map(entries) => entries.iter_mut().for_each(|entry| sort(&entry.key, &mut entry.value)),
        Kind::List(items) => {
            for item in items.iter_mut() {
                sort(key, item);
            }
            if key != "trust" && items.iter().all(|item| word(item).is_some()) {
                items.sort_by_cached_key(|item| word(item).map(|word| (word.to_lowercase(), word.to_owned())));
                items.dedup_by(|a, b| word(a) == word(b));
            }
        }
        Kind::Plain(_) | Kind::Quoted(_) | Kind::Probe => {}
    }
}

/// A scalar that begins as no number does.
fn word(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Plain(text) | Kind::Quoted(text) => {
            Some(text.as_str()).filter(|text| text.starts_with(char::is_alphabetic))
        }
        _ => None,
    }
}

/// What stands in a place.
fn at<'n>(root: &'n Node, way: &[Step<'_>]) -> Option<&'n Node> {
    way.iter().try_fold(root, |node, step| {
        let place = place(node, *step)?;
        match &node.kind {
            Kind::Map(entries) => entries.get(place).map(|entry| &entry.value),
            Kind::List(items) => items.get(place),
            _ => None,
        }
    })
}

/// Where a step leads to among the parts of a value.
fn place(node: &Node, step: Step<'_>) -> Option<usize> {
    match (&node.kind, step) {
        (Kind::Map(entries), Step::Key(key)) => entries.iter().position(|entry| entry.key == key),
        (Kind::List(items), Step::Id(id)) => items.iter().position(|item| id_of(item) == Some(id)),
        _ => None,
    }
}

/// Puts a value in its place, or takes away what stands there.
fn put(node: &mut Node, way: &[Step<'_>], value: Option<&Node>) {
    let Some((step, rest)) = way.split_first() else {
        if let Some(value) = value {
            *node = value.clone();
        }
        return;
    };
    let place = place(node, *step);
    match (&mut node.kind, place, value) {
        (Kind::Map(entries), Some(place), None) if rest.is_empty() => drop(entries.remove(place)),
        (Kind::List(items), Some(place), None) if rest.is_empty() => drop(items.remove(place)),
        (Kind::Map(entries), Some(place), _) => put(&mut entries[place].value, rest, value),
        (Kind::List(items), Some(place), _) => put(&mut items[place], rest, value),
        (Kind::Map(entries), None, Some(value)) => {
            let (Step::Key(key) | Step::Id(key)) = *step;
            entries.push(Entry { key: key.to_owned(), at: Mark { line: 1, column: 1 }, value: value.clone() });
        }
        (Kind::List(items), None, Some(value)) => items.push(value.clone()),
        _ => {}
    }
}

/// The parts of a value in the order of another one's; those that it has not come last.
fn in_order_of(other: &Node, node: &Node) -> Node {
    let mut node = node.clone();
    let last = |place: Option<usize>| place.unwrap_or(usize::MAX);
    match &mut node.kind {
        Kind::Map(entries) => entries.sort_by_key(|entry| last(place(other, Step::Key(&entry.key)))),
        Kind::List(items) => items.sort_by_key(|item| last(id_of(item).and_then(|id| place(other, Step::Id(id))))),
        _ => {}
    }
    node
}
