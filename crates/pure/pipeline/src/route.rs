//! `route`: requests for a desk and the roster in; assignments, handoffs, alerts and clocks to start out.

use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{
    ActivityAlert, Assignment, AssignmentRequest, ClockStart, Handoff, Ledger, LogTime, Reason, RosterEvent,
    RosterInput, RouteInput, Stamp, Tick, WatchInput,
};
use baton_engine::{Ctx, Incoming, InputSpec, Order, Processor, Spread, StageSpec, Stamped, Verdict, Writers};
use baton_policy::Policy;
use baton_route::{Answer, Heard, Said};
use baton_wire::partition;

use crate::codec::{Codec, Schemas};
use crate::consumer::{frame, outputs};
use crate::envelope::{self, Envelope, To};
use crate::figures::{Book, Figure};
use crate::inbound::{POLICY_KEY, keyed_by, stamped};
use crate::keyed;
use crate::rows::Rows;
use crate::rules::Rules;
use crate::topics::{Topology, name};

const STAGE: &str = "route";
/// The index of the input.
const REQUESTS: usize = 0;
const HANDOFF: usize = 0;
const ASSIGNMENT: usize = 1;
const CLOCKS: usize = 2;
const ALERT: usize = 3;

pub(crate) fn spec(topology: &Topology) -> StageSpec {
    let input = |name: &str, writers: i32| InputSpec {
        topic: topology.full(name),
        partitions: 1,
        spread: Spread::Own,
        order: Order::Stamped(Writers::First(writers)),
    };
    // The roster has one writer: the sequencer.
    let inputs = vec![input(name::REQUESTS, topology.lanes), input(name::ROSTER, 1)];
    frame(topology, STAGE, inputs, outputs(topology, &[name::HANDOFF, name::ASSIGNMENT, name::CLOCKS, name::ALERT]))
}

pub(crate) struct Host {
    rules: Rules,
    requests: Codec<AssignmentRequest>,
    roster: Codec<RosterEvent>,
    handoffs: Codec<Handoff>,
    assignments: Codec<Assignment>,
    clocks: Codec<ClockStart>,
    alerts: Codec<ActivityAlert>,
    ledger: Codec<Ledger>,
    book: Book,
    buffer: Vec<u8>,
}

impl Host {
    pub(crate) fn new(policy: &Arc<Policy>, schemas: &Rc<dyn Schemas>, book: Book) -> Self {
        Self {
            rules: Rules::new(policy),
            requests: Codec::new(schemas),
            roster: Codec::new(schemas),
            handoffs: Codec::new(schemas),
            assignments: Codec::new(schemas),
            clocks: Codec::new(schemas),
            alerts: Codec::new(schemas),
            ledger: Codec::new(schemas),
            book,
            buffer: Vec::new(),
        }
    }

    fn request(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) {
        match self.requests.decode(record.value.unwrap_or_default()) {
            // Each lane of the scorer tells it, all at one stamp: the first counts.
            Ok(AssignmentRequest { input: RouteInput::Policy(change), .. }) => match keyed_by(record, POLICY_KEY) {
                Ok(()) => {
                    let outcome = self.rules.change(&change, ctx);
                    ctx.count(outcome);
                    if outcome == "policy_changed" {
                        // Who waits may be wanted by others now.
                        self.hear(at, Heard::Lead(RouteInput::Policy(change)), ctx);
                    }
                }
                Err((reason, detail)) => ctx.dead_letter(record, reason, &detail),
            },
            // What is about no lead has no key; with one it is somebody's mistake, and harmless.
            Ok(AssignmentRequest { input: RouteInput::Tick(_), .. }) => ctx.count("tick_with_key"),
            // The topic is one domain's, so its partition says nothing about a lead.
            Ok(AssignmentRequest { input, .. }) => match keyed_by(record, about(&input)) {
                Ok(()) => self.hear(at, Heard::Lead(input), ctx),
                Err((reason, detail)) => ctx.dead_letter(record, reason, &detail),
            },
            Err((reason, detail)) => ctx.dead_letter(record, reason, &detail),
        }
    }

    fn roster(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) {
        match self.roster.decode(record.value.unwrap_or_default()) {
            Ok(RosterEvent { input: RosterInput::Rep(state), .. }) => match record.key {
                Some(key) if key == state.rep.as_bytes() => self.hear(at, Heard::Rep(*state), ctx),
                _ => ctx.dead_letter(record, Reason::Misrouted, "its key is not the rep that it is about"),
            },
            Ok(RosterEvent { input: RosterInput::Tick(_), .. }) => ctx.count("tick_with_key"),
            Err((reason, detail)) => ctx.dead_letter(record, reason, &detail),
        }
    }

    fn hear(&mut self, at: LogTime, heard: Heard, ctx: &mut Ctx<'_>) {
        let policy = self.rules.of(ctx);
        let counted = !matches!(heard, Heard::Lead(RouteInput::Policy(_)));
        let mut rows = Rows::new(ctx);
        let Answer { outputs, outcome } = baton_route::step(&policy, &mut rows, at, heard);
        if let Some(why) = rows.take_broken() {
            return ctx.halt(why);
        }
        if counted {
            ctx.count(outcome);
            self.book.note(|| Figure::Event { at, occurred_at: None });
        }
        self.say(outputs, ctx);
    }

    fn say(&mut self, said: Vec<Said>, ctx: &mut Ctx<'_>) {
        let lane = ctx.lane();
        for said in said {
            match said {
                Said::Handoff(mut handoff) => {
                    handoff.stamp.lane = lane;
                    handoff.assignment.stamp.lane = lane;
                    self.note_handoff(&handoff);
                    self.handoffs.encode(&handoff, &mut self.buffer);
                    let envelope = envelope(
                        "lead.handoff.v1",
                        &handoff.decision.handoff_id,
                        &handoff.decision.lead_id,
                        handoff.stamp.at,
                        &handoff.decision.event_id,
                    );
                    send(ctx, HANDOFF, &envelope, &self.buffer);
                }
                Said::Assignment(mut assignment) => {
                    assignment.stamp.lane = lane;
                    self.note_assignment(&assignment);
                    self.assignments.encode(&assignment, &mut self.buffer);
                    let id = format!("{}@{}", assignment.handoff_id, assignment.stamp.at.0);
                    let envelope = envelope(
                        "lead.assignment.v1",
                        &id,
                        &assignment.lead_id,
                        assignment.stamp.at,
                        &assignment.handoff_id,
                    );
                    send(ctx, ASSIGNMENT, &envelope, &self.buffer);
                }
                Said::Clock(clock) => self.say_clock(clock, ctx),
                Said::Alert(alert) => self.say_alert(alert, ctx),
            }
        }
    }

    fn note_handoff(&mut self, handoff: &Handoff) {
        self.book.note(|| Figure::HandedOff {
            lane: handoff.decision.lane.clone(),
            pool: handoff.assignment.pool.clone(),
            occurred_at: handoff.decision.occurred_at,
        });
    }

    fn note_assignment(&mut self, assignment: &Assignment) {
        // A lead is released for whatever reason the CRM gives: those are one.
        let known = ["qualified", "hand_raise", "claimed", "owner", "handback", "unrouted"];
        let cause = known.into_iter().find(|cause| *cause == assignment.cause).unwrap_or("released");
        self.book.note(|| Figure::Assigned { pool: assignment.pool.clone(), cause });
    }

    fn say_clock(&mut self, mut clock: ClockStart, ctx: &mut Ctx<'_>) {
        clock.stamp.lane = ctx.lane();
        self.clocks.encode(&clock, &mut self.buffer);
        let (lead_id, handoff_id) = (clock.input.lead_id(), clock.input.handoff_id());
        let counts = match clock.input {
            WatchInput::Delivered { .. } => "-delivered",
            WatchInput::Returned { .. } => "-returned",
            _ => "",
        };
        let id = format!("{handoff_id}@{}{counts}", clock.stamp.at.0);
        let envelope = envelope("sla.request.v1", &id, lead_id, clock.stamp.at, handoff_id);
        let key = clock.input.key();
        let to = To { topic: CLOCKS, partition: partition(key.as_bytes(), ctx.partitions(CLOCKS)) };
        envelope::emit_keyed(ctx, to, key, &envelope, &self.buffer);
    }

    fn say_alert(&mut self, mut alert: ActivityAlert, ctx: &mut Ctx<'_>) {
        alert.stamp.lane = ctx.lane();
        self.alerts.encode(&alert, &mut self.buffer);
        let (at, desk) = (alert.stamp.at, alert.owner.as_deref().unwrap_or(&alert.pool));
        let what = if alert.owner.is_some() { "rep" } else { "pool" };
        let id = format!("alert_{what}_{desk}@{}", at.0);
        let cause = alert.leads.last().map_or("", |lead| lead.handoff_id.as_str());
        send(ctx, ALERT, &envelope("lead.activity_alert.v1", &id, desk, at, cause), &self.buffer);
    }
}

/// Whose lead an input is about; empty for what is about none.
fn about(input: &RouteInput) -> &str {
    match input {
        RouteInput::Qualified(decision) => &decision.lead_id,
        RouteInput::Released(released) => &released.lead_id,
        RouteInput::Owner(change) => &change.lead_id,
        RouteInput::Moved(moved) => &moved.lead_id,
        RouteInput::Answered(answered) => &answered.lead_id,
        RouteInput::Noticed(noticed) => &noticed.lead_id,
        RouteInput::Tick(_) | RouteInput::Policy(_) => "",
    }
}

fn envelope<'a>(kind: &'a str, id: &'a str, lead_id: &'a str, at: LogTime, cause: &'a str) -> Envelope<'a> {
    Envelope { kind, stage: STAGE, id, lead_id, at, cause }
}

fn send(ctx: &mut Ctx<'_>, topic: usize, envelope: &Envelope<'_>, value: &[u8]) {
    let partition = partition(envelope.lead_id.as_bytes(), ctx.partitions(topic));
    envelope::emit(ctx, To { topic, partition }, envelope, value);
}

impl Processor for Host {
    fn stamp(&mut self, record: &Incoming<'_>, _now: LogTime) -> Stamped {
        stamped(record, |value| match record.input {
            REQUESTS => self.requests.decode(value).map(|request| matches!(request.input, RouteInput::Tick(_))),
            _ => self.roster.decode(value).map(|event| matches!(event.input, RosterInput::Tick(_))),
        })
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        self.book.begin();
        match record.input {
            REQUESTS => self.request(record, at, ctx),
            _ => self.roster(record, at, ctx),
        }
        at
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        self.book.begin();
        let policy = self.rules.of(ctx);
        let mut rows = Rows::new(ctx);
        let said = baton_route::wake(&policy, &mut rows, keyed::text(key), due);
        if let Some(why) = rows.take_broken() {
            return ctx.halt(why);
        }
        self.say(said, ctx);
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        let stamp = Stamp { at: now, lane: ctx.lane() };
        self.clocks.encode(&ClockStart { stamp, input: WatchInput::Tick(Tick {}) }, &mut self.buffer);
        for partition in 0..ctx.partitions(CLOCKS) {
            ctx.tick(CLOCKS, partition, &self.buffer);
        }
    }

    fn in_force(&self) -> Option<(String, i64)> {
        self.rules.in_force()
    }

    fn verdict(&mut self, verdict: Verdict) {
        self.book.verdict(verdict);
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        self.ledger.bytes(ledger)
    }
}
