//! The policy: which behaviour earns points, who is ready, who gets the lead, and how long they have.
//!
//! A YAML document a sales-ops person can read is parsed, checked whole (every
//! error at once, each with line and column) and compiled into [`Policy`].
//!
//! Holds: a compiled [`Policy`] needs no further checks; every reference in it
//! resolves, every number is in range.
//!
//! Absent on purpose: files, clocks, and anything a lead did.

mod answer;
mod calendar;
mod diff;
mod lifecycle;
mod model;
mod parse;
mod promise;
mod roster;
mod stopwatch;

pub use calendar::{Calendar, DayHours};
pub use diff::{Change, diff};
pub use lifecycle::{Blame, Destination, Effect, Lifecycle, LoopGuard, RULED_OUT_AS, Rearm};
pub use model::*;
pub use parse::{Problem, doubts, parse, read_rep, read_roster, schema};
pub use promise::{After, Cadence, Escalation, Hours, Level, Month, Owing, Promise, ROLES, Sla, Target};
pub use roster::{check_rep, rep_as_told};
pub use stopwatch::Stopwatch;

/// Reading of documents written by people, so that every mistake is found at once, each with its
/// place. What is written beside a policy is read as the policy is.
pub mod document {
    pub use crate::parse::read::{Field, Fields, Named, Once, Report, shown};
    pub use crate::parse::yaml::{Entry, Fault, Kind, Mark, Node, read};
}

/// The policy to start from, as YAML with comments: a company that sells software to companies.
pub const STARTER: &str = include_str!("../../../../deploy/policy/starter.yaml");
