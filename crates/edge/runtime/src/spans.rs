//! What a worker tells of its work as spans: one a transaction, and one a record whose trace is sampled.
//!
//! Holds: a span is told only once its transaction has committed, so nothing is told of what never was; a record's
//! span is the one that the headers of its outcomes name, so a lead's way is one connected trace; how much waits to be
//! told is bounded by the transaction and by the exporter's queue, which drops what does not fit and never waits.
//!
//! Absent on purpose: personal data. The key of a source's record may be an address, so only leads' ids are told.

mod names;
mod otlp;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use baton_domain::{Ledger, LogTime, Millis};
use baton_engine::{Ctx, Incoming, Processor, StageSpec, Stamped, Trace, TraceContext, Verdict};
use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks, SpanProcessor};

/// The most traces that the span of a transaction links to.
const LINKS: usize = 32;
/// The most that the end waits for the last spans to be sent.
const FLUSH: Duration = Duration::from_secs(3);

/// Where spans go.
#[derive(Clone, Debug)]
pub struct Spans(Arc<dyn SpanProcessor>);

impl Spans {
    /// Spans go to an OTLP collector, over HTTP, from a thread of their own. `instance` names this process.
    pub fn to(endpoint: &str, instance: &str) -> Result<Self, String> {
        otlp::processor(endpoint, instance).map(|processor| Self(Arc::new(processor)))
    }

    /// Sends what waits; later spans are dropped.
    pub fn close(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }

    /// Tells of what `inner` does.
    pub(crate) fn of(&self, inner: Box<dyn Processor>, spec: &StageSpec, group: String) -> Box<dyn Processor> {
        Box::new(Traced { inner, names: names::Names::new(spec, group), out: Arc::clone(&self.0), batch: None })
    }
}

/// A processor that is watched.
struct Traced {
    inner: Box<dyn Processor>,
    names: names::Names,
    out: Arc<dyn SpanProcessor>,
    batch: Option<Batch>,
}

/// What the transaction under way has judged.
struct Batch {
    began: SystemTime,
    records: i64,
    links: SpanLinks,
    spans: Vec<SpanData>,
    /// Whether the last span is the last record's.
    is_last: bool,
}

impl Batch {
    fn begin() -> Self {
        let (links, spans) = (SpanLinks::default(), Vec::new());
        Self { began: SystemTime::now(), records: 0, links, spans, is_last: false }
    }

    fn link(&mut self, trace: &Trace) {
        let links = &mut self.links;
        if links.links.iter().any(|link| link.span_context.trace_id() == TraceId::from(trace.parent.trace_id)) {
            return;
        }
        if links.links.len() < LINKS {
            links.links.push(Link::new(context(&trace.parent, true), Vec::new(), 0));
        } else {
            links.dropped_count = links.dropped_count.saturating_add(1);
        }
    }
}

impl Traced {
    fn note(&mut self, record: &Incoming<'_>, began: Option<SystemTime>, trace: Option<Trace>) {
        let batch = self.batch.get_or_insert_with(Batch::begin);
        batch.records += 1;
        if let Some(trace) = &trace {
            batch.link(trace);
        }
        let sampled = trace.filter(|trace| trace.own.is_sampled()).zip(began);
        batch.is_last = sampled.is_some();
        if let Some((trace, began)) = sampled {
            let parent = SpanId::from(trace.parent.span_id);
            let name = self.names.of_record(record);
            let span = span(name, context(&trace.own, false), parent, began, self.names.record(record));
            batch.spans.push(span);
        }
    }

    fn tell(&self, batch: Batch) {
        for span in batch.spans {
            self.out.on_end(span);
        }
        let ids = RandomIdGenerator::default();
        let flags = TraceFlags::SAMPLED;
        let own = SpanContext::new(ids.new_trace_id(), ids.new_span_id(), flags, false, TraceState::NONE);
        let attributes = self.names.batch(batch.records);
        let mut span = span(self.names.of_batch(), own, SpanId::INVALID, batch.began, attributes);
        span.links = batch.links;
        self.out.on_end(span);
    }
}

/// A span that ends now.
fn span(name: String, own: SpanContext, parent: SpanId, began: SystemTime, attributes: Vec<KeyValue>) -> SpanData {
    SpanData {
        span_context: own,
        parent_span_id: parent,
        parent_span_is_remote: parent != SpanId::INVALID,
        span_kind: SpanKind::Consumer,
        name: name.into(),
        start_time: began,
        end_time: SystemTime::now(),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("baton").with_version(env!("CARGO_PKG_VERSION")).build(),
    }
}

fn context(trace: &TraceContext, is_remote: bool) -> SpanContext {
    let (id, flags) = (TraceId::from(trace.trace_id), TraceFlags::new(trace.flags));
    SpanContext::new(id, SpanId::from(trace.span_id), flags, is_remote, TraceState::NONE)
}

impl Processor for Traced {
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped {
        self.inner.stamp(record, now)
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let trace = ctx.trace();
        let began = trace.map(|_| SystemTime::now());
        self.batch.get_or_insert_with(Batch::begin);
        let last = self.inner.process(record, at, ctx);
        self.note(record, began, trace);
        last
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        self.batch.get_or_insert_with(Batch::begin).is_last = false;
        self.inner.wake(key, due, ctx);
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        self.inner.tell_time(now, ctx);
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        self.inner.encode_ledger(ledger)
    }

    fn verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::SetAside => {
                let last = self.batch.as_mut().filter(|batch| batch.is_last).and_then(|batch| batch.spans.last_mut());
                if let Some(span) = last {
                    span.status = Status::error("too_large");
                }
            }
            Verdict::Undone => self.batch = None,
            Verdict::Committed => {
                if let Some(batch) = self.batch.take() {
                    self.tell(batch);
                }
            }
        }
        self.inner.verdict(verdict);
    }

    fn idle(&mut self, now: LogTime, host: Millis) -> Option<LogTime> {
        self.inner.idle(now, host)
    }

    fn in_force(&self) -> Option<(String, i64)> {
        self.inner.in_force()
    }
}
