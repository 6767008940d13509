//! Scenarios on the pipeline in memory: lines in, every record that nobody reads out, as JSON.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{EngagementUpdate, Millis, PolicyPublished, Stamp};
use baton_pipeline::{Codec, Consumer, Kind, NoRegistry, Nouns, Schemas, Topology, checksum};
use baton_policy::Policy;
use baton_scenario::{Alone, Line, Publication, Record as Written, Script, Seen};
use baton_wire::partition;
use serde_json::{Value, json};

use crate::{Failure, Headers, Pipeline, Record, Setup, Shared};

/// Partitions of everything keyed by lead.
const LANES: i32 = 4;
/// Lines between two rests.
const CHUNK: usize = 500;

/// Plays a script and gives what came of it: the records of each topic in their order.
///
/// # Errors
/// A consumer stopped: a defect.
pub fn play(policy: &Arc<Policy>, script: &Script) -> Result<Vec<Seen>, Failure> {
    let topology = Topology::new("", LANES);
    let end = script.lines.iter().map(|(at, _)| *at).max().unwrap_or_default();
    let consumers = script.only.map_or(Consumer::ALL.to_vec(), |alone| vec![consumer(alone)]);
    let shared = Shared::at(end);
    let setup = Setup { consumers: &consumers, ..Setup::default() };
    let mut pipeline = Pipeline::over(&topology, policy, shared, setup);
    let (published, lines) = Script::parts(&script.lines);
    for Publication { effective_at, name, version, document } in published.into_iter().cloned() {
        let (author, checksum) = ("scenario".to_owned(), checksum(&document));
        pipeline.publish(&PolicyPublished { name, version, author, effective_at, document, checksum });
    }
    for chunk in lines.chunks(CHUNK) {
        for (at, line) in chunk {
            match line {
                Line::Source(text) => pipeline.feed(text.as_bytes()),
                Line::Rep(text) => pipeline.feed_to(&topology.reps(), text.as_bytes()),
                Line::Record(record) => write(&pipeline, &topology, *at, record),
                Line::Policy(_) => {}
            }
        }
        pipeline.settle()?;
    }
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    let mut nouns = Nouns::new(&schemas);
    let mut all = Vec::new();
    for topic in unread(&topology) {
        let Some(kind) = Kind::of(&topology, &topic) else { continue };
        all.extend(pipeline.take(&topic).iter().map(|record| told(&topic, kind, record, &mut nouns)));
    }
    Ok(all)
}

/// The consumer that a scenario names.
pub fn consumer(alone: Alone) -> Consumer {
    match alone {
        Alone::Score => Consumer::Score,
        Alone::Watch => Consumer::Watch,
    }
}

/// Writes a record for a consumer that runs alone: on its key's partition, a tick on all.
fn write(pipeline: &Pipeline, topology: &Topology, at: Millis, record: &Written) {
    let (topic, key) = (topology.full(record.topic()), record.key().as_bytes());
    let partitions = if key.is_empty() { (0..LANES).collect() } else { vec![partition(key, LANES)] };
    for partition in partitions {
        let (key, value) = (Some(key.to_vec()).filter(|key| !key.is_empty()), Some(bytes(record, partition)));
        let record = Record { appended: at, key, value, headers: Headers::default() };
        pipeline.shared().borrow_mut().append(&topic, partition, record);
    }
}

/// A record as it lies on its topic: Avro, with the fingerprint of its schema. On `engagement.aggregate` each
/// partition has a writer of its own, whose lane it names.
pub fn bytes(record: &Written, partition: i32) -> Vec<u8> {
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    match record {
        Written::Updated(update) => {
            let stamp = Stamp { lane: partition, ..update.stamp };
            Codec::new(&schemas).bytes(&EngagementUpdate { stamp, ..(**update).clone() })
        }
        Written::Happened(event) => Codec::new(&schemas).bytes(&**event),
        Written::Promised(start) => Codec::new(&schemas).bytes(&**start),
    }
}

/// The topics, without the prefix, that no consumer reads.
pub fn unread(topology: &Topology) -> Vec<String> {
    let specs: Vec<_> = Consumer::ALL.into_iter().map(|consumer| consumer.spec(topology)).collect();
    let read: BTreeSet<&str> = specs.iter().flat_map(|spec| &spec.inputs).map(|input| input.topic.as_str()).collect();
    let all = topology.topics().into_iter().map(|topic| topic.name);
    let unread = all.filter(|name| !read.contains(name.as_str()));
    unread.filter_map(|name| name.strip_prefix(topology.prefix.as_str()).map(str::to_owned)).collect()
}

/// A record as expectations see it.
pub fn told(topic: &str, kind: Kind, record: &Record, nouns: &mut Nouns) -> Seen {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let payload = record.value.as_deref().unwrap_or_default();
    let value = match nouns.json(kind, payload) {
        Ok(Some(json)) => serde_json::from_str(json.get()).unwrap_or(Value::Null),
        Ok(None) => {
            let header = |name: &str| record.headers.get(name).map(text);
            json!({"reason": header("x-dlq-reason"), "detail": header("x-dlq-detail"), "payload": text(payload)})
        }
        Err(why) => json!({"unreadable": why}),
    };
    Seen { topic: topic.to_owned(), key: record.key.as_deref().map(text).unwrap_or_default(), value }
}
