//! Promises on the clock: what the watchdog reads and says.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{LeadId, LogTime, Stamp, Tick};

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
}

impl WatchInput {
    /// Whose clocks; empty for a tick.
    pub fn lead_id(&self) -> &str {
        match self {
            Self::Tick(_) => "",
            Self::HandedOff { lead_id, .. } | Self::Queued { lead_id, .. } | Self::Withdrawn { lead_id, .. } => lead_id,
        }
    }

    /// Which handoff; empty for a tick.
    pub fn handoff_id(&self) -> &str {
        match self {
            Self::Tick(_) => "",
            Self::HandedOff { handoff_id, .. }
            | Self::Queued { handoff_id, .. }
            | Self::Withdrawn { handoff_id, .. } => handoff_id,
        }
    }
}

/// The clocks that run today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Clock {
    /// Handoff to acceptance or rejection (C3).
    Accept,
    /// Handoff to the first human outbound attempt (C4).
    FirstTouch,
}

impl Clock {
    /// Every clock.
    pub const ALL: [Self; 2] = [Self::Accept, Self::FirstTouch];

    /// The clock's name on topics, metrics and in the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::FirstTouch => "first_touch",
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a clock did. Schema `sla.events-value`, on `sla.started`, `sla.warned`, `sla.met`, `sla.breach`, `sla.cancelled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaEvent {
    /// When it is so, and by which lane. For a breach this is the deadline; when it became known is
    /// the append time of the record, which a replay cannot repeat.
    pub stamp: Stamp,
    /// `<clock>_<level>_<handoff>`: the same on every replay. The kind stands in for level 0, and
    /// `_<n>` follows for the n-th owner of one handoff, so that no id is used twice.
    pub id: String,
    /// What happened.
    pub kind: SlaEventKind,
    /// Which clock.
    pub clock: Clock,
    /// Percent of the time used: 50, 80 on a warning, 100 on a breach, else 0.
    pub level: i32,
    /// Whose lead.
    pub lead_id: LeadId,
    /// Which handoff.
    pub handoff_id: String,
    /// Which episode.
    pub episode: i32,
    /// Urgency.
    pub lane: String,
    /// Who owes the answer.
    pub owner: Option<String>,
    /// Their pool.
    pub pool: String,
    /// When the clock started.
    pub started_at: LogTime,
    /// When the promise ends: fixed at the start.
    pub deadline: LogTime,
    /// Wall-clock milliseconds from start to this event.
    pub wall_ms: i64,
    /// Milliseconds of working time from start to this event.
    pub business_ms: i64,
    /// The event that met or cancelled it; empty otherwise.
    pub event_id: String,
    /// Version of the policy (and so the calendars) that set the deadline.
    pub policy_version: i64,
}

/// The things a clock does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SlaEventKind {
    /// The promise is on.
    Started,
    /// A share of the time is used.
    Warned,
    /// Kept.
    Met,
    /// Broken.
    Breached,
    /// A breach taken back: the touch had happened in time and arrived late.
    Retracted,
    /// No longer owed.
    Cancelled,
}

impl SlaEventKind {
    /// The kind's name on topics and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Warned => "warned",
            Self::Met => "met",
            Self::Breached => "breached",
            Self::Retracted => "retracted",
            Self::Cancelled => "cancelled",
        }
    }
}
