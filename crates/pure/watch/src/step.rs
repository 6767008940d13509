//! A handoff, an answer or an instant come: what the lead's clocks do.
//!
//! Holds: a running clock is answered by log order, a broken one by what
//! happened when: an answer given in time takes the breach back while its grace lasts.
//!
//! Absent on purpose: late answers. A clock that broke has said all there is
//! unless the answer was in time after all.

use baton_domain::{
    Body, Clock, ConsentState, CrmActivity, CrmKind, Direction, LeadEvent, LogTime, Millis, SlaEvent, SlaEventKind,
    Stamp, WatchInput,
};
use baton_policy::Policy;
use baton_stage::{Input, Step};

use crate::Heard;
use crate::state::{Handoff, Running, State};

/// Verdicts by which sales gives the lead back for good: nobody owes it a touch any more. A lead
/// with the wrong owner is not among them: somebody still does.
const GIVES_BACK: [&str; 10] = [
    "bad_timing",
    "budget",
    "competitor",
    "never_contact",
    "no_response",
    "not_a_fit",
    "not_icp",
    "not_now",
    "spam",
    "student",
];

/// Judges one input of a lead.
pub(crate) fn step(policy: &Policy, lead_id: &str, state: Option<State>, input: Input<Heard>) -> Step<State, SlaEvent> {
    let mut voice = Voice { policy, lead_id, said: Vec::new() };
    let (at, state, outcome) = match input {
        Input::Record { at, event: Heard::Clock(input) } => {
            let (state, outcome) = hand_over(&mut voice, state, input, at);
            (at, state, outcome)
        }
        Input::Record { at, event: Heard::Lead(event) } => {
            let state = state.and_then(|state| hear(&mut voice, state, &event, at));
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

/// Starts the clocks of a new owner; those of the owner before are no longer owed.
fn hand_over(
    voice: &mut Voice<'_>,
    before: Option<State>,
    input: WatchInput,
    at: LogTime,
) -> (Option<State>, &'static str) {
    let WatchInput::HandedOff { handoff_id, episode, lane, owner, pool, .. } = input else {
        return (before, "ignored");
    };
    let mut turn = 1;
    if let Some(before) = before {
        let last = &before.handoff;
        let same = last.id == handoff_id;
        if last.episode > episode || (same && last.owner == owner) {
            return (Some(before), "repeated");
        }
        if same {
            turn = last.turn + i32::from(last.owner.is_some());
        }
        for running in before.clocks.iter().filter(|running| !running.breached) {
            voice.say(last, running, SlaEventKind::Cancelled, &When::heard(at, at.millis(), ""));
        }
    }
    let state = State::started(voice.policy, Handoff { id: handoff_id, episode, lane, owner, pool, turn }, at);
    for running in &state.clocks {
        voice.say(&state.handoff, running, SlaEventKind::Started, &When::heard(at, at.millis(), ""));
    }
    let outcome = if state.clocks.is_empty() { outcome_of(&voice.said) } else { "clock_started" };
    (Some(state), outcome)
}

/// What an event of the lead means to a clock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// What was promised is done.
    Answers,
    /// It is no longer owed.
    Releases,
    /// Nothing.
    Nothing,
}

/// Tells each clock of an event of the lead; forgets a lead that asked for it.
fn hear(voice: &mut Voice<'_>, mut state: State, event: &LeadEvent, at: LogTime) -> Option<State> {
    let handoff = &state.handoff;
    state.clocks.retain(|running| match meaning(&event.body, running.clock, handoff) {
        // What sales did before the handoff says nothing about it; a lead's No holds from when it is known.
        Meaning::Nothing => true,
        _ if matches!(event.body, Body::Crm(_)) && !running.concerns(event.occurred_at) => true,
        Meaning::Answers => !answered(voice, handoff, running, event, at),
        Meaning::Releases if running.breached => true,
        Meaning::Releases => {
            voice.say(handoff, running, SlaEventKind::Cancelled, &When::heard(at, at.millis(), &event.event_id));
            false
        }
    });
    let erased = matches!(&event.body, Body::Consent(consent) if consent.state == ConsentState::Erased);
    (!erased).then_some(state)
}

fn meaning(body: &Body, clock: Clock, handoff: &Handoff) -> Meaning {
    match body {
        Body::Crm(crm) => meaning_of_sales(crm, clock, handoff),
        Body::Consent(consent) => match consent.state {
            ConsentState::Erased => Meaning::Releases,
            ConsentState::Denied if consent.channel == "all" => Meaning::Releases,
            ConsentState::Denied | ConsentState::Granted => Meaning::Nothing,
        },
        _ => Meaning::Nothing,
    }
}

fn meaning_of_sales(crm: &CrmActivity, clock: Clock, handoff: &Handoff) -> Meaning {
    let by_hand = || crm.touch.as_ref().is_some_and(|touch| !touch.automated && touch.direction == Direction::Outbound);
    let given_back = || crm.disposition.as_ref().is_some_and(|verdict| GIVES_BACK.contains(&verdict.code.as_str()));
    match (crm.kind, clock) {
        (CrmKind::Touch, Clock::FirstTouch) if by_hand() => Meaning::Answers,
        (CrmKind::Accepted | CrmKind::Disposition, Clock::Accept) => Meaning::Answers,
        (CrmKind::Disposition, Clock::FirstTouch) if given_back() => Meaning::Releases,
        // The CRM naming the owner that the router chose is an echo.
        (CrmKind::Owner, Clock::Accept) if crm.owner != handoff.owner => Meaning::Releases,
        _ => Meaning::Nothing,
    }
}

/// Says that a promise was kept, if it was; `false` when the answer came too late.
fn answered(voice: &mut Voice<'_>, handoff: &Handoff, running: &Running, event: &LeadEvent, at: LogTime) -> bool {
    let in_time = running.in_time(event.occurred_at);
    if running.breached {
        if !in_time || at > running.grace_until {
            return false;
        }
        voice.say(handoff, running, SlaEventKind::Retracted, &When::heard(at, at.millis(), &event.event_id));
    }
    // A source whose clock is ahead may date an answer after the deadline before the deadline
    // has come: then the log's time is the better witness.
    let until = if in_time { event.occurred_at } else { at.millis() };
    voice.say(handoff, running, SlaEventKind::Met, &When::heard(at, until, &event.event_id));
    true
}

/// Says every warning and breach that is due, in the order in which they fell due.
fn fire(voice: &mut Voice<'_>, mut state: State, due: LogTime) -> State {
    let mut fired = Vec::new();
    for (n, running) in state.clocks.iter_mut().enumerate().filter(|(_, running)| !running.breached) {
        let passed = running.warnings.iter().take_while(|warning| warning.at <= due).count();
        for warning in running.warnings.drain(..passed) {
            fired.push((warning.at, n, warning.level, SlaEventKind::Warned));
        }
        if running.deadline <= due {
            running.breached = true;
            fired.push((running.deadline, n, 100, SlaEventKind::Breached));
        }
    }
    fired.sort_unstable();
    for (_, n, level, kind) in fired {
        let when = When { at: due, until: due.millis(), level, cause: "" };
        voice.say(&state.handoff, &state.clocks[n], kind, &when);
    }
    state
}

/// The weightiest thing said of an event of the lead.
fn outcome_of(said: &[SlaEvent]) -> &'static str {
    let outcomes = [
        (SlaEventKind::Retracted, "retracted"),
        (SlaEventKind::Met, "clock_met"),
        (SlaEventKind::Cancelled, "cancelled"),
    ];
    let said = |kind| said.iter().any(|event: &SlaEvent| event.kind == kind);
    outcomes.into_iter().find(|(kind, _)| said(*kind)).map_or("ignored", |(_, outcome)| outcome)
}

/// The instants of something said.
struct When<'a> {
    /// When it is said.
    at: LogTime,
    /// Until when the time used is counted.
    until: Millis,
    /// Percent of the time used, for a warning or breach; else 0.
    level: i32,
    /// The event behind it; empty when there is none.
    cause: &'a str,
}

impl<'a> When<'a> {
    fn heard(at: LogTime, until: Millis, cause: &'a str) -> Self {
        Self { at, until, level: 0, cause }
    }
}

/// Where the events of one step are put into words.
struct Voice<'a> {
    policy: &'a Policy,
    lead_id: &'a str,
    said: Vec<SlaEvent>,
}

impl Voice<'_> {
    fn say(&mut self, handoff: &Handoff, running: &Running, kind: SlaEventKind, when: &When<'_>) {
        let started = running.started_at.millis();
        let calendar = self.policy.calendar_of(handoff.owner.as_deref());
        self.said.push(SlaEvent {
            stamp: Stamp { at: when.at, lane: 0 },
            id: id(handoff, running.clock, kind, when.level),
            kind,
            clock: running.clock,
            level: when.level,
            lead_id: self.lead_id.to_owned(),
            handoff_id: handoff.id.clone(),
            episode: handoff.episode,
            lane: handoff.lane.clone(),
            owner: handoff.owner.clone(),
            pool: handoff.pool.clone(),
            started_at: running.started_at,
            deadline: running.deadline,
            wall_ms: when.until.since(started),
            business_ms: calendar.between(started, when.until),
            event_id: when.cause.to_owned(),
            policy_version: running.policy_version,
            party: running.clock.party(),
            action: None,
            to: Vec::new(),
            paused_ms: 0,
            pauses: Vec::new(),
            calendar: String::new(),
            retraction_of: None,
            qualified_at: LogTime(0),
            system_ms: 0,
            lead_ms: 0,
            last_activity_at: None,
            done: 0,
            promised: 0,
        });
    }
}

/// `<clock>_<level>_<handoff>`, where what has no level is named by its kind; a further owner's
/// clocks count on, so that no id is said twice.
fn id(handoff: &Handoff, clock: Clock, kind: SlaEventKind, level: i32) -> String {
    let level = if level == 0 { kind.as_str().to_owned() } else { level.to_string() };
    let id = format!("{clock}_{level}_{}", handoff.id);
    if handoff.turn == 1 { id } else { format!("{id}_{}", handoff.turn) }
}
