//! What must be so when everything is quiet again, each judged without the help of the others.
//!
//! Holds: an oracle says what differs and where; it mends nothing, and knows nothing of the faults.

pub(crate) mod agreement;
pub(crate) mod calendar;
pub(crate) mod ledgers;
pub(crate) mod liveness;
pub(crate) mod promises;
pub(crate) mod reading;

use serde::Serialize;

/// Differences of one oracle, all counted, the first few kept in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// Things compared.
    pub(crate) compared: usize,
    /// How many differ.
    pub(crate) differences: usize,
    /// Some of them.
    pub(crate) examples: Vec<String>,
}

impl Verdict {
    /// As many differences as a person reads.
    const SHOWN: usize = 10;

    /// Notes a difference.
    pub(crate) fn differs(&mut self, what: impl Into<String>) {
        self.differences += 1;
        if self.examples.len() < Self::SHOWN {
            self.examples.push(what.into());
        }
    }

    /// Notes that so many things were looked at.
    pub(crate) fn looked(&mut self, things: usize) {
        self.compared += things;
    }
}
