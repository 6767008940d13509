//! What differs between two policy documents, in the words of their authors.
//!
//! Holds: of two documents that can be used, what is told changes the policy that they come to, and nothing that
//! changes it is left out; so `14d` for `2w`, a default written out, one word for a list of it, and keys and words in
//! another order are no difference. Rules are matched by id, so a rule put in between changes no other.
//!
//! Absent on purpose: what the change does to leads. A replay under the new policy tells that.

mod meaning;

use std::collections::BTreeSet;

use crate::parse::yaml::{Entry, Fault, Kind, Node, read};
use meaning::Meant;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The place: `engagement.rules[pricing_page].points`.
    pub path: String,
    /// What stood there; `None` where nothing did.
    pub from: Option<String>,
    /// What stands there now; `None` where nothing does.
    pub to: Option<String>,
    /// All of it in words.
    pub words: String,
}

/// What changes from one document to another, in the order of the documents. Of documents that are no policies, every
/// difference of what they say, in these words.
///
/// # Errors
/// The first place at which one of them is not YAML.
pub fn diff(before: &str, after: &str) -> Result<Vec<Change>, Fault> {
    let (before, after) = (read(before)?, read(after)?);
    let mut found = Vec::new();
    node(&mut Vec::new(), &before, &after, &mut found);
    match Meant::of(&before, &after) {
        Some(meant) => meant.keep(&mut found),
        None => found.retain(|found| found.of != Of::Keys),
    }
    Ok(found.into_iter().map(|found| found.change).collect())
}

/// A difference, where it is, and of what.
struct Found<'a> {
    change: Change,
    way: Way<'a>,
    of: Of,
}

/// Of what a difference is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Of what stands there.
    Value,
    /// Of the order of rules.
    Rules,
    /// Of the order of keys.
    Keys,
}

/// A step of the way to a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step<'a> {
    Key(&'a str),
    Id(&'a str),
}

type Way<'a> = Vec<Step<'a>>;

fn node<'a>(way: &mut Way<'a>, before: &'a Node, after: &'a Node, found: &mut Vec<Found<'a>>) {
    match (&before.kind, &after.kind) {
        (Kind::Map(old), Kind::Map(new)) => map(way, old, new, found),
        (Kind::List(old), Kind::List(new)) if with_ids(old) && with_ids(new) => rules(way, old, new, found),
        _ => {
            let change = match (words(before), words(after)) {
                (Some(old), Some(new)) => scalars(way, &old, &new),
                _ if shown(before) == shown(after) => None,
                _ => Some(changed(way, shown(before), shown(after))),
            };
            found.extend(change.map(|change| Found { change, way: way.clone(), of: Of::Value }));
        }
    }
}

fn map<'a>(way: &mut Way<'a>, old: &'a [Entry], new: &'a [Entry], found: &mut Vec<Found<'a>>) {
    for entry in old {
        way.push(Step::Key(&entry.key));
        match new.iter().find(|other| other.key == entry.key) {
            Some(other) => node(way, &entry.value, &other.value, found),
            None => found.push(removed(way, &entry.value)),
        }
        way.pop();
    }
    for entry in new.iter().filter(|entry| old.iter().all(|other| other.key != entry.key)) {
        way.push(Step::Key(&entry.key));
        found.push(added(way, &entry.value));
        way.pop();
    }
    let [was, is] = [old, new].map(|entries| entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>());
    found.extend(reordered(way, &was, &is, Of::Keys));
}

/// Lists whose items have ids: by id, and whether those in both stand in another order.
fn rules<'a>(way: &mut Way<'a>, old: &'a [Node], new: &'a [Node], found: &mut Vec<Found<'a>>) {
    let find = |items: &'a [Node], id: &str| items.iter().find(|item| id_of(item) == Some(id));
    for (id, item) in old.iter().filter_map(|item| Some((id_of(item)?, item))) {
        way.push(Step::Id(id));
        match find(new, id) {
            Some(other) => node(way, item, other, found),
            None => found.push(removed(way, item)),
        }
        way.pop();
    }
    for (id, item) in new.iter().filter_map(|item| Some((id_of(item)?, item))) {
        if find(old, id).is_none() {
            way.push(Step::Id(id));
            found.push(added(way, item));
            way.pop();
        }
    }
    let [was, is] = [old, new].map(|items| items.iter().filter_map(id_of).collect::<Vec<_>>());
    found.extend(reordered(way, &was, &is, Of::Rules));
}

/// The names that stand on both sides, where they stand in another order.
fn reordered<'a>(way: &[Step<'a>], old: &[&str], new: &[&str], of: Of) -> Option<Found<'a>> {
    let common = |names: &[&str], others: &[&str]| -> Vec<String> {
        names.iter().filter(|name| others.contains(name)).map(|name| (*name).to_owned()).collect()
    };
    let (was, is) = (common(old, new), common(new, old));
    let (from, to) = (was.join(", "), is.join(", "));
    let words = format!("{}: another order: {}", subject(way), cut(&to, 0));
    let change = Change { path: path(way), from: Some(from), to: Some(to), words };
    (was != is).then(|| Found { change, way: way.to_vec(), of })
}

/// One word or several: what comes and what goes.
fn scalars(way: &[Step<'_>], old: &[&str], new: &[&str]) -> Option<Change> {
    if old == new {
        return None;
    }
    if let ([old], [new]) = (old, new) {
        return Some(changed(way, (*old).to_owned(), (*new).to_owned()));
    }
    let (had, has): (BTreeSet<&str>, BTreeSet<&str>) = (old.iter().copied().collect(), new.iter().copied().collect());
    let come: Vec<&str> = has.difference(&had).copied().collect();
    let gone: Vec<&str> = had.difference(&has).copied().collect();
    let told = match (come.is_empty(), gone.is_empty()) {
        (false, true) => format!("now also {}", come.join(", ")),
        (true, false) => format!("no longer {}", gone.join(", ")),
        (false, false) => format!("now also {}; no longer {}", come.join(", "), gone.join(", ")),
        (true, true) => format!("another order: {}", new.join(", ")),
    };
    let words = format!("{}: {told}", subject(way));
    Some(Change { path: path(way), from: Some(old.join(", ")), to: Some(new.join(", ")), words })
}

fn changed(way: &[Step<'_>], from: String, to: String) -> Change {
    let same = from.chars().zip(to.chars()).take_while(|(before, after)| before == after).count();
    // A long list is shown from a little before where it differs.
    let skip = if same > LONGEST / 2 { same.saturating_sub(LONGEST / 4) } else { 0 };
    let words = format!("{}: {} -> {}", subject(way), cut(&from, skip), cut(&to, skip));
    Change { path: path(way), from: Some(from), to: Some(to), words }
}

fn added<'a>(way: &[Step<'a>], new: &Node) -> Found<'a> {
    let to = shown(new);
    let words = format!("{} added: {}", subject(way), cut(&to, 0));
    let change = Change { path: path(way), from: None, to: Some(to), words };
    Found { change, way: way.to_vec(), of: Of::Value }
}

fn removed<'a>(way: &[Step<'a>], old: &Node) -> Found<'a> {
    let from = shown(old);
    let words = format!("{} removed: {}", subject(way), cut(&from, 0));
    let change = Change { path: path(way), from: Some(from), to: None, words };
    Found { change, way: way.to_vec(), of: Of::Value }
}

fn id_of(item: &Node) -> Option<&str> {
    let Kind::Map(entries) = &item.kind else { return None };
    match &entries.iter().find(|entry| entry.key == "id")?.value.kind {
        Kind::Plain(id) | Kind::Quoted(id) => Some(id),
        _ => None,
    }
}

fn with_ids(items: &[Node]) -> bool {
    items.iter().all(|item| id_of(item).is_some())
}

/// A scalar, or a list of nothing else.
fn words(node: &Node) -> Option<Vec<&str>> {
    match &node.kind {
        Kind::Plain(text) | Kind::Quoted(text) => Some(vec![text]),
        Kind::List(items) => items
            .iter()
            .map(|item| match &item.kind {
                Kind::Plain(text) | Kind::Quoted(text) => Some(text.as_str()),
                _ => None,
            })
            .collect(),
        Kind::Map(_) | Kind::Probe => None,
    }
}

/// A value on one line.
fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Plain(text) | Kind::Quoted(text) => text.clone(),
        Kind::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Kind::Map(entries) => {
            let inner: Vec<String> =
                entries.iter().map(|entry| format!("{}: {}", entry.key, shown(&entry.value))).collect();
            format!("{{ {} }}", inner.join(", "))
        }
        Kind::Probe => String::new(),
    }
}

/// Characters of a value that are shown.
const LONGEST: usize = 160;

fn cut(text: &str, skip: usize) -> String {
    let [before, after] = [skip, skip + LONGEST].map(|place| text.chars().nth(place).is_some());
    let shown: String = text.chars().skip(skip).take(LONGEST).collect();
    format!("{}{shown}{}", if skip > 0 && before { "..." } else { "" }, if after { "..." } else { "" })
}

fn path(way: &[Step<'_>]) -> String {
    let mut path = String::new();
    for step in way {
        match step {
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => path.extend([".", key]),
            Step::Id(id) => path.extend(["[", id, "]"]),
        }
    }
    path
}

/// What a change is about: `engagement rule pricing_page, points`.
fn subject(way: &[Step<'_>]) -> String {
    let names: Vec<&str> = way.iter().map(|(Step::Key(name) | Step::Id(name))| *name).collect();
    let (of, rest): (String, &[&str]) = match names.as_slice() {
        ["engagement", "rules", id, rest @ ..] => (format!("engagement rule {id}"), rest),
        ["engagement", "bands", band, rest @ ..] => (format!("band {band}"), rest),
        ["engagement", "groups", group, rest @ ..] => (format!("cap of group {group}"), rest),
        ["fit", "rules", id, rest @ ..] => (format!("fit rule {id}"), rest),
        ["fit", "disqualify", id, rest @ ..] => (format!("disqualifier {id}"), rest),
        ["fit", "grades", grade, rest @ ..] => (format!("grade {grade}"), rest),
        ["criteria", set, id, rest @ ..] => (format!("question {set}.{id}"), rest),
        ["decision", "matrix", cell, rest @ ..] => (format!("lane of cell {cell}"), rest),
        ["decision", "hand_raise", grade, rest @ ..] => (format!("lane of a hand-raise of grade {grade}"), rest),
        ["routing", "rules", id, rest @ ..] => (format!("routing rule {id}"), rest),
        ["routing", "pools", pool, "members", rep, rest @ ..] => (format!("pool {pool}, weight of {rep}"), rest),
        ["routing", "pools", pool, rest @ ..] => (format!("pool {pool}"), rest),
        ["routing", "reps", rep, rest @ ..] => (format!("rep {rep}"), rest),
        ["sla", "calendars", name, rest @ ..] => (format!("calendar {name}"), rest),
        ["sla", clock @ ("accept" | "first_touch"), lane, rest @ ..] => (format!("clock {clock} in lane {lane}"), rest),
        [] => ("document".to_owned(), &[]),
        [first, rest @ ..] => ((*first).to_owned(), rest),
    };
    std::iter::once(of.as_str()).chain(rest.iter().copied()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
