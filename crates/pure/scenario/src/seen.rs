//! A record that came out, as its topic's JSON.

use serde_json::Value;

/// A record of a topic that no consumer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The topic, without prefix.
    pub topic: String,
    /// The record's key.
    pub key: String,
    /// The record as JSON; of a dead letter `{"reason": ..., "detail": ..., "payload": ...}`.
    pub value: Value,
}

impl Seen {
    /// Log time in microseconds; `None` for what bears none.
    pub fn at(&self) -> Option<i64> {
        self.value.pointer("/stamp/at").or_else(|| self.value.get("since")).and_then(Value::as_i64)
    }

    /// Whether it is about a lead.
    pub(crate) fn concerns(&self, lead_id: &str) -> bool {
        let named = |pointer: &str| self.value.pointer(pointer).and_then(Value::as_str) == Some(lead_id);
        let among = |lead: &Value| lead.get("lead_id").and_then(Value::as_str) == Some(lead_id);
        let listed = self.value.get("leads").and_then(Value::as_array).is_some_and(|leads| leads.iter().any(among));
        self.key == lead_id || named("/lead_id") || named("/decision/lead_id") || listed
    }
}
