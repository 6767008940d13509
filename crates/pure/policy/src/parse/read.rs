//! Typed reading of the tree that goes on after a mistake.
//!
//! Holds: whenever a reader answers `None` or a default for a value that is
//! there, a problem has been noted; so a document without problems has every
//! value it was asked for.
//!
//! Absent on purpose: what any key means (the sections know).

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::ask::{ANY, Ask, Asked, NAMES};
use super::problem::Problem;
use super::yaml::{Entry, Kind, Mark, Node};

/// The problems found so far. Shared by all readers of a document, hence the cell.
pub struct Report {
    file: String,
    problems: RefCell<Vec<Problem>>,
    doubts: RefCell<Vec<Problem>>,
    asked: RefCell<Asked>,
}

/// A value of the document and the path to it.
#[derive(Clone)]
pub struct Field<'a> {
    /// Where its problems are noted.
    pub report: &'a Report,
    /// Where it stands.
    pub at: Mark,
    /// The keys and indexes on the way to it.
    pub path: String,
    /// What it is.
    pub kind: &'a Kind,
}

/// The keys of a map of which every key is known.
pub struct Fields<'a> {
    map: Field<'a>,
    entries: &'a [Entry],
    /// Keys that an unknown key was taken for: not missed again.
    misspelt: Vec<&'static str>,
}

/// A value under a key that the writer chose, with the place of the key.
pub struct Named<'a> {
    /// The key.
    pub name: &'a str,
    /// The key, to note problems with it.
    pub key: Field<'a>,
    /// The value.
    pub value: Field<'a>,
}

/// Names that must be given once only, with the lines on which they first were.
#[derive(Default)]
pub struct Once(BTreeMap<String, usize>);

impl Report {
    /// No problems yet, of a document by this name.
    pub fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            problems: RefCell::default(),
            doubts: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    /// Notes a problem.
    pub fn say(&self, at: Mark, path: &str, message: impl Into<String>, hint: Option<String>) {
        self.problems.borrow_mut().push(Problem {
            file: self.file.clone(),
            line: at.line,
            column: at.column,
            path: path.to_owned(),
            message: message.into(),
            hint,
        });
    }

    /// What may be meant as it stands, in the order of the document.
    pub(super) fn into_doubts(self) -> Vec<Problem> {
        sorted(self.doubts.into_inner())
    }

    /// What was asked of a probe.
    pub(super) fn into_asked(self) -> Asked {
        self.asked.into_inner()
    }

    /// How many problems were noted so far.
    pub fn count(&self) -> usize {
        self.problems.borrow().len()
    }

    /// Every problem in the order of the document; one found on several ways (an overlap on
    /// each day of `mon-fri`) once.
    pub fn into_problems(self) -> Vec<Problem> {
        sorted(self.problems.into_inner())
    }
}

fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_cached_key(|p| (p.line, p.column, p.path.clone(), p.message.clone()));
    problems.dedup();
    problems
}

impl<'a> Field<'a> {
    /// The whole document.
    pub fn root(report: &'a Report, node: &'a Node) -> Self {
        Self { report, at: node.at, path: String::new(), kind: &node.kind }
    }

    /// Notes a question when this is a probe; whether it is.
    pub(super) fn ask(&self, question: impl FnOnce() -> Ask) -> bool {
        let probe = matches!(self.kind, Kind::Probe);
        if probe {
            self.report.asked.borrow_mut().entry(self.path.clone()).or_default().insert(question());
        }
        probe
    }

    fn inner(&self, node: &'a Node, path: String) -> Self {
        Self { report: self.report, at: node.at, path, kind: &node.kind }
    }

    /// Notes a problem with this value.
    pub fn wrong(&self, message: impl Into<String>) {
        self.report.say(self.at, &self.path, message, None);
    }

    /// Notes a problem with this value and what to do about it.
    pub fn wrong_but(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.report.say(self.at, &self.path, message, Some(hint.into()));
    }

    /// Notes that `name`, which stands here, is not one of the `known` names of a `what`.
    pub fn unknown<'k>(&self, what: &str, name: &str, known: impl IntoIterator<Item = &'k str>) {
        let known: Vec<&str> = known.into_iter().collect();
        if self.path.ends_with("#key") {
            self.ask(|| Ask::OneOf(known.iter().map(|name| (*name).to_owned()).collect()));
        }
        let hint = nearest(name, known).map(did_you_mean);
        self.report.say(self.at, &self.path, format!("unknown {what} {}", shown(name)), hint);
    }

    /// Notes that `name`, which may be the writer's own, differs little from one of the `common` names of a `what`.
    pub fn doubt(&self, what: &str, name: &str, common: &[&str]) {
        let Some(meant) = resembled(name, common) else { return };
        let hint = format!("{} If it is one of your own, all is well", did_you_mean(meant));
        self.odd(format!("{} is the name of no common {what}", shown(name)), hint);
    }

    /// Notes that what stands here can be used, but is hardly meant.
    pub fn odd(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.report.doubts.borrow_mut().push(Problem {
            file: self.report.file.clone(),
            line: self.at.line,
            column: self.at.column,
            path: self.path.clone(),
            message: message.into(),
            hint: Some(hint.into()),
        });
    }

    /// Notes that something else was expected here.
    pub fn expected(&self, what: &str) {
        let found = match self.kind {
            Kind::Plain(text) if is_nothing(text) => "nothing".to_owned(),
            Kind::Plain(text) => shown(text),
            Kind::Quoted(text) => format!("the text {}", shown(text)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
            Kind::Probe => "a probe".to_owned(),
        };
        self.wrong(format!("expected {what}, found {found}"));
    }

    /// A map of which all keys are `known`.
    pub fn fields(&self, known: &[&'static str]) -> Option<Fields<'a>> {
        if self.ask(|| Ask::Keys(known.to_vec())) {
            return Some(Fields { map: self.clone(), entries: &[], misspelt: Vec::new() });
        }
        let entries = self.map_entries()?;
        let mut misspelt = Vec::new();
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let meant = nearest(&entry.key, known.iter().copied());
            misspelt.extend(meant);
            self.report.say(entry.at, &key_path(&self.path, &entry.key), "unknown key", meant.map(did_you_mean));
        }
        Some(Fields { map: self.clone(), entries, misspelt })
    }

    /// A map whose keys the writer chose, in the order of the document, the first of each key only.
    pub fn named(&self) -> Option<Vec<Named<'a>>> {
        if self.ask(|| Ask::Named) {
            let value = Field { path: key_path(&self.path, ANY), ..self.clone() };
            let key = Field { path: format!("{}#key", value.path), ..self.clone() };
            return Some(NAMES.map(|name| Named { name, key: key.clone(), value: value.clone() }).into());
        }
        let mut seen = Once::default();
        let named =
            self.map_entries()?.iter().filter(|entry| seen.before(&entry.key, entry.at.line).is_none()).map(|entry| {
                let value = self.inner(&entry.value, key_path(&self.path, &entry.key));
                let key = Field { at: entry.at, path: value.path.clone(), ..*self };
                Named { name: &entry.key, key, value }
            });
        Some(named.collect())
    }

    /// The items of a list.
    pub fn items(&self) -> Vec<Field<'a>> {
        if self.ask(|| Ask::List) {
            return vec![Field { path: format!("{}[0]", self.path), ..self.clone() }];
        }
        let Kind::List(items) = self.kind else {
            self.expected("a list");
            return Vec::new();
        };
        items.iter().enumerate().map(|(i, item)| self.inner(item, format!("{}[{i}]", self.path))).collect()
    }

    /// Whether this is a list or map with nothing in it.
    pub fn is_empty(&self) -> bool {
        match self.kind {
            Kind::List(items) => items.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
            Kind::Plain(_) | Kind::Quoted(_) | Kind::Probe => false,
        }
    }

    /// The items of a list, or the value itself when it is not a list.
    pub fn items_or_self(&self) -> Vec<Field<'a>> {
        if self.ask(|| Ask::ListOrItem) {
            return vec![Field { path: format!("{}[0]", self.path), ..self.clone() }];
        }
        if matches!(self.kind, Kind::List(_)) { self.items() } else { vec![self.clone()] }
    }

    /// The entries of a map; keys that repeat are noted.
    fn map_entries(&self) -> Option<&'a [Entry]> {
        let Kind::Map(entries) = self.kind else {
            self.expected("a map");
            return None;
        };
        let mut seen = Once::default();
        for entry in entries {
            if let Some(line) = seen.before(&entry.key, entry.at.line) {
                let path = key_path(&self.path, &entry.key);
                self.report.say(entry.at, &path, format!("given twice, first on line {line}"), None);
            }
        }
        Some(entries)
    }
}

impl<'a> Fields<'a> {
    /// The map itself.
    pub fn whole(&self) -> &Field<'a> {
        &self.map
    }

    /// The value of a key that may be left out.
    pub fn get(&self, key: &str) -> Option<Field<'a>> {
        if matches!(self.map.kind, Kind::Probe) {
            return Some(Field { path: key_path(&self.map.path, key), ..self.map.clone() });
        }
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(self.map.inner(&entry.value, key_path(&self.map.path, key)))
    }

    /// The value of a key that must be there.
    pub fn need(&self, key: &str) -> Option<Field<'a>> {
        self.map.ask(|| Ask::Needs(key.to_owned()));
        let field = self.get(key);
        if field.is_none() {
            self.missing(key, None);
        }
        field
    }

    /// Notes that a key is missing, unless it is there and misspelt.
    pub fn missing(&self, key: &str, hint: Option<String>) {
        if !self.misspelt.contains(&key) {
            self.map.report.say(self.map.at, &key_path(&self.map.path, key), "missing", hint);
        }
    }

    /// The `id` of a rule, once only among `ids`.
    pub fn id(&self, ids: &mut Once) -> String {
        let Some(field) = self.need("id") else { return String::new() };
        let id = field.name();
        if let Some(id) = &id {
            ids.add(id, &field);
        }
        id.unwrap_or_default()
    }
}

impl Once {
    /// Notes a problem with `field` when `name` was added before.
    pub fn add(&mut self, name: &str, field: &Field<'_>) {
        if let Some(line) = self.before(name, field.at.line) {
            field.wrong(format!("{} is given twice, first on line {line}", shown(name)));
        }
    }

    /// Adds a name; the line on which it was added before, if it was.
    fn before(&mut self, name: &str, line: usize) -> Option<usize> {
        let first = self.0.get(name).copied();
        if first.is_none() {
            self.0.insert(name.to_owned(), line);
        }
        first
    }
}

/// The known name that `wrong` most resembles.
fn nearest<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const LONGEST: usize = 64; // beyond it nobody mistyped a name, and the distance is costly
    if wrong.len() > LONGEST {
        return None;
    }
    let lower = wrong.to_lowercase();
    let length = wrong.chars().count();
    // A third of it may differ, but never all of it: "X" is no misspelt "A".
    let slack = (length / 3).max(1).min(length.saturating_sub(1));
    let distances = known.into_iter().map(|name| (strsim::osa_distance(&lower, &name.to_lowercase()), name));
    distances.filter(|(distance, _)| *distance <= slack).min().map(|(_, name)| name)
}

/// The common name of which `name` is another spelling, or a slip of a letter or two.
fn resembled<'k>(name: &str, common: &[&'k str]) -> Option<&'k str> {
    if common.contains(&name) {
        return None;
    }
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let given = plain(name);
    let slack = if given.chars().count() < 8 { 1 } else { 2 };
    let distances = common.iter().map(|known| (strsim::osa_distance(&given, &plain(known)), *known));
    distances.filter(|(distance, _)| *distance <= slack).min().map(|(_, known)| known)
}

fn did_you_mean(name: &str) -> String {
    format!("did you mean {}?", shown(name))
}

/// A text of the writer's in quotes, fit to print: no control characters, cut when long.
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let dots = if text.chars().count() > LONGEST { "..." } else { "" };
    let start: String = text.chars().take(LONGEST).collect();
    format!("\"{}{dots}\"", start.escape_debug())
}

/// Whether a scalar without quotes stands for no value.
pub(crate) fn is_nothing(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

pub(super) fn key_path(path: &str, key: &str) -> String {
    let simple =
        !key.is_empty() && key.len() <= 64 && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    match (simple, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[{}]", shown(key)),
    }
}
