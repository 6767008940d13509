//! Running totals of a lane: part of its state, so that they survive it and count nothing twice.

use std::collections::BTreeMap;

use baton_domain::{Count, Ledger, LogTime, Reason, Stamp};
use serde::{Deserialize, Serialize};

/// The totals since the lane's first record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    consumed: i64,
    outcomes: BTreeMap<String, i64>,
    produced: BTreeMap<String, i64>,
    fired: i64,
}

impl Totals {
    pub(crate) fn consumed(&mut self, records: i64) {
        self.consumed = self.consumed.saturating_add(records);
    }

    /// `by` is 1, or -1 to take one back.
    pub(crate) fn outcome(&mut self, name: &'static str, by: i64) {
        bump(&mut self.outcomes, name, by);
    }

    /// `by` is 1, or -1 to take one back.
    pub(crate) fn produced(&mut self, topic: &str, by: i64) {
        bump(&mut self.produced, topic, by);
    }

    pub(crate) fn fired(&mut self) {
        self.fired = self.fired.saturating_add(1);
    }

    /// As it is published.
    pub(crate) fn balance(&self, stage: &str, lane: i32, at: LogTime) -> Ledger {
        let list = |totals: &BTreeMap<String, i64>| {
            totals.iter().map(|(name, count)| Count { name: name.clone(), count: *count }).collect()
        };
        Ledger {
            stamp: Stamp { at, lane },
            stage: stage.to_owned(),
            consumed: self.consumed,
            outcomes: list(&self.outcomes),
            produced: list(&self.produced),
            fired: self.fired,
        }
    }
}

fn bump(totals: &mut BTreeMap<String, i64>, name: &str, by: i64) {
    let Some(total) = totals.get_mut(name) else {
        totals.insert(name.to_owned(), by);
        return;
    };
    *total = total.saturating_add(by);
    // A count that was taken back leaves no trace: the ledger is as if it had never been.
    if *total == 0 {
        totals.remove(name);
    }
}

/// The ledger's heading for a dead letter: `dlq_` and the reason.
pub(crate) fn dead(reason: Reason) -> &'static str {
    match reason {
        Reason::Decode => "dlq_decode",
        Reason::UnknownSchema => "dlq_unknown_schema",
        Reason::IncompatibleSchema => "dlq_incompatible_schema",
        Reason::Limits => "dlq_limits",
        Reason::MissingField => "dlq_missing_field",
        Reason::WrongType => "dlq_wrong_type",
        Reason::MissingId => "dlq_missing_id",
        Reason::UnknownKind => "dlq_unknown_kind",
        Reason::BadTime => "dlq_bad_time",
        Reason::NotFinite => "dlq_not_finite",
        Reason::IdConflict => "dlq_id_conflict",
        Reason::NullKey => "dlq_null_key",
        Reason::Misrouted => "dlq_misrouted",
        Reason::TooLarge => "dlq_too_large",
    }
}
