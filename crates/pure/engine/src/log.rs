//! The port to the log: what the engine asks of Kafka, or of a simulated log.

use core::fmt;

use baton_domain::Millis;

use crate::headers::RecordHeaders;
use crate::outbox::{Outbox, Output};

/// A partition of one of the stage's inputs: (index of the input, partition).
pub type Part = (usize, i32);

/// Takes a changelog record: key, and row or tombstone.
pub type RowSink<'a> = dyn FnMut(&[u8], Option<&[u8]>) + 'a;

/// The log, as one worker sees it: a group consumer, a transactional producer and a reader for restores.
///
/// Every call may block for a bounded time. Nothing is visible to anybody before [`Log::commit`].
pub trait Log {
    /// Waits up to `wait_ms` for something to happen, then hands over what is there, at most
    /// `max` records; with a `max` of 0 it only waits, and serves the group.
    fn poll(&mut self, wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault>;

    /// Reads the parts from these offsets on; a part that is being read already starts over there.
    fn start(&mut self, parts: &[(Part, i64)]) -> Result<(), Fault>;

    /// Stops (`true`) or goes on with (`false`) handing over records of these parts.
    fn hold(&mut self, parts: &[Part], hold: bool) -> Result<(), Fault>;

    /// The committed offset of each part, in order; waits for transactions that could still change it.
    fn committed(&mut self, parts: &[Part]) -> Result<Vec<Option<i64>>, Fault>;

    /// The first offset still held of a part.
    fn beginning(&mut self, part: Part) -> Result<i64, Fault>;

    /// The end of a lane's changelog including transactions that are not decided yet (the high watermark).
    fn changelog_end(&mut self, lane: i32) -> Result<i64, Fault>;

    /// Starts reading a lane's changelog at `from`.
    fn restore_start(&mut self, lane: i32, from: i64) -> Result<(), Fault>;

    /// Reads on; gives committed records and returns the position reached, markers included.
    fn restore_poll(&mut self, lane: i32, sink: &mut RowSink<'_>) -> Result<i64, Fault>;

    /// Ends the reading of a lane's changelog.
    fn restore_stop(&mut self, lane: i32);

    /// Takes over the transactional id: whoever held it before can write nothing more, and what
    /// they left open is finished or undone. Also the way out of a fatal fault.
    fn fence(&mut self) -> Result<(), Fault>;

    /// Whether something happened to the connection within the last transaction that calls for a
    /// new producer before the next (transactions V1 could otherwise tear; see docs/GUARANTEES.md).
    fn suspect(&self) -> bool;

    /// Opens a transaction.
    fn begin(&mut self) -> Result<(), Fault>;

    /// Adds an output to it.
    fn produce(&mut self, output: &Output<'_>) -> Result<(), Fault>;

    /// Adds all of these outputs to it; in order within each partition.
    fn produce_all(&mut self, outputs: &Outbox) -> Result<(), Fault> {
        outputs.outputs().try_for_each(|output| self.produce(&output))
    }

    /// Adds the consumed positions to it, under the group's current generation.
    fn send_offsets(&mut self, offsets: &[(Part, i64)]) -> Result<(), Fault>;

    /// Commits it. `Ok` only with a verdict of the broker.
    fn commit(&mut self) -> Result<(), Fault>;

    /// Undoes it.
    fn abort(&mut self) -> Result<(), Fault>;

    /// Host time, for pacing and for the sequencer's own ticks; never decides anything else.
    fn now(&self) -> Millis;
}

/// Something that happened on the log.
#[derive(Debug)]
pub enum Event<'a> {
    /// A record of a part.
    Record {
        /// Where it comes from.
        part: Part,
        /// Its offset.
        offset: i64,
        /// The broker's append time.
        appended: Millis,
        /// Its key.
        key: Option<&'a [u8]>,
        /// Its value.
        value: Option<&'a [u8]>,
        /// Its headers.
        headers: &'a dyn RecordHeaders,
    },
    /// Records with these keys are at hand and will be given next. Nothing but time depends on it.
    Ahead(&'a [(Part, &'a [u8])]),
    /// A part has been read to its end, `offset`, markers included.
    End {
        /// Which part.
        part: Part,
        /// The next offset.
        offset: i64,
    },
    /// The group gave this worker lanes; none where all are taken.
    Assigned(Vec<i32>),
    /// The group takes lanes back; nothing more may be written for them.
    Revoked(Vec<i32>),
}

/// What a poll came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Records handed over.
    pub records: usize,
    /// Whether there was nothing more to hand over.
    pub drained: bool,
}

/// Why a call to the log failed, by what must be done next. Anything unclassified is fatal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Undo the transaction and do its work again.
    Abort(String),
    /// The producer cannot be trusted, or the outcome of a commit is unknown: fence, restore, go on.
    Fatal(String),
    /// Somebody else took over the transactional id or the group membership: end this process.
    Fenced(String),
    /// The cluster cannot be used as configured (no such topic, not authorised): end with this message.
    Config(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abort(why) | Self::Fatal(why) | Self::Fenced(why) | Self::Config(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for Fault {}
