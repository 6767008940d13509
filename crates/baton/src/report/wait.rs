//! Waits until all that was there has gone through every consumer.
//!
//! Holds: a consumer commits what it read together with what it wrote. So, taken in the order of the
//! pipeline, the end of its inputs seen after the consumer before it had caught up covers all that the
//! start of the wait could lead to. Ticks of a wall clock, which never end, do not prolong the wait;
//! new source records do.
//!
//! Absent on purpose: lag as a difference of offsets alone. Behind the last record lie markers of
//! transactions, which nobody reads.

use std::time::{Duration, Instant};

use baton_engine::StageSpec;
use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer as _};
use baton_kafka::rdkafka::error::KafkaError;
use baton_kafka::rdkafka::message::Message;
use baton_kafka::rdkafka::{Offset, TopicPartitionList};
use baton_pipeline::{Consumer, Topology};
use baton_runtime::group_of;

use super::progress::Progress;
use crate::Failure;
use crate::settings::Settings;
use crate::tap::{Next, Scan, is_passing};

/// Sources must have been silent for so long.
const SILENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(200);
/// One question to the cluster.
const ASK: Duration = Duration::from_secs(5);

/// A partition that a consumer has to read up to `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Goal {
    topic: String,
    partition: i32,
    first: i64,
    end: i64,
}

/// Waits until each of `consumers`, in the order of the pipeline, has read everything; fails with exit code 75 when
/// that takes longer than `timeout`.
pub(super) fn until_read(
    settings: &Settings,
    topology: &Topology,
    consumers: &[Consumer],
    timeout: Duration,
) -> Result<(), Failure> {
    let Some(first) = consumers.first() else { return Ok(()) };
    let since = Instant::now();
    let ends = Ends::open(settings)?;
    let stages: Vec<_> =
        consumers.iter().map(|consumer| Stage::open(settings, topology, *consumer)).collect::<Result<_, _>>()?;
    // Of a consumer that runs without those before it, its inputs are the sources.
    let sources = first.spec(topology);
    let mut progress = Progress::new();
    let mut before = ends.of(&sources)?;
    let mut silent_since = Instant::now();
    loop {
        for stage in &stages {
            stage.catch_up(settings, &ends, &mut progress, since, timeout)?;
        }
        let now = ends.of(&sources)?;
        if now != before {
            (before, silent_since) = (now, Instant::now());
        } else if silent_since.elapsed() >= SILENCE {
            return Ok(());
        }
        if since.elapsed() > timeout {
            let message = format!("records kept coming to the source topics for {} s", timeout.as_secs());
            return Err(Failure { message, code: 75 });
        }
        std::thread::sleep(PAUSE);
    }
}

/// Asks for the ends of partitions.
struct Ends {
    /// Transactions that are not decided yet included.
    all: BaseConsumer,
    /// Before the first transaction that is not decided yet.
    decided: BaseConsumer,
}

impl Ends {
    fn open(settings: &Settings) -> Result<Self, Failure> {
        let group = format!("{}baton.report", settings.topology.prefix);
        Ok(Self {
            all: client(settings, &group, "read_uncommitted")?,
            decided: client(settings, &group, "read_committed")?,
        })
    }

    /// First and next offset. A partition whose leader moves, or is only just there, is asked again.
    fn watermarks(&self, topic: &str, partition: i32) -> Result<(i64, i64), Failure> {
        let since = Instant::now();
        loop {
            match self.all.fetch_watermarks(topic, partition, ASK) {
                Err(error) if is_passing(&error) && since.elapsed() < 3 * ASK => std::thread::sleep(PAUSE),
                other => return other.map_err(|error| Failure::unavailable(format!("{topic}: {error}"))),
            }
        }
    }

    fn of(&self, spec: &StageSpec) -> Result<Vec<Goal>, Failure> {
        let mut goals = Vec::new();
        for input in &spec.inputs {
            for partition in 0..input.partitions {
                let (first, end) = self.watermarks(&input.topic, partition)?;
                goals.push(Goal { topic: input.topic.clone(), partition, first, end });
            }
        }
        Ok(goals)
    }

    /// Whether nothing that can be read lies between `from` and the goal.
    fn is_empty_from(&self, settings: &Settings, goal: &Goal, from: i64) -> Result<bool, Failure> {
        let decided = self.decided.fetch_watermarks(&goal.topic, goal.partition, ASK);
        if !decided.is_ok_and(|(_, end)| end >= goal.end) {
            return Ok(false);
        }
        let mut scan = Scan::open(settings, &goal.topic, [(goal.partition, Offset::Offset(from))])?;
        loop {
            match scan.next(PAUSE)? {
                Next::Record(record) => return Ok(record.offset() >= goal.end),
                Next::End => return Ok(true),
                Next::Quiet => {}
            }
        }
    }
}

/// One consumer and what its group has committed.
struct Stage {
    consumer: Consumer,
    spec: StageSpec,
    group: BaseConsumer,
}

impl Stage {
    fn open(settings: &Settings, topology: &Topology, consumer: Consumer) -> Result<Self, Failure> {
        let group = client(settings, &group_of(topology, consumer), "read_committed")?;
        Ok(Self { consumer, spec: consumer.spec(topology), group })
    }

    /// Waits until the group has committed up to where its inputs end now.
    fn catch_up(
        &self,
        settings: &Settings,
        ends: &Ends,
        progress: &mut Progress,
        since: Instant,
        timeout: Duration,
    ) -> Result<(), Failure> {
        let mut goals = ends.of(&self.spec)?;
        let (mut moved_at, mut last) = (Instant::now(), i64::MAX);
        loop {
            let behind = self.behind(&goals);
            let left: i64 = match &behind {
                Ok(behind) => behind.iter().map(|(goal, at)| goal.end - at).sum(),
                Err(_) => last,
            };
            progress.left(self.consumer, left);
            if left != last {
                (last, moved_at) = (left, Instant::now());
            }
            if let Ok(behind) = &behind {
                // Standing still short of the end: either it waits, or only markers are left.
                let mut kept = behind.clone();
                if moved_at.elapsed() > Duration::from_secs(1) {
                    kept.clear();
                    for (goal, at) in behind {
                        if !ends.is_empty_from(settings, goal, *at)? {
                            kept.push((goal.clone(), *at));
                        }
                    }
                    moved_at = Instant::now();
                }
                if kept.is_empty() {
                    progress.left(self.consumer, 0);
                    return Ok(());
                }
                goals = kept.into_iter().map(|(goal, _)| goal).collect();
            }
            if since.elapsed() > timeout {
                return Err(self.lags(&behind, timeout));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// The goals not reached yet, each with where the group is.
    fn behind(&self, goals: &[Goal]) -> Result<Vec<(Goal, i64)>, KafkaError> {
        let mut list = TopicPartitionList::new();
        for goal in goals {
            list.add_partition(&goal.topic, goal.partition);
        }
        let committed = self.group.committed_offsets(list, ASK)?;
        let at = |goal: &Goal| {
            let found = committed.find_partition(&goal.topic, goal.partition).map(|found| found.offset());
            match found {
                Some(Offset::Offset(offset)) => offset.max(goal.first),
                _ => goal.first,
            }
        };
        Ok(goals.iter().map(|goal| (goal.clone(), at(goal))).filter(|(goal, at)| *at < goal.end).collect())
    }

    fn lags(&self, behind: &Result<Vec<(Goal, i64)>, KafkaError>, timeout: Duration) -> Failure {
        let (name, seconds) = (self.consumer, timeout.as_secs());
        let message = match behind {
            Ok(behind) => {
                let places = behind.iter().take(3).map(|(Goal { topic, partition, end, .. }, at)| {
                    format!("{topic}/{partition} is read to {at} of {end}")
                });
                let places = places.collect::<Vec<_>>().join(", ");
                format!("{name} has not caught up after {seconds} s: {places}; does `baton run {name}` run?")
            }
            Err(error) => format!("the group of {name} could not be asked within {seconds} s: {error}"),
        };
        Failure { message, code: 75 }
    }
}

fn client(settings: &Settings, group: &str, isolation: &str) -> Result<BaseConsumer, Failure> {
    let mut config = settings.cluster.tool();
    for (name, value) in [("group.id", group), ("isolation.level", isolation), ("enable.auto.commit", "false")] {
        config.set(name, value);
    }
    config.create().map_err(|error| Failure::config(error.to_string()))
}
