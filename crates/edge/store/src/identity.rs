//! Whose rows a directory holds, and what opening it found.
//!
//! Holds: rows are only ever read back under the identity that wrote them.

/// Whose rows these are. All four must be those that wrote the directory, or it is wiped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The stage, for example `score`; also the name of a directory.
    pub stage: String,
    /// The partition.
    pub lane: i32,
    /// Topic prefix and cluster id: the same stage and lane of another log are other rows.
    pub application: String,
    /// Version of the rows' own bytes. An older one on disk is wiped, a newer one refused.
    pub format: u8,
}

/// What opening a lane's directory found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a wiped store has to be counted and restored"]
pub enum Opened {
    /// Nothing was there.
    Fresh,
    /// The rows of an earlier run.
    Loaded {
        /// How many rows.
        rows: usize,
        /// The changelog offset they contain everything below.
        position: i64,
        /// How many frames were read.
        frames: u64,
        /// Bytes of a torn or damaged tail that were cut off.
        torn_bytes: u64,
    },
    /// Something was there that cannot be trusted; the store starts empty.
    Wiped {
        /// Why.
        cause: Cause,
    },
}

/// Why a directory was wiped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// There are segments but no manifest.
    #[error("the manifest is missing")]
    ManifestMissing,
    /// The manifest's magic, checksum or shape is wrong.
    #[error("the manifest is damaged")]
    ManifestDamaged,
    /// The rows are those of another lane, stage or application.
    #[error("the rows belong to lane {lane} of {stage} in {application}")]
    Foreign {
        /// Their stage.
        stage: String,
        /// Their lane.
        lane: i32,
        /// Their application.
        application: String,
    },
    /// The store's layout is older than this release reads.
    #[error("the store's layout {found} is too old")]
    OldLayout {
        /// The version on disk.
        found: u8,
    },
    /// The rows' format is older than this release writes.
    #[error("the rows' format {found} is too old")]
    OldFormat {
        /// The version on disk.
        found: u8,
    },
    /// A segment is missing, or damaged where it was known to be whole.
    #[error("segment {segment} is damaged")]
    SegmentDamaged {
        /// Which.
        segment: u64,
    },
}
