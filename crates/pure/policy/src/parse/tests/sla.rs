//! The section `sla`: what is written arrives, what is wrong is told, and a promise has its instants.

use baton_domain::SlaAction;

use super::*;
use crate::{After, AutoPause, Owing};

fn of(owner: &str) -> Owing<'_> {
    Owing { owner: Some(owner), pool: "emea", told: None }
}

/// The small policy with more lines at the end of its last section.
fn and(lines: &str) -> String {
    with("  grace: 10m", &format!("  grace: 10m\n{lines}"))
}

fn told(lines: &str) -> Vec<String> {
    complaints(&and(lines))
}

#[test]
fn the_clocks_of_the_starter_policy_arrive_as_written() {
    let policy = good(STARTER);
    let days = |n| Some(Target { within_ms: 0, business_hours: true, working_days: n });
    assert_eq!(policy.target(Clock::Disposition, "P0"), days(3));
    assert_eq!(policy.target(Clock::StageAge, "mql"), days(2));
    let month = Target { within_ms: 30 * Millis::DAY, ..Target::default() };
    assert_eq!(policy.target(Clock::StageAge, "sql"), Some(month));
    assert_eq!(policy.sla.cadence.as_ref().map(|cadence| cadence.touches), Some(6));
    assert_eq!(policy.sla.quota["all"], 50);
    assert_eq!(policy.sla.pause_statuses, ["on_hold", "waiting_for_lead"]);
    let steps: Vec<_> =
        policy.sla.escalation[&Clock::FirstTouch].iter().map(|step| (step.after, step.action)).collect();
    assert_eq!(steps[3], (After::Late(30 * Millis::MINUTE), SlaAction::Reassign));
}

#[test]
fn a_section_that_says_no_more_than_it_must_runs_two_clocks() {
    let policy = good(SMALL);
    let running = Clock::ALL.into_iter().filter(|clock| policy.target(*clock, "P0").is_some());
    assert_eq!(running.collect::<Vec<_>>(), [Clock::Accept, Clock::FirstTouch]);
}

#[test]
fn every_mistake_of_the_section_is_told_at_its_place() {
    let quota = told("  quota: { all: 5, nihgt: 3 }");
    assert_eq!(quota, ["81:20: sla.quota.nihgt: unknown pool \"nihgt\"; did you mean \"night\"?"]);
    let days = told("  disposition: { P0: 0 working days }");
    assert_eq!(days, ["81:22: sla.disposition.P0: expected 1 to 2000 working days, found \"0\""]);
    let stage = told("  stage_age: { mlq: 3d }");
    assert_eq!(stage, ["81:16: sla.stage_age.mlq: unknown stage that ages \"mlq\"; did you mean \"mql\"?"]);
    let calendar = told("  calendar: dya");
    assert_eq!(calendar, ["81:13: sla.calendar: unknown calendar \"dya\"; did you mean \"day\"?"]);
    let start = told("  first_touch_from: led");
    assert_eq!(start, ["81:21: sla.first_touch_from: unknown start \"led\"; did you mean \"lead\"?"]);
}

#[test]
fn every_mistake_of_an_escalation_is_told_at_once() {
    let steps = "  escalate:\n    first_touch:\n      - { after: 100%, do: esclate, to: [rep] }\n      \
                 - { after: 80%, do: warn, to: [boss] }\n    system:\n      - { after: 100%, do: warn }";
    let told = told(steps);
    assert!(
        told.iter().any(|line| line.contains("unknown action \"esclate\"; did you mean \"escalate\"?")),
        "{told:?}"
    );
    assert!(told.iter().any(|line| line.contains("unknown role \"boss\"")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("unknown clock \"system\"")), "{told:?}");
    assert_eq!(told.len(), 3, "{told:?}");
    let order = "  escalate:\n    accept:\n      - { after: 30m, do: warn }\n      - { after: 100%, do: escalate }";
    let told = complaints(&and(order));
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("must be later than the step before it"), "{told:?}");
}

#[test]
fn a_promise_has_its_levels_in_order_and_the_reassign_at_its_instant() {
    let policy = good(STARTER);
    // Monday, 2026-09-07, 09:00 in Berlin.
    let start = Millis("2026-09-07T07:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let promise = policy.promise(Clock::FirstTouch, "P0", of("jonas.weber"), start).unwrap();
    let levels: Vec<_> = promise.levels.iter().map(|level| (level.level, level.at.since(start) / 1_000)).collect();
    assert_eq!(levels, [(50, 150), (80, 240), (100, 300), (700, 2_100), (4_900, 16_500)]);
    let reassign = promise.levels.iter().find(|level| level.action == SlaAction::Reassign);
    assert_eq!(reassign.map(|level| level.at), Some(start.plus(35 * Millis::MINUTE)));
    assert_eq!(promise.deadline, start.plus(5 * Millis::MINUTE));
}

#[test]
fn working_days_end_with_the_hours_of_the_last() {
    let policy = good(STARTER);
    let at = |text: &str| Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    // From Thursday noon three working days are Friday, Monday and Tuesday; Berlin closes at 18:00 then.
    let start = at("2026-09-10T10:00:00Z");
    let promise = policy.promise(Clock::Disposition, "P0", of("jonas.weber"), start).unwrap();
    assert_eq!(promise.deadline, at("2026-09-15T16:00:00Z"));
}

#[test]
fn an_absence_is_no_working_time_of_the_reps() {
    let policy = good(STARTER);
    let at = |text: &str| Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    // Lena Fischer is away from Monday, 2026-12-21, to Sunday, 2027-01-03; Berlin closes at 16:00 on Fridays.
    let start = at("2026-12-18T14:30:00Z");
    let hour = |rep| policy.promise(Clock::Accept, "P1", of(rep), start).unwrap().deadline;
    assert_eq!(hour("jonas.weber"), at("2026-12-21T08:30:00Z"));
    assert_eq!(hour("lena.fischer"), at("2027-01-04T08:30:00Z"));
}

#[test]
fn another_calendar_has_another_version() {
    let version = |text: &str| good(text).sla.calendars["day"].version();
    assert_eq!(version(SMALL), version(&with("fallback: night", "fallback: day")));
    for (old, new) in
        [("2026-12-25: []", "2026-12-26: []"), ("13:00-18:00", "13:00-17:00"), ("Europe/Berlin", "Europe/Paris")]
    {
        assert_ne!(version(SMALL), version(&with(old, new)), "{new}");
    }
}

#[test]
fn a_month_begins_by_the_clock_of_the_sections_calendar() {
    let policy = good(STARTER);
    let at = |text: &str| Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let month = policy.month_of(at("2026-08-31T22:00:00Z"));
    assert_eq!(
        (month.name.as_str(), month.from, month.until),
        ("2026-09", at("2026-08-31T22:00:00Z"), at("2026-09-30T22:00:00Z"))
    );
}

#[test]
fn only_the_owners_clocks_take_a_lead_or_count_against_a_rep() {
    let told = told("  escalate:\n    disposition:\n      - { after: 100%, do: reassign }\n");
    assert!(told[0].ends_with("only a step of accept or first_touch can reassign"), "{told:?}");
    let step = "  escalate:\n    first_touch:\n      - { after: 100%, do: auto_pause }\n";
    let told = self::told(step);
    assert!(told[0].contains("a step of `sla.escalate` asks to auto_pause"), "{told:?}");
    let pause = "fallback: night\n  auto_pause: { after: 3, within: 7d, for: 1d }";
    let told = complaints(&with("fallback: night", pause));
    assert!(told[0].contains("`auto_pause` pauses nobody"), "{told:?}");
    let both = and(step).replace("fallback: night", pause);
    let expected = AutoPause { after: 3, within_ms: 7 * Millis::DAY, for_ms: Millis::DAY };
    assert_eq!(good(&both).routing.auto_pause, Some(expected));
}

#[test]
fn all_that_is_wrong_with_a_release_and_with_a_pause_is_told_at_once() {
    let release = with("day: { members:", "day: { release: { per: 0s, most: 0 }, members:");
    let told = complaints(&release);
    assert!(told.len() == 2 && told[0].contains(".per: ") && told[1].contains(".most: "), "{told:?}");
    let pause = with("fallback: night", "fallback: night\n  auto_pause: { after: 0, within: 0s, for: 0s }");
    let told = complaints(&pause);
    let places = [".after: ", ".within: ", ".for: "];
    assert!(places.iter().all(|place| told.iter().any(|told| told.contains(place))), "{told:?}");
}

#[test]
fn who_has_no_calendar_keeps_those_of_the_pool_and_a_lead_its_own_zone() {
    let told = told("  lead_zone: time_zone");
    assert!(told[0].contains("needs `calendar`"), "{told:?}");
    let text = and("  calendar: day\n  lead_zone: time_zone");
    assert_eq!(good(&text).sla.lead_zone.as_deref(), Some("time_zone"));
    let policy = good(&text);
    let hours = |zone: Option<&str>| {
        let (calendar, zone) = (Some("day".to_owned()), zone.map(str::to_owned));
        let told = baton_domain::DeskHours { calendar, zone, away: Vec::new() };
        policy.hours_of(Owing { owner: None, pool: "desk", told: Some(&told) }).next_open(Millis(1_788_912_000_000))
    };
    let (berlin, new_york) = (hours(None).unwrap(), hours(Some("America/New_York")).unwrap());
    assert_eq!(new_york.since(berlin), 6 * Millis::HOUR);
    assert_eq!(hours(Some("Mars/Base")), Some(berlin), "an unknown zone falls back to the calendar's own");
}
