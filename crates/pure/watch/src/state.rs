//! What the watchdog remembers of a lead: its last handoff and the clocks on it.
//!
//! Holds: at most one clock of each kind; the instants of a clock never move.
//!
//! Absent on purpose: touches. One before the handoff answers nothing, and one
//! after it is judged when it comes.

use baton_domain::{Clock, LogTime, Millis};
use baton_policy::{Policy, Target};
use serde::{Deserialize, Serialize};

/// The watchdog's memory of one lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Kept after its clocks ended, so that the same handoff heard twice starts nothing twice.
    pub(crate) handoff: Handoff,
    /// Clocks that run, or that broke and may be taken back.
    pub(crate) clocks: Vec<Running>,
}

/// Who owes an answer for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handoff {
    pub(crate) id: String,
    pub(crate) episode: i32,
    pub(crate) lane: String,
    pub(crate) owner: Option<String>,
    pub(crate) pool: String,
    /// Which owner of this handoff, from 1: each gets clocks of their own.
    pub(crate) turn: i32,
}

/// One clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) clock: Clock,
    pub(crate) started_at: LogTime,
    pub(crate) deadline: LogTime,
    /// Until when a breach may be taken back, included.
    pub(crate) grace_until: LogTime,
    /// Warnings still to come, rising.
    pub(crate) warnings: Vec<Warning>,
    pub(crate) breached: bool,
    /// Version of the policy that set the instants.
    pub(crate) policy_version: i64,
}

/// A warning to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Warning {
    /// Percent of the time used.
    pub(crate) level: i32,
    pub(crate) at: LogTime,
}

impl State {
    /// The clocks that the policy sets on this handoff from `at`; none while nobody owns it.
    pub(crate) fn started(policy: &Policy, handoff: Handoff, at: LogTime) -> Self {
        let owner = handoff.owner.as_deref();
        let target = |clock| owner.and_then(|_| policy.target(clock, &handoff.lane)).map(|target| (clock, target));
        let targets = [Clock::Accept, Clock::FirstTouch].into_iter().filter_map(target);
        let clocks = targets.map(|(clock, target)| Running::start(policy, owner, clock, target, at)).collect();
        Self { handoff, clocks }
    }

    /// The next instant at which a running clock has something to say.
    pub(crate) fn next_due(&self) -> Option<LogTime> {
        let running = self.clocks.iter().filter(|running| !running.breached);
        running.map(|running| running.warnings.first().map_or(running.deadline, |warning| warning.at)).min()
    }
}

impl Running {
    fn start(policy: &Policy, owner: Option<&str>, clock: Clock, target: Target, at: LogTime) -> Self {
        let after = |ms: i64| {
            let start = at.millis();
            let working = if target.business_hours { policy.calendar_of(owner).add(start, ms) } else { None };
            // A desk that stays closed for good still owes an answer: then the wall clock counts.
            LogTime::from_millis(working.unwrap_or_else(|| start.plus(ms)))
        };
        let percents = policy.sla.warn_percent.iter().filter_map(|percent| i32::try_from(*percent).ok());
        // The hundredth percent is the breach itself.
        let warnings = percents.filter(|level| (1..100).contains(level)).map(|level| {
            // Whole hundreds first: a long promise times a percentage must not overflow.
            let (hundreds, rest) = (target.within_ms / 100, target.within_ms % 100);
            Warning { level, at: after(hundreds * i64::from(level) + rest * i64::from(level) / 100) }
        });
        let deadline = after(target.within_ms);
        Self {
            clock,
            started_at: at,
            deadline,
            grace_until: LogTime::from_millis(deadline.millis().plus(policy.sla.grace_ms)),
            warnings: warnings.collect(),
            breached: false,
            policy_version: policy.version,
        }
    }

    /// Whether something at `occurred_at` can answer this clock at all.
    pub(crate) fn concerns(&self, occurred_at: Millis) -> bool {
        occurred_at >= self.started_at.millis()
    }

    /// Whether something at `occurred_at` is in time.
    pub(crate) fn in_time(&self, occurred_at: Millis) -> bool {
        occurred_at <= self.deadline.millis()
    }
}
