//! The rows in memory: a hash table in many small parts.
//!
//! Parts serve two ends: a table that grows moves one part at a time, and a compaction can walk part
//! after part between commits while rows change.
//!
//! Holds: a row is one allocation, key in front of value, and its hash lies beside it, so that neither a search nor
//! a table that grows looks at the rows of others; the hash is seeded at random, so whoever chooses the keys cannot
//! choose their collisions.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::frame::entry_length;

/// 1,024: of a million rows of 200 B a part is about 200 kB, one fifth of a compaction's slice; and
/// 40 kB of empty parts are affordable for each lane of a small deployment.
pub(crate) const PARTS: usize = 1024;

/// Rows that are fetched at once: more than the processor can wait for, and few enough to stay near until each is read.
const WARM: usize = 16;
/// What it fetches at a time, in bytes.
const LINE: usize = 64;

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
        let own = within(hash);
        self.parts[part_of(hash)].find(spread(own), |row| row.is(own, key)).map(Row::value)
    }

    /// Brings rows into the processor's cache. What is far away is fetched for several of them at once, where one
    /// search after the other would wait for each.
    pub(crate) fn warm(&self, keys: &[&[u8]]) {
        let mut rows = [None; WARM];
        for keys in keys.chunks(WARM) {
            for (row, key) in rows.iter_mut().zip(keys) {
                let hash = xxh3_64_with_seed(key, self.seed);
                let own = within(hash);
                *row = self.parts[part_of(hash)].find(spread(own), |row| row.hash == own);
            }
            let lines = rows[..keys.len()].iter().flatten().flat_map(|row| row.bytes.iter().step_by(LINE));
            std::hint::black_box(lines.fold(0, |sum: u8, byte| sum ^ byte));
        }
    }

    /// Sets (`Some`) or deletes (`None`) a row. Returns whether that changed anything.
    pub(crate) fn put(&mut self, key: &[u8], value: Option<&[u8]>) -> bool {
        let Self { parts, seed, count, bytes, news } = self;
        let hash = xxh3_64_with_seed(key, *seed);
        let own = within(hash);
        let part = part_of(hash);
        match (parts[part].entry(spread(own), |row| row.is(own, key), |row| spread(row.hash)), value) {
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
                news.row(part, place.insert(Row::new(own, key, value)).into_mut());
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
fn within(hash: u64) -> u32 {
    let [.., a, b, c, d] = hash.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The table takes buckets by the low bits and tells their rows apart by the high ones.
fn spread(own: u32) -> u64 {
    u64::from(own) << 32 | u64::from(own)
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
    hash: u32,
    key: u32,
    end: u32,
    /// Whether it has changed since it was last told.
    is_new: bool,
}

impl Row {
    fn new(hash: u32, key: &[u8], value: &[u8]) -> Self {
        let bytes = [key, value].concat().into_boxed_slice();
        Self { hash, key: position(key.len()), end: position(bytes.len()), bytes, is_new: false }
    }

    fn is(&self, hash: u32, key: &[u8]) -> bool {
        self.hash == hash && self.key() == key
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_key_even_where_hashes_agree() {
        let mut rows = Rows::new();
        rows.put(b"a", Some(b"1"));
        // As if `b` had the hash of `a`.
        let hash = xxh3_64_with_seed(b"b", rows.seed);
        let own = within(hash);
        rows.parts[part_of(hash)].insert_unique(spread(own), Row::new(own, b"a", b"2"), |row| spread(row.hash));
        assert_eq!(rows.get(b"b"), None);
        assert!(rows.put(b"b", Some(b"3")));
        assert_eq!((rows.get(b"a"), rows.get(b"b")), (Some(&b"1"[..]), Some(&b"3"[..])));
    }

    #[test]
    fn a_table_that_grows_finds_what_it_had() {
        let mut rows = Rows::new();
        let keys: Vec<[u8; 4]> = (0..50_000_u32).map(u32::to_be_bytes).collect();
        for key in &keys {
            rows.put(key, Some(key));
        }
        assert!(keys.iter().all(|key| rows.get(key) == Some(key)));
        let most = rows.parts.iter().map(HashTable::len).max();
        assert!(most < Some(100), "{most:?} of 50,000 rows in one of 1,024 parts");
    }

    #[test]
    fn to_make_rows_ready_changes_nothing() {
        let mut rows = Rows::new();
        let keys: Vec<[u8; 4]> = (0..100_u32).map(u32::to_be_bytes).collect();
        for key in keys.iter().step_by(2) {
            rows.put(key, Some(b""));
        }
        rows.tell(|_, _| ());
        rows.warm(&keys.iter().map(<[u8; 4]>::as_slice).collect::<Vec<_>>());
        assert_eq!((rows.len(), rows.untold()), (50, 0));
        assert_eq!((rows.get(&keys[0]), rows.get(&keys[1])), (Some(&b""[..]), None));
    }
}
