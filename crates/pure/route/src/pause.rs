//! The rep who lets promises break: no more leads for now.
//!
//! Holds: a rep is paused by promises broken in a row, with nothing done for any lead between them, and is
//! back with the first thing they do, a word of the roster's, or when the time is over.
//!
//! Absent on purpose: the leads that they have, which stay or go by the policy's steps.

use baton_domain::LogTime;
use jiff::Timestamp;

use crate::floor::Floor;
use crate::row::{Directory, Load};
use crate::step::later;

/// Counts broken promises against a rep; in words how they are paused, where that does it.
pub(crate) fn strike<D: Directory>(floor: &mut Floor<'_, D>, rep: &str, broken: usize) -> Option<String> {
    let rule = floor.policy.routing.auto_pause.filter(|_| broken > 0 && floor.knows(rep))?;
    let at = floor.at;
    let mut paused = None;
    floor.change(rep, |load| {
        if load.auto_paused.is_some_and(|until| at < until) {
            return;
        }
        let since = later(at, rule.within_ms.saturating_neg());
        load.strikes.retain(|strike| *strike > since);
        load.strikes.extend(std::iter::repeat_n(at, broken));
        if load.strikes.len() >= rule.after {
            paused = Some((load.strikes.len(), later(at, rule.for_ms)));
            (load.strikes, load.auto_paused) = (Vec::new(), paused.map(|(_, until)| until));
        }
    });
    let (broken, until) = paused?;
    let promises = if broken == 1 { "promise" } else { "promises" };
    Some(format!("{rep} gets no leads until {}: {broken} {promises} broken in a row", utc(until)))
}

/// The rep did something. Whether they may have leads again for it.
pub(crate) fn lift<D: Directory>(floor: &mut Floor<'_, D>, rep: &str) -> bool {
    if !floor.counts_against(rep) {
        return false;
    }
    let mut was_paused = false;
    floor.change(rep, |load| was_paused = forget(load));
    was_paused
}

/// Nothing counts against a rep any more. Whether they were paused.
pub(crate) fn forget(load: &mut Load) -> bool {
    load.strikes.clear();
    load.auto_paused.take().is_some()
}

fn utc(at: LogTime) -> String {
    Timestamp::from_second(at.millis().0.div_euclid(1_000)).map(|at| at.to_string()).unwrap_or_default()
}
