//! Two shapes to one plan: Avro's resolution rules.
//!
//! Holds: a plan exists only where every record of the writer that uses known
//! branches and symbols can be read; units of time are never mixed.
//!
//! Absent on purpose: defaults richer than our schemas use.

use serde_json::Value as Json;

use super::shape::{Field, Shape, Unit};
use super::{BadSchema, Fields, Step};
use crate::avro::put_long;

/// How what `writer` wrote becomes what `reader` reads.
pub(super) fn resolve(writer: &Shape, reader: &Shape) -> Result<Step, BadSchema> {
    match (writer, reader) {
        (Shape::Union(branches), _) => union(branches, reader),
        (_, Shape::Union(ours)) => into_union(writer, ours),
        (Shape::Null, Shape::Null) => Ok(Step::Null),
        (Shape::Boolean, Shape::Boolean) => Ok(Step::Boolean),
        (Shape::Int, Shape::Int | Shape::Long(_)) => Ok(Step::Number),
        (Shape::Long(wrote), Shape::Long(reads)) if same_unit(*wrote, *reads) => Ok(Step::Number),
        (Shape::Long(_), Shape::Long(_)) => Err(incompatible("the writer counts time in another unit")),
        (Shape::Float, Shape::Float) => Ok(Step::Fixed(4)),
        (Shape::Double, Shape::Double) => Ok(Step::Fixed(8)),
        (Shape::String | Shape::Bytes, Shape::String | Shape::Bytes) => Ok(Step::Text),
        (Shape::Fixed(size), Shape::Fixed(ours)) if size == ours => Ok(Step::Fixed(*size)),
        (Shape::Array(item), Shape::Array(ours)) => Ok(Step::Array(Box::new(resolve(item, ours)?))),
        (Shape::Map(value), Shape::Map(ours)) => Ok(Step::Map(Box::new(resolve(value, ours)?))),
        (Shape::Enum { name, symbols, .. }, Shape::Enum { name: our_name, symbols: our_symbols, default })
            if name == our_name =>
        {
            let default = default.as_ref().and_then(|symbol| index_of(our_symbols, symbol));
            let place = |symbol: &String| index_of(our_symbols, symbol).or(default);
            Ok(Step::Enum(symbols.iter().map(place).collect()))
        }
        (Shape::Record { name, fields }, Shape::Record { name: our_name, fields: ours }) if name == our_name => {
            record(fields, ours)
        }
        _ => Err(incompatible(format!("the writer has {}, we read {}", describe(writer), describe(reader)))),
    }
}

/// A `long` that does not say what it counts is taken at our word.
fn same_unit(wrote: Unit, reads: Unit) -> bool {
    wrote == reads || wrote == Unit::Plain || reads == Unit::Plain
}

/// Each of the writer's branches on its own; one that we cannot read fails only the records that use it.
fn union(branches: &[Shape], reader: &Shape) -> Result<Step, BadSchema> {
    let steps: Vec<_> = branches.iter().map(|branch| resolve(branch, reader)).collect();
    if steps.iter().any(Result::is_ok) {
        return Ok(Step::Union(steps));
    }
    Err(incompatible(format!("no branch of the writer's union is {}", describe(reader))))
}

/// The branch of the same type and name, else the first that the writer's type can become.
fn into_union(writer: &Shape, ours: &[Shape]) -> Result<Step, BadSchema> {
    let same = ours.iter().position(|branch| describe(branch) == describe(writer));
    let candidates = same.into_iter().chain(0..ours.len());
    let mut refusal = incompatible(format!("our union has no branch for {}", describe(writer)));
    for index in candidates {
        match (resolve(writer, &ours[index]), i64::try_from(index)) {
            (Ok(step), Ok(branch)) => return Ok(Step::Branch(branch, Box::new(step))),
            // What is wrong inside the branch of the same name says more than that no branch fits.
            (Err(inner), _) if Some(index) == same => refusal = inner,
            _ => {}
        }
    }
    Err(refusal)
}

fn record(theirs: &[Field], ours: &[Field]) -> Result<Step, BadSchema> {
    let mut sources = vec![None; ours.len()];
    for (source, our) in sources.iter_mut().zip(ours) {
        *source = theirs
            .iter()
            .position(|their| their.name == our.name)
            .or_else(|| theirs.iter().position(|their| our.aliases.contains(&their.name)));
    }
    let written = theirs
        .iter()
        .enumerate()
        .map(|(index, their)| match sources.iter().position(|source| *source == Some(index)) {
            Some(our) => {
                let step = resolve(&their.shape, &ours[our].shape).map_err(|refusal| within(&their.name, refusal))?;
                Ok((step, Some(our)))
            }
            // Read as itself, to be dropped.
            None => Ok((resolve(&their.shape, &their.shape)?, None)),
        })
        .collect::<Result<_, BadSchema>>()?;
    let defaults = sources
        .iter()
        .zip(ours)
        .map(|(source, our)| if source.is_some() { Ok(None) } else { default_of(our).map(Some) })
        .collect::<Result<_, _>>()?;
    Ok(Step::Record(Fields { written, ours: defaults }))
}

/// The bytes of a field that the writer lacks.
fn default_of(field: &Field) -> Result<Vec<u8>, BadSchema> {
    let json = field
        .default
        .as_ref()
        .ok_or_else(|| within(&field.name, incompatible("the writer lacks it, and it has no default")))?;
    let mut bytes = Vec::new();
    put_default(&field.shape, json, &mut bytes)
        .ok_or_else(|| within(&field.name, incompatible("its default is of a kind that is not supported")))?;
    Ok(bytes)
}

fn put_default(shape: &Shape, json: &Json, out: &mut Vec<u8>) -> Option<()> {
    match (shape, json) {
        (Shape::Null, Json::Null) => {}
        (Shape::Boolean, Json::Bool(value)) => out.push(u8::from(*value)),
        (Shape::Int | Shape::Long(_), Json::Number(value)) => put_long(out, value.as_i64()?),
        (Shape::String, Json::String(value)) => {
            put_long(out, i64::try_from(value.len()).ok()?);
            out.extend_from_slice(value.as_bytes());
        }
        (Shape::Enum { symbols, .. }, Json::String(value)) => put_long(out, index_of(symbols, value)?),
        (Shape::Array(_), Json::Array(items)) if items.is_empty() => put_long(out, 0),
        (Shape::Map(_), Json::Object(items)) if items.is_empty() => put_long(out, 0),
        // The default of a union is one of its first branch.
        (Shape::Union(branches), _) => {
            put_long(out, 0);
            put_default(branches.first()?, json, out)?;
        }
        _ => return None,
    }
    Some(())
}

fn index_of(symbols: &[String], symbol: &str) -> Option<i64> {
    symbols.iter().position(|known| known == symbol).and_then(|index| i64::try_from(index).ok())
}

fn incompatible(why: impl Into<String>) -> BadSchema {
    BadSchema::Incompatible { at: String::new(), why: why.into() }
}

/// Puts a field's name before the place of a refusal.
fn within(field: &str, refusal: BadSchema) -> BadSchema {
    match refusal {
        BadSchema::Incompatible { at, why } if at.is_empty() => BadSchema::Incompatible { at: field.to_owned(), why },
        BadSchema::Incompatible { at, why } => BadSchema::Incompatible { at: format!("{field}.{at}"), why },
        other => other,
    }
}

/// The type of a shape, with its name where it has one.
fn describe(shape: &Shape) -> String {
    match shape {
        Shape::Null => "null".to_owned(),
        Shape::Boolean => "a boolean".to_owned(),
        Shape::Int => "an int".to_owned(),
        Shape::Long(_) => "a long".to_owned(),
        Shape::Float => "a float".to_owned(),
        Shape::Double => "a double".to_owned(),
        Shape::String => "a string".to_owned(),
        Shape::Bytes => "bytes".to_owned(),
        Shape::Fixed(size) => format!("{size} fixed bytes"),
        Shape::Array(_) => "an array".to_owned(),
        Shape::Map(_) => "a map".to_owned(),
        Shape::Union(_) => "a union".to_owned(),
        Shape::Enum { name, .. } => format!("the enum {name}"),
        Shape::Record { name, .. } => format!("the record {name}"),
    }
}
