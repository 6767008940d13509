//! Deadlines and late answers that a salesperson could dispute, by the calendar on the wall.

use jiff::Timestamp;
use jiff::civil::{Date, date, time};
use jiff::tz::TimeZone;

use super::*;

fn instant(text: &str) -> LogTime {
    LogTime::from_millis(Millis(text.parse::<Timestamp>().unwrap().as_millisecond()))
}

fn week(zone: &str, days: usize, hours: &[(i8, i8, i8, i8)]) -> Calendar {
    let hours: baton_policy::DayHours =
        hours.iter().map(|(h, m, to_h, to_m)| (time(*h, *m, 0, 0), Some(time(*to_h, *to_m, 0, 0)))).collect();
    let week = std::array::from_fn(|day| if day < days { hours.clone() } else { Vec::new() });
    let zone = TimeZone::get(zone).unwrap();
    Calendar { name: "office".to_owned(), zone, week, exceptions: BTreeMap::new() }
}

fn office(holidays: &[Date]) -> Calendar {
    let exceptions = holidays.iter().map(|day| (*day, Vec::new())).collect();
    Calendar { exceptions, ..week("UTC", 5, &[(9, 0, 17, 0)]) }
}

/// When a lead of lane P2, an hour of kim's working time, is due.
fn due(calendar: Calendar, start: &str) -> LogTime {
    let handed = handed("h1", 1, "P2", Some("kim"));
    Desk::default().hears(&policy_with(calendar), instant(start), handed).said[0].deadline
}

#[test]
fn an_hour_from_friday_half_past_four_is_due_on_monday_half_past_nine() {
    let friday = "2026-09-11T16:30:00Z";
    assert_eq!(due(office(&[]), friday), instant("2026-09-14T09:30:00Z"));
    assert_eq!(due(office(&[date(2026, 9, 14)]), friday), instant("2026-09-15T09:30:00Z"), "Monday is a holiday");
}

#[test]
fn a_lunch_break_is_not_working_time() {
    let split = week("UTC", 5, &[(8, 0, 12, 0), (13, 30, 18, 0)]);
    assert_eq!(due(split, "2026-09-09T11:30:00Z"), instant("2026-09-09T14:00:00Z"));
}

#[test]
fn round_the_clock_two_hours_across_summer_time_are_two_hours_long() {
    let mut policy = policy_with(week("Europe/Berlin", 7, &[]));
    let always = Calendar { zone: TimeZone::get("Europe/Berlin").unwrap(), ..Calendar::around_the_clock().clone() };
    policy.sla.calendars.insert("office".to_owned(), always);
    let two_hours = Target { within_ms: 2 * Millis::HOUR, business_hours: true, working_days: 0 };
    policy.sla.clocks = [(Clock::FirstTouch, [("P2".to_owned(), two_hours)].into())].into();
    let handed = handed("h1", 1, "P2", Some("kim"));
    let started = Desk::default().hears(&policy, instant("2026-03-29T01:30:00+01:00"), handed);
    assert_eq!(started.said[0].deadline, instant("2026-03-29T04:30:00+02:00"));
}

#[test]
fn off_hours_the_clock_waits_for_the_desk_and_both_times_are_told() {
    let policy = policy_with(office(&[]));
    let mut desk = Desk::default();
    desk.hears(&policy, instant("2026-09-11T20:00:00Z"), handed("h1", 1, "P2", Some("kim")));
    let fired = desk.wakes_until(&policy, instant("2026-09-15T00:00:00Z"));
    let told: Vec<_> = fired.iter().map(|event| (event.level, event.stamp.at, event.business_ms)).collect();
    assert_eq!(
        told,
        [
            (50, instant("2026-09-14T09:30:00Z"), minutes(30)),
            (80, instant("2026-09-14T09:48:00Z"), minutes(48)),
            (100, instant("2026-09-14T10:00:00Z"), minutes(60)),
        ]
    );
    assert_eq!(fired[2].wall_ms, 62 * Millis::HOUR);
}

#[test]
fn a_desk_closed_for_good_is_held_to_the_wall_clock() {
    assert_eq!(due(week("UTC", 0, &[]), "2026-09-09T09:00:00Z"), at(10, 0));
}

#[test]
fn a_deadline_stays_where_it_was_when_the_policy_changes() {
    let mut desk = Desk::owned_by("ada");
    let mut strict = policy();
    strict.version = 8;
    strict.sla.clocks.clear();
    let fired = desk.wakes_until(&strict, at(12, 0));
    let breach = fired.last().unwrap();
    assert_eq!((breach.deadline, breach.policy_version), (at(10, 0), 7));
}

#[test]
fn a_touch_at_two_to_ten_that_arrives_at_six_past_takes_the_breach_of_ten_back() {
    let mut desk = Desk::owned_by("ada");
    let breaches = desk.wakes_until(&policy(), LogTime(at(10, 0).0 + 200_000));
    assert_eq!(breaches.last().unwrap().id, "first_touch_100_h1");
    let answer = desk.hears(&policy(), at(10, 6), call(at(9, 58)));
    assert_eq!((answer.ids(), answer.outcome), (vec!["first_touch_retracted_h1", "first_touch_met_h1"], "retracted"));
    let (retracted, met) = (&answer.said[0], &answer.said[1]);
    assert_eq!((met.wall_ms, met.business_ms, met.event_id.as_str()), (minutes(58), minutes(58), "e1"));
    assert_eq!((retracted.wall_ms, retracted.stamp.at), (minutes(66), at(10, 6)));
}
