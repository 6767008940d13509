//! How every client talks to the cluster. Not a user's to tune: each line is part of a guarantee or
//! was measured to cost a factor when left at its default.

use std::collections::BTreeMap;

/// The cluster, and extra librdkafka properties for reaching it (security, proxies).
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// `host:port`, comma separated.
    pub bootstrap: String,
    /// librdkafka properties that the profile does not own.
    pub properties: BTreeMap<String, String>,
}

/// A property that is not the user's to set, or that librdkafka does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError(pub String);

impl core::fmt::Display for SettingError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for SettingError {}

/// Properties that carry a guarantee.
const OWNED: [&str; 20] = [
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "isolation.level",
    "auto.offset.reset",
    "group.id",
    "group.instance.id",
    "enable.idempotence",
    "acks",
    "transactional.id",
    "transaction.timeout.ms",
    "partitioner",
    "allow.auto.create.topics",
    "partition.assignment.strategy",
    "message.timeout.ms",
    "enable.partition.eof",
    "group.protocol",
    // By its log alone librdkafka tells of a disconnect within a transaction.
    "log_level",
    "log.queue",
    "log.connection.close",
];

/// A member that is not heard of for so long has left.
pub(crate) const SESSION_MS: u64 = 6_000;

/// Pairs of librdkafka properties.
pub(crate) type Properties = Vec<(String, String)>;

impl Cluster {
    /// Refuses properties that the profile owns.
    pub fn check(&self) -> Result<(), Vec<SettingError>> {
        let errors: Vec<_> = self
            .properties
            .keys()
            .filter(|name| OWNED.contains(&name.as_str()))
            .map(|name| SettingError(format!("kafka.properties.{name}: Baton sets this itself; remove it")))
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn base(&self, own: &[(&str, &str)]) -> Properties {
        let mut all: Properties = vec![
            ("bootstrap.servers".into(), self.bootstrap.clone()),
            ("client.id".into(), "baton".into()),
            ("allow.auto.create.topics".into(), "false".into()),
            ("socket.timeout.ms".into(), "10000".into()),
            ("reconnect.backoff.ms".into(), "50".into()),
            ("reconnect.backoff.max.ms".into(), "1000".into()),
            ("broker.address.family".into(), "any".into()),
            ("log_level".into(), "6".into()),
            ("log.queue".into(), "false".into()),
            ("log.connection.close".into(), "true".into()),
        ];
        all.extend(self.properties.iter().map(|(name, value)| (name.clone(), value.clone())));
        all.extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        all
    }

    /// The member of the group: holds partitions, reads nothing.
    pub(crate) fn member(&self, group: &str, instance: &str) -> Properties {
        let session = SESSION_MS.to_string();
        self.base(&[
            ("group.id", group),
            ("group.instance.id", instance),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            // Also makes the broker wait with committed offsets until open transactions are decided.
            ("isolation.level", "read_committed"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", &session),
            ("heartbeat.interval.ms", "1000"),
            ("max.poll.interval.ms", "300000"),
        ])
    }

    /// The reader of inputs and changelogs.
    pub(crate) fn reader(&self, group: &str) -> Properties {
        self.base(&[
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("isolation.level", "read_committed"),
            // A silent reset would be silent loss.
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
            ("check.crcs", "true"),
            // The default of 1000 ms stalls a full queue.
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.wait.max.ms", "20"),
            ("queued.min.messages", "100000"),
            // A message at hand takes twice its bytes, and the answers they came in stay as long as any of them.
            ("queued.max.messages.kbytes", "1024"),
            ("fetch.message.max.bytes", "524288"),
        ])
    }

    /// Asks for high watermarks, open transactions included.
    pub(crate) fn probe(&self, group: &str) -> Properties {
        self.base(&[("group.id", group), ("enable.auto.commit", "false"), ("isolation.level", "read_uncommitted")])
    }

    /// The transactional producer.
    pub(crate) fn producer(&self, transactional_id: &str) -> Properties {
        self.base(&[
            ("transactional.id", transactional_id),
            ("transaction.timeout.ms", "15000"),
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("compression.type", "lz4"),
            // A commit sends at once what waits. Sent earlier, a transaction goes in more and smaller batches, and the
            // thread that sends is in the way of the one that adds.
            ("linger.ms", "20"),
            ("partitioner", "murmur2_random"),
            ("delivery.report.only.error", "true"),
            // The default of 100 ms is paid whenever the last transaction's markers are still being written.
            ("retry.backoff.ms", "2"),
            ("retry.backoff.max.ms", "250"),
            ("batch.size", "1000000"),
            ("batch.num.messages", "50000"),
            ("queue.buffering.max.messages", "1000000"),
            ("message.max.bytes", "4000000"),
        ])
    }

    /// Plain clients of the operator tools, through the safe API.
    pub fn tool(&self) -> rdkafka::ClientConfig {
        let mut config = rdkafka::ClientConfig::new();
        for (name, value) in self.base(&[("log_level", "3")]) {
            config.set(name, value);
        }
        config
    }
}
