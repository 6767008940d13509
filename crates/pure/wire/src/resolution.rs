//! Rewrites a record of another writer's schema into our encoding of it.
//!
//! Avro's rules of schema resolution, compiled once per writer into [`Step`]s:
//! fields by name, branches and symbols by name, a field we lack skipped, a field
//! the writer lacks filled with our default.
//!
//! Holds: a rewrite copies bytes and invents only our defaults, so its length is
//! bounded by the input's; a branch is chosen by the writer's index, never by
//! the look of a value.
//!
//! Absent on purpose: recursive schemas and arrays of items that take no bytes
//! (a few bytes of them can exhaust a machine), promotion to floats (our
//! schemas have none).

mod compile;
mod shape;

use crate::avro::{Cursor, Error, put_long};
use shape::Shape;

/// Why a writer's schema cannot be read as ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSchema {
    /// It is not an Avro schema.
    #[error("not an Avro schema: {0}")]
    NotASchema(Box<str>),
    /// A type contains itself.
    #[error("the type {0} contains itself")]
    Recursive(Box<str>),
    /// An array or map has items that take no bytes, so nothing bounds their number.
    #[error("an array or map has items that take no bytes")]
    EmptyItems,
    /// It has too many parts or is nested too deep.
    #[error("the schema has more than {} parts or {} levels", shape::MAX_PARTS, crate::avro::MAX_DEPTH)]
    TooLarge,
    /// A part of it cannot be read as ours.
    #[error("`{at}`: {why}")]
    Incompatible {
        /// Our field, as a path from the record down; empty for the record itself.
        at: String,
        /// What is wrong with it.
        why: String,
    },
}

/// How one writer's records become ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolution {
    step: Step,
}

impl Resolution {
    /// Compares two schemas and makes the plan.
    pub(crate) fn new(writer: &apache_avro::Schema, reader: &apache_avro::Schema) -> Result<Self, BadSchema> {
        let step = compile::resolve(&Shape::of(writer)?, &Shape::of(reader)?)?;
        Ok(Self { step })
    }

    /// The same record in our encoding.
    pub(crate) fn rewrite(&self, body: &[u8]) -> Result<Vec<u8>, Error> {
        let mut cursor = Cursor { rest: body };
        let mut out = Vec::with_capacity(body.len() + 64);
        self.step.run(&mut cursor, &mut out)?;
        cursor.finish()?;
        Ok(out)
    }
}

/// Reads one part as its writer wrote it and writes it as we would.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Null,
    Boolean,
    /// An `int` or `long`: they share an encoding.
    Number,
    /// A `string` or `bytes`: they share an encoding.
    Text,
    /// So many bytes.
    Fixed(usize),
    Array(Box<Step>),
    Map(Box<Step>),
    /// Our index of each of the writer's symbols.
    Enum(Vec<Option<i64>>),
    /// How to read each of the writer's branches, or why not.
    Union(Vec<Result<Step, BadSchema>>),
    /// This branch of our union.
    Branch(i64, Box<Step>),
    Record(Fields),
}

/// The fields of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fields {
    /// The writer's, in its order, and which of ours each becomes.
    written: Vec<(Step, Option<usize>)>,
    /// Ours, in our order; bytes where the writer has no such field.
    ours: Vec<Option<Vec<u8>>>,
}

impl Step {
    fn run(&self, from: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Null => {}
            Self::Boolean => out.push(from.byte()?),
            Self::Number => put_long(out, from.long()?),
            Self::Text => {
                let text = from.length().and_then(|length| from.take(length))?;
                put_long(out, i64::try_from(text.len()).map_err(|_| Error::Short)?);
                out.extend_from_slice(text);
            }
            Self::Fixed(size) => out.extend_from_slice(from.take(*size)?),
            Self::Array(item) => blocks(from, out, |from, out| item.run(from, out))?,
            Self::Map(value) => blocks(from, out, |from, out| {
                Self::Text.run(from, out)?;
                value.run(from, out)
            })?,
            Self::Enum(symbols) => put_long(out, symbols[from.branch(symbols.len())?].ok_or_else(unknown_symbol)?),
            Self::Union(branches) => {
                let branch = &branches[from.branch(branches.len())?];
                branch.as_ref().map_err(|refusal| Error::Custom(refusal.to_string().into()))?.run(from, out)?;
            }
            Self::Branch(index, step) => {
                put_long(out, *index);
                step.run(from, out)?;
            }
            Self::Record(fields) => fields.run(from, out)?,
        }
        Ok(())
    }
}

impl Fields {
    fn run(&self, from: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut written = Vec::new();
        let mut places = vec![0..0; self.ours.len()];
        for (step, ours) in &self.written {
            let start = written.len();
            step.run(from, &mut written)?;
            match ours {
                Some(field) => places[*field] = start..written.len(),
                None => written.truncate(start),
            }
        }
        for (default, place) in self.ours.iter().zip(places) {
            out.extend_from_slice(default.as_deref().unwrap_or(&written[place]));
        }
        Ok(())
    }
}

/// Copies the blocks of an array or map, each with its own count.
fn blocks(
    from: &mut Cursor<'_>,
    out: &mut Vec<u8>,
    mut item: impl FnMut(&mut Cursor<'_>, &mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    loop {
        let count = from.block()?;
        put_long(out, i64::try_from(count).map_err(|_| Error::Short)?);
        if count == 0 {
            return Ok(());
        }
        for _ in 0..count {
            item(from, out)?;
        }
    }
}

fn unknown_symbol() -> Error {
    Error::Custom("the writer's enum has a symbol that ours has not".into())
}

#[cfg(test)]
mod tests;
