//! JSON values of any type, borrowed from the record, so that a wrong type can be blamed on its field.
//!
//! Holds: reading never fails for a type, only for what is not JSON; a key given twice counts as it
//! was given last; `null` is absent, but where a field tells them apart.

use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::Rejected;

/// A value that should be plain.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Scalar<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Whole(i64),
    Flag(bool),
    /// A fraction, a whole number beyond 64 bits, a list or an object.
    Other,
}

impl Scalar<'_> {
    /// The text; absent when blank.
    pub(crate) fn text(self, field: &str) -> Result<Option<String>, Rejected> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) if text.trim().is_empty() => Ok(None),
            Self::Text(text) => Ok(Some(text.into_owned())),
            _ => Err(Rejected::wrong_type(field, "text")),
        }
    }

    /// The text, or a whole number as text: what content and forms are numbered with.
    pub(crate) fn code(self, field: &str) -> Result<Option<String>, Rejected> {
        match self {
            Self::Whole(number) => Ok(Some(number.to_string())),
            other => other.text(field),
        }
    }

    /// The text, which must be there.
    pub(crate) fn required(self, field: &str) -> Result<String, Rejected> {
        self.text(field)?.ok_or_else(|| Rejected::missing(field))
    }

    /// Yes or no; no when absent.
    pub(crate) fn flag(&self, field: &str) -> Result<bool, Rejected> {
        match self {
            Self::Absent => Ok(false),
            Self::Flag(flag) => Ok(*flag),
            _ => Err(Rejected::wrong_type(field, "true or false")),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Absent)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Scalar::Other, Scalar::Whole))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_map(fields).map(|_| Scalar::Other)
    }
}

/// An object whose fields Baton knows.
pub(crate) trait Shape<'de>: Default {
    /// Takes the value of one field, known or not.
    fn field<A: MapAccess<'de>>(&mut self, name: &str, from: &mut A) -> Result<(), A::Error>;
}

/// Passes over the value of a field that Baton does not read.
pub(crate) fn skip<'de, A: MapAccess<'de>>(from: &mut A) -> Result<(), A::Error> {
    from.next_value::<IgnoredAny>().map(|_| ())
}

/// A value that should be an object. An empty list is an empty object: so PHP writes one.
#[derive(Debug, Default)]
pub(crate) enum Object<T> {
    #[default]
    Absent,
    Given(T),
    Wrong,
}

impl<T: Default> Object<T> {
    /// The object; empty when absent.
    pub(crate) fn open(self, field: &str) -> Result<T, Rejected> {
        match self {
            Self::Absent => Ok(T::default()),
            Self::Given(object) => Ok(object),
            Self::Wrong => Err(Rejected::wrong_type(field, "an object")),
        }
    }
}

impl<'de, T: Shape<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Shape<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut object = T::default();
        while let Some(Name(name)) = fields.next_key()? {
            object.field(&name, &mut fields)?;
        }
        Ok(Object::Given(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut empty = true;
        while items.next_element::<IgnoredAny>()?.is_some() {
            empty = false;
        }
        Ok(if empty { Object::Given(T::default()) } else { Object::Wrong })
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Object::Absent)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Object::Wrong)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Object::Wrong)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Object::Wrong)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Object::Wrong)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Object::Wrong)
    }
}

/// The name of a field, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(from)? {
            Scalar::Text(name) => Ok(Self(name)),
            _ => Err(D::Error::custom("a name is not text")),
        }
    }
}
