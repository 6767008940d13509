//! When a warm lead has cooled.
//!
//! Holds: a lead is warm from an event that lifts it into a band until its
//! engagement falls below that band's lower line, and cools once for each time
//! it warmed. The instant is exact to the millisecond: it is found on the same
//! whole numbers that the score is made of.
//!
//! Absent on purpose: any effect on the lifecycle beyond re-arming. A lead that
//! cooled on a desk is the desk's to judge.

use std::collections::BTreeMap;

use baton_domain::{Band, Millis, Points, Stage};
use baton_policy::{Engagement, Policy};
use serde::{Deserialize, Serialize};

use crate::State;
use crate::reckon::Standing;
use crate::settled::Earned;

/// Looks at the curve for one search. Beyond it the search goes on at a later wake-up.
const LOOKS: u32 = 2_000;
/// Nothing is looked for further ahead than this: 100 years.
const HORIZON_MS: i64 = 100 * 365 * Millis::DAY;

/// The line below which the lead has cooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Warm {
    /// The band that the lead was lifted into.
    pub(crate) band: Band,
    /// The lower line of that band, by the policy of that day.
    pub(crate) threshold: Points,
}

impl State {
    /// Takes up where the lead stands now; `risen` says whether an event lifted its engagement.
    /// Answers the line that was crossed when the lead cooled.
    pub(crate) fn feel(&mut self, policy: &Policy, now: &Standing, risen: bool) -> Option<Warm> {
        if matches!(self.stage, Stage::Suppressed | Stage::Disqualified | Stage::Customer) {
            self.warm = None;
            return None;
        }
        let cooled = self.warm.filter(|warm| now.engagement < warm.threshold);
        if cooled.is_some() {
            self.warm = None;
        }
        let warmer = self.warm.is_none_or(|warm| now.band < warm.band);
        if let Some(threshold) = low_line(policy, now.band).filter(|_| risen && warmer) {
            self.warm = Some(Warm { band: now.band, threshold });
        }
        cooled
    }

    /// The next instant at which to look whether the lead has cooled: that at which it does, as far
    /// as decay alone goes.
    pub(crate) fn cools_at(&self, policy: &Policy, now: Millis) -> Option<Millis> {
        let warm = self.warm?;
        Curve::of(&policy.engagement, self).first_below(warm.threshold, now)
    }
}

/// The engagement below which a band is left; `None` for the coldest, which has no lower line.
pub(crate) fn low_line(policy: &Policy, band: Band) -> Option<Points> {
    let place = usize::try_from(band.0.checked_sub(1)?).ok()?;
    let least = policy.engagement.bands.get(place)?;
    Some(Points(least.0.saturating_mul(policy.decision.low_percent) / 100))
}

/// A lead's engagement as a function of time, as long as nothing happens.
struct Curve<'a> {
    state: &'a State,
    groups: Vec<Group<'a>>,
    total_cap: Points,
    negative: Vec<Earned<'a>>,
}

struct Group<'a> {
    cap: Option<Points>,
    rules: Vec<(Option<Points>, Vec<Earned<'a>>)>,
}

impl<'a> Curve<'a> {
    fn of(policy: &'a Engagement, state: &'a State) -> Self {
        let mut groups = BTreeMap::<&str, Group<'_>>::new();
        let mut negative = Vec::new();
        for (rule, all) in state.marks.earned(&policy.rules) {
            let mut positive = Vec::new();
            for earned in all {
                let side = if earned.is_negative() { &mut negative } else { &mut positive };
                side.push(earned);
            }
            if !positive.is_empty() {
                let cap = policy.group_caps.get(&rule.group).copied();
                let group = groups.entry(&rule.group).or_insert_with(|| Group { cap, rules: Vec::new() });
                group.rules.push((rule.cap, positive));
            }
        }
        Self { state, groups: groups.into_values().collect(), total_cap: policy.total_cap, negative }
    }

    fn sum(&self, each: &[Earned<'_>], at: Millis) -> Points {
        each.iter().map(|earned| self.state.damped(earned.damped_at, earned.at(at))).sum()
    }

    /// What was earned: only ever falls.
    fn earned(&self, at: Millis) -> Points {
        let capped = |points: Points, cap: Option<Points>| cap.map_or(points, |cap| points.min(cap));
        let rules = |group: &Group<'_>| group.rules.iter().map(|(cap, marks)| capped(self.sum(marks, at), *cap)).sum();
        let groups = self.groups.iter().map(|group| capped(rules(group), group.cap));
        groups.sum::<Points>().min(self.total_cap)
    }

    /// What was taken away, below zero: only ever rises.
    fn taken(&self, at: Millis) -> Points {
        self.sum(&self.negative, at)
    }

    /// The first millisecond after `now` at which the curve lies below `line`, or an earlier one at
    /// which to look again.
    fn first_below(&self, line: Points, now: Millis) -> Option<Millis> {
        let mut search = Search { curve: self, line, looks: LOOKS };
        let (mut from, mut step) = (self.look(now), Millis::HOUR);
        while from.at.since(now) < HORIZON_MS {
            let to = self.look(from.at.plus(step));
            if let Some(at) = search.within(from, to) {
                return Some(at);
            }
            (from, step) = (to, step.saturating_mul(2));
        }
        None
    }

    fn look(&self, at: Millis) -> Look {
        Look { at, earned: self.earned(at), taken: self.taken(at) }
    }
}

/// The curve at an instant.
#[derive(Clone, Copy)]
struct Look {
    at: Millis,
    earned: Points,
    taken: Points,
}

struct Search<'a> {
    curve: &'a Curve<'a>,
    line: Points,
    looks: u32,
}

impl Search<'_> {
    /// The first instant in `(from, to]` below the line. Between two instants the curve is nowhere lower
    /// than what is earned at the later one less what is taken at the earlier one.
    fn within(&mut self, from: Look, to: Look) -> Option<Millis> {
        if self.looks == 0 {
            return Some(from.at.plus(1));
        }
        self.looks -= 1;
        if to.earned + from.taken >= self.line {
            return None;
        }
        let width = to.at.since(from.at);
        if width <= 1 {
            return (to.earned + to.taken < self.line).then_some(to.at);
        }
        let middle = self.curve.look(from.at.plus(width / 2));
        self.within(from, middle).or_else(|| self.within(middle, to))
    }
}
