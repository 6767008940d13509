//! `aggregate`: `lead.events` in, `engagement.aggregate` out, partition by partition.

use std::rc::Rc;

use baton_aggregate::Aggregate;
use baton_domain::{Body, Engagement, EngagementUpdate, LeadEvent, Ledger, LogTime, Stamp, Tick};
use baton_engine::{Ctx, Incoming, Order, Processor, StageSpec, Stamped, Verdict, Writers};
use baton_stage::Input;

use crate::codec::{Codec, Schemas};
use crate::consumer::{frame, lead_input, outputs};
use crate::envelope::{self, Envelope, To};
use crate::figures::{Book, Figure};
use crate::inbound::{POLICY_KEY, event_belongs, stamped};
use crate::keyed::{self, Keyed};
use crate::topics::{Topology, name};

const STAGE: &str = "aggregate";

pub(crate) fn spec(topology: &Topology) -> StageSpec {
    let inputs = vec![lead_input(topology, name::EVENTS, Order::Stamped(Writers::First(1)))];
    frame(topology, STAGE, inputs, outputs(topology, &[name::AGGREGATE]))
}

pub(crate) struct Host {
    events: Codec<LeadEvent>,
    updates: Codec<EngagementUpdate>,
    ledger: Codec<Ledger>,
    leads: Keyed<Aggregate>,
    book: Book,
    buffer: Vec<u8>,
}

impl Host {
    pub(crate) fn new(schemas: &Rc<dyn Schemas>, book: Book) -> Self {
        Self {
            events: Codec::new(schemas),
            updates: Codec::new(schemas),
            ledger: Codec::new(schemas),
            leads: Keyed::default(),
            book,
            buffer: Vec::new(),
        }
    }

    fn say(&mut self, updates: Vec<EngagementUpdate>, ctx: &mut Ctx<'_>) {
        let lane = ctx.lane();
        for mut update in updates {
            update.stamp.lane = lane;
            self.updates.encode(&update, &mut self.buffer);
            let envelope = Envelope {
                kind: "engagement.aggregate.v1",
                stage: STAGE,
                id: &update.event.event_id,
                lead_id: &update.event.lead_id,
                at: update.stamp.at,
                cause: &update.event.event_id,
            };
            let key = match update.event.body {
                Body::Policy(_) => POLICY_KEY,
                _ => &update.event.lead_id,
            };
            envelope::emit_keyed(ctx, To { topic: 0, partition: lane }, key, &envelope, &self.buffer);
        }
    }
}

impl Processor for Host {
    fn stamp(&mut self, record: &Incoming<'_>, _now: LogTime) -> Stamped {
        stamped(record, |value| self.events.decode(value).map(|event| matches!(event.body, Body::Tick(_))))
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        self.book.begin();
        let event = self.events.decode(record.value.unwrap_or_default());
        let partitions = ctx.input_partitions(record.input);
        match event.and_then(|event| event_belongs(record, &event, partitions).map(|()| event)) {
            // Nothing here is judged by a policy: its change only goes on, in its place.
            Ok(event) if matches!(event.body, Body::Policy(_)) => {
                ctx.count("passed");
                let engagement = Engagement::default();
                self.say(vec![EngagementUpdate { stamp: event.stamp, event, engagement }], ctx);
            }
            Ok(event) => {
                let key = event.lead_id.clone();
                self.book.note(|| Figure::event(at, &event));
                let said = self.leads.step(&(), &key, Input::Record { at, event }, ctx);
                self.say(said, ctx);
            }
            Err((reason, detail)) => ctx.dead_letter(record, reason, &detail),
        }
        at
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        self.book.begin();
        let said = self.leads.step(&(), keyed::text(key), keyed::wake(due), ctx);
        self.say(said, ctx);
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        let lane = ctx.lane();
        let stamp = Stamp { at: now, lane };
        let event = LeadEvent {
            stamp,
            lead_id: String::new(),
            event_id: String::new(),
            occurred_at: now.millis(),
            origin: String::new(),
            body: Body::Tick(Tick {}),
        };
        self.updates.encode(&EngagementUpdate { stamp, event, engagement: Engagement::default() }, &mut self.buffer);
        ctx.tick(0, lane, &self.buffer);
    }

    fn verdict(&mut self, verdict: Verdict) {
        self.book.verdict(verdict);
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        self.ledger.bytes(ledger)
    }
}
