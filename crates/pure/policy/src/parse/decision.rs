//! The section `decision`: which cell of the matrix and which hand-raise goes to which lane.

use std::collections::BTreeMap;

use baton_domain::{Grade, Millis};

use super::matching::{events, stages};
use super::read::{Field, shown};
use crate::{Alerts, Decision, LANES, Unknown};

const GRADES: [(&str, Grade); 5] =
    [("A", Grade::A), ("B", Grade::B), ("C", Grade::C), ("D", Grade::D), ("U", Grade::U)];

const KEYS: [&str; 9] =
    ["matrix", "hand_raise", "cool_down", "rearm_percent", "low_percent", "dwell", "unknown", "alerts", "on_change"];

/// A lead has cooled below this share of its band's least when the document does not say.
const LOW_PERCENT: i64 = 75;
/// How long facts are waited for when the document does not say.
const HOLD_MS: i64 = 15 * Millis::MINUTE;
/// How long alerts about a lead are apart when the document does not say.
const ALERTS_EVERY_MS: i64 = 30 * Millis::MINUTE;

/// Reads the section; problems go to the report.
pub(super) fn read(section: &Field<'_>) -> Option<Decision> {
    let fields = section.fields(&KEYS)?;
    let matrix = fields.need("matrix").map(|f| matrix(&f)).unwrap_or_default();
    Some(Decision {
        unknown: fields.get("unknown").and_then(|f| unknown(&f, &matrix)),
        alerts: fields.get("alerts").and_then(|f| alerts(&f)),
        low_percent: fields.get("low_percent").and_then(|f| f.integer(1, 99)).unwrap_or(LOW_PERCENT),
        dwell_ms: fields.get("dwell").and_then(|f| f.duration_or_zero()).unwrap_or_default(),
        matrix,
        hand_raise: fields.need("hand_raise").map(|f| hand_raise(&f)).unwrap_or_default(),
        cool_down_ms: fields.need("cool_down").and_then(|f| f.duration_or_zero()).unwrap_or_default(),
        on_change: fields.get("on_change").map(|f| on_change(&f)),
        rearm_percent: fields.need("rearm_percent").and_then(|f| f.integer(1, 99)).unwrap_or_default(),
    })
}

fn matrix(field: &Field<'_>) -> BTreeMap<(Grade, i32), String> {
    let mut lanes = BTreeMap::new();
    for cell in field.named().unwrap_or_default() {
        match cell_of(cell.name) {
            Some(key) => {
                lanes.insert(key, lane(&cell.value));
            }
            None => cell.key.wrong_but(
                format!("{} is not a cell", shown(cell.name)),
                "a cell is a grade and a band: A1 to D4, U1 to U4",
            ),
        }
    }
    warmer(field, &lanes);
    lanes
}

/// Notes of each grade what a lead loses that gets warmer: the handoff, or its place in the row.
fn warmer(field: &Field<'_>, lanes: &BTreeMap<(Grade, i32), String>) {
    for ((grade, band), lane) in lanes.iter().filter(|((_, band), _)| *band > 1) {
        let (cell, hotter) = (format!("{grade}{band}"), format!("{grade}{}", band - 1));
        match lanes.get(&(*grade, band - 1)) {
            None => field.odd(
                format!("{hotter} hands nobody off, and {cell} does"),
                format!("a lead that is warmer is not handed off: is {hotter} forgotten?"),
            ),
            Some(above) if above > lane => field.odd(
                format!("{hotter} is {above}, and {cell} is {lane}"),
                "a lead that is warmer waits longer: lanes run from P0 (now) to P3",
            ),
            Some(_) => {}
        }
    }
}

fn cell_of(text: &str) -> Option<(Grade, i32)> {
    let (grade, band) = text.split_at_checked(1)?;
    let grade = GRADES.iter().find(|(name, _)| *name == grade)?.1;
    let band = ["1", "2", "3", "4"].iter().zip(1..).find(|(name, _)| **name == band)?.1;
    Some((grade, band))
}

fn unknown(field: &Field<'_>, matrix: &BTreeMap<(Grade, i32), String>) -> Option<Unknown> {
    let fields = field.fields(&["bands", "hold", "then"])?;
    let mut bands = Vec::new();
    for item in fields.need("bands").map(|f| f.items_or_self()).unwrap_or_default() {
        let band = item.integer(1, 4).and_then(|band| i32::try_from(band).ok());
        if band.is_some_and(|band| matrix.contains_key(&(Grade::U, band))) {
            item.wrong("the matrix hands this cell off at once: keep one of the two");
        }
        bands.extend(band);
    }
    bands.sort_unstable();
    bands.dedup();
    let hold_ms = fields.get("hold").and_then(|f| f.duration()).unwrap_or(HOLD_MS);
    Some(Unknown { bands, hold_ms, then: fields.need("then").map(|f| lane(&f)).unwrap_or_default() })
}

fn alerts(field: &Field<'_>) -> Option<Alerts> {
    let fields = field.fields(&["events", "content_stages", "hand_raise", "every"])?;
    Some(Alerts {
        events: fields.get("events").map(|f| events(&f)).unwrap_or_default(),
        content_stages: fields.get("content_stages").map(|f| stages(&f, |_, _| ())).unwrap_or_default(),
        hand_raise: fields.get("hand_raise").and_then(|f| f.flag()).unwrap_or(false),
        every_ms: fields.get("every").and_then(|f| f.duration()).unwrap_or(ALERTS_EVERY_MS),
    })
}

fn hand_raise(field: &Field<'_>) -> BTreeMap<Grade, String> {
    let mut lanes = BTreeMap::new();
    for entry in field.named().unwrap_or_default() {
        match GRADES.iter().find(|(name, _)| *name == entry.name) {
            Some((_, grade)) => {
                lanes.insert(*grade, lane(&entry.value));
            }
            None => entry.key.unknown("grade", entry.name, GRADES.map(|(name, _)| name)),
        }
    }
    lanes
}

/// A lane, but not the one in which nobody waits.
fn on_change(field: &Field<'_>) -> String {
    let lane = lane(field);
    if lane == LANES[0] {
        field.wrong("no pool holds this lane back: a change would flood the desks");
    }
    lane
}

/// The lane that a value names.
pub(super) fn lane(field: &Field<'_>) -> String {
    field.one_of("lane", LANES).unwrap_or_default()
}
