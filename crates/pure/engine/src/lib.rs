//! The host of the stages, without I/O: lanes, merging, wake-ups, transactions, restore.

mod store;

pub use store::{MemStore, Store, StoreError};
