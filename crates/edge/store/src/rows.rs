//! The rows in memory: a hash map in many small parts.
//!
//! Parts serve two ends: a map that grows moves one part at a time, and a compaction can walk part
//! after part between commits while rows change.
//!
//! Holds: a row is one allocation, key in front of value; the hash is seeded at random, so whoever
//! chooses the keys cannot choose their collisions.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::frame::entry_length;

/// 1,024: of a million rows of 200 B a part is about 200 kB, one fifth of a compaction's slice; and
/// 40 kB of empty parts are affordable for each lane of a small deployment.
pub(crate) const PARTS: usize = 1024;

/// All rows of a lane.
#[derive(Debug)]
pub(crate) struct Rows {
    parts: Vec<HashSet<Row, Seed>>,
    seed: u64,
    count: usize,
    bytes: u64,
}

impl Rows {
    pub(crate) fn new() -> Self {
        // In tests always the same: what they find in a compaction's slices depends on it.
        let seed = if cfg!(test) { 0 } else { RandomState::new().hash_one(0) };
        let parts = (0..PARTS).map(|_| HashSet::with_hasher(Seed(!seed))).collect();
        Self { parts, seed, count: 0, bytes: 0 }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.parts[self.part_of(key)].get(key).map(Row::value)
    }

    /// Sets (`Some`) or deletes (`None`) a row.
    pub(crate) fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        let part = self.part_of(key);
        let before = match value {
            Some(value) => self.parts[part].replace(Row::new(key, value)),
            None => self.parts[part].take(key),
        };
        if let Some(row) = before {
            self.count -= 1;
            self.bytes -= entry_length(row.key(), row.value());
        }
        if let Some(value) = value {
            self.count += 1;
            self.bytes += entry_length(key, value);
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

    /// Another hash than the one within a part: with the same, each part would use a sliver of its buckets.
    fn part_of(&self, key: &[u8]) -> usize {
        // The remainder is below PARTS, so it fits whatever the width of usize.
        usize::try_from(xxh3_64_with_seed(key, self.seed) % PARTS as u64).unwrap_or(0)
    }
}

#[derive(Debug)]
struct Row {
    bytes: Box<[u8]>,
    key_length: usize,
}

impl Row {
    fn new(key: &[u8], value: &[u8]) -> Self {
        Self { bytes: [key, value].concat().into_boxed_slice(), key_length: key.len() }
    }

    fn key(&self) -> &[u8] {
        &self.bytes[..self.key_length]
    }

    fn value(&self) -> &[u8] {
        &self.bytes[self.key_length..]
    }
}

impl Borrow<[u8]> for Row {
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}

impl Hash for Row {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Row {}

/// Hashes with xxh3 in one shot; the standard hasher takes three times as long on keys of 20 bytes.
#[derive(Clone, Copy, Debug)]
struct Seed(u64);

impl BuildHasher for Seed {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Seed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// The length of the key, which the standard library hashes in front of its bytes.
    fn write_usize(&mut self, length: usize) {
        self.0 ^= length as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
