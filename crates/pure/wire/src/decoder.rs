//! Reads records of one type, whichever schema wrote them.
//!
//! Holds: a record of our own schema is read straight into its struct; one of
//! another schema is first rewritten by a plan made once per schema. A schema
//! that was refused stays refused and says why each time.
//!
//! Absent on purpose: the registry. An unknown id comes back as
//! [`DecodeError::UnknownSchema`]; the caller fetches the schema, adds it and
//! decodes again. JSON is for the sources' own readers.

use core::fmt;
use core::marker::PhantomData;
use std::collections::BTreeMap;

use baton_domain::Reason;
use serde::de::DeserializeOwned;

use crate::avro;
use crate::resolution::{BadSchema, Resolution};
use crate::schema::fingerprint;
use crate::{Frame, Record, schema_of};

/// By what a record names the schema that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    /// A registry's id.
    Id(u32),
    /// CRC-64-AVRO of the schema.
    Fingerprint(u64),
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id {id}"),
            Self::Fingerprint(fingerprint) => write!(f, "fingerprint {fingerprint:016x}"),
        }
    }
}

/// Why a record could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It has no head that names an Avro schema.
    #[error("the record does not begin as Avro with a schema id or fingerprint")]
    NotAvro,
    /// It is not what its schema says.
    #[error("{0}")]
    Bad(avro::Error),
    /// Nobody has told what this schema is.
    #[error("the schema with {0} is not known")]
    UnknownSchema(Writer),
    /// Its schema is known and cannot be read as ours.
    #[error("{0}")]
    BadSchema(BadSchema),
}

impl DecodeError {
    /// Under which reason the record is a dead letter.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Bad(avro::Error::TooDeep | avro::Error::EmptyItems) => Reason::Limits,
            Self::NotAvro | Self::Bad(_) => Reason::Decode,
            Self::UnknownSchema(_) => Reason::UnknownSchema,
            Self::BadSchema(_) => Reason::IncompatibleSchema,
        }
    }
}

/// How the records of one writer are read.
#[derive(Clone, Debug)]
enum Plan {
    /// The writer's encoding is ours.
    Identity,
    /// Rewritten to ours first.
    Resolve(Resolution),
    /// Not at all.
    Refuse(BadSchema),
}

/// A reader of `T`.
#[derive(Clone, Debug)]
pub struct Decoder<T> {
    own: u64,
    writers: BTreeMap<Writer, Plan>,
    record: PhantomData<fn() -> T>,
}

impl<T: Record + DeserializeOwned> Decoder<T> {
    /// A decoder that knows our own schema, by its fingerprint.
    pub fn new() -> Self {
        Self { own: schema_of::<T>().fingerprint(), writers: BTreeMap::new(), record: PhantomData }
    }

    /// Whether `writer` needs no asking for: it was added, or refused, or is our own.
    pub fn knows(&self, writer: Writer) -> bool {
        writer == Writer::Fingerprint(self.own) || self.writers.contains_key(&writer)
    }

    /// Tells what schema a writer used.
    ///
    /// A refusal is remembered as well: its records then fail with [`DecodeError::BadSchema`].
    pub fn add_writer(&mut self, writer: Writer, schema_json: &str) -> Result<(), BadSchema> {
        let (plan, told) = match self.plan(schema_json) {
            Ok(plan) => (plan, Ok(())),
            Err(refusal) => (Plan::Refuse(refusal.clone()), Err(refusal)),
        };
        self.writers.insert(writer, plan);
        told
    }

    /// Reads one record value, head included.
    #[inline]
    pub fn decode(&self, value: &[u8]) -> Result<T, DecodeError> {
        match Frame::of(value) {
            Frame::Single { fingerprint, body } if fingerprint == self.own => {
                avro::from_slice(body).map_err(DecodeError::Bad)
            }
            Frame::Single { fingerprint, body } => self.decode_by(Writer::Fingerprint(fingerprint), body),
            Frame::Confluent { id, body } => self.decode_by(Writer::Id(id), body),
            Frame::Json(_) | Frame::Unknown => Err(DecodeError::NotAvro),
        }
    }

    fn decode_by(&self, writer: Writer, body: &[u8]) -> Result<T, DecodeError> {
        match self.writers.get(&writer) {
            Some(Plan::Identity) => avro::from_slice(body).map_err(DecodeError::Bad),
            Some(Plan::Resolve(resolution)) => {
                let ours = resolution.rewrite(body).map_err(DecodeError::Bad)?;
                avro::from_slice(&ours).map_err(DecodeError::Bad)
            }
            Some(Plan::Refuse(refusal)) => Err(DecodeError::BadSchema(refusal.clone())),
            None => Err(DecodeError::UnknownSchema(writer)),
        }
    }

    fn plan(&self, schema_json: &str) -> Result<Plan, BadSchema> {
        let writer =
            apache_avro::Schema::parse_str(schema_json).map_err(|e| BadSchema::NotASchema(e.to_string().into()))?;
        // Made even for a schema of our own canonical form, which knows nothing of units of time.
        let resolution = Resolution::new(&writer, schema_of::<T>().avro())?;
        Ok(if fingerprint(&writer) == self.own { Plan::Identity } else { Plan::Resolve(resolution) })
    }
}

impl<T: Record + DeserializeOwned> Default for Decoder<T> {
    fn default() -> Self {
        Self::new()
    }
}
