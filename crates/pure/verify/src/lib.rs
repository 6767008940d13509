//! Did the pipeline lose or double anything? Replays the committed input of a consumer through the consumer's
//! own code and compares every output, every row of state and every total with what lies on the log.
//!
//! Holds: nothing is written anywhere; the replay is [`baton_engine::Worker`] over the processors of production;
//! memory is bounded by the state of one lane and a window of records, not by the length of a topic.
//!
//! Absent on purpose: Kafka (behind [`Cluster`]), printing, and the local stores, which are derived from the
//! changelogs that are compared here.

mod account;
mod channel;
mod guide;
mod lane;
mod receipts;
mod replay;
mod side;
mod stage;
mod state;
mod tape;
mod witness;

pub use account::{Account, Balance, Imbalance, Lag};
pub use receipts::Receipts;
pub use stage::{Difference, Kind, LaneReport, Plan, StageReport, Verifier};
pub use tape::{Bounds, Cluster, Entry, Tape, stamp_of};
