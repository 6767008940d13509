//! Activities that are no longer kept one by one: what they gave, as exact sums that go on fading, and
//! how often each bucket of a rule was used.
//!
//! Holds: sums of whole numbers, one for each whole half-life, so neither the order of adding nor the
//! number of reads leaves a trace; as many sums as there are half-lives in which something is left.
//!
//! Absent on purpose: taking an activity back out. It has no name here any more.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use baton_domain::{Millis, Points};
use baton_policy::{ActivityRule, Counting};
use serde::{Deserialize, Serialize};

use crate::decay::Amount;
use crate::marks::Mark;

/// Pieces of content of which a rule remembers, beyond those kept one by one, that they counted.
const CONTENTS: usize = 4_096;
/// Where no recycle has taken its share yet.
pub(crate) const UNDAMPED: Millis = Millis(i64::MAX);

/// What a rule's older activities came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settled {
    sums: BTreeMap<Key, Sum>,
    /// How many counted of each bucket: a day, a piece of content, the session that goes on.
    pub(crate) used: BTreeMap<u64, i64>,
    /// The newest that reached the rule's window, counted or not, and its bucket.
    pub(crate) last: Option<(Millis, u64)>,
}

/// What adds up to one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    /// As it was when they were settled.
    half_life_ms: Option<i64>,
    /// Points taken away.
    taken: bool,
    /// The instant by which a recycle takes its share of them; the end of time before there was one.
    damped_at: Millis,
    /// Which whole half-life since the epoch they fall into.
    turn: i64,
}

/// Activities as one number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sum {
    amount: Amount,
    count: i32,
    first_at: Millis,
    last_at: Millis,
    /// The newest one's.
    event_id: String,
}

/// What one activity gives, or several together.
pub(crate) struct Earned<'a> {
    amount: Amount,
    half_life_ms: Option<i64>,
    /// The instant from which they halve.
    since: Millis,
    /// The instant by which a recycle takes its share of them.
    pub(crate) damped_at: Millis,
    pub(crate) event_id: &'a str,
    pub(crate) count: i32,
    pub(crate) first_at: Millis,
    pub(crate) last_at: Millis,
}

impl<'a> Earned<'a> {
    pub(crate) fn by(rule: &ActivityRule, mark: &'a Mark) -> Self {
        let at = mark.occurred_at;
        Self {
            amount: Amount::of(mark.points),
            half_life_ms: rule.half_life_ms,
            since: at,
            damped_at: at,
            event_id: &mark.event_id,
            count: 1,
            first_at: at,
            last_at: at,
        }
    }

    /// What it is worth at `at`, before caps and what a recycle takes; of activities stamped ahead of
    /// the log, no more than at their own time.
    pub(crate) fn at(&self, at: Millis) -> Points {
        self.amount.after(at.max(self.last_at).since(self.since), self.half_life_ms)
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.amount.is_negative()
    }
}

impl Settled {
    /// Takes over an activity that reached the rule's window; one that counted, with the instant by which
    /// a recycle takes its share.
    pub(crate) fn take(&mut self, rule: &ActivityRule, mark: &Mark, bucket: u64, counts: Option<Millis>) {
        let at = mark.occurred_at;
        if self.last.is_none_or(|(last, _)| at >= last) {
            self.last = Some((at, bucket));
        }
        if matches!(rule.count, Counting::PerSession(_)) {
            self.used.retain(|used, _| *used == bucket);
        }
        let Some(damped_at) = counts else { return };
        let remembers = match rule.count {
            Counting::Every => false,
            Counting::OncePerContent => self.used.len() < CONTENTS,
            Counting::Once | Counting::PerDay(_) | Counting::PerSession(_) => true,
        };
        if remembers {
            *self.used.entry(bucket).or_default() += 1;
        }
        let (turn, amount) = match rule.half_life_ms {
            Some(half_life) => Amount::forwarded(mark.points, at, half_life),
            None => (0, Amount::of(mark.points)),
        };
        let key = Key { half_life_ms: rule.half_life_ms, taken: mark.points < Points::ZERO, damped_at, turn };
        self.add(key, Sum { amount, count: 1, first_at: at, last_at: at, event_id: mark.event_id.clone() });
    }

    fn add(&mut self, key: Key, more: Sum) {
        match self.sums.entry(key) {
            Entry::Vacant(place) => {
                place.insert(more);
            }
            Entry::Occupied(place) => place.into_mut().join(more),
        }
    }

    /// Each sum.
    pub(crate) fn earned(&self) -> impl Iterator<Item = Earned<'_>> {
        self.sums.iter().map(|(key, sum)| earned(key, sum))
    }

    /// A recycle takes its share, by `until`, of all of which none took one before.
    pub(crate) fn damp(&mut self, until: Millis) {
        for (mut key, sum) in std::mem::take(&mut self.sums) {
            if key.damped_at == UNDAMPED {
                key.damped_at = until;
            }
            self.add(key, sum);
        }
    }

    /// Drops what is worth nothing any more.
    pub(crate) fn forget_spent(&mut self, rule: &ActivityRule, now: Millis) {
        self.sums.retain(|key, sum| earned(key, sum).at(now) != Points::ZERO);
        if let (Counting::PerDay(_), Some(half_life)) = (rule.count, rule.half_life_ms) {
            let day = now.day().cast_unsigned();
            let left = |age: u64| {
                let age = i64::try_from(age).unwrap_or(i64::MAX).saturating_mul(Millis::DAY);
                Amount::of(rule.points).after(age, Some(half_life)) != Points::ZERO
            };
            self.used.retain(|used, _| left(day.saturating_sub(used.saturating_add(1))));
        }
    }
}

fn earned<'a>(key: &Key, sum: &'a Sum) -> Earned<'a> {
    Earned {
        amount: sum.amount,
        half_life_ms: key.half_life_ms,
        since: key.half_life_ms.map_or(sum.last_at, |half_life| Millis(key.turn.saturating_mul(half_life))),
        damped_at: key.damped_at,
        event_id: &sum.event_id,
        count: sum.count,
        first_at: sum.first_at,
        last_at: sum.last_at,
    }
}

impl Sum {
    fn join(&mut self, more: Self) {
        if (more.last_at, &more.event_id) > (self.last_at, &self.event_id) {
            self.event_id = more.event_id;
        }
        self.amount = self.amount.plus(more.amount);
        self.count = self.count.saturating_add(more.count);
        self.first_at = self.first_at.min(more.first_at);
        self.last_at = self.last_at.max(more.last_at);
    }
}
