//! What stands between the line and the handoff: facts that are waited for, and a time to be stood out.
//!
//! Holds: a lead waits for one thing at a time, from the event that took it over
//! the line; what ends the wait early is an event, what ends it late is one
//! wake-up; a request for sales never waits.
//!
//! Absent on purpose: who is asked for the facts. The request goes out, and
//! whatever answers it comes back as an event like any other.

use baton_domain::{Band, EnrichmentRequested, Grade, LogTime, Millis, Points, ReasonKind, Stamp, Trigger};
use baton_policy::{Policy, Unknown};
use serde::{Deserialize, Serialize};

use crate::State;
use crate::cool::low_line;
use crate::decide::{Opening, Turn};
use crate::reckon::{Standing, standing};

/// A lead over the line that is not handed off yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// For facts; otherwise for the time in which it may still leave the cell.
    pub(crate) unknown: bool,
    /// Log time since which it has stood over the line.
    pub(crate) since: Millis,
    /// Log time at which the wait is over.
    pub(crate) until: Millis,
    /// The band in which it crossed the line.
    pub(crate) band: Band,
    /// The wait is in vain when engagement falls below this.
    pub(crate) least: Points,
    /// The event that took it over the line.
    pub(crate) event_id: String,
    pub(crate) occurred_at: Millis,
    /// Why now, as of that event.
    pub(crate) triggers: Vec<Trigger>,
}

impl Waiting {
    /// Whether the event is among the reasons.
    fn rests_on(&self, event_id: &str) -> bool {
        self.event_id == event_id || self.triggers.iter().any(|trigger| trigger.event_id == event_id)
    }
}

impl Opening {
    fn waited(lane: String, waiting: Waiting, band: Band) -> Self {
        Self { waited: Some(Box::new(waiting)), ..Self::new(lane, None, ReasonKind::Matrix, band) }
    }
}

impl Standing {
    /// The policy for leads like this one, when it is too little known and warm enough.
    pub(crate) fn held<'a>(&self, policy: &'a Policy) -> Option<&'a Unknown> {
        let held = |unknown: &&Unknown| unknown.bands.contains(&self.band.0);
        policy.decision.unknown.as_ref().filter(|_| self.grade == Grade::U).filter(held)
    }
}

impl Turn<'_> {
    /// What becomes of a crossing of the line, and of the wait that an earlier one began.
    ///
    /// A lead that waits keeps the band in which it began as long as its engagement stays above that
    /// band's lower line: the line is crossed upwards at the band's least and left further below.
    pub(crate) fn waited(&mut self, before: &Standing, after: &Standing, crossed: bool) -> Option<Opening> {
        let low = before.engagement.min(after.engagement);
        let waiting = self.state.waiting.take().filter(|waiting| low >= waiting.least);
        let Some(waiting) = waiting else {
            return if crossed { self.cross(after) } else { None };
        };
        let over = self.now >= waiting.until;
        let stood = Standing { band: after.band.min(waiting.band), ..*after };
        match stood.lane(self.policy).cloned() {
            // A fact arrived and decided.
            Some(lane) if waiting.unknown => self.stand(lane, waiting.since, &stood),
            Some(lane) if over => Some(Opening::waited(lane, waiting, stood.band)),
            None if waiting.unknown && over => {
                let then = self.policy.decision.unknown.as_ref().filter(|_| stood.grade == Grade::U);
                then.map(|unknown| Opening::waited(unknown.then.clone(), waiting, stood.band))
            }
            None if !waiting.unknown || stood.grade != Grade::U => None,
            _ => {
                self.state.waiting = Some(waiting);
                None
            }
        }
    }

    /// What becomes of a lead that has just crossed the line.
    fn cross(&mut self, after: &Standing) -> Option<Opening> {
        if let Some(lane) = after.lane(self.policy) {
            return self.stand(lane.clone(), self.now, after);
        }
        let hold_ms = after.held(self.policy).map_or(0, |unknown| unknown.hold_ms);
        self.wait(true, self.now, self.now.plus(hold_ms), after);
        None
    }

    /// Hands off a lead that has stood in its cell since `since`, or has it wait for the rest of the time.
    fn stand(&mut self, lane: String, since: Millis, after: &Standing) -> Option<Opening> {
        let until = since.plus(self.policy.decision.dwell_ms);
        if until <= self.now {
            return Some(Opening::new(lane, None, ReasonKind::Matrix, after.band));
        }
        self.wait(false, since, until, after);
        None
    }

    fn wait(&mut self, unknown: bool, since: Millis, until: Millis, after: &Standing) {
        self.began = true;
        self.state.waiting = Some(Waiting {
            unknown,
            since,
            until,
            band: after.band,
            least: low_line(self.policy, after.band).unwrap_or_default(),
            event_id: self.event.event_id.clone(),
            occurred_at: self.event.occurred_at,
            triggers: Vec::new(),
        });
    }
}

impl State {
    /// Whether the wait rests on what is left: without an event that was taken back, the lead would still have
    /// stood over the line when it began.
    pub(crate) fn waits_without(&self, policy: &Policy, event_id: &str) -> bool {
        let Some(waiting) = self.waiting.as_ref() else { return false };
        let marks = self.marks.until(waiting.since);
        let then = Self { marks, facts: self.facts.clone(), damps: self.damps.clone(), ..Self::default() };
        let stood = standing(policy, &then, waiting.since);
        let over = stood.lane(policy).is_some() || stood.held(policy).is_some();
        over && !waiting.rests_on(event_id) && self.in_play(policy, waiting.since)
    }

    /// The request for facts that goes out when a wait for them begins.
    pub(crate) fn wanted(
        &self,
        policy: &Policy,
        stamp: Stamp,
        lead_id: &str,
        now: &Standing,
    ) -> Option<EnrichmentRequested> {
        let waiting = self.waiting.as_ref().filter(|waiting| waiting.unknown)?;
        let now_ms = stamp.at.millis();
        let missing = |name: &&String| self.facts.get(&policy.fit, name, now_ms).is_none();
        Some(EnrichmentRequested {
            stamp,
            lead_id: lead_id.to_owned(),
            episode: self.episode.saturating_add(1),
            missing_facts: policy.fit.asked.iter().filter(missing).cloned().collect(),
            hold_until: LogTime::from_millis(waiting.until),
            band: now.band,
            event_id: waiting.event_id.clone(),
            policy_version: policy.version,
        })
    }
}
