//! The rows of a lane: the changelog, folded, against the rows of the replay.
//!
//! Absent on purpose: the local stores. A consumer trusts its own only as far as the changelog bears it out, so what
//! is compared here is what every store is made of.

use std::collections::BTreeMap;

use baton_engine::{Fault, LaneRow, Store};

use crate::stage::{Difference, Kind};
use crate::tape::Cluster;

/// The newest row of each key, with its offset.
pub(crate) struct Fold {
    rows: BTreeMap<Vec<u8>, (i64, Vec<u8>)>,
    deleted: BTreeMap<Vec<u8>, i64>,
    topic: String,
    lane: i32,
}

/// At most so many differences of rows are told of a lane.
const MOST: usize = 1_000;

impl Fold {
    pub(crate) fn read(cluster: &mut dyn Cluster, topic: &str, lane: i32, end: i64) -> Result<Self, Fault> {
        let mut fold = Self { rows: BTreeMap::new(), deleted: BTreeMap::new(), topic: topic.to_owned(), lane };
        let mut tape = cluster.read(topic, &[(lane, end)])?;
        while let Some(entry) = tape.next(lane)? {
            let Some(key) = entry.key else { continue };
            if let Some(row) = entry.value {
                fold.deleted.remove(&key);
                fold.rows.insert(key, (entry.offset, row));
            } else {
                fold.rows.remove(&key);
                // Only there to name a place; there may be many.
                if fold.deleted.len() < MOST {
                    fold.deleted.insert(key, entry.offset);
                }
            }
        }
        Ok(fold)
    }

    /// The lane's own row.
    pub(crate) fn lane_row(&self) -> Option<LaneRow> {
        self.rows.get(LaneRow::KEY).and_then(|(_, row)| LaneRow::read(row))
    }

    pub(crate) fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Every row that is not as the replay has it.
    pub(crate) fn differences(&self, stage: &str, replayed: &dyn Store) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut tell = |kind, offset, expected: String, there: String| {
            if found.len() < MOST {
                found.push(Difference {
                    stage: stage.to_owned(),
                    lane: self.lane,
                    kind,
                    topic: self.topic.clone(),
                    partition: self.lane,
                    offset,
                    expected,
                    found: there,
                });
            }
        };
        let name = |key: &[u8]| match key {
            LaneRow::KEY => "the lane's own row".to_owned(),
            key => format!("row of {}", String::from_utf8_lossy(key)),
        };
        for (key, (offset, row)) in &self.rows {
            match replayed.get(key) {
                None => {
                    let about = format!("{}, {} bytes", name(key), row.len());
                    tell(Kind::State, Some(*offset), "no such row".to_owned(), about);
                }
                Some(expected) if key.as_slice() == LaneRow::KEY => {
                    if let Some(how) = unlike(LaneRow::read(expected).as_ref(), LaneRow::read(row).as_ref()) {
                        tell(Kind::State, Some(*offset), format!("{}: {}", name(key), how.0), how.1);
                    }
                }
                Some(expected) if expected == row.as_slice() => {}
                Some(expected) => {
                    let at =
                        expected.iter().zip(row).position(|(a, b)| a != b).unwrap_or(expected.len().min(row.len()));
                    let there = format!("{} bytes that differ from byte {at} on", row.len());
                    tell(Kind::State, Some(*offset), format!("{}, {} bytes", name(key), expected.len()), there);
                }
            }
        }
        replayed.each(&mut |key, row| {
            if !self.rows.contains_key(key) {
                let there = if self.deleted.contains_key(key) { "deleted" } else { "no such row" };
                let about = format!("{}, {} bytes", name(key), row.len());
                tell(Kind::State, self.deleted.get(key).copied(), about, there.to_owned());
            }
        });
        found
    }
}

/// In what two lanes' own rows differ.
fn unlike(expected: Option<&LaneRow>, found: Option<&LaneRow>) -> Option<(String, String)> {
    let (Some(a), Some(b)) = (expected, found) else {
        return (expected != found).then(|| ("readable".to_owned(), "of another format".to_owned()));
    };
    let parts: [(&str, String, String); 5] = [
        ("log time", format!("{:?}", a.now), format!("{:?}", b.now)),
        ("time told", format!("{:?}", a.told), format!("{:?}", b.told)),
        ("time arrived", format!("{:?}", a.arrived), format!("{:?}", b.arrived)),
        ("last dead letters", format!("{:?}", a.refused), format!("{:?}", b.refused)),
        ("totals", format!("{:?}", a.totals), format!("{:?}", b.totals)),
    ];
    let (what, a, b) = parts.into_iter().find(|(_, a, b)| a != b)?;
    Some((format!("{what} {a}"), format!("{what} {b}")))
}
