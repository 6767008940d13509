//! Reading a date, and working out when an event happened.
//!
//! Holds: a date is RFC 3339 text with an offset; a day alone is read only where a day is meant. A number is never guessed to be seconds or
//! milliseconds. Dates before 2000 are read here, for a device's clock may stand there and still
//! measure; that an event did not happen then is for [`crate::check`] to say.

use baton_domain::{Millis, Reason};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::Rejected;
use crate::json::Scalar;

/// 2000-01-01T00:00Z. Earlier is a broken clock, or seconds where milliseconds belong.
const EARLIEST: Millis = Millis(946_684_800_000);

/// How far the first server's clock may be ahead of the broker's before it is not believed, in ms.
const AHEAD: i64 = 5 * Millis::MINUTE;

/// The dates of an event as its source gave them.
#[derive(Debug, Default)]
pub(crate) struct Dates<'a> {
    /// When it happened, corrected by the source.
    pub(crate) happened: Scalar<'a>,
    /// When it happened, by the device's clock.
    pub(crate) original: Scalar<'a>,
    /// When it was sent, by the device's clock.
    pub(crate) sent: Scalar<'a>,
    /// When the first server got it.
    pub(crate) received: Scalar<'a>,
}

/// When an event happened and when it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When {
    pub(crate) occurred_at: Millis,
    pub(crate) received_at: Option<Millis>,
}

impl Dates<'_> {
    /// When it happened: as the source says; else the time of receipt less the time it lay on the
    /// device, which a wrong device clock does not spoil; else the time of receipt.
    pub(crate) fn settle(&self, appended: Millis) -> Result<When, Rejected> {
        let received_at = believed(read(&self.received, "receivedAt")?, appended);
        let happened = read(&self.happened, "timestamp")?;
        let lay = match (read(&self.sent, "sentAt")?, read(&self.original, "originalTimestamp")?) {
            (Some(sent), Some(original)) => sent.since(original),
            _ => 0,
        };
        let arrived = received_at.unwrap_or(appended);
        let occurred_at = happened.unwrap_or(arrived.plus(lay.saturating_neg()));
        Ok(When { occurred_at, received_at })
    }
}

/// The time of receipt, unless it lies too far after the time at which the log took the record.
pub(crate) fn believed(received: Option<Millis>, appended: Millis) -> Option<Millis> {
    received.filter(|at| *at <= appended.plus(AHEAD))
}

/// Refuses what lies before 2000.
pub(crate) fn not_too_early(at: Millis, field: &str) -> Result<(), Rejected> {
    if at < EARLIEST {
        return Err(Rejected::new(Reason::BadTime, format!("{field} lies before the year 2000")));
    }
    Ok(())
}

/// A date, however early.
pub(crate) fn read(value: &Scalar<'_>, field: &str) -> Result<Option<Millis>, Rejected> {
    let bad = || Rejected::new(Reason::BadTime, format!("{field} is not an RFC 3339 date"));
    match value {
        Scalar::Absent => Ok(None),
        Scalar::Text(text) => text.parse::<Timestamp>().map(|at| Some(Millis(at.as_millisecond()))).map_err(|_| bad()),
        _ => Err(bad()),
    }
}

/// A date, or a day: the first instant of it in UTC.
pub(crate) fn read_day(value: &Scalar<'_>, field: &str) -> Result<Option<Millis>, Rejected> {
    let Scalar::Text(text) = value else { return read(value, field) };
    // With a time beside it the offset is needed: nothing is cut off.
    let day = Date::strptime("%Y-%m-%d", text.as_bytes()).ok();
    match day.and_then(|day| day.to_zoned(TimeZone::UTC).ok()) {
        Some(day) => Ok(Some(Millis(day.timestamp().as_millisecond()))),
        None => read(value, field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = Millis(1_767_268_800_000);

    fn text(date: &str) -> Scalar<'_> {
        Scalar::Text(date.into())
    }

    #[test]
    fn a_device_whose_clock_stands_in_1970_still_tells_how_long_an_event_lay() {
        let dates = Dates {
            original: text("1970-01-01T00:00:10Z"),
            sent: text("1970-01-01T00:01:10Z"),
            received: text("2026-01-01T12:00:00Z"),
            ..Dates::default()
        };
        let when = When { occurred_at: NOON.plus(-Millis::MINUTE), received_at: Some(NOON) };
        assert_eq!(dates.settle(NOON), Ok(when));
    }

    #[test]
    fn the_corrected_time_beats_the_device_s() {
        let dates = Dates {
            happened: text("2026-01-01T13:00:00+02:00"),
            original: text("2026-01-01T09:00:00Z"),
            sent: text("2026-01-01T10:00:00Z"),
            ..Dates::default()
        };
        let when = When { occurred_at: NOON.plus(-Millis::HOUR), received_at: None };
        assert_eq!(dates.settle(NOON), Ok(when));
    }

    #[test]
    fn receipt_after_the_log_took_the_record_is_not_believed() {
        for (received, kept) in [("2026-01-01T12:05:00Z", true), ("2026-01-01T12:05:00.001Z", false)] {
            let when = Dates { received: text(received), ..Dates::default() }.settle(NOON).unwrap();
            assert_eq!(when.received_at.is_some(), kept, "{received}");
            assert_eq!(when.occurred_at, if kept { NOON.plus(5 * Millis::MINUTE) } else { NOON });
        }
    }
}
