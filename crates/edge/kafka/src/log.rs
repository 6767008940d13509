//! The engine's log port over Kafka: four handles a worker, each with one job.
//!
//! A *member* holds the worker's place in the group and nothing else; a *reader* reads whatever
//! parts the engine names, at the offsets it names; a *producer* writes; a *probe* asks for high
//! watermarks. So a rebalance never moves what is being read, and reading never moves the group.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use baton_domain::Millis;
use baton_engine::{Event, Fault, Log, Outbox, Output, Part, Polled, RecordHeaders, RowSink, StageSpec, Topic};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::faults::{asked, fatal, group_error, in_transaction, reader_error, undo_or_worse};
use crate::place::{Holder, Place};
use crate::profile::Cluster;
use crate::raw::{Consumer, GroupChange, Message, PartitionList, Producer, RawError, Run};

/// Milliseconds for one question to the cluster.
const ASK_MS: i32 = 10_000;
/// Milliseconds to wait for a connection before the question itself.
const CONNECT_MS: i32 = 2_000;
/// Seconds to resume a commit whose outcome is unknown before the producer is given up.
const RESUME: Duration = Duration::from_secs(20);
/// A commit that took longer may have been sent twice: the producer is replaced before the next.
const SLOW: Duration = Duration::from_secs(5);
/// So often within so long the group may be joined anew after it gave the place away.
const REJOINS: usize = 3;
/// Records taken from librdkafka, and given to it, at a time.
const BATCH: usize = 1_000;
const RUN: usize = 256;
/// Records that the engine is told of before it is given them.
const AHEAD: usize = 16;
const REJOIN_WITHIN: Duration = Duration::from_mins(5);

/// One worker's log.
pub struct KafkaLog {
    cluster: Cluster,
    spec: StageSpec,
    group: String,
    transactional_id: String,
    member: Consumer,
    /// Before the reader, because it is dropped first: librdkafka wants its messages back before it ends.
    batch: Vec<Message>,
    reader: Consumer,
    probe: Consumer,
    producer: Option<Producer>,
    /// Where to read on in each part.
    reading: BTreeMap<Part, i64>,
    /// Parts of these that are not read for now.
    held: BTreeSet<Part>,
    restoring: BTreeMap<i32, Restore>,
    topics: Vec<(usize, usize)>,
    lanes: BTreeSet<i32>,
    instance: String,
    rejoined: Vec<Instant>,
    anchor: (Instant, i64),
}

/// Where the producer has a topic.
fn place(topic: Topic) -> usize {
    match topic {
        Topic::Changelog => 0,
        Topic::Ledger => 1,
        Topic::DeadLetters => 2,
        Topic::Output(index) => 3 + index,
    }
}

struct Restore {
    reader: Consumer,
    position: i64,
}

impl KafkaLog {
    /// Joins the stage's group as `instance` and writes under `<group>.<instance>`.
    ///
    /// Two processes with the same instance are one member: the newer fences the older.
    pub fn open(cluster: &Cluster, spec: &StageSpec, group: &str, instance: &str) -> Result<Self, Fault> {
        let primary = spec.inputs.first().map_or("", |input| input.topic.as_str());
        let reader = Consumer::reader(&cluster.reader(group)).map_err(Fault::Config)?;
        let probe = Consumer::reader(&cluster.probe(group)).map_err(Fault::Config)?;
        let member = Consumer::member(&cluster.member(group, instance), primary).map_err(Fault::Config)?;
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Ok(Self {
            cluster: cluster.clone(),
            spec: spec.clone(),
            group: group.to_owned(),
            transactional_id: format!("{group}.{instance}"),
            member,
            reader,
            probe,
            producer: None,
            reading: BTreeMap::new(),
            held: BTreeSet::new(),
            batch: Vec::new(),
            restoring: BTreeMap::new(),
            topics: Vec::new(),
            lanes: BTreeSet::new(),
            instance: instance.to_owned(),
            rejoined: Vec::new(),
            anchor: (Instant::now(), i64::try_from(epoch).unwrap_or(0)),
        })
    }

    fn topic_names(&self) -> Vec<String> {
        let fixed = [&self.spec.changelog, &self.spec.ledger.0, &self.spec.dead_letters.0];
        fixed.into_iter().chain(self.spec.outputs.iter().map(|(name, _)| name)).cloned().collect()
    }

    fn list(&self, parts: impl Iterator<Item = (Part, i64)>) -> PartitionList {
        let names: Vec<_> = parts
            .filter_map(|((input, partition), offset)| {
                self.spec.inputs.get(input).map(|input| (input.topic.as_str(), partition, offset))
            })
            .collect();
        PartitionList::new(names.into_iter())
    }

    fn input_of(&mut self, message: &Message) -> Option<usize> {
        let token = message.topic_token();
        if let Some((_, input)) = self.topics.iter().find(|(known, _)| *known == token) {
            return Some(*input);
        }
        let name = message.topic();
        let input = self.spec.inputs.iter().position(|input| input.topic == name)?;
        self.topics.push((token, input));
        Some(input)
    }

    /// Returns whether lanes came or went.
    fn serve_group(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> Result<bool, Fault> {
        while let Some(message) = self.member.poll(0) {
            match message.error() {
                Some((Code::FencedInstanceId | Code::Fatal, text)) => return self.rejoin(text, sink),
                Some((code, text)) => group_error(code, text)?,
                None => {}
            }
        }
        let changes = self.member.changes();
        let has_changed = !changes.is_empty();
        for change in changes {
            match change {
                GroupChange::Given(lanes) => {
                    tracing::info!(?lanes, "lanes assigned");
                    self.lanes.extend(&lanes);
                    sink(Event::Assigned(lanes));
                }
                GroupChange::Taken(lanes) => {
                    tracing::info!(?lanes, "lanes revoked");
                    self.stop(&lanes)?;
                    self.lanes.retain(|lane| !lanes.contains(lane));
                    sink(Event::Revoked(lanes));
                }
            }
        }
        Ok(has_changed)
    }

    /// The group says that somebody else has this place. That may be a twin, which ends this process,
    /// or this very member, whose last join was answered by a broker that died: it joins anew.
    fn rejoin(&mut self, text: String, sink: &mut dyn FnMut(Event<'_>)) -> Result<bool, Fault> {
        if let Holder::Other(member) = self.place().after_loss(&self.probe) {
            return Err(Fault::Fenced(format!("another process took this instance's place in the group: {member}")));
        }
        self.count_doubt(&text)?;
        tracing::warn!("joining the group anew: {text}");
        let lanes: Vec<i32> = std::mem::take(&mut self.lanes).into_iter().collect();
        self.stop(&lanes)?;
        sink(Event::Revoked(lanes));
        let primary = self.spec.inputs.first().map_or("", |input| input.topic.as_str());
        let properties = self.cluster.member(&self.group, &self.instance);
        self.member = Consumer::member(&properties, primary).map_err(Fault::Config)?;
        Err(Fault::Fatal(text))
    }

    fn place(&self) -> Place<'_> {
        Place { group: &self.group, instance: &self.instance, member: self.member.number() }
    }

    /// What looks like another process, but is none, may be so a few times.
    fn count_doubt(&mut self, text: &str) -> Result<(), Fault> {
        self.rejoined.retain(|at| at.elapsed() < REJOIN_WITHIN);
        if self.rejoined.len() >= REJOINS {
            return Err(Fault::Fenced(format!("this instance's place is given away again and again: {text}")));
        }
        self.rejoined.push(Instant::now());
        Ok(())
    }

    /// The broker knows a newer producer under our transactional id. If the place in the group is
    /// still ours, that producer was our own: a request for its number came late, or its answer was
    /// lost. Then a new one is taken up; otherwise the twin goes on and this process ends.
    fn unless_ghost(&mut self, fault: Fault) -> Fault {
        let Fault::Fenced(why) = fault else { return fault };
        match self.place().after_fencing(&self.probe) {
            Holder::We => match self.count_doubt(&why) {
                Ok(()) => Fault::Fatal(format!("no other process has this instance's place: {why}")),
                Err(fault) => fault,
            },
            Holder::Other(member) => Fault::Fenced(format!("{why}; it has this instance's place too: {member}")),
            Holder::Nobody | Holder::Unknown => Fault::Fenced(why),
        }
    }

    fn stop(&mut self, lanes: &[i32]) -> Result<(), Fault> {
        let gone: Vec<Part> = lanes
            .iter()
            .flat_map(|lane| self.spec.parts_of(*lane))
            .filter(|part| self.reading.remove(part).is_some() && !self.held.remove(part))
            .collect();
        self.leave(&gone)
    }

    /// Reads these parts no more.
    fn leave(&self, parts: &[Part]) -> Result<(), Fault> {
        if parts.is_empty() {
            return Ok(());
        }
        self.reader.remove(&self.list(parts.iter().map(|part| (*part, 0)))).map_err(|e| fatal(&e))
    }

    /// Returns how many of them were records.
    fn hand_over(&mut self, batch: &mut Vec<Message>, sink: &mut dyn FnMut(Event<'_>)) -> Result<usize, Fault> {
        let mut records = 0;
        let mut last = None;
        let mut rest = batch.drain(..);
        let mut told = 0;
        loop {
            if told == 0 {
                told = rest.len().min(AHEAD);
                self.tell_ahead(&rest.as_slice()[..told], sink);
            }
            told = told.saturating_sub(1);
            let Some(message) = rest.next() else { break };
            let Some(input) = self.input_of(&message) else {
                if let Some((code, text)) = message.error() {
                    reader_error(code, text)?;
                }
                continue;
            };
            let (part, offset) = ((input, message.partition()), message.offset());
            let next = match message.error() {
                Some((Code::PartitionEOF, _)) => {
                    sink(Event::End { part, offset });
                    offset
                }
                Some((code, text)) => {
                    reader_error(code, text)?;
                    continue;
                }
                None => {
                    records += 1;
                    sink(Event::Record {
                        part,
                        offset,
                        appended: Millis(message.timestamp()),
                        key: message.key(),
                        value: message.value(),
                        headers: &message,
                    });
                    offset.saturating_add(1)
                }
            };
            // The records of a part come in runs.
            if let Some((before, next)) = last.replace((part, next))
                && before != part
            {
                self.moved(before, next);
            }
        }
        if let Some((part, next)) = last {
            self.moved(part, next);
        }
        Ok(records)
    }

    /// Says which records come next.
    fn tell_ahead(&mut self, next: &[Message], sink: &mut dyn FnMut(Event<'_>)) {
        let mut ahead = Vec::with_capacity(next.len());
        for message in next {
            if let Some(input) = self.input_of(message)
                && let Some(key) = message.key()
            {
                ahead.push(((input, message.partition()), key));
            }
        }
        sink(Event::Ahead(&ahead));
    }

    fn moved(&mut self, part: Part, next: i64) {
        if let Some(position) = self.reading.get_mut(&part) {
            *position = next;
        }
    }

    /// Queues records for one partition, then empties the run.
    fn send_run(&mut self, topic: usize, partition: i32, run: &mut Run<'_>) -> Result<(), Fault> {
        let refused = self.producer()?.produce_run(topic, partition, run);
        for (key, value) in refused.into_iter().map(|place| run.record(place)) {
            self.send(topic, partition, key, value, &())?;
        }
        run.clear();
        Ok(())
    }

    fn send(
        &mut self,
        topic: usize,
        partition: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &dyn RecordHeaders,
    ) -> Result<(), Fault> {
        let producer = self.producer()?;
        loop {
            match producer.produce(topic, partition, key, value, headers) {
                // The queue drains by itself; wait a moment for it.
                Err(error) if error.code == Code::QueueFull => {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                // A record that was not taken must not be missing from a committed transaction.
                other => return other.map_err(|error| undo_or_worse(&error)),
            }
        }
    }

    fn producer(&self) -> Result<&Producer, Fault> {
        self.producer.as_ref().ok_or_else(|| Fault::Fatal("no producer".to_owned()))
    }
}

impl Log for KafkaLog {
    fn poll(&mut self, wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        if self.serve_group(sink)? {
            // What was given up must be let go of before anything else.
            return Ok(Polled { records: 0, drained: false });
        }
        // Until the group has answered, look at it often.
        let mut wait_ms = if self.lanes.is_empty() { wait_ms.min(10) } else { wait_ms };
        let mut polled = Polled { records: 0, drained: true };
        if max == 0 {
            std::thread::sleep(std::time::Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)));
            return Ok(polled);
        }
        let mut batch = std::mem::take(&mut self.batch);
        while polled.drained {
            self.reader.fill(wait_ms, (max - polled.records).min(BATCH), &mut batch);
            wait_ms = 0;
            if batch.is_empty() {
                break;
            }
            polled.records += self.hand_over(&mut batch, sink)?;
            polled.drained = polled.records < max;
        }
        self.batch = batch;
        Ok(polled)
    }

    fn start(&mut self, parts: &[(Part, i64)]) -> Result<(), Fault> {
        let is_read = |part: &Part| self.reading.contains_key(part) && !self.held.contains(part);
        let again: Vec<Part> = parts.iter().map(|(part, _)| *part).filter(is_read).collect();
        self.leave(&again)?;
        self.reader.add(&self.list(parts.iter().copied())).map_err(|e| fatal(&e))?;
        self.held.retain(|held| parts.iter().all(|(part, _)| part != held));
        self.reading.extend(parts.iter().copied());
        Ok(())
    }

    fn committed(&mut self, parts: &[Part]) -> Result<Vec<Option<i64>>, Fault> {
        let list = self.list(parts.iter().map(|part| (*part, -1001)));
        self.member.committed(&list, ASK_MS).map_err(|error| asked(&error, self.member.signals()))?;
        let mut offsets = Vec::with_capacity(parts.len());
        for (topic, partition, offset, code) in list.entries() {
            RawError::check(code)
                .map_err(|error| Fault::Fatal(format!("committed offset of {topic}[{partition}]: {error}")))?;
            offsets.push((offset >= 0).then_some(offset));
        }
        Ok(offsets)
    }

    fn hold(&mut self, parts: &[Part], hold: bool) -> Result<(), Fault> {
        // Not librdkafka's pause: it goes on where its own position is, which a batch that ends with the end of a
        // part puts one record too far (2.13.2 mends it).
        if hold {
            let read: Vec<Part> = parts.iter().copied().filter(|part| self.held.insert(*part)).collect();
            return self.leave(&read);
        }
        let on: Vec<(Part, i64)> = parts
            .iter()
            .filter(|part| self.held.remove(part))
            .filter_map(|part| self.reading.get_key_value(part))
            .map(|(part, position)| (*part, *position))
            .collect();
        if on.is_empty() {
            return Ok(());
        }
        self.reader.add(&self.list(on.into_iter())).map_err(|e| fatal(&e))
    }

    fn beginning(&mut self, (input, partition): Part) -> Result<i64, Fault> {
        let topic = self.spec.inputs.get(input).map_or("", |input| input.topic.as_str());
        let (low, _) =
            self.probe.watermarks(topic, partition, ASK_MS).map_err(|error| asked(&error, self.probe.signals()))?;
        Ok(low)
    }

    fn changelog_end(&mut self, lane: i32) -> Result<i64, Fault> {
        let (_, high) = self
            .probe
            .watermarks(&self.spec.changelog, lane, ASK_MS)
            .map_err(|error| asked(&error, self.probe.signals()))?;
        Ok(high)
    }

    fn restore_start(&mut self, lane: i32, from: i64) -> Result<(), Fault> {
        let mut properties = self.cluster.reader(&self.group);
        // Compaction may have removed the very record at `from`: reading on from the first one left is right.
        properties.push(("auto.offset.reset".into(), "earliest".into()));
        let reader = Consumer::reader(&properties).map_err(Fault::Config)?;
        let part = PartitionList::new(std::iter::once((self.spec.changelog.as_str(), lane, from)));
        reader.assign(&part).map_err(|e| fatal(&e))?;
        self.restoring.insert(lane, Restore { reader, position: from });
        Ok(())
    }

    fn restore_poll(&mut self, lane: i32, sink: &mut RowSink<'_>) -> Result<i64, Fault> {
        let Some(restore) = self.restoring.get_mut(&lane) else { return Ok(0) };
        let mut batch = Vec::new();
        restore.reader.fill(20, 10_000, &mut batch);
        for message in batch {
            match message.error() {
                Some((Code::PartitionEOF, _)) => restore.position = restore.position.max(message.offset()),
                Some((code, text)) => reader_error(code, text)?,
                None => {
                    if let Some(key) = message.key() {
                        sink(key, message.value());
                    }
                    restore.position = message.offset() + 1;
                }
            }
        }
        Ok(restore.position)
    }

    fn restore_stop(&mut self, lane: i32) {
        self.restoring.remove(&lane);
    }

    fn fence(&mut self) -> Result<(), Fault> {
        self.producer = None;
        let properties = self.cluster.producer(&self.transactional_id);
        let producer = Producer::open(&properties, &self.topic_names()).map_err(Fault::Config)?;
        producer.connect(CONNECT_MS);
        let result = producer.init(30_000);
        match result {
            Ok(()) => {
                producer.signals().clear();
                self.producer = Some(producer);
                Ok(())
            }
            Err(error) => Err(asked(&error, producer.signals())),
        }
    }

    fn suspect(&self) -> bool {
        self.producer.as_ref().is_none_or(|producer| producer.signals().is_suspect())
    }

    fn begin(&mut self) -> Result<(), Fault> {
        let result = self.producer()?.begin().map_err(|e| in_transaction(&e));
        result.map_err(|fault| self.unless_ghost(fault))
    }

    fn produce(&mut self, output: &Output<'_>) -> Result<(), Fault> {
        self.send(place(output.topic), output.partition, output.key, output.value, &output.headers)
    }

    fn produce_all(&mut self, outputs: &Outbox) -> Result<(), Fault> {
        let mut runs: BTreeMap<(usize, i32), Run<'_>> = BTreeMap::new();
        for output in outputs.outputs() {
            let to = (place(output.topic), output.partition);
            let run = runs.entry(to).or_insert_with(Run::new);
            if !output.headers.is_empty() {
                // In its place behind those that wait.
                self.send_run(to.0, to.1, run)?;
                self.produce(&output)?;
                continue;
            }
            run.push(output.key, output.value);
            if run.len() >= RUN {
                self.send_run(to.0, to.1, run)?;
            }
        }
        runs.iter_mut().try_for_each(|((topic, partition), run)| self.send_run(*topic, *partition, run))
    }

    fn send_offsets(&mut self, offsets: &[(Part, i64)]) -> Result<(), Fault> {
        let list = self.list(offsets.iter().copied());
        let Some(generation) = self.member.group_metadata() else {
            return Err(Fault::Abort("not a member of the group".to_owned()));
        };
        let producer = self.producer()?;
        let result = producer.send_offsets(&list, &generation, ASK_MS).map_err(|error| {
            // It may have been sent, and arrive yet.
            if error.is_about_time() {
                producer.signals().mark();
            }
            undo_or_worse(&error)
        });
        result.map_err(|fault| self.unless_ghost(fault))
    }

    fn commit(&mut self) -> Result<(), Fault> {
        let producer = self.producer()?;
        let began = Instant::now();
        let result = loop {
            match producer.commit() {
                // The outcome is not known: ask again until there is a verdict.
                Err(error) if error.retriable && began.elapsed() < RESUME => {
                    producer.signals().mark();
                }
                other => break other,
            }
        };
        if began.elapsed() > SLOW {
            producer.signals().mark();
        }
        result.map_err(|error| self.unless_ghost(in_transaction(&error)))
    }

    fn abort(&mut self) -> Result<(), Fault> {
        self.producer()?.abort().map_err(|e| fatal(&e))
    }

    /// Wall-clock milliseconds that never step back.
    fn now(&self) -> Millis {
        let since = i64::try_from(self.anchor.0.elapsed().as_millis()).unwrap_or(i64::MAX);
        Millis(self.anchor.1.saturating_add(since))
    }
}
