//! The host's clock, for what is paced, measured or published by it. No stage sees it.

use std::time::{SystemTime, UNIX_EPOCH};

use baton_domain::Millis;

/// The time now; none since the epoch on a host whose clock stands before it.
pub fn wall() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
