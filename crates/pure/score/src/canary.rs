//! A canary is ready as it comes: it has no score, and its request for a desk goes where all go.

use baton_domain::{Band, EngagementUpdate, Grade, History, LogTime, Points, Qualifying, ReasonKind, RouteInput};
use baton_policy::Policy;
use baton_stage::Step;

use crate::{Request, Said, State};

/// Passes it on; nothing is kept of it and nothing is told to those who count leads.
pub(crate) fn pass(policy: &Policy, at: LogTime, update: EngagementUpdate) -> Step<State, Said> {
    let event = update.event;
    let decision = Qualifying {
        lead_id: event.lead_id.clone(),
        episode: 0,
        handoff_id: event.event_id.clone(),
        lane: String::new(),
        reason: ReasonKind::Policy,
        cell: String::new(),
        trigger_set: Vec::new(),
        score: Points::ZERO,
        fit: Points::ZERO,
        engagement: Points::ZERO,
        grade: Grade::U,
        band: Band::default(),
        contributions: Vec::new(),
        facts: Vec::new(),
        missing_facts: Vec::new(),
        recent: Vec::new(),
        topics: Vec::new(),
        first_source: None,
        last_source: None,
        occurred_at: event.occurred_at,
        event_id: event.event_id.clone(),
        policy_version: policy.version,
        history: History::default(),
        review: false,
        criteria: Vec::new(),
        completeness: 0,
        consent: Vec::new(),
        first_campaign: None,
        last_campaign: None,
    };
    let input = RouteInput::Qualified(Box::new(decision));
    let request = Request { at, lead_id: event.lead_id, event_id: event.event_id, input };
    Step { state: None, wake: None, outputs: vec![Said::Request(Box::new(request))], outcome: "canary" }
}
