//! `baton ingest`: sends the lines of a file to the input topic, each as it is.
//!
//! Holds: when it ends well, every line that was not refused is on the topic, in the order of the file
//! a key at a time, acknowledged by every copy; memory is bounded by the producer's queue.
//!
//! Absent on purpose: any judgement of a line but its size and its letters. The pipeline keeps what it
//! cannot use with the dead letters, where it can be looked at.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use baton_kafka::rdkafka::client::ClientContext;
use baton_kafka::rdkafka::error::KafkaError;
use baton_kafka::rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use baton_kafka::rdkafka::types::RDKafkaErrorCode;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::Value;

use crate::Failure;
use crate::ground::Topics;
use crate::lines::{Line, Lines, Refusals};
use crate::settings::Settings;

/// What to send, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// JSON Lines, plain or gzip; - for standard input
    file: PathBuf,
    /// The topic to send to [default: engagement.raw, with the prefix]
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

/// How long the cluster may take to acknowledge a record.
const PATIENCE: &str = "60000";

/// Sends a file.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let topic = args.topic.clone().unwrap_or_else(|| settings.topology.default_input());
    let mut lines = Lines::open(&args.file)?;
    Topics::of(settings)?.need(&topic)?;
    let sender = Sender::open(settings, &topic)?;
    let progress = if args.quiet { ProgressBar::hidden() } else { bar(&lines) };
    let (mut sent, mut refusals) = (0_u64, Refusals::default());
    while let Some((number, line)) = lines.next()? {
        match line {
            Line::Record(text) => {
                sender.send(number, text)?;
                sent += 1;
            }
            Line::Refused(why) => refusals.note(number, &why),
        }
        if (sent + refusals.count).is_multiple_of(256) {
            progress.set_position(lines.taken());
        }
    }
    sender.finish()?;
    progress.finish_and_clear();
    refusals.tell();
    let all = sent + refusals.count;
    let (plural, refused) = (if all == 1 { "" } else { "s" }, refusals.count);
    writeln!(std::io::stdout(), "{all} line{plural}: {sent} sent to {topic}, {refused} refused").ok();
    if refused > 0 {
        return Err(Failure {
            message: format!(
                "{refused} line{} refused; the rest was sent",
                if refused == 1 { " was" } else { "s were" }
            ),
            code: 65,
        });
    }
    Ok(())
}

fn bar(lines: &Lines) -> ProgressBar {
    let style =
        |template: &str| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    match lines.size() {
        Some(size) => ProgressBar::new(size)
            .with_style(style("{wide_bar} {bytes}/{total_bytes} {eta}"))
            .with_message(lines.name().to_owned()),
        None => ProgressBar::new_spinner().with_style(style("{spinner} {bytes} {bytes_per_sec}")),
    }
}

/// A producer, and the first thing that went wrong with it.
pub(crate) struct Sender {
    producer: BaseProducer<Deliveries>,
    topic: String,
}

/// Hears of every record's fate, by line number.
#[derive(Default)]
struct Deliveries {
    failed: Mutex<Option<(usize, String)>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, line: usize) {
        if let Err((error, _)) = result {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            if failed.as_ref().is_none_or(|(first, _)| line < *first) {
                *failed = Some((line, error.to_string()));
            }
        }
    }
}

impl Sender {
    pub(crate) fn open(settings: &Settings, topic: &str) -> Result<Self, Failure> {
        let mut config = settings.cluster.tool();
        let own = [
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("compression.type", "lz4"),
            ("partitioner", "murmur2_random"),
            ("linger.ms", "5"),
            ("message.timeout.ms", PATIENCE),
            ("queue.buffering.max.kbytes", "65536"),
        ];
        for (name, value) in own {
            config.set(name, value);
        }
        let producer =
            config.create_with_context(Deliveries::default()).map_err(|error| Failure::config(error.to_string()))?;
        Ok(Self { producer, topic: topic.to_owned() })
    }

    /// Queues a line; waits while the queue is full.
    fn send(&self, number: u64, text: &str) -> Result<(), Failure> {
        self.put(number, key_of(text).as_deref(), text.as_bytes())
    }

    /// Queues a record of any content under a number by which it is named when it does not arrive.
    pub(crate) fn put(&self, number: u64, key: Option<&str>, value: &[u8]) -> Result<(), Failure> {
        let line = usize::try_from(number).unwrap_or(usize::MAX);
        let mut record = BaseRecord::<str, [u8], usize>::with_opaque_to(&self.topic, line).payload(value);
        if let Some(key) = key {
            record = record.key(key);
        }
        loop {
            self.producer.poll(Duration::ZERO);
            self.check()?;
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(Duration::from_millis(50));
                }
                Err((error, _)) => return Err(Failure::unavailable(format!("line {number}: {error}"))),
            }
        }
    }

    /// Waits until every record is acknowledged.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        // Each record is given up by itself when its time is over, so this ends.
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(Duration::from_millis(50));
            self.check()?;
        }
        self.check()
    }

    fn check(&self) -> Result<(), Failure> {
        let failed = self.producer.context().failed.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failed {
            None => Ok(()),
            Some((line, why)) => {
                let topic = &self.topic;
                Err(Failure::unavailable(format!(
                    "line {line} did not get to {topic}: {why}; lines before it may have"
                )))
            }
        }
    }
}

/// The ids that a line may be keyed by.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ids {
    #[serde(default)]
    user_id: Value,
    #[serde(default)]
    anonymous_id: Value,
    #[serde(default)]
    email: Value,
}

/// The key under which a line is partitioned: its user, else its device, else its address.
fn key_of(text: &str) -> Option<String> {
    let ids: Ids = serde_json::from_str(text).ok()?;
    [ids.user_id, ids.anonymous_id, ids.email].into_iter().find_map(|id| match id {
        Value::String(id) if !id.is_empty() => Some(id),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_keyed_by_user_else_device_else_address() {
        for (line, key) in [
            (r#"{"userId":"u1","anonymousId":"a1","email":"e"}"#, Some("u1")),
            (r#"{"userId":null,"anonymousId":"a1","email":"e"}"#, Some("a1")),
            (r#"{"userId":"","email":"ada@example.com"}"#, Some("ada@example.com")),
            (r#"{"userId":17,"type":"page"}"#, Some("17")),
            (r#"{"type":"tick"}"#, None),
            (r#"[{"userId":"u1"}]"#, None),
            ("not json", None),
        ] {
            assert_eq!(key_of(line).as_deref(), key, "{line}");
        }
    }
}
