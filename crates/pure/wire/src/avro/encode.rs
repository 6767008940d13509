//! Structs to bytes.
//!
//! Holds: what it appends is exactly what [`super::from_slice`] reads back, or it fails.
//!
//! Absent on purpose: a schema to check against; the tests hold each type to its schema.

use serde::Serialize;
use serde::ser::{self, Impossible};

use super::key::Key;
use super::{Error, put_long};

/// The encoding of `value`.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(256);
    encode_into(value, &mut out)?;
    Ok(out)
}

/// Appends the encoding of `value`; after an error `out` is as it was.
#[inline]
pub fn encode_into<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    let done = value.serialize(Bytes { out });
    if done.is_err() {
        out.truncate(start);
    }
    done
}

/// Methods of a serializer that refuse.
macro_rules! refuse {
    ($($method:ident($($arg:ty),*) -> $ok:ty: $what:literal;)*) => {
        $(fn $method(self, $(_: $arg),*) -> Result<$ok, Error> { Err(Error::Unsupported($what)) })*
    };
}

/// Where the encoding goes.
pub(super) struct Bytes<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> ser::Serializer for Bytes<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Block<'a>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Block<'a>;
    type SerializeStruct = Bytes<'a>;
    type SerializeStructVariant = Bytes<'a>;

    refuse! {
        serialize_i8(i8) -> (): "i8";
        serialize_i16(i16) -> (): "i16";
        serialize_u8(u8) -> (): "u8";
        serialize_u16(u16) -> (): "u16";
        serialize_u32(u32) -> (): "u32";
        serialize_u64(u64) -> (): "u64";
        serialize_f32(f32) -> (): "f32";
        serialize_f64(f64) -> (): "f64";
        serialize_char(char) -> (): "char";
        serialize_tuple(usize) -> Self::SerializeTuple: "a tuple";
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct: "a tuple struct";
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant: "a tuple variant";
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.out.push(u8::from(value));
        Ok(())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        put_long(self.out, i64::from(value));
        Ok(())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        put_long(self.out, value);
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.serialize_bytes(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        put_long(self.out, signed(value.len())?);
        self.out.extend_from_slice(value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        put_long(self.out, 0);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        put_long(self.out, 1);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, _name: &'static str, index: u32, _variant: &'static str) -> Result<(), Error> {
        put_long(self.out, i64::from(index));
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        put_long(self.out, i64::from(index));
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Block<'a>, Error> {
        Block::open(self.out, length)
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Block<'a>, Error> {
        Block::open(self.out, length)
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, _fields: usize) -> Result<Self, Error> {
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _fields: usize,
    ) -> Result<Self, Error> {
        put_long(self.out, i64::from(index));
        Ok(self)
    }
}

impl ser::SerializeStruct for Bytes<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, _key: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(Bytes { out: self.out })
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

impl ser::SerializeStructVariant for Bytes<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, _key: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(Bytes { out: self.out })
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

/// The one block of an array or map.
pub(super) struct Block<'a> {
    out: &'a mut Vec<u8>,
    /// Items announced and not yet written.
    due: usize,
}

impl<'a> Block<'a> {
    #[inline]
    fn open(out: &'a mut Vec<u8>, length: Option<usize>) -> Result<Self, Error> {
        let due = length.ok_or(Error::Unsupported("a sequence of unknown length"))?;
        if due > 0 {
            put_long(out, signed(due)?);
        }
        Ok(Self { out, due })
    }

    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.due = self.due.checked_sub(1).ok_or(Error::Unsupported("a sequence longer than it said"))?;
        let start = self.out.len();
        value.serialize(Bytes { out: self.out })?;
        if self.out.len() == start { Err(Error::EmptyItems) } else { Ok(()) }
    }

    #[inline]
    fn close(self) -> Result<(), Error> {
        if self.due > 0 {
            return Err(Error::Unsupported("a sequence shorter than it said"));
        }
        put_long(self.out, 0);
        Ok(())
    }
}

impl ser::SerializeSeq for Block<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeMap for Block<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(Key(Bytes { out: self.out }))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.due = self.due.checked_sub(1).ok_or(Error::Unsupported("a map longer than it said"))?;
        value.serialize(Bytes { out: self.out })
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

fn signed(length: usize) -> Result<i64, Error> {
    i64::try_from(length).map_err(|_| Error::BadLength(i64::MAX))
}
