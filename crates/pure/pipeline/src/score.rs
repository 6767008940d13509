//! `score`: `engagement.aggregate` in; scores, lifecycle moves, qualified leads and requests for a desk out.

use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{
    AssignmentRequest, Body, EngagementUpdate, Ledger, LifecycleChanged, LogTime, Qualified, RouteInput, ScoreUpdate,
    Stamp, Tick,
};
use baton_engine::{Ctx, Incoming, Order, Processor, StageSpec, Stamped, Writers};
use baton_policy::Policy;
use baton_route::CAPACITY_DOMAIN;
use baton_score::{Said, Score};
use baton_stage::Input;
use baton_wire::partition;

use crate::codec::{Codec, Schemas};
use crate::consumer::{frame, lead_input, outputs};
use crate::envelope::{self, Envelope, To};
use crate::inbound::{belongs, stamped};
use crate::keyed;
use crate::topics::{Topology, name};

const STAGE: &str = "score";
const SCORE: usize = 0;
const LIFECYCLE: usize = 1;
const QUALIFIED: usize = 2;
const REQUESTS: usize = 3;

pub(crate) fn spec(topology: &Topology) -> StageSpec {
    let inputs = vec![lead_input(topology, name::AGGREGATE, Order::Stamped(Writers::Own))];
    let mut outputs = outputs(topology, &[name::SCORE, name::LIFECYCLE, name::QUALIFIED]);
    outputs.push((topology.full(name::REQUESTS), 1));
    frame(topology, STAGE, inputs, outputs)
}

pub(crate) struct Host {
    policy: Arc<Policy>,
    updates: Codec<EngagementUpdate>,
    scores: Codec<ScoreUpdate>,
    moves: Codec<LifecycleChanged>,
    qualified: Codec<Qualified>,
    requests: Codec<AssignmentRequest>,
    ledger: Codec<Ledger>,
    buffer: Vec<u8>,
}

impl Host {
    pub(crate) fn new(policy: &Arc<Policy>, schemas: &Rc<dyn Schemas>) -> Self {
        Self {
            policy: Arc::clone(policy),
            updates: Codec::new(schemas),
            scores: Codec::new(schemas),
            moves: Codec::new(schemas),
            qualified: Codec::new(schemas),
            requests: Codec::new(schemas),
            ledger: Codec::new(schemas),
            buffer: Vec::new(),
        }
    }

    fn say(&mut self, said: Vec<Said>, ctx: &mut Ctx<'_>) {
        for said in said {
            match said {
                Said::Score(score) => self.say_score(score, ctx),
                Said::Lifecycle(change) => self.say_move(change, ctx),
                Said::Qualified(qualified) => self.say_qualified(*qualified, ctx),
            }
        }
    }

    fn say_score(&mut self, mut score: ScoreUpdate, ctx: &mut Ctx<'_>) {
        score.stamp.lane = ctx.lane();
        self.scores.encode(&score, &mut self.buffer);
        let envelope = Envelope {
            kind: "lead.score.v1",
            stage: STAGE,
            id: &format!("{}@{}", score.lead_id, score.stamp.at.0),
            lead_id: &score.lead_id,
            at: score.stamp.at,
            cause: &score.event_id,
        };
        envelope::emit(ctx, To { topic: SCORE, partition: ctx.lane() }, &envelope, &self.buffer);
    }

    fn say_move(&mut self, mut change: LifecycleChanged, ctx: &mut Ctx<'_>) {
        change.stamp.lane = ctx.lane();
        self.moves.encode(&change, &mut self.buffer);
        let envelope = Envelope {
            kind: "lifecycle.changed.v1",
            stage: STAGE,
            id: &format!("{}@{}-{}", change.lead_id, change.stamp.at.0, change.to),
            lead_id: &change.lead_id,
            at: change.stamp.at,
            cause: &change.event_id,
        };
        envelope::emit(ctx, To { topic: LIFECYCLE, partition: ctx.lane() }, &envelope, &self.buffer);
    }

    fn say_qualified(&mut self, mut qualified: Qualified, ctx: &mut Ctx<'_>) {
        qualified.stamp.lane = ctx.lane();
        self.qualified.encode(&qualified, &mut self.buffer);
        let Qualified { stamp, decision } = qualified;
        let envelope = Envelope {
            kind: "lead.qualified.v1",
            stage: STAGE,
            id: &decision.handoff_id,
            lead_id: &decision.lead_id,
            at: stamp.at,
            cause: &decision.event_id,
        };
        envelope::emit(ctx, To { topic: QUALIFIED, partition: ctx.lane() }, &envelope, &self.buffer);
        let request = AssignmentRequest { stamp, input: RouteInput::Qualified(Box::new(decision.clone())) };
        self.requests.encode(&request, &mut self.buffer);
        let to = To { topic: REQUESTS, partition: partition(CAPACITY_DOMAIN.as_bytes(), ctx.partitions(REQUESTS)) };
        let envelope = Envelope { kind: "assignment.request.v1", ..envelope };
        // Keyed by lead, for ties in log time and for the reader; the partition is the capacity domain's.
        envelope::emit(ctx, to, &envelope, &self.buffer);
    }
}

impl Processor for Host {
    fn stamp(&mut self, record: &Incoming<'_>, _now: LogTime) -> Stamped {
        stamped(record, |value| self.updates.decode(value).map(|update| matches!(update.event.body, Body::Tick(_))))
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let update = self.updates.decode(record.value.unwrap_or_default());
        let partitions = ctx.input_partitions(record.input);
        match update.and_then(|update| belongs(record, &update.event.lead_id, partitions).map(|()| update)) {
            Ok(event) => {
                let key = event.event.lead_id.clone();
                let said = keyed::step::<Score>(&self.policy, &key, Input::Record { at, event }, ctx);
                self.say(said, ctx);
            }
            Err((reason, detail)) => ctx.dead_letter(record, reason, &detail),
        }
        at
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        let said = keyed::step::<Score>(&self.policy, keyed::text(key), keyed::wake(due), ctx);
        self.say(said, ctx);
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        let stamp = Stamp { at: now, lane: ctx.lane() };
        self.requests.encode(&AssignmentRequest { stamp, input: RouteInput::Tick(Tick {}) }, &mut self.buffer);
        for partition in 0..ctx.partitions(REQUESTS) {
            ctx.tick(REQUESTS, partition, &self.buffer);
        }
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        self.ledger.bytes(ledger)
    }
}
