//! Scores worked out again from the history alone.
//!
//! Holds: it says what the consumer said, since it is the same step on the same events in the same
//! order, each by the policy of its day; so a receipt can be checked by anyone who has `lead.events`
//! and the policy from which the consumer was started.
//!
//! Absent on purpose: the leads' windows, which no score depends on; lanes: a stamp's is the history's own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use baton_domain::{Body, Engagement, EngagementUpdate, LeadEvent, LeadId, LogTime, PolicyChange, ScoreUpdate};
use baton_policy::Policy;
use baton_stage::{Input, Stage as _, Step};

use crate::{Said, Score, State};

/// The last score that `history`, one lead's events in the order of the log, comes to under `policy`;
/// `None` when it comes to none.
pub fn recompute<'a>(policy: &Arc<Policy>, history: impl IntoIterator<Item = &'a LeadEvent>) -> Option<ScoreUpdate> {
    let mut again = Recount::new(policy);
    history.into_iter().flat_map(|event| again.hear(event)).last()
}

/// The leads of one partition of `lead.events`, as its entries go by.
pub struct Recount {
    policy: Arc<Policy>,
    /// The version of the last change of policy.
    changed_to: Option<i64>,
    leads: BTreeMap<LeadId, (State, Option<LogTime>)>,
    due: BTreeSet<(LogTime, LeadId)>,
}

impl Recount {
    /// Leads that nothing was heard of yet, judged by `policy` until another one comes.
    pub fn new(policy: &Arc<Policy>) -> Self {
        Self { policy: Arc::clone(policy), changed_to: None, leads: BTreeMap::new(), due: BTreeSet::new() }
    }

    /// Takes in the next entry; returns the scores that fell due before it, and those that it led to.
    pub fn hear(&mut self, event: &LeadEvent) -> Vec<ScoreUpdate> {
        match &event.body {
            Body::Tick(_) => self.pass(event.stamp.at),
            Body::Policy(change) => {
                let scores = self.pass(event.stamp.at);
                self.change(change);
                scores
            }
            _ => {
                let (stamp, engagement) = (event.stamp, Engagement::default());
                self.take(&EngagementUpdate { stamp, event: event.clone(), engagement })
            }
        }
    }

    /// Takes in the next of a lead's events with the windows that the scorer sees beside it.
    pub(crate) fn take(&mut self, update: &EngagementUpdate) -> Vec<ScoreUpdate> {
        let at = update.event.stamp.at;
        let mut scores = self.pass(at);
        scores.extend(self.step(&update.event.lead_id, Input::Record { at, event: update.clone() }));
        scores
    }

    /// Lets time pass up to an instant, not included.
    pub(crate) fn pass(&mut self, at: LogTime) -> Vec<ScoreUpdate> {
        let mut scores = Vec::new();
        while let Some((due, lead_id)) = self.due.first().filter(|(due, _)| *due < at).cloned() {
            scores.extend(self.step(&lead_id, Input::Wake { due }));
        }
        scores
    }

    /// The lead, where it is the only one.
    pub(crate) fn only(&self) -> Option<&State> {
        self.leads.values().next().map(|(state, _)| state).filter(|_| self.leads.len() == 1)
    }

    /// From here on another policy judges, unless it is older than the last one or cannot be read.
    fn change(&mut self, change: &PolicyChange) {
        if self.changed_to.is_some_and(|version| version >= change.version) {
            return;
        }
        if let Ok(policy) = baton_policy::parse(&change.name, &change.document) {
            (self.policy, self.changed_to) = (Arc::new(policy), Some(change.version));
        }
    }

    fn step(&mut self, lead_id: &str, input: Input<EngagementUpdate>) -> Vec<ScoreUpdate> {
        let (before, wake) = self.leads.remove(lead_id).unzip();
        if let Some(due) = wake.flatten() {
            self.due.remove(&(due, lead_id.to_owned()));
        }
        let Step { state, wake, outputs, .. } = Score::step(&self.policy, lead_id, before, input);
        if let Some(state) = state {
            self.due.extend(wake.map(|due| (due, lead_id.to_owned())));
            self.leads.insert(lead_id.to_owned(), (state, wake));
        }
        let score = |said| if let Said::Score(score) = said { Some(score) } else { None };
        outputs.into_iter().filter_map(score).collect()
    }
}
