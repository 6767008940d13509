//! What can stop a store: each says which operation, where, and what the system answered.
//!
//! Holds: nothing here means lost data. Damage is not an error: it is a [`crate::Cause`] to
//! start empty.

use std::io;
use std::path::{Path, PathBuf};

use baton_engine::StoreError;

/// The store cannot be opened or written. Crash, put the cause right, restart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process, or another lane of this one, has the directory open.
    #[error("{} is in use by another process; give each its own instance name and state_dir", path.display())]
    Locked {
        /// The lane's directory.
        path: PathBuf,
    },
    /// A newer release wrote the directory. Run that release again, or remove the directory.
    #[error(
        "{} was written by a newer release: {what} {found}, this release knows {known}; run that release again, or \
         remove the directory to rebuild it from the changelog",
        path.display()
    )]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Which format: the store's layout or the rows' own.
        what: &'static str,
        /// The version on disk.
        found: u8,
        /// The newest version this release reads.
        known: u8,
    },
    /// The stage's name cannot be the name of a directory.
    #[error("{stage:?} cannot name a directory")]
    Stage {
        /// The name.
        stage: String,
    },
    /// One frame holds more than 4 GiB.
    #[error("a frame of {bytes} bytes does not fit into {}", path.display())]
    Frame {
        /// The segment.
        path: PathBuf,
        /// Length of the frame.
        bytes: usize,
    },
    /// The operating system refused.
    #[error("could not {doing} {}", path.display())]
    Io {
        /// The operation, as a verb.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Its answer.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: what was being done, and to which path.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

impl From<Error> for StoreError {
    /// The engine's error has no source, so the cause joins the sentence.
    fn from(error: Error) -> Self {
        match std::error::Error::source(&error) {
            Some(source) => Self(format!("{error}: {source}{}", way_out(source))),
            None => Self(error.to_string()),
        }
    }
}

/// What an operator can do about it. Whatever it was: the log has everything, so a restart loses nothing.
fn way_out(source: &(dyn std::error::Error + 'static)) -> &'static str {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match source.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(StorageFull | QuotaExceeded) => "; make room there and start again, nothing is lost",
        Some(PermissionDenied | ReadOnlyFilesystem) => "; make it writable for this user, or set another state_dir",
        _ => "; repair the disk or set another state_dir, and start again: nothing is lost",
    }
}
