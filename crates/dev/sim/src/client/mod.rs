//! A worker's log on the model broker: does of its own accord what the log over Kafka does.
//!
//! Holds: every call may be struck before or after it takes effect, or arrive late; may be the last
//! of its process; may be followed by a pause in which everybody else goes on.

mod hazard;
mod producer;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use baton_domain::Millis;
use baton_engine::{Event, Fault, Log, Output, Part, Polled, RowSink, StageSpec, Topic};

pub use hazard::Flaw;
pub(crate) use hazard::{Fate, Strike};
pub(crate) use producer::Intent;

use crate::broker::{Broker, Change, Partition, Place, Refusal, Stranger};
use crate::log::Record;
use producer::Producer;

/// So often what looks like another process may turn out to be none.
const DOUBTS: usize = 3;
/// Milliseconds to wait for committed offsets to be stable.
const ASK_MS: i64 = 10_000;
/// As the broker's and the producer's limit.
const LARGEST: usize = 2_000_000;

/// Runs the rest of the world while this process stands still.
pub(crate) type Meanwhile = Rc<dyn Fn()>;

#[derive(Clone, Copy, Debug)]
struct Cursor {
    position: i64,
    is_held: bool,
    /// The end that was told last.
    told: Option<i64>,
}

/// One worker's log on a [`Broker`].
pub struct SimLog {
    broker: Rc<RefCell<Broker>>,
    spec: StageSpec,
    id: String,
    instance: String,
    member: u64,
    /// The last generation heard of.
    generation: i32,
    lanes: Vec<i32>,
    reading: BTreeMap<Part, Cursor>,
    restoring: BTreeMap<i32, i64>,
    producer: Option<Producer>,
    is_suspect: bool,
    doubts: usize,
    fate: Fate,
    flaw: Flaw,
    /// The next undoing is said to have worked, whatever the broker says.
    forgives: bool,
    meanwhile: Option<Meanwhile>,
}

impl SimLog {
    /// Joins the stage's group as `instance` and writes under `<group>.<instance>`.
    pub fn open(broker: &Rc<RefCell<Broker>>, spec: &StageSpec, instance: &str) -> Self {
        Self::within(broker, spec, instance, Fate::kind(), Flaw::None, None)
    }

    pub(crate) fn within(
        broker: &Rc<RefCell<Broker>>,
        spec: &StageSpec,
        instance: &str,
        fate: Fate,
        flaw: Flaw,
        meanwhile: Option<Meanwhile>,
    ) -> Self {
        let member = broker.borrow_mut().group(&spec.name, spec.lanes()).join(instance);
        Self {
            broker: Rc::clone(broker),
            spec: spec.clone(),
            id: format!("{}.{instance}", spec.name),
            instance: instance.to_owned(),
            member,
            generation: -1,
            lanes: Vec::new(),
            reading: BTreeMap::new(),
            restoring: BTreeMap::new(),
            producer: None,
            is_suspect: false,
            doubts: 0,
            fate,
            flaw,
            forgives: false,
            meanwhile,
        }
    }

    /// The process is gone: its place in the group stays until the session ends.
    pub fn leave(&self) {
        let mut broker = self.broker.borrow_mut();
        let now = broker.now().0;
        broker.group(&self.spec.name, 0).silence(&self.instance, self.member, Some(now));
    }

    /// Every call begins here.
    fn call(&mut self, what: &'static str) -> Result<Strike, Fault> {
        let gone = || Err(Fault::Config("the process is gone".to_owned()));
        if self.fate.is_dead() {
            return gone();
        }
        if self.fate.crashes_now(what) {
            self.fate.end();
            self.leave();
            self.note(what, "crash", -1);
            return gone();
        }
        if let Some(meanwhile) = self.meanwhile.clone()
            && self.fate.pauses_now(what)
        {
            self.note(what, "pause", -2);
            self.leave();
            meanwhile();
            self.broker.borrow_mut().group(&self.spec.name, 0).silence(&self.instance, self.member, None);
        }
        // Time passes within a transaction too, and what is late arrives.
        if self.fate.is_rough() && matches!(what, "send" | "offsets" | "commit" | "committed" | "changelog end") {
            let ms = i64::try_from(self.fate.below(8)).unwrap_or(0);
            self.broker.borrow_mut().pass(ms.max(3) - 3);
        }
        let strike = if self.broker.borrow().is_down() { Strike::Before } else { self.fate.strike(what) };
        let (word, value) = match strike {
            Strike::None => ("ok", 0),
            Strike::Before => ("lost", 1),
            Strike::After => ("answer lost", 2),
            Strike::Late(ms) => ("late", 3 + ms),
        };
        self.note(what, word, value);
        Ok(strike)
    }

    fn note(&self, what: &'static str, word: &str, value: i64) {
        let mut broker = self.broker.borrow_mut();
        let now = broker.now().0;
        broker.trace.call(now, &self.id, what, || format!("{word} ({value})"), value);
    }

    /// A question that changes nothing: without an answer nothing is known.
    fn ask<T>(&mut self, what: &'static str, answer: impl FnOnce(&Self, &Broker) -> T) -> Result<T, Fault> {
        if self.call(what)? != Strike::None {
            return Err(Fault::Fatal(format!("no answer to {what}")));
        }
        Ok(answer(self, &self.broker.borrow()))
    }

    /// The generation that this member's word is given under: librdkafka learns of a new one by itself.
    fn generation(&mut self) -> i32 {
        let mut broker = self.broker.borrow_mut();
        let group = broker.group(&self.spec.name, 0);
        if group.knows(&self.instance, self.member) {
            self.generation = group.generation;
        } else if self.fate.below(2) == 0 {
            self.generation = -1;
        }
        self.generation
    }

    fn place(&self, (input, partition): Part) -> Option<Place> {
        let topic = &self.spec.inputs.get(input)?.topic;
        Some((self.broker.borrow().topic(topic)?, partition))
    }

    fn output(&self, topic: Topic) -> Option<usize> {
        let name = match topic {
            Topic::Output(index) => &self.spec.outputs.get(index)?.0,
            Topic::Changelog => &self.spec.changelog,
            Topic::Ledger => &self.spec.ledger.0,
            Topic::DeadLetters => &self.spec.dead_letters.0,
        };
        self.broker.borrow().topic(name)
    }

    fn changelog(&self, lane: i32) -> Option<Place> {
        Some((self.broker.borrow().topic(&self.spec.changelog)?, lane))
    }

    fn stop(&mut self, lanes: &[i32]) {
        for lane in lanes {
            for part in self.spec.parts_of(*lane) {
                self.reading.remove(&part);
            }
        }
        self.lanes.retain(|lane| !lanes.contains(lane));
    }

    /// Returns whether lanes came or went.
    fn serve_group(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> Result<bool, Fault> {
        let changes = self.broker.borrow_mut().group(&self.spec.name, 0).changes(&self.instance, self.member);
        let changes = match changes {
            Ok(changes) => changes,
            Err(stranger) => return self.rejoin(stranger, sink),
        };
        let has_changed = !changes.is_empty();
        for change in changes {
            self.note("group", &format!("{change:?}"), 0);
            match change {
                Change::Given(lanes) => {
                    self.lanes.extend(&lanes);
                    sink(Event::Assigned(lanes));
                }
                Change::Taken(_) if self.flaw == Flaw::DeafToRevokes => {}
                Change::Taken(lanes) => {
                    self.broker.borrow_mut().trace.saw("a lane was taken away");
                    self.stop(&lanes);
                    sink(Event::Revoked(lanes));
                }
            }
        }
        Ok(has_changed)
    }

    /// Lanes lost without a word: the session ended. Or another process is this instance now: it goes on.
    fn rejoin(&mut self, stranger: Stranger, sink: &mut dyn FnMut(Event<'_>)) -> Result<bool, Fault> {
        let mut broker = self.broker.borrow_mut();
        if stranger == Stranger::Replaced {
            broker.trace.saw("a replaced process gave way");
            return Err(Fault::Fenced("another process took this instance's place in the group".to_owned()));
        }
        broker.trace.saw("lanes were lost without a word");
        self.member = broker.group(&self.spec.name, 0).join(&self.instance);
        drop(broker);
        let lanes = self.lanes.clone();
        self.stop(&lanes);
        sink(Event::Revoked(lanes));
        Ok(true)
    }

    fn read_part(&mut self, part: Part, room: usize, sink: &mut dyn FnMut(Event<'_>)) -> usize {
        let Some(place) = self.place(part) else { return 0 };
        let broker = self.broker.borrow();
        let (Some(log), Some(cursor)) = (broker.partition(place), self.reading.get_mut(&part)) else { return 0 };
        let (mut count, mut last) = (0, cursor.position);
        let reached = log.read(cursor.position, |offset, record| {
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            sink(Event::Record { part, offset, appended: record.appended, key, value, headers: &record.headers });
            (count, last) = (count + 1, offset + 1);
            count < room
        });
        cursor.position = if self.flaw == Flaw::RecordsOnly { last } else { reached };
        if cursor.position >= log.stable() && cursor.told != Some(cursor.position) {
            cursor.told = Some(cursor.position);
            sink(Event::End { part, offset: cursor.position });
        }
        count
    }
}

impl Log for SimLog {
    fn poll(&mut self, wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        let strike = self.call("poll")?;
        let pause = if self.meanwhile.is_some() { wait_ms / 64 } else { wait_ms };
        self.broker.borrow_mut().pass(pause.max(1));
        // What was produced is sent by itself; only a worker's own thread never looks here meanwhile.
        self.send_by_itself();
        if self.serve_group(sink)? {
            return Ok(Polled { records: 0, drained: false });
        }
        let mut polled = Polled { records: 0, drained: true };
        // A fetch that is still under way looks like an empty log.
        if max == 0 || strike != Strike::None {
            return Ok(polled);
        }
        let mut parts: Vec<Part> =
            self.reading.iter().filter(|(_, cursor)| !cursor.is_held).map(|(part, _)| *part).collect();
        let first = usize::try_from(self.fate.below(parts.len() as u64)).unwrap_or(0);
        parts.rotate_left(first);
        for part in parts {
            if self.fate.is_rough() && self.fate.below(6) == 0 {
                continue;
            }
            polled.records += self.read_part(part, max - polled.records, sink);
            if polled.records >= max {
                polled.drained = false;
                break;
            }
        }
        Ok(polled)
    }

    fn start(&mut self, parts: &[(Part, i64)]) -> Result<(), Fault> {
        self.call("start")?;
        self.note("read", &format!("{parts:?}"), 0);
        for (part, position) in parts {
            if self.flaw == Flaw::NoRewind && self.reading.contains_key(part) {
                continue;
            }
            self.reading.insert(*part, Cursor { position: *position, is_held: false, told: None });
        }
        Ok(())
    }

    fn hold(&mut self, parts: &[Part], hold: bool) -> Result<(), Fault> {
        self.call("hold")?;
        for part in parts {
            if let Some(cursor) = self.reading.get_mut(part) {
                cursor.is_held = hold;
            }
        }
        Ok(())
    }

    fn committed(&mut self, parts: &[Part]) -> Result<Vec<Option<i64>>, Fault> {
        let group = self.spec.name.clone();
        let places: Vec<Place> = parts.iter().filter_map(|part| self.place(*part)).collect();
        for _ in 0..if self.fate.is_rough() { 3 } else { ASK_MS } {
            let mut broker = self.broker.borrow_mut();
            if places.iter().all(|place| broker.committed(&group, *place, true).is_ok()) {
                break;
            }
            broker.pass(1);
        }
        let found = self.ask("committed", |log, broker| {
            let is_stable = log.flaw != Flaw::UnstableOffsets;
            let one = |part: &Part| {
                let Some(place) = log.place(*part) else { return Ok(None) };
                broker.committed(&log.spec.name, place, is_stable)
            };
            parts.iter().map(one).collect::<Result<Vec<_>, Refusal>>()
        })?;
        found.map_err(|_| {
            self.broker.borrow_mut().trace.saw("committed offsets were not stable yet");
            Fault::Fatal("an open transaction could still change a committed offset".to_owned())
        })
    }

    fn beginning(&mut self, part: Part) -> Result<i64, Fault> {
        self.ask("beginning", |log, broker| {
            log.place(part).and_then(|place| broker.partition(place)).map_or(0, Partition::first)
        })
    }

    fn changelog_end(&mut self, lane: i32) -> Result<i64, Fault> {
        let (end, stable) = self.ask("changelog end", |log, broker| {
            let log = log.changelog(lane).and_then(|place| broker.partition(place));
            log.map_or((0, 0), |log| (log.end(), log.stable()))
        })?;
        if stable < end {
            self.broker.borrow_mut().trace.saw("a changelog's end was beyond an open transaction");
        }
        Ok(if self.flaw == Flaw::StableEnd { stable } else { end })
    }

    fn restore_start(&mut self, lane: i32, from: i64) -> Result<(), Fault> {
        self.note("restore lane", &format!("{lane} from {from}"), from);
        self.call("restore start")?;
        if from > 0 {
            self.broker.borrow_mut().trace.saw("a store was caught up");
        }
        self.restoring.insert(lane, from);
        Ok(())
    }

    fn restore_poll(&mut self, lane: i32, sink: &mut RowSink<'_>) -> Result<i64, Fault> {
        let strike = self.call("restore")?;
        let Some(place) = self.changelog(lane) else { return Ok(0) };
        let room = if self.fate.is_rough() { 1 + self.fate.below(200) } else { 10_000 };
        let broker = self.broker.borrow();
        let (Some(log), Some(position)) = (broker.partition(place), self.restoring.get_mut(&lane)) else {
            return Ok(0);
        };
        if strike != Strike::None {
            return Ok(*position);
        }
        let (mut count, mut last) = (0, *position);
        let reached = log.read(*position, |offset, record| {
            sink(record.key.as_deref().unwrap_or_default(), record.value.as_deref());
            (count, last) = (count + 1, offset + 1);
            count < room
        });
        let is_undone_tail = count < room && reached > last + 1;
        *position = if self.flaw == Flaw::RecordsOnly { last } else { reached };
        let position = *position;
        drop(broker);
        if is_undone_tail {
            self.broker.borrow_mut().trace.saw("a restore read over an undone tail");
        }
        Ok(position)
    }

    fn restore_stop(&mut self, lane: i32) {
        self.restoring.remove(&lane);
    }

    fn fence(&mut self) -> Result<(), Fault> {
        self.take_over()
    }

    fn suspect(&self) -> bool {
        self.flaw != Flaw::NeverSuspect && (self.is_suspect || self.producer.is_none())
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.enter()
    }

    fn produce(&mut self, output: &Output<'_>) -> Result<(), Fault> {
        if self.fate.is_dead() {
            return Err(Fault::Config("the process is gone".to_owned()));
        }
        let size = output.key.map_or(0, <[u8]>::len) + output.value.map_or(0, <[u8]>::len);
        if size > LARGEST {
            return Err(Fault::Config("the record is too large for its topic".to_owned()));
        }
        let Some(topic) = self.output(output.topic) else { return Ok(()) };
        self.enqueue((topic, output.partition), Record::of(output))
    }

    fn send_offsets(&mut self, offsets: &[(Part, i64)]) -> Result<(), Fault> {
        self.positions(offsets)
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.decide(true)
    }

    fn abort(&mut self) -> Result<(), Fault> {
        let undone = self.decide(false);
        if std::mem::take(&mut self.forgives) { Ok(()) } else { undone }
    }

    fn now(&self) -> Millis {
        self.broker.borrow().now()
    }
}
