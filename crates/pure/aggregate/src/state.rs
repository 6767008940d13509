//! What the aggregator remembers of a lead: its newest activities one by one, and the sum of those before.
//!
//! Holds: the windows are those of all activities together, wherever the line between the two parts runs,
//! because every part of a [`Sum`] is a sum, a least, a greatest or a set. So the order of arrival leaves no
//! trace, and an activity taken back leaves none either, as long as it is among the newest [`KEPT`]. Every
//! part is bounded, whatever a source sends.
//!
//! Absent on purpose: deduplication, which has happened upstream.

use std::collections::BTreeMap;

use baton_domain::{Activity, Engagement, Millis};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::sum::Sum;

/// Activities that can be taken back: the newest by event time. Few leads ever come to so many; of one who
/// does, what is older is no longer news that somebody looks into.
pub const KEPT: usize = 128;

/// The engagement of one lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Those that are no longer told apart.
    before: Sum,
    /// The newest, by event time, then event id.
    newest: BTreeMap<(Millis, String), Seen>,
}

/// One activity, as far as the windows ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) topic: Option<String>,
    /// Fingerprint of the piece of content.
    pub(crate) content: Option<u64>,
    pub(crate) source: Option<String>,
    pub(crate) campaign: Option<String>,
}

impl Seen {
    fn of(activity: &Activity) -> Self {
        let content = activity.content_id.as_ref().or(activity.path.as_ref());
        Self {
            name: activity.name.clone(),
            topic: activity.topic.clone(),
            content: content.map(|content| xxh3_64(content.as_bytes())),
            source: activity.source.clone(),
            campaign: activity.campaign.clone(),
        }
    }
}

impl State {
    /// Counts one activity of a person.
    pub(crate) fn count(&mut self, occurred_at: Millis, event_id: &str, activity: &Activity) {
        self.newest.insert((occurred_at, event_id.to_owned()), Seen::of(activity));
        if self.newest.len() > KEPT
            && let Some(((at, event_id), oldest)) = self.newest.pop_first()
        {
            self.before.add(at, &event_id, &oldest);
        }
    }

    /// Takes one activity back. Returns whether it was there to be taken.
    pub(crate) fn retract(&mut self, event_id: &str) -> bool {
        let found = self.newest.keys().find(|(_, id)| id == event_id).cloned();
        found.is_some_and(|key| self.newest.remove(&key).is_some())
    }

    /// Whether nothing was ever counted, or all of it was taken back.
    pub(crate) fn is_empty(&self) -> bool {
        self.newest.is_empty() && self.before == Sum::default()
    }

    /// Drops the days that no window will reach again, log time being at `today`.
    pub(crate) fn forget_before(&mut self, today: i64) {
        self.before.forget_before(today);
    }

    /// The windows that end with `today`. Days after it, within the allowed skew, count as well.
    pub(crate) fn engagement(&self, today: i64) -> Engagement {
        let mut all = self.before.clone();
        for ((at, event_id), seen) in &self.newest {
            all.add(*at, event_id, seen);
        }
        all.engagement(today)
    }
}
