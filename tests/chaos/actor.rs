//! Carries a schedule out: on processes, their state, the broker and the network.
//!
//! Holds: every step is done, if late (a process that is just being started again is waited for), or the
//! run fails; what a step stops, it lets go on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::broker::{Broker, Cluster, together};
use crate::feed::Feed;
use crate::fleet::{Fleet, Place, copy};
use crate::network::Network;
use crate::oracles::Verdict;
use crate::reader::Reader;
use crate::schedule::{Damage, Planned, Step};
use crate::trouble::{Done, trouble};

const BEAT: Duration = Duration::from_millis(20);
/// A step that cannot be done now is tried again this much later.
const AGAIN: Duration = Duration::from_millis(300);
/// And given up after so long: then the run proves less than it says.
const PATIENCE: Duration = Duration::from_mins(5);
/// Within so long a process notices that its disk takes nothing.
const NOTICES: Duration = Duration::from_secs(90);
/// The broker stays up for so long at least: a run during which it is always away shows little.
const UP_BETWEEN: Duration = Duration::from_secs(10);

/// Everything that a fault can befall.
pub(crate) struct Actor<'a> {
    pub(crate) fleet: &'a mut Fleet,
    pub(crate) network: Option<&'a mut Network>,
    cluster: Cluster,
    /// Brokers that were bounced so far: the next one is the next in turn.
    turns: usize,
    copies: PathBuf,
    bounce: Option<JoinHandle<Done<Duration>>>,
    bounced: Option<Instant>,
    later: Vec<(Instant, Later)>,
    /// Faults done, by name.
    pub(crate) done: BTreeMap<&'static str, usize>,
    /// How long the broker was away each time, in ms.
    pub(crate) outages: Vec<u128>,
    /// What a fault should have led to and did not.
    pub(crate) unnoticed: Verdict,
}

/// The second half of a step.
enum Later {
    Resume(Place, u32),
    Leave(Place),
    /// With the moment from which on a process that had not noticed would be a finding.
    Free(Place, Instant),
}

impl<'a> Actor<'a> {
    /// Has done nothing yet.
    pub(crate) fn new(fleet: &'a mut Fleet, network: Option<&'a mut Network>, cluster: &Cluster, dir: &Path) -> Self {
        Self {
            fleet,
            network,
            cluster: cluster.clone(),
            turns: 0,
            copies: dir.join("copies"),
            bounce: None,
            bounced: None,
            later: Vec::new(),
            done: BTreeMap::new(),
            outages: Vec::new(),
            unnoticed: Verdict::default(),
        }
    }

    /// Does every step at its time, until the last is over and the load is out.
    pub(crate) fn carry_out(&mut self, plan: &[Planned], feed: &Feed, reader: &Reader) -> Done {
        let began = Instant::now();
        let mut due: Vec<(Instant, Instant, &Step)> = plan
            .iter()
            .map(|planned| began + Duration::from_millis(planned.at_ms))
            .zip(plan)
            .map(|(at, planned)| (at, at, &planned.step))
            .collect();
        while !due.is_empty() || !self.later.is_empty() || self.bounce.is_some() || !feed.has_ended() {
            let now = Instant::now();
            let (ready, rest) = due.into_iter().partition(|(at, ..)| *at <= now);
            due = rest;
            let ready: Vec<(Instant, Instant, &Step)> = ready;
            for (_, planned, step) in ready {
                if self.act(step)? {
                    *self.done.entry(name(step)).or_default() += 1;
                } else if planned.elapsed() > PATIENCE {
                    return trouble(format!("{step:?} could not be done within {PATIENCE:?}"));
                } else {
                    due.push((now + AGAIN, planned, step));
                }
            }
            self.finish_halves(now)?;
            self.fleet.supervise()?;
            if reader.has_ended() {
                return trouble("the reader of outcomes ended before the load did");
            }
            std::thread::sleep(BEAT);
        }
        Ok(())
    }

    /// Does a step; `false` when that is not possible just now.
    fn act(&mut self, step: &Step) -> Done<bool> {
        match step {
            Step::Kill(stage) => self.with_state((*stage, 0), |_, _| Ok(true)),
            Step::Wipe(stage) => self.with_state((*stage, 0), |_, state| {
                if state.exists() {
                    std::fs::remove_dir_all(state)?;
                }
                Ok(true)
            }),
            Step::Damage(stage, damage) => {
                let flip = (*damage == Damage::Flip).then_some(0x00C0_FFEE);
                self.with_state((*stage, 0), |fleet, _| fleet.damage((*stage, 0), flip))
            }
            Step::Keep(stage) => {
                let copies = self.copies.join(stage);
                self.with_state((*stage, 0), |_, state| copy(state, &copies).map(|()| true))
            }
            Step::PutBack(stage) => {
                let copies = self.copies.join(stage);
                self.with_state((*stage, 0), |_, state| copy(&copies, state).map(|()| true))
            }
            Step::Pause(stage, ms) => self.pause((*stage, 0), *ms),
            Step::Join(stage, ms) => self.join((*stage, 1), *ms),
            Step::FillDisk(stage, ms) => self.fill_disk((*stage, 0), *ms),
            Step::BrokerKill => Ok(self.bounce(1, Broker::kill, Duration::ZERO)),
            Step::BrokerStop => Ok(self.bounce(1, Broker::stop, Duration::ZERO)),
            Step::Minority(ms) => Ok(self.bounce(self.cluster.size() - 1, Broker::kill, Duration::from_millis(*ms))),
            Step::Network(cut, ms) => self.on_network(|network| network.misbehave(*cut, Duration::from_millis(*ms))),
            Step::HoldCommit(ms) => self.on_network(|network| network.hold_commit(Duration::from_millis(*ms))),
            Step::HoldOffsets(ms) => self.on_network(|network| network.hold_offsets(Duration::from_millis(*ms))),
        }
    }

    fn on_network(&mut self, act: impl FnOnce(&mut Network)) -> Done<bool> {
        let Some(network) = &mut self.network else { return trouble("this run has no proxy to misbehave") };
        act(network);
        Ok(true)
    }

    /// Kills a process, does something to its state, and starts it again.
    fn with_state(&mut self, place: Place, change: impl FnOnce(&Fleet, &Path) -> Done<bool>) -> Done<bool> {
        if !self.fleet.is_well(place) {
            return Ok(false);
        }
        self.fleet.kill(place)?;
        let done = change(self.fleet, &self.fleet.state(place))?;
        self.fleet.start(place, true)?;
        Ok(done)
    }

    fn pause(&mut self, place: Place, ms: u64) -> Done<bool> {
        let Some(pid) = self.fleet.pid(place).filter(|_| self.fleet.is_well(place)) else { return Ok(false) };
        self.fleet.pause(place, true)?;
        self.later.push((Instant::now() + Duration::from_millis(ms), Later::Resume(place, pid)));
        Ok(true)
    }

    fn join(&mut self, place: Place, ms: u64) -> Done<bool> {
        if self.fleet.pid(place).is_some() {
            return Ok(false);
        }
        self.fleet.start(place, false)?;
        self.later.push((Instant::now() + Duration::from_millis(ms), Later::Leave(place)));
        Ok(true)
    }

    fn fill_disk(&mut self, place: Place, ms: u64) -> Done<bool> {
        if !self.fleet.is_well(place) {
            return Ok(false);
        }
        self.fleet.kill(place)?;
        self.fleet.fill(place, true);
        self.fleet.start(place, false)?;
        self.later.push((Instant::now() + Duration::from_millis(ms), Later::Free(place, Instant::now() + NOTICES)));
        Ok(true)
    }

    /// Ends as many brokers as `many`, the next in turn, and starts them again after `away`.
    fn bounce(&mut self, many: usize, end: fn(&Broker) -> Done, away: Duration) -> bool {
        let is_fresh = self.bounced.is_some_and(|at| at.elapsed() < UP_BETWEEN);
        if self.bounce.is_some() || is_fresh {
            return false;
        }
        let brokers = self.cluster.some(self.turns, many);
        self.turns += many;
        self.bounce = Some(std::thread::spawn(move || {
            let began = Instant::now();
            together(&brokers, end)?;
            std::thread::sleep(away);
            // On a busy machine a broker may need longer than its script waits.
            together(&brokers, |broker| broker.start().or_else(|_| broker.start()))?;
            Ok(began.elapsed())
        }));
        true
    }

    fn finish_halves(&mut self, now: Instant) -> Done {
        if let Some(bounce) = self.bounce.take_if(|bounce| bounce.is_finished()) {
            let away = bounce.join().unwrap_or_else(|_| trouble("the broker's bounce panicked"))?;
            self.outages.push(away.as_millis());
            self.bounced = Some(now);
        }
        let (due, rest) = std::mem::take(&mut self.later).into_iter().partition(|(at, _)| *at <= now);
        self.later = rest;
        let due: Vec<(Instant, Later)> = due;
        for (_, half) in due {
            match half {
                Later::Resume(place, pid) if self.fleet.pid(place) == Some(pid) => self.fleet.pause(place, false)?,
                Later::Resume(..) => {}
                Later::Leave(place) => self.fleet.leave(place)?,
                // It may have found no broker so far, or nothing to write.
                Later::Free(place, until) if self.fleet.refused(place) == 0 && now < until => {
                    self.later.push((now + AGAIN, Later::Free(place, until)));
                }
                Later::Free(place, _) => self.free(place)?,
            }
        }
        Ok(())
    }

    /// There is room again; the process must have said before that there was none.
    fn free(&mut self, place: Place) -> Done {
        self.unnoticed.looked(1);
        if self.fleet.refused(place) == 0 {
            self.unnoticed.differs(format!("{}: its disk was full, and it did not end for it", place.0));
        }
        self.fleet.fill(place, false);
        self.fleet.kill(place)?;
        self.fleet.start(place, false)
    }
}

fn name(step: &Step) -> &'static str {
    match step {
        Step::Kill(_) => "kill -9",
        Step::Pause(_, ms) if *ms > 15_000 => "SIGSTOP beyond a transaction",
        Step::Pause(..) => "SIGSTOP beyond a session",
        Step::Join(..) => "second process joined and left",
        Step::BrokerKill => "broker kill -9",
        Step::BrokerStop => "broker clean restart",
        Step::Minority(_) => "all brokers but one kill -9",
        Step::Network(..) => "network fault",
        Step::HoldCommit(_) => "held EndTxn",
        Step::HoldOffsets(_) => "held TxnOffsetCommit",
        Step::Wipe(_) => "state wiped",
        Step::Damage(..) => "state damaged",
        Step::Keep(_) => "kill -9 with state copied",
        Step::PutBack(_) => "old state put back",
        Step::FillDisk(..) => "disk full",
    }
}
