//! A log of one stage that does what a test says and writes down every call, and a stage that counts.
//!
//! Holds: only what was committed is read; a transaction leaves a marker behind, an undone one its
//! records too, and both take up offsets of the changelog.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use baton_domain::{Ledger, LogTime, Millis, Reason, Stamp};
use baton_engine::{
    Ctx, Emit, Event, Fault, Incoming, InputSpec, Limits, Log, MemStore, Order, Output, Part, Polled, Processor,
    RowSink, Spread, StageSpec, Stamped, Stop, Store, StoreError, Topic, Turn, Worker, Writers,
};

/// The parts of the only lane; the second is a sequencer's alone.
pub(crate) const PART: Part = (0, 0);
pub(crate) const OTHER: Part = (1, 0);

/// What lies on the log, for all who work on it.
#[derive(Default)]
pub(crate) struct World {
    /// Key (none is a tick) and value of the records of each part; `None` is a marker.
    pub(crate) input: BTreeMap<Part, Vec<Option<(Option<String>, String)>>>,
    /// What was committed to the output topic.
    pub(crate) said: Vec<String>,
    /// The times that were told downstream, committed.
    pub(crate) told: Vec<String>,
    /// Committed ledgers, each as `consumed/outcomes/fired`.
    pub(crate) ledgers: Vec<String>,
    /// Committed dead letters: the record's value.
    pub(crate) dead: Vec<String>,
    /// Committed changelog records; `None` is a marker or a record that was undone.
    pub(crate) changelog: Vec<Option<Row>>,
    /// Changelog offsets from here on belong to a transaction of somebody else that is still open.
    pub(crate) undecided: Option<usize>,
    pub(crate) offsets: BTreeMap<Part, i64>,
    /// The first offset that is still there.
    pub(crate) beginning: i64,
    pub(crate) now: i64,
}

type Row = (Vec<u8>, Option<Vec<u8>>);

/// One worker's port.
pub(crate) struct Port {
    pub(crate) world: Rc<RefCell<World>>,
    /// Every call that matters, in order.
    pub(crate) calls: Vec<String>,
    /// The next call of this name fails like this.
    pub(crate) fails: Option<(&'static str, Fault)>,
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
    /// Hands every record over twice.
    pub(crate) stutters: bool,
    pub(crate) group: Vec<Event<'static>>,
    pub(crate) held: BTreeSet<Part>,
    /// Happens while the committed offsets are looked up.
    pub(crate) meanwhile: Option<Box<dyn FnOnce()>>,
    is_suspect: bool,
    positions: BTreeMap<Part, i64>,
    restoring: BTreeMap<i32, i64>,
    writing: Vec<(Topic, Option<Vec<u8>>, Option<Vec<u8>>)>,
    claiming: Vec<(Part, i64)>,
}

impl Port {
    pub(crate) fn new(world: &Rc<RefCell<World>>) -> Self {
        Self {
            world: Rc::clone(world),
            calls: Vec::new(),
            fails: None,
            cannot_abort: false,
            loses_answer: false,
            disconnects: false,
            trickle: usize::MAX,
            silent: BTreeSet::new(),
            stutters: false,
            group: vec![Event::Assigned(vec![0])],
            held: BTreeSet::new(),
            meanwhile: None,
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
            Some((_, fault)) => Err(fault),
            None => Ok(()),
        }
    }

    fn publish(&mut self) {
        let mut world = self.world.borrow_mut();
        for (topic, key, value) in self.writing.drain(..) {
            let text = || String::from_utf8(value.clone().unwrap_or_default()).unwrap();
            match topic {
                Topic::Output(_) if key.is_none() => world.told.push(text()),
                Topic::Output(_) => world.said.push(text()),
                Topic::Ledger => world.ledgers.push(text()),
                Topic::DeadLetters => world.dead.push(text()),
                Topic::Changelog => world.changelog.push(Some((key.unwrap(), value))),
            }
        }
        world.changelog.push(None);
        let claimed = std::mem::take(&mut self.claiming);
        world.offsets.extend(claimed);
    }
}

impl Log for Port {
    fn poll(&mut self, _wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
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
                        headers: &(),
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
        self.writing.push((output.topic, output.key.map(<[u8]>::to_vec), output.value.map(<[u8]>::to_vec)));
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
        let undone = self.writing.drain(..).filter(|(topic, ..)| *topic == Topic::Changelog).count();
        self.world.borrow_mut().changelog.extend(std::iter::repeat_n(None, undone + 1));
        self.claiming.clear();
        Ok(())
    }

    fn now(&self) -> Millis {
        Millis(self.world.borrow().now)
    }
}

/// A value is `AT/LANE`; a key `name@due` asks for a wake-up of the row `name`. It says
/// `name AT n`, n being how often that row was heard of; on a wake-up `wake name DUE n`.
pub(crate) struct Counter {
    /// Moves by the host's clock, one microsecond a millisecond.
    pub(crate) by_host: bool,
}

impl Processor for Counter {
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped {
        let text = std::str::from_utf8(record.value.unwrap()).unwrap();
        let stamp = text
            .split_once('/')
            .and_then(|(at, lane)| Some(Stamp { at: LogTime(at.parse().ok()?), lane: lane.parse().ok()? }));
        match stamp {
            Some(stamp) if self.by_host => Stamped::At(Stamp { at: stamp.at.max(now.next()), ..stamp }),
            Some(stamp) => Stamped::At(stamp),
            None => Stamped::Bad(Reason::Decode, "no stamp".to_owned()),
        }
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
        let (name, due) = key.split_once('@').map_or((key.as_str(), None), |(name, due)| (name, due.parse().ok()));
        let count = count(ctx, name) + 1;
        ctx.put(name.as_bytes(), &[count], due.map(LogTime));
        say(ctx, &format!("{name} {} {count}", at.0));
        ctx.count("seen");
        at
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        let name = std::str::from_utf8(key).unwrap();
        let count = count(ctx, name);
        say(ctx, &format!("wake {name} {} {count}", due.0));
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        ctx.tick(0, 0, now.0.to_string().as_bytes());
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        let outcomes: i64 = ledger.outcomes.iter().map(|count| count.count).sum();
        format!("{}/{outcomes}/{}", ledger.consumed, ledger.fired).into_bytes()
    }

    fn idle(&mut self, now: LogTime, host: Millis) -> Option<LogTime> {
        (self.by_host && host.0 > now.0).then_some(LogTime(host.0))
    }
}

fn count(ctx: &Ctx<'_>, name: &str) -> u8 {
    ctx.get(name.as_bytes()).map_or(0, |row| row[0])
}

fn say(ctx: &mut Ctx<'_>, text: &str) {
    ctx.emit(Emit { topic: 0, partition: 0, key: Some(b"k"), value: text.as_bytes(), headers: &[] });
}

/// A stage with one lane.
pub(crate) fn spec(order: Order) -> StageSpec {
    let input = InputSpec { topic: "in".to_owned(), partitions: 1, spread: Spread::Own, order };
    let other = InputSpec { topic: "other".to_owned(), spread: Spread::All, ..input.clone() };
    let inputs = if order == Order::Arrival { vec![input, other] } else { vec![input] };
    StageSpec {
        name: "counter".to_owned(),
        inputs,
        outputs: vec![("out".to_owned(), 1)],
        changelog: "changelog".to_owned(),
        ledger: ("ledger".to_owned(), 1),
        dead_letters: ("dlq".to_owned(), 1),
    }
}

pub(crate) type Rows = Rc<RefCell<(BTreeMap<Vec<u8>, Vec<u8>>, i64)>>;

/// A store whose committed frames outlive the worker, as on a disk.
pub(crate) struct Disk {
    rows: MemStore,
    kept: Rows,
}

impl Disk {
    fn open(kept: &Rows) -> Self {
        let mut rows = MemStore::default();
        kept.borrow().0.iter().for_each(|(key, row)| rows.put(key, Some(row)));
        rows.commit(Some(kept.borrow().1)).unwrap();
        Self { rows, kept: Rc::clone(kept) }
    }
}

impl Store for Disk {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.rows.get(key)
    }

    fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.rows.put(key, value);
    }

    fn commit(&mut self, position: Option<i64>) -> Result<(), StoreError> {
        self.rows.commit(position)?;
        let mut all = BTreeMap::new();
        self.rows.each(&mut |key, row| drop(all.insert(key.to_vec(), row.to_vec())));
        *self.kept.borrow_mut() = (all, self.rows.position());
        Ok(())
    }

    fn position(&self) -> i64 {
        self.rows.position()
    }

    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        self.rows.each(visit);
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.rows.clear()?;
        self.commit(None)
    }
}

type Open = Box<dyn FnMut(i32) -> Result<Disk, StoreError>>;

/// A worker on its log.
pub(crate) struct Bench {
    pub(crate) world: Rc<RefCell<World>>,
    pub(crate) port: Port,
    pub(crate) worker: Worker<Counter, Disk, Open>,
    pub(crate) disk: Rows,
}

impl Bench {
    /// One writer upstream.
    pub(crate) fn new() -> Self {
        Self::with(Limits::default(), Order::Stamped(Writers::First(1)))
    }

    pub(crate) fn with(limits: Limits, order: Order) -> Self {
        Self::on(&Rc::default(), &Rc::default(), limits, order)
    }

    pub(crate) fn on(world: &Rc<RefCell<World>>, disk: &Rows, limits: Limits, order: Order) -> Self {
        let kept = Rc::clone(disk);
        let open: Open = Box::new(move |_| Ok(Disk::open(&kept)));
        let processor = Counter { by_host: order == Order::Arrival };
        let worker = Worker::new(spec(order), limits, processor, open);
        Self { world: Rc::clone(world), port: Port::new(world), worker, disk: Rc::clone(disk) }
    }

    /// The same after its process died: a new worker on the same log, with what is on the disk.
    pub(crate) fn reborn(&self) -> Self {
        Self::on(&self.world, &self.disk, Limits::default(), Order::Stamped(Writers::First(1)))
    }

    /// Puts a record on the log; without a key it is a tick.
    pub(crate) fn feed(&self, key: &str, value: &str) {
        self.feed_to(PART, key, value);
    }

    pub(crate) fn feed_to(&self, part: Part, key: &str, value: &str) {
        let key = (!key.is_empty()).then(|| key.to_owned());
        self.world.borrow_mut().input.entry(part).or_default().push(Some((key, value.to_owned())));
    }

    /// What a transaction leaves behind on an input.
    pub(crate) fn feed_marker(&self, part: Part) {
        self.world.borrow_mut().input.entry(part).or_default().push(None);
    }

    pub(crate) fn turn(&mut self) -> Turn {
        self.worker.turn(&mut self.port).unwrap()
    }

    /// Turns until nothing is left to do.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100 {
            if self.turn().idle {
                return;
            }
        }
        panic!("it never comes to rest: {:?}", self.port.calls);
    }

    /// Turns until the worker ends.
    pub(crate) fn stops(&mut self) -> Stop {
        (0..100).find_map(|_| self.worker.turn(&mut self.port).err()).expect("it goes on")
    }

    /// What was said since the last look.
    pub(crate) fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.world.borrow_mut().said)
    }

    /// The times told downstream since the last look.
    pub(crate) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.world.borrow_mut().told)
    }

    /// The newest ledger.
    pub(crate) fn ledger(&self) -> String {
        self.world.borrow().ledgers.last().cloned().unwrap_or_default()
    }
}
