//! What each worker last said of itself, for probes and metrics.
//!
//! Holds: `live` asks whether this process gets on, `ready` whether it could lose its neighbour: it is one of its group
//! and what the group gave it is restored. One that stands by, because there are more workers than lanes, is ready. Neither asks
//! whether a broker is there: another start would not bring it back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use baton_engine::{Accounts, LaneStatus, StageSpec, Stats};
use baton_kafka::End;
use baton_pipeline::{Census, Consumer};

use crate::wall::wall;

mod ends;
mod progress;
#[cfg(test)]
mod tests;

pub use ends::{Known, Seen};
use progress::{Now, Progress, Who};

/// A worker's word.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose worker.
    pub consumer: Consumer,
    /// Which of them.
    pub worker: usize,
    /// What it reads and writes.
    pub spec: Arc<StageSpec>,
    /// How often time comes from it when nothing else does, if it does.
    pub gives_time: Option<Duration>,
    /// Whether the group has taken it in, be it without a lane.
    pub joined: bool,
    /// When it said so.
    pub at: Instant,
    /// Its counts.
    pub stats: Stats,
    /// What it took in and what became of it, as committed.
    pub accounts: Accounts,
    /// Its lanes.
    pub lanes: Vec<LaneStatus>,
    /// Name and version of the policy that it judged by last.
    pub policy: Option<(String, i64)>,
    /// Its rows, as they were counted last.
    pub census: Option<Arc<Census>>,
}

impl Snapshot {
    /// The name of an input.
    pub fn topic(&self, input: usize) -> &str {
        self.spec.inputs.get(input).map_or("", |input| input.topic.as_str())
    }
}

/// Every worker of the process.
#[derive(Debug)]
pub struct Board {
    workers: Mutex<Vec<Snapshot>>,
    ends: Mutex<Known>,
    progress: Mutex<Progress>,
    started: SystemTime,
}

/// A worker silent for so long is stuck: three times the longest single call to the cluster.
const SILENT: Duration = Duration::from_mins(1);
/// All calls of one turn, each at its longest, come to less.
const HOPELESS: Duration = Duration::from_mins(2);

impl Board {
    /// When the process started, by the wall clock of then: whoever looks for a restart must not see that clock move.
    pub fn started(&self) -> SystemTime {
        self.started
    }

    /// Replaces what the worker said before.
    pub fn say(&self, snapshot: Snapshot) {
        let mut all = lock(&self.workers);
        match all.iter_mut().find(|old| old.consumer == snapshot.consumer && old.worker == snapshot.worker) {
            Some(old) => *old = snapshot,
            None => all.push(snapshot),
        }
    }

    /// What all said last.
    pub fn all(&self) -> Vec<Snapshot> {
        lock(&self.workers).clone()
    }

    /// The parts that the lanes here read, and their changelogs.
    pub fn parts(&self) -> Vec<(String, i32)> {
        let mut parts = Vec::new();
        for snapshot in self.all() {
            for lane in &snapshot.lanes {
                let read = snapshot.spec.parts_of(lane.lane).into_iter();
                parts.extend(read.map(|(input, partition)| (snapshot.topic(input).to_owned(), partition)));
                parts.push((snapshot.spec.changelog.clone(), lane.lane));
            }
        }
        parts.sort();
        parts.dedup();
        parts
    }

    /// The cluster said where a partition ends.
    pub fn ends_at(&self, topic: &str, partition: i32, end: End, at: Instant) {
        lock(&self.ends).take(topic, partition, end, at);
    }

    /// Whoever asks for the ends came round; `answered` says whether all these were told. Takes a look.
    pub fn ends_asked(&self, parts: &[(String, i32)], answered: bool, at: Instant) {
        let mut ends = lock(&self.ends);
        ends.keep(parts);
        ends.asked = Some(at);
        if answered {
            ends.answered = Some(at);
        }
        drop(ends);
        self.look(at);
    }

    /// Where the inputs end, as far as the cluster has said.
    pub fn ends(&self) -> Known {
        lock(&self.ends).clone()
    }

    /// For how long each worker has not got on with something that it could.
    pub fn stalled(&self) -> BTreeMap<Who, Duration> {
        let now = Instant::now();
        let mut stalled: BTreeMap<Who, Duration> =
            self.all().into_iter().map(|snapshot| ((snapshot.consumer, snapshot.worker), Duration::ZERO)).collect();
        stalled.extend(lock(&self.progress).stalled(now));
        stalled
    }

    fn look(&self, at: Instant) {
        let (workers, ends) = (self.all(), self.ends());
        lock(&self.progress).look(Now { at, wall: wall() }, &workers, &ends);
    }

    /// Why the process should be restarted; `Ok` while every worker turns and gets on. Never about the broker.
    pub fn live(&self) -> Result<(), String> {
        self.live_at(Instant::now())
    }

    fn live_at(&self, now: Instant) -> Result<(), String> {
        self.turning(SILENT)?;
        self.look(now);
        lock(&self.progress).verdict(now, &self.all())
    }

    /// Why the process cannot be waited for any longer. Nobody may be there to look at `live`, and a call
    /// of the Kafka client that never returns would leave the worker's lanes to nobody.
    pub fn hopeless(&self) -> Result<(), String> {
        self.turning(HOPELESS)
    }

    fn turning(&self, within: Duration) -> Result<(), String> {
        match self.all().iter().find(|snapshot| snapshot.at.elapsed() > within) {
            Some(stuck) => Err(format!(
                "{} worker {} has not turned for {} s",
                stuck.consumer,
                stuck.worker,
                stuck.at.elapsed().as_secs()
            )),
            None => Ok(()),
        }
    }

    /// Why the process is not ready; `Ok` when every worker is one of its group and none has a lane to restore.
    pub fn ready(&self) -> Result<(), String> {
        let all = self.all();
        if all.is_empty() {
            return Err("starting".to_owned());
        }
        for snapshot in &all {
            if !snapshot.joined {
                return Err(format!("{} worker {} is not in its group yet", snapshot.consumer, snapshot.worker));
            }
            if let Some((lane, left)) = snapshot.lanes.iter().find_map(|l| l.restoring.map(|left| (l.lane, left))) {
                return Err(format!("{} lane {lane} is restoring, {left} records left", snapshot.consumer));
            }
        }
        Ok(())
    }
}

impl Default for Board {
    fn default() -> Self {
        Self {
            workers: Mutex::default(),
            ends: Mutex::default(),
            progress: Mutex::default(),
            started: SystemTime::now(),
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
