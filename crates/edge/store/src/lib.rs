//! The state of a lane on its own disk: a map in memory over an append-only, checksummed log.
//!
//! Holds: what comes back after a crash is the state at the end of some earlier
//! frame, with that frame's changelog position, or nothing at all with position
//! 0; never a mix, never a row that was not committed. Two processes never share
//! a directory.
//!
//! Absent on purpose: a clock of its own, a background thread, any knowledge of what a row
//! means. Durability is the changelog's: a lost tail costs time, not data.

mod chain;
mod compact;
mod error;
mod frame;
mod identity;
mod load;
mod log;
mod manifest;
mod rows;
mod segment;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use identity::{Cause, Identity, Opened, Trust};
pub use log::{MemLog, Size};
