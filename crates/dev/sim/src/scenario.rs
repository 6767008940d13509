//! Scenarios on the pipeline in memory: lines in, every record that nobody reads out, as JSON.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{Millis, PolicyPublished};
use baton_engine::Limits;
use baton_pipeline::{Consumer, Kind, NoRegistry, Nouns, Schemas, Topology, checksum};
use baton_policy::Policy;
use baton_scenario::{Line, Publication, Script, Seen};
use serde_json::{Value, json};

use crate::{Failure, Pipeline, Record};

/// Partitions of everything keyed by lead.
const LANES: i32 = 4;
/// Lines between two rests.
const CHUNK: usize = 500;

/// Takes in lines, each with the time at which it is received, and gives what came of them: the
/// records of each topic in their order.
///
/// # Errors
/// A consumer stopped: a defect.
pub fn play(policy: &Arc<Policy>, lines: &[(Millis, Line)]) -> Result<Vec<Seen>, Failure> {
    let topology = Topology::new("", LANES);
    let end = lines.iter().map(|(at, _)| *at).max().unwrap_or_default();
    let mut pipeline = Pipeline::new(&topology, policy, end, Limits::default());
    let (published, lines) = Script::parts(lines);
    for Publication { effective_at, name, version, document } in published.into_iter().cloned() {
        let (author, checksum) = ("scenario".to_owned(), checksum(&document));
        pipeline.publish(&PolicyPublished { name, version, author, effective_at, document, checksum });
    }
    for chunk in lines.chunks(CHUNK) {
        for (_, line) in chunk {
            match line {
                Line::Source(text) => pipeline.feed(text.as_bytes()),
                Line::Rep(text) => pipeline.feed_to(&topology.reps(), text.as_bytes()),
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
            let header = |name: &str| {
                let found = record.headers.iter().find(|(known, _)| known == name.as_bytes());
                found.and_then(|(_, value)| value.as_deref()).map(text)
            };
            json!({"reason": header("x-dlq-reason"), "detail": header("x-dlq-detail"), "payload": text(payload)})
        }
        Err(why) => json!({"unreadable": why}),
    };
    Seen { topic: topic.to_owned(), key: record.key.as_deref().map(text).unwrap_or_default(), value }
}
