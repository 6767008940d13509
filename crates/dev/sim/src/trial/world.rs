//! The processes of a trial, who turns when, and what befalls them.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use baton_engine::{Limits, Processor, Stop, StoreError, Worker};
use baton_pipeline::{Cleanup, Consumer, NoRegistry, Pace, Schemas};

use super::disk::{self, DiskStore, Disks, Loss, TOMBSTONES_MS};
use super::oracle::{self, Outcome, Witness};
use super::{NOW, Sample, Trial};
use crate::Headers;
use crate::broker::Broker;
use crate::client::{Fate, Flaw, Meanwhile, SimLog};
use crate::dice::Dice;
use crate::log::Record;

/// Processes that stand still within one another, at most.
const DEPTH: u32 = 2;
/// Milliseconds after the faults by which everything must be done.
const PATIENCE_MS: i64 = 120_000;

type Open = Box<dyn FnMut(i32) -> Result<DiskStore, StoreError>>;
type Hosted = Worker<Box<dyn Processor>, DiskStore, Open>;

/// A process: a worker and its log, as long as it lives.
struct Process {
    body: RefCell<Option<(Hosted, SimLog)>>,
    fate: Fate,
    disks: Disks,
}

/// One instance of a consumer: mostly one process, two when the first was wrongly taken for dead.
struct Slot {
    consumer: Consumer,
    instance: String,
    processes: Vec<Rc<Process>>,
    /// What the next process finds.
    disks: Disks,
    starts_at: Option<i64>,
}

pub(super) struct World {
    pub(super) broker: Rc<RefCell<Broker>>,
    pub(super) turns: Cell<u64>,
    pub(super) sample: Arc<Sample>,
    pub(super) fate: Fate,
    pub(super) dice: RefCell<Dice>,
    pub(super) fed: Cell<usize>,
    pub(super) witness: RefCell<Witness>,
    pub(super) failure: RefCell<Option<String>>,
    schemas: Rc<dyn Schemas>,
    flaw: Flaw,
    limits: Limits,
    slots: RefCell<Vec<Slot>>,
    depth: Cell<u32>,
    myself: Weak<World>,
}

impl World {
    pub(super) fn new(trial: Trial, sample: &Arc<Sample>) -> Rc<Self> {
        let mut dice = Dice::new(trial.seed);
        let mut broker = Broker::new(NOW, dice.below(u64::MAX));
        for topic in sample.topology.topics() {
            broker.create(&topic.name, topic.partitions, topic.cleanup == Cleanup::Compact);
        }
        for (topic, value) in &sample.before {
            let record = Record { appended: NOW, key: None, value: Some(value.clone()), headers: Headers::default() };
            broker.append(topic, 0, record);
        }
        if trial.is_told {
            broker.trace.tell();
        }
        let records = 3 + dice.index(60);
        let limits = Limits {
            records,
            wakes: records,
            bytes: 1 << (11 + dice.below(9)),
            idle_ms: 20 + dice.ms(200),
            checkpoint_ms: dice.ms(3_000),
            waiting: 4 + dice.index(200),
            ..Limits::default()
        };
        let fate = Fate::new(dice.below(u64::MAX));
        fate.strikes.set(8 + dice.below(120));
        fate.crashes.set(150 + dice.below(2_000));
        fate.pauses.set(150 + dice.below(2_000));
        let mut slots = Vec::new();
        for consumer in Consumer::ALL {
            for number in 0..=1 + dice.below(2) {
                slots.push(Slot {
                    consumer,
                    instance: number.to_string(),
                    processes: Vec::new(),
                    disks: Disks::default(),
                    starts_at: Some(NOW.0 + dice.ms(200)),
                });
            }
        }
        Rc::new_cyclic(|myself| Self {
            broker: Rc::new(RefCell::new(broker)),
            turns: Cell::default(),
            sample: Arc::clone(sample),
            fate,
            dice: RefCell::new(dice),
            fed: Cell::default(),
            witness: RefCell::default(),
            failure: RefCell::default(),
            schemas: Rc::new(NoRegistry),
            flaw: trial.flaw,
            limits,
            slots: RefCell::new(slots),
            depth: Cell::default(),
            myself: Weak::clone(myself),
        })
    }

    /// The whole trial. Returns how long it took to recover.
    pub(super) fn live(&self) -> Result<i64, String> {
        while self.fed.get() < self.sample.lines.len() {
            self.step();
            if let Some(what) = self.failure.take() {
                return Err(what);
            }
        }
        let took = self.recover()?;
        if self.dice.borrow_mut().one_in(3) {
            self.rebirth();
            self.recover()?;
        }
        let broker = self.broker.borrow();
        oracle::whole_or_nothing(&broker)?;
        self.witness.borrow_mut().compare(&broker)?;
        let topology = &self.sample.topology;
        let outcome = Outcome::of(|topic| oracle::records(&broker, &topology.full(topic)));
        self.sample.expected.compare(&outcome)?;
        outcome.balance(self.sample.lines.len() + self.sample.before.len())?;
        self.check_stores(&broker)?;
        Ok(took)
    }

    /// Something happens: mostly a turn of some process.
    pub(super) fn step(&self) {
        let throw = self.dice.borrow_mut().below(1_000);
        self.broker.borrow_mut().pass(1);
        self.start_due();
        if !self.befall(throw) {
            let count = self.slots.borrow().iter().map(|slot| slot.processes.len()).sum();
            let number = self.dice.borrow_mut().index(count);
            self.turn(number);
        }
    }

    /// No faults from here on, until nothing is left to do.
    fn recover(&self) -> Result<i64, String> {
        for rate in [&self.fate.strikes, &self.fate.crashes, &self.fate.pauses] {
            rate.set(0);
        }
        self.broker.borrow_mut().calm();
        for slot in self.slots.borrow_mut().iter_mut().filter(|slot| slot.processes.is_empty()) {
            slot.starts_at = Some(NOW.0);
        }
        let began = self.broker.borrow().now().0;
        loop {
            self.start_due();
            let count = self.slots.borrow().iter().map(|slot| slot.processes.len()).sum();
            let mut is_idle = true;
            for number in 0..count {
                is_idle &= self.turn(number);
            }
            self.broker.borrow_mut().pass(5);
            if let Some(what) = self.failure.take() {
                return Err(what);
            }
            let broker = self.broker.borrow();
            let took = broker.now().0 - began;
            let lag =
                if is_idle || took > PATIENCE_MS { oracle::lag(&broker, &self.sample.topology) } else { continue };
            match lag {
                None if is_idle => return Ok(took),
                None => return Err("the consumers have read everything and do not come to rest".to_owned()),
                Some(lag) if took > PATIENCE_MS => return Err(format!("the consumers do not recover: {lag}")),
                Some(_) => {}
            }
        }
    }

    /// Long after, with compacted changelogs and without what was deleted, everything starts anew.
    fn rebirth(&self) {
        let mut broker = self.broker.borrow_mut();
        broker.pass(2 * TOMBSTONES_MS);
        for consumer in Consumer::ALL {
            broker.compact(&consumer.spec(&self.sample.topology).changelog, i64::MAX, TOMBSTONES_MS);
        }
        drop(broker);
        for slot in self.slots.borrow_mut().iter_mut() {
            for process in slot.processes.drain(..) {
                if let Some((_, log)) = process.body.borrow_mut().take() {
                    log.leave();
                }
            }
            slot.disks = Disks::default();
        }
    }

    /// Every process's state is what its changelog comes to.
    fn check_stores(&self, broker: &Broker) -> Result<(), String> {
        for slot in self.slots.borrow().iter() {
            let spec = slot.consumer.spec(&self.sample.topology);
            for process in &slot.processes {
                let body = process.body.borrow();
                let Some((worker, _)) = body.as_ref() else { continue };
                for status in worker.lanes().iter().filter(|status| status.restoring.is_none()) {
                    let disks = process.disks.borrow();
                    let Some(disk) = disks.get(&status.lane).map(|disk| disk.borrow()) else { continue };
                    if disk.rows != oracle::fold(broker, &spec.changelog, status.lane) {
                        return Err(format!("the state of {} lane {} is not its changelog's", spec.name, status.lane));
                    }
                    let end = broker.end(&spec.changelog, status.lane);
                    if disk.position > end {
                        return Err(format!("{} lane {} is at {} of {end}", spec.name, status.lane, disk.position));
                    }
                }
            }
        }
        Ok(())
    }

    /// One turn of a process, counted over all slots. Returns whether it had nothing to do.
    fn turn(&self, number: usize) -> bool {
        let found = {
            let slots = self.slots.borrow();
            let all = slots.iter().enumerate();
            all.flat_map(|(index, slot)| slot.processes.iter().map(move |process| (index, Rc::clone(process))))
                .nth(number)
        };
        let Some((index, process)) = found else { return true };
        // One that stands still in the middle of a turn is on this very stack.
        let Ok(mut body) = process.body.try_borrow_mut() else { return true };
        let Some((worker, log)) = body.as_mut() else { return true };
        self.turns.set(self.turns.get() + 1);
        match worker.turn(log) {
            Ok(turn) => turn.idle,
            Err(stop) => {
                if !process.fate.is_dead() {
                    log.leave();
                }
                *body = None;
                drop(body);
                self.ended(index, &process, &stop);
                false
            }
        }
    }

    /// A process has ended: a crash and a lost race are part of life, anything else is a finding.
    fn ended(&self, index: usize, process: &Rc<Process>, stop: &Stop) {
        if !process.fate.is_dead() && !matches!(stop, Stop::Fenced(_)) {
            let consumer = self.slots.borrow().get(index).map(|slot| slot.consumer);
            self.failure.borrow_mut().get_or_insert_with(|| format!("{consumer:?} stopped: {stop:?}"));
        }
        self.bury(index, process, true);
    }

    fn bury(&self, index: usize, process: &Rc<Process>, may_lose: bool) {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = slots.get_mut(index) else { return };
        slot.processes.retain(|other| !Rc::ptr_eq(other, process));
        let mut dice = self.dice.borrow_mut();
        let loss = match dice.below(6) {
            _ if !may_lose => Loss::None,
            0 => Loss::All,
            1 | 2 => Loss::Recent,
            _ => Loss::None,
        };
        let mut broker = self.broker.borrow_mut();
        let now = broker.now().0;
        slot.disks = disk::after(&process.disks, loss, now);
        match loss {
            Loss::None => {}
            Loss::Recent => broker.trace.saw("a store came back old"),
            Loss::All => broker.trace.saw("a store was lost"),
        }
        if slot.processes.is_empty() {
            let most = if dice.one_in(4) { 9_000 } else { 100 };
            slot.starts_at = Some(now + dice.ms(most));
        }
    }

    /// Ends a process in good order.
    pub(super) fn close_one(&self) {
        let index = self.dice.borrow_mut().index(self.slots.borrow().len());
        let process = self.slots.borrow().get(index).and_then(|slot| slot.processes.first().cloned());
        let Some(process) = process else { return };
        let Ok(mut body) = process.body.try_borrow_mut() else { return };
        let Some((mut worker, mut log)) = body.take() else { return };
        let closed = worker.close(&mut log);
        log.leave();
        drop(body);
        match closed {
            Ok(()) => {
                self.broker.borrow_mut().trace.saw("a worker closed in good order");
                self.bury(index, &process, false);
            }
            Err(stop) => self.ended(index, &process, &stop),
        }
    }

    fn start_due(&self) {
        let now = self.broker.borrow().now().0;
        let due: Vec<usize> = {
            let mut slots = self.slots.borrow_mut();
            let due = slots.iter_mut().enumerate().filter(|(_, slot)| slot.starts_at.is_some_and(|at| at <= now));
            due.map(|(index, slot)| (slot.starts_at = None, index).1).collect()
        };
        for index in due {
            self.start(index);
        }
    }

    fn start(&self, index: usize) {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = slots.get_mut(index) else { return };
        let topology = &self.sample.topology;
        let spec = slot.consumer.spec(topology);
        let fate = self.fate.sibling();
        let world = Weak::clone(&self.myself);
        let meanwhile: Meanwhile = Rc::new(move || {
            if let Some(world) = world.upgrade() {
                world.stand_still(index);
            }
        });
        let log = SimLog::within(&self.broker, &spec, &slot.instance, fate.clone(), self.flaw, Some(meanwhile));
        let processor = slot.consumer.processor(topology, &self.sample.policy, &self.schemas, Pace::Log);
        let (disks, broker) = (Rc::clone(&slot.disks), Rc::clone(&self.broker));
        let open: Open = Box::new(move |lane| Ok(DiskStore::open(&disks, lane, &broker)));
        let worker = Worker::new(spec, self.limits, processor, open);
        let disks = std::mem::take(&mut slot.disks);
        slot.processes.push(Rc::new(Process { body: RefCell::new(Some((worker, log))), fate, disks }));
    }

    /// A process stands still in the middle of a call while all the others go on.
    fn stand_still(&self, index: usize) {
        if self.depth.get() >= DEPTH {
            return;
        }
        self.depth.set(self.depth.get() + 1);
        let (steps, jump, has_twin) = {
            let mut dice = self.dice.borrow_mut();
            // Most of the long pauses outlast a session, not a transaction.
            let jump = match dice.below(6) {
                0..=2 => 6_500 + dice.ms(8_000),
                3 => dice.ms(20_000),
                _ => 0,
            };
            (dice.below(120), jump, dice.one_in(3))
        };
        if has_twin && let Some(slot) = self.slots.borrow_mut().get_mut(index) {
            slot.starts_at.get_or_insert(NOW.0);
            self.broker.borrow_mut().trace.saw("a process that stood still was replaced");
        }
        // Time passes in pieces: the others show signs of life in between.
        for step in 0..=steps {
            self.broker.borrow_mut().pass(jump / i64::try_from(steps.max(1)).unwrap_or(1));
            if step < steps && self.fed.get() < self.sample.lines.len() {
                self.step();
            }
        }
        self.depth.set(self.depth.get() - 1);
    }
}
