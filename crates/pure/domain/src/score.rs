//! `lead.score`: how good and how warm a lead is, with the whole reckoning.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{LeadId, Millis, Points, Stage, Stamp, Status};

/// How well the lead fits the ideal customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grade {
    /// Best fit.
    A,
    /// Good fit.
    B,
    /// Fair fit.
    C,
    /// Poor fit.
    D,
    /// Too little is known to say.
    #[default]
    U,
}

/// How engaged the lead is: 1 hottest, 4 coldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Band(pub i32);

impl Default for Band {
    fn default() -> Self {
        Self(4)
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::U => "U",
        })
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The score of a lead after an event, with its receipt. Schema `lead.score-value`.
///
/// Holds: `fit + engagement = score`, and `receipt` sums to `score` exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreUpdate {
    /// When, and by which lane.
    pub stamp: Stamp,
    /// Whose score.
    pub lead_id: LeadId,
    /// The event after which it holds.
    pub event_id: String,
    /// Total: fit plus engagement.
    pub score: Points,
    /// Points for who they are.
    pub fit: Points,
    /// Points for what they do, decayed to `stamp.at`.
    pub engagement: Points,
    /// Grade of the fit.
    pub grade: Grade,
    /// Band of the engagement.
    pub band: Band,
    /// Lifecycle stage after the event.
    pub stage: Stage,
    /// Every part of the score, largest first.
    pub receipt: Vec<Contribution>,
    /// Version of the policy that judged.
    pub policy_version: i64,
    /// Where the work on the lead stands; `None` where nobody works on it.
    pub status: Option<Status>,
    /// The mandatory question (`set.question`) whose answer no keeps a lead with marketing that would
    /// otherwise have been handed off at this event.
    pub kept_by: Option<String>,
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// What sort of line.
    pub kind: ContributionKind,
    /// The rule, or the group for a group's cap, or `total`.
    pub rule: String,
    /// The event or fact behind it, of several the one worth most; empty for a cap, floor or damp.
    pub event_id: String,
    /// When that happened.
    pub occurred_at: Millis,
    /// Points now, after decay; negative for a cap or damp.
    pub points: Points,
    /// How many events are told in this one line; 1 but in a long receipt.
    pub count: i32,
    /// The earliest and the latest of several.
    pub span: Option<Span>,
}

/// From when to when several events happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// When the earliest happened.
    pub first_at: Millis,
    /// When the latest happened.
    pub last_at: Millis,
}

/// The sorts of receipt line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ContributionKind {
    /// An activity.
    Activity,
    /// A fact.
    Fact,
    /// What a cap took away.
    Cap,
    /// What the floor at zero gave back.
    Floor,
    /// What a recycle took from points earned before it.
    Damp,
}
