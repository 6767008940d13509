//! The router: gives each qualified lead to a rep.
//!
//! Holds: a lead is on a named desk or waiting, never lost; an episode is
//! assigned at most once; nobody who is away, gone or full for the day gets a
//! lead; while all members of a pool can take leads, each has within one lead
//! of the share that their weight gives, at every moment.
//!
//! Absent on purpose: a rep's answer (the watchdog's), withdrawal of a waiting
//! lead (the router does not hear what the lead does), topics and lanes: every
//! stamp says lane 0 until the host that knows the lane writes it in.

mod state;
mod step;
#[cfg(test)]
mod tests;

use baton_domain::{Assignment, ClockStart, Handoff, Qualifying};
use baton_policy::Policy;
use baton_stage::{Input, Stage, Step};

pub use state::State;

/// The key under which everything is routed: reps serve several pools, so their turns and day
/// counts need one order over all of them.
pub const CAPACITY_DOMAIN: &str = "roster";

/// The router, for one capacity domain at a time.
///
/// Outcomes: `assigned`, `queued`, `repeated`. A wake-up is `assigned` when it placed a lead.
#[derive(Clone, Copy, Debug)]
pub struct Route;

/// What the router says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A lead is on a desk, with all a rep needs.
    Handoff(Box<Handoff>),
    /// Who owns a lead and why; also that nobody can yet.
    Assignment(Assignment),
    /// The watchdog may start the clocks of an owned lead.
    Clock(ClockStart),
}

impl Stage for Route {
    type Policy = Policy;
    type State = State;
    type Event = Qualifying;
    type Output = Said;

    fn step(policy: &Policy, _key: &str, state: Option<State>, input: Input<Qualifying>) -> Step<State, Said> {
        step::step(policy, state, input)
    }
}
