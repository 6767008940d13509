//! Which fault happens when: a function of the seed.
//!
//! Holds: the same seed, counts and span give the same steps; every fault that is asked for is there,
//! ended within the span; a process that is stopped is let go on before anything else happens to it.
//! Absent on purpose: processes, clocks, the network; who carries the steps out is `actor.rs`. Jumps of the
//! host's clock: of one process alone it cannot be moved soundly. librdkafka waits by `cnd_timedwait`, whose
//! deadline libfaketime moves and whose wait it does not, so that a second becomes an hour.

use std::collections::BTreeMap;

use serde::Serialize;

/// The five, as the binary names them, in the order of the pipeline.
pub(crate) const STAGES: [&str; 5] = ["identify", "aggregate", "score", "route", "watch"];

/// Those whose lanes two processes can share.
const SHARED: [&str; 3] = ["aggregate", "score", "watch"];

/// How many of each fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// kill -9 of a consumer, spread evenly over the five.
    pub(crate) kills: usize,
    /// kill -9 of the broker.
    pub(crate) broker_kills: usize,
    /// Clean restarts of the broker.
    pub(crate) broker_stops: usize,
    /// kill -9 of all brokers but one, so that those left may take no write.
    pub(crate) minorities: usize,
    /// SIGSTOP for longer than the group's session (6 s).
    pub(crate) pauses: usize,
    /// SIGSTOP for longer than a transaction may last (15 s).
    pub(crate) long_pauses: usize,
    /// A second process joins a consumer and leaves again.
    pub(crate) joins: usize,
    /// The network misbehaves: cut, slow, half open, one way.
    pub(crate) cuts: usize,
    /// A commit request is held in the network while its sender is cut off.
    pub(crate) held_commits: usize,
    /// The same with the consumed offsets.
    pub(crate) held_offsets: usize,
    /// Local state is lost.
    pub(crate) wipes: usize,
    /// Local state is damaged.
    pub(crate) damages: usize,
    /// Local state comes back as it was some time ago.
    pub(crate) old_copies: usize,
    /// The disk of local state is full for a while.
    pub(crate) full_disks: usize,
}

impl Counts {
    /// What every submission goes through.
    pub(crate) const SMOKE: Self = Self {
        kills: 10,
        broker_kills: 1,
        broker_stops: 0,
        minorities: 0,
        pauses: 0,
        long_pauses: 1,
        joins: 1,
        cuts: 0,
        held_commits: 1,
        held_offsets: 0,
        wipes: 1,
        damages: 1,
        old_copies: 0,
        full_disks: 0,
    };

    /// The whole of it.
    pub(crate) const FULL: Self = Self {
        kills: 100,
        broker_kills: 10,
        broker_stops: 5,
        minorities: 0,
        pauses: 15,
        long_pauses: 5,
        joins: 30,
        cuts: 10,
        held_commits: 5,
        held_offsets: 5,
        wipes: 4,
        damages: 4,
        old_copies: 3,
        full_disks: 1,
    };

    /// What a cluster of three goes through: its nodes die in turn, twice two of them at once.
    pub(crate) const CLUSTER: Self = Self {
        kills: 25,
        broker_kills: 12,
        broker_stops: 6,
        minorities: 2,
        pauses: 2,
        long_pauses: 1,
        joins: 6,
        cuts: 0,
        held_commits: 0,
        held_offsets: 0,
        wipes: 2,
        damages: 2,
        old_copies: 1,
        full_disks: 0,
    };
}

impl Counts {
    /// So many percent of each, at least one of what there is.
    pub(crate) fn percent(self, percent: usize) -> Self {
        let of = |count: usize| (count * percent).div_ceil(100);
        Self {
            kills: of(self.kills),
            broker_kills: of(self.broker_kills),
            broker_stops: of(self.broker_stops),
            minorities: of(self.minorities),
            pauses: of(self.pauses),
            long_pauses: of(self.long_pauses),
            joins: of(self.joins),
            cuts: of(self.cuts),
            held_commits: of(self.held_commits),
            held_offsets: of(self.held_offsets),
            wipes: of(self.wipes),
            damages: of(self.damages),
            old_copies: of(self.old_copies),
            full_disks: of(self.full_disks),
        }
    }
}

/// How the network misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cut {
    /// Every connection is reset.
    Reset,
    /// Every frame takes half a second longer, each way.
    Slow,
    /// Connections are taken and never answered.
    HalfOpen,
    /// Requests arrive, answers do not.
    OneWay,
}

/// How local state is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Damage {
    /// One byte somewhere is another.
    Flip,
    /// The end is missing.
    Truncate,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// kill -9 and start again.
    Kill(&'static str),
    /// SIGSTOP for so many ms.
    Pause(&'static str, u64),
    /// A second process joins for so many ms.
    Join(&'static str, u64),
    /// kill -9 of a broker, of each in turn, and start again.
    BrokerKill,
    /// Clean stop of a broker, of each in turn, and start again.
    BrokerStop,
    /// kill -9 of all brokers but one, and start again after so many ms.
    Minority(u64),
    /// The network misbehaves for so many ms.
    Network(Cut, u64),
    /// The next commit request arrives so many ms late, its sender cut off meanwhile.
    HoldCommit(u64),
    /// The same for consumed offsets.
    HoldOffsets(u64),
    /// kill -9, local state removed, start again.
    Wipe(&'static str),
    /// kill -9, local state damaged, start again.
    Damage(&'static str, Damage),
    /// kill -9, local state copied aside, start again.
    Keep(&'static str),
    /// kill -9, the copy put in its place, start again.
    PutBack(&'static str),
    /// kill -9, start again on a disk that takes nothing for so many ms.
    FillDisk(&'static str, u64),
}

/// A step and when it is due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Planned {
    /// Milliseconds after the start of the load.
    pub(crate) at_ms: u64,
    /// What.
    pub(crate) step: Step,
}

/// Chance with a memory: the same seed, the same throws.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// The next 64 bits (splitmix64).
    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of `[0, below)`; 0 when that is empty.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.draw() % below.max(1)
    }

    /// One of `[from, to)`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from))
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let index = usize::try_from(self.below(of.len() as u64)).unwrap_or(0);
        of[index]
    }
}

/// The steps of a run whose load takes `span_ms`, by time.
pub(crate) fn plan(seed: u64, counts: &Counts, span_ms: u64) -> Vec<Planned> {
    let mut planner =
        Planner { dice: Dice::new(seed), span: span_ms.max(1_000), steps: Vec::new(), busy: BTreeMap::new() };
    planner.broker(counts);
    planner.pauses(counts);
    planner.disks(counts);
    planner.stores(counts);
    planner.kills(counts.kills);
    planner.joins(counts.joins);
    planner.network(counts);
    planner.steps.sort();
    planner.steps
}

struct Planner {
    dice: Dice,
    span: u64,
    steps: Vec<Planned>,
    /// When a stage's first process must be left alone.
    busy: BTreeMap<&'static str, Vec<(u64, u64)>>,
}

impl Planner {
    fn put(&mut self, at_ms: u64, step: Step) {
        self.steps.push(Planned { at_ms, step });
    }

    /// Some moment that leaves `room` ms before the end of the span.
    fn moment(&mut self, room: u64) -> u64 {
        let first = self.span / 20;
        self.dice.between(first, (self.span.saturating_sub(room)).max(first + 1))
    }

    fn is_free(&self, stage: &str, from: u64, to: u64) -> bool {
        self.busy.get(stage).is_none_or(|all| all.iter().all(|(start, end)| to < *start || *end < from))
    }

    /// Takes a stage for itself for `lasts` ms, at some moment; of those that fit, any.
    fn reserve(&mut self, stages: &[&'static str], lasts: u64) -> (u64, &'static str) {
        let mut choice = (self.moment(lasts), self.dice.pick(stages));
        // A schedule so full that nothing fits any more overlaps instead of hanging.
        for _ in 0..1_000 {
            if self.is_free(choice.1, choice.0, choice.0 + lasts) {
                break;
            }
            choice = (self.moment(lasts), self.dice.pick(stages));
        }
        self.busy.entry(choice.1).or_default().push((choice.0, choice.0 + lasts));
        choice
    }

    /// Evenly over the span, so that it is up for most of the time.
    fn broker(&mut self, counts: &Counts) {
        let all = counts.broker_kills + counts.broker_stops + counts.minorities;
        let (mut kills, mut minorities) = (counts.broker_kills as u64, counts.minorities as u64);
        let slot = self.span / (all as u64 + 1);
        for n in 0..all as u64 {
            let draw = self.dice.below(all as u64 - n);
            let step = if draw < kills {
                kills -= 1;
                Step::BrokerKill
            } else if draw < kills + minorities {
                minorities -= 1;
                Step::Minority(15_000)
            } else {
                Step::BrokerStop
            };
            let jitter = self.dice.below(slot / 4 + 1);
            self.put((n + 1) * slot - slot / 4 + jitter, step);
        }
    }

    fn pauses(&mut self, counts: &Counts) {
        for n in 0..counts.pauses + counts.long_pauses {
            let lasts = if n < counts.long_pauses { 20_000 } else { self.dice.between(7_500, 10_000) };
            let (at, stage) = self.reserve(&STAGES, lasts);
            self.put(at, Step::Pause(stage, lasts));
        }
    }

    fn disks(&mut self, counts: &Counts) {
        for _ in 0..counts.full_disks {
            let (at, stage) = self.reserve(&["aggregate", "score"], 15_000);
            self.put(at, Step::FillDisk(stage, 15_000));
        }
    }

    fn stores(&mut self, counts: &Counts) {
        for n in 0..counts.wipes {
            let (at, _) = self.reserve(&[STAGES[n % STAGES.len()]], 1_000);
            self.put(at, Step::Wipe(STAGES[n % STAGES.len()]));
        }
        for n in 0..counts.damages {
            let (at, stage) = self.reserve(&STAGES, 1_000);
            self.put(at, Step::Damage(stage, if n % 2 == 0 { Damage::Flip } else { Damage::Truncate }));
        }
        for _ in 0..counts.old_copies {
            let gap = self.span / 4;
            let (at, stage) = self.reserve(&STAGES, 1_000);
            let at = at.min(self.span - gap);
            self.put(at, Step::Keep(stage));
            self.put(at + gap, Step::PutBack(stage));
        }
    }

    fn kills(&mut self, kills: usize) {
        for n in 0..kills {
            let (at, stage) = self.reserve(&[STAGES[n % STAGES.len()]], 200);
            self.put(at, Step::Kill(stage));
        }
    }

    /// One second process of a stage at a time.
    fn joins(&mut self, joins: usize) {
        for n in 0..joins {
            let stage = SHARED[n % SHARED.len()];
            let (nth, of) = ((n / SHARED.len()) as u64, joins.div_ceil(SHARED.len()) as u64);
            let slot = self.span * 9 / 10 / of.max(1);
            let at = self.span / 20 + nth * slot + self.dice.below(slot / 3 + 1);
            let stays = self.dice.between(slot / 4, slot / 2 + 1);
            self.put(at, Step::Join(stage, stays));
        }
    }

    fn network(&mut self, counts: &Counts) {
        for n in 0..counts.cuts {
            let (cut, lasts) = match n % 4 {
                0 => (Cut::Reset, 0),
                1 => (Cut::Slow, 5_000),
                2 => (Cut::HalfOpen, 8_000),
                _ => (Cut::OneWay, 8_000),
            };
            let at = self.moment(lasts);
            self.put(at, Step::Network(cut, lasts));
        }
        for n in 0..counts.held_commits + counts.held_offsets {
            let (at, lasts) = (self.moment(6_000), self.dice.between(2_000, 6_000));
            self.put(at, if n < counts.held_commits { Step::HoldCommit(lasts) } else { Step::HoldOffsets(lasts) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: u64 = 600_000;

    fn count(plan: &[Planned], which: impl Fn(&Step) -> bool) -> usize {
        plan.iter().filter(|planned| which(&planned.step)).count()
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
        assert_eq!(plan(1, &Counts::FULL, SPAN), plan(1, &Counts::FULL, SPAN));
        assert_ne!(plan(1, &Counts::FULL, SPAN), plan(2, &Counts::FULL, SPAN));
    }

    #[test]
    fn a_cluster_loses_each_sort_of_broker_as_often_as_asked() {
        for seed in 0..50 {
            let plan = plan(seed, &Counts::CLUSTER, SPAN);
            assert_eq!(count(&plan, |step| *step == Step::BrokerKill), 12);
            assert_eq!(count(&plan, |step| *step == Step::BrokerStop), 6);
            assert_eq!(count(&plan, |step| matches!(step, Step::Minority(ms) if *ms >= 10_000)), 2);
            assert_eq!(count(&plan, |step| matches!(step, Step::Network(..) | Step::HoldCommit(_))), 0);
        }
    }

    #[test]
    fn every_fault_that_is_asked_for_is_in_the_schedule() {
        for seed in 0..50 {
            let plan = plan(seed, &Counts::FULL, SPAN);
            assert_eq!(count(&plan, |step| matches!(step, Step::Kill(_))), 100);
            for stage in STAGES {
                assert_eq!(count(&plan, |step| *step == Step::Kill(stage)), 20, "{stage}");
            }
            assert_eq!(count(&plan, |step| *step == Step::BrokerKill), 10);
            assert_eq!(count(&plan, |step| *step == Step::BrokerStop), 5);
            assert_eq!(count(&plan, |step| matches!(step, Step::Pause(_, ms) if *ms > 6_000)), 20);
            assert_eq!(count(&plan, |step| matches!(step, Step::Pause(_, ms) if *ms > 15_000)), 5);
            assert_eq!(count(&plan, |step| matches!(step, Step::Join(..))), 30);
            assert_eq!(count(&plan, |step| matches!(step, Step::Network(..))), 10);
            assert_eq!(count(&plan, |step| matches!(step, Step::HoldCommit(_))), 5);
            assert_eq!(count(&plan, |step| matches!(step, Step::HoldOffsets(_))), 5);
            assert_eq!(count(&plan, |step| matches!(step, Step::Wipe(_))), 4);
            assert_eq!(count(&plan, |step| matches!(step, Step::Damage(..))), 4);
            assert_eq!(count(&plan, |step| matches!(step, Step::PutBack(_))), 3);
            assert_eq!(count(&plan, |step| matches!(step, Step::FillDisk(..))), 1);
        }
    }

    /// How long a step keeps its process for itself.
    fn lasts(step: &Step) -> u64 {
        match step {
            Step::Pause(_, ms) | Step::Join(_, ms) | Step::FillDisk(_, ms) | Step::Network(_, ms) => *ms,
            _ => 0,
        }
    }

    #[test]
    fn a_share_of_the_faults_has_some_of_each_sort() {
        let tenth = Counts::FULL.percent(10);
        assert_eq!((tenth.kills, tenth.broker_kills, tenth.full_disks, tenth.cuts), (10, 1, 1, 1));
        assert_eq!(Counts::FULL.percent(100), Counts::FULL);
        assert_eq!(Counts::default().percent(50), Counts::default());
    }

    #[test]
    fn steps_come_in_order_and_end_within_the_span() {
        for seed in 0..50 {
            let plan = plan(seed, &Counts::FULL, SPAN);
            assert!(plan.is_sorted_by_key(|planned| planned.at_ms));
            for planned in &plan {
                assert!(planned.at_ms + lasts(&planned.step) <= SPAN, "seed {seed}: {planned:?}");
            }
        }
    }

    #[test]
    fn nothing_happens_to_a_process_while_it_is_stopped_or_without_a_disk() {
        for seed in 0..50 {
            let mut until: BTreeMap<&str, u64> = BTreeMap::new();
            for planned in plan(seed, &Counts::FULL, SPAN) {
                let Planned { at_ms, step } = planned;
                let (Step::Kill(stage)
                | Step::Wipe(stage)
                | Step::Damage(stage, _)
                | Step::Pause(stage, _)
                | Step::FillDisk(stage, _)) = step
                else {
                    continue;
                };
                assert!(until.get(stage).is_none_or(|until| *until <= at_ms), "seed {seed}: {stage} at {at_ms}");
                until.insert(stage, at_ms + lasts(&step));
            }
        }
    }

    #[test]
    fn a_stage_has_one_second_process_at_a_time() {
        for seed in 0..50 {
            let mut until: BTreeMap<&str, u64> = BTreeMap::new();
            for Planned { at_ms, step } in plan(seed, &Counts::FULL, SPAN) {
                if let Step::Join(stage, ms) = step {
                    assert!(until.insert(stage, at_ms + ms).is_none_or(|until| until <= at_ms), "seed {seed}: {stage}");
                }
            }
        }
    }
}
