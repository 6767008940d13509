//! Reading topics to their end, as any reader of committed records would.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

pub(crate) use acceptance::OUTCOMES;
use baton_kafka::Cluster;
use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use baton_kafka::rdkafka::error::KafkaError;
use baton_kafka::rdkafka::message::BorrowedMessage;
use baton_kafka::rdkafka::metadata::MetadataPartition;
use baton_kafka::rdkafka::types::RDKafkaErrorCode as Code;
use baton_kafka::rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use crate::trouble::{Done, trouble};

/// A cluster and the prefix of one deployment on it.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    pub(crate) bootstrap: String,
    pub(crate) prefix: String,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Topics {
    /// A topic's full name.
    pub(crate) fn full(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// The cluster, for clients of any kind.
    pub(crate) fn cluster(&self) -> Cluster {
        Cluster { bootstrap: self.bootstrap.clone(), properties: BTreeMap::new() }
    }

    /// A reader of its own, in no group, that is not told of the end of a partition.
    pub(crate) fn reader(&self, isolation: &str) -> Done<BaseConsumer> {
        Ok(self.settings(isolation).create()?)
    }

    fn settings(&self, isolation: &str) -> ClientConfig {
        let mut settings = self.cluster().tool();
        settings
            .set("group.id", "chaos-reader")
            .set("isolation.level", isolation)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "error")
            // The end of a partition is told with the answer to a fetch, which otherwise waits for more.
            .set("fetch.wait.max.ms", "20");
        settings
    }

    /// The partitions of a topic.
    pub(crate) fn partitions(&self, reader: &BaseConsumer, topic: &str) -> Done<Vec<i32>> {
        let full = self.full(topic);
        let metadata = reader.fetch_metadata(Some(&full), PATIENCE)?;
        let found =
            metadata.topics().first().map(|topic| topic.partitions().iter().map(MetadataPartition::id).collect());
        match found {
            Some(partitions) => Ok(partitions),
            None => trouble(format!("there is no topic {full}")),
        }
    }

    /// Every committed record of a topic that carries news (ticks have no key), partition by partition in order.
    pub(crate) fn each(&self, topic: &str, mut visit: impl FnMut(&BorrowedMessage<'_>) -> Done) -> Done {
        self.all(topic, |message| if message.key().is_some() { visit(message) } else { Ok(()) })
    }

    /// Every committed record, also those without a key.
    pub(crate) fn all(&self, topic: &str, mut visit: impl FnMut(&BorrowedMessage<'_>) -> Done) -> Done {
        let reader: BaseConsumer = self.settings("read_committed").set("enable.partition.eof", "true").create()?;
        let full = self.full(topic);
        let mut parts = TopicPartitionList::new();
        let partitions = self.partitions(&reader, topic)?;
        for partition in &partitions {
            parts.add_partition_offset(&full, *partition, Offset::Beginning)?;
        }
        reader.assign(&parts)?;
        // A partition can be said to end more than once.
        let mut open: BTreeSet<i32> = partitions.into_iter().collect();
        let mut moved = Instant::now();
        while !open.is_empty() {
            match reader.poll(Duration::from_secs(1)) {
                Some(Ok(message)) => {
                    visit(&message)?;
                    moved = Instant::now();
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    open.remove(&partition);
                    moved = Instant::now();
                }
                Some(Err(error)) if is_lasting(&error) => return trouble(format!("{full}: {error}")),
                // A broker that is slow to answer is said to be down, and is there again a moment later.
                None | Some(Err(_)) if moved.elapsed() < PATIENCE => {}
                other => {
                    let why = other.and_then(Result::err).map_or_else(String::new, |error| format!(": {error}"));
                    return trouble(format!("{full} was not read to its end within {PATIENCE:?}{why}"));
                }
            }
        }
        Ok(())
    }
}

/// An error after which a reader would have to choose where to go on, which none here may.
pub(crate) fn is_lasting(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(Code::OffsetOutOfRange | Code::AutoOffsetReset | Code::Fatal))
}

/// A record in 64 bits, for comparing many.
pub(crate) fn digest(key: &[u8], value: &[u8]) -> u64 {
    // FNV-1a; the key's length stands between them, so that no key runs into its value.
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for byte in (key.len() as u64).to_le_bytes().iter().chain(key).chain(value) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    hash
}
