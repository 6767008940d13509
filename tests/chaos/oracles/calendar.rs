//! Working time counted minute by minute, as with a finger on the calendar.
//!
//! Holds: it shares the policy's hours with Baton and nothing of how Baton reckons with them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use baton_domain::Millis;
use baton_policy::Calendar;
use jiff::Timestamp;

const MINUTE: i64 = 60_000;
/// A desk that is closed for so many minutes is closed for good.
const FOR_GOOD: i64 = 500 * 24 * 60;

/// Calendars with what was found out about them.
#[derive(Default)]
pub(crate) struct Finger {
    open: RefCell<BTreeMap<(String, i64), bool>>,
}

/// A calendar, and when its owner is away: from (included) to (excluded).
#[derive(Clone, Copy)]
pub(crate) struct Door<'a> {
    pub(crate) calendar: &'a Calendar,
    pub(crate) away: &'a [(Millis, Millis)],
}

impl Finger {
    /// The instant by which `within_ms` of working time have passed since `start`.
    pub(crate) fn deadline(&self, door: Door<'_>, start: Millis, within_ms: i64) -> Millis {
        let (mut at, mut left, mut closed) = (start.0, within_ms, 0);
        while closed < FOR_GOOD {
            let next = (at.div_euclid(MINUTE) + 1) * MINUTE;
            if self.is_open(door, at.div_euclid(MINUTE)) {
                if left <= next - at {
                    return Millis(at + left);
                }
                left -= next - at;
                closed = 0;
            } else {
                closed += 1;
            }
            at = next;
        }
        Millis(start.0 + within_ms)
    }

    /// Working time from `from` to `to`, in ms.
    pub(crate) fn between(&self, door: Door<'_>, from: Millis, to: Millis) -> i64 {
        let (mut at, mut sum) = (from.0, 0);
        while at < to.0 {
            let next = ((at.div_euclid(MINUTE) + 1) * MINUTE).min(to.0);
            if self.is_open(door, at.div_euclid(MINUTE)) {
                sum += next - at;
            }
            at = next;
        }
        sum
    }

    fn is_open(&self, door: Door<'_>, minute: i64) -> bool {
        let mut open = self.open.borrow_mut();
        let key = (door.calendar.name.clone(), minute);
        let is_away = door.away.iter().any(|(gone, back)| (gone.0..back.0).contains(&(minute * MINUTE)));
        !is_away && *open.entry(key).or_insert_with(|| looks_open(door.calendar, minute))
    }
}

/// What the clock on the wall and the hours on the door say.
fn looks_open(calendar: &Calendar, minute: i64) -> bool {
    let Ok(at) = Timestamp::from_millisecond(minute * MINUTE) else { return false };
    let local = calendar.zone.to_datetime(at);
    let weekday = usize::try_from(local.date().weekday().to_monday_zero_offset()).unwrap_or(0);
    let hours = calendar.exceptions.get(&local.date()).unwrap_or(&calendar.week[weekday]);
    hours.iter().any(|(from, to)| *from <= local.time() && to.is_none_or(|to| local.time() < to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        Millis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn a_weekend_and_a_lunch_break_do_not_count() {
        let policy = baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap();
        let berlin = Door { calendar: &policy.sla.calendars["berlin"], away: &[] };
        let finger = Finger::default();
        // Berlin is two hours ahead in September; Friday ends at 16:00, Monday begins at 09:00.
        for (start, hours, end) in [
            ("2026-09-11T13:30:30.500Z", 1, "2026-09-14T07:30:30.500Z"),
            ("2026-09-11T13:00:00Z", 1, "2026-09-11T14:00:00Z"),
            ("2026-09-14T10:00:00Z", 1, "2026-09-14T11:30:00Z"),
            ("2026-09-13T10:00:00Z", 8, "2026-09-14T15:30:00Z"),
        ] {
            assert_eq!(finger.deadline(berlin, at(start), hours * 60 * MINUTE), at(end), "{start}");
        }
    }

    #[test]
    fn who_is_away_is_closed() {
        let policy = baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap();
        let away = [(at("2026-09-14T22:00:00Z"), at("2026-09-15T22:00:00Z"))];
        let door = Door { calendar: &policy.sla.calendars["berlin"], away: &away };
        let finger = Finger::default();
        assert_eq!(finger.deadline(door, at("2026-09-14T15:30:00Z"), 60 * MINUTE), at("2026-09-16T07:30:00Z"));
        assert_eq!(finger.between(door, at("2026-09-14T15:30:00Z"), at("2026-09-16T08:00:00Z")), 90 * MINUTE);
    }

    #[test]
    fn it_finds_what_the_policys_own_calendar_finds() {
        let policy = baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap();
        let finger = Finger::default();
        for calendar in policy.sla.calendars.values() {
            let door = Door { calendar, away: &[] };
            for n in 0..200 {
                let start = at("2026-10-23T00:00:00Z").plus(n * 1_234_567);
                let within = (n % 9) * 1_800_000 + 60_000;
                assert_eq!(
                    Some(finger.deadline(door, start, within)),
                    calendar.add(start, within),
                    "{} {start:?} {within}",
                    calendar.name
                );
            }
        }
    }
}
