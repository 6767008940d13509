//! Rosters: the states of reps as people and systems write them, YAML or JSON, which YAML includes.
//!
//! Holds: a rep comes out only when nothing is wrong with it, in itself or against the policy; every
//! mistake is told.

use baton_domain::{Absence, Millis, RepState};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::problem::Problem;
use super::read::{Field, Fields, Once, Report, is_nothing, shown};
use super::yaml::{self, Kind};
use super::{calendars, reps};
use crate::{Policy, check_rep};

const KEYS: [&str; 17] = [
    "type",
    "rep",
    "name",
    "pools",
    "weight",
    "territories",
    "skills",
    "languages",
    "open_max",
    "day_max",
    "week_max",
    "calendar",
    "tz",
    "status",
    "away",
    "auto_paused_until",
    "updated_at",
];

/// Reads a roster: a list of reps' states, each checked against `policy`.
///
/// # Errors
/// Every problem of the document in its order; at least one.
pub fn read_roster(name: &str, text: &str, policy: &Policy) -> Result<Vec<RepState>, Vec<Problem>> {
    document(name, text, |root| {
        let mut ids = Once::default();
        if root.is_empty() {
            root.wrong("the roster is empty");
        }
        let states = root.items().iter().filter_map(|item| state(item, policy, Some(&mut ids))).collect();
        Some(states)
    })
}

/// Reads the state of one rep, checked against `policy`.
///
/// # Errors
/// Every problem of it; at least one.
pub fn read_rep(name: &str, text: &str, policy: &Policy) -> Result<RepState, Vec<Problem>> {
    document(name, text, |root| state(root, policy, None))
}

fn document<T>(name: &str, text: &str, read: impl FnOnce(&Field<'_>) -> Option<T>) -> Result<T, Vec<Problem>> {
    let report = Report::new(name);
    let value = match yaml::read(text) {
        Ok(root) => read(&Field::root(&report, &root)),
        Err(fault) => {
            report.say(fault.at, "", fault.message, None);
            None
        }
    };
    let problems = report.into_problems();
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(problems),
    }
}

fn state(item: &Field<'_>, policy: &Policy, ids: Option<&mut Once>) -> Option<RepState> {
    let fields = item.fields(&KEYS)?;
    let get = |key: &str| fields.get(key).filter(|field| !nothing(field));
    let text = |key: &str| get(key).and_then(|f| f.text());
    let texts = |key: &str| get(key).map(|f| if f.is_empty() { Vec::new() } else { f.texts() });
    let lower = |key: &str| texts(key).map(|texts| texts.iter().map(|text| text.to_lowercase()).collect());
    let whole = |key: &str| get(key).and_then(|f| f.integer(i64::MIN + 1, i64::MAX));
    let rep = fields.need("rep");
    if let (Some(field), Some(ids)) = (&rep, ids)
        && let Some(name) = field.name()
    {
        ids.add(&name, field);
    }
    let tz = get("tz").and_then(|f| calendars::zone(&f).and_then(|_| f.text()));
    let calendar = text("calendar");
    let days = zone_of(policy, tz.as_deref(), calendar.as_deref(), rep.as_ref().and_then(Field::text).as_deref());
    let state = RepState {
        name: text("name"),
        pools: texts("pools"),
        weight: whole("weight"),
        territories: lower("territories"),
        skills: lower("skills"),
        languages: lower("languages"),
        open_max: whole("open_max"),
        day_max: whole("day_max"),
        week_max: whole("week_max"),
        status: get("status").map(|f| reps::status(&f)),
        away: get("away").map(|f| absences(&f, &days)),
        auto_paused_until: get("auto_paused_until").and_then(|f| instant(&f, &days)),
        rep: rep?.name()?,
        calendar,
        tz,
    };
    for problem in check_rep(policy, &state) {
        whole_of(&fields, &problem.0).wrong(problem.1);
    }
    Some(state)
}

/// The field that a problem is about, else the whole.
fn whole_of<'a>(fields: &Fields<'a>, key: &str) -> Field<'a> {
    fields.get(key).unwrap_or_else(|| fields.whole().clone())
}

fn nothing(field: &Field<'_>) -> bool {
    matches!(field.kind, Kind::Plain(text) if is_nothing(text))
}

/// The zone in which a rep's days begin.
fn zone_of(policy: &Policy, tz: Option<&str>, calendar: Option<&str>, rep: Option<&str>) -> TimeZone {
    let own = tz.and_then(|name| TimeZoneDatabase::bundled().get(name).ok());
    let base = rep.and_then(|rep| policy.routing.reps.get(rep));
    let calendar = calendar.or(base.map(|rep| rep.calendar.as_str()));
    let of_calendar = || Some(policy.sla.calendars.get(calendar?)?.zone.clone());
    own.or_else(|| base?.zone.clone()).or_else(of_calendar).unwrap_or(TimeZone::UTC)
}

fn absences(list: &Field<'_>, zone: &TimeZone) -> Vec<Absence> {
    let read = |item: &Field<'_>| {
        let fields = item.fields(&["from", "to"])?;
        let (from, to) = (fields.need("from"), fields.need("to"));
        Some((instant(&from?, zone)?, instant(&to?, zone)?))
    };
    let mut absences: Vec<_> = list.items().iter().filter_map(read).map(|(from, to)| Absence { from, to }).collect();
    absences.sort_unstable();
    absences
}

/// A date, which begins with the rep's own day; an instant with its offset; or ms since 1970.
fn instant(field: &Field<'_>, zone: &TimeZone) -> Option<Millis> {
    let text = field.text()?;
    if let Ok(ms) = text.parse::<i64>() {
        return Some(Millis(ms));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Millis(at.as_millisecond()));
    }
    let dawn = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10);
    let dawn = dawn.and_then(|day| zone.to_timestamp(day.into()).ok()).map(|at| Millis(at.as_millisecond()));
    if dawn.is_none() {
        field.wrong_but(
            format!("{} is neither a date nor an instant", shown(&text)),
            "write it as in 2026-12-24 or 2026-12-24T09:00:00Z",
        );
    }
    dawn
}
