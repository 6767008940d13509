//! What is known of a lead at an instant, and what stands between it and sales: for people to read.
//!
//! Holds: it is what a handoff of that instant would show, found by the same step on the same events, all judged by
//! one policy.
//!
//! Absent on purpose: the stage and the score, which the consumer said under the policies of their days.

use std::sync::Arc;

use baton_domain::{ChannelConsent, EngagementUpdate, Fact, KindCount, LogTime, Millis, Moment};
use baton_policy::{Fit, Policy, Rearm};

use crate::State;
use crate::criteria::kept_by;
use crate::episode::{effect, rested_at};
use crate::facts::Known;
use crate::reckon::standing;
use crate::recompute::Recount;
use crate::state::MOMENTS;

/// A lead at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// What is known, by name.
    pub facts: Vec<Fact>,
    /// What the fit rules ask for and nobody said.
    pub missing_facts: Vec<String>,
    /// What it did last, newest first.
    pub recent: Vec<Moment>,
    /// What it looks at, most often first.
    pub topics: Vec<KindCount>,
    /// Where it came from first, and by which campaign.
    pub first: (Option<String>, Option<String>),
    /// Where it came from last, and by which campaign.
    pub last: (Option<String>, Option<String>),
    /// What it said of each channel, a no first.
    pub consent: Vec<ChannelConsent>,
    /// Grade and band: `A2`.
    pub cell: String,
    /// The lane in which its points would hand it off; `None` where they hand off nobody.
    pub lane: Option<String>,
    /// The lane in which asking for sales would.
    pub on_request: Option<String>,
    /// The mandatory question that is answered no.
    pub kept_by: Option<String>,
    /// Until when it waits, over the line already.
    pub waits_until: Option<Millis>,
    /// Given back by sales, and not back in play.
    pub rest: Option<Rest>,
    /// When sales wants to see it again.
    pub check_in: Option<Millis>,
}

/// What a lead that sales gave back waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The disposition.
    pub code: String,
    /// What brings it back by points.
    pub rearm: Rearm,
    /// When it has rested.
    pub until: Millis,
}

/// The lead as it is at `at` after `history`, its updates in the order of the log; `None` when they come to no lead.
pub fn picture<'a>(
    policy: &Arc<Policy>,
    history: impl IntoIterator<Item = &'a EngagementUpdate>,
    at: LogTime,
) -> Option<Picture> {
    let mut again = Recount::new(policy);
    for update in history {
        again.take(update);
    }
    again.pass(at);
    again.only().map(|state| of(policy, state, at.millis()))
}

fn of(policy: &Policy, state: &State, now: Millis) -> Picture {
    let stands = standing(policy, state, now);
    let interest = state.interest.clone();
    Picture {
        facts: known(&policy.fit, state, now),
        missing_facts: missing(&policy.fit, state, now),
        recent: state.recent.iter().take(MOMENTS).map(|seen| seen.moment.clone()).collect(),
        topics: interest.topics,
        first: (interest.first_source, interest.first_campaign),
        last: (interest.last_source, interest.last_campaign),
        consent: state.said_of_channels(),
        cell: format!("{}{}", stands.grade, stands.band),
        lane: stands.lane(policy).cloned(),
        on_request: policy.decision.hand_raise.get(&stands.grade).cloned(),
        kept_by: kept_by(policy, state, now),
        waits_until: state.waiting.as_ref().map(|waiting| waiting.until),
        rest: rest(policy, state, now),
        check_in: state.check_in,
    }
}

fn rest(policy: &Policy, state: &State, now: Millis) -> Option<Rest> {
    let recycled = state.recycled.as_ref().filter(|_| !state.in_play(policy, now))?;
    let rearm = effect(policy, &recycled.code).rearm;
    Some(Rest { code: recycled.code.clone(), rearm, until: rested_at(policy, recycled) })
}

/// What is known of the lead, as a handoff shows it.
pub(crate) fn known(fit: &Fit, state: &State, now: Millis) -> Vec<Fact> {
    let fact = |(name, known): (&str, &Known)| Fact {
        name: name.to_owned(),
        value: known.value.clone(),
        source: known.source.clone(),
        observed_at: Some(known.occurred_at),
    };
    state.facts.known(fit, now).map(fact).collect()
}

/// What the fit rules ask for and nobody said.
pub(crate) fn missing(fit: &Fit, state: &State, now: Millis) -> Vec<String> {
    fit.asked.iter().filter(|name| state.facts.get(fit, name, now).is_none()).cloned().collect()
}
