//! The head of a record: which schema wrote it.
//!
//! Three are accepted and told apart by content: a registry's id (`00` and four
//! bytes, big-endian), Avro's single-object head (`C3 01` and the fingerprint,
//! little-endian), and JSON, which begins with a brace or bracket.
//!
//! Holds: no byte is looked at beyond the head.
//!
//! Absent on purpose: schema ids in Kafka headers, which a record value cannot show.

use core::marker::PhantomData;

use baton_domain::{LogTime, Stamp};
use serde::Serialize;

use crate::avro::{self, Cursor};
use crate::{Record, schema_of};

/// A record value split into head and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Avro with a registry's schema id.
    Confluent {
        /// The id.
        id: u32,
        /// The Avro datum.
        body: &'a [u8],
    },
    /// Avro with a schema fingerprint.
    Single {
        /// CRC-64-AVRO of the writer's schema.
        fingerprint: u64,
        /// The Avro datum.
        body: &'a [u8],
    },
    /// JSON, from its first brace or bracket on.
    Json(&'a [u8]),
    /// None of these.
    Unknown,
}

impl<'a> Frame<'a> {
    /// Splits a record value.
    #[inline]
    pub fn of(value: &'a [u8]) -> Self {
        if let [0, rest @ ..] = value
            && let Some((id, body)) = rest.split_first_chunk()
        {
            return Self::Confluent { id: u32::from_be_bytes(*id), body };
        }
        if let [0xC3, 0x01, rest @ ..] = value
            && let Some((fingerprint, body)) = rest.split_first_chunk()
        {
            return Self::Single { fingerprint: u64::from_le_bytes(*fingerprint), body };
        }
        match value.trim_ascii_start() {
            json @ [b'{' | b'[', ..] => Self::Json(json),
            _ => Self::Unknown,
        }
    }
}

/// The head that an encoder writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// The registry's id of the schema.
    Registry(u32),
    /// The schema's own fingerprint: needs no registry.
    SingleObject,
}

/// Writes records of one type, each with its head.
#[derive(Clone, Debug)]
pub struct Encoder<T> {
    head: [u8; 10],
    head_length: usize,
    record: PhantomData<fn(&T)>,
}

impl<T: Record + Serialize> Encoder<T> {
    /// An encoder that writes this head.
    pub fn new(head: Head) -> Self {
        let mut bytes = [0; 10];
        let head_length = match head {
            Head::Registry(id) => {
                bytes[1..5].copy_from_slice(&id.to_be_bytes());
                5
            }
            Head::SingleObject => {
                bytes[..2].copy_from_slice(&[0xC3, 0x01]);
                bytes[2..].copy_from_slice(&schema_of::<T>().fingerprint().to_le_bytes());
                10
            }
        };
        Self { head: bytes, head_length, record: PhantomData }
    }

    /// Appends head and record; after an error `out` is as it was.
    #[inline]
    pub fn encode(&self, record: &T, out: &mut Vec<u8>) -> Result<(), avro::Error> {
        let start = out.len();
        out.extend_from_slice(&self.head[..self.head_length]);
        let done = avro::encode_into(record, out);
        if done.is_err() {
            out.truncate(start);
        }
        done
    }
}

/// The stamp of a body, without reading on.
///
/// Only for bodies of the schemas that begin with a stamp: all but
/// `engagement.raw-value` and `lead.identity-value`.
#[inline]
pub fn peek_stamp(body: &[u8]) -> Option<Stamp> {
    let mut cursor = Cursor { rest: body };
    let at = LogTime(cursor.long().ok()?);
    let lane = i32::try_from(cursor.long().ok()?).ok()?;
    Some(Stamp { at, lane })
}
