//! What is counted is what lies on the log: the bundled sample, through transactions of which every third is undone.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, its helpers too")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{Handoff, LifecycleChanged, Millis, ScoreUpdate, SlaEvent, SlaEventKind};
use baton_engine::{Event, Fault, Log, Output, Part, Polled, RowSink};
use baton_pipeline::{Figure, LeadSource, Meter, Topology};
use baton_sim::{Heard, MemoryLog, Pipeline, Setup, Shared};
use baton_wire::Decoder;

/// After every event of the sample.
const NOW: Millis = Millis(1_800_000_000_000);
/// What the outcome topics that are counted are called here.
const SLA: [&str; 7] =
    ["sla.started", "sla.warned", "sla.met", "sla.breach", "sla.cancelled", "sla.paused", "sla.resumed"];

/// Of those that the sample has.
const SOURCES: [&str; 2] = ["google", "linkedin"];

type Counts = BTreeMap<String, usize>;

fn name(figure: &Figure) -> String {
    match figure {
        Figure::Moved { from, to, lasted_ms, source, .. } => format!("moved {from:?} {to:?} {lasted_ms:?} {source:?}"),
        Figure::HandedOff { lane, pool, .. } => format!("handed off {lane} {pool}"),
        Figure::Scored(_) => "scored".to_owned(),
        Figure::Promise(promise) => {
            format!("{:?} {} {} {:?}", promise.clock, promise.word, promise.level, promise.since_breach_ms)
        }
        _ => "else".to_owned(),
    }
}

/// A log of which every third commit is refused.
struct Fickle {
    inner: MemoryLog,
    commits: usize,
    refused: Rc<RefCell<usize>>,
}

impl Log for Fickle {
    fn commit(&mut self) -> Result<(), Fault> {
        self.commits += 1;
        if self.commits.is_multiple_of(3) {
            *self.refused.borrow_mut() += 1;
            return Err(Fault::Abort("planted".to_owned()));
        }
        self.inner.commit()
    }

    fn poll(&mut self, wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        self.inner.poll(wait_ms, max, sink)
    }

    fn start(&mut self, parts: &[(Part, i64)]) -> Result<(), Fault> {
        self.inner.start(parts)
    }

    fn hold(&mut self, parts: &[Part], hold: bool) -> Result<(), Fault> {
        self.inner.hold(parts, hold)
    }

    fn committed(&mut self, parts: &[Part]) -> Result<Vec<Option<i64>>, Fault> {
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
        self.inner.fence()
    }

    fn suspect(&self) -> bool {
        self.inner.suspect()
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.inner.begin()
    }

    fn produce(&mut self, output: &Output<'_>) -> Result<(), Fault> {
        self.inner.produce(output)
    }

    fn send_offsets(&mut self, offsets: &[(Part, i64)]) -> Result<(), Fault> {
        self.inner.send_offsets(offsets)
    }

    fn abort(&mut self) -> Result<(), Fault> {
        self.inner.abort()
    }

    fn now(&self) -> Millis {
        self.inner.now()
    }
}

fn read<T>(pipeline: &mut Pipeline<Fickle>, topic: &str) -> Vec<T>
where
    T: baton_wire::Record + serde::Serialize + serde::de::DeserializeOwned,
{
    let decoder = Decoder::new();
    let values = pipeline.take(topic).into_iter().filter_map(|record| record.value);
    values.map(|value| decoder.decode(&value).unwrap()).collect()
}

#[test]
fn what_is_counted_is_what_lies_on_the_log_however_often_it_was_undone() {
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let sources = SOURCES.map(str::to_owned).into();
    let (heard, refused) = (Rc::new(Heard { sources, ..Heard::default() }), Rc::new(RefCell::new(0)));
    let meter: Rc<dyn Meter> = Rc::<Heard>::clone(&heard);
    let wrap = |_: &_, inner| Fickle { inner, commits: 0, refused: Rc::clone(&refused) };
    let topology = Topology::new("", 4);
    let setup = Setup { meter: Some(meter), ..Setup::default() };
    let mut pipeline = Pipeline::wrapped(&topology, &policy, Shared::at(NOW), setup, wrap);
    // Many transactions, not one.
    for lines in baton_workload::demo().collect::<Vec<_>>().chunks(100) {
        for line in lines {
            pipeline.feed_to("engagement.raw", line.as_bytes());
        }
        pipeline.settle().unwrap();
    }
    assert!(*refused.borrow() > 50, "{} transactions were undone", refused.borrow());

    let mut recount = Counts::new();
    let mut count = |name: String| *recount.entry(name).or_default() += 1;
    for change in read::<LifecycleChanged>(&mut pipeline, "lifecycle.changed") {
        let place = |name: &str| SOURCES.iter().position(|listed| *listed == name);
        let listed = |name: &String| place(name).map_or(LeadSource::Other, LeadSource::Listed);
        let source = (change.episode > 0).then(|| change.source.as_ref().map_or(LeadSource::None, listed));
        count(format!("moved {:?} {:?} {:?} {source:?}", change.from, change.to, change.lasted_ms));
    }
    for Handoff { decision, assignment, .. } in read::<Handoff>(&mut pipeline, "lead.handoff") {
        count(format!("handed off {} {}", decision.lane, assignment.pool));
    }
    for _ in read::<ScoreUpdate>(&mut pipeline, "lead.score") {
        count("scored".to_owned());
    }
    let told: Vec<SlaEvent> = SLA.iter().flat_map(|topic| read::<SlaEvent>(&mut pipeline, topic)).collect();
    let taken_back: Vec<_> = told.iter().filter(|event| event.kind == SlaEventKind::Retracted).collect();
    for event in &told {
        let promise = |of: &SlaEvent| (of.stamp.at, of.handoff_id.clone(), of.clock);
        let ends = matches!(event.kind, SlaEventKind::Retracted | SlaEventKind::Met);
        let is_late = ends && taken_back.iter().any(|other| promise(other) == promise(event));
        let since = is_late.then(|| event.stamp.at.millis().since(event.deadline.millis()));
        count(format!("{:?} {} {} {since:?}", event.clock, event.word(), event.level));
    }
    assert!(!taken_back.is_empty(), "the sample tells of one answer late");
    assert!(recount.len() > 20, "the sample has all sorts: {recount:?}");
    let mut counted = Counts::new();
    for figure in heard.figures.borrow().iter() {
        *counted.entry(name(figure)).or_default() += 1;
    }
    counted.remove("else");
    assert_eq!(counted, recount);
}
