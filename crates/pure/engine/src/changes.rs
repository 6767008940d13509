//! The rows that a transaction has changed: one arena of bytes, found by hash.
//!
//! Holds: a row that changes again keeps its place, so the order is that of the first change and depends on
//! nothing but the records; the index is only ever asked for a key, never walked. What a change leaves behind
//! in the arena is swept before it is more than the changes themselves.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// A place in the arena: from, to. A transaction has a few MiB (`Limits::bytes`), far below 4 GiB.
type Span = (u32, u32);

/// What a key's row was before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// The store's.
    Unchanged,
    /// A row of this transaction, or that it was deleted.
    Changed(Option<Span>),
}

/// What a transaction says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Staged<'a> {
    /// Nothing.
    Unchanged,
    /// What it is, or that it is deleted.
    Changed(Option<&'a [u8]>),
}

/// One changed row.
#[derive(Clone, Copy, Debug)]
struct Change {
    hash: u64,
    key: Span,
    row: Option<Span>,
}

/// Changed rows, in the order in which each was changed first.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    arena: Vec<u8>,
    list: Vec<Change>,
    index: HashTable<u32>,
    /// Bytes of keys and rows that stand.
    live: usize,
    /// What can be taken back, oldest first: place in the list, and what was there.
    undo: Vec<(u32, Before)>,
}

/// Garbage that is not worth a sweep.
const SLACK: usize = 256 << 10;

impl Changes {
    /// The row of a key.
    pub(crate) fn get(&self, key: &[u8]) -> Staged<'_> {
        match self.find(xxh3_64(key), key) {
            Some(place) => self.staged(self.list[place].row),
            None => Staged::Unchanged,
        }
    }

    fn staged(&self, row: Option<Span>) -> Staged<'_> {
        Staged::Changed(row.map(|row| self.slice(row)))
    }

    /// Sets or deletes a row, given in two parts; it can be taken back until the next mark.
    pub(crate) fn set(&mut self, key: &[u8], row: Option<[&[u8]; 2]>) {
        let row = row.map(|[head, body]| {
            let from = self.arena.len();
            self.arena.extend_from_slice(head);
            self.arena.extend_from_slice(body);
            (position(from), position(self.arena.len()))
        });
        let hash = xxh3_64(key);
        self.live += row.map_or(0, length);
        if let Some(place) = self.find(hash, key) {
            let before = core::mem::replace(&mut self.list[place].row, row);
            self.live -= before.map_or(0, length);
            self.undo.push((position(place), Before::Changed(before)));
            return;
        }
        let from = self.arena.len();
        self.arena.extend_from_slice(key);
        let place = position(self.list.len());
        self.list.push(Change { hash, key: (position(from), position(self.arena.len())), row });
        self.live += key.len();
        let list = &self.list;
        self.index.insert_unique(hash, place, |place| list[*place as usize].hash);
        self.undo.push((place, Before::Unchanged));
    }

    /// What changes from here on can be taken back.
    pub(crate) fn mark(&mut self) {
        self.undo.clear();
        if self.arena.len() > 2 * self.live + SLACK {
            self.sweep();
        }
    }

    /// Takes back the last change since the mark, if there is one; `look` sees the key's change before and after.
    pub(crate) fn take_back(&mut self, mut look: impl FnMut(&[u8], Staged<'_>)) -> bool {
        let Some((place, before)) = self.undo.pop() else { return false };
        let Change { hash, key, row } = self.list[place as usize];
        look(self.slice(key), self.staged(row));
        self.live -= row.map_or(0, length);
        match before {
            Before::Changed(row) => {
                self.list[place as usize].row = row;
                self.live += row.map_or(0, length);
                look(self.slice(key), self.staged(row));
            }
            // A new key stands last: what came later has been taken back before.
            Before::Unchanged => {
                self.live -= length(key);
                self.list.pop();
                if let Ok(entry) = self.index.find_entry(hash, |known| *known == place) {
                    entry.remove();
                }
                look(self.slice(key), Staged::Unchanged);
            }
        }
        true
    }

    /// Key and row of each, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.list.iter().map(|change| (self.slice(change.key), change.row.map(|row| self.slice(row))))
    }

    /// Bytes of keys and rows.
    pub(crate) fn bytes(&self) -> usize {
        self.live
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Forgets everything, keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.arena.clear();
        self.list.clear();
        self.index.clear();
        self.undo.clear();
        self.live = 0;
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let is_it = |place: &u32| self.list.get(*place as usize).is_some_and(|change| self.slice(change.key) == key);
        self.index.find(hash, is_it).map(|place| *place as usize)
    }

    fn slice(&self, (from, to): Span) -> &[u8] {
        self.arena.get(from as usize..to as usize).unwrap_or_default()
    }

    /// Copies what stands into a new arena.
    fn sweep(&mut self) {
        let before = core::mem::take(&mut self.arena);
        let mut arena = Vec::with_capacity(self.live + SLACK);
        let mut keep = |(from, to): Span| {
            let at = position(arena.len());
            arena.extend_from_slice(before.get(from as usize..to as usize).unwrap_or_default());
            (at, position(arena.len()))
        };
        for change in &mut self.list {
            change.key = keep(change.key);
            change.row = change.row.map(&mut keep);
        }
        self.arena = arena;
    }
}

fn length((from, to): Span) -> usize {
    (to - from) as usize
}

fn position(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(changes: &Changes) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        changes.iter().map(|(key, row)| (key.to_vec(), row.map(<[u8]>::to_vec))).collect()
    }

    fn set(changes: &mut Changes, key: &str, row: Option<&str>) {
        changes.set(key.as_bytes(), row.map(|row| [b"h".as_slice(), row.as_bytes()]));
    }

    #[test]
    fn a_row_that_changes_again_keeps_its_place() {
        let mut changes = Changes::default();
        for (key, row) in [("b", Some("1")), ("a", Some("2")), ("b", None), ("c", Some("")), ("a", Some("3"))] {
            set(&mut changes, key, row);
        }
        let row = |row: &str| Some(row.as_bytes().to_vec());
        assert_eq!(rows(&changes), [(b"b".to_vec(), None), (b"a".to_vec(), row("h3")), (b"c".to_vec(), row("h"))]);
        assert_eq!(changes.get(b"b"), Staged::Changed(None));
        assert_eq!(changes.get(b"d"), Staged::Unchanged);
        assert_eq!(changes.bytes(), 6);
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace() {
        let mut changes = Changes::default();
        set(&mut changes, "a", Some("1"));
        set(&mut changes, "b", None);
        changes.mark();
        let before = (rows(&changes), changes.bytes());
        for (key, row) in [("a", Some("22")), ("c", Some("1")), ("b", Some("1")), ("a", None), ("c", None), ("d", None)]
        {
            set(&mut changes, key, row);
        }
        while changes.take_back(|_, _| ()) {}
        assert_eq!((rows(&changes), changes.bytes()), before);
        assert_eq!(changes.get(b"c"), Staged::Unchanged);
        set(&mut changes, "c", Some("9"));
        assert_eq!(changes.get(b"c"), Staged::Changed(Some(b"h9")));
    }

    #[test]
    fn a_row_that_changes_without_end_takes_bounded_room() {
        let mut changes = Changes::default();
        let row = "x".repeat(1_000);
        for _ in 0..10_000 {
            changes.mark();
            set(&mut changes, "a", Some(&row));
            set(&mut changes, "b", None);
        }
        assert!(changes.arena.len() < 2 * SLACK, "{} bytes for one row", changes.arena.len());
        assert_eq!(changes.bytes(), 1_003);
        assert_eq!(changes.get(b"b"), Staged::Changed(None));
    }
}
