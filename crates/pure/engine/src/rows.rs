//! The rows of a lane during a transaction: the store below, the changes on top, and who wants to be woken.
//!
//! A row in the store and on the changelog is its wake-up (8 bytes, microseconds, big endian;
//! the greatest number for none) followed by the stage's own bytes: a wake-up is part of the row
//! that asked for it, commits with it and cannot be left behind.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::LogTime;

use crate::Store;

const HEAD: usize = 8;

/// Changes not yet committed, and the index of wake-ups.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    wakes: BTreeSet<(LogTime, Vec<u8>)>,
    /// Bytes of the changes.
    bytes: usize,
    /// What each key that changed since the mark had before, oldest first.
    before: Vec<(Vec<u8>, Before)>,
}

/// What a key had in the changes.
#[derive(Debug)]
enum Before {
    /// Nothing: its row is the store's.
    Unchanged,
    /// A row, or that it is deleted.
    Changed(Option<Vec<u8>>),
}

impl Rows {
    /// The stage's bytes of a row.
    pub(crate) fn get<'a>(&'a self, store: &'a dyn Store, key: &[u8]) -> Option<&'a [u8]> {
        self.whole(store, key).and_then(|row| row.get(HEAD..))
    }

    /// Sets or deletes a row.
    pub(crate) fn put(&mut self, store: &dyn Store, key: &[u8], row: Option<(&[u8], Option<LogTime>)>) {
        if let Some(due) = self.whole(store, key).and_then(due_of) {
            self.wakes.remove(&(due, key.to_vec()));
        }
        let row = row.map(|(value, wake)| {
            if let Some(due) = wake {
                self.wakes.insert((due, key.to_vec()));
            }
            encode(value, wake)
        });
        let before = self.change(key, row);
        self.before.push((key.to_vec(), before));
    }

    /// What changes from here on can be taken back.
    pub(crate) fn mark(&mut self) {
        self.before.clear();
    }

    /// Takes back the changes made by [`Rows::put`] since the mark, wake-ups too.
    pub(crate) fn back_to_mark(&mut self, store: &dyn Store) {
        for (key, before) in core::mem::take(&mut self.before).into_iter().rev() {
            if let Some(due) = self.whole(store, &key).and_then(due_of) {
                self.wakes.remove(&(due, key.clone()));
            }
            self.bytes -= self.changes.get(&key).map_or(0, |row| weight(&key, row.as_deref()));
            match before {
                Before::Changed(row) => {
                    self.bytes += weight(&key, row.as_deref());
                    self.changes.insert(key.clone(), row);
                }
                Before::Unchanged => {
                    self.changes.remove(&key);
                }
            }
            if let Some(due) = self.whole(store, &key).and_then(due_of) {
                self.wakes.insert((due, key));
            }
        }
    }

    /// Bytes that the changes will take on the changelog.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn change(&mut self, key: &[u8], row: Option<Vec<u8>>) -> Before {
        self.bytes += weight(key, row.as_deref());
        let Some(before) = self.changes.insert(key.to_vec(), row) else { return Before::Unchanged };
        self.bytes -= weight(key, before.as_deref());
        Before::Changed(before)
    }

    /// The key of the first wake-up due at or before `at`, with its time.
    pub(crate) fn first_due(&self, at: LogTime) -> Option<(LogTime, Vec<u8>)> {
        self.wakes.first().filter(|(due, _)| *due <= at).cloned()
    }

    /// The wake-up of a row has been given: it is not given again unless the row asks anew.
    pub(crate) fn given(&mut self, store: &dyn Store, key: &[u8], due: LogTime) {
        self.wakes.remove(&(due, key.to_vec()));
        if let Some(row) = self.whole(store, key)
            && due_of(row) == Some(due)
        {
            let value = row.get(HEAD..).unwrap_or_default().to_vec();
            self.change(key, Some(encode(&value, None)));
        }
    }

    /// Sets a row of the engine's own, which is never woken.
    pub(crate) fn put_raw(&mut self, key: &[u8], value: &[u8]) {
        self.change(key, Some(encode(value, None)));
    }

    /// The changes, for the changelog and the store, in key order.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes.iter().map(|(key, row)| (key.as_slice(), row.as_deref()))
    }

    /// Whether there is anything to commit.
    pub(crate) fn is_clean(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes are in the store now.
    pub(crate) fn settled(&mut self) {
        self.changes.clear();
        self.before.clear();
        self.bytes = 0;
    }

    /// The changes never happened: the wake-ups are again those of the store.
    pub(crate) fn undo(&mut self, store: &dyn Store) {
        self.before.clear();
        self.bytes = 0;
        for (key, row) in core::mem::take(&mut self.changes) {
            if let Some(due) = row.as_deref().and_then(due_of) {
                self.wakes.remove(&(due, key.clone()));
            }
            if let Some(due) = store.get(&key).and_then(due_of) {
                self.wakes.insert((due, key));
            }
        }
    }

    /// Rebuilds the index of wake-ups from a restored store.
    pub(crate) fn index(&mut self, store: &dyn Store) {
        self.settled();
        self.wakes.clear();
        store.each(&mut |key, row| {
            if let Some(due) = due_of(row) {
                self.wakes.insert((due, key.to_vec()));
            }
        });
    }

    /// How many rows wait to be woken.
    pub(crate) fn waiting(&self) -> usize {
        self.wakes.len()
    }

    fn whole<'a>(&'a self, store: &'a dyn Store, key: &[u8]) -> Option<&'a [u8]> {
        match self.changes.get(key) {
            Some(row) => row.as_deref(),
            None => store.get(key),
        }
    }
}

fn weight(key: &[u8], row: Option<&[u8]>) -> usize {
    key.len() + row.map_or(0, <[u8]>::len)
}

fn encode(value: &[u8], wake: Option<LogTime>) -> Vec<u8> {
    let mut row = Vec::with_capacity(HEAD + value.len());
    row.extend_from_slice(&wake.map_or(i64::MAX, |due| due.0).to_be_bytes());
    row.extend_from_slice(value);
    row
}

fn due_of(row: &[u8]) -> Option<LogTime> {
    let head: [u8; HEAD] = row.get(..HEAD)?.try_into().ok()?;
    let due = i64::from_be_bytes(head);
    (due != i64::MAX).then_some(LogTime(due))
}

/// The stage's bytes of a whole row.
pub(crate) fn body(row: &[u8]) -> &[u8] {
    row.get(HEAD..).unwrap_or_default()
}
