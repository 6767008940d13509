//! The broker's outcome topics against the simulator's, byte for byte; and the input against what was fed.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::Millis;
use baton_engine::Limits;
use baton_kafka::rdkafka::Message;
use baton_pipeline::{Consumer, Topology};
use baton_policy::Policy;
use baton_sim::Pipeline;

use crate::oracles::Verdict;
use crate::topics::{OUTCOMES, Topics};
use crate::trouble::Done;

/// How often each record, by key and value, is on a topic.
pub(crate) type Bag = BTreeMap<(Vec<u8>, Vec<u8>), usize>;

/// What could not be used, untouched; most of it has no key.
const DEAD_LETTERS: &str = "dlq";

fn compared() -> impl Iterator<Item = &'static str> {
    OUTCOMES.into_iter().chain([DEAD_LETTERS])
}

/// A record as it is compared. The key of a dead letter is its source's, of which the simulator is not told.
fn entry(topic: &str, key: Option<&[u8]>, value: Option<&[u8]>) -> (Vec<u8>, Vec<u8>) {
    let key = if topic == DEAD_LETTERS { None } else { key };
    (key.unwrap_or_default().to_vec(), value.unwrap_or_default().to_vec())
}

/// The same records without the head that names the schema: by a registry's number, or by fingerprint.
pub(crate) fn without_heads(bags: BTreeMap<&'static str, Bag>) -> BTreeMap<&'static str, Bag> {
    let body = |value: Vec<u8>| match value.as_slice() {
        [0, ..] if value.len() >= 5 => value[5..].to_vec(),
        [0xC3, 0x01, ..] if value.len() >= 10 => value[10..].to_vec(),
        _ => value,
    };
    let mut bare: BTreeMap<&'static str, Bag> = BTreeMap::new();
    for (topic, bag) in bags {
        let into = bare.entry(topic).or_default();
        for ((key, value), times) in bag {
            *into.entry((key, body(value))).or_default() += times;
        }
    }
    bare
}

/// Records between two looks at what came out.
const CHUNK: usize = 1_000;

/// What the records come to when nothing ever fails.
pub(crate) fn simulate<'a>(
    policy: &Arc<Policy>,
    prefix: &str,
    records: impl Iterator<Item = &'a [u8]>,
) -> Done<BTreeMap<&'static str, Bag>> {
    let topology = Topology::new(prefix, 4);
    // Every line says when it was received; the time of appending is only asked whether that can be true.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
    let mut pipeline = Pipeline::new(&topology, policy, Millis(i64::try_from(now)?), Limits::default());
    let mut outcomes: BTreeMap<&'static str, Bag> = compared().map(|topic| (topic, Bag::new())).collect();
    let unread = unread(&topology);
    let mut records = records.peekable();
    while records.peek().is_some() {
        for record in records.by_ref().take(CHUNK) {
            pipeline.feed(record);
        }
        if let Err(failure) = pipeline.settle() {
            return crate::trouble::trouble(format!("the simulator stopped: {failure:?}"));
        }
        for (topic, bag) in &mut outcomes {
            for record in pipeline.take(topic) {
                *bag.entry(entry(topic, record.key.as_deref(), record.value.as_deref())).or_default() += 1;
            }
        }
        for topic in &unread {
            pipeline.take(topic);
        }
    }
    Ok(outcomes)
}

/// Topics that no consumer reads and that are not compared: dropped, to keep the memory bounded.
fn unread(topology: &Topology) -> Vec<String> {
    let inputs: Vec<String> = Consumer::ALL
        .into_iter()
        .flat_map(|consumer| consumer.spec(topology).inputs)
        .map(|input| input.topic)
        .collect();
    let all = topology.topics().into_iter().map(|topic| topic.name);
    all.filter(|name| !inputs.contains(name))
        .map(|name| name[topology.prefix.len()..].to_owned())
        .filter(|name| compared().all(|topic| topic != name))
        .collect()
}

/// The committed records of the outcome topics.
pub(crate) fn outcomes(topics: &Topics) -> Done<BTreeMap<&'static str, Bag>> {
    let mut all = BTreeMap::new();
    for topic in compared() {
        let mut bag = Bag::new();
        topics.all(topic, |message| {
            // Elsewhere a record without a key is only the passing of time.
            if message.key().is_none() && topic != DEAD_LETTERS {
                return Ok(());
            }
            *bag.entry(entry(topic, message.key(), message.payload())).or_default() += 1;
            Ok(())
        })?;
        all.insert(topic, bag);
    }
    Ok(all)
}

/// Compares them.
pub(crate) fn compare(expected: &BTreeMap<&'static str, Bag>, found: &BTreeMap<&'static str, Bag>) -> Verdict {
    let mut verdict = Verdict::default();
    let none = Bag::new();
    for (topic, expected) in expected {
        let found = found.get(topic).unwrap_or(&none);
        verdict.looked(expected.values().sum());
        for (record, times) in expected {
            let there = found.get(record).copied().unwrap_or(0);
            for _ in there..*times {
                verdict.differs(format!("{topic}: missing {}", name(record)));
            }
        }
        for (record, times) in found {
            let wanted = expected.get(record).copied().unwrap_or(0);
            for _ in wanted..*times {
                verdict.differs(format!("{topic}: too many of {}", name(record)));
            }
        }
    }
    verdict
}

fn name((key, value): &(Vec<u8>, Vec<u8>)) -> String {
    format!("{} ({} bytes)", String::from_utf8_lossy(key), value.len())
}

/// The input topic holds the lines that were fed, each once, in order.
pub(crate) fn input(topics: &Topics, lines: &[String]) -> Done<Verdict> {
    let mut verdict = Verdict::default();
    let mut next = 0;
    topics.all("engagement.raw", |message| {
        let is_next = lines.get(next).map(String::as_bytes) == message.payload();
        if !is_next {
            verdict.differs(format!("engagement.raw@{} is not line {}", message.offset(), next + 1));
        }
        next += 1;
        Ok(())
    })?;
    verdict.looked(lines.len());
    if next != lines.len() {
        verdict.differs(format!("{next} records on engagement.raw, {} lines fed", lines.len()));
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bags(records: &[(&str, &str)]) -> BTreeMap<&'static str, Bag> {
        let mut bag = Bag::new();
        for (key, value) in records {
            *bag.entry((key.as_bytes().to_vec(), value.as_bytes().to_vec())).or_default() += 1;
        }
        BTreeMap::from([("lead.handoff", bag)])
    }

    #[test]
    fn equal_topics_agree() {
        let records = [("ada", "1"), ("ada", "2"), ("ada", "2")];
        let verdict = compare(&bags(&records), &bags(&records));
        assert_eq!((verdict.compared, verdict.differences), (3, 0));
    }

    #[test]
    fn a_record_dropped_doubled_or_altered_is_found() {
        let expected = bags(&[("ada", "1"), ("kim", "2")]);
        for (found, differences) in [
            (vec![("ada", "1")], 1),
            (vec![("ada", "1"), ("kim", "2"), ("kim", "2")], 1),
            (vec![("ada", "1"), ("kim", "3")], 2),
            (vec![], 2),
        ] {
            assert_eq!(compare(&expected, &bags(&found)).differences, differences, "{found:?}");
        }
    }
}
