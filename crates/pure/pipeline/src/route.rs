//! `route`: requests for a desk in; assignments, handoffs and clocks to start out.

use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{
    Assignment, AssignmentRequest, ClockStart, Handoff, Ledger, LogTime, RouteInput, Stamp, Tick, WatchInput,
};
use baton_engine::{Ctx, Incoming, InputSpec, Order, Processor, Spread, StageSpec, Stamped, Writers};
use baton_policy::Policy;
use baton_route::{CAPACITY_DOMAIN, Route, Said};
use baton_stage::Input;
use baton_wire::partition;

use crate::codec::{Codec, Schemas};
use crate::consumer::{frame, outputs};
use crate::envelope::{self, Envelope, To};
use crate::inbound::{POLICY_KEY, keyed_by, stamped};
use crate::keyed;
use crate::rules::Rules;
use crate::topics::{Topology, name};

const STAGE: &str = "route";
const HANDOFF: usize = 0;
const ASSIGNMENT: usize = 1;
const CLOCKS: usize = 2;

pub(crate) fn spec(topology: &Topology) -> StageSpec {
    let inputs = vec![InputSpec {
        topic: topology.full(name::REQUESTS),
        partitions: 1,
        spread: Spread::Own,
        order: Order::Stamped(Writers::First(topology.lanes)),
    }];
    frame(topology, STAGE, inputs, outputs(topology, &[name::HANDOFF, name::ASSIGNMENT, name::CLOCKS]))
}

pub(crate) struct Host {
    rules: Rules,
    requests: Codec<AssignmentRequest>,
    handoffs: Codec<Handoff>,
    assignments: Codec<Assignment>,
    clocks: Codec<ClockStart>,
    ledger: Codec<Ledger>,
    buffer: Vec<u8>,
}

impl Host {
    pub(crate) fn new(policy: &Arc<Policy>, schemas: &Rc<dyn Schemas>) -> Self {
        Self {
            rules: Rules::new(policy),
            requests: Codec::new(schemas),
            handoffs: Codec::new(schemas),
            assignments: Codec::new(schemas),
            clocks: Codec::new(schemas),
            ledger: Codec::new(schemas),
            buffer: Vec::new(),
        }
    }

    fn say(&mut self, said: Vec<Said>, ctx: &mut Ctx<'_>) {
        let lane = ctx.lane();
        for said in said {
            match said {
                Said::Handoff(mut handoff) => {
                    handoff.stamp.lane = lane;
                    handoff.assignment.stamp.lane = lane;
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
            }
        }
    }

    fn say_clock(&mut self, mut clock: ClockStart, ctx: &mut Ctx<'_>) {
        clock.stamp.lane = ctx.lane();
        self.clocks.encode(&clock, &mut self.buffer);
        let (lead_id, handoff_id) = (clock.input.lead_id(), clock.input.handoff_id());
        let id = format!("{handoff_id}@{}", clock.stamp.at.0);
        let envelope = envelope("sla.request.v1", &id, lead_id, clock.stamp.at, handoff_id);
        send(ctx, CLOCKS, &envelope, &self.buffer);
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
        stamped(record, |value| self.requests.decode(value).map(|request| matches!(request.input, RouteInput::Tick(_))))
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        match self.requests.decode(record.value.unwrap_or_default()) {
            Ok(AssignmentRequest { input: RouteInput::Qualified(decision), .. }) => {
                // The topic is one domain's, so its partition says nothing about a lead.
                if let Err((reason, detail)) = keyed_by(record, &decision.lead_id) {
                    ctx.dead_letter(record, reason, &detail);
                    return at;
                }
                let input = Input::Record { at, event: *decision };
                let policy = self.rules.of(ctx);
                let said = keyed::step::<Route>(&policy, CAPACITY_DOMAIN, input, ctx);
                self.say(said, ctx);
            }
            // Each lane of the scorer tells it, all at one stamp: the first counts.
            Ok(AssignmentRequest { input: RouteInput::Policy(change), .. }) => match keyed_by(record, POLICY_KEY) {
                Ok(()) => {
                    let outcome = self.rules.change(&change, ctx);
                    ctx.count(outcome);
                }
                Err((reason, detail)) => ctx.dead_letter(record, reason, &detail),
            },
            Ok(AssignmentRequest { input: RouteInput::Tick(_), .. }) => ctx.count("tick_with_key"),
            Ok(_) => ctx.count("ignored"),
            Err((reason, detail)) => ctx.dead_letter(record, reason, &detail),
        }
        at
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        let policy = self.rules.of(ctx);
        let said = keyed::step::<Route>(&policy, keyed::text(key), keyed::wake(due), ctx);
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
        Some(self.rules.in_force())
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        self.ledger.bytes(ledger)
    }
}
