//! `identify`: the sequencer. Any source record, published policies and the roster in; `lead.events`,
//! `lead.identity` and `roster.events` out.

use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{
    Body, IdentityLink, LeadEvent, Ledger, Linked, LogTime, Millis, PolicyPublished, RawEvent, Reason, Stamp, Tick,
    is_canary,
};
use baton_engine::{Ctx, Incoming, InputSpec, Order, Processor, Spread, StageSpec, Stamped, Verdict};
use baton_identify::Rejected;
use baton_policy::Policy;
use baton_wire::{Frame, partition};

use crate::codec::{Codec, Schemas};
use crate::consumer::{frame, outputs};
use crate::envelope::{self, Envelope, To};
use crate::figures::{Book, Figure};
use crate::inbound::POLICY_KEY;
use crate::keyed;
use crate::publication::{self, Waiting};
use crate::roster::{self, Roster};
use crate::rows::Rows;
use crate::rules::Rules;
use crate::topics::{Topology, name};

const STAGE: &str = "identify";
const EVENTS: usize = 0;
const IDENTITY: usize = 1;
const ROSTER: usize = 2;

/// Where the sequencer's time comes from when nothing arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// From the host's clock, every so many ms: a live pipeline.
    Wall {
        /// Milliseconds between ticks.
        every_ms: i64,
    },
    /// Only from what is on the log: replays and simulations.
    Log,
}

pub(crate) fn spec(topology: &Topology) -> StageSpec {
    let ticks =
        InputSpec { topic: topology.full(name::TICKS), partitions: 1, spread: Spread::All, order: Order::Arrival };
    let sources = topology.sources.iter().map(|source| InputSpec {
        topic: source.topic.clone(),
        partitions: source.partitions,
        spread: Spread::All,
        order: Order::Arrival,
    });
    let policies = InputSpec { topic: topology.policies(), partitions: 1, spread: Spread::All, order: Order::Arrival };
    let reps = InputSpec { topic: topology.reps(), ..policies.clone() };
    let inputs = std::iter::once(ticks).chain(sources).chain([reps, policies]).collect();
    let mut outputs = outputs(topology, &[name::EVENTS, name::IDENTITY]);
    outputs.push((topology.full(name::ROSTER), 1));
    frame(topology, STAGE, inputs, outputs)
}

pub(crate) struct Identify {
    rules: Rules,
    pace: Pace,
    published: Codec<PolicyPublished>,
    raw: Codec<RawEvent>,
    events: Codec<LeadEvent>,
    links: Codec<IdentityLink>,
    ledger: Codec<Ledger>,
    roster: Roster,
    topics: Vec<String>,
    parsed: Vec<Result<RawEvent, Rejected>>,
    ticked_at: Option<Millis>,
    book: Book,
    buffer: Vec<u8>,
}

impl Identify {
    pub(crate) fn new(
        topology: &Topology,
        policy: &Arc<Policy>,
        schemas: &Rc<dyn Schemas>,
        pace: Pace,
        book: Book,
    ) -> Self {
        Self {
            rules: Rules::new(policy),
            pace,
            published: Codec::new(schemas),
            raw: Codec::new(schemas),
            events: Codec::new(schemas),
            links: Codec::new(schemas),
            ledger: Codec::new(schemas),
            roster: Roster::new(schemas),
            topics: spec(topology).inputs.into_iter().map(|input| input.topic).collect(),
            parsed: Vec::new(),
            ticked_at: None,
            book,
            buffer: Vec::new(),
        }
    }

    fn parse(&mut self, record: &Incoming<'_>) -> Result<(), (Reason, String)> {
        let Some(value) = record.value else {
            return Err((Reason::Decode, "the record has no value".to_owned()));
        };
        self.parsed.clear();
        match Frame::of(value) {
            Frame::Json(json) => self.parsed = baton_identify::parse(json, record.appended),
            Frame::Confluent { .. } | Frame::Single { .. } => {
                let raw = self.raw.decode(value)?;
                self.parsed.push(baton_identify::check(raw));
            }
            Frame::Unknown => {
                return Err((Reason::Decode, "neither JSON nor Avro with a schema id or fingerprint".to_owned()));
            }
        }
        match self.parsed.as_slice() {
            [] => Err((Reason::Decode, "the batch is empty".to_owned())),
            [Err(rejected)] => Err((rejected.reason, rejected.detail.clone())),
            _ => Ok(()),
        }
    }

    fn sequence(&mut self, record: &Incoming<'_>, at: LogTime, raw: RawEvent, ctx: &mut Ctx<'_>) -> LogTime {
        let origin = self.origin(record);
        let policy = self.rules.of(ctx);
        let mut rows = Rows::new(ctx);
        let done = baton_identify::step(&policy.identity, &mut rows, at, &origin, raw);
        if let Some(why) = rows.take_broken() {
            ctx.halt(why);
        }
        match done.rejected {
            Some(rejected) => ctx.dead_letter(record, rejected.reason, &rejected.detail),
            None => ctx.count(done.outcome),
        }
        for event in &done.events {
            self.tell(event, ctx);
        }
        for link in &done.links {
            self.links.encode(link, &mut self.buffer);
            let envelope = Envelope {
                kind: "lead.identity.v1",
                stage: STAGE,
                id: &format!("{}@{}", link.id, link.since.0),
                lead_id: &link.lead_id,
                at: link.since,
                cause: "",
            };
            let to = To { topic: IDENTITY, partition: partition(link.id.as_bytes(), ctx.partitions(IDENTITY)) };
            envelope::emit_keyed(ctx, to, &link.id, &envelope, &self.buffer);
        }
        done.last
    }

    /// Where a record lies, as `topic/partition/offset`.
    fn origin(&self, record: &Incoming<'_>) -> String {
        let topic = self.topics.get(record.input).map_or("", String::as_str);
        format!("{topic}/{}/{}", record.partition, record.offset)
    }

    /// Whether the record is a published policy: the last input is theirs.
    fn is_policy(&self, record: &Incoming<'_>) -> bool {
        record.input.saturating_add(1) == self.topics.len()
    }

    /// Whether the record tells of a rep: the last input but one.
    fn is_rep(&self, record: &Incoming<'_>) -> bool {
        record.input.saturating_add(2) == self.topics.len()
    }

    /// What is told of a rep is so from when the log took it; where no clock drives the log, from when it says.
    fn stamp_of_rep(&self, record: &Incoming<'_>, now: LogTime) -> LogTime {
        let received = match self.pace {
            Pace::Wall { .. } => record.appended,
            Pace::Log => roster::told_at(record.value.unwrap_or_default()).unwrap_or_default().min(record.appended),
        };
        now.next().max(LogTime::from_millis(received))
    }

    fn enrol(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) {
        let policy = self.rules.of(ctx);
        let state = match self.roster.read(record, &policy) {
            Ok(state) => state,
            Err((reason, detail)) => return ctx.dead_letter(record, reason, &detail),
        };
        let (origin, rep) = (self.origin(record), state.rep.clone());
        self.roster.event(Stamp { at, lane: 0 }, state, &mut self.buffer);
        let id = format!("{rep}@{}", at.0);
        let envelope = Envelope { kind: "roster.event.v1", stage: STAGE, id: &id, lead_id: "", at, cause: &origin };
        ctx.count("roster");
        envelope::emit_keyed(ctx, To { topic: ROSTER, partition: 0 }, &rep, &envelope, &self.buffer);
    }

    /// A publication has no time of its own: where no clock drives the log, it is taken up as soon as it is read.
    fn stamp_of_policy(&self, record: &Incoming<'_>, now: LogTime) -> LogTime {
        let received = match self.pace {
            Pace::Wall { .. } => record.appended,
            Pace::Log => Millis(0),
        };
        now.next().max(LogTime::from_millis(received))
    }

    fn publish(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) {
        let origin = self.origin(record);
        let published = self.published.decode(record.value.unwrap_or_default());
        match published.and_then(|published| publication::take(published, at, origin, ctx)) {
            Ok(due) => {
                ctx.count("policy_published");
                if let Some(due) = due {
                    self.change(due, at, ctx);
                }
            }
            Err((reason, detail)) => {
                self.book.note(|| Figure::PolicyRefused);
                ctx.dead_letter(record, reason, &detail);
            }
        }
    }

    /// From `at` on the policy judges, in every partition.
    fn change(&mut self, Waiting { change, effective_at, origin }: Waiting, at: LogTime, ctx: &mut Ctx<'_>) {
        // A policy whose instant comes after that of a later version never judges.
        if self.rules.change(&change, ctx) != "policy_changed" {
            return;
        }
        let id = format!("policy@{}", change.version);
        let event = LeadEvent {
            stamp: Stamp { at, lane: 0 },
            lead_id: String::new(),
            event_id: id.clone(),
            occurred_at: effective_at,
            origin,
            body: Body::Policy(change),
        };
        self.events.encode(&event, &mut self.buffer);
        let envelope =
            Envelope { kind: "policy.changed.v1", stage: STAGE, id: &id, lead_id: "", at, cause: &event.origin };
        for partition in 0..ctx.partitions(EVENTS) {
            envelope::emit_keyed(ctx, To { topic: EVENTS, partition }, POLICY_KEY, &envelope, &self.buffer);
        }
    }

    fn note(&mut self, event: &LeadEvent) {
        self.book.note(|| Figure::event(event.stamp.at, event));
        match &event.body {
            // Nobody did it.
            _ if is_canary(&event.lead_id) => {}
            Body::Activity(activity) => {
                let source = self.book.source(activity.source.as_deref());
                self.book.note(|| Figure::Activity { source, machine: activity.bot });
            }
            Body::Linked(Linked { previous_lead: Some(_), .. }) => self.book.note(|| Figure::Merged),
            Body::Retracted(retraction) => self.book.note(|| Figure::Retracted(retraction.reason)),
            _ => {}
        }
    }

    fn tell(&mut self, event: &LeadEvent, ctx: &mut Ctx<'_>) {
        self.note(event);
        self.events.encode(event, &mut self.buffer);
        let envelope = Envelope {
            kind: "lead.event.v1",
            stage: STAGE,
            id: &event.event_id,
            lead_id: &event.lead_id,
            at: event.stamp.at,
            cause: &event.origin,
        };
        let to = To { topic: EVENTS, partition: partition(event.lead_id.as_bytes(), ctx.partitions(EVENTS)) };
        envelope::emit(ctx, to, &envelope, &self.buffer);
    }
}

impl Processor for Identify {
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped {
        if self.is_policy(record) {
            return Stamped::At(Stamp { at: self.stamp_of_policy(record, now), lane: 0 });
        }
        if self.is_rep(record) {
            return Stamped::At(Stamp { at: self.stamp_of_rep(record, now), lane: 0 });
        }
        if let Err((reason, detail)) = self.parse(record) {
            return Stamped::Bad(reason, detail);
        }
        let first = self.parsed.iter().find_map(|event| event.as_ref().ok());
        let at = first.map_or(now.next(), |raw| baton_identify::stamp_for(now, raw, record.appended));
        Stamped::At(Stamp { at, lane: 0 })
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        self.book.begin();
        if self.is_policy(record) {
            self.publish(record, at, ctx);
            return at;
        }
        if self.is_rep(record) {
            self.enrol(record, at, ctx);
            return at;
        }
        let events = std::mem::take(&mut self.parsed);
        ctx.holds(events.len());
        let mut last = at;
        for (index, event) in events.into_iter().enumerate() {
            match event {
                Ok(raw) => {
                    let at = if index == 0 { at } else { baton_identify::stamp_for(last, &raw, record.appended) };
                    last = self.sequence(record, at, raw, ctx);
                }
                Err(rejected) => ctx.dead_letter(record, rejected.reason, &rejected.detail),
            }
        }
        last
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        self.book.begin();
        if let Some(mut waiting) = publication::due(key, ctx) {
            // It comes at its instant and not with the record that published it, which bears no witness to it.
            waiting.origin = format!("since:{}", waiting.origin);
            return self.change(waiting, due, ctx);
        }
        baton_identify::wake(&mut Rows::new(ctx), keyed::text(key));
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        let tick = LeadEvent {
            stamp: Stamp { at: now, lane: 0 },
            lead_id: String::new(),
            event_id: String::new(),
            occurred_at: now.millis(),
            origin: String::new(),
            body: Body::Tick(Tick {}),
        };
        self.events.encode(&tick, &mut self.buffer);
        for partition in 0..ctx.partitions(EVENTS) {
            ctx.tick(EVENTS, partition, &self.buffer);
        }
        self.roster.tick(tick.stamp, &mut self.buffer);
        ctx.tick(ROSTER, 0, &self.buffer);
    }

    fn verdict(&mut self, verdict: Verdict) {
        self.book.verdict(verdict);
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        self.ledger.bytes(ledger)
    }

    fn in_force(&self) -> Option<(String, i64)> {
        self.rules.in_force()
    }

    fn idle(&mut self, now: LogTime, host: Millis) -> Option<LogTime> {
        let Pace::Wall { every_ms } = self.pace else { return None };
        let is_due = self.ticked_at.is_none_or(|at| host.since(at) >= every_ms);
        if !is_due {
            return None;
        }
        self.ticked_at = Some(host);
        Some(LogTime::from_millis(host)).filter(|host| *host > now)
    }
}
