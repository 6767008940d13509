//! What sales hears of a lead that it already has.
//!
//! Holds: only what the policy names, only while an episode is open, and
//! nothing of the event that opened it: the handoff tells that. What is taken
//! back while the lead still shows it among the last is told as not done.
//!
//! Absent on purpose: the owner, and how often they are told. The router knows
//! the desk, gathers and sends.

use baton_domain::{Activity, Body, LeadEvent, Moment, Noticed, Retraction};
use baton_policy::{Alerts, Policy};

use crate::State;
use crate::decide::Advanced;
use crate::lifecycle::is_open;
use crate::moves::handoff_id;
use crate::reckon::Standing;
use crate::state::moment_of;

/// What to tell the router of an event after a handoff, if it is worth telling.
pub(crate) fn noticed(policy: &Policy, advanced: &Advanced, event: &LeadEvent, now: &Standing) -> Option<Noticed> {
    let Body::Activity(activity) = &event.body else { return None };
    let (alerts, state) = (policy.decision.alerts.as_ref()?, &advanced.state);
    let is_notable = is_named(alerts, activity) || (alerts.hand_raise && advanced.asks);
    if !is_open(state.stage) || !is_notable {
        return None;
    }
    Some(Noticed {
        lead_id: event.lead_id.clone(),
        handoff_id: handoff_id(&event.lead_id, state.episode),
        episode: state.episode,
        moment: moment_of(activity, event.occurred_at),
        score: now.score(),
        grade: now.grade,
        band: now.band,
        event_id: event.event_id.clone(),
        taken_back: false,
    })
}

/// What an event takes back that the lead did lately, and which event told it.
pub(crate) fn undone<'a>(before: &State, event: &'a LeadEvent) -> Option<(&'a Retraction, Moment)> {
    let Body::Retracted(retraction) = &event.body else { return None };
    Some((retraction, before.did(&retraction.event_id)?.clone()))
}

/// What to tell the router of something that was not done after all: that it is to tell it no more.
pub(crate) fn unnoticed(
    policy: &Policy,
    state: &State,
    (retraction, moment): (&Retraction, Moment),
    lead_id: &str,
    now: &Standing,
) -> Option<Noticed> {
    policy.decision.alerts.as_ref().filter(|_| is_open(state.stage))?;
    Some(Noticed {
        lead_id: lead_id.to_owned(),
        handoff_id: handoff_id(lead_id, state.episode),
        episode: state.episode,
        moment,
        score: now.score(),
        grade: now.grade,
        band: now.band,
        event_id: retraction.event_id.clone(),
        taken_back: true,
    })
}

fn is_named(alerts: &Alerts, activity: &Activity) -> bool {
    let depth = activity.content_stage.as_ref();
    alerts.events.contains(&activity.name) || depth.is_some_and(|depth| alerts.content_stages.contains(depth))
}
