//! The manifest: whose rows these are, and which segments hold them.
//!
//! ```text
//! magic 8 | layout u8 | checksum u64 | body
//! body = format u8 | lane i32 | stage | application | changelog | n | n x (segment u64, whole u64)
//! ```
//! A layout to come keeps the first seventeen bytes as they are, with the checksum over layout and
//! body: that is how an old release knows a new layout from a damaged one.
//!
//! Holds: it is replaced by a rename, never changed in place.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::frame::{put_length, take, take_length};
use crate::{Cause, Error, Identity};

const MAGIC: [u8; 8] = *b"batonlog";
/// Version of all that this crate writes.
pub(crate) const LAYOUT: u8 = 2;
const NAME: &str = "MANIFEST";
const NEXT: &str = "MANIFEST.next";

/// A segment in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The segment's number.
    pub(crate) segment: u64,
    /// Bytes that must be whole. Of every segment but the last: its length.
    pub(crate) whole: u64,
}

/// What reading the manifest gave.
pub(crate) enum Found {
    /// There is none.
    Nothing,
    /// The segments in the order in which they are read.
    Segments(Vec<Entry>),
    /// It cannot be trusted.
    Untrusted(Cause),
}

/// Reads the manifest of the lane's directory `dir`.
pub(crate) fn read(dir: &Path, identity: &Identity) -> Result<Found, Error> {
    let path = dir.join(NAME);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(source) => return Err(Error::io("read", &path)(source)),
    };
    let Some((layout, body)) = unwrap(&bytes) else { return Ok(Found::Untrusted(Cause::ManifestDamaged)) };
    if layout < LAYOUT {
        return Ok(Found::Untrusted(Cause::OldLayout { found: layout }));
    }
    let newer = |what, found, known| Err(Error::Newer { path, what, found, known });
    if layout > LAYOUT {
        return newer("layout", layout, LAYOUT);
    }
    let Some((owner, segments)) = decode(body) else { return Ok(Found::Untrusted(Cause::ManifestDamaged)) };
    if owner.format > identity.format {
        return newer("row format", owner.format, identity.format);
    }
    Ok(match difference(owner, identity) {
        Some(cause) => Found::Untrusted(cause),
        None => Found::Segments(segments),
    })
}

/// Puts a manifest in the place of the last one. When this returns, it is on disk.
pub(crate) fn write(dir: &Path, identity: &Identity, segments: &[Entry]) -> Result<(), Error> {
    let path = dir.join(NAME);
    let next = dir.join(NEXT);
    let write = || {
        let mut file = File::create(&next)?;
        file.write_all(&wrap(LAYOUT, &encode(identity, segments)))?;
        file.sync_all()?;
        fs::rename(&next, &path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(Error::io("write", &path))
}

fn difference(owner: Identity, identity: &Identity) -> Option<Cause> {
    let Identity { stage, lane, application, changelog, format } = owner;
    if (&stage, lane, &application) != (&identity.stage, identity.lane, &identity.application) {
        return Some(Cause::Foreign { stage, lane, application });
    }
    if changelog != identity.changelog {
        return Some(Cause::ChangelogReplaced { was: changelog, is: identity.changelog.clone() });
    }
    (format < identity.format).then_some(Cause::OldFormat { found: format })
}

pub(crate) fn wrap(layout: u8, body: &[u8]) -> Vec<u8> {
    let checksum = xxh3_64_with_seed(body, u64::from(layout));
    [&MAGIC[..], &[layout], &checksum.to_le_bytes(), body].concat()
}

fn unwrap(mut bytes: &[u8]) -> Option<(u8, &[u8])> {
    if take(&mut bytes)? != MAGIC {
        return None;
    }
    let [layout] = take(&mut bytes)?;
    let checksum = u64::from_le_bytes(take(&mut bytes)?);
    (checksum == xxh3_64_with_seed(bytes, u64::from(layout))).then_some((layout, bytes))
}

pub(crate) fn encode(identity: &Identity, segments: &[Entry]) -> Vec<u8> {
    let mut body = vec![identity.format];
    body.extend_from_slice(&identity.lane.to_le_bytes());
    for text in [&identity.stage, &identity.application, &identity.changelog] {
        put_length(&mut body, text.len());
        body.extend_from_slice(text.as_bytes());
    }
    put_length(&mut body, segments.len());
    for entry in segments {
        body.extend_from_slice(&entry.segment.to_le_bytes());
        body.extend_from_slice(&entry.whole.to_le_bytes());
    }
    body
}

fn decode(mut body: &[u8]) -> Option<(Identity, Vec<Entry>)> {
    let bytes = &mut body;
    let [format] = take(bytes)?;
    let lane = i32::from_le_bytes(take(bytes)?);
    let stage = take_text(bytes)?;
    let application = take_text(bytes)?;
    let changelog = take_text(bytes)?;
    let count = take_length(bytes)?;
    let mut segments = Vec::new();
    for _ in 0..count {
        segments.push(Entry { segment: u64::from_le_bytes(take(bytes)?), whole: u64::from_le_bytes(take(bytes)?) });
    }
    // There is always a segment to append to.
    (bytes.is_empty() && !segments.is_empty())
        .then_some((Identity { stage, lane, application, changelog, format }, segments))
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    let length = take_length(bytes)?;
    String::from_utf8(bytes.split_off(..length)?.to_vec()).ok()
}
