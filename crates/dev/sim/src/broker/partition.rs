//! A partition as Kafka keeps it: records of transactions in every state, and their markers.
//!
//! Holds: offsets only rise, and a marker takes one; a committed read sees nothing of a transaction
//! before its marker, and nothing at all beyond the first transaction that is still open.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use baton_domain::Millis;

use crate::log::Record;

/// What became of the transaction that a record belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    Committed,
    Aborted,
}

/// Who wrote a record: the producer, and the transaction as its client counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) producer: u64,
    pub(crate) epoch: i32,
    pub(crate) serial: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Record { record: Rc<Record>, writer: Option<Writer>, fate: Fate },
    Marker,
}

/// A slot of the log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) offset: i64,
    pub(crate) appended: Millis,
    pub(crate) body: Body,
}

#[derive(Debug, Default)]
pub(crate) struct Partition {
    first: i64,
    next: i64,
    entries: VecDeque<Entry>,
    /// First offset of each open transaction, by producer.
    open: BTreeMap<u64, i64>,
    /// Batches taken, so that a repeat is recognised as Kafka does by sequence number.
    batches: BTreeSet<u64>,
}

impl Partition {
    /// The log start offset.
    pub(crate) fn first(&self) -> i64 {
        self.first
    }

    /// The high watermark.
    pub(crate) fn end(&self) -> i64 {
        self.next
    }

    /// The last stable offset: where a committed read ends.
    pub(crate) fn stable(&self) -> i64 {
        self.open.values().min().copied().unwrap_or(self.next)
    }

    /// Whether a batch is new; one that is not is answered like the first time and not written.
    pub(crate) fn is_new(&mut self, batch: u64) -> bool {
        self.batches.insert(batch)
    }

    pub(crate) fn append(&mut self, mut record: Record, appended: Millis, writer: Option<Writer>) {
        record.appended = appended;
        let fate = if writer.is_some() { Fate::Open } else { Fate::Committed };
        if let Some(writer) = writer {
            self.open.entry(writer.producer).or_insert(self.next);
        }
        self.push(appended, Body::Record { record: Rc::new(record), writer, fate });
    }

    /// Writes the marker that decides a producer's open transaction here. Returns whose records it committed.
    pub(crate) fn mark(&mut self, producer: u64, committed: bool, appended: Millis) -> Vec<u64> {
        let mut landed = Vec::new();
        let fate = if committed { Fate::Committed } else { Fate::Aborted };
        if let Some(from) = self.open.remove(&producer) {
            let start = self.index(from);
            for entry in self.entries.range_mut(start..) {
                if let Body::Record { writer: Some(writer), fate: old @ Fate::Open, .. } = &mut entry.body
                    && writer.producer == producer
                {
                    *old = fate;
                    if committed {
                        landed.push(writer.serial);
                    }
                }
            }
        }
        self.push(appended, Body::Marker);
        landed
    }

    /// The committed records from `from` on, until `sink` says stop. Returns the position reached.
    pub(crate) fn read(&self, from: i64, mut sink: impl FnMut(i64, &Record) -> bool) -> i64 {
        let stable = self.stable();
        let start = self.index(from);
        for entry in self.entries.range(start..) {
            if entry.offset >= stable {
                break;
            }
            if let Body::Record { record, fate: Fate::Committed, .. } = &entry.body
                && !sink(entry.offset, record)
            {
                return entry.offset + 1;
            }
        }
        stable.max(from)
    }

    /// Every slot that is left.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Lets go of everything before `offset`, as retention does.
    pub(crate) fn cut(&mut self, offset: i64) {
        let offset = offset.min(self.stable());
        while self.entries.front().is_some_and(|entry| entry.offset < offset) {
            self.entries.pop_front();
        }
        self.first = self.first.max(offset);
    }

    /// Compaction below `bound`: markers, undone records and overtaken values go, and so do tombstones
    /// written before `expiry`. Returns how many of those went.
    pub(crate) fn compact(&mut self, bound: i64, expiry: Millis) -> usize {
        let bound = bound.min(self.stable());
        let mut newest: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
        for entry in self.entries.iter().take_while(|entry| entry.offset < bound) {
            if let Body::Record { record, fate: Fate::Committed, .. } = &entry.body {
                newest.insert(record.key.clone().unwrap_or_default(), entry.offset);
            }
        }
        let mut tombstones = 0;
        self.entries.retain(|entry| {
            if entry.offset >= bound {
                return true;
            }
            let Body::Record { record, fate: Fate::Committed, .. } = &entry.body else { return false };
            let is_newest = newest.get(record.key.as_deref().unwrap_or_default()) == Some(&entry.offset);
            let is_expired = record.value.is_none() && entry.appended < expiry;
            tombstones += usize::from(is_newest && is_expired);
            is_newest && !is_expired
        });
        tombstones
    }

    fn push(&mut self, appended: Millis, body: Body) {
        self.entries.push_back(Entry { offset: self.next, appended, body });
        self.next += 1;
    }

    fn index(&self, offset: i64) -> usize {
        self.entries.partition_point(|entry| entry.offset < offset)
    }
}
