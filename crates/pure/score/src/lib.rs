//! Decides how good and how warm each lead is, and when sales should take over:
//! the third consumer, `engagement.aggregate` to `lead.score`, `lifecycle.changed`,
//! `lead.qualified` and what stands beside them.
//!
//! Holds: a receipt sums to its score exactly; the score at an instant does not
//! depend on the order in which the activities arrived; an episode has at most
//! one handoff; a lead that is ruled out or must not be contacted has none; the
//! passing of time takes nobody over the line but on the date that sales was promised.
//!
//! Absent on purpose: desks, reps and promises (the stages behind), floats.
//!
//! Beside the anatomy of every stage (`step`, `state`): `decay` halves points,
//! `marks` keeps what earned them and `settled` what is too much to be kept one by one,
//! `reach` says what reaches a window, `raise` who asks for sales, `facts` what is known, `reckon` adds them up,
//! `cool` finds when they are too few, `criteria` answers questions, `lifecycle`
//! is the table of moves, `moves` makes them, `episode` remembers how they ended,
//! `sales` hears the CRM, `due` the calendar, `decide` applies one event, `hold`
//! has a lead wait between the line and the handoff, `line` remembers the line of an earlier policy, `trigger` says which inputs
//! made the difference, `ruled` whom a rule keeps from sales, `retract` takes one back, `alert` says what sales hears
//! afterwards, `canary` passes one on, `recompute` checks a receipt, `picture` shows a lead to people.

mod alert;
mod canary;
mod cool;
mod criteria;
mod decay;
mod decide;
mod due;
mod episode;
mod facts;
mod hold;
mod lifecycle;
mod line;
mod marks;
mod moves;
mod picture;
mod raise;
mod reach;
mod reckon;
mod recompute;
mod retract;
mod ruled;
mod sales;
mod settled;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod trigger;

pub use picture::{Picture, Rest, picture};
pub use recompute::{Recount, recompute};
pub use state::State;
pub use step::{Request, Said, Score};
