//! Deadlines against a walk through the hours, quarter by quarter: zones, daylight saving, holidays, pauses
//! and new owners at random.
//!
//! Holds: the walk knows the definition only (is the desk open in this quarter, does the clock stand still)
//! and shares no arithmetic with the calendar. `BATON_CALENDAR_CASES` sets how many cases.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;

const ZONES: [&str; 5] = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"];
/// The step of the walk; every offset, change of offset and shift below is a multiple of it.
const QUARTER: i64 = 15 * Millis::MINUTE;
/// How far the walk goes.
const HORIZON: i64 = 9 * 96;

/// A desk's zone, the quarters (0 to 95) worked on each weekday, and on single days from the start's on; quarters from
/// 96 on are those of the night that follows.
#[derive(Clone, Debug)]
struct Desks {
    zone: usize,
    week: [Vec<(i64, i64)>; 7],
    exceptions: BTreeMap<i64, Vec<(i64, i64)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Halt,
    Resume,
    HandOver,
}

#[derive(Clone, Debug)]
struct Case {
    /// The hours of `kim` and of `lee`, who get the lead in turns.
    desks: [Desks; 2],
    /// In which change of the first zone's clocks, and so many quarters before or after it.
    change: usize,
    shift: i64,
    allowed: Target,
    turns: Vec<(i64, Turn)>,
}

fn hours() -> impl Strategy<Value = Vec<(i64, i64)>> {
    let cuts = prop::collection::btree_set(0..=96_i64, 0..=6);
    (cuts, prop::option::of(1..48_i64)).prop_map(|(cuts, night)| {
        let cuts: Vec<i64> = cuts.into_iter().collect();
        let mut hours: Vec<_> = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        if let (Some(last), Some(night)) = (hours.last_mut(), night) {
            last.1 = if night < last.0 { 96 + night } else { last.1 };
        }
        hours
    })
}

fn desks() -> impl Strategy<Value = Desks> {
    let exceptions = prop::collection::btree_map(-1..8_i64, hours(), 0..3);
    (0..ZONES.len(), prop::array::uniform7(hours()), exceptions).prop_map(|(zone, mut week, exceptions)| {
        // A desk that never opens is held to the wall clock: another claim's case.
        week[0].is_empty().then(|| week[0].push((32, 72)));
        Desks { zone, week, exceptions }
    })
}

fn case() -> impl Strategy<Value = Case> {
    let allowed = prop_oneof![
        4 => (1..100_i64).prop_map(|n| Target { within_ms: n * QUARTER, business_hours: true, working_days: 0 }),
        1 => (1..4_i64).prop_map(|days| Target { within_ms: 0, business_hours: true, working_days: days }),
        1 => (1..200_i64).prop_map(|n| Target { within_ms: n * QUARTER, ..Target::default() }),
    ];
    let turn = prop_oneof![3 => Just(Turn::Halt), 3 => Just(Turn::Resume), 1 => Just(Turn::HandOver)];
    let turns = prop::collection::vec((1..60_i64, turn), 0..6);
    let desks = [desks(), desks()];
    (desks, 0..8_usize, -300..100_i64, allowed, turns).prop_map(|(desks, change, shift, allowed, turns)| Case {
        desks,
        change,
        shift,
        allowed,
        turns,
    })
}

impl Case {
    fn start(&self) -> Millis {
        let zone = TimeZone::get(ZONES[self.desks[0].zone]).unwrap();
        let new_year: Timestamp = "2026-01-01T00:00Z".parse().unwrap();
        let change = zone.following(new_year).nth(self.change).map_or(new_year, |change| change.timestamp());
        Millis(change.as_millisecond() + self.shift * QUARTER)
    }

    fn calendar(&self, who: usize) -> Calendar {
        let desks = &self.desks[who];
        let zone = TimeZone::get(ZONES[desks.zone]).unwrap();
        let time =
            |quarter: i64| time(i8::try_from(quarter / 4).unwrap(), i8::try_from(quarter % 4 * 15).unwrap(), 0, 0);
        let hours = |cuts: &Vec<(i64, i64)>| -> baton_policy::DayHours {
            cuts.iter().map(|(from, to)| (time(*from), (*to != 96).then(|| time(*to % 96)))).collect()
        };
        let first = local_day(&zone, self.start());
        let exceptions = desks.exceptions.iter().map(|(days, cuts)| {
            let day = first.checked_add(jiff::Span::new().days(*days)).unwrap();
            (day, hours(cuts))
        });
        let exceptions = exceptions.collect();
        let week = std::array::from_fn(|day| hours(&desks.week[day]));
        Calendar { name: format!("desk{who}"), zone, week, exceptions }
    }

    fn policy(&self) -> Policy {
        let mut policy = policy();
        for (who, rep) in ["kim", "lee"].into_iter().enumerate() {
            let calendar = self.calendar(who);
            let mut row = policy.routing.reps["ada"].clone();
            row.calendar.clone_from(&calendar.name);
            policy.routing.reps.insert(rep.to_owned(), row);
            policy.sla.calendars.insert(calendar.name.clone(), calendar);
        }
        policy.sla.clocks = [(Clock::FirstTouch, [("P1".to_owned(), self.allowed)].into())].into();
        policy.sla.warn_percent.clear();
        policy.sla.pause_statuses = vec!["on_hold".to_owned()];
        policy
    }
}

fn time(hour: i8, minute: i8, second: i8, nano: i32) -> jiff::civil::Time {
    jiff::civil::time(hour, minute, second, nano)
}

fn local_day(zone: &TimeZone, at: Millis) -> Date {
    zone.to_datetime(Timestamp::from_millisecond(at.0).unwrap()).date()
}

/// The days, counted from the first, whose shifts the desk's wall clock shows: this day's, the night's of the day
/// before, or both; straight off the definition.
fn worked_for(desks: &Desks, zone: &TimeZone, first: Date, at: Millis) -> Vec<i64> {
    let local = zone.to_datetime(Timestamp::from_millisecond(at.0).unwrap());
    let days = i64::from((local.date() - first).get_days());
    let weekday = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap();
    let quarter = i64::from(local.hour()) * 4 + i64::from(local.minute()) / 15;
    let shows = |days: i64, weekday: usize, quarter: i64| {
        let hours = desks.exceptions.get(&days).unwrap_or(&desks.week[weekday]);
        hours.iter().any(|(from, to)| *from <= quarter && quarter < *to).then_some(days)
    };
    let night = shows(days - 1, (weekday + 6) % 7, quarter + 96);
    night.into_iter().chain(shows(days, weekday, quarter)).collect()
}

/// How the clock of each owner in turn ended, by the walk: broken at an instant, or cancelled at one.
/// `None` when a working day that counts is not over within the walk.
fn walk(case: &Case) -> Option<Vec<(bool, Millis)>> {
    let start = case.start();
    let mut turns = Vec::new();
    let mut at = 0;
    for (gap, turn) in &case.turns {
        at += gap;
        turns.push((at, *turn));
    }
    let open: Vec<Vec<Vec<i64>>> = (0..2)
        .map(|who| {
            let zone = TimeZone::get(ZONES[case.desks[who].zone]).unwrap();
            let first = local_day(&zone, start);
            (0..HORIZON).map(|n| worked_for(&case.desks[who], &zone, first, start.plus(n * QUARTER))).collect()
        })
        .collect();
    let mut ends = Vec::new();
    let (mut who, mut halted, mut used, mut broken) = (0, false, 0, false);
    let mut allowed = allowed_at(case, 0, 0, &open)?;
    for n in 0..HORIZON {
        let now = start.plus(n * QUARTER);
        for (_, turn) in turns.iter().filter(|(at, _)| *at == n) {
            match turn {
                Turn::Halt => halted = true,
                Turn::Resume => halted = false,
                Turn::HandOver => {
                    if !broken {
                        ends.push((used >= allowed && !halted, now));
                    }
                    who = 1 - who;
                    (used, broken, allowed) = (0, false, allowed_at(case, who, n, &open)?);
                }
            }
        }
        if !broken && !halted && used >= allowed {
            broken = true;
            ends.push((true, now));
        }
        let counts = !(case.allowed.business_hours) || !open[who][usize::try_from(n).unwrap()].is_empty();
        used += i64::from(counts && !halted);
    }
    Some(ends)
}

/// Quarters allowed to a turn that starts at quarter `n`.
fn allowed_at(case: &Case, who: usize, n: i64, open: &[Vec<Vec<i64>>]) -> Option<i64> {
    if case.allowed.working_days == 0 {
        return Some(case.allowed.within_ms / QUARTER);
    }
    let zone = TimeZone::get(ZONES[case.desks[who].zone]).unwrap();
    let first = local_day(&zone, case.start());
    let day = |n: i64| i64::from((local_day(&zone, case.start().plus(n * QUARTER)) - first).get_days());
    let worked_for = |n: i64| &open[who][usize::try_from(n).unwrap()];
    // A night is of the day on which it began.
    let today = worked_for(n).first().copied().unwrap_or(day(n));
    let mut closes = BTreeMap::new();
    for quarter in n..HORIZON {
        closes.extend(worked_for(quarter).iter().filter(|day| **day > today).map(|day| (*day, quarter)));
    }
    let nth = usize::try_from(case.allowed.working_days - 1).unwrap();
    let (last_day, close) = closes.into_iter().nth(nth)?;
    let worked = (n..=close).filter(|quarter| !worked_for(*quarter).is_empty()).count();
    // A day whose night the horizon cuts off is not known to be over.
    (day(HORIZON - 1) > last_day + 1).then(|| i64::try_from(worked).unwrap())
}

/// The same, by the watchdog.
fn told(case: &Case) -> Vec<(bool, Millis)> {
    let policy = case.policy();
    let start = LogTime::from_millis(case.start());
    let mut desk = Desk::default();
    desk.hears(&policy, start, handed("h1", 1, "P1", Some("kim")));
    let (mut at, mut who) = (0, 0);
    for (gap, turn) in &case.turns {
        at += gap;
        let now = LogTime::from_millis(case.start().plus(at * QUARTER));
        let heard = match turn {
            Turn::Halt => status(now, "on_hold"),
            Turn::Resume => status(now, "open"),
            Turn::HandOver => {
                who = 1 - who;
                handed("h1", 1, "P1", Some(["kim", "lee"][who]))
            }
        };
        desk.hears(&policy, now, heard);
    }
    desk.wakes_until(&policy, LogTime::from_millis(case.start().plus(HORIZON * QUARTER)));
    let end = |event: &SlaEvent| match event.kind {
        SlaEventKind::Breached => Some((true, event.deadline.millis())),
        SlaEventKind::Cancelled => Some((false, event.stamp.at.millis())),
        _ => None,
    };
    desk.said.iter().filter_map(end).collect()
}

#[test]
fn deadlines_agree_with_a_walk_through_the_hours() {
    let cases = option_env!("BATON_CALENDAR_CASES").and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let agrees = |case: Case| {
        let last = case.start().plus((HORIZON - 1) * QUARTER);
        let known = |ends: Vec<(bool, Millis)>| -> Vec<_> { ends.into_iter().filter(|(_, at)| *at < last).collect() };
        if let Some(walked) = walk(&case) {
            prop_assert_eq!(known(told(&case)), known(walked));
        }
        Ok(())
    };
    TestRunner::new(config).run(&case(), agrees).unwrap();
}
