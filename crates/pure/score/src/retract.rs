//! An event that never was.
//!
//! Holds: what is left is what would be there had the event never come, as far
//! back as displaced marks and facts are kept. A handoff that it alone opened is
//! withdrawn as long as no rep has accepted it; any other open one is revised.
//!
//! Absent on purpose: events that were judged meanwhile are not judged again.
//! The lead goes back to where it was before the handoff, and its next event
//! decides.

use baton_domain::{Body, CauseClass, HandoffRevised, LeadEvent, Millis, Retraction, Revision, Stage, Stamp, Tick};
use baton_policy::Policy;
use serde::{Deserialize, Serialize};

use crate::State;
use crate::decide::{Turn, advance};
use crate::moves::{Told, handoff_id};
use crate::reckon::{Standing, standing};

/// Further requests for sales that are kept of an open episode.
const RAISED: usize = 8;

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
    /// Requests for sales that came when the episode was open already.
    pub(crate) raised: Vec<String>,
}

impl Opened {
    /// Notes a request for sales that found the episode open.
    pub(crate) fn ask(&mut self, event_id: &str) {
        if self.raised.len() < RAISED {
            self.raised.push(event_id.to_owned());
        }
    }

    fn forget(&mut self, event_id: &str) {
        self.before.forget(event_id);
        self.raised.retain(|raised| raised != event_id);
        if self.event.event_id == event_id {
            self.event.body = Body::Tick(Tick {});
        }
    }

    /// Whether the episode would have opened without what is forgotten by now.
    fn stands(&self, policy: &Policy, event_id: &str) -> bool {
        if self.policy_version == policy.version {
            return advance(policy, self.before.clone(), self.at, &self.event).opened.is_some();
        }
        !self.triggers.iter().any(|trigger| trigger == event_id)
    }
}

impl State {
    /// Removes every trace of an event; answers whether there was any.
    pub(crate) fn forget(&mut self, event_id: &str) -> bool {
        let mut found = self.marks.forget(event_id);
        found |= self.facts.forget(event_id);
        let recent = self.recent.len();
        self.recent.retain(|seen| seen.event_id != event_id);
        found |= self.recent.len() < recent;
        if self.raise.as_ref().is_some_and(|raise| raise.event_id == event_id) {
            self.raise = None;
            found = true;
        }
        if self.waiting.as_ref().is_some_and(|waiting| waiting.rests_on(event_id)) {
            self.waiting = None;
            // The next news decides afresh.
            self.considered = None;
        }
        if let Some(opened) = &mut self.opened {
            opened.forget(event_id);
        }
        found
    }
}

impl Turn<'_> {
    /// Takes back the open handoff if it rested on the event and nothing else speaks for it now.
    pub(crate) fn withdraw(&mut self, retraction: &Retraction) {
        let Some(opened) = self.state.opened.take_if(|_| self.state.stage == Stage::Mql) else { return };
        let now = standing(self.policy, &self.state, self.now);
        let speaks = now.lane(self.policy).is_some() || !opened.raised.is_empty();
        if speaks || opened.stands(self.policy, &retraction.event_id) {
            self.state.opened = Some(opened);
            return;
        }
        let Opened { before, .. } = *opened;
        let back = if before.stage == Stage::Recycled { Stage::Recycled } else { self.state.base() };
        // Nobody's failure: sales did not turn it down.
        let told = Told { class: Some(CauseClass::Unknown), ..Told::default() };
        self.go(back, "retracted".to_owned(), told);
        self.state.past = before.past;
        self.state.check_in = before.check_in;
        self.state.recycled = before.recycled;
        self.state.raise = before.raise;
        self.state.considered = before.considered;
        self.withdrawn = true;
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
