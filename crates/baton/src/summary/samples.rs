//! Records for the tests: a small world on Monday, 2026-09-07.

use baton_domain::{
    Assignment, Band, Clock, Count, Fact, FactValue, Grade, Handoff, History, Ledger, LifecycleChanged,
    LifecycleRejected, LogTime, Millis, NurtureEvent, NurtureKind, Party, Points, Qualifying, ReasonKind, SlaEvent,
    SlaEventKind, Stage, Stamp, Status, StatusChanged, Trigger, TriggerKind,
};

/// So many seconds after 2026-09-07T09:00Z.
pub(crate) fn at(seconds: i64) -> LogTime {
    LogTime::from_millis(Millis(1_788_771_600_000 + seconds * 1_000))
}

pub(crate) fn moved(seconds: i64, lead: &str, from: Option<Stage>, to: Stage) -> LifecycleChanged {
    LifecycleChanged {
        stamp: Stamp { at: at(seconds), lane: 1 },
        lead_id: lead.to_owned(),
        from,
        to,
        cause: "hand_raise".to_owned(),
        event_id: "e1".to_owned(),
        episode: 1,
        policy_version: 1,
        status: None,
        check_in: None,
        verdict: None,
        duplicate_of: None,
        lasted_ms: None,
        source: None,
    }
}

/// A move that was asked for too early.
pub(crate) fn rejected(seconds: i64, lead: &str) -> LifecycleRejected {
    LifecycleRejected {
        stamp: Stamp { at: at(seconds), lane: 1 },
        lead_id: lead.to_owned(),
        attempted: "customer".to_owned(),
        current: Stage::Sal,
        rule: "opportunity_won".to_owned(),
        event_id: "e1".to_owned(),
        episode: 1,
        policy_version: 1,
        status: Some(Status::Open),
    }
}

/// A first attempt.
pub(crate) fn status(seconds: i64, lead: &str) -> StatusChanged {
    StatusChanged {
        stamp: Stamp { at: at(seconds), lane: 1 },
        lead_id: lead.to_owned(),
        from: Some(Status::Open),
        to: Some(Status::Attempted),
        stage: Stage::Mql,
        owner: Some("jonas.weber".to_owned()),
        event_id: "e1".to_owned(),
        episode: 1,
        policy_version: 1,
    }
}

/// Back to marketing.
pub(crate) fn nurture(seconds: i64, lead: &str) -> NurtureEvent {
    NurtureEvent {
        stamp: Stamp { at: at(seconds), lane: 1 },
        lead_id: lead.to_owned(),
        kind: NurtureKind::Enroll,
        reason: "not_now".to_owned(),
        episode: 1,
        until: Some(at(seconds).millis()),
        event_id: "e1".to_owned(),
        policy_version: 1,
    }
}

/// A handoff that waited half a minute for a desk.
pub(crate) fn handoff(seconds: i64, lead: &str) -> Handoff {
    let fact = |name: &str, value: &str| Fact {
        name: name.to_owned(),
        value: FactValue::Text(value.to_owned()),
        source: "form".to_owned(),
        observed_at: None,
    };
    let handoff_id = format!("h_{lead}_1");
    let stamp = Stamp { at: at(seconds), lane: 0 };
    Handoff {
        stamp,
        decision: Qualifying {
            lead_id: lead.to_owned(),
            episode: 1,
            handoff_id: handoff_id.clone(),
            lane: "P0".to_owned(),
            reason: ReasonKind::HandRaise,
            cell: "A2".to_owned(),
            trigger_set: vec![Trigger {
                kind: TriggerKind::Action,
                event_id: "e1".to_owned(),
                label: "Demo Requested".to_owned(),
                occurred_at: at(seconds - 40).millis(),
                points: Points::whole(40),
            }],
            score: Points(87_500_000),
            fit: Points(45_500_000),
            engagement: Points::whole(42),
            grade: Grade::A,
            band: Band(2),
            contributions: Vec::new(),
            facts: vec![fact("email", "jane@northwind.example")],
            missing_facts: vec!["employees".to_owned()],
            recent: Vec::new(),
            topics: Vec::new(),
            first_source: Some("google".to_owned()),
            last_source: None,
            occurred_at: at(seconds - 40).millis(),
            event_id: "e1".to_owned(),
            policy_version: 1,
            history: History::default(),
            review: false,
            criteria: Vec::new(),
            completeness: 100,
            consent: Vec::new(),
            first_campaign: None,
            last_campaign: None,
        },
        assignment: Assignment {
            stamp,
            lead_id: lead.to_owned(),
            handoff_id,
            episode: 1,
            owner: Some("jonas.weber".to_owned()),
            pool: "emea".to_owned(),
            rule: "emea".to_owned(),
            why: "next in turn".to_owned(),
            excluded: Vec::new(),
            waited_ms: 30_000,
            policy_version: 1,
            cause: "qualified".to_owned(),
            steps: Vec::new(),
            account: None,
            deadlines: None,
        },
        trimmed: Vec::new(),
    }
}

/// What the first-touch clock of a handoff said; started with it, five minutes long.
pub(crate) fn sla(kind: SlaEventKind, handed_off: i64, said: i64, lead: &str) -> SlaEvent {
    SlaEvent {
        stamp: Stamp { at: at(said), lane: 1 },
        id: format!("first_touch_{}_h_{lead}_1", kind.as_str()),
        kind,
        clock: Clock::FirstTouch,
        level: 0,
        lead_id: lead.to_owned(),
        handoff_id: format!("h_{lead}_1"),
        episode: 1,
        lane: "P0".to_owned(),
        owner: Some("jonas.weber".to_owned()),
        pool: "emea".to_owned(),
        started_at: at(handed_off),
        deadline: at(handed_off + 300),
        wall_ms: (said - handed_off) * 1_000,
        business_ms: (said - handed_off) * 1_000,
        event_id: "e2".to_owned(),
        policy_version: 1,
        party: Party::Sales,
        action: None,
        to: Vec::new(),
        paused_ms: 0,
        pauses: Vec::new(),
        calendar: "berlin@5f21c09a".to_owned(),
        retraction_of: None,
        qualified_at: at(handed_off),
        system_ms: 0,
        lead_ms: (said - handed_off) * 1_000,
        last_activity_at: None,
        done: 0,
        promised: 0,
        score_then: None,
        score_now: None,
        late: false,
    }
}

pub(crate) fn ledger(stage: &str, lane: i32, outcomes: &[(&str, i64)], produced: &[(&str, i64)]) -> Ledger {
    let counts = |list: &[(&str, i64)]| {
        list.iter().map(|(name, count)| Count { name: (*name).to_owned(), count: *count }).collect()
    };
    Ledger {
        stamp: Stamp { at: at(9), lane },
        stage: stage.to_owned(),
        consumed: outcomes.iter().map(|(_, count)| count).sum(),
        outcomes: counts(outcomes),
        produced: counts(produced),
        fired: 2,
    }
}
