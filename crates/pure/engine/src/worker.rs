//! One worker: a group consumer, a transactional producer and the lanes the group gave it.
//!
//! [`Worker::turn`] takes in what is there, judges it, and, when there is nothing more to take in
//! or a bound is reached, commits outputs, state, totals and positions in one transaction.
//!
//! Holds: no transaction is open between turns; a lane reads nothing before it is fenced and
//! restored; after a fault either the transaction is undone and its lanes read again from their
//! committed offsets, or, when its outcome is unknown, they are restored from the log, which knows.

mod restore;

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{LogTime, Millis};

use crate::lane::{Desk, Lane};
use crate::ledger::Accounts;
use crate::log::{Event, Fault, Log, Part, Polled};
use crate::outbox::Outbox;
use crate::processor::{Incoming, Processor, Verdict};
use crate::spec::{Limits, Spread, StageSpec};
use crate::{Store, StoreError};

/// Why a worker must end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Another instance took over; this one can write nothing.
    Fenced(String),
    /// The cluster, or what is on it, does not fit the configuration.
    Config(String),
    /// The local store cannot be written.
    Store(String),
}

/// What a turn did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Records taken in.
    pub records: usize,
    /// Whether a transaction was committed.
    pub committed: bool,
    /// Whether nothing is left to do until something arrives.
    pub idle: bool,
}

/// Running counts of a worker, for metrics. They start at zero with the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records taken in.
    pub records: u64,
    /// Transactions committed.
    pub committed: u64,
    /// Transactions undone.
    pub aborted: u64,
    /// Producers taken up anew.
    pub fenced: u64,
    /// Records written, changelog included.
    pub written: u64,
    /// Milliseconds spent from begin to verdict.
    pub transaction_ms: u64,
    /// Of these, milliseconds from asking for a commit to its verdict.
    pub commit_ms: u64,
}

/// The state of a lane, for health and metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneStatus {
    /// Which lane.
    pub lane: i32,
    /// Which of the group's gifts it came with, counted by the worker.
    pub given: u64,
    /// Changelog records still to restore; `None` when the lane is running.
    pub restoring: Option<i64>,
    /// Its log time.
    pub now: Option<LogTime>,
    /// Records that wait for their turn in the order.
    pub waiting: usize,
    /// Rows that want to be woken.
    pub wakes: usize,
    /// When the first of them does.
    pub soonest: Option<LogTime>,
    /// Rows in the store.
    pub rows: usize,
    /// Committed offsets.
    pub offsets: BTreeMap<Part, i64>,
    /// Parts of which records were read and wait: for another producer's time, or for another part.
    pub held_up: BTreeSet<Part>,
    /// Records taken in less what became of them, as committed: 0, or a defect.
    pub error: i64,
}

enum Slot<S> {
    /// Given by the group, or thrown back by a fault; nothing read yet.
    Fresh(Option<S>),
    /// Reading its changelog up to `end`.
    Restoring { store: S, position: i64, end: i64, moved_at: Millis },
    /// Judging.
    Running(Box<Lane<S>>),
    /// Between two of the above.
    Moving,
}

/// One worker of a stage.
pub struct Worker<P, S, F> {
    spec: StageSpec,
    limits: Limits,
    processor: P,
    open_store: F,
    slots: BTreeMap<i32, Slot<S>>,
    /// How often the group gave lanes, and with which of those times each came.
    gifts: u64,
    joined: bool,
    given: BTreeMap<i32, u64>,
    outbox: Outbox,
    stats: Stats,
    accounts: Accounts,
    fenced: bool,
    pending: usize,
    pending_since: Option<Millis>,
    committed_at: Millis,
    checkpoint_at: Millis,
    backoff_ms: i64,
    more: bool,
    /// Whose turn it is to be judged first, if it is there.
    first_lane: i32,
    held: BTreeSet<Part>,
    last_fault: Option<String>,
}

impl<P, S, F> Worker<P, S, F>
where
    P: Processor,
    S: Store,
    F: FnMut(i32) -> Result<S, StoreError>,
{
    /// A worker that owns nothing yet. `open_store` opens the local store of a lane.
    pub fn new(spec: StageSpec, limits: Limits, processor: P, open_store: F) -> Self {
        Self {
            spec,
            limits,
            processor,
            open_store,
            slots: BTreeMap::new(),
            gifts: 0,
            joined: false,
            given: BTreeMap::new(),
            outbox: Outbox::default(),
            stats: Stats::default(),
            accounts: Accounts::default(),
            fenced: false,
            pending: 0,
            pending_since: None,
            committed_at: Millis(0),
            checkpoint_at: Millis(0),
            backoff_ms: 0,
            more: false,
            first_lane: 0,
            held: BTreeSet::new(),
            last_fault: None,
        }
    }

    /// Does what there is to do, waiting at most a bounded time.
    pub fn turn<L: Log>(&mut self, log: &mut L) -> Result<Turn, Stop> {
        if !self.fenced {
            match log.fence() {
                Ok(()) => self.took_over(),
                Err(fault) => {
                    self.retry_later(fault)?;
                    self.take_in(log, 0)?;
                    return Ok(Turn::default());
                }
            }
        }
        // A lane that begins to run in this turn has not been read yet.
        let was_busy = self.is_busy();
        let polled = self.take_in(log, self.limits.records)?;
        if !self.fenced {
            // Nothing may be asked of the log before the fence of the next turn.
            return Ok(Turn::default());
        }
        self.restore(log)?;
        self.judge(log.now(), polled.drained);
        self.hold_crowded(log)?;
        let committed = self.is_due(polled, log.now()) && self.transact(log)?;
        self.checkpoint(log);
        let idle = polled.records == 0 && !committed && !was_busy && !self.is_busy();
        Ok(Turn { records: polled.records, committed, idle })
    }

    /// Commits what is pending and leaves a checkpoint of every lane.
    pub fn close<L: Log>(&mut self, log: &mut L) -> Result<(), Stop> {
        if !self.fenced || (self.has_work() && !self.transact(log)?) {
            return Ok(());
        }
        self.checkpoint_at = Millis(i64::MIN);
        self.checkpoint(log);
        for slot in self.slots.values_mut() {
            if let Slot::Running(lane) = slot {
                lane.touch();
            }
        }
        self.transact(log).map(drop)
    }

    /// The last fault that was survived, once.
    pub fn take_fault(&mut self) -> Option<String> {
        self.last_fault.take()
    }

    /// Name and version of the rules that the stage judged by last, where it has any.
    pub fn in_force(&self) -> Option<(String, i64)> {
        self.processor.in_force()
    }

    /// Whether its group has ever taken it in. One for which there is no lane stands by.
    pub fn has_joined(&self) -> bool {
        self.joined
    }

    /// The counts so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// What its lanes took in and what became of it, as far as it has committed.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Every lane's state.
    pub fn lanes(&self) -> Vec<LaneStatus> {
        let given = |lane| self.given.get(lane).copied().unwrap_or(0);
        self.slots.iter().map(|(lane, slot)| LaneStatus { given: given(lane), ..status(*lane, slot) }).collect()
    }

    /// The committed rows of a lane that runs.
    pub fn store(&self, lane: i32) -> Option<&S> {
        match self.slots.get(&lane) {
            Some(Slot::Running(lane)) => Some(&lane.store),
            _ => None,
        }
    }

    /// Visits every committed row of the lanes that run, without what the engine keeps of its own.
    pub fn rows(&self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        for slot in self.slots.values() {
            if let Slot::Running(lane) = slot {
                lane.rows(visit);
            }
        }
    }

    fn took_over(&mut self) {
        self.fenced = true;
        self.stats.fenced += 1;
        self.backoff_ms = 0;
    }

    fn take_in<L: Log>(&mut self, log: &mut L, max: usize) -> Result<Polled, Stop> {
        let wait = if self.is_busy() { self.backoff_ms } else { self.limits.idle_ms.max(self.backoff_ms) };
        let Self { spec, limits, processor, slots, outbox, joined, .. } = self;
        let (mut assigned, mut revoked) = (Vec::new(), Vec::new());
        let result = log.poll(wait, max, &mut |event| match event {
            Event::Record { part: (input, partition), offset, appended, key, value, headers } => {
                if let Some(lane) = running(slots, spec, (input, partition)) {
                    let record = Incoming { input, partition, offset, appended, key, value, headers };
                    lane.accept(&mut Desk { spec, limits, processor, outbox }, &record);
                }
            }
            Event::End { part, offset } => {
                if let Some(lane) = running(slots, spec, part) {
                    lane.end(part, offset);
                }
            }
            Event::Ahead(records) => warm(slots, spec, records),
            Event::Assigned(lanes) => {
                *joined = true;
                assigned.extend(lanes);
            }
            Event::Revoked(lanes) => {
                assigned.retain(|lane| !lanes.contains(lane));
                revoked.extend(lanes);
            }
        });
        match result {
            Ok(polled) => {
                self.stats.records += polled.records as u64;
                self.pending += polled.records;
                self.regroup(log, &assigned, &revoked)?;
                Ok(polled)
            }
            Err(fault) => {
                self.regroup(log, &assigned, &revoked)?;
                self.recover(log, fault).map(|()| Polled::default())
            }
        }
    }

    /// Lanes come and go. What is pending is undone when a lane leaves: it may be shared with it.
    fn regroup<L: Log>(&mut self, log: &mut L, assigned: &[i32], revoked: &[i32]) -> Result<(), Stop> {
        if !revoked.is_empty() {
            let had_work = self.has_work();
            for lane in revoked {
                if let Some(Slot::Restoring { .. }) = self.slots.remove(lane) {
                    log.restore_stop(*lane);
                }
            }
            if had_work {
                self.undo(log)?;
            }
        }
        self.gifts += u64::from(!assigned.is_empty());
        for lane in assigned {
            self.given.insert(*lane, self.gifts);
            self.slots.insert(*lane, Slot::Fresh(None));
        }
        Ok(())
    }

    fn judge(&mut self, host: Millis, drained: bool) {
        let Self { spec, processor, slots, outbox, limits, .. } = self;
        self.more = false;
        // The room in a transaction goes to another lane first each time, or a busy one would starve the others.
        let first = slots.range(self.first_lane..).next().map_or(i32::MIN, |(lane, _)| *lane);
        self.first_lane = first.saturating_add(1);
        let (before, from): (Vec<_>, Vec<_>) = slots.iter_mut().partition(|(lane, _)| **lane < first);
        for (_, slot) in from.into_iter().chain(before) {
            let Slot::Running(lane) = slot else { continue };
            let mut desk = Desk { spec, limits, processor, outbox };
            self.more |= lane.drain(&mut desk);
            // The host's time may only pass what has been heard: what happened before it, and still
            // lies unread, must not come after it.
            if drained
                && lane.is_at_end()
                && let Some(to) = desk.processor.idle(lane.now(), host)
            {
                self.more |= lane.advance(&mut desk, to);
            }
        }
    }

    /// Parts that run ahead of the others are held, so that memory is bounded.
    fn hold_crowded<L: Log>(&mut self, log: &mut L) -> Result<(), Stop> {
        let lanes =
            || self.slots.values().filter_map(|slot| if let Slot::Running(lane) = slot { Some(lane) } else { None });
        let Limits { waiting, waiting_bytes, .. } = self.limits;
        let crowded: BTreeSet<Part> = lanes().flat_map(|lane| lane.crowded(waiting, waiting_bytes)).collect();
        let still: BTreeSet<Part> = lanes().flat_map(|lane| lane.crowded(waiting / 2, waiting_bytes / 2)).collect();
        let hold: Vec<Part> = crowded.difference(&self.held).copied().collect();
        let release: Vec<Part> = self.held.difference(&still).copied().collect();
        for (parts, on) in [(hold, true), (release, false)] {
            if parts.is_empty() {
                continue;
            }
            if let Err(fault) = log.hold(&parts, on) {
                return self.recover(log, fault);
            }
            for part in parts {
                if on {
                    self.held.insert(part)
                } else {
                    self.held.remove(&part)
                };
            }
        }
        Ok(())
    }

    fn is_due(&mut self, polled: Polled, now: Millis) -> bool {
        if !self.has_work() {
            self.pending_since = None;
            self.pending = 0;
            return self.has_moved() && polled.drained && now.since(self.committed_at) > self.limits.idle_ms;
        }
        let since = *self.pending_since.get_or_insert(now);
        polled.drained
            || self.more
            || self.pending >= self.limits.records
            || self.outbox.bytes() >= self.limits.bytes
            || now.since(since) >= self.limits.age_ms
    }

    /// Commits everything pending. Returns whether it did.
    fn transact<L: Log>(&mut self, log: &mut L) -> Result<bool, Stop> {
        let began = log.now();
        let Self { spec, limits, processor, slots, outbox, .. } = self;
        let mut offsets = Vec::new();
        for slot in slots.values_mut() {
            if let Slot::Running(lane) = slot
                && (lane.is_dirty() || lane.has_moved())
            {
                if let Some(why) = lane.halted() {
                    return Err(Stop::Config(format!("{} lane {}: {why}", spec.name, lane.id)));
                }
                lane.seal(&mut Desk { spec, limits, processor, outbox });
                offsets.extend(lane.offsets());
            }
        }
        let asked = match write(log, &self.outbox, &offsets) {
            Ok(asked) => asked,
            Err(fault) => return self.recover(log, fault).map(|()| false),
        };
        self.stats.commit_ms += u64::try_from(log.now().since(asked)).unwrap_or(0);
        self.stats.committed += 1;
        self.stats.written += self.outbox.len() as u64;
        self.processor.verdict(Verdict::Committed);
        for slot in self.slots.values_mut() {
            if let Slot::Running(lane) = slot
                && (lane.is_dirty() || lane.has_moved())
            {
                lane.account(&mut self.accounts);
                lane.settle().map_err(|error| Stop::Store(error.0))?;
            }
        }
        self.committed_at = log.now();
        self.stats.transaction_ms += u64::try_from(self.committed_at.since(began)).unwrap_or(0);
        self.outbox.clear();
        self.pending = 0;
        self.pending_since = None;
        self.backoff_ms = 0;
        if log.suspect() {
            self.fenced = false;
        }
        Ok(true)
    }

    /// The way out of a fault.
    fn recover<L: Log>(&mut self, log: &mut L, fault: Fault) -> Result<(), Stop> {
        self.stats.aborted += 1;
        match fault {
            Fault::Abort(_) if log.abort().is_ok() => {
                // A request of the undone transaction may still be under way.
                self.fenced &= !log.suspect();
                self.undo(log)?;
                self.retry_later(fault)
            }
            Fault::Abort(_) | Fault::Fatal(_) => {
                self.fenced = false;
                self.outbox.clear();
                self.processor.verdict(Verdict::Undone);
                self.pending = 0;
                for slot in self.slots.values_mut() {
                    *slot = match core::mem::replace(slot, Slot::Moving) {
                        Slot::Running(lane) => Slot::Fresh(Some(lane.into_store())),
                        _ => Slot::Fresh(None),
                    };
                }
                self.held.clear();
                self.retry_later(fault)
            }
            Fault::Fenced(why) => Err(Stop::Fenced(why)),
            Fault::Config(why) => Err(Stop::Config(why)),
        }
    }

    fn undo<L: Log>(&mut self, log: &mut L) -> Result<(), Stop> {
        self.outbox.clear();
        self.processor.verdict(Verdict::Undone);
        self.pending = 0;
        self.pending_since = None;
        let mut parts = Vec::new();
        for slot in self.slots.values_mut() {
            if let Slot::Running(lane) = slot {
                parts.extend(lane.undo());
            }
        }
        self.held.clear();
        match log.start(&parts) {
            Ok(()) => Ok(()),
            Err(Fault::Fenced(why)) => Err(Stop::Fenced(why)),
            Err(Fault::Config(why)) => Err(Stop::Config(why)),
            // What is read now is not what was asked for: start over, as after any fault without a verdict.
            Err(Fault::Abort(why) | Fault::Fatal(why)) => self.recover(log, Fault::Fatal(why)),
        }
    }

    /// Faults that pass are tried again after a pause that doubles up to a second.
    fn retry_later(&mut self, fault: Fault) -> Result<(), Stop> {
        match fault {
            Fault::Fenced(why) => Err(Stop::Fenced(why)),
            Fault::Config(why) => Err(Stop::Config(why)),
            Fault::Abort(why) | Fault::Fatal(why) => {
                self.last_fault = Some(why);
                self.backoff_ms = (self.backoff_ms * 2).clamp(10, 1_000);
                Ok(())
            }
        }
    }

    fn checkpoint<L: Log>(&mut self, log: &mut L) {
        let now = log.now();
        if self.has_work() || now.since(self.checkpoint_at) < self.limits.checkpoint_ms {
            return;
        }
        self.checkpoint_at = now;
        for (id, slot) in &mut self.slots {
            let Slot::Running(lane) = slot else { continue };
            // Without an answer there is no checkpoint this time, and nothing is lost.
            let Ok(end) = log.changelog_end(*id) else { break };
            lane.propose_checkpoint(end);
        }
    }

    fn has_work(&self) -> bool {
        self.slots.values().any(|slot| matches!(slot, Slot::Running(lane) if lane.is_dirty()))
    }

    fn has_moved(&self) -> bool {
        self.slots.values().any(|slot| matches!(slot, Slot::Running(lane) if lane.has_moved()))
    }

    fn is_busy(&self) -> bool {
        self.more || self.has_work() || self.slots.values().any(|slot| !matches!(slot, Slot::Running(_)))
    }
}

fn running<'a, S>(slots: &'a mut BTreeMap<i32, Slot<S>>, spec: &StageSpec, part: Part) -> Option<&'a mut Lane<S>> {
    let lane = match spec.inputs.get(part.0)?.spread {
        Spread::Own => part.1,
        Spread::All => 0,
    };
    match slots.get_mut(&lane) {
        Some(Slot::Running(lane)) => Some(lane),
        _ => None,
    }
}

/// Most rows go by the keys of records.
fn warm<S: Store>(slots: &mut BTreeMap<i32, Slot<S>>, spec: &StageSpec, records: &[(Part, &[u8])]) {
    for of_part in records.chunk_by(|(one, _), (next, _)| one == next) {
        let lane = of_part.first().and_then(|(part, _)| running(slots, spec, *part));
        if let Some(lane) = lane {
            let keys: Vec<&[u8]> = of_part.iter().map(|(_, key)| *key).collect();
            lane.store.warm(&keys);
        }
    }
}

/// Positions first: while the last transaction's markers are still being written, librdkafka asks for them again
/// after milliseconds, but for partitions to write to after 20 ms. Returns when the commit was asked for.
fn write<L: Log>(log: &mut L, outbox: &Outbox, offsets: &[(Part, i64)]) -> Result<Millis, Fault> {
    log.begin()?;
    log.send_offsets(offsets)?;
    log.produce_all(outbox)?;
    let asked = log.now();
    log.commit()?;
    Ok(asked)
}

fn status<S: Store>(lane: i32, slot: &Slot<S>) -> LaneStatus {
    let blank = LaneStatus { lane, restoring: Some(0), ..LaneStatus::default() };
    match slot {
        Slot::Running(running) => running.status(),
        Slot::Restoring { position, end, store, .. } => {
            LaneStatus { restoring: Some(end - position), rows: store.len(), ..blank }
        }
        Slot::Fresh(_) | Slot::Moving => blank,
    }
}
