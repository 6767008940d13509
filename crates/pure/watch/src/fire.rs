//! What time brings: warnings, breaches, what follows from them, and the ends of pauses.
//!
//! Holds: things due are told in the order in which they fell due; a pause that ends moves what is due.
//!
//! Absent on purpose: the lead's and the rep's next move (the scorer and the router reckon the same
//! instants and move at them).

use baton_domain::{Clock, LogTime, SlaEventKind};

use crate::hear::resume_clocks;
use crate::running::Due;
use crate::state::State;
use crate::step::start;
use crate::voice::{Voice, When};

/// Says everything that is due by `due`.
pub(crate) fn fire(voice: &mut Voice<'_>, mut state: State, due: LogTime) -> State {
    let (over, lasting): (Vec<_>, Vec<_>) =
        state.halts.drain(..).partition(|halt| halt.until.is_some_and(|until| until <= due));
    state.halts = lasting;
    if !over.is_empty() && state.halts.is_empty() {
        resume_clocks(voice, &mut state, due, "");
    }
    if let Some(date) = state.check_in.take_if(|date| date.at <= due) {
        start(voice, &mut state, Clock::CheckIn, date.at, due);
    }
    fire_levels(voice, &mut state, due);
    state
}

fn fire_levels(voice: &mut Voice<'_>, state: &mut State, due: LogTime) {
    let mut fired: Vec<(LogTime, usize, Due)> = Vec::new();
    for (n, running) in state.clocks.iter_mut().enumerate().filter(|(_, running)| !running.is_halted()) {
        let passed = running.levels.iter().take_while(|level| level.at <= due).count();
        fired.extend(running.levels.drain(..passed).map(|level| (level.at, n, level)));
    }
    fired.sort_by_key(|(at, n, level)| (*at, *n, level.level));
    for (_, n, level) in fired {
        let kind = match level.level {
            ..100 => SlaEventKind::Warned,
            100 => SlaEventKind::Breached,
            _ => SlaEventKind::Escalated,
        };
        state.clocks[n].breached |= kind == SlaEventKind::Breached;
        let when = When { at: due, until: due.millis(), level: Some(&level), cause: "", late: false };
        voice.say(&state.handoff, state.last_activity, &state.clocks[n], kind, &when);
    }
}
