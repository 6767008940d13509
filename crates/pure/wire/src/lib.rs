//! Records as bytes: the Avro codec, its schemas, the heads that name a schema, and the partition of a key.
//!
//! Holds: one value has one encoding; a record that Baton wrote is read without
//! a look at its schema; bytes of any origin are read without a panic and
//! without taking more memory than their length warrants.
//!
//! Absent on purpose: the registry's HTTP (a caller fetches a schema and hands
//! it in), the JSON of the input topics (their reader's), Kafka.

pub mod avro;
mod decoder;
mod framing;
mod murmur2;
mod resolution;
mod schema;

pub use decoder::{DecodeError, Decoder, Writer};
pub use framing::{Encoder, Frame, Head, peek_stamp};
pub use murmur2::{murmur2, partition};
pub use resolution::BadSchema;
pub use schema::{Record, SUBJECTS, Schema, schema_of, schemas};
