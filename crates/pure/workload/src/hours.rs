//! When people are awake and at their desks, well enough for a sample.
//!
//! Holds: every country has one fixed distance from UTC.
//! Absent on purpose: daylight saving and holidays. The product's calendars are exact; a sample need not be.

use baton_domain::Millis;

use crate::random::Random;

/// Hours a country is ahead of UTC in September.
pub(crate) fn offset_hours(country: &str) -> i64 {
    match country {
        "US" | "CA" | "CU" => -4,
        "BR" => -3,
        "GB" | "IE" => 1,
        "IN" => 5,
        "SG" => 8,
        _ => 2,
    }
}

/// Whether the UTC day of `at` is a Saturday or Sunday.
pub(crate) fn is_weekend(at: Millis) -> bool {
    // Day 0, 1970-01-01, was a Thursday.
    (at.day() + 3).rem_euclid(7) >= 5
}

/// A moment of the UTC day that starts at `midnight` at which people in `country` are at work.
pub(crate) fn working_moment(random: &mut Random, midnight: Millis, country: &str) -> Millis {
    let local = random.between(8 * Millis::HOUR, 19 * Millis::HOUR);
    in_day(midnight, local - offset_hours(country) * Millis::HOUR)
}

/// A moment of that day at which they are not: late evening, for a form filled in on the sofa.
pub(crate) fn evening_moment(random: &mut Random, midnight: Millis, country: &str) -> Millis {
    let local = random.between(20 * Millis::HOUR, 24 * Millis::HOUR - Millis::MINUTE);
    in_day(midnight, local - offset_hours(country) * Millis::HOUR)
}

/// Keeps a local time of day inside the day it is drawn for.
fn in_day(midnight: Millis, ms: i64) -> Millis {
    midnight.plus(ms.rem_euclid(Millis::DAY))
}

/// The first instant from `at` on at which the desk that serves `country` is open, Monday to Friday 9 to 17:
/// the American desk for the Americas, else the European one.
pub(crate) fn desk_opens(at: Millis, country: &str) -> Millis {
    let offset = if matches!(country, "US" | "CA" | "BR" | "CU") { -4 } else { 2 } * Millis::HOUR;
    let mut local = at.plus(offset);
    loop {
        let midnight = Millis(local.day() * Millis::DAY);
        let open = midnight.plus(9 * Millis::HOUR);
        let close = midnight.plus(17 * Millis::HOUR);
        if is_weekend(local) || local >= close {
            local = midnight.plus(Millis::DAY);
        } else {
            return local.max(open).plus(-offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::rfc3339;

    fn at(text: &str) -> Millis {
        Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn a_form_of_friday_night_is_answered_on_monday_morning() {
        assert_eq!(rfc3339(desk_opens(at("2026-09-11T20:00:00Z"), "DE")).to_string(), "2026-09-14T07:00:00Z");
        assert_eq!(rfc3339(desk_opens(at("2026-09-11T20:00:00Z"), "US")).to_string(), "2026-09-11T20:00:00Z");
        assert_eq!(rfc3339(desk_opens(at("2026-09-11T21:00:00Z"), "US")).to_string(), "2026-09-14T13:00:00Z");
    }

    #[test]
    fn a_desk_that_is_open_answers_at_once() {
        let open = at("2026-09-09T10:30:00Z");
        assert_eq!(desk_opens(open, "DE"), open);
    }

    #[test]
    fn weekends_are_saturday_and_sunday() {
        assert!(!is_weekend(at("2026-09-11T23:59:59Z")));
        assert!(is_weekend(at("2026-09-12T00:00:00Z")));
        assert!(is_weekend(at("2026-09-13T23:59:59Z")));
        assert!(!is_weekend(at("2026-09-14T00:00:00Z")));
    }
}
