//! A small policy, and one lead that things happen to.

use std::collections::BTreeMap;

use baton_domain::{
    Activity, Body, Consent, ConsentState, CrmActivity, CrmKind, Disposition, Engagement, EngagementUpdate, Fact,
    FactValue, Grade, HandoffRevised, LeadEvent, LifecycleChanged, Linked, LogTime, Millis, Points, Qualifying,
    Retraction, RetractionReason, RouteInput, ScoreUpdate, Stage, Stamp, Status, Touch, TouchOutcome,
};
use baton_policy::{
    ActivityMatch, ActivityRule, Counting, Decision, Distinct, FactRule, FactTest, Fit, Identity, Lifecycle, Policy,
    Routing, Sla, WarmNeeds, Window,
};
use baton_stage::{Input, Stage as _, Step};

use crate::{Said, Score, State};

pub(crate) const DAY: i64 = Millis::DAY;

/// Noon of a day.
pub(crate) fn day(n: i64) -> Millis {
    Millis((20_000 + n) * DAY + DAY / 2)
}

pub(crate) fn rule(id: &str, name: &str, points: i64) -> ActivityRule {
    ActivityRule {
        id: id.to_owned(),
        when: ActivityMatch { names: vec![name.to_owned()], ..ActivityMatch::default() },
        points: Points::whole(points),
        half_life_ms: Some(14 * DAY),
        cap: None,
        group: "web".to_owned(),
        count: Counting::Every,
        hand_raise: false,
        asked_for: false,
    }
}

/// A policy with these rules of engagement; bands at 60, 30 and 10 points.
pub(crate) fn policy(rules: Vec<ActivityRule>) -> Policy {
    let mut by_name = BTreeMap::<String, Vec<usize>>::new();
    for (place, rule) in rules.iter().enumerate() {
        rule.when.names.iter().for_each(|name| by_name.entry(name.clone()).or_default().push(place));
    }
    Policy {
        name: "test".to_owned(),
        version: 7,
        identity: Identity { dedupe_ms: 90 * DAY, max_skew_ms: 0, placeholder_ids: Vec::new() },
        engagement: baton_policy::Engagement {
            rules,
            by_name,
            group_caps: BTreeMap::new(),
            total_cap: Points::whole(1_000),
            bands: [60, 30, 10].map(Points::whole),
            warm_needs: WarmNeeds::default(),
            max_contributions: 300,
        },
        fit: fit(),
        criteria: Vec::new(),
        decision: decision(),
        lifecycle: Lifecycle::default(),
        routing: Routing { fallback: "everyone".to_owned(), ..Routing::default() },
        sla: Sla {
            calendars: BTreeMap::new(),
            clocks: BTreeMap::new(),
            warn_percent: Vec::new(),
            grace_ms: 0,
            ..Sla::default()
        },
    }
}

/// Employees of 50 and more give 40 points, a VP gives 30: A needs 60, B 40, C 20.
fn fit() -> Fit {
    let rule = |id: &str, fact: &str, test, points| FactRule {
        id: id.to_owned(),
        fact: fact.to_owned(),
        test,
        points: Points::whole(points),
    };
    Fit {
        rules: vec![
            rule("mid_market", "employees", FactTest::Between(50, 10_000), 40),
            rule("senior", "title", FactTest::Contains(vec!["vp".to_owned()]), 30),
            rule("some_title", "title", FactTest::Contains(vec!["manager".to_owned()]), 20),
        ],
        grades: [60, 40, 20].map(Points::whole),
        known_at_least: 1,
        complete_at_least: 0,
        trust: Vec::new(),
        fresh_for: BTreeMap::new(),
        asked: vec!["employees".to_owned(), "title".to_owned()],
        disqualify: vec![rule("embargo", "country", FactTest::AnyOf(vec!["kp".to_owned()]), 0)],
    }
}

fn decision() -> Decision {
    let cell = |grade, band, lane: &str| ((grade, band), lane.to_owned());
    Decision {
        matrix: BTreeMap::from([
            cell(Grade::A, 1, "P1"),
            cell(Grade::A, 2, "P1"),
            cell(Grade::B, 1, "P1"),
            cell(Grade::B, 2, "P2"),
            cell(Grade::C, 1, "P2"),
        ]),
        hand_raise: [(Grade::A, "P0"), (Grade::B, "P0"), (Grade::C, "P0"), (Grade::U, "P0"), (Grade::D, "P3")]
            .map(|(grade, lane)| (grade, lane.to_owned()))
            .into(),
        cool_down_ms: 30 * DAY,
        rearm_percent: 75,
        low_percent: 75,
        ..Decision::default()
    }
}

/// Views of 10 points, downloads of 20 once per content, demo requests of 30 that ask for sales,
/// unsubscribing at -15 for good, and 25 points for the third download in 30 days.
pub(crate) fn usual() -> Policy {
    let mut binge = rule("binge", "Content Downloaded", 25);
    binge.when.at_least = Some(Window { times: 3, within_ms: 30 * DAY, of: Distinct::Times });
    binge.count = Counting::Once;
    policy(vec![
        rule("view", "Page Viewed", 10),
        ActivityRule { count: Counting::OncePerContent, ..rule("download", "Content Downloaded", 20) },
        ActivityRule { hand_raise: true, ..rule("demo", "Demo Requested", 30) },
        ActivityRule { half_life_ms: None, ..rule("unsubscribe", "Email Unsubscribed", -15) },
        binge,
    ])
}

/// One lead under one policy.
pub(crate) struct Lead {
    pub(crate) policy: Policy,
    pub(crate) state: Option<State>,
    pub(crate) outcome: &'static str,
    /// When it wants to be woken.
    pub(crate) wake: Option<LogTime>,
    /// Everything ever said.
    pub(crate) said: Vec<Said>,
    /// Where the lead came from last.
    pub(crate) came_from: Option<&'static str>,
    /// How much of it was said before the last event.
    heard: usize,
    number: i64,
}

impl Lead {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, state: None, outcome: "", wake: None, said: Vec::new(), came_from: None, heard: 0, number: 0 }
    }

    /// A lead known by email, with the facts given, on day 0.
    pub(crate) fn known(policy: Policy, facts: &[Fact]) -> Self {
        let mut lead = Self::new(policy);
        lead.linked(day(0), "email");
        lead.facts(day(0), facts);
        lead
    }

    pub(crate) fn hear(&mut self, at: Millis, occurred_at: Millis, id: &str, body: Body) {
        self.heard_as(at, occurred_at, id, body);
    }

    /// The same; answers the event as it stands in the history.
    pub(crate) fn heard_as(&mut self, at: Millis, occurred_at: Millis, id: &str, body: Body) -> LeadEvent {
        self.number += 1;
        let stamp = Stamp { at: LogTime(at.0 * 1_000 + self.number), lane: 2 };
        let event = LeadEvent {
            stamp,
            lead_id: "ld_1".to_owned(),
            event_id: id.to_owned(),
            occurred_at,
            origin: "engagement.raw/0/1".to_owned(),
            body,
        };
        let engagement = Engagement { last_source: self.came_from.map(str::to_owned), ..Engagement::default() };
        self.update(EngagementUpdate { stamp, event: event.clone(), engagement });
        event
    }

    pub(crate) fn update(&mut self, update: EngagementUpdate) {
        self.sleep(update.stamp.at.millis().plus(-1));
        let at = update.stamp.at;
        let input = Input::Record { at, event: update };
        let step = Score::step(&self.policy, "ld_1", self.state.take(), input);
        assert!(step.wake.is_none_or(|due| due > at), "a wake-up lies ahead");
        self.took(step);
    }

    fn took(&mut self, step: Step<State, Said>) {
        self.heard = self.said.len();
        self.said.extend(step.outputs);
        self.state = step.state;
        self.outcome = step.outcome;
        self.wake = step.wake;
    }

    /// Gives every wake-up due up to and including `through`.
    pub(crate) fn sleep(&mut self, through: Millis) {
        let through = LogTime(through.0 * 1_000 + 999);
        while let Some(due) = self.wake.filter(|due| *due <= through) {
            let step = Score::step(&self.policy, "ld_1", self.state.take(), Input::Wake { due });
            assert!(step.wake.is_none_or(|next| next > due), "a wake-up asks for a later one");
            self.took(step);
        }
    }

    fn now(&mut self, at: Millis, body: Body) {
        let id = format!("e{:03}", self.number + 1);
        self.hear(at, at, &id, body);
    }

    pub(crate) fn did(&mut self, at: Millis, name: &str) {
        self.now(at, Body::Activity(Activity { name: name.to_owned(), ..Activity::default() }));
    }

    pub(crate) fn downloaded(&mut self, at: Millis, content: &str) {
        let name = "Content Downloaded".to_owned();
        let content_id = Some(content.to_owned());
        self.now(at, Body::Activity(Activity { name, content_id, ..Activity::default() }));
    }

    pub(crate) fn facts(&mut self, at: Millis, facts: &[Fact]) {
        self.now(at, Body::Facts(facts.to_vec()));
    }

    pub(crate) fn linked(&mut self, at: Millis, kind: &str) {
        self.now(at, Body::Linked(Linked { kind: kind.to_owned(), id: "x".to_owned(), previous_lead: None }));
    }

    pub(crate) fn crm(&mut self, at: Millis, activity: CrmActivity) {
        self.now(at, Body::Crm(activity));
    }

    pub(crate) fn retract(&mut self, at: Millis, event_id: &str) {
        self.hear(at, at, &format!("r-{event_id}"), retracted(event_id));
    }

    pub(crate) fn judged(&mut self, at: Millis, code: &str) {
        self.crm(at, judged(code));
    }

    pub(crate) fn consent(&mut self, at: Millis, channel: &str, state: ConsentState) {
        self.now(at, Body::Consent(consent(channel, state)));
    }

    /// The score at `at`, drawn out by a fact that nobody asked for.
    pub(crate) fn score(&mut self, at: Millis) -> ScoreUpdate {
        self.facts(at, &[flag("seen_the_docs")]);
        let newest =
            self.said.iter().rev().find_map(|said| if let Said::Score(score) = said { Some(score) } else { None });
        newest.unwrap().clone()
    }

    pub(crate) fn scores(&self) -> Vec<ScoreUpdate> {
        let mut scores = Vec::new();
        for said in &self.said {
            if let Said::Score(score) = said {
                scores.push(score.clone());
            }
        }
        scores
    }

    pub(crate) fn handoffs(&self) -> Vec<&Qualifying> {
        let mut handoffs = Vec::new();
        for said in &self.said {
            if let Said::Qualified(qualified) = said {
                handoffs.push(&qualified.decision);
            }
        }
        handoffs
    }

    pub(crate) fn revisions(&self) -> Vec<&HandoffRevised> {
        let revised =
            self.said.iter().filter_map(|said| if let Said::Revised(told) = said { Some(told) } else { None });
        revised.collect()
    }

    /// Why each desk was told to let go, and whether another one is wanted.
    pub(crate) fn released(&self) -> Vec<(&str, bool)> {
        let released = self.said.iter().filter_map(|said| match said {
            Said::Request(request) => match &request.input {
                RouteInput::Released(released) => Some((released.cause.as_str(), released.reroute)),
                _ => None,
            },
            _ => None,
        });
        released.collect()
    }

    pub(crate) fn lifecycle(&self) -> Vec<&LifecycleChanged> {
        changes(&self.said)
    }

    /// What the last event had said.
    pub(crate) fn last(&self) -> &[Said] {
        &self.said[self.heard..]
    }

    /// What the last event told the router beside a handoff.
    pub(crate) fn asked(&self) -> Option<&RouteInput> {
        let mut asked = None;
        for said in self.last() {
            if let Said::Request(request) = said
                && !matches!(request.input, RouteInput::Noticed(_))
            {
                assert!(asked.is_none(), "one request at most");
                asked = Some(&request.input);
            }
        }
        asked
    }

    pub(crate) fn status(&self) -> Option<Status> {
        self.state.as_ref().unwrap().status
    }

    /// Stage and cause of the moves that the last event made.
    pub(crate) fn moves(&self) -> Vec<(Stage, &str)> {
        changes(&self.said[self.heard..]).iter().map(|change| (change.to, change.cause.as_str())).collect()
    }

    pub(crate) fn stage(&self) -> Stage {
        self.state.as_ref().unwrap().stage
    }
}

fn changes(said: &[Said]) -> Vec<&LifecycleChanged> {
    let mut changes = Vec::new();
    for said in said {
        if let Said::Lifecycle(change) = said {
            changes.push(change);
        }
    }
    changes
}

fn fact(name: &str, value: FactValue) -> Fact {
    Fact { name: name.to_owned(), value, source: "enrichment".to_owned(), observed_at: None }
}

pub(crate) fn number(name: &str, value: i64) -> Fact {
    fact(name, FactValue::Number(value))
}

pub(crate) fn text(name: &str, value: &str) -> Fact {
    fact(name, FactValue::Text(value.to_owned()))
}

pub(crate) fn flag(name: &str) -> Fact {
    fact(name, FactValue::Flag(true))
}

/// An activity of this name.
pub(crate) fn body(name: &str) -> Body {
    Body::Activity(Activity { name: name.to_owned(), ..Activity::default() })
}

/// Facts of grade A.
pub(crate) fn grade_a() -> [Fact; 2] {
    [number("employees", 250), text("title", "VP Sales")]
}

pub(crate) fn retracted(event_id: &str) -> Body {
    let reason = RetractionReason::Bot;
    Body::Retracted(Retraction { event_id: event_id.to_owned(), reason, by: "filter".to_owned() })
}

pub(crate) fn judged(code: &str) -> CrmActivity {
    let disposition = Some(Disposition { code: code.to_owned(), ..Disposition::default() });
    CrmActivity { kind: CrmKind::Disposition, disposition, ..CrmActivity::default() }
}

pub(crate) fn accepted() -> CrmActivity {
    CrmActivity { kind: CrmKind::Accepted, ..CrmActivity::default() }
}

pub(crate) fn opportunity(state: &str) -> CrmActivity {
    CrmActivity { kind: CrmKind::Opportunity, opportunity: Some(state.to_owned()), ..CrmActivity::default() }
}

pub(crate) fn touch(outcome: TouchOutcome, automated: bool) -> CrmActivity {
    let touch = Some(Touch { outcome, automated, ..Touch::default() });
    CrmActivity { touch, ..CrmActivity::default() }
}

pub(crate) fn consent(channel: &str, state: ConsentState) -> Consent {
    Consent { channel: channel.to_owned(), state, source: "crm".to_owned(), explicit: true }
}
