//! The policy: which behaviour earns points, who is ready, who gets the lead, and how long they have.
//!
//! A YAML document a sales-ops person can read is parsed, checked whole (every
//! error at once, each with line and column) and compiled into [`Policy`].
//!
//! Holds: a compiled [`Policy`] needs no further checks; every reference in it
//! resolves, every number is in range.
//!
//! Absent on purpose: files, clocks, and anything a lead did.

mod calendar;
mod model;

pub use calendar::{Calendar, DayHours};
pub use model::*;
