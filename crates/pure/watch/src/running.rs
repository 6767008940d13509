//! One clock: its instants, its pauses, and what it has used.
//!
//! Holds: time that passed while the clock stood still is never counted; what was used before a pause
//! is kept, whatever the policy says afterwards.
//!
//! Absent on purpose: what starts, stops or halts a clock (the steps know).

use baton_domain::{Clock, DeskHours, LogTime, Millis, Pause, SlaAction};
use baton_policy::{Hours, Owing, Policy, Promise, Stopwatch};
use serde::{Deserialize, Serialize};

/// Pauses that a clock can still tell of; of older ones it knows the length.
const PAUSES: usize = 16;

/// One clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) clock: Clock,
    /// The owner and turn of the handoff for whom it was started.
    pub(crate) owner: Option<String>,
    pub(crate) turn: i32,
    /// Their pool, and what the router told of their hours, when it started.
    pub(crate) pool: String,
    pub(crate) told: Option<DeskHours>,
    /// The stage whose age it is; else empty.
    pub(crate) stage: String,
    pub(crate) started_at: LogTime,
    pub(crate) deadline: LogTime,
    /// Until when a breach may be taken back, included.
    pub(crate) grace_until: LogTime,
    /// The time allowed, and what measures it.
    pub(crate) allowed_ms: i64,
    pub(crate) clockwork: Stopwatch,
    /// What is still to be said, rising.
    pub(crate) levels: Vec<Due>,
    pub(crate) breached: bool,
    /// Broken, and answered since or owed no more: of an answer nothing is said any more, unless it takes the breach
    /// back.
    pub(crate) settled: bool,
    /// The last pauses, oldest first; the last one may last.
    pub(crate) pauses: Vec<Pause>,
    /// How many there were in all, and how long those that are not kept were.
    pub(crate) halted: i32,
    pub(crate) dropped_wall_ms: i64,
    pub(crate) dropped_working_ms: i64,
    /// Version of the policy that set the instants, and of its calendar.
    pub(crate) policy_version: i64,
    pub(crate) calendar: String,
    /// Attempts made and promised, where it counts them.
    pub(crate) done: i64,
    pub(crate) promised: i64,
}

/// Something to be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) level: i32,
    pub(crate) after_ms: i64,
    pub(crate) at: LogTime,
    pub(crate) action: SlaAction,
    pub(crate) to: Vec<String>,
}

/// Whose clock it is.
#[derive(Clone, Copy)]
pub(crate) struct Whose<'a> {
    pub(crate) owing: Owing<'a>,
    pub(crate) turn: i32,
    pub(crate) stage: &'a str,
}

impl Running {
    /// A clock that starts at `at` with a promise.
    pub(crate) fn start(policy: &Policy, clock: Clock, whose: Whose<'_>, promise: Promise, at: LogTime) -> Self {
        let deadline = LogTime::from_millis(promise.deadline);
        let due = |level: baton_policy::Level| Due {
            level: level.level,
            after_ms: level.after_ms,
            at: LogTime::from_millis(level.at),
            action: level.action,
            to: level.to,
        };
        let counts = if clock == Clock::Cadence { policy.sla.cadence.as_ref() } else { None };
        Self {
            clock,
            owner: whose.owing.owner.map(str::to_owned),
            turn: whose.turn,
            pool: whose.owing.pool.to_owned(),
            told: whose.owing.told.cloned(),
            stage: whose.stage.to_owned(),
            started_at: at,
            deadline,
            grace_until: grace(policy, deadline),
            allowed_ms: promise.allowed_ms,
            clockwork: promise.clockwork,
            levels: promise.levels.into_iter().map(due).collect(),
            breached: false,
            settled: false,
            pauses: Vec::new(),
            halted: 0,
            dropped_wall_ms: 0,
            dropped_working_ms: 0,
            policy_version: policy.version,
            calendar: policy.hours_for(clock, whose.owing).version(),
            done: 0,
            promised: counts.map_or(0, |cadence| cadence.touches),
        }
    }

    /// When it has something to say next; never while it stands still.
    pub(crate) fn next_due(&self) -> Option<LogTime> {
        if self.is_halted() { None } else { self.levels.first().map(|due| due.at) }
    }

    pub(crate) fn is_halted(&self) -> bool {
        self.clockwork.is_halted()
    }

    /// Whether something at `occurred_at` can answer this clock at all.
    pub(crate) fn concerns(&self, occurred_at: Millis) -> bool {
        occurred_at >= self.started_at.millis()
    }

    /// Whether something at `occurred_at` is in time. While it stands still everything is.
    pub(crate) fn in_time(&self, occurred_at: Millis) -> bool {
        self.is_halted() && !self.breached || occurred_at <= self.deadline.millis()
    }

    /// Whether a breach can still be taken back at `at`.
    pub(crate) fn can_be_taken_back(&self, at: LogTime) -> bool {
        at <= self.grace_until
    }

    /// Broken and owed no more: it says nothing but that the breach is taken back.
    pub(crate) fn let_go(&mut self, policy: &Policy, at: LogTime) {
        self.levels.clear();
        self.settled = true;
        if self.is_halted() {
            self.resume(policy, at);
        }
    }

    /// The clock stands still from `at` on.
    pub(crate) fn halt(&mut self, policy: &Policy, at: LogTime, cause: &str, event_id: &str) {
        let hours = self.hours(policy);
        if self.pauses.len() == PAUSES {
            let oldest = self.pauses.remove(0);
            let until = oldest.until.unwrap_or(at).millis();
            self.dropped_wall_ms += until.since(oldest.from.millis());
            self.dropped_working_ms += hours.between(oldest.from.millis(), until);
        }
        self.clockwork.halt(&hours, at.millis());
        self.halted = self.halted.saturating_add(1);
        self.pauses.push(Pause { from: at, until: None, cause: cause.to_owned(), event_id: event_id.to_owned() });
    }

    /// The clock goes on at `at` with what was left of its time.
    pub(crate) fn resume(&mut self, policy: &Policy, at: LogTime) {
        if let Some(pause) = self.pauses.last_mut() {
            pause.until = Some(at);
        }
        self.clockwork.resume(at.millis());
        let hours = self.hours(policy);
        let after = |ms: i64| LogTime::from_millis(self.clockwork.reaches(&hours, ms));
        let deadline = if self.breached { self.deadline } else { after(self.allowed_ms) };
        let levels: Vec<LogTime> = self.levels.iter().map(|due| after(due.after_ms)).collect();
        for (due, at) in self.levels.iter_mut().zip(levels) {
            due.at = at;
        }
        self.deadline = deadline;
        self.grace_until = grace(policy, deadline);
    }

    /// Working milliseconds from the start to `until`, pauses left out.
    pub(crate) fn working_ms(&self, hours: &Hours<'_>, until: Millis) -> i64 {
        let all = hours.between(self.started_at.millis(), until);
        let halted: i64 = self.stretches(until).map(|(from, to)| hours.between(from, to)).sum();
        (all - halted - self.dropped_working_ms).max(0)
    }

    /// Wall-clock milliseconds for which it stood still before `until`.
    pub(crate) fn paused_ms(&self, until: Millis) -> i64 {
        self.dropped_wall_ms + self.stretches(until).map(|(from, to)| to.since(from)).sum::<i64>()
    }

    /// The pauses that are kept, as far as they lie before `until`.
    fn stretches(&self, until: Millis) -> impl Iterator<Item = (Millis, Millis)> + '_ {
        let stretch = move |pause: &Pause| {
            let to = pause.until.map_or(until, |end| end.millis().min(until));
            (pause.from.millis(), to)
        };
        self.pauses.iter().map(stretch).filter(|(from, to)| from < to)
    }

    /// The hours in which it counts working time.
    pub(crate) fn hours<'a>(&self, policy: &'a Policy) -> Hours<'a> {
        let owing = Owing { owner: self.owner.as_deref(), pool: &self.pool, told: self.told.as_ref() };
        policy.hours_for(self.clock, owing)
    }
}

fn grace(policy: &Policy, deadline: LogTime) -> LogTime {
    LogTime::from_millis(deadline.millis().plus(policy.sla.grace_ms))
}
