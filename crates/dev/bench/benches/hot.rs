//! The hot paths one by one: records to and from bytes, the store, the fixed work's stages, and each consumer of the
//! product over the sample, decoding and encoding included.

use std::cell::RefCell;
use std::hint::black_box;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_bench::host::{LANES, Place, STAGES, processor};
use baton_bench::wire;
use baton_domain::{EngagementUpdate, Handoff, LeadEvent, Millis, ScoreUpdate};
use baton_engine::{Limits, MemStore, Store, StoreError, Worker};
use baton_pipeline::{Consumer, Topology};
use baton_policy::Policy;
use baton_sim::{Headers, MemoryLog, Pipeline, Record, Shared};
use baton_store::{Identity, MemLog, Trust};
use baton_wire::{Decoder, Encoder, Head};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Lines of the sample that each run of a consumer takes.
const LINES: usize = 2_000;

fn policy() -> Arc<Policy> {
    Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap_or_else(|_| unreachable!()))
}

/// The pipeline with the sample before it.
fn fed(policy: &Arc<Policy>, lines: &[String]) -> Pipeline {
    let topology = Topology::new("", 4);
    let mut pipeline = Pipeline::new(&topology, policy, Millis(baton_workload::START.0), Limits::default());
    for line in lines {
        pipeline.feed(line.as_bytes());
    }
    pipeline
}

fn until_idle(pipeline: &mut Pipeline, consumer: usize) {
    while !pipeline.turn(consumer).unwrap_or(true) {}
}

/// Each consumer alone over all that the ones before it have written.
fn consumers(c: &mut Criterion) {
    let (policy, lines) = (policy(), baton_workload::demo().take(LINES).collect::<Vec<_>>());
    let mut group = c.benchmark_group("consumer");
    group.throughput(Throughput::Elements(LINES as u64)).sample_size(10);
    for (index, consumer) in Consumer::ALL.into_iter().enumerate() {
        group.bench_function(consumer.as_str(), |b| {
            b.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    let mut pipeline = fed(&policy, &lines);
                    (0..index).for_each(|before| until_idle(&mut pipeline, before));
                    let began = Instant::now();
                    until_idle(&mut pipeline, index);
                    spent += began.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

/// The records that the sample leaves on a topic.
fn codec<T: baton_wire::Record + Serialize + DeserializeOwned>(
    c: &mut Criterion,
    pipeline: &mut Pipeline,
    topic: &str,
) {
    let (decoder, encoder) = (Decoder::<T>::new(), Encoder::<T>::new(Head::SingleObject));
    let values: Vec<Vec<u8>> = pipeline.take(topic).into_iter().filter_map(|record| record.value).take(500).collect();
    let nouns: Vec<T> = values.iter().filter_map(|value| decoder.decode(value).ok()).collect();
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Elements(values.len() as u64));
    group.bench_function(format!("decode {topic}"), |b| {
        b.iter(|| values.iter().filter(|value| decoder.decode(black_box(value)).is_ok()).count());
    });
    let mut out = Vec::new();
    group.bench_function(format!("encode {topic}"), |b| {
        b.iter(|| {
            for noun in &nouns {
                out.clear();
                encoder.encode(black_box(noun), &mut out).ok();
            }
            out.len()
        });
    });
    group.finish();
}

/// `lead.score` is the score with its receipt.
fn codecs(c: &mut Criterion) {
    let lines: Vec<_> = baton_workload::demo().take(LINES).collect();
    let mut pipeline = fed(&policy(), &lines);
    (0..Consumer::ALL.len()).for_each(|consumer| until_idle(&mut pipeline, consumer));
    codec::<LeadEvent>(c, &mut pipeline, "lead.events");
    codec::<EngagementUpdate>(c, &mut pipeline, "engagement.aggregate");
    codec::<ScoreUpdate>(c, &mut pipeline, "lead.score");
    codec::<Handoff>(c, &mut pipeline, "lead.handoff");
}

/// A hundred thousand rows of 400 bytes: a look, and a transaction of a thousand changes.
fn store(c: &mut Criterion) {
    let Ok(dir) = tempfile::tempdir() else { return };
    let identity = Identity {
        stage: "bench".to_owned(),
        lane: 0,
        application: "bench".to_owned(),
        changelog: String::new(),
        format: 1,
    };
    let Ok((mut log, _)) = MemLog::open(dir.path(), &identity, Trust::six_days()) else { return };
    let key = |row: u32| format!("lead-{:07}", row % 100_000).into_bytes();
    let keys: Vec<_> = (0..100_000).map(key).collect();
    for key in &keys {
        log.put(key, Some(&[7; 400]));
    }
    log.commit(Some(1)).ok();
    let mut group = c.benchmark_group("store");
    group.throughput(Throughput::Elements(1_000));
    let mut at = 0_usize;
    let mut next = move || {
        at = (at + 7_919) % 100_000;
        at
    };
    group.bench_function("read", |b| {
        b.iter(|| (0..1_000).filter(|_| log.get(black_box(&keys[next()])).is_some()).count());
    });
    let mut value = [0_u8; 400];
    group.bench_function("write", |b| {
        b.iter(|| {
            value[0] = value[0].wrapping_add(1);
            for _ in 0..1_000 {
                log.put(&keys[next()], Some(black_box(&value)));
            }
            log.commit(None).is_ok()
        });
    });
    group.finish();
}

/// An event of the fixed work: every fiftieth asks for a demo, so that there are promises to watch.
fn event(number: i64) -> Record {
    let lead = format!("lead-{:07}", number * number % 997);
    let mut value = Vec::new();
    wire::start(&mut value, wire::schema::EVENT);
    wire::text(&mut value, format!("event-{number}").as_bytes());
    wire::text(&mut value, lead.as_bytes());
    wire::long(&mut value, AT + number * 1_000);
    wire::long(&mut value, 0);
    wire::text(&mut value, if number % 50 == 0 { b"demo_request" } else { b"page_view" });
    wire::maybe(&mut value, Some(b"spring"));
    wire::maybe(&mut value, Some(b"https://example.com/product"));
    wire::maybe(&mut value, None);
    wire::long(&mut value, 0);
    wire::text(&mut value, b"web");
    wire::long(&mut value, 0);
    record(&lead, value)
}

/// What moves the watchdog's clock past every promise.
fn heartbeat() -> Record {
    let mut value = Vec::new();
    wire::start(&mut value, wire::schema::ACTIVITY);
    wire::text(&mut value, b"end");
    wire::text(&mut value, b"none");
    wire::long(&mut value, 2 * AT);
    wire::text(&mut value, b"heartbeat");
    wire::maybe(&mut value, None);
    record("none", value)
}

const AT: i64 = 1_767_225_600_000;
const EVENTS: i64 = 6_000;

fn record(key: &str, value: Vec<u8>) -> Record {
    Record { appended: Millis(AT), key: Some(key.as_bytes().to_vec()), value: Some(value), headers: Headers::default() }
}

fn work(stage: &str, place: &Place, shared: &Rc<RefCell<Shared>>) {
    let Some(spec) = place.spec(stage) else { return };
    let mut log = MemoryLog::new(shared, &spec);
    let open = |_| Ok::<_, StoreError>(MemStore::default());
    let mut worker = Worker::new(spec, Limits::default(), processor(stage), open);
    while worker.turn(&mut log).is_ok_and(|turn| !turn.idle) {}
}

/// The stages of the fixed work on the engine, from bytes to bytes; the watchdog is wake-ups above all.
fn fixed(c: &mut Criterion) {
    let named = |name: &str| name.to_owned();
    let place = Place {
        bootstrap: named(""),
        inputs: named("in."),
        prefix: named("out."),
        state: PathBuf::new(),
        instance: named("0"),
    };
    let mut group = c.benchmark_group("fixed work");
    group.throughput(Throughput::Elements(EVENTS.unsigned_abs())).sample_size(10);
    for (index, stage) in STAGES.into_iter().enumerate() {
        group.bench_function(stage, |b| {
            b.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    let shared = Rc::new(RefCell::new(Shared::at(Millis(AT))));
                    for number in 0..EVENTS {
                        let event = event(number);
                        let lane = baton_wire::partition(event.key.as_deref().unwrap_or_default(), LANES);
                        shared.borrow_mut().append("in.engagement.events", lane, event);
                    }
                    for lane in 0..LANES {
                        shared.borrow_mut().append("in.crm.activities", lane, heartbeat());
                    }
                    STAGES[..index].iter().for_each(|before| work(before, &place, &shared));
                    let began = Instant::now();
                    work(stage, &place, &shared);
                    spent += began.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(hot, consumers, codecs, store, fixed);
criterion_main!(hot);
