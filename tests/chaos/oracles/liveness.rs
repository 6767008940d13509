//! No transaction hangs: every partition can be read up to its end, and what is written there now is read at once.

use std::time::{Duration, Instant};

use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use baton_kafka::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use baton_kafka::rdkafka::{Message, Offset, TopicPartitionList};

use crate::oracles::Verdict;
use crate::topics::{OUTCOMES, Topics};
use crate::trouble::Done;

const ASK: Duration = Duration::from_secs(10);
/// An abandoned transaction is aborted by the broker after 15 s and its sweep.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until no partition of `names` has an open transaction: the end for readers of committed records is
/// the end for all. Returns how long it took in all.
pub(crate) fn no_open_transactions(topics: &Topics, names: &[String]) -> Done<(Verdict, Duration)> {
    let mut verdict = Verdict::default();
    let (decided, all) = (topics.reader("read_committed")?, topics.reader("read_uncommitted")?);
    let began = Instant::now();
    for name in names {
        for partition in topics.partitions(&all, name)? {
            verdict.looked(1);
            loop {
                let (stable, end) = (end(&decided, topics, name, partition)?, end(&all, topics, name, partition)?);
                if stable >= end {
                    break;
                }
                if began.elapsed() > PATIENCE {
                    verdict.differs(format!(
                        "{name}[{partition}]: committed up to {stable} of {end}: a transaction hangs"
                    ));
                    break;
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }
    Ok((verdict, began.elapsed()))
}

fn end(reader: &BaseConsumer, topics: &Topics, name: &str, partition: i32) -> Done<i64> {
    Ok(reader.fetch_watermarks(&topics.full(name), partition, ASK)?.1)
}

/// Writes a record to every partition of the outcome topics and reads it back as a committed one. The last
/// thing that is done with a deployment: the record is nobody's.
pub(crate) fn probe(topics: &Topics) -> Done<Verdict> {
    let mut verdict = Verdict::default();
    let reader = topics.reader("read_committed")?;
    let producer: BaseProducer = topics.cluster().tool().create()?;
    for name in OUTCOMES {
        let full = topics.full(name);
        for partition in topics.partitions(&reader, name)? {
            verdict.looked(1);
            let from = end(&reader, topics, name, partition)?;
            let record = BaseRecord::<(), [u8]>::to(&full).partition(partition).payload(b"probe");
            producer.send(record).map_err(|(error, _)| error)?;
            producer.flush(ASK)?;
            let mut parts = TopicPartitionList::new();
            parts.add_partition_offset(&full, partition, Offset::Offset(from))?;
            reader.assign(&parts)?;
            let began = Instant::now();
            let mut is_there = false;
            while !is_there && began.elapsed() < ASK {
                if let Some(Ok(message)) = reader.poll(Duration::from_millis(200)) {
                    is_there = message.payload() == Some(b"probe");
                }
            }
            if !is_there {
                verdict.differs(format!("{name}[{partition}]: what is written now cannot be read"));
            }
        }
    }
    Ok(verdict)
}
