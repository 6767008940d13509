//! What an event of the lead means to its clocks.
//!
//! Holds: a running clock is answered by log order, a broken one by what
//! happened when: an answer given in time takes the breach back while its grace lasts. The first answer that does not
//! is told too, as late: who answers a broken promise counts among those who answer.
//!
//! Absent on purpose: an answer taken back. A clock that was met has said all there is; an event that
//! never was is the scorer's business, which withdraws the handoff where it must.

use baton_domain::{
    Body, Clock, ConsentState, CrmActivity, CrmKind, Direction, LeadEvent, LogTime, Millis, SlaEventKind, Stage,
    TouchOutcome,
};
use baton_policy::{Destination, Policy};

use crate::consent::{opted_in, refuses};
use crate::running::Running;
use crate::state::{CheckIn, Halt, State};
use crate::step::{enter, start};
use crate::voice::{Voice, When};

/// What an event means to a clock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// What was promised is done.
    Answers,
    /// It is no longer owed.
    Releases,
    /// A part of what was promised is done.
    Counts,
    /// Nothing.
    Nothing,
}

/// Tells each clock of an event of the lead; forgets a lead that asked for it.
pub(crate) fn hear(voice: &mut Voice<'_>, mut state: State, event: &LeadEvent, at: LogTime) -> Option<State> {
    if matches!(event.body, Body::Crm(_) | Body::Activity(_)) {
        state.last_activity = state.last_activity.max(Some(event.occurred_at));
    }
    state.opted_in = state.opted_in.max(opted_in(voice.policy, event));
    let void = state.has_outdated(voice.policy, event);
    let next = next_stage(voice.policy, &event.body, state.stage)
        .filter(|_| !void && !is_of_an_earlier_episode(voice.policy, &state, event));
    let mut clocks = std::mem::take(&mut state.clocks);
    let mut cadence_done = false;
    clocks.retain_mut(|running| {
        let meaning = meaning(voice.policy, &event.body, running, next.is_some(), void);
        let ended = told(voice, &state, running, meaning, event, at);
        cadence_done |= ended && running.clock == Clock::Cadence && meaning != Meaning::Releases;
        !ended
    });
    state.clocks = clocks;
    if let Body::Crm(crm) = &event.body
        && !void
    {
        follow_sales(voice, &mut state, crm, event, at, cadence_done);
    }
    if let Some(Move::Into(stage)) = next {
        enter(voice, &mut state, stage, at, at);
    }
    if refuses(&event.body) && !void {
        state.check_in = None;
        state.halts.clear();
        state.handoff.over = true;
    }
    let erased = matches!(&event.body, Body::Consent(consent) if consent.state == ConsentState::Erased);
    (!erased).then_some(state)
}

/// Tells one clock; whether it has ended.
fn told(
    voice: &mut Voice<'_>,
    state: &State,
    running: &mut Running,
    meaning: Meaning,
    event: &LeadEvent,
    at: LogTime,
) -> bool {
    // What sales did before the handoff says nothing about it; a lead's No holds from when it is known, and a
    // lead leaves its stage when that is told, as it does for the scorer.
    let dated = matches!(event.body, Body::Crm(_)) && running.clock != Clock::StageAge;
    if meaning == Meaning::Nothing || dated && !running.concerns(event.occurred_at) {
        return false;
    }
    match meaning {
        Meaning::Counts => {
            // After the end only an attempt that was made in time counts.
            if running.breached && !running.in_time(event.occurred_at) {
                return false;
            }
            running.done += 1;
            running.done >= running.promised && answered(voice, state, running, event, at)
        }
        Meaning::Answers => answered(voice, state, running, event, at),
        Meaning::Releases if running.breached => {
            running.levels.clear();
            running.settled = true;
            false
        }
        Meaning::Releases | Meaning::Nothing => {
            let when = When::heard(at, at.millis(), &event.event_id);
            voice.say(&state.handoff, state.last_activity, running, SlaEventKind::Cancelled, &when);
            true
        }
    }
}

/// Says that a promise was kept, or answered after it broke; `false` while a breach may still be taken back.
fn answered(voice: &mut Voice<'_>, state: &State, running: &mut Running, event: &LeadEvent, at: LogTime) -> bool {
    let in_time = running.in_time(event.occurred_at);
    if running.breached {
        // Late or not: nobody need be told further up.
        running.levels.clear();
        let for_good = !running.can_be_taken_back(at);
        if !in_time || for_good {
            if !std::mem::replace(&mut running.settled, true) {
                let when = When::late(at, event.occurred_at.min(at.millis()), &event.event_id);
                voice.say(&state.handoff, state.last_activity, running, SlaEventKind::Met, &when);
            }
            return for_good;
        }
        let when = When::heard(at, at.millis(), &event.event_id);
        voice.say(&state.handoff, state.last_activity, running, SlaEventKind::Retracted, &when);
    }
    // A source whose clock is ahead may date an answer after the deadline before the deadline
    // has come: then the log's time is the better witness.
    let until = if in_time { event.occurred_at } else { at.millis() };
    let when = When::heard(at, until, &event.event_id);
    voice.say(&state.handoff, state.last_activity, running, SlaEventKind::Met, &when);
    true
}

/// What an event means to a clock; `void` where it is a No that the person has outdated.
fn meaning(policy: &Policy, body: &Body, running: &Running, leaves_stage: bool, void: bool) -> Meaning {
    if refuses(body) {
        return if void { Meaning::Nothing } else { Meaning::Releases };
    }
    if running.clock == Clock::StageAge {
        return if leaves_stage { Meaning::Answers } else { Meaning::Nothing };
    }
    match body {
        // The rep has answered all the same, as the router hears; but a verdict is still owed.
        Body::Crm(crm) if void && crm.kind == CrmKind::Disposition => ends(policy, crm, running.clock),
        Body::Crm(crm) => meaning_of_sales(policy, crm, running.clock),
        _ => Meaning::Nothing,
    }
}

fn meaning_of_sales(policy: &Policy, crm: &CrmActivity, clock: Clock) -> Meaning {
    match (crm.kind, clock) {
        (CrmKind::Touch, Clock::Cadence) if is_contact(crm) => Meaning::Answers,
        (CrmKind::Touch, Clock::Cadence) if is_attempt(crm) => Meaning::Counts,
        (CrmKind::Touch, Clock::CheckIn) if is_attempt(crm) => Meaning::Answers,
        (CrmKind::Touch, Clock::FirstTouch) | (_, Clock::Accept) => ends(policy, crm, clock),
        (CrmKind::Opportunity, Clock::Disposition | Clock::Cadence) => Meaning::Answers,
        (CrmKind::Opportunity, Clock::FirstTouch) => Meaning::Releases,
        (CrmKind::Disposition, Clock::FirstTouch | Clock::Cadence | Clock::CheckIn) if policy.gives_back(crm) => {
            Meaning::Releases
        }
        (CrmKind::Disposition, Clock::Disposition | Clock::Cadence) if policy.puts_off(crm).is_none() => {
            Meaning::Answers
        }
        _ => Meaning::Nothing,
    }
}

/// Whether what sales did is the answer that the router takes it for too.
fn ends(policy: &Policy, crm: &CrmActivity, clock: Clock) -> Meaning {
    let answer = policy.answer(crm).filter(|answer| answer.ends(clock));
    answer.map_or(Meaning::Nothing, |_| Meaning::Answers)
}

/// A person of sales tried to reach the lead.
fn is_attempt(crm: &CrmActivity) -> bool {
    crm.touch.as_ref().is_some_and(|touch| !touch.automated && touch.direction == Direction::Outbound)
}

/// Lead and rep spoke.
fn is_contact(crm: &CrmActivity) -> bool {
    crm.touch.as_ref().is_some_and(|touch| !touch.automated && touch.outcome == TouchOutcome::Connected)
}

/// When sales is to see a lead again that it gives back: the date that it names, else the policy's for the
/// code, as the scorer reckons it.
fn check_in(policy: &Policy, crm: &CrmActivity, at: LogTime) -> Option<Millis> {
    let verdict = crm.disposition.as_ref()?;
    policy.lifecycle.dispositions.get(&verdict.code)?.check_in(at.millis(), verdict.next_check_in)
}

/// Whether sales took over, judged or ended a deal before the lead was ready for the episode that is open: the
/// scorer moves no lead for that. That somebody must not be contacted holds whenever it was said.
fn is_of_an_earlier_episode(policy: &Policy, state: &State, event: &LeadEvent) -> bool {
    let Body::Crm(crm) = &event.body else { return false };
    let claims = match crm.kind {
        CrmKind::Accepted => true,
        CrmKind::Disposition => policy.destination(crm) != Some(Destination::Suppressed),
        CrmKind::Opportunity => matches!(crm.opportunity.as_deref(), Some("won" | "lost")),
        CrmKind::Touch | CrmKind::Status | CrmKind::Owner => false,
    };
    claims && state.handoff.episode > 1 && event.occurred_at < state.handoff.qualified_at.millis()
}

/// Where a lead goes that leaves its stage.
enum Move {
    /// Into a stage in which it may grow old.
    Into(Stage),
    /// To the end, or back to marketing.
    Out,
}

/// Whether the lead leaves its stage, and where it goes.
fn next_stage(policy: &Policy, body: &Body, stage: Option<Stage>) -> Option<Move> {
    let stage = stage?;
    let Body::Crm(crm) = body else { return None };
    let next = match crm.kind {
        CrmKind::Accepted => Some(Stage::Sal),
        CrmKind::Disposition if policy.gives_back(crm) => return Some(Move::Out),
        CrmKind::Disposition => (policy.destination(crm) == Some(Destination::Qualified)).then_some(Stage::Sql),
        CrmKind::Opportunity => match crm.opportunity.as_deref() {
            Some("won" | "lost") => return Some(Move::Out),
            _ => Some(Stage::Opportunity),
        },
        CrmKind::Touch | CrmKind::Status | CrmKind::Owner => None,
    };
    next.filter(|next| *next > stage).map(Move::Into)
}

/// What sales did beyond the clocks that run: clocks that it starts, and reasons to stand still.
fn follow_sales(
    voice: &mut Voice<'_>,
    state: &mut State,
    crm: &CrmActivity,
    event: &LeadEvent,
    at: LogTime,
    cadence_done: bool,
) {
    let Some(assigned_at) = state.handoff.assigned_at.filter(|at| event.occurred_at >= at.millis()) else { return };
    match crm.kind {
        CrmKind::Touch if !state.handoff.over => {
            let done_at = LogTime::from_millis(event.occurred_at).clamp(assigned_at, at.max(assigned_at));
            if is_attempt(crm) && !is_contact(crm) && !state.handoff.tried {
                begin_cadence(voice, state, event, done_at, at);
            }
            if (is_contact(crm) || cadence_done) && !state.handoff.reached {
                state.handoff.tried = true;
                state.handoff.reached = true;
                start(voice, state, Clock::Disposition, done_at, at);
            }
        }
        CrmKind::Disposition if voice.policy.gives_back(crm) => {
            let date = check_in(voice.policy, crm, at).map(LogTime::from_millis).filter(|date| *date > at);
            state.check_in = date.map(|at| CheckIn { at, event_id: event.event_id.clone() });
            state.handoff.over = true;
            state.stage = None;
            state.halts.clear();
        }
        CrmKind::Disposition => {
            let Some(until) = voice.policy.puts_off(crm).map(LogTime::from_millis).filter(|until| *until > at) else {
                return;
            };
            let cause = crm.disposition.as_ref().map_or("", |verdict| &verdict.code);
            let halt = Halt { cause: cause.to_owned(), event_id: event.event_id.clone(), until: Some(until) };
            state.halts.retain(|halt| halt.until.is_none());
            add_halt(voice, state, at, halt);
        }
        CrmKind::Status => follow_status(voice, state, crm, event, at),
        CrmKind::Touch | CrmKind::Owner | CrmKind::Accepted | CrmKind::Opportunity => {}
    }
}

/// The first attempt starts the count of them, itself included.
fn begin_cadence(voice: &mut Voice<'_>, state: &mut State, event: &LeadEvent, first: LogTime, at: LogTime) {
    state.handoff.tried = true;
    start(voice, state, Clock::Cadence, first, at);
    let mut clocks = std::mem::take(&mut state.clocks);
    clocks.retain_mut(|running| {
        running.clock != Clock::Cadence || !told(voice, state, running, Meaning::Counts, event, at)
    });
    state.clocks = clocks;
}

fn follow_status(voice: &mut Voice<'_>, state: &mut State, crm: &CrmActivity, event: &LeadEvent, at: LogTime) {
    let Some(status) = crm.status.as_ref() else { return };
    let was_halted = !state.halts.is_empty();
    let stops = voice.policy.sla.pause_statuses.contains(status);
    if stops && state.halts.iter().any(|halt| halt.until.is_none()) {
        return;
    }
    state.halts.retain(|halt| halt.until.is_some());
    if stops {
        let halt = Halt { cause: status.clone(), event_id: event.event_id.clone(), until: None };
        add_halt(voice, state, at, halt);
    } else if was_halted && state.halts.is_empty() {
        resume_clocks(voice, state, at, &event.event_id);
    }
}

fn add_halt(voice: &mut Voice<'_>, state: &mut State, at: LogTime, halt: Halt) {
    halt_clocks(voice, state, at, &halt);
    state.halts.push(halt);
}

/// Clocks of what the rep owes stand still; a lead grows old all the same.
fn may_halt(running: &Running) -> bool {
    let is_reps = matches!(running.clock, Clock::Accept | Clock::FirstTouch | Clock::Disposition);
    is_reps && !(running.breached && running.levels.is_empty())
}

/// Stops the rep's clocks that run.
pub(crate) fn halt_clocks(voice: &mut Voice<'_>, state: &mut State, at: LogTime, halt: &Halt) {
    let handoff = &state.handoff;
    for running in state.clocks.iter_mut().filter(|running| may_halt(running) && !running.is_halted()) {
        running.halt(voice.policy, at, &halt.cause, &halt.event_id);
        let when = When::heard(at, at.millis(), &halt.event_id);
        voice.say(handoff, state.last_activity, running, SlaEventKind::Paused, &when);
    }
}

/// Lets the clocks that stand still go on.
pub(crate) fn resume_clocks(voice: &mut Voice<'_>, state: &mut State, at: LogTime, event_id: &str) {
    let handoff = &state.handoff;
    for running in state.clocks.iter_mut().filter(|running| running.is_halted()) {
        running.resume(voice.policy, at);
        let when = When::heard(at, at.millis(), event_id);
        voice.say(handoff, state.last_activity, running, SlaEventKind::Resumed, &when);
    }
}
