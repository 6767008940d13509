//! Decides how good and how warm each lead is, and when sales should take over:
//! the third consumer, `engagement.aggregate` to `lead.score`, `lifecycle.changed`,
//! `lead.qualified` and what stands beside them.
//!
//! Holds: a receipt sums to its score exactly; the score at an instant does not
//! depend on the order in which the activities arrived; an episode has at most
//! one handoff; a lead that is ruled out or must not be contacted has none; the
//! passing of time hands nobody off but on the date that sales was promised.
//!
//! Absent on purpose: desks, reps and promises (the stages behind), floats.
//!
//! Beside the anatomy of every stage (`step`, `state`): `decay` halves points,
//! `marks` keeps what earned them, `facts` what is known, `reckon` adds them up,
//! `criteria` answers questions, `lifecycle` is the table of moves, `moves` makes
//! them, `episode` remembers how they ended, `sales` hears the CRM, `due` the
//! calendar, `decide` applies one event, `trigger` says which inputs made the
//! difference.

mod criteria;
mod decay;
mod decide;
mod due;
mod episode;
mod facts;
mod lifecycle;
mod marks;
mod moves;
mod reckon;
mod sales;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod trigger;

pub use state::State;
pub use step::{Request, Said, Score};
