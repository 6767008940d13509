//! The order of a worker's calls to the log, and what becomes of its work when one of them fails.
//!
//! Each claim is one that a change of a few lines in the engine would break without any other sign;
//! the planted mutants of `tests/mutants` are such changes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may unwrap, its helpers too")]

mod bench;
mod bounds;
mod outputs;
mod port;
mod restoring;
mod sources;
mod stage;
mod time;
mod transactions;
