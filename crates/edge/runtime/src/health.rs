//! What each worker last said of itself, for probes and metrics.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use baton_engine::{LaneStatus, Stats};
use baton_pipeline::Consumer;

/// A worker's word.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose worker.
    pub consumer: Consumer,
    /// Which of them.
    pub worker: usize,
    /// When it said so.
    pub at: Instant,
    /// Its counts.
    pub stats: Stats,
    /// Its lanes.
    pub lanes: Vec<LaneStatus>,
    /// Name and version of the policy that it judged by last.
    pub policy: Option<(String, i64)>,
}

/// Every worker of the process.
#[derive(Debug, Default)]
pub struct Board(Mutex<Vec<Snapshot>>);

/// A worker silent for so long is stuck: three times the longest single call to the cluster.
const SILENT: Duration = Duration::from_mins(1);
/// All calls of one turn, each at its longest, come to less.
const HOPELESS: Duration = Duration::from_mins(2);

impl Board {
    /// Replaces what the worker said before.
    pub fn say(&self, snapshot: Snapshot) {
        let mut all = self.lock();
        match all.iter_mut().find(|old| old.consumer == snapshot.consumer && old.worker == snapshot.worker) {
            Some(old) => *old = snapshot,
            None => all.push(snapshot),
        }
    }

    /// What all said last.
    pub fn all(&self) -> Vec<Snapshot> {
        self.lock().clone()
    }

    /// Why the process should be restarted; `Ok` while every worker turns. Never about the broker.
    pub fn live(&self) -> Result<(), String> {
        self.turning(SILENT)
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

    /// Why the process is not ready; `Ok` when every worker has lanes and all of them are restored.
    pub fn ready(&self) -> Result<(), String> {
        let all = self.all();
        if all.is_empty() {
            return Err("starting".to_owned());
        }
        for snapshot in &all {
            if snapshot.lanes.is_empty() {
                return Err(format!("{} worker {} has no lanes yet", snapshot.consumer, snapshot.worker));
            }
            if let Some((lane, left)) = snapshot.lanes.iter().find_map(|l| l.restoring.map(|left| (l.lane, left))) {
                return Err(format!("{} lane {lane} is restoring, {left} records left", snapshot.consumer));
            }
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Snapshot>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn snapshot(restoring: Option<i64>) -> Snapshot {
        let lane =
            LaneStatus { lane: 0, restoring, now: None, waiting: 0, wakes: 0, rows: 0, offsets: BTreeMap::new() };
        Snapshot {
            consumer: Consumer::Score,
            worker: 0,
            at: Instant::now(),
            stats: Stats::default(),
            lanes: vec![lane],
            policy: None,
        }
    }

    #[test]
    fn a_worker_that_does_not_turn_is_seen_after_a_minute_and_given_up_after_two() {
        let after = |seconds: u64| {
            let board = Board::default();
            board.say(Snapshot {
                at: Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap(),
                ..snapshot(None)
            });
            (board.live().is_ok(), board.hopeless().is_ok())
        };
        assert_eq!([after(0), after(50)], [(true, true); 2]);
        assert_eq!([after(70), after(110)], [(false, true); 2]);
        assert_eq!(after(130), (false, false));
    }

    #[test]
    fn a_restoring_lane_is_alive_but_not_ready() {
        let board = Board::default();
        assert!(board.ready().is_err());
        board.say(snapshot(Some(7)));
        assert_eq!(board.live(), Ok(()));
        assert_eq!(board.ready(), Err("score lane 0 is restoring, 7 records left".to_owned()));
        board.say(snapshot(None));
        assert_eq!(board.ready(), Ok(()));
    }
}
