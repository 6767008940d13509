//! What differs between two policy documents, in the words of their authors.
//!
//! Holds: documents that say the same give no change, however they are laid out: the order of keys,
//! quotes, comments, `14d` for `2w` and `2.0` for `2` are no difference. Rules are matched by id, so a
//! rule put in between changes no other.
//!
//! Absent on purpose: what the change does to leads. A replay under the new policy tells that.

use std::collections::BTreeSet;

use baton_domain::Millis;

use crate::parse::yaml::{Entry, Fault, Kind, Node, read};

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

/// What changes from one document to another, in the order of the documents.
///
/// # Errors
/// The first place at which one of them is not YAML.
pub fn diff(before: &str, after: &str) -> Result<Vec<Change>, Fault> {
    let mut changes = Vec::new();
    node(&mut Vec::new(), &read(before)?, &read(after)?, &mut changes);
    Ok(changes)
}

/// A step of the way to a place.
#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Id(&'a str),
}

type Way<'a> = Vec<Step<'a>>;

fn node<'a>(way: &mut Way<'a>, before: &'a Node, after: &'a Node, changes: &mut Vec<Change>) {
    match (&before.kind, &after.kind) {
        (Kind::Map(old), Kind::Map(new)) => map(way, old, new, changes),
        (Kind::List(old), Kind::List(new)) if with_ids(old) && with_ids(new) => rules(way, old, new, changes),
        _ => match (words(before), words(after)) {
            (Some(old), Some(new)) => scalars(way, &old, &new, changes),
            _ if shown(before) == shown(after) => {}
            _ => changed(way, shown(before), shown(after), changes),
        },
    }
}

fn map<'a>(way: &mut Way<'a>, old: &'a [Entry], new: &'a [Entry], changes: &mut Vec<Change>) {
    for entry in old {
        way.push(Step::Key(&entry.key));
        match new.iter().find(|other| other.key == entry.key) {
            Some(other) => node(way, &entry.value, &other.value, changes),
            None => removed(way, shown(&entry.value), changes),
        }
        way.pop();
    }
    for entry in new.iter().filter(|entry| old.iter().all(|other| other.key != entry.key)) {
        way.push(Step::Key(&entry.key));
        added(way, shown(&entry.value), changes);
        way.pop();
    }
}

/// Lists whose items have ids: by id, and whether those in both stand in another order.
fn rules<'a>(way: &mut Way<'a>, old: &'a [Node], new: &'a [Node], changes: &mut Vec<Change>) {
    let find = |items: &'a [Node], id: &str| items.iter().find(|item| id_of(item) == Some(id));
    for (id, item) in old.iter().filter_map(|item| Some((id_of(item)?, item))) {
        way.push(Step::Id(id));
        match find(new, id) {
            Some(other) => node(way, item, other, changes),
            None => removed(way, shown(item), changes),
        }
        way.pop();
    }
    for (id, item) in new.iter().filter_map(|item| Some((id_of(item)?, item))) {
        if find(old, id).is_none() {
            way.push(Step::Id(id));
            added(way, shown(item), changes);
            way.pop();
        }
    }
    let order = |items: &'a [Node], others: &'a [Node]| -> Vec<&'a str> {
        items.iter().filter_map(id_of).filter(|id| find(others, id).is_some()).collect()
    };
    let (was, is) = (order(old, new), order(new, old));
    if was != is {
        let (was, is) = (was.join(", "), is.join(", "));
        let words = format!("{}: another order: {is}", subject(way));
        changes.push(Change { path: path(way), from: Some(was), to: Some(is), words });
    }
}

/// One word or several: what comes and what goes.
fn scalars(way: &[Step<'_>], old: &[&str], new: &[&str], changes: &mut Vec<Change>) {
    let same = |a: &&str, b: &&str| plain(a) == plain(b);
    if old.len() == new.len() && old.iter().zip(new).all(|(a, b)| same(a, b)) {
        return;
    }
    if let ([old], [new]) = (old, new) {
        return changed(way, (*old).to_owned(), (*new).to_owned(), changes);
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
    changes.push(Change { path: path(way), from: Some(old.join(", ")), to: Some(new.join(", ")), words });
}

fn changed(way: &[Step<'_>], from: String, to: String, changes: &mut Vec<Change>) {
    let words = format!("{}: {} -> {}", subject(way), cut(&from), cut(&to));
    changes.push(Change { path: path(way), from: Some(from), to: Some(to), words });
}

fn added(way: &[Step<'_>], to: String, changes: &mut Vec<Change>) {
    let words = format!("{} added: {}", subject(way), cut(&to));
    changes.push(Change { path: path(way), from: None, to: Some(to), words });
}

fn removed(way: &[Step<'_>], from: String, changes: &mut Vec<Change>) {
    let words = format!("{} removed: {}", subject(way), cut(&from));
    changes.push(Change { path: path(way), from: Some(from), to: None, words });
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

/// A scalar by what it means: durations in ms, numbers without idle zeros.
fn plain(text: &str) -> String {
    let unit = match text.chars().last() {
        Some('s') => Millis::SECOND,
        Some('m') => Millis::MINUTE,
        Some('h') => Millis::HOUR,
        Some('d') => Millis::DAY,
        Some('w') => 7 * Millis::DAY,
        _ => 0,
    };
    let count = text.get(..text.len().saturating_sub(1)).and_then(|count| count.parse::<i64>().ok());
    if let Some(ms) = count.filter(|_| unit > 0).and_then(|count| count.checked_mul(unit)) {
        return format!("{ms}ms");
    }
    match text.split_once('.') {
        Some((whole, rest)) if whole.parse::<i64>().is_ok() && rest.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{whole}.{}", rest.trim_end_matches('0')).trim_end_matches('.').to_owned()
        }
        _ => text.to_owned(),
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

fn cut(text: &str) -> String {
    const LONGEST: usize = 160;
    let dots = if text.chars().count() > LONGEST { "..." } else { "" };
    format!("{}{dots}", text.chars().take(LONGEST).collect::<String>())
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
mod tests {
    use super::*;
    use crate::STARTER;

    fn told(pairs: &[(&str, &str)]) -> Vec<String> {
        let after = pairs.iter().fold(STARTER.to_owned(), |text, (old, new)| {
            assert_eq!(text.matches(old).count(), 1, "{old:?} must stand once in the starter policy");
            text.replace(old, new)
        });
        diff(STARTER, &after).unwrap().into_iter().map(|change| change.words).collect()
    }

    #[test]
    fn the_same_said_in_another_way_is_no_change() {
        assert_eq!(told(&[("dedupe: 14d", "dedupe: \"2w\""), ("total_cap: 100", "total_cap: 100.0 # most")]), [""; 0]);
    }

    #[test]
    fn each_kind_of_change_is_told_in_words() {
        let rule = "    - id: careers_page # wants a job, not a product\n      when: { event: Page Viewed, path: /careers* }\n      points: -10\n      half_life: never\n      count: once\n      group: web\n";
        let said = told(&[
            ("    A: 70\n", "    A: 65\n"),
            (rule, "    - { id: chat, when: { event: Chat }, points: 1, half_life: 1d, group: web }\n"),
            ("    A3: P2\n", ""),
            ("any_of: [US, CA, MX, BR]", "any_of: [US, CA, MX, AR]"),
            ("emea:\n      members: { jonas.weber: 2,", "emea:\n      members: { jonas.weber: 3,"),
            ("    P2: 8h business\n    P3: 24h business # 24", "    P2: 4h business\n    P3: 24h business # 24"),
        ]);
        assert_eq!(
            said,
            [
                "engagement rule careers_page removed: { id: careers_page, when: { event: Page Viewed, path: /careers* }, points: -10, half_life: never, count: once, group: web }",
                "engagement rule chat added: { id: chat, when: { event: Chat }, points: 1, half_life: 1d, group: web }",
                "grade A: 70 -> 65",
                "lane of cell A3 removed: P2",
                "routing rule americas, when: [{ fact: country, any_of: [US, CA, MX, BR] }] -> [{ fact: country, any_of: [US, CA, MX, AR] }]",
                "pool emea, weight of jonas.weber: 2 -> 3",
                "clock accept in lane P2: 8h business -> 4h business",
            ]
        );
    }

    #[test]
    fn rules_in_another_order_are_a_change_since_the_first_that_matches_wins() {
        let (a, b) = ("r: [{ id: x, p: 1 }, { id: y, p: 2 }]", "r: [{ id: y, p: 2 }, { id: x, p: 1 }]");
        let changes = diff(a, b).unwrap();
        assert_eq!(changes.iter().map(|change| change.words.as_str()).collect::<Vec<_>>(), ["r: another order: y, x"]);
        assert_eq!(diff(a, a).unwrap(), []);
    }

    #[test]
    fn words_that_come_and_go_are_named() {
        let changes = diff("f: { any_of: [a, b] }", "f: { any_of: c }").unwrap();
        assert_eq!(changes[0].words, "f, any_of: now also c; no longer a, b");
        assert_eq!(changes[0].path, "f.any_of");
    }
}
