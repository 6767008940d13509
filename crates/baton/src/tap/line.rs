//! One record as one line of JSON.
//!
//! Holds: what cannot be shown as JSON is shown as text, and what is not text as base64, each under a
//! name of its own, so that nobody mistakes one for the other.

use std::io::Write;

use baton_kafka::headers_of;
use baton_kafka::rdkafka::message::{BorrowedMessage, Message};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::{Kind, Nouns};

/// A record as it is shown.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Said<'a> {
    topic: &'a str,
    #[serde(flatten)]
    place: Option<Place>,
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Named>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
}

/// Where a record lies.
#[derive(Debug, Serialize)]
struct Place {
    partition: i32,
    offset: i64,
    time: Option<String>,
}

/// Headers in their order.
#[derive(Debug)]
struct Named(Vec<(String, String)>);

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'a> Said<'a> {
    /// A record that lies on no broker, without its value. In a key, bytes that are no text are replaced.
    pub(crate) fn new(topic: &'a str, key: Option<&[u8]>) -> Self {
        Self { topic, key: key.map(text), ..Self::default() }
    }

    /// All of a record but its value.
    pub(crate) fn of(record: &'a BorrowedMessage<'_>, with_headers: bool) -> Self {
        let time = record.timestamp().to_millis().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let headers = with_headers.then(|| {
            let all = headers_of(record);
            Named(all.iter().map(|(name, value)| (text(name), text(value.as_deref().unwrap_or_default()))).collect())
        });
        Self {
            place: Some(Place {
                partition: record.partition(),
                offset: record.offset(),
                time: time.map(|time| time.to_string()),
            }),
            headers,
            ..Self::new(record.topic(), record.key())
        }
    }

    /// With the value; a record without one has `null`.
    #[must_use]
    pub(crate) fn with_value(mut self, nouns: &mut Nouns, kind: Kind, value: Option<&[u8]>) -> Self {
        let Some(value) = value else {
            self.value = to_raw_value(&()).ok();
            return self;
        };
        match nouns.json(kind, value) {
            Ok(Some(json)) => {
                self.value = Some(json);
                return self;
            }
            Ok(None) => {}
            Err(why) => self.error = Some(why),
        }
        match str::from_utf8(value) {
            Ok(text) => self.value = to_raw_value(text).ok(),
            Err(_) => self.value_base64 = Some(base64(value)),
        }
        self
    }

    /// Whether it is about a lead: keyed by it, or naming it.
    pub(crate) fn concerns(&self, lead: &str) -> bool {
        #[derive(Deserialize)]
        struct Named<'a> {
            #[serde(borrow)]
            lead_id: std::borrow::Cow<'a, str>,
        }
        let names_it = || {
            let value = self.value.as_ref().map(|value| value.get()).unwrap_or_default();
            serde_json::from_str::<Named<'_>>(value).is_ok_and(|named| named.lead_id == lead)
        };
        self.key.as_deref() == Some(lead) || names_it()
    }

    /// Writes the line.
    pub(crate) fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.write_all(b"\n")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut said = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0_usize, |group, place| group << 8 | chunk.get(place).map_or(0, |b| usize::from(*b)));
        for place in 0..4 {
            let letter = ALPHABET[group >> (18 - 6 * place) & 63];
            said.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standards_test_vectors() {
        for (bytes, said) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), said);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0x00]), "//4A");
    }
}
