//! The section `decision`: which cell of the matrix and which hand-raise goes to which lane.

use std::collections::BTreeMap;

use baton_domain::Grade;

use super::read::{Field, shown};
use crate::{Decision, LANES};

const GRADES: [(&str, Grade); 5] =
    [("A", Grade::A), ("B", Grade::B), ("C", Grade::C), ("D", Grade::D), ("U", Grade::U)];

/// Reads the section; problems go to the report.
pub(super) fn read(section: &Field<'_>) -> Option<Decision> {
    let fields = section.fields(&["matrix", "hand_raise", "cool_down", "rearm_percent"])?;
    Some(Decision {
        matrix: fields.need("matrix").map(|f| matrix(&f)).unwrap_or_default(),
        hand_raise: fields.need("hand_raise").map(|f| hand_raise(&f)).unwrap_or_default(),
        cool_down_ms: fields.need("cool_down").and_then(|f| f.duration_or_zero()).unwrap_or_default(),
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
    lanes
}

fn cell_of(text: &str) -> Option<(Grade, i32)> {
    let (grade, band) = text.split_at_checked(1)?;
    let grade = GRADES.iter().find(|(name, _)| *name == grade)?.1;
    let band = ["1", "2", "3", "4"].iter().zip(1..).find(|(name, _)| **name == band)?.1;
    Some((grade, band))
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

/// The lane that a value names.
pub(super) fn lane(field: &Field<'_>) -> String {
    field.one_of("lane", LANES).unwrap_or_default()
}
