//! One event with the lead's windows in; its score, its moves and its handoff out.

use baton_domain::{
    Body, Contribution, Engagement, EngagementUpdate, Fact, LeadEvent, LeadId, LifecycleChanged, LifecycleRejected,
    LogTime, Millis, NurtureEvent, Qualified, Qualifying, RouteInput, ScoreUpdate, Stage, Stamp, StatusChanged, Tick,
};
use baton_policy::Policy;
use baton_stage::{Input, Step};

mod work;

use crate::State;
use crate::criteria::answers;
use crate::decide::{Advanced, Opening, advance, may_open};
use crate::facts::Known;
use crate::moves::handoff_id;
use crate::reckon::{Standing, completeness, reckon};
use crate::state::Interest;
use crate::trigger::Why;
use work::Was;

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

    fn step(policy: &Policy, key: &str, state: Option<State>, input: Input<EngagementUpdate>) -> Step<State, Said> {
        let (at, update) = match input {
            Input::Record { at, event } => (at, event),
            Input::Wake { due } => (due, passing(key, due)),
        };
        let saying = Saying { policy, now: at.millis(), stamp: Stamp { at, ..update.stamp }, update: &update };
        match &update.event.body {
            // A wake-up of a lead that was forgotten meanwhile.
            Body::Tick(_) if state.is_none() => return Step::quiet(None, "unchanged"),
            // A machine is nobody's lead; but time goes on.
            Body::Activity(activity) if activity.bot => return saying.rest(state),
            _ => {}
        }
        saying.hear(state)
    }
}

/// The passing of time as a lead hears it when it asked to be woken.
fn passing(key: &str, due: LogTime) -> EngagementUpdate {
    let stamp = Stamp { at: due, lane: 0 };
    let event = LeadEvent {
        stamp,
        lead_id: key.to_owned(),
        event_id: String::new(),
        occurred_at: due.millis(),
        origin: String::new(),
        body: Body::Tick(Tick {}),
    };
    EngagementUpdate { stamp, event, engagement: Engagement::default() }
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
        let was = Was::of(&before);
        // Only a lead that may open an episode asks for its past.
        let kept = may_open(self.policy, before.stage).then(|| before.clone());
        let mut advanced = advance(self.policy, before, self.now, event);
        self.keep_interest(&mut advanced.state);
        let after = &advanced.state;
        let reckoning = reckon(self.policy, after, self.now);

        let tells = matches!(event.body, Body::Activity(_) | Body::Facts(_) | Body::Linked(_));
        let scores = self.scores(&advanced);
        let outcome = match &advanced {
            Advanced { opened: Some(_), .. } => "qualified",
            Advanced { rejected: Some(_), .. } => "lifecycle_rejected",
            Advanced { kept_by: Some(_), .. } => "kept",
            _ if tells && after.stage == Stage::Suppressed => "suppressed",
            _ if scores || new => "scored",
            _ => "unchanged",
        };

        let mut outputs: Vec<Said> = new.then(|| self.first_seen()).into_iter().collect();
        outputs.extend(self.work(was, &advanced));
        if scores || advanced.opened.is_some() {
            let receipt = reckoning.receipt();
            let opened = advanced.opened.as_ref().zip(kept.as_ref()).map(|(opening, before)| {
                let why = Why { policy: self.policy, now: self.now, event, before, after };
                self.qualified(&why, opening, &reckoning.standing, &receipt)
            });
            outputs.push(self.scored(&advanced, &reckoning.standing, receipt));
            outputs.extend(opened);
        }
        outputs.extend(self.request(was, &advanced, &reckoning.standing));
        let wake = self.wake(after);
        Step { state: Some(advanced.state), wake, outputs, outcome }
    }

    /// Changes nothing, and asks for the same wake-up again.
    fn rest(&self, state: Option<State>) -> Step<State, Said> {
        Step { wake: state.as_ref().and_then(|state| self.wake(state)), ..Step::quiet(state, "unchanged") }
    }

    /// The earliest instant at which time alone changes something.
    fn wake(&self, state: &State) -> Option<LogTime> {
        state.due_at(self.now).map(LogTime::from_millis)
    }

    /// Whether the event gives the lead a score to tell.
    fn scores(&self, advanced: &Advanced) -> bool {
        let event = &self.update.event;
        let scores = matches!(event.body, Body::Activity(_) | Body::Facts(_)) && !advanced.state.erased();
        scores || !advanced.moves.is_empty() || advanced.kept_by.is_some()
    }

    fn keep_interest(&self, state: &mut State) {
        let engagement = &self.update.engagement;
        if !matches!(self.update.event.body, Body::Tick(_)) && !state.erased() {
            state.interest = Interest {
                topics: engagement.topics.clone(),
                first_source: engagement.first_source.clone(),
                last_source: engagement.last_source.clone(),
            };
        }
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
            status: advanced.state.status,
            kept_by: advanced.kept_by.clone(),
        })
    }

    fn qualified(&self, why: &Why<'_>, opening: &Opening, standing: &Standing, receipt: &[Contribution]) -> Said {
        let event = &self.update.event;
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
            handoff_id: handoff_id(&event.lead_id, state.episode),
            lane: opening.lane.clone(),
            reason: opening.reason,
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
            topics: state.interest.topics.clone(),
            first_source: state.interest.first_source.clone(),
            last_source: state.interest.last_source.clone(),
            occurred_at: event.occurred_at,
            event_id: event.event_id.clone(),
            policy_version: self.policy.version,
            history: opening.history.clone(),
            review: opening.review,
            criteria: answers(self.policy, state, self.now),
            completeness: completeness(fit, state, self.now),
        };
        Said::Qualified(Box::new(Qualified { stamp: self.stamp, decision }))
    }
}
