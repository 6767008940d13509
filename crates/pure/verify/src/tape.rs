//! What is asked of a cluster: committed offsets, bounds of partitions, and records in order.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use baton_domain::{LogTime, Millis, Stamp};
use baton_engine::{Fault, Output, Part};
use baton_pipeline::Consumer;
use baton_wire::{Frame, peek_stamp};

/// A committed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its offset; -1 in a record that was only expected.
    pub offset: i64,
    /// The broker's append time.
    pub appended: Millis,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// The first offset that a partition still holds, and the end of what is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset.
    pub first: i64,
    /// The next offset after the last one that can be read.
    pub end: i64,
}

/// A cluster, as far as it is looked at.
pub trait Cluster {
    /// The committed offset of each part of a consumer, waiting for open transactions; absent where there is none.
    fn committed(&mut self, consumer: Consumer) -> Result<BTreeMap<Part, i64>, Fault>;

    /// The bounds of a partition.
    fn bounds(&mut self, topic: &str, partition: i32) -> Result<Bounds, Fault>;

    /// Reads partitions of a topic, committed records only, each from its first offset to the end given.
    fn read(&mut self, topic: &str, ends: &[(i32, i64)]) -> Result<Box<dyn Tape>, Fault>;
}

/// Partitions of a topic being read.
pub trait Tape {
    /// The next record of a partition; `None` once its end is reached.
    fn next(&mut self, partition: i32) -> Result<Option<Entry>, Fault>;
}

impl Entry {
    /// A record that the replay wrote.
    pub(crate) fn expected(output: &Output<'_>) -> Self {
        Self {
            offset: -1,
            appended: Millis(0),
            key: output.key.map(<[u8]>::to_vec),
            value: output.value.map(<[u8]>::to_vec),
            headers: output.headers.iter().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect(),
        }
    }

    /// The value of a header; of several with one name the last, which is Baton's own where a source used it too.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rev().find(|(known, _)| known == name.as_bytes());
        found.and_then(|(_, value)| std::str::from_utf8(value.as_deref()?).ok())
    }

    /// The lane of `stage` that says it wrote the record.
    pub(crate) fn lane_of(&self, stage: &str) -> Option<i32> {
        self.header("ce_source")?.strip_prefix("/baton/")?.strip_prefix(stage)?.strip_prefix('/')?.parse().ok()
    }

    /// What tells the record from every other of its channel.
    pub(crate) fn id(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let told = ["ce_id", "ce_type", "x-dlq-stage", "x-dlq-topic", "x-dlq-partition", "x-dlq-offset"];
        let told = told.map(|name| self.header(name));
        if told.iter().any(Option::is_some) {
            told.hash(&mut hasher);
        } else {
            (&self.key, &self.value).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// In a few words, for people. Keys and ids are Baton's own; values are never shown.
    pub(crate) fn about(&self) -> String {
        let text = |bytes: &Option<Vec<u8>>| match bytes {
            Some(bytes) => String::from_utf8_lossy(bytes).chars().take(80).collect(),
            None => "none".to_owned(),
        };
        let size = self.value.as_ref().map_or_else(|| "no value".to_owned(), |value| format!("{} bytes", value.len()));
        if let Some(offset) = self.header("x-dlq-offset") {
            let [topic, partition, reason] =
                ["x-dlq-topic", "x-dlq-partition", "x-dlq-reason"].map(|name| self.header(name).unwrap_or("?"));
            return format!("dead letter of {topic}[{partition}]@{offset}, {reason}, {size}");
        }
        let kind = self.header("ce_type").unwrap_or("record");
        let id = self.header("ce_id").map_or_else(String::new, |id| format!(" id {id},"));
        format!("{kind}{id} key {}, {size}", text(&self.key))
    }

    /// In what two records differ, if they do.
    pub(crate) fn unlike(&self, other: &Self) -> Option<String> {
        if self.key != other.key {
            return Some("the key differs".to_owned());
        }
        if self.value != other.value {
            let (a, b) = (self.value.as_deref().unwrap_or_default(), other.value.as_deref().unwrap_or_default());
            let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
            return Some(format!("the value differs from byte {at} on"));
        }
        if self.headers != other.headers {
            let pairs = self.headers.iter().zip(&other.headers);
            let name = pairs.into_iter().find(|(a, b)| a != b).map(|(a, _)| String::from_utf8_lossy(&a.0).into_owned());
            return Some(format!("the header {} differs", name.as_deref().unwrap_or("list")));
        }
        None
    }
}

/// The stamp at the head of a value.
pub fn stamp_of(value: Option<&[u8]>) -> Option<Stamp> {
    match value.map(Frame::of) {
        Some(Frame::Confluent { body, .. } | Frame::Single { body, .. }) => peek_stamp(body),
        _ => None,
    }
}

/// The log time of a record's stamp.
pub(crate) fn at_of(entry: &Entry) -> Option<LogTime> {
    stamp_of(entry.value.as_deref()).map(|stamp| stamp.at)
}
