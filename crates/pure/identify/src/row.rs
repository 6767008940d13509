//! What the sequencer remembers, and how it asks for it.
//!
//! Holds: `i/<kind>:<id>` has an [`Row::Id`], `l/<lead>` a [`Row::Lead`], `m/<hash of an event id>` a
//! [`Row::Seen`] or
//! [`Row::Retracted`]. Only rows under `m/` ever expire. No row holds an email address.

use baton_domain::{LeadId, LogTime};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// The rows, as the host keeps them. A `put` is visible to the next `get`.
pub trait Directory {
    /// The row of a key.
    fn get(&self, key: &str) -> Option<Row>;

    /// Sets or deletes a row, and asks for [`crate::wake`] with its key at log time `wake`.
    fn put(&mut self, key: &str, row: Option<Row>, wake: Option<LogTime>);
}

/// One thing remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Row {
    /// An id, and the one lead it belongs to.
    Id {
        /// The lead.
        lead_id: LeadId,
    },
    /// A lead.
    Lead(Known),
    /// An event id that came, so that the same one is not counted again.
    Seen {
        /// Hash of what the event said.
        content: u64,
        /// In whose history it stands; empty for a retraction, which stands in no history of its own.
        lead_id: LeadId,
        /// Whether it was taken back since.
        retracted: bool,
    },
    /// An event id that was taken back before it came, so that it is dropped when it comes.
    Retracted,
}

/// The lead of a [`Row::Seen`] that is a retraction's.
pub(crate) const NOBODY: &str = "";

/// What is known of a lead's ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// When its first event came.
    pub first_seen: LogTime,
    /// How many ids point to it.
    pub ids: u32,
    /// Whether one of them is of the CRM.
    pub crm: bool,
    /// Whether one of them is a logged-in user.
    pub user: bool,
    /// Whether one of them is an email address.
    pub email: bool,
}

impl Known {
    pub(crate) fn new(first_seen: LogTime) -> Self {
        Self { first_seen, ids: 0, crm: false, user: false, email: false }
    }

    pub(crate) fn of(dir: &impl Directory, lead_id: &str) -> Option<Self> {
        match dir.get(&lead_key(lead_id)) {
            Some(Row::Lead(known)) => Some(known),
            _ => None,
        }
    }
}

/// The lead that an id, given as `<kind>:<id>`, points to.
pub(crate) fn holder(dir: &impl Directory, name: &str) -> Option<LeadId> {
    match dir.get(&id_key(name)) {
        Some(Row::Id { lead_id }) => Some(lead_id),
        _ => None,
    }
}

pub(crate) fn id_key(name: &str) -> String {
    format!("i/{name}")
}

pub(crate) fn lead_key(lead_id: &str) -> String {
    format!("l/{lead_id}")
}

/// Hashed, so that a row costs the same however long the source's event ids are.
pub(crate) fn seen_key(event_id: &str) -> String {
    format!("m/{:032x}", xxh3_128(event_id.as_bytes()))
}
