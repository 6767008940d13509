//! Topics: what is there, and what should be.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::profile::Cluster;
use crate::raw::{self, Consumer};

/// A topic as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicConfig {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: i32,
    /// Settings that matter (`cleanup.policy`, `retention.ms`, ...).
    pub settings: BTreeMap<String, String>,
}

/// A topic as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicState {
    /// Its partitions.
    pub partitions: i32,
    /// All its settings.
    pub settings: BTreeMap<String, String>,
}

/// The cluster did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// A property for reaching the cluster is not one of librdkafka's, or has an impossible value.
    #[error("kafka.properties: {0}")]
    Property(String),
    /// Nobody answers.
    #[error("no Kafka broker answers at {bootstrap}: {detail}")]
    Unreachable {
        /// Where.
        bootstrap: String,
        /// What librdkafka says.
        detail: String,
    },
    /// It answered no.
    #[error("{topic}: {detail}")]
    Refused {
        /// About which topic.
        topic: String,
        /// What the broker says.
        detail: String,
    },
}

/// Administers topics.
pub struct Admin {
    client: AdminClient<DefaultClientContext>,
    cluster: Cluster,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Admin {
    /// Connects lazily; the first call tells whether anybody is there.
    pub fn new(cluster: &Cluster) -> Result<Self, AdminError> {
        let client = cluster.tool().create().map_err(|error| match error {
            KafkaError::ClientConfig(_, why, _, _) => AdminError::Property(why),
            other => AdminError::Unreachable { bootstrap: cluster.bootstrap.clone(), detail: other.to_string() },
        })?;
        Ok(Self { client, cluster: cluster.clone() })
    }

    /// Every topic with its partition count.
    pub fn topics(&self) -> Result<BTreeMap<String, i32>, AdminError> {
        let metadata = self.client.inner().fetch_metadata(None, PATIENCE).map_err(|e| self.unreachable(&e))?;
        Ok(metadata
            .topics()
            .iter()
            .map(|topic| (topic.name().to_owned(), i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX)))
            .collect())
    }

    /// How many brokers there are.
    pub fn brokers(&self) -> Result<usize, AdminError> {
        let metadata = self.client.inner().fetch_metadata(None, PATIENCE).map_err(|e| self.unreachable(&e))?;
        Ok(metadata.brokers().len())
    }

    /// The id that the cluster gave the topic when it was made. A topic that was deleted and made
    /// anew under the same name has another.
    pub fn topic_id(&self, topic: &str) -> Result<String, AdminError> {
        let wait_ms = i32::try_from(PATIENCE.as_millis()).unwrap_or(i32::MAX);
        raw::topic_id(self.client.inner(), topic, wait_ms).map_err(|error| match error.code {
            Code::UnknownTopicOrPartition
            | Code::TopicAuthorizationFailed
            | Code::InvalidTopic
            | Code::UnsupportedFeature => AdminError::Refused { topic: topic.to_owned(), detail: error.to_string() },
            _ => AdminError::Unreachable { bootstrap: self.cluster.bootstrap.clone(), detail: error.to_string() },
        })
    }

    /// The state of those of `names` that exist.
    pub async fn describe(&self, names: &[String]) -> Result<BTreeMap<String, TopicState>, AdminError> {
        let counts = self.topics()?;
        let present: Vec<_> = names.iter().filter(|name| counts.contains_key(*name)).collect();
        if present.is_empty() {
            return Ok(BTreeMap::new());
        }
        let resources: Vec<_> = present.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let described =
            self.client.describe_configs(&resources, &options()).await.map_err(|error| self.unreachable(&error))?;
        let mut states = BTreeMap::new();
        for (name, described) in present.into_iter().zip(described) {
            let described =
                described.map_err(|error| AdminError::Refused { topic: name.clone(), detail: error.to_string() })?;
            let settings = described
                .entries
                .into_iter()
                .filter_map(|entry| entry.value.map(|value| (entry.name, value)))
                .collect();
            let partitions = counts.get(name).copied().unwrap_or(0);
            states.insert(name.clone(), TopicState { partitions, settings });
        }
        Ok(states)
    }

    /// Creates topics; one that exists already is left as it is.
    pub async fn create(&self, topics: &[TopicConfig], replication: i32) -> Result<(), AdminError> {
        let new: Vec<_> = topics
            .iter()
            .map(|topic| {
                let mut new = NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(replication));
                for (name, value) in &topic.settings {
                    new = new.set(name, value);
                }
                new
            })
            .collect();
        let results = self.client.create_topics(&new, &options()).await.map_err(|error| self.unreachable(&error))?;
        for result in results {
            match result {
                Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(AdminError::Refused { topic, detail: code.to_string() }),
            }
        }
        Ok(())
    }

    /// Deletes topics; for tests and demos that clean up after themselves.
    pub async fn delete(&self, names: &[String]) -> Result<(), AdminError> {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        self.client.delete_topics(&names, &options()).await.map_err(|error| self.unreachable(&error))?;
        Ok(())
    }

    fn unreachable(&self, error: &KafkaError) -> AdminError {
        let cause = cause(&self.cluster);
        let detail = if cause.is_empty() { error.to_string() } else { format!("{error}: {cause}") };
        AdminError::Unreachable { bootstrap: self.cluster.bootstrap.clone(), detail }
    }
}

/// What librdkafka says on the side of an attempt to connect. Its error codes do not tell a log-in that
/// was refused from a broker that is down.
fn cause(cluster: &Cluster) -> String {
    let Ok(attempt) = Consumer::reader(&cluster.probe("baton")) else { return String::new() };
    // Any question makes it connect.
    attempt.watermarks("baton", 0, 2_000).ok();
    attempt.poll(0);
    attempt.signals().last_failure()
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE))
}
