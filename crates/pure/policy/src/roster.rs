//! The roster of the day: a rep as the policy has them, with what was told since.
//!
//! Holds: what [`check_rep`] finds nothing wrong with can be used as it is, by this policy.
//!
//! Absent on purpose: who told it, and the text it was told in (`parse::roster`).

use std::borrow::Cow;

use baton_domain::{Millis, RepState, RepStatus};
use jiff::tz::TimeZoneDatabase;

use crate::{Calendar, Policy, Rep};

/// The most leads that a limit may name.
const MOST_LEADS: i64 = 100_000;
/// The heaviest weight of a member.
const MOST_WEIGHT: i64 = 1_000;
/// The most entries of any list: a state is one row of the router.
const MOST_ENTRIES: usize = 100;

/// Everything that is wrong with a state, as (field, message); nothing when it can be used.
pub fn check_rep(policy: &Policy, state: &RepState) -> Vec<(String, String)> {
    let mut wrong: Vec<(String, String)> = Vec::new();
    let mut say = |field: &str, message: String| wrong.push((field.to_owned(), message));
    let base = policy.routing.reps.get(&state.rep);
    if state.rep.is_empty() || state.rep.len() > 64 {
        say("rep", "must have 1 to 64 letters".to_owned());
    }
    let gone = state.status == Some(RepStatus::Gone) || base.is_some_and(|rep| rep.status == RepStatus::Gone);
    match &state.pools {
        Some(pools) => {
            for pool in pools.iter().filter(|pool| !policy.routing.pools.contains_key(*pool)) {
                say("pools", format!("unknown pool {pool:?}"));
            }
            if pools.is_empty() && !gone {
                say("pools", "in no pool: would never get a lead".to_owned());
            }
        }
        None if base.is_none() => say("pools", "a rep whom the policy does not know needs pools".to_owned()),
        None => {}
    }
    if let Some(calendar) = &state.calendar
        && !policy.sla.calendars.contains_key(calendar)
    {
        say("calendar", format!("unknown calendar {calendar:?}"));
    }
    if state.calendar.is_none() && base.is_none() {
        say("calendar", "a rep whom the policy does not know needs a calendar".to_owned());
    }
    if let Some(tz) = &state.tz
        && TimeZoneDatabase::bundled().get(tz).is_err()
    {
        say("tz", format!("unknown time zone {tz:?}"));
    }
    let limits = [("open_max", state.open_max), ("day_max", state.day_max), ("week_max", state.week_max)];
    for (field, limit) in limits {
        if limit.is_some_and(|limit| !(1..=MOST_LEADS).contains(&limit)) {
            say(field, format!("must be from 1 to {MOST_LEADS}"));
        }
    }
    if state.weight.is_some_and(|weight| !(1..=MOST_WEIGHT).contains(&weight)) {
        say("weight", format!("must be from 1 to {MOST_WEIGHT}"));
    }
    for (field, message) in absences(state).into_iter().chain(lengths(state)) {
        say(field, message);
    }
    wrong
}

fn absences(state: &RepState) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let mut away = state.away.clone().unwrap_or_default();
    for absence in away.iter().filter(|absence| absence.to <= absence.from) {
        wrong.push(("away", format!("an absence ends at {}, not after it begins", utc(absence.to))));
    }
    away.retain(|absence| absence.from < absence.to);
    away.sort_unstable();
    for pair in away.windows(2).filter(|pair| pair[1].from < pair[0].to) {
        wrong.push(("away", format!("the absences from {} and from {} overlap", utc(pair[0].from), utc(pair[1].from))));
    }
    wrong
}

fn utc(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| format!("{} ms", at.0), |at| at.to_string())
}

fn lengths(state: &RepState) -> Vec<(&'static str, String)> {
    let texts = [
        ("pools", &state.pools),
        ("territories", &state.territories),
        ("skills", &state.skills),
        ("languages", &state.languages),
    ];
    let lengths = texts.map(|(field, list)| (field, list.as_ref().map_or(0, Vec::len)));
    let away = ("away", state.away.as_ref().map_or(0, Vec::len));
    let long = lengths.into_iter().chain([away]).filter(|(_, length)| *length > MOST_ENTRIES);
    let mut wrong: Vec<_> = long.map(|(field, _)| (field, format!("more than {MOST_ENTRIES} entries"))).collect();
    let words = texts.into_iter().flat_map(|(field, list)| list.iter().flatten().map(move |word| (field, word)));
    let words = words.chain(state.name.iter().map(|name| ("name", name)));
    wrong.extend(words.filter(|(_, word)| word.len() > 200).map(|(field, _)| (field, "a word is too long".to_owned())));
    wrong
}

/// A rep as the policy has them with what was told last; `None` for one of whom nobody ever spoke.
pub fn rep_as_told(policy: &Policy, id: &str, told: Option<&RepState>) -> Option<Rep> {
    let base = policy.routing.reps.get(id);
    let Some(told) = told else { return base.cloned() };
    let base = base.cloned().unwrap_or_default();
    let lower = |list: &Option<Vec<String>>, otherwise: Vec<String>| {
        list.as_ref().map_or(otherwise, |list| list.iter().map(|word| word.to_lowercase()).collect())
    };
    let away = told.away.as_ref().map(|away| away.iter().map(|absence| (absence.from, absence.to)).collect());
    let zone = told.tz.as_ref().and_then(|tz| TimeZoneDatabase::bundled().get(tz).ok());
    Some(Rep {
        name: told.name.clone().unwrap_or(base.name),
        calendar: told.calendar.clone().unwrap_or(base.calendar),
        day_max: told.day_max.or(base.day_max),
        week_max: told.week_max.or(base.week_max),
        open_max: told.open_max.or(base.open_max),
        status: told.status.unwrap_or(base.status),
        away: away.unwrap_or(base.away),
        territories: lower(&told.territories, base.territories),
        skills: lower(&told.skills, base.skills),
        languages: lower(&told.languages, base.languages),
        zone: zone.or(base.zone),
        paused_until: told.auto_paused_until.or(base.paused_until),
    })
}

impl Policy {
    /// The hours of a rep, in the rep's own zone; around the clock where the calendar is not known.
    pub fn calendar_as(&self, rep: &Rep) -> Cow<'_, Calendar> {
        let calendar = self.sla.calendars.get(&rep.calendar).unwrap_or(Calendar::around_the_clock());
        match &rep.zone {
            Some(zone) => Cow::Owned(calendar.in_zone(zone.clone())),
            None => Cow::Borrowed(calendar),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Policy, STARTER, parse, read_rep, read_roster, rep_as_told};

    fn starter() -> Policy {
        parse("starter.yaml", STARTER).unwrap()
    }

    #[test]
    fn a_broken_roster_is_refused_whole_with_every_mistake_at_its_place() {
        let text = "- { rep: jonas.weber, calendar: berlni, tz: Europe/Berlni, weight: 0, pools: [nowhere] }\n\
                    - rep: zoe\n  \
                      calendar: berlin\n  \
                      away: [{ from: 2026-12-24, to: 2026-12-20 }, { from: 2026-11-01, to: 2026-11-09 },\n         \
                      { from: 2026-11-08, to: 2026-11-10 }]\n\
                    - { rep: zoe, calendar: berlin, pools: [] }\n";
        let problems = read_roster("r.yaml", text, &starter()).unwrap_err();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for wanted in [
            "unknown calendar \"berlni\"",
            "unknown time zone \"Europe/Berlni\"",
            "weight: must be from 1 to 1000",
            "unknown pool \"nowhere\"",
            "needs pools",
            "ends at 2026-12-19T23:00:00Z, not after it begins",
            "the absences from 2026-10-31T23:00:00Z and from 2026-11-07T23:00:00Z overlap",
            "given twice",
            "in no pool",
        ] {
            assert!(told.iter().any(|line| line.contains(wanted)), "{wanted} is not among {told:#?}");
        }
        assert!(told.iter().all(|line| line.starts_with("r.yaml:")), "{told:#?}");
    }

    #[test]
    fn a_state_may_be_json_and_overrides_what_the_policy_says() {
        let policy = starter();
        let text = r#"{"rep": "jonas.weber", "status": "away", "day_max": 3, "name": null}"#;
        let state = read_rep("reps.state", text, &policy).unwrap();
        let rep = rep_as_told(&policy, "jonas.weber", Some(&state)).unwrap();
        let base = &policy.routing.reps["jonas.weber"];
        assert_eq!((rep.status, rep.day_max), (crate::RepStatus::Away, Some(3)));
        assert_eq!((&rep.name, &rep.calendar), (&base.name, &base.calendar));
    }
}
