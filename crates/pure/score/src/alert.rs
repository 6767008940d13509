//! What sales hears of a lead that it already has.
//!
//! Holds: only what the policy names, only while an episode is open, and
//! nothing of the event that opened it: the handoff tells that.
//!
//! Absent on purpose: the owner, and how often they are told. The router knows
//! the desk, gathers and sends.

use baton_domain::{Activity, Body, LeadEvent, Noticed};
use baton_policy::{Alerts, Policy};

use crate::State;
use crate::lifecycle::is_open;
use crate::moves::handoff_id;
use crate::reckon::Standing;
use crate::state::moment_of;

/// What to tell the router of an event after a handoff, if it is worth telling.
pub(crate) fn noticed(policy: &Policy, state: &State, event: &LeadEvent, now: &Standing) -> Option<Noticed> {
    let Body::Activity(activity) = &event.body else { return None };
    let alerts = policy.decision.alerts.as_ref()?;
    if !is_open(state.stage) || !is_notable(policy, alerts, activity) {
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
    })
}

fn is_notable(policy: &Policy, alerts: &Alerts, activity: &Activity) -> bool {
    let stage = activity.content_stage.as_ref();
    alerts.events.contains(&activity.name)
        || stage.is_some_and(|stage| alerts.content_stages.contains(stage))
        || (alerts.hand_raise && asks_for_sales(policy, activity))
}

fn asks_for_sales(policy: &Policy, activity: &Activity) -> bool {
    let met = policy.engagement.by_name.get(&activity.name).into_iter().flatten();
    let mut rules = met.filter_map(|place| policy.engagement.rules.get(*place));
    rules.any(|rule| rule.hand_raise && rule.when.matches(activity))
}
