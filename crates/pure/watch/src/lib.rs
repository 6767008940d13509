//! The watchdog: holds everybody to the time in which they promised to act.
//!
//! Holds: a clock ends in at most one of met, breached and cancelled, and only
//! a breach may be taken back; a broken one is answered late at most once; each clock says each level at most once; a
//! deadline is fixed when the clock starts and moved by pauses only; an answer at the deadline is in time.
//!
//! Absent on purpose: acting on a breach (the router and the scorer reckon the same instants and act at
//! them), the system's own delay as a clock that runs out (it is told with every event as `system_ms`), a
//! lead's move into another (clocks follow the lead they were started for), topics and lanes: every stamp
//! says lane 0 until the host that knows the lane writes it in.

mod canary;
mod consent;
mod fire;
mod hear;
mod quota;
mod running;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod voice;

use baton_domain::{LeadEvent, SlaEvent, WatchInput};
use baton_policy::Policy;
use baton_stage::{Input, Stage, Step};

pub use canary::canary;
pub use consent::refuses;
pub use quota::{Delivery, Quota, State as QuotaState};
pub use state::{Owed, Standing, State};

/// The watchdog, for one lead at a time; the key is the lead's id.
///
/// Outcomes of records: `clock_started`, `clock_met`, `answered_late`, `cancelled`, `retracted`, `paused`, `resumed`,
/// `ignored`, `repeated`, `canary` (no clock is kept for it); of wake-ups: `fired`, or `ignored` when nothing was due.
#[derive(Clone, Copy, Debug)]
pub struct Watch;

/// What the watchdog hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something touched the lead.
    Lead(LeadEvent),
    /// The router put the lead on a desk.
    Clock(WatchInput),
}

impl Stage for Watch {
    type Policy = Policy;
    type State = State;
    type Event = Heard;
    type Output = SlaEvent;

    fn step(policy: &Policy, key: &str, state: Option<State>, input: Input<Heard>) -> Step<State, SlaEvent> {
        step::step(policy, key, state, input)
    }
}
