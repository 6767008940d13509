//! A person asks for sales: by one activity, or by the last of several that a rule asks for.
//!
//! Holds: in whatever order the activities are told, within the week that a request waits, whoever did them
//! has asked. A request stands on what is left when an activity is taken back. What happened before an
//! episode ended was part of it: told later, it opens no other. Bounded.
//!
//! Absent on purpose: points. A request counts whatever it is worth.

use std::collections::BTreeSet;

use baton_domain::{Activity, Millis, ReasonKind};
use baton_policy::{ActivityRule, Policy};
use serde::{Deserialize, Serialize};

use crate::decide::{Opening, Turn};
use crate::lifecycle::{is_open, may_open};
use crate::marks::{Mark, Marks};
use crate::reach::{carriers, completed};
use crate::reckon::Standing;

/// For how long of log time a request for sales waits for the lead to become known or to be let in.
/// Later it is no longer an answer that the person expects.
pub(crate) const WAITS_MS: i64 = 7 * Millis::DAY;
/// Requests kept of a lead, or of its open episode.
const KEPT: usize = 8;

/// A request for sales.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Raise {
    pub(crate) event_id: String,
    pub(crate) name: String,
    pub(crate) occurred_at: Millis,
    /// Log time at which it was known to be one.
    heard_at: Millis,
    /// The rule that says so.
    rule: String,
    /// The earlier activities that its window or its sequence took, newest first.
    pub(crate) steps: Vec<(Millis, String)>,
}

impl Raise {
    /// Whether the person still expects an answer.
    fn waits(&self, now: Millis) -> bool {
        now.since(self.heard_at) <= WAITS_MS
    }

    fn rests_on(&self, event_id: &str) -> bool {
        self.event_id == event_id || self.steps.iter().any(|(_, step)| step == event_id)
    }

    /// Whether it stands without an event; another activity may take the place of an earlier step.
    fn stands_without(&mut self, event_id: &str, policy: &Policy, marks: &Marks) -> bool {
        if self.event_id == event_id || !self.rests_on(event_id) {
            return self.event_id != event_id;
        }
        let rule = policy.engagement.rules.iter().find(|rule| rule.id == self.rule);
        let marks = marks.of(&self.rule);
        let place = marks.iter().position(|mark| mark.event_id == self.event_id);
        let again = rule.zip(place).and_then(|(rule, place)| steps(rule, marks, place));
        let stands = again.is_some();
        self.steps = again.unwrap_or_default();
        stands
    }
}

/// Requests for sales, the one heard last at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Raises(Vec<Raise>);

impl Raises {
    pub(crate) fn add(&mut self, raise: Raise) {
        self.0.retain(|other| (&other.event_id, &other.rule) != (&raise.event_id, &raise.rule));
        if self.0.len() == KEPT {
            self.0.remove(0);
        }
        self.0.push(raise);
    }

    /// Those made since an instant.
    pub(crate) fn since(mut self, from: Millis) -> Self {
        self.0.retain(|raise| raise.occurred_at >= from);
        self
    }

    /// Those heard after an instant: what opened an episode then is answered.
    pub(crate) fn heard_after(mut self, then: Millis) -> Self {
        self.0.retain(|raise| raise.heard_at > then);
        self
    }

    /// Those that waited at an instant or were heard later, as if they were heard at `now`.
    pub(crate) fn renewed(mut self, then: Millis, now: Millis) -> Self {
        self.0.retain(|raise| raise.waits(then));
        self.0.iter_mut().for_each(|raise| raise.heard_at = now);
        self
    }

    /// The newest that still waits.
    pub(crate) fn waiting(&self, now: Millis) -> Option<&Raise> {
        self.0.iter().rev().find(|raise| raise.waits(now))
    }

    /// Every event that one of them rests on.
    pub(crate) fn events(&self) -> BTreeSet<&String> {
        let steps = self.0.iter().flat_map(|raise| raise.steps.iter().map(|(_, step)| step));
        self.0.iter().map(|raise| &raise.event_id).chain(steps).collect()
    }

    /// The one heard last, of those made since `from` and heard after `then`.
    pub(crate) fn newest(&self, from: Millis, then: Millis) -> Option<&Raise> {
        self.0.iter().rfind(|raise| raise.occurred_at >= from && raise.heard_at > then)
    }

    /// Drops those that do not stand without an event, of which no mark is left; answers whether there were any.
    pub(crate) fn forget(&mut self, event_id: &str, policy: &Policy, marks: &Marks) -> bool {
        let all = self.0.len();
        self.0.retain_mut(|raise| raise.stands_without(event_id, policy, marks));
        self.0.len() < all
    }
}

impl Turn<'_> {
    /// Notes that the activity asks for sales by a rule that it matches: by itself, or as the step that was
    /// missing, of itself or of one that was told before it.
    pub(crate) fn ask(&mut self, rule: &ActivityRule, activity: &Activity) {
        if rule.when.span_ms().is_none() {
            let event = self.event;
            self.asked(Raise {
                event_id: event.event_id.clone(),
                name: activity.name.clone(),
                occurred_at: event.occurred_at,
                heard_at: self.now,
                rule: rule.id.clone(),
                steps: Vec::new(),
            });
            return;
        }
        let marks = self.state.marks.of(&rule.id);
        let asks = completed(rule, marks, &self.event.event_id).into_iter();
        let raises: Vec<Raise> = asks.filter_map(|place| self.raise(rule, activity, marks, place)).collect();
        for raise in raises {
            self.asked(raise);
        }
    }

    /// The request that ends at a place: with this activity, or with one that was told before it.
    fn raise(&self, rule: &ActivityRule, activity: &Activity, marks: &[Mark], place: usize) -> Option<Raise> {
        let Mark { event_id, occurred_at, .. } = marks.get(place)?;
        let earlier = || self.state.did(event_id).map(|moment| &moment.name);
        let name = if *event_id == self.event.event_id { Some(&activity.name) } else { earlier() };
        Some(Raise {
            event_id: event_id.clone(),
            name: name.unwrap_or(&rule.id).clone(),
            occurred_at: *occurred_at,
            heard_at: self.now,
            rule: rule.id.clone(),
            steps: steps(rule, marks, place)?,
        })
    }

    fn asked(&mut self, raise: Raise) {
        self.asks = true;
        // One from before the open episode began is kept, should the episode be undone.
        let counts = may_open(self.policy, self.state.stage) && raise.occurred_at >= self.state.word_from;
        if counts || is_open(self.state.stage) {
            self.state.raises.add(raise);
        }
    }

    /// The handoff that a request for sales asks for: one that rests on this event, or one that waited for this news.
    pub(crate) fn granted(&self, after: &Standing, news: bool) -> Option<Opening> {
        let due = |raise: &&Raise| raise.rests_on(&self.event.event_id) || (news && raise.waits(self.now));
        let raise = self.state.raises.0.iter().rev().find(due)?;
        let lane = self.policy.decision.hand_raise.get(&after.grade)?;
        Some(Opening::new(lane.clone(), Some(raise.clone()), ReasonKind::HandRaise, after.band))
    }
}

/// The earlier activities by which the one at `place` reaches the rule's window, if it does.
fn steps(rule: &ActivityRule, marks: &[Mark], place: usize) -> Option<Vec<(Millis, String)>> {
    let step = |place: usize| marks.get(place).map(|mark| (mark.occurred_at, mark.event_id.clone()));
    Some(carriers(rule, marks, place)?.into_iter().filter_map(step).collect())
}
