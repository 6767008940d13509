//! Why now: the inputs without which the handoff would not have opened at this event.
//!
//! Holds: every input is tested by deciding again without it. The event itself
//! always belongs to the set: before it the lead was not handed off.
//!
//! Absent on purpose: guesses by weight. The largest contribution is often old
//! and explains nothing about today.

use std::collections::BTreeSet;

use baton_domain::{Activity, Body, Fact, FactValue, LeadEvent, Millis, Points, ReasonKind, Trigger, TriggerKind};
use baton_policy::Policy;

use crate::State;
use crate::decide::{Opening, advance};
use crate::facts::Known;
use crate::raise::Raise;
use crate::reckon::standing;

/// An event that took a lead over the line, with the lead before and after it.
pub(crate) struct Why<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) now: Millis,
    pub(crate) event: &'a LeadEvent,
    pub(crate) before: &'a State,
    pub(crate) after: &'a State,
}

impl Why<'_> {
    /// The trigger set: a change of policy and a request for sales first, then the event, then what it needed of earlier ones.
    pub(crate) fn triggers(&self, opening: Option<&Opening>) -> Vec<Trigger> {
        let raise = opening.and_then(|opening| opening.raise.as_ref());
        let mut triggers = Vec::new();
        if opening.is_some_and(|opening| opening.reason == ReasonKind::Policy) {
            let label = format!("policy {} in version {}", self.policy.name, self.policy.version);
            triggers.push(self.own(TriggerKind::Fact, label, Points::ZERO));
        }
        let passes = matches!(self.event.body, Body::Tick(_));
        let earlier = raise.filter(|raise| passes || raise.event_id != self.event.event_id);
        triggers.extend(earlier.map(|raise| self.acted(&raise.event_id, &raise.name, raise.occurred_at)));
        match &self.event.body {
            Body::Activity(activity) => {
                let moved = self.score(self.after) - self.score(self.before);
                triggers.push(self.own(TriggerKind::Action, activity.name.clone(), moved));
                if earlier.is_none() {
                    triggers.extend(self.window(activity));
                }
            }
            Body::Facts(facts) => triggers.extend(self.facts(facts)),
            Body::Linked(linked) => {
                triggers.push(self.own(TriggerKind::Fact, format!("{} known", linked.kind), Points::ZERO));
            }
            Body::Tick(_) if earlier.is_none() => {
                triggers.push(self.own(TriggerKind::Fact, "check-in due".to_owned(), Points::ZERO));
            }
            Body::Retracted(retraction) => {
                let moved = self.score(self.after) - self.score(self.before);
                let label = format!("{} taken back", self.name_of(&retraction.event_id));
                triggers.push(self.own(TriggerKind::Fact, label, moved));
            }
            _ => {}
        }
        triggers.extend(earlier.into_iter().flat_map(|raise| self.steps(raise)));
        triggers
    }

    /// The earlier steps of a request for sales that was told before the event, or that the event completed.
    fn steps(&self, raise: &Raise) -> impl Iterator<Item = Trigger> {
        let others = raise.steps.iter().filter(|(_, event_id)| *event_id != self.event.event_id);
        others.map(|(at, event_id)| self.acted(event_id, &raise.name, *at))
    }

    /// What an event told before was called: what the person did, or the fact that it told.
    fn name_of(&self, event_id: &str) -> String {
        let did = self.before.did(event_id).map(|moment| &moment.name);
        let told = |(_, claims): &(_, &Vec<Known>)| claims.iter().any(|claim| claim.event_id == event_id);
        let told = self.before.facts.0.iter().find(told).map(|(name, _)| name);
        did.or(told).map_or(event_id, String::as_str).to_owned()
    }

    /// The earlier activities that a rule needed to reach its window or to end its sequence, newest first.
    fn window(&self, activity: &Activity) -> Vec<Trigger> {
        let policy = &self.policy.engagement;
        let met = policy.by_name.get(&activity.name).into_iter().flatten();
        let met = met.filter_map(|place| policy.rules.get(*place)).filter(|rule| rule.when.matches(activity));
        let mut needed = BTreeSet::new();
        for rule in met {
            let Some(span) = rule.when.span_ms() else { continue };
            for mark in self.after.marks.of(&rule.id) {
                let apart = mark.occurred_at.since(self.event.occurred_at).abs();
                if mark.event_id == self.event.event_id || apart > span {
                    continue;
                }
                let marks = self.before.marks.without(&mark.event_id, Some(&rule.id));
                if !self.opens(State { marks, ..self.before.clone() }, self.event) {
                    needed.insert((mark.occurred_at, mark.event_id.clone(), rule.id.clone()));
                }
            }
        }
        let mut triggers: Vec<Trigger> = Vec::new();
        for (occurred_at, event_id, rule) in needed.into_iter().rev() {
            if triggers.iter().all(|trigger| trigger.event_id != event_id) {
                triggers.push(self.acted(&event_id, &rule, occurred_at));
            }
        }
        triggers
    }

    /// An earlier activity, by its name where it is still known.
    pub(crate) fn acted(&self, event_id: &str, or: &str, occurred_at: Millis) -> Trigger {
        let label = self.after.did(event_id).map_or(or, |moment| &moment.name).to_owned();
        let (event_id, points) = (event_id.to_owned(), self.moved_by(event_id));
        Trigger { kind: TriggerKind::Action, event_id, label, occurred_at, points }
    }

    /// The facts of the event that mattered: each without which nothing opens; where no single one
    /// decides, as few as must go together.
    fn facts(&self, facts: &[Fact]) -> Vec<Trigger> {
        let opens_without = |left_out: &BTreeSet<usize>| {
            self.opens(self.before.clone(), &self.with_facts(facts, |place| !left_out.contains(&place)))
        };
        let every = 0..facts.len();
        let mut decisive: BTreeSet<usize> = every.clone().filter(|place| !opens_without(&[*place].into())).collect();
        if decisive.is_empty() {
            decisive.extend(every);
            for place in 0..facts.len() {
                decisive.remove(&place);
                if opens_without(&decisive) {
                    decisive.insert(place);
                }
            }
        }
        let moved = |place: usize| {
            let without = self.with_facts(facts, |other| other != place);
            self.score(self.after) - self.score(&advance(self.policy, self.before.clone(), self.now, &without).state)
        };
        let trigger = |place: usize| self.own(TriggerKind::Fact, in_words(&facts[place]), moved(place));
        decisive.into_iter().map(trigger).collect()
    }

    /// The event with only some of its facts.
    fn with_facts(&self, facts: &[Fact], keep: impl Fn(usize) -> bool) -> LeadEvent {
        let kept = facts.iter().enumerate().filter(|(place, _)| keep(*place)).map(|(_, fact)| fact.clone());
        LeadEvent { body: Body::Facts(kept.collect()), ..self.event.clone() }
    }

    fn opens(&self, before: State, event: &LeadEvent) -> bool {
        let advanced = advance(self.policy, before, self.now, event);
        advanced.opened.is_some() || advanced.began
    }

    fn own(&self, kind: TriggerKind, label: String, points: Points) -> Trigger {
        Trigger { kind, event_id: self.event.event_id.clone(), label, occurred_at: self.event.occurred_at, points }
    }

    /// By how much an earlier event lifts the score now.
    fn moved_by(&self, event_id: &str) -> Points {
        let marks = self.after.marks.without(event_id, None);
        self.score(self.after) - self.score(&State { marks, ..self.after.clone() })
    }

    fn score(&self, state: &State) -> Points {
        standing(self.policy, state, self.now).score()
    }
}

/// `employees = 250 (enrichment)`.
pub(crate) fn in_words(fact: &Fact) -> String {
    let value = match &fact.value {
        FactValue::Text(text) => text.clone(),
        FactValue::Number(number) => number.to_string(),
        FactValue::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        FactValue::List(items) => items.join(", "),
    };
    format!("{} = {value} ({})", fact.name, fact.source)
}
