//! What the router says when a lead comes to a desk, waits, or leaves.
//!
//! Holds: whoever hears of a desk hears it from one record each: those who count, the rep and the
//! watchdog.

use baton_domain::{
    ActivityAlert, Assignment, ClockStart, Deadline, DeskHours, Handoff, LogTime, Points, Qualifying, Stamp, WatchInput,
};
use baton_policy::Policy;

use crate::choose::{Choice, waited};
use crate::row::Lead;
use crate::trim::trim;

/// What the router says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A lead is on a desk, with all a rep needs.
    Handoff(Box<Handoff>),
    /// Who owns a lead and why; also that nobody can yet, or any more.
    Assignment(Assignment),
    /// The watchdog may start or drop clocks.
    Clock(ClockStart),
    /// What leads did that a desk already has.
    Alert(ActivityAlert),
}

/// How a lead came to its desk.
pub(crate) struct Handed {
    /// Nobody had it before in its episode.
    pub(crate) is_first: bool,
    /// In whose hours its owner's promises count, where the policy alone does not say.
    pub(crate) hours: Option<DeskHours>,
    /// What they promise with it.
    pub(crate) deadlines: Vec<Deadline>,
}

/// Where and when it is said.
#[derive(Clone, Copy)]
pub(crate) struct Voice<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) at: LogTime,
}

impl Voice<'_> {
    fn stamp(self) -> Stamp {
        Stamp { at: self.at, lane: 0 }
    }

    /// A lead is on its owner's desk, for the first time in its episode or for another one: a handoff is
    /// told once, who has it each time.
    pub(crate) fn handed_off(
        self,
        decision: &Qualifying,
        lead: &Lead,
        choice: Choice,
        cause: &str,
        Handed { is_first, hours, deadlines }: Handed,
    ) -> Vec<Said> {
        let (stamp, policy_version) = (self.stamp(), self.policy.version);
        let deadlines = Some(deadlines);
        let assignment = Assignment { deadlines, ..self.assignment(decision, lead, choice, cause) };
        let (owner, pool) = (assignment.owner.clone(), assignment.pool.clone());
        let input = WatchInput::HandedOff {
            lead_id: decision.lead_id.clone(),
            handoff_id: decision.handoff_id.clone(),
            episode: decision.episode,
            lane: decision.lane.clone(),
            owner: owner.clone(),
            pool: pool.clone(),
            qualified_at: lead.since,
            policy_version,
            occurred_at: decision.occurred_at,
            score: Some(decision.score),
            hours,
        };
        let handoff = is_first.then(|| {
            let (decision, assignment) = (decision.clone(), assignment.clone());
            let mut handoff = Handoff { stamp, decision, assignment, trimmed: Vec::new() };
            trim(self.policy, &mut handoff);
            Said::Handoff(Box::new(handoff))
        });
        let told = [Some(Said::Assignment(assignment)), handoff, Some(Said::Clock(ClockStart { stamp, input }))];
        told.into_iter().flatten().collect()
    }

    /// A lead waits from now on.
    pub(crate) fn queued(
        self,
        decision: &Qualifying,
        lead: &Lead,
        choice: Choice,
        (cause, hours): (&str, Option<DeskHours>),
    ) -> Vec<Said> {
        let assignment = self.assignment(decision, lead, choice, cause);
        let pool = assignment.pool.clone();
        let input = WatchInput::Queued {
            lead_id: decision.lead_id.clone(),
            handoff_id: decision.handoff_id.clone(),
            episode: decision.episode,
            lane: decision.lane.clone(),
            pool: pool.clone(),
            qualified_at: lead.since,
            policy_version: self.policy.version,
            occurred_at: decision.occurred_at,
            score: Some(decision.score),
            hours,
        };
        vec![Said::Assignment(assignment), Said::Clock(ClockStart { stamp: self.stamp(), input })]
    }

    /// A lead that became ready counts for what marketing promised.
    pub(crate) fn delivered(self, decision: &Qualifying, pool: &str) -> Said {
        let input = WatchInput::Delivered {
            lead_id: decision.lead_id.clone(),
            handoff_id: decision.handoff_id.clone(),
            pool: pool.to_owned(),
            qualified_at: self.at,
        };
        Said::Clock(ClockStart { stamp: self.stamp(), input })
    }

    /// What made a lead ready was taken back: it counts for marketing no more.
    pub(crate) fn returned(self, lead_id: &str, lead: &Lead) -> Said {
        let (lead_id, handoff_id, pool) = (lead_id.to_owned(), lead.handoff_id.clone(), lead.counted.clone());
        let input = WatchInput::Returned { lead_id, handoff_id, pool, qualified_at: lead.since };
        Said::Clock(ClockStart { stamp: self.stamp(), input })
    }

    /// The score of a lead on a desk moved.
    pub(crate) fn scored(self, lead_id: &str, lead: &Lead, score: Points) -> Said {
        let input = WatchInput::Scored { lead_id: lead_id.to_owned(), handoff_id: lead.handoff_id.clone(), score };
        Said::Clock(ClockStart { stamp: self.stamp(), input })
    }

    /// A canary comes by.
    pub(crate) fn canary(self, decision: Qualifying) -> Said {
        let input = WatchInput::HandedOff {
            lead_id: decision.lead_id,
            handoff_id: decision.handoff_id,
            episode: decision.episode,
            lane: decision.lane,
            owner: None,
            pool: String::new(),
            qualified_at: self.at,
            policy_version: self.policy.version,
            occurred_at: decision.occurred_at,
            score: None,
            hours: None,
        };
        Said::Clock(ClockStart { stamp: self.stamp(), input })
    }

    /// A lead still waits, or an owner's word was refused.
    pub(crate) fn told(self, decision: &Qualifying, lead: &Lead, choice: Choice, cause: &str) -> Said {
        Said::Assignment(self.assignment(decision, lead, choice, cause))
    }

    /// The clocks of an episode are no longer owed.
    pub(crate) fn withdrawn(self, lead_id: &str, lead: &Lead, cause: &str) -> Said {
        let input = WatchInput::Withdrawn {
            lead_id: lead_id.to_owned(),
            handoff_id: lead.handoff_id.clone(),
            episode: lead.episode,
            cause: cause.to_owned(),
        };
        Said::Clock(ClockStart { stamp: self.stamp(), input })
    }

    fn assignment(self, decision: &Qualifying, lead: &Lead, choice: Choice, cause: &str) -> Assignment {
        Assignment {
            stamp: self.stamp(),
            lead_id: decision.lead_id.clone(),
            handoff_id: decision.handoff_id.clone(),
            episode: decision.episode,
            owner: choice.owner,
            pool: choice.pool,
            rule: choice.rule,
            why: choice.why,
            excluded: choice.excluded,
            waited_ms: waited(self.at, lead.since),
            policy_version: self.policy.version,
            cause: cause.to_owned(),
            steps: choice.steps,
            account: choice.account,
            deadlines: None,
        }
    }
}
