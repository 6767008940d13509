//! Handoffs and promises counted again from what lies on the topics, slowly and without the watchdog.
//!
//! Reads who was handed off (`sla.requests`), what sales and the law said (`lead.events`), and works out
//! which promises were kept, broken, taken back or dropped; then looks whether just that was said.
//! Holds: no code of the watchdog or the router is used; working time is counted by `calendar.rs`.
//! Absent on purpose: warnings, which repeat the reckoning of a deadline at another share of the time;
//! agreement with the simulator covers them.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{
    Assignment, Body, Clock, ClockStart, ConsentState, CrmKind, Direction, Handoff, LeadEvent, LogTime, Millis,
    Qualified, SlaEvent, SlaEventKind, WatchInput,
};
use baton_kafka::rdkafka::Message;
use baton_policy::Policy;
use baton_wire::Decoder;

use crate::oracles::Verdict;
use crate::oracles::calendar::Finger;
use crate::topics::Topics;
use crate::trouble::{Done, trouble};

/// Something in the history of a lead, as far as promises go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It was put on a desk.
    Handed { handoff: String, episode: i32, lane: String, owner: Option<String> },
    /// A person of sales reached out, at this time in the world.
    Reached(Millis),
    /// Sales took the lead or judged it; `gives_back` when nobody owes it anything after that.
    Judged { done: Millis, gives_back: bool },
    /// The CRM names an owner.
    Owned { done: Millis, owner: Option<String> },
    /// The lead wants no contact at all.
    Refused,
    /// The lead is to be forgotten.
    Forgotten,
}

/// What lies on the topics.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// By lead, in log order: log time, whether it is the router's word (which comes second), and what.
    pub(crate) leads: BTreeMap<String, Vec<(LogTime, bool, Entry)>>,
    /// How far the log's time has come.
    pub(crate) end: LogTime,
}

/// The clocks that are counted again: those of every handoff.
const COUNTED: [Clock; 2] = [Clock::Accept, Clock::FirstTouch];

/// Verdicts after which nobody owes the lead a touch.
const NOT_OWED: &str = "bad_timing budget competitor never_contact no_response not_a_fit not_icp not_now spam student";

/// What must be said: id and kind of each word, with the deadline it is about.
pub(crate) type Words = BTreeMap<(String, SlaEventKind), (LogTime, usize)>;

/// Reads the history.
pub(crate) fn read(topics: &Topics) -> Done<History> {
    let mut history = History::default();
    let events = Decoder::<LeadEvent>::new();
    topics.all("lead.events", |message| {
        let event = decode(&events, message.payload())?;
        history.end = history.end.max(event.stamp.at);
        if let Some(entry) = entry_of(&event) {
            history.leads.entry(event.lead_id).or_default().push((event.stamp.at, false, entry));
        }
        Ok(())
    })?;
    let clocks = Decoder::<ClockStart>::new();
    topics.each("sla.requests", |message| {
        let start = decode(&clocks, message.payload())?;
        if let WatchInput::HandedOff { lead_id, handoff_id, episode, lane, owner, .. } = start.input {
            let entry = Entry::Handed { handoff: handoff_id, episode, lane, owner };
            history.leads.entry(lead_id).or_default().push((start.stamp.at, true, entry));
        }
        Ok(())
    })?;
    for entries in history.leads.values_mut() {
        entries.sort_by_key(|(at, is_second, _)| (*at, *is_second));
    }
    Ok(history)
}

fn decode<T: baton_wire::Record + serde::de::DeserializeOwned>(
    decoder: &Decoder<T>,
    payload: Option<&[u8]>,
) -> Done<T> {
    decoder.decode(payload.unwrap_or_default()).or_else(|error| trouble(format!("a record cannot be read: {error:?}")))
}

fn entry_of(event: &LeadEvent) -> Option<Entry> {
    let done = event.occurred_at;
    match &event.body {
        Body::Consent(consent) if consent.state == ConsentState::Erased => Some(Entry::Forgotten),
        Body::Consent(consent) if consent.state == ConsentState::Denied && consent.channel == "all" => {
            Some(Entry::Refused)
        }
        Body::Crm(crm) => match crm.kind {
            CrmKind::Touch => {
                let touch = crm.touch.as_ref()?;
                (touch.direction == Direction::Outbound && !touch.automated).then_some(Entry::Reached(done))
            }
            CrmKind::Accepted => Some(Entry::Judged { done, gives_back: false }),
            CrmKind::Disposition => {
                let code = crm.disposition.as_ref().map_or("", |verdict| verdict.code.as_str());
                let gives_back = NOT_OWED.split_whitespace().any(|word| word == code);
                Some(Entry::Judged { done, gives_back })
            }
            CrmKind::Owner => Some(Entry::Owned { done, owner: crm.owner.clone() }),
            CrmKind::Status | CrmKind::Opportunity => None,
        },
        _ => None,
    }
}

/// One owner's time with one lead.
struct Term<'a> {
    handoff: &'a str,
    lane: &'a str,
    owner: &'a str,
    turn: i32,
    from: LogTime,
    /// When somebody else, or another episode, took over.
    until: Option<LogTime>,
}

/// Everything that must have been said.
pub(crate) fn recount(policy: &Policy, history: &History) -> Words {
    let finger = Finger::default();
    let mut words = Words::new();
    for entries in history.leads.values() {
        for term in terms(entries) {
            for clock in COUNTED {
                judge(policy, &finger, history.end, entries, &term, clock, &mut |id, kind, deadline| {
                    words.entry((id, kind)).or_insert((deadline, 0)).1 += 1;
                });
            }
        }
    }
    words
}

/// Who had the lead from when to when; whatever is told twice starts nothing.
fn terms(entries: &[(LogTime, bool, Entry)]) -> Vec<Term<'_>> {
    let mut terms: Vec<Term<'_>> = Vec::new();
    let mut last: Option<(&str, i32, Option<&str>, i32)> = None;
    for (at, _, entry) in entries {
        match entry {
            Entry::Forgotten => last = None,
            Entry::Handed { handoff, episode, lane, owner } => {
                let mut turn = 1;
                if let Some((before, of, by, nth)) = last {
                    if of > *episode || (before == handoff && by == owner.as_deref()) {
                        continue;
                    }
                    if before == handoff {
                        turn = nth + i32::from(by.is_some());
                    }
                }
                if let Some(open) = terms.last_mut().filter(|term| term.until.is_none()) {
                    open.until = Some(*at);
                }
                last = Some((handoff, *episode, owner.as_deref(), turn));
                if let Some(owner) = owner {
                    terms.push(Term { handoff, lane, owner, turn, from: *at, until: None });
                }
            }
            _ => {}
        }
    }
    terms
}

/// What one clock of one term must have said.
fn judge(
    policy: &Policy,
    finger: &Finger,
    end: LogTime,
    entries: &[(LogTime, bool, Entry)],
    term: &Term<'_>,
    clock: Clock,
    say: &mut dyn FnMut(String, SlaEventKind, LogTime),
) {
    let Some(target) = policy.target(clock, term.lane) else { return };
    let start = term.from.millis();
    let deadline = if target.business_hours {
        finger.deadline(policy.calendar_of(Some(term.owner)), start, target.within_ms)
    } else {
        start.plus(target.within_ms)
    };
    let due = LogTime::from_millis(deadline);
    let grace = LogTime::from_millis(deadline.plus(policy.sla.grace_ms));
    let turn = if term.turn == 1 { String::new() } else { format!("_{}", term.turn) };
    let id = |level: &str| format!("{clock}_{level}_{}{turn}", term.handoff);
    say(id("started"), SlaEventKind::Started, due);
    let during = entries.iter().filter(|(at, is_second, entry)| {
        let is_own_start = *is_second && matches!(entry, Entry::Handed { .. });
        // At the very instant of the handoff the lead's own events come first.
        *at > term.from && term.until.is_none_or(|until| *at <= until) && !is_own_start
    });
    let mut broke = false;
    for (at, _, entry) in during {
        if !broke && (*at > due) {
            broke = true;
            say(id("100"), SlaEventKind::Breached, due);
        }
        let end = ends(entry, clock, term.owner, start);
        match end {
            Some(End::Kept(done)) if broke => {
                if done <= deadline && *at <= grace {
                    say(id("retracted"), SlaEventKind::Retracted, due);
                    say(id("met"), SlaEventKind::Met, due);
                    return;
                }
            }
            Some(End::Kept(_)) => return say(id("met"), SlaEventKind::Met, due),
            Some(End::Dropped) if !broke => return say(id("cancelled"), SlaEventKind::Cancelled, due),
            Some(End::Gone) => {
                if !broke {
                    say(id("cancelled"), SlaEventKind::Cancelled, due);
                }
                return;
            }
            Some(End::Dropped) | None => {}
        }
    }
    if broke {
        return;
    }
    match term.until {
        Some(until) if until < due => say(id("cancelled"), SlaEventKind::Cancelled, due),
        _ if due <= end => say(id("100"), SlaEventKind::Breached, due),
        _ => {}
    }
}

enum End {
    /// Done, at this time in the world.
    Kept(Millis),
    /// Not owed any more.
    Dropped,
    /// Not owed any more, and nothing remembered that could take a breach back.
    Gone,
}

/// Whether an entry ends a clock that began at `start`, and how.
fn ends(entry: &Entry, clock: Clock, owner: &str, start: Millis) -> Option<End> {
    match (entry, clock) {
        (Entry::Reached(done), Clock::FirstTouch) | (Entry::Judged { done, .. }, Clock::Accept) => {
            (*done >= start).then_some(End::Kept(*done))
        }
        (Entry::Judged { done, gives_back: true }, Clock::FirstTouch) => (*done >= start).then_some(End::Dropped),
        (Entry::Owned { done, owner: now }, Clock::Accept) if now.as_deref() != Some(owner) => {
            (*done >= start).then_some(End::Dropped)
        }
        (Entry::Refused, _) => Some(End::Dropped),
        (Entry::Forgotten, _) => Some(End::Gone),
        _ => None,
    }
}

/// What was said, from the topics.
pub(crate) fn said(topics: &Topics) -> Done<Words> {
    let decoder = Decoder::<SlaEvent>::new();
    let mut words = Words::new();
    for topic in ["sla.started", "sla.met", "sla.breach", "sla.cancelled"] {
        topics.each(topic, |message| {
            let event = decode(&decoder, message.payload())?;
            if COUNTED.contains(&event.clock) && event.kind != SlaEventKind::Escalated {
                words.entry((event.id, event.kind)).or_insert((event.deadline, 0)).1 += 1;
            }
            Ok(())
        })?;
    }
    Ok(words)
}

/// Missed: must be there and is not. Phantom: is there and must not be.
pub(crate) fn compare(expected: &Words, found: &Words) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.looked(expected.values().map(|(_, times)| times).sum());
    for ((id, kind), (deadline, times)) in expected {
        let there = found.get(&(id.clone(), *kind));
        match there {
            Some((at, _)) if at != deadline => {
                verdict.differs(format!("{id} {kind:?}: deadline {} instead of {}", at.0, deadline.0));
            }
            Some((_, count)) if count == times => {}
            other => {
                let count = other.map_or(0, |(_, count)| *count);
                let what = if count < *times { "missed" } else { "said twice" };
                verdict.differs(format!("{id} {kind:?}: {what} ({count} of {times})"));
            }
        }
    }
    for (id, kind) in found.keys().filter(|word| !expected.contains_key(*word)) {
        verdict.differs(format!("{id} {kind:?}: a phantom"));
    }
    verdict
}

/// One handoff for each lead that became ready, unless it still waits for a desk.
pub(crate) fn handoffs(topics: &Topics) -> Done<Verdict> {
    let (mut ready, mut handed) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    let mut episodes = BTreeMap::<(String, i32), BTreeSet<String>>::new();
    let mut waiting = BTreeMap::<String, bool>::new();
    let qualified = Decoder::<Qualified>::new();
    topics.each("lead.qualified", |message| {
        let decision = decode(&qualified, message.payload())?.decision;
        *ready.entry(decision.handoff_id).or_default() += 1;
        Ok(())
    })?;
    let decoder = Decoder::<Handoff>::new();
    topics.each("lead.handoff", |message| {
        let decision = decode(&decoder, message.payload())?.decision;
        *handed.entry(decision.handoff_id.clone()).or_default() += 1;
        episodes.entry((decision.lead_id, decision.episode)).or_default().insert(decision.handoff_id);
        Ok(())
    })?;
    let assignments = Decoder::<Assignment>::new();
    topics.each("lead.assignment", |message| {
        let assignment = decode(&assignments, message.payload())?;
        *waiting.entry(assignment.handoff_id).or_insert(true) &= assignment.owner.is_none();
        Ok(())
    })?;
    Ok(once_each(&ready, &handed, &episodes, &waiting))
}

fn once_each(
    ready: &BTreeMap<String, usize>,
    handed: &BTreeMap<String, usize>,
    episodes: &BTreeMap<(String, i32), BTreeSet<String>>,
    waiting: &BTreeMap<String, bool>,
) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.looked(ready.len());
    for (handoff, times) in ready {
        let given = handed.get(handoff).copied().unwrap_or(0);
        let still_waits = given == 0 && waiting.get(handoff) == Some(&true);
        if *times != 1 || (given != 1 && !still_waits) {
            verdict.differs(format!("{handoff}: ready {times} times, handed off {given} times"));
        }
    }
    for handoff in handed.keys().filter(|handoff| !ready.contains_key(*handoff)) {
        verdict.differs(format!("{handoff}: handed off and was never ready"));
    }
    for ((lead, episode), ids) in episodes.iter().filter(|(_, ids)| ids.len() > 1) {
        verdict.differs(format!("{lead}, episode {episode}: handed off as {ids:?}"));
    }
    verdict
}

#[cfg(test)]
mod tests;
