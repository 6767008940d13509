//! What the scorer remembers of a lead.
//!
//! Holds: plain data, bounded in every part; nothing in it is a decayed value,
//! so reading it twice or late gives the same answer.
//!
//! Absent on purpose: the lead's windows and sources, which come with every update.

use std::collections::BTreeMap;

use baton_domain::{Activity, Band, ConsentState, Fact, FactValue, LeadEvent, Millis, Moment, Points, Stage};
use serde::{Deserialize, Serialize};

use crate::marks::Marks;

/// Moments kept for the rep to read.
const MOMENTS: usize = 20;
/// Facts kept that the policy does not ask for.
const FACTS: usize = 128;

/// One lead, as the scorer knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(crate) stage: Stage,
    /// Handoffs so far.
    pub(crate) episode: i32,
    /// An email, phone, user or CRM id is known.
    pub(crate) known: bool,
    /// The matrix has judged the lead since it came into play: from now on only a step up hands it off.
    pub(crate) considered: bool,
    pub(crate) facts: BTreeMap<String, Known>,
    pub(crate) marks: Marks,
    /// Newest first.
    pub(crate) recent: Vec<Seen>,
    /// By channel.
    pub(crate) consent: BTreeMap<String, Permission>,
    /// A request for sales that could not be granted yet.
    pub(crate) raise: Option<Raise>,
    /// The band in which the last episode opened.
    pub(crate) opened_in: Band,
    /// Present from a recycle to the next episode.
    pub(crate) recycled: Option<Recycled>,
    /// The rule that ruled the lead out; absent when sales did.
    pub(crate) ruled_out_by: Option<String>,
    /// The stage left when the lead was last suppressed.
    pub(crate) silenced_in: Stage,
}

/// A fact, and which event said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) value: FactValue,
    pub(crate) source: String,
    pub(crate) event_id: String,
    pub(crate) occurred_at: Millis,
}

/// A moment, with its event. Ordered by time, then event id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) event_id: String,
    pub(crate) moment: Moment,
}

/// What the lead last said about a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Permission {
    pub(crate) since: Millis,
    pub(crate) state: ConsentState,
}

/// A request for sales.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Raise {
    pub(crate) event_id: String,
    pub(crate) name: String,
    pub(crate) occurred_at: Millis,
    /// Log time at which it arrived.
    pub(crate) heard_at: Millis,
}

/// Given back by sales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recycled {
    /// Log time of it.
    pub(crate) at: Millis,
    /// Engagement must have been this low once before the matrix may fire again.
    pub(crate) below: Points,
    /// It was.
    pub(crate) armed: bool,
}

impl State {
    /// The stage of a lead that nobody works on and nothing speaks against.
    pub(crate) fn base(&self) -> Stage {
        if self.known && !self.recent.is_empty() { Stage::Identified } else { Stage::Visitor }
    }

    /// Whether the person asked to be forgotten: nothing about them is kept until they opt in again.
    pub(crate) fn erased(&self) -> bool {
        self.consent.get("all").is_some_and(|permission| permission.state == ConsentState::Erased)
    }

    /// Takes in a fact unless a newer one of the name is known; an empty text says nothing.
    pub(crate) fn learn(&mut self, fact: &Fact, event: &LeadEvent, asked: &[String]) {
        if matches!(&fact.value, FactValue::Text(text) if text.trim().is_empty()) {
            return;
        }
        self.known |= matches!(fact.name.as_str(), "email" | "phone");
        let told = (event.occurred_at, &event.event_id);
        if self.facts.get(&fact.name).is_some_and(|known| (known.occurred_at, &known.event_id) > told) {
            return;
        }
        let known = Known {
            value: fact.value.clone(),
            source: fact.source.clone(),
            event_id: event.event_id.clone(),
            occurred_at: event.occurred_at,
        };
        self.facts.insert(fact.name.clone(), known);
        // The first by name stay, whatever came first.
        let extra = |name: &&String| asked.binary_search(name).is_err();
        if self.facts.len() > FACTS && self.facts.keys().filter(extra).count() > FACTS {
            let last = self.facts.keys().rfind(extra).cloned();
            last.and_then(|name| self.facts.remove(&name));
        }
    }

    /// Notes what the person did among the last moments.
    pub(crate) fn note(&mut self, activity: &Activity, event: &LeadEvent) {
        let told = (event.occurred_at, &event.event_id);
        let place = self.recent.partition_point(|seen| (seen.moment.occurred_at, &seen.event_id) > told);
        let detail = activity.title.as_ref().or(activity.path.as_ref()).or(activity.content_id.as_ref());
        let detail = detail.or(activity.campaign.as_ref()).cloned();
        let moment = Moment { occurred_at: event.occurred_at, name: activity.name.clone(), detail };
        self.recent.insert(place, Seen { event_id: event.event_id.clone(), moment });
        self.recent.truncate(MOMENTS);
    }
}
