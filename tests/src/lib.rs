//! Acceptance tests.

pub mod leads;

pub use baton_sim::OUTCOMES;
