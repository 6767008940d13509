//! A reader of committed records that follows the outcome topics through all the faults.
//!
//! Holds: it notes what it is given, in the order in which it is given it, and forgets nothing.
//! What a final reader cannot see, it can: a record that was shown and taken back, or shown twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use baton_kafka::rdkafka::{Message, Offset, TopicPartitionList};

use crate::topics::{OUTCOMES, Topics, digest, is_lasting};
use crate::trouble::{Done, trouble};

/// What was read of each partition: offset and digest, in the order of reading.
pub(crate) type Seen = BTreeMap<(String, i32), Vec<(i64, u64)>>;

/// A reader at work.
pub(crate) struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Done<Seen>>,
}

impl Reader {
    /// Begins to read every outcome topic.
    pub(crate) fn start(topics: &Topics) -> Done<Self> {
        let reader = topics.reader("read_committed")?;
        let mut parts = TopicPartitionList::new();
        for topic in OUTCOMES {
            for partition in topics.partitions(&reader, topic)? {
                parts.add_partition_offset(&topics.full(topic), partition, Offset::Beginning)?;
            }
        }
        reader.assign(&parts)?;
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let prefix = topics.prefix.len();
        let thread =
            std::thread::Builder::new().name("reader".to_owned()).spawn(move || follow(&reader, prefix, &ended))?;
        Ok(Self { stop, thread })
    }

    /// Whether it met something that it could not get over.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Reads to the end of every partition, and tells what it saw in all.
    pub(crate) fn finish(self) -> Done<Seen> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap_or_else(|_| trouble("the reader panicked"))
    }
}

fn follow(reader: &BaseConsumer, prefix: usize, ended: &AtomicBool) -> Done<Seen> {
    let mut seen = Seen::new();
    let mut quiet_since = Instant::now();
    // Nothing new is written once it is told to end; what is there comes without a pause.
    while !ended.load(Ordering::Acquire) || quiet_since.elapsed() < Duration::from_secs(3) {
        match reader.poll(Duration::from_millis(100)) {
            None => {}
            Some(Ok(message)) => {
                quiet_since = Instant::now();
                if let Some(key) = message.key() {
                    let place = (message.topic()[prefix..].to_owned(), message.partition());
                    let digest = digest(key, message.payload().unwrap_or_default());
                    seen.entry(place).or_default().push((message.offset(), digest));
                }
            }
            Some(Err(error)) if is_lasting(&error) => return trouble(format!("the reader of outcomes: {error}")),
            // The broker is away, or was a moment ago.
            Some(Err(_)) => quiet_since = Instant::now(),
        }
    }
    Ok(seen)
}
