//! The JSON lines that sources would have sent.
//!
//! Holds: a line says when it was received, so its place in time does not depend on its host.

use baton_domain::Millis;
use serde_json::{Value, json};

/// Whether a line says what is so of a rep, and goes to `reps.state` instead of the sources.
pub fn is_of_rep(line: &str) -> bool {
    let is_rep = |value: Value| value.get("type").and_then(Value::as_str) == Some("rep");
    line.contains("\"rep\"") && serde_json::from_str(line).is_ok_and(is_rep)
}

/// That time has passed.
pub(crate) fn tick(at: Millis) -> String {
    json!({"type": "tick", "receivedAt": rfc3339(at)}).to_string()
}

/// The event with what every event says: an id, when it happened, when it was received.
pub(crate) fn whole(event: &Value, id: &str, at: Millis, start: Millis, n: i64) -> Value {
    let mut event = timed(event, start, n, |at| Value::String(rfc3339(at)));
    if let Value::Object(parts) = &mut event {
        if parts.get("type").and_then(Value::as_str) == Some("rep") {
            parts.entry("updated_at").or_insert(Value::String(rfc3339(at)));
            return event;
        }
        let (id_name, time_name) = match parts.get("type").and_then(Value::as_str) {
            Some("crm") => ("activityId", "occurredAt"),
            _ => ("messageId", "timestamp"),
        };
        let mut add = |name: &str, value: String| {
            parts.entry(name.to_owned()).or_insert(Value::String(value));
        };
        add(id_name, id.to_owned());
        add(time_name, rfc3339(at));
        add("receivedAt", rfc3339(at));
    }
    event
}

/// The same with times relative to the start (`@58m`) made absolute, in the way of its topic, and `{n}` counted.
pub(crate) fn timed(value: &Value, start: Millis, n: i64, told: fn(Millis) -> Value) -> Value {
    let inner = |value: &Value| timed(value, start, n, told);
    match value {
        Value::String(text) => match text.strip_prefix('@').and_then(duration) {
            Some(ms) => told(start.plus(ms)),
            None => Value::String(text.replace("{n}", &n.to_string())),
        },
        Value::Array(items) => Value::Array(items.iter().map(inner).collect()),
        Value::Object(parts) => Value::Object(parts.iter().map(|(name, part)| (name.clone(), inner(part))).collect()),
        other => other.clone(),
    }
}

/// Milliseconds of `90s`, `5m`, `1h`, `14d`, `2w` or of several in a row (`1d2h`), which may be
/// negative as a whole.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest[..digits].parse().ok()?;
        let tail = &rest[digits..];
        let (unit, length) = match tail.as_bytes() {
            [b'm', b's', ..] => (1, 2),
            [b's', ..] => (Millis::SECOND, 1),
            [b'm', ..] => (Millis::MINUTE, 1),
            [b'h', ..] => (Millis::HOUR, 1),
            [b'd', ..] => (Millis::DAY, 1),
            [b'w', ..] => (7 * Millis::DAY, 1),
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = &tail[length..];
    }
    (text.len() > 1).then_some(sign * total)
}

pub(crate) fn rfc3339(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|time| time.to_string()).unwrap_or_default()
}
