//! A minute of trouble in a microsecond: whoever looks brings the time along.

use std::collections::BTreeMap;

use baton_domain::{LogTime, Millis};
use baton_engine::LaneStatus;
use baton_pipeline::Topology;

use super::*;

fn snapshot(restoring: Option<i64>) -> Snapshot {
    let lane = LaneStatus { given: 1, restoring, ..LaneStatus::default() };
    Snapshot {
        consumer: Consumer::Score,
        worker: 0,
        spec: Arc::new(Consumer::Score.spec(&Topology::new("", 4))),
        gives_time: None,
        joined: true,
        at: Instant::now(),
        stats: Stats::default(),
        accounts: Accounts::default(),
        lanes: vec![lane],
        policy: None,
        census: None,
    }
}

#[test]
fn a_worker_that_does_not_turn_is_seen_after_a_minute_and_given_up_after_two() {
    let after = |seconds: u64| {
        let board = Board::default();
        board.say(Snapshot { at: Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap(), ..snapshot(None) });
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

#[test]
fn one_that_stands_by_is_ready_once_its_group_has_taken_it_in() {
    let board = Board::default();
    board.say(Snapshot { lanes: Vec::new(), joined: false, ..snapshot(None) });
    assert_eq!(board.ready(), Err("score worker 0 is not in its group yet".to_owned()));
    board.say(Snapshot { lanes: Vec::new(), ..snapshot(None) });
    assert_eq!(board.ready(), Ok(()));
}

/// A worker with two lanes of `score`, and the cluster as it says where their inputs end.
struct Stage {
    start: Instant,
    second: u64,
    progress: Progress,
    ends: Known,
    workers: Vec<Snapshot>,
    stable: BTreeMap<i32, i64>,
    /// Whether the cluster answers.
    answers: bool,
}

impl Stage {
    fn new(consumer: Consumer) -> Self {
        let spec = Arc::new(consumer.spec(&Topology::new("", 2)));
        let lanes = (0..spec.lanes()).map(|number| {
            let offsets = spec.parts_of(number).into_iter().map(|part| (part, 100)).collect();
            LaneStatus { lane: number, now: Some(LogTime(0)), offsets, ..snapshot(None).lanes.remove(0) }
        });
        let worker = Snapshot { consumer, lanes: lanes.collect(), spec: Arc::clone(&spec), ..snapshot(None) };
        let stable = (0..2).map(|partition| (partition, 100)).collect();
        let start = Instant::now();
        let (progress, ends) = (Progress::default(), Known::default());
        Self { start, second: 0, progress, ends, workers: vec![worker], stable, answers: true }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_secs(self.second)
    }

    fn lane(&mut self, number: usize) -> &mut LaneStatus {
        &mut self.workers[0].lanes[number]
    }

    /// Commits everything that can be read of a lane.
    fn read_on(&mut self, number: usize) {
        let stable = self.stable.clone();
        for ((_, partition), offset) in &mut self.lane(number).offsets {
            *offset = stable[partition];
        }
    }

    /// A second passes in which ten records a partition become readable.
    fn write(&mut self) {
        self.stable.values_mut().for_each(|end| *end += 10);
    }

    /// The cluster is asked, and a look is taken.
    fn pass(&mut self) {
        self.second += 1;
        let now = self.now();
        if self.answers {
            let spec = Arc::clone(&self.workers[0].spec);
            for (partition, stable) in &self.stable {
                let end = End { stable: *stable, high: *stable };
                spec.inputs.iter().for_each(|input| self.ends.take(&input.topic, *partition, end, now));
                self.ends.take(&spec.changelog, *partition, end, now);
            }
        }
        self.ends.asked = Some(now);
        self.look(now);
    }

    fn look(&mut self, at: Instant) {
        let wall = Millis(i64::try_from(at.duration_since(self.start).as_millis()).unwrap());
        self.progress.look(Now { at, wall }, &self.workers, &self.ends);
    }

    fn verdict(&self) -> Result<(), String> {
        self.progress.verdict(self.now(), &self.workers)
    }

    /// The second at which trouble that lasts from now on is seen, with what is said of it.
    fn seen_after(mut self, mut trouble: impl FnMut(&mut Self)) -> (u64, String) {
        let from = self.second;
        for _ in 0..600 {
            trouble(&mut self);
            self.pass();
            if let Err(why) = self.verdict() {
                return (self.second - from, why);
            }
        }
        (u64::MAX, "not seen in ten minutes".to_owned())
    }
}

/// Ten seconds of everything being well.
fn well(consumer: Consumer) -> Stage {
    let mut stage = Stage::new(consumer);
    for second in 0..10 {
        stage.write();
        for lane in 0..stage.workers[0].lanes.len() {
            stage.read_on(lane);
            stage.lane(lane).now = Some(LogTime(second));
        }
        stage.pass();
        stage.verdict().unwrap();
    }
    stage
}

/// A stall: its name, whose, how it shows each second, and what is to be said of it.
type Kind = (&'static str, Consumer, Box<dyn FnMut(&mut Stage)>, &'static str);

fn kind(name: &'static str, consumer: Consumer, shows: impl FnMut(&mut Stage) + 'static, said: &'static str) -> Kind {
    (name, consumer, Box::new(shows), said)
}

/// The other lane reads on.
fn others(stage: &mut Stage) {
    stage.write();
    stage.read_on(1);
}

/// Of lanes that run.
fn in_reading() -> Vec<Kind> {
    let undone = |stage: &mut Stage| {
        others(stage);
        stage.workers[0].stats.records += 100;
        stage.workers[0].stats.aborted += 1;
    };
    let storm = |stage: &mut Stage| {
        stage.write();
        stage.workers[0].accounts.fired += 5_000;
    };
    let held = |stage: &mut Stage| {
        stage.write();
        (0..2).for_each(|lane| stage.read_on(lane));
        stage.lane(0).offsets.insert((1, 0), 100);
    };
    let unread_source = |stage: &mut Stage| {
        stage.write();
        stage.lane(0).held_up = stage.lane(0).offsets.keys().skip(1).copied().collect();
    };
    let mut written = false;
    let last = move |stage: &mut Stage| {
        if !std::mem::replace(&mut written, true) {
            stage.write();
        }
    };
    let past = "has not come past offset";
    vec![
        kind("the reader gets nothing of one part", Consumer::Score, others, "score lane 0 has not come past"),
        kind("the reader gets nothing at all", Consumer::Score, Stage::write, past),
        kind("records are read, judged and undone for ever", Consumer::Score, undone, "aggregate[0], which goes on"),
        kind("a storm of wake-ups never ends", Consumer::Watch, storm, "watch lane 0 has not come past"),
        kind("a part stays held", Consumer::Watch, held, "sla.requests[0], which goes on"),
        kind("a source is not read, and the others wait for it", Consumer::Identify, unread_source, past),
        kind("the last records of a topic are not read", Consumer::Score, last, past),
    ]
}

/// Of lanes that do not run yet, and of time.
fn in_restoring() -> Vec<Kind> {
    let changelog = |stage: &mut Stage| stage.lane(0).restoring = Some(5_000);
    let never_begun = |stage: &mut Stage| {
        stage.lane(1).given = 2;
        stage.lane(1).restoring = Some(0);
    };
    let no_producer = |stage: &mut Stage| {
        stage.write();
        stage.workers[0].lanes.iter_mut().for_each(|lane| lane.restoring = Some(0));
    };
    let no_time = |stage: &mut Stage| stage.workers[0].gives_time = Some(Duration::from_secs(1));
    vec![
        kind("a changelog is not read", Consumer::Score, changelog, "5000 records left"),
        kind("a lane is given and never begun", Consumer::Score, never_begun, "score lane 1 is restoring"),
        kind("no producer can be taken up", Consumer::Score, no_producer, "lane 0 is restoring"),
        kind("time stands still", Consumer::Identify, no_time, "identify lane 0 has passed on no time"),
    ]
}

#[test]
fn every_kind_of_stall_is_seen_within_ninety_seconds() {
    for (name, consumer, shows, said) in in_reading().into_iter().chain(in_restoring()) {
        let (after, why) = well(consumer).seen_after(shows);
        assert!((55..=90).contains(&after), "{name}: {after} s, {why}");
        assert!(why.contains(said), "{name}: {why}");
    }
}

#[test]
fn one_who_gives_the_time_every_minute_is_no_stall() {
    let mut second = 0;
    let ticks = |stage: &mut Stage| {
        stage.workers[0].gives_time = Some(Duration::from_mins(1));
        second += 1;
        stage.lane(0).now = Some(LogTime(second / 62));
    };
    assert_eq!(well(Consumer::Identify).seen_after(ticks).0, u64::MAX);
}

#[test]
fn one_whose_time_is_ahead_of_the_wall_owes_none_until_that_has_caught_up() {
    let ahead = |stage: &mut Stage| {
        stage.workers[0].gives_time = Some(Duration::from_secs(1));
        stage.lane(0).now = Some(LogTime::from_millis(Millis(300_000)));
    };
    // The wall is at ten seconds, and 291 s later it is a tick past; a minute and a tick is then waited for.
    let (after, why) = well(Consumer::Identify).seen_after(ahead);
    assert!((345..=360).contains(&after), "{after} s: {why}");
}

/// The twelfth kind, beside a worker that does not turn: whoever looks is stuck.
#[test]
fn whoever_asks_for_the_ends_is_looked_at_too() {
    let mut stage = well(Consumer::Score);
    let (asked, seconds) = (stage.now(), [100, 130]);
    let told = seconds.map(|seconds| {
        stage.look(asked + Duration::from_secs(seconds));
        stage.verdict().is_ok()
    });
    assert_eq!(told, [true, false]);
}

#[test]
fn a_broker_that_is_away_is_nobodys_stall() {
    let mut stage = well(Consumer::Score);
    stage.write();
    stage.pass();
    stage.answers = false;
    stage.lane(1).restoring = Some(70);
    assert_eq!(stage.seen_after(|_| ()).0, u64::MAX);
}

#[test]
fn waiting_for_another_process_is_no_stall() {
    // The router reads on when all scorers have told the time; one of them is down.
    let stage = well(Consumer::Route);
    let waits = |stage: &mut Stage| {
        stage.write();
        let parts = stage.lane(0).offsets.keys().copied().collect();
        stage.lane(0).held_up = parts;
    };
    assert_eq!(stage.seen_after(waits).0, u64::MAX);
}

#[test]
fn a_topic_on_which_nothing_happens_and_a_hung_transaction_of_somebody_else_are_no_stall() {
    // Neither moves the end of what can be read.
    assert_eq!(well(Consumer::Score).seen_after(|_| ()).0, u64::MAX);
}

#[test]
fn a_backlog_that_is_worked_off_slowly_is_no_stall() {
    let mut second = 0;
    let slow = |stage: &mut Stage| {
        stage.write();
        second += 1;
        if second % 50 == 0 {
            for lane in 0..2 {
                stage.lane(lane).offsets.values_mut().for_each(|offset| *offset += 1);
            }
        }
    };
    assert_eq!(well(Consumer::Score).seen_after(slow).0, u64::MAX);
}

/// Ten minutes in which lanes are taken and given every second or two, get half through their restore, run for a
/// moment, and go.
#[test]
fn a_storm_of_rebalances_is_no_stall() {
    let stage = well(Consumer::Score);
    let all = stage.workers[0].lanes.clone();
    let mut gifts = 1;
    let mut dice: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut ran = 0;
    let storm = |stage: &mut Stage| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        stage.write();
        for (number, status) in all.iter().enumerate() {
            let roll = (dice >> (20 + 8 * number)) % 8;
            let at = stage.workers[0].lanes.iter().position(|lane| lane.lane == status.lane);
            match (roll, at) {
                // Taken.
                (0..=2, Some(at)) => drop(stage.workers[0].lanes.remove(at)),
                // Given.
                (0..=4, None) => {
                    gifts += 1;
                    let lane = LaneStatus { given: gifts, restoring: Some(0), ..status.clone() };
                    stage.workers[0].lanes.push(lane);
                }
                // Restored: it reads a little.
                (5..=7, Some(at)) => {
                    ran += 1;
                    let stable = stage.stable[&status.lane];
                    let lane = &mut stage.workers[0].lanes[at];
                    lane.restoring = None;
                    lane.offsets.values_mut().for_each(|offset| *offset = (*offset + 15).min(stable));
                }
                _ => {}
            }
        }
    };
    let (after, why) = stage.seen_after(storm);
    assert_eq!(after, u64::MAX, "{after} s: {why}");
    assert!(ran > 100, "lanes ran {ran} times");
}
