//! What the person says about being contacted: of a No and an opt-in the later holds, by when each was said.
//!
//! Holds: a No stops no clock that the scorer would not take for one. What the person opted in to is remembered also
//! before the lead is on a desk, or a No that is told late would be taken for their last word.
//!
//! Absent on purpose: single channels, and a permission that nobody chose. Neither lifts a No to all of them.

use baton_domain::{Body, Consent, ConsentState, CrmKind, LeadEvent, Millis};
use baton_policy::{Destination, Policy};

use crate::state::State;

/// A No to every channel, or the demand to be forgotten.
pub fn refuses(body: &Body) -> bool {
    matches!(body, Body::Consent(consent) if forgets(consent) || denies(consent))
}

fn forgets(consent: &Consent) -> bool {
    consent.state == ConsentState::Erased
}

fn denies(consent: &Consent) -> bool {
    consent.state == ConsentState::Denied && consent.channel == "all"
}

/// Whether somebody says that the person is not to be contacted at all: the person, or sales for them.
fn silences(policy: &Policy, body: &Body) -> bool {
    match body {
        Body::Consent(consent) => denies(consent),
        Body::Crm(crm) => {
            let judges = crm.kind == CrmKind::Disposition || crm.opportunity.as_deref() == Some("lost");
            judges && policy.destination(crm) == Some(Destination::Suppressed)
        }
        _ => false,
    }
}

/// When the person opted in to every channel, if that is what the event says.
pub(crate) fn opted_in(policy: &Policy, event: &LeadEvent) -> Option<Millis> {
    let Body::Consent(consent) = &event.body else { return None };
    (consent.channel == "all" && policy.opts_in(consent)).then_some(event.occurred_at)
}

impl State {
    /// Whether the event is a No that the person's own opt-in has outdated: it is as if it had not been said. Of two
    /// words at once, the No holds.
    pub(crate) fn has_outdated(&self, policy: &Policy, event: &LeadEvent) -> bool {
        silences(policy, &event.body) && self.opted_in.is_some_and(|opted_in| event.occurred_at < opted_in)
    }

    /// Hears an event while nothing but an opt-in is known of the lead; nothing is kept once it is outdated.
    pub(crate) fn hear_idle(mut self, policy: &Policy, event: &LeadEvent) -> Option<Self> {
        self.opted_in = self.opted_in.max(opted_in(policy, event));
        let outdated = self.has_outdated(policy, event);
        (!refuses(&event.body) || outdated).then_some(self)
    }
}
