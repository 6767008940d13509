//! The section `sla`: calendars, targets, warnings and grace.

use std::collections::BTreeMap;

use baton_domain::Clock;

use super::calendars;
use super::read::{Field, shown};
use crate::{Calendar, LANES, Sla, Target};

/// The section, and whether it has calendars to refer to.
pub(super) struct Read {
    pub(super) sla: Sla,
    pub(super) has_calendars: bool,
}

/// Reads the section; problems go to the report.
pub(super) fn read(section: &Field<'_>) -> Option<Read> {
    let clocks = Clock::ALL.map(Clock::as_str);
    let mut known = vec!["calendars", "warn", "grace"];
    known.extend(clocks);
    let fields = section.fields(&known)?;
    let calendars: Option<BTreeMap<String, Calendar>> =
        fields.need("calendars").and_then(|f| f.named()).map(|named| named.iter().map(calendars::read).collect());
    let targets = |clock: Clock| Some((clock, targets(&fields.need(clock.as_str())?)));
    Some(Read {
        has_calendars: calendars.is_some(),
        sla: Sla {
            calendars: calendars.unwrap_or_default(),
            clocks: Clock::ALL.into_iter().filter_map(targets).collect(),
            warn_percent: fields.need("warn").map(|f| warnings(&f)).unwrap_or_default(),
            grace_ms: fields.need("grace").and_then(|f| f.duration_or_zero()).unwrap_or_default(),
        },
    })
}

fn targets(field: &Field<'_>) -> BTreeMap<String, Target> {
    let mut targets = BTreeMap::new();
    for entry in field.named().unwrap_or_default() {
        if !LANES.contains(&entry.name) {
            entry.key.unknown("lane", entry.name, LANES);
        }
        if let Some(target) = target(&entry.value) {
            targets.insert(entry.name.to_owned(), target);
        }
    }
    targets
}

/// `8h` around the clock, or `8h business` on the owner's calendar.
fn target(field: &Field<'_>) -> Option<Target> {
    let text = field.text()?;
    let (duration, hours) = text.split_once(' ').unwrap_or((&text, ""));
    let business_hours = match hours.trim() {
        "" => false,
        "business" => true,
        other => {
            let message = format!("expected `business` or nothing after the duration, found {}", shown(other));
            field.wrong_but(message, "write it as in 8h or 8h business");
            return None;
        }
    };
    let within_ms = field.read_duration(duration)?;
    if within_ms == 0 {
        field.wrong("must be longer than 0");
    }
    Some(Target { within_ms, business_hours })
}

fn warnings(field: &Field<'_>) -> Vec<i64> {
    let mut rising = Vec::new();
    for item in field.items() {
        let Some(percent) = item.integer(1, 99) else { continue };
        if let Some(before) = rising.last().filter(|before| **before >= percent) {
            item.wrong(format!("must be above {before}, the warning before it"));
        }
        rising.push(percent);
    }
    rising
}
