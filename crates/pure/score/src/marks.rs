//! What earned points: one mark for each activity and rule that it met, the newest of each rule one by
//! one and those before as sums.
//!
//! Holds: marks lie in order of event time, then event id, so that "the first" means the same whatever
//! came in first. Where the line between marks and sums runs changes no score: as long as no activity
//! comes later than as many newer ones of its rule as are kept, everything is as if all were kept. A
//! mark keeps the points of the policy under which it was made and names its rule by id: a later policy
//! still reads it, with its own half-life and caps; a sum keeps its half-life. Marks of a rule that the
//! policy no longer has are worth nothing.
//!
//! Absent on purpose: what a lead's points come to. That is reckoned when a score is read.

use std::collections::BTreeMap;

use baton_domain::{Activity, Millis, Points};
use baton_policy::{ActivityRule, Counting, Engagement, SESSION_GAP_MS};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::decay::decayed;
use crate::raise::WAITS_MS;
use crate::reach::{evidence, reaches};
use crate::settled::{Earned, Settled};

/// Marks kept beyond those that a rule counts (of each piece of content, of each day): they count
/// again when an earlier one is taken back.
const SPARE: i64 = 4;
/// Rules that the policy no longer has whose marks are kept, should it have them again.
const GONE: usize = 32;

/// The marks of a lead, by rule id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Marks(BTreeMap<String, Kept>);

/// What is kept of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    marks: Vec<Mark>,
    settled: Settled,
}

/// One activity that met a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) occurred_at: Millis,
    pub(crate) event_id: String,
    /// What the rule gave for it at the time.
    pub(crate) points: Points,
    /// Fingerprint of the content it was about.
    pub(crate) content: u64,
    /// The steps of the rule's sequence that it could be, as bits; 0 without one.
    pub(crate) steps: u8,
    /// Whether its points are in the sums: it only shows any more that something happened before.
    pub(crate) settled: bool,
}

impl Marks {
    /// The marks of a rule, oldest first.
    pub(crate) fn of(&self, rule: &str) -> &[Mark] {
        self.0.get(rule).map(|kept| kept.marks.as_slice()).unwrap_or_default()
    }

    /// Adds a mark, and drops those of its rule that can never matter again.
    pub(crate) fn insert(&mut self, rule: &ActivityRule, mark: Mark, now: Millis) {
        let Kept { marks, settled } = self.0.entry(rule.id.clone()).or_default();
        let place = marks.binary_search_by(|m| (m.occurred_at, &m.event_id).cmp(&(mark.occurred_at, &mark.event_id)));
        if let Err(place) = place {
            marks.insert(place, mark);
        }
        if let Some(span) = span_ms(rule) {
            // Which marks reach the window may change with every late arrival. A mark is needed until
            // the last one that it may help over the line is spent: one window later than itself.
            let then = now.plus(-span);
            // A request for sales stands on its steps for as long as it waits, and so long a step may be told late.
            let kept_from = if rule.hand_raise { then.plus(-WAITS_MS) } else { then };
            marks.retain(|mark| mark.occurred_at >= kept_from || rule.asked_for || !spent(rule, mark, then));
        } else {
            let mut admits = Admits::new(rule, settled, SPARE);
            let mut left = marks.len();
            marks.retain(|mark| {
                left -= 1;
                let counts = admits.admits(mark) && !spent(rule, mark, now);
                // A question about the rule is answered by the last mark, whether it counts or not.
                counts || (left == 0 && rule.asked_for)
            });
        }
    }

    /// Turns all but the newest `max_contributions` marks of each rule into sums. `damped_at` names the
    /// instant by which a recycle took its share of what was earned at another.
    pub(crate) fn settle(&mut self, policy: &Engagement, now: Millis, damped_at: impl Fn(Millis) -> Millis) {
        let mut gone = Vec::new();
        for (id, kept) in &mut self.0 {
            match policy.rules.iter().find(|rule| rule.id == *id) {
                Some(rule) => kept.settle(rule, policy.max_contributions, now, &damped_at),
                None => gone.push((kept.marks.last().map(|mark| mark.occurred_at), id.clone())),
            }
        }
        gone.sort();
        for (_, id) in gone.iter().rev().skip(GONE) {
            self.0.remove(id);
        }
    }

    /// From here on a recycle takes its share of what is settled by now.
    pub(crate) fn damp(&mut self, until: Millis) {
        self.0.values_mut().for_each(|kept| kept.settled.damp(until));
    }

    /// What each rule gives, in the order of the rules: its marks that count, and the sums of those before. A rule
    /// that nobody met is left out.
    pub(crate) fn earned<'a>(
        &'a self,
        rules: &'a [ActivityRule],
    ) -> impl Iterator<Item = (&'a ActivityRule, impl Iterator<Item = Earned<'a>>)> {
        let place = |id: &String| rules.iter().position(|rule| rule.id == *id);
        let mut met: Vec<_> = self.0.iter().filter_map(|(id, kept)| Some((place(id)?, kept))).collect();
        met.sort_unstable_by_key(|(place, _)| *place);
        met.into_iter().map(|(place, kept)| {
            let rule = &rules[place];
            (rule, kept.counted(rule).map(|mark| Earned::by(rule, mark)).chain(kept.settled.earned()))
        })
    }

    /// When an activity last met a rule, counted or not.
    pub(crate) fn last_met(&self, rule: &ActivityRule) -> Option<Millis> {
        let kept = self.0.get(&rule.id)?;
        kept.reaching(rule).map(|mark| mark.occurred_at).last().max(kept.settled.last.map(|(at, _)| at))
    }

    /// Those up to an instant.
    pub(crate) fn until(&self, until: Millis) -> Self {
        let mut then = self.clone();
        then.0.values_mut().for_each(|kept| kept.marks.retain(|mark| mark.occurred_at <= until));
        then
    }

    /// Removes the marks of an event; answers whether there were any.
    pub(crate) fn forget(&mut self, event_id: &str) -> bool {
        let mut found = false;
        for kept in self.0.values_mut() {
            let all = kept.marks.len();
            kept.marks.retain(|mark| mark.settled || mark.event_id != event_id);
            found |= kept.marks.len() < all;
        }
        self.0.retain(|_, kept| *kept != Kept::default());
        found
    }

    /// The same marks without those of an event, under one rule or under every rule.
    pub(crate) fn without(&self, event_id: &str, only: Option<&str>) -> Self {
        let mut rest = self.clone();
        for (rule, kept) in &mut rest.0 {
            if only.is_none_or(|only| only == rule) {
                kept.marks.retain(|mark| mark.event_id != event_id);
            }
        }
        rest
    }
}

impl Kept {
    /// The marks that count: those that reach the rule's window, and of them the first ones where only so
    /// many count.
    fn counted<'a>(&'a self, rule: &'a ActivityRule) -> impl Iterator<Item = &'a Mark> {
        let mut admits = Admits::new(rule, &self.settled, 0);
        self.reaching(rule).filter(move |mark| admits.admits(mark))
    }

    fn reaching<'a>(&'a self, rule: &'a ActivityRule) -> impl Iterator<Item = &'a Mark> {
        let kept = self.marks.iter().enumerate().filter(|(_, mark)| !mark.settled);
        kept.filter(|(place, _)| reaches(rule, &self.marks, *place)).map(|(_, mark)| mark)
    }

    /// Settles all but the newest `most` marks, and keeps of those only what the rule's window asks for.
    fn settle(&mut self, rule: &ActivityRule, most: usize, now: Millis, damped_at: impl Fn(Millis) -> Millis) {
        self.settled.forget_spent(rule, now);
        let mut newest = self.marks.iter().enumerate().rev().filter(|(_, mark)| !mark.settled);
        let Some((line, oldest)) = newest.nth(most.saturating_sub(1)).filter(|_| newest.next().is_some()) else {
            return;
        };
        let is_older = |mark: &&Mark| (mark.occurred_at, &mark.event_id) < (oldest.occurred_at, &oldest.event_id);
        let mut settled = self.settled.clone();
        let mut admits = Admits::new(rule, &self.settled, 0);
        for mark in self.reaching(rule).take_while(is_older) {
            let counts = admits.admits(mark);
            settled.take(rule, mark, admits.bucket, counts.then(|| damped_at(mark.occurred_at)));
        }
        self.settled = settled;
        let needed = evidence(rule, &self.marks[..line]);
        let then = rule.when.span_ms().map(|span| oldest.occurred_at.plus(-span));
        let mut place = 0..;
        self.marks.retain_mut(|mark| {
            let place = place.next().unwrap_or_default();
            if place < line {
                mark.settled = true;
            }
            place >= line || (needed.contains(&place) && then.is_some_and(|then| mark.occurred_at >= then))
        });
    }
}

/// Says of one mark after the other, oldest first, whether the rule still counts it.
struct Admits<'a> {
    counting: Counting,
    /// Counts so many more of a bucket of which nothing is settled that could not be taken back.
    spare: i64,
    settled: &'a Settled,
    seen: BTreeMap<u64, i64>,
    /// The newest mark of all so far.
    last: Option<Millis>,
    /// What the last mark was counted among.
    bucket: u64,
}

impl<'a> Admits<'a> {
    fn new(rule: &ActivityRule, settled: &'a Settled, spare: i64) -> Self {
        let (last, bucket) = settled.last.map_or((None, 0), |(at, bucket)| (Some(at), bucket));
        Self { counting: rule.count, spare, settled, seen: BTreeMap::new(), last, bucket }
    }

    fn admits(&mut self, mark: &Mark) -> bool {
        let at = mark.occurred_at;
        let goes_on = self.last.is_some_and(|last| at.since(last) <= SESSION_GAP_MS);
        self.last = self.last.max(Some(at));
        let (bucket, most) = match self.counting {
            Counting::Every => return true,
            Counting::Once => (0, 1),
            Counting::OncePerContent => (mark.content, 1),
            Counting::PerDay(most) => (at.day().cast_unsigned(), most),
            Counting::PerSession(most) if goes_on => (self.bucket, most),
            Counting::PerSession(most) => (at.0.cast_unsigned(), most),
        };
        self.bucket = bucket;
        let used = self.settled.used.get(&bucket).copied().unwrap_or_default();
        let spare = if used < most { self.spare } else { 0 };
        let times = self.seen.entry(bucket).or_default();
        *times += 1;
        used + *times <= most + spare
    }
}

/// What a mark is worth at `now`, before caps.
fn worth(rule: &ActivityRule, mark: &Mark, now: Millis) -> Points {
    rule.half_life_ms.map_or(mark.points, |half_life| decayed(mark.points, now.since(mark.occurred_at), half_life))
}

/// The fingerprint of what an activity was about; its name when it was about nothing in particular.
pub(crate) fn content_of(activity: &Activity) -> u64 {
    let content = activity.content_id.as_ref().or(activity.path.as_ref()).or(activity.title.as_ref());
    xxh3_64(content.unwrap_or(&activity.name).as_bytes())
}

/// For how long after it a mark may decide about others: a window, a sequence, or a session, of which a
/// day is more than anybody's.
fn span_ms(rule: &ActivityRule) -> Option<i64> {
    let session = matches!(rule.count, Counting::PerSession(_)).then_some(Millis::DAY);
    rule.when.span_ms().max(session)
}

/// Whether a mark has decayed to nothing and is not needed to know that something happened before.
fn spent(rule: &ActivityRule, mark: &Mark, now: Millis) -> bool {
    match rule.count {
        Counting::Every | Counting::PerSession(_) => worth(rule, mark, now) == Points::ZERO,
        // Not before the last of its day, or that one would count in its place.
        Counting::PerDay(_) => {
            let midnight = Millis(mark.occurred_at.day().saturating_add(1).saturating_mul(Millis::DAY));
            worth(rule, &Mark { occurred_at: midnight, ..mark.clone() }, now) == Points::ZERO
        }
        Counting::Once | Counting::OncePerContent => false,
    }
}
