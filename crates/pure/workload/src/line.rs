//! One line of the stream, before it is written as JSON.
//!
//! Holds: fields are written in the order of the structs and maps are sorted,
//! so a line's bytes depend on nothing but its values.
//! Absent on purpose: checks. What is wrong with a line was meant to be.

use std::collections::BTreeMap;

use baton_domain::Millis;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Properties or traits by name.
pub(crate) type Bag = BTreeMap<&'static str, Value>;

/// A line by the kind of its source.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Line {
    /// Website, mail or product.
    Segment(Box<Segment>),
    /// What sales did.
    Crm(Box<Crm>),
    /// A permission.
    Consent(Consent),
    /// The passing of time.
    Tick(Tick),
}

/// A call of the Segment spec.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Segment {
    pub(crate) r#type: &'static str,
    pub(crate) message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) anonymous_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) properties: Bag,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) traits: Bag,
    #[serde(skip_serializing_if = "Context::is_empty")]
    pub(crate) context: Context,
    pub(crate) timestamp: Time,
    pub(crate) received_at: Time,
}

/// Where a call came from.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Context {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) campaign: Option<Campaign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<&'static str>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub(crate) bot: bool,
}

/// What brought a visitor.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Campaign {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    pub(crate) medium: &'static str,
}

/// What sales did, by one of the ids of the lead.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Crm {
    pub(crate) r#type: &'static str,
    pub(crate) activity_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<&'static str>,
    #[serde(flatten)]
    pub(crate) details: Bag,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disposition: Option<Disposition>,
    pub(crate) occurred_at: Time,
    pub(crate) received_at: Time,
}

/// A rep's verdict.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Disposition {
    pub(crate) code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_check_in: Option<Time>,
}

/// A permission given or taken back.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Consent {
    pub(crate) r#type: &'static str,
    pub(crate) message_id: String,
    pub(crate) email: String,
    pub(crate) channel: &'static str,
    pub(crate) state: &'static str,
    pub(crate) source: &'static str,
    pub(crate) timestamp: Time,
    pub(crate) received_at: Time,
}

/// How late it is.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tick {
    pub(crate) r#type: &'static str,
    pub(crate) received_at: Time,
}

/// An instant, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) Millis);

impl Context {
    fn is_empty(&self) -> bool {
        self.campaign.is_none() && self.source.is_none() && !self.bot
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&rfc3339(self.0))
    }
}

impl Line {
    /// A tick at `at`.
    pub(crate) fn tick(at: Millis) -> Self {
        Self::Tick(Tick { r#type: "tick", received_at: Time(at) })
    }

    /// When the first server received it.
    pub(crate) fn received(&self) -> Millis {
        match self {
            Self::Segment(line) => line.received_at.0,
            Self::Crm(line) => line.received_at.0,
            Self::Consent(line) => line.received_at.0,
            Self::Tick(line) => line.received_at.0,
        }
    }

    /// The same line, received at another instant.
    #[must_use]
    pub(crate) fn received_at(mut self, at: Millis) -> Self {
        match &mut self {
            Self::Segment(line) => line.received_at = Time(at),
            Self::Crm(line) => line.received_at = Time(at),
            Self::Consent(line) => line.received_at = Time(at),
            Self::Tick(line) => line.received_at = Time(at),
        }
        self
    }

    /// The line as JSON, without the line's end.
    pub(crate) fn json(&self) -> String {
        // Strings, integers and flags under string keys always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// `ms` as RFC 3339 in UTC; the nearest instant that can be written for one far outside.
pub(crate) fn rfc3339(at: Millis) -> Timestamp {
    let bound = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(at.0).unwrap_or(bound)
}
