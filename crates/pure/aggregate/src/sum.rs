//! Activities added up: thirty days in day buckets, and a few totals.
//!
//! Holds: every part is a sum, a least, a greatest or a set, so the order in which activities are added
//! leaves no trace; every part is bounded, whatever a source sends.
//!
//! Absent on purpose: single activities. What was added cannot be taken out again.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{Engagement, KindCount, Millis};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::state::Seen;

/// Days in the long window, the day of the log time included.
const LONG_DAYS: i64 = 30;
/// Days in the short window.
const SHORT_DAYS: i64 = 7;
/// Distinct pieces of content told apart.
const CONTENTS: usize = 64;
/// Names told apart in one tally.
const NAMES: usize = 64;
/// Topics shown.
const TOPICS: usize = 5;

/// What some activities come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum {
    total: i64,
    first_seen: Option<Millis>,
    last_seen: Option<Millis>,
    days: BTreeMap<i64, Day>,
    contents: BTreeSet<u64>,
    topics: Tally,
    first_source: Option<Arrival>,
    last_source: Option<Arrival>,
}

/// One UTC day of event time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Day {
    total: i64,
    names: Tally,
}

/// Where the lead came from, once. Ordered by event time, then event id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Arrival {
    at: Millis,
    event_id: String,
    source: String,
    campaign: Option<String>,
}

/// How often each name was seen, for at most [`NAMES`] names.
///
/// Beyond that the names with the smallest fingerprints stay. A name that was put out can never
/// come back, because the greatest fingerprint kept only falls: so a count is exact or absent,
/// and which names are absent does not depend on the order of arrival.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Tally(BTreeMap<String, i64>);

impl Sum {
    /// Adds one activity of a person.
    pub(crate) fn add(&mut self, occurred_at: Millis, event_id: &str, seen: &Seen) {
        self.total = self.total.saturating_add(1);
        self.first_seen = Some(self.first_seen.map_or(occurred_at, |first| first.min(occurred_at)));
        self.last_seen = self.last_seen.max(Some(occurred_at));
        let day = self.days.entry(occurred_at.day()).or_default();
        day.total = day.total.saturating_add(1);
        day.names.add(&seen.name);
        if let Some(topic) = &seen.topic {
            self.topics.add(topic);
        }
        // Only how many counts, so a full set may refuse whatever comes next.
        if let Some(content) = seen.content
            && self.contents.len() < CONTENTS
        {
            self.contents.insert(content);
        }
        if let Some(source) = &seen.source {
            let (event_id, campaign) = (event_id.to_owned(), seen.campaign.clone());
            let arrival = Arrival { at: occurred_at, event_id, source: source.clone(), campaign };
            if self.first_source.as_ref().is_none_or(|first| arrival < *first) {
                self.first_source = Some(arrival.clone());
            }
            if self.last_source.as_ref().is_none_or(|last| arrival > *last) {
                self.last_source = Some(arrival);
            }
        }
    }

    /// Drops the days that no window will reach again, log time being at `today`.
    pub(crate) fn forget_before(&mut self, today: i64) {
        self.days = self.days.split_off(&oldest(today, LONG_DAYS));
    }

    /// The windows that end with `today`. Days after it, within the allowed skew, count as well.
    pub(crate) fn engagement(&self, today: i64) -> Engagement {
        let mut counts = BTreeMap::<&str, i64>::new();
        for (name, count) in self.days.range(oldest(today, LONG_DAYS)..).flat_map(|(_, day)| &day.names.0) {
            *counts.entry(name).or_default() += count;
        }
        let active_days = self.days.range(oldest(today, LONG_DAYS)..).count().min(30);
        let mut topics: Vec<_> = self.topics.0.iter().map(|(name, count)| kind_count(name, *count)).collect();
        topics.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        topics.truncate(TOPICS);
        Engagement {
            total: self.total,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            counts_30d: counts.into_iter().map(|(name, count)| kind_count(name, count)).collect(),
            total_7d: self.days.range(oldest(today, SHORT_DAYS)..).map(|(_, day)| day.total).sum(),
            active_days_30d: i32::try_from(active_days).unwrap_or(i32::MAX),
            distinct_content: i32::try_from(self.contents.len()).unwrap_or(i32::MAX),
            first_source: self.first_source.as_ref().map(|arrival| arrival.source.clone()),
            last_source: self.last_source.as_ref().map(|arrival| arrival.source.clone()),
            topics,
            first_campaign: campaign(self.first_source.as_ref()),
            last_campaign: campaign(self.last_source.as_ref()),
        }
    }
}

impl Tally {
    fn add(&mut self, name: &str) {
        if let Some(count) = self.0.get_mut(name) {
            *count = count.saturating_add(1);
            return;
        }
        self.0.insert(name.to_owned(), 1);
        if self.0.len() > NAMES {
            let greatest = self.0.keys().max_by_key(|name| xxh3_64(name.as_bytes())).cloned();
            greatest.and_then(|name| self.0.remove(&name));
        }
    }
}

fn campaign(arrival: Option<&Arrival>) -> Option<String> {
    arrival.and_then(|arrival| arrival.campaign.clone())
}

/// The first day of a window of `length` days that ends with `today`.
fn oldest(today: i64, length: i64) -> i64 {
    today.saturating_sub(length - 1)
}

fn kind_count(name: &str, count: i64) -> KindCount {
    KindCount { name: name.to_owned(), count }
}
