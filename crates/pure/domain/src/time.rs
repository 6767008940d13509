//! Two kinds of time, kept apart by type.
//!
//! [`LogTime`] orders the log: the sequencer stamps every record of
//! `lead.events` with one, strictly rising, so a stamp is a position and a time
//! at once. [`Millis`] is when something happened in the world.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00Z: when something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

/// Microseconds since 1970-01-01T00:00Z: the log's own time.
///
/// Unique and strictly rising over the records that one sequencer writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogTime(pub i64);

impl Millis {
    /// One second.
    pub const SECOND: i64 = 1_000;
    /// One minute.
    pub const MINUTE: i64 = 60_000;
    /// One hour.
    pub const HOUR: i64 = 3_600_000;
    /// One day of 24 hours.
    pub const DAY: i64 = 86_400_000;

    /// The instant `ms` milliseconds later; stops at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The number of the UTC day, counted from 1970-01-01.
    pub fn day(self) -> i64 {
        self.0.div_euclid(Self::DAY)
    }
}

impl LogTime {
    /// Before every stamp.
    pub const MIN: Self = Self(i64::MIN);
    /// After every stamp.
    pub const MAX: Self = Self(i64::MAX);

    /// The first stamp of a millisecond.
    pub fn from_millis(ms: Millis) -> Self {
        Self(ms.0.saturating_mul(1_000))
    }

    /// The millisecond that holds this stamp.
    pub fn millis(self) -> Millis {
        Millis(self.0.div_euclid(1_000))
    }

    /// The next stamp.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_before_1970_belongs_to_the_millisecond_below() {
        assert_eq!(LogTime(-1).millis(), Millis(-1));
        assert_eq!(LogTime::from_millis(Millis(-1)), LogTime(-1_000));
    }

    #[test]
    fn time_saturates_instead_of_wrapping() {
        assert_eq!(LogTime::MAX.next(), LogTime::MAX);
        assert_eq!(Millis(i64::MAX).plus(1), Millis(i64::MAX));
    }

    #[test]
    fn what_lies_between_two_instants_has_a_sign() {
        assert_eq!(Millis(1_500).since(Millis(1_000)), 500);
        assert_eq!(Millis(1_000).since(Millis(1_500)), -500);
    }

    #[test]
    fn a_day_begins_at_midnight_also_before_1970() {
        let days = [-Millis::DAY - 1, -Millis::DAY, -1, 0, Millis::DAY - 1, Millis::DAY, 3 * Millis::DAY];
        assert_eq!(days.map(|ms| Millis(ms).day()), [-2, -1, -1, 0, 0, 1, 3]);
    }

    #[test]
    fn stamps_of_a_millisecond_are_a_thousand() {
        let first = LogTime::from_millis(Millis(7));
        assert_eq!((first, first.next()), (LogTime(7_000), LogTime(7_001)));
        assert_eq!((LogTime(7_999).millis(), LogTime(8_000).millis()), (Millis(7), Millis(8)));
    }
}
