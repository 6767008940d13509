//! Sample records of every type that has a schema.
//!
//! Holds: over the samples of a type every branch of every union occurs, every
//! option is both given and left out, and every list is both empty and not.

#![allow(dead_code, unreachable_pub, clippy::unnecessary_wraps, reason = "samples: each test file uses its part")]

use baton_domain::*;

mod clocks;

pub use clocks::{clock_starts, sla_events};

/// Calls a generic function with the samples of each record type.
#[macro_export]
macro_rules! for_every_type {
    ($check:ident) => {
        $check(&common::raw_events());
        $check(&common::identity_links());
        $check(&common::lead_events());
        $check(&common::engagement_updates());
        $check(&common::score_updates());
        $check(&common::lifecycle_changes());
        $check(&common::lifecycle_rejections());
        $check(&common::status_changes());
        $check(&common::nurture_events());
        $check(&common::cooled());
        $check(&common::enrichment_requested());
        $check(&common::handoffs_revised());
        $check(&common::qualified());
        $check(&common::assignment_requests());
        $check(&common::assignments());
        $check(&common::handoffs());
        $check(&common::activity_alerts());
        $check(&common::clock_starts());
        $check(&common::sla_events());
        $check(&common::canaries());
        $check(&common::policies());
        $check(&common::rep_states());
        $check(&common::roster_events());
        $check(&common::ledgers());
    };
}

pub const NOW: Millis = Millis(1_767_225_600_123);

pub fn stamp(lane: i32) -> Stamp {
    Stamp { at: LogTime::from_millis(NOW).next(), lane }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub fn activity() -> Activity {
    Activity {
        name: "Content Downloaded".into(),
        path: some("/pricing"),
        title: some("Preisliste für Größere"),
        content_id: some("wp-7"),
        content_stage: some("bofu"),
        topic: some("kafka"),
        form_id: some("demo"),
        campaign: some("spring"),
        source: some("google"),
        medium: some("cpc"),
        bot: true,
    }
}

pub fn facts() -> Vec<Fact> {
    let fact = |name: &str, value: FactValue, source: &str| Fact {
        name: name.into(),
        value,
        source: source.into(),
        observed_at: (name == "stack").then_some(NOW),
    };
    vec![
        fact("title", FactValue::Text("VP Données ✓".into()), "form"),
        fact("employees", FactValue::Number(-250), "enrichment"),
        fact("customer", FactValue::Flag(true), "crm"),
        fact("stack", FactValue::List(vec!["kafka".into(), "rust".into()]), "enrichment"),
        fact("tags", FactValue::List(vec![]), "crm"),
    ]
}

pub fn crm_activity() -> CrmActivity {
    CrmActivity {
        kind: CrmKind::Disposition,
        actor: some("kim"),
        touch: Some(Touch {
            medium: "call".into(),
            direction: Direction::Inbound,
            outcome: TouchOutcome::AutoReply,
            automated: true,
        }),
        status: some("working"),
        owner: some("kim"),
        disposition: Some(Disposition {
            code: "not_now".into(),
            reason: some("budget"),
            next_check_in: Some(NOW.plus(Millis::DAY)),
            duplicate_of: some("crm-17"),
        }),
        opportunity: some("open"),
    }
}

pub fn bodies() -> Vec<Body> {
    let consent = |state| Consent { channel: "email".into(), state, source: "legal".into(), explicit: true };
    vec![
        Body::Tick(Tick {}),
        Body::Activity(activity()),
        Body::Activity(Activity { name: "Page Viewed".into(), ..Activity::default() }),
        Body::Facts(facts()),
        Body::Facts(vec![]),
        Body::Crm(crm_activity()),
        Body::Crm(CrmActivity { disposition: Some(Disposition::default()), ..CrmActivity::default() }),
        Body::Crm(CrmActivity::default()),
        Body::Consent(consent(ConsentState::Erased)),
        Body::Linked(Linked { kind: "email".into(), id: "9f8e".into(), previous_lead: some("ld_2") }),
        Body::Linked(Linked { kind: "user".into(), id: "u-1".into(), previous_lead: None }),
        Body::Policy(policy_change()),
    ]
    .into_iter()
    .chain(retractions().map(Body::Retracted))
    .collect()
}

fn retractions() -> impl Iterator<Item = Retraction> {
    use RetractionReason::{Bot, Duplicate, Erasure, Fraud, Test};
    let by = "ops@example.com";
    [Bot, Duplicate, Fraud, Test, Erasure].into_iter().map(|reason| Retraction {
        event_id: "evt-7".into(),
        reason,
        by: by.into(),
    })
}

fn policy_change() -> PolicyChange {
    PolicyChange { name: "starter".into(), version: 2, author: "kim".into(), document: "policy: starter\n".into() }
}

pub fn raw_events() -> Vec<RawEvent> {
    let ids = Ids {
        crm_id: some("crm-1"),
        user_id: some("u-1"),
        email: some("ada@example.com"),
        anonymous_id: some("a-1"),
        previous_id: some("a-0"),
    };
    bodies()
        .into_iter()
        .enumerate()
        .map(|(n, body)| RawEvent {
            event_id: format!("evt-{n}"),
            ids: if n % 2 == 0 { ids.clone() } else { Ids::default() },
            occurred_at: NOW,
            received_at: (n % 2 == 1).then_some(NOW.plus(250)),
            body,
        })
        .collect()
}

pub fn identity_links() -> Vec<IdentityLink> {
    vec![IdentityLink { id: "anonymous:a-1".into(), lead_id: "ld_1".into(), since: LogTime::MIN }]
}

pub fn lead_events() -> Vec<LeadEvent> {
    bodies()
        .into_iter()
        .map(|body| LeadEvent {
            stamp: stamp(7),
            lead_id: "ld_3f2a9c01d4e5b677".into(),
            event_id: "6f1ba3c2-77aa-4a70-8d7e-0f3d3a1c9b11".into(),
            occurred_at: NOW,
            origin: "engagement.raw/3/918273".into(),
            body,
        })
        .collect()
}

fn counts(names: &[&str]) -> Vec<KindCount> {
    names.iter().zip(1..).map(|(name, count)| KindCount { name: (*name).into(), count }).collect()
}

pub fn engagement_updates() -> Vec<EngagementUpdate> {
    let full = Engagement {
        total: 300,
        first_seen: Some(Millis(-1)),
        last_seen: Some(NOW),
        counts_30d: counts(&["Demo Requested", "Page Viewed"]),
        total_7d: 12,
        active_days_30d: 9,
        distinct_content: 64,
        first_source: some("google"),
        last_source: some("newsletter"),
        topics: counts(&["kafka"]),
        first_campaign: some("spring"),
        last_campaign: some("autumn"),
    };
    [full, Engagement::default()]
        .into_iter()
        .cycle()
        .zip(lead_events())
        .map(|(engagement, event)| EngagementUpdate { stamp: stamp(1), event, engagement })
        .collect()
}

fn contributions() -> Vec<Contribution> {
    use ContributionKind::{Activity, Cap, Damp, Fact, Floor};
    [Activity, Fact, Cap, Floor, Damp]
        .into_iter()
        .zip(1..)
        .map(|(kind, n)| Contribution {
            kind,
            rule: format!("rule-{n}"),
            event_id: if kind == Cap { String::new() } else { "evt-1".into() },
            occurred_at: NOW,
            points: Points(-n * 1_500_000),
            count: if kind == Activity { 7 } else { 1 },
            span: (kind == Activity).then_some(Span { first_at: NOW.plus(-9), last_at: NOW }),
        })
        .collect()
}

pub fn score_updates() -> Vec<ScoreUpdate> {
    let update = |stage, receipt| ScoreUpdate {
        stamp: stamp(2),
        lead_id: "ld_1".into(),
        event_id: "evt-1".into(),
        score: Points::whole(90),
        fit: Points::whole(60),
        engagement: Points::whole(30),
        grade: Grade::A,
        band: Band(2),
        stage,
        receipt,
        policy_version: 3,
        status: (stage == Stage::Mql).then_some(Status::New),
        kept_by: (stage == Stage::Mql).then(|| "bant.budget".to_owned()),
    };
    vec![update(Stage::Mql, contributions()), update(Stage::Suppressed, vec![])]
}

pub fn lifecycle_changes() -> Vec<LifecycleChanged> {
    Stage::ALL
        .into_iter()
        .map(|to| LifecycleChanged {
            stamp: stamp(0),
            lead_id: "ld_1".into(),
            from: (to != Stage::Visitor).then_some(Stage::Visitor),
            to,
            cause: "hand_raise".into(),
            event_id: "evt-1".into(),
            episode: 1,
            policy_version: i64::MAX,
            status: (to == Stage::Recycled).then_some(Status::BadTiming),
            check_in: (to == Stage::Recycled).then_some(NOW),
            verdict: (to > Stage::Sal).then(|| verdict(to)),
            duplicate_of: (to == Stage::Disqualified).then(|| "crm-17".into()),
            lasted_ms: (to != Stage::Visitor).then_some(86_400_000),
            source: (to > Stage::Mql).then(|| "google".into()),
        })
        .collect()
}

fn verdict(to: Stage) -> Verdict {
    let (label, class) = match to {
        Stage::Sql => (Label::Qualified, CauseClass::Unknown),
        Stage::Customer => (Label::Won, CauseClass::Unknown),
        Stage::Recycled => (Label::Lost, CauseClass::Followup),
        _ => (Label::Rejected, CauseClass::Lead),
    };
    let given = to == Stage::Recycled;
    Verdict {
        label,
        class,
        code: "budget".into(),
        reason: given.then(|| "frozen".into()),
        owner: given.then(|| "kim".into()),
        handoff_policy_version: 2,
    }
}

pub fn lifecycle_rejections() -> Vec<LifecycleRejected> {
    [None, Some(Status::Open)]
        .map(|status| LifecycleRejected {
            stamp: stamp(0),
            lead_id: "ld_1".into(),
            attempted: "customer".into(),
            current: Stage::Sal,
            rule: "opportunity_won".into(),
            event_id: "evt-1".into(),
            episode: 1,
            policy_version: 3,
            status,
        })
        .into()
}

pub fn status_changes() -> Vec<StatusChanged> {
    let every = Status::ALL.map(Some).into_iter().chain([None]);
    every
        .map(|status| StatusChanged {
            stamp: stamp(0),
            lead_id: "ld_1".into(),
            from: status,
            to: status,
            stage: Stage::Mql,
            owner: status.map(|_| "kim".into()),
            event_id: "evt-1".into(),
            episode: 1,
            policy_version: 3,
        })
        .collect()
}

pub fn nurture_events() -> Vec<NurtureEvent> {
    [(NurtureKind::Enroll, Some(NOW)), (NurtureKind::Exit, None)]
        .map(|(kind, until)| NurtureEvent {
            stamp: stamp(0),
            lead_id: "ld_1".into(),
            kind,
            reason: "not_now".into(),
            episode: 1,
            until,
            event_id: "evt-1".into(),
            policy_version: 3,
        })
        .into()
}

pub fn cooled() -> Vec<LeadCooled> {
    vec![LeadCooled {
        stamp: stamp(1),
        lead_id: "ld_1".into(),
        episode: 1,
        engagement: Points(29_999_999),
        threshold: Points::whole(30),
        band: Band(2),
        at: NOW,
        policy_version: 3,
    }]
}

pub fn canaries() -> Vec<Canary> {
    vec![Canary { stamp: stamp(1), lead_id: canary_lead(3), event_id: "evt-1".into(), sent_at: NOW }]
}

pub fn activity_alerts() -> Vec<ActivityAlert> {
    let moment = |detail| Moment { occurred_at: NOW, name: "Webinar Attended".into(), detail };
    let lead = |moments| AlertedLead {
        lead_id: "ld_1".into(),
        handoff_id: "h_ld_1_2".into(),
        episode: 2,
        score: Points::whole(91),
        grade: Grade::A,
        band: Band(1),
        moments,
    };
    let alert = |owner, leads| ActivityAlert {
        stamp: stamp(1),
        owner,
        pool: "emea".into(),
        leads,
        from: stamp(0).at,
        until: stamp(1).at,
        policy_version: 3,
    };
    let moments = vec![moment(some("Kafka at night")), moment(None)];
    vec![alert(some("kim"), vec![lead(moments), lead(Vec::new())]), alert(None, Vec::new())]
}

pub fn enrichment_requested() -> Vec<EnrichmentRequested> {
    let request = |missing_facts| EnrichmentRequested {
        stamp: stamp(1),
        lead_id: "ld_1".into(),
        episode: 1,
        missing_facts,
        hold_until: LogTime::from_millis(NOW),
        band: Band(1),
        event_id: "evt-1".into(),
        policy_version: 3,
    };
    vec![request(vec!["country".into()]), request(vec![])]
}

pub fn handoffs_revised() -> Vec<HandoffRevised> {
    let revised = |kind, reason| HandoffRevised {
        stamp: stamp(1),
        lead_id: "ld_1".into(),
        handoff_id: "h_ld_1_1".into(),
        episode: 1,
        kind,
        retracted: "evt-1".into(),
        reason,
        score: Points::whole(30),
        fit: Points::whole(10),
        engagement: Points::whole(20),
        grade: Grade::B,
        band: Band(3),
        event_id: "evt-2".into(),
        policy_version: 3,
    };
    vec![revised(Revision::Withdrawn, RetractionReason::Bot), revised(Revision::Revised, RetractionReason::Duplicate)]
}

pub fn qualifying() -> Qualifying {
    let trigger = |kind| Trigger {
        kind,
        event_id: "evt-1".into(),
        label: "employees = 250 (enrichment)".into(),
        occurred_at: NOW,
        points: Points(7_500_000),
    };
    Qualifying {
        lead_id: "ld_1".into(),
        episode: 2,
        handoff_id: "h_ld_1_2".into(),
        lane: "P1".into(),
        reason: ReasonKind::Matrix,
        cell: "A1".into(),
        trigger_set: vec![trigger(TriggerKind::Action), trigger(TriggerKind::Fact)],
        score: Points::whole(90),
        fit: Points::whole(60),
        engagement: Points::whole(30),
        grade: Grade::U,
        band: Band(1),
        contributions: contributions(),
        facts: facts(),
        missing_facts: vec!["country".into(), "industry".into()],
        recent: vec![
            Moment { occurred_at: NOW, name: "Demo Requested".into(), detail: some("/demo") },
            Moment { occurred_at: NOW, name: "Page Viewed".into(), detail: None },
        ],
        topics: counts(&["kafka", "rust"]),
        first_source: some("google"),
        last_source: some("direct"),
        occurred_at: NOW.plus(-5),
        event_id: "evt-9".into(),
        policy_version: 3,
        history: History {
            episodes: 1,
            past: [some("kim"), None]
                .map(|name| PastEpisode {
                    episode: 1,
                    stage: Stage::Recycled,
                    code: "not_now".into(),
                    reason: name.clone(),
                    owner: name,
                    ended_at: NOW,
                })
                .into(),
            last_owner: some("kim"),
            next_check_in: Some(NOW),
        },
        review: true,
        criteria: [YesNo::Yes, YesNo::No, YesNo::Unknown]
            .map(|answer| Criterion { set: "bant".into(), question: "budget".into(), answer })
            .into(),
        completeness: 60,
        consent: consents(),
        first_campaign: some("spring"),
        last_campaign: some("autumn"),
    }
}

fn consents() -> Vec<ChannelConsent> {
    let said = |channel: &str, state| ChannelConsent { channel: channel.into(), state, explicit: true, since: NOW };
    vec![
        said("phone", ConsentState::Denied),
        said("post", ConsentState::Erased),
        ChannelConsent { explicit: false, ..said("email", ConsentState::Granted) },
    ]
}

fn bare_qualifying() -> Qualifying {
    Qualifying {
        reason: ReasonKind::HandRaise,
        trigger_set: vec![],
        contributions: vec![],
        facts: vec![],
        missing_facts: vec![],
        recent: vec![],
        topics: vec![],
        first_source: None,
        last_source: None,
        history: History::default(),
        review: false,
        criteria: vec![],
        consent: vec![],
        first_campaign: None,
        last_campaign: None,
        ..qualifying()
    }
}

pub fn qualified() -> Vec<Qualified> {
    [qualifying(), bare_qualifying()].map(|decision| Qualified { stamp: stamp(3), decision }).into()
}

const ANSWERS: [(Answer, Option<Millis>); 8] = [
    (Answer::Accepted, None),
    (Answer::Touched, None),
    (Answer::Judged, Some(NOW)),
    (Answer::Connected, None),
    (Answer::Called, None),
    (Answer::Dealt, None),
    (Answer::Paused, None),
    (Answer::Resumed, None),
];

pub fn assignment_requests() -> Vec<AssignmentRequest> {
    [qualifying(), bare_qualifying()]
        .map(|decision| RouteInput::Qualified(Box::new(decision)))
        .into_iter()
        .chain([RouteInput::Tick(Tick {}), RouteInput::Policy(policy_change())])
        .chain([Some(qualifying()), Some(bare_qualifying()), None].map(|asks| {
            let (consent, fallen) = (asks.is_none().then(consents), some("evt-9").into_iter());
            let fallen = fallen.filter(|_| asks.is_none()).collect();
            RouteInput::Moved(Moved {
                lead_id: "ld_1".into(),
                episode: 2,
                score: Points::whole(91),
                event_id: "evt-10".into(),
                raised: asks.map(Box::new),
                consent,
                fallen,
            })
        }))
        .chain([true, false].map(|reroute| {
            RouteInput::Released(Released {
                lead_id: "ld_1".into(),
                handoff_id: "h_ld_1_2".into(),
                episode: 2,
                reroute,
                cause: "wrong_territory".into(),
                event_id: "evt-11".into(),
            })
        }))
        .chain(ANSWERS.map(|(answer, until)| {
            RouteInput::Answered(Answered {
                lead_id: "ld_1".into(),
                handoff_id: "h_ld_1_2".into(),
                episode: 2,
                answer,
                actor: until.and(some("kim")),
                occurred_at: NOW,
                event_id: "evt-13".into(),
                until,
            })
        }))
        .chain([some("Kafka at night"), None].map(|detail| {
            let taken_back = detail.is_none();
            RouteInput::Noticed(Noticed {
                lead_id: "ld_1".into(),
                handoff_id: "h_ld_1_2".into(),
                episode: 2,
                moment: Moment { occurred_at: NOW, name: "Webinar Attended".into(), detail },
                score: Points::whole(91),
                grade: Grade::A,
                band: Band(1),
                event_id: "evt-14".into(),
                taken_back,
            })
        }))
        .chain([some("kim"), None].map(|name| {
            RouteInput::Owner(OwnerChange {
                lead_id: "ld_1".into(),
                handoff_id: "h_ld_1_2".into(),
                episode: 2,
                owner: name.clone(),
                actor: name,
                event_id: "evt-12".into(),
            })
        }))
        .map(|input| AssignmentRequest { stamp: stamp(4), input })
        .collect()
}

pub fn assignments() -> Vec<Assignment> {
    let excluded = |rep: &str| Excluded { rep: rep.into(), reason: "off_hours".into() };
    let full = Assignment {
        stamp: stamp(0),
        lead_id: "ld_1".into(),
        handoff_id: "h_ld_1_2".into(),
        episode: 2,
        owner: some("kim"),
        pool: "emea".into(),
        rule: "emea-big".into(),
        why: "next in turn".into(),
        excluded: vec![excluded("bo"), excluded("cy")],
        waited_ms: 41,
        policy_version: 3,
        cause: "qualified".into(),
        steps: vec![RoutingStep { step: "rules".into(), result: "emea".into(), reason: "emea-big".into() }],
        account: Some(Account {
            id: "northwind".into(),
            matched_by: "domain".into(),
            owner: some("kim"),
            other_leads: vec!["ld_7".into()],
        }),
        deadlines: Some(vec![Deadline {
            clock: Clock::FirstTouch,
            started_at: LogTime::from_millis(NOW),
            deadline: LogTime::from_millis(NOW.plus(Millis::HOUR)),
            local: "2026-03-02T10:05:00+01:00".into(),
            zone: "Europe/Berlin".into(),
        }]),
    };
    let unowned = Account { id: "g:7".into(), matched_by: "group".into(), owner: None, other_leads: vec![] };
    let waiting = Assignment {
        owner: None,
        excluded: vec![],
        steps: vec![],
        account: Some(unowned),
        deadlines: None,
        ..full.clone()
    };
    let unknown = Assignment { account: None, ..waiting.clone() };
    vec![full, waiting, unknown]
}

pub fn rep_states() -> Vec<RepState> {
    let texts = |items: &[&str]| Some(items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>());
    let state = |status| RepState {
        rep: "kim".into(),
        name: some("Kim"),
        pools: texts(&["emea", "desk"]),
        weight: Some(2),
        territories: texts(&["DE"]),
        skills: texts(&["fintech"]),
        languages: texts(&["de"]),
        open_max: Some(30),
        day_max: Some(10),
        week_max: Some(40),
        calendar: some("berlin"),
        tz: some("Europe/Berlin"),
        status: Some(status),
        away: Some(vec![Absence { from: NOW, to: NOW.plus(Millis::DAY) }]),
        auto_paused_until: Some(NOW),
    };
    let empty = RepState { rep: "bo".into(), ..RepState::default() };
    let nothing = RepState {
        pools: Some(vec![]),
        territories: Some(vec![]),
        skills: Some(vec![]),
        languages: Some(vec![]),
        away: Some(vec![]),
        ..empty.clone()
    };
    vec![state(RepStatus::Active), state(RepStatus::Away), state(RepStatus::Gone), empty, nothing]
}

pub fn roster_events() -> Vec<RosterEvent> {
    std::iter::once(RosterInput::Tick(Tick {}))
        .chain(rep_states().into_iter().map(Box::new).map(RosterInput::Rep))
        .map(|input| RosterEvent { stamp: stamp(0), input })
        .collect()
}

pub fn handoffs() -> Vec<Handoff> {
    assignments()
        .into_iter()
        .zip([qualifying(), bare_qualifying(), bare_qualifying()])
        .zip([vec!["recent: 4 of 20".to_owned()], vec![], vec![]])
        .map(|((assignment, decision), trimmed)| Handoff { stamp: stamp(0), decision, assignment, trimmed })
        .collect()
}

pub fn policies() -> Vec<PolicyPublished> {
    vec![PolicyPublished {
        name: "starter".into(),
        version: 2,
        author: "kim".into(),
        effective_at: NOW,
        document: "policy: starter\n".into(),
        checksum: "6f1ba3c277aa4a708d7e0f3d3a1c9b11".into(),
    }]
}

pub fn ledgers() -> Vec<Ledger> {
    let count = |name: &str, count| Count { name: name.into(), count };
    vec![
        Ledger {
            stamp: stamp(7),
            stage: "score".into(),
            consumed: 3_000_000_000,
            outcomes: vec![count("scored", 2_999_999_999), count("tick", 1)],
            produced: vec![count("lead.score", 2_999_999_999)],
            fired: 17,
        },
        Ledger::default(),
    ]
}
