//! Compaction: the live rows, written anew, take the place of a log that is mostly dead.
//!
//! It begins a new segment for the commits to come, and beside it fills a base segment with all rows, part after
//! part, a slice after each commit. A row that changes meanwhile is in the new segment whether or not the base has
//! it already, so base and new segment together are the state, though the base alone is of no one moment.
//!
//! Holds: the log before it stays complete and named by the manifest until the base is.
//!
//! Absent on purpose: a thread. A slice is bounded, so a commit waits for a few milliseconds at most.

use crate::Error;
use crate::chain::Chain;
use crate::frame::{Checkpoint, Draft};
use crate::log::Limits;
use crate::rows::{PARTS, Rows};
use crate::segment::Segment;

/// What may be written before it is synced: left to the end, a large base would hold up one commit for all of it.
const SYNC: u64 = 8 << 20;

/// A compaction under way.
#[derive(Debug)]
pub(crate) struct Compaction {
    base: Segment,
    draft: Draft,
    /// The first part that is not in the base.
    part: usize,
    /// The checkpoint when it began: what the log being replaced may be the only one to tell.
    checkpoint: Checkpoint,
}

/// Whether more than half of the log is dead.
pub(crate) fn is_due(chain: &Chain, rows: &Rows, limits: Limits) -> bool {
    let length = chain.length();
    length > limits.compaction && length.saturating_sub(rows.bytes()) > length / 2
}

impl Compaction {
    /// Begins at the end of a frame, of which `checkpoint` is the store's.
    pub(crate) fn start(chain: &mut Chain, checkpoint: Checkpoint) -> Result<Self, Error> {
        // In this order: a base has a lower number than all segments that add to it.
        let base = chain.aside()?;
        chain.roll()?;
        Ok(Self { base, draft: Draft::new(), part: 0, checkpoint })
    }

    /// Writes the next parts, at least `bytes` of them unless there are fewer.
    pub(crate) fn advance(&mut self, rows: &Rows, bytes: u64) -> Result<(), Error> {
        while self.part < PARTS && (self.draft.len() as u64) < bytes {
            for (key, value) in rows.part(self.part) {
                self.draft.push(key, Some(value));
            }
            self.part += 1;
        }
        self.base.append(&mut self.draft, Some(self.checkpoint))?;
        self.draft.clear();
        if self.base.unsynced() >= SYNC {
            self.base.sync()?;
        }
        Ok(())
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.part == PARTS
    }

    /// Switches over.
    pub(crate) fn finish(self, chain: &mut Chain) -> Result<(), Error> {
        tracing::debug!(
            dir = %chain.dir().display(), before = chain.length(), base = self.base.length, "compacted the local store"
        );
        chain.rebase(self.base)
    }
}
