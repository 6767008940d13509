//! What the engine asks of a stage's host: bytes in, bytes out.

use baton_domain::{Ledger, LogTime, Millis, Reason, Stamp};

use crate::headers::RecordHeaders;
use crate::ledger::Totals;
use crate::outbox::{Emit, Outbox, Topic};
use crate::rows::Rows;
use crate::spec::{Limits, StageSpec};
use crate::trace::{TRACEPARENT, Trace};
use crate::trial::Trial;

/// A record as it came from the log.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Index of the input.
    pub input: usize,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The broker's append time.
    pub appended: Millis,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Its headers; `&()` for none.
    pub headers: &'a dyn RecordHeaders,
}

/// Where a record belongs in log time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stamped {
    /// At this stamp.
    At(Stamp),
    /// It cannot be read: to the dead letters with it.
    Bad(Reason, String),
}

/// What became of what a processor judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The last record alone was taken back: what it led to was too large.
    SetAside,
    /// Everything since the last commit was taken back, in all lanes, and will be judged again.
    Undone,
    /// Everything since the last commit has committed.
    Committed,
}

/// A stage between decoding and encoding. Total: a record it cannot use goes to
/// [`Ctx::dead_letter`], never to a panic.
pub trait Processor {
    /// Where the record belongs. On an input in [`crate::Order::Arrival`] the answer must lie after
    /// `now`; on a stamped one it is read from the record.
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped;

    /// Judges the record that [`Processor::stamp`] placed at `at`; returns the last log time it used
    /// (`at`, or later where one record holds several events).
    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime;

    /// A row asked to be woken at `due`, and every record stamped up to then has been judged.
    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>);

    /// Before a transaction is sealed in which the lane's log time moved to `now`: the place to tell
    /// downstream lanes how late it is.
    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>);

    /// The bytes of a ledger record.
    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8>;

    /// What became of what was judged: for one that tells others of it, who must hear of nothing that never was.
    fn verdict(&mut self, verdict: Verdict) {
        let _ = verdict;
    }

    /// For a sequencer: the log time that the host's clock gives when nothing has arrived, if it is
    /// to move on its own.
    fn idle(&mut self, now: LogTime, host: Millis) -> Option<LogTime> {
        let _ = (now, host);
        None
    }

    /// Name and version of the rules that it judged by last, where it has any.
    fn in_force(&self) -> Option<(String, i64)> {
        None
    }
}

/// What a processor may do while it judges one input.
pub struct Ctx<'a> {
    pub(crate) lane: i32,
    pub(crate) spec: &'a StageSpec,
    pub(crate) rows: &'a mut Rows,
    pub(crate) store: &'a dyn crate::Store,
    pub(crate) outbox: &'a mut Outbox,
    pub(crate) limits: &'a Limits,
    pub(crate) trial: &'a mut Trial,
    pub(crate) totals: &'a mut Totals,
    pub(crate) halt: &'a mut Option<String>,
    pub(crate) trace: Option<Trace>,
}

impl Ctx<'_> {
    /// The lane's number.
    pub fn lane(&self) -> i32 {
        self.lane
    }

    /// Partitions of an output topic.
    pub fn partitions(&self, topic: usize) -> i32 {
        self.spec.outputs.get(topic).map_or(0, |(_, partitions)| *partitions)
    }

    /// Partitions of an input topic.
    pub fn input_partitions(&self, input: usize) -> i32 {
        self.spec.inputs.get(input).map_or(0, |input| input.partitions)
    }

    /// The value of a row, as of everything judged before.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.rows.get(self.store, key)
    }

    /// Sets a row, and when it wants to be woken (replacing any earlier wish).
    pub fn put(&mut self, key: &[u8], value: &[u8], wake: Option<LogTime>) {
        if self.trial.fits("state", key.len() + value.len() + EXTRA, self.limits.record_bytes) {
            self.rows.put(self.store, key, Some((value, wake)));
        }
    }

    /// Deletes a row and its wish to be woken.
    pub fn delete(&mut self, key: &[u8]) {
        self.rows.put(self.store, key, None);
    }

    /// Nothing of this transaction may be committed: the lane's own state cannot be read.
    pub fn halt(&mut self, why: String) {
        self.halt.get_or_insert(why);
    }

    /// The trace of the record that is being judged, if it has one.
    pub fn trace(&self) -> Option<Trace> {
        self.trace
    }

    /// Adds an output, with the trace of the record that led to it.
    pub fn emit(&mut self, emit: Emit<'_>) {
        let Some((name, _)) = self.spec.outputs.get(emit.topic) else { return };
        let headers: usize = emit.headers.iter().map(|(name, value)| name.len() + value.len() + 10).sum();
        let bytes = emit.key.map_or(0, <[u8]>::len) + emit.value.len() + headers + EXTRA;
        if !self.trial.fits("an output", bytes, self.limits.record_bytes) {
            return;
        }
        self.trial.produced(self.totals, emit.topic, name);
        self.outbox.push(Topic::Output(emit.topic), emit.partition, emit.key, Some(emit.value), emit.headers);
        // Beside the bound, which leaves room for it: what is too large must not depend on who watches.
        if let Some(trace) = self.trace {
            self.outbox.add_header(TRACEPARENT, trace.own.text().as_bytes());
        }
    }

    /// Adds a tick: time for the lanes downstream, counted nowhere.
    pub fn tick(&mut self, topic: usize, partition: i32, value: &[u8]) {
        self.outbox.push(Topic::Output(topic), partition, None, Some(value), &[]);
    }

    /// Counts the record, or one of the events in it, under a heading of the ledger.
    pub fn count(&mut self, outcome: &'static str) {
        self.trial.outcome(self.totals, outcome);
    }

    /// Says that a record held `events` events, each of which will be counted.
    pub fn holds(&mut self, events: usize) {
        self.trial.consumed(self.totals, i64::try_from(events).unwrap_or(i64::MAX).saturating_sub(1));
    }

    /// Sends the record, key, value and headers untouched, to the dead-letter topic with the reason behind
    /// them. Counts it.
    ///
    /// A record that would not fit there goes without value and headers: `x-dlq-omitted` says how many bytes
    /// that were, and the other headers where they still lie.
    pub fn dead_letter(&mut self, record: &Incoming<'_>, reason: Reason, detail: &str) {
        self.trial.outcome(self.totals, crate::ledger::dead(reason));
        let topic = self.spec.inputs.get(record.input).map_or("", |input| input.topic.as_str());
        let (partition, offset, at) =
            (record.partition.to_string(), record.offset.to_string(), record.appended.0.to_string());
        let bytes = size(record);
        let fits = bytes <= self.limits.letter_bytes;
        let omitted = bytes.to_string();
        let headers: [(&str, &[u8]); 8] = [
            ("x-dlq-reason", reason.as_str().as_bytes()),
            ("x-dlq-detail", detail.as_bytes()),
            ("x-dlq-stage", self.spec.name.as_bytes()),
            ("x-dlq-topic", topic.as_bytes()),
            ("x-dlq-partition", partition.as_bytes()),
            ("x-dlq-offset", offset.as_bytes()),
            ("x-dlq-timestamp", at.as_bytes()),
            ("x-dlq-omitted", omitted.as_bytes()),
        ];
        let to = self.lane.rem_euclid(self.spec.dead_letters.1.max(1));
        if fits {
            return self.outbox.forward(Topic::DeadLetters, to, record, &headers[..7]);
        }
        let key = record.key.filter(|key| key.len() <= self.limits.letter_bytes / 2);
        let pointer = Incoming { key, value: None, headers: &(), ..*record };
        self.outbox.forward(Topic::DeadLetters, to, &pointer, &headers);
    }
}

/// What a record takes on the log beside key, value and headers: its length, time and place in a batch, and the
/// head of a row.
const EXTRA: usize = 100;

fn size(record: &Incoming<'_>) -> usize {
    let mut bytes = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len) + EXTRA;
    record.headers.each(&mut |name, value| bytes += name.len() + value.map_or(0, <[u8]>::len) + 10);
    bytes
}

impl Processor for Box<dyn Processor> {
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped {
        (**self).stamp(record, now)
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        (**self).process(record, at, ctx)
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        (**self).wake(key, due, ctx);
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        (**self).tell_time(now, ctx);
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        (**self).encode_ledger(ledger)
    }

    fn verdict(&mut self, verdict: Verdict) {
        (**self).verdict(verdict);
    }

    fn idle(&mut self, now: LogTime, host: Millis) -> Option<LogTime> {
        (**self).idle(now, host)
    }

    fn in_force(&self) -> Option<(String, i64)> {
        (**self).in_force()
    }
}
