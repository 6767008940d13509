//! A YAML document as a small tree in which every node knows its line and column.
//!
//! Holds: the tree is at most [`MAX_DEPTH`] deep and no larger than its text.
//!
//! Absent on purpose: anchors, aliases and tags (a policy says what it means
//! where it means it, and nothing can grow beyond the text), and any guess at
//! types: `NO` stays the country Norway until somebody asks for a flag.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

/// The largest document, in bytes.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// The deepest nesting; a policy needs eight.
pub(crate) const MAX_DEPTH: usize = 32;

/// A place in the text, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// A value and where it starts.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it starts.
    pub at: Mark,
    /// What it is.
    pub kind: Kind,
}

/// The shapes of a value.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A scalar without quotes: may be read as a number, a flag or text.
    Plain(String),
    /// A scalar in quotes, or a block: text.
    Quoted(String),
    /// Several values.
    List(Vec<Node>),
    /// Values by key.
    Map(Vec<Entry>),
    /// Everything at once: in no document, but what the reader asks of it is noted.
    Probe,
}

/// A key and its value. Keys may repeat: the reader says so.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub at: Mark,
    /// The value.
    pub value: Node,
}

/// Why there is no tree.
#[derive(Debug)]
pub struct Fault {
    /// The first place at which it is no YAML.
    pub at: Mark,
    /// What is wrong there.
    pub message: String,
}

/// Reads the one document of a text.
///
/// # Errors
/// The first place at which it is not one.
pub fn read(text: &str) -> Result<Node, Fault> {
    let start = Mark { line: 1, column: 1 };
    if text.len() > MAX_BYTES {
        return Err(Fault { at: start, message: format!("larger than {MAX_BYTES} bytes") });
    }
    let mut tree = Tree::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event
            .map_err(|error| Fault { at: mark(*error.marker()), message: format!("not YAML: {}", error.info()) })?;
        let at = mark(span.start);
        tree.take(event, at)?;
    }
    tree.root.ok_or_else(|| Fault { at: start, message: "the document is empty".to_owned() })
}

fn mark(marker: Marker) -> Mark {
    Mark { line: marker.line().max(1), column: marker.col() + 1 }
}

/// The tree as far as it has been read.
#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    root: Option<Node>,
}

/// A list or map whose end has not come yet.
struct Open {
    at: Mark,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Mark)> },
}

impl Tree {
    fn take(&mut self, event: Event<'_>, at: Mark) -> Result<(), Fault> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err(fault(at, "a second document begins here")),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
            Event::Alias(_) => Err(fault(at, "aliases are not read: repeat the value")),
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => {
                Err(fault(at, "tags are not read: leave out the `!`"))
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) => self.put(at, Kind::Plain(text.into_owned())),
            Event::Scalar(text, ..) => self.put(at, Kind::Quoted(text.into_owned())),
            Event::SequenceStart(..) => self.open(at, Inside::List(Vec::new())),
            Event::MappingStart(..) => self.open(at, Inside::Map { entries: Vec::new(), key: None }),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
        }
    }

    fn open(&mut self, at: Mark, inside: Inside) -> Result<(), Fault> {
        if self.open.len() == MAX_DEPTH {
            return Err(fault(at, &format!("nested more than {MAX_DEPTH} deep")));
        }
        self.open.push(Open { at, inside });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        match self.open.pop() {
            Some(Open { at, inside: Inside::List(items) }) => self.put(at, Kind::List(items)),
            Some(Open { at, inside: Inside::Map { entries, .. } }) => self.put(at, Kind::Map(entries)),
            None => Ok(()),
        }
    }

    /// Puts a whole value where it belongs: a map takes keys and values in turn.
    fn put(&mut self, at: Mark, kind: Kind) -> Result<(), Fault> {
        match self.open.last_mut().map(|open| &mut open.inside) {
            None => self.root = Some(Node { at, kind }),
            Some(Inside::List(items)) => items.push(Node { at, kind }),
            Some(Inside::Map { entries, key }) => match (key.take(), kind) {
                (Some((key, key_at)), kind) => entries.push(Entry { key, at: key_at, value: Node { at, kind } }),
                (None, Kind::Plain(text) | Kind::Quoted(text)) => *key = Some((text, at)),
                (None, Kind::List(_) | Kind::Map(_) | Kind::Probe) => return Err(fault(at, "a key must be a word")),
            },
        }
        Ok(())
    }
}

fn fault(at: Mark, message: &str) -> Fault {
    Fault { at, message: message.to_owned() }
}
