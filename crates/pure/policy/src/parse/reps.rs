//! One rep: hours, limits and absences.

use std::collections::BTreeMap;

use baton_domain::Millis;
use jiff::tz::TimeZone;

use super::read::{Field, Named};
use super::routing::refer;
use crate::{Calendar, Rep, RepStatus};

const STATUSES: [(&str, RepStatus); 3] =
    [("active", RepStatus::Active), ("away", RepStatus::Away), ("gone", RepStatus::Gone)];

/// Reads a rep under its id; problems go to the report.
pub(super) fn read(entry: &Named<'_>, calendars: Option<&BTreeMap<String, Calendar>>) -> (String, Rep) {
    entry.key.check_name(entry.name);
    let fields = entry.value.fields(&["name", "calendar", "day_max", "status", "away"]);
    let need = |key: &str| fields.as_ref().and_then(|fields| fields.need(key));
    let get = |key: &str| fields.as_ref().and_then(|fields| fields.get(key));
    let calendar = need("calendar").map(|f| refer(&f, "calendar", calendars)).unwrap_or_default();
    let zone = calendars.and_then(|known| known.get(&calendar)).map_or(TimeZone::UTC, |calendar| calendar.zone.clone());
    let rep = Rep {
        name: need("name").and_then(|f| f.text()).unwrap_or_default(),
        day_max: get("day_max").and_then(|f| f.integer(1, 100_000)),
        status: get("status").map_or(RepStatus::Active, |f| status(&f)),
        away: get("away")
            .map(|f| f.items().iter().filter_map(|item| absence(item, &zone)).collect())
            .unwrap_or_default(),
        calendar,
    };
    (entry.name.to_owned(), rep)
}

fn status(field: &Field<'_>) -> RepStatus {
    let name = field.one_of("status", STATUSES.map(|(name, _)| name)).unwrap_or_default();
    STATUSES.iter().find(|(known, _)| *known == name).map_or(RepStatus::Active, |(_, status)| *status)
}

/// From the first day away to the first day back, both as the rep's own days begin.
fn absence(item: &Field<'_>, zone: &TimeZone) -> Option<(Millis, Millis)> {
    let fields = item.fields(&["from", "back"])?;
    let from = fields.need("from");
    let back = fields.need("back");
    let days = (from?.date()?, back.as_ref()?.date()?);
    if days.0 >= days.1 {
        back?.wrong(format!("the first day back must be after {}", days.0));
        return None;
    }
    let dawn = |day: jiff::civil::Date| Some(Millis(zone.to_timestamp(day.into()).ok()?.as_millisecond()));
    Some((dawn(days.0)?, dawn(days.1)?))
}
