//! A worker of the stage on its log, with a disk.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use baton_engine::{Limits, MemStore, Order, Part, Processor, Stop, Store, StoreError, Turn, Worker, Writers};

use crate::port::{PART, Port, World};
use crate::stage::{Counter, Sequencer, spec};

pub(crate) type Rows = Rc<RefCell<(BTreeMap<Vec<u8>, Vec<u8>>, i64)>>;
/// The keys that a store was told of beforehand, as often as it was, beside how many rows it had by then.
pub(crate) type Warmed = Rc<RefCell<Vec<(usize, Vec<String>)>>>;

/// A store whose committed frames outlive the worker, as on a disk.
pub(crate) struct Disk {
    rows: MemStore,
    kept: Rows,
    warmed: Warmed,
}

impl Disk {
    fn open(kept: &Rows, warmed: &Warmed) -> Self {
        let mut rows = MemStore::default();
        kept.borrow().0.iter().for_each(|(key, row)| rows.put(key, Some(row)));
        rows.commit(Some(kept.borrow().1)).unwrap();
        Self { rows, kept: Rc::clone(kept), warmed: Rc::clone(warmed) }
    }
}

impl Store for Disk {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.rows.get(key)
    }

    fn warm(&self, keys: &[&[u8]]) {
        let keys = keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect();
        self.warmed.borrow_mut().push((self.rows.len(), keys));
    }

    fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.rows.put(key, value);
    }

    fn commit(&mut self, position: Option<i64>) -> Result<(), StoreError> {
        self.rows.commit(position)?;
        let mut all = BTreeMap::new();
        self.rows.each(&mut |key, row| drop(all.insert(key.to_vec(), row.to_vec())));
        *self.kept.borrow_mut() = (all, self.rows.position());
        Ok(())
    }

    fn position(&self) -> i64 {
        self.rows.position()
    }

    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        self.rows.each(visit);
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.rows.clear()?;
        self.commit(None)
    }
}

type Open = Box<dyn FnMut(i32) -> Result<Disk, StoreError>>;

/// A worker on its log.
pub(crate) struct Bench {
    pub(crate) world: Rc<RefCell<World>>,
    pub(crate) port: Port,
    pub(crate) worker: Worker<Box<dyn Processor>, Disk, Open>,
    pub(crate) disk: Rows,
    pub(crate) warmed: Warmed,
}

impl Bench {
    /// One writer upstream.
    pub(crate) fn new() -> Self {
        Self::with(Limits::default(), Order::Stamped(Writers::First(1)))
    }

    pub(crate) fn with(limits: Limits, order: Order) -> Self {
        Self::on(&Rc::default(), &Rc::default(), limits, order)
    }

    /// Two inputs that are merged, each with one writer.
    pub(crate) fn merging(limits: Limits) -> Self {
        Self::build(&Rc::default(), &Rc::default(), limits, Order::Stamped(Writers::Own), 2)
    }

    pub(crate) fn on(world: &Rc<RefCell<World>>, disk: &Rows, limits: Limits, order: Order) -> Self {
        Self::build(world, disk, limits, order, if order == Order::Arrival { 2 } else { 1 })
    }

    fn build(world: &Rc<RefCell<World>>, disk: &Rows, limits: Limits, order: Order, inputs: usize) -> Self {
        let kept = Rc::clone(disk);
        let warmed = Warmed::default();
        let told = Rc::clone(&warmed);
        let open: Open = Box::new(move |_| Ok(Disk::open(&kept, &told)));
        let processor: Box<dyn Processor> =
            if order == Order::Arrival { Box::new(Sequencer(Counter)) } else { Box::new(Counter) };
        let worker = Worker::new(spec(order, inputs), limits, processor, open);
        Self { world: Rc::clone(world), port: Port::new(world), worker, disk: Rc::clone(disk), warmed }
    }

    /// The same after its process died: a new worker on the same log, with what is on the disk.
    pub(crate) fn reborn(&self) -> Self {
        Self::on(&self.world, &self.disk, Limits::default(), Order::Stamped(Writers::First(1)))
    }

    /// Puts a record on the log; without a key it is a tick.
    pub(crate) fn feed(&self, key: &str, value: &str) {
        self.feed_to(PART, key, value);
    }

    pub(crate) fn feed_to(&self, part: Part, key: &str, value: &str) {
        let key = (!key.is_empty()).then(|| key.to_owned());
        self.world.borrow_mut().input.entry(part).or_default().push(Some((key, value.to_owned())));
    }

    /// What a transaction leaves behind on an input.
    pub(crate) fn feed_marker(&self, part: Part) {
        self.world.borrow_mut().input.entry(part).or_default().push(None);
    }

    pub(crate) fn turn(&mut self) -> Turn {
        self.worker.turn(&mut self.port).unwrap()
    }

    /// Turns until nothing is left to do.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100 {
            if self.turn().idle {
                return;
            }
        }
        panic!("it never comes to rest: {:?}", self.port.calls);
    }

    /// Turns until the worker ends.
    pub(crate) fn stops(&mut self) -> Stop {
        (0..100).find_map(|_| self.worker.turn(&mut self.port).err()).expect("it goes on")
    }

    /// What was said since the last look.
    pub(crate) fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.world.borrow_mut().said)
    }

    /// The times told downstream since the last look.
    pub(crate) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.world.borrow_mut().told)
    }

    /// The newest ledger: `consumed/outcomes/fired`.
    pub(crate) fn ledger(&self) -> String {
        self.books().split(' ').next().unwrap_or_default().to_owned()
    }

    /// The newest ledger with all its counts.
    pub(crate) fn books(&self) -> String {
        self.world.borrow().ledgers.last().cloned().unwrap_or_default()
    }
}
