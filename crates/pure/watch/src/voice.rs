//! The words for what a clock did.
//!
//! Holds: an id is a function of clock, level, handoff, owner and stage, and said once.

use baton_domain::{LogTime, Millis, SlaEvent, SlaEventKind, Stamp};
use baton_policy::Policy;

use crate::running::{Due, Running};
use crate::state::Handoff;

/// The instants of something said.
pub(crate) struct When<'a> {
    /// When it is said.
    pub(crate) at: LogTime,
    /// Until when the time used is counted.
    pub(crate) until: Millis,
    /// What was due, for a warning, a breach or an escalation.
    pub(crate) level: Option<&'a Due>,
    /// The event behind it; empty when there is none.
    pub(crate) cause: &'a str,
    /// Whether it answers a promise that had broken.
    pub(crate) late: bool,
}

impl<'a> When<'a> {
    pub(crate) fn heard(at: LogTime, until: Millis, cause: &'a str) -> Self {
        Self { at, until, level: None, cause, late: false }
    }

    /// An answer to a promise that had broken.
    pub(crate) fn late(at: LogTime, until: Millis, cause: &'a str) -> Self {
        Self { late: true, ..Self::heard(at, until, cause) }
    }
}

/// Where the events of one step are put into words.
pub(crate) struct Voice<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) lead_id: &'a str,
    pub(crate) said: Vec<SlaEvent>,
}

impl Voice<'_> {
    pub(crate) fn say(
        &mut self,
        handoff: &Handoff,
        last_activity_at: Option<Millis>,
        running: &Running,
        kind: SlaEventKind,
        when: &When<'_>,
    ) {
        let started = running.started_at.millis();
        let until = when.until.max(started);
        let level = when.level.map_or(0, |due| due.level);
        let hours = running.hours(self.policy);
        let assigned = handoff.assigned_at.map_or(when.at, |at| at.min(when.at)).millis();
        self.said.push(SlaEvent {
            stamp: Stamp { at: when.at, lane: 0 },
            id: id(handoff, running, if when.late { "late" } else { kind.as_str() }, level),
            kind,
            clock: running.clock,
            level,
            lead_id: self.lead_id.to_owned(),
            handoff_id: handoff.id.clone(),
            episode: handoff.episode,
            lane: if running.stage.is_empty() { handoff.lane.clone() } else { running.stage.clone() },
            // A lead grows old with whoever has it; all else is owed by whom it began with.
            owner: if running.stage.is_empty() || running.settled { &running.owner } else { &handoff.owner }.clone(),
            // What nobody owes any more was owed where the lead lay then.
            pool: if running.settled { running.pool.clone() } else { handoff.pool.clone() },
            started_at: running.started_at,
            deadline: running.deadline,
            wall_ms: until.since(started),
            business_ms: running.working_ms(&hours, until),
            event_id: when.cause.to_owned(),
            policy_version: running.policy_version,
            party: running.clock.party(),
            action: when.level.map(|due| due.action),
            to: when.level.map_or_else(Vec::new, |due| due.to.clone()),
            paused_ms: running.paused_ms(until),
            pauses: running.pauses.clone(),
            calendar: running.calendar.clone(),
            retraction_of: (kind == SlaEventKind::Retracted)
                .then(|| id(handoff, running, SlaEventKind::Breached.as_str(), 100)),
            qualified_at: handoff.qualified_at,
            system_ms: assigned.since(handoff.occurred_at).max(0),
            lead_ms: until.since(handoff.occurred_at).max(0),
            last_activity_at,
            done: running.done,
            promised: running.promised,
            score_then: handoff.score_then,
            score_now: handoff.score_now,
            late: when.late,
        });
    }
}

/// `<clock>_<level>_<handoff>`, where what has no level is named by its kind; a further owner's
/// clocks, further pauses and stages count on, so that no id is said twice.
fn id(handoff: &Handoff, running: &Running, word: &str, level: i32) -> String {
    let word = match word {
        "paused" | "resumed" if running.halted > 1 => format!("{word}{}", running.halted),
        _ if level == 0 => word.to_owned(),
        _ => level.to_string(),
    };
    let mut id = format!("{}_{word}_{}", running.clock, handoff.id);
    if running.turn > 1 {
        id = format!("{id}_{}", running.turn);
    }
    if running.stage.is_empty() { id } else { format!("{id}_{}", running.stage) }
}
