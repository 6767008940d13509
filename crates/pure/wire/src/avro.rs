//! A serde-driven codec of Avro's binary encoding, straight between structs and bytes.
//!
//! The struct is the schema: a record's fields in the struct's order, an enum of
//! bare variants as an Avro enum, an enum whose variants carry something as a
//! union with one branch a variant, `Option<T>` as the union `[null, T]`.
//!
//! Holds: the decoder never panics and never reserves more than the input can
//! fill; every byte is accounted for. Nesting ends at [`MAX_DEPTH`].
//!
//! Absent on purpose: schemas (see [`crate::Decoder`] for foreign writers),
//! floats, unsigned integers, tuples, and arrays of items that take no bytes.

mod decode;
mod encode;
mod key;

pub use decode::from_slice;
pub use encode::{encode_into, to_vec};

/// How deep records, unions, arrays and maps may nest in each other.
pub const MAX_DEPTH: u32 = 32;

/// Why a value has no encoding, or bytes have no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end inside a value.
    #[error("the record ends inside a value")]
    Short,
    /// Bytes remain after the value.
    #[error("{0} bytes remain after the record")]
    Trailing(usize),
    /// A variable-length number takes more than 64 bits.
    #[error("a number takes more than 64 bits")]
    LongVarint,
    /// A number does not fit an `int`.
    #[error("{0} does not fit 32 bits")]
    NotAnInt(i64),
    /// A boolean is neither 0 nor 1.
    #[error("{0} is not a boolean")]
    NotABool(u8),
    /// A string is not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
    /// A length or count is negative or larger than the rest of the record.
    #[error("a length of {0} is negative or beyond the end of the record")]
    BadLength(i64),
    /// A union or enum has no such branch.
    #[error("there is no branch {index} of {of}")]
    NoBranch {
        /// The index found.
        index: i64,
        /// How many branches there are.
        of: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Items of an array or map take no bytes, so their number has no bound.
    #[error("items of an array take no bytes")]
    EmptyItems,
    /// The Rust type has no Avro counterpart here.
    #[error("{0} has no Avro form")]
    Unsupported(&'static str),
    /// The type's own `Serialize` or `Deserialize` refused.
    #[error("{0}")]
    Custom(Box<str>),
}

impl serde::ser::Error for Error {
    fn custom<T: core::fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string().into())
    }
}

impl serde::de::Error for Error {
    fn custom<T: core::fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string().into())
    }
}

/// Appends a zigzag variable-length number.
#[inline]
#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "zigzag is defined on the bits")]
pub(crate) fn put_long(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// A place in a record's bytes.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        let (first, rest) = self.rest.split_first().ok_or(Error::Short)?;
        self.rest = rest;
        Ok(*first)
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(Error::Short)?;
        self.rest = rest;
        Ok(head)
    }

    /// Reads a zigzag variable-length number.
    #[inline]
    pub(crate) fn long(&mut self) -> Result<i64, Error> {
        let first = self.byte()?;
        let bits = if first < 0x80 { u64::from(first) } else { self.long_tail(first)? };
        Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed())
    }

    fn long_tail(&mut self, first: u8) -> Result<u64, Error> {
        let mut bits = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            // The tenth byte has room for one bit only.
            if shift == 63 && byte > 1 {
                return Err(Error::LongVarint);
            }
            bits |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(bits);
            }
        }
        Err(Error::LongVarint)
    }

    /// Reads a length that the rest of the record can hold.
    #[inline]
    pub(crate) fn length(&mut self) -> Result<usize, Error> {
        let length = self.long()?;
        usize::try_from(length).ok().filter(|&n| n <= self.rest.len()).ok_or(Error::BadLength(length))
    }

    /// Reads the index of one of `of` branches.
    #[inline]
    pub(crate) fn branch(&mut self, of: usize) -> Result<usize, Error> {
        let index = self.long()?;
        usize::try_from(index).ok().filter(|&n| n < of).ok_or(Error::NoBranch { index, of })
    }

    /// Reads the head of the next block of an array or map: how many items; 0 ends it.
    ///
    /// A negative count is followed by the block's size, which is only checked against the rest.
    #[inline]
    pub(crate) fn block(&mut self) -> Result<usize, Error> {
        let count = self.long()?;
        if count < 0 {
            self.length()?;
        }
        usize::try_from(count.unsigned_abs()).ok().filter(|&n| n <= self.rest.len()).ok_or(Error::BadLength(count))
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::Trailing(self.rest.len())) }
    }
}

#[cfg(test)]
mod tests;
