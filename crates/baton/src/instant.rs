//! Instants as people write and read them: RFC 3339, in UTC.

use baton_domain::Millis;
use baton_runtime::wall;
use jiff::Timestamp;

use crate::Failure;

/// What is said for an instant; an error tells what was said.
pub(crate) fn read(text: &str) -> Result<Millis, String> {
    text.parse::<Timestamp>().map(|time| Millis(time.as_millisecond())).map_err(|error| format!("{text}: {error}"))
}

/// What an option says, or now.
pub(crate) fn given(option: &str, text: Option<&str>) -> Result<Millis, Failure> {
    let Some(text) = text else { return Ok(wall()) };
    read(text).map_err(|error| Failure { message: format!("{option} {error}"), code: 64 })
}

/// An instant in words; nothing for one beyond all calendars.
pub(crate) fn shown(at: Millis) -> String {
    Timestamp::from_millisecond(at.0).map(|time| time.to_string()).unwrap_or_default()
}
