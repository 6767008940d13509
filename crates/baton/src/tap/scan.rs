//! Reads the partitions of one topic, then of another, committed records only, and knows when it has come to the end.
//!
//! Holds: the end is told by the broker, not by offsets: behind the last record there may be markers
//! of transactions, and no record ever has their offsets.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use baton_kafka::rdkafka::error::KafkaError;
use baton_kafka::rdkafka::message::BorrowedMessage;
use baton_kafka::rdkafka::types::RDKafkaErrorCode;
use baton_kafka::rdkafka::{Message, Offset, TopicPartitionList};

use crate::Failure;
use crate::settings::Settings;

/// A reader of one topic at a time, outside of any group.
pub(crate) struct Scan {
    consumer: BaseConsumer,
    topic: String,
    /// Partitions that have more to give, as far as is known.
    open: BTreeSet<i32>,
    /// When a record or an end was last heard of.
    heard: Instant,
}

/// What comes next.
pub(crate) enum Next<'a> {
    /// A record.
    Record(BorrowedMessage<'a>),
    /// A partition has been read to its end.
    End,
    /// Nothing within the time given.
    Quiet,
}

/// How long the cluster may be out of reach.
const PATIENCE: Duration = Duration::from_secs(30);

impl Scan {
    /// Reads these partitions, each from its own place on.
    pub(crate) fn open(
        settings: &Settings,
        topic: &str,
        starts: impl IntoIterator<Item = (i32, Offset)>,
    ) -> Result<Self, Failure> {
        let mut config = settings.cluster.tool();
        let group = format!("{}baton.tap", settings.topology.prefix);
        let own = [
            // Nothing is committed; librdkafka wants a name to assign partitions at all.
            ("group.id", group.as_str()),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("isolation.level", "read_committed"),
            ("enable.partition.eof", "true"),
            ("auto.offset.reset", "earliest"),
            ("fetch.wait.max.ms", "50"),
            ("queued.max.messages.kbytes", "16384"),
        ];
        for (name, value) in own {
            config.set(name, value);
        }
        let consumer = config.create().map_err(|error| failed(topic, &error))?;
        let mut scan = Self { consumer, topic: String::new(), open: BTreeSet::new(), heard: Instant::now() };
        scan.turn_to(topic, starts)?;
        Ok(scan)
    }

    /// Reads these partitions of another topic from here on, over the connections that are there.
    pub(crate) fn turn_to(
        &mut self,
        topic: &str,
        starts: impl IntoIterator<Item = (i32, Offset)>,
    ) -> Result<(), Failure> {
        let (mut list, mut open) = (TopicPartitionList::new(), BTreeSet::new());
        for (partition, offset) in starts {
            list.add_partition_offset(topic, partition, offset).map_err(|error| failed(topic, &error))?;
            open.insert(partition);
        }
        // Known leaders are fetched from at once; for unknown ones librdkafka looks each second.
        let asked = self.consumer.fetch_metadata(Some(topic), PATIENCE);
        asked.map_err(|error| Failure::unavailable(format!("{topic}: {error}")))?;
        self.consumer.assign(&list).map_err(|error| failed(topic, &error))?;
        (self.topic, self.open, self.heard) = (topic.to_owned(), open, Instant::now());
        Ok(())
    }

    /// The next record or end of a partition, or nothing after `wait`.
    pub(crate) fn next(&mut self, wait: Duration) -> Result<Next<'_>, Failure> {
        match self.consumer.poll(wait) {
            None if self.open.is_empty() || self.heard.elapsed() < PATIENCE => Ok(Next::Quiet),
            None => Err(Failure::unavailable(format!("{}: nothing heard for {} s", self.topic, PATIENCE.as_secs()))),
            Some(Ok(record)) => {
                self.heard = Instant::now();
                self.open.insert(record.partition());
                Ok(Next::Record(record))
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.heard = Instant::now();
                self.open.remove(&partition);
                Ok(Next::End)
            }
            Some(Err(error)) if is_passing(&error) && self.heard.elapsed() < PATIENCE => Ok(Next::Quiet),
            Some(Err(error)) => Err(Failure::unavailable(format!("{}: {error}", self.topic))),
        }
    }

    /// Whether every partition has been read to its end.
    pub(crate) fn is_at_end(&self) -> bool {
        self.open.is_empty()
    }
}

fn failed(topic: &str, error: &KafkaError) -> Failure {
    Failure::config(format!("{topic}: {error}"))
}

/// Whether librdkafka goes on trying by itself.
pub(crate) fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::OperationTimedOut
                | Code::Resolve
                | Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::RequestTimedOut
                | Code::NetworkException
        )
    )
}
