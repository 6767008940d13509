//! The bare host: the five stages one after the other, each over the whole of its input.
//!
//! There is no loop between consumers, so each may read everything that the one before has said. An
//! input is sorted where the engine merges, and a state is a value in a map where the engine keeps
//! rows: nothing here is the engine's, so the two agree only when both are right.
//!
//! Holds: the same records as any other host gives, but for the lane in their stamps.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use baton_aggregate::Aggregate;
use baton_domain::{
    Body, ClockStart, EngagementUpdate, LeadEvent, LogTime, Millis, PolicyChange, Reason, RepState, RouteInput,
    SlaEvent, Stamp, WatchInput,
};
use baton_identify::{Directory, Row};
use baton_policy::Policy;
use baton_route::Heard as Turn;
use baton_score::Score;
use baton_stage::{Input, Stage};
use baton_watch::{Delivery, Heard, Quota, Watch};
use serde::Serialize;
use serde_json::json;

use crate::alone::Record;
use crate::script::{Line, Publication, Script};
use crate::seen::Seen;

/// What the watchdog hears: when, by which input, for which key.
type Clocked = (LogTime, u8, String, Heard);

/// Plays a script and gives what came of it: the records of each topic in their order.
pub fn play(policy: &Policy, script: &Script) -> Vec<Seen> {
    let mut seen = Vec::new();
    match script.only {
        None => all(policy, &script.lines, &mut seen),
        Some(_) => alone(policy, &script.lines, &mut seen),
    }
    seen
}

/// What the scorer hears of a script's leads, which lies between two consumers.
pub fn updates(policy: &Policy, script: &Script) -> Vec<EngagementUpdate> {
    let History { events, end, .. } = sequence(policy, &script.lines, &mut Vec::new());
    aggregated(&events, end)
}

fn aggregated(events: &[LeadEvent], end: LogTime) -> Vec<EngagementUpdate> {
    let keyed = |event: &LeadEvent| (event.stamp.at, event.lead_id.clone(), event.clone());
    Host::<Aggregate>::run(&Days::always(&()), events.iter().map(keyed), end)
}

/// All five, one after the other.
fn all(policy: &Policy, lines: &[(Millis, Line)], seen: &mut Vec<Seen>) {
    let History { events, roster, end } = sequence(policy, lines, seen);
    let rules = Days::of(policy, &events);
    let (changes, events): (Vec<LeadEvent>, Vec<LeadEvent>) =
        events.into_iter().partition(|event| matches!(event.body, Body::Policy(_)));
    let updates = aggregated(&events, end);
    let mut requests: Vec<(LogTime, String, RouteInput)> = changes.into_iter().filter_map(heard_by_router).collect();
    requests.extend(score(&rules, updates, end, seen));
    let leads = requests.into_iter().map(|(at, lead_id, input)| (at, 0, lead_id, Turn::Lead(input)));
    let reps = roster.into_iter().map(|(at, state)| (at, 1, state.rep.clone(), Turn::Rep(state)));
    let mut requests: Vec<_> = leads.chain(reps).collect();
    // As the router's lane merges them: by log time, then topic, then lead or rep.
    requests.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    let clocks = route(policy, requests, end, seen);
    seen.extend(canaries(&clocks));
    seen.extend(watch(&rules, events, clocks, end).iter().map(promise));
}

/// One consumer, on records that were written for it by hand.
fn alone(policy: &Policy, lines: &[(Millis, Line)], seen: &mut Vec<Seen>) {
    let (rules, mut end) = (Days::always(policy), LogTime::MIN);
    let (mut updates, mut events, mut clocks) = (Vec::new(), Vec::new(), Vec::new());
    for (_, line) in lines {
        let Line::Record(record) = line else { continue };
        let is_news = !record.key().is_empty();
        end = end.max(match record {
            Record::Updated(update) => update.stamp.at,
            Record::Happened(event) => event.stamp.at,
            Record::Promised(start) => start.stamp.at,
        });
        match record {
            Record::Updated(update) if is_news => updates.push((**update).clone()),
            Record::Happened(event) if is_news => events.push((**event).clone()),
            Record::Promised(start) if is_news => {
                let ClockStart { stamp, input } = (**start).clone();
                clocks.push((stamp.at, 1, input.key().to_owned(), Heard::Clock(input)));
            }
            _ => {}
        }
    }
    score(&rules, updates, end, seen);
    seen.extend(canaries(&clocks));
    seen.extend(watch(&rules, events, clocks, end).iter().map(promise));
}

/// Scores; says what the router is to hear of it.
fn score(
    rules: &Days<Policy>,
    updates: Vec<EngagementUpdate>,
    end: LogTime,
    seen: &mut Vec<Seen>,
) -> Vec<(LogTime, String, RouteInput)> {
    let updates = updates.into_iter().map(|update| (update.stamp.at, update.event.lead_id.clone(), update));
    let mut requests = Vec::new();
    for said in Host::<Score>::run(rules, updates, end) {
        use baton_score::Said;
        match said {
            Said::Score(score) => seen.push(of("lead.score", &score.lead_id, &score)),
            Said::Lifecycle(change) => seen.push(of("lifecycle.changed", &change.lead_id, &change)),
            Said::Rejected(refused) => seen.push(of("lifecycle.rejected", &refused.lead_id, &refused)),
            Said::Status(change) => seen.push(of("status.changed", &change.lead_id, &change)),
            Said::Nurture(news) => seen.push(of("nurture.events", &news.lead_id, &news)),
            Said::Cooled(news) => seen.push(of("lead.cooled", &news.lead_id, &news)),
            Said::Enrichment(news) => seen.push(of("enrichment.requested", &news.lead_id, &news)),
            Said::Revised(news) => seen.push(of("handoff.revised", &news.lead_id, &news)),
            Said::Qualified(ready) => {
                let lead_id = &ready.decision.lead_id;
                seen.push(of("lead.qualified", lead_id, &ready));
                let input = RouteInput::Qualified(Box::new(ready.decision.clone()));
                requests.push((ready.stamp.at, lead_id.clone(), input));
            }
            Said::Request(request) => requests.push((request.at, request.lead_id, request.input)),
        }
    }
    requests
}

/// What became of a promise, on its topic.
fn promise(event: &SlaEvent) -> Seen {
    use baton_domain::SlaEventKind as Kind;
    let topic = match event.kind {
        Kind::Started => "sla.started",
        Kind::Warned => "sla.warned",
        Kind::Met if !event.late => "sla.met",
        Kind::Met | Kind::Breached | Kind::Retracted | Kind::Escalated => "sla.breach",
        Kind::Cancelled => "sla.cancelled",
        Kind::Paused => "sla.paused",
        Kind::Resumed => "sla.resumed",
    };
    of(topic, &event.lead_id, event)
}

/// The canaries that come to the end of the line.
fn canaries(clocks: &[Clocked]) -> Vec<Seen> {
    let returned = clocks.iter().filter_map(|(at, _, _, heard)| baton_watch::canary(heard, *at));
    returned.map(|canary| of("canary.returned", &canary.lead_id, &canary)).collect()
}

/// Keeps the promises about leads, and marketing's own, which share no state.
fn watch(rules: &Days<Policy>, events: Vec<LeadEvent>, clocks: Vec<Clocked>, end: LogTime) -> Vec<SlaEvent> {
    let mut delivered = Vec::new();
    let mut heard: Vec<Clocked> = Vec::new();
    for (at, input, key, news) in clocks {
        match news {
            Heard::Clock(WatchInput::Delivered { pool, qualified_at, .. }) => {
                delivered.push((at, key, Delivery { pool, qualified_at, returned: false }));
            }
            Heard::Clock(WatchInput::Returned { pool, qualified_at, .. }) => {
                delivered.push((at, key, Delivery { pool, qualified_at, returned: true }));
            }
            news => heard.push((at, input, key, news)),
        }
    }
    heard.extend(events.into_iter().map(|event| (event.stamp.at, 0, event.lead_id.clone(), Heard::Lead(event))));
    heard.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    let heard = heard.into_iter().map(|(at, _, key, news)| (at, key, news));
    let mut said = Host::<Watch>::run(rules, heard, end);
    said.extend(Host::<Quota>::run(rules, delivered.into_iter(), end));
    said
}

/// What the sequencer says.
struct History {
    events: Vec<LeadEvent>,
    roster: Vec<(LogTime, RepState)>,
    /// How far time has gone.
    end: LogTime,
}

/// Gives each event its lead and its place.
fn sequence(policy: &Policy, lines: &[(Millis, Line)], seen: &mut Vec<Seen>) -> History {
    let appended = lines.iter().map(|(at, _)| *at).max().unwrap_or_default();
    let (published, lines) = Script::parts(lines);
    let mut waiting = in_turn(&published);
    let mut policy = policy.clone();
    let mut book = Book::default();
    let mut now = LogTime::MIN;
    let (mut events, mut roster) = (Vec::new(), Vec::new());
    for (_, line) in lines {
        let line = match line {
            Line::Source(line) => line,
            Line::Rep(line) => {
                now = now.next().max(LogTime::from_millis(told_at(line).min(appended)));
                take_up(&mut waiting, now, &mut policy, &mut events);
                match baton_policy::read_rep("reps.state", line, &policy) {
                    Ok(state) => roster.push((now, state)),
                    Err(problems) => {
                        let detail: Vec<String> = problems.iter().map(ToString::to_string).collect();
                        seen.push(dead(Reason::Decode, &detail.join("; "), line));
                    }
                }
                continue;
            }
            Line::Policy(_) | Line::Record(_) => continue,
        };
        for parsed in baton_identify::parse(line.as_bytes(), appended) {
            let raw = match parsed {
                Ok(raw) => raw,
                Err(refused) => {
                    seen.push(dead(refused.reason, &refused.detail, line));
                    continue;
                }
            };
            let at = baton_identify::stamp_for(now, &raw, appended);
            book.wake_before(at);
            take_up(&mut waiting, at, &mut policy, &mut events);
            let done = baton_identify::step(&policy.identity, &mut book, at, "bare", raw);
            now = done.last;
            if let Some(refused) = done.rejected {
                seen.push(dead(refused.reason, &refused.detail, line));
            }
            seen.extend(done.links.iter().map(|link| of("lead.identity", &link.id, link)));
            events.extend(done.events);
        }
    }
    events.retain(|event| !matches!(event.body, Body::Tick(_)));
    History { events, roster, end: now }
}

/// Policies in the order in which they take effect, each with the last instant before it judges.
fn in_turn(published: &[&Publication]) -> VecDeque<(LogTime, PolicyChange)> {
    let waiting = published.iter().map(|published| {
        let Publication { effective_at, name, version, document } = (*published).clone();
        let due = LogTime(LogTime::from_millis(effective_at).0 - 1);
        (due, PolicyChange { name, version, author: String::new(), document })
    });
    let mut waiting: Vec<_> = waiting.collect();
    waiting.sort_by_key(|(due, change)| (*due, change.version));
    waiting.into()
}

/// The policies whose instant comes before `at` judge from there on; one that comes after a later version never does.
fn take_up(
    waiting: &mut VecDeque<(LogTime, PolicyChange)>,
    at: LogTime,
    policy: &mut Policy,
    events: &mut Vec<LeadEvent>,
) {
    while let Some((due, change)) = waiting.pop_front_if(|(due, _)| *due < at) {
        let is_older = events.iter().any(|event| match &event.body {
            Body::Policy(other) => other.version >= change.version,
            _ => false,
        });
        let Some(read) = policy_of(&change).filter(|_| !is_older) else { continue };
        *policy = read;
        events.push(LeadEvent {
            stamp: Stamp { at: due, lane: 0 },
            lead_id: String::new(),
            event_id: format!("policy@{}", change.version),
            occurred_at: due.millis(),
            origin: "bare".to_owned(),
            body: Body::Policy(change),
        });
    }
}

fn policy_of(change: &PolicyChange) -> Option<Policy> {
    baton_policy::parse(&change.name, &change.document).ok()
}

/// The router hears of a change from the scorer, in its place.
fn heard_by_router(event: LeadEvent) -> Option<(LogTime, String, RouteInput)> {
    let Body::Policy(change) = event.body else { return None };
    Some((event.stamp.at, "policy".to_owned(), RouteInput::Policy(change)))
}

/// The rules of each day, as the history of the leads tells them.
struct Days<P> {
    first: P,
    later: Vec<(LogTime, P)>,
}

impl<P: Clone> Days<P> {
    fn always(first: &P) -> Self {
        Self { first: first.clone(), later: Vec::new() }
    }

    /// Those by which what has this place is judged: a change judges from its own place on.
    fn at(&self, at: LogTime) -> &P {
        self.later.iter().rev().find(|(from, _)| *from <= at).map_or(&self.first, |(_, rules)| rules)
    }
}

impl Days<Policy> {
    fn of(first: &Policy, events: &[LeadEvent]) -> Self {
        let change = |event: &LeadEvent| match &event.body {
            Body::Policy(change) => Some((event.stamp.at, policy_of(change)?)),
            _ => None,
        };
        Self { later: events.iter().filter_map(change).collect(), ..Self::always(first) }
    }
}

/// When a line about a rep says that it was told.
fn told_at(line: &str) -> Millis {
    let told: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let text = told.as_ref().and_then(|told| told.get("updated_at")?.as_str());
    let at = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    at.map_or(Millis(0), |at| Millis(at.as_millisecond()))
}

/// Finds desks; says what the watchdog is to hear of it.
fn route(
    policy: &Policy,
    requests: Vec<(LogTime, u8, String, Turn)>,
    end: LogTime,
    seen: &mut Vec<Seen>,
) -> Vec<Clocked> {
    let mut desk = Desk::default();
    let mut said = Vec::new();
    let mut policy = policy.clone();
    for (at, _, _, heard) in requests {
        desk.wake_through(&policy, LogTime(at.0 - 1), &mut said);
        if let Turn::Lead(RouteInput::Policy(change)) = &heard {
            policy = policy_of(change).unwrap_or(policy);
        }
        said.extend(baton_route::step(&policy, &mut desk, at, heard).outputs);
    }
    desk.wake_through(&policy, end, &mut said);
    let mut clocks = Vec::new();
    for said in said {
        use baton_route::Said;
        match said {
            Said::Handoff(handoff) => seen.push(of("lead.handoff", &handoff.decision.lead_id, &handoff)),
            Said::Assignment(given) => seen.push(of("lead.assignment", &given.lead_id, &given)),
            Said::Alert(alert) => {
                seen.push(of("lead.activity_alert", alert.owner.as_deref().unwrap_or(&alert.pool), &alert));
            }
            Said::Clock(clock) => {
                let key = clock.input.key().to_owned();
                clocks.push((clock.stamp.at, 1, key, Heard::Clock(clock.input)));
            }
        }
    }
    clocks
}

fn of<T: Serialize>(topic: &str, key: &str, record: &T) -> Seen {
    Seen { topic: topic.to_owned(), key: key.to_owned(), value: serde_json::to_value(record).unwrap_or_default() }
}

fn dead(reason: Reason, detail: &str, line: &str) -> Seen {
    let value = json!({"reason": reason.as_str(), "detail": detail, "payload": line});
    Seen { topic: "dlq".to_owned(), key: String::new(), value }
}

/// One keyed stage: a state and a wake-up for each key.
struct Host<S: Stage> {
    states: BTreeMap<String, S::State>,
    wakes: BTreeMap<String, LogTime>,
    due: BTreeSet<(LogTime, String)>,
    said: Vec<S::Output>,
}

impl<S: Stage<Policy: Clone>> Host<S> {
    /// Judges inputs in order, and what falls due between them and up to `end`.
    fn run(
        rules: &Days<S::Policy>,
        inputs: impl Iterator<Item = (LogTime, String, S::Event)>,
        end: LogTime,
    ) -> Vec<S::Output> {
        let (states, wakes, due) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let mut host = Self { states, wakes, due, said: Vec::new() };
        for (at, key, event) in inputs {
            host.wake_through(rules, LogTime(at.0 - 1));
            host.step(rules.at(at), &key, Input::Record { at, event });
        }
        host.wake_through(rules, end);
        host.said
    }

    fn wake_through(&mut self, rules: &Days<S::Policy>, until: LogTime) {
        while let Some((due, key)) = self.due.first().filter(|(due, _)| *due <= until).cloned() {
            self.step(rules.at(due), &key, Input::Wake { due });
        }
    }

    fn step(&mut self, policy: &S::Policy, key: &str, input: Input<S::Event>) {
        let step = S::step(policy, key, self.states.remove(key), input);
        if let Some(due) = self.wakes.remove(key) {
            self.due.remove(&(due, key.to_owned()));
        }
        if let Some(state) = step.state {
            self.states.insert(key.to_owned(), state);
            if let Some(wake) = step.wake {
                self.wakes.insert(key.to_owned(), wake);
                self.due.insert((wake, key.to_owned()));
            }
        }
        self.said.extend(step.outputs);
    }
}

/// The sequencer's rows.
#[derive(Default)]
struct Book {
    rows: BTreeMap<String, Row>,
    due: BTreeSet<(LogTime, String)>,
}

impl Book {
    fn wake_before(&mut self, at: LogTime) {
        while let Some((due, key)) = self.due.first().filter(|(due, _)| *due < at).cloned() {
            self.due.remove(&(due, key.clone()));
            baton_identify::wake(self, &key);
        }
    }
}

impl Directory for Book {
    fn get(&self, key: &str) -> Option<Row> {
        self.rows.get(key).cloned()
    }

    fn put(&mut self, key: &str, row: Option<Row>, wake: Option<LogTime>) {
        self.due.retain(|(_, other)| other != key);
        match row {
            Some(row) => drop(self.rows.insert(key.to_owned(), row)),
            None => drop(self.rows.remove(key)),
        }
        self.due.extend(wake.map(|due| (due, key.to_owned())));
    }
}

/// The router's rows.
#[derive(Default)]
struct Desk {
    rows: BTreeMap<String, baton_route::Row>,
    wakes: BTreeMap<String, LogTime>,
    due: BTreeSet<(LogTime, String)>,
}

impl Desk {
    fn wake_through(&mut self, policy: &Policy, until: LogTime, said: &mut Vec<baton_route::Said>) {
        while let Some((due, key)) = self.due.first().filter(|(due, _)| *due <= until).cloned() {
            self.due.remove(&(due, key.clone()));
            self.wakes.remove(&key);
            said.extend(baton_route::wake(policy, self, &key, due));
        }
    }
}

impl baton_route::Directory for Desk {
    fn get(&self, key: &str) -> Option<baton_route::Row> {
        self.rows.get(key).cloned()
    }

    fn put(&mut self, key: &str, row: Option<baton_route::Row>, wake: Option<LogTime>) {
        if let Some(due) = self.wakes.remove(key) {
            self.due.remove(&(due, key.to_owned()));
        }
        let wake = wake.filter(|_| row.is_some());
        match row {
            Some(row) => drop(self.rows.insert(key.to_owned(), row)),
            None => drop(self.rows.remove(key)),
        }
        if let Some(due) = wake {
            self.wakes.insert(key.to_owned(), due);
            self.due.insert((due, key.to_owned()));
        }
    }
}
