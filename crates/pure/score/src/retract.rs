//! An event that never was.
//!
//! Holds: what is left is what would be there had the event never come, as far
//! back as displaced marks and facts are kept. A handoff that would not have been
//! opened without it, by its own event or by anything since, is withdrawn as long
//! as no rep has accepted it; any other open one is revised.
//!
//! Absent on purpose: events that were judged meanwhile are not judged again one
//! by one. What they came to is compared with where the lead stood then.

use std::collections::BTreeSet;

use baton_domain::{Body, CauseClass, HandoffRevised, LeadEvent, Millis, Retraction, Revision, Stage, Stamp, Tick};
use baton_policy::Policy;
use serde::{Deserialize, Serialize};

use crate::State;
use crate::criteria::kept_by;
use crate::decide::{Advanced, Turn, advance};
use crate::lifecycle::is_open;
use crate::moves::{Told, handoff_id};
use crate::reckon::{Standing, standing};

/// How the open episode came about: enough to decide it again without an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opened {
    /// The lead just before.
    pub(crate) before: State,
    /// The event at which it opened.
    pub(crate) event: LeadEvent,
    /// Log time of that.
    pub(crate) at: Millis,
    /// Under another policy the decision cannot be repeated.
    pub(crate) policy_version: i64,
    /// The events that the handoff named as its reasons.
    pub(crate) triggers: Vec<String>,
}

impl Opened {
    /// The lead as it would have been left without an event, from now on for good; nothing when the episode would
    /// have opened all the same.
    fn otherwise(&mut self, policy: &Policy, retracted: &LeadEvent, gone: &str) -> Option<State> {
        let same = self.policy_version == policy.version;
        if same {
            let before = advance(policy, self.before.clone(), self.at, retracted);
            if hands_off(&before) {
                // It had stood in the lead's way, which would have been handed off before.
                self.event = retracted.clone();
                return None;
            }
            self.before = before.state;
        } else {
            self.before.forget(policy, gone);
        }
        if self.event.event_id == gone {
            self.event.body = Body::Tick(Tick {});
        }
        if !same {
            return self.triggers.iter().any(|trigger| trigger == gone).then(|| self.before.clone());
        }
        let again = advance(policy, self.before.clone(), self.at, &self.event);
        (!hands_off(&again)).then_some(again.state)
    }
}

/// Where an event is taken back of a lead that sales has: the events of all that it asked of sales.
pub(crate) fn requests(before: &State, event: &LeadEvent) -> BTreeSet<String> {
    let is_taken_back = matches!(event.body, Body::Retracted(_)) && is_open(before.stage);
    let asked = is_taken_back.then(|| before.raises.events());
    asked.into_iter().flatten().cloned().collect()
}

/// Whether a lead that sales has by now would be handed off: it is not made to stand out the dwell again.
fn hands_off(advanced: &Advanced) -> bool {
    let dwells = || advanced.state.waiting.as_ref().is_some_and(|waiting| !waiting.unknown);
    advanced.opened.is_some() || (advanced.began && dwells())
}

impl State {
    /// Removes every trace of an event; answers whether there was any.
    pub(crate) fn forget(&mut self, policy: &Policy, event_id: &str) -> bool {
        let mut found = self.marks.forget(event_id);
        found |= self.facts.forget(event_id);
        let seen = self.recent.len() + self.shown.len();
        self.recent.retain(|seen| seen.event_id != event_id);
        self.shown.retain(|(_, shown)| shown != event_id);
        found |= self.recent.len() + self.shown.len() < seen;
        found |= self.raises.forget(event_id, policy, &self.marks);
        if found && self.waiting.is_some() && !self.waits_without(policy, event_id) {
            self.waiting = None;
            // What is left decides afresh.
            self.considered = None;
        }
        found
    }

    /// Takes up where the lead was left at another time, as far as earlier episodes and what the matrix thought go.
    fn put_back(&mut self, then: &Self) {
        self.past.clone_from(&then.past);
        self.check_in = then.check_in;
        self.recycled.clone_from(&then.recycled);
        self.word_from = then.word_from;
        self.raises = std::mem::take(&mut self.raises).since(then.word_from);
        // A wait that would have begun is not gone through again: what comes next decides.
        self.considered = then.considered.clone().filter(|_| then.waiting.is_none());
    }
}

impl Turn<'_> {
    /// Takes back the open handoff if it rested on the event and nothing that came since speaks for it.
    pub(crate) fn withdraw(&mut self, retraction: &Retraction) {
        let Some(mut opened) = self.state.opened.take_if(|_| self.state.stage == Stage::Mql) else { return };
        let then = opened.otherwise(self.policy, self.event, &retraction.event_id);
        let Some(then) = then.filter(|then| !self.speaks(&opened, then)) else {
            self.state.opened = Some(opened);
            return;
        };
        // Nobody's failure: sales did not turn it down.
        let told = Told { class: Some(CauseClass::Unknown), check_in: then.check_in, ..Told::default() };
        let raises = std::mem::take(&mut self.state.raises);
        self.go(self.back(&then), "retracted".to_owned(), told);
        self.state.raises = raises;
        self.state.put_back(&then);
        // A wait that the handoff had cut short goes on.
        if opened.before.waiting.is_some() && then.waiting.is_some() {
            (self.state.waiting, self.state.considered) = (then.waiting, then.considered);
        }
        self.withdrawn = true;
    }

    /// Where a lead goes whose handoff is taken back.
    fn back(&self, then: &State) -> Stage {
        then.rested().map_or_else(|| self.state.base(), |left| left.stage)
    }

    /// Whether what came since would have handed off the lead, had it been left as it was `then`.
    fn speaks(&self, opened: &Opened, then: &State) -> bool {
        let mut state = State { stage: self.back(then), ..self.state.clone() };
        state.put_back(then);
        state.raises = state.raises.renewed(opened.at, self.now);
        let asked = state.raises.waiting(self.now).is_some();
        let (before, after) = (standing(self.policy, then, self.now), standing(self.policy, &state, self.now));
        let mut left = Turn::new(self.policy, self.now, self.event, state);
        left.was_kept = kept_by(self.policy, then, self.now).is_some();
        left.ruled_out = self.ruled_out;
        left.freed = asked || after.betters(&before) || left.answered();
        left.open(&before, &after).is_some() || left.state.waiting.is_some_and(|waiting| !waiting.unknown)
    }
}

/// What the scorer says of an open handoff when an event was taken back.
pub(crate) fn revised(
    policy: &Policy,
    state: &State,
    (stamp, event): (Stamp, &LeadEvent),
    now: &Standing,
    kind: Revision,
) -> Option<HandoffRevised> {
    let Body::Retracted(retraction) = &event.body else { return None };
    Some(HandoffRevised {
        stamp,
        lead_id: event.lead_id.clone(),
        handoff_id: handoff_id(&event.lead_id, state.episode),
        episode: state.episode,
        kind,
        retracted: retraction.event_id.clone(),
        reason: retraction.reason,
        score: now.score(),
        fit: now.fit,
        engagement: now.engagement,
        grade: now.grade,
        band: now.band,
        event_id: event.event_id.clone(),
        policy_version: policy.version,
    })
}
