//! A score worked out again from the lead's history alone.
//!
//! Holds: it says what the consumer said, since it is the same step on the same
//! events in the same order; so a receipt can be checked by anyone who has
//! `lead.events` and the policy.
//!
//! Absent on purpose: the lead's windows, which no score depends on.

use baton_domain::{Engagement, EngagementUpdate, LeadEvent, LogTime, ScoreUpdate};
use baton_policy::Policy;
use baton_stage::{Input, Stage as _, Step};

use crate::{Said, Score, State};

/// The last score that `history`, one lead's events in the order of the log, comes to under `policy`;
/// `None` when it comes to none. The stamp's lane is the history's own.
pub fn recompute<'a>(policy: &Policy, history: impl IntoIterator<Item = &'a LeadEvent>) -> Option<ScoreUpdate> {
    let mut lead = Lead { policy, state: None, wake: None, score: None };
    for event in history {
        lead.sleep(&event.lead_id, event.stamp.at);
        let update = EngagementUpdate { stamp: event.stamp, event: event.clone(), engagement: Engagement::default() };
        lead.hear(&event.lead_id, Input::Record { at: event.stamp.at, event: update });
    }
    lead.score
}

struct Lead<'a> {
    policy: &'a Policy,
    state: Option<State>,
    wake: Option<LogTime>,
    score: Option<ScoreUpdate>,
}

impl Lead<'_> {
    /// Gives every wake-up due before `at`.
    fn sleep(&mut self, lead_id: &str, at: LogTime) {
        while let Some(due) = self.wake.filter(|due| *due < at) {
            self.hear(lead_id, Input::Wake { due });
        }
    }

    fn hear(&mut self, lead_id: &str, input: Input<EngagementUpdate>) {
        let Step { state, wake, outputs, .. } = Score::step(self.policy, lead_id, self.state.take(), input);
        (self.state, self.wake) = (state, wake);
        for said in outputs {
            if let Said::Score(score) = said {
                self.score = Some(score);
            }
        }
    }
}
