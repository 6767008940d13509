//! The store of one lane.
//!
//! Holds: the map is the log, plus what was committed since its last frame, plus the open commit; after a failed
//! write nothing more is written, so the log never says less than its last good frame.
//!
//! A row that changes often is written once a frame. Until there is a position the frame would be of no use: from
//! the last position on, the changelog is read again in any case.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::{Component, Path, PathBuf};

use baton_engine::{Store, StoreError};

use crate::chain::Chain;
use crate::compact::{self, Compaction};
use crate::frame::{Checkpoint, Draft};
use crate::identity::SKEW_MS;
use crate::load::{self, Loaded};
use crate::rows::Rows;
use crate::{Error, Identity, Opened, Trust};

/// The rows of one lane, in memory, over a log in a directory of their own.
///
/// A frame is handed to the operating system with a position, with 4 MiB of changed rows, and on closing. It is made
/// sure of on the disk only with a position, at the end of a segment, and on closing: the changelog has the rest.
///
/// Memory is the limit: about 70 B a row on top of its key and value.
pub struct MemLog {
    rows: Rows,
    checkpoint: Checkpoint,
    trust: Trust,
    draft: Draft,
    /// Whether rows were set since the last commit.
    is_open: bool,
    compaction: Option<Compaction>,
    limits: Limits,
    /// Why nothing more may be written.
    failed: Option<String>,
    pub(crate) chain: Chain,
    /// Locked for as long as it is open, and declared last so that it is closed last.
    _lock: File,
}

/// How much there is, for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub rows: usize,
    /// Bytes that these rows take in a log without dead ones.
    pub live_bytes: u64,
    /// Bytes of the log on the disk. A compaction needs up to `live_bytes` more, and what it has
    /// replaced is deleted over the commits that follow.
    pub log_bytes: u64,
}

/// When to begin a new segment and when to compact, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A segment ends with the frame that reaches this.
    pub(crate) segment: u64,
    /// A log up to this long is never compacted.
    pub(crate) compaction: u64,
    /// What a compaction writes after a commit, at least.
    pub(crate) slice: u64,
    /// How much may have changed before it is written without a position.
    pub(crate) frame: u64,
}

impl Limits {
    /// 64 MiB a segment: few enough files for gigabytes, and a sync that ends one takes well below a second.
    /// 8 MiB: reading that much back takes some twenty milliseconds, not worth saving.
    /// 1 MiB a slice: two to five milliseconds, about what committing the transaction itself takes.
    /// 4 MiB a frame: some ten milliseconds, and rows that change often are written once in seconds.
    pub(crate) const DEFAULT: Self = Self { segment: 64 << 20, compaction: 8 << 20, slice: 1 << 20, frame: 4 << 20 };
}

impl MemLog {
    /// Opens the store of `identity` below the state directory, in `<state_dir>/<stage>/<lane>/`,
    /// and locks it. Whatever cannot be trusted there is deleted.
    ///
    /// # Errors
    /// When it is in use, was written by a newer release, or cannot be read or written.
    pub fn open(state_dir: &Path, identity: &Identity, trust: Trust) -> Result<(Self, Opened), Error> {
        Self::open_with(state_dir, identity, trust, Limits::DEFAULT)
    }

    pub(crate) fn open_with(
        state_dir: &Path,
        identity: &Identity,
        trust: Trust,
        limits: Limits,
    ) -> Result<(Self, Opened), Error> {
        let dir = directory(state_dir, identity)?;
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        let lock = lock(&dir)?;
        let Loaded { chain, rows, checkpoint, opened } = load::load(&dir, identity, &trust)?;
        let (draft, compaction, failed) = (Draft::new(), None, None);
        let (mut rows, is_open) = (rows, false);
        // What was read from the log is no news to it.
        rows.tell(|_, _| ());
        let store = Self { rows, checkpoint, trust, draft, is_open, compaction, limits, failed, chain, _lock: lock };
        Ok((store, opened))
    }

    /// Makes sure on the disk of everything that was committed and unlocks the directory. With an open commit the
    /// last frame counts instead.
    ///
    /// Dropping the store does the same, but can only log what goes wrong.
    ///
    /// # Errors
    /// When the disk fails; also when an earlier write had failed.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.guarded(Self::end)
    }

    /// How much there is.
    pub fn size(&self) -> Size {
        Size { rows: self.rows.len(), live_bytes: self.rows.bytes(), log_bytes: self.chain.length() }
    }

    /// Writes, unless an earlier write failed: after that nobody can tell what the file holds, and
    /// a second sync may report success for pages that the first one lost.
    fn guarded(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), StoreError> {
        if let Some(reason) = &self.failed {
            return Err(StoreError(reason.clone()));
        }
        write(self).map_err(|error| {
            let error = StoreError::from(error);
            self.failed = Some(error.0.clone());
            error
        })
    }

    /// The last frame, when nothing is open.
    fn end(&mut self) -> Result<(), Error> {
        if !self.is_open {
            self.write_frame(None)?;
        }
        self.chain.sync()
    }

    fn end_commit(&mut self, position: Option<i64>) -> Result<(), Error> {
        self.is_open = false;
        let risen = position.and_then(|position| self.next_checkpoint(position));
        let is_due = position.is_some() || self.rows.untold() >= self.limits.frame;
        let written = if is_due { self.write_frame(risen)? } else { 0 };
        if position.is_some() {
            self.chain.sync()?;
        }
        if self.chain.active.length >= self.limits.segment {
            self.chain.roll()?;
        }
        self.chain.tidy()?;
        self.compact(written)
    }

    /// Writes what has changed since the last frame. Returns its bytes.
    fn write_frame(&mut self, checkpoint: Option<Checkpoint>) -> Result<u64, Error> {
        let Self { rows, draft, .. } = self;
        draft.reserve(rows.untold());
        rows.tell(|key, value| draft.push(key, value));
        let bytes = self.draft.len() as u64;
        if !self.draft.is_empty() || checkpoint.is_some() {
            self.chain.append(&mut self.draft, checkpoint)?;
            self.draft.clear();
            self.checkpoint = checkpoint.unwrap_or(self.checkpoint);
        }
        Ok(bytes)
    }

    /// The checkpoint to write for a position: a greater one, or word that the last is as good as new.
    fn next_checkpoint(&self, position: i64) -> Option<Checkpoint> {
        let at = (self.trust.now)();
        let Checkpoint { position: before, at: when } = self.checkpoint;
        let says_more = position > before || (position == before && position > 0 && at.saturating_sub(when) > SKEW_MS);
        says_more.then_some(Checkpoint { position, at })
    }

    /// Begins a compaction or carries it on, after a frame of `written` bytes.
    fn compact(&mut self, written: u64) -> Result<(), Error> {
        let mut compaction = match self.compaction.take() {
            Some(compaction) => compaction,
            None if compact::is_due(&self.chain, &self.rows, self.limits) => {
                Compaction::start(&mut self.chain, self.checkpoint)?
            }
            None => return Ok(()),
        };
        // Never less than the frame: or large frames could add to the log faster than the base grows.
        compaction.advance(&self.rows, self.limits.slice.max(written))?;
        if compaction.is_complete() {
            // The base has rows that no frame has yet: without one the log would be of two times.
            self.write_frame(None)?;
            compaction.finish(&mut self.chain)?;
        } else {
            self.compaction = Some(compaction);
        }
        Ok(())
    }
}

impl Store for MemLog {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.rows.get(key)
    }

    fn warm(&self, keys: &[&[u8]]) {
        self.rows.warm(keys);
    }

    fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        // A changelog read again mostly says what is known: nothing to write then.
        self.is_open |= self.rows.put(key, value);
    }

    /// When this fails, the store is of no more use: the map is ahead of the log. Drop it and open it again.
    fn commit(&mut self, position: Option<i64>) -> Result<(), StoreError> {
        self.guarded(|store| store.end_commit(position))
    }

    fn position(&self) -> i64 {
        self.checkpoint.position
    }

    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        self.rows.each(visit);
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.guarded(|store| {
            store.chain = Chain::start(store.chain.dir(), store.chain.identity())?;
            store.compaction = None;
            store.rows = Rows::new();
            store.is_open = false;
            store.checkpoint = Checkpoint::default();
            Ok(())
        })
    }
}

impl Drop for MemLog {
    fn drop(&mut self) {
        if let Err(error) = self.guarded(Self::end) {
            tracing::warn!(%error, "the local store was not closed cleanly");
        }
    }
}

impl fmt::Debug for MemLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemLog")
            .field("dir", &self.chain.dir())
            .field("checkpoint", &self.checkpoint)
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// The directory of a lane.
fn directory(state_dir: &Path, identity: &Identity) -> Result<PathBuf, Error> {
    let mut parts = Path::new(&identity.stage).components();
    match (parts.next(), parts.next()) {
        // Compared as text too: as a path, `score/` is `score`.
        (Some(Component::Normal(name)), None) if name == identity.stage.as_str() => {
            Ok(state_dir.join(name).join(identity.lane.to_string()))
        }
        _ => Err(Error::Stage { stage: identity.stage.clone() }),
    }
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("LOCK");
    let lock = File::create(&path).map_err(Error::io("create", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(Error::io("lock", &path)(source)),
    }
}
