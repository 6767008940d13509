//! One event with the lead's windows in; its score, its moves and its handoff out.

use baton_domain::{
    Body, Contribution, Engagement, EngagementUpdate, EnrichmentRequested, HandoffRevised, LeadCooled, LeadEvent,
    LeadId, LifecycleChanged, LifecycleRejected, LogTime, Millis, NurtureEvent, Qualified, Qualifying, RouteInput,
    ScoreUpdate, Stage, Stamp, StatusChanged, Tick, Trigger, is_canary,
};
use baton_policy::Policy;
use baton_stage::{Input, Step};

mod notices;
mod work;

use crate::State;
use crate::alert::undone;
use crate::criteria::answers;
use crate::decide::{Advanced, Opening, advance};
use crate::lifecycle::may_open;
use crate::moves::handoff_id;
use crate::picture::{known, missing};
use crate::reckon::{Standing, completeness, reckon};
use crate::retract::{Opened, requests};
use crate::state::{Interest, MOMENTS};
use crate::trigger::Why;
use work::Was;

/// Scores one lead; keyed by its id.
///
/// Outcomes: `qualified` (handed to sales), `lifecycle_rejected` (sales asked for a move that is not
/// allowed), `retracted` (an event was taken back), `kept` (a mandatory question's answer keeps a ready
/// lead with marketing), `suppressed` (the lead must not be contacted), `canary` (passed on, nothing kept),
/// `scored` (something to say), `unchanged`.
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
    /// To `lead.cooled`.
    Cooled(LeadCooled),
    /// To `enrichment.requested`.
    Enrichment(EnrichmentRequested),
    /// To `handoff.revised`.
    Revised(HandoffRevised),
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
            Input::Record { at, event } if is_canary(key) => return crate::canary::pass(policy, at, event),
            Input::Record { at, event } => (at, event),
            Input::Wake { due } => (due, passing(key, state.as_ref(), due)),
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

/// The passing of time as a lead hears it when it asked to be woken. What a wait ends in is told of the
/// event that began it, and what answers a request of the request.
fn passing(key: &str, state: Option<&State>, due: LogTime) -> EngagementUpdate {
    let waiting = state.and_then(|state| state.waiting.as_ref()).filter(|waiting| waiting.until <= due.millis());
    let waited = waiting.map(|waiting| (waiting.event_id.clone(), waiting.occurred_at));
    let told = state.and_then(|state| state.answers(due.millis())).or(waited);
    let (event_id, occurred_at) = told.unwrap_or_else(|| (String::new(), due.millis()));
    let stamp = Stamp { at: due, lane: 0 };
    let event = LeadEvent {
        stamp,
        lead_id: key.to_owned(),
        event_id,
        occurred_at,
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
        let before = state.unwrap_or_else(|| State { entered_at: self.now, ..State::default() });
        let was = Was::of(&before);
        // Only a lead that may open an episode asks for its past.
        let kept = may_open(self.policy, before.stage).then(|| before.clone());
        let undone = undone(&before, event);
        let asked = requests(&before, event);
        let mut advanced = advance(self.policy, before, self.now, event);
        self.keep_interest(&mut advanced.state);
        if advanced.state.episode > was.episode {
            advanced.state.came_from.clone_from(&advanced.state.interest.last_source);
        }
        let standing = advanced.after;
        let cooled = advanced.state.feel(self.policy, &standing, standing.engagement > advanced.before.engagement);
        let triggers = self.triggers(kept.as_ref(), &advanced);
        self.keep(&mut advanced, kept, &triggers);
        let outcome = self.outcome(&advanced, new);

        let after = &advanced.state;
        let mut outputs: Vec<Said> = new.then(|| self.first_seen()).into_iter().collect();
        outputs.extend(self.work(was, &advanced));
        if self.scores(&advanced) {
            let receipt = reckon(self.policy, after, self.now).receipt();
            let opening = advanced.opened.as_ref();
            let decided = opening.map(|opening| self.qualifying(after, opening, triggers, &standing, &receipt));
            let opened = decided.map(|decision| Said::Qualified(Box::new(Qualified { stamp: self.stamp, decision })));
            outputs.push(self.scored(&advanced, &standing, receipt));
            outputs.extend(opened);
        }
        outputs.extend(self.request(was, &advanced, &standing, &asked));
        outputs.extend(self.notices(was, &advanced, &standing, undone));
        outputs.extend(cooled.map(|warm| self.cooled(after, warm, &standing)));
        let wake = self.wake(after);
        Step { state: Some(advanced.state), wake, outputs, outcome }
    }

    fn outcome(&self, advanced: &Advanced, new: bool) -> &'static str {
        let tells = matches!(self.update.event.body, Body::Activity(_) | Body::Facts(_) | Body::Linked(_));
        match advanced {
            Advanced { opened: Some(_), .. } => "qualified",
            Advanced { rejected: Some(_), .. } => "lifecycle_rejected",
            Advanced { forgot: true, .. } => "retracted",
            Advanced { kept_by: Some(_), .. } => "kept",
            _ if tells && advanced.state.stage == Stage::Suppressed => "suppressed",
            _ if self.scores(advanced) || new => "scored",
            _ => "unchanged",
        }
    }

    /// Why now, of a lead that the event took over the line; empty for every other.
    fn triggers(&self, before: Option<&State>, advanced: &Advanced) -> Vec<Trigger> {
        let opening = advanced.opened.as_ref();
        if let Some(waited) = opening.and_then(|opening| opening.waited.as_ref()) {
            return waited.triggers.clone();
        }
        let Some(before) = before.filter(|_| opening.is_some() || advanced.began) else { return Vec::new() };
        let event = &self.update.event;
        let why = Why { policy: self.policy, now: self.now, event, before, after: &advanced.state };
        why.triggers(opening)
    }

    /// Keeps what a later retraction or the end of a wait needs.
    fn keep(&self, advanced: &mut Advanced, before: Option<State>, triggers: &[Trigger]) {
        let state = &mut advanced.state;
        if let Some(waiting) = state.waiting.as_mut().filter(|_| advanced.began) {
            waiting.triggers = triggers.to_vec();
        }
        if let Some(before) = before.filter(|_| advanced.opened.is_some()) {
            state.opened = Some(Box::new(Opened {
                before,
                event: self.update.event.clone(),
                at: self.now,
                policy_version: self.policy.version,
                triggers: triggers.iter().map(|trigger| trigger.event_id.clone()).collect(),
            }));
        } else if state.stage != Stage::Mql {
            state.opened = None;
        }
    }

    /// Changes nothing, and asks for the same wake-up again.
    fn rest(&self, state: Option<State>) -> Step<State, Said> {
        Step { wake: state.as_ref().and_then(|state| self.wake(state)), ..Step::quiet(state, "unchanged") }
    }

    /// The earliest instant at which time alone changes something.
    fn wake(&self, state: &State) -> Option<LogTime> {
        let waited = state.waiting.as_ref().map(|waiting| waiting.until);
        let due = [state.due_at(self.now), state.cools_at(self.policy, self.now), waited];
        due.into_iter().flatten().min().map(LogTime::from_millis)
    }

    /// Whether the event gives the lead a score to tell.
    fn scores(&self, advanced: &Advanced) -> bool {
        let event = &self.update.event;
        let scores = matches!(event.body, Body::Activity(_) | Body::Facts(_)) && !advanced.state.erased();
        scores || advanced.forgot || !advanced.moves.is_empty() || advanced.kept_by.is_some()
    }

    fn keep_interest(&self, state: &mut State) {
        let engagement = &self.update.engagement;
        if !matches!(self.update.event.body, Body::Tick(_)) && !state.erased() {
            state.interest = Interest {
                topics: engagement.topics.clone(),
                first_source: engagement.first_source.clone(),
                last_source: engagement.last_source.clone(),
                first_campaign: engagement.first_campaign.clone(),
                last_campaign: engagement.last_campaign.clone(),
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

    /// What is known of the lead, as whoever takes it over reads it.
    fn qualifying(
        &self,
        state: &State,
        opening: &Opening,
        trigger_set: Vec<Trigger>,
        standing: &Standing,
        receipt: &[Contribution],
    ) -> Qualifying {
        let event = &self.update.event;
        let fit = &self.policy.fit;
        Qualifying {
            lead_id: event.lead_id.clone(),
            episode: state.episode,
            handoff_id: handoff_id(&event.lead_id, state.episode),
            lane: opening.lane.clone(),
            reason: opening.reason,
            cell: format!("{}{}", standing.grade, opening.band),
            trigger_set,
            score: standing.score(),
            fit: standing.fit,
            engagement: standing.engagement,
            grade: standing.grade,
            band: opening.band,
            contributions: receipt.to_vec(),
            facts: known(fit, state, self.now),
            missing_facts: missing(fit, state, self.now),
            recent: state.recent.iter().take(MOMENTS).map(|seen| seen.moment.clone()).collect(),
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
            consent: state.said_of_channels(),
            first_campaign: state.interest.first_campaign.clone(),
            last_campaign: state.interest.last_campaign.clone(),
        }
    }
}
