//! A fixed piece of work on the unchanged engine, so that its cost can be compared with another engine's.
//!
//! Four stages that any stream processor can run: count what a lead did, score it, hand it off, watch the promise.
//! Integers throughout, so that every right implementation writes the same records. The specification is that of
//! the program it is compared with.
//!
//! Absent on purpose: the product. These stages have no policy, no receipts and no order over topics.

pub mod aggregator;
pub mod host;
pub mod router;
pub mod rules;
pub mod scorer;
pub mod time;
pub mod watchdog;
pub mod wire;
