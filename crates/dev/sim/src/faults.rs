//! A log that fails on purpose, by a seed: one seed is one schedule.
//!
//! Every call of the engine's port can fail before it takes effect; a commit can also fail after,
//! which is the case of the lost answer. Lanes are taken away and given back.

use baton_domain::Millis;
use baton_engine::{Event, Fault, Log, Output, Part, Polled, RowSink, StageSpec};

use crate::log::MemoryLog;

/// A seeded die (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A die that gives the same throws for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).checked_rem(bound).unwrap_or(0)
    }
}

/// How many faults of each kind were thrown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thrown {
    /// Calls that failed and must be undone.
    pub aborts: u64,
    /// Calls after which nothing is certain.
    pub fatals: u64,
    /// Commits that took effect and whose answer was lost.
    pub lost_answers: u64,
    /// Lanes taken away and given back.
    pub rebalances: u64,
}

/// A log in memory that fails.
#[derive(Debug)]
pub struct FaultyLog {
    inner: MemoryLog,
    dice: Dice,
    one_in: u64,
    lanes: i32,
    returning: Vec<i32>,
    /// What was thrown so far.
    pub thrown: Thrown,
}

impl FaultyLog {
    /// Wraps a log; about one call in `one_in` fails, none when it is 0.
    pub fn new(inner: MemoryLog, spec: &StageSpec, seed: u64, one_in: u64) -> Self {
        let (dice, lanes) = (Dice::new(seed), spec.lanes());
        Self { inner, dice, one_in, lanes, returning: Vec::new(), thrown: Thrown::default() }
    }

    /// No more faults from here on.
    pub fn heal(&mut self) {
        self.one_in = 0;
    }

    fn strikes(&mut self) -> bool {
        self.one_in > 0 && self.dice.below(self.one_in) == 0
    }

    fn may_fail(&mut self) -> Result<(), Fault> {
        if !self.strikes() {
            return Ok(());
        }
        if self.dice.below(2) == 0 {
            self.thrown.aborts += 1;
            return Err(Fault::Abort("planted".to_owned()));
        }
        self.thrown.fatals += 1;
        Err(Fault::Fatal("planted".to_owned()))
    }

    fn may_be_cut_off(&mut self) -> Result<(), Fault> {
        if self.strikes() {
            self.thrown.fatals += 1;
            return Err(Fault::Fatal("planted".to_owned()));
        }
        Ok(())
    }
}

impl Log for FaultyLog {
    fn poll(&mut self, wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        if !self.returning.is_empty() {
            sink(Event::Assigned(std::mem::take(&mut self.returning)));
        } else if self.inner.has_joined() && self.strikes() {
            self.thrown.rebalances += 1;
            let lane = i32::try_from(self.dice.below(u64::try_from(self.lanes).unwrap_or(1))).unwrap_or(0);
            self.inner.stop(lane);
            self.returning = vec![lane];
            sink(Event::Revoked(vec![lane]));
        }
        let polled = self.inner.poll(wait_ms, max, sink)?;
        self.may_be_cut_off()?;
        Ok(polled)
    }

    fn start(&mut self, parts: &[(Part, i64)]) -> Result<(), Fault> {
        self.inner.start(parts)
    }

    fn hold(&mut self, parts: &[Part], hold: bool) -> Result<(), Fault> {
        self.inner.hold(parts, hold)
    }

    fn committed(&mut self, parts: &[Part]) -> Result<Vec<Option<i64>>, Fault> {
        self.may_be_cut_off()?;
        self.inner.committed(parts)
    }

    fn beginning(&mut self, part: Part) -> Result<i64, Fault> {
        self.may_be_cut_off()?;
        self.inner.beginning(part)
    }

    fn changelog_end(&mut self, lane: i32) -> Result<i64, Fault> {
        self.may_be_cut_off()?;
        self.inner.changelog_end(lane)
    }

    fn restore_start(&mut self, lane: i32, from: i64) -> Result<(), Fault> {
        self.inner.restore_start(lane, from)
    }

    fn restore_poll(&mut self, lane: i32, sink: &mut RowSink<'_>) -> Result<i64, Fault> {
        self.may_be_cut_off()?;
        self.inner.restore_poll(lane, sink)
    }

    fn restore_stop(&mut self, lane: i32) {
        self.inner.restore_stop(lane);
    }

    fn fence(&mut self) -> Result<(), Fault> {
        self.may_be_cut_off()?;
        self.inner.fence()
    }

    fn suspect(&self) -> bool {
        false
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.may_fail()?;
        self.inner.begin()
    }

    fn produce(&mut self, output: &Output<'_>) -> Result<(), Fault> {
        self.may_fail()?;
        self.inner.produce(output)
    }

    fn send_offsets(&mut self, offsets: &[(Part, i64)]) -> Result<(), Fault> {
        self.may_fail()?;
        self.inner.send_offsets(offsets)
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.may_fail()?;
        self.inner.commit()?;
        if self.strikes() {
            self.thrown.lost_answers += 1;
            return Err(Fault::Fatal("the answer was lost".to_owned()));
        }
        Ok(())
    }

    fn abort(&mut self) -> Result<(), Fault> {
        self.may_be_cut_off()?;
        self.inner.abort()
    }

    fn now(&self) -> Millis {
        self.inner.now()
    }
}
