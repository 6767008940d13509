//! Every score on the log, worked out again from `lead.events`, each by the policy of its day.
//!
//! Holds: of what the consumers made on the way from a lead's history to its score nothing is used, so a
//! receipt that agrees follows from the history. A score that the broker has removed, because the lead has a newer
//! one, is worked out and compared with nothing.
//!
//! Absent on purpose: scores at the end of the history that are not on the log yet. The replay of the scorer
//! finds what is missing there.

use std::collections::BTreeMap;

use baton_domain::{Body, LeadEvent, LogTime, ScoreUpdate};
use baton_engine::{Fault, Order};
use baton_pipeline::{Codec, Consumer};
use baton_score::Recount;
use baton_wire::partition as partition_of;
use serde_json::Value;

use crate::stage::{Difference, Kind, Verifier};
use crate::tape::{Cluster, Entry, Tape};

/// What was worked out again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipts {
    /// Scores on the log that were compared.
    pub recomputed: u64,
    /// All differences.
    pub differences: Vec<Difference>,
    /// What could not be worked out, and why.
    pub unverifiable: Vec<String>,
}

/// A score as it lies on the log.
struct Found {
    offset: i64,
    score: ScoreUpdate,
}

impl Verifier {
    /// Works every score out again. `heard` is told partition and entries read, now and then.
    pub fn receipts(&self, cluster: &mut dyn Cluster, heard: &mut dyn FnMut(i32, u64)) -> Result<Receipts, Fault> {
        let aggregate = Consumer::Aggregate.spec(&self.topology);
        let score = Consumer::Score.spec(&self.topology);
        let mut all = Receipts::default();
        let (Some(history), Some((scores, _))) = (aggregate.inputs.first(), score.outputs.first()) else {
            return Ok(all);
        };
        debug_assert!(matches!(history.order, Order::Stamped(_)));
        for number in 0..history.partitions {
            // The scores first: whatever led to them lies on the history by then.
            let end = cluster.bounds(scores, number)?.end;
            let bounds = cluster.bounds(&history.topic, number)?;
            if bounds.first > 0 {
                let (topic, first) = (&history.topic, bounds.first);
                all.unverifiable.push(format!(
                    "receipts: {topic}[{number}] begins at offset {first}: what lay before was removed by retention"
                ));
                continue;
            }
            let mut told = Told { verifier: self, codec: Codec::new(&self.schemas), topic: scores, number, next: None };
            let mut tape = cluster.read(scores, &[(number, end)])?;
            let mut past = cluster.read(&history.topic, &[(number, bounds.end)])?;
            told.partition(&mut *tape, &mut *past, history.partitions, heard, &mut all)?;
        }
        Ok(all)
    }
}

/// The scores of one partition.
struct Told<'a> {
    verifier: &'a Verifier,
    codec: Codec<ScoreUpdate>,
    topic: &'a str,
    number: i32,
    next: Option<Found>,
}

impl Told<'_> {
    fn partition(
        &mut self,
        tape: &mut dyn Tape,
        past: &mut dyn Tape,
        partitions: i32,
        heard: &mut dyn FnMut(i32, u64),
        all: &mut Receipts,
    ) -> Result<(), Fault> {
        let mut events = Codec::<LeadEvent>::new(&self.verifier.schemas);
        let mut again = Recount::new(&self.verifier.policy);
        // Of each lead the newest score that is not on the log; a newer one must be, or time has not passed it.
        let mut gone: BTreeMap<String, ScoreUpdate> = BTreeMap::new();
        let (mut read, mut last) = (0_u64, LogTime::MIN);
        self.turn(tape)?;
        while let Some(entry) = past.next(self.number)? {
            read += 1;
            if read.is_multiple_of(10_000) {
                heard(self.number, read);
            }
            let Ok(event) = events.decode(entry.value.as_deref().unwrap_or_default()) else { continue };
            if !is_heard(&entry, &event, self.number, partitions) {
                continue;
            }
            for score in again.hear(&event) {
                while let Some(found) = self.next.take_if(|found| found.score.stamp.at < score.stamp.at) {
                    all.differences.push(self.unfounded(&found));
                    self.turn(tape)?;
                }
                match self.next.take_if(|found| is_of(found, &score)) {
                    Some(found) => {
                        all.recomputed += 1;
                        all.differences.extend(self.unlike(&score, &found));
                        last = last.max(score.stamp.at);
                        gone.remove(&score.lead_id);
                        self.turn(tape)?;
                    }
                    None => drop(gone.insert(score.lead_id.clone(), score)),
                }
            }
            if self.next.is_none() {
                break;
            }
        }
        while let Some(found) = self.next.take() {
            all.differences.push(self.unfounded(&found));
            self.turn(tape)?;
        }
        let missing = gone.into_values().filter(|score| score.stamp.at < last);
        all.differences.extend(missing.map(|score| self.missing(&score)));
        Ok(())
    }

    /// Goes on to the next score that can be read; what cannot be, the replay of the scorer finds.
    fn turn(&mut self, tape: &mut dyn Tape) -> Result<(), Fault> {
        while let Some(entry) = tape.next(self.number)? {
            if let Ok(score) = self.codec.decode(entry.value.as_deref().unwrap_or_default()) {
                self.next = Some(Found { offset: entry.offset, score });
                return Ok(());
            }
        }
        Ok(())
    }

    fn difference(&self, kind: Kind, offset: Option<i64>, expected: String, found: String) -> Difference {
        let (stage, topic) = (Consumer::Score.to_string(), self.topic.to_owned());
        Difference { stage, lane: self.number, kind, topic, partition: self.number, offset, expected, found }
    }

    fn unfounded(&self, Found { offset, score }: &Found) -> Difference {
        let expected = "no score: the lead's history leads to none here".to_owned();
        self.difference(Kind::Receipt, Some(*offset), expected, format!("{} {}", about(score), score.score))
    }

    fn missing(&self, score: &ScoreUpdate) -> Difference {
        let (expected, found) = (format!("{} {}", about(score), score.score), "none, nor a newer one".to_owned());
        self.difference(Kind::Receipt, None, expected, found)
    }

    /// In what a score differs from what its lead's history comes to: the first field of all.
    fn unlike(&self, again: &ScoreUpdate, found: &Found) -> Option<Difference> {
        let fields = |score: &ScoreUpdate| match serde_json::to_value(score) {
            Ok(Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (expected, is) = (fields(again), fields(&found.score));
        let name = expected.iter().find(|(name, value)| *name != "stamp" && is.get(*name) != Some(*value))?.0;
        let shown = |score: &ScoreUpdate, value: &Value| format!("{}, {name}: {value}", about(score));
        let [expected, is] = [(again, &expected), (&found.score, &is)]
            .map(|(score, fields)| shown(score, fields.get(name).unwrap_or(&Value::Null)));
        Some(self.difference(Kind::Receipt, Some(found.offset), expected, is))
    }
}

/// Whether the aggregator passes an entry on: whatever is not where its key belongs has gone to the dead letters.
fn is_heard(entry: &Entry, event: &LeadEvent, number: i32, partitions: i32) -> bool {
    match event.body {
        Body::Tick(_) | Body::Policy(_) => true,
        _ => {
            let lead = event.lead_id.as_bytes();
            entry.key.as_deref() == Some(lead) && partition_of(lead, partitions) == number
        }
    }
}

fn is_of(found: &Found, score: &ScoreUpdate) -> bool {
    (found.score.stamp.at, &found.score.lead_id) == (score.stamp.at, &score.lead_id)
}

fn about(score: &ScoreUpdate) -> String {
    format!("lead {}, event {}", score.lead_id, score.event_id)
}
