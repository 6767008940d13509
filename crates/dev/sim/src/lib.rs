//! The whole pipeline in one process, on a log in memory and the log's own time.
//!
//! Runs the very engine and consumers of production over [`MemoryLog`]; `baton simulate` and the
//! tests with planted faults are built on it.
//!
//! Holds: the same events and policy give the same outputs, byte for byte, however they are fed.
//!
//! Absent on purpose: threads, files, a broker, any clock.

mod faults;
mod log;
mod pipeline;

pub use faults::{Dice, FaultyLog, Thrown};
pub use log::{MemoryLog, Record, Shared};
pub use pipeline::{Failure, Pipeline};
