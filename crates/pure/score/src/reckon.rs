//! Adds a lead up: fit, engagement, grade, band, and the receipt.
//!
//! Holds: the lines of a reckoning sum to its score exactly. Caps and the floor
//! are applied here, when a score is read, and never to what is stored: a cap
//! applied on arrival would make the score depend on the order of arrival.
//!
//! Absent on purpose: decisions.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use baton_domain::{Band, Contribution, ContributionKind, Grade, Millis, Points};
use baton_policy::{Fit, Policy};

use crate::State;
use crate::marks::{counted, worth};

/// Where a lead stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) fit: Points,
    pub(crate) engagement: Points,
    pub(crate) grade: Grade,
    pub(crate) band: Band,
}

impl Standing {
    pub(crate) fn score(&self) -> Points {
        self.fit + self.engagement
    }

    /// The lane of the matrix cell, if leads in it are handed off.
    pub(crate) fn lane<'a>(&self, policy: &'a Policy) -> Option<&'a String> {
        policy.decision.matrix.get(&(self.grade, self.band.0))
    }
}

/// A standing with every line that made it.
pub(crate) struct Reckoning<'a> {
    pub(crate) standing: Standing,
    lines: Vec<Line<'a>>,
}

struct Line<'a> {
    kind: ContributionKind,
    rule: &'a str,
    event_id: &'a str,
    occurred_at: Millis,
    points: Points,
}

/// Where the lead stands at `at`.
pub(crate) fn standing(policy: &Policy, state: &State, at: Millis) -> Standing {
    reckon(policy, state, at).standing
}

/// Adds the lead up at `at`.
pub(crate) fn reckon<'a>(policy: &'a Policy, state: &'a State, at: Millis) -> Reckoning<'a> {
    let mut lines = Vec::new();
    let fit = fit(policy, state, &mut lines);
    let engagement = engagement(policy, state, at, &mut lines);
    let standing = Standing { fit, engagement, grade: grade(&policy.fit, state, fit), band: band(policy, engagement) };
    Reckoning { standing, lines }
}

impl Reckoning<'_> {
    /// Every line, by falling points, then rule, then event.
    pub(crate) fn receipt(&self) -> Vec<Contribution> {
        let mut lines: Vec<_> = self.lines.iter().collect();
        lines.sort_by_key(|line| (Reverse(line.points), line.rule, line.event_id, line.kind));
        let owned = |line: &Line| Contribution {
            kind: line.kind,
            rule: line.rule.to_owned(),
            event_id: line.event_id.to_owned(),
            occurred_at: line.occurred_at,
            points: line.points,
        };
        lines.into_iter().map(owned).collect()
    }
}

fn fit<'a>(policy: &'a Policy, state: &'a State, lines: &mut Vec<Line<'a>>) -> Points {
    let mut total = Points::ZERO;
    for rule in &policy.fit.rules {
        let Some(known) = state.facts.get(&rule.fact) else { continue };
        if rule.points != Points::ZERO && rule.test.passes(&known.value) {
            total = total + rule.points;
            lines.push(Line {
                kind: ContributionKind::Fact,
                rule: &rule.id,
                event_id: &known.event_id,
                occurred_at: known.occurred_at,
                points: rule.points,
            });
        }
    }
    total
}

fn engagement<'a>(policy: &'a Policy, state: &'a State, at: Millis, lines: &mut Vec<Line<'a>>) -> Points {
    let policy = &policy.engagement;
    let mut groups = BTreeMap::<&str, Points>::new();
    let mut negative = Points::ZERO;
    for rule in &policy.rules {
        let mut positive = Points::ZERO;
        for mark in counted(rule, state.marks.of(&rule.id)) {
            let points = worth(rule, mark, at);
            if points == Points::ZERO {
                continue;
            }
            let side = if points > Points::ZERO { &mut positive } else { &mut negative };
            *side = *side + points;
            lines.push(Line {
                kind: ContributionKind::Activity,
                rule: &rule.id,
                event_id: &mark.event_id,
                occurred_at: mark.occurred_at,
                points,
            });
        }
        let group = groups.entry(&rule.group).or_default();
        *group = *group + capped(positive, rule.cap, &rule.id, at, lines);
    }
    let mut total = Points::ZERO;
    for (name, points) in groups {
        total = total + capped(points, policy.group_caps.get(name).copied(), name, at, lines);
    }
    let total = capped(total, Some(policy.total_cap), "total", at, lines) + negative;
    if total < Points::ZERO {
        lines.push(Line {
            kind: ContributionKind::Floor,
            rule: "total",
            event_id: "",
            occurred_at: at,
            points: -total,
        });
    }
    total.max(Points::ZERO)
}

/// The points that a cap leaves; what it takes away becomes a line.
fn capped<'a>(points: Points, cap: Option<Points>, of: &'a str, at: Millis, lines: &mut Vec<Line<'a>>) -> Points {
    let Some(cap) = cap.filter(|cap| points > *cap) else {
        return points;
    };
    lines.push(Line { kind: ContributionKind::Cap, rule: of, event_id: "", occurred_at: at, points: cap - points });
    cap
}

fn grade(policy: &Fit, state: &State, fit: Points) -> Grade {
    let known = policy.asked.iter().filter(|name| state.facts.contains_key(*name)).count();
    if known < policy.known_at_least {
        return Grade::U;
    }
    let grades = [Grade::A, Grade::B, Grade::C];
    let reached = policy.grades.iter().position(|least| fit >= *least);
    reached.and_then(|place| grades.get(place).copied()).unwrap_or(Grade::D)
}

fn band(policy: &Policy, engagement: Points) -> Band {
    let reached = (1..).zip(&policy.engagement.bands).find(|(_, least)| engagement >= **least);
    Band(reached.map_or(4, |(band, _)| band))
}
