//! What earned points: one mark for each activity and rule that it met.
//!
//! Holds: marks lie in order of event time, then event id, so that "the first"
//! means the same whatever came in first. A mark keeps the points of the policy
//! under which it was made and names its rule by id: a later policy still reads
//! it, with its own half-life and caps. Marks of a rule that the policy no
//! longer has are worth nothing.
//!
//! Absent on purpose: sums. They are made when a score is read.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{Activity, Millis, Points};
use baton_policy::{ActivityRule, Counting, Distinct, Engagement, SESSION_GAP_MS, Sequence};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::decay::decayed;

/// Marks kept beyond those that a rule counts (of each piece of content, of each day): they count
/// again when an earlier one is taken back.
const SPARE: i64 = 4;

/// The marks of a lead, by rule id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Marks(BTreeMap<String, Vec<Mark>>);

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
}

impl Marks {
    /// The marks of a rule, oldest first.
    pub(crate) fn of(&self, rule: &str) -> &[Mark] {
        self.0.get(rule).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds a mark, and drops those of its rule that can never matter again.
    pub(crate) fn insert(&mut self, rule: &ActivityRule, mark: Mark, now: Millis) {
        let marks = self.0.entry(rule.id.clone()).or_default();
        let place = marks.binary_search_by(|m| (m.occurred_at, &m.event_id).cmp(&(mark.occurred_at, &mark.event_id)));
        if let Err(place) = place {
            marks.insert(place, mark);
        }
        if let Some(span) = span_ms(rule) {
            // Which marks reach the window may change with every late arrival. A mark is needed until
            // the last one that it may help over the line is spent: one window later than itself.
            let then = now.plus(-span);
            marks.retain(|mark| mark.occurred_at >= then || rule.asked_for || !spent(rule, mark, then));
        } else {
            marks.retain(admits(rule, SPARE));
            // A question about the rule is answered by the last mark, whatever it is worth.
            let last = marks.last().filter(|_| rule.asked_for).cloned();
            marks.retain(|mark| !spent(rule, mark, now) || last.as_ref() == Some(mark));
        }
    }

    /// Drops the marks worth least until at most `max_contributions` are left; ties by event id, then rule.
    pub(crate) fn shrink(&mut self, policy: &Engagement, now: Millis) {
        while self.0.values().map(Vec::len).sum::<usize>() > policy.max_contributions {
            let each = self.0.iter().filter_map(|(id, marks)| least_worth(policy, id, marks, now));
            let Some((id, place)) = each.min().map(|(.., id, place)| (id.to_owned(), place)) else {
                return;
            };
            if let Some(marks) = self.0.get_mut(&id) {
                marks.remove(place);
            }
            self.0.retain(|_, marks| !marks.is_empty());
        }
    }

    /// Removes the marks of an event; answers whether there were any.
    pub(crate) fn forget(&mut self, event_id: &str) -> bool {
        let mut found = false;
        for marks in self.0.values_mut() {
            let all = marks.len();
            marks.retain(|mark| mark.event_id != event_id);
            found |= marks.len() < all;
        }
        self.0.retain(|_, marks| !marks.is_empty());
        found
    }

    /// The same marks without those of an event, under one rule or under every rule.
    pub(crate) fn without(&self, event_id: &str, only: Option<&str>) -> Self {
        let mut rest = self.clone();
        for (rule, marks) in &mut rest.0 {
            if only.is_none_or(|only| only == rule) {
                marks.retain(|mark| mark.event_id != event_id);
            }
        }
        rest
    }
}

/// The mark of a rule that is worth least: its absolute worth, event, rule and place.
fn least_worth<'a>(
    policy: &Engagement,
    id: &'a str,
    marks: &'a [Mark],
    now: Millis,
) -> Option<(u64, &'a str, &'a str, usize)> {
    let rule = policy.rules.iter().find(|rule| rule.id == id);
    let mut counts = rule.filter(|rule| rule.when.at_least.is_none()).map(|rule| admits(rule, 0));
    let mut size = |mark| {
        let is_spare = counts.as_mut().is_some_and(|counts| !counts(mark));
        rule.filter(|_| !is_spare).map_or(0, |rule| worth(rule, mark, now).0.unsigned_abs())
    };
    marks.iter().enumerate().map(|(place, mark)| (size(mark), mark.event_id.as_str(), id, place)).min()
}

/// What a mark is worth at `now`, before caps.
pub(crate) fn worth(rule: &ActivityRule, mark: &Mark, now: Millis) -> Points {
    rule.half_life_ms.map_or(mark.points, |half_life| decayed(mark.points, now.since(mark.occurred_at), half_life))
}

/// The marks that count: those that reach the rule's window, and of them the first ones where only so many count.
pub(crate) fn counted<'a>(rule: &'a ActivityRule, marks: &'a [Mark]) -> impl Iterator<Item = &'a Mark> {
    let mut admits = admits(rule, 0);
    marks
        .iter()
        .enumerate()
        .filter(|(place, _)| reaches(rule, marks, *place))
        .map(|(_, mark)| mark)
        .filter(move |mark| admits(mark))
}

/// Whether the mark of an event reaches the rule's window.
pub(crate) fn reached(rule: &ActivityRule, marks: &[Mark], event_id: &str) -> bool {
    marks.iter().position(|mark| mark.event_id == event_id).is_some_and(|place| reaches(rule, marks, place))
}

/// The fingerprint of what an activity was about; its name when it was about nothing in particular.
pub(crate) fn content_of(activity: &Activity) -> u64 {
    let content = activity.content_id.as_ref().or(activity.path.as_ref()).or(activity.title.as_ref());
    xxh3_64(content.unwrap_or(&activity.name).as_bytes())
}

/// Whether enough marks, this one included, lie within the rule's window before this one.
fn reaches(rule: &ActivityRule, marks: &[Mark], place: usize) -> bool {
    if let Some(sequence) = &rule.when.sequence {
        return ends(sequence, marks, place);
    }
    let Some(window) = rule.when.at_least else {
        return true;
    };
    let times = usize::try_from(window.times).unwrap_or_default();
    let at = marks[place].occurred_at;
    let near = |mark: &&Mark| at.since(mark.occurred_at) <= window.within_ms;
    let within = marks[..=place].iter().rev().take_while(near);
    match window.of {
        Distinct::Times => within.take(times).count() == times,
        Distinct::Days => within.map(|mark| mark.occurred_at.day()).collect::<BTreeSet<_>>().len() >= times,
        Distinct::Contents => within.map(|mark| mark.content).collect::<BTreeSet<_>>().len() >= times,
    }
}

/// Whether the mark is the last step of a sequence that began not too long before. Each step is taken
/// as late as it can be: no other choice begins later.
fn ends(sequence: &Sequence, marks: &[Mark], place: usize) -> bool {
    let is = |step: usize, mark: &Mark| u32::try_from(step).is_ok_and(|step| mark.steps >> step & 1 == 1);
    let Some(last) = sequence.steps.len().checked_sub(1).filter(|last| is(*last, &marks[place])) else {
        return false;
    };
    let before = |place: usize, step: usize| marks[..place].iter().rposition(|mark| is(step, mark));
    let first = (0..last).rev().try_fold(place, before);
    first.is_some_and(|first| marks[place].occurred_at.since(marks[first].occurred_at) <= sequence.within_ms)
}

/// For how long after it a mark may decide about others: a window, a sequence, or a session, of which a
/// day is more than anybody's.
fn span_ms(rule: &ActivityRule) -> Option<i64> {
    let session = matches!(rule.count, Counting::PerSession(_)).then_some(Millis::DAY);
    rule.when.span_ms().max(session)
}

/// Says of one mark after the other, oldest first, whether the rule still counts it, or would if
/// `spare` more counted.
fn admits(rule: &ActivityRule, spare: i64) -> impl FnMut(&Mark) -> bool + use<> {
    let counting = rule.count;
    let mut seen = BTreeMap::<u64, i64>::new();
    let mut session = 0;
    let mut last = None;
    move |mark| {
        let gap = last.replace(mark.occurred_at).map_or(0, |last| mark.occurred_at.since(last));
        session += u64::from(gap > SESSION_GAP_MS);
        let (bucket, most) = match counting {
            Counting::Every => return true,
            Counting::Once => (0, 1),
            Counting::OncePerContent => (mark.content, 1),
            Counting::PerDay(most) => (mark.occurred_at.day().cast_unsigned(), most),
            Counting::PerSession(most) => (session, most),
        };
        let times = seen.entry(bucket).or_default();
        *times += 1;
        *times <= most + spare
    }
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
