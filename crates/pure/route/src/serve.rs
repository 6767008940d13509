//! Offers waiting leads to the reps, and puts leads on desks and back into queues.
//!
//! Holds: the queues are served whole and in one order at each step, so a lead never overtakes one
//! ranked before it that could have gone to the same desk; a lead is given in the step in which it
//! leaves its queue.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{LogTime, Millis, Points, Qualifying};

use crate::account;
use crate::choose::{self, Choice, URGENT, choose};
use crate::floor::Floor;
use crate::promises::Owner;
use crate::queue;
use crate::row::{self, DESK, Directory, Lead, Place, Standing, Wants, lead_key};
use crate::say::{Handed, Said, Voice};
use crate::step::later;

/// Puts a lead with an open episode into the queue of its pool.
pub(crate) fn wait<D: Directory>(floor: &mut Floor<'_, D>, lead_id: &str, lead: &mut Lead, score: Points) {
    let Some(decision) = lead.decision.clone() else { return };
    let pool = choose::blank(floor.policy, &decision).pool;
    let rank = score.0.saturating_neg();
    let place = Place { lane: decision.lane.clone(), rank, since: lead.since, lead_id: lead_id.to_owned() };
    lead.standing = Standing::Waiting { pool: pool.clone(), place: place.clone(), from: floor.at };
    lead.alerts = 0;
    lead.due = alert_at(floor, floor.at, 0);
    let sticky =
        lead.owner.is_some() || account::find(floor, lead, lead_id).is_some_and(|found| found.0.owner.is_some());
    let wants = Wants {
        signature: choose::signature(floor.policy, lead, &decision),
        sticky,
        passes: decision.lane == URGENT || lead.admitted,
    };
    queue::enter(floor.dir, &pool, place, wants);
}

/// Puts everyone who waits where the policy in force says.
pub(crate) fn requeue<D: Directory>(floor: &mut Floor<'_, D>) {
    let desk = row::desk(&*floor.dir, DESK).unwrap_or_default();
    for pool in desk.waiting.keys() {
        for place in queue::places(&*floor.dir, pool).into_keys() {
            let key = lead_key(&place.lead_id);
            let Some(mut lead) = row::lead(&*floor.dir, &key) else { continue };
            stand_anew(floor, &place.lead_id, &mut lead, Points(place.rank.saturating_neg()));
            row::put_lead(floor.dir, &key, lead);
        }
    }
}

/// Puts a lead that waits where it belongs by now; it waits since when it did.
pub(crate) fn stand_anew<D: Directory>(floor: &mut Floor<'_, D>, lead_id: &str, lead: &mut Lead, score: Points) {
    let (alerts, due) = (lead.alerts, lead.due);
    let Standing::Waiting { from, .. } = lead.standing else { return };
    clear(floor, lead);
    wait(floor, lead_id, lead, score);
    (lead.alerts, lead.due) = (alerts, due);
    if let Standing::Waiting { from: since, .. } = &mut lead.standing {
        *since = from;
    }
}

/// When a lead that waits since `from` is told of for the `n`-th time: after the policy's time, then
/// after twice as long, and so on.
pub(crate) fn alert_at<D>(floor: &Floor<'_, D>, from: LogTime, n: u32) -> LogTime {
    let after = floor.policy.routing.alert_after_ms.max(Millis::SECOND);
    let at = later(from, after.saturating_mul(1_i64 << n.min(20)));
    at.max(floor.at.next())
}

/// Takes a lead out of its queue or off its desk.
pub(crate) fn clear<D: Directory>(floor: &mut Floor<'_, D>, lead: &Lead) {
    match &lead.standing {
        Standing::Waiting { pool, place, .. } => {
            queue::leave(floor.dir, pool, place);
        }
        Standing::Owned { .. } => {
            if let Some(owner) = &lead.owner {
                floor.take_back(owner);
            }
        }
        Standing::Closed => {}
    }
}

/// Puts a lead on the desk of the owner chosen, from wherever it is.
pub(crate) fn give<D: Directory>(
    floor: &mut Floor<'_, D>,
    mut lead: Box<Lead>,
    choice: Choice,
    cause: &str,
    said: &mut Vec<Said>,
) {
    let (Some(decision), Some(owner)) = (lead.decision.clone(), choice.owner.clone()) else { return };
    clear(floor, &lead);
    floor.give(&owner);
    let queue = choose::blank(floor.policy, &decision).pool;
    let limit = floor.policy.routing.pools.get(&queue).and_then(|pool| pool.release);
    if let Some(limit) = limit.filter(|_| decision.lane != URGENT && !lead.admitted) {
        let mut room = floor.room(&queue);
        choose::release(&mut room, limit, floor.at);
        floor.put_room(&queue, room);
    }
    let keys = lead.accounts.clone();
    account::own(floor, &keys, &owner);
    let hours = floor.hours_told(Some(&owner), &choice.pool, &decision.facts);
    let is_first = lead.promises.handed_at.is_none();
    let by_hand = is_by_hand(floor, &decision);
    let on_desk = Owner { rep: &owner, pool: &choice.pool, told: hours.as_ref(), by_hand };
    let deadlines = lead.promises.hand_over(floor.policy, &decision.lane, on_desk, lead.since, floor.at);
    lead.due = lead.promises.next().unwrap_or(LogTime::MAX);
    lead.standing = Standing::Owned { pool: choice.pool.clone() };
    lead.owner = Some(owner);
    lead.admitted = true;
    lead.alerts = 0;
    let voice = Voice { policy: floor.policy, at: floor.at };
    said.extend(voice.handed_off(&decision, &lead, choice, cause, Handed { is_first, hours, deadlines }));
    row::put_lead(floor.dir, &lead_key(&decision.lead_id), lead);
}

/// Offers every waiting lead to the reps. Of `newest`, which has just begun to wait, it says also
/// when it has to: with that choice, and why it came.
pub(crate) fn serve<D: Directory>(floor: &mut Floor<'_, D>, newest: Option<(&str, &str)>, said: &mut Vec<Said>) {
    // Room only shrinks within a step: who found nobody leaves nobody for the next one of its kind.
    let mut dry = BTreeSet::new();
    let mut tried = false;
    for (place, (pool, wants)) in offered(floor) {
        let newest = newest.filter(|(lead_id, _)| *lead_id == place.lead_id);
        let kind = (pool, wants.signature);
        if newest.is_none() && !wants.sticky && dry.contains(&kind) {
            continue;
        }
        if !offer(floor, &place.lead_id, newest.map(|(_, cause)| cause), said) {
            dry.insert(kind);
        }
        tried |= newest.is_some();
    }
    if let Some((lead_id, cause)) = newest.filter(|_| !tried) {
        offer(floor, lead_id, Some(cause), said);
    }
}

/// Everyone who waits for a pool in which somebody is free, in the order of service.
fn offered<D: Directory>(floor: &Floor<'_, D>) -> BTreeMap<Place, (String, Wants)> {
    let desk = row::desk(&*floor.dir, DESK).unwrap_or_default();
    let mut offered = BTreeMap::new();
    for (pool, waiting) in desk.waiting {
        let limit = floor.policy.routing.pools.get(&pool).and_then(|pool| pool.release);
        let held = limit.is_some_and(|limit| choose::is_spent(floor, &pool, limit));
        if !is_direct(floor, &pool) || (held && waiting.urgent == 0) {
            continue;
        }
        if waiting.sticky > 0 || somebody_free(floor, &pool) {
            let places = queue::places(&*floor.dir, &pool).into_iter();
            let places = places.filter(|(_, wants)| !held || wants.passes);
            offered.extend(places.map(|(place, wants)| (place, (pool.clone(), wants))));
        }
    }
    offered
}

/// Whether a pool gives out leads by itself. One that the policy has no more does: to the fallback.
pub(crate) fn is_direct<D>(floor: &Floor<'_, D>, pool: &str) -> bool {
    floor.policy.routing.pools.get(pool).is_none_or(|pool| pool.strategy.is_direct())
}

/// Whether a lead is claimed or given out in the pool of its rule.
pub(crate) fn is_by_hand<D>(floor: &Floor<'_, D>, decision: &Qualifying) -> bool {
    !is_direct(floor, &choose::blank(floor.policy, decision).pool)
}

fn somebody_free<D: Directory>(floor: &Floor<'_, D>, pool: &str) -> bool {
    choose::pools_from(floor.policy, pool)
        .into_iter()
        .filter(|pool| is_direct(floor, pool))
        .any(|pool| floor.members(pool).iter().any(|(rep, _)| floor.obstacle(rep).is_none()))
}

/// Offers one lead; whether it went to a desk. With a `cause` it has just come, and says that it waits.
fn offer<D: Directory>(floor: &mut Floor<'_, D>, lead_id: &str, cause: Option<&str>, said: &mut Vec<Said>) -> bool {
    let Some(lead) = row::lead(&*floor.dir, &lead_key(lead_id)) else { return false };
    let Some(choice) = choose(floor, lead_id, &lead) else { return false };
    if choice.owner.is_some() {
        give(floor, lead, choice, cause.unwrap_or("qualified"), said);
        return true;
    }
    if let (Some(cause), Some(decision)) = (cause, &lead.decision) {
        let hours = floor.hours_told(None, &choice.pool, &decision.facts);
        said.extend(Voice { policy: floor.policy, at: floor.at }.queued(decision, &lead, choice, (cause, hours)));
    }
    false
}

/// When somebody could next become eligible, if anybody waits for that: a rep is back, the day is new,
/// a pool may let go again.
///
/// Midnight comes even when nobody is expected back: by then the roster may be another.
pub(crate) fn settle<D: Directory>(floor: &mut Floor<'_, D>) {
    let Some(mut desk) = row::desk(&*floor.dir, DESK) else { return };
    let pools: Vec<String> = desk.waiting.keys().filter(|pool| is_direct(floor, pool)).cloned().collect();
    desk.due = if pools.is_empty() { None } else { Some(next_chance(floor, &pools)) };
    row::put_desk(floor.dir, DESK, desk);
}

/// When somebody could next take a lead of these pools, as far as that is foreseeable; at the latest at midnight.
pub(crate) fn next_chance<D: Directory>(floor: &Floor<'_, D>, pools: &[String]) -> LogTime {
    let now = floor.at.millis();
    let midnight = Millis(now.day().saturating_add(1).saturating_mul(Millis::DAY));
    let mut reps = BTreeSet::new();
    for first in pools {
        // Whoever had a lead before may be of any pool.
        reps.extend(floor.policy.routing.reps.keys().map(|rep| (rep.clone(), first.as_str())));
        for pool in choose::pools_from(floor.policy, first) {
            reps.extend(floor.members(pool).into_iter().map(|(rep, _)| (rep, pool)));
        }
    }
    let back = reps.iter().filter_map(|(rep, pool)| floor.back(rep, pool));
    let back = back.chain([midnight]).min().map(LogTime::from_millis);
    let freed = pools.iter().filter_map(|pool| {
        let limit = floor.policy.routing.pools.get(pool)?.release?;
        let released = floor.room(pool).released;
        let first = released.len().checked_sub(limit.most)?;
        released.get(first).map(|at| later(*at, limit.per_ms))
    });
    let next = back.into_iter().chain(freed.filter(|at| *at > floor.at)).min();
    next.unwrap_or(LogTime::MAX).max(floor.at.next())
}
