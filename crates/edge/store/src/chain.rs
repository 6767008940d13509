//! The segments in use, and the manifest that names them.
//!
//! Holds: a segment is named in the manifest before it is appended to, and deleted only after the
//! manifest has stopped naming it. So whatever the moment of a crash, the manifest on disk names
//! segments that are there and are enough; any other segment is litter.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::frame::{Checkpoint, Draft};
use crate::manifest::{self, Entry};
use crate::segment::{self, Segment};
use crate::{Error, Identity};

/// What is deleted at a time: freeing the pages of a gigabyte would hold up a commit for a third of a second.
const SHRED: u64 = 8 << 20;

/// The log on disk.
#[derive(Debug)]
pub(crate) struct Chain {
    dir: PathBuf,
    identity: Identity,
    sealed: Vec<Entry>,
    pub(crate) active: Segment,
    next: u64,
    /// Segments that the manifest has stopped naming, oldest first.
    litter: VecDeque<u64>,
}

impl Chain {
    /// An empty log in place of whatever is there.
    pub(crate) fn start(dir: &Path, identity: &Identity) -> Result<Self, Error> {
        let number = segment::list(dir)?.into_iter().max().map_or(1, |last| last.saturating_add(1));
        let active = Segment::create(dir, number, owner(identity))?;
        let chain = Self::new(dir, identity, Vec::new(), active);
        chain.publish()?;
        chain.sweep()?;
        Ok(chain)
    }

    /// Goes on with a log that was read: `entries` as in the manifest, the last of them `whole` bytes long.
    /// `None` when there are no entries.
    pub(crate) fn resume(
        dir: &Path,
        identity: &Identity,
        mut entries: Vec<Entry>,
        whole: u64,
    ) -> Result<Option<Self>, Error> {
        let Some(last) = entries.pop() else { return Ok(None) };
        let active = Segment::resume(dir, last.segment, owner(identity), whole)?;
        let chain = Self::new(dir, identity, entries, active);
        chain.sweep()?;
        Ok(Some(chain))
    }

    fn new(dir: &Path, identity: &Identity, sealed: Vec<Entry>, active: Segment) -> Self {
        let next = active.number.saturating_add(1);
        Self { dir: dir.to_owned(), identity: identity.clone(), sealed, active, next, litter: VecDeque::new() }
    }

    /// Bytes of all segments in use.
    pub(crate) fn length(&self) -> u64 {
        self.sealed.iter().map(|entry| entry.whole).sum::<u64>() + self.active.length
    }

    /// The lane's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whose rows it holds.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Writes a frame at the end.
    pub(crate) fn append(&mut self, draft: &mut Draft, checkpoint: Option<Checkpoint>) -> Result<(), Error> {
        self.active.append(draft, checkpoint)
    }

    /// Waits until every frame is on the disk. Sealed segments already are.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        self.active.sync()
    }

    /// Seals the last segment and begins another.
    pub(crate) fn roll(&mut self) -> Result<(), Error> {
        self.active.sync()?;
        let full = Entry { segment: self.active.number, whole: self.active.length };
        self.active = self.aside()?;
        self.sealed.push(full);
        self.publish()
    }

    /// A new segment that the manifest does not name.
    pub(crate) fn aside(&mut self) -> Result<Segment, Error> {
        let segment = Segment::create(&self.dir, self.next, owner(&self.identity))?;
        self.next = self.next.saturating_add(1);
        Ok(segment)
    }

    /// Puts `base`, made aside, in the place of every segment older than it.
    ///
    /// The base holds rows as they were at any time until now. Cut back to an earlier frame, the
    /// log would be a mix of two times: hence all frames so far are made sure of first, and from
    /// then on count as whole or damaged, never as a tail that may be torn.
    pub(crate) fn rebase(&mut self, mut base: Segment) -> Result<(), Error> {
        base.sync()?;
        self.active.sync()?;
        let (newer, older): (Vec<Entry>, Vec<Entry>) =
            self.sealed.iter().partition(|entry| entry.segment > base.number);
        self.sealed = newer;
        self.sealed.insert(0, Entry { segment: base.number, whole: base.length });
        self.publish()?;
        self.litter.extend(older.iter().map(|entry| entry.segment));
        Ok(())
    }

    /// Deletes some of what is no longer in use; the rest at the next calls, or when it is opened again.
    pub(crate) fn tidy(&mut self) -> Result<(), Error> {
        if let Some(&number) = self.litter.front()
            && segment::shorten(&self.dir, number, SHRED)?
        {
            self.litter.pop_front();
        }
        Ok(())
    }

    /// Names the segments in use.
    fn publish(&self) -> Result<(), Error> {
        let mut entries = self.sealed.clone();
        entries.push(Entry { segment: self.active.number, whole: self.active.length });
        manifest::write(&self.dir, &self.identity, &entries)
    }

    /// Deletes the segments that the manifest does not name.
    fn sweep(&self) -> Result<(), Error> {
        for number in segment::list(&self.dir)? {
            let used = number == self.active.number || self.sealed.iter().any(|entry| entry.segment == number);
            if !used {
                segment::remove(&self.dir, number)?;
            }
        }
        Ok(())
    }
}

/// What makes the frames of one owner unreadable under another.
pub(crate) fn owner(identity: &Identity) -> u64 {
    xxh3_64(&manifest::encode(identity, &[]))
}
