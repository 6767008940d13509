//! The closed list of reasons for which a record goes to the dead-letter topic.

use core::fmt;

/// Why a record could not be used. Documented in `docs/DEAD_LETTERS.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Not JSON, not UTF-8, or not Avro of the schema it claims.
    Decode,
    /// Its schema id is not known to the registry, or its fingerprint not to us.
    UnknownSchema,
    /// Its schema cannot be read as ours.
    IncompatibleSchema,
    /// Larger or deeper than the limits.
    Limits,
    /// A required field is absent.
    MissingField,
    /// A field has the wrong type.
    WrongType,
    /// No id to tell whose event it is.
    MissingId,
    /// Its `type` or kind is not one that Baton reads.
    UnknownKind,
    /// A date that cannot be read, or is not in milliseconds.
    BadTime,
    /// A number that is not finite.
    NotFinite,
    /// The same event id came before with another content.
    IdConflict,
    /// A key is absent where the topic needs one.
    NullKey,
    /// Its key is not that of what it says, or it lies on another partition than its key's.
    Misrouted,
    /// What it leads to is larger than a record may be.
    TooLarge,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::Decode,
        Self::UnknownSchema,
        Self::IncompatibleSchema,
        Self::Limits,
        Self::MissingField,
        Self::WrongType,
        Self::MissingId,
        Self::UnknownKind,
        Self::BadTime,
        Self::NotFinite,
        Self::IdConflict,
        Self::NullKey,
        Self::Misrouted,
        Self::TooLarge,
    ];

    /// The reason's name in the `x-dlq-reason` header, the ledger and the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::UnknownSchema => "unknown_schema",
            Self::IncompatibleSchema => "incompatible_schema",
            Self::Limits => "limits",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::MissingId => "missing_id",
            Self::UnknownKind => "unknown_kind",
            Self::BadTime => "bad_time",
            Self::NotFinite => "not_finite",
            Self::IdConflict => "id_conflict",
            Self::NullKey => "null_key",
            Self::Misrouted => "misrouted",
            Self::TooLarge => "too_large",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
