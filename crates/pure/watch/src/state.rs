//! What the watchdog remembers of a lead: its last handoff and the clocks on it, and when the person opted in.
//!
//! Holds: at most one clock of each kind and stage is owed; one that broke and ended with its owner or its handoff is
//! kept no longer than its grace and the owner after; the instants of a clock are moved by pauses only; every
//! list is bounded.
//!
//! Absent on purpose: touches. One before the handoff answers nothing, and one
//! after it is judged when it comes.

use baton_domain::{Clock, DeskHours, LogTime, Millis, Points, Stage};
use serde::{Deserialize, Serialize};

use crate::running::Running;

/// The watchdog's memory of one lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Kept after its clocks ended, so that the same handoff heard twice starts nothing twice.
    pub(crate) handoff: Handoff,
    /// Clocks that run or stand still, or that broke and may be taken back.
    pub(crate) clocks: Vec<Running>,
    /// Why the owner's clocks stand still: a status, a date, or both.
    pub(crate) halts: Vec<Halt>,
    /// The stage that the lead has reached since the handoff.
    pub(crate) stage: Option<Stage>,
    /// When sales wanted the lead back.
    pub(crate) check_in: Option<CheckIn>,
    /// When the lead or its desk last did something.
    pub(crate) last_activity: Option<Millis>,
    /// When the person last opted in to every channel. The last of the row and left out where they did not, as in rows
    /// of before opt-ins were remembered.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "to_the_end")]
    pub(crate) opted_in: Option<Millis>,
}

/// What stands at the end of a row; nothing where the row ends before it.
#[expect(clippy::unnecessary_wraps, reason = "serde asks for a result")]
fn to_the_end<'de, D: serde::Deserializer<'de>>(row: D) -> Result<Option<Millis>, D::Error> {
    Ok(Option::deserialize(row).unwrap_or(None))
}

/// Who owes an answer for what; without an id, nobody yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own, and any of them may stand")]
pub(crate) struct Handoff {
    pub(crate) id: String,
    pub(crate) episode: i32,
    pub(crate) lane: String,
    pub(crate) owner: Option<String>,
    pub(crate) pool: String,
    /// Which owner of this handoff, or wait for one, from 1: each gets clocks of their own.
    pub(crate) turn: i32,
    /// When the lead became ready.
    pub(crate) qualified_at: LogTime,
    /// When the event that made it so happened.
    pub(crate) occurred_at: Millis,
    /// When it first got an owner.
    pub(crate) assigned_at: Option<LogTime>,
    /// Whether the attempts of this handoff have been counted or are.
    pub(crate) tried: bool,
    /// Whether a verdict has been owed in this turn.
    pub(crate) reached: bool,
    /// Nobody owes this handoff anything any more.
    pub(crate) over: bool,
    /// In whose hours its owner's promises count, where the router told.
    pub(crate) hours: Option<DeskHours>,
    /// Whether a first touch has been owed, where all owners owe the same.
    pub(crate) owed: bool,
    /// The lead's score when it became ready, and as told last.
    pub(crate) score_then: Option<Points>,
    pub(crate) score_now: Option<Points>,
    /// When it last changed lanes while nobody had it: a first touch that all owners owe counts from then.
    pub(crate) laned_at: Option<LogTime>,
}

/// A reason for which the owner's clocks stand still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Halt {
    /// A status, or the code of the verdict that named a date.
    pub(crate) cause: String,
    pub(crate) event_id: String,
    /// The date; without one the halt ends with the status.
    pub(crate) until: Option<LogTime>,
}

/// A date on which sales wanted the lead back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckIn {
    pub(crate) at: LogTime,
    pub(crate) event_id: String,
}

/// A promise that is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed<'a> {
    /// Of which clock.
    pub clock: Clock,
    /// Urgency; of a stage's age the stage.
    pub lane: &'a str,
    /// How it stands.
    pub standing: Standing,
    /// When it is due, as things stand.
    pub deadline: LogTime,
}

/// How a promise stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its time runs.
    Running,
    /// Its time stands still.
    Paused,
    /// It broke, and nobody has answered yet.
    Breached,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 3] = [Self::Running, Self::Paused, Self::Breached];

    /// The standing's name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Breached => "breached",
        }
    }
}

impl State {
    /// The memory of a lead that was just handed off.
    pub(crate) fn new(handoff: Handoff) -> Self {
        let (clocks, halts) = (Vec::new(), Vec::new());
        Self { handoff, clocks, halts, stage: None, check_in: None, last_activity: None, opted_in: None }
    }

    /// The memory of a lead of which nothing is known but that the person opted in.
    pub(crate) fn idle(opted_in: Millis) -> Self {
        Self { opted_in: Some(opted_in), ..Self::new(Handoff::default()) }
    }

    /// Whether the lead was never handed off.
    pub(crate) fn is_idle(&self) -> bool {
        self.handoff.id.is_empty()
    }

    /// The next instant at which there is something to say.
    pub(crate) fn next_due(&self) -> Option<LogTime> {
        let levels = self.clocks.iter().filter_map(Running::next_due);
        let dates = self.halts.iter().filter_map(|halt| halt.until);
        levels.chain(dates).chain(self.check_in.as_ref().map(|date| date.at)).min()
    }

    /// The promises that are owed, for who counts them.
    pub fn owed(&self) -> impl Iterator<Item = Owed<'_>> {
        self.clocks.iter().filter(|running| !running.settled).map(|running| Owed {
            clock: running.clock,
            lane: if running.stage.is_empty() { &self.handoff.lane } else { &running.stage },
            standing: match (running.breached, running.is_halted()) {
                (true, _) => Standing::Breached,
                (false, true) => Standing::Paused,
                (false, false) => Standing::Running,
            },
            deadline: running.deadline,
        })
    }

    /// Whether such a clock runs or broke, and is owed.
    pub(crate) fn owes(&self, clock: Clock) -> bool {
        self.clocks.iter().any(|running| running.clock == clock && !running.settled)
    }
}
