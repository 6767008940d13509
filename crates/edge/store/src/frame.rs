//! The bytes of a frame: all that one commit did.
//!
//! ```text
//! frame  = length u32 | checksum u64 | body          little endian, length of the body
//! body   = position i64 (-1: unchanged) | at i64 | n u32 | n entries
//! entry  = key length | 0, or value length + 1 | key | value      lengths as LEB128
//! ```
//!
//! Holds: the checksum covers the body, its length, the segment and the place in it, so a frame
//! that strayed from elsewhere is no frame.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Bytes in front of the body.
pub(crate) const HEAD: usize = 12;
/// Bytes of the body in front of the entries.
const FIXED: usize = 20;
/// The position of a frame that has none.
const UNCHANGED: i64 = -1;

/// Up to which changelog offset everything is contained, and when that was so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The changelog offset.
    pub(crate) position: i64,
    /// Unix milliseconds.
    pub(crate) at: i64,
}

/// A frame being written.
#[derive(Debug)]
pub(crate) struct Draft {
    bytes: Vec<u8>,
    entries: u32,
}

impl Draft {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; HEAD + FIXED], entries: 0 }
    }

    /// Makes room for about so many bytes.
    pub(crate) fn reserve(&mut self, bytes: u64) {
        self.bytes.reserve(usize::try_from(bytes).unwrap_or(0));
    }

    /// Adds a row, or a tombstone.
    pub(crate) fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        put_length(&mut self.bytes, key.len());
        put_length(&mut self.bytes, value.map_or(0, |value| value.len() + 1));
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.entries += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Length of the whole frame.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The finished frame for that place, or `None` when it is too long for its length field.
    pub(crate) fn seal(&mut self, checkpoint: Option<Checkpoint>, place: Place) -> Option<&[u8]> {
        let length = u32::try_from(self.bytes.len() - HEAD).ok()?;
        let (head, body) = self.bytes.split_at_mut(HEAD);
        let checkpoint = checkpoint.unwrap_or(Checkpoint { position: UNCHANGED, at: 0 });
        body[..8].copy_from_slice(&checkpoint.position.to_le_bytes());
        body[8..16].copy_from_slice(&checkpoint.at.to_le_bytes());
        body[16..FIXED].copy_from_slice(&self.entries.to_le_bytes());
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..].copy_from_slice(&place.checksum(body).to_le_bytes());
        Some(&self.bytes)
    }

    /// Empties it for the next frame, keeping little room: frames are seconds apart, and lanes many.
    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(HEAD + FIXED);
        self.bytes.shrink_to(64 << 10);
        self.entries = 0;
    }
}

/// Where a frame stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Fingerprint of the directory's owner.
    pub(crate) owner: u64,
    /// The segment.
    pub(crate) segment: u64,
    /// Offset of the frame's first byte.
    pub(crate) offset: u64,
}

impl Place {
    fn checksum(self, body: &[u8]) -> u64 {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.owner.to_le_bytes());
        seed[8..16].copy_from_slice(&self.segment.to_le_bytes());
        seed[16..24].copy_from_slice(&self.offset.to_le_bytes());
        seed[24..].copy_from_slice(&(body.len() as u64).to_le_bytes());
        xxh3_64_with_seed(body, xxh3_64(&seed))
    }
}

/// A frame's head, as read.
pub(crate) struct Head {
    /// Length of the body that follows.
    pub(crate) length: u32,
    checksum: u64,
}

impl Head {
    pub(crate) fn read(mut bytes: &[u8]) -> Option<Self> {
        Some(Self { length: u32::from_le_bytes(take(&mut bytes)?), checksum: u64::from_le_bytes(take(&mut bytes)?) })
    }

    /// The body, if it is the one this head was written for.
    pub(crate) fn open(self, body: &[u8], place: Place) -> Option<Frame<'_>> {
        if place.checksum(body) != self.checksum {
            return None;
        }
        let mut rest = body;
        let position = i64::from_le_bytes(take(&mut rest)?);
        let at = i64::from_le_bytes(take(&mut rest)?);
        let entries = u32::from_le_bytes(take(&mut rest)?);
        let checkpoint = (position != UNCHANGED).then_some(Checkpoint { position, at });
        let frame = Frame { checkpoint, entries: rest };
        // Walked once before anything is applied: a frame counts as a whole or not at all.
        (frame.entries().try_fold(0, |n: u32, entry| entry.map(|_| n + 1)) == Some(entries)).then_some(frame)
    }
}

/// A frame that is as it was written.
pub(crate) struct Frame<'a> {
    /// The checkpoint it was committed with.
    pub(crate) checkpoint: Option<Checkpoint>,
    entries: &'a [u8],
}

/// A row as a frame tells it: its key and its value, or that it was deleted.
pub(crate) type Entry<'a> = (&'a [u8], Option<&'a [u8]>);

impl<'a> Frame<'a> {
    /// Its entries, in order; `None` where the bytes make no sense.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Option<Entry<'a>>> + use<'a> {
        let mut rest = self.entries;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let entry = take_entry(&mut rest);
            if entry.is_none() {
                rest = &[];
            }
            Some(entry)
        })
    }
}

fn take_entry<'a>(rest: &mut &'a [u8]) -> Option<Entry<'a>> {
    let key_length = take_length(rest)?;
    let value_length = take_length(rest)?;
    let key = rest.split_off(..key_length)?;
    let value = match value_length {
        0 => None,
        more => Some(rest.split_off(..more - 1)?),
    };
    Some((key, value))
}

/// How many bytes a live row takes in a frame.
pub(crate) fn entry_length(key: &[u8], value: &[u8]) -> u64 {
    let lengths = length_bytes(key.len()) + length_bytes(value.len() + 1);
    (lengths + key.len() + value.len()) as u64
}

fn length_bytes(length: usize) -> usize {
    let bits = usize::BITS - length.leading_zeros();
    bits.div_ceil(7).max(1) as usize
}

/// Writes a length in seven bits a byte, lowest first.
pub(crate) fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        let [low, ..] = length.to_le_bytes();
        out.push(low | 0x80);
        length >>= 7;
    }
    let [last, ..] = length.to_le_bytes();
    out.push(last);
}

/// Reads what [`put_length`] wrote.
pub(crate) fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.split_off_first()?;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(length);
        }
    }
    None
}

/// Takes the next `N` bytes.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}
