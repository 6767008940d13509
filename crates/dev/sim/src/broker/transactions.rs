//! The transaction coordinator, version 1 of the protocol.
//!
//! Holds: a producer of an older epoch writes nothing and decides nothing; a transaction that was
//! decided stays so, its markers come later; one that is open for too long is undone and its producer
//! fenced.
//!
//! The hole that the protocol has is in here: a request with the current epoch is taken for the
//! current transaction, whichever it was meant for.

use std::collections::BTreeSet;

use baton_domain::Millis;

use super::Broker;
use super::group::{Place, Stranger};
use super::partition::Writer;
use crate::log::Record;

/// Milliseconds after which an open transaction is undone.
const TIMEOUT_MS: i64 = 15_000;

/// Why the broker refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A newer producer has the transactional id.
    Epoch,
    /// The transaction is not in a state for that.
    State,
    /// The member's word does not count.
    Member(Stranger),
    /// An open transaction could still change the answer.
    Unstable,
}

/// A producer as its client knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) producer: u64,
    pub(crate) epoch: i32,
}

/// Records for one partition, sent as one.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) id: u64,
    pub(crate) serial: u64,
    pub(crate) place: Place,
    pub(crate) records: Vec<Record>,
}

/// A request that arrives after its client has given it up.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Init { id: String },
    Produce { id: String, holder: Holder, batch: Batch },
    Offsets { id: String, holder: Holder, group: String, member: (String, u64, i32), offsets: Vec<(Place, i64)> },
    End { id: String, holder: Holder, serial: u64, commit: bool },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Empty,
    Open,
    /// Decided; markers are being written.
    Prepared(bool),
    Complete(bool),
}

#[derive(Debug, Default)]
pub(super) struct Transaction {
    holder: Holder,
    state: State,
    places: BTreeSet<Place>,
    groups: BTreeSet<String>,
    began: i64,
    /// Markers that are still owed come no earlier, unless somebody waits for them.
    markers_at: i64,
    /// The client's count of the transaction whose request opened this one.
    serial: u64,
}

impl Transaction {
    pub(super) fn holder(&self) -> Holder {
        self.holder
    }
}

impl Broker {
    /// Gives the transactional id to a new holder. What the last one left is finished or undone.
    pub(crate) fn init(&mut self, id: &str) -> Holder {
        if !self.transactions.contains_key(id) {
            let producer = self.next_id();
            let holder = Holder { producer, epoch: -1 };
            self.transactions.insert(id.to_owned(), Transaction { holder, ..Transaction::default() });
        }
        match self.transactions.get(id).map(|transaction| transaction.state) {
            Some(State::Open) => {
                self.trace.saw("a new holder undid what the last one left open");
                self.decide(id, false);
            }
            Some(State::Prepared(true)) => self.trace.saw("a new holder finished a commit"),
            _ => {}
        }
        self.write_markers(id, usize::MAX);
        let Some(transaction) = self.transactions.get_mut(id) else { return Holder::default() };
        transaction.holder.epoch += 1;
        transaction.state = State::Empty;
        transaction.holder
    }

    /// Takes a batch into the holder's transaction, opening it when it is the first.
    pub(crate) fn produce(&mut self, id: &str, holder: Holder, batch: &Batch) -> Result<(), Refusal> {
        self.enter(id, holder, batch.serial, |transaction| transaction.places.insert(batch.place))?;
        self.take(holder, batch);
        Ok(())
    }

    fn take(&mut self, Holder { producer, epoch }: Holder, batch: &Batch) {
        let stamp = Millis(self.now + self.skew);
        let Some(log) = self.partition_mut(batch.place) else { return };
        if log.is_new(batch.id) {
            for record in &batch.records {
                log.append(record.clone(), stamp, Some(Writer { producer, epoch, serial: batch.serial }));
            }
        }
    }

    /// Takes consumed positions into the transaction; they count once it has committed.
    pub(crate) fn send_offsets(
        &mut self,
        id: &str,
        holder: Holder,
        serial: u64,
        (name, member): (&str, Option<(&str, u64, i32)>),
        offsets: &[(Place, i64)],
    ) -> Result<(), Refusal> {
        self.enter(id, holder, serial, |transaction| transaction.groups.insert(name.to_owned()))?;
        if let Some((instance, id, generation)) = member {
            self.group(name, 0).check(instance, id, generation).map_err(Refusal::Member)?;
            if generation < 0 {
                self.trace.saw("offsets of no member were taken");
            }
        }
        let pending = &mut self.group(name, 0).pending;
        pending.entry(holder.producer).or_default().extend(offsets.iter().copied());
        Ok(())
    }

    /// Decides the transaction. Asked again with the same word, it answers the same.
    pub(crate) fn finish(&mut self, id: &str, holder: Holder, commit: bool) -> Result<(), Refusal> {
        let transaction = self.transactions.get(id).ok_or(Refusal::State)?;
        if transaction.holder != holder {
            return Err(Refusal::Epoch);
        }
        match transaction.state {
            State::Open => {
                self.decide(id, commit);
                let some = if self.is_calm { usize::MAX } else { self.dice.index(4) };
                self.write_markers(id, some);
                Ok(())
            }
            State::Prepared(word) | State::Complete(word) if word == commit => Ok(()),
            _ => Err(Refusal::State),
        }
    }

    /// A request that was given up arrives.
    pub(super) fn arrive(&mut self, request: Request) {
        match request {
            Request::Init { id } => {
                self.init(&id);
                self.trace.saw("a late request for a new epoch arrived");
            }
            Request::Produce { id, holder, batch } => {
                let Some(transaction) = self.open_for(&id, holder) else {
                    return self.trace.saw("a late batch was refused");
                };
                // Only a partition that the open transaction has is verified.
                if !transaction.places.contains(&batch.place) {
                    return self.trace.saw("a late batch was refused");
                }
                let is_other = transaction.serial != batch.serial;
                self.take(holder, &batch);
                self.trace.saw(if is_other {
                    "a late batch hit the next transaction"
                } else {
                    "a late batch hit its own"
                });
            }
            Request::Offsets { id, holder, group, member: (instance, member, generation), offsets } => {
                let Some(transaction) = self.open_for(&id, holder) else {
                    return self.trace.saw("late offsets were refused");
                };
                if !transaction.groups.contains(&group) {
                    return self.trace.saw("late offsets were refused");
                }
                let group = self.group(&group, 0);
                if group.check(&instance, member, generation).is_ok() {
                    group.pending.entry(holder.producer).or_default().extend(offsets);
                    self.trace.saw("late offsets hit an open transaction");
                }
            }
            Request::End { id, holder, serial, commit } => {
                let hits = self.open_for(&id, holder).map(|transaction| transaction.serial != serial);
                match (hits, self.finish(&id, holder, commit)) {
                    (Some(true), _) => self.trace.saw("a late verdict hit the next transaction"),
                    (Some(false), Ok(())) if commit => self.trace.saw("an unknown commit took effect late"),
                    (_, Err(Refusal::Epoch)) => self.trace.saw("a late verdict was fenced"),
                    _ => {}
                }
            }
        }
    }

    fn open_for(&self, id: &str, holder: Holder) -> Option<&Transaction> {
        self.transactions.get(id).filter(|transaction| transaction.holder == holder && transaction.state == State::Open)
    }

    /// Undoes what is open for too long, and writes markers that are owed.
    pub(super) fn sweep(&mut self) {
        let now = self.now;
        let ids: Vec<(String, State)> = self
            .transactions
            .iter()
            .filter(|(_, transaction)| match transaction.state {
                State::Open => now - transaction.began > TIMEOUT_MS,
                State::Prepared(_) => now >= transaction.markers_at,
                _ => false,
            })
            .map(|(id, transaction)| (id.clone(), transaction.state))
            .collect();
        for (id, state) in ids {
            if matches!(state, State::Prepared(_)) {
                let some = if self.is_calm { usize::MAX } else { self.dice.index(3) };
                self.write_markers(&id, some);
            } else {
                self.trace.saw("a transaction timed out");
                self.decide(&id, false);
                if let Some(transaction) = self.transactions.get_mut(&id) {
                    transaction.holder.epoch += 1;
                }
                self.write_markers(&id, 1);
            }
        }
    }

    /// Adds something to the holder's transaction. One that was decided is waited for, as clients do.
    fn enter(
        &mut self,
        id: &str,
        holder: Holder,
        serial: u64,
        add: impl FnOnce(&mut Transaction) -> bool,
    ) -> Result<(), Refusal> {
        let transaction = self.transactions.get(id).ok_or(Refusal::State)?;
        if transaction.holder != holder {
            return Err(Refusal::Epoch);
        }
        if matches!(transaction.state, State::Prepared(_)) {
            self.write_markers(id, usize::MAX);
        }
        let now = self.now;
        let transaction = self.transactions.get_mut(id).ok_or(Refusal::State)?;
        if transaction.state != State::Open {
            (transaction.state, transaction.began, transaction.serial) = (State::Open, now, serial);
        }
        add(transaction);
        Ok(())
    }

    fn decide(&mut self, id: &str, commit: bool) {
        let delay = if self.dice.one_in(6) && !self.is_calm { self.dice.ms(1_000) } else { 0 };
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.state = State::Prepared(commit);
            transaction.markers_at = self.now + delay;
        }
    }

    /// Writes up to `most` of the markers that are owed; the last one completes the transaction.
    fn write_markers(&mut self, id: &str, most: usize) {
        let stamp = Millis(self.now + self.skew);
        for _ in 0..most {
            let Some(transaction) = self.transactions.get_mut(id) else { return };
            let State::Prepared(commit) = transaction.state else { return };
            let producer = transaction.holder.producer;
            // In any order: the offsets may be stable before the changelog is, and the other way round.
            let owed = transaction.places.len() + transaction.groups.len();
            let is_group_next = !transaction.groups.is_empty() && self.dice.index(owed) == 0;
            if !is_group_next && let Some(place) = transaction.places.pop_first() {
                let landed = self.partition_mut(place).map(|log| log.mark(producer, commit, stamp));
                for serial in landed.into_iter().flatten() {
                    self.intents.entry(serial).or_default().landed += 1;
                }
            } else if let Some(name) = transaction.groups.pop_first() {
                let group = self.group(&name, 0);
                let offsets = group.pending.remove(&producer).unwrap_or_default();
                if commit {
                    group.committed.extend(offsets);
                }
            } else {
                transaction.state = State::Complete(commit);
                return;
            }
        }
    }
}
