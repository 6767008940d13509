//! A thin, owning layer over librdkafka's C calls.
//!
//! Holds: every pointer has one owner that destroys it once; a list or message never outlives the
//! call or guard that made it; strings from librdkafka are copied before its buffer goes.

mod consumer;
mod groups;
mod handle;
mod leader_hint;
mod list;
mod producer;
mod topics;

pub use consumer::headers_of;
pub(crate) use consumer::{Consumer, GroupChange, Message};
pub(crate) use handle::RawError;
pub use leader_hint::is_in_force as passes_over_leader_hints;
pub(crate) use list::PartitionList;
pub(crate) use producer::{Producer, Run};
pub(crate) use topics::topic_id;
