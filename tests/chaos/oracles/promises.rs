//! Handoffs and promises counted again from what lies on the topics, slowly and without the watchdog.
//!
//! Reads who waited and who was handed off (`sla.requests`), what sales and the law said (`lead.events`), and
//! works out which promises of the clocks assign, accept and first touch were kept, warned of, broken, told
//! further up, halted, taken back or dropped; then looks whether just that was said.
//! Holds: no code of the watchdog or the router is used; working time is counted by `calendar.rs`.
//! Absent on purpose: the other clocks (cadence, disposition, stage age, check-in, quota), targets in working
//! days, a first touch that is owed from readiness on, and hours that only the roster tells: agreement with the simulator covers them.

mod recount;

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{
    Assignment, Body, Clock, ClockStart, ConsentState, CrmActivity, CrmKind, Direction, Handoff, LeadEvent, LogTime,
    Millis, Qualified, SlaEvent, SlaEventKind, TouchOutcome, WatchInput,
};
use baton_kafka::rdkafka::Message;
use baton_wire::Decoder;

use crate::oracles::Verdict;
use crate::topics::Topics;
use crate::trouble::{Done, trouble};

pub(crate) use recount::recount;

/// Something in the history of a lead, as far as promises go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It was put on a desk, or waits for one.
    Handed(Handed),
    /// The router took the handoff back.
    Withdrawn(String),
    /// A person of sales reached out, at this time in the world.
    Reached(Millis),
    /// A person of sales spoke with the lead: had reached out, or was called.
    Spoke { done: Millis, reached_out: bool },
    /// There is a deal.
    Dealt(Millis),
    /// Sales took the lead or judged it.
    Judged { done: Millis, judgement: Judgement },
    /// The CRM names a status.
    Status { done: Millis, status: String },
    /// The lead wants no contact at all.
    Refused,
    /// The lead is to be forgotten.
    Forgotten,
}

/// What the router said of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    pub(crate) handoff: String,
    pub(crate) episode: i32,
    pub(crate) lane: String,
    pub(crate) owner: Option<String>,
    pub(crate) pool: String,
    pub(crate) ready: LogTime,
}

/// What became of a lead in the hands of sales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Taken, or judged and kept.
    Keeps,
    /// Kept, and put off to this date.
    PutsOff(LogTime),
    /// Nobody owes it anything any more.
    GivesBack,
}

/// What lies on the topics.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// By lead, in log order: log time, whether it is the router's word (which comes second), and what.
    pub(crate) leads: BTreeMap<String, Vec<(LogTime, bool, Entry)>>,
    /// How far the log's time has come.
    pub(crate) end: LogTime,
}

/// The clocks that are counted again.
const COUNTED: [Clock; 3] = [Clock::Assign, Clock::Accept, Clock::FirstTouch];

/// Verdicts after which nobody owes the lead a touch, under the policy of a run; written down anew, not asked of it.
const NOT_OWED: &str = "bad_timing budget competitor customer_already duplicate never_contact no_response \
                        not_a_fit not_icp not_now spam student";

/// Verdicts that ask for another desk, and put nothing off.
const REROUTED: [&str; 2] = ["wrong_owner", "wrong_territory"];

/// What must be said: id and kind of each word, with the deadline it is about.
pub(crate) type Words = BTreeMap<(String, SlaEventKind), (LogTime, usize)>;

/// Reads the history.
pub(crate) fn read(topics: &Topics) -> Done<History> {
    let mut history = History::default();
    let events = Decoder::<LeadEvent>::new();
    topics.all("lead.events", |message| {
        history.event(decode(&events, message.payload())?);
        Ok(())
    })?;
    let clocks = Decoder::<ClockStart>::new();
    topics.each("sla.requests", |message| {
        history.request(decode(&clocks, message.payload())?);
        Ok(())
    })?;
    history.sort();
    Ok(history)
}

impl History {
    fn event(&mut self, event: LeadEvent) {
        self.end = self.end.max(event.stamp.at);
        if let Some(entry) = entry_of(&event) {
            self.leads.entry(event.lead_id).or_default().push((event.stamp.at, false, entry));
        }
    }

    fn request(&mut self, start: ClockStart) {
        let (lead_id, entry) = match start.input {
            WatchInput::HandedOff { lead_id, handoff_id, episode, lane, owner, pool, qualified_at, .. } => (
                lead_id,
                Entry::Handed(Handed { handoff: handoff_id, episode, lane, owner, pool, ready: qualified_at }),
            ),
            WatchInput::Queued { lead_id, handoff_id, episode, lane, pool, qualified_at, .. } => {
                let handed = Handed { handoff: handoff_id, episode, lane, owner: None, pool, ready: qualified_at };
                (lead_id, Entry::Handed(handed))
            }
            WatchInput::Withdrawn { lead_id, handoff_id, .. } => (lead_id, Entry::Withdrawn(handoff_id)),
            WatchInput::Tick(_)
            | WatchInput::Delivered { .. }
            | WatchInput::Returned { .. }
            | WatchInput::Scored { .. } => return,
        };
        self.leads.entry(lead_id).or_default().push((start.stamp.at, true, entry));
    }

    /// As the watchdog reads it: at one instant what the lead did comes before what the router said.
    fn sort(&mut self) {
        for entries in self.leads.values_mut() {
            entries.sort_by_key(|(at, is_second, _)| (*at, *is_second));
        }
    }
}

fn decode<T: baton_wire::Record + serde::de::DeserializeOwned>(
    decoder: &Decoder<T>,
    payload: Option<&[u8]>,
) -> Done<T> {
    decoder.decode(payload.unwrap_or_default()).or_else(|error| trouble(format!("a record cannot be read: {error:?}")))
}

fn entry_of(event: &LeadEvent) -> Option<Entry> {
    match &event.body {
        Body::Consent(consent) if consent.state == ConsentState::Erased => Some(Entry::Forgotten),
        Body::Consent(consent) if consent.state == ConsentState::Denied && consent.channel == "all" => {
            Some(Entry::Refused)
        }
        Body::Crm(crm) => of_sales(crm, event.occurred_at),
        _ => None,
    }
}

fn of_sales(crm: &CrmActivity, done: Millis) -> Option<Entry> {
    match crm.kind {
        CrmKind::Touch => {
            let touch = crm.touch.as_ref()?;
            let reached_out = touch.direction == Direction::Outbound;
            match touch.outcome {
                _ if touch.automated => None,
                TouchOutcome::Connected => Some(Entry::Spoke { done, reached_out }),
                _ => reached_out.then_some(Entry::Reached(done)),
            }
        }
        CrmKind::Accepted => Some(Entry::Judged { done, judgement: Judgement::Keeps }),
        CrmKind::Disposition => {
            let code = crm.disposition.as_ref().map_or("", |verdict| verdict.code.as_str());
            let date = crm.disposition.as_ref().and_then(|verdict| verdict.next_check_in);
            let judgement = match date {
                _ if NOT_OWED.split_whitespace().any(|word| word == code) => Judgement::GivesBack,
                _ if REROUTED.contains(&code) => Judgement::Keeps,
                Some(date) => Judgement::PutsOff(LogTime::from_millis(date)),
                None => Judgement::Keeps,
            };
            Some(Entry::Judged { done, judgement })
        }
        CrmKind::Owner => None,
        CrmKind::Status => crm.status.clone().map(|status| Entry::Status { done, status }),
        CrmKind::Opportunity => Some(Entry::Dealt(done)),
    }
}

/// Where the watchdog speaks.
const SPOKEN: [&str; 7] =
    ["sla.started", "sla.warned", "sla.paused", "sla.resumed", "sla.met", "sla.breach", "sla.cancelled"];

/// What was said, from the topics.
pub(crate) fn said(topics: &Topics) -> Done<Words> {
    let decoder = Decoder::<SlaEvent>::new();
    let mut words = Words::new();
    for topic in SPOKEN {
        topics.each(topic, |message| {
            note(&mut words, decode(&decoder, message.payload())?);
            Ok(())
        })?;
    }
    Ok(words)
}

fn note(words: &mut Words, event: SlaEvent) {
    if COUNTED.contains(&event.clock) {
        words.entry((event.id, event.kind)).or_insert((event.deadline, 0)).1 += 1;
    }
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

/// How often something was told of a handoff at an instant.
type Times = BTreeMap<(String, LogTime), usize>;

/// What was said of leads that became ready.
#[derive(Debug, Default)]
struct Desks {
    /// Decisions, by handoff.
    ready: BTreeMap<String, usize>,
    /// Handoffs: what the rep is told.
    handed: Times,
    /// Desks that a lead came to, as the watchdog is told.
    clocked: Times,
    /// Owners, as everybody is told.
    owned: BTreeSet<(String, LogTime)>,
    /// Handoffs of which nobody was ever named as the owner.
    waiting: BTreeMap<String, bool>,
    episodes: BTreeMap<(String, i32), BTreeSet<String>>,
}

/// One handoff for each lead that became ready, unless it still waits for a desk; and clocks at each desk.
pub(crate) fn handoffs(topics: &Topics) -> Done<Verdict> {
    let mut desks = Desks::default();
    let qualified = Decoder::<Qualified>::new();
    topics.each("lead.qualified", |message| {
        let decision = decode(&qualified, message.payload())?.decision;
        *desks.ready.entry(decision.handoff_id).or_default() += 1;
        Ok(())
    })?;
    let decoder = Decoder::<Handoff>::new();
    topics.each("lead.handoff", |message| {
        let handoff = decode(&decoder, message.payload())?;
        let decision = handoff.decision;
        *desks.handed.entry((decision.handoff_id.clone(), handoff.stamp.at)).or_default() += 1;
        desks.episodes.entry((decision.lead_id, decision.episode)).or_default().insert(decision.handoff_id);
        Ok(())
    })?;
    let clocks = Decoder::<ClockStart>::new();
    topics.each("sla.requests", |message| {
        let start = decode(&clocks, message.payload())?;
        if let WatchInput::HandedOff { handoff_id, .. } = start.input {
            *desks.clocked.entry((handoff_id, start.stamp.at)).or_default() += 1;
        }
        Ok(())
    })?;
    let assignments = Decoder::<Assignment>::new();
    topics.each("lead.assignment", |message| {
        let assignment = decode(&assignments, message.payload())?;
        *desks.waiting.entry(assignment.handoff_id.clone()).or_insert(true) &= assignment.owner.is_none();
        if assignment.owner.is_some() {
            desks.owned.insert((assignment.handoff_id, assignment.stamp.at));
        }
        Ok(())
    })?;
    Ok(once_each(&desks))
}

fn once_each(desks: &Desks) -> Verdict {
    let Desks { ready, handed, clocked, owned, waiting, episodes } = desks;
    let mut verdict = Verdict::default();
    verdict.looked(ready.len() + clocked.len());
    let mut times_handed: BTreeMap<&String, usize> = BTreeMap::new();
    for ((handoff, _), times) in handed {
        *times_handed.entry(handoff).or_default() += times;
    }
    for (handoff, times) in ready {
        let given = times_handed.remove(handoff).unwrap_or(0);
        let still_waits = given == 0 && waiting.get(handoff) == Some(&true);
        if *times != 1 || (given != 1 && !still_waits) {
            verdict.differs(format!("{handoff}: ready {times} times, handed off {given} times"));
        }
    }
    for handoff in times_handed.into_keys() {
        verdict.differs(format!("{handoff}: handed off and was never ready"));
    }
    for (handoff, at) in handed.keys().filter(|desk| !clocked.contains_key(*desk)) {
        verdict.differs(format!("{handoff} at {}: on a desk, and no clocks were started", at.0));
    }
    for ((handoff, at), times) in clocked.iter().filter(|(desk, times)| **times != 1 || !owned.contains(*desk)) {
        verdict.differs(format!("{handoff} at {}: clocks were started {times} times, for nobody or twice", at.0));
    }
    for ((lead, episode), ids) in episodes.iter().filter(|(_, ids)| ids.len() > 1) {
        verdict.differs(format!("{lead}, episode {episode}: handed off as {ids:?}"));
    }
    verdict
}

#[cfg(test)]
mod tests;
