//! One input of a lead: handed over to whoever it concerns, and when to wake next.
//!
//! Holds: an input that changes owners first settles what was due for the owner before, up to and
//! including its own instant: the breach at that instant and the new owner it brings are both told.
//!
//! Absent on purpose: what an event of the lead means to a clock (`hear`), what time brings (`fire`).

use baton_domain::{Clock, DeskHours, LogTime, Millis, Points, SlaEvent, SlaEventKind, Stage, WatchInput, is_canary};
use baton_policy::{Owing, Policy};
use baton_stage::{Input, Step};

use crate::Heard;
use crate::consent::opted_in;
use crate::fire::fire;
use crate::hear::hear;
use crate::running::{Running, Whose};
use crate::state::{Handoff, State};
use crate::voice::{Voice, When};

/// Judges one input of a lead.
pub(crate) fn step(policy: &Policy, lead_id: &str, state: Option<State>, input: Input<Heard>) -> Step<State, SlaEvent> {
    if is_canary(lead_id) {
        return Step::quiet(None, "canary");
    }
    let mut voice = Voice { policy, lead_id, said: Vec::new() };
    let (at, state, outcome) = match input {
        Input::Record { at, event: Heard::Clock(input) } => {
            let (state, outcome) = hear_desk(&mut voice, state, input, at);
            (at, state, outcome)
        }
        Input::Record { at, event: Heard::Lead(event) } => {
            let state = match state {
                Some(state) if state.is_idle() => state.hear_idle(policy, &event),
                Some(state) => hear(&mut voice, state, &event, at),
                None => opted_in(policy, &event).map(State::idle),
            };
            (at, state, outcome_of(&voice.said))
        }
        Input::Wake { due } => {
            let state = state.map(|state| fire(&mut voice, state, due));
            (due, state, if voice.said.is_empty() { "ignored" } else { "fired" })
        }
    };
    // A promise shorter than a step of log time is due at the next step.
    let wake = state.as_ref().and_then(State::next_due).map(|due| due.max(at.next()));
    Step { state, wake, outputs: voice.said, outcome }
}

/// The router's word.
fn hear_desk(
    voice: &mut Voice<'_>,
    before: Option<State>,
    input: WatchInput,
    at: LogTime,
) -> (Option<State>, &'static str) {
    let news = match input {
        WatchInput::HandedOff {
            handoff_id: id,
            episode,
            lane,
            owner,
            pool,
            qualified_at,
            occurred_at,
            score,
            hours,
            ..
        } => News { id, episode, lane, owner, pool, qualified_at, occurred_at, score, hours },
        WatchInput::Queued { handoff_id: id, episode, lane, pool, qualified_at, occurred_at, score, hours, .. } => {
            News { id, episode, lane, owner: None, pool, qualified_at, occurred_at, score, hours }
        }
        WatchInput::Scored { handoff_id, score, .. } => return (scored(before, &handoff_id, score), "scored"),
        WatchInput::Withdrawn { handoff_id, cause, .. } => return withdraw(voice, before, &handoff_id, &cause, at),
        WatchInput::Tick(_) | WatchInput::Delivered { .. } | WatchInput::Returned { .. } => return (before, "ignored"),
    };
    let Some(state) = before else { return take_over(voice, State::new(news.handoff()), at) };
    let last = &state.handoff;
    let same = last.id == news.id;
    // A lead that goes on waiting has another lane, or nothing is new.
    let waits_on = last.owner.is_none() && news.owner.is_none();
    let relaned = last.owner.is_none() && last.lane != news.lane;
    let is_new = last.owner != news.owner || relaned;
    if last.episode > news.episode || (same && !is_new) {
        return (Some(state), "repeated");
    }
    if !same {
        return begin_anew(voice, state, news, at);
    }
    // A lead that waited is handed over in time at its deadline; an owner was silent until then.
    let was_owned = state.handoff.owner.is_some();
    let mut state = if was_owned { fire(voice, state, at) } else { state };
    let inherited = voice.policy.sla.first_touch_from_lead;
    let ends = |clock| is_owners(clock) && !(inherited && !relaned && clock == Clock::FirstTouch);
    cancel(voice, &mut state, at, "", |clock| ends(clock) || waits_on && clock == Clock::Assign);
    let last = &mut state.handoff;
    last.turn = last.turn.saturating_add(i32::from(was_owned || waits_on));
    (last.owner, last.pool, last.lane, last.hours) = (news.owner, news.pool, news.lane, news.hours);
    (last.over, last.reached) = (false, false);
    if relaned {
        (last.owed, last.laned_at) = (false, Some(at));
    }
    take_over(voice, state, at)
}

/// Another handoff: what was owed of the last one is so no more. The date on which sales wanted the lead back is the
/// new one's where it has just come: that is why the lead is ready again.
fn begin_anew(voice: &mut Voice<'_>, mut state: State, news: News, at: LogTime) -> (Option<State>, &'static str) {
    let date = state.check_in.take_if(|date| date.at <= at);
    let mut state = if state.handoff.owner.is_some() { fire(voice, state, at) } else { state };
    cancel(voice, &mut state, at, "", |_| true);
    let State { last_activity, opted_in, .. } = state;
    let mut next = State { last_activity, opted_in, ..State::new(news.handoff()) };
    if let Some(date) = date {
        start(voice, &mut next, Clock::CheckIn, date.at, at);
    }
    take_over(voice, next, at)
}

/// What the router says of a lead that is ready.
struct News {
    id: String,
    episode: i32,
    lane: String,
    owner: Option<String>,
    pool: String,
    qualified_at: LogTime,
    occurred_at: Millis,
    score: Option<Points>,
    hours: Option<DeskHours>,
}

impl News {
    fn handoff(self) -> Handoff {
        Handoff {
            id: self.id,
            episode: self.episode,
            lane: self.lane,
            owner: self.owner,
            pool: self.pool,
            turn: 1,
            qualified_at: self.qualified_at,
            occurred_at: self.occurred_at,
            assigned_at: None,
            tried: false,
            reached: false,
            over: false,
            hours: self.hours,
            owed: false,
            score_then: self.score,
            score_now: self.score,
            laned_at: None,
        }
    }
}

/// The lead's score moved.
fn scored(before: Option<State>, handoff_id: &str, score: Points) -> Option<State> {
    let mut state = before?;
    if state.handoff.id == handoff_id {
        state.handoff.score_now = Some(score);
    }
    Some(state)
}

/// Clocks that a new owner does not inherit.
fn is_owners(clock: Clock) -> bool {
    matches!(clock, Clock::Accept | Clock::FirstTouch | Clock::Disposition)
}

/// Starts the clocks of a lead that waits or has got an owner.
fn take_over(voice: &mut Voice<'_>, mut state: State, at: LogTime) -> (Option<State>, &'static str) {
    let ready = state.handoff.qualified_at.min(at);
    let is_nobodys = state.handoff.assigned_at.is_none() || state.handoff.owner.is_none();
    if is_nobodys && !state.owes(Clock::Assign) {
        // One that is handed back, or moved up, waits since then.
        let since = if state.handoff.turn > 1 { at } else { ready };
        start(voice, &mut state, Clock::Assign, since, at);
    }
    if state.stage.is_none() {
        enter(voice, &mut state, Stage::Mql, ready, at);
    }
    if state.handoff.owner.is_some() {
        state.handoff.assigned_at.get_or_insert(at);
        let handoff = &state.handoff;
        state.clocks.retain(|running| {
            let assigned = running.clock == Clock::Assign;
            if assigned && !running.settled {
                let when = When { late: running.breached, ..When::heard(at, at.millis(), "") };
                voice.say(handoff, state.last_activity, running, SlaEventKind::Met, &when);
            }
            !assigned
        });
        start(voice, &mut state, Clock::Accept, at, at);
        let inherited = voice.policy.sla.first_touch_from_lead;
        // The lead's own clock starts once, and an answer to the owner before was one to the lead.
        if !(inherited && std::mem::replace(&mut state.handoff.owed, true)) {
            let from = state.handoff.laned_at.unwrap_or(ready).min(at);
            start(voice, &mut state, Clock::FirstTouch, if inherited { from } else { at }, at);
        }
        // What of an inherited time was used up before the clocks stand still was used up all the same.
        if !state.halts.is_empty() {
            state = fire(voice, state, at);
        }
        halt_new(voice, &mut state, at);
    }
    let started = voice.said.iter().any(|event| event.kind == SlaEventKind::Started);
    let outcome = if started { "clock_started" } else { outcome_of(&voice.said) };
    (Some(state), outcome)
}

/// A status that stops the clocks stops those of the next owner too.
fn halt_new(voice: &mut Voice<'_>, state: &mut State, at: LogTime) {
    let Some(halt) = state.halts.first().cloned() else { return };
    crate::hear::halt_clocks(voice, state, at, &halt);
}

/// Starts a clock from `from` if the policy sets it, and says so at `at`.
pub(crate) fn start(voice: &mut Voice<'_>, state: &mut State, clock: Clock, from: LogTime, at: LogTime) {
    start_in(voice, state, clock, "", from, at);
}

/// The lead enters a stage in which it may grow old.
pub(crate) fn enter(voice: &mut Voice<'_>, state: &mut State, next: Stage, from: LogTime, at: LogTime) {
    state.stage = Some(next);
    start_in(voice, state, Clock::StageAge, next.as_str(), from, at);
}

fn start_in(voice: &mut Voice<'_>, state: &mut State, clock: Clock, part: &str, from: LogTime, at: LogTime) {
    let policy = voice.policy;
    let handoff = &state.handoff;
    let owner = handoff.owner.as_deref().filter(|_| clock != Clock::Assign);
    let lane = if part.is_empty() { &handoff.lane } else { part };
    let owing = Owing { owner, pool: &handoff.pool, told: handoff.hours.as_ref() };
    let Some(promise) = policy.promise(clock, lane, owing, from.millis()) else { return };
    let whose = Whose { owing, turn: handoff.turn, stage: part };
    let running = Running::start(policy, clock, whose, promise, from);
    let when = When::heard(at, at.millis(), "");
    voice.say(handoff, state.last_activity, &running, SlaEventKind::Started, &when);
    state.clocks.push(running);
}

/// The router takes the handoff back: nothing of it is owed. What broke stays broken, unless it was answered in time.
fn withdraw(
    voice: &mut Voice<'_>,
    before: Option<State>,
    handoff_id: &str,
    cause: &str,
    at: LogTime,
) -> (Option<State>, &'static str) {
    let Some(mut state) = before else { return (None, "ignored") };
    if state.handoff.id != handoff_id || state.handoff.over && state.owed().next().is_none() {
        return (Some(state), "repeated");
    }
    // The date that a verdict named is owed whatever becomes of the handoff that it ended.
    let was_over = state.handoff.over;
    cancel(voice, &mut state, at, cause, |clock| clock != Clock::CheckIn || !was_over);
    state.handoff.over = true;
    // Whoever accepts it now is answered by the scorer: a lead that is nobody's ages in no stage of sales.
    state.stage = None;
    state.halts.clear();
    let outcome = outcome_of(&voice.said);
    (Some(state), outcome)
}

/// Ends the clocks that are meant. Of those that broke nothing more is said, unless an answer in time that is told
/// within their grace takes the breach back.
pub(crate) fn cancel(
    voice: &mut Voice<'_>,
    state: &mut State,
    at: LogTime,
    cause: &str,
    is_meant: impl Fn(Clock) -> bool,
) {
    let handoff = &state.handoff;
    state.clocks.retain_mut(|running| {
        if !is_meant(running.clock) {
            return true;
        }
        if running.breached {
            running.let_go(voice.policy, at);
            return running.can_be_taken_back(at);
        }
        let when = When::heard(at, at.millis(), cause);
        voice.say(handoff, state.last_activity, running, SlaEventKind::Cancelled, &when);
        false
    });
}

/// The weightiest thing said of an input.
pub(crate) fn outcome_of(said: &[SlaEvent]) -> &'static str {
    let outcomes = [
        ("retracted", "retracted"),
        ("met", "clock_met"),
        ("late", "answered_late"),
        ("cancelled", "cancelled"),
        ("started", "clock_started"),
        ("paused", "paused"),
        ("resumed", "resumed"),
    ];
    let said = |word: &str| said.iter().any(|event| event.word() == word);
    outcomes.into_iter().find(|(word, _)| said(word)).map_or("ignored", |(_, outcome)| outcome)
}
