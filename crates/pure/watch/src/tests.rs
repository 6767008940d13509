//! The watchdog's promises, one claim a test.

mod consent;
mod golden;
mod handing_over;
mod late;
mod nine;
mod oracle;
mod quota;
mod recount;

use std::collections::BTreeMap;

use baton_domain::{
    Body, Clock, Consent, ConsentState, CrmActivity, CrmKind, Direction, Disposition, LeadEvent, LogTime, Millis,
    Points, SlaEvent, SlaEventKind, Stamp, Touch, TouchOutcome, WatchInput,
};
use baton_policy::{Calendar, Decision, Destination, Effect, Identity, Policy, Rep, Routing, Sla, Target};
use baton_stage::{Input, Stage, Step};

use crate::{Heard, State, Watch};

/// Wednesday 2026-09-09 00:00 UTC.
const MIDNIGHT: Millis = Millis(1_788_912_000_000);

/// A time of that Wednesday.
fn at(hour: i64, minute: i64) -> LogTime {
    LogTime::from_millis(MIDNIGHT.plus(hour * Millis::HOUR + minute * Millis::MINUTE))
}

fn minutes(n: i64) -> i64 {
    n * Millis::MINUTE
}

/// Lane P1: acceptance within 30 minutes and a first touch within an hour, by the wall clock;
/// lane P2: a first touch within an hour of the owner's working time. Warnings at 50 and 80 %.
/// `ada` works round the clock, `kim` by the calendar given.
fn policy_with(calendar: Calendar) -> Policy {
    let rep = |calendar: &str| Rep { calendar: calendar.to_owned(), ..Rep::default() };
    let wall = |within| Target { within_ms: minutes(within), ..Target::default() };
    let hour = Target { within_ms: Millis::HOUR, business_hours: true, working_days: 0 };
    let lanes = |lanes: &[(&str, Target)]| lanes.iter().map(|(lane, target)| ((*lane).to_owned(), *target)).collect();
    Policy {
        name: "test".to_owned(),
        version: 7,
        identity: Identity { dedupe_ms: 0, max_skew_ms: 0, placeholder_ids: Vec::new() },
        decision: Decision::default(),
        lifecycle: baton_policy::Lifecycle::default(),
        routing: Routing {
            rules: Vec::new(),
            fallback: "desk".to_owned(),
            pools: BTreeMap::new(),
            reps: [("ada", "24x7"), ("kim", calendar.name.as_str())]
                .map(|(id, calendar)| (id.to_owned(), rep(calendar)))
                .into(),
            ..Routing::default()
        },
        sla: Sla {
            calendars: [Calendar::around_the_clock().clone(), calendar].map(|c| (c.name.clone(), c)).into(),
            clocks: [
                (Clock::Accept, lanes(&[("P1", wall(30))])),
                (Clock::FirstTouch, lanes(&[("P1", wall(60)), ("P2", hour)])),
            ]
            .into(),
            warn_percent: vec![50, 80],
            grace_ms: minutes(6),
            ..Sla::default()
        },
        ..Policy::default()
    }
}

fn policy() -> Policy {
    policy_with(Calendar { name: "kim's".to_owned(), ..Calendar::around_the_clock().clone() })
}

fn handed(id: &str, episode: i32, lane: &str, owner: Option<&str>) -> Heard {
    Heard::Clock(WatchInput::HandedOff {
        lead_id: "l1".to_owned(),
        handoff_id: id.to_owned(),
        episode,
        lane: lane.to_owned(),
        owner: owner.map(str::to_owned),
        pool: "desk".to_owned(),
        qualified_at: at(8, 0),
        policy_version: 6,
        occurred_at: at(7, 59).millis(),
        score: Some(Points::whole(70)),
        hours: None,
    })
}

fn handed_to(owner: &str) -> Heard {
    handed("h1", 1, "P1", Some(owner))
}

fn event(occurred_at: LogTime, body: Body) -> Heard {
    Heard::Lead(LeadEvent {
        stamp: Stamp::default(),
        lead_id: "l1".to_owned(),
        event_id: "e1".to_owned(),
        occurred_at: occurred_at.millis(),
        origin: String::new(),
        body,
    })
}

fn sales(occurred_at: LogTime, kind: CrmKind) -> Heard {
    event(occurred_at, Body::Crm(CrmActivity { kind, ..CrmActivity::default() }))
}

fn status(occurred_at: LogTime, status: &str) -> Heard {
    let status = Some(status.to_owned());
    event(occurred_at, Body::Crm(CrmActivity { kind: CrmKind::Status, status, ..CrmActivity::default() }))
}

fn touch(occurred_at: LogTime, touch: Touch) -> Heard {
    event(occurred_at, Body::Crm(CrmActivity { touch: Some(touch), ..CrmActivity::default() }))
}

fn call(occurred_at: LogTime) -> Heard {
    touch(occurred_at, Touch { medium: "call".to_owned(), ..Touch::default() })
}

fn verdict(occurred_at: LogTime, code: &str) -> Heard {
    let disposition = Some(Disposition { code: code.to_owned(), ..Disposition::default() });
    event(occurred_at, Body::Crm(CrmActivity { kind: CrmKind::Disposition, disposition, ..CrmActivity::default() }))
}

fn consent(occurred_at: LogTime, channel: &str, state: ConsentState) -> Heard {
    event(
        occurred_at,
        Body::Consent(Consent { channel: channel.to_owned(), state, source: "crm".to_owned(), explicit: true }),
    )
}

/// A step without the state, which the desk keeps.
struct Answer {
    said: Vec<SlaEvent>,
    outcome: &'static str,
}

impl Answer {
    /// What was said, by id.
    fn ids(&self) -> Vec<&str> {
        self.said.iter().map(|event| event.id.as_str()).collect()
    }
}

/// A watchdog over one lead, woken as its host would: after the records of an instant, before later ones.
#[derive(Default)]
struct Desk {
    state: Option<State>,
    wake: Option<LogTime>,
    /// Everything said so far.
    said: Vec<SlaEvent>,
}

impl Desk {
    /// A desk that was handed the lead at 9:00.
    fn owned_by(owner: &str) -> Self {
        let mut desk = Self::default();
        desk.hears(&policy(), at(9, 0), handed_to(owner));
        desk
    }

    fn hears(&mut self, policy: &Policy, at: LogTime, event: Heard) -> Answer {
        self.wakes_until(policy, LogTime(at.0 - 1));
        self.takes(policy, at, Input::Record { at, event })
    }

    /// Log time passes `end`; everything due up to it fires and is returned.
    fn wakes_until(&mut self, policy: &Policy, end: LogTime) -> Vec<SlaEvent> {
        let before = self.said.len();
        while let Some(due) = self.wake.filter(|due| *due <= end) {
            self.takes(policy, due, Input::Wake { due });
        }
        self.said[before..].to_vec()
    }

    fn takes(&mut self, policy: &Policy, now: LogTime, input: Input<Heard>) -> Answer {
        let Step { state, wake, outputs, outcome } = Watch::step(policy, "l1", self.state.take(), input);
        assert!(wake.is_none_or(|wake| wake > now), "a wake-up must lie ahead");
        (self.state, self.wake) = (state, wake);
        self.said.extend(outputs.iter().cloned());
        Answer { said: outputs, outcome }
    }
}

#[test]
fn a_handoff_starts_every_clock_of_its_lane() {
    let answer = Desk::default().hears(&policy(), at(9, 0), handed_to("ada"));
    assert_eq!((answer.ids(), answer.outcome), (vec!["accept_started_h1", "first_touch_started_h1"], "clock_started"));
    let touch = &answer.said[1];
    assert_eq!((touch.started_at, touch.deadline, touch.policy_version), (at(9, 0), at(10, 0), 7));
    assert_eq!((touch.owner.as_deref(), touch.lane.as_str(), touch.wall_ms), (Some("ada"), "P1", 0));
}

#[test]
fn a_lane_without_a_promise_starts_nothing() {
    let answer = Desk::default().hears(&policy(), at(9, 0), handed("h1", 1, "P3", Some("ada")));
    assert_eq!((answer.ids(), answer.outcome), (vec![], "ignored"));
}

#[test]
fn an_unanswered_lead_is_warned_of_and_breached_once_each() {
    let mut desk = Desk::owned_by("ada");
    let fired = desk.wakes_until(&policy(), at(48, 0));
    let told: Vec<(&str, LogTime)> = fired.iter().map(|event| (event.id.as_str(), event.stamp.at)).collect();
    assert_eq!(
        told,
        [
            ("accept_50_h1", at(9, 15)),
            ("accept_80_h1", at(9, 24)),
            ("accept_100_h1", at(9, 30)),
            ("first_touch_50_h1", at(9, 30)),
            ("first_touch_80_h1", at(9, 48)),
            ("first_touch_100_h1", at(10, 0)),
        ]
    );
    let breach = fired.last().unwrap();
    assert_eq!((breach.kind, breach.level, breach.wall_ms), (SlaEventKind::Breached, 100, minutes(60)));
    assert_eq!((breach.deadline, breach.stamp.at), (at(10, 0), at(10, 0)), "however late it is noticed");
    assert_eq!(desk.wake, None);
}

#[test]
fn a_warning_comes_at_its_share_of_the_promise_to_the_millisecond() {
    let mut odd = policy();
    let touch = Target { within_ms: 90_250, ..Target::default() };
    odd.sla.clocks = [(Clock::FirstTouch, [("P1".to_owned(), touch)].into())].into();
    let mut desk = Desk::default();
    desk.hears(&odd, at(9, 0), handed_to("ada"));
    let after = |event: &SlaEvent| event.stamp.at.millis().since(at(9, 0).millis());
    assert_eq!(desk.wakes_until(&odd, at(10, 0)).iter().map(after).collect::<Vec<_>>(), [45_125, 72_200, 90_250]);
}

#[test]
fn levels_due_at_one_instant_are_all_said_in_order() {
    let mut short = policy();
    let touch = Target { within_ms: 1, ..Target::default() };
    short.sla.clocks = [(Clock::FirstTouch, [("P1".to_owned(), touch)].into())].into();
    let mut desk = Desk::default();
    desk.hears(&short, at(9, 0), handed_to("ada"));
    let fired = desk.wakes_until(&short, at(10, 0));
    let levels: Vec<i32> = fired.iter().map(|event| event.level).collect();
    assert_eq!(levels, [50, 80, 100]);
}

#[test]
fn a_persons_attempt_meets_the_first_touch_clock_only() {
    let answer = Desk::owned_by("ada").hears(&policy(), at(9, 10), call(at(9, 8)));
    assert_eq!((answer.ids(), answer.outcome), (vec!["first_touch_met_h1"], "clock_met"));
    let met = &answer.said[0];
    assert_eq!((met.wall_ms, met.business_ms, met.event_id.as_str()), (minutes(8), minutes(8), "e1"));
    assert_eq!(met.stamp.at, at(9, 10));
}

#[test]
fn automated_mail_and_the_leads_own_reply_never_stop_the_clock() {
    for no_attempt in
        [Touch { automated: true, ..Touch::default() }, Touch { direction: Direction::Inbound, ..Touch::default() }]
    {
        let mut desk = Desk::owned_by("ada");
        assert_eq!(desk.hears(&policy(), at(9, 10), touch(at(9, 10), no_attempt)).outcome, "ignored");
        assert!(desk.wakes_until(&policy(), at(11, 0)).iter().any(|event| event.id == "first_touch_100_h1"));
    }
}

#[test]
fn a_touch_before_the_handoff_answers_nothing() {
    let mut desk = Desk::default();
    assert_eq!(desk.hears(&policy(), at(8, 0), call(at(8, 0))).outcome, "ignored");
    desk.hears(&policy(), at(9, 0), handed_to("ada"));
    let answer = desk.hears(&policy(), at(9, 5), call(LogTime(at(9, 0).0 - 1)));
    assert_eq!((answer.outcome, answer.said), ("ignored", vec![]));
}

#[test]
fn an_answer_at_the_deadline_is_in_time() {
    let mut desk = Desk::owned_by("ada");
    assert_eq!(desk.hears(&policy(), at(10, 0), call(at(10, 0))).ids(), ["first_touch_met_h1"]);
}

#[test]
fn an_answer_dated_after_the_deadline_by_a_fast_clock_is_taken_at_log_time() {
    let mut desk = Desk::owned_by("ada");
    let answer = desk.hears(&policy(), at(9, 59), call(at(10, 3)));
    assert_eq!((answer.outcome, answer.said[0].wall_ms), ("clock_met", minutes(59)));
}

#[test]
fn a_touch_in_time_that_arrives_after_the_grace_does_not_take_the_breach_back() {
    let late = LogTime(at(10, 6).0 + 1);
    let answer = Desk::owned_by("ada").hears(&policy(), late, call(at(9, 58)));
    assert_eq!((answer.ids(), answer.said[0].wall_ms), (vec!["first_touch_late_h1"], minutes(58)));
}

#[test]
fn a_breach_is_taken_back_once() {
    let mut desk = Desk::owned_by("ada");
    assert_eq!(desk.hears(&policy(), at(10, 1), call(at(9, 58))).outcome, "retracted");
    assert_eq!(desk.hears(&policy(), at(10, 2), call(at(9, 59))).outcome, "ignored");
}

#[test]
fn acceptance_meets_the_accept_clock_and_leaves_the_touch_owed() {
    let mut desk = Desk::owned_by("ada");
    let answer = desk.hears(&policy(), at(9, 4), sales(at(9, 4), CrmKind::Accepted));
    assert_eq!((answer.ids(), answer.outcome), (vec!["accept_met_h1"], "clock_met"));
    assert_eq!(desk.wake, Some(at(9, 30)), "the first warning of the touch is still to come");
}

#[test]
fn a_verdict_that_gives_the_lead_back_answers_and_releases() {
    let answer = Desk::owned_by("ada").hears(&policy(), at(9, 4), verdict(at(9, 4), "not_now"));
    assert_eq!((answer.ids(), answer.outcome), (vec!["accept_met_h1", "first_touch_cancelled_h1"], "clock_met"));
    for keeps in ["qualified", "wrong_owner"] {
        let answer = Desk::owned_by("ada").hears(&policy(), at(9, 4), verdict(at(9, 4), keeps));
        assert_eq!(answer.ids(), ["accept_met_h1"], "{keeps}");
    }
}

#[test]
fn what_a_verdict_means_is_the_policys_word() {
    let mut policy = policy();
    let heard = |policy: &Policy| {
        Desk::owned_by("ada").hears(policy, at(9, 4), verdict(at(9, 4), "contract_until_spring")).ids().len()
    };
    assert_eq!(heard(&policy), 1, "of a code that nobody knows only that sales answered");
    for (to, answers) in [
        (Destination::Recycled, 2),
        (Destination::Disqualified, 2),
        (Destination::Suppressed, 2),
        (Destination::Qualified, 1),
        (Destination::Reroute, 1),
    ] {
        let effect = Effect { to, ..Effect::default() };
        policy.lifecycle.dispositions.insert("contract_until_spring".to_owned(), effect);
        assert_eq!(heard(&policy), answers, "{to:?}");
    }
}

#[test]
fn a_verdict_on_the_episode_before_releases_nothing() {
    let answer = Desk::owned_by("ada").hears(&policy(), at(9, 4), verdict(at(8, 59), "not_now"));
    assert_eq!((answer.outcome, answer.said), ("ignored", vec![]));
}

#[test]
fn an_owner_in_the_crm_is_the_routers_to_judge() {
    let owner = Some("kim".to_owned());
    let named = event(at(9, 1), Body::Crm(CrmActivity { kind: CrmKind::Owner, owner, ..CrmActivity::default() }));
    let mut desk = Desk::owned_by("ada");
    assert_eq!(desk.hears(&policy(), at(9, 1), named).outcome, "ignored");
    let expected =
        ["accept_cancelled_h1", "first_touch_cancelled_h1", "accept_started_h1_2", "first_touch_started_h1_2"];
    assert_eq!(desk.hears(&policy(), at(9, 1), handed_to("kim")).ids(), expected);
}

#[test]
fn who_spoke_with_the_lead_has_accepted_it() {
    let spoke = |direction| touch(at(9, 5), Touch { outcome: TouchOutcome::Connected, direction, ..Touch::default() });
    let mut desk = Desk::owned_by("ada");
    assert_eq!(
        desk.hears(&policy(), at(9, 5), spoke(Direction::Outbound)).ids(),
        ["accept_met_h1", "first_touch_met_h1"]
    );
    let mut called = Desk::owned_by("ada");
    assert_eq!(called.hears(&policy(), at(9, 5), spoke(Direction::Inbound)).ids(), ["accept_met_h1"]);
}

#[test]
fn a_breach_tells_the_score_of_then_and_of_now() {
    let mut desk = Desk::owned_by("ada");
    let scored = WatchInput::Scored { lead_id: "l1".to_owned(), handoff_id: "h1".to_owned(), score: Points::whole(81) };
    assert_eq!(desk.hears(&policy(), at(9, 5), Heard::Clock(scored)).outcome, "scored");
    let told = desk.wakes_until(&policy(), at(9, 30));
    let breach = told.iter().find(|event| event.kind == SlaEventKind::Breached).unwrap();
    assert_eq!((breach.score_then, breach.score_now), (Some(Points::whole(70)), Some(Points::whole(81))));
}

#[test]
fn a_leads_no_cancels_every_running_clock() {
    for (channel, state) in [("all", ConsentState::Denied), ("email", ConsentState::Erased)] {
        let mut desk = Desk::owned_by("ada");
        let answer = desk.hears(&policy(), at(9, 1), consent(at(8, 0), channel, state));
        assert_eq!(answer.ids(), ["accept_cancelled_h1", "first_touch_cancelled_h1"]);
        assert_eq!((answer.outcome, answer.said[0].wall_ms, desk.wake), ("cancelled", minutes(1), None));
        assert_eq!(desk.state.is_none(), state == ConsentState::Erased, "an erased lead is forgotten");
    }
}

#[test]
fn a_no_to_one_channel_or_a_yes_cancels_nothing() {
    for (channel, state) in [("email", ConsentState::Denied), ("all", ConsentState::Granted)] {
        let mut desk = Desk::owned_by("ada");
        assert_eq!(desk.hears(&policy(), at(9, 1), consent(at(9, 1), channel, state)).outcome, "ignored");
        assert_eq!(desk.wake, Some(at(9, 15)));
    }
}

#[test]
fn a_breach_outlives_a_later_release() {
    let mut desk = Desk::owned_by("ada");
    let answer = desk.hears(&policy(), at(9, 40), consent(at(9, 40), "all", ConsentState::Denied));
    assert_eq!(answer.ids(), ["first_touch_cancelled_h1"], "acceptance broke at 9:30 and stays broken");
}

#[test]
fn time_alone_and_other_events_are_ignored() {
    let mut desk = Desk::owned_by("ada");
    let tick = Heard::Clock(WatchInput::Tick(baton_domain::Tick {}));
    for other in [tick, event(at(9, 1), Body::Facts(Vec::new())), sales(at(9, 1), CrmKind::Status)] {
        assert_eq!(desk.hears(&policy(), at(9, 1), other).outcome, "ignored");
        assert_eq!(desk.wake, Some(at(9, 15)), "the next warning is not forgotten");
    }
}
