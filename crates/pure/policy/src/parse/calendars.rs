//! Calendars: a zone, the hours of a week, and dates with other hours.
//!
//! Holds: the hours of each day of the week rise and overlap neither with each other nor with the shift past midnight
//! (`22:00-06:00`) of the day before; those of a date do not overlap with each other.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::read::{Field, Named, Once, shown};
use crate::{Calendar, DayHours};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Minutes in a day, and so the minute at which it ends.
const MIDNIGHT: i16 = 24 * 60;

/// From a minute of the day to another; `to` may be [`MIDNIGHT`], and is below `from` for a shift past midnight.
#[derive(Clone, Copy)]
struct Shift {
    from: i16,
    to: i16,
}

/// A part of one day, and where the document says so.
struct Part<'a> {
    from: i16,
    to: i16,
    /// When the shift ends that begins here; of what is left of yesterday's nothing.
    ends: Option<i16>,
    says: Field<'a>,
}

/// Reads a calendar under its name; problems go to the report.
pub(super) fn read(entry: &Named<'_>) -> (String, Calendar) {
    entry.key.check_name(entry.name);
    let fields = entry.value.fields(&["zone", "hours", "exceptions"]);
    let need = |key: &str| fields.as_ref().and_then(|fields| fields.need(key));
    let exceptions = fields.as_ref().and_then(|fields| fields.get("exceptions"));
    let calendar = Calendar {
        name: entry.name.to_owned(),
        zone: need("zone").and_then(|f| zone(&f)).unwrap_or(TimeZone::UTC),
        week: need("hours").map(|f| week(&f)).unwrap_or_default(),
        exceptions: exceptions.map(|f| dates(&f)).unwrap_or_default(),
    };
    (entry.name.to_owned(), calendar)
}

/// The zone of that name in the bundled data; never that of the machine.
pub(super) fn zone(field: &Field<'_>) -> Option<TimeZone> {
    let name = field.text()?;
    let zones = TimeZoneDatabase::bundled();
    let zone = zones.get(&name).ok();
    if zone.is_none() {
        let names: Vec<String> = zones.available().map(|zone| zone.to_string()).collect();
        field.unknown("time zone", &name, names.iter().map(String::as_str));
    }
    zone
}

fn week(field: &Field<'_>) -> [DayHours; 7] {
    let mut days: [Vec<Part<'_>>; 7] = Default::default();
    let mut seen = Once::default();
    let entries = field.named().unwrap_or_default();
    for entry in &entries {
        let Some((first, count)) = day_range(entry.name) else {
            entry.key.wrong_but(format!("{} is not a day", shown(entry.name)), "write it as in mon, or mon-fri");
            continue;
        };
        let days_meant: Vec<usize> = (first..first + count).map(|day| day % 7).collect();
        for day in &days_meant {
            seen.add(DAYS[*day], &entry.key);
        }
        for item in entry.value.items_or_self() {
            let Some(shift) = shift(&item) else { continue };
            for day in &days_meant {
                let (today, tomorrow) = split(shift, &item);
                days[*day].push(today);
                days[(day + 1) % 7].extend(tomorrow);
            }
        }
    }
    let says_none = !entries.is_empty() && entries.iter().all(|entry| entry.value.is_empty());
    if field.is_empty() || says_none {
        field.wrong("no hours on any day: its clocks would never run");
    }
    days.map(day_hours)
}

/// The first day of `mon` or `mon-fri` and how many days it means.
fn day_range(text: &str) -> Option<(usize, usize)> {
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    Some((first, (last + 7 - first) % 7 + 1))
}

/// Hours of single dates, which replace those that the week has begin on that day.
fn dates(field: &Field<'_>) -> BTreeMap<Date, DayHours> {
    let mut dates = BTreeMap::new();
    for entry in field.named().unwrap_or_default() {
        let Some(date) = entry.key.read_date(entry.name) else { continue };
        let mut parts = Vec::new();
        for item in entry.value.items_or_self() {
            let Some(shift) = shift(&item) else { continue };
            parts.push(split(shift, &item).0);
        }
        dates.insert(date, day_hours(parts));
    }
    dates
}

/// `09:00-17:30`.
fn shift(item: &Field<'_>) -> Option<Shift> {
    let text = item.text()?;
    let ends = text.split_once('-').and_then(|(from, to)| Some((minute_of(from.trim())?, minute_of(to.trim())?)));
    match ends {
        Some((from, to)) if from == to || from == MIDNIGHT => {
            item.wrong_but("ends where it starts", "the whole day is 00:00-24:00");
            None
        }
        Some((from, to)) => Some(Shift { from, to }),
        None => {
            item.wrong_but(format!("expected hours, found {}", shown(&text)), "write them as in 09:00-17:30");
            None
        }
    }
}

/// The minute of the day of a time `HH:MM`, up to `24:00`.
fn minute_of(text: &str) -> Option<i16> {
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    let (hour, minute) = text.split_once(':').filter(|(hour, minute)| two_digits(hour) && two_digits(minute))?;
    let (hour, minute): (i16, i16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MIDNIGHT).then_some(total)
}

/// The part of a shift on its own day and, past midnight, on the next.
fn split<'a>(shift: Shift, item: &Field<'a>) -> (Part<'a>, Option<Part<'a>>) {
    let part = |from, to, ends| Part { from, to, ends, says: item.clone() };
    if shift.to > shift.from {
        return (part(shift.from, shift.to, Some(shift.to)), None);
    }
    let ends = if shift.to > 0 { shift.to } else { MIDNIGHT };
    (part(shift.from, MIDNIGHT, Some(ends)), (shift.to > 0).then(|| part(0, shift.to, None)))
}

/// Orders the shifts that begin on a day and notes, of its parts, those that overlap, at the one that stands later in
/// the document.
fn day_hours(mut parts: Vec<Part<'_>>) -> DayHours {
    parts.sort_by_key(|part| (part.from, part.to));
    for pair in parts.windows(2).filter(|pair| pair[1].from < pair[0].to) {
        let (first, second) =
            if pair[0].says.at <= pair[1].says.at { (&pair[0], &pair[1]) } else { (&pair[1], &pair[0]) };
        second.says.wrong(format!("overlaps with {}-{}", clock_text(first.from), clock_text(first.to)));
    }
    let end = |ends| if ends == MIDNIGHT { None } else { time(ends) };
    parts.iter().filter_map(|part| Some((time(part.from)?, end(part.ends?)))).collect()
}

fn clock_text(minute: i16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn time(minute: i16) -> Option<Time> {
    Time::new(i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?, 0, 0).ok()
}
