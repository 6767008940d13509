//! Working time: when a desk is staffed, and how working time adds up.
//!
//! Holds: an instant is working time exactly when the wall clock of the zone shows a
//! time within the hours of its date. So where clocks go forward a shift is
//! shorter, and where they go back it is longer, by just the time skipped or
//! repeated. Zones and daylight saving come from `jiff` with its bundled
//! time-zone data, so the same build gives the same instant on every machine.
//!
//! Holds: a shift past midnight belongs to the day on which it begins, whole: a date with other hours takes its
//! own shifts away, to their last hour on the morning after, and none of the night before.
//!
//! Absent on purpose: hours said twice. Where a night reaches into what the next date says, the desk is open once.

use std::collections::BTreeMap;

use baton_domain::Millis;
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// Working intervals of one day, as civil times, rising, not overlapping; the end is excluded.
/// An end of `None` is midnight at the end of the day; one before its beginning, which the last interval of a day
/// may have, is on the next day.
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

/// The longest stretch without working time that is looked across, in days and in ms.
///
/// A year and the longest holiday round it; a desk closed for longer is closed for good.
const HORIZON_DAYS: i64 = 400;
const HORIZON_MS: i64 = HORIZON_DAYS * Millis::DAY;

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

    /// The same hours, meant in another zone.
    #[must_use]
    pub fn in_zone(&self, zone: TimeZone) -> Self {
        Self { zone, ..self.clone() }
    }

    /// Whether the desk is staffed at `at`.
    pub fn is_open(&self, at: Millis) -> bool {
        self.openings(at, at.plus(1)).next().is_some()
    }

    /// The first staffed instant at or after `at`; `None` when there is none within 400 days.
    pub fn next_open(&self, at: Millis) -> Option<Millis> {
        self.openings(at, at.plus(HORIZON_MS)).next().map(|opening| Millis(opening.from))
    }

    /// The first instant, at or after `start`, by which `working_ms` of working time have passed.
    ///
    /// Closing time counts as within the day: one hour from 16:00 on a desk that closes at 17:00 is
    /// 17:00, not the next morning. Without working time to pass (0 or less), it is [`Self::next_open`].
    /// `None` when the desk stays closed for 400 days before that.
    pub fn add(&self, start: Millis, working_ms: i64) -> Option<Millis> {
        let mut left = working_ms.max(0);
        let mut openings = self.openings(start, start.plus(HORIZON_MS));
        while let Some(opening) = openings.next() {
            let length = opening.to - opening.from;
            if left <= length {
                return Some(Millis(opening.from + left));
            }
            left -= length;
            openings.until = opening.to.saturating_add(HORIZON_MS);
        }
        None
    }

    /// Working milliseconds in `[from, to)`; 0 when `to <= from`.
    pub fn between(&self, from: Millis, to: Millis) -> i64 {
        self.openings(from, to).map(|opening| opening.to - opening.from).sum()
    }

    /// The end of the shifts that begin on the `days`-th day with any after the day of `start`; `None` when
    /// there is none within 400 days of the one before. The day of a night's morning hours is that of its evening.
    pub fn close_after(&self, start: Millis, days: i64) -> Option<Millis> {
        let local = self.zone.to_datetime(Timestamp::from_millisecond(start.0).ok()?);
        let yesterday = local.date().yesterday().ok()?;
        let by_night = self.nights(yesterday).any(|until| local.time() < until);
        let (mut day, mut left) = (if by_night { yesterday } else { local.date() }, days);
        loop {
            let after = day.series(1.days()).skip(1).zip(0..HORIZON_DAYS).map(|(day, _)| day);
            let close = |day: Date| Some((day, self.close_of(day).filter(|close| *close > start)?));
            let (worked, close) = after.into_iter().find_map(close)?;
            left -= 1;
            if left <= 0 {
                return Some(close);
            }
            day = worked;
        }
    }

    /// When the last shift that begins on `day` ends; `None` on a day without.
    fn close_of(&self, day: Date) -> Option<Millis> {
        let hours = self.hours(day);
        if hours.is_empty() {
            return None;
        }
        let (name, week, exceptions) = (String::new(), Default::default(), [(day, hours.clone())].into());
        let only = Self { name, zone: self.zone.clone(), week, exceptions };
        let midnight = Millis(self.zone.to_timestamp(day.into()).ok()?.as_millisecond());
        only.openings(midnight.plus(-Millis::DAY), midnight.plus(3 * Millis::DAY)).last().map(|last| Millis(last.to))
    }

    /// The name and a fingerprint of zone, hours and exceptions: another one whenever one of them changes.
    pub fn version(&self) -> String {
        let zone = self.zone.iana_name().unwrap_or("UTC");
        let content = format!("{zone} {:?} {:?}", self.week, self.exceptions);
        // FNV-1a: it tells versions apart, it protects nothing.
        let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let hash = content.bytes().fold(0x811c_9dc5, fold);
        format!("{}@{hash:08x}", self.name)
    }

    fn openings(&self, from: Millis, until: Millis) -> Openings<'_> {
        Openings { calendar: self, at: from.0.max(Timestamp::MIN.as_millisecond()), until: until.0, season: None }
    }

    fn hours(&self, date: Date) -> &DayHours {
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        self.exceptions.get(&date).unwrap_or(&self.week[weekday])
    }

    /// Until when, on the next day, the shifts of `date` last that go on past midnight.
    fn nights(&self, date: Date) -> impl Iterator<Item = Time> + '_ {
        self.hours(date).iter().filter_map(|(opens, shuts)| shuts.filter(|shuts| shuts < opens))
    }
}

/// A stretch of working time in ms since 1970, the end excluded; never empty.
struct Opening {
    from: i64,
    to: i64,
}

/// The working time in `[at, until)`, rising. A stretch ends at every midnight and change of offset.
struct Openings<'a> {
    calendar: &'a Calendar,
    at: i64,
    until: i64,
    season: Option<Season>,
}

/// A stretch in which the zone keeps one offset, to which clocks differ by a constant.
#[derive(Clone, Copy)]
struct Season {
    offset: Offset,
    ends: i64,
}

impl Openings<'_> {
    /// The season that holds `at`.
    fn season(&mut self, at: Timestamp) -> Season {
        match self.season {
            Some(season) if self.at < season.ends => season,
            _ => {
                let zone = &self.calendar.zone;
                let ends = zone.following(at).next().map_or(i64::MAX, |change| change.timestamp().as_millisecond());
                *self.season.insert(Season { offset: zone.to_offset(at), ends })
            }
        }
    }
}

impl Iterator for Openings<'_> {
    type Item = Opening;

    fn next(&mut self) -> Option<Opening> {
        while self.at < self.until {
            // Past the year 9999 there is no calendar, hence no working time.
            let now = Timestamp::from_millisecond(self.at).ok()?;
            let season = self.season(now);
            let local = season.offset.to_datetime(now);
            // Midnights as this season's clock has them; where the season starts or ends within
            // the day, the part of the day that it does not cover is cut off.
            let midnight = self.at - ms_of_day(local.time());
            let closes = season.ends.min(self.until);
            let yesterday = local.date().yesterday().ok();
            let night = yesterday.into_iter().flat_map(|date| self.calendar.nights(date));
            let night = night.map(|until| (Time::midnight(), Some(until)));
            let today = self.calendar.hours(local.date()).iter();
            // What lasts past midnight lasts to midnight on this day.
            let today = today.map(|(opens, shuts)| (*opens, shuts.filter(|shuts| opens < shuts)));
            let opening = night
                .chain(today)
                .map(|(opens, shuts)| Opening {
                    from: (midnight + ms_of_day(opens)).max(self.at),
                    to: (midnight + shuts.map_or(Millis::DAY, ms_of_day)).min(closes),
                })
                .find(|opening| opening.from < opening.to);
            if let Some(opening) = opening {
                self.at = opening.to;
                return Some(opening);
            }
            self.at = (midnight + Millis::DAY).min(season.ends);
        }
        None
    }
}

fn ms_of_day(time: Time) -> i64 {
    let minutes = i64::from(time.hour()) * 60 + i64::from(time.minute());
    (minutes * 60 + i64::from(time.second())) * Millis::SECOND + i64::from(time.millisecond())
}

#[cfg(test)]
mod tests;
