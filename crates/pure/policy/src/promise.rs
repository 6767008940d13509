//! How long everybody has: the model of the section `sla`, and a promise worked out to its instants.
//!
//! Holds: the same promise asked for twice is the same, whoever asks: the watchdog that says it is broken
//! and the router that moves the lead on mean one instant. Levels rise in time and in number.
//!
//! Absent on purpose: pauses ([`Stopwatch`]), and what the roster told since, which the router hands on with
//! the lead ([`Owing::told`]).

use std::borrow::Cow;
use std::collections::BTreeMap;

use baton_domain::{Clock, DeskHours, Millis, SlaAction};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::{Calendar, Policy, Stopwatch};

/// How long the desk has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sla {
    /// Calendars by name.
    pub calendars: BTreeMap<String, Calendar>,
    /// Targets by clock, then lane; of [`Clock::StageAge`] by stage. A clock left out does not run.
    pub clocks: BTreeMap<Clock, BTreeMap<String, Target>>,
    /// Warn when this much of the time is used, percent, rising.
    pub warn_percent: Vec<i64>,
    /// How long after a deadline a late arrival may still take a breach back, in ms.
    pub grace_ms: i64,
    /// What happens at which point of a clock, beyond the warnings; rising.
    pub escalation: BTreeMap<Clock, Vec<Escalation>>,
    /// How often sales tries before it gives up; `None` does not count.
    pub cadence: Option<Cadence>,
    /// Qualified leads that marketing promises a month, by pool; `all` counts every pool.
    pub quota: BTreeMap<String, i64>,
    /// The calendar of whoever has none of their own: a queue, a cadence, marketing. `None` is round the clock.
    pub calendar: Option<String>,
    /// Calendars of pools, for leads without an owner.
    pub pool_calendars: BTreeMap<String, String>,
    /// Lead statuses in the CRM that stop the owner's clocks, sorted.
    pub pause_statuses: Vec<String>,
    /// The fact that names the lead's time zone: the hours of `calendar` are meant in it for whoever has none
    /// of their own.
    pub lead_zone: Option<String>,
    /// Whether the first touch is owed from the instant at which the lead became ready: then a new
    /// owner inherits the clock. Else each owner has a clock of their own, from the assignment.
    pub first_touch_from_lead: bool,
}

/// A promise: within so long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// How long, in ms.
    pub within_ms: i64,
    /// Count the owner's working hours only.
    pub business_hours: bool,
    /// When above 0: until the close of so many working days after the first; then `within_ms` is 0.
    pub working_days: i64,
}

/// One step of an escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// When.
    pub after: After,
    /// What is to be done.
    pub action: SlaAction,
    /// Who is to hear of it, by role: [`ROLES`].
    pub to: Vec<String>,
}

/// The point at which a step of an escalation is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// When so many percent of the time are used: 100 is the deadline.
    Percent(i64),
    /// So many ms after the deadline, measured like the promise itself.
    Late(i64),
}

/// The roles that an escalation may name.
pub const ROLES: [&str; 5] = ["rep", "manager", "pool_lead", "marketing", "ops"];

/// So many attempts by a person within so long from the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// How many, the first included.
    pub touches: i64,
    /// Within how long from the first.
    pub within: Target,
    /// In whose hours; the section's calendar when `None`.
    pub calendar: Option<String>,
}

/// A promise with its instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The last instant at which it is kept.
    pub deadline: Millis,
    /// The time allowed, in ms of the promise's own measure.
    pub allowed_ms: i64,
    /// What measures it from here on, pauses and all.
    pub clockwork: Stopwatch,
    /// Warnings (below 100), the breach (100) and what follows it, rising.
    pub levels: Vec<Level>,
}

/// A point of a promise at which something is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Percent of the time used, rounded up, and above the level before.
    pub level: i32,
    /// After how many ms of the promise's own measure.
    pub after_ms: i64,
    /// When that is.
    pub at: Millis,
    /// What is to be done.
    pub action: SlaAction,
    /// Who is to hear of it, by role.
    pub to: Vec<String>,
}

/// A month of the calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// `2026-09`.
    pub name: String,
    /// Its first instant.
    pub from: Millis,
    /// The first instant of the next.
    pub until: Millis,
}

/// Whose hours count: a calendar without the stretches in which its owner is away.
#[derive(Clone, Debug)]
pub struct Hours<'a> {
    calendar: Cow<'a, Calendar>,
    /// From (included) to (excluded).
    away: Cow<'a, [(Millis, Millis)]>,
}

/// Who owes a promise, as far as it says in whose hours.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owing<'a> {
    /// The rep; `None` while nobody has the lead.
    pub owner: Option<&'a str>,
    /// The pool.
    pub pool: &'a str,
    /// What the policy alone does not say of their hours: the router's word, when the promise began.
    pub told: Option<&'a DeskHours>,
}

impl Hours<'_> {
    /// The first instant at or after `at` at which somebody is there; `None` when there is none within 400 days.
    pub fn next_open(&self, at: Millis) -> Option<Millis> {
        let mut at = self.calendar.next_open(at)?;
        for (gone, back) in self.absences(at) {
            if gone <= at && at < back {
                at = self.calendar.next_open(back)?;
            }
        }
        Some(at)
    }

    /// The calendar's name and the version of its content: `berlin@5f21c09a`.
    pub fn version(&self) -> String {
        self.calendar.version()
    }

    /// An instant by the clock on the wall of these hours, and the wall's time zone.
    pub fn local(&self, at: Millis) -> (String, String) {
        let zone = &self.calendar.zone;
        let wall = Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(zone.clone());
        (wall.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string(), zone.iana_name().unwrap_or("UTC").to_owned())
    }

    /// Working milliseconds in `[from, to)`; 0 when `to <= from`.
    pub fn between(&self, from: Millis, to: Millis) -> i64 {
        let mut at = from;
        let mut sum = 0;
        for (gone, back) in self.absences(from) {
            if gone >= to {
                break;
            }
            sum += self.calendar.between(at, gone);
            at = at.max(back);
        }
        sum + self.calendar.between(at, to)
    }

    /// The first instant at or after `start` by which `working_ms` have passed, as [`Calendar::add`];
    /// by the wall clock for a desk that stays closed for good, which still owes an answer.
    pub fn add(&self, start: Millis, working_ms: i64) -> Millis {
        let (mut at, mut left) = (start, working_ms);
        for (gone, back) in self.absences(start) {
            let free = self.calendar.between(at, gone);
            if free > 0 && left <= free {
                break;
            }
            left -= free;
            at = at.max(back);
        }
        self.calendar.add(at, left).unwrap_or_else(|| start.plus(working_ms))
    }

    /// Absences that end after `from`, by their beginning.
    fn absences(&self, from: Millis) -> Vec<(Millis, Millis)> {
        let mut ahead: Vec<_> = self.away.iter().copied().filter(|(gone, back)| *back > from && back > gone).collect();
        ahead.sort_unstable();
        ahead
    }

    /// The time that a target allows from `start`, in its own measure: of working days as many hours as they have,
    /// whether or not somebody is there, so that an absence moves the deadline on.
    fn allowed(&self, target: Target, start: Millis) -> i64 {
        if target.working_days <= 0 {
            return target.within_ms;
        }
        let close = self.calendar.close_after(start, target.working_days);
        close.map_or(target.working_days.saturating_mul(Millis::DAY), |close| self.calendar.between(start, close))
    }
}

impl Policy {
    /// In whose hours a promise counts: what the router told; else the rep's own, less their absences; without
    /// a rep, or for one without a calendar, the pool's, else those of the section, else every hour.
    pub fn hours_of(&self, owing: Owing<'_>) -> Hours<'_> {
        if let Some(told) = owing.told {
            return self.hours_told(told);
        }
        let rep = owing.owner.and_then(|rep| self.routing.reps.get(rep));
        let away = Cow::Borrowed(rep.map_or(&[][..], |rep| &rep.away));
        match rep.filter(|rep| !rep.calendar.is_empty()) {
            Some(rep) => Hours { calendar: self.calendar_as(rep), away },
            // Somebody whom the policy does not know: nobody knows their hours.
            None if owing.owner.is_some() && rep.is_none() => {
                Hours { calendar: Cow::Borrowed(Calendar::around_the_clock()), away }
            }
            None => Hours { away, ..self.hours_named(self.sla.pool_calendars.get(owing.pool)) },
        }
    }

    fn hours_told(&self, told: &DeskHours) -> Hours<'_> {
        let calendar = told.calendar.as_ref().and_then(|name| self.sla.calendars.get(name));
        let zone = told.zone.as_ref().and_then(|zone| TimeZoneDatabase::bundled().get(zone).ok());
        let calendar = match (calendar, zone) {
            (Some(calendar), Some(zone)) => Cow::Owned(calendar.in_zone(zone)),
            (Some(calendar), None) => Cow::Borrowed(calendar),
            (None, Some(zone)) => Cow::Owned(Calendar::around_the_clock().in_zone(zone)),
            (None, None) => Cow::Borrowed(Calendar::around_the_clock()),
        };
        let away = told.away.iter().map(|absence| (absence.from, absence.to)).collect();
        Hours { calendar, away: Cow::Owned(away) }
    }

    fn hours_named(&self, name: Option<&String>) -> Hours<'_> {
        let calendar = name.or(self.sla.calendar.as_ref()).and_then(|name| self.sla.calendars.get(name));
        let calendar = Cow::Borrowed(calendar.unwrap_or(Calendar::around_the_clock()));
        Hours { calendar, away: Cow::Borrowed(&[]) }
    }

    /// The hours of the cadence, whoever owns the lead.
    pub fn cadence_hours(&self) -> Hours<'_> {
        self.hours_named(self.sla.cadence.as_ref().and_then(|cadence| cadence.calendar.as_ref()))
    }

    /// The hours in which a clock counts.
    pub fn hours_for(&self, clock: Clock, owing: Owing<'_>) -> Hours<'_> {
        if clock == Clock::Cadence { self.cadence_hours() } else { self.hours_of(owing) }
    }

    /// The target of a clock in a lane (of [`Clock::StageAge`]: in a stage), if there is one.
    pub fn target(&self, clock: Clock, lane: &str) -> Option<Target> {
        if clock == Clock::Cadence {
            return self.sla.cadence.as_ref().map(|cadence| cadence.within);
        }
        self.sla.clocks.get(&clock)?.get(lane).copied()
    }

    /// The promise of a clock that starts at `start`: `None` when the policy makes none in this lane (of
    /// [`Clock::StageAge`]: stage). `owing` says whose hours count; the cadence has its own.
    pub fn promise(&self, clock: Clock, lane: &str, owing: Owing<'_>, start: Millis) -> Option<Promise> {
        let target = self.target(clock, lane)?;
        Some(self.promised(clock, target, &self.hours_for(clock, owing), start))
    }

    fn promised(&self, clock: Clock, target: Target, hours: &Hours<'_>, start: Millis) -> Promise {
        let business_hours = target.business_hours || target.working_days > 0;
        let allowed_ms = hours.allowed(target, start);
        let clockwork = Stopwatch::start(business_hours, start);
        let after = |ms: i64| clockwork.reaches(hours, ms);
        let steps = self.steps(clock, allowed_ms);
        let level = |(level, after_ms, action, to): (i32, i64, SlaAction, Vec<String>)| Level {
            level,
            after_ms,
            at: after(after_ms),
            action,
            to,
        };
        Promise {
            deadline: after(allowed_ms),
            allowed_ms,
            levels: steps.into_iter().map(level).collect(),
            clockwork: clockwork.clone(),
        }
    }

    /// The end of the cadence whose first attempt was at `first`; `None` when the policy has no cadence.
    pub fn cadence_end(&self, first: Millis) -> Option<Millis> {
        self.promise(Clock::Cadence, "", Owing::default(), first).map(|promise| promise.deadline)
    }

    /// The month that holds `at`, by the clock of the section's calendar, else in UTC.
    pub fn month_of(&self, at: Millis) -> Month {
        let calendar = self.sla.calendar.as_ref().and_then(|name| self.sla.calendars.get(name));
        let zone = calendar.map_or(TimeZone::UTC, |calendar| calendar.zone.clone());
        let instant = Timestamp::from_millisecond(at.0).unwrap_or_default();
        let day = zone.to_datetime(instant).date();
        let dawn = |day: Date| zone.to_timestamp(day.into()).map_or(at, |dawn| Millis(dawn.as_millisecond()));
        let next = day.last_of_month().tomorrow().unwrap_or(day);
        Month {
            name: format!("{:04}-{:02}", day.year(), day.month()),
            from: dawn(day.first_of_month()),
            until: dawn(next),
        }
    }

    /// What marketing promised for a month, with the instants at which a share of it is to be there: pro rata
    /// by the wall clock.
    pub fn quota_promise(&self, month: &Month) -> Promise {
        let target = Target { within_ms: month.until.since(month.from), ..Target::default() };
        self.promised(Clock::Quota, target, &self.hours_named(None), month.from)
    }

    /// Level, ms of use, action and audience of each step of a clock that allows so many ms, rising.
    fn steps(&self, clock: Clock, allowed_ms: i64) -> Vec<(i32, i64, SlaAction, Vec<String>)> {
        let used = |percent: i64| {
            // Whole hundreds first: a long promise times a percentage must not overflow.
            let (hundreds, rest) = (allowed_ms / 100, allowed_ms % 100);
            hundreds.saturating_mul(percent).saturating_add(rest.saturating_mul(percent) / 100)
        };
        let mut steps: BTreeMap<(i64, i64), (SlaAction, Vec<String>)> = BTreeMap::new();
        let (action, roles) = at_breach(clock);
        for percent in self.sla.warn_percent.iter().filter(|percent| (1..100).contains(*percent)) {
            let to = roles.first().map(|role| (*role).to_owned()).into_iter().collect();
            steps.insert((used(*percent), *percent), (SlaAction::Warn, to));
        }
        steps.insert((allowed_ms, 100), (action, roles.iter().map(|role| (*role).to_owned()).collect()));
        for step in self.sla.escalation.get(&clock).into_iter().flatten() {
            let key = match step.after {
                After::Percent(percent) => (used(percent), percent),
                After::Late(ms) => (allowed_ms.saturating_add(ms), late_percent(allowed_ms, ms)),
            };
            steps.insert(key, (step.action, step.to.clone()));
        }
        let mut last = 0;
        let level = |((after_ms, percent), (action, to)): ((i64, i64), (SlaAction, Vec<String>))| {
            // Two steps of a long promise may round to one percentage.
            last = percent.max(last + 1);
            (i32::try_from(last).unwrap_or(i32::MAX), after_ms, action, to)
        };
        steps.into_iter().map(level).collect()
    }
}

/// How much of the time is used when it is `late_ms` too late, in percent, rounded up.
fn late_percent(allowed_ms: i64, late_ms: i64) -> i64 {
    let share = i128::from(late_ms) * 100;
    let allowed = i128::from(allowed_ms.max(1));
    let percent = 100 + (share + allowed - 1) / allowed;
    i64::try_from(percent.min(i128::from(i32::MAX) / 2)).unwrap_or(i64::MAX)
}

/// What a breach asks for where the policy does not say, and of whom.
fn at_breach(clock: Clock) -> (SlaAction, &'static [&'static str]) {
    match clock {
        Clock::System => (SlaAction::Escalate, &["ops"]),
        Clock::Assign => (SlaAction::Escalate, &["pool_lead"]),
        Clock::Accept | Clock::FirstTouch => (SlaAction::Escalate, &["rep", "manager"]),
        Clock::Cadence | Clock::CheckIn => (SlaAction::Warn, &["rep"]),
        Clock::Disposition => (SlaAction::Escalate, &["manager"]),
        Clock::StageAge => (SlaAction::Review, &["manager"]),
        Clock::Quota => (SlaAction::Review, &["marketing"]),
    }
}
