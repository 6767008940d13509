//! The transactional producer of a [`SimLog`]: what it keeps back, sends, retries and gives up.

use std::collections::BTreeMap;

use baton_engine::{Fault, Part};

use super::hazard::{Flaw, Strike};
use super::{DOUBTS, SimLog};
use crate::broker::{Batch, Broker, Holder, Place, Refusal, Request};
use crate::log::Record;

/// A producer with its transaction.
#[derive(Debug, Default)]
pub(super) struct Producer {
    pub(super) holder: Holder,
    is_open: bool,
    /// The client's own count of its transactions, over all producers.
    pub(super) serial: u64,
    /// Taken from the worker, not yet sent.
    queue: Vec<(Place, Record)>,
    /// Whether the broker has heard of this transaction.
    is_known: bool,
}

impl SimLog {
    pub(super) fn take_over(&mut self) -> Result<(), Fault> {
        self.producer = None;
        let strike = self.call("fence")?;
        let id = self.id.clone();
        if let Strike::Late(ms) = strike {
            self.broker.borrow_mut().delay(ms, Request::Init { id });
            return Err(Fault::Fatal("no answer to a request for a new epoch".to_owned()));
        }
        if strike == Strike::Before {
            return Err(Fault::Fatal("no broker".to_owned()));
        }
        let holder = {
            let mut broker = self.broker.borrow_mut();
            match (self.flaw, broker.holder(&id)) {
                (Flaw::NoFence, Some(holder)) => holder,
                _ => broker.init(&id),
            }
        };
        if strike == Strike::After {
            return Err(Fault::Fatal("the answer was lost".to_owned()));
        }
        self.producer = Some(Producer { holder, ..Producer::default() });
        self.is_suspect = false;
        Ok(())
    }

    pub(super) fn enter(&mut self) -> Result<(), Fault> {
        self.call("begin")?;
        let serial = self.broker.borrow_mut().next_id();
        let producer = self.producer.as_mut().ok_or_else(no_producer)?;
        (producer.is_open, producer.is_known, producer.serial) = (true, false, serial);
        producer.queue.clear();
        self.broker.borrow_mut().intend(serial);
        Ok(())
    }

    pub(super) fn enqueue(&mut self, place: Place, record: Record) -> Result<(), Fault> {
        let is_eager = self.fate.below(8) == 0;
        let producer = self.producer.as_mut().ok_or_else(no_producer)?;
        producer.queue.push((place, record));
        let serial = producer.serial;
        self.broker.borrow_mut().intend_record(serial);
        if is_eager { self.flush() } else { Ok(()) }
    }

    /// What librdkafka's own thread does; a failure shows at the commit.
    pub(super) fn send_by_itself(&mut self) {
        if self.producer.as_ref().is_some_and(|producer| producer.is_open && !producer.queue.is_empty())
            && self.flush().is_err()
        {
            self.producer = None;
        }
    }

    /// Sends what is kept back, a batch for each partition.
    fn flush(&mut self) -> Result<(), Fault> {
        let Some(producer) = self.producer.as_mut() else { return Err(no_producer()) };
        let (holder, serial) = (producer.holder, producer.serial);
        let mut by_place: BTreeMap<Place, Vec<Record>> = BTreeMap::new();
        for (place, record) in producer.queue.drain(..) {
            by_place.entry(place).or_default().push(record);
        }
        for (place, records) in by_place {
            let strike = self.call("send")?;
            let id = self.broker.borrow_mut().next_id();
            let batch = Batch { id, serial, place, records };
            let gives_up = self.trouble(strike) && self.fate.below(2) == 0;
            if let Strike::Late(ms) = strike {
                let request = Request::Produce { id: self.id.clone(), holder, batch: batch.clone() };
                self.broker.borrow_mut().delay(ms, request);
            }
            if strike == Strike::After {
                self.deliver(holder, &batch)?;
            }
            if gives_up {
                return Err(Fault::Abort("a batch was given up".to_owned()));
            }
            // The first attempt or, after trouble, the retry: the broker knows a repeat.
            self.deliver(holder, &batch)?;
        }
        Ok(())
    }

    fn deliver(&mut self, holder: Holder, batch: &Batch) -> Result<(), Fault> {
        if let Some(producer) = self.producer.as_mut() {
            producer.is_known = true;
        }
        let taken = self.broker.borrow_mut().produce(&self.id, holder, batch);
        taken.map_err(|refusal| self.refused(refusal))
    }

    pub(super) fn positions(&mut self, offsets: &[(Part, i64)]) -> Result<(), Fault> {
        let strike = self.call("offsets")?;
        self.note("positions", &format!("{offsets:?}"), 0);
        let places: Vec<(Place, i64)> =
            offsets.iter().filter_map(|(part, offset)| Some((self.place(*part)?, *offset))).collect();
        let (holder, serial) = self.producer.as_ref().map(|p| (p.holder, p.serial)).ok_or_else(no_producer)?;
        let generation = self.generation();
        if generation < 0 && self.flaw != Flaw::NoGeneration {
            // A group without members takes the offsets of anybody: as the real port, this one claims nothing then.
            self.broker.borrow_mut().trace.saw("a worker outside the group claimed nothing");
            return Err(Fault::Abort("not a member of the group".to_owned()));
        }
        if strike == Strike::Before {
            self.trouble(strike);
            return Err(Fault::Abort("offsets were not taken".to_owned()));
        }
        if let Strike::Late(ms) = strike {
            self.trouble(strike);
            let member = (self.instance.clone(), self.member, generation);
            let (id, group) = (self.id.clone(), self.spec.name.clone());
            let request = Request::Offsets { id, holder, group, member, offsets: places };
            self.broker.borrow_mut().delay(ms, request);
            return Err(Fault::Abort("no answer to offsets".to_owned()));
        }
        if let Some(producer) = self.producer.as_mut() {
            producer.is_known = true;
        }
        let member = if self.flaw == Flaw::NoGeneration {
            None
        } else {
            Some((self.instance.as_str(), self.member, generation))
        };
        let taken = self.broker.borrow_mut().send_offsets(&self.id, holder, serial, (&self.spec.name, member), &places);
        taken.map_err(|refusal| self.refused(refusal))?;
        if self.trouble(strike) {
            return Err(Fault::Abort("the answer was lost".to_owned()));
        }
        Ok(())
    }

    pub(super) fn decide(&mut self, commit: bool) -> Result<(), Fault> {
        if !self.producer.as_ref().is_some_and(|producer| producer.is_open) {
            return Err(no_producer());
        }
        if commit {
            self.flush()?;
        }
        let Some(producer) = self.producer.as_mut() else { return Err(no_producer()) };
        let (holder, serial, is_known) = (producer.holder, producer.serial, producer.is_known);
        producer.queue.clear();
        let strike = self.call(if commit { "commit" } else { "abort" })?;
        // Of a transaction that it never heard of, the broker is told nothing.
        if is_known {
            self.trouble(strike);
            let id = self.id.clone();
            if let Strike::Late(ms) = strike {
                let request = Request::End { id: id.clone(), holder, serial, commit };
                self.broker.borrow_mut().delay(ms, request);
            }
            let is_answered = match strike {
                Strike::None => true,
                Strike::Before => false,
                Strike::After => {
                    self.end(holder, commit)?;
                    self.fate.below(2) == 0
                }
                // The retry on a new connection is answered; the first request is still under way.
                Strike::Late(_) => self.fate.below(2) == 0,
            };
            if !is_answered {
                return self.unanswered(commit, strike);
            }
            self.end(holder, commit)?;
        }
        self.settled(serial, commit);
        Ok(())
    }

    fn end(&mut self, holder: Holder, commit: bool) -> Result<(), Fault> {
        let decided = self.broker.borrow_mut().finish(&self.id, holder, commit);
        decided.map_err(|refusal| self.refused(refusal))
    }

    fn unanswered(&mut self, commit: bool, strike: Strike) -> Result<(), Fault> {
        if commit {
            let what = if strike == Strike::After { "an unknown commit had taken effect" } else { "a commit got lost" };
            self.broker.borrow_mut().trace.saw(what);
        }
        match (self.flaw, commit) {
            (Flaw::GuessCommitted, true) => Ok(()),
            (Flaw::GuessUndone, true) => {
                self.forgives = true;
                Err(Fault::Abort("the outcome is not known".to_owned()))
            }
            _ => Err(Fault::Fatal("the outcome is not known".to_owned())),
        }
    }

    pub(super) fn settled(&mut self, serial: u64, commit: bool) {
        if let Some(producer) = self.producer.as_mut() {
            producer.is_open = false;
        }
        self.broker.borrow_mut().settled(serial, commit);
    }

    /// A request that was struck shows as a broken connection. Returns whether it was.
    fn trouble(&mut self, strike: Strike) -> bool {
        self.is_suspect |= strike != Strike::None;
        strike != Strike::None
    }

    /// As librdkafka and [`baton_engine::Log`] have it.
    fn refused(&mut self, refusal: Refusal) -> Fault {
        let mut broker = self.broker.borrow_mut();
        match refusal {
            Refusal::Epoch => {
                broker.trace.saw("a fenced producer was refused");
                // The place in the group tells a twin from a late request of one's own.
                let is_ours = broker.group(&self.spec.name, 0).knows(&self.instance, self.member);
                if is_ours && self.doubts < DOUBTS {
                    self.doubts += 1;
                    broker.trace.saw("a producer was fenced by a request of its own");
                    return Fault::Fatal("no other process has this instance's place".to_owned());
                }
                Fault::Fenced("another instance writes under this transactional id".to_owned())
            }
            Refusal::Member(stranger) => {
                broker.trace.saw("a stranger's offsets were refused");
                Fault::Abort(format!("offsets refused: {stranger:?}"))
            }
            Refusal::State | Refusal::Unstable => {
                broker.trace.saw("a transaction was not in a state for that");
                Fault::Fatal("invalid transaction state".to_owned())
            }
        }
    }
}

fn no_producer() -> Fault {
    Fault::Fatal("no producer, or no transaction".to_owned())
}

/// What clients mean to write and what they were told, for the oracle.
impl Broker {
    fn intend(&mut self, serial: u64) {
        self.intents.insert(serial, Intent::default());
    }

    fn intend_record(&mut self, serial: u64) {
        if let Some(intent) = self.intents.get_mut(&serial) {
            intent.records += 1;
        }
    }

    fn settled(&mut self, serial: u64, commit: bool) {
        if let Some(intent) = self.intents.get_mut(&serial) {
            intent.told = Some(commit);
        }
    }
}

/// A transaction as its client means it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Intent {
    pub(crate) records: usize,
    /// Records of it that were committed.
    pub(crate) landed: usize,
    /// The verdict its client was given.
    pub(crate) told: Option<bool>,
}
