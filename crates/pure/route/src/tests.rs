//! The router's promises, one claim a test.

mod alerts;
mod by_hand;
mod deadlines;
mod fairness;
mod hands;
mod promises;
mod queue;
mod raised;
mod roster;
mod steps;
mod trimming;
mod turns;

use std::collections::BTreeMap;

use baton_domain::{
    Band, Excluded, Fact, FactValue, Grade, History, LogTime, Millis, Points, Qualifying, ReasonKind, RouteInput,
    Stamp, WatchInput,
};
use baton_policy::{
    Calendar, Decision, FactTest, Identity, Needs, Policy, Pool, Rep, RepStatus, RouteRule, Routing, Sla, Strategy,
};
use jiff::civil::time;
use jiff::tz::TimeZone;

use crate::{Answer as Told, Directory, Heard, Row, Said, step, wake};

/// Wednesday 2026-09-09 00:00 UTC.
const MIDNIGHT: Millis = Millis(1_788_912_000_000);

/// A time of that Wednesday.
fn at(hour: i64, minute: i64) -> LogTime {
    LogTime::from_millis(MIDNIGHT.plus(hour * Millis::HOUR + minute * Millis::MINUTE))
}

fn rep() -> Rep {
    Rep { calendar: "24x7".to_owned(), ..Rep::default() }
}

fn away(from: LogTime, to: LogTime) -> Rep {
    Rep { away: vec![(from.millis(), to.millis())], ..rep() }
}

fn pool(members: &[(&str, i64)], overflow: Option<&str>) -> Pool {
    let members = members.iter().map(|(rep, weight)| ((*rep).to_owned(), *weight)).collect();
    Pool { members, overflow: overflow.map(str::to_owned), ..Pool::default() }
}

/// Facts `region: <pool>` go to the pool of that name, everything else to `desk`.
fn policy(reps: Vec<(&str, Rep)>, pools: Vec<(&str, Pool)>) -> Policy {
    let rules = pools.iter().map(|(name, _)| RouteRule {
        id: format!("to_{name}"),
        lanes: Vec::new(),
        facts: vec![("region".to_owned(), FactTest::AnyOf(vec![(*name).to_owned()]))],
        pool: (*name).to_owned(),
        needs: Needs::default(),
    });
    let hours = |days: std::ops::Range<usize>| {
        std::array::from_fn(|day| {
            if days.contains(&day) { vec![(time(9, 0, 0, 0), Some(time(17, 0, 0, 0)))] } else { vec![] }
        })
    };
    let office =
        Calendar { name: "office".to_owned(), zone: TimeZone::UTC, week: hours(0..5), exceptions: BTreeMap::new() };
    let calendars = [office, Calendar::around_the_clock().clone()].map(|calendar| (calendar.name.clone(), calendar));
    Policy {
        name: "test".to_owned(),
        version: 7,
        identity: Identity { dedupe_ms: 0, max_skew_ms: 0, placeholder_ids: Vec::new() },
        decision: Decision::default(),
        lifecycle: baton_policy::Lifecycle::default(),
        routing: Routing {
            rules: rules.collect(),
            fallback: "desk".to_owned(),
            pools: pools.into_iter().map(|(name, pool)| (name.to_owned(), pool)).collect(),
            reps: reps.into_iter().map(|(id, rep)| (id.to_owned(), rep)).collect(),
            alert_after_ms: 30 * Millis::MINUTE,
            ..Routing::default()
        },
        sla: Sla { calendars: calendars.into_iter().collect(), clocks: BTreeMap::new(), ..Sla::default() },
        ..Policy::default()
    }
}

/// One pool, `desk`, with these reps at weight 1.
fn desk(reps: Vec<(&str, Rep)>) -> Policy {
    let members: Vec<(&str, i64)> = reps.iter().map(|(id, _)| (*id, 1)).collect();
    let desk = pool(&members, None);
    policy(reps, vec![("desk", desk)])
}

fn lead(id: &str) -> Qualifying {
    Qualifying {
        lead_id: id.to_owned(),
        episode: 1,
        handoff_id: format!("h_{id}_1"),
        lane: "P1".to_owned(),
        reason: ReasonKind::Matrix,
        cell: "A1".to_owned(),
        trigger_set: Vec::new(),
        score: Points::ZERO,
        fit: Points::ZERO,
        engagement: Points::ZERO,
        grade: Grade::A,
        band: Band(1),
        contributions: Vec::new(),
        facts: Vec::new(),
        missing_facts: Vec::new(),
        recent: Vec::new(),
        topics: Vec::new(),
        first_source: None,
        last_source: None,
        occurred_at: Millis(0),
        event_id: format!("e_{id}"),
        policy_version: 3,
        history: History::default(),
        review: false,
        criteria: Vec::new(),
        completeness: 100,
        consent: Vec::new(),
        first_campaign: None,
        last_campaign: None,
    }
}

fn again(id: &str, episode: i32) -> Qualifying {
    Qualifying { episode, handoff_id: format!("h_{id}_{episode}"), ..lead(id) }
}

fn urgent(id: &str) -> Qualifying {
    Qualifying { lane: "P0".to_owned(), ..lead(id) }
}

fn from_region(id: &str, region: &str) -> Qualifying {
    let value = FactValue::Text(region.to_owned());
    Qualifying {
        facts: vec![Fact { name: "region".to_owned(), value, source: "form".to_owned(), observed_at: None }],
        ..lead(id)
    }
}

/// Rows with the wake-ups that they asked for.
#[derive(Clone, Default)]
struct Rows(BTreeMap<String, (Row, Option<LogTime>)>);

impl Directory for Rows {
    fn get(&self, key: &str) -> Option<Row> {
        self.0.get(key).map(|(row, _)| row.clone())
    }

    fn put(&mut self, key: &str, row: Option<Row>, wake: Option<LogTime>) {
        match row {
            Some(row) => self.0.insert(key.to_owned(), (row, wake)),
            None => self.0.remove(key),
        };
    }
}

/// A router that remembers, as its host would keep it.
#[derive(Clone, Default)]
struct Router {
    rows: Rows,
    /// Leads that counted for marketing's promise.
    delivered: usize,
}

impl Router {
    fn hears(&mut self, policy: &Policy, at: LogTime, event: Qualifying) -> Answer {
        self.takes(policy, at, Heard::Lead(RouteInput::Qualified(Box::new(event))))
    }

    fn takes(&mut self, policy: &Policy, at: LogTime, heard: Heard) -> Answer {
        let Told { mut outputs, outcome } = step(policy, &mut self.rows, at, heard);
        let delivered =
            |said: &Said| matches!(said, Said::Clock(clock) if matches!(clock.input, WatchInput::Delivered { .. }));
        self.delivered += outputs.iter().filter(|said| delivered(said)).count();
        outputs.retain(|said| !delivered(said));
        Answer { outputs, outcome, wake: self.wake() }
    }

    /// When the queues are to be served again.
    fn wake(&self) -> Option<LogTime> {
        self.rows.0.get("desk").and_then(|(_, wake)| *wake)
    }

    /// The next wake-up of any row.
    fn next(&self) -> Option<(LogTime, String)> {
        self.rows.0.iter().filter_map(|(key, (_, wake))| wake.map(|wake| (wake, key.clone()))).min()
    }

    /// The wake-up that was asked for comes, and those before it.
    fn wakes(&mut self, policy: &Policy) -> Answer {
        let due = self.wake().expect("a wake-up was asked for");
        let mut outputs = Vec::new();
        while let Some((at, key)) = self.next().filter(|(at, _)| *at <= due) {
            outputs.extend(self.fires(policy, &key, at));
        }
        outputs.retain(|said| !matches!(said, Said::Assignment(told) if told.cause == "unrouted"));
        let outcome = if outputs.is_empty() { "queued" } else { "assigned" };
        Answer { outputs, outcome, wake: self.wake() }
    }

    /// One wake-up.
    fn fires(&mut self, policy: &Policy, key: &str, due: LogTime) -> Vec<Said> {
        let said = wake(policy, &mut self.rows, key, due);
        let again = self.rows.0.get(key).and_then(|(_, wake)| *wake);
        assert!(again.is_none_or(|again| again > due), "{key}: a wake-up must lie ahead");
        said
    }

    /// Who gets the lead.
    fn gives(&mut self, policy: &Policy, at: LogTime, event: Qualifying) -> String {
        owners(&self.hears(policy, at, event)).pop().expect("an owner").1
    }
}

/// A step without the state, which the router keeps.
#[derive(Debug, PartialEq)]
struct Answer {
    outputs: Vec<Said>,
    outcome: &'static str,
    wake: Option<LogTime>,
}

/// (lead, owner) of each lead that came to a desk.
fn owners(step: &Answer) -> Vec<(String, String)> {
    let clocks = step.outputs.iter().filter_map(|said| if let Said::Clock(clock) = said { Some(clock) } else { None });
    let owners = clocks.filter_map(|clock| match &clock.input {
        WatchInput::HandedOff { lead_id, owner, .. } => Some((lead_id.clone(), owner.clone().unwrap())),
        _ => None,
    });
    owners.collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(lead, owner)| ((*lead).to_owned(), (*owner).to_owned())).collect()
}

fn assignment(step: &Answer) -> &baton_domain::Assignment {
    step.outputs.iter().find_map(|said| if let Said::Assignment(a) = said { Some(a) } else { None }).unwrap()
}

fn excluded(expected: &[(&str, &str)]) -> Vec<Excluded> {
    let excluded = expected.iter().map(|(rep, why)| Excluded { rep: (*rep).to_owned(), reason: (*why).to_owned() });
    excluded.collect()
}

#[test]
fn a_qualified_lead_is_handed_to_a_rep_and_its_clock_started() {
    let policy = desk(vec![("ada", rep()), ("bob", rep())]);
    let step = Router::default().hears(&policy, at(9, 0), urgent("l1"));
    let stamp = Stamp { at: at(9, 0), lane: 0 };
    let expected = baton_domain::Assignment {
        stamp,
        lead_id: "l1".to_owned(),
        handoff_id: "h_l1_1".to_owned(),
        episode: 1,
        owner: Some("ada".to_owned()),
        pool: "desk".to_owned(),
        rule: "fallback".to_owned(),
        why: "next in turn".to_owned(),
        excluded: excluded(&[("bob", "not_their_turn")]),
        waited_ms: 0,
        policy_version: 7,
        cause: "qualified".to_owned(),
        steps: assignment(&step).steps.clone(),
        account: None,
        deadlines: Some(Vec::new()),
    };
    let started = WatchInput::HandedOff {
        lead_id: "l1".to_owned(),
        handoff_id: "h_l1_1".to_owned(),
        episode: 1,
        lane: "P0".to_owned(),
        owner: Some("ada".to_owned()),
        pool: "desk".to_owned(),
        qualified_at: at(9, 0),
        policy_version: 7,
        occurred_at: Millis(0),
        score: Some(Points::ZERO),
        hours: None,
    };
    let handoff =
        baton_domain::Handoff { stamp, decision: urgent("l1"), assignment: expected.clone(), trimmed: Vec::new() };
    assert_eq!(
        step.outputs,
        [
            Said::Assignment(expected),
            Said::Handoff(Box::new(handoff)),
            Said::Clock(baton_domain::ClockStart { stamp, input: started }),
        ]
    );
    assert_eq!((step.outcome, step.wake), ("assigned", None));
}

#[test]
fn an_episode_that_was_assigned_is_not_assigned_again_and_counts_once_for_marketing() {
    let policy = desk(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), again("l1", 2));
    for event in [again("l1", 2), again("l1", 1)] {
        let step = router.hears(&policy, at(9, 1), event);
        assert_eq!((step.outcome, step.outputs), ("repeated", vec![]));
    }
    assert_eq!(router.delivered, 1);
}

#[test]
fn a_lead_that_comes_back_goes_to_its_previous_owner_out_of_turn() {
    let policy = desk(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let step = router.hears(&policy, at(9, 1), again("l1", 2));
    assert_eq!(assignment(&step).why, "sticky: previous owner");
    assert_eq!(owners(&step), pairs(&[("l1", "ada")]));
    assert_eq!(router.gives(&policy, at(9, 2), lead("l2")), "bob", "the turn was not used up");
}

#[test]
fn a_previous_owner_who_cannot_take_the_lead_is_passed_over() {
    let full = Rep { day_max: Some(1), ..rep() };
    let gone = Rep { status: RepStatus::Gone, ..rep() };
    for (now, why) in [(full.clone(), "day_full"), (away(at(9, 0), at(10, 0)), "away"), (gone, "gone")] {
        let mut router = Router::default();
        router.hears(&desk(vec![("ada", full.clone()), ("bob", rep())]), at(8, 0), lead("l1"));
        let step = router.hears(&desk(vec![("ada", now), ("bob", rep())]), at(9, 0), again("l1", 2));
        assert_eq!(owners(&step), pairs(&[("l1", "bob")]));
        assert_eq!(assignment(&step).excluded, excluded(&[("ada", why)]));
    }
}

#[test]
fn a_previous_owner_struck_from_the_roster_is_passed_over() {
    let mut router = Router::default();
    router.hears(&desk(vec![("ada", rep())]), at(9, 0), lead("l1"));
    assert_eq!(router.gives(&desk(vec![("bob", rep())]), at(9, 1), again("l1", 2)), "bob");
}

#[test]
fn reps_on_duty_come_before_those_off_hours() {
    let office = Rep { calendar: "office".to_owned(), ..rep() };
    let policy = desk(vec![("ada", office), ("bob", rep())]);
    let mut router = Router::default();
    let step = router.hears(&policy, at(8, 59), lead("l1"));
    assert_eq!(owners(&step), pairs(&[("l1", "bob")]));
    assert_eq!(assignment(&step).excluded, excluded(&[("ada", "off_hours")]));
    assert_eq!(router.gives(&policy, at(9, 0), lead("l2")), "ada");
}

#[test]
fn with_nobody_on_duty_someone_off_hours_gets_the_lead() {
    let office = Rep { calendar: "office".to_owned(), ..rep() };
    let step = Router::default().hears(&desk(vec![("ada", office)]), at(20, 0), lead("l1"));
    assert_eq!(owners(&step), pairs(&[("l1", "ada")]));
    assert_eq!(assignment(&step).why, "next in turn, nobody in hours");
}

#[test]
fn a_pool_that_cannot_overflows_then_falls_back() {
    let gone = || Rep { status: RepStatus::Gone, ..rep() };
    let pools = || {
        vec![
            ("north", pool(&[("ada", 1)], Some("south"))),
            ("south", pool(&[("bob", 1)], Some("north"))),
            ("desk", pool(&[("cid", 1)], None)),
        ]
    };
    let covered = policy(vec![("ada", gone()), ("bob", rep()), ("cid", rep())], pools());
    let step = Router::default().hears(&covered, at(9, 0), from_region("l1", "north"));
    let found = assignment(&step);
    assert_eq!((found.owner.as_deref(), found.pool.as_str(), found.rule.as_str()), (Some("bob"), "south", "to_north"));
    assert_eq!(
        (found.why.as_str(), &found.excluded),
        ("next in turn of south, in place of north", &excluded(&[("ada", "gone")]))
    );

    let ring_is_dry = policy(vec![("ada", gone()), ("bob", gone()), ("cid", rep())], pools());
    let step = Router::default().hears(&ring_is_dry, at(9, 0), from_region("l1", "north"));
    assert_eq!((assignment(&step).owner.as_deref(), assignment(&step).pool.as_str()), (Some("cid"), "desk"));
}

#[test]
fn a_rep_back_from_absence_is_not_flooded() {
    let policy = desk(vec![("ada", away(at(9, 0), at(12, 0))), ("bob", rep())]);
    let mut router = Router::default();
    for n in 0..50 {
        assert_eq!(router.gives(&policy, at(10, n), lead(&format!("m{n}"))), "bob");
    }
    let after: Vec<String> = (0..6).map(|n| router.gives(&policy, at(12, n), lead(&format!("n{n}")))).collect();
    assert_eq!(after.iter().filter(|owner| *owner == "ada").count(), 3);
}

#[test]
fn changed_weights_start_the_turns_anew() {
    let reps = || vec![("ada", rep()), ("bob", rep())];
    let heavy = policy(reps(), vec![("desk", pool(&[("ada", 1_000), ("bob", 999)], None))]);
    let light = policy(reps(), vec![("desk", pool(&[("ada", 1), ("bob", 1)], None))]);
    let mut router = Router::default();
    router.hears(&heavy, at(9, 0), lead("l0"));
    let next: Vec<String> = (1..5).map(|n| router.gives(&light, at(9, n), lead(&format!("l{n}")))).collect();
    assert_eq!(next, ["ada", "bob", "ada", "bob"]);
}
