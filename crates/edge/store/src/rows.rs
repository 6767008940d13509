//! The rows in memory: a hash table in many small parts.
//!
//! Parts serve two ends: a table that grows moves one part at a time, and a compaction can walk part
//! after part between commits while rows change.
//!
//! Holds: a row is one allocation, key in front of value; the hash is seeded at random, so whoever
//! chooses the keys cannot choose their collisions.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::frame::entry_length;

/// 1,024: of a million rows of 200 B a part is about 200 kB, one fifth of a compaction's slice; and
/// 40 kB of empty parts are affordable for each lane of a small deployment.
pub(crate) const PARTS: usize = 1024;

/// All rows of a lane.
#[derive(Debug)]
pub(crate) struct Rows {
    parts: Vec<HashTable<Row>>,
    seed: u64,
    count: usize,
    bytes: u64,
    news: News,
}

/// What has changed since it was last told.
#[derive(Debug)]
struct News {
    /// Whether a part has rows that are new.
    parts: Vec<bool>,
    /// Keys that were deleted, and may be there again.
    gone: Vec<Box<[u8]>>,
    /// Bytes that it would take in a log, about: a row that grows on counts as it was at first.
    bytes: u64,
}

impl Rows {
    pub(crate) fn new() -> Self {
        // In tests always the same: what they find in a compaction's slices depends on it.
        let seed = if cfg!(test) { 0 } else { RandomState::new().hash_one(0) };
        let news = News { parts: vec![false; PARTS], gone: Vec::new(), bytes: 0 };
        Self { parts: (0..PARTS).map(|_| HashTable::new()).collect(), seed, count: 0, bytes: 0, news }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let hash = xxh3_64_with_seed(key, self.seed);
        self.parts[part_of(hash)].find(within(hash), |row| row.key() == key).map(Row::value)
    }

    /// Sets (`Some`) or deletes (`None`) a row. Returns whether that changed anything.
    pub(crate) fn put(&mut self, key: &[u8], value: Option<&[u8]>) -> bool {
        let Self { parts, seed, count, bytes, news } = self;
        let hash = xxh3_64_with_seed(key, *seed);
        let again = |row: &Row| within(xxh3_64_with_seed(row.key(), *seed));
        let part = part_of(hash);
        match (parts[part].entry(within(hash), |row| row.key() == key, again), value) {
            (Entry::Occupied(row), Some(value)) if row.get().value() == value => return false,
            (Entry::Vacant(_), None) => return false,
            (Entry::Occupied(mut row), Some(value)) => {
                *bytes -= entry_length(key, row.get().value());
                *bytes += entry_length(key, value);
                let row = row.get_mut();
                row.set(value);
                news.row(part, row);
            }
            (Entry::Occupied(row), None) => {
                *bytes -= entry_length(key, row.get().value());
                *count -= 1;
                drop(row.remove());
                news.bytes += entry_length(key, &[]);
                news.gone.push(key.into());
            }
            (Entry::Vacant(place), Some(value)) => {
                *bytes += entry_length(key, value);
                *count += 1;
                news.row(part, place.insert(Row::new(key, value)).into_mut());
            }
        }
        true
    }

    /// Bytes that [`Rows::tell`] will give, about.
    pub(crate) fn untold(&self) -> u64 {
        self.news.bytes
    }

    /// Gives every row that has changed since the last call as it is now, once; the deleted ones first.
    pub(crate) fn tell(&mut self, mut entry: impl FnMut(&[u8], Option<&[u8]>)) {
        for key in self.news.gone.drain(..) {
            entry(&key, None);
        }
        self.news.bytes = 0;
        for (part, has_news) in self.parts.iter_mut().zip(&mut self.news.parts) {
            if !std::mem::take(has_news) {
                continue;
            }
            for row in part.iter_mut() {
                if std::mem::take(&mut row.is_new) {
                    entry(row.key(), Some(row.value()));
                }
            }
        }
    }

    /// The rows of one part, below [`PARTS`].
    pub(crate) fn part(&self, part: usize) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.parts[part].iter().map(|row| (row.key(), row.value()))
    }

    /// Visits every row.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        (0..PARTS).flat_map(|part| self.part(part)).for_each(|(key, value)| visit(key, value));
    }

    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// How many bytes they would take in a log without dead ones.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn part_of(hash: u64) -> usize {
    // The remainder is below PARTS, so it fits whatever the width of usize.
    usize::try_from(hash % PARTS as u64).unwrap_or(0)
}

/// What a part's table goes by: of the bits that chose the part, each part would use a sliver of its buckets.
fn within(hash: u64) -> u64 {
    hash.rotate_left(32)
}

impl News {
    fn row(&mut self, part: usize, row: &mut Row) {
        if !row.is_new {
            row.is_new = true;
            self.parts[part] = true;
            self.bytes += entry_length(row.key(), row.value());
        }
    }
}

/// Key, value, and room for a value that grows.
struct Row {
    bytes: Box<[u8]>,
    key: u32,
    end: u32,
    /// Whether it has changed since it was last told.
    is_new: bool,
}

impl Row {
    fn new(key: &[u8], value: &[u8]) -> Self {
        let bytes = [key, value].concat().into_boxed_slice();
        Self { key: position(key.len()), end: position(bytes.len()), bytes, is_new: false }
    }

    fn key(&self) -> &[u8] {
        &self.bytes[..self.key as usize]
    }

    fn value(&self) -> &[u8] {
        &self.bytes[self.key as usize..self.end as usize]
    }

    /// In place where it fits and does not leave most of the room empty.
    fn set(&mut self, value: &[u8]) {
        let (from, end) = (self.key as usize, self.key as usize + value.len());
        if end > self.bytes.len() || end < self.bytes.len() / 2 {
            // A value that has grown once grows again.
            let room = if end > self.bytes.len() { end + end / 8 } else { end };
            let mut bytes = Vec::with_capacity(room);
            bytes.extend_from_slice(self.key());
            bytes.resize(room, 0);
            self.bytes = bytes.into_boxed_slice();
        }
        self.bytes[from..end].copy_from_slice(value);
        self.end = position(end);
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({} + {} bytes)", self.key, self.end - self.key)
    }
}

/// A row is a few MiB at most: it came through the log.
fn position(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
