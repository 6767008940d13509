//! What is said of the work on a lead: moves, rejections, statuses, nurture, and what the router hears.
//!
//! Holds: nurture follows from the stages before and after alone, so that every enrolment ends with an
//! exit; that somebody is not to be contacted is told there whoever had the lead; the router hears of one input at most one request, beside a notice.
//!
//! Absent on purpose: decisions.

use std::collections::BTreeSet;

use baton_domain::{
    Body, LeadEvent, LifecycleChanged, LifecycleRejected, Moved, NurtureEvent, NurtureKind, Qualifying, ReasonKind,
    RouteInput, Stage, Status, StatusChanged, Trigger, TriggerKind,
};

use super::{Request, Said, Saying};
use crate::State;
use crate::decide::{Advanced, Opening, Rejected};
use crate::lifecycle::{is_nurtured, is_open};
use crate::moves::Move;
use crate::reckon::{Standing, reckon};
use crate::trigger::Why;

/// Where the lead was before an event, as far as it is told.
#[derive(Clone, Copy)]
pub(super) struct Was {
    stage: Stage,
    status: Option<Status>,
    pub(super) episode: i32,
}

impl Was {
    pub(super) fn of(state: &State) -> Self {
        Self { stage: state.stage, status: state.status, episode: state.episode }
    }

    /// Whether sales had the lead.
    pub(super) fn is_open(self) -> bool {
        is_open(self.stage)
    }
}

impl Saying<'_> {
    /// Everything but scores and handoffs, in the order in which it is told.
    pub(super) fn work(&self, was: Was, advanced: &Advanced) -> Vec<Said> {
        let moves = advanced.moves.iter().map(|change| self.moved(&advanced.state, change));
        let rejected = advanced.rejected.as_ref().map(|rejected| self.rejected(&advanced.state, rejected));
        let status = (was.status != advanced.state.status).then(|| self.status(was, &advanced.state));
        moves.chain(rejected).chain(status).chain(self.nurture(was, advanced)).collect()
    }

    /// What the router hears beside a handoff: what the event asks for, else the news while its episode is open.
    /// The requests for sales in it before rested on the events `asked`, where one is taken back.
    pub(super) fn request(
        &self,
        was: Was,
        advanced: &Advanced,
        standing: &Standing,
        asked: &BTreeSet<String>,
    ) -> Option<Said> {
        let LeadEvent { lead_id, event_id, body, .. } = &self.update.event;
        let stays_open = is_open(was.stage) && is_open(advanced.state.stage);
        let consents = matches!(body, Body::Consent(_));
        let moved = || {
            let left = advanced.state.raises.events();
            let fallen: Vec<String> = asked.iter().filter(|event| !left.contains(event)).cloned().collect();
            RouteInput::Moved(Moved {
                lead_id: lead_id.clone(),
                episode: advanced.state.episode,
                score: standing.score(),
                event_id: event_id.clone(),
                raised: self.raised(advanced, standing, !fallen.is_empty()),
                consent: consents.then(|| advanced.state.said_of_channels()),
                fallen,
            })
        };
        let tells = stays_open && (consents || self.scores(advanced));
        let input = advanced.request.clone().or_else(|| tells.then(moved))?;
        let at = self.stamp.at;
        Some(Said::Request(Box::new(Request { at, lead_id: lead_id.clone(), event_id: event_id.clone(), input })))
    }

    /// What the lead would be handed off with for a request for sales: for the one that the event is, or where the
    /// event took back another, for the newest that is left of those since the episode opened.
    fn raised(&self, advanced: &Advanced, standing: &Standing, fell: bool) -> Option<Box<Qualifying>> {
        let lane = self.policy.decision.hand_raise.get(&standing.grade)?;
        let trigger = self.asks(advanced, standing).or_else(|| self.asked(&advanced.state).filter(|_| fell))?;
        let opening = Opening::new(lane.clone(), None, ReasonKind::HandRaise, standing.band);
        let receipt = reckon(self.policy, &advanced.state, self.now).receipt();
        Some(Box::new(self.qualifying(&advanced.state, &opening, vec![trigger], standing, &receipt)))
    }

    /// The request for sales that the event is.
    fn asks(&self, advanced: &Advanced, standing: &Standing) -> Option<Trigger> {
        let event = &self.update.event;
        let Body::Activity(activity) = &event.body else { return None };
        // One from before the last verdict gives its points and no more.
        let opened = advanced.state.opened.as_ref();
        let counts = opened.is_none_or(|opened| event.occurred_at >= opened.before.word_from);
        (advanced.asks && counts).then(|| Trigger {
            kind: TriggerKind::Action,
            event_id: event.event_id.clone(),
            label: activity.name.clone(),
            occurred_at: event.occurred_at,
            points: standing.score() - advanced.before.score(),
        })
    }

    /// The newest request for sales since the episode opened.
    fn asked(&self, state: &State) -> Option<Trigger> {
        let opened = state.opened.as_ref()?;
        let raise = state.raises.newest(opened.before.word_from, opened.at)?;
        let why = Why { policy: self.policy, now: self.now, event: &self.update.event, before: state, after: state };
        Some(why.acted(&raise.event_id, &raise.name, raise.occurred_at))
    }

    pub(super) fn first_seen(&self) -> Said {
        let cause = "first_seen".to_owned();
        let (to, episode) = (Stage::Visitor, 0);
        self.lifecycle(
            None,
            &Move {
                from: to,
                to,
                cause,
                episode,
                status: None,
                check_in: None,
                verdict: None,
                duplicate_of: None,
                lasted_ms: None,
            },
            None,
        )
    }

    fn moved(&self, state: &State, change: &Move) -> Said {
        let source = state.came_from.clone().filter(|_| change.episode > 0);
        self.lifecycle(Some(change.from), change, source)
    }

    fn lifecycle(&self, from: Option<Stage>, change: &Move, source: Option<String>) -> Said {
        let LeadEvent { lead_id, event_id, .. } = &self.update.event;
        Said::Lifecycle(LifecycleChanged {
            stamp: self.stamp,
            lead_id: lead_id.clone(),
            from,
            to: change.to,
            cause: change.cause.clone(),
            event_id: event_id.clone(),
            episode: change.episode,
            policy_version: self.policy.version,
            status: change.status,
            check_in: change.check_in,
            verdict: change.verdict.clone(),
            duplicate_of: change.duplicate_of.clone(),
            lasted_ms: change.lasted_ms,
            source,
        })
    }

    fn rejected(&self, state: &State, rejected: &Rejected) -> Said {
        let LeadEvent { lead_id, event_id, .. } = &self.update.event;
        Said::Rejected(LifecycleRejected {
            stamp: self.stamp,
            lead_id: lead_id.clone(),
            attempted: rejected.attempted.clone(),
            current: state.stage,
            rule: rejected.rule.to_owned(),
            event_id: event_id.clone(),
            episode: state.episode,
            policy_version: self.policy.version,
            status: state.status,
        })
    }

    fn status(&self, was: Was, state: &State) -> Said {
        let LeadEvent { lead_id, event_id, .. } = &self.update.event;
        Said::Status(StatusChanged {
            stamp: self.stamp,
            lead_id: lead_id.clone(),
            from: was.status,
            to: state.status,
            stage: state.stage,
            owner: state.owner.clone(),
            event_id: event_id.clone(),
            episode: state.episode,
            policy_version: self.policy.version,
        })
    }

    fn nurture(&self, was: Was, advanced: &Advanced) -> Option<Said> {
        // The marketing platform sends more than nurture: it hears that it must not, enrolled or not.
        let silenced = was.stage != Stage::Suppressed && advanced.state.stage == Stage::Suppressed;
        let kind = match (is_nurtured(was.stage), is_nurtured(advanced.state.stage)) {
            _ if silenced => NurtureKind::Exit,
            (false, true) => NurtureKind::Enroll,
            (true, false) => NurtureKind::Exit,
            _ => return None,
        };
        let LeadEvent { lead_id, event_id, .. } = &self.update.event;
        Some(Said::Nurture(NurtureEvent {
            stamp: self.stamp,
            lead_id: lead_id.clone(),
            kind,
            reason: advanced.moves.last().map(|change| change.cause.clone()).unwrap_or_default(),
            episode: advanced.state.episode,
            until: advanced.state.check_in,
            event_id: event_id.clone(),
            policy_version: self.policy.version,
        }))
    }
}
