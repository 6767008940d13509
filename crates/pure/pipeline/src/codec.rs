//! Records to and from bytes, with or without a schema registry.

use std::collections::BTreeMap;
use std::rc::Rc;

use baton_domain::Reason;
use baton_wire::{DecodeError, Decoder, Encoder, Head, Record, Writer, schema_of};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where the schemas of foreign records come from.
pub trait Schemas {
    /// The schema with a registry's id; `Ok(None)` when the registry does not know it.
    ///
    /// Blocks until the registry answers: a registry that is down is no reason to throw a record
    /// away, and nothing can be committed meanwhile.
    fn by_id(&self, id: u32) -> Option<String>;

    /// The id under which the registry holds a schema of our own, by subject; `None` without a registry.
    fn id_of(&self, subject: &str) -> Option<u32>;
}

/// No registry: records carry their schema's fingerprint.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRegistry;

impl Schemas for NoRegistry {
    fn by_id(&self, _id: u32) -> Option<String> {
        None
    }

    fn id_of(&self, _subject: &str) -> Option<u32> {
        None
    }
}

/// Reads and writes the records of one type.
pub struct Codec<T> {
    encoder: Encoder<T>,
    decoder: Decoder<T>,
    schemas: Rc<dyn Schemas>,
    unknown: BTreeMap<u32, u32>,
}

/// An id that the registry does not know is asked for anew after so many records that carry it.
const ASK_AGAIN_AFTER: u32 = 1_000;

impl<T: Record + Serialize + DeserializeOwned> Codec<T> {
    /// A codec that writes a registry's id when there is one, else the fingerprint.
    pub fn new(schemas: &Rc<dyn Schemas>) -> Self {
        let mut decoder = Decoder::new();
        let head = match schemas.id_of(T::SUBJECT) {
            Some(id) => {
                // Our own schema is readable by construction.
                decoder.add_writer(Writer::Id(id), schema_of::<T>().json).ok();
                Head::Registry(id)
            }
            None => Head::SingleObject,
        };
        Self { encoder: Encoder::new(head), decoder, schemas: Rc::clone(schemas), unknown: BTreeMap::new() }
    }

    /// Reads a record value.
    pub fn decode(&mut self, value: &[u8]) -> Result<T, (Reason, String)> {
        match self.decoder.decode(value) {
            Err(DecodeError::UnknownSchema(Writer::Id(id))) => {
                self.learn(id)?;
                self.decoder.decode(value).map_err(|error| (error.reason(), error.to_string()))
            }
            other => other.map_err(|error| (error.reason(), error.to_string())),
        }
    }

    /// Writes a record value into `out`, which is cleared first.
    ///
    /// A value of our own types always encodes; were it not so, the record would come out empty and
    /// be refused by its reader.
    pub fn encode(&self, record: &T, out: &mut Vec<u8>) {
        out.clear();
        self.encoder.encode(record, out).ok();
    }

    /// A record value by itself, for what is written once a transaction.
    pub fn bytes(&self, record: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode(record, &mut bytes);
        bytes
    }

    fn learn(&mut self, id: u32) -> Result<(), (Reason, String)> {
        let unknown = |id| Err((Reason::UnknownSchema, format!("schema id {id} is not known to the registry")));
        if let Some(left) = self.unknown.get_mut(&id)
            && *left > 0
        {
            *left -= 1;
            return unknown(id);
        }
        let Some(schema) = self.schemas.by_id(id) else {
            self.unknown.insert(id, ASK_AGAIN_AFTER);
            return unknown(id);
        };
        self.unknown.remove(&id);
        self.decoder.add_writer(Writer::Id(id), &schema).ok();
        Ok(())
    }
}
