//! What came of it: the outcome topics folded into one report, for people and as JSON.
//!
//! Holds: the order in which topics are read does not matter; no email address leaves whole. Memory
//! grows with leads, handoffs and promises, some hundred bytes each.
//!
//! Absent on purpose: Kafka. `report` feeds it from topics, `simulate` from memory.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{
    Clock, Handoff, LeadId, Ledger, LifecycleChanged, LogTime, Millis, SlaAction, SlaEvent, SlaEventKind, Stage,
};

mod intake;
mod mask;
mod model;
mod tell;
mod text;

pub(crate) use intake::{Intake, OUTCOMES};
pub(crate) use mask::mask;
pub(crate) use text::Look;

/// Everything that the report needs of what was read.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    leads: BTreeMap<LeadId, Lead>,
    handoffs: BTreeMap<(LogTime, String), Desk>,
    promises: BTreeMap<(String, Clock, LogTime), Promise>,
    ledgers: BTreeMap<(String, i32), Ledger>,
    dead: BTreeMap<(String, String), i64>,
    unreadable: i64,
}

/// Where a lead has been.
#[derive(Debug, Default)]
struct Lead {
    reached: [bool; Stage::ALL.len()],
    first_seen: Option<LogTime>,
    identified: Option<LogTime>,
}

/// A lead on a desk.
#[derive(Debug)]
struct Desk {
    lead_id: LeadId,
    label: String,
    lane: String,
    cell: String,
    score: String,
    owner: Option<String>,
    pool: String,
    why_now: Vec<String>,
    qualified: LogTime,
}

/// A promise on the clock, by what was said of it.
#[derive(Debug, Default)]
struct Promise {
    lead_id: LeadId,
    lane: String,
    owner: Option<String>,
    deadline: LogTime,
    /// Log time at which it was told, wall and working milliseconds that it took.
    met: Option<(LogTime, i64, i64)>,
    /// The same of an answer that came after it broke.
    late: Option<(LogTime, i64, i64)>,
    /// When the log took the record of the breach, where that tells something.
    detected: Option<Millis>,
    /// The lead went, or was to go, to another desk for it.
    reassigned: bool,
    /// Everything that was said of it.
    told: BTreeSet<SlaEventKind>,
}

impl Promise {
    /// Whether this was said of it.
    fn was(&self, kind: SlaEventKind) -> bool {
        self.told.contains(&kind)
    }

    /// Broken, and not taken back.
    fn is_broken(&self) -> bool {
        self.was(SlaEventKind::Breached) && !self.was(SlaEventKind::Retracted)
    }

    /// The answer that it got, in time or after it broke; the truth that came late is the truth.
    fn answered(&self) -> Option<(LogTime, i64, i64)> {
        self.met.or(self.late)
    }

    /// Answered after it broke, and not taken back.
    fn is_late(&self) -> bool {
        self.late.is_some() && self.is_broken()
    }

    /// Still owed.
    fn is_open(&self) -> bool {
        !self.was(SlaEventKind::Met) && !self.was(SlaEventKind::Breached) && !self.was(SlaEventKind::Cancelled)
    }
}

impl Summary {
    /// A lead moved.
    pub(crate) fn moved(&mut self, change: &LifecycleChanged) {
        let lead = self.leads.entry(change.lead_id.clone()).or_default();
        let at = change.stamp.at;
        for stage in change.from.into_iter().chain([change.to]) {
            if let Some(place) = Stage::ALL.iter().position(|other| *other == stage) {
                lead.reached[place] = true;
            }
        }
        let earliest = |before: Option<LogTime>| Some(before.map_or(at, |before| before.min(at)));
        if change.from.is_none() {
            lead.first_seen = earliest(lead.first_seen);
        }
        if change.to == Stage::Identified {
            lead.identified = earliest(lead.identified);
        }
    }

    /// A lead was handed off.
    pub(crate) fn handed_off(&mut self, handoff: &Handoff) {
        let Handoff { stamp, decision, assignment, .. } = handoff;
        let waited = LogTime(stamp.at.0.saturating_sub(assignment.waited_ms.saturating_mul(1_000)));
        let desk = Desk {
            lead_id: decision.lead_id.clone(),
            label: mask::label(decision),
            lane: decision.lane.clone(),
            cell: decision.cell.clone(),
            score: mask::points(decision.score),
            owner: assignment.owner.clone(),
            pool: assignment.pool.clone(),
            why_now: decision.trigger_set.iter().map(|trigger| mask::mask(&trigger.label)).collect(),
            qualified: waited,
        };
        self.handoffs.insert((stamp.at, decision.handoff_id.clone()), desk);
    }

    /// A clock said something. `appended` is when the log took it, in a pipeline that runs by the wall clock.
    pub(crate) fn promised(&mut self, event: &SlaEvent, appended: Option<Millis>) {
        let key = (event.handoff_id.clone(), event.clock, event.started_at);
        let promise = self.promises.entry(key).or_default();
        promise.lead_id.clone_from(&event.lead_id);
        promise.lane.clone_from(&event.lane);
        promise.owner.clone_from(&event.owner);
        promise.deadline = event.deadline;
        promise.reassigned |= event.action == Some(SlaAction::Reassign);
        if event.late {
            promise.late = Some((event.stamp.at, event.wall_ms, event.business_ms));
            return;
        }
        promise.told.insert(event.kind);
        match event.kind {
            SlaEventKind::Met => promise.met = Some((event.stamp.at, event.wall_ms, event.business_ms)),
            SlaEventKind::Breached => promise.detected = appended,
            _ => {}
        }
    }

    /// A lane said what it has counted; the newest prevails.
    pub(crate) fn balanced(&mut self, ledger: Ledger) {
        let key = (ledger.stage.clone(), ledger.stamp.lane);
        let is_newer = |before: &Ledger| before.consumed <= ledger.consumed && before.stamp.at <= ledger.stamp.at;
        if self.ledgers.get(&key).is_none_or(is_newer) {
            self.ledgers.insert(key, ledger);
        }
    }

    /// A consumer could not use a record.
    pub(crate) fn dead_letter(&mut self, stage: &str, reason: &str) {
        *self.dead.entry((stage.to_owned(), reason.to_owned())).or_default() += 1;
    }

    /// A record of an outcome topic could not be read.
    pub(crate) fn unreadable(&mut self) {
        self.unreadable += 1;
    }
}

#[cfg(test)]
mod month;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
