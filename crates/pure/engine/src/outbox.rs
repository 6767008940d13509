//! What a transaction will write: one arena of bytes, so that a record costs no allocation of its own.

use core::ops::Range;

use crate::headers::{HeaderSink, RecordHeaders};
use crate::processor::Incoming;

/// An output to add.
#[derive(Clone, Copy, Debug)]
pub struct Emit<'a> {
    /// Index into [`crate::StageSpec::outputs`].
    pub topic: usize,
    /// Which partition.
    pub partition: i32,
    /// Key; `None` on a tick.
    pub key: Option<&'a [u8]>,
    /// Value.
    pub value: &'a [u8],
    /// Headers.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// A record as it is handed to the log.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// Which topic.
    pub topic: Topic,
    /// Which partition.
    pub partition: i32,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers, in order.
    pub headers: Headers<'a>,
}

/// The topics that a stage writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Index into [`crate::StageSpec::outputs`].
    Output(usize),
    /// The stage's changelog.
    Changelog,
    /// The running totals.
    Ledger,
    /// What could not be read.
    DeadLetters,
}

/// The headers of an output.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

type Range32 = (u32, u32);

/// Name and value of a header; a value may be absent.
type Span = (Range32, Option<Range32>);

#[derive(Clone, Debug)]
struct Entry {
    topic: Topic,
    partition: i32,
    key: Option<Range32>,
    value: Option<Range32>,
    headers: Range<usize>,
}

/// A place in an outbox to go back to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    bytes: usize,
    entries: usize,
    headers: usize,
}

/// The outputs of one transaction, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    headers: Vec<Span>,
}

impl Outbox {
    /// Adds a record.
    pub fn push(
        &mut self,
        topic: Topic,
        partition: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) {
        self.add((topic, partition), (key, value), &(), headers);
    }

    /// Adds a record that was read, as it is, with headers behind its own.
    pub(crate) fn forward(&mut self, topic: Topic, partition: i32, record: &Incoming<'_>, headers: &[(&str, &[u8])]) {
        self.add((topic, partition), (record.key, record.value), record.headers, headers);
    }

    fn add(
        &mut self,
        (topic, partition): (Topic, i32),
        (key, value): (Option<&[u8]>, Option<&[u8]>),
        first: &dyn RecordHeaders,
        then: &[(&str, &[u8])],
    ) {
        let key = key.map(|key| self.append(key));
        let value = value.map(|value| self.append(value));
        let from = self.headers.len();
        first.each(&mut |name, value| self.header(name, value));
        for (name, value) in then {
            self.header(name.as_bytes(), Some(value));
        }
        self.entries.push(Entry { topic, partition, key, value, headers: from..self.headers.len() });
    }

    /// Adds a header behind those of the output added last.
    pub(crate) fn add_header(&mut self, name: &str, value: &[u8]) {
        self.header(name.as_bytes(), Some(value));
        if let Some(last) = self.entries.last_mut() {
            last.headers.end = self.headers.len();
        }
    }

    fn header(&mut self, name: &[u8], value: Option<&[u8]>) {
        let span = (self.append(name), value.map(|value| self.append(value)));
        self.headers.push(span);
    }

    /// The records, in order.
    pub fn outputs(&self) -> impl Iterator<Item = Output<'_>> {
        self.entries.iter().map(|entry| Output {
            topic: entry.topic,
            partition: entry.partition,
            key: entry.key.map(|span| slice(&self.bytes, span)),
            value: entry.value.map(|span| slice(&self.bytes, span)),
            headers: Headers { bytes: &self.bytes, spans: &self.headers[entry.headers.clone()] },
        })
    }

    /// How many bytes are waiting.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many records are waiting.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The place reached.
    pub(crate) fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), entries: self.entries.len(), headers: self.headers.len() }
    }

    /// Forgets what was added after the place.
    pub(crate) fn truncate(&mut self, mark: &Mark) {
        self.bytes.truncate(mark.bytes);
        self.entries.truncate(mark.entries);
        self.headers.truncate(mark.headers);
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.headers.clear();
    }

    fn append(&mut self, bytes: &[u8]) -> Range32 {
        let start = position(self.bytes.len());
        self.bytes.extend_from_slice(bytes);
        (start, position(self.bytes.len()))
    }
}

/// A lane stops judging at a few MiB (`Limits::bytes`), far below 4 GiB; were it not so, the slice would come out empty.
fn position(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn slice(bytes: &[u8], (from, to): Range32) -> &[u8] {
    bytes.get(from as usize..to as usize).unwrap_or_default()
}

impl RecordHeaders for Headers<'_> {
    fn each(&self, sink: &mut HeaderSink<'_>) {
        self.iter().for_each(|(name, value)| sink(name, value));
    }
}

impl<'a> Headers<'a> {
    /// Name and value of each header; a value may be absent where a record is passed on as it came.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let bytes = self.bytes;
        self.spans.iter().map(move |(name, value)| (slice(bytes, *name), value.map(|value| slice(bytes, value))))
    }

    /// How many headers there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}
