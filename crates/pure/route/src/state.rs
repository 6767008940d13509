//! What the router remembers: whose turn it is, who has had how many, who waits, who had whom.
//!
//! Holds: the credits of a pool add up to zero; a lead waits at most once; the
//! memory of owners is bounded.
//!
//! Absent on purpose: the roster. It is the policy's, and may change between two leads.

use std::collections::BTreeMap;

use baton_domain::{LeadId, LogTime, Qualifying};
use serde::{Deserialize, Serialize};

/// Owners remembered a generation; between one and two generations are kept.
///
/// The state is one row of the changelog: at about 30 bytes a lead, two generations are 0.6 MB and
/// stay below a broker's usual limit of 1 MB a record. A lead forgotten is routed like a new one.
pub(crate) const GENERATION: usize = 10_000;

/// The router's memory of one capacity domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Turns by pool.
    turns: BTreeMap<String, Vec<Turn>>,
    /// The UTC day that `taken` counts.
    day: i64,
    /// Leads given to each rep on that day.
    taken: BTreeMap<String, i64>,
    /// Leads nobody could take, in the order in which they are served.
    waiting: BTreeMap<Place, Qualifying>,
    /// Last handoffs of leads, newest generation.
    recent: BTreeMap<LeadId, Previous>,
    /// The generation before.
    older: BTreeMap<LeadId, Previous>,
}

/// A place in the queue: by urgency, then age, then lead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Urgency; `P0` before `P1`.
    pub(crate) lane: String,
    /// When the lead became ready.
    pub(crate) since: LogTime,
    /// Who.
    pub(crate) lead_id: LeadId,
}

/// One member's turn in a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Turn {
    rep: String,
    weight: i64,
    /// What the pool owes the rep: leads due less leads given, times the weight of all.
    credit: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Previous {
    episode: i32,
    owner: String,
}

impl State {
    /// Starts a new day's count when `day` is one.
    pub(crate) fn turn_to(&mut self, day: i64) {
        if day > self.day {
            self.day = day;
            self.taken.clear();
        }
    }

    /// Leads given to `rep` today.
    pub(crate) fn taken(&self, rep: &str) -> i64 {
        self.taken.get(rep).copied().unwrap_or(0)
    }

    /// Puts a lead in the queue; `None` when this episode of it, or a later one, was here before.
    /// An older episode that still waits gives way.
    pub(crate) fn enqueue(&mut self, decision: Qualifying, since: LogTime) -> Option<Place> {
        let lead_id = decision.lead_id.clone();
        let assigned = self.previous(&lead_id).map(|previous| previous.episode);
        let queued = self.waiting.iter().find(|(place, _)| place.lead_id == lead_id);
        let queued = queued.map(|(place, older)| (place.clone(), older.episode));
        let known = assigned.max(queued.as_ref().map(|(_, episode)| *episode));
        if known.is_some_and(|known| known >= decision.episode) {
            return None;
        }
        if let Some((place, _)) = queued {
            self.waiting.remove(&place);
        }
        let place = Place { lane: decision.lane.clone(), since, lead_id };
        self.waiting.insert(place.clone(), decision);
        Some(place)
    }

    /// The queue in the order of service.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.waiting.keys().cloned().collect()
    }

    /// Whether the lead of this place is still in the queue.
    pub(crate) fn waits(&self, place: &Place) -> bool {
        self.waiting.contains_key(place)
    }

    /// Whether nobody waits.
    pub(crate) fn nobody_waits(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes a lead out of the queue: it is given to a rep or put back in the same step.
    pub(crate) fn dequeue(&mut self, place: &Place) -> Option<Qualifying> {
        self.waiting.remove(place)
    }

    /// Returns a lead to the place that it had.
    pub(crate) fn put_back(&mut self, place: Place, decision: Qualifying) {
        self.waiting.insert(place, decision);
    }

    /// Gives a lead to `owner`, who has had one more today.
    pub(crate) fn give(&mut self, decision: &Qualifying, owner: &str) {
        *self.taken.entry(owner.to_owned()).or_insert(0) += 1;
        self.remember(decision, owner);
    }

    /// Who had the lead last, while that is remembered.
    pub(crate) fn previous_owner(&self, lead_id: &str) -> Option<&str> {
        self.previous(lead_id).map(|previous| previous.owner.as_str())
    }

    /// Gives a turn to one of `eligible` and returns their index in `members`; `None` when there is none.
    ///
    /// Each eligible member is owed its weight more; of those who are owed anything, the one whose
    /// next lead falls due first takes it (ties by the order of the members) and pays for all. The
    /// largest credit alone would seem enough, but with two heavy members among many light ones it
    /// strays more than a lead from the fair share.
    pub(crate) fn take_turn(
        &mut self,
        pool: &str,
        members: &[(String, i64)],
        eligible: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let turns = self.turns.entry(pool.to_owned()).or_default();
        // Credits are in units of the weights: with other weights they would be false, so a pool
        // that changed starts anew.
        if !turns.iter().map(|turn| (&turn.rep, turn.weight)).eq(members.iter().map(|(rep, weight)| (rep, *weight))) {
            *turns =
                members.iter().map(|(rep, weight)| Turn { rep: rep.clone(), weight: *weight, credit: 0 }).collect();
        }
        let all: i64 = members.iter().enumerate().filter(|(i, _)| eligible(*i)).map(|(_, (_, weight))| weight).sum();
        for (_, turn) in turns.iter_mut().enumerate().filter(|(i, _)| eligible(*i)) {
            turn.credit += turn.weight;
        }
        let candidates = || turns.iter().enumerate().filter(|(i, _)| eligible(*i));
        // When those who are absent hold all the credit, everyone here is a candidate.
        let owed = candidates().any(|(_, turn)| turn.credit > 0);
        let next = candidates()
            .filter(|(_, turn)| !owed || turn.credit > 0)
            .reduce(|first, other| if other.1.due_before(first.1, all) { other } else { first })
            .map(|(i, _)| i)?;
        turns[next].credit -= all;
        Some(next)
    }

    fn previous(&self, lead_id: &str) -> Option<&Previous> {
        self.recent.get(lead_id).or_else(|| self.older.get(lead_id))
    }

    fn remember(&mut self, decision: &Qualifying, owner: &str) {
        if self.recent.len() >= GENERATION {
            self.older = std::mem::take(&mut self.recent);
        }
        self.older.remove(&decision.lead_id);
        let previous = Previous { episode: decision.episode, owner: owner.to_owned() };
        self.recent.insert(decision.lead_id.clone(), previous);
    }

    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.recent.len() + self.older.len()
    }
}

impl Turn {
    /// Whether this member's next lead falls due in fewer leads of the pool than `other`'s: the
    /// lead is due when the credit reaches `all`, and the credit grows by the weight each time.
    fn due_before(&self, other: &Self, all: i64) -> bool {
        let gap = |turn: &Self| i128::from(all) - i128::from(turn.credit);
        gap(self) * i128::from(other.weight) < gap(other) * i128::from(self.weight)
    }
}
