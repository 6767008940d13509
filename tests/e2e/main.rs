//! The binary on a real broker: what it gives, what survives, what it refuses.
//!
//! `make broker-test` starts a throwaway Kafka and runs these. Run otherwise, without
//! `BATON_TEST_BOOTSTRAP`, each test says that it is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests and their helpers may")]
#![allow(clippy::disallowed_macros, clippy::print_stderr, reason = "a skipped test says so")]

mod agreement;
mod canary;
mod catalogue;
mod client;
mod conformance;
mod dead_letters;
mod harness;
mod input;
mod live;
mod livez;
mod metrics;
mod published;
mod refusal;
mod rig;
mod scenarios;
mod survival;
mod transactions;
mod upgrade;
mod verify;
