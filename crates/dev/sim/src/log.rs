//! A log in memory with committed transactions only.
//!
//! Holds: a transaction's outputs and positions appear together or not at all. What every reader
//! has taken is let go, so memory is bounded by what is in flight.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use baton_domain::Millis;
use baton_engine::{Event, Fault, Log, Output, Part, Polled, RowSink, StageSpec, Topic};

use crate::Headers;

/// A record on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it was appended.
    pub appended: Millis,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub value: Option<Vec<u8>>,
    /// Headers.
    pub headers: Headers,
}

#[derive(Debug, Default)]
struct Partition {
    first: i64,
    records: VecDeque<Record>,
}

impl Record {
    /// A record as it is produced; when it is appended is not known yet.
    pub(crate) fn of(output: &Output<'_>) -> Self {
        Self {
            appended: Millis(0),
            key: output.key.map(<[u8]>::to_vec),
            value: output.value.map(<[u8]>::to_vec),
            headers: Headers::of(&output.headers),
        }
    }
}

impl Partition {
    fn end(&self) -> i64 {
        self.first + i64::try_from(self.records.len()).unwrap_or(i64::MAX)
    }

    fn get(&self, offset: i64) -> Option<&Record> {
        self.records.get(usize::try_from(offset - self.first).ok()?)
    }
}

/// What all clients of one log share.
#[derive(Debug, Default)]
pub struct Shared {
    /// By topic, then number.
    partitions: BTreeMap<String, BTreeMap<i32, Partition>>,
    /// Committed offsets by group, topic, partition.
    offsets: BTreeMap<(String, String, i32), i64>,
    /// Host time, as the driver sets it.
    pub now: Millis,
    /// Whether changelogs are kept, for restores; otherwise they are let go at once.
    pub keep_changelogs: bool,
}

impl Shared {
    /// An empty log at this host time.
    pub fn at(now: Millis) -> Self {
        Self { now, ..Self::default() }
    }

    /// Appends a record outside of any transaction.
    pub fn append(&mut self, topic: &str, partition: i32, record: Record) {
        // The name is copied for a new topic only.
        match self.partitions.get_mut(topic) {
            Some(partitions) => partitions.entry(partition).or_default().records.push_back(record),
            None => self.records(topic, partition).push_back(record),
        }
    }

    /// Takes every record off a topic's partitions, for a topic that no consumer reads.
    pub fn take(&mut self, topic: &str) -> Vec<Record> {
        let mut taken = Vec::new();
        for partition in self.partitions.get_mut(topic).into_iter().flat_map(BTreeMap::values_mut) {
            partition.first = partition.end();
            taken.extend(partition.records.drain(..));
        }
        taken
    }

    /// Every record that a partition still holds, in order, to be looked at or changed.
    pub fn records(&mut self, topic: &str, partition: i32) -> &mut VecDeque<Record> {
        &mut self.partitions.entry(topic.to_owned()).or_default().entry(partition).or_default().records
    }

    fn partition(&self, topic: &str, partition: i32) -> Option<&Partition> {
        self.partitions.get(topic)?.get(&partition)
    }

    /// The offset that a stage has committed.
    pub fn committed(&self, stage: &str, topic: &str, partition: i32) -> Option<i64> {
        self.offsets.get(&(stage.to_owned(), topic.to_owned(), partition)).copied()
    }

    /// Lets go of what every group that reads it has committed.
    pub fn forget_consumed(&mut self) {
        let mut read = BTreeMap::<(&str, i32), i64>::new();
        for ((_, topic, partition), offset) in &self.offsets {
            let least = read.entry((topic, *partition)).or_insert(*offset);
            *least = (*least).min(*offset);
        }
        for ((topic, partition), least) in read {
            let Some(log) = self.partitions.get_mut(topic).and_then(|all| all.get_mut(&partition)) else { continue };
            while log.first < least && log.records.pop_front().is_some() {
                log.first += 1;
            }
        }
    }
}

/// One worker's view of the log.
#[derive(Debug)]
pub struct MemoryLog {
    shared: Rc<RefCell<Shared>>,
    spec: StageSpec,
    positions: BTreeMap<Part, i64>,
    held: BTreeSet<Part>,
    joined: bool,
    restoring: BTreeMap<i32, i64>,
    outputs: Vec<(Topic, i32, Record)>,
    consumed: Vec<(Part, i64)>,
}

impl MemoryLog {
    /// A client that owns every lane of the stage.
    pub fn new(shared: &Rc<RefCell<Shared>>, spec: &StageSpec) -> Self {
        Self {
            shared: Rc::clone(shared),
            spec: spec.clone(),
            positions: BTreeMap::new(),
            held: BTreeSet::new(),
            joined: false,
            restoring: BTreeMap::new(),
            outputs: Vec::new(),
            consumed: Vec::new(),
        }
    }

    /// Whether the group has given it its lanes.
    pub fn has_joined(&self) -> bool {
        self.joined
    }

    /// Stops reading a lane's parts.
    pub fn stop(&mut self, lane: i32) {
        for part in self.spec.parts_of(lane) {
            self.positions.remove(&part);
        }
    }

    fn name(&self, topic: Topic) -> Option<&str> {
        match topic {
            Topic::Output(index) => self.spec.outputs.get(index).map(|(name, _)| name.as_str()),
            Topic::Changelog => Some(&self.spec.changelog),
            Topic::Ledger => Some(&self.spec.ledger.0),
            Topic::DeadLetters => Some(&self.spec.dead_letters.0),
        }
    }

    fn input(&self, part: Part) -> Option<(String, i32)> {
        self.spec.inputs.get(part.0).map(|input| (input.topic.clone(), part.1))
    }
}

impl Log for MemoryLog {
    fn poll(&mut self, _wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        if max == 0 {
            return Ok(Polled::default());
        }
        if !self.joined {
            self.joined = true;
            sink(Event::Assigned((0..self.spec.lanes()).collect()));
            return Ok(Polled { records: 0, drained: true });
        }
        let shared = self.shared.borrow();
        let mut polled = Polled { records: 0, drained: true };
        for (part, position) in &mut self.positions {
            if self.held.contains(part) {
                continue;
            }
            let Some(input) = self.spec.inputs.get(part.0) else { continue };
            let Some(log) = shared.partition(&input.topic, part.1) else {
                sink(Event::End { part: *part, offset: *position });
                continue;
            };
            while let Some(record) = log.get(*position) {
                if polled.records == max {
                    polled.drained = false;
                    return Ok(polled);
                }
                sink(Event::Record {
                    part: *part,
                    offset: *position,
                    appended: record.appended,
                    key: record.key.as_deref(),
                    value: record.value.as_deref(),
                    headers: &record.headers,
                });
                *position += 1;
                polled.records += 1;
            }
            sink(Event::End { part: *part, offset: *position });
        }
        Ok(polled)
    }

    fn start(&mut self, parts: &[(Part, i64)]) -> Result<(), Fault> {
        self.positions.extend(parts.iter().copied());
        for (part, _) in parts {
            self.held.remove(part);
        }
        Ok(())
    }

    fn hold(&mut self, parts: &[Part], hold: bool) -> Result<(), Fault> {
        for part in parts {
            if hold {
                self.held.insert(*part)
            } else {
                self.held.remove(part)
            };
        }
        Ok(())
    }

    fn committed(&mut self, parts: &[Part]) -> Result<Vec<Option<i64>>, Fault> {
        let shared = self.shared.borrow();
        let committed = |part: &Part| {
            let (topic, partition) = self.input(*part)?;
            shared.offsets.get(&(self.spec.name.clone(), topic, partition)).copied()
        };
        Ok(parts.iter().map(committed).collect())
    }

    fn beginning(&mut self, part: Part) -> Result<i64, Fault> {
        let shared = self.shared.borrow();
        Ok(self.input(part).and_then(|(topic, number)| shared.partition(&topic, number)).map_or(0, |log| log.first))
    }

    fn changelog_end(&mut self, lane: i32) -> Result<i64, Fault> {
        let shared = self.shared.borrow();
        Ok(shared.partition(&self.spec.changelog, lane).map_or(0, Partition::end))
    }

    fn restore_start(&mut self, lane: i32, from: i64) -> Result<(), Fault> {
        self.restoring.insert(lane, from);
        Ok(())
    }

    fn restore_poll(&mut self, lane: i32, sink: &mut RowSink<'_>) -> Result<i64, Fault> {
        let shared = self.shared.borrow();
        let Some(position) = self.restoring.get_mut(&lane) else { return Ok(0) };
        if let Some(log) = shared.partition(&self.spec.changelog, lane) {
            while let Some(record) = log.get(*position) {
                sink(record.key.as_deref().unwrap_or_default(), record.value.as_deref());
                *position += 1;
            }
        }
        Ok(*position)
    }

    fn restore_stop(&mut self, lane: i32) {
        self.restoring.remove(&lane);
    }

    fn fence(&mut self) -> Result<(), Fault> {
        self.outputs.clear();
        self.consumed.clear();
        Ok(())
    }

    fn suspect(&self) -> bool {
        false
    }

    fn begin(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    fn produce(&mut self, output: &Output<'_>) -> Result<(), Fault> {
        if output.topic == Topic::Changelog && !self.shared.borrow().keep_changelogs {
            return Ok(());
        }
        self.outputs.push((output.topic, output.partition, Record::of(output)));
        Ok(())
    }

    fn send_offsets(&mut self, offsets: &[(Part, i64)]) -> Result<(), Fault> {
        self.consumed = offsets.to_vec();
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Fault> {
        let consumed = std::mem::take(&mut self.consumed);
        let named: Vec<_> =
            consumed.into_iter().filter_map(|(part, offset)| Some((self.input(part)?, offset))).collect();
        let mut shared = self.shared.borrow_mut();
        let now = shared.now;
        for (topic, partition, mut record) in std::mem::take(&mut self.outputs) {
            record.appended = now;
            if let Some(name) = self.name(topic) {
                shared.append(name, partition, record);
            }
        }
        for ((topic, partition), offset) in named {
            shared.offsets.insert((self.spec.name.clone(), topic, partition), offset);
        }
        Ok(())
    }

    fn abort(&mut self) -> Result<(), Fault> {
        self.fence()
    }

    fn now(&self) -> Millis {
        self.shared.borrow().now
    }
}
