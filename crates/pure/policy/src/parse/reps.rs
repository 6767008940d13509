//! One rep: hours, limits, absences, and what they bring.

use std::collections::BTreeMap;

use baton_domain::Millis;
use jiff::tz::TimeZone;

use super::calendars::zone;
use super::read::{Field, Named};
use super::routing::refer;
use crate::{Calendar, Rep, RepStatus};

const STATUSES: [(&str, RepStatus); 3] =
    [("active", RepStatus::Active), ("away", RepStatus::Away), ("gone", RepStatus::Gone)];
const KEYS: [&str; 11] = [
    "name",
    "calendar",
    "zone",
    "open_max",
    "day_max",
    "week_max",
    "territories",
    "skills",
    "languages",
    "status",
    "away",
];
/// The most leads that a limit may name.
pub(super) const MOST_LEADS: i64 = 100_000;

/// Reads a rep under its id; problems go to the report.
pub(super) fn read(entry: &Named<'_>, calendars: Option<&BTreeMap<String, Calendar>>) -> (String, Rep) {
    entry.key.check_name(entry.name);
    let fields = entry.value.fields(&KEYS);
    let need = |key: &str| fields.as_ref().and_then(|fields| fields.need(key));
    let get = |key: &str| fields.as_ref().and_then(|fields| fields.get(key));
    let limit = |key: &str| get(key).and_then(|f| f.integer(1, MOST_LEADS));
    let words = |key: &str| get(key).map(|f| lower(&f)).unwrap_or_default();
    let calendar = get("calendar").map(|f| refer(&f, "calendar", calendars)).unwrap_or_default();
    if let Some(field) = get("zone").filter(|_| calendar.is_empty()) {
        field.wrong("needs `calendar`: the hours that are meant in this zone");
    }
    let own = get("zone").and_then(|f| zone(&f));
    let of_calendar = calendars.and_then(|known| known.get(&calendar)).map(|calendar| calendar.zone.clone());
    let days = own.clone().or(of_calendar).unwrap_or(TimeZone::UTC);
    let away = get("away").map(|f| absences(&f, |item| absence(item, &days))).unwrap_or_default();
    let rep = Rep {
        name: need("name").and_then(|f| f.text()).unwrap_or_default(),
        open_max: limit("open_max"),
        day_max: limit("day_max"),
        week_max: limit("week_max"),
        territories: words("territories"),
        skills: words("skills"),
        languages: words("languages"),
        status: get("status").map_or(RepStatus::Active, |f| status(&f)),
        away: away.into_iter().map(|absence| (absence.0, absence.1)).collect(),
        zone: own,
        paused_until: None,
        calendar,
    };
    (entry.name.to_owned(), rep)
}

/// One word or a list of them, in lower case: they are compared without regard to case.
pub(super) fn lower(field: &Field<'_>) -> Vec<String> {
    field.texts().iter().map(|text| text.to_lowercase()).collect()
}

pub(super) fn status(field: &Field<'_>) -> RepStatus {
    let name = field.one_of("status", STATUSES.map(|(name, _)| name)).unwrap_or_default();
    STATUSES.iter().find(|(known, _)| *known == name).map_or(RepStatus::Active, |(_, status)| *status)
}

/// The stretches of a list, rising; one that begins before the one before it ended is noted.
pub(super) fn absences<'a>(
    list: &Field<'a>,
    read: impl Fn(&Field<'a>) -> Option<(Millis, Millis)>,
) -> Vec<(Millis, Millis)> {
    let mut known: Vec<(Millis, Millis)> = Vec::new();
    for item in list.items() {
        let Some((from, to)) = read(&item) else { continue };
        if known.iter().any(|(other_from, other_to)| from < *other_to && *other_from < to) {
            item.wrong("overlaps an absence before it");
        }
        known.push((from, to));
    }
    known.sort_unstable();
    known
}

/// From the first day away to the first day back, both as the rep's own days begin.
fn absence(item: &Field<'_>, zone: &TimeZone) -> Option<(Millis, Millis)> {
    let fields = item.fields(&["from", "back"])?;
    let from = fields.need("from").and_then(|f| f.date());
    let back = fields.need("back");
    let returns = back.as_ref().and_then(Field::date);
    let days = (from?, returns?);
    if days.0 >= days.1 {
        back?.wrong(format!("the first day back must be after {}", days.0));
        return None;
    }
    let dawn = |day: jiff::civil::Date| Some(Millis(zone.to_timestamp(day.into()).ok()?.as_millisecond()));
    Some((dawn(days.0)?, dawn(days.1)?))
}
