//! The lifecycle of a lead and its moves.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{LeadId, Millis, Stamp};

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
    /// Where the work on the lead stands after the move; `None` where nobody works on it.
    pub status: Option<Status>,
    /// When sales is to see the lead again, on a recycle.
    pub check_in: Option<Millis>,
    /// What sales made of the episode, on the move that says so.
    pub verdict: Option<Verdict>,
    /// The lead that this one is a duplicate of, as the CRM names it.
    pub duplicate_of: Option<String>,
    /// How long the lead was in the stage left, in log time; `None` for one seen for the first time.
    pub lasted_ms: Option<i64>,
    /// Where the lead had come from last when the episode began; `None` where nothing told, and before the first.
    pub source: Option<String>,
}

/// Where the work on a lead stands: a dimension of its own beside the stage, of which each stage allows a few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    /// Handed over, and sales has not named an owner yet.
    New,
    /// An owner has it and has not reached out yet.
    Open,
    /// A person reached out; nobody was reached.
    Attempted,
    /// A two-way conversation took place.
    Connected,
    /// Sales works on it.
    InProgress,
    /// A deal is open.
    OpenDeal,
    /// Not now.
    BadTiming,
    /// Not at all.
    Unqualified,
}

impl Status {
    /// Every status, in the order of the work.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Open,
        Self::Attempted,
        Self::Connected,
        Self::InProgress,
        Self::OpenDeal,
        Self::BadTiming,
        Self::Unqualified,
    ];

    /// The status's name on topics, metrics and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Attempted => "attempted",
            Self::Connected => "connected",
            Self::InProgress => "in_progress",
            Self::OpenDeal => "open_deal",
            Self::BadTiming => "bad_timing",
            Self::Unqualified => "unqualified",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What sales made of an episode: the label that a model learns from, and the answer to "bad lead or poor follow-up?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How it came out.
    pub label: Label,
    /// What it came out so for.
    pub class: CauseClass,
    /// The disposition's code, `opportunity_won`, `opportunity_lost` or `no_response`.
    pub code: String,
    /// The rep's reason, as a code.
    pub reason: Option<String>,
    /// The owner, where the CRM named one.
    pub owner: Option<String>,
    /// Version of the policy under which the lead was handed off.
    pub handoff_policy_version: i64,
}

/// How an episode came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Label {
    /// As good as expected; not over yet.
    Qualified,
    /// Bought.
    Won,
    /// A deal that came to nothing.
    Lost,
    /// Given back or ruled out.
    Rejected,
}

/// Why a lead did not convert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CauseClass {
    /// The lead was not what sales needs.
    Lead,
    /// Sales did not follow up.
    Followup,
    /// Cannot be told; also for a lead that did convert.
    Unknown,
}

/// A move or a status that was asked for and is not allowed. Schema `lifecycle.rejected-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleRejected {
    /// When, and by which lane.
    pub stamp: Stamp,
    /// Whose.
    pub lead_id: LeadId,
    /// The stage or status asked for; what was said where it names none.
    pub attempted: String,
    /// The stage that the lead stays in.
    pub current: Stage,
    /// The rule that forbids it: the trigger that has no move from here, or `unknown_disposition`,
    /// `unknown_opportunity`, `unknown_status`, `status_not_allowed`; `earlier_episode`: said of an episode that
    /// is over; `no_trace`: what was taken back left nothing to take back; `not_opted_in`: a permission that the
    /// person did not choose lifts no opt-out; `opted_in_since`: the person opted in after it was said.
    pub rule: String,
    /// The event that asked.
    pub event_id: String,
    /// Which episode; 0 before the first.
    pub episode: i32,
    /// Version of the policy that judged.
    pub policy_version: i64,
    /// The status that the lead keeps.
    pub status: Option<Status>,
}

/// A change of status. Schema `status.changed-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChanged {
    /// When, and by which lane.
    pub stamp: Stamp,
    /// Whose.
    pub lead_id: LeadId,
    /// The status left; `None` where nobody worked on the lead.
    pub from: Option<Status>,
    /// The status entered; `None` where nobody works on the lead any more.
    pub to: Option<Status>,
    /// The stage in which it holds.
    pub stage: Stage,
    /// The owner, where the CRM named one.
    pub owner: Option<String>,
    /// The event that caused it.
    pub event_id: String,
    /// Which episode; 0 before the first.
    pub episode: i32,
    /// Version of the policy that judged.
    pub policy_version: i64,
}

/// A lead enters marketing's care or leaves it. Schema `nurture.events-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NurtureEvent {
    /// When, and by which lane.
    pub stamp: Stamp,
    /// Whose.
    pub lead_id: LeadId,
    /// Which of the two.
    pub kind: NurtureKind,
    /// Why: the cause of the move.
    pub reason: String,
    /// The episode that ended or begins; 0 before the first.
    pub episode: i32,
    /// Until when, where sales named a date or the policy does.
    pub until: Option<Millis>,
    /// The event behind it.
    pub event_id: String,
    /// Version of the policy that judged.
    pub policy_version: i64,
}

/// The two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NurtureKind {
    /// Marketing takes care of the lead.
    Enroll,
    /// It does no more.
    Exit,
}
