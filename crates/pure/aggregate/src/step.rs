//! One event in, the same event with the lead's windows out.

use baton_domain::{Body, Engagement, EngagementUpdate, LeadEvent, is_canary};
use baton_stage::{Input, Stage, Step};

use crate::State;

/// Counts the activities of one lead; keyed by its id.
///
/// Outcomes: `counted`, `bot` (an activity of a machine), `retracted` (a counted activity was taken back),
/// `canary` (passed on, nothing kept), `passed` (anything else, also the retraction of what was never counted or is no longer told apart).
#[derive(Clone, Copy, Debug)]
pub struct Aggregate;

impl Stage for Aggregate {
    type Policy = ();
    type State = State;
    type Event = LeadEvent;
    type Output = EngagementUpdate;

    fn step(_policy: &(), key: &str, state: Option<State>, input: Input<LeadEvent>) -> Step<State, EngagementUpdate> {
        // No wake-up is ever asked for, and ticks are the host's: both change nothing.
        let Input::Record { at, event } = input else {
            return Step::quiet(state, "passed");
        };
        if is_canary(key) {
            let update = EngagementUpdate { stamp: event.stamp, event, engagement: Engagement::default() };
            return Step { state: None, wake: None, outputs: vec![update], outcome: "canary" };
        }
        let day = at.millis().day();
        let (state, outcome) = match &event.body {
            Body::Tick(_) => return Step::quiet(state, "passed"),
            Body::Activity(activity) if activity.bot => (state, "bot"),
            Body::Activity(activity) => {
                let mut state = state.unwrap_or_default();
                state.count(event.occurred_at, &event.event_id, activity);
                (Some(state), "counted")
            }
            Body::Retracted(retraction) => {
                let mut state = state.unwrap_or_default();
                let found = state.retract(&retraction.event_id);
                (Some(state).filter(|state| !state.is_empty()), if found { "retracted" } else { "passed" })
            }
            _ => (state, "passed"),
        };
        let state = state.map(|mut state| {
            state.forget_before(day);
            state
        });
        let engagement = state.as_ref().map(|state| state.engagement(day)).unwrap_or_default();
        let update = EngagementUpdate { stamp: event.stamp, event, engagement };
        Step { state, wake: None, outputs: vec![update], outcome }
    }
}
