//! Checks of the repository that no compiler makes: `cargo test -p baton-tidy`.
//!
//! Holds: a check looks only at the text it is given, names file and line of what it finds, and has
//! a test in which it finds a fault that was planted. `tests/repository.rs` gives each the real text.
//!
//! Absent on purpose: what rustfmt and clippy say already, and any repair.

pub mod bad_input;
pub mod cargo;
pub mod commands;
pub mod documents;
pub mod edges;
mod fault;
pub mod links;
mod markdown;
pub mod places;
pub mod schemas;
pub mod sizes;
pub mod sources;
mod tree;

pub use fault::Fault;
pub use tree::Tree;
