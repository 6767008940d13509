//! Fills in what the workers said of themselves last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use baton_domain::LogTime;
use baton_pipeline::Census;

use super::counters::{number, seconds, signed};
use super::{Metrics, Spec, inventory as of};
use crate::health::{Board, Snapshot};

/// What may be gone since the last page: a policy that judges no more, a part that went to another process, a pool.
const PASSING: [Spec; 12] = [
    of::POLICY,
    of::LOG_TIME,
    of::LAG,
    of::UNSTABLE,
    of::UNROUTED,
    of::UNROUTED_SINCE,
    of::REPS,
    of::LOAD,
    of::FAIRNESS,
    of::OPEN,
    of::SOONEST,
    of::WAKE_SOONEST,
];

pub(super) fn fill(metrics: &Metrics, board: &Board) {
    for spec in &PASSING {
        metrics.clear(spec);
    }
    metrics.set(&of::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
    metrics.set(&of::START, &[], unix(board.started()));
    let workers = board.all();
    for snapshot in &workers {
        worker(metrics, snapshot);
    }
    accounts(metrics, &workers);
    ends(metrics, board, &workers);
    let mut census = Census::default();
    workers.iter().filter_map(|snapshot| snapshot.census.as_ref()).for_each(|counted| census.join(counted));
    desks(metrics, &census);
    promises(metrics, &census);
}

fn worker(metrics: &Metrics, snapshot: &Snapshot) {
    let number_of = snapshot.worker.to_string();
    let who = [snapshot.consumer.as_str(), number_of.as_str()];
    let (stats, lanes) = (&snapshot.stats, &snapshot.lanes);
    metrics.set(&of::TURN, &who, ago(snapshot.at.elapsed()));
    metrics.raise(&of::RECORDS, &who, stats.records);
    metrics.raise(&of::WRITTEN, &who, stats.written);
    metrics.raise(&of::FENCES, &who, stats.fenced);
    metrics.raise(&of::TRANSACTIONS, &[who[0], who[1], "committed"], stats.committed);
    metrics.raise(&of::TRANSACTIONS, &[who[0], who[1], "aborted"], stats.aborted);
    let restoring = lanes.iter().filter(|lane| lane.restoring.is_some()).count();
    metrics.set(&of::LANES, &[who[0], who[1], "restoring"], count(restoring));
    metrics.set(&of::LANES, &[who[0], who[1], "running"], count(lanes.len() - restoring));
    metrics.set(&of::RESTORE, &who, signed(lanes.iter().filter_map(|lane| lane.restoring).sum()));
    metrics.set(&of::ROWS, &who, count(lanes.iter().map(|lane| lane.rows).sum()));
    metrics.set(&of::WAKES, &who, count(lanes.iter().map(|lane| lane.wakes).sum()));
    metrics.set(&of::WAITING, &who, count(lanes.iter().map(|lane| lane.waiting).sum()));
    if let Some(soonest) = lanes.iter().filter_map(|lane| lane.soonest).min() {
        metrics.set(&of::WAKE_SOONEST, &who, instant(soonest));
    }
    if let Some(reached) = lanes.iter().map(|lane| lane.now).min().flatten() {
        metrics.set(&of::LOG_TIME, &who, instant(reached));
    }
    // One that has given its lanes away judges nothing, and hears of no change.
    let judges = lanes.len() > restoring;
    if let Some((name, version)) = snapshot.policy.as_ref().filter(|_| judges) {
        metrics.set(&of::POLICY, &[who[0], who[1], name, &version.to_string()], 1.0);
    }
}

/// What all workers of a consumer took in, and what became of it.
fn accounts(metrics: &Metrics, workers: &[Snapshot]) {
    let (mut events, mut dead, mut produced) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut given, mut error) = (BTreeMap::new(), BTreeMap::new());
    for snapshot in workers {
        let consumer = snapshot.consumer.as_str();
        for (name, count) in &snapshot.accounts.outcomes {
            let outcome = match name.strip_prefix("dlq_") {
                Some(reason) => {
                    *dead.entry((consumer, reason)).or_insert(0) += count;
                    "dead_letter"
                }
                None => name,
            };
            *events.entry((consumer, outcome)).or_insert(0) += count;
        }
        for (topic, count) in &snapshot.accounts.produced {
            *produced.entry((consumer, topic.as_str())).or_insert(0) += count;
        }
        *given.entry(consumer).or_insert(0) += snapshot.accounts.fired;
        *error.entry(consumer).or_insert(0) += snapshot.lanes.iter().map(|lane| lane.error).sum::<i64>();
    }
    for (spec, counts) in [(&of::EVENTS, &events), (&of::DEAD, &dead), (&of::PRODUCED, &produced)] {
        for ((consumer, name), count) in counts {
            metrics.raise(spec, &[consumer, name], *count);
        }
    }
    for (consumer, count) in given {
        metrics.raise(&of::WAKES_GIVEN, &[consumer], count);
    }
    for (consumer, error) in error {
        metrics.set(&of::LEDGER_ERROR, &[consumer], signed(error));
    }
}

/// Where the inputs end, against what was committed of them.
fn ends(metrics: &Metrics, board: &Board, workers: &[Snapshot]) {
    let ends = board.ends();
    metrics.set(&of::ENDS, &[], ends.answered.map_or(0.0, |at| ago(at.elapsed())));
    for ((consumer, worker), stalled) in board.stalled() {
        metrics.set(&of::STALLED, &[consumer.as_str(), &worker.to_string()], stalled.as_secs_f64());
    }
    let mut told = BTreeSet::new();
    for snapshot in workers {
        for (part, committed) in snapshot.lanes.iter().flat_map(|lane| &lane.offsets) {
            let topic = snapshot.topic(part.0);
            let Some(seen) = ends.of(topic, part.1) else { continue };
            let partition = part.1.to_string();
            let lag = (seen.end.stable - committed).max(0);
            metrics.set(&of::LAG, &[snapshot.consumer.as_str(), topic, &partition], signed(lag));
            if told.insert((topic, part.1)) {
                // As far as the cluster has said: when it says nothing any more, nothing is known to be open.
                let stuck = |since| seen.at.saturating_duration_since(since).as_secs_f64();
                let stuck = seen.unstable_since.map_or(0.0, stuck);
                metrics.set(&of::UNSTABLE, &[topic, &partition], stuck);
            }
        }
    }
}

fn desks(metrics: &Metrics, census: &Census) {
    for (name, pool) in &census.pools {
        metrics.set(&of::UNROUTED, &[name], 0.0);
        metrics.set(&of::REPS, &[name], count(pool.reps.len()));
        metrics.set(&of::FAIRNESS, &[name], signed(pool.gap) / signed(pool.weights.max(1)));
        if let Some((least, most)) = census.load(pool) {
            metrics.set(&of::LOAD, &[name, "least"], signed(least));
            metrics.set(&of::LOAD, &[name, "most"], signed(most));
        }
    }
    for (pool, waiting) in &census.waiting {
        metrics.set(&of::UNROUTED, &[pool], number(waiting.leads));
        metrics.set(&of::UNROUTED_SINCE, &[pool], instant(waiting.since));
    }
}

fn promises(metrics: &Metrics, census: &Census) {
    for ((clock, lane, standing), owed) in &census.owed {
        metrics.set(&of::OPEN, &[clock.as_str(), lane, standing.as_str()], number(*owed));
    }
    for (clock, at) in &census.soonest {
        metrics.set(&of::SOONEST, &[clock.as_str()], instant(*at));
    }
}

/// Unix time so long ago.
fn ago(elapsed: Duration) -> f64 {
    unix(SystemTime::now() - elapsed)
}

fn unix(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn instant(at: LogTime) -> f64 {
    seconds(at.millis().0)
}

fn count(count: usize) -> f64 {
    number(count as u64)
}
