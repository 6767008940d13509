//! Whose rows a directory holds, for how long they are believed, and what opening it found.
//!
//! Holds: rows are only ever read back under the identity that wrote them.

/// Whose rows these are. All five must be those that wrote the directory, or it is wiped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The stage, for example `score`; also the name of a directory.
    pub stage: String,
    /// The partition.
    pub lane: i32,
    /// Topic prefix and cluster id: the same stage and lane of another log are other rows.
    pub application: String,
    /// The id that the cluster gave the changelog topic: one that was deleted and made anew under the same
    /// name is another log, whose offsets mean something else. Empty where ids are not known.
    pub changelog: String,
    /// Version of the rows' own bytes. An older one on disk is wiped, a newer one refused.
    pub format: u8,
}

/// For how long a checkpoint is believed, and what time it is.
///
/// A changelog is compacted: a week (`delete.retention.ms`) after a row was deleted there, the log may not even
/// say that it was. A store that is older than that would keep the row for ever.
pub struct Trust {
    /// Unix milliseconds.
    pub now: Box<dyn Fn() -> i64 + Send>,
    /// The greatest age of a checkpoint.
    pub most_ms: i64,
}

/// An hour: clocks of hosts differ, and nothing that young can be too old.
pub(crate) const SKEW_MS: i64 = 3_600_000;

impl Trust {
    /// The host's clock, and six days: a day of margin below the week that deletions stay on a changelog.
    pub fn six_days() -> Self {
        let now = || {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        };
        Self { now: Box::new(now), most_ms: 6 * 86_400_000 }
    }

    /// Why a checkpoint of that time is not to be believed.
    pub(crate) fn doubt(&self, at: i64) -> Option<Cause> {
        let age = (self.now)().saturating_sub(at);
        if age > self.most_ms {
            return Some(Cause::TooOld { days: age / 86_400_000 });
        }
        (age < -SKEW_MS).then_some(Cause::FromTheFuture { hours: -age / 3_600_000 })
    }
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
    /// The changelog was deleted and made anew since.
    #[error("the changelog topic was made anew: its id was {was}, now it is {is}")]
    ChangelogReplaced {
        /// The id of the topic that the rows came from.
        was: String,
        /// The id of the topic there is.
        is: String,
    },
    /// Its last checkpoint is so old that the changelog may have forgotten which rows were deleted since.
    #[error("the last checkpoint is {days} days old; deletions older than a week may be gone from the changelog")]
    TooOld {
        /// Whole days.
        days: i64,
    },
    /// Its last checkpoint was left in the future: its age cannot be told.
    #[error("the last checkpoint lies {hours} hours ahead of this host's clock")]
    FromTheFuture {
        /// Whole hours.
        hours: i64,
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
