//! Each clock of a lead: started, due, used, warned, and how it ended.

use std::collections::BTreeMap;

use baton_domain::{Pause, SlaEvent, SlaEventKind};
use baton_scenario::Seen;
use serde::Serialize;

use super::{of_topic, time};

/// One promise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Promise {
    /// The clock.
    pub(super) clock: String,
    /// Which handoff.
    pub(super) handoff_id: String,
    /// Of which episode of the lead.
    pub(super) episode: i32,
    /// Urgency.
    pub(super) lane: String,
    /// Who owes the answer.
    pub(super) owner: Option<String>,
    /// Their pool; where nobody has the lead yet, the one that owes it.
    pub(super) pool: String,
    /// When it started.
    pub(super) started: String,
    /// When it ends.
    pub(super) deadline: String,
    /// Shares of the time (percent) at which it was warned, and when.
    pub(super) warned: Vec<(i32, String)>,
    /// When it was broken.
    pub(super) breached: Option<String>,
    /// What was asked for at the breach and after it: share of the time (percent), when, what, of whom.
    pub(super) escalated: Vec<(i32, String, String, Vec<String>)>,
    /// When it was answered after it broke, and how long after its start that was, in ms round the clock.
    pub(super) late: Option<(String, i64)>,
    /// When the breach was taken back.
    pub(super) retracted: Option<String>,
    /// From when to when it stood still, and why.
    pub(super) paused: Vec<(String, Option<String>, String)>,
    /// `open`, `paused`, or how it ended: `met`, `breached`, `answered late`, `retracted`, `cancelled`.
    pub(super) state: String,
    /// Wall-clock milliseconds from the start to the last thing said.
    pub(super) wall_ms: i64,
    /// Working time in the same span, in ms.
    pub(super) business_ms: i64,
    /// The event that ended it.
    pub(super) by_event: Option<String>,
}

/// A share of a promise's time (percent), in words.
pub(super) fn used(level: i32) -> String {
    match (level / 100, level % 100) {
        (1, 0) => "its time used up".to_owned(),
        (times, 0) if times > 1 => format!("{times} times its time used"),
        _ => format!("{level} % of its time used"),
    }
}

/// Every promise about the lead, in the order in which they were given.
pub(super) fn promises(records: &[Seen]) -> Vec<Promise> {
    let mut events: Vec<SlaEvent> = of_topic(records, |topic| topic.starts_with("sla."));
    // At one instant a promise is broken before it is mended, and starts before anything.
    events.sort_by_key(|event| (event.stamp.at, event.kind));
    let mut promises = BTreeMap::new();
    for event in events {
        let key = (event.started_at, format!("{:?}", event.clock), event.handoff_id.clone());
        let promise: &mut Promise = promises.entry(key).or_default();
        let at = time(event.stamp.at);
        promise.clock = event.clock.to_string();
        (promise.handoff_id, promise.episode) = (event.handoff_id, event.episode);
        promise.lane = event.lane;
        promise.owner = event.owner.or(promise.owner.take());
        promise.pool = event.pool;
        promise.started = time(event.started_at);
        promise.deadline = time(event.deadline);
        (promise.wall_ms, promise.business_ms) = (event.wall_ms, event.business_ms);
        if let (Some(action), SlaEventKind::Breached | SlaEventKind::Escalated) = (event.action, event.kind) {
            promise.escalated.push((event.level, at.clone(), action.as_str().to_owned(), event.to));
        }
        let pause = |pause: Pause| (time(pause.from), pause.until.map(time), pause.cause);
        promise.paused = event.pauses.into_iter().map(pause).collect();
        match event.kind {
            SlaEventKind::Warned => promise.warned.push((event.level, at)),
            SlaEventKind::Breached => promise.breached = Some(at),
            SlaEventKind::Met if event.late => promise.late = Some((at, event.wall_ms)),
            SlaEventKind::Retracted => promise.retracted = Some(at),
            _ => {}
        }
        promise.state = match event.kind {
            SlaEventKind::Started | SlaEventKind::Warned | SlaEventKind::Resumed => "open".to_owned(),
            // Told further up: broken it stays.
            SlaEventKind::Escalated => SlaEventKind::Breached.as_str().to_owned(),
            SlaEventKind::Met if event.late => "answered late".to_owned(),
            kind => kind.as_str().to_owned(),
        };
        promise.by_event = Some(event.event_id).filter(|id| !id.is_empty());
    }
    promises.into_values().collect()
}
