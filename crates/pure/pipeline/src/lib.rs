//! The five consumers between bytes and nouns: topics, decoding, state rows, encoding, envelopes.
//!
//! Holds: a record that one consumer writes, the next one reads; what cannot be read goes to the
//! dead letters with a reason; the time that a lane has reached is told to every lane downstream.
//!
//! Absent on purpose: rules (the stage crates'), transactions (the engine's), the broker.

mod aggregate;
mod census;
mod codec;
mod consumer;
mod envelope;
mod figures;
mod identify;
mod inbound;
mod keyed;
mod noun;
mod publication;
mod roster;
mod route;
mod rows;
mod rules;
mod score;
mod topics;
mod watch;

pub use baton_watch::Standing;
pub use census::{Census, Pool, Waiting};
pub use codec::{Codec, NoRegistry, Schemas};
pub use consumer::Consumer;
pub use figures::{Figure, Meter, Promise, Source as LeadSource};
pub use identify::Pace;
pub use noun::{Kind, Nouns};
pub use publication::publication;
pub use rules::checksum;
pub use topics::{Cleanup, Source, Topic, Topology};
