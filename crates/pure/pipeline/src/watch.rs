//! `watch`: `lead.events` and clocks to start in; promises started, warned of, kept and broken out.

use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{
    Body, Canary, ClockStart, LeadEvent, Ledger, LogTime, MARKETING, SlaEvent, SlaEventKind, WatchInput,
};
use baton_engine::{Ctx, Incoming, Order, Processor, StageSpec, Stamped, Verdict, Writers};
use baton_policy::Policy;
use baton_stage::Input;
use baton_watch::{Delivery, Heard, Quota, Watch};

use crate::codec::{Codec, Schemas};
use crate::consumer::{frame, lead_input, outputs};
use crate::envelope::{self, Envelope, To};
use crate::figures::{Book, Figure, Promise};
use crate::inbound::{POLICY_KEY, belongs, keyed_by, stamped};
use crate::keyed::{self, Keyed};
use crate::rules::Rules;
use crate::topics::{Topology, name};

const STAGE: &str = "watch";
const CLOCKS: usize = 1;
/// The index of the output after those of promises.
const CANARY: usize = 7;

pub(crate) fn spec(topology: &Topology) -> StageSpec {
    let inputs = vec![
        lead_input(topology, name::EVENTS, Order::Stamped(Writers::First(1))),
        lead_input(topology, name::CLOCKS, Order::Stamped(Writers::First(1))),
    ];
    let topics = [
        name::STARTED,
        name::WARNED,
        name::MET,
        name::BREACH,
        name::CANCELLED,
        name::PAUSED,
        name::RESUMED,
        name::CANARY,
    ];
    frame(topology, STAGE, inputs, outputs(topology, &topics))
}

/// The topic of each kind, as an index into the outputs, and its type.
fn channel(kind: SlaEventKind, late: bool) -> (usize, &'static str) {
    match kind {
        SlaEventKind::Met if late => (3, "sla.breach.late.v1"),
        SlaEventKind::Started => (0, "sla.started.v1"),
        SlaEventKind::Warned => (1, "sla.warned.v1"),
        SlaEventKind::Met => (2, "sla.met.v1"),
        SlaEventKind::Breached => (3, "sla.breach.v1"),
        SlaEventKind::Retracted => (3, "sla.breach.retracted.v1"),
        SlaEventKind::Escalated => (3, "sla.breach.escalated.v1"),
        SlaEventKind::Cancelled => (4, "sla.cancelled.v1"),
        SlaEventKind::Paused => (5, "sla.paused.v1"),
        SlaEventKind::Resumed => (6, "sla.resumed.v1"),
    }
}

pub(crate) struct Host {
    rules: Rules,
    events: Codec<LeadEvent>,
    clocks: Codec<ClockStart>,
    said: Codec<SlaEvent>,
    canaries: Codec<Canary>,
    ledger: Codec<Ledger>,
    leads: Keyed<Watch>,
    deliveries: Keyed<Quota>,
    book: Book,
    buffer: Vec<u8>,
}

impl Host {
    pub(crate) fn new(policy: &Arc<Policy>, schemas: &Rc<dyn Schemas>, book: Book) -> Self {
        Self {
            rules: Rules::new(policy),
            events: Codec::new(schemas),
            clocks: Codec::new(schemas),
            said: Codec::new(schemas),
            canaries: Codec::new(schemas),
            ledger: Codec::new(schemas),
            leads: Keyed::default(),
            deliveries: Keyed::default(),
            book,
            buffer: Vec::new(),
        }
    }

    fn say(&mut self, said: Vec<SlaEvent>, ctx: &mut Ctx<'_>) {
        let lane = ctx.lane();
        let mut since_breach_ms = None;
        for mut event in said {
            event.stamp.lane = lane;
            since_breach_ms = match event.kind {
                SlaEventKind::Retracted => Some(event.stamp.at.millis().since(event.deadline.millis())),
                // What is kept after all is said to be right behind what takes its breach back.
                SlaEventKind::Met => since_breach_ms,
                _ => None,
            };
            self.book.note(|| Figure::Promise(Box::new(Promise::of(&event, since_breach_ms))));
            self.said.encode(&event, &mut self.buffer);
            let (topic, kind) = channel(event.kind, event.late);
            let id = format!("{}-{}", event.id, event.word());
            let cause = if event.event_id.is_empty() { &event.handoff_id } else { &event.event_id };
            let envelope = Envelope { kind, stage: STAGE, id: &id, lead_id: &event.lead_id, at: event.stamp.at, cause };
            envelope::emit(ctx, To { topic, partition: lane }, &envelope, &self.buffer);
        }
    }
}

impl Host {
    /// A canary is back; how long it took is known once this has committed.
    fn returned(&mut self, mut canary: Canary, ctx: &mut Ctx<'_>) {
        canary.stamp.lane = ctx.lane();
        self.book.note(|| Figure::Canary { lane: canary.stamp.lane, sent_at: canary.sent_at });
        self.canaries.encode(&canary, &mut self.buffer);
        let Canary { stamp, lead_id, event_id, .. } = &canary;
        let id = format!("{lead_id}@{}", stamp.at.0);
        let kind = "canary.returned.v1";
        let envelope = Envelope { kind, stage: STAGE, id: &id, lead_id, at: stamp.at, cause: event_id };
        envelope::emit(ctx, To { topic: CANARY, partition: stamp.lane }, &envelope, &self.buffer);
    }

    fn note(&mut self, heard: &Heard, at: LogTime) {
        let Heard::Lead(event) = heard else { return };
        self.book.note(|| Figure::event(at, event));
        if baton_watch::refuses(&event.body) {
            self.book.note(|| Figure::OptedOut { at });
        }
    }
}

impl Processor for Host {
    fn stamp(&mut self, record: &Incoming<'_>, _now: LogTime) -> Stamped {
        if record.input == CLOCKS {
            return stamped(record, |value| {
                self.clocks.decode(value).map(|start| matches!(start.input, WatchInput::Tick(_)))
            });
        }
        stamped(record, |value| self.events.decode(value).map(|event| matches!(event.body, Body::Tick(_))))
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        self.book.begin();
        let value = record.value.unwrap_or_default();
        let heard = if record.input == CLOCKS {
            self.clocks.decode(value).map(|start| (start.input.key().to_owned(), Heard::Clock(start.input)))
        } else {
            self.events.decode(value).map(|event| (event.lead_id.clone(), Heard::Lead(event)))
        };
        let partitions = ctx.input_partitions(record.input);
        let heard = heard.and_then(|(key, event)| {
            match &event {
                Heard::Lead(LeadEvent { body: Body::Policy(_), .. }) => keyed_by(record, POLICY_KEY),
                _ => belongs(record, &key, partitions),
            }
            .map(|()| (key, event))
        });
        match heard {
            Ok((_, Heard::Lead(LeadEvent { body: Body::Policy(change), .. }))) => {
                let outcome = self.rules.change(&change, ctx);
                ctx.count(outcome);
            }
            Ok((
                key,
                Heard::Clock(
                    ref input @ (WatchInput::Delivered { ref pool, qualified_at, .. }
                    | WatchInput::Returned { ref pool, qualified_at, .. }),
                ),
            )) => {
                let returned = matches!(input, WatchInput::Returned { .. });
                let input = Input::Record { at, event: Delivery { pool: pool.clone(), qualified_at, returned } };
                let policy = self.rules.of(ctx);
                let said = self.deliveries.step(&policy, &key, input, ctx);
                self.say(said, ctx);
            }
            // A lead of that name would read the row of another stage.
            Ok((key, _)) if key == MARKETING => ctx.count("ignored"),
            Ok((key, event)) => {
                self.note(&event, at);
                if let Some(canary) = baton_watch::canary(&event, at) {
                    self.returned(canary, ctx);
                }
                let policy = self.rules.of(ctx);
                let said = self.leads.step(&policy, &key, Input::Record { at, event }, ctx);
                self.say(said, ctx);
            }
            Err((reason, detail)) => ctx.dead_letter(record, reason, &detail),
        }
        at
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        self.book.begin();
        let policy = self.rules.of(ctx);
        let said = match keyed::text(key) {
            MARKETING => self.deliveries.step(&policy, MARKETING, keyed::wake(due), ctx),
            lead => self.leads.step(&policy, lead, keyed::wake(due), ctx),
        };
        self.say(said, ctx);
    }

    /// The watchdog has nobody downstream.
    fn tell_time(&mut self, _now: LogTime, _ctx: &mut Ctx<'_>) {}

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

#[cfg(test)]
mod tests {
    use baton_domain::{Consent, ConsentState, Stamp};
    use baton_stage::Stage as _;

    use super::*;

    #[test]
    fn every_kind_goes_to_the_topic_that_its_type_names() {
        let outputs = spec(&Topology::new("", 3)).outputs;
        let mut types = Vec::new();
        let late = (SlaEventKind::Met, true);
        for (kind, late) in SlaEventKind::ALL.map(|kind| (kind, false)).into_iter().chain([late]) {
            let (topic, name) = channel(kind, late);
            assert!(
                name.starts_with(&outputs[topic].0) && name.split('.').next_back() == Some("v1"),
                "{kind:?}: {name}"
            );
            types.push(name);
        }
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), SlaEventKind::ALL.len() + 1, "no two kinds look the same");
    }

    #[test]
    fn a_row_without_an_opt_in_is_what_it_was_before_opt_ins_were_remembered() {
        let policy = Policy::default();
        let at = LogTime(7_000_000);
        let desk = WatchInput::HandedOff {
            lead_id: "ld_1".to_owned(),
            handoff_id: "h_ld_1_1".to_owned(),
            episode: 1,
            lane: "P1".to_owned(),
            owner: Some("ada".to_owned()),
            pool: "desk".to_owned(),
            qualified_at: at,
            policy_version: 1,
            occurred_at: at.millis(),
            score: None,
            hours: None,
        };
        let consent = Consent {
            channel: "all".to_owned(),
            state: ConsentState::Granted,
            source: "web".to_owned(),
            explicit: true,
        };
        let event = LeadEvent {
            stamp: Stamp { at, lane: 0 },
            lead_id: "ld_1".to_owned(),
            event_id: "e1".to_owned(),
            occurred_at: at.millis(),
            origin: String::new(),
            body: Body::Consent(consent),
        };
        let step = |state, event| Watch::step(&policy, "ld_1", state, Input::Record { at, event }).state.unwrap();
        let plain = step(None, Heard::Clock(desk));
        let opted_in = step(Some(plain.clone()), Heard::Lead(event));
        let (before, after) = (keyed::encode(&plain), keyed::encode(&opted_in));
        assert!(after.starts_with(&before) && after.len() > before.len(), "only the end is new");
        assert_eq!((keyed::decode(&before), keyed::decode(&after)), (Ok(plain), Ok(opted_in)));
    }
}
