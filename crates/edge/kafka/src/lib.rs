//! Kafka behind the engine's [`baton_engine::Log`] port, and the admin calls of the operator tools.
//!
//! The only crate that names rdkafka. `raw` is the only module that calls librdkafka directly.

mod admin;
mod batches;
mod ends;
mod faults;
mod log;
mod place;
mod profile;
#[allow(
    unsafe_code,
    reason = "calls librdkafka: produce, commit and consume cost a third of the safe calls, and \
                               the safe flush waits 100 ms a transaction; every block says why it is sound"
)]
mod raw;
mod signals;

pub use admin::{Admin, AdminError, TopicConfig, TopicState};
pub use batches::{Batches, Outgoing};
pub use ends::{End, Ends};
pub use log::KafkaLog;
pub use profile::{Cluster, SettingError};
pub use raw::{headers_of, passes_over_leader_hints};
pub use rdkafka;
