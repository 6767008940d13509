//! Replays one lane and compares what it gives.

use std::collections::BTreeMap;

use baton_domain::{Ledger, LogTime};
use baton_engine::{Fault, LaneRow, Limits, MemStore, Order, Part, Processor, Stop, Store, StoreError, Worker};
use baton_pipeline::{Codec, Pace};

use crate::guide::{Between, Guide, Guided};
use crate::replay::{Feed, Inputs, Replay, Straight};
use crate::side::Side;
use crate::stage::{Difference, Kind, LaneReport, Plan, Verifier};
use crate::state::Fold;
use crate::tape::Cluster;
use crate::witness::Witness;

type OpenStore = fn(i32) -> Result<MemStore, StoreError>;
type Hosted = Worker<Box<dyn Processor>, MemStore, OpenStore>;

/// Turns without any work after which a replay that is not at its end is given up.
const PATIENCE: u32 = 1_000;

/// Verifies one lane.
pub(crate) fn verify(
    verifier: &Verifier,
    cluster: &mut dyn Cluster,
    plan: &Plan,
    lane: i32,
    heard: &mut dyn FnMut(i32, u64),
) -> Result<(LaneReport, Vec<Difference>), Fault> {
    let bounds: BTreeMap<Part, i64> =
        plan.spec.parts_of(lane).into_iter().map(|part| (part, plan.bound(part))).collect();
    let inputs = Inputs::open(cluster, &plan.spec, lane, &plan.inputs, &bounds)?;
    let side = verifier.with_known(plan, |known| Side::open(cluster, &plan.spec, lane, known))?;
    let processor = || plan.consumer.processor(&verifier.topology, &verifier.policy, &verifier.schemas, Pace::Log);
    let firsts = bounds.keys().map(|part| (*part, plan.inputs.get(part).map_or(0, |bounds| bounds.first))).collect();
    let open: OpenStore = |_| Ok(MemStore::default());
    let run = Run { verifier, plan, lane, side, heard, records: 0 };
    if !needs_guide(verifier, plan, lane) {
        let worker = Worker::new(plan.spec.clone(), Limits::default(), processor(), open);
        return run.all(cluster, worker, Replay::new(lane, firsts, Straight::new(inputs)));
    }
    let between = Between::new();
    // Only what is read in the order of its stamps tells an order: the links to leads do not.
    let told = verifier.with_known(plan, |known| {
        let topics = plan.spec.outputs.iter().map(|(name, _)| name.as_str()).filter(|name| (known.is_ordered)(name));
        topics.map(|topic| (topic, ends(plan, topic))).collect::<Vec<_>>()
    });
    let names: Vec<String> = plan.spec.inputs.iter().map(|input| input.topic.clone()).collect();
    let marks = Witness::open(cluster, &told, &names)?.marks()?;
    let witness = Witness::open(cluster, &told, &names)?;
    let patience = verifier.policy.identity.dedupe_ms / 4;
    let guide =
        Guide::new(inputs, (witness, marks), std::rc::Rc::clone(&between), processor(), verifier.is_clocked, patience);
    let guided: Box<dyn Processor> = Box::new(Guided { inner: processor(), between });
    // Only what is forgotten wakes the sequencer, so a storm of wake-ups is no storm of outputs.
    let limits = Limits { wakes: usize::MAX, ..Limits::default() };
    run.all(cluster, Worker::new(plan.spec.clone(), limits, guided, open), Replay::new(lane, firsts, guide))
}

/// Where each partition of an output ends.
fn ends(plan: &Plan, topic: &str) -> Vec<(i32, i64)> {
    let of_topic = plan.outputs.iter().filter(|((name, _), _)| name == topic);
    of_topic.map(|((_, partition), bounds)| (*partition, bounds.end)).collect()
}

/// Whether the lane's order was decided by arrival, or its time by a clock.
fn needs_guide(verifier: &Verifier, plan: &Plan, lane: i32) -> bool {
    let arrives = |part: &Part| plan.spec.inputs.get(part.0).is_some_and(|input| input.order == Order::Arrival);
    let is_filled = |part: &Part| plan.inputs.get(part).is_some_and(|bounds| bounds.end > bounds.first);
    let parts = plan.spec.parts_of(lane);
    let filled = parts.iter().filter(|part| arrives(part) && is_filled(part)).count();
    parts.iter().any(arrives) && (verifier.is_clocked || filled > 1)
}

/// A replay under way.
struct Run<'a, 'b> {
    verifier: &'a Verifier,
    plan: &'a Plan,
    lane: i32,
    side: Side,
    heard: &'b mut dyn FnMut(i32, u64),
    records: u64,
}

impl Run<'_, '_> {
    fn all<F: Feed>(
        mut self,
        cluster: &mut dyn Cluster,
        mut worker: Hosted,
        mut log: Replay<F>,
    ) -> Result<(LaneReport, Vec<Difference>), Fault> {
        self.replay(&mut worker, &mut log, true)?;
        let unread = log.feed.unread()?;
        let end = self.plan.changelogs.get(&self.lane).map_or(0, |bounds| bounds.end);
        let fold = Fold::read(cluster, &self.plan.spec.changelog, self.lane, end)?;
        let rows = worker.store(self.lane);
        let ours = rows.and_then(|rows| rows.get(LaneRow::KEY)).and_then(LaneRow::read);
        let (skipped, reached) = why_not_state(ours.as_ref(), fold.lane_row().as_ref(), unread);
        let mut report = LaneReport { lane: self.lane, state_skipped: skipped, ..LaneReport::default() };
        let mut differences = Vec::new();
        if report.state_skipped.is_none() {
            let none = MemStore::default();
            let rows: &dyn Store = rows.map_or(&none, |rows| rows);
            differences = fold.differences(&self.plan.spec.name, rows);
            differences.extend(self.ledger(log.ledger.as_deref()));
            report.rows = fold.len();
        }
        drop(fold);
        if unread > 0 {
            let parts = self.plan.spec.parts_of(self.lane).into_iter();
            let ends = parts.map(|part| (part, self.plan.inputs.get(&part).map_or(0, |bounds| bounds.end)));
            log.feed.go_on_to(&ends.collect());
            self.replay(&mut worker, &mut log, false)?;
        }
        let (outputs, found) = self.side.finish(reached)?;
        (report.records, report.outputs) = (self.records, outputs);
        if has_moved(cluster, self.plan, self.lane)? {
            report.state_skipped = Some("the consumer went on meanwhile".to_owned());
            report.rows = 0;
            differences.clear();
        }
        differences.extend(found);
        Ok((report, differences))
    }

    /// Replays up to the bounds.
    fn replay<F: Feed>(&mut self, worker: &mut Hosted, log: &mut Replay<F>, required: bool) -> Result<(), Fault> {
        let mut idle = 0;
        loop {
            let turn = worker.turn(log).map_err(|stop| self.stopped(stop))?;
            if let Some(fault) = log.failed.take() {
                return Err(fault);
            }
            for output in log.done.drain(..) {
                self.side.expect(&output, required)?;
            }
            if turn.records > 0 {
                self.records += turn.records as u64;
                (self.heard)(self.lane, self.records);
            }
            let is_done = log.feed.is_done()?;
            if turn.idle && is_done {
                return Ok(());
            }
            // What may but need not be there matters only as long as something is there.
            if !required && self.side.is_spent()? {
                return Ok(());
            }
            idle = if turn.idle { idle + 1 } else { 0 };
            if idle > PATIENCE {
                return Err(self.stopped(Stop::Config("it stands still before the end of its inputs".to_owned())));
            }
        }
    }

    fn stopped(&self, stop: Stop) -> Fault {
        let (Stop::Config(why) | Stop::Fenced(why) | Stop::Store(why)) = stop;
        Fault::Config(format!("the replay of {} lane {} stopped: {why}", self.plan.spec.name, self.lane))
    }

    fn ledger(&self, replayed: Option<&[u8]>) -> Option<Difference> {
        let mut codec = Codec::<Ledger>::new(&self.verifier.schemas);
        let expected = replayed.and_then(|bytes| codec.decode(bytes).ok()).unwrap_or_default();
        let (partition, offset, found) = match self.plan.ledgers.get(&self.lane) {
            Some((partition, offset, ledger)) => (*partition, Some(*offset), ledger.clone()),
            None => (0, None, Ledger::default()),
        };
        let (expected, found) = totals(&expected).into_iter().zip(totals(&found)).find(|(a, b)| a != b)?;
        Some(Difference {
            stage: self.plan.spec.name.clone(),
            lane: self.lane,
            kind: Kind::Ledger,
            topic: self.plan.spec.ledger.0.clone(),
            partition,
            offset,
            expected,
            found,
        })
    }
}

fn totals(ledger: &Ledger) -> [String; 4] {
    let list = |counts: &[baton_domain::Count]| {
        counts.iter().map(|count| format!("{} {}", count.name, count.count)).collect::<Vec<_>>().join(", ")
    };
    [
        format!("consumed {}", ledger.consumed),
        format!("outcomes {}", list(&ledger.outcomes)),
        format!("produced {}", list(&ledger.produced)),
        format!("wake-ups {}", ledger.fired),
    ]
}

/// Why the lane's state cannot be compared, and how far the lane had come if not as far as the replay.
fn why_not_state(ours: Option<&LaneRow>, theirs: Option<&LaneRow>, unread: u64) -> (Option<String>, Option<LogTime>) {
    let is_same = ours == theirs;
    if unread > 0 && !is_same {
        return (Some("records that it has not committed lie before it".to_owned()), None);
    }
    if let (Some(ours), Some(theirs)) = (ours, theirs)
        && theirs.now < ours.now
        && theirs.arrived == ours.arrived
    {
        // It ended amid a storm of wake-ups, which it gives in bounded transactions.
        return (Some("wake-ups that are due have not been given yet".to_owned()), theirs.now);
    }
    (None, None)
}

fn has_moved(cluster: &mut dyn Cluster, plan: &Plan, lane: i32) -> Result<bool, Fault> {
    let committed = cluster.committed(plan.consumer)?;
    let parts = plan.spec.parts_of(lane);
    let moved = parts.iter().any(|part| committed.get(part) != plan.committed.get(part));
    let end = plan.changelogs.get(&lane).map_or(0, |bounds| bounds.end);
    Ok(moved || cluster.bounds(&plan.spec.changelog, lane)?.end != end)
}
