//! Counts what each lead does: the second consumer, `lead.events` to `engagement.aggregate`.
//!
//! Holds: every event of the log but a tick gives exactly one update, in the
//! log's order; the windows do not depend on the order in which the activities
//! arrived. A window ends at the log time of the event, so a late event never
//! moves it back. An activity taken back leaves the windows as if it had never
//! been, as long as it is among the lead's newest [`KEPT`].
//!
//! Absent on purpose: points, rules, and any judgement of what is worth
//! something. Bots and what sales did pass through without being counted.

mod state;
mod step;
mod sum;
#[cfg(test)]
mod tests;

pub use state::{KEPT, State};
pub use step::Aggregate;
