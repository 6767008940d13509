//! What a lead keeps of its episodes: how each ended, how much of the points is left, when it may be
//! handed off again.
//!
//! Holds: bounded. What a recycle takes from points earned before it is a factor that is applied
//! when a score is read, by the time of the event: a late arrival is treated as if it had come in time.
//!
//! Absent on purpose: who ends an episode (`sales`, `due`, `decide`).

use baton_domain::{CauseClass, History, LeadEvent, Millis, PastEpisode, Points, Stage};
use baton_policy::{Blame, Effect, Policy, Rearm};
use serde::{Deserialize, Serialize};

use crate::State;
use crate::reckon::standing;
use crate::settled::UNDAMPED;

/// Ended episodes kept.
const PAST: usize = 20;
/// Looks at late-stage content kept.
const SHOWN: usize = 8;
/// Recycles of which each has a factor of its own; older ones are taken together.
const DAMPS: usize = 16;

/// Given back by sales.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recycled {
    /// Log time of it.
    pub(crate) at: Millis,
    /// The disposition: the policy says by it how the lead comes back.
    pub(crate) code: String,
    /// Engagement must have been this low once before the matrix may fire again early.
    pub(crate) below: Points,
    /// It was, or the date came for which sales asked to see it again.
    pub(crate) armed: bool,
}

/// How much is left of points earned up to an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Damp {
    /// By event time, included.
    pub(crate) until: Millis,
    pub(crate) keep_percent: i64,
}

/// What the disposition `code` does; of a code that the policy does not know, what a recycle does at least.
pub(crate) fn effect(policy: &Policy, code: &str) -> Effect {
    policy.lifecycle.dispositions.get(code).cloned().unwrap_or_default()
}

/// When a lead that sales gave back has rested.
pub(crate) fn rested_at(policy: &Policy, recycled: &Recycled) -> Millis {
    recycled.at.plus(effect(policy, &recycled.code).cool_down_ms.unwrap_or(policy.decision.cool_down_ms))
}

impl State {
    /// What is left of `points`, earned at `occurred_at`. Points taken away stay taken.
    pub(crate) fn damped(&self, occurred_at: Millis, points: Points) -> Points {
        let damps = self.damps.iter().filter(|damp| occurred_at <= damp.until && points > Points::ZERO);
        damps.fold(points, |points, damp| {
            let left = i128::from(points.0) * i128::from(damp.keep_percent) / 100;
            Points(i64::try_from(left).unwrap_or(i64::MAX))
        })
    }

    /// From here on points earned up to `until` count for so many percent.
    pub(crate) fn damp(&mut self, until: Millis, keep_percent: i64) {
        if keep_percent >= 100 {
            return;
        }
        self.marks.damp(until);
        let place = self.damps.partition_point(|damp| damp.until <= until);
        self.damps.insert(place, Damp { until, keep_percent });
        if self.damps.len() > DAMPS {
            let oldest = self.damps.remove(0);
            if let Some(next) = self.damps.first_mut() {
                next.keep_percent = next.keep_percent * oldest.keep_percent / 100;
            }
        }
    }

    /// Keeps one by one only as many activities of each rule as the policy says.
    pub(crate) fn settle(&mut self, policy: &Policy, now: Millis) {
        let damps = &self.damps;
        let damped_at = |at: Millis| damps.iter().map(|damp| damp.until).find(|until| at <= *until).unwrap_or(UNDAMPED);
        self.marks.settle(&policy.engagement, now, damped_at);
    }

    /// The date came for which sales asked to see the lead again.
    pub(crate) fn rearm(&mut self) {
        if let Some(recycled) = &mut self.recycled {
            recycled.armed = true;
        }
    }

    /// Arms a recycled lead that cooled, as far as its disposition lets cooling arm it. What the recycle itself
    /// took away is no cooling.
    pub(crate) fn arm(&mut self, policy: &Policy, now: Millis) {
        let Some(recycled) = self.recycled.as_ref().filter(|recycled| !recycled.armed) else { return };
        if effect(policy, &recycled.code).rearm != Rearm::Cooled {
            return;
        }
        let below = recycled.below;
        let engagement = if self.damps.is_empty() {
            standing(policy, self, now).engagement
        } else {
            standing(policy, &State { damps: Vec::new(), ..self.clone() }, now).engagement
        };
        if let Some(recycled) = self.recycled.as_mut() {
            recycled.armed = engagement <= below;
        }
    }

    /// Notes that the person looked at late-stage content.
    pub(crate) fn show(&mut self, event: &LeadEvent) {
        let told = (event.occurred_at, &event.event_id);
        let place = self.shown.partition_point(|(at, event_id)| (*at, event_id) > told);
        if self.shown.get(place).is_none_or(|(at, event_id)| (*at, event_id) != told) {
            self.shown.insert(place, (event.occurred_at, event.event_id.clone()));
            self.shown.truncate(SHOWN);
        }
    }

    /// Whether the matrix may hand the lead off, as far as earlier episodes go: it is armed, or what its disposition
    /// asks for has come. Whoever is to come back by what it shows does not come back by resting.
    pub(crate) fn in_play(&self, policy: &Policy, now: Millis) -> bool {
        self.recycled.as_ref().is_none_or(|recycled| {
            let effect = effect(policy, &recycled.code);
            // What it showed before the verdict, sales knew.
            let shows = || self.shown.first().is_some_and(|(at, _)| *at >= self.word_from);
            let comes_back = match effect.rearm {
                Rearm::Cooled => now >= rested_at(policy, recycled),
                Rearm::HighIntent => shows(),
                Rearm::HandRaise => false,
            };
            recycled.armed || comes_back
        })
    }

    /// Whether the lead was given back so often that somebody else is to look first.
    pub(crate) fn goes_in_circles(&self, policy: &Policy, now: Millis) -> bool {
        let guard = &policy.lifecycle.loop_guard;
        let near = |past: &&PastEpisode| past.stage == Stage::Recycled && now.since(past.ended_at) <= guard.within_ms;
        self.past.iter().filter(near).count() >= guard.recycles
    }

    /// Remembers how the open episode ended.
    pub(crate) fn remember(&mut self, stage: Stage, code: &str, reason: Option<String>, now: Millis) {
        let past = PastEpisode {
            episode: self.episode,
            stage,
            code: code.to_owned(),
            reason,
            owner: self.owner.clone(),
            ended_at: now,
        };
        self.past.insert(0, past);
        self.past.truncate(PAST);
    }

    /// What the next episode is told of those before.
    pub(crate) fn history(&self) -> History {
        History {
            episodes: self.episode,
            past: self.past.clone(),
            last_owner: self.owner.clone().or_else(|| self.last_owner.clone()),
            next_check_in: self.check_in,
        }
    }

    /// Whose failure the open episode is, if it ends with this code.
    pub(crate) fn blame(&self, blame: Blame) -> CauseClass {
        match blame {
            Blame::Class(class) => class,
            Blame::ByTouch if self.touches > 0 => CauseClass::Lead,
            Blame::ByTouch => CauseClass::Followup,
        }
    }
}
