//! One input, or a moment come: who takes what.
//!
//! Holds: every input has one outcome; after it each queue has been served as far as anybody is free,
//! and is looked at again when that may change.

use baton_domain::{LogTime, RepState, RouteInput, is_canary};
use baton_policy::Policy;

use crate::alert;
use crate::choose::choose;
use crate::floor::Floor;
use crate::hear::{self, voice};
use crate::rise;
use crate::row::{self, DESK, Directory, Row, Standing, lead_key, load_key, room_key};
use crate::say::Said;
use crate::serve::{alert_at, give, requeue, serve, settle};

/// What the router hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Of a lead, from the scorer.
    Lead(RouteInput),
    /// Of a rep, from the roster.
    Rep(RepState),
}

/// What the router answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "what is not written is lost"]
pub struct Answer {
    /// What to say, in order.
    pub outputs: Vec<Said>,
    /// Under which heading the ledger counts the input.
    pub outcome: &'static str,
}

/// Judges one input at `at`.
///
/// Outcomes: `assigned`, `queued`, `repeated` (ready); `released`, `stale`; `ranked`, `raised`, `lowered`, `not_waiting`;
/// `told_on`; `answered`, `paused`, `resumed`; `alerted`, `gathered`, `taken_back`; `owner`, `claimed`, `dispatched`, `too_late`, `not_a_member`, `not_the_dispatcher`, `owner_noted`,
/// `unchanged`; `roster`; `policy`; `canary`; `tick`.
pub fn step(policy: &Policy, dir: &mut impl Directory, at: LogTime, heard: Heard) -> Answer {
    let mut outputs = Vec::new();
    let mut floor = Floor::new(policy, dir, at);
    let outcome = match heard {
        Heard::Lead(RouteInput::Qualified(decision)) if is_canary(&decision.lead_id) => {
            // No desk, no turn, no load: whoever is next is next all the same.
            return Answer { outputs: vec![hear::voice(&floor).canary(*decision)], outcome: "canary" };
        }
        Heard::Lead(RouteInput::Qualified(decision)) => hear::qualified(&mut floor, *decision, &mut outputs),
        Heard::Lead(RouteInput::Released(released)) => hear::released(&mut floor, &released, &mut outputs),
        Heard::Lead(RouteInput::Owner(change)) => hear::owner(&mut floor, &change, &mut outputs),
        Heard::Lead(RouteInput::Moved(moved)) => rise::moved(&mut floor, &moved, &mut outputs),
        Heard::Lead(RouteInput::Answered(answered)) => hear::answered(&mut floor, &answered, &mut outputs),
        Heard::Lead(RouteInput::Noticed(noticed)) => alert::notice(&mut floor, noticed, &mut outputs),
        Heard::Lead(RouteInput::Policy(_)) => {
            requeue(&mut floor);
            serve(&mut floor, None, &mut outputs);
            "policy"
        }
        Heard::Lead(RouteInput::Tick(_)) => return Answer { outputs, outcome: "tick" },
        Heard::Rep(state) => {
            tell(&mut floor, state);
            serve(&mut floor, None, &mut outputs);
            "roster"
        }
    };
    settle(&mut floor);
    Answer { outputs, outcome }
}

/// The moment that a row asked for. `key` is the key that [`Directory::put`] was given.
pub fn wake(policy: &Policy, dir: &mut impl Directory, key: &str, due: LogTime) -> Vec<Said> {
    let mut outputs = Vec::new();
    let row = dir.get(key);
    let mut floor = Floor::new(policy, dir, due);
    match row {
        Some(Row::Desk(_)) => serve(&mut floor, None, &mut outputs),
        Some(Row::Lead(lead)) if matches!(lead.standing, Standing::Waiting { .. }) => {
            still_waits(&mut floor, key, &mut outputs);
        }
        Some(Row::Lead(lead)) if matches!(lead.standing, Standing::Owned { .. }) => {
            crate::silent::silent(&mut floor, key.strip_prefix("l/").unwrap_or(key), lead, &mut outputs);
        }
        Some(Row::Lead(lead)) => {
            // It came back so late that nobody is remembered for it.
            crate::account::leave(&mut floor, &lead.accounts, key.strip_prefix("l/").unwrap_or(key));
            floor.dir.put(key, None, None);
        }
        Some(Row::Account(_)) => floor.dir.put(key, None, None),
        Some(Row::News(news)) => alert::tell(&mut floor, key, news, &mut outputs),
        _ => {}
    }
    settle(&mut floor);
    outputs
}

/// A lead has waited for long: it is offered once more, else told of.
fn still_waits<D: Directory>(floor: &mut Floor<'_, D>, key: &str, said: &mut Vec<Said>) {
    serve(floor, None, said);
    let Some(mut lead) = row::lead(&*floor.dir, key) else { return };
    let Standing::Waiting { from, .. } = &lead.standing else { return };
    let from = *from;
    lead.alerts = lead.alerts.saturating_add(1);
    lead.due = alert_at(floor, from, lead.alerts);
    let lead_id = key.strip_prefix("l/").unwrap_or(key).to_owned();
    let (Some(choice), Some(decision)) = (choose(floor, &lead_id, &lead), lead.decision.clone()) else { return };
    if choice.owner.is_some() {
        // In a pool that gives out nothing by itself, the lead's own rep is free by now.
        return give(floor, lead, choice, "qualified", said);
    }
    said.push(voice(floor).told(&decision, &lead, choice, "unrouted"));
    row::put_lead(floor.dir, &lead_key(&lead_id), lead);
}

/// A rep's new state: what was told before is forgotten.
fn tell<D: Directory>(floor: &mut Floor<'_, D>, state: RepState) {
    let id = state.rep.clone();
    let before = floor.told(&id).and_then(|told| told.pools).unwrap_or_default();
    let after = state.pools.clone().unwrap_or_default();
    for pool in before.iter().chain(&after) {
        let mut room = floor.room(pool);
        if after.contains(pool) {
            room.joined.insert(id.clone(), state.weight);
        } else {
            room.joined.remove(&id);
        }
        row::put_room(floor.dir, &room_key(pool), room);
    }
    floor.change(&id, |load| {
        crate::pause::forget(load);
        load.told = Some(Box::new(state));
    });
    debug_assert!(row::load(&*floor.dir, &load_key(&id)).is_some(), "a telling is kept");
}

/// So many ms later, or earlier; stops at the ends of time.
pub(crate) fn later(at: LogTime, ms: i64) -> LogTime {
    LogTime(at.0.saturating_add(ms.saturating_mul(1_000)))
}

/// Whether anybody waits, for hosts that measure.
pub fn waiting(dir: &impl Directory) -> u64 {
    let desk = row::desk(dir, DESK).unwrap_or_default();
    desk.waiting.values().map(|waiting| u64::from(waiting.all)).sum()
}
