//! Which dead letters are meant.

use std::fmt;
use std::str::FromStr;

use baton_domain::Reason;
use baton_pipeline::Consumer;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::letter::Letter;
use crate::Failure;

/// The number of a dead letter: where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) partition: i32,
    pub(super) offset: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':').and_then(|(partition, offset)| {
            let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
            (partition >= 0 && offset >= 0).then_some(Self { partition, offset })
        });
        parts.ok_or_else(|| "write it as `baton dlq list` shows it, partition:offset".to_owned())
    }
}

/// There is no dead letter of these numbers.
pub(super) fn no_such(places: &[Place], topic: &str) -> Failure {
    let places: Vec<_> = places.iter().map(ToString::to_string).collect();
    let message = format!("no dead letter {} on {topic}; see `baton dlq list`", places.join(", "));
    Failure { message, code: 65 }
}

/// What a dead letter must be to be meant. Without any of these, all are.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Choice {
    /// Only those refused for this reason; may be given several times
    #[arg(long, value_parser = reason, value_name = "REASON")]
    reason: Vec<Reason>,
    /// Only those that this consumer refused
    #[arg(long, value_name = "CONSUMER")]
    stage: Option<Consumer>,
    /// Only those from this topic, with or without the prefix
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Only those refused at this time or later: 2026-02-01, 2026-02-01T09:30:00Z, or 90m, 2h, 3d ago
    #[arg(long, value_parser = when, value_name = "TIME")]
    since: Option<i64>,
    /// Only those refused before this time
    #[arg(long, value_parser = when, value_name = "TIME")]
    until: Option<i64>,
}

fn reason(text: &str) -> Result<Reason, String> {
    let all = || Reason::ALL.map(Reason::as_str).join(", ");
    Reason::ALL.into_iter().find(|known| known.as_str() == text).ok_or_else(|| format!("choose one of {}", all()))
}

/// A time in ms: a date (UTC), a time, or how long ago.
fn when(text: &str) -> Result<i64, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_millisecond());
    }
    if let Some(day) = text.parse::<Date>().ok().filter(|_| text.len() == 10) {
        return day
            .to_zoned(TimeZone::UTC)
            .map(|at| at.timestamp().as_millisecond())
            .map_err(|error| error.to_string());
    }
    let now = Timestamp::now().as_millisecond();
    ago(text).map(|ago| now.saturating_sub(ago)).ok_or_else(|| {
        "write a date (2026-02-01), a time with its zone (2026-02-01T09:30:00Z), or how long ago (30s, 90m, 2h, 3d)"
            .to_owned()
    })
}

fn ago(text: &str) -> Option<i64> {
    let number = text.trim_end_matches(['s', 'm', 'h', 'd']);
    let unit = match text.strip_prefix(number)? {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u32>().ok().map(|count| i64::from(count) * unit)
}

impl Choice {
    /// Whether it leaves anything out.
    pub(super) fn is_narrow(&self) -> bool {
        !self.reason.is_empty()
            || self.stage.is_some()
            || self.topic.is_some()
            || self.since.is_some()
            || self.until.is_some()
    }

    /// Whether a letter is meant. `prefix` goes before the names of Baton's topics.
    pub(super) fn takes(&self, letter: &Letter, prefix: &str) -> bool {
        let reason = self.reason.is_empty() || self.reason.iter().any(|reason| reason.as_str() == letter.reason);
        let stage = self.stage.is_none_or(|stage| stage.as_str() == letter.stage);
        let from = letter.origin.topic.as_str();
        let topic = self.topic.as_deref().is_none_or(|topic| topic == from || Some(topic) == from.strip_prefix(prefix));
        let since = self.since.is_none_or(|since| letter.refused_at >= since);
        reason && stage && topic && since && self.until.is_none_or(|until| letter.refused_at < until)
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::Origin;
    use super::*;

    fn letter() -> Letter {
        let origin = Origin { topic: "acme.engagement.raw".to_owned(), partition: 0, offset: 1, taken_at: 5 };
        let (reason, stage) = ("limits".to_owned(), "identify".to_owned());
        let place = Place { partition: 0, offset: 9 };
        Letter { place, refused_at: 1_000, reason, stage, detail: String::new(), origin, replays: 0, omitted: false }
    }

    #[test]
    fn every_condition_that_is_given_must_hold() {
        let takes = |choice: Choice| choice.takes(&letter(), "acme.");
        assert!(takes(Choice::default()));
        assert!(takes(Choice { reason: vec![Reason::Decode, Reason::Limits], ..Choice::default() }));
        assert!(!takes(Choice { reason: vec![Reason::Decode], ..Choice::default() }));
        assert!(!takes(Choice { stage: Some(Consumer::Score), ..Choice::default() }));
        for (topic, taken) in [("engagement.raw", true), ("acme.engagement.raw", true), ("crm.activity", false)] {
            assert_eq!(takes(Choice { topic: Some(topic.to_owned()), ..Choice::default() }), taken, "{topic}");
        }
        for (since, until, taken) in [(1_000, 1_001, true), (1_001, 2_000, false), (0, 1_000, false)] {
            assert_eq!(takes(Choice { since: Some(since), until: Some(until), ..Choice::default() }), taken);
        }
    }

    #[test]
    fn a_time_is_a_date_a_time_or_how_long_ago() {
        assert_eq!(when("2026-01-01T12:00:00Z"), Ok(1_767_268_800_000));
        assert_eq!(when("2026-01-01"), Ok(1_767_225_600_000));
        assert_eq!(ago("2h"), Some(7_200_000));
        for wrong in ["", "h", "2", "-2h", "2w", "2hh", "yesterday", "1767268800"] {
            assert!(when(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_number_is_read_as_it_is_shown() {
        assert_eq!("0:12".parse(), Ok(Place { partition: 0, offset: 12 }));
        assert_eq!(Place { partition: 0, offset: 12 }.to_string(), "0:12");
        for wrong in ["12", "0:", ":1", "-1:2", "0:-2", "a:b", "0:1:2"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
