//! What lies on the log of one lane's making, topic by topic, handed out to the channels it belongs to.
//!
//! Holds: a record is looked at once; a record without a known maker is given to the first lane, where nothing is
//! expected in its place. Between consumers, stamps of a lane never fall and never lie at or before a tick.

use std::collections::{BTreeMap, VecDeque};

use baton_domain::LogTime;
use baton_engine::{Fault, Part, StageSpec, Topic};

use crate::channel::{Channel, Gone};
use crate::replay::Output;
use crate::stage::{Difference, Kind};
use crate::tape::{Bounds, Cluster, Entry, Tape, stamp_of};

/// Topic, partition and, for dead letters, the part they were read from: of several there is no order between.
pub(crate) type Key = (Topic, i32, Option<Part>);

/// One topic that the stage writes.
struct Written {
    name: String,
    partitions: Vec<i32>,
    gone: BTreeMap<i32, Gone>,
    tape: Box<dyn Tape>,
    /// Whether nobody but this lane writes the partitions.
    is_own: bool,
    /// Whether lanes downstream rely on the order of stamps.
    is_ordered: bool,
}

/// Everything that lies on the log of one lane.
pub(crate) struct Side {
    stage: String,
    lane: i32,
    is_only_lane: bool,
    inputs: Vec<String>,
    written: BTreeMap<Topic, Written>,
    channels: BTreeMap<Key, Channel>,
    times: BTreeMap<(Topic, i32), Times>,
    disorder: Vec<Difference>,
}

/// How far the stamps of a lane's records on a partition have come.
#[derive(Clone, Copy)]
struct Times {
    record: LogTime,
    tick: LogTime,
}

/// What is known of the topics that a stage writes.
pub(crate) struct Known<'a> {
    pub(crate) bounds: &'a BTreeMap<(String, i32), Bounds>,
    pub(crate) is_compacted: &'a dyn Fn(&str) -> bool,
    pub(crate) is_ordered: &'a dyn Fn(&str) -> bool,
}

impl Side {
    pub(crate) fn open(
        cluster: &mut dyn Cluster,
        spec: &StageSpec,
        lane: i32,
        known: &Known<'_>,
    ) -> Result<Self, Fault> {
        let mut written = BTreeMap::new();
        let mut topics: Vec<(Topic, String, i32)> = Vec::new();
        for (index, (name, partitions)) in spec.outputs.iter().enumerate() {
            topics.push((Topic::Output(index), name.clone(), *partitions));
        }
        topics.push((Topic::DeadLetters, spec.dead_letters.0.clone(), spec.dead_letters.1));
        for (topic, name, count) in topics {
            // A stage of one lane writes to any partition; of several, each writes to its own or all to the same.
            let is_own = topic != Topic::DeadLetters && (spec.lanes() == 1 || count == spec.lanes());
            let partitions: Vec<i32> = if is_own && spec.lanes() > 1 { vec![lane] } else { (0..count).collect() };
            let bounds = |partition: i32| known.bounds.get(&(name.clone(), partition)).copied().unwrap_or_default();
            let ends: Vec<_> = partitions.iter().map(|partition| (*partition, bounds(*partition).end)).collect();
            let superseded = (known.is_compacted)(&name);
            let gone = partitions.iter().map(|partition| {
                (*partition, Gone { superseded, oldest: !superseded && bounds(*partition).first > 0 })
            });
            let gone = gone.collect();
            let tape = cluster.read(&name, &ends)?;
            let is_ordered = (known.is_ordered)(&name);
            written.insert(topic, Written { name, partitions, gone, tape, is_own, is_ordered });
        }
        Ok(Self {
            stage: spec.name.clone(),
            lane,
            is_only_lane: spec.lanes() == 1,
            inputs: spec.inputs.iter().map(|input| input.topic.clone()).collect(),
            written,
            channels: BTreeMap::new(),
            times: BTreeMap::new(),
            disorder: Vec::new(),
        })
    }

    /// The replay wrote a record.
    pub(crate) fn expect(&mut self, written: &Output, required: bool) -> Result<(), Fault> {
        let Output { topic, partition, entry } = written;
        let from = (*topic == Topic::DeadLetters).then(|| self.part_of(entry)).flatten();
        self.with((*topic, *partition, from), |channel, pull| channel.expect(entry, required, pull))
    }

    /// Whether every record on the log has been looked at.
    pub(crate) fn is_spent(&mut self) -> Result<bool, Fault> {
        for key in self.keys() {
            if !self.with(key, Channel::is_spent)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Ends the comparison; gives how many records were alike, and every difference.
    pub(crate) fn finish(mut self, reached: Option<LogTime>) -> Result<(u64, Vec<Difference>), Fault> {
        // A channel that reads on may find the first record of another.
        loop {
            let keys = self.keys();
            for key in &keys {
                self.with(*key, |channel, pull| channel.is_spent(pull).map(drop))?;
            }
            if self.keys() == keys {
                break;
            }
        }
        let (mut matched, mut differences) = (0, std::mem::take(&mut self.disorder));
        for key in self.keys() {
            self.with(key, |channel, pull| channel.finish(reached, pull))?;
        }
        differences.append(&mut self.disorder);
        for ((topic, partition, _), mut channel) in std::mem::take(&mut self.channels) {
            let name = self.written.get(&topic).map_or("", |written| written.name.as_str());
            matched += channel.matched;
            differences.extend(channel.differences(&self.stage, self.lane, name, partition));
        }
        Ok((matched, differences))
    }

    /// Every channel known, and one for each partition so that nothing is left unread.
    fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.channels.keys().copied().collect();
        for (topic, written) in &self.written {
            keys.extend(written.partitions.iter().map(|partition| (*topic, *partition, None)));
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn with<T>(
        &mut self,
        key: Key,
        act: impl FnOnce(&mut Channel, &mut crate::channel::Pull<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let gone = self.gone(key);
        let mut channel = self.channels.remove(&key).unwrap_or_else(|| Channel::new(gone));
        let result = act(&mut channel, &mut |window: &mut VecDeque<(u64, Entry)>| self.pull(key, window));
        self.channels.insert(key, channel);
        result
    }

    fn gone(&self, (topic, partition, _): Key) -> Gone {
        self.written.get(&topic).and_then(|written| written.gone.get(&partition)).copied().unwrap_or_default()
    }

    /// Reads on until a record of this channel comes; the others' are kept for them.
    fn pull(&mut self, wanted: Key, window: &mut VecDeque<(u64, Entry)>) -> Result<bool, Fault> {
        let (topic, partition, _) = wanted;
        loop {
            let Some(written) = self.written.get_mut(&topic) else { return Ok(false) };
            let Some(entry) = written.tape.next(partition)? else { return Ok(false) };
            let Some(key) = self.channel_of(topic, partition, &entry) else { continue };
            if key == wanted {
                window.push_back((entry.id(), entry));
                return Ok(true);
            }
            let gone = self.gone(key);
            self.channels.entry(key).or_insert_with(|| Channel::new(gone)).push(entry);
        }
    }

    /// The channel that a record belongs to; `None` when it is another lane's, or a tick.
    fn channel_of(&mut self, topic: Topic, partition: i32, entry: &Entry) -> Option<Key> {
        if topic == Topic::DeadLetters {
            if entry.header("x-dlq-stage") != Some(self.stage.as_str()) {
                return None;
            }
            let from = self.part_of(entry);
            let lane = if self.is_only_lane { 0 } else { from.map_or(0, |(_, partition)| partition) };
            return (lane == self.lane).then_some((topic, partition, from));
        }
        let is_own = self.written.get(&topic).is_some_and(|written| written.is_own);
        let lane = match stamp_of(entry.value.as_deref()) {
            _ if is_own => self.lane,
            _ if entry.key.is_some() => entry.lane_of(&self.stage).unwrap_or(0),
            stamp => stamp.map_or(0, |stamp| stamp.lane),
        };
        if lane != self.lane {
            return None;
        }
        self.check_time(topic, partition, entry);
        entry.key.is_some().then_some((topic, partition, None))
    }

    /// The part that a dead letter was read from.
    fn part_of(&self, entry: &Entry) -> Option<Part> {
        let topic = entry.header("x-dlq-topic")?;
        let input = self.inputs.iter().position(|input| input == topic)?;
        Some((input, entry.header("x-dlq-partition")?.parse().ok()?))
    }

    fn check_time(&mut self, topic: Topic, partition: i32, entry: &Entry) {
        let Some(written) = self.written.get(&topic).filter(|written| written.is_ordered) else { return };
        let Some(at) = stamp_of(entry.value.as_deref()).map(|stamp| stamp.at) else { return };
        let none = Times { record: LogTime::MIN, tick: LogTime::MIN };
        let times = self.times.entry((topic, partition)).or_insert(none);
        let is_tick = entry.key.is_none();
        let is_late = if is_tick { at < times.tick } else { at < times.record || at <= times.tick };
        if is_late && at > LogTime::MIN {
            let after = if is_tick { times.tick } else { times.record.max(times.tick) };
            self.disorder.push(Difference {
                stage: self.stage.clone(),
                lane: self.lane,
                kind: Kind::Late,
                topic: written.name.clone(),
                partition,
                offset: Some(entry.offset),
                expected: format!("a stamp after {}, which the lane has told before", after.0),
                found: format!("{}, stamp {}", entry.about(), at.0),
            });
        }
        if is_tick {
            times.tick = times.tick.max(at);
        } else {
            times.record = times.record.max(at);
        }
    }
}
