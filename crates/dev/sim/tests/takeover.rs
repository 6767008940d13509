//! Two workers and one lane: what a deposed one knew must not be believed.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, its helpers too")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::Millis;
use baton_engine::{
    Event, Fault, Limits, Log, MemStore, Output, Part, Polled, Processor, RowSink, Store, StoreError, Worker,
};
use baton_pipeline::{Consumer, NoRegistry, Pace, Schemas, Topology};
use baton_sim::{Headers, MemoryLog, Record, Shared};

const NOW: Millis = Millis(1_800_000_000_000);

type Rows = (BTreeMap<Vec<u8>, Vec<u8>>, i64);

/// A store whose committed frames outlive it, as on a disk.
struct DiskStore {
    rows: MemStore,
    disk: Rc<RefCell<Rows>>,
}

impl DiskStore {
    fn open(disk: &Rc<RefCell<Rows>>) -> Self {
        let mut rows = MemStore::default();
        for (key, row) in &disk.borrow().0 {
            rows.put(key, Some(row));
        }
        rows.commit(Some(disk.borrow().1)).unwrap();
        Self { rows, disk: Rc::clone(disk) }
    }
}

impl Store for DiskStore {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.rows.get(key)
    }

    fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.rows.put(key, value);
    }

    fn commit(&mut self, position: Option<i64>) -> Result<(), StoreError> {
        self.rows.commit(position)?;
        let mut all = BTreeMap::new();
        self.rows.each(&mut |key, row| {
            all.insert(key.to_vec(), row.to_vec());
        });
        *self.disk.borrow_mut() = (all, self.rows.position());
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

/// A log that does to its worker what the test says.
struct Stage {
    inner: MemoryLog,
    /// Given at the next poll.
    group: Vec<Event<'static>>,
    /// Hears nothing, like a process that is stopped.
    is_paused: bool,
    /// The next commit fails after a disconnect.
    fails: bool,
    is_suspect: bool,
    calls: Vec<&'static str>,
    /// Happens while the committed offsets are being looked up.
    meanwhile: Option<Box<dyn FnMut()>>,
}

impl Log for Stage {
    fn poll(&mut self, wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        for event in std::mem::take(&mut self.group) {
            if let Event::Revoked(lanes) = &event {
                for lane in lanes {
                    self.inner.stop(*lane);
                }
            }
            sink(event);
        }
        if self.is_paused {
            return Ok(Polled { records: 0, drained: true });
        }
        self.inner.poll(wait_ms, max, sink)
    }

    fn start(&mut self, parts: &[(Part, i64)]) -> Result<(), Fault> {
        self.inner.start(parts)
    }

    fn hold(&mut self, parts: &[Part], hold: bool) -> Result<(), Fault> {
        self.inner.hold(parts, hold)
    }

    fn committed(&mut self, parts: &[Part]) -> Result<Vec<Option<i64>>, Fault> {
        if let Some(mut happens) = self.meanwhile.take() {
            happens();
        }
        self.inner.committed(parts)
    }

    fn beginning(&mut self, part: Part) -> Result<i64, Fault> {
        self.inner.beginning(part)
    }

    fn changelog_end(&mut self, lane: i32) -> Result<i64, Fault> {
        self.inner.changelog_end(lane)
    }

    fn restore_start(&mut self, lane: i32, from: i64) -> Result<(), Fault> {
        self.inner.restore_start(lane, from)
    }

    fn restore_poll(&mut self, lane: i32, sink: &mut RowSink<'_>) -> Result<i64, Fault> {
        self.inner.restore_poll(lane, sink)
    }

    fn restore_stop(&mut self, lane: i32) {
        self.inner.restore_stop(lane);
    }

    fn fence(&mut self) -> Result<(), Fault> {
        self.calls.push("fence");
        self.is_suspect = false;
        self.inner.fence()
    }

    fn suspect(&self) -> bool {
        self.is_suspect
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.calls.push("begin");
        self.inner.begin()
    }

    fn produce(&mut self, output: &Output<'_>) -> Result<(), Fault> {
        self.inner.produce(output)
    }

    fn send_offsets(&mut self, offsets: &[(Part, i64)]) -> Result<(), Fault> {
        self.inner.send_offsets(offsets)
    }

    fn commit(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.fails) {
            self.is_suspect = true;
            return Err(Fault::Abort("planted".to_owned()));
        }
        self.inner.commit()
    }

    fn abort(&mut self) -> Result<(), Fault> {
        self.calls.push("abort");
        self.inner.abort()
    }

    fn now(&self) -> Millis {
        self.inner.now()
    }
}

type Open = Box<dyn FnMut(i32) -> Result<DiskStore, StoreError>>;

/// A sequencer: it counts a repeat twice when its state is missing.
struct Sequencer {
    worker: Worker<Box<dyn Processor>, DiskStore, Open>,
    log: Stage,
}

impl Sequencer {
    fn join(shared: &Rc<RefCell<Shared>>) -> Self {
        let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
        let topology = Topology::new("", 3);
        let spec = Consumer::Identify.spec(&topology);
        let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
        let processor = Consumer::Identify.processor(&topology, &policy, &schemas, Pace::Log);
        let disk = Rc::new(RefCell::new(Rows::default()));
        let inner = MemoryLog::new(shared, &spec);
        let open: Open = Box::new(move |_| Ok(DiskStore::open(&disk)));
        let worker = Worker::new(spec, Limits::default(), processor, open);
        let log = Stage {
            inner,
            group: Vec::new(),
            is_paused: false,
            fails: false,
            is_suspect: false,
            calls: Vec::new(),
            meanwhile: None,
        };
        Self { worker, log }
    }

    fn turns(&mut self, count: usize) {
        for _ in 0..count {
            self.worker.turn(&mut self.log).unwrap();
        }
    }
}

fn shared() -> Rc<RefCell<Shared>> {
    let mut shared = Shared::at(NOW);
    shared.keep_changelogs = true;
    Rc::new(RefCell::new(shared))
}

/// Sends one line, the same each time.
fn send(shared: &Rc<RefCell<Shared>>) {
    let line = baton_workload::demo().find(|line| line.contains("messageId")).unwrap();
    let record = Record { appended: NOW, key: None, value: Some(line.into_bytes()), headers: Headers::default() };
    shared.borrow_mut().append("engagement.raw", 0, record);
}

/// Events written since the last look.
fn events(shared: &Rc<RefCell<Shared>>) -> usize {
    shared.borrow_mut().take("lead.events").iter().filter(|record| record.key.is_some()).count()
}

#[test]
fn a_deposed_workers_checkpoint_does_not_hide_what_its_successor_wrote() {
    let shared = shared();
    let (mut first, mut second) = (Sequencer::join(&shared), Sequencer::join(&shared));
    first.turns(5);
    first.log.is_paused = true;
    send(&shared);
    second.turns(6);
    assert!(events(&shared) > 0, "the successor has judged it");
    // The first one comes back late enough for a checkpoint, before it hears of its loss.
    shared.borrow_mut().now = Millis(NOW.0 + 11_000);
    first.turns(1);
    first.log.group = vec![Event::Revoked(vec![0])];
    first.turns(1);
    first.log.group = vec![Event::Assigned(vec![0])];
    first.log.is_paused = false;
    send(&shared);
    first.turns(8);
    assert_eq!(events(&shared), 0, "a repeat was counted: state is missing");
}

#[test]
fn a_restore_holds_all_that_belongs_to_the_offsets_it_starts_from() {
    let shared = shared();
    let (mut first, second) = (Sequencer::join(&shared), Rc::new(RefCell::new(Sequencer::join(&shared))));
    second.borrow_mut().turns(5);
    send(&shared);
    // The last owner's transaction is decided between the look at the changelog's end and the offsets.
    let owner = Rc::clone(&second);
    first.log.meanwhile = Some(Box::new(move || owner.borrow_mut().turns(3)));
    first.turns(8);
    assert!(events(&shared) > 0);
    send(&shared);
    first.turns(4);
    assert_eq!(events(&shared), 0, "a repeat was counted: state is missing");
}

#[test]
fn a_suspect_producer_is_retired_after_an_abort_too() {
    let shared = shared();
    let mut sequencer = Sequencer::join(&shared);
    sequencer.turns(5);
    send(&shared);
    sequencer.log.fails = true;
    sequencer.turns(5);
    let abort = sequencer.log.calls.iter().position(|call| *call == "abort").unwrap();
    assert_eq!(sequencer.log.calls[abort + 1], "fence", "{:?}", sequencer.log.calls);
    assert!(events(&shared) > 0, "and the work is done again");
}
