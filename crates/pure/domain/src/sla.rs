//! Promises on the clock: what the watchdog reads and says.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{Absence, LeadId, LogTime, Millis, Points, Stamp, Tick};

/// The key under which what marketing promised is counted: no lead has such an id.
pub const MARKETING: &str = "marketing";

/// What the watchdog hears from the router. Schema `sla.requests-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStart {
    /// When, and by which lane of the router.
    pub stamp: Stamp,
    /// The message.
    pub input: WatchInput,
}

/// What a router tells the watchdog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WatchInput {
    /// Nothing but time.
    Tick(Tick),
    /// A lead is on a desk: start the clocks.
    HandedOff {
        /// Whose lead.
        lead_id: LeadId,
        /// Which handoff.
        handoff_id: String,
        /// Which episode.
        episode: i32,
        /// Urgency.
        lane: String,
        /// The rep who owes the answer; `None` while it waits in a queue.
        owner: Option<String>,
        /// Their pool.
        pool: String,
        /// When the lead became ready (log time).
        qualified_at: LogTime,
        /// Version of the policy that routed it.
        policy_version: i64,
        /// When the event that made it ready happened, by the source.
        occurred_at: Millis,
        /// The lead's score when it became ready.
        score: Option<Points>,
        /// In whose hours the owner's promises count, where the policy alone does not say.
        hours: Option<DeskHours>,
    },
    /// A lead is ready and nobody can take it yet.
    Queued {
        /// Whose lead.
        lead_id: LeadId,
        /// Which handoff.
        handoff_id: String,
        /// Which episode.
        episode: i32,
        /// Urgency.
        lane: String,
        /// The pool that was asked.
        pool: String,
        /// When the lead became ready (log time).
        qualified_at: LogTime,
        /// Version of the policy that judged.
        policy_version: i64,
        /// When the event that made it ready happened, by the source.
        occurred_at: Millis,
        /// The lead's score when it became ready.
        score: Option<Points>,
        /// In whose hours the queue's promise counts, where the policy alone does not say.
        hours: Option<DeskHours>,
    },
    /// The handoff is taken back: its clocks are no longer owed.
    Withdrawn {
        /// Whose lead.
        lead_id: LeadId,
        /// Which handoff.
        handoff_id: String,
        /// Which episode.
        episode: i32,
        /// Why, as a code.
        cause: String,
    },
    /// A qualified lead has reached sales: it counts for what marketing promised. Its key is [`MARKETING`].
    Delivered {
        /// Which lead.
        lead_id: LeadId,
        /// Which handoff.
        handoff_id: String,
        /// The pool that got it.
        pool: String,
        /// When the lead became ready (log time): the month in which it counts.
        qualified_at: LogTime,
    },
    /// The score of a lead on a desk moved.
    Scored {
        /// Whose lead.
        lead_id: LeadId,
        /// Which handoff.
        handoff_id: String,
        /// The score now.
        score: Points,
    },
    /// What made a delivered lead ready was taken back: it counts no more. Its key is [`MARKETING`].
    Returned {
        /// Which lead.
        lead_id: LeadId,
        /// Which handoff.
        handoff_id: String,
        /// The pool that got it.
        pool: String,
        /// When the lead became ready (log time): the month in which it counted.
        qualified_at: LogTime,
    },
}

/// In whose hours a promise counts: what the roster told of a rep, or the lead's own time zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskHours {
    /// The calendar, by its name in the policy; `None` is around the clock.
    pub calendar: Option<String>,
    /// The time zone in which its hours are meant; `None` is its own.
    pub zone: Option<String>,
    /// Stretches in which nobody is there.
    pub away: Vec<Absence>,
}

impl WatchInput {
    /// Whose clocks; empty for a tick.
    pub fn lead_id(&self) -> &str {
        match self {
            Self::Tick(_) => "",
            Self::HandedOff { lead_id, .. }
            | Self::Queued { lead_id, .. }
            | Self::Delivered { lead_id, .. }
            | Self::Scored { lead_id, .. }
            | Self::Returned { lead_id, .. }
            | Self::Withdrawn { lead_id, .. } => lead_id,
        }
    }

    /// The key of the record: the lead, or [`MARKETING`]; empty for a tick.
    pub fn key(&self) -> &str {
        if matches!(self, Self::Delivered { .. } | Self::Returned { .. }) { MARKETING } else { self.lead_id() }
    }

    /// Which handoff; empty for a tick.
    pub fn handoff_id(&self) -> &str {
        match self {
            Self::Tick(_) => "",
            Self::HandedOff { handoff_id, .. }
            | Self::Queued { handoff_id, .. }
            | Self::Delivered { handoff_id, .. }
            | Self::Scored { handoff_id, .. }
            | Self::Returned { handoff_id, .. }
            | Self::Withdrawn { handoff_id, .. } => handoff_id,
        }
    }
}

/// The clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Clock {
    /// Handoff to acceptance or rejection (C3).
    Accept,
    /// Handoff to the first human outbound attempt (C4).
    FirstTouch,
    /// The qualifying event to the handoff (C1): a measure, told as `system_ms`; it never runs out.
    System,
    /// Ready to on a named desk (C2).
    Assign,
    /// The first attempt to the n-th, or to a two-way contact (C5).
    Cadence,
    /// The first contact, or the last attempt of the cadence, to a verdict (C6).
    Disposition,
    /// A stage of the funnel to the next one (C7).
    StageAge,
    /// The start of a month to so many qualified leads (C8).
    Quota,
    /// The date on which sales wanted the lead back to the next attempt (C9).
    CheckIn,
}

impl Clock {
    /// Every clock.
    pub const ALL: [Self; 9] = [
        Self::Accept,
        Self::FirstTouch,
        Self::System,
        Self::Assign,
        Self::Cadence,
        Self::Disposition,
        Self::StageAge,
        Self::Quota,
        Self::CheckIn,
    ];

    /// The clock's name on topics, metrics and in the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::FirstTouch => "first_touch",
            Self::System => "system",
            Self::Assign => "assign",
            Self::Cadence => "cadence",
            Self::Disposition => "disposition",
            Self::StageAge => "stage_age",
            Self::Quota => "quota",
            Self::CheckIn => "check_in",
        }
    }

    /// Who owes what the clock measures.
    pub fn party(self) -> Party {
        match self {
            Self::System | Self::Assign => Party::Ops,
            Self::Quota => Party::Marketing,
            Self::Accept | Self::FirstTouch | Self::Cadence | Self::Disposition | Self::StageAge | Self::CheckIn => {
                Party::Sales
            }
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A side of the agreement between marketing and sales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Party {
    /// Whoever works the leads.
    #[default]
    Sales,
    /// Whoever brings them.
    Marketing,
    /// Whoever runs the line between the two.
    Ops,
}

/// What is to be done at a level of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SlaAction {
    /// Tell them.
    Warn,
    /// Tell those above them.
    Escalate,
    /// The lead goes to another desk: the router does that at the same instant.
    Reassign,
    /// It counts against the rep, whom the router gives no more leads after so many of them: at this very
    /// instant.
    AutoPause,
    /// Somebody is to look at it.
    Review,
}

impl SlaAction {
    /// Every action.
    pub const ALL: [Self; 5] = [Self::Warn, Self::Escalate, Self::Reassign, Self::AutoPause, Self::Review];

    /// The action's name on topics and in the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Escalate => "escalate",
            Self::Reassign => "reassign",
            Self::AutoPause => "auto_pause",
            Self::Review => "review",
        }
    }
}

/// What a clock did. Schema `sla.events-value`, on `sla.started`, `sla.warned`, `sla.paused`, `sla.resumed`,
/// `sla.met`, `sla.breach` (breached, escalated, retracted, met late) and `sla.cancelled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaEvent {
    /// When it is so, and by which lane. For a breach this is the deadline, unless it was past when the
    /// clock started; when it became known is the append time of the record, which a replay cannot repeat.
    pub stamp: Stamp,
    /// `<clock>_<level>_<handoff>`: the same on every replay. The kind (`late` for what was met late) stands in for level 0, counted from
    /// the second pause on; `_<n>` follows for the n-th owner of one handoff and `_<stage>` for a stage,
    /// so that no id is used twice. Where a month stands in for a handoff, its pool follows.
    pub id: String,
    /// What happened.
    pub kind: SlaEventKind,
    /// Which clock.
    pub clock: Clock,
    /// Percent of the time used: 50, 80 on a warning, 100 on a breach, above on an escalation, else 0.
    pub level: i32,
    /// Whose lead; `marketing` for what marketing promised.
    pub lead_id: LeadId,
    /// Which handoff; for what marketing promised the month, as `2026-09`.
    pub handoff_id: String,
    /// Which episode.
    pub episode: i32,
    /// Urgency; of a stage's age the stage.
    pub lane: String,
    /// Who owes the answer.
    pub owner: Option<String>,
    /// Their pool.
    pub pool: String,
    /// When the clock started.
    pub started_at: LogTime,
    /// When the promise ends: fixed at the start, moved by pauses only.
    pub deadline: LogTime,
    /// Wall-clock milliseconds from start to this event.
    pub wall_ms: i64,
    /// Milliseconds of working time from start to this event, pauses left out.
    pub business_ms: i64,
    /// The event that met, paused, resumed or cancelled it; empty otherwise.
    pub event_id: String,
    /// Version of the policy that set the deadline.
    pub policy_version: i64,
    /// Who owes it.
    pub party: Party,
    /// What is to be done, on a warning, a breach or an escalation.
    pub action: Option<SlaAction>,
    /// Who is to hear of it, by role: `rep`, `manager`, `pool_lead`, `marketing`, `ops`.
    pub to: Vec<String>,
    /// Wall-clock milliseconds for which the clock stood still.
    pub paused_ms: i64,
    /// When it stood still and why, oldest first, the last sixteen at most.
    pub pauses: Vec<Pause>,
    /// The calendar, and which version of it, that set the deadline: `berlin@5f21c09a`.
    pub calendar: String,
    /// The breach that a retraction takes back.
    pub retraction_of: Option<String>,
    /// When the lead became ready (log time).
    pub qualified_at: LogTime,
    /// The system's share of the delay: ms from the event that made the lead ready, by its source, to its
    /// first desk; up to now while it waits for one.
    pub system_ms: i64,
    /// The lead's own clock, which nothing restarts: ms from the event that made it ready to this event.
    pub lead_ms: i64,
    /// When the lead or its desk was last active, as far as known since the handoff.
    pub last_activity_at: Option<Millis>,
    /// How much is done, where the promise is a number: attempts of a cadence, leads of a month. Else 0.
    pub done: i64,
    /// How much was promised, where it is a number. Else 0.
    pub promised: i64,
    /// The lead's score when it became ready, where it is known.
    pub score_then: Option<Points>,
    /// The lead's score as it was told last.
    pub score_now: Option<Points>,
    /// Of what was met: whether the promise had broken before. Such a word stands on `sla.breach`, once for each
    /// breach, and does not take it back; a retraction after it does.
    pub late: bool,
}

impl SlaEvent {
    /// What happened, in a word: a promise that was met late is not `met`.
    pub fn word(&self) -> &'static str {
        if self.late { LATE } else { self.kind.as_str() }
    }
}

/// The word for an answer to a promise that had broken.
const LATE: &str = "late";

/// A stretch in which a clock stood still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// From when.
    pub from: LogTime,
    /// Until when; `None` while it lasts.
    pub until: Option<LogTime>,
    /// Why: a status, or the code of the verdict that named a date.
    pub cause: String,
    /// The event behind it.
    pub event_id: String,
}

/// The things a clock does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SlaEventKind {
    /// The promise is on.
    Started,
    /// A share of the time is used.
    Warned,
    /// Kept; with `late`, answered after it broke.
    Met,
    /// Broken.
    Breached,
    /// A breach taken back: the touch had happened in time and arrived late.
    Retracted,
    /// No longer owed.
    Cancelled,
    /// It stands still.
    Paused,
    /// It goes on.
    Resumed,
    /// Still not kept, and it is told further up.
    Escalated,
}

impl SlaEventKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Started,
        Self::Warned,
        Self::Met,
        Self::Breached,
        Self::Retracted,
        Self::Cancelled,
        Self::Paused,
        Self::Resumed,
        Self::Escalated,
    ];

    /// The kind's name on topics and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Warned => "warned",
            Self::Met => "met",
            Self::Breached => "breached",
            Self::Retracted => "retracted",
            Self::Cancelled => "cancelled",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Escalated => "escalated",
        }
    }
}
