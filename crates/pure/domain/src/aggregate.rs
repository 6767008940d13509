//! `engagement.aggregate`: each lead event together with the windows it moved.

use serde::{Deserialize, Serialize};

use crate::{LeadEvent, Millis, Stamp};

/// A lead event enriched with the lead's engagement after it. Schema `engagement.aggregate-value`.
///
/// Every event of `lead.events` passes through, so that the scorer reads one ordered stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngagementUpdate {
    /// Same stamp as the event, with the aggregator's lane.
    pub stamp: Stamp,
    /// The event itself, unchanged.
    pub event: LeadEvent,
    /// The windows after the event.
    pub engagement: Engagement,
}

/// Counts, recency and breadth of a lead's own activity; bots and sales touches are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engagement {
    /// Activities ever counted.
    pub total: i64,
    /// Earliest activity, by event time.
    pub first_seen: Option<Millis>,
    /// Latest activity, by event time.
    pub last_seen: Option<Millis>,
    /// Activities a name in the last 30 days, sorted by name, zeros left out.
    pub counts_30d: Vec<KindCount>,
    /// Activities in the last 7 days.
    pub total_7d: i64,
    /// Distinct days with activity in the last 30.
    pub active_days_30d: i32,
    /// Distinct pieces of content ever, counted up to 64.
    pub distinct_content: i32,
    /// Where the lead first came from.
    pub first_source: Option<String>,
    /// Where the lead last came from.
    pub last_source: Option<String>,
    /// Topics of interest by falling count, at most five.
    pub topics: Vec<KindCount>,
    /// The campaign of where the lead first came from.
    pub first_campaign: Option<String>,
    /// The campaign of where the lead last came from.
    pub last_campaign: Option<String>,
}

/// A name and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KindCount {
    /// Event name or topic.
    pub name: String,
    /// How often.
    pub count: i64,
}
