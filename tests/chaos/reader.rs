//! A reader of committed records that follows the outcome topics through all the faults.
//!
//! Holds: it notes what it is given, in the order in which it is given it, and forgets nothing.
//! What a final reader cannot see, it can: a record that was shown and taken back, or shown twice.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use baton_kafka::rdkafka::{Message, Offset, TopicPartitionList};

use crate::topics::{OUTCOMES, Topics, digest, is_lasting};
use crate::trouble::{Done, trouble};

/// What was read of each partition: offset and digest, in the order of reading.
pub(crate) type Seen = BTreeMap<(String, i32), Vec<(i64, u64)>>;

/// A reader that has not come to the end by then has lost its way: what it has not seen is a finding.
const PATIENCE: Duration = Duration::from_mins(1);

/// A reader at work.
pub(crate) struct Reader {
    until: mpsc::Sender<Seen>,
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
        let (until, told) = mpsc::channel();
        let prefix = topics.prefix.len();
        let thread =
            std::thread::Builder::new().name("reader".to_owned()).spawn(move || follow(&reader, prefix, &told))?;
        Ok(Self { until, thread })
    }

    /// Whether it met something that it could not get over.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Reads on until it has come to the end of what is `there`, and tells what it saw in all.
    pub(crate) fn finish(self, there: Seen) -> Done<Seen> {
        // It may have ended by itself; then its own words tell why.
        self.until.send(there).ok();
        self.thread.join().unwrap_or_else(|_| trouble("the reader panicked"))
    }
}

fn follow(reader: &BaseConsumer, prefix: usize, until: &mpsc::Receiver<Seen>) -> Done<Seen> {
    let mut seen = Seen::new();
    let mut told: Option<(Instant, Seen)> = None;
    // Nothing new is written once it is told to end; then it reads to the end of every partition.
    loop {
        match until.try_recv() {
            Ok(there) => told = Some((Instant::now(), there)),
            Err(mpsc::TryRecvError::Disconnected) if told.is_none() => return Ok(seen),
            Err(_) => {}
        }
        if told.as_ref().is_some_and(|(at, there)| is_at_the_end(&seen, there) || at.elapsed() > PATIENCE) {
            return Ok(seen);
        }
        match reader.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                if let Some(key) = message.key() {
                    let place = (message.topic()[prefix..].to_owned(), message.partition());
                    let digest = digest(key, message.payload().unwrap_or_default());
                    seen.entry(place).or_default().push((message.offset(), digest));
                }
            }
            Some(Err(error)) if is_lasting(&error) => return trouble(format!("the reader of outcomes: {error}")),
            // Nothing new, or the broker is away.
            None | Some(Err(_)) => {}
        }
    }
}

/// Whether the last record of every partition of `there` was seen.
fn is_at_the_end(seen: &Seen, there: &Seen) -> bool {
    let last = |all: &Seen, place| all.get(place).and_then(|records| records.last()).map_or(-1, |(offset, _)| *offset);
    there.keys().all(|place| last(seen, place) >= last(there, place))
}
