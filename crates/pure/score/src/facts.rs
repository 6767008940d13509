//! What is known of a lead: the claims about each fact, and the one of them that holds.
//!
//! Holds: which claim holds depends on the claims, the policy and the instant, never on what arrived
//! first: of the claims that are still fresh, the newest of the most trusted source. Bounded: a few
//! claims of each source that the policy names, as many of all the others together.
//!
//! Absent on purpose: one value a fact. An enrichment that came after a form must not be forgotten: it
//! holds once the form is out of date, and the older word returns when the newer is taken back.

use std::collections::BTreeMap;

use baton_domain::{Fact, FactValue, LeadEvent, Millis};
use baton_policy::{Fit, Policy};
use serde::{Deserialize, Serialize};

/// Claims kept of a fact and a trusted source.
const CLAIMS: usize = 4;
/// Facts kept that the policy does not ask for.
const UNASKED: usize = 128;

/// The claims by fact, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Facts(pub(crate) BTreeMap<String, Vec<Known>>);

/// A claim, and which event made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) value: FactValue,
    pub(crate) source: String,
    pub(crate) event_id: String,
    /// When it was observed.
    pub(crate) occurred_at: Millis,
}

impl Facts {
    /// What is known at `now` about the fact of a name.
    pub(crate) fn get(&self, fit: &Fit, name: &str, now: Millis) -> Option<&Known> {
        let fresh = self.0.get(name)?.iter().filter(|claim| fit.fresh(name, claim.occurred_at, now));
        fresh.min_by_key(|claim| fit.rank(&claim.source))
    }

    /// Everything known at `now`, by name.
    pub(crate) fn known<'a>(&'a self, fit: &'a Fit, now: Millis) -> impl Iterator<Item = (&'a str, &'a Known)> {
        self.0.keys().filter_map(move |name| Some((name.as_str(), self.get(fit, name, now)?)))
    }

    /// How many of the facts that the fit rules ask for are known at `now`.
    pub(crate) fn answered(&self, fit: &Fit, now: Millis) -> usize {
        fit.asked.iter().filter(|name| self.get(fit, name, now).is_some()).count()
    }

    /// Takes in a claim.
    pub(crate) fn learn(&mut self, policy: &Policy, fact: &Fact, event: &LeadEvent) {
        let claims = self.0.entry(fact.name.clone()).or_default();
        let observed = fact.observed_at.map_or(event.occurred_at, |at| at.min(event.occurred_at));
        let told = (observed, &event.event_id);
        let place = claims.partition_point(|claim| (claim.occurred_at, &claim.event_id) > told);
        let known = Known {
            value: fact.value.clone(),
            source: fact.source.clone(),
            event_id: event.event_id.clone(),
            occurred_at: observed,
        };
        match claims.get_mut(place).filter(|claim| (claim.occurred_at, &claim.event_id) == told) {
            Some(said_before) => *said_before = known,
            None => claims.insert(place, known),
        }
        let mut kept = BTreeMap::<usize, usize>::new();
        claims.retain(|claim| {
            let of_its_rank = kept.entry(policy.fit.rank(&claim.source)).or_default();
            *of_its_rank += 1;
            *of_its_rank <= CLAIMS
        });
        self.shrink(policy);
    }

    /// Takes back what an event claimed; what was claimed before holds again. Answers whether there was any.
    pub(crate) fn forget(&mut self, event_id: &str) -> bool {
        let mut found = false;
        self.0.retain(|_, claims| {
            let all = claims.len();
            claims.retain(|claim| claim.event_id != event_id);
            found |= claims.len() < all;
            !claims.is_empty()
        });
        found
    }

    /// Of the facts that nobody asks for, the first by name stay, whatever came first.
    fn shrink(&mut self, policy: &Policy) {
        if self.0.len() <= UNASKED {
            return;
        }
        let unasked = |name: &&String| !policy.asks_for(name);
        if self.0.keys().filter(unasked).count() > UNASKED
            && let Some(last) = self.0.keys().rfind(unasked).cloned()
        {
            self.0.remove(&last);
        }
    }
}
