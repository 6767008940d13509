//! Leads the replay of a sequencer with several sources, or with a clock, along the order that was witnessed.
//!
//! A record with an event is judged when its event comes next. A record without one (a repeat, a dead letter, a
//! tick) left no trace of its own: it is judged as soon as its stamp fits before what comes next, and put off when
//! it would give an event, because what it repeats is still to come. That can change no stamp that was witnessed
//! (docs/adr/0014).
//!
//! Holds: each part's records are judged once, in order; time moves as far as was told, and no further.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use baton_domain::{Ledger, LogTime, Millis};
use baton_engine::{Ctx, Event, Fault, Incoming, Part, Polled, Processor, Stamped, Topic};

use crate::replay::{Feed, Inputs, Output, hand_over};
use crate::tape::Entry;
use crate::witness::{Marks, Told, Witness};

/// What is known of a record's stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// It follows from the record and the time.
    Own,
    /// It was no earlier than this.
    AtLeast(LogTime),
    /// It was no later than this: the record has no event, and nothing witnessed may come later for it.
    AtMost(LogTime),
}

/// What the guide and the processor say to each other.
#[derive(Debug)]
pub(crate) struct Between {
    /// The lane's log time.
    now: Cell<LogTime>,
    /// What is known of the stamp that the next record was given.
    given: Cell<Given>,
    /// How late it was told to be.
    advance: Cell<Option<LogTime>>,
}

impl Between {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self { now: Cell::new(LogTime::MIN), given: Cell::new(Given::Own), advance: Cell::new(None) })
    }
}

/// The sequencer's processor, which takes the time from the guide.
pub(crate) struct Guided {
    pub(crate) inner: Box<dyn Processor>,
    pub(crate) between: Rc<Between>,
}

impl Processor for Guided {
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped {
        let given = self.between.given.replace(Given::Own);
        match self.inner.stamp(record, now) {
            Stamped::At(mut stamp) => {
                stamp.at = match given {
                    Given::Own => stamp.at,
                    Given::AtLeast(at) => stamp.at.max(at),
                    Given::AtMost(at) => stamp.at.min(at.max(now)),
                };
                Stamped::At(stamp)
            }
            bad @ Stamped::Bad(..) => bad,
        }
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let last = self.inner.process(record, at, ctx);
        self.between.now.set(self.between.now.get().max(at).max(last));
        last
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        self.inner.wake(key, due, ctx);
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        self.inner.tell_time(now, ctx);
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        self.inner.encode_ledger(ledger)
    }

    fn in_force(&self) -> Option<(String, i64)> {
        self.inner.in_force()
    }

    fn idle(&mut self, now: LogTime, _host: Millis) -> Option<LogTime> {
        let to = self.between.advance.take().filter(|to| *to > now)?;
        self.between.now.set(to);
        Some(to)
    }
}

/// Microseconds that records without an event, still to be placed, may have taken.
const CROWD: i64 = 1_000;

enum Step {
    /// Judge the next record of the part.
    Give(Part, Given),
    /// Judge it if it gives no event.
    Try(Part, Given),
    /// Let time pass.
    Advance(LogTime),
    Done,
}

/// What has happened since the worker last committed, or began.
#[derive(Default)]
struct Since {
    /// Records handed over that are not committed.
    uncommitted: bool,
    /// The worker knows that every part is at its end.
    ends_told: bool,
    /// There is nothing more.
    done: bool,
}

/// The feed.
pub(crate) struct Guide {
    inputs: Inputs,
    witness: Witness,
    marks: Marks,
    between: Rc<Between>,
    /// Tells when a record was received.
    reader: Box<dyn Processor>,
    received: BTreeMap<Part, (i64, Option<LogTime>)>,
    /// Whether the host's clock may have moved time.
    is_clocked: bool,
    /// How long a record that was put off waits until it is tried again.
    patience: i64,
    put_off: BTreeMap<Part, LogTime>,
    /// The part tried, and the time before.
    trial: Option<(Part, LogTime)>,
    since: Since,
    /// Records without an event, so far.
    unseen: i64,
    /// Whether records that were not witnessed need not be judged.
    may_stop: bool,
    next: BTreeMap<Part, i64>,
}

impl Guide {
    pub(crate) fn new(
        inputs: Inputs,
        (witness, marks): (Witness, Marks),
        between: Rc<Between>,
        reader: Box<dyn Processor>,
        is_clocked: bool,
        patience_ms: i64,
    ) -> Self {
        Self {
            inputs,
            witness,
            marks,
            between,
            reader,
            received: BTreeMap::new(),
            is_clocked,
            patience: patience_ms.saturating_mul(1_000).max(1),
            put_off: BTreeMap::new(),
            trial: None,
            since: Since::default(),
            unseen: 0,
            may_stop: false,
            next: BTreeMap::new(),
        }
    }

    fn step(&mut self) -> Result<Step, Fault> {
        loop {
            let now = self.between.now.get();
            match self.witness.peek()? {
                Some(Told::Time(at)) if at <= now => self.witness.pop()?,
                Some(Told::Time(at)) => {
                    if let Some(step) = self.unseen(at.next())? {
                        return Ok(step);
                    }
                    self.witness.pop()?;
                    return Ok(Step::Advance(at));
                }
                Some(Told::Event(part, offset, at)) => {
                    if offset >= self.inputs.bound(part) {
                        return self.rest();
                    }
                    let Some(head) = self.inputs.peek(part)?.map(|entry| entry.offset) else {
                        self.witness.pop()?;
                        continue;
                    };
                    if head > offset {
                        // Another event of the record before, or of none.
                        self.witness.pop()?;
                        continue;
                    }
                    if let Some(step) = self.unseen(at)? {
                        return Ok(step);
                    }
                    if head == offset {
                        self.witness.pop()?;
                        return Ok(Step::Give(part, self.believed(part, at)?));
                    }
                    let given = self.unless_marked(part, head, at);
                    return Ok(Step::Give(part, given));
                }
                None => return self.rest(),
            }
        }
    }

    /// The stamp that was witnessed, if it can be: where records without an event crowd, each may have moved the
    /// next by a microsecond, and which did cannot be told. A clock may move time by any amount.
    fn believed(&mut self, part: Part, at: LogTime) -> Result<Given, Fault> {
        let own = self.received(part)?.unwrap_or(LogTime::MIN).max(self.between.now.get().next());
        let most = LogTime(own.0.saturating_add(CROWD).saturating_add(self.unseen));
        Ok(if self.is_clocked || at <= most { Given::AtLeast(at) } else { Given::Own })
    }

    /// A record without an event is judged before `limit`, however late its turn came here.
    fn unless_marked(&self, part: Part, offset: i64, limit: LogTime) -> Given {
        if self.marks.has(part, offset) {
            return Given::Own;
        }
        Given::AtMost(LogTime(limit.0.saturating_sub(1)))
    }

    /// A record that has no event and whose stamp fits before `limit`.
    fn unseen(&mut self, limit: LogTime) -> Result<Option<Step>, Fault> {
        let now = self.between.now.get();
        let mut first: Option<(LogTime, Part)> = None;
        for part in self.inputs.parts() {
            let Some(offset) = self.inputs.peek(part)?.map(|entry| entry.offset) else { continue };
            if self.marks.has(part, offset) || self.put_off.get(&part).is_some_and(|until| now < *until) {
                continue;
            }
            let at = self.received(part)?.unwrap_or(LogTime::MIN);
            if at < limit && first.is_none_or(|(least, _)| at < least) {
                first = Some((at, part));
            }
        }
        Ok(first.map(|(_, part)| Step::Try(part, Given::AtMost(LogTime(limit.0.saturating_sub(1))))))
    }

    /// What is left when nothing more was witnessed.
    fn rest(&mut self) -> Result<Step, Fault> {
        if self.may_stop {
            return Ok(Step::Done);
        }
        let mut first: Option<(LogTime, Part, i64)> = None;
        for part in self.inputs.parts() {
            if let Some(offset) = self.inputs.peek(part)?.map(|entry| entry.offset) {
                let at = self.received(part)?.unwrap_or(LogTime::MIN);
                if first.is_none_or(|(least, ..)| at < least) {
                    first = Some((at, part, offset));
                }
            }
        }
        // Every time that the lane came to was told, so time does not move any more.
        let limit = self.between.now.get().next();
        Ok(first.map_or(Step::Done, |(_, part, offset)| Step::Give(part, self.unless_marked(part, offset, limit))))
    }

    /// When the next record of a part was received; `None` when it cannot be read.
    fn received(&mut self, part: Part) -> Result<Option<LogTime>, Fault> {
        let Some(entry) = self.inputs.peek(part)? else { return Ok(None) };
        if let Some((offset, received)) = self.received.get(&part)
            && *offset == entry.offset
        {
            return Ok(*received);
        }
        let record = Incoming {
            input: part.0,
            partition: part.1,
            offset: entry.offset,
            appended: entry.appended,
            key: entry.key.as_deref(),
            value: entry.value.as_deref(),
            headers: &entry.headers,
        };
        let received = match self.reader.stamp(&record, LogTime::MIN) {
            Stamped::At(stamp) => Some(stamp.at),
            Stamped::Bad(..) => None,
        };
        self.received.insert(part, (entry.offset, received));
        Ok(received)
    }

    fn tell_ends(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        if !self.since.ends_told {
            self.since.ends_told = true;
            for part in self.inputs.parts() {
                sink(Event::End { part, offset: self.next.get(&part).copied().unwrap_or(0) });
            }
        }
    }
}

/// The record is judged at once, since every part but its own is at its end.
fn hand_over_alone(part: Part, entry: &Entry, sink: &mut dyn FnMut(Event<'_>)) {
    hand_over(part, entry, sink);
    sink(Event::End { part, offset: entry.offset.saturating_add(1) });
}

impl Feed for Guide {
    fn poll(&mut self, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        self.tell_ends(sink);
        let mut records = 0;
        while records < max {
            match self.step()? {
                Step::Give(part, given) => {
                    let Some(entry) = self.inputs.pop(part)? else { break };
                    self.between.given.set(given);
                    hand_over_alone(part, &entry, sink);
                    self.next.insert(part, entry.offset.saturating_add(1));
                    self.put_off.remove(&part);
                    self.since.uncommitted = true;
                    records += 1;
                }
                // It must be alone in its transaction.
                Step::Try(..) if self.since.uncommitted => return Ok(Polled { records, drained: true }),
                Step::Try(part, given) => {
                    let Some(entry) = self.inputs.peek(part)?.cloned() else { break };
                    self.trial = Some((part, self.between.now.get()));
                    self.between.given.set(given);
                    hand_over_alone(part, &entry, sink);
                    return Ok(Polled { records: records + 1, drained: true });
                }
                Step::Advance(at) => {
                    self.between.advance.set(Some(at));
                    return Ok(Polled { records, drained: true });
                }
                Step::Done => {
                    self.since.done = true;
                    return Ok(Polled { records, drained: true });
                }
            }
        }
        Ok(Polled { records, drained: false })
    }

    fn hold(&mut self, _parts: &[Part], _hold: bool) {}

    fn restarted(&mut self) {
        self.since.ends_told = false;
    }

    fn allows(&mut self, written: &[Output]) -> bool {
        self.since.uncommitted = false;
        let Some((part, before)) = self.trial.take() else { return true };
        if written.iter().any(|output| matches!(output.topic, Topic::Output(_))) {
            self.between.now.set(before);
            self.put_off.insert(part, LogTime(before.0.saturating_add(self.patience)));
            return false;
        }
        self.put_off.remove(&part);
        self.unseen = self.unseen.saturating_add(1);
        // A head that is there: it was just handed over.
        if let Ok(Some(entry)) = self.inputs.pop(part) {
            self.next.insert(part, entry.offset.saturating_add(1));
        }
        true
    }

    fn go_on_to(&mut self, ends: &BTreeMap<Part, i64>) {
        self.inputs.go_on_to(ends);
        self.may_stop = true;
        self.since.done = false;
    }

    fn unread(&mut self) -> Result<u64, Fault> {
        self.inputs.unread()
    }

    fn is_done(&mut self) -> Result<bool, Fault> {
        Ok(self.since.done)
    }
}
