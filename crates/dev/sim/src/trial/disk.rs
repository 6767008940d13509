//! The local stores of one process: what outlives it, and what comes back old.
//!
//! Holds: a store comes back as it was after some commit, or empty; never with half a frame.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use baton_engine::{Store, StoreError};

use crate::broker::Broker;

/// Older than this a store is not used again: the changelog's tombstones may be gone.
const KEPT_MS: i64 = 10_000;
/// Tombstones stay for longer than any store is kept, and longer than any process stands still.
pub(super) const TOMBSTONES_MS: i64 = KEPT_MS + 40_000;

pub(super) type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// What lies on a disk for one lane.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) rows: Rows,
    pub(super) position: i64,
    written: i64,
    commits: u64,
    earlier: Option<Box<Disk>>,
}

/// The disk of one process, by lane.
pub(super) type Disks = Rc<RefCell<BTreeMap<i32, Rc<RefCell<Disk>>>>>;

/// What a crash does to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    None,
    /// Comes back as it was some commits ago.
    Recent,
    All,
}

/// The disk that the next process of an instance finds.
pub(super) fn after(disks: &Disks, loss: Loss, now: i64) -> Disks {
    let disks = disks.borrow();
    let found = disks.iter().filter_map(|(lane, disk)| {
        let disk = disk.borrow();
        let disk = match loss {
            Loss::None => disk.clone(),
            Loss::Recent => disk.earlier.as_deref().cloned().unwrap_or_default(),
            Loss::All => return None,
        };
        (now - disk.written <= KEPT_MS).then(|| (*lane, Rc::new(RefCell::new(disk))))
    });
    Rc::new(RefCell::new(found.collect()))
}

/// An open store over a [`Disk`].
pub(super) struct DiskStore {
    rows: Rows,
    position: i64,
    frame: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    disk: Rc<RefCell<Disk>>,
    broker: Rc<RefCell<Broker>>,
}

impl DiskStore {
    pub(super) fn open(disks: &Disks, lane: i32, broker: &Rc<RefCell<Broker>>) -> Self {
        let disk = Rc::clone(disks.borrow_mut().entry(lane).or_default());
        let now = broker.borrow().now().0;
        if now - disk.borrow().written > KEPT_MS {
            *disk.borrow_mut() = Disk { written: now, ..Disk::default() };
        }
        let (rows, position) = (disk.borrow().rows.clone(), disk.borrow().position);
        Self { rows, position, frame: Vec::new(), disk, broker: Rc::clone(broker) }
    }
}

impl Store for DiskStore {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.rows.get(key).map(Vec::as_slice)
    }

    fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        put(&mut self.rows, key, value);
        self.frame.push((key.to_vec(), value.map(<[u8]>::to_vec)));
    }

    fn commit(&mut self, position: Option<i64>) -> Result<(), StoreError> {
        self.position = position.unwrap_or(self.position).max(self.position);
        let mut disk = self.disk.borrow_mut();
        if disk.commits.is_multiple_of(4) {
            let earlier = Disk { earlier: None, ..disk.clone() };
            disk.earlier = Some(Box::new(earlier));
        }
        disk.commits += 1;
        for (key, value) in self.frame.drain(..) {
            put(&mut disk.rows, &key, value.as_deref());
        }
        disk.position = self.position;
        disk.written = self.broker.borrow().now().0;
        Ok(())
    }

    fn position(&self) -> i64 {
        self.position
    }

    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        self.rows.iter().for_each(|(key, value)| visit(key, value));
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.rows.clear();
        self.frame.clear();
        self.position = 0;
        *self.disk.borrow_mut() = Disk::default();
        self.commit(None)
    }
}

fn put(rows: &mut Rows, key: &[u8], value: Option<&[u8]>) {
    match value {
        Some(value) => drop(rows.insert(key.to_vec(), value.to_vec())),
        None => drop(rows.remove(key)),
    }
}
