//! The only host of consumers in production: threads, health, metrics, the schema registry.
//!
//! Holds: one thread a worker, which owns everything it touches; a worker that cannot go on ends the
//! process with a code and a sentence, and leaves nothing half-written.
//!
//! Absent on purpose: decisions. What to do next is the engine's; what it means, the stages'.

mod canary;
mod drive;
mod ends;
#[cfg(feature = "failpoints")]
mod failpoints;
mod health;
mod host;
mod http;
pub mod metrics;
mod registry;
#[cfg(feature = "otel")]
mod spans;
mod wall;

pub use canary::send_canaries;
pub use ends::ask_for_ends;
pub use health::{Board, Known, Seen, Snapshot};
pub use host::{Exit, Hosting, Running, group_of, schemas_of, start};
pub use http::serve;
pub use metrics::Metrics;
pub use registry::{Registry, RegistryError};
#[cfg(feature = "otel")]
pub use spans::Spans;
pub use wall::wall;
