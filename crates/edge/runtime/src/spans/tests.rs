//! Spans of the whole pipeline over the sample, kept in memory; and one on its way to a collector.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Mutex;

use baton_engine::{Limits, MemStore, StoreError, TRACEPARENT, Worker};
use baton_pipeline::{Consumer, NoRegistry, Pace, Schemas, Topology};
use baton_sim::{Headers, MemoryLog, Record, Shared};
use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::Span;

use super::*;

/// Keeps every span.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<SpanData>>);

impl SpanProcessor for Kept {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

const NOW: Millis = Millis(1_800_000_000_000);

fn began(line: usize, flags: u8) -> TraceContext {
    TraceContext { trace_id: 0x1000 + line as u128, span_id: 7, flags }
}

/// Every consumer after the other over the sample, each line with a trace that `flags` says is sampled or not.
fn run(lines: usize, flags: impl Fn(usize) -> u8) -> (Vec<SpanData>, Shared) {
    let kept = Arc::new(Kept::default());
    let spans = Spans(Arc::<Kept>::clone(&kept));
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let (topology, schemas) = (Topology::new("", 2), Rc::new(NoRegistry) as Rc<dyn Schemas>);
    let shared = Rc::new(RefCell::new(Shared::at(NOW)));
    for (number, line) in baton_workload::demo().take(lines).enumerate() {
        let traced: Vec<(Vec<u8>, Option<Vec<u8>>)> =
            vec![(TRACEPARENT.into(), Some(began(number, flags(number)).text().into()))];
        let headers = Headers::of(&traced);
        // Whatever a source's key is, it is not told.
        let record =
            Record { appended: NOW, key: Some(b"ld_ada@northwind.example".into()), value: Some(line.into()), headers };
        shared.borrow_mut().append("engagement.raw", 0, record);
    }
    for consumer in Consumer::ALL {
        let spec = consumer.spec(&topology);
        let processor = consumer.processor(&topology, &policy, &schemas, Pace::Log);
        let processor = spans.of(processor, &spec, format!("baton.{consumer}"));
        let mut log = MemoryLog::new(&shared, &spec);
        let open = |_| Ok::<_, StoreError>(MemStore::default());
        let mut worker = Worker::new(spec, Limits::default(), processor, open);
        while !worker.turn(&mut log).unwrap().idle {}
    }
    let told = std::mem::take(&mut *kept.0.lock().unwrap());
    (told, shared.take())
}

fn stage(span: &SpanData) -> &str {
    span.name.split(' ').next().unwrap()
}

#[test]
fn the_way_of_a_lead_is_one_connected_trace_and_its_ids_lie_on_the_log() {
    let (told, mut shared) = run(600, |_| 1);
    let mut traces: BTreeMap<[u8; 16], Vec<&SpanData>> = BTreeMap::new();
    for span in told.iter().filter(|span| !span.name.ends_with(" transaction")) {
        traces.entry(span.span_context.trace_id().to_bytes()).or_default().push(span);
    }
    let mut whole = 0;
    for spans in traces.values() {
        let ids: BTreeSet<[u8; 8]> = spans.iter().map(|span| span.span_context.span_id().to_bytes()).collect();
        assert_eq!(ids.len(), spans.len(), "no id twice");
        for span in spans {
            let parent = span.parent_span_id.to_bytes();
            let is_first = stage(span) == "identify" && parent == 7_u64.to_be_bytes();
            assert!(is_first || ids.contains(&parent), "{} hangs in the air", span.name);
        }
        let stages: BTreeSet<_> = spans.iter().map(|span| stage(span)).collect();
        whole += usize::from(stages.len() == Consumer::ALL.len());
    }
    assert!(whole > 3, "{whole} traces through all five consumers");
    let ids: BTreeSet<_> = told.iter().map(|span| span.span_context.span_id().to_bytes()).collect();
    let mut started = 0;
    for partition in 0..2 {
        for record in shared.records("sla.started", partition) {
            let Some(value) = record.headers.get(TRACEPARENT) else { continue };
            let context = TraceContext::parse(value).unwrap();
            assert!(ids.contains(&context.span_id.to_be_bytes()), "a promise names the span that started it");
            started += 1;
        }
    }
    assert!(started > 3, "{started} promises of traces");
    assert!(!format!("{told:?}").contains("ada@northwind.example"), "no key of a source's record");
    let lead = |span: &SpanData| span.attributes.iter().any(|attribute| attribute.key.as_str() == "baton.lead.id");
    assert!(told.iter().any(lead), "a lead's id is told");
}

#[test]
fn a_transaction_links_to_its_traces_and_only_what_is_sampled_has_spans() {
    let (told, _) = run(300, |line| u8::from(line == 5));
    let (batches, records): (Vec<_>, Vec<_>) = told.iter().partition(|span| span.name.ends_with(" transaction"));
    let of: BTreeSet<_> = records.iter().map(|span| span.span_context.trace_id().to_bytes()).collect();
    assert_eq!(of, [began(5, 1).trace_id.to_be_bytes()].into());
    let identify: Vec<_> = batches.into_iter().filter(|span| stage(span) == "identify").collect();
    let [span] = identify.as_slice() else { panic!("one transaction: {identify:?}") };
    assert_eq!((span.links.links.len(), span.links.dropped_count), (LINKS, 300 - 32));
    assert!(span.attributes.contains(&KeyValue::new("messaging.batch.message_count", 300)));
}

#[test]
fn nothing_is_told_of_what_was_undone_and_what_was_set_aside_has_failed() {
    let kept = Arc::new(Kept::default());
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let (topology, schemas) = (Topology::new("", 1), Rc::new(NoRegistry) as Rc<dyn Schemas>);
    let inner = Consumer::Score.processor(&topology, &policy, &schemas, Pace::Log);
    let names = names::Names::new(&Consumer::Score.spec(&topology), "baton.score".to_owned());
    let mut traced = Traced { inner, names, out: Arc::<Kept>::clone(&kept), batch: None };
    let (parent, now) = (began(1, 1), Some(SystemTime::now()));
    let record =
        Incoming { input: 0, partition: 0, offset: 0, appended: NOW, key: Some(b"ld_1"), value: None, headers: &() };
    let of = |span_id| Some(Trace { parent, own: TraceContext { span_id, ..parent } });
    traced.note(&record, now, of(1));
    traced.verdict(Verdict::Undone);
    traced.verdict(Verdict::Committed);
    assert_eq!(kept.0.lock().unwrap().len(), 0);
    traced.note(&record, now, of(1));
    traced.note(&record, now, of(2));
    traced.verdict(Verdict::SetAside);
    // Another record that is not sampled, set aside as well: the one before it has not failed twice.
    traced.note(&record, now, of(3));
    traced.note(&record, None, None);
    traced.verdict(Verdict::SetAside);
    traced.verdict(Verdict::Committed);
    let told = kept.0.lock().unwrap();
    let failed: Vec<_> = told.iter().map(|span| span.status != Status::Unset).collect();
    assert_eq!(failed, [false, true, false, false], "the last is the transaction's");
}

#[test]
fn spans_come_to_a_collector() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = collector.local_addr().unwrap();
    let heard = std::thread::spawn(move || {
        let (mut caller, _) = collector.accept().unwrap();
        let (mut request, mut part) = (Vec::new(), [0; 4_096]);
        while !request.windows(8).any(|window| window == b"a record") {
            let count = caller.read(&mut part).unwrap();
            assert!(count > 0, "the request ended early");
            request.extend_from_slice(&part[..count]);
        }
        caller.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        String::from_utf8_lossy(&request).into_owned()
    });
    let spans = Spans::to(&format!("http://{address}/v1/traces"), "7").unwrap();
    let own = context(&began(1, 1), false);
    spans.0.on_end(span("a record".to_owned(), own, SpanId::INVALID, SystemTime::now(), Vec::new()));
    spans.close();
    let request = heard.join().unwrap();
    assert!(request.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("application/x-protobuf") && request.contains("service.name"), "{request}");
}
