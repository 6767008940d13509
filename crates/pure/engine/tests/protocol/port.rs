//! A log of one stage that does what a test says and writes down every call.
//!
//! Holds: only what was committed is read; a transaction leaves a marker behind, an undone one its
//! records too, and both take up offsets of the changelog.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use baton_domain::Millis;
use baton_engine::{Event, Fault, Log, Output, Part, Polled, RowSink, Topic};

/// The parts of the only lane; the second is a sequencer's alone.
pub(crate) const PART: Part = (0, 0);
pub(crate) const OTHER: Part = (1, 0);

/// What lies on the log, for all who work on it.
#[derive(Default)]
pub(crate) struct World {
    /// Key (none is a tick) and value of the records of each part; `None` is a marker.
    pub(crate) input: BTreeMap<Part, Vec<Option<Sent>>>,
    /// What was committed to the output topic.
    pub(crate) said: Vec<String>,
    /// The times that were told downstream, committed.
    pub(crate) told: Vec<String>,
    /// Committed ledgers, each as `consumed/outcomes/fired`.
    pub(crate) ledgers: Vec<String>,
    /// Committed dead letters: the record's value.
    pub(crate) dead: Vec<String>,
    /// Everything committed, in full.
    pub(crate) written: Vec<Written>,
    /// Committed changelog records; `None` is a marker or a record that was undone.
    pub(crate) changelog: Vec<Option<Row>>,
    /// Changelog offsets from here on belong to a transaction of somebody else that is still open.
    pub(crate) undecided: Option<usize>,
    pub(crate) offsets: BTreeMap<Part, i64>,
    /// The first offset that is still there.
    pub(crate) beginning: i64,
    pub(crate) now: i64,
}

type Sent = (Option<String>, String);
type Row = (Vec<u8>, Option<Vec<u8>>);

/// A record as it was handed to the log.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) topic: Topic,
    pub(crate) partition: i32,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    /// Name and value; `-` for a value that is absent.
    pub(crate) headers: Vec<(String, String)>,
}

/// One worker's port.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Port {
    pub(crate) world: Rc<RefCell<World>>,
    /// Every call that matters, in order.
    pub(crate) calls: Vec<String>,
    /// The next call of this name fails like this.
    pub(crate) fails: Option<(&'static str, Fault)>,
    /// Takes its place once it has failed.
    pub(crate) then_fails: Option<(&'static str, Fault)>,
    /// The next abort fails for good.
    pub(crate) cannot_abort: bool,
    /// The next commit takes effect, and the answer is lost.
    pub(crate) loses_answer: bool,
    /// The next commit meets a disconnect.
    pub(crate) disconnects: bool,
    /// At most so many records a poll, whatever is asked for.
    pub(crate) trickle: usize,
    /// Parts that the reader has not heard of yet.
    pub(crate) silent: BTreeSet<Part>,
    /// How long each poll was allowed to wait.
    pub(crate) waits: Vec<i64>,
    /// How long a commit takes.
    pub(crate) commit_ms: i64,
    /// Hands every record over twice.
    pub(crate) stutters: bool,
    /// The headers of every record that is read.
    pub(crate) headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) group: Vec<Event<'static>>,
    pub(crate) held: BTreeSet<Part>,
    /// Happens while the committed offsets are looked up.
    pub(crate) meanwhile: Option<Box<dyn FnOnce()>>,
    /// Happens once they were.
    pub(crate) thereafter: Option<Box<dyn FnOnce()>>,
    is_suspect: bool,
    positions: BTreeMap<Part, i64>,
    restoring: BTreeMap<i32, i64>,
    writing: Vec<Written>,
    claiming: Vec<(Part, i64)>,
}

impl Port {
    pub(crate) fn new(world: &Rc<RefCell<World>>) -> Self {
        Self {
            world: Rc::clone(world),
            calls: Vec::new(),
            fails: None,
            then_fails: None,
            cannot_abort: false,
            loses_answer: false,
            disconnects: false,
            trickle: usize::MAX,
            silent: BTreeSet::new(),
            waits: Vec::new(),
            commit_ms: 0,
            stutters: false,
            headers: Vec::new(),
            group: vec![Event::Assigned(vec![0])],
            held: BTreeSet::new(),
            meanwhile: None,
            thereafter: None,
            is_suspect: false,
            positions: BTreeMap::new(),
            restoring: BTreeMap::new(),
            writing: Vec::new(),
            claiming: Vec::new(),
        }
    }

    /// The calls since the last look.
    pub(crate) fn heard(&mut self) -> Vec<String> {
        std::mem::take(&mut self.calls)
    }

    fn call(&mut self, name: &'static str, detail: &str) -> Result<(), Fault> {
        self.calls.push(if detail.is_empty() { name.to_owned() } else { format!("{name} {detail}") });
        match self.fails.take_if(|(which, _)| *which == name) {
            Some((_, fault)) => {
                self.fails = self.then_fails.take();
                Err(fault)
            }
            None => Ok(()),
        }
    }

    fn publish(&mut self) {
        let mut world = self.world.borrow_mut();
        let before = world.changelog.len();
        for record in self.writing.drain(..) {
            let text = || String::from_utf8(record.value.clone().unwrap_or_default()).unwrap();
            match record.topic {
                Topic::Output(_) if record.key.is_none() => world.told.push(text()),
                Topic::Output(_) => world.said.push(text()),
                Topic::Ledger => world.ledgers.push(text()),
                Topic::DeadLetters => world.dead.push(text()),
                Topic::Changelog => world.changelog.push(Some((record.key.clone().unwrap(), record.value.clone()))),
            }
            world.written.push(record);
        }
        // A marker goes to what was written to.
        if world.changelog.len() > before {
            world.changelog.push(None);
        }
        let claimed = std::mem::take(&mut self.claiming);
        world.offsets.extend(claimed);
    }
}

impl Log for Port {
    fn poll(&mut self, wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        self.waits.push(wait_ms);
        self.call("poll", "")?;
        let mut polled = Polled { records: 0, drained: true };
        if max == 0 {
            return Ok(polled);
        }
        for event in std::mem::take(&mut self.group) {
            if let Event::Revoked(lanes) = &event {
                self.positions.retain(|part, _| !lanes.contains(&part.1));
            }
            sink(event);
        }
        let world = self.world.borrow();
        for (part, position) in &mut self.positions {
            if self.held.contains(part) || self.silent.contains(part) {
                continue;
            }
            let records = world.input.get(part).map(Vec::as_slice).unwrap_or_default();
            let next = records.iter().skip(usize::try_from(*position).unwrap());
            let keys = next.flatten().filter_map(|(key, _)| key.as_ref());
            let ahead: Vec<(Part, &[u8])> = keys.map(|key| (*part, key.as_bytes())).collect();
            sink(Event::Ahead(&ahead));
            while let Some(record) = records.get(usize::try_from(*position).unwrap()) {
                let Some((key, value)) = record else {
                    *position += 1;
                    continue;
                };
                if polled.records >= max.min(self.trickle) {
                    polled.drained = false;
                    return Ok(polled);
                }
                for _ in 0..=usize::from(self.stutters) {
                    sink(Event::Record {
                        part: *part,
                        offset: *position,
                        appended: Millis(world.now),
                        key: key.as_ref().map(String::as_bytes),
                        value: Some(value.as_bytes()),
                        headers: &self.headers,
                    });
                }
                *position += 1;
                polled.records += 1;
            }
            sink(Event::End { part: *part, offset: *position });
        }
        Ok(polled)
    }

    fn start(&mut self, parts: &[(Part, i64)]) -> Result<(), Fault> {
        for (part, offset) in parts {
            self.call("start", &offset.to_string())?;
            self.positions.insert(*part, *offset);
            self.held.remove(part);
        }
        Ok(())
    }

    fn hold(&mut self, parts: &[Part], hold: bool) -> Result<(), Fault> {
        self.call(if hold { "hold" } else { "release" }, "")?;
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
        self.call("committed", "")?;
        if let Some(happens) = self.meanwhile.take() {
            happens();
        }
        Ok(parts.iter().map(|part| self.world.borrow().offsets.get(part).copied()).collect())
    }

    fn beginning(&mut self, _part: Part) -> Result<i64, Fault> {
        if let Some(happens) = self.thereafter.take() {
            happens();
        }
        Ok(self.world.borrow().beginning)
    }

    fn changelog_end(&mut self, _lane: i32) -> Result<i64, Fault> {
        self.call("changelog_end", "")?;
        Ok(i64::try_from(self.world.borrow().changelog.len()).unwrap())
    }

    fn restore_start(&mut self, lane: i32, from: i64) -> Result<(), Fault> {
        self.call("restore", &from.to_string())?;
        self.restoring.insert(lane, from);
        Ok(())
    }

    fn restore_poll(&mut self, lane: i32, sink: &mut RowSink<'_>) -> Result<i64, Fault> {
        self.call("restore_poll", "")?;
        let world = self.world.borrow();
        let readable = world.undecided.unwrap_or(world.changelog.len());
        let position = self.restoring.get_mut(&lane).unwrap();
        for row in &world.changelog[usize::try_from(*position).unwrap()..readable] {
            if let Some((key, value)) = row {
                sink(key, value.as_deref());
            }
            *position += 1;
        }
        Ok(*position)
    }

    fn restore_stop(&mut self, lane: i32) {
        self.restoring.remove(&lane);
    }

    fn fence(&mut self) -> Result<(), Fault> {
        self.call("fence", "")?;
        self.is_suspect = false;
        self.writing.clear();
        self.claiming.clear();
        Ok(())
    }

    fn suspect(&self) -> bool {
        self.is_suspect
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.call("begin", "")
    }

    fn produce(&mut self, output: &Output<'_>) -> Result<(), Fault> {
        let name = if output.topic == Topic::Changelog { "remember" } else { "produce" };
        self.call(name, "")?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers: Vec<_> =
            output.headers.iter().map(|(name, value)| (text(name), value.map_or("-".to_owned(), text))).collect();
        assert_eq!((headers.len(), headers.is_empty()), (output.headers.len(), output.headers.is_empty()));
        let (topic, partition) = (output.topic, output.partition);
        let (key, value) = (output.key.map(<[u8]>::to_vec), output.value.map(<[u8]>::to_vec));
        self.writing.push(Written { topic, partition, key, value, headers });
        Ok(())
    }

    fn send_offsets(&mut self, offsets: &[(Part, i64)]) -> Result<(), Fault> {
        let list: Vec<String> = offsets.iter().map(|(_, offset)| offset.to_string()).collect();
        self.call("offsets", &list.join(","))?;
        self.claiming = offsets.to_vec();
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.is_suspect |= std::mem::take(&mut self.disconnects);
        self.call("commit", "")?;
        self.world.borrow_mut().now += self.commit_ms;
        self.publish();
        if std::mem::take(&mut self.loses_answer) {
            return Err(Fault::Fatal("the answer was lost".to_owned()));
        }
        Ok(())
    }

    fn abort(&mut self) -> Result<(), Fault> {
        self.call("abort", "")?;
        if std::mem::take(&mut self.cannot_abort) {
            return Err(Fault::Fatal("the abort failed".to_owned()));
        }
        let undone = self.writing.drain(..).filter(|record| record.topic == Topic::Changelog).count();
        self.world.borrow_mut().changelog.extend(std::iter::repeat_n(None, undone + 1));
        self.claiming.clear();
        Ok(())
    }

    fn now(&self) -> Millis {
        Millis(self.world.borrow().now)
    }
}
