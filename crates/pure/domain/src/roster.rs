//! `reps.state` and `roster.events`: who is there to take leads, as told from day to day.
//!
//! Holds: a telling stands for itself: the newest one of a rep replaces the one before, and what it
//! leaves out is as the policy has it.

use serde::{Deserialize, Serialize};

use crate::{Millis, Stamp, Tick};

/// What is so of a rep from here on. Schema `reps.state-value`, keyed by rep.
///
/// A field left out is as the policy has it; for a rep that the policy does not know, the defaults of
/// a policy hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepState {
    /// Who, as the CRM names them.
    pub rep: String,
    /// Name for people.
    pub name: Option<String>,
    /// The pools that the rep serves: these and no others.
    pub pools: Option<Vec<String>>,
    /// Share of a pool's leads beside the other members' weights, from 1.
    pub weight: Option<i64>,
    /// Countries or regions that the rep covers; empty covers all.
    pub territories: Option<Vec<String>>,
    /// What the rep knows.
    pub skills: Option<Vec<String>>,
    /// Languages that the rep speaks; empty speaks all.
    pub languages: Option<Vec<String>>,
    /// Most leads at a time.
    pub open_max: Option<i64>,
    /// Most leads a UTC day.
    pub day_max: Option<i64>,
    /// Most leads a week, from Monday 00:00 UTC.
    pub week_max: Option<i64>,
    /// Working hours: the name of a calendar of the policy.
    pub calendar: Option<String>,
    /// The zone in which those hours are meant for this rep: `Europe/Berlin`.
    pub tz: Option<String>,
    /// Whether the rep takes leads at all.
    pub status: Option<RepStatus>,
    /// Absences, rising, not overlapping.
    pub away: Option<Vec<Absence>>,
    /// No leads before this instant: the rep let too many promises break.
    pub auto_paused_until: Option<Millis>,
}

/// Whether a rep takes leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RepStatus {
    /// Yes.
    #[default]
    Active,
    /// Not now.
    Away,
    /// Never again.
    Gone,
}

/// A stretch without leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Absence {
    /// Its first instant.
    pub from: Millis,
    /// The first instant after it.
    pub to: Millis,
}

/// A telling with its place in log time. Schema `roster.events-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterEvent {
    /// When, by the sequencer.
    pub stamp: Stamp,
    /// What is told.
    pub input: RosterInput,
}

/// What a router hears of the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RosterInput {
    /// Nothing but time.
    Tick(Tick),
    /// A rep's new state.
    Rep(Box<RepState>),
}
