//! What a lane's own row on the changelog says, for those who check it from outside.
//!
//! Holds: two lanes that judged the same records say the same, whatever their batches were. Which tick was
//! taken as a channel's last depends on batches, so it is left out.

use std::collections::BTreeMap;

use baton_domain::{Ledger, LogTime};

use super::{META, Meta};
use crate::log::Part;
use crate::rows;

/// A lane's own row, by meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneRow {
    /// Log time of the lane.
    pub now: Option<LogTime>,
    /// The time last told downstream.
    pub told: Option<LogTime>,
    /// Of each part and producing lane, the time up to which everything has arrived.
    pub arrived: Vec<((Part, i32), LogTime)>,
    /// Of each part, the greatest offset that went to the dead letters.
    pub refused: BTreeMap<Part, i64>,
    /// The running totals, without stage, lane and stamp.
    pub totals: Ledger,
}

impl LaneRow {
    /// The key of the row.
    pub const KEY: &'static [u8] = META;

    /// Reads the row; `None` when it is of another format.
    pub fn read(row: &[u8]) -> Option<Self> {
        let Meta { now, told, marks, refused, totals } = postcard::from_bytes(rows::body(row)).ok()?;
        let arrived = marks.into_iter().map(|(channel, mark)| (channel, mark.arrived())).collect();
        Some(Self { now, told, arrived, refused, totals: totals.balance("", 0, LogTime::MIN) })
    }
}
