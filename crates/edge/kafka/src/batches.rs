//! Records sent in transactions by an operator's tool: all of a batch, or nothing of it.
//!
//! Holds: `Ok` is a verdict of the broker; after an [`Fault::Abort`] nothing of the batch is there;
//! whoever opens the same id later can rely on every earlier batch being decided.
//!
//! Absent on purpose: consumed positions. Who sends a selection has none, and must write down in the
//! same batch what it has done.

use std::time::{Duration, Instant};

use baton_engine::{Fault, RecordHeaders};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::faults::{asked, in_transaction, undo_or_worse};
use crate::profile::Cluster;
use crate::raw::Producer;

/// A record to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Index into the topics that [`Batches::open`] was given.
    pub topic: usize,
    /// Its partition.
    pub partition: i32,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value.
    pub value: Option<&'a [u8]>,
    /// Headers.
    pub headers: &'a dyn RecordHeaders,
}

/// A transactional producer under an id of its own.
pub struct Batches {
    cluster: Cluster,
    id: String,
    topics: Vec<String>,
    producer: Producer,
}

/// How long the outcome of a commit is asked for.
const RESUME: Duration = Duration::from_secs(20);
/// A commit that took longer may have been asked for twice.
const SLOW: Duration = Duration::from_secs(1);
const INIT_MS: i32 = 30_000;

impl Batches {
    /// Takes over the id: whoever held it can send nothing more, and what they left open is decided.
    pub fn open(cluster: &Cluster, id: &str, topics: Vec<String>) -> Result<Self, Fault> {
        let producer = produce_as(cluster, id, &topics)?;
        Ok(Self { cluster: cluster.clone(), id: id.to_owned(), topics, producer })
    }

    /// Sends a batch.
    pub fn send(&mut self, batch: &[Outgoing<'_>]) -> Result<(), Fault> {
        self.producer.begin().map_err(|error| in_transaction(&error))?;
        if let Err(fault) = self.fill(batch).and_then(|()| self.commit()) {
            if matches!(fault, Fault::Abort(_)) {
                self.producer.abort().map_err(|error| in_transaction(&error))?;
            }
            return Err(fault);
        }
        // A late answer to this transaction could decide the next one; a new producer makes it void.
        if self.producer.signals().is_suspect() {
            self.producer = produce_as(&self.cluster, &self.id, &self.topics)?;
        }
        Ok(())
    }

    fn fill(&self, batch: &[Outgoing<'_>]) -> Result<(), Fault> {
        for record in batch {
            loop {
                let Outgoing { topic, partition, key, value, headers } = *record;
                match self.producer.produce(topic, partition, key, value, headers) {
                    Err(error) if error.code == Code::QueueFull => {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    other => break other.map_err(|error| undo_or_worse(&error))?,
                }
            }
        }
        Ok(())
    }

    fn commit(&self) -> Result<(), Fault> {
        let began = Instant::now();
        let result = loop {
            match self.producer.commit() {
                // The outcome is not known: ask again until there is a verdict.
                Err(error) if error.retriable && began.elapsed() < RESUME => {
                    self.producer.signals().mark();
                }
                other => break other,
            }
        };
        if began.elapsed() > SLOW {
            self.producer.signals().mark();
        }
        result.map_err(|error| in_transaction(&error))
    }
}

fn produce_as(cluster: &Cluster, id: &str, topics: &[String]) -> Result<Producer, Fault> {
    let producer = Producer::open(&cluster.producer(id), topics).map_err(Fault::Config)?;
    producer.init(INIT_MS).map_err(|error| asked(&error, producer.signals()))?;
    producer.signals().clear();
    Ok(producer)
}
