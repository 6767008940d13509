//! The router: gives each qualified lead to a rep.
//!
//! Holds: a lead with an open episode is on a named desk or waiting, never lost; an episode has one
//! desk at a time, and none twice but by somebody's word; by itself the router gives nobody a lead who
//! is away, gone, paused or full; while all members of a pool can take leads, each has within one lead
//! of the share that their weight gives, at every moment.
//!
//! Unlike the other stages it steps over several rows at once, as the sequencer does: a rep serves
//! several pools, a lead knows its company, so one input moves more than one key.
//!
//! Absent on purpose: a rep's answer (the watchdog's), consent (the scorer opens no episode without),
//! topics and lanes: every stamp says lane 0 until the host that knows the lane writes it in.

mod account;
mod alert;
mod choose;
mod facts;
mod floor;
mod hear;
mod pause;
mod promises;
mod queue;
mod rise;
mod row;
mod say;
mod serve;
mod silent;
mod step;
#[cfg(test)]
mod tests;
mod trim;
mod turns;

pub use promises::{Pending, Promises, Step};
pub use row::{
    Account, Bucket, Desk, Directory, Lead, Load, News, Place, Risen, Room, Row, Standing, Turn, Waiting, Wants,
};
pub use say::Said;
pub use step::{Answer, Heard, step, waiting, wake};

/// The key under which everything is routed: reps serve several pools, so their turns and counts need
/// one order over all of them.
pub const CAPACITY_DOMAIN: &str = "roster";
