//! The first consumer: says whose event it is, and gives every event its place in the one ordered log.
//!
//! Two halves. [`parse`] and [`check`] turn what a source sent into a [`baton_domain::RawEvent`] or a
//! [`Rejected`]. [`step`] finds the lead behind the ids, drops what came before, and stamps the rest.
//!
//! Holds: nothing here panics on any input, and every input has exactly one outcome. An id points to
//! exactly one lead at a time. Stamps rise strictly. An email address is never written to a row or a
//! link: only its hash is, which is a pseudonym and no secret, because addresses can be guessed. An event
//! that was taken back while it is remembered is told to its lead once, whichever of the two came first.
//!
//! Absent on purpose: clocks, topics and stores (the host's), and the moving of history. When a visitor
//! is recognised as a known lead, the device counts for that lead *from then on*; what it did before
//! stays with the lead it was counted for, named in `Linked::previous_lead`. Two leads that both have
//! strong ids are never merged.

mod check;
mod claim;
mod clickstream;
mod date;
mod intake;
mod json;
mod limits;
mod message;
mod rejected;
mod resolve;
mod retract;
mod retraction;
mod row;
mod sales;
mod step;
#[cfg(test)]
mod tests;
mod traits;
mod url;

pub use check::check;
pub use claim::email_id;
pub use intake::parse;
pub use rejected::Rejected;
pub use row::{Directory, Known, Row};
pub use step::{Sequenced, stamp_for, step, wake};
