//! The whole pipeline in one process, on a log in memory and the log's own time.
//!
//! Runs the very engine and consumers of production, in two ways. [`Pipeline`] is the short one: one
//! process each on a log that never fails; `baton simulate` is built on it. [`Trial`] is the hard one:
//! several processes each on [`Broker`], a model of Kafka with everything that can go wrong; one seed
//! is one trial. [`conformance`] holds that model and Kafka to the same claims.
//!
//! Holds: the same events and policy give the same outputs, byte for byte, however they are fed and
//! whatever befalls them.
//!
//! Absent on purpose: threads, files, a real broker, any clock.

mod broker;
mod client;
pub mod conformance;
mod dice;
mod heard;
mod log;
mod pipeline;
mod scenario;
mod trace;
mod trial;

pub use baton_engine::KeptHeaders as Headers;
pub use broker::Broker;
pub use client::{Flaw, SimLog};
pub use dice::Dice;
pub use heard::Heard;
pub use log::{MemoryLog, Record, Shared};
pub use pipeline::{Failure, Pipeline, Setup};
pub use scenario::{bytes, consumer, play, told, unread};
pub use trial::{Caught, Report, Sample, Trial};

/// Topics whose records must not depend on how they came about.
pub const OUTCOMES: [&str; 19] = [
    "lifecycle.changed",
    "lifecycle.rejected",
    "status.changed",
    "nurture.events",
    "lead.cooled",
    "enrichment.requested",
    "handoff.revised",
    "lead.qualified",
    "lead.assignment",
    "lead.handoff",
    "lead.activity_alert",
    "sla.started",
    "sla.warned",
    "sla.met",
    "sla.breach",
    "sla.cancelled",
    "sla.paused",
    "sla.resumed",
    "canary.returned",
];
