//! Adds a lead up: fit, engagement, grade, band, and the receipt.
//!
//! Holds: the lines of a reckoning sum to its score exactly. Caps and the floor
//! are applied here, when a score is read, and never to what is stored: a cap
//! applied on arrival would make the score depend on the order of arrival.
//!
//! Absent on purpose: decisions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{Band, Contribution, ContributionKind, Grade, Millis, Points, Span};
use baton_policy::{ActivityRule, Fit, Policy, WarmNeeds};

use crate::State;
use crate::facts::Known;
use crate::settled::Earned;

/// A receipt of more lines than this is folded. About 60 bytes a line keep a record below 1 KiB.
const LINES: usize = 12;

/// Where a lead stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) fit: Points,
    pub(crate) engagement: Points,
    pub(crate) grade: Grade,
    pub(crate) band: Band,
    /// Left out where nobody asks for it.
    pub(crate) shown: Shown,
}

/// What a lead has shown besides points: activities that give points now, each once, and their groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    activities: usize,
    channels: usize,
}

impl Shown {
    pub(crate) fn meets(self, needs: WarmNeeds) -> bool {
        self.activities >= needs.activities && self.channels >= needs.channels
    }
}

impl Standing {
    pub(crate) fn score(&self) -> Points {
        self.fit + self.engagement
    }

    /// Whether a lead that stands here is better, or better known, than where another stands.
    pub(crate) fn betters(&self, other: &Self) -> bool {
        self.engagement > other.engagement || self.fit > other.fit || self.grade != other.grade
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

/// Where the lines of a reckoning go: nowhere, where only the standing is asked for.
struct Lines<'a>(Option<Vec<Line<'a>>>);

impl<'a> Lines<'a> {
    fn push(&mut self, line: impl FnOnce() -> Line<'a>) {
        if let Some(lines) = &mut self.0 {
            lines.push(line());
        }
    }
}

struct Line<'a> {
    kind: ContributionKind,
    rule: &'a str,
    event_id: &'a str,
    occurred_at: Millis,
    points: Points,
    /// What recycles left of an activity's points.
    left: Points,
    /// How many events are in it, and since when, where several are no longer told apart.
    several: Option<(i32, Millis)>,
}

impl<'a> Line<'a> {
    fn of(rule: &'a ActivityRule, earned: &Earned<'a>, points: Points, left: Points) -> Self {
        Self {
            kind: ContributionKind::Activity,
            rule: &rule.id,
            event_id: earned.event_id,
            occurred_at: earned.last_at,
            points,
            left,
            several: (earned.count > 1).then_some((earned.count, earned.first_at)),
        }
    }

    /// What is given or taken whatever the event.
    fn whole(kind: ContributionKind, rule: &'a str, occurred_at: Millis, points: Points) -> Self {
        Self { kind, rule, event_id: "", occurred_at, points, left: points, several: None }
    }

    fn count(&self) -> i32 {
        self.several.map_or(1, |(count, _)| count)
    }

    fn span(&self) -> Span {
        Span { first_at: self.several.map_or(self.occurred_at, |(_, first_at)| first_at), last_at: self.occurred_at }
    }

    fn told(&self) -> Contribution {
        Contribution {
            kind: self.kind,
            rule: self.rule.to_owned(),
            event_id: self.event_id.to_owned(),
            occurred_at: self.occurred_at,
            points: self.points,
            count: self.count(),
            span: self.several.map(|_| self.span()),
        }
    }

    /// Several that are no longer told apart come last: each of them is worth less than any that is.
    fn key(&self) -> (bool, Reverse<Points>, &str, &str, ContributionKind) {
        (self.several.is_some(), Reverse(self.points), self.rule, self.event_id, self.kind)
    }
}

fn key_of(line: &Contribution) -> (Reverse<Points>, &str, &str, ContributionKind) {
    (Reverse(line.points), &line.rule, &line.event_id, line.kind)
}

/// Tells one more event in a line, or several, of which those told before are worth no less.
fn fold(told: &mut Contribution, line: &Line<'_>) {
    let Span { first_at, last_at } =
        told.span.unwrap_or(Span { first_at: told.occurred_at, last_at: told.occurred_at });
    let more = line.span();
    told.points = told.points + line.points;
    told.count = told.count.saturating_add(line.count());
    told.span = Some(Span { first_at: first_at.min(more.first_at), last_at: last_at.max(more.last_at) });
}

/// Where the lead stands at `at`.
pub(crate) fn standing(policy: &Policy, state: &State, at: Millis) -> Standing {
    // What the lead has shown is read off the lines.
    let lines = asks_what_is_shown(policy, state).then(Vec::new);
    add_up(policy, state, at, Lines(lines)).standing
}

/// Whether bands, or a line that is remembered, ask for more than points.
fn asks_what_is_shown(policy: &Policy, state: &State) -> bool {
    let remembered = || state.considered.as_ref().is_some_and(|judged| judged.stood.needs_warmth());
    policy.engagement.warm_needs != WarmNeeds::default() || remembered()
}

/// Adds the lead up at `at`.
pub(crate) fn reckon<'a>(policy: &'a Policy, state: &'a State, at: Millis) -> Reckoning<'a> {
    add_up(policy, state, at, Lines(Some(Vec::with_capacity(2 * LINES))))
}

fn add_up<'a>(policy: &'a Policy, state: &'a State, at: Millis, mut lines: Lines<'a>) -> Reckoning<'a> {
    let fit = fit(policy, state, at, &mut lines);
    let engagement = engagement(policy, state, at, &mut lines);
    let lines = lines.0.unwrap_or_default();
    let shown = if asks_what_is_shown(policy, state) { shown(policy, &lines) } else { Shown::default() };
    let band = band(policy, engagement, shown.meets(policy.engagement.warm_needs));
    let standing = Standing { fit, engagement, grade: grade(&policy.fit, state, fit, at), band, shown };
    Reckoning { standing, lines }
}

impl Reckoning<'_> {
    /// Every line, by falling points, then rule, then event. A long receipt tells the activities of a
    /// rule in one line, which bears the id of the one that is worth most.
    pub(crate) fn receipt(&self) -> Vec<Contribution> {
        let mut lines: Vec<_> = self.lines.iter().collect();
        lines.sort_by_key(|line| line.key());
        let mut receipt = Vec::with_capacity(lines.len().min(2 * LINES));
        let mut rules = BTreeMap::<(&str, bool), usize>::new();
        for line in &lines {
            if lines.len() <= LINES || line.kind != ContributionKind::Activity {
                receipt.push(line.told());
                continue;
            }
            let place = rules.get(&(line.rule, line.points < Points::ZERO));
            if let Some(told) = place.and_then(|place| receipt.get_mut(*place)) {
                fold(told, line);
                continue;
            }
            rules.insert((line.rule, line.points < Points::ZERO), receipt.len());
            receipt.push(line.told());
        }
        receipt.sort_by(|a, b| key_of(a).cmp(&key_of(b)));
        receipt
    }
}

fn fit<'a>(policy: &'a Policy, state: &'a State, at: Millis, lines: &mut Lines<'a>) -> Points {
    let mut total = Points::ZERO;
    let mut asked: Option<(&str, Option<&Known>)> = None;
    for rule in &policy.fit.rules {
        // Several rules in a row ask for one fact.
        let known = match asked {
            Some((name, known)) if name == rule.fact => known,
            _ => state.facts.get(&policy.fit, &rule.fact, at),
        };
        asked = Some((&rule.fact, known));
        if rule.points != Points::ZERO && rule.test.holds(known.map(|known| &known.value)) {
            total = total + rule.points;
            lines.push(|| Line {
                kind: ContributionKind::Fact,
                rule: &rule.id,
                event_id: known.map_or("", |known| &known.event_id),
                occurred_at: known.map_or(at, |known| known.occurred_at),
                points: rule.points,
                left: rule.points,
                several: None,
            });
        }
    }
    total
}

fn engagement<'a>(policy: &'a Policy, state: &'a State, at: Millis, lines: &mut Lines<'a>) -> Points {
    let policy = &policy.engagement;
    let mut groups = BTreeMap::<&str, Points>::new();
    let mut negative = Points::ZERO;
    for (rule, all) in state.marks.earned(&policy.rules) {
        let (mut positive, mut taken) = (Points::ZERO, Points::ZERO);
        for earned in all {
            let points = earned.at(at);
            if points == Points::ZERO {
                continue;
            }
            let left = state.damped(earned.damped_at, points);
            let side = if points > Points::ZERO { &mut positive } else { &mut negative };
            *side = *side + left;
            taken = taken + (left - points);
            lines.push(|| Line::of(rule, &earned, points, left));
        }
        if taken != Points::ZERO {
            lines.push(|| Line::whole(ContributionKind::Damp, &rule.id, at, taken));
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
        lines.push(|| Line::whole(ContributionKind::Floor, "total", at, -total));
    }
    total.max(Points::ZERO)
}

/// The points that a cap leaves; what it takes away becomes a line.
fn capped<'a>(points: Points, cap: Option<Points>, of: &'a str, at: Millis, lines: &mut Lines<'a>) -> Points {
    let Some(cap) = cap.filter(|cap| points > *cap) else {
        return points;
    };
    lines.push(|| Line::whole(ContributionKind::Cap, of, at, cap - points));
    cap
}

/// The share of the facts asked for that is known at `at`, in whole percent; 100 when none is asked for.
pub(crate) fn completeness(fit: &Fit, state: &State, at: Millis) -> i32 {
    share_of(fit, state.facts.answered(fit, at))
}

fn share_of(fit: &Fit, answered: usize) -> i32 {
    i32::try_from((answered * 100).checked_div(fit.asked.len()).unwrap_or(100)).unwrap_or(100)
}

fn grade(policy: &Fit, state: &State, fit: Points, at: Millis) -> Grade {
    let answered = state.facts.answered(policy, at);
    let complete = i64::from(share_of(policy, answered));
    if answered < policy.known_at_least || complete < policy.complete_at_least {
        return Grade::U;
    }
    let grades = [Grade::A, Grade::B, Grade::C];
    let reached = policy.grades.iter().position(|least| fit >= *least);
    reached.and_then(|place| grades.get(place).copied()).unwrap_or(Grade::D)
}

fn shown(policy: &Policy, lines: &[Line<'_>]) -> Shown {
    let gives = lines.iter().filter(|line| line.kind == ContributionKind::Activity && line.left > Points::ZERO);
    let gives: Vec<&Line<'_>> = gives.collect();
    let activities: BTreeSet<&str> = gives.iter().map(|line| line.event_id).collect();
    let rules: BTreeSet<&str> = gives.iter().map(|line| line.rule).collect();
    let in_use = policy.engagement.rules.iter().filter(|rule| rules.contains(rule.id.as_str()));
    let channels: BTreeSet<&str> = in_use.map(|rule| rule.group.as_str()).collect();
    Shown { activities: activities.len(), channels: channels.len() }
}

fn band(policy: &Policy, engagement: Points, warm: bool) -> Band {
    let reached = (1..).zip(&policy.engagement.bands).find(|(_, least)| engagement >= **least);
    let band = reached.map_or(4, |(band, _)| band);
    Band(if warm { band } else { band.max(3) })
}
