//! One case: where, what, and how it is judged.

use std::fmt;
use std::time::{Duration, Instant};

use crate::harness::{CONSUMERS, Deployment, deploy};

/// The points of one cycle.
const POINTS: [&str; 14] = [
    "polled",
    "begun",
    "before_offsets",
    "after_offsets",
    "first_send",
    "last_send",
    "before_commit",
    "after_commit",
    "applied",
    "revoked",
    "assigned",
    "restoring",
    "checkpoint",
    "waking",
];

/// Longer than the session (6 s) and than a transaction may stay open (15 s): a zombie that wakes up.
const STALL: &str = "delay=20000";

/// What is not to be had, and why.
const UNREACHABLE: [(&str, &str); 5] = [
    // One lane, and a second process only stands by: the lane moves when its holder is gone, not before.
    ("identify", "revoked"),
    ("route", "revoked"),
    // These two ask for no wake-up, ever; and in the sample every lead finds a desk, so nobody waits for one.
    ("aggregate", "waking"),
    ("score", "waking"),
    ("route", "waking"),
];

/// A stage, a point, and what happens there.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) stage: &'static str,
    point: &'static str,
    action: &'static str,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.stage, self.point, self.action)
    }
}

impl Case {
    /// Every stage at every point with every action.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for stage in CONSUMERS {
            for point in POINTS.into_iter().filter(|point| !UNREACHABLE.contains(&(stage, *point))) {
                all.extend(["kill", "panic", STALL].map(|action| Self { stage, point, action }));
            }
        }
        all
    }

    /// Whether it takes as long as it stalls.
    pub(crate) fn stalls(&self) -> bool {
        self.action == STALL
    }
}

/// Puts the cases in an order that the seed decides (`SplitMix64`).
pub(crate) fn shuffle(cases: &mut [Case], mut seed: u64) {
    for last in (1..cases.len()).rev() {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let other = usize::try_from((z ^ (z >> 31)) % (last as u64 + 1)).unwrap();
        cases.swap(last, other);
    }
}

/// A deployment on which cases are played one after the other, each with the next lines of the sample.
pub(crate) struct Run {
    deployment: Deployment,
    lines: Vec<String>,
    fed: usize,
    a_case: usize,
}

impl Run {
    /// Five consumers that have read something already, so that there is state to restore.
    pub(crate) fn start(name: &str, a_case: usize) -> Option<Self> {
        let Ok(binary) = std::env::var("FAILPOINTS_BIN") else {
            assert!(std::env::var("E2E_REQUIRED").is_err(), "FAILPOINTS_BIN must name a binary with failpoints");
            eprintln!("skipped: no binary with failpoints; run `make broker-test` or `make chaos-failpoints`");
            return None;
        };
        let mut deployment = deploy(name)?;
        deployment.binary = Some(binary.into());
        deployment.start_all();
        let mut run = Self { deployment, lines: baton_workload::demo().collect(), fed: 0, a_case };
        run.feed(400);
        run.deployment.settle();
        Some(run)
    }

    fn feed(&mut self, count: usize) {
        let to = (self.fed + count).min(self.lines.len());
        assert!(to > self.fed, "the sample is at its end: fewer lines a case");
        self.deployment.ingest(&self.lines[self.fed..to]);
        self.fed = to;
    }

    /// Waits until all is read, and compares with the simulator.
    pub(crate) fn compare(&mut self) {
        self.deployment.settle();
        self.deployment.assert_agrees(&self.deployment.simulate(&self.lines[..self.fed]));
        self.deployment.assert_balanced(self.fed);
    }

    /// Has the stage meet its fate, and starts it again if it must be.
    pub(crate) fn play(&mut self, case: &Case) {
        let Case { stage, point, action } = *case;
        self.deployment.kill(stage);
        if point == "restoring" {
            self.deployment.wipe(stage);
        }
        let chosen = ("BATON_FAILPOINT".to_owned(), format!("{stage}:{point}:1:{action}"));
        // A lane's arrival is no more than information.
        self.deployment.settings = vec![chosen, ("BATON_LOG__LEVEL".to_owned(), "info".to_owned())];
        self.deployment.start(stage);
        self.deployment.settings.clear();
        if point == "revoked" {
            self.await_running(stage);
            self.deployment.start_as(stage, "1");
        }
        self.feed(self.a_case / 2);
        self.await_point(case);
        self.feed(self.a_case - self.a_case / 2);
        self.bring_back(case);
        if point == "revoked" {
            self.deployment.kill_as(stage, "1");
        }
    }

    /// A second member takes lanes from one that has them.
    fn await_running(&self, stage: &str) {
        let began = Instant::now();
        while !self.deployment.log_of(stage).contains("lanes assigned") {
            assert!(began.elapsed() < Duration::from_secs(30), "{stage} was given no lanes");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn await_point(&mut self, case: &Case) {
        let began = Instant::now();
        while !self.deployment.log_of(case.stage).contains("failpoint") {
            if began.elapsed() > Duration::from_secs(15) && self.fed + 100 < self.lines.len() {
                // A wake-up may need more of the day to pass.
                self.feed(100);
            }
            assert!(began.elapsed() < Duration::from_secs(45), "{case} was never reached\n{}", self.deployment.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// As a supervisor does. One that stalled goes on, or finds that its place is taken and ends with 75.
    fn bring_back(&mut self, case: &Case) {
        let began = Instant::now();
        let patience = Duration::from_secs(if case.stalls() { 26 } else { 15 });
        let ended = loop {
            match self.deployment.has_ended(case.stage) {
                None if began.elapsed() < patience => std::thread::sleep(Duration::from_millis(50)),
                ended => break ended,
            }
        };
        match (case.action, ended) {
            ("kill", Some(status)) => assert_eq!(status.code(), None, "{case}: by a signal"),
            ("panic", Some(status)) => assert_eq!(status.code(), Some(70), "{case}\n{}", self.deployment.logs()),
            (STALL, Some(status)) => assert_eq!(status.code(), Some(75), "{case}\n{}", self.deployment.logs()),
            (STALL, None) => return,
            (_, _) => panic!("{case}: it is still there\n{}", self.deployment.logs()),
        }
        self.deployment.start(case.stage);
    }
}
