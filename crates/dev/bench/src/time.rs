//! A lane's place in time for stages that read their inputs as they arrive.

use baton_domain::LogTime;

/// The place after `now`.
pub fn next(now: LogTime) -> LogTime {
    LogTime(now.0.max(0).saturating_add(1))
}

/// A watchdog's log time is its clock: milliseconds, and room for a million records within one.
const WITHIN: u32 = 20;

/// The place of a record that moves the clock to `ms`, or leaves it where it is.
pub fn moved(now: LogTime, ms: i64) -> LogTime {
    next(now).max(LogTime(ms.saturating_mul(1 << WITHIN)))
}

/// The clock at a place.
pub fn clock(at: LogTime) -> i64 {
    at.0 >> WITHIN
}

/// The last place at which the clock has not passed `ms`.
pub fn last_of(ms: i64) -> LogTime {
    LogTime(ms.saturating_add(1).saturating_mul(1 << WITHIN).saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_passes_with_the_first_later_millisecond() {
        let deadline = last_of(1_000);
        assert!(deadline >= moved(LogTime::MIN, 1_000), "at the deadline it has not passed");
        assert!(deadline < moved(LogTime::MIN, 1_001));
        assert_eq!(clock(moved(LogTime::MIN, 1_000)), 1_000);
        assert_eq!(clock(next(moved(LogTime::MIN, 1_000))), 1_000, "what does not move the clock stays within it");
    }
}
