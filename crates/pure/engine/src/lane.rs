//! One lane: one partition's share of a stage, with its state and its place in log time.
//!
//! Holds: a wake-up due at `d` is given after every record stamped up to `d` and before any later
//! one; nothing reaches the store before its transaction has committed; an undone lane is exactly
//! as it was after its last commit.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{LogTime, Reason};
use serde::{Deserialize, Serialize};

use crate::arrivals::Arrivals;
use crate::headers;
use crate::ledger::{Accounts, Totals};
use crate::log::Part;
use crate::merge::{Mark, Merge, Queued, Turn};
use crate::outbox::{Outbox, Topic};
use crate::processor::{Ctx, Incoming, Processor, Stamped, Verdict};
use crate::rows::{self, Rows};
use crate::spec::{Limits, Order, StageSpec};
use crate::trace::Trace;
use crate::trial::Trial;
use crate::worker::LaneStatus;
use crate::{Store, StoreError};

/// The key of the engine's own row. No stage uses a key that starts with NUL.
const META: &[u8] = b"\0lane";

/// Rows that the store is told of at once before they are set.
const AT_ONCE: usize = 16;

/// What a lane remembers beside the stage's rows; commits with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    now: Option<LogTime>,
    told: Option<LogTime>,
    marks: Vec<((Part, i32), Mark)>,
    /// The greatest offset a part that went to the dead letters: it may be read again while an
    /// earlier record of the part still waits.
    refused: BTreeMap<Part, i64>,
    totals: Totals,
}

/// One lane of a stage.
pub(crate) struct Lane<S> {
    pub(crate) id: i32,
    pub(crate) store: S,
    rows: Rows,
    trial: Trial,
    merge: Merge,
    arrivals: Arrivals,
    now: LogTime,
    refused: BTreeMap<Part, i64>,
    totals: Totals,
    saved: Meta,
    /// The next offset to read of each part, as far as received.
    next: BTreeMap<Part, i64>,
    /// The offsets last committed.
    committed: BTreeMap<Part, i64>,
    /// Parts read to their end since the last record of them.
    ends: BTreeSet<Part>,
    /// A changelog end seen before the work under way: a checkpoint, once that work has committed.
    candidate: Option<i64>,
    dirty: bool,
    halt: Option<String>,
}

/// The parts of a worker that a lane borrows while it judges.
pub(crate) struct Desk<'a, P> {
    pub(crate) spec: &'a StageSpec,
    pub(crate) limits: &'a Limits,
    pub(crate) processor: &'a mut P,
    pub(crate) outbox: &'a mut Outbox,
}

impl<S: Store> Lane<S> {
    /// A lane over a restored store.
    pub(crate) fn open(id: i32, store: S, spec: &StageSpec, offsets: BTreeMap<Part, i64>) -> Self {
        let stamped = spec.parts_of(id).into_iter().filter_map(|part| match spec.inputs.get(part.0)?.order {
            Order::Stamped(writers) => Some((part, writers)),
            Order::Arrival => None,
        });
        let mut rows = Rows::default();
        rows.index(&store);
        let saved: Meta =
            store.get(META).and_then(|row| postcard::from_bytes(rows::body(row)).ok()).unwrap_or_default();
        let mut merge = Merge::new(stamped);
        merge.reset(&saved.marks);
        Self {
            id,
            rows,
            trial: Trial::default(),
            merge,
            arrivals: Arrivals::default(),
            now: saved.now.unwrap_or(LogTime::MIN),
            refused: saved.refused.clone(),
            totals: saved.totals.clone(),
            saved,
            next: offsets.clone(),
            committed: offsets,
            ends: BTreeSet::new(),
            candidate: None,
            dirty: false,
            halt: None,
            store,
        }
    }

    /// A record has arrived. Judges it at once when its place in the order is known, else keeps it.
    pub(crate) fn accept<P: Processor>(&mut self, desk: &mut Desk<'_, P>, record: &Incoming<'_>) {
        let part = (record.input, record.partition);
        if self.next.get(&part).is_some_and(|next| record.offset < *next) {
            return;
        }
        self.next.insert(part, record.offset.saturating_add(1));
        self.ends.remove(&part);
        self.dirty = true;
        match desk.spec.inputs.get(record.input).map(|input| input.order) {
            Some(Order::Stamped(_)) => self.accept_stamped(desk, part, record),
            _ => self.accept_arrival(desk, part, record),
        }
    }

    fn accept_arrival<P: Processor>(&mut self, desk: &mut Desk<'_, P>, part: Part, record: &Incoming<'_>) {
        if self.arrivals.is_direct(part, self.next.keys(), &self.ends)
            && !self.is_full(desk)
            && self.sequence(desk, record, &mut 0)
        {
            return;
        }
        let received = match desk.processor.stamp(record, LogTime::MIN) {
            Stamped::At(stamp) => stamp.at,
            // What cannot be read has no place in time, and must not hold up what follows it.
            Stamped::Bad(..) => LogTime::MIN,
        };
        self.arrivals.push(Queued::copy(received, record));
    }

    /// Gives the record its place and judges it there, after the wake-ups due before. Returns whether it did:
    /// not when the `wakes` ended first.
    fn sequence<P: Processor>(&mut self, desk: &mut Desk<'_, P>, record: &Incoming<'_>, wakes: &mut usize) -> bool {
        if let Some(detail) = headers::excess(record.headers) {
            self.refuse(desk, record, Reason::Limits, &detail);
            return true;
        }
        match desk.processor.stamp(record, self.now) {
            Stamped::At(stamp) => {
                // The wake-ups do not move its place: they are due before it, or at what is now already.
                if self.wake_through(desk, before(stamp.at), wakes) {
                    return false;
                }
                self.judge(desk, record, stamp.at);
            }
            Stamped::Bad(reason, detail) => self.refuse(desk, record, reason, &detail),
        }
        true
    }

    /// Whether the transaction under way has as much to write as it may.
    fn is_full<P>(&self, desk: &Desk<'_, P>) -> bool {
        let bytes = desk.outbox.bytes() + self.rows.bytes();
        bytes > 0 && bytes >= desk.limits.bytes
    }

    fn accept_stamped<P: Processor>(&mut self, desk: &mut Desk<'_, P>, part: Part, record: &Incoming<'_>) {
        let stamp = match desk.processor.stamp(record, self.now) {
            Stamped::At(stamp) => stamp,
            Stamped::Bad(reason, detail) => return self.refuse(desk, record, reason, &detail),
        };
        match self.merge.is_new(part, stamp.lane, record.offset) {
            Some(true) => {}
            Some(false) => return,
            None => {
                return self.refuse(desk, record, Reason::Decode, "stamp names a lane that its stage does not have");
            }
        }
        if record.key.is_none() || record.value.is_none() {
            return self.merge.tick(part, stamp.lane, record.offset, stamp.at);
        }
        // A storm of wake-ups is given in bounded transactions, so the record has to wait for it.
        if self.merge.is_direct() && !self.is_full(desk) && self.rows.first_due(before(stamp.at)).is_none() {
            self.merge.pass(part, stamp.lane, record.offset, stamp.at);
            return self.judge(desk, record, stamp.at);
        }
        self.merge.push(stamp.lane, Queued::copy(stamp.at, record));
    }

    /// Judges what is due of the records that wait, then gives the wake-ups that are due.
    /// Returns whether it stopped with more to give, at the bound of wake-ups or of bytes.
    pub(crate) fn drain<P: Processor>(&mut self, desk: &mut Desk<'_, P>) -> bool {
        let mut budget = desk.limits.wakes;
        while let Some(record) = self.arrivals.take(self.next.keys(), &self.ends) {
            if self.is_full(desk) || !self.sequence(desk, &record.incoming(), &mut budget) {
                self.arrivals.put_back(record);
                return true;
            }
        }
        loop {
            if self.is_full(desk) {
                return true;
            }
            match self.merge.next() {
                Turn::Take(at) => {
                    if self.wake_through(desk, before(at), &mut budget) {
                        return true;
                    }
                    let Some(record) = self.merge.take() else { return false };
                    self.judge(desk, &record.incoming(), at);
                }
                Turn::Wait(complete) => {
                    let more = self.wake_through(desk, complete, &mut budget);
                    if !more && complete > self.now {
                        self.now = complete;
                        self.dirty = true;
                    }
                    return more;
                }
            }
        }
    }

    /// The lane's own clock moves on without a record: for a sequencer. Returns whether it stopped
    /// with more to give.
    pub(crate) fn advance<P: Processor>(&mut self, desk: &mut Desk<'_, P>, to: LogTime) -> bool {
        if to <= self.now {
            return false;
        }
        let more = self.wake_through(desk, to, &mut { desk.limits.wakes });
        if !more {
            self.now = to;
            self.dirty = true;
        }
        more
    }

    /// Whether every part has been read to its end: what lies on the log has all been heard.
    pub(crate) fn is_at_end(&self) -> bool {
        self.arrivals.is_empty() && self.next.keys().all(|part| self.ends.contains(part))
    }

    /// Judges a record whose turn it is: every wake-up due before `at` has been given.
    fn judge<P: Processor>(&mut self, desk: &mut Desk<'_, P>, record: &Incoming<'_>, at: LogTime) {
        // It may have waited since the last commit.
        self.dirty = true;
        self.now = self.now.max(at);
        self.totals.consumed(1);
        self.trial.begin(&mut self.rows, desk.outbox);
        let trace = Trace::of(record, &desk.spec.name, at);
        let mut ctx = Ctx { trace, ..self.ctx(desk.spec, desk.limits, desk.outbox) };
        let last = desk.processor.process(record, at, &mut ctx);
        let Some(detail) = self.trial.verdict() else {
            self.now = self.now.max(last);
            return;
        };
        self.trial.undo(&mut self.rows, &self.store, desk.outbox, &mut self.totals, desk.spec);
        desk.processor.verdict(Verdict::SetAside);
        self.ctx(desk.spec, desk.limits, desk.outbox).dead_letter(record, Reason::TooLarge, &detail);
    }

    fn refuse<P>(&mut self, desk: &mut Desk<'_, P>, record: &Incoming<'_>, reason: Reason, detail: &str) {
        let refused = self.refused.entry((record.input, record.partition)).or_insert(-1);
        if record.offset <= *refused {
            return;
        }
        *refused = record.offset;
        self.dirty = true;
        self.totals.consumed(1);
        self.ctx(desk.spec, desk.limits, desk.outbox).dead_letter(record, reason, detail);
    }

    /// Gives the wake-ups due at or before `through`, in order of time, then key.
    /// Returns whether the budget, or the room in the transaction, ended first.
    fn wake_through<P: Processor>(&mut self, desk: &mut Desk<'_, P>, through: LogTime, budget: &mut usize) -> bool {
        while let Some((due, key)) = self.rows.first_due(through) {
            if *budget == 0 || self.is_full(desk) {
                return true;
            }
            *budget -= 1;
            self.dirty = true;
            self.rows.given(&self.store, &key, due);
            self.now = self.now.max(due);
            self.totals.fired();
            self.trial.begin(&mut self.rows, desk.outbox);
            desk.processor.wake(&key, due, &mut self.ctx(desk.spec, desk.limits, desk.outbox));
            if let Some(what) = self.trial.verdict() {
                // No record is to blame, so none can be set aside: somebody has to look at the row.
                let key = String::from_utf8_lossy(&key).into_owned();
                self.halt.get_or_insert(format!("waking row {key} at {} led to {what}", due.0));
                return false;
            }
        }
        false
    }

    /// Adds what must commit with the outputs: the time told downstream, the changed rows, the totals.
    pub(crate) fn seal<P: Processor>(&mut self, desk: &mut Desk<'_, P>) {
        let meta = self.meta();
        if let Some(told) = meta.told
            && self.saved.told < Some(told)
        {
            desk.processor.tell_time(told, &mut self.ctx(desk.spec, desk.limits, desk.outbox));
        }
        if meta != self.saved {
            self.rows.put_raw(META, &postcard::to_allocvec(&meta).unwrap_or_default());
        }
        // Time alone is no news for the ledger.
        if meta.totals != self.saved.totals {
            let ledger = self.totals.balance(&desk.spec.name, self.id, self.now);
            let value = desk.processor.encode_ledger(&ledger);
            let key = format!("{}/{}", desk.spec.name, self.id);
            let to = self.id.rem_euclid(desk.spec.ledger.1.max(1));
            desk.outbox.push(Topic::Ledger, to, Some(key.as_bytes()), Some(&value), &[]);
        }
        for (key, row) in self.rows.changes() {
            desk.outbox.push(Topic::Changelog, self.id, Some(key), row, &[]);
        }
    }

    fn ctx<'a>(&'a mut self, spec: &'a StageSpec, limits: &'a Limits, outbox: &'a mut Outbox) -> Ctx<'a> {
        Ctx {
            lane: self.id,
            spec,
            rows: &mut self.rows,
            store: &self.store,
            outbox,
            limits,
            trial: &mut self.trial,
            totals: &mut self.totals,
            halt: &mut self.halt,
            trace: None,
        }
    }

    fn meta(&self) -> Meta {
        // A lane without stamped inputs is complete up to the stamp it gave last.
        let complete = self.merge.complete().unwrap_or(self.now);
        // What a wake-up still to be given will say lies before the time it is due.
        let told = self.rows.first_due(complete).map_or(complete, |(due, _)| LogTime(due.0.saturating_sub(1)));
        Meta {
            now: (self.now != LogTime::MIN).then_some(self.now),
            told: (told != LogTime::MIN).then_some(told),
            marks: self.merge.marks(),
            refused: self.refused.clone(),
            totals: self.totals.clone(),
        }
    }

    /// The offsets to commit: nothing that still waits is claimed.
    pub(crate) fn offsets(&self) -> BTreeMap<Part, i64> {
        self.next
            .iter()
            .map(|(part, next)| {
                let waiting = self.merge.waiting_from(*part).or_else(|| self.arrivals.waiting_from(*part));
                (*part, waiting.map_or(*next, |from| from.min(*next)))
            })
            .collect()
    }

    /// Adds what the transaction that has just committed took in, before it is settled.
    pub(crate) fn account(&self, accounts: &mut Accounts) {
        accounts.add(&self.saved.totals, &self.totals);
    }

    /// The transaction has committed.
    pub(crate) fn settle(&mut self) -> Result<(), StoreError> {
        let changes: Vec<_> = self.rows.changes().collect();
        for changes in changes.chunks(AT_ONCE) {
            self.store.warm(&changes.iter().map(|(key, _)| *key).collect::<Vec<_>>());
            for (key, row) in changes {
                self.store.put(key, *row);
            }
        }
        // This commit proves that the lane was still ours when the candidate was seen.
        let checkpoint = self.candidate.take();
        if checkpoint.is_some() || !self.rows.is_clean() {
            self.store.commit(checkpoint)?;
        }
        self.rows.settled();
        self.saved = self.meta();
        self.committed = self.offsets();
        self.dirty = false;
        Ok(())
    }

    /// The transaction did not happen. Returns where to read each part from again.
    pub(crate) fn undo(&mut self) -> Vec<(Part, i64)> {
        self.rows.undo(&self.store);
        self.merge.reset(&self.saved.marks);
        self.now = self.saved.now.unwrap_or(LogTime::MIN);
        self.refused = self.saved.refused.clone();
        self.totals = self.saved.totals.clone();
        self.next = self.committed.clone();
        self.arrivals.clear();
        self.ends.clear();
        self.candidate = None;
        self.dirty = false;
        self.next.iter().map(|(part, offset)| (*part, *offset)).collect()
    }

    /// A part has been read to `offset`, markers included.
    pub(crate) fn end(&mut self, part: Part, offset: i64) {
        if let Some(next) = self.next.get_mut(&part) {
            *next = offset.max(*next);
            self.ends.insert(part);
        }
    }

    /// The changelog ends at `end` now: the next transaction that commits makes it a checkpoint.
    pub(crate) fn propose_checkpoint(&mut self, end: i64) {
        self.candidate = Some(end);
    }

    /// Commits at the next opportunity, also without work.
    pub(crate) fn touch(&mut self) {
        self.dirty = true;
    }

    /// Parts of which more than `records`, or more than `bytes` of them, wait for their turn.
    pub(crate) fn crowded(&self, records: usize, bytes: usize) -> Vec<Part> {
        let is_over = |(waiting, size): (usize, usize)| waiting > records || size > bytes;
        self.next
            .keys()
            .filter(|part| is_over(self.merge.waiting_of(**part)) || is_over(self.arrivals.waiting_of(**part)))
            .copied()
            .collect()
    }

    /// Whether there is work to commit.
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Whether only the position moved since the last commit, over markers.
    pub(crate) fn has_moved(&self) -> bool {
        !self.dirty && self.offsets() != self.committed
    }

    /// Why nothing of this lane may be committed.
    pub(crate) fn halted(&self) -> Option<&str> {
        self.halt.as_deref()
    }

    /// How it stands, for health and metrics.
    pub(crate) fn status(&self) -> LaneStatus {
        let waits =
            |part: &&Part| self.merge.waiting_from(**part).or_else(|| self.arrivals.waiting_from(**part)).is_some();
        let arrived: usize = self.next.keys().map(|part| self.arrivals.waiting_of(*part).0).sum();
        LaneStatus {
            lane: self.id,
            given: 0,
            restoring: None,
            now: (self.now != LogTime::MIN).then_some(self.now),
            waiting: self.merge.len() + arrived,
            wakes: self.rows.waiting(),
            soonest: self.rows.first_due(LogTime::MAX).map(|(due, _)| due),
            rows: self.store.len(),
            offsets: self.committed.clone(),
            held_up: self.next.keys().filter(waits).copied().collect(),
            error: self.saved.totals.error(),
        }
    }

    pub(crate) fn now(&self) -> LogTime {
        self.now
    }

    /// Visits every committed row of the stage.
    pub(crate) fn rows(&self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        self.store.each(&mut |key, row| {
            if key != META {
                visit(key, rows::body(row));
            }
        });
    }

    /// Gives the store back, for a restore.
    pub(crate) fn into_store(self) -> S {
        self.store
    }
}

/// The last instant before `at`.
fn before(at: LogTime) -> LogTime {
    LogTime(at.0.saturating_sub(1))
}

pub(crate) mod row;
#[cfg(test)]
mod tests;
