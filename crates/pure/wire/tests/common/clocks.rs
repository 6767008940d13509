//! Samples of what the watchdog hears and says.
//!
//! Holds: as in the module above.

use baton_domain::*;

use super::{some, stamp};

pub fn clock_starts() -> Vec<ClockStart> {
    let handed_off = |owner, hours: Option<DeskHours>| WatchInput::HandedOff {
        lead_id: "ld_1".into(),
        handoff_id: "h_ld_1_2".into(),
        episode: 2,
        lane: "P0".into(),
        owner,
        pool: "emea".into(),
        qualified_at: stamp(0).at,
        policy_version: 3,
        occurred_at: Millis(5),
        score: hours.as_ref().map(|_| Points::whole(72)),
        hours,
    };
    let told = DeskHours {
        calendar: some("berlin"),
        zone: some("Europe/Berlin"),
        away: vec![Absence { from: Millis(1), to: Millis(2) }],
    };
    let queued = |hours: Option<DeskHours>| WatchInput::Queued {
        lead_id: "ld_1".into(),
        handoff_id: "h_ld_1_2".into(),
        episode: 2,
        lane: "P0".into(),
        pool: "emea".into(),
        qualified_at: stamp(0).at,
        policy_version: 3,
        occurred_at: Millis(5),
        score: hours.as_ref().map(|_| Points::whole(72)),
        hours,
    };
    let withdrawn = WatchInput::Withdrawn {
        lead_id: "ld_1".into(),
        handoff_id: "h_ld_1_2".into(),
        episode: 2,
        cause: "retracted".into(),
    };
    let delivered = WatchInput::Delivered {
        lead_id: "ld_1".into(),
        handoff_id: "h_ld_1_2".into(),
        pool: "emea".into(),
        qualified_at: stamp(0).at,
    };
    let scored = WatchInput::Scored { lead_id: "ld_1".into(), handoff_id: "h_ld_1_2".into(), score: Points::whole(81) };
    let returned = WatchInput::Returned {
        lead_id: "ld_1".into(),
        handoff_id: "h_ld_1_2".into(),
        pool: "emea".into(),
        qualified_at: stamp(0).at,
    };
    let tick = WatchInput::Tick(Tick {});
    let handed = [
        handed_off(some("kim"), Some(told.clone())),
        handed_off(some("kim"), Some(DeskHours::default())),
        handed_off(None, None),
    ];
    let others = [
        tick,
        queued(Some(told)),
        queued(Some(DeskHours::default())),
        queued(None),
        withdrawn,
        delivered,
        scored,
        returned,
    ];
    handed.into_iter().chain(others).map(|input| ClockStart { stamp: stamp(5), input }).collect()
}

pub fn sla_events() -> Vec<SlaEvent> {
    SlaEventKind::ALL
        .into_iter()
        .zip(0..)
        .map(|(kind, n)| SlaEvent {
            stamp: stamp(6),
            id: format!("first_touch_{n}_h_ld_1_2"),
            kind,
            clock: Clock::ALL[usize::try_from(n).unwrap()],
            level: 50,
            lead_id: "ld_1".into(),
            handoff_id: "h_ld_1_2".into(),
            episode: 2,
            lane: "P1".into(),
            owner: (n % 2 == 0).then(|| "kim".to_owned()),
            pool: "emea".into(),
            started_at: LogTime(n + 1),
            deadline: LogTime(n + 2),
            wall_ms: 14_400_000,
            business_ms: 7_200_000,
            event_id: String::new(),
            policy_version: 3,
            party: [Party::Sales, Party::Marketing, Party::Ops][usize::try_from(n % 3).unwrap()],
            action: SlaAction::ALL.get(usize::try_from(n).unwrap()).copied(),
            to: vec!["rep".into(), "manager".into()],
            paused_ms: 60_000,
            pauses: vec![
                Pause { from: LogTime(n), until: Some(LogTime(n + 1)), cause: "on_hold".into(), event_id: "e1".into() },
                Pause { from: LogTime(n + 2), until: None, cause: "later".into(), event_id: "e2".into() },
            ],
            calendar: "berlin@5f21c09a".into(),
            retraction_of: (n % 2 == 1).then(|| "first_touch_100_h_ld_1_2".to_owned()),
            qualified_at: LogTime(n),
            system_ms: 4_000,
            lead_ms: 14_404_000,
            last_activity_at: (n % 2 == 0).then_some(Millis(n)),
            done: 4,
            promised: 6,
            score_then: (n % 2 == 0).then_some(Points::whole(72)),
            score_now: (n % 2 == 0).then_some(Points::whole(81)),
            late: kind == SlaEventKind::Met,
        })
        .collect()
}
