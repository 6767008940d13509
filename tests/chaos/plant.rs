//! Differences planted into a finished run: the oracles must see each.
//!
//! Holds: a run whose oracles would let one of these pass fails.

use std::io::Write;
use std::process::Stdio;

use baton_kafka::rdkafka::admin::{AdminClient, AdminOptions};
use baton_kafka::rdkafka::client::DefaultClientContext;
use baton_kafka::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use baton_kafka::rdkafka::{Message, Offset, TopicPartitionList};

use crate::fleet::Fleet;
use crate::topics::Topics;
use crate::trouble::{Done, trouble};

/// What is planted, and who must see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// A handoff lies on its topic twice, as after a torn transaction.
    DoubledHandoff,
    /// A breach is gone.
    LostBreach,
    /// A line of input came in that nobody fed.
    ForeignLine,
}

impl Plant {
    /// In the order in which they are planted.
    pub(crate) const ALL: [Self; 3] = [Self::DoubledHandoff, Self::LostBreach, Self::ForeignLine];

    /// The oracles that must each find a difference they did not find before.
    pub(crate) fn seen_by(self) -> &'static [&'static str] {
        match self {
            Self::DoubledHandoff => &["agreement", "handoffs", "reader", "verify", "reconcile"],
            // Not `verify`: what is taken from the head of a topic is to it what retention has taken.
            Self::LostBreach => &["agreement", "promises", "reader"],
            Self::ForeignLine => &["input", "ledgers"],
        }
    }

    /// Plants it.
    pub(crate) fn plant(self, topics: &Topics, fleet: &Fleet) -> Done {
        match self {
            Self::DoubledHandoff => double(topics, "lead.handoff"),
            Self::LostBreach => lose(topics, "sla.breach"),
            Self::ForeignLine => foreign(fleet),
        }
    }
}

fn double(topics: &Topics, topic: &str) -> Done {
    let mut last = None;
    topics.each(topic, |message| {
        let record = (message.partition(), message.key().map(<[u8]>::to_vec), message.payload().map(<[u8]>::to_vec));
        last = Some(record);
        Ok(())
    })?;
    let Some((partition, Some(key), Some(value))) = last else { return trouble(format!("nothing on {topic}")) };
    let producer: BaseProducer = topics.cluster().tool().create()?;
    let full = topics.full(topic);
    producer.send(BaseRecord::to(&full).partition(partition).key(&key).payload(&value)).map_err(|(error, _)| error)?;
    Ok(producer.flush(std::time::Duration::from_secs(10))?)
}

/// Takes the head of a partition away, up to its first record.
fn lose(topics: &Topics, topic: &str) -> Done {
    let mut first = None;
    topics.each(topic, |message| {
        first.get_or_insert((message.partition(), message.offset()));
        Ok(())
    })?;
    let Some((partition, offset)) = first else { return trouble(format!("nothing on {topic}")) };
    let admin: AdminClient<DefaultClientContext> = topics.cluster().tool().create()?;
    let mut until = TopicPartitionList::new();
    until.add_partition_offset(&topics.full(topic), partition, Offset::Offset(offset + 1))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(admin.delete_records(&until, &AdminOptions::new()))?;
    Ok(())
}

fn foreign(fleet: &Fleet) -> Done {
    let line = r#"{"type":"track","event":"Demo Requested","messageId":"foreign","userId":"foreign","timestamp":"2026-09-20T10:00:00Z","receivedAt":"2026-09-20T10:00:01Z"}"#;
    let mut child = fleet.command(&["ingest", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        writeln!(input, "{line}")?;
    }
    if child.wait()?.success() { Ok(()) } else { trouble("the foreign line could not be sent") }
}
