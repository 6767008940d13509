//! One event with the lead's windows in; its score, its moves and its handoff out.

use baton_domain::{
    Body, Contribution, EngagementUpdate, Fact, History, LeadEvent, LeadId, LifecycleChanged, LifecycleRejected,
    LogTime, Millis, NurtureEvent, Qualified, Qualifying, RouteInput, ScoreUpdate, Stage, Stamp, StatusChanged,
};
use baton_policy::Policy;
use baton_stage::{Input, Step};

use crate::State;
use crate::criteria::answers;
use crate::decide::{Advanced, Move, Opening, advance};
use crate::facts::Known;
use crate::reckon::{Standing, completeness, reckon};
use crate::trigger::Why;

/// Largest parts of the score that a handoff carries.
const CONTRIBUTIONS: usize = 10;

/// Scores one lead; keyed by its id.
///
/// Outcomes: `qualified` (handed to sales), `lifecycle_rejected` (sales asked for a move that is not
/// allowed), `kept` (a mandatory question's answer keeps a ready lead with marketing), `suppressed` (the lead must not be contacted), `scored` (something to say), `unchanged`.
#[derive(Clone, Copy, Debug)]
pub struct Score;

/// What the scorer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// To `lead.score`.
    Score(ScoreUpdate),
    /// To `lifecycle.changed`.
    Lifecycle(LifecycleChanged),
    /// To `lifecycle.rejected`.
    Rejected(LifecycleRejected),
    /// To `status.changed`.
    Status(StatusChanged),
    /// To `nurture.events`.
    Nurture(NurtureEvent),
    /// To `lead.qualified`.
    Qualified(Box<Qualified>),
    /// To `assignment.requests`, beside the qualified.
    Request(Box<Request>),
}

/// Something that the router is to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// When.
    pub at: LogTime,
    /// Whose.
    pub lead_id: LeadId,
    /// The event behind it.
    pub event_id: String,
    /// What.
    pub input: RouteInput,
}

impl baton_stage::Stage for Score {
    type Policy = Policy;
    type State = State;
    type Event = EngagementUpdate;
    type Output = Said;

    fn step(policy: &Policy, _key: &str, state: Option<State>, input: Input<EngagementUpdate>) -> Step<State, Said> {
        // No wake-up is ever asked for, ticks are the host's, and a machine is nobody's lead.
        let Input::Record { at, event: update } = input else {
            return Step::quiet(state, "unchanged");
        };
        match &update.event.body {
            Body::Tick(_) => return Step::quiet(state, "unchanged"),
            Body::Activity(activity) if activity.bot => return Step::quiet(state, "unchanged"),
            _ => {}
        }
        let saying = Saying { policy, now: at.millis(), stamp: Stamp { at, ..update.stamp }, update: &update };
        saying.hear(state)
    }
}

/// Everything that an output repeats.
struct Saying<'a> {
    policy: &'a Policy,
    now: Millis,
    stamp: Stamp,
    update: &'a EngagementUpdate,
}

impl Saying<'_> {
    fn hear(&self, state: Option<State>) -> Step<State, Said> {
        let event = &self.update.event;
        let new = state.is_none();
        let before = state.unwrap_or_default();
        // Only a lead that nobody works on can open an episode, which is when the past is asked for.
        let free = matches!(before.stage, Stage::Visitor | Stage::Identified | Stage::Recycled | Stage::Disqualified);
        let kept = free.then(|| before.clone());
        let advanced = advance(self.policy, before, self.now, event);
        let after = &advanced.state;
        let reckoning = reckon(self.policy, after, self.now);

        let tells = matches!(event.body, Body::Activity(_) | Body::Facts(_) | Body::Linked(_));
        let scores = matches!(event.body, Body::Activity(_) | Body::Facts(_)) && !after.erased();
        let scores = scores || !advanced.moves.is_empty() || advanced.kept_by.is_some();
        let outcome = match &advanced {
            Advanced { opened: Some(_), .. } => "qualified",
            Advanced { refused: true, .. } => "lifecycle_rejected",
            Advanced { kept_by: Some(_), .. } => "kept",
            _ if tells && after.stage == Stage::Suppressed => "suppressed",
            _ if scores || new => "scored",
            _ => "unchanged",
        };

        let first = new.then(|| self.first_seen());
        let mut outputs: Vec<Said> = first.into_iter().chain(advanced.moves.iter().map(|m| self.moved(m))).collect();
        if scores || advanced.opened.is_some() {
            let receipt = reckoning.receipt();
            let opened = advanced.opened.as_ref().zip(kept.as_ref()).map(|(opening, before)| {
                let why = Why { policy: self.policy, now: self.now, event, before, after };
                self.qualified(&why, opening, &reckoning.standing, &receipt)
            });
            outputs.push(self.scored(&advanced, &reckoning.standing, receipt));
            outputs.extend(opened);
        }
        Step { state: Some(advanced.state), wake: None, outputs, outcome }
    }

    fn first_seen(&self) -> Said {
        let cause = "first_seen".to_owned();
        self.lifecycle(None, Stage::Visitor, cause, 0)
    }

    fn moved(&self, change: &Move) -> Said {
        self.lifecycle(Some(change.from), change.to, change.cause.clone(), change.episode)
    }

    fn lifecycle(&self, from: Option<Stage>, to: Stage, cause: String, episode: i32) -> Said {
        let LeadEvent { lead_id, event_id, .. } = &self.update.event;
        Said::Lifecycle(LifecycleChanged {
            stamp: self.stamp,
            lead_id: lead_id.clone(),
            from,
            to,
            cause,
            event_id: event_id.clone(),
            episode,
            policy_version: self.policy.version,
            status: None,
            check_in: None,
            verdict: None,
        })
    }

    fn scored(&self, advanced: &Advanced, standing: &Standing, receipt: Vec<Contribution>) -> Said {
        Said::Score(ScoreUpdate {
            stamp: self.stamp,
            lead_id: self.update.event.lead_id.clone(),
            event_id: self.update.event.event_id.clone(),
            score: standing.score(),
            fit: standing.fit,
            engagement: standing.engagement,
            grade: standing.grade,
            band: standing.band,
            stage: advanced.state.stage,
            receipt,
            policy_version: self.policy.version,
            status: None,
            kept_by: advanced.kept_by.clone(),
        })
    }

    fn qualified(&self, why: &Why<'_>, opening: &Opening, standing: &Standing, receipt: &[Contribution]) -> Said {
        let EngagementUpdate { event, engagement, .. } = self.update;
        let state = why.after;
        let fit = &self.policy.fit;
        let fact = |(name, known): (&str, &Known)| Fact {
            name: name.to_owned(),
            value: known.value.clone(),
            source: known.source.clone(),
        };
        let missing = |name: &&String| state.facts.get(fit, name, self.now).is_none();
        let decision = Qualifying {
            lead_id: event.lead_id.clone(),
            episode: state.episode,
            handoff_id: format!("h_{}_{}", event.lead_id, state.episode),
            lane: opening.lane.clone(),
            reason: opening.reason(),
            cell: format!("{}{}", standing.grade, standing.band),
            trigger_set: why.triggers(opening),
            score: standing.score(),
            fit: standing.fit,
            engagement: standing.engagement,
            grade: standing.grade,
            band: standing.band,
            contributions: receipt.iter().take(CONTRIBUTIONS).cloned().collect(),
            facts: state.facts.known(fit, self.now).map(fact).collect(),
            missing_facts: fit.asked.iter().filter(missing).cloned().collect(),
            recent: state.recent.iter().map(|seen| seen.moment.clone()).collect(),
            topics: engagement.topics.clone(),
            first_source: engagement.first_source.clone(),
            last_source: engagement.last_source.clone(),
            occurred_at: event.occurred_at,
            event_id: event.event_id.clone(),
            policy_version: self.policy.version,
            history: History::default(),
            review: false,
            criteria: answers(self.policy, state, self.now),
            completeness: completeness(fit, state, self.now),
        };
        Said::Qualified(Box::new(Qualified { stamp: self.stamp, decision }))
    }
}
