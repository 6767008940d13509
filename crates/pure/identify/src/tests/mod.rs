//! Tests across modules, with a directory in memory and short ways to write events.

mod intake;
mod properties;
mod retractions;
mod sdk;
mod sequence;

use std::collections::BTreeMap;

use baton_domain::{Activity, Body, Fact, FactValue, Ids, LogTime, Millis, RawEvent, Reason};
use baton_policy::Identity;

use crate::{Directory, Row, parse};

/// 2026-01-01T12:00Z: when the log took every record of these tests.
pub(super) const NOON: Millis = Millis(1_767_268_800_000);

/// Rows in memory, and the wake-ups asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows {
    pub(super) rows: BTreeMap<String, Row>,
    pub(super) wakes: BTreeMap<String, LogTime>,
}

impl Directory for Rows {
    fn get(&self, key: &str) -> Option<Row> {
        self.rows.get(key).cloned()
    }

    fn put(&mut self, key: &str, row: Option<Row>, wake: Option<LogTime>) {
        match row {
            Some(row) => self.rows.insert(key.to_owned(), row),
            None => self.rows.remove(key),
        };
        match wake {
            Some(at) => self.wakes.insert(key.to_owned(), at),
            None => self.wakes.remove(key),
        };
    }
}

pub(super) fn policy() -> Identity {
    Identity {
        dedupe_ms: 7 * Millis::DAY,
        max_skew_ms: Millis::HOUR,
        placeholder_ids: vec!["anonymous".into(), "null".into(), "никто".into()],
    }
}

/// A page view with ids written as `crm=c1 user=u1 email=a@b anon=a1 previous=p1`.
pub(super) fn view(event_id: &str, ids: &str) -> RawEvent {
    let id = |field: &str| {
        let found = ids.split_whitespace().find_map(|id| id.strip_prefix(field)?.strip_prefix('='));
        found.map(str::to_owned)
    };
    RawEvent {
        event_id: event_id.to_owned(),
        ids: Ids {
            crm_id: id("crm"),
            user_id: id("user"),
            email: id("email"),
            anonymous_id: id("anon"),
            previous_id: id("previous"),
        },
        occurred_at: NOON,
        received_at: None,
        body: Body::Activity(Activity { name: "Page Viewed".into(), ..Activity::default() }),
    }
}

/// The one event of a record.
pub(super) fn read(json: &str) -> RawEvent {
    let mut events = parse(json.as_bytes(), NOON);
    assert_eq!(events.len(), 1, "{json}");
    events.remove(0).unwrap_or_else(|rejected| panic!("{rejected:?} for {json}"))
}

/// Why a record with one event is refused, and in which words.
pub(super) fn refusal(json: &[u8]) -> (Reason, String) {
    let mut events = parse(json, NOON);
    assert_eq!(events.len(), 1);
    match events.remove(0) {
        Err(rejected) => (rejected.reason, rejected.detail),
        Ok(event) => panic!("accepted: {event:?}"),
    }
}

pub(super) fn activity(event: &RawEvent) -> &Activity {
    match &event.body {
        Body::Activity(activity) => activity,
        other => panic!("not an activity: {other:?}"),
    }
}

/// The facts of an event as `name=value (source)`.
pub(super) fn facts(event: &RawEvent) -> Vec<String> {
    let Body::Facts(facts) = &event.body else { panic!("no facts: {event:?}") };
    let value = |fact: &Fact| match &fact.value {
        FactValue::Text(text) => format!("{text:?}"),
        FactValue::Number(number) => number.to_string(),
        FactValue::Flag(flag) => flag.to_string(),
        FactValue::List(items) => format!("{items:?}"),
    };
    facts.iter().map(|fact| format!("{}={} ({})", fact.name, value(fact), fact.source)).collect()
}
