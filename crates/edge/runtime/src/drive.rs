//! Turns a worker until it is told to stop, and tells of it: health, metrics, faults, restores.
//!
//! Holds: whatever the ports, the same loop; a worker that stops drains first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use baton_engine::{LaneStatus, Log, Processor, StageSpec, Stats, Stop, Store, StoreError, Worker};
use baton_pipeline::{Census, Consumer};

use crate::health::{Board, Snapshot};
use crate::metrics::Counters;

/// Between two looks at the worker's own counts.
const SAY_EVERY: Duration = Duration::from_millis(250);
/// Between two lines about a restore.
const RESTORE_EVERY: Duration = Duration::from_secs(5);

/// Which worker, and where it tells of itself.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) consumer: Consumer,
    pub(crate) number: usize,
    pub(crate) spec: &'a Arc<StageSpec>,
    pub(crate) gives_time: Option<Duration>,
    pub(crate) board: &'a Board,
    pub(crate) counters: &'a Counters,
}

/// Turns the worker until `stop`, then has it commit and leave.
pub(crate) fn drive<P, S, F, L>(
    mut worker: Worker<P, S, F>,
    mut log: L,
    told: Told<'_>,
    stop: &AtomicBool,
) -> Result<(), Stop>
where
    P: Processor,
    S: Store,
    F: FnMut(i32) -> Result<S, StoreError>,
    L: Log,
{
    let consumer = told.consumer;
    let mut said_at = Instant::now().checked_sub(SAY_EVERY).unwrap_or_else(Instant::now);
    let mut before = Stats::default();
    let mut restores = Restores::default();
    let (mut counting, mut counted) = (Counting::default(), Stats::default());
    while !stop.load(Ordering::Acquire) {
        if worker.turn(&mut log)?.committed {
            let stats = worker.stats();
            let took = Duration::from_millis(stats.transaction_ms - counted.transaction_ms);
            let commit = Duration::from_millis(stats.commit_ms - counted.commit_ms);
            told.counters.transaction(stats.records - counted.records, took, commit);
            counted = stats;
        }
        if let Some(fault) = worker.take_fault() {
            tracing::warn!(%consumer, %fault, "trying again");
        }
        if said_at.elapsed() >= SAY_EVERY {
            said_at = Instant::now();
            let (stats, lanes) = (worker.stats(), worker.lanes());
            report_faults(consumer, before, stats);
            before = stats;
            restores.say(consumer, &lanes);
            told.board.say(Snapshot {
                consumer,
                worker: told.number,
                spec: Arc::clone(told.spec),
                gives_time: told.gives_time,
                joined: worker.has_joined(),
                at: said_at,
                stats,
                accounts: worker.accounts().clone(),
                lanes,
                policy: worker.in_force(),
                census: counting.of(consumer, |visit| worker.rows(visit)),
            });
        }
    }
    tracing::info!(%consumer, "draining");
    worker.close(&mut log)
}

fn report_faults(consumer: Consumer, before: Stats, after: Stats) {
    if after.aborted > before.aborted {
        tracing::warn!(%consumer, transactions = after.aborted - before.aborted, "undone and done again");
    }
    if after.fenced > before.fenced && before.fenced > 0 {
        tracing::warn!(%consumer, "took up a new producer after a fault");
    }
}

/// Between two counts of the rows, at least.
const COUNT_EVERY: Duration = Duration::from_secs(10);
/// Counting takes at most one part in so many of a worker's time.
const COUNT_SHARE: u32 = 200;

/// The rows, counted now and then.
#[derive(Default)]
struct Counting {
    next: Option<Instant>,
    last: Option<Arc<Census>>,
}

impl Counting {
    fn of(&mut self, consumer: Consumer, rows: impl FnOnce(&mut dyn FnMut(&[u8], &[u8]))) -> Option<Arc<Census>> {
        let began = Instant::now();
        if consumer.has_census() && self.next.is_none_or(|next| next <= began) {
            let mut census = Census::default();
            rows(&mut |key, row| census.take(consumer, key, row));
            self.last = Some(Arc::new(census));
            let took = began.elapsed();
            self.next = Some(Instant::now() + COUNT_EVERY.max(took * COUNT_SHARE));
        }
        self.last.clone()
    }
}

/// How far each restore was when it was last told.
#[derive(Default)]
struct Restores(BTreeMap<i32, (Instant, i64)>);

impl Restores {
    fn say(&mut self, consumer: Consumer, lanes: &[LaneStatus]) {
        let left: BTreeMap<i32, i64> =
            lanes.iter().filter_map(|lane| Some((lane.lane, lane.restoring.filter(|left| *left > 0)?))).collect();
        self.0.retain(|lane, _| left.contains_key(lane));
        for (lane, left) in left {
            let (at, before) = self.0.entry(lane).or_insert((Instant::now(), left));
            if let Some(rate) = rate(at.elapsed(), *before - left) {
                (*at, *before) = (Instant::now(), left);
                tracing::info!(%consumer, lane, left, per_second = rate, "restoring from the changelog");
            }
        }
    }
}

/// Records a second, once there is something to tell.
fn rate(elapsed: Duration, done: i64) -> Option<i64> {
    let ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
    (elapsed >= RESTORE_EVERY).then(|| done.saturating_mul(1_000) / ms.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_is_told_of_every_five_seconds_with_its_rate() {
        assert_eq!(rate(Duration::from_millis(4_999), 1_000_000), None);
        assert_eq!(rate(Duration::from_secs(5), 1_000_000), Some(200_000));
        assert_eq!(rate(Duration::from_secs(10), 0), Some(0), "one that stands still says so");
    }
}
