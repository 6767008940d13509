//! `ledger.balance`: running totals, written in the transaction of the work they count.

use serde::{Deserialize, Serialize};

use crate::Stamp;

/// Running totals of one lane of one stage since its first record. Schema `ledger.balance-value`.
///
/// Holds: `consumed` equals the sum of `outcomes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Log time of the last work counted.
    pub stamp: Stamp,
    /// The stage.
    pub stage: String,
    /// Records consumed; ticks between consumers are not counted, those of a source are.
    pub consumed: i64,
    /// Each consumed record under exactly one outcome, sorted by name.
    pub outcomes: Vec<Count>,
    /// Records produced a topic, sorted by topic.
    pub produced: Vec<Count>,
    /// Timers fired.
    pub fired: i64,
}

/// A name and a running total.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Count {
    /// Outcome or topic.
    pub name: String,
    /// Running total.
    pub count: i64,
}
