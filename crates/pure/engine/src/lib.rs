//! The host of the stages, without I/O: lanes, merging, wake-ups, transactions, restore.
//!
//! Holds: the same records in the same channels give the same outputs, whatever the batches,
//! the crashes between them, or the number of processes. All that touches the world goes through
//! the [`Log`] and [`Store`] ports, so that production and the simulator run this very code.
//!
//! Absent on purpose: a clock (the port says what time it is, and only for pacing), rdkafka, threads.

mod arrivals;
mod changes;
mod headers;
mod lane;
mod ledger;
mod log;
mod merge;
mod outbox;
mod processor;
mod rows;
mod spec;
mod store;
mod trace;
mod trial;
mod worker;

pub use headers::{HeaderSink, KeptHeaders, RecordHeaders};
pub use lane::row::LaneRow;
pub use ledger::Accounts;
pub use log::{Event, Fault, Log, Part, Polled, RowSink};
pub use outbox::{Emit, Headers, Outbox, Output, Topic};
pub use processor::{Ctx, Incoming, Processor, Stamped, Verdict};
pub use spec::{InputSpec, Limits, Order, Spread, StageSpec, Writers};
pub use store::{MemStore, Store, StoreError};
pub use trace::{TRACEPARENT, Trace, TraceContext};
pub use worker::{LaneStatus, Stats, Stop, Turn, Worker};
