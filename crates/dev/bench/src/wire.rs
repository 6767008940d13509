//! Avro binary behind a schema's number, read without a copy and written into a buffer that is used again.

/// The schemas, by their number on the wire.
pub mod schema {
    /// `EngagementEvent`.
    pub const EVENT: u32 = 1;
    /// `EngagementUpdate`.
    pub const ENGAGEMENT: u32 = 2;
    /// `ScoreUpdate`.
    pub const SCORE: u32 = 3;
    /// `Handoff`.
    pub const HANDOFF: u32 = 4;
    /// `CrmActivity`.
    pub const ACTIVITY: u32 = 5;
    /// `SlaBreach`.
    pub const BREACH: u32 = 6;
    /// `LeadProfile`.
    pub const PROFILE: u32 = 7;
}

/// Reads a datum from its first byte on; `None` where it ends too early.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A datum of the schema with this number.
    pub fn of(schema: u32, value: Option<&'a [u8]>) -> Option<Self> {
        let rest = value?.strip_prefix(&[0])?;
        let (id, rest) = rest.split_first_chunk::<4>()?;
        (u32::from_be_bytes(*id) == schema).then_some(Self(rest))
    }

    /// A datum, or part of one, without the schema's number.
    pub fn plain(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// A whole number.
    #[inline]
    pub fn long(&mut self) -> Option<i64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.0.split_off_first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        None
    }

    /// A small whole number.
    #[inline]
    pub fn int(&mut self) -> Option<i32> {
        i32::try_from(self.long()?).ok()
    }

    /// An index or a length.
    #[inline]
    pub fn size(&mut self) -> Option<usize> {
        usize::try_from(self.long()?).ok()
    }

    /// A text.
    #[inline]
    pub fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.size()?;
        self.0.split_off(..length)
    }

    /// A text that may be null.
    #[inline]
    pub fn maybe(&mut self) -> Option<Option<&'a [u8]>> {
        if self.long()? == 0 { Some(None) } else { self.text().map(Some) }
    }

    /// A number of thousandths that travels as a double of whole ones.
    #[inline]
    pub fn milli(&mut self) -> Option<i32> {
        let (bytes, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        #[expect(clippy::cast_possible_truncation, reason = "scores lie between 0 and 100; others saturate")]
        Some((f64::from_le_bytes(*bytes) * 1000.0).round() as i32)
    }

    /// How many items the next block has; 0 ends the list.
    #[inline]
    pub fn block(&mut self) -> Option<usize> {
        let count = self.long()?;
        if count < 0 {
            self.long()?;
        }
        usize::try_from(count.unsigned_abs()).ok()
    }
}

/// Starts a record of a schema.
pub fn start(out: &mut Vec<u8>, schema: u32) {
    out.clear();
    out.push(0);
    out.extend_from_slice(&schema.to_be_bytes());
}

/// Writes a whole number.
#[inline]
pub fn long(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        let [low, ..] = rest.to_le_bytes();
        out.push(low | 0x80);
        rest >>= 7;
    }
    let [last, ..] = rest.to_le_bytes();
    out.push(last);
}

/// Writes a length.
#[inline]
pub fn size(out: &mut Vec<u8>, value: usize) {
    long(out, i64::try_from(value).unwrap_or(i64::MAX));
}

/// Writes a text.
#[inline]
pub fn text(out: &mut Vec<u8>, value: &[u8]) {
    size(out, value.len());
    out.extend_from_slice(value);
}

/// Writes a text that may be null.
#[inline]
pub fn maybe(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(2);
            text(out, value);
        }
    }
}

/// Writes thousandths as a double of whole ones.
#[inline]
pub fn milli(out: &mut Vec<u8>, value: i32) {
    out.extend_from_slice(&(f64::from(value) / 1000.0).to_le_bytes());
}

/// Takes `N` bytes of a row of state.
#[inline]
pub fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        start(&mut out, schema::SCORE);
        for value in [0, -1, 63, 64, i64::MIN, i64::MAX] {
            long(&mut out, value);
        }
        text(&mut out, b"lead");
        maybe(&mut out, None);
        maybe(&mut out, Some(b"x"));
        milli(&mut out, 65_001);
        let mut reader = Reader::of(schema::SCORE, Some(&out)).unwrap();
        for value in [0, -1, 63, 64, i64::MIN, i64::MAX] {
            assert_eq!(reader.long(), Some(value));
        }
        assert_eq!(reader.text(), Some(&b"lead"[..]));
        assert_eq!(reader.maybe(), Some(None));
        assert_eq!(reader.maybe(), Some(Some(&b"x"[..])));
        assert_eq!(reader.milli(), Some(65_001));
        assert_eq!(reader.long(), None, "a datum that ends too early is none");
    }

    #[test]
    fn another_schema_is_refused() {
        let mut out = Vec::new();
        start(&mut out, schema::SCORE);
        assert!(Reader::of(schema::EVENT, Some(&out)).is_none());
    }
}
