//! Scenarios of a consumer that runs alone: what is written for it by hand, on the topics that it reads.
//!
//! Holds: a record is what the topic's schema says; its stamp rises with every record, as the one
//! writer of a topic gives it.
//!
//! Absent on purpose: bytes. A host writes the record as its topic has it.

use baton_domain::{Body, ClockStart, Engagement, EngagementUpdate, LeadEvent, LogTime, Stamp, Tick, WatchInput};
use serde_json::{Map, Value, json};

/// A consumer that can be played alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// The scorer, on `engagement.aggregate`.
    Score,
    /// The watchdog, on `lead.events` and `sla.requests`.
    Watch,
}

/// A record for a consumer that runs alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// On `engagement.aggregate`.
    Updated(Box<EngagementUpdate>),
    /// On `lead.events`.
    Happened(Box<LeadEvent>),
    /// On `sla.requests`.
    Promised(Box<ClockStart>),
}

impl Alone {
    /// The consumer by its name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Score, Self::Watch].into_iter().find(|alone| alone.as_str() == name)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Watch => "watch",
        }
    }

    /// That time has come to `at`, on each topic that it reads.
    pub(crate) fn ticks(self, at: LogTime) -> Vec<Record> {
        let happened = Record::Happened(Box::new(event(at, Body::Tick(Tick {}))));
        match self {
            Self::Score => vec![happened.on_aggregate()],
            Self::Watch => {
                let input = WatchInput::Tick(Tick {});
                vec![happened, Record::Promised(Box::new(ClockStart { stamp: stamp(at), input }))]
            }
        }
    }

    /// The record that a scenario writes for it: a topic, and what stands on it less stamp, ids and times.
    pub(crate) fn record(self, written: &Value, id: &str, at: LogTime) -> Result<Record, String> {
        let Value::Object(mut parts) = written.clone() else { return Err("a record is a map".to_owned()) };
        let topic = parts.remove("topic").unwrap_or_default();
        let record = match (self, topic.as_str().unwrap_or_default()) {
            (Self::Score, "engagement.aggregate") => Record::happened(parts, id, at)?.on_aggregate(),
            (Self::Watch, "lead.events") => Record::happened(parts, id, at)?,
            (Self::Watch, "sla.requests") => Record::promised(parts, at)?,
            (Self::Score, _) => return Err("`score` reads `topic: engagement.aggregate`".to_owned()),
            (Self::Watch, _) => return Err("`watch` reads `topic: lead.events` and `topic: sla.requests`".to_owned()),
        };
        Ok(record)
    }
}

impl Record {
    /// The topic, without prefix.
    pub fn topic(&self) -> &'static str {
        match self {
            Self::Updated(_) => "engagement.aggregate",
            Self::Happened(_) => "lead.events",
            Self::Promised(_) => "sla.requests",
        }
    }

    /// The record's key; empty for a tick, which has none and is every partition's.
    pub fn key(&self) -> &str {
        match self {
            Self::Updated(update) => &update.event.lead_id,
            Self::Happened(event) => &event.lead_id,
            Self::Promised(start) => start.input.key(),
        }
    }

    fn happened(mut parts: Map<String, Value>, id: &str, at: LogTime) -> Result<Self, String> {
        fill(&mut parts, "stamp", json!(stamp(at)));
        fill(&mut parts, "event_id", json!(id));
        fill(&mut parts, "occurred_at", json!(at.millis()));
        fill(&mut parts, "origin", json!(""));
        read(parts).map(|event| Self::Happened(Box::new(event)))
    }

    fn promised(mut parts: Map<String, Value>, at: LogTime) -> Result<Self, String> {
        fill(&mut parts, "stamp", json!(stamp(at)));
        for inner in parts.get_mut("input").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
            if let Some(inner) = inner.as_object_mut() {
                fill(inner, "qualified_at", json!(at));
                fill(inner, "occurred_at", json!(at.millis()));
            }
        }
        read(parts).map(|start| Self::Promised(Box::new(start)))
    }

    /// An event of a lead as the aggregator passes it on, with windows that nothing has moved.
    fn on_aggregate(self) -> Self {
        match self {
            Self::Happened(event) => {
                let (stamp, engagement) = (event.stamp, Engagement::default());
                Self::Updated(Box::new(EngagementUpdate { stamp, event: *event, engagement }))
            }
            other => other,
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(parts: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(parts)).map_err(|error| error.to_string())
}

fn fill(parts: &mut Map<String, Value>, name: &str, value: Value) {
    parts.entry(name.to_owned()).or_insert(value);
}

fn stamp(at: LogTime) -> Stamp {
    Stamp { at, lane: 0 }
}

fn event(at: LogTime, body: Body) -> LeadEvent {
    let (lead_id, event_id, origin) = (String::new(), String::new(), String::new());
    LeadEvent { stamp: stamp(at), lead_id, event_id, occurred_at: at.millis(), origin, body }
}
