//! `score`: `engagement.aggregate` in; scores, lifecycle moves, qualified leads and requests for a desk out.

use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{
    AssignmentRequest, Body, EngagementUpdate, EnrichmentRequested, HandoffRevised, LeadCooled, LeadEvent, Ledger,
    LifecycleChanged, LifecycleRejected, LogTime, NurtureEvent, NurtureKind, PolicyChange, Qualified, RouteInput,
    ScoreUpdate, Stage, Stamp, Status, StatusChanged, Tick,
};
use baton_engine::{Ctx, Incoming, Order, Processor, StageSpec, Stamped, Verdict, Writers};
use baton_policy::Policy;
use baton_route::CAPACITY_DOMAIN;
use baton_score::{Request, Said, Score};
use baton_stage::Input;
use baton_wire::partition;

use crate::codec::{Codec, Schemas};
use crate::consumer::{frame, lead_input, outputs};
use crate::envelope::{self, Envelope, To};
use crate::figures::{Book, Figure};
use crate::inbound::{POLICY_KEY, event_belongs, stamped};
use crate::keyed::{self, Keyed};
use crate::rules::Rules;
use crate::topics::{Topology, name};

const STAGE: &str = "score";
const SCORE: usize = 0;
const LIFECYCLE: usize = 1;
const QUALIFIED: usize = 2;
const REJECTED: usize = 3;
const STATUS: usize = 4;
const NURTURE: usize = 5;
const COOLED: usize = 6;
const ENRICHMENT: usize = 7;
const REVISED: usize = 8;
const REQUESTS: usize = 9;

pub(crate) fn spec(topology: &Topology) -> StageSpec {
    let inputs = vec![lead_input(topology, name::AGGREGATE, Order::Stamped(Writers::Own))];
    let said = [
        name::SCORE,
        name::LIFECYCLE,
        name::QUALIFIED,
        name::REJECTED,
        name::STATUS,
        name::NURTURE,
        name::COOLED,
        name::ENRICHMENT,
        name::REVISED,
    ];
    let mut outputs = outputs(topology, &said);
    outputs.push((topology.full(name::REQUESTS), 1));
    frame(topology, STAGE, inputs, outputs)
}

pub(crate) struct Host {
    rules: Rules,
    updates: Codec<EngagementUpdate>,
    scores: Codec<ScoreUpdate>,
    moves: Codec<LifecycleChanged>,
    rejected: Codec<LifecycleRejected>,
    statuses: Codec<StatusChanged>,
    nurture: Codec<NurtureEvent>,
    cooled: Codec<LeadCooled>,
    wanted: Codec<EnrichmentRequested>,
    revised: Codec<HandoffRevised>,
    qualified: Codec<Qualified>,
    requests: Codec<AssignmentRequest>,
    ledger: Codec<Ledger>,
    leads: Keyed<Score>,
    book: Book,
    buffer: Vec<u8>,
}

impl Host {
    pub(crate) fn new(policy: &Arc<Policy>, schemas: &Rc<dyn Schemas>, book: Book) -> Self {
        Self {
            rules: Rules::new(policy),
            updates: Codec::new(schemas),
            scores: Codec::new(schemas),
            moves: Codec::new(schemas),
            rejected: Codec::new(schemas),
            statuses: Codec::new(schemas),
            nurture: Codec::new(schemas),
            cooled: Codec::new(schemas),
            wanted: Codec::new(schemas),
            revised: Codec::new(schemas),
            qualified: Codec::new(schemas),
            requests: Codec::new(schemas),
            ledger: Codec::new(schemas),
            leads: Keyed::default(),
            book,
            buffer: Vec::new(),
        }
    }

    fn say(&mut self, said: Vec<Said>, ctx: &mut Ctx<'_>) {
        for said in said {
            match said {
                Said::Score(score) => self.say_score(score, ctx),
                Said::Lifecycle(change) => self.say_move(change, ctx),
                Said::Rejected(rejected) => self.say_rejected(rejected, ctx),
                Said::Status(change) => self.say_status(change, ctx),
                Said::Nurture(news) => self.say_nurture(news, ctx),
                Said::Cooled(cooled) => self.say_cooled(cooled, ctx),
                Said::Enrichment(wanted) => self.say_wanted(wanted, ctx),
                Said::Revised(revised) => self.say_revised(revised, ctx),
                Said::Qualified(qualified) => self.say_qualified(*qualified, ctx),
                Said::Request(request) => self.say_request(*request, ctx),
            }
        }
    }

    fn say_score(&mut self, mut score: ScoreUpdate, ctx: &mut Ctx<'_>) {
        score.stamp.lane = ctx.lane();
        self.book.note(|| Figure::Scored(score.score));
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
        self.note_move(&change);
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

    fn note_move(&mut self, change: &LifecycleChanged) {
        let LifecycleChanged { stamp, from, to, verdict, .. } = change;
        let source = (change.episode > 0).then(|| self.book.source(change.source.as_deref()));
        self.book.note(|| Figure::Moved {
            from: *from,
            to: *to,
            lasted_ms: change.lasted_ms,
            source,
            verdict: verdict.as_ref().map(|verdict| (verdict.label, verdict.class, verdict.code.clone())),
        });
        if *to == Stage::Suppressed {
            self.book.note(|| Figure::OptedOut { at: stamp.at });
        }
    }

    fn say_rejected(&mut self, mut rejected: LifecycleRejected, ctx: &mut Ctx<'_>) {
        rejected.stamp.lane = ctx.lane();
        self.book.note(|| Figure::Refused(rejected.rule.clone()));
        self.rejected.encode(&rejected, &mut self.buffer);
        let envelope = Envelope {
            kind: "lifecycle.rejected.v1",
            stage: STAGE,
            id: &format!("{}@{}-{}", rejected.lead_id, rejected.stamp.at.0, rejected.rule),
            lead_id: &rejected.lead_id,
            at: rejected.stamp.at,
            cause: &rejected.event_id,
        };
        envelope::emit(ctx, To { topic: REJECTED, partition: ctx.lane() }, &envelope, &self.buffer);
    }

    fn say_status(&mut self, mut change: StatusChanged, ctx: &mut Ctx<'_>) {
        change.stamp.lane = ctx.lane();
        self.statuses.encode(&change, &mut self.buffer);
        let to = change.to.map_or("none", Status::as_str);
        let envelope = Envelope {
            kind: "status.changed.v1",
            stage: STAGE,
            id: &format!("{}@{}-{to}", change.lead_id, change.stamp.at.0),
            lead_id: &change.lead_id,
            at: change.stamp.at,
            cause: &change.event_id,
        };
        envelope::emit(ctx, To { topic: STATUS, partition: ctx.lane() }, &envelope, &self.buffer);
    }

    fn say_nurture(&mut self, mut news: NurtureEvent, ctx: &mut Ctx<'_>) {
        news.stamp.lane = ctx.lane();
        self.nurture.encode(&news, &mut self.buffer);
        let kind = match news.kind {
            NurtureKind::Enroll => "enroll",
            NurtureKind::Exit => "exit",
        };
        let envelope = Envelope {
            kind: "nurture.event.v1",
            stage: STAGE,
            id: &format!("{}@{}-{kind}", news.lead_id, news.stamp.at.0),
            lead_id: &news.lead_id,
            at: news.stamp.at,
            cause: &news.event_id,
        };
        envelope::emit(ctx, To { topic: NURTURE, partition: ctx.lane() }, &envelope, &self.buffer);
    }

    fn say_cooled(&mut self, mut cooled: LeadCooled, ctx: &mut Ctx<'_>) {
        cooled.stamp.lane = ctx.lane();
        self.cooled.encode(&cooled, &mut self.buffer);
        let LeadCooled { stamp, lead_id, .. } = &cooled;
        let id = format!("{lead_id}@{}-cooled", stamp.at.0);
        // Time alone is behind it.
        let news = News { kind: "lead.cooled.v1", lead_id, at: stamp.at, cause: &id };
        self.emit(COOLED, &id, &news, ctx);
    }

    fn say_wanted(&mut self, mut wanted: EnrichmentRequested, ctx: &mut Ctx<'_>) {
        wanted.stamp.lane = ctx.lane();
        self.wanted.encode(&wanted, &mut self.buffer);
        let EnrichmentRequested { stamp, lead_id, event_id, .. } = &wanted;
        let news = News { kind: "enrichment.requested.v1", lead_id, at: stamp.at, cause: event_id };
        self.emit(ENRICHMENT, &format!("{lead_id}@{}-enrichment", stamp.at.0), &news, ctx);
    }

    fn say_revised(&mut self, mut revised: HandoffRevised, ctx: &mut Ctx<'_>) {
        revised.stamp.lane = ctx.lane();
        self.book.note(|| Figure::Revised(revised.kind));
        self.revised.encode(&revised, &mut self.buffer);
        let HandoffRevised { stamp, lead_id, event_id, handoff_id, .. } = &revised;
        let news = News { kind: "handoff.revised.v1", lead_id, at: stamp.at, cause: event_id };
        self.emit(REVISED, &format!("{handoff_id}@{}", stamp.at.0), &news, ctx);
    }

    fn say_request(&mut self, request: Request, ctx: &mut Ctx<'_>) {
        let Request { at, lead_id, event_id, input } = request;
        let stamp = Stamp { at, lane: ctx.lane() };
        let kind = match &input {
            RouteInput::Released(_) => "released",
            RouteInput::Owner(_) => "owner",
            RouteInput::Moved(_) => "moved",
            RouteInput::Answered(_) => "answered",
            RouteInput::Noticed(_) => "noticed",
            RouteInput::Tick(_) | RouteInput::Qualified(_) | RouteInput::Policy(_) => "request",
        };
        self.requests.encode(&AssignmentRequest { stamp, input }, &mut self.buffer);
        let to = To { topic: REQUESTS, partition: partition(CAPACITY_DOMAIN.as_bytes(), ctx.partitions(REQUESTS)) };
        let envelope = Envelope {
            kind: "assignment.request.v1",
            stage: STAGE,
            id: &format!("{lead_id}@{}-{kind}", at.0),
            lead_id: &lead_id,
            at,
            cause: &event_id,
        };
        envelope::emit(ctx, to, &envelope, &self.buffer);
    }

    /// Another policy judges from here on, and the router hears of it in its place.
    fn change_policy(&mut self, change: PolicyChange, at: LogTime, ctx: &mut Ctx<'_>) {
        let outcome = self.rules.change(&change, ctx);
        ctx.count(outcome);
        let (id, cause) = (format!("policy@{}-{}", change.version, ctx.lane()), format!("policy@{}", change.version));
        let stamp = Stamp { at, lane: ctx.lane() };
        self.requests.encode(&AssignmentRequest { stamp, input: RouteInput::Policy(change) }, &mut self.buffer);
        let to = To { topic: REQUESTS, partition: partition(CAPACITY_DOMAIN.as_bytes(), ctx.partitions(REQUESTS)) };
        let kind = "assignment.request.v1";
        let envelope = Envelope { kind, stage: STAGE, id: &id, lead_id: "", at, cause: &cause };
        envelope::emit_keyed(ctx, to, POLICY_KEY, &envelope, &self.buffer);
    }

    fn say_qualified(&mut self, mut qualified: Qualified, ctx: &mut Ctx<'_>) {
        qualified.stamp.lane = ctx.lane();
        self.qualified.encode(&qualified, &mut self.buffer);
        let Qualified { stamp, decision } = qualified;
        let source = self.book.source(decision.last_source.as_deref());
        self.book.note(|| Figure::Qualified { lane: decision.lane.clone(), why: decision.reason, source });
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

    /// Adds what is in the buffer to a topic of the lead's own partition.
    fn emit(&self, topic: usize, id: &str, news: &News<'_>, ctx: &mut Ctx<'_>) {
        let News { kind, lead_id, at, cause } = *news;
        let envelope = Envelope { kind, stage: STAGE, id, lead_id, at, cause };
        envelope::emit(ctx, To { topic, partition: ctx.lane() }, &envelope, &self.buffer);
    }
}

/// What the envelopes of the scorer's records differ in, but for the id.
struct News<'a> {
    kind: &'a str,
    lead_id: &'a str,
    at: LogTime,
    cause: &'a str,
}

impl Processor for Host {
    fn stamp(&mut self, record: &Incoming<'_>, _now: LogTime) -> Stamped {
        stamped(record, |value| self.updates.decode(value).map(|update| matches!(update.event.body, Body::Tick(_))))
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        self.book.begin();
        let update = self.updates.decode(record.value.unwrap_or_default());
        let partitions = ctx.input_partitions(record.input);
        match update.and_then(|update| event_belongs(record, &update.event, partitions).map(|()| update)) {
            Ok(EngagementUpdate { event: LeadEvent { body: Body::Policy(change), .. }, .. }) => {
                self.change_policy(change, at, ctx);
            }
            Ok(event) => {
                let (key, policy) = (event.event.lead_id.clone(), self.rules.of(ctx));
                self.book.note(|| Figure::event(at, &event.event));
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
        let said = self.leads.step(&policy, keyed::text(key), keyed::wake(due), ctx);
        self.say(said, ctx);
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        let stamp = Stamp { at: now, lane: ctx.lane() };
        self.requests.encode(&AssignmentRequest { stamp, input: RouteInput::Tick(Tick {}) }, &mut self.buffer);
        for partition in 0..ctx.partitions(REQUESTS) {
            ctx.tick(REQUESTS, partition, &self.buffer);
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
