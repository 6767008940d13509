//! Acceptance tests.

pub mod leads;
