//! A dead letter, as its headers tell it.
//!
//! Holds: Baton's own headers stand behind those that the record came with, and `x-dlq-reason` is the
//! first of them. So what a source itself may have called `x-dlq-...` is never taken for Baton's word.

use baton_kafka::headers_of;
use baton_kafka::rdkafka::message::{BorrowedMessage, Message};

use super::choice::Place;

/// Header names and values as they came; a value may be absent.
pub(super) type Pairs = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Counts how often a record was replayed.
pub(super) const REPLAY: &str = "x-replay";

const FIRST: &[u8] = b"x-dlq-reason";
const OMITTED: &[u8] = b"x-dlq-omitted";

/// Where a refused record came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// When the broker took it, in ms. Tells a topic from another of its name that came later.
    pub(super) taken_at: i64,
}

impl Origin {
    /// Its key among the marks of what was replayed.
    pub(super) fn mark(&self) -> String {
        format!("{}/{}/{}@{}", self.topic, self.partition, self.offset, self.taken_at)
    }
}

/// A dead letter without key and value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// Its number.
    pub(super) place: Place,
    /// When it was refused, in ms.
    pub(super) refused_at: i64,
    pub(super) reason: String,
    pub(super) stage: String,
    pub(super) detail: String,
    pub(super) origin: Origin,
    /// How often the record had been replayed before it was refused.
    pub(super) replays: u32,
    /// Whether the record itself is not here, because it would not have fitted.
    pub(super) omitted: bool,
}

impl Letter {
    /// Reads one; `None` when the record was not written by one of Baton's consumers.
    pub(super) fn of(record: &BorrowedMessage<'_>) -> Option<Self> {
        let place = Place { partition: record.partition(), offset: record.offset() };
        Self::read(place, record.timestamp().to_millis().unwrap_or(0), &headers_of(record))
    }

    fn read(place: Place, refused_at: i64, headers: &Pairs) -> Option<Self> {
        let (own, added) = headers.split_at(split(headers)?);
        let text = |name: &str| {
            let found = added.iter().find(|(known, _)| known == name.as_bytes())?;
            found.1.as_ref().map(|value| String::from_utf8_lossy(value).into_owned())
        };
        Some(Self {
            place,
            refused_at,
            reason: text("x-dlq-reason")?,
            stage: text("x-dlq-stage")?,
            detail: text("x-dlq-detail").unwrap_or_default(),
            origin: Origin {
                topic: text("x-dlq-topic")?,
                partition: text("x-dlq-partition")?.parse().ok()?,
                offset: text("x-dlq-offset")?.parse().ok()?,
                taken_at: text("x-dlq-timestamp")?.parse().ok()?,
            },
            replays: replays(own),
            omitted: added.iter().any(|(name, _)| name == OMITTED),
        })
    }
}

/// Where Baton's own headers begin.
fn split(headers: &Pairs) -> Option<usize> {
    headers.iter().rposition(|(name, _)| name == FIRST)
}

/// How often a record was replayed, by the headers it came with. What is no number counts as never.
fn replays(own: &[(Vec<u8>, Option<Vec<u8>>)]) -> u32 {
    let newest = own.iter().rev().find(|(name, _)| name == REPLAY.as_bytes());
    newest.and_then(|(_, value)| str::from_utf8(value.as_deref()?).ok()).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The headers to send a record with once more: those it came with, and how often it was replayed.
pub(super) fn once_more(mut headers: Pairs) -> Pairs {
    if let Some(split) = split(&headers) {
        headers.truncate(split);
    }
    let replays = replays(&headers).saturating_add(1);
    headers.retain(|(name, _)| name != REPLAY.as_bytes());
    headers.push((REPLAY.as_bytes().to_vec(), Some(replays.to_string().into_bytes())));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (Vec<u8>, Option<Vec<u8>>) {
        (name.as_bytes().to_vec(), Some(value.as_bytes().to_vec()))
    }

    fn refused(own: Pairs) -> Pairs {
        let added = [
            ("x-dlq-reason", "limits"),
            ("x-dlq-detail", "too long"),
            ("x-dlq-stage", "identify"),
            ("x-dlq-topic", "engagement.raw"),
            ("x-dlq-partition", "0"),
            ("x-dlq-offset", "7"),
            ("x-dlq-timestamp", "1767268800000"),
        ];
        own.into_iter().chain(added.map(|(name, value)| pair(name, value))).collect()
    }

    const PLACE: Place = Place { partition: 0, offset: 3 };

    #[test]
    fn a_source_s_own_x_dlq_headers_are_not_baton_s_word() {
        let own = vec![pair("x-dlq-reason", "decode"), pair("x-dlq-topic", "elsewhere"), pair("trace", "1")];
        let letter = Letter::read(PLACE, 0, &refused(own.clone())).unwrap();
        assert_eq!((letter.reason.as_str(), letter.origin.topic.as_str()), ("limits", "engagement.raw"));
        assert_eq!(letter.origin.mark(), "engagement.raw/0/7@1767268800000");
        let again = once_more(refused(own.clone()));
        assert_eq!(again[..3], own[..]);
        assert_eq!(again[3], pair("x-replay", "1"));
    }

    #[test]
    fn each_replay_counts_one_up_and_leaves_one_header() {
        let mut headers = vec![pair("x-replay", "not a number"), pair("trace", "1"), (b"absent".to_vec(), None)];
        for round in 1..=4_u32 {
            assert_eq!(Letter::read(PLACE, 0, &refused(headers.clone())).unwrap().replays, round - 1);
            headers = once_more(refused(headers));
            assert_eq!(headers.len(), 3);
            assert_eq!(headers[2], pair("x-replay", &round.to_string()));
        }
    }

    #[test]
    fn a_letter_without_its_record_is_told_from_one_of_a_record_without_a_value() {
        assert!(!Letter::read(PLACE, 0, &refused(vec![pair("x-dlq-omitted", "1")])).unwrap().omitted);
        let pointer = refused(Vec::new()).into_iter().chain([pair("x-dlq-omitted", "5000000")]).collect();
        assert!(Letter::read(PLACE, 0, &pointer).unwrap().omitted);
    }

    #[test]
    fn a_record_that_no_consumer_refused_is_no_dead_letter() {
        assert_eq!(Letter::read(PLACE, 0, &vec![pair("trace", "1")]), None);
        assert_eq!(Letter::read(PLACE, 0, &vec![pair("x-dlq-reason", "decode")]), None);
    }
}
