//! Working time: when a desk is staffed, and how working time adds up.
//!
//! Zones and daylight saving come from `jiff` with its bundled time-zone data,
//! so the same build gives the same instant on every machine.

use std::collections::BTreeMap;

use baton_domain::Millis;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// Working intervals of one day, as civil times, rising, not overlapping; the end is excluded.
/// An end of `None` is midnight at the end of the day.
pub type DayHours = Vec<(Time, Option<Time>)>;

/// A week of working hours in a time zone, with exceptions by date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Its name.
    pub name: String,
    /// The zone in which the hours are meant.
    pub zone: TimeZone,
    /// Monday to Sunday.
    pub week: [DayHours; 7],
    /// Dates with other hours; a holiday has none.
    pub exceptions: BTreeMap<Date, DayHours>,
}

impl Calendar {
    /// Every hour of every day.
    pub fn around_the_clock() -> &'static Self {
        static ALWAYS: std::sync::OnceLock<Calendar> = std::sync::OnceLock::new();
        ALWAYS.get_or_init(|| Self {
            name: "24x7".to_owned(),
            zone: TimeZone::UTC,
            week: std::array::from_fn(|_| vec![(Time::midnight(), None)]),
            exceptions: BTreeMap::new(),
        })
    }

    /// Whether the desk is staffed at `at`.
    pub fn is_open(&self, at: Millis) -> bool {
        let _ = at;
        todo!("helper: policy")
    }

    /// The first staffed instant at or after `at`; `None` when there is none within 400 days.
    pub fn next_open(&self, at: Millis) -> Option<Millis> {
        let _ = at;
        todo!("helper: policy")
    }

    /// The instant at which `working_ms` of working time have passed since `start`;
    /// `None` when that is not within 400 days after the last interval looked at.
    pub fn add(&self, start: Millis, working_ms: i64) -> Option<Millis> {
        let _ = (start, working_ms);
        todo!("helper: policy")
    }

    /// Working milliseconds in `[from, to)`; 0 when `to <= from`.
    pub fn between(&self, from: Millis, to: Millis) -> i64 {
        let _ = (from, to);
        todo!("helper: policy")
    }
}
