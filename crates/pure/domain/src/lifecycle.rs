//! The lifecycle of a lead and its moves.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{LeadId, Stamp};

/// Lifecycle stages, in the order of the funnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// Seen, not known.
    #[default]
    Visitor,
    /// Known by email, phone or user id, and has interacted.
    Identified,
    /// Marketing qualified: an episode is open and sales is asked to take over.
    Mql,
    /// Sales accepted: on a named desk.
    Sal,
    /// Sales qualified after a two-way conversation.
    Sql,
    /// A deal is open.
    Opportunity,
    /// Bought.
    Customer,
    /// Back to marketing, with a reason.
    Recycled,
    /// Ruled out, with a reason.
    Disqualified,
    /// Must not be contacted, or asked to be forgotten.
    Suppressed,
}

impl Stage {
    /// Every stage, in the order of the funnel.
    pub const ALL: [Self; 10] = [
        Self::Visitor,
        Self::Identified,
        Self::Mql,
        Self::Sal,
        Self::Sql,
        Self::Opportunity,
        Self::Customer,
        Self::Recycled,
        Self::Disqualified,
        Self::Suppressed,
    ];

    /// The stage's name on topics, metrics and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Identified => "identified",
            Self::Mql => "mql",
            Self::Sal => "sal",
            Self::Sql => "sql",
            Self::Opportunity => "opportunity",
            Self::Customer => "customer",
            Self::Recycled => "recycled",
            Self::Disqualified => "disqualified",
            Self::Suppressed => "suppressed",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One move of a lead from stage to stage. Schema `lifecycle.changed-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleChanged {
    /// When, and by which lane.
    pub stamp: Stamp,
    /// Who moved.
    pub lead_id: LeadId,
    /// The stage left; `None` for a lead seen for the first time.
    pub from: Option<Stage>,
    /// The stage entered.
    pub to: Stage,
    /// Why: a rule id, a disposition code, `hand_raise`, `matrix`, ...
    pub cause: String,
    /// The event that caused it.
    pub event_id: String,
    /// Which handoff episode of the lead, from 1; 0 before the first.
    pub episode: i32,
    /// Version of the policy that judged.
    pub policy_version: i64,
}
