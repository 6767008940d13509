//! From the bytes of a JSON record to the events in it.
//!
//! Holds: any bytes give an answer; a record that is no batch gives exactly one, and a batch one for
//! each of its elements, so that one bad element spoils no other.

use core::fmt;

use baton_domain::{Body, Ids, Millis, RawEvent, Reason, Tick};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::clickstream::{self, Call};
use crate::date::{Dates, When};
use crate::json::{Object, Scalar, Shape};
use crate::message::Message;
use crate::{Rejected, check, limits, retraction, sales};

/// Reads a JSON record: one message of the Segment spec, of the CRM, of consent, a retraction or a
/// tick, or a `batch` of such. `appended` is when the log took the record.
///
/// A whole record that cannot be used gives one [`Rejected`]; an empty batch gives nothing.
pub fn parse(bytes: &[u8], appended: Millis) -> Vec<Result<RawEvent, Rejected>> {
    match record(bytes) {
        Err(rejected) => vec![Err(rejected)],
        Ok(Record { batch: Elements::Absent, message }) => vec![event(message, &Scalar::Absent, appended)],
        Ok(Record { batch: Elements::Wrong, .. }) => vec![Err(Rejected::wrong_type("batch", "a list"))],
        Ok(Record { batch: Elements::Given(elements), message }) => {
            elements.into_iter().map(|element| event(object(element.get())?, &message.sent_at, appended)).collect()
        }
    }
}

fn record(bytes: &[u8]) -> Result<Record<'_>, Rejected> {
    let limit = |what: &str, most: usize| Err(Rejected::new(Reason::Limits, format!("the record {what} {most}")));
    if bytes.len() > limits::RECORD_BYTES {
        return limit("is longer in bytes than", limits::RECORD_BYTES);
    }
    if limits::too_deep(bytes) {
        return limit("nests deeper than", limits::DEPTH);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| Rejected::new(Reason::Decode, "the record is not UTF-8"))?;
    let record: Record<'_> = object(text)?;
    match &record.batch {
        Elements::Given(elements) if elements.len() > limits::BATCH => limit("is a batch of more than", limits::BATCH),
        _ => Ok(record),
    }
}

/// Reads one object. The parser's own words are not repeated: they may quote what was sent.
fn object<'a, T: Shape<'a>>(text: &'a str) -> Result<T, Rejected> {
    match serde_json::from_str::<Object<T>>(text) {
        Ok(Object::Given(message)) => Ok(message),
        Ok(_) => Err(Rejected::wrong_type("the record", "an object")),
        Err(error) if error.to_string().starts_with("number out of range") => {
            Err(Rejected::new(Reason::NotFinite, format!("a number is beyond range at column {}", error.column())))
        }
        Err(error) => {
            Err(Rejected::new(Reason::Decode, format!("not JSON at line {} column {}", error.line(), error.column())))
        }
    }
}

fn event<'a>(mut message: Message<'a>, batch_sent: &Scalar<'a>, appended: Millis) -> Result<RawEvent, Rejected> {
    if message.sent_at == Scalar::Absent {
        message.sent_at = batch_sent.clone();
    }
    let kind = core::mem::take(&mut message.kind).required("type")?;
    let event = match kind.as_str() {
        "page" => clickstream::event(Call::Page, message, appended),
        "screen" => clickstream::event(Call::Screen, message, appended),
        "track" => clickstream::event(Call::Track, message, appended),
        "identify" => clickstream::event(Call::Identify, message, appended),
        "group" => clickstream::event(Call::Group, message, appended),
        "alias" => clickstream::event(Call::Alias, message, appended),
        "crm" => sales::crm(message, appended),
        "consent" => sales::consent(message, appended),
        "retract" => retraction::event(message, appended),
        "tick" => tick(message, appended),
        _ => Err(Rejected::unknown("type")),
    }?;
    check(event)
}

fn tick(message: Message<'_>, appended: Millis) -> Result<RawEvent, Rejected> {
    let When { occurred_at, received_at } =
        Dates { received: message.received_at, ..Dates::default() }.settle(appended)?;
    let body = Body::Tick(Tick {});
    Ok(RawEvent { event_id: String::new(), ids: Ids::default(), occurred_at, received_at, body })
}

/// A message, or a batch of messages with what they share.
#[derive(Default)]
struct Record<'a> {
    batch: Elements<'a>,
    message: Message<'a>,
}

impl<'de> Shape<'de> for Record<'de> {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, from: &mut A) -> Result<(), A::Error> {
        match name {
            "batch" => self.batch = from.next_value()?,
            _ => self.message.field(name, from)?,
        }
        Ok(())
    }
}

/// The elements of a batch, unread: an element that cannot be read is its own fault alone.
#[derive(Default)]
enum Elements<'a> {
    #[default]
    Absent,
    Given(Vec<&'a RawValue>),
    Wrong,
}

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ElementsVisitor)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    /// Keeps one element more than the limit, which is enough to know that it is broken.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while elements.len() <= limits::BATCH {
            match items.next_element()? {
                Some(element) => elements.push(element),
                None => return Ok(Elements::Given(elements)),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Elements::Given(elements))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Elements::Absent)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_map(fields).map(|_| Elements::Wrong)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Elements::Wrong)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Elements::Wrong)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Elements::Wrong)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Elements::Wrong)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Elements::Wrong)
    }
}
