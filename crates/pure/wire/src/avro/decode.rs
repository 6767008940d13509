//! Bytes to structs, borrowing strings where the struct can.
//!
//! Holds: no panic on any bytes; what is reserved ahead is bounded by what is left to read.
//!
//! Absent on purpose: skipping. A struct reads every field of its schema; the
//! fields of a foreign writer are sorted out before (see [`crate::Decoder`]).

use serde::de::value::UsizeDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, IntoDeserializer, Visitor};

use super::{Cursor, Error, MAX_DEPTH};

/// The value that all of `bytes` encodes.
#[inline]
pub fn from_slice<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    let mut bytes = Bytes { cursor: Cursor { rest: bytes }, depth: 0 };
    let value = T::deserialize(&mut bytes)?;
    bytes.cursor.finish()?;
    Ok(value)
}

struct Bytes<'a> {
    cursor: Cursor<'a>,
    depth: u32,
}

impl<'a> Bytes<'a> {
    /// Runs `read` one level deeper.
    #[inline]
    fn nested<R>(&mut self, read: impl FnOnce(&mut Self) -> Result<R, Error>) -> Result<R, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        self.depth += 1;
        let done = read(self)?;
        self.depth -= 1;
        Ok(done)
    }

    #[inline]
    fn text(&mut self) -> Result<&'a str, Error> {
        let bytes = self.bytes()?;
        core::str::from_utf8(bytes).map_err(|_| Error::NotUtf8)
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let length = self.cursor.length()?;
        self.cursor.take(length)
    }
}

/// Methods of a deserializer that refuse.
macro_rules! refuse {
    ($($method:ident($($arg:ty),*): $what:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, $(_: $arg,)* _visitor: V) -> Result<V::Value, Error> {
            Err(Error::Unsupported($what))
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Bytes<'de> {
    type Error = Error;

    refuse! {
        deserialize_any(): "a value of any type";
        deserialize_ignored_any(): "a value to be ignored";
        deserialize_i8(): "i8";
        deserialize_i16(): "i16";
        deserialize_u8(): "u8";
        deserialize_u16(): "u16";
        deserialize_u32(): "u32";
        deserialize_u64(): "u64";
        deserialize_f32(): "f32";
        deserialize_f64(): "f64";
        deserialize_char(): "char";
        deserialize_tuple(usize): "a tuple";
        deserialize_tuple_struct(&'static str, usize): "a tuple struct";
        deserialize_identifier(): "a field's name";
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.cursor.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            other => Err(Error::NotABool(other)),
        }
    }

    #[inline]
    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let value = self.cursor.long()?;
        visitor.visit_i32(i32::try_from(value).map_err(|_| Error::NotAnInt(value))?)
    }

    #[inline]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_i64(self.cursor.long()?)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.bytes()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.bytes()?)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.cursor.branch(2)? {
            0 => visitor.visit_none(),
            _ => self.nested(|bytes| visitor.visit_some(bytes)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.nested(|bytes| visitor.visit_newtype_struct(bytes))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.nested(|bytes| {
            let mut blocks = Blocks::open(bytes)?;
            let value = visitor.visit_seq(&mut blocks)?;
            blocks.close(value)
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.nested(|bytes| {
            let mut blocks = Blocks::open(bytes)?;
            let value = visitor.visit_map(&mut blocks)?;
            blocks.close(value)
        })
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.nested(|bytes| visitor.visit_seq(Fields { bytes, due: fields.len() }))
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let index = self.cursor.branch(variants.len())?;
        self.nested(|bytes| visitor.visit_enum(Branch { bytes, index }))
    }
}

/// The fields of a record, in order.
struct Fields<'b, 'de> {
    bytes: &'b mut Bytes<'de>,
    due: usize,
}

impl<'de> de::SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.due == 0 {
            return Ok(None);
        }
        self.due -= 1;
        seed.deserialize(&mut *self.bytes).map(Some)
    }
}

/// The items of an array or map, block by block.
struct Blocks<'b, 'de> {
    bytes: &'b mut Bytes<'de>,
    /// Items left in the block; 0 only after the last block.
    due: usize,
}

impl<'b, 'de> Blocks<'b, 'de> {
    #[inline]
    fn open(bytes: &'b mut Bytes<'de>) -> Result<Self, Error> {
        let due = bytes.cursor.block()?;
        Ok(Self { bytes, due })
    }

    /// Steps past one item that began with `before` bytes left.
    #[inline]
    fn passed(&mut self, before: usize) -> Result<(), Error> {
        if self.bytes.cursor.rest.len() == before {
            return Err(Error::EmptyItems);
        }
        self.due -= 1;
        if self.due == 0 {
            self.due = self.bytes.cursor.block()?;
        }
        Ok(())
    }

    #[inline]
    fn close<T>(self, value: T) -> Result<T, Error> {
        if self.due == 0 { Ok(value) } else { Err(Error::Unsupported("a sequence left unread")) }
    }

    /// Each item takes a byte at least.
    #[inline]
    fn at_most(&self) -> usize {
        self.due.min(self.bytes.cursor.rest.len())
    }
}

impl<'de> de::SeqAccess<'de> for Blocks<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.due == 0 {
            return Ok(None);
        }
        let before = self.bytes.cursor.rest.len();
        let item = seed.deserialize(&mut *self.bytes)?;
        self.passed(before)?;
        Ok(Some(item))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.at_most())
    }
}

impl<'de> de::MapAccess<'de> for Blocks<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.due == 0 {
            return Ok(None);
        }
        seed.deserialize(Key(self.bytes.text()?)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let value = seed.deserialize(&mut *self.bytes)?;
        // The key took a byte, so this item cannot have been empty.
        self.passed(usize::MAX)?;
        Ok(value)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.at_most())
    }
}

/// The key of a map: a string, whatever newtype is around it.
struct Key<'de>(&'de str);

impl<'de> de::Deserializer<'de> for Key<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// A chosen branch of an enum or union.
struct Branch<'b, 'de> {
    bytes: &'b mut Bytes<'de>,
    index: usize,
}

impl<'de> de::EnumAccess<'de> for Branch<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let index: UsizeDeserializer<Error> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Branch<'_, 'de> {
    type Error = Error;

    #[inline]
    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.bytes)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::Unsupported("a tuple variant"))
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Fields { bytes: self.bytes, due: fields.len() })
    }
}
