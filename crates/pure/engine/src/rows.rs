//! The rows of a lane during a transaction: the store below, the changes on top, and who wants to be woken.
//!
//! A row in the store and on the changelog is its wake-up (8 bytes, microseconds, big endian;
//! the greatest number for none) followed by the stage's own bytes: a wake-up is part of the row
//! that asked for it, commits with it and cannot be left behind.

use std::collections::BTreeSet;

use baton_domain::LogTime;

use crate::Store;
use crate::changes::{Changes, Staged};

const HEAD: usize = 8;

/// Changes not yet committed, and the index of wake-ups.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    changes: Changes,
    wakes: BTreeSet<(LogTime, Vec<u8>)>,
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
        if let Some((_, Some(due))) = row {
            self.wakes.insert((due, key.to_vec()));
        }
        match row {
            Some((value, wake)) => self.changes.set(key, Some([&head(wake), value])),
            None => self.changes.set(key, None),
        }
    }

    /// What changes from here on can be taken back.
    pub(crate) fn mark(&mut self) {
        self.changes.mark();
    }

    /// Takes back the changes made since the mark, wake-ups too.
    pub(crate) fn back_to_mark(&mut self, store: &dyn Store) {
        let Self { changes, wakes } = self;
        let mut is_before = false;
        while changes.take_back(|key, row| {
            let row = match row {
                Staged::Changed(row) => row,
                Staged::Unchanged => store.get(key),
            };
            match row.and_then(due_of) {
                Some(due) if is_before => wakes.insert((due, key.to_vec())),
                Some(due) => wakes.remove(&(due, key.to_vec())),
                None => false,
            };
            is_before = !is_before;
        }) {}
    }

    /// Bytes that the changes will take on the changelog.
    pub(crate) fn bytes(&self) -> usize {
        self.changes.bytes()
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
            self.put_raw(key, &value);
        }
    }

    /// Sets a row that is not woken.
    pub(crate) fn put_raw(&mut self, key: &[u8], value: &[u8]) {
        self.changes.set(key, Some([&head(None), value]));
    }

    /// The changes, for the changelog and the store, in the order in which each row was changed first.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes.iter()
    }

    /// Whether there is anything to commit.
    pub(crate) fn is_clean(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes are in the store now.
    pub(crate) fn settled(&mut self) {
        self.changes.clear();
    }

    /// The changes never happened: the wake-ups are again those of the store.
    pub(crate) fn undo(&mut self, store: &dyn Store) {
        for (key, row) in self.changes.iter() {
            if let Some(due) = row.and_then(due_of) {
                self.wakes.remove(&(due, key.to_vec()));
            }
            if let Some(due) = store.get(key).and_then(due_of) {
                self.wakes.insert((due, key.to_vec()));
            }
        }
        self.changes.clear();
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
            Staged::Changed(row) => row,
            Staged::Unchanged => store.get(key),
        }
    }
}

/// What stands in front of a row.
fn head(wake: Option<LogTime>) -> [u8; HEAD] {
    wake.map_or(i64::MAX, |due| due.0).to_be_bytes()
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
