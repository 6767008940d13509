//! Why an event goes to the dead-letter topic.
//!
//! Holds: the detail names a field and never repeats what the field held.

use baton_domain::Reason;

use crate::limits::clip;

/// An event that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Which of the closed list of reasons.
    pub reason: Reason,
    /// Which field and what about it, for people: at most 200 bytes, without personal data.
    pub detail: String,
}

impl Rejected {
    /// Longest detail, in bytes: fits a record header with room to spare.
    const MAX_DETAIL: usize = 200;

    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        clip(&mut detail, Self::MAX_DETAIL);
        Self { reason, detail }
    }

    pub(crate) fn missing(field: &str) -> Self {
        Self::new(Reason::MissingField, format!("{field} is missing"))
    }

    pub(crate) fn wrong_type(field: &str, expected: &str) -> Self {
        Self::new(Reason::WrongType, format!("{field} is not {expected}"))
    }

    pub(crate) fn unknown(field: &str) -> Self {
        Self::new(Reason::UnknownKind, format!("{field} is not one of the known values"))
    }
}
