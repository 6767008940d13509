//! A schema as a plain tree: references resolved, logical types reduced to what matters.
//!
//! Holds: a shape is finite and small ([`MAX_PARTS`]), at most
//! [`MAX_DEPTH`] levels deep, and every item of an array or map takes a byte at least.
//!
//! Absent on purpose: documentation, namespaces (resolution goes by unqualified name).

use std::collections::BTreeMap;

use apache_avro::Schema;
use apache_avro::schema::{InnerDecimalSchema, RecordSchema, UuidSchema};
use serde_json::Value as Json;

use super::BadSchema;
use crate::avro::MAX_DEPTH;

/// How many parts a schema may have, counting a type as often as it is used.
pub(super) const MAX_PARTS: usize = 10_000;

#[derive(Clone, Debug)]
pub(super) enum Shape {
    Null,
    Boolean,
    Int,
    Long(Unit),
    Float,
    Double,
    String,
    Bytes,
    Fixed(usize),
    Array(Box<Shape>),
    Map(Box<Shape>),
    Union(Vec<Shape>),
    Enum { name: String, symbols: Vec<String>, default: Option<String> },
    Record { name: String, fields: Vec<Field> },
}

/// What a `long` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// It does not say.
    Plain,
    /// Milliseconds of an instant.
    Millis,
    /// Microseconds of an instant.
    Micros,
    /// Something that none of our fields means.
    Other,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) default: Option<Json>,
    pub(super) shape: Shape,
}

impl Shape {
    pub(super) fn of(schema: &Schema) -> Result<Self, BadSchema> {
        Builder { named: BTreeMap::new(), open: Vec::new(), parts: 0 }.shape(schema, 0)
    }

    /// Whether a value may take no bytes at all.
    fn may_be_empty(&self) -> bool {
        match self {
            Self::Null | Self::Fixed(0) => true,
            Self::Record { fields, .. } => fields.iter().all(|field| field.shape.may_be_empty()),
            _ => false,
        }
    }
}

struct Builder<'s> {
    /// Every named type met so far, by full name: Avro defines a name before its use.
    named: BTreeMap<String, &'s Schema>,
    /// The records being built, outermost first.
    open: Vec<String>,
    parts: usize,
}

impl<'s> Builder<'s> {
    fn shape(&mut self, schema: &'s Schema, depth: u32) -> Result<Shape, BadSchema> {
        self.parts += 1;
        if self.parts > MAX_PARTS || depth > MAX_DEPTH {
            return Err(BadSchema::TooLarge);
        }
        if let (Some(name), false) = (schema.name(), matches!(schema, Schema::Ref { .. })) {
            self.named.insert(name.fullname(None), schema);
        }
        Ok(match schema {
            Schema::Null => Shape::Null,
            Schema::Boolean => Shape::Boolean,
            Schema::Int | Schema::Date | Schema::TimeMillis => Shape::Int,
            Schema::Long => Shape::Long(Unit::Plain),
            Schema::TimestampMillis => Shape::Long(Unit::Millis),
            Schema::TimestampMicros => Shape::Long(Unit::Micros),
            Schema::TimeMicros
            | Schema::TimestampNanos
            | Schema::LocalTimestampMillis
            | Schema::LocalTimestampMicros
            | Schema::LocalTimestampNanos => Shape::Long(Unit::Other),
            Schema::Float => Shape::Float,
            Schema::Double => Shape::Double,
            Schema::String | Schema::Uuid(UuidSchema::String) => Shape::String,
            Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => Shape::Bytes,
            Schema::Decimal(decimal) => match &decimal.inner {
                InnerDecimalSchema::Bytes => Shape::Bytes,
                InnerDecimalSchema::Fixed(fixed) => Shape::Fixed(fixed.size),
            },
            Schema::Fixed(fixed) | Schema::Duration(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => {
                Shape::Fixed(fixed.size)
            }
            Schema::Array(array) => Shape::Array(self.item(&array.items, depth)?),
            Schema::Map(map) => Shape::Map(self.item(&map.types, depth)?),
            Schema::Union(union) => Shape::Union(
                union.variants().iter().map(|branch| self.shape(branch, depth + 1)).collect::<Result<_, _>>()?,
            ),
            Schema::Enum(symbols) => Shape::Enum {
                name: symbols.name.name().to_owned(),
                symbols: symbols.symbols.clone(),
                default: symbols.default.clone(),
            },
            Schema::Record(record) => self.record(record, depth)?,
            Schema::Ref { name } => self.reference(&name.fullname(None), depth)?,
        })
    }

    fn item(&mut self, schema: &'s Schema, depth: u32) -> Result<Box<Shape>, BadSchema> {
        let item = self.shape(schema, depth + 1)?;
        if item.may_be_empty() { Err(BadSchema::EmptyItems) } else { Ok(Box::new(item)) }
    }

    fn record(&mut self, record: &'s RecordSchema, depth: u32) -> Result<Shape, BadSchema> {
        self.open.push(record.name.fullname(None));
        let fields = record
            .fields
            .iter()
            .map(|field| {
                Ok(Field {
                    name: field.name.clone(),
                    aliases: field.aliases.clone(),
                    default: field.default.clone(),
                    shape: self.shape(&field.schema, depth + 1)?,
                })
            })
            .collect::<Result<_, BadSchema>>()?;
        self.open.pop();
        Ok(Shape::Record { name: record.name.name().to_owned(), fields })
    }

    fn reference(&mut self, name: &str, depth: u32) -> Result<Shape, BadSchema> {
        if self.open.iter().any(|open| open == name) {
            return Err(BadSchema::Recursive(name.into()));
        }
        match self.named.get(name) {
            Some(schema) => self.shape(schema, depth),
            None => Err(BadSchema::NotASchema(format!("the type {name} is not defined").into())),
        }
    }
}
