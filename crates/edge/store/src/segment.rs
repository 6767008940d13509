//! One file of frames.
//!
//! Holds: frames are only ever appended; a segment's number is never used twice in a directory, so
//! an old file cannot pass for a new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::frame::{Checkpoint, Draft, Frame, HEAD, Head, Place};

/// A segment open for writing.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Its number.
    pub(crate) number: u64,
    /// Its length in bytes.
    pub(crate) length: u64,
    pub(crate) file: File,
    path: PathBuf,
    owner: u64,
    /// Bytes that may not be on the disk yet.
    unsynced: u64,
}

impl Segment {
    /// A new, empty segment.
    pub(crate) fn create(dir: &Path, number: u64, owner: u64) -> Result<Self, Error> {
        let path = path(dir, number);
        let file = OpenOptions::new().append(true).create_new(true).open(&path).map_err(Error::io("create", &path))?;
        Ok(Self { number, length: 0, file, path, owner, unsynced: 0 })
    }

    /// Goes on after the first `length` bytes of a segment; what follows them is cut off.
    pub(crate) fn resume(dir: &Path, number: u64, owner: u64, length: u64) -> Result<Self, Error> {
        let path = path(dir, number);
        let open = || {
            let file = OpenOptions::new().append(true).open(&path)?;
            if file.metadata()?.len() != length {
                file.set_len(length)?;
                file.sync_all()?;
            }
            Ok(file)
        };
        let file = open().map_err(Error::io("open", &path))?;
        Ok(Self { number, length, file, path, owner, unsynced: 0 })
    }

    /// Writes the draft as one frame, in a single call.
    pub(crate) fn append(&mut self, draft: &mut Draft, checkpoint: Option<Checkpoint>) -> Result<(), Error> {
        let bytes = draft.len();
        let place = Place { owner: self.owner, segment: self.number, offset: self.length };
        let Some(frame) = draft.seal(checkpoint, place) else {
            return Err(Error::Frame { path: self.path.clone(), bytes });
        };
        // Also when it fails: part of the frame may be there.
        self.unsynced += bytes as u64;
        self.file.write_all(frame).map_err(Error::io("append to", &self.path))?;
        self.length += bytes as u64;
        Ok(())
    }

    /// Bytes for which a sync would have to wait.
    pub(crate) fn unsynced(&self) -> u64 {
        self.unsynced
    }

    /// Waits until all that was appended is on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if self.unsynced > 0 {
            self.file.sync_data().map_err(Error::io("sync", &self.path))?;
            self.unsynced = 0;
        }
        Ok(())
    }
}

/// What reading a segment found.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Bytes of whole frames, from the start.
    pub(crate) whole: u64,
    /// Bytes after them.
    pub(crate) torn: u64,
    /// How many frames.
    pub(crate) frames: u64,
}

/// Applies every frame of a segment, up to its end or the first that is not as it was written.
/// `None` when there is no such segment.
pub(crate) fn scan(dir: &Path, number: u64, owner: u64, apply: impl FnMut(Frame)) -> Result<Option<Scan>, Error> {
    let path = path(dir, number);
    let read = || {
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        // Most frames fit into one read of this size.
        frames(BufReader::with_capacity(1 << 20, file), length, Place { owner, segment: number, offset: 0 }, apply)
    };
    match read() {
        Ok(scan) => Ok(Some(scan)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::io("read", &path)(source)),
    }
}

fn frames(mut file: impl Read, length: u64, mut place: Place, mut apply: impl FnMut(Frame)) -> io::Result<Scan> {
    let mut scan = Scan { torn: length, ..Scan::default() };
    let mut body = Vec::new();
    while scan.torn >= HEAD as u64 {
        let mut head = [0; HEAD];
        file.read_exact(&mut head)?;
        let Some(head) = Head::read(&head) else { break };
        let size = HEAD as u64 + u64::from(head.length);
        // Before any room is made for it: a damaged length may say 4 GiB.
        if size > scan.torn {
            break;
        }
        body.resize(head.length as usize, 0);
        file.read_exact(&mut body)?;
        let Some(frame) = head.open(&body, place) else { break };
        apply(frame);
        place.offset += size;
        scan.whole += size;
        scan.torn -= size;
        scan.frames += 1;
    }
    Ok(scan)
}

/// The numbers of all segments in the directory, in no order.
pub(crate) fn list(dir: &Path) -> Result<Vec<u64>, Error> {
    let numbers = || {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(dir)? {
            numbers.extend(number(&entry?.path()));
        }
        Ok(numbers)
    };
    numbers().map_err(Error::io("list", dir))
}

/// Deletes a segment.
pub(crate) fn remove(dir: &Path, number: u64) -> Result<(), Error> {
    let path = path(dir, number);
    fs::remove_file(&path).map_err(Error::io("remove", &path))
}

/// Deletes the last `bytes` of a segment, or all of it when it is no longer than that. Whether it is gone.
pub(crate) fn shorten(dir: &Path, number: u64, bytes: u64) -> Result<bool, Error> {
    let path = path(dir, number);
    let shorten = || {
        let file = OpenOptions::new().write(true).open(&path)?;
        match file.metadata()?.len().checked_sub(bytes) {
            None | Some(0) => fs::remove_file(&path).map(|()| true),
            Some(rest) => file.set_len(rest).map(|()| false),
        }
    };
    shorten().map_err(Error::io("remove", &path))
}

/// Where a segment is.
pub(crate) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.log"))
}

fn number(path: &Path) -> Option<u64> {
    (path.extension()? == "log").then(|| path.file_stem()?.to_str()?.parse().ok())?
}
