//! What sales's word means to the promises that it gave, and whose word it is that a person opted in: one reading for
//! all who act on it.
//!
//! Holds: the scorer tells the router by it, and the watchdog judges by it, so the two never differ.
//!
//! Absent on purpose: whose word it is, and whether it comes in time.

use baton_domain::{Answer, Consent, ConsentState, CrmActivity, CrmKind, Direction, Millis, TouchOutcome};

use crate::{Destination, Policy};

impl Policy {
    /// How sales answered by an activity, if it did. A status answers nothing, but may stop the clocks.
    pub fn answer(&self, crm: &CrmActivity) -> Option<Answer> {
        match crm.kind {
            CrmKind::Accepted => Some(Answer::Accepted),
            CrmKind::Disposition => Some(Answer::Judged),
            CrmKind::Opportunity => Some(Answer::Dealt),
            CrmKind::Owner => None,
            CrmKind::Status if self.sla.pause_statuses.is_empty() => None,
            CrmKind::Status => {
                let stops = self.sla.pause_statuses.contains(crm.status.as_ref()?);
                Some(if stops { Answer::Paused } else { Answer::Resumed })
            }
            CrmKind::Touch => {
                let touch = crm.touch.as_ref().filter(|touch| !touch.automated)?;
                match (touch.direction == Direction::Outbound, touch.outcome == TouchOutcome::Connected) {
                    (true, true) => Some(Answer::Connected),
                    (true, false) => Some(Answer::Touched),
                    (false, true) => Some(Answer::Called),
                    (false, false) => None,
                }
            }
        }
    }

    /// Where a verdict sends the lead; `None` without one, and for a code that the policy does not know.
    pub fn destination(&self, crm: &CrmActivity) -> Option<Destination> {
        self.lifecycle.dispositions.get(&crm.disposition.as_ref()?.code).map(|effect| effect.to)
    }

    /// Whether a verdict gives the lead back for good: nobody owes it a touch any more. A lead with the wrong
    /// owner is not given back: somebody still does.
    pub fn gives_back(&self, crm: &CrmActivity) -> bool {
        matches!(
            self.destination(crm),
            Some(Destination::Recycled | Destination::Disqualified | Destination::Suppressed)
        )
    }

    /// The date to which a verdict puts a lead off that stays where it is.
    pub fn puts_off(&self, crm: &CrmActivity) -> Option<Millis> {
        let date = crm.disposition.as_ref()?.next_check_in?;
        let stays = !self.gives_back(crm) && self.destination(crm) != Some(Destination::Reroute);
        (crm.kind == CrmKind::Disposition && stays).then_some(date)
    }

    /// Whether the person opted in: of their own choice, and told by a source whose word is taken for it.
    pub fn opts_in(&self, consent: &Consent) -> bool {
        let sources = &self.lifecycle.opt_in;
        let said = consent.source.trim();
        let believed = sources.is_empty() || sources.iter().any(|source| source.trim().eq_ignore_ascii_case(said));
        consent.state == ConsentState::Granted && consent.explicit && believed
    }
}
