//! What is told beside the score and the desk: a lead cooled, lacks facts, stirs, or is handed off no more.

use serde::{Deserialize, Serialize};

use crate::{Band, Grade, LeadId, LogTime, Millis, Moment, Points, RetractionReason, Stamp};

/// Decay or a later event took a warm lead below the line at which its band is left. Schema `lead.cooled-value`.
///
/// Told once for each time that a lead warmed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadCooled {
    /// When, and by which lane.
    pub stamp: Stamp,
    /// Whose.
    pub lead_id: LeadId,
    /// The lead's last handoff episode; 0 before the first.
    pub episode: i32,
    /// Engagement now: below the threshold.
    pub engagement: Points,
    /// The line that was crossed.
    pub threshold: Points,
    /// The band that was left.
    pub band: Band,
    /// The first millisecond of log time below the line.
    pub at: Millis,
    /// Version of the policy that judged.
    pub policy_version: i64,
}

/// A warm lead about whom too little is known: facts are wanted. Schema `enrichment.requested-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrichmentRequested {
    /// When, and by which lane.
    pub stamp: Stamp,
    /// About whom.
    pub lead_id: LeadId,
    /// The episode that would open.
    pub episode: i32,
    /// What the policy asks for and nobody has said, sorted.
    pub missing_facts: Vec<String>,
    /// Until when the decision is held, in log time; then the lead is reviewed as it is.
    pub hold_until: LogTime,
    /// How warm the lead is.
    pub band: Band,
    /// The event that warmed it.
    pub event_id: String,
    /// Version of the policy that judged.
    pub policy_version: i64,
}

/// What handed-off leads did since their desk was last told. Schema `lead.activity_alert-value`.
///
/// The first news of a rep's leads is told at once; what comes within the policy's time after it is
/// gathered and told together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityAlert {
    /// When, and by which lane of the router.
    pub stamp: Stamp,
    /// Whose leads; `None` while they wait for a rep of the pool.
    pub owner: Option<String>,
    /// The pool of the owner, or for which they wait.
    pub pool: String,
    /// The leads, in the order in which they stirred.
    pub leads: Vec<AlertedLead>,
    /// Log time of the first news.
    pub from: LogTime,
    /// Log time of the last news.
    pub until: LogTime,
    /// Version of the policy that judged.
    pub policy_version: i64,
}

/// What one lead of an alert did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertedLead {
    /// Which lead.
    pub lead_id: LeadId,
    /// Which handoff.
    pub handoff_id: String,
    /// Which episode.
    pub episode: i32,
    /// Total score after the last news.
    pub score: Points,
    /// Fit grade after the last news.
    pub grade: Grade,
    /// Engagement band after the last news.
    pub band: Band,
    /// What they did, newest first, the newest twenty.
    pub moments: Vec<Moment>,
}

/// An open handoff changed because an event behind it was taken back. Schema `handoff.revised-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffRevised {
    /// When, and by which lane.
    pub stamp: Stamp,
    /// Whose lead.
    pub lead_id: LeadId,
    /// Which handoff.
    pub handoff_id: String,
    /// Which episode.
    pub episode: i32,
    /// What became of it.
    pub kind: Revision,
    /// The event that was taken back.
    pub retracted: String,
    /// Why it was.
    pub reason: RetractionReason,
    /// Total score without it.
    pub score: Points,
    /// Fit points without it.
    pub fit: Points,
    /// Engagement points without it.
    pub engagement: Points,
    /// Fit grade without it.
    pub grade: Grade,
    /// Engagement band without it.
    pub band: Band,
    /// The event that took it back.
    pub event_id: String,
    /// Version of the policy that judged.
    pub policy_version: i64,
}

/// What becomes of a handoff whose grounds changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Revision {
    /// It would not have been, and nobody accepted it yet: it is taken back.
    Withdrawn,
    /// It stands, with other scores.
    Revised,
}
