//! Working time: the cases people argue about, and every rule against a walk minute by minute.

use std::collections::BTreeMap;

use baton_domain::Millis;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;

use crate::{Calendar, DayHours};

const ZONES: [&str; 4] = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];
const HOUR: i64 = Millis::HOUR;

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

/// Hours as minutes of the day; 1440 is midnight at the end, and what is beyond is on the next day.
fn hours(intervals: &[(i64, i64)]) -> DayHours {
    let time = |minute: i64| Time::midnight() + jiff::SignedDuration::from_mins(minute);
    intervals.iter().map(|(from, to)| (time(*from), (*to != 1440).then(|| time(*to % 1440)))).collect()
}

/// The same hours Monday to Friday.
fn weekdays(name: &str, intervals: &[(i64, i64)]) -> Calendar {
    let week = std::array::from_fn(|day| if day < 5 { hours(intervals) } else { Vec::new() });
    Calendar { name: "desk".into(), zone: zone(name), week, exceptions: BTreeMap::new() }
}

fn nine_to_five(name: &str) -> Calendar {
    weekdays(name, &[(540, 1020)])
}

fn always(name: &str) -> Calendar {
    Calendar { week: std::array::from_fn(|_| hours(&[(0, 1440)])), ..nine_to_five(name) }
}

/// An instant by the desk's own wall clock.
fn at(calendar: &Calendar, civil: &str) -> Millis {
    let civil: DateTime = civil.parse().unwrap();
    Millis(calendar.zone.to_ambiguous_timestamp(civil).compatible().unwrap().as_millisecond())
}

fn local(calendar: &Calendar, at: Option<Millis>) -> String {
    let at = Timestamp::from_millisecond(at.unwrap().0).unwrap();
    calendar.zone.to_datetime(at).strftime("%a %F %H:%M").to_string()
}

fn due(calendar: &Calendar, start: &str, working_ms: i64) -> String {
    local(calendar, calendar.add(at(calendar, start), working_ms))
}

#[test]
fn an_hour_from_friday_half_past_four_ends_on_monday_half_past_nine() {
    let desk = nine_to_five("Europe/Berlin");
    assert_eq!(due(&desk, "2026-06-05T16:30", HOUR), "Mon 2026-06-08 09:30");
}

#[test]
fn a_holiday_on_monday_moves_it_to_tuesday() {
    let mut desk = nine_to_five("Europe/Berlin");
    desk.exceptions.insert("2026-06-08".parse::<Date>().unwrap(), Vec::new());
    assert_eq!(due(&desk, "2026-06-05T16:30", HOUR), "Tue 2026-06-09 09:30");
}

#[test]
fn around_the_clock_two_hours_across_the_spring_gap_show_three_on_the_wall() {
    let desk = always("Europe/Berlin");
    assert_eq!(due(&desk, "2026-03-29T01:30", 2 * HOUR), "Sun 2026-03-29 04:30");
}

#[test]
fn a_lunch_break_does_not_count() {
    let desk = weekdays("Europe/Berlin", &[(480, 720), (810, 1080)]);
    assert_eq!(due(&desk, "2026-06-03T11:30", HOUR), "Wed 2026-06-03 14:00");
}

#[test]
fn thanksgiving_is_skipped_in_new_york() {
    let mut desk = nine_to_five("America/New_York");
    desk.exceptions.insert("2026-11-26".parse::<Date>().unwrap(), Vec::new());
    assert_eq!(due(&desk, "2026-11-25T16:30", HOUR), "Fri 2026-11-27 09:30");
}

#[test]
fn a_shift_across_the_spring_gap_is_an_hour_short_and_across_the_fold_an_hour_long() {
    let mut desk = nine_to_five("Europe/Berlin");
    desk.week[6] = hours(&[(60, 300)]);
    let worked = |day: &str| {
        let from = at(&desk, &format!("{day}T00:00"));
        desk.between(from, at(&desk, &format!("{day}T23:00")))
    };
    assert_eq!(worked("2026-03-22"), 4 * HOUR);
    assert_eq!(worked("2026-03-29"), 3 * HOUR);
    assert_eq!(worked("2026-10-25"), 5 * HOUR);
}

#[test]
fn the_half_hour_fold_of_lord_howe_is_half_an_hour() {
    let desk = always("Australia/Lord_Howe");
    let day = |from: &str, to: &str| desk.between(at(&desk, from), at(&desk, to));
    assert_eq!(day("2026-04-05T00:00", "2026-04-06T00:00"), 24 * HOUR + HOUR / 2);
    assert_eq!(day("2026-10-04T00:00", "2026-10-05T00:00"), 24 * HOUR - HOUR / 2);
}

/// Monday to Friday from ten in the evening to six in the morning.
fn nights() -> Calendar {
    weekdays("Europe/Berlin", &[(1320, 1440 + 360)])
}

#[test]
fn a_holiday_takes_the_night_away_that_begins_on_it_and_leaves_the_one_before() {
    let mut desk = nights();
    desk.exceptions.insert("2026-12-24".parse::<Date>().unwrap(), Vec::new());
    assert!(desk.is_open(at(&desk, "2026-12-24T05:59")), "the night of the 23rd is worked to its end");
    assert!(!desk.is_open(at(&desk, "2026-12-25T03:00")), "that of the 24th is off to its end");
    assert_eq!(due(&desk, "2026-12-24T05:30", HOUR), "Fri 2026-12-25 22:30");
    assert_eq!(due(&desk, "2026-12-24T12:00", 8 * HOUR), "Sat 2026-12-26 06:00", "Friday's night ends on Saturday");
}

fn closes(desk: &Calendar, start: &str, days: i64) -> String {
    local(desk, desk.close_after(at(desk, start), days))
}

#[test]
fn a_working_day_of_nights_ends_in_the_morning_after() {
    let mut desk = nights();
    assert_eq!(closes(&desk, "2026-03-02T12:00", 1), "Wed 2026-03-04 06:00");
    assert_eq!(closes(&desk, "2026-03-02T23:00", 1), "Wed 2026-03-04 06:00");
    assert_eq!(closes(&desk, "2026-03-03T02:00", 1), "Wed 2026-03-04 06:00", "it is Monday's night still");
    assert_eq!(closes(&desk, "2026-03-03T06:00", 1), "Thu 2026-03-05 06:00");
    assert_eq!(closes(&desk, "2026-03-05T12:00", 2), "Tue 2026-03-10 06:00", "the weekend's mornings are no days");
    desk.exceptions.insert("2026-03-03".parse::<Date>().unwrap(), Vec::new());
    assert_eq!(closes(&desk, "2026-03-02T23:00", 1), "Thu 2026-03-05 06:00");
}

#[test]
fn a_working_day_around_the_clock_ends_at_midnight() {
    assert_eq!(closes(&always("Europe/Berlin"), "2026-03-02T12:00", 1), "Wed 2026-03-04 00:00");
}

#[test]
fn where_a_night_reaches_into_the_hours_of_a_date_the_desk_is_open_once() {
    let mut desk = nights();
    desk.exceptions.insert("2026-03-04".parse::<Date>().unwrap(), hours(&[(60, 120), (300, 480)]));
    let from = at(&desk, "2026-03-03T12:00");
    assert_eq!(desk.between(from, at(&desk, "2026-03-04T12:00")), 10 * HOUR);
    assert_eq!(closes(&desk, "2026-03-04T03:00", 1), "Wed 2026-03-04 08:00");
}

#[test]
fn work_may_end_at_closing_time_but_no_work_starts_there() {
    let desk = nine_to_five("Europe/Berlin");
    assert_eq!(due(&desk, "2026-06-03T16:00", HOUR), "Wed 2026-06-03 17:00");
    assert_eq!(due(&desk, "2026-06-03T17:00", 0), "Thu 2026-06-04 09:00");
    assert!(!desk.is_open(at(&desk, "2026-06-03T17:00")));
    assert!(desk.is_open(Millis(at(&desk, "2026-06-03T17:00").0 - 1)));
}

#[test]
fn no_work_on_an_open_desk_is_due_at_once() {
    let desk = nine_to_five("Europe/Berlin");
    assert_eq!(due(&desk, "2026-06-03T10:17", 0), "Wed 2026-06-03 10:17");
    assert_eq!(due(&desk, "2026-06-03T10:17", -5), "Wed 2026-06-03 10:17");
}

#[test]
fn around_the_clock_is_plain_arithmetic() {
    let desk = Calendar::around_the_clock();
    let start = Millis(1_774_742_400_123);
    assert_eq!(desk.add(start, 7 * Millis::DAY + 1), Some(start.plus(7 * Millis::DAY + 1)));
    assert_eq!(desk.between(start, start.plus(40 * Millis::DAY + 7)), 40 * Millis::DAY + 7);
    assert!(desk.is_open(start));
}

#[test]
fn a_desk_that_never_opens_promises_nothing() {
    let desk = weekdays("Europe/Berlin", &[]);
    let start = at(&desk, "2026-06-03T10:00");
    assert_eq!((desk.next_open(start), desk.add(start, 1), desk.add(start, 0)), (None, None, None));
    assert_eq!(desk.between(start, start.plus(1_000 * Millis::DAY)), 0);
}

#[test]
fn a_desk_that_opens_once_serves_that_day_and_no_more() {
    let mut desk = weekdays("Europe/Berlin", &[]);
    desk.exceptions.insert("2027-06-03".parse::<Date>().unwrap(), hours(&[(540, 600)]));
    assert_eq!(due(&desk, "2026-06-03T10:00", HOUR), "Thu 2027-06-03 10:00");
    assert_eq!(desk.add(at(&desk, "2026-06-03T10:00"), HOUR + 1), None);
    assert_eq!(desk.next_open(at(&desk, "2026-01-01T10:00")), None);
}

#[test]
fn working_time_is_counted_across_years_of_closure() {
    let mut desk = weekdays("Europe/Berlin", &[]);
    desk.exceptions.insert("2020-01-01".parse::<Date>().unwrap(), hours(&[(0, 60)]));
    desk.exceptions.insert("2026-01-01".parse::<Date>().unwrap(), hours(&[(0, 60)]));
    assert_eq!(desk.between(at(&desk, "2020-01-01T00:30"), at(&desk, "2026-01-01T00:30")), HOUR);
}

#[test]
fn the_ends_of_time_are_answered_not_feared() {
    let desk = nine_to_five("Europe/Berlin");
    for instant in [Millis(i64::MIN), Millis(i64::MAX)] {
        assert!(!desk.is_open(instant));
        assert_eq!(desk.add(instant, 1), None);
    }
    assert_eq!(desk.between(Millis(i64::MAX), Millis(i64::MIN)), 0);
}

/// Whether the wall clock of the desk shows a working minute, read straight off the definition.
fn minute_is_worked(calendar: &Calendar, minute: i64) -> bool {
    let at = Timestamp::from_second(minute * 60).unwrap().to_zoned(calendar.zone.clone());
    let weekday = usize::try_from(at.date().weekday().to_monday_zero_offset()).unwrap();
    let hours = calendar.exceptions.get(&at.date()).unwrap_or(&calendar.week[weekday]);
    let by_day = hours.iter().any(|(from, to)| *from <= at.time() && to.is_none_or(|to| to < *from || at.time() < to));
    let hours = calendar.exceptions.get(&at.date().yesterday().unwrap()).unwrap_or(&calendar.week[(weekday + 6) % 7]);
    by_day || hours.iter().any(|(from, to)| to.is_some_and(|to| to < *from && at.time() < to))
}

/// Up to three intervals a day, to the minute; the last may go on past midnight.
fn any_hours() -> impl Strategy<Value = Vec<(i64, i64)>> {
    let cuts = prop::collection::btree_set(0..=1440_i64, 0..=6);
    (cuts, prop::option::of(1..720_i64)).prop_map(|(cuts, night)| {
        let cuts: Vec<i64> = cuts.into_iter().collect();
        let mut hours: Vec<_> = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        if let (Some(last), Some(night)) = (hours.last_mut(), night) {
            last.1 = if night < last.0 { 1440 + night } else { last.1 };
        }
        hours
    })
}

/// A desk, and a minute since 1970 near a change of its clocks (or, without one, near the new year).
fn any_desk() -> impl Strategy<Value = (Calendar, i64)> {
    let week = prop::array::uniform7(any_hours());
    let exceptions = prop::collection::btree_map(-3..6_i64, any_hours(), 0..3);
    (0..ZONES.len(), week, exceptions, 0..8_usize, -2 * 1440..1440_i64).prop_map(
        |(name, week, except, change, shift)| {
            let zone = zone(ZONES[name]);
            let new_year: Timestamp = "2026-01-01T00:00Z".parse().unwrap();
            let change = zone.following(new_year).nth(change).map_or(new_year, |change| change.timestamp());
            let date = zone.to_datetime(change).date();
            let exceptions = except
                .into_iter()
                .map(|(days, cuts)| (date.checked_add(jiff::Span::new().days(days)).unwrap(), hours(&cuts)))
                .collect();
            let week = week.map(|cuts| hours(&cuts));
            (Calendar { name: "desk".into(), zone, week, exceptions }, change.as_second() / 60 + shift)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn working_time_agrees_with_a_walk_minute_by_minute((desk, start) in any_desk(), work in 0..3_000_i64) {
        let minute = |m: i64| Millis(m * Millis::MINUTE);
        let walked: Vec<bool> = (start..start + 7 * 1440).map(|m| minute_is_worked(&desk, m)).collect();
        let mut worked = 0;
        let mut first_open = None;
        let mut due = None;
        for (m, open) in (start..).zip(&walked) {
            if m % 61 == 0 {
                prop_assert_eq!(desk.is_open(minute(m)), *open);
                prop_assert_eq!(desk.between(minute(start), minute(m)), worked * Millis::MINUTE);
            }
            if *open {
                worked += 1;
                first_open = first_open.or(Some(minute(m)));
                due = due.or((worked == work).then(|| minute(m + 1)));
            }
        }
        if first_open.is_some() {
            prop_assert_eq!(desk.next_open(minute(start)), first_open);
            prop_assert_eq!(desk.add(minute(start), 0), first_open);
        }
        if due.is_some() {
            prop_assert_eq!(desk.add(minute(start), work * Millis::MINUTE), due);
        }
    }

    #[test]
    fn the_instant_due_is_the_first_with_the_work_done((desk, start) in any_desk(), ms in 1..200_000_000_i64, odd in 0..60_000_i64) {
        let start = Millis(start * Millis::MINUTE + odd);
        if let Some(due) = desk.add(start, ms) {
            prop_assert_eq!(desk.between(start, due), ms);
            prop_assert!(desk.is_open(Millis(due.0 - 1)));
        }
    }
}
