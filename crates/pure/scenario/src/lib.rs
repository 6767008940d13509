//! Scenarios: what sources send, what time passes, and what must have come of it by when.
//!
//! A scenario is a YAML file that whoever owns the policy can read. [`parse`] checks it whole,
//! [`Script`] holds the JSON lines that sources would have sent, any host takes them in, and
//! [`judge`] compares what came out with what was expected.
//!
//! Holds: a scenario gives the same lines on every host, and a verdict depends on the records
//! alone; a record counts for an expectation when its log time is not after the expectation's.
//!
//! Absent on purpose: files, hosts that need an engine (the simulator's and Kafka's are theirs), any
//! knowledge of a topic's type beyond its JSON in the judge. [`bare`] is the host that needs nothing.

mod alone;
pub mod bare;
mod judge;
mod ledger;
mod lines;
mod matching;
mod model;
mod read;
mod script;
mod seen;
#[cfg(test)]
mod tests;

pub use alone::{Alone, Record};
pub use baton_identify::email_id;
pub use judge::{Difference, judge};
pub use lines::is_of_rep;
pub use model::{Act, Change, Check, Expect, Publish, Scenario, Step, Want, WantKind};
pub use read::parse;
pub use script::{Line, Publication, Script};
pub use seen::Seen;
