//! Running totals of a lane: part of its state, so that they survive it and count nothing twice.

use std::collections::BTreeMap;

use baton_domain::{Count, Ledger, LogTime, Reason, Stamp};
use serde::{Deserialize, Serialize};

/// What a worker's lanes took in and what became of it, since the worker began: for metrics.
///
/// Holds: only what has committed is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Records and events taken in.
    pub consumed: u64,
    /// What became of them, by heading of the ledger.
    pub outcomes: BTreeMap<String, u64>,
    /// Records written, by topic.
    pub produced: BTreeMap<String, u64>,
    /// Wake-ups given.
    pub fired: u64,
}

impl Accounts {
    /// Takes in what a lane's totals rose by.
    pub(crate) fn add(&mut self, before: &Totals, after: &Totals) {
        let rise = |before: i64, after: i64| u64::try_from(after.saturating_sub(before)).unwrap_or(0);
        self.consumed += rise(before.consumed, after.consumed);
        self.fired += rise(before.fired, after.fired);
        let lists = [
            (&mut self.outcomes, &before.outcomes, &after.outcomes),
            (&mut self.produced, &before.produced, &after.produced),
        ];
        for (accounts, before, after) in lists {
            for (name, after) in after {
                let rise = rise(before.get(name).copied().unwrap_or(0), *after);
                if rise == 0 {
                    continue;
                }
                match accounts.get_mut(name) {
                    Some(count) => *count += rise,
                    None => drop(accounts.insert(name.clone(), rise)),
                }
            }
        }
    }
}

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

    /// What was taken in less what became of it: 0, or a defect.
    pub(crate) fn error(&self) -> i64 {
        self.consumed.saturating_sub(self.outcomes.values().sum())
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
