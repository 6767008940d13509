//! Names of spans and of their attributes, after OpenTelemetry's semantic conventions for messaging with Kafka.

use baton_engine::{Incoming, Order, StageSpec};
use opentelemetry::KeyValue;

const SYSTEM: &str = "messaging.system";
const OPERATION_TYPE: &str = "messaging.operation.type";
const OPERATION_NAME: &str = "messaging.operation.name";
const GROUP: &str = "messaging.consumer.group.name";
const TOPIC: &str = "messaging.destination.name";
const PARTITION: &str = "messaging.destination.partition.id";
const OFFSET: &str = "messaging.kafka.offset";
const COUNT: &str = "messaging.batch.message_count";
/// The lead that a record is about.
const LEAD: &str = "baton.lead.id";

/// The ids of leads begin so; a rep's or a policy's key does not.
const LEADS: &[u8] = b"ld_";

/// What is said of a consumer's spans.
pub(super) struct Names {
    stage: String,
    /// Each input with whether it is a source's, whose keys may be anything.
    topics: Vec<(String, bool)>,
    group: String,
}

impl Names {
    pub(super) fn new(spec: &StageSpec, group: String) -> Self {
        let topics = spec.inputs.iter().map(|input| (input.topic.clone(), input.order == Order::Arrival)).collect();
        Self { stage: spec.name.clone(), topics, group }
    }

    fn topic(&self, record: &Incoming<'_>) -> &str {
        self.topics.get(record.input).map_or("", |(name, _)| name.as_str())
    }

    fn lead<'a>(&self, record: &Incoming<'a>) -> Option<&'a str> {
        let (_, is_source) = self.topics.get(record.input)?;
        let key = record.key.filter(|key| !is_source && key.starts_with(LEADS))?;
        std::str::from_utf8(key).ok()
    }

    /// The name of a record's span.
    pub(super) fn of_record(&self, record: &Incoming<'_>) -> String {
        format!("{} {}", self.stage, self.topic(record))
    }

    /// The name of a transaction's span.
    pub(super) fn of_batch(&self) -> String {
        format!("{} transaction", self.stage)
    }

    fn common(&self) -> Vec<KeyValue> {
        vec![
            KeyValue::new(SYSTEM, "kafka"),
            KeyValue::new(OPERATION_TYPE, "process"),
            KeyValue::new(OPERATION_NAME, self.stage.clone()),
            KeyValue::new(GROUP, self.group.clone()),
        ]
    }

    /// What is said of a record.
    pub(super) fn record(&self, record: &Incoming<'_>) -> Vec<KeyValue> {
        let mut all = self.common();
        all.push(KeyValue::new(TOPIC, self.topic(record).to_owned()));
        all.push(KeyValue::new(PARTITION, record.partition.to_string()));
        all.push(KeyValue::new(OFFSET, record.offset));
        all.extend(self.lead(record).map(|lead| KeyValue::new(LEAD, lead.to_owned())));
        all
    }

    /// What is said of a transaction.
    pub(super) fn batch(&self, records: i64) -> Vec<KeyValue> {
        let mut all = self.common();
        all.push(KeyValue::new(COUNT, records));
        all
    }
}
