//! A promise that may stand still: what it has used, and when so much of it is used.
//!
//! Holds: time in which it stands still is never counted; what was used before a pause is kept, whatever
//! the hours are afterwards. The watchdog and the router keep one each for the same promise and tell it
//! the same, so both reckon the same instants.
//!
//! Absent on purpose: why it stands still, and what is due when (whoever keeps it knows).

use baton_domain::Millis;
use serde::{Deserialize, Serialize};

use crate::Hours;

/// The time that a promise has used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopwatch {
    /// Whether only working time counts.
    pub business_hours: bool,
    /// Used before `since`, in ms of its own measure.
    used_ms: i64,
    /// Since when it runs, or stands still.
    since: Millis,
    halted: bool,
}

impl Stopwatch {
    /// One that runs from `start` on.
    pub fn start(business_hours: bool, start: Millis) -> Self {
        Self { business_hours, used_ms: 0, since: start, halted: false }
    }

    /// Whether it stands still.
    pub fn is_halted(&self) -> bool {
        self.halted
    }

    /// It stands still from `at` on.
    pub fn halt(&mut self, hours: &Hours<'_>, at: Millis) {
        if !self.halted {
            let used = if self.business_hours { hours.between(self.since, at) } else { at.since(self.since).max(0) };
            (self.used_ms, self.since, self.halted) = (self.used_ms.saturating_add(used), at, true);
        }
    }

    /// It goes on at `at`.
    pub fn resume(&mut self, at: Millis) {
        if self.halted {
            (self.since, self.halted) = (at, false);
        }
    }

    /// When `after_ms` are used, if it runs on.
    pub fn reaches(&self, hours: &Hours<'_>, after_ms: i64) -> Millis {
        let left = after_ms.saturating_sub(self.used_ms);
        // Nothing left was due before it stood still: no opening is waited for.
        if self.business_hours && (left > 0 || self.used_ms == 0) {
            hours.add(self.since, left)
        } else {
            self.since.plus(left)
        }
    }
}
