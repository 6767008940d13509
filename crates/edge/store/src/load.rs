//! Reading a lane's directory.
//!
//! Holds: every row loaded was committed under this identity; damage that is not a torn tail empties
//! the store. Only what an operator must decide or repair is an error.

use std::path::Path;

use crate::chain::{self, Chain};
use crate::frame::Checkpoint;
use crate::manifest::{self, Entry, Found};
use crate::rows::Rows;
use crate::segment::{self, Scan};
use crate::{Cause, Error, Identity, Opened, Trust};

/// A store as found, or empty.
pub(crate) struct Loaded {
    pub(crate) chain: Chain,
    pub(crate) rows: Rows,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) opened: Opened,
}

/// Reads the directory, which must be locked.
pub(crate) fn load(dir: &Path, identity: &Identity, trust: &Trust) -> Result<Loaded, Error> {
    let empty = |opened| {
        let chain = Chain::start(dir, identity)?;
        Ok(Loaded { chain, rows: Rows::new(), checkpoint: Checkpoint::default(), opened })
    };
    let wiped = |cause| empty(Opened::Wiped { cause });
    let entries = match manifest::read(dir, identity)? {
        Found::Segments(entries) => entries,
        Found::Untrusted(cause) => return wiped(cause),
        Found::Nothing if segment::list(dir)?.is_empty() => return empty(Opened::Fresh),
        Found::Nothing => return wiped(Cause::ManifestMissing),
    };
    let Replay { rows, checkpoint, frames, last } = match replay(dir, chain::owner(identity), &entries)? {
        Ok(replay) => replay,
        Err(cause) => return wiped(cause),
    };
    // Without a checkpoint nothing is believed anyway: the whole changelog is read.
    if checkpoint.position > 0
        && let Some(cause) = trust.doubt(checkpoint.at)
    {
        return wiped(cause);
    }
    let Some(chain) = Chain::resume(dir, identity, entries, last.whole)? else {
        return wiped(Cause::ManifestDamaged);
    };
    let opened = Opened::Loaded { rows: rows.len(), position: checkpoint.position, frames, torn_bytes: last.torn };
    Ok(Loaded { chain, rows, checkpoint, opened })
}

struct Replay {
    rows: Rows,
    checkpoint: Checkpoint,
    frames: u64,
    /// Of the segment to go on with.
    last: Scan,
}

fn replay(dir: &Path, owner: u64, entries: &[Entry]) -> Result<Result<Replay, Cause>, Error> {
    let mut state = Replay { rows: Rows::new(), checkpoint: Checkpoint::default(), frames: 0, last: Scan::default() };
    for (index, entry) in entries.iter().enumerate() {
        let scan = segment::scan(dir, entry.segment, owner, |frame| {
            for (key, value) in frame.entries().flatten() {
                state.rows.put(key, value);
            }
            let Some(checkpoint) = frame.checkpoint else { return };
            // A base repeats the checkpoint at which it was begun; the greatest is the newest.
            if (checkpoint.position, checkpoint.at) > (state.checkpoint.position, state.checkpoint.at) {
                state.checkpoint = checkpoint;
            }
        })?;
        let is_last = index + 1 == entries.len();
        let intact = |scan: &Scan| {
            if is_last { scan.whole >= entry.whole } else { scan.whole == entry.whole && scan.torn == 0 }
        };
        let Some(scan) = scan.filter(intact) else {
            return Ok(Err(Cause::SegmentDamaged { segment: entry.segment }));
        };
        state.frames += scan.frames;
        state.last = scan;
    }
    Ok(Ok(state))
}
