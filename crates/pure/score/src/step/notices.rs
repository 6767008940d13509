//! What is told beside the score and the work: a lead that cooled, lacks facts, stirs, or lost its grounds.
//!
//! Holds: a notice moves nobody; the step that tells it has already decided.
//!
//! Absent on purpose: decisions.

use baton_domain::{LeadCooled, LeadEvent, Moment, Retraction, Revision, RouteInput};

use super::work::Was;
use super::{Request, Said, Saying};
use crate::State;
use crate::alert::{noticed, unnoticed};
use crate::cool::Warm;
use crate::decide::Advanced;
use crate::lifecycle::is_open;
use crate::reckon::Standing;
use crate::retract::revised;

impl Saying<'_> {
    /// What is told of the lead's way to the handoff and after it.
    pub(super) fn notices(
        &self,
        was: Was,
        advanced: &Advanced,
        standing: &Standing,
        undone: Option<(&Retraction, Moment)>,
    ) -> Vec<Said> {
        let (event, state) = (&self.update.event, &advanced.state);
        let mut told = Vec::new();
        if advanced.began {
            told.extend(state.wanted(self.policy, self.stamp, &event.lead_id, standing).map(Said::Enrichment));
        }
        if was.is_open() && (advanced.withdrawn || advanced.forgot) {
            let kind = if is_open(state.stage) { Revision::Revised } else { Revision::Withdrawn };
            told.extend(revised(self.policy, state, (self.stamp, event), standing, kind).map(Said::Revised));
        }
        let undone = undone.filter(|_| was.is_open());
        let unnoticed = undone.and_then(|undone| unnoticed(self.policy, state, undone, &event.lead_id, standing));
        told.extend(unnoticed.map(|noticed| self.to_router(RouteInput::Noticed(noticed))));
        if advanced.opened.is_none() {
            let noticed = noticed(self.policy, advanced, event, standing);
            told.extend(noticed.map(|noticed| self.to_router(RouteInput::Noticed(noticed))));
        }
        told
    }

    fn to_router(&self, input: RouteInput) -> Said {
        let LeadEvent { lead_id, event_id, .. } = &self.update.event;
        let (lead_id, event_id) = (lead_id.clone(), event_id.clone());
        Said::Request(Box::new(Request { at: self.stamp.at, lead_id, event_id, input }))
    }

    pub(super) fn cooled(&self, state: &State, warm: Warm, standing: &Standing) -> Said {
        Said::Cooled(LeadCooled {
            stamp: self.stamp,
            lead_id: self.update.event.lead_id.clone(),
            episode: state.episode,
            engagement: standing.engagement,
            threshold: warm.threshold,
            band: warm.band,
            at: self.now,
            policy_version: self.policy.version,
        })
    }
}
