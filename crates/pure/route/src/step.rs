//! One lead qualified, or a moment come: who takes what.
//!
//! Holds: the queue is served whole and in order at each step, so a lead never
//! overtakes one of its own urgency that could have gone to the same desk.
//!
//! Absent on purpose: waiting for office hours. A rep off duty may be given a
//! lead when nobody is on duty; the clock waits for them, the lead need not.

use std::collections::BTreeSet;

use baton_domain::{Assignment, ClockStart, Excluded, Handoff, LogTime, Millis, Qualifying, Stamp, WatchInput};
use baton_policy::{Policy, Rep, RepStatus};
use baton_stage::{Input, Step};

use crate::Said;
use crate::state::{Place, State};

/// Judges one input of the roster.
pub(crate) fn step(policy: &Policy, state: Option<State>, input: Input<Qualifying>) -> Step<State, Said> {
    let mut state = state.unwrap_or_default();
    let mut outputs = Vec::new();
    let (at, outcome) = match input {
        Input::Record { at, event } => {
            let newest = state.enqueue(event, at);
            serve(policy, &mut state, at, newest.as_ref(), &mut outputs);
            (at, newest.map_or("repeated", |place| if state.waits(&place) { "queued" } else { "assigned" }))
        }
        Input::Wake { due, .. } => {
            serve(policy, &mut state, due, None, &mut outputs);
            (due, if outputs.is_empty() { "queued" } else { "assigned" })
        }
    };
    let wake = next_chance(policy, &state, at);
    Step { state: Some(state), wake, outputs, outcome }
}

/// A desk, or that there is none, and how it was found.
struct Choice {
    owner: Option<String>,
    pool: String,
    rule: String,
    why: String,
    excluded: Vec<Excluded>,
}

/// Offers every waiting lead to the reps; says of the `newest` also that it has to wait.
fn serve(policy: &Policy, state: &mut State, at: LogTime, newest: Option<&Place>, said: &mut Vec<Said>) {
    state.turn_to(at.millis().day());
    // Room only shrinks within a step: a pool that had nobody for one lead has nobody for the next.
    let mut dry = BTreeSet::new();
    for place in state.places() {
        let Some(decision) = state.dequeue(&place) else { continue };
        let pool = policy.pool_for(&decision.lane, &decision.facts).1;
        let is_newest = newest == Some(&place);
        if dry.contains(pool) && !is_newest && sticky(policy, state, &decision, at).is_none() {
            state.put_back(place, decision);
            continue;
        }
        let choice = choose(policy, state, &decision, at);
        if let Some(owner) = &choice.owner {
            state.give(&decision, owner);
            hand_off(policy, decision, choice, &place, at, said);
            continue;
        }
        dry.insert(pool);
        if is_newest {
            said.push(Said::Assignment(assignment(policy, &decision, choice, &place, at)));
        }
        state.put_back(place, decision);
    }
}

/// Finds a desk: the previous owner, else the pool of the rules, what it overflows to, the fallback.
fn choose(policy: &Policy, state: &mut State, decision: &Qualifying, at: LogTime) -> Choice {
    let (rule, first) = policy.pool_for(&decision.lane, &decision.facts);
    let mut choice = Choice {
        owner: sticky(policy, state, decision, at),
        pool: first.to_owned(),
        rule: rule.to_owned(),
        why: "sticky: previous owner".to_owned(),
        excluded: Vec::new(),
    };
    if choice.owner.is_some() {
        return choice;
    }
    for pool in pools_from(policy, first) {
        if let Some((owner, off_hours)) = next_in(policy, state, pool, at, &mut choice.excluded) {
            let cover = if pool == first { String::new() } else { format!(" of {pool}, in place of {first}") };
            let hours = if off_hours { ", nobody in hours" } else { "" };
            choice.owner = Some(owner);
            pool.clone_into(&mut choice.pool);
            choice.why = format!("next in turn{cover}{hours}");
            return choice;
        }
    }
    "waiting: nobody eligible".clone_into(&mut choice.why);
    choice
}

/// The lead's previous owner, if they can take it.
fn sticky(policy: &Policy, state: &State, decision: &Qualifying, at: LogTime) -> Option<String> {
    let owner = state.previous_owner(&decision.lead_id)?;
    obstacle(policy, state, owner, at).is_none().then(|| owner.to_owned())
}

/// The pools to ask, in order, each once: a ring of overflows ends where it began.
fn pools_from<'a>(policy: &'a Policy, first: &'a str) -> Vec<&'a str> {
    let routing = &policy.routing;
    let mut pools = Vec::new();
    for start in [first, routing.fallback.as_str()] {
        let mut next = Some(start);
        while let Some(pool) = next.filter(|pool| !pools.contains(pool)) {
            pools.push(pool);
            next = routing.pools.get(pool).and_then(|pool| pool.overflow.as_deref());
        }
    }
    pools
}

/// The member of `pool` whose turn it is, and whether that is off their hours; notes those passed over.
fn next_in(
    policy: &Policy,
    state: &mut State,
    pool: &str,
    at: LogTime,
    excluded: &mut Vec<Excluded>,
) -> Option<(String, bool)> {
    let members = &policy.routing.pools.get(pool)?.members;
    let mut reasons: Vec<Option<&'static str>> =
        members.iter().map(|(rep, _)| obstacle(policy, state, rep, at)).collect();
    let on_duty = |rep: &str| policy.calendar_of(Some(rep)).is_open(at.millis());
    let off_hours = !members.iter().zip(&reasons).any(|((rep, _), reason)| reason.is_none() && on_duty(rep));
    if !off_hours {
        for (_, reason) in members.iter().zip(&mut reasons).filter(|((rep, _), _)| !on_duty(rep)) {
            reason.get_or_insert("off_hours");
        }
    }
    let next = state.take_turn(pool, members, |i| reasons[i].is_none());
    for (i, ((rep, _), reason)) in members.iter().zip(reasons).enumerate() {
        if next != Some(i) && !excluded.iter().any(|other| other.rep == *rep) {
            excluded.push(Excluded { rep: rep.clone(), reason: reason.unwrap_or("not_their_turn").to_owned() });
        }
    }
    next.map(|i| (members[i].0.clone(), off_hours))
}

/// Why a rep cannot take a lead at all, hours aside; `None` when they can.
fn obstacle(policy: &Policy, state: &State, rep_id: &str, at: LogTime) -> Option<&'static str> {
    // A rep struck from the roster may still be remembered as a previous owner.
    let Some(rep) = policy.routing.reps.get(rep_id) else { return Some("gone") };
    if rep.status == RepStatus::Gone {
        Some("gone")
    } else if !rep.present(at) {
        Some("away")
    } else if rep.day_max.is_some_and(|most| state.taken(rep_id) >= most) {
        Some("day_full")
    } else {
        None
    }
}

/// When someone could next become eligible, if anybody waits: a rep is back, or the day is new.
///
/// Midnight comes even when nobody is expected back: by then the roster may be another.
fn next_chance(policy: &Policy, state: &State, at: LogTime) -> Option<LogTime> {
    if state.nobody_waits() {
        return None;
    }
    let now = at.millis();
    let midnight = Millis(now.day().saturating_add(1).saturating_mul(Millis::DAY));
    let back = |rep: &Rep| rep.away.iter().filter(|(from, to)| *from <= now && now < *to).map(|(_, to)| *to).min();
    let active = policy.routing.reps.values().filter(|rep| rep.status == RepStatus::Active);
    active.filter_map(back).chain([midnight]).min().map(LogTime::from_millis)
}

/// Says that a lead is on a desk: to those who count, to the rep, to the watchdog.
fn hand_off(policy: &Policy, decision: Qualifying, choice: Choice, place: &Place, at: LogTime, said: &mut Vec<Said>) {
    let stamp = Stamp { at, lane: 0 };
    let assignment = assignment(policy, &decision, choice, place, at);
    let input = WatchInput::HandedOff {
        lead_id: decision.lead_id.clone(),
        handoff_id: decision.handoff_id.clone(),
        episode: decision.episode,
        lane: decision.lane.clone(),
        owner: assignment.owner.clone(),
        pool: assignment.pool.clone(),
        qualified_at: place.since,
        policy_version: policy.version,
        occurred_at: decision.occurred_at,
    };
    said.push(Said::Assignment(assignment.clone()));
    said.push(Said::Handoff(Box::new(Handoff { stamp, decision, assignment })));
    said.push(Said::Clock(ClockStart { stamp, input }));
}

fn assignment(policy: &Policy, decision: &Qualifying, choice: Choice, place: &Place, at: LogTime) -> Assignment {
    Assignment {
        stamp: Stamp { at, lane: 0 },
        lead_id: decision.lead_id.clone(),
        handoff_id: decision.handoff_id.clone(),
        episode: decision.episode,
        owner: choice.owner,
        pool: choice.pool,
        rule: choice.rule,
        why: choice.why,
        excluded: choice.excluded,
        waited_ms: at.millis().since(place.since.millis()),
        policy_version: policy.version,
    }
}
