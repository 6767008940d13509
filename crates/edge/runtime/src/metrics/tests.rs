//! What is declared is told, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use baton_domain::{
    CauseClass, Clock, Label, LogTime, Millis, Points, ReasonKind, RetractionReason, Revision, SlaEventKind, Stage,
};
use baton_engine::{Accounts, LaneStatus, Stats};
use baton_kafka::End;
use baton_pipeline::{Census, Consumer, Figure, LeadSource, Meter, Pool, Promise, Topology, Waiting};

use super::*;
use crate::health::Snapshot;

fn promise(kind: SlaEventKind, late: bool) -> Figure {
    Figure::Promise(Box::new(Promise {
        kind,
        word: if late { "late" } else { kind.as_str() },
        late,
        clock: Clock::FirstTouch,
        level: 0,
        lane: "P0".to_owned(),
        pool: "emea".to_owned(),
        deadline: LogTime(0),
        wall_ms: 240_000,
        business_ms: 60_000,
        system_ms: 1_000,
        lead_ms: 241_000,
        since_breach_ms: None,
    }))
}

/// One of each sort.
fn figures() -> Vec<Figure> {
    let (lane, pool) = ("P0".to_owned(), "emea".to_owned());
    vec![
        Figure::Event { at: LogTime(0), occurred_at: Some(Millis(0)) },
        Figure::Activity { source: LeadSource::Listed(0), machine: false },
        Figure::Activity { source: LeadSource::None, machine: false },
        Figure::Activity { source: LeadSource::Other, machine: true },
        Figure::Merged,
        Figure::PolicyRefused,
        Figure::Retracted(RetractionReason::Bot),
        Figure::OptedOut { at: LogTime(0) },
        Figure::Scored(Points::whole(42)),
        Figure::Moved {
            from: Some(Stage::Mql),
            to: Stage::Recycled,
            lasted_ms: Some(90_000),
            source: Some(LeadSource::Listed(0)),
            verdict: Some((Label::Rejected, CauseClass::Lead, "not_now".to_owned())),
        },
        Figure::Refused("accepted".to_owned()),
        Figure::Qualified { lane: lane.clone(), why: ReasonKind::Matrix, source: LeadSource::Listed(0) },
        Figure::Revised(Revision::Withdrawn),
        Figure::HandedOff { lane, pool: pool.clone(), occurred_at: Millis(0) },
        Figure::Assigned { pool, cause: "qualified" },
        Figure::Canary { lane: 3, sent_at: Millis(0) },
        promise(SlaEventKind::Met, false),
        promise(SlaEventKind::Breached, false),
        promise(SlaEventKind::Met, true),
    ]
}

fn census() -> Census {
    let mut census = Census::default();
    census.owed.insert((Clock::Accept, "P0".to_owned(), baton_pipeline::Standing::Running), 3);
    census.soonest.insert(Clock::Accept, LogTime(5_000_000));
    census.waiting.insert("emea".to_owned(), Waiting { leads: 2, since: LogTime(1_000_000) });
    census.pools.insert("emea".to_owned(), Pool { reps: vec!["kim".to_owned()], gap: 3, weights: 2 });
    census
}

fn snapshot(worker: usize) -> Snapshot {
    let spec = Consumer::Score.spec(&Topology::new("", 4));
    let outcomes = [("scored", 5), ("dlq_decode", 1)].map(|(name, count)| (name.to_owned(), count)).into();
    let produced = BTreeMap::from([("lead.score".to_owned(), 5)]);
    let lane = LaneStatus {
        lane: 1,
        given: 1,
        restoring: None,
        now: Some(LogTime(7_000_000)),
        waiting: 0,
        wakes: 1,
        soonest: Some(LogTime(9_000_000)),
        rows: 4,
        offsets: BTreeMap::from([((0, 1), 90)]),
        held_up: BTreeSet::new(),
        error: 0,
    };
    Snapshot {
        consumer: Consumer::Score,
        worker,
        spec: Arc::new(spec),
        gives_time: None,
        joined: true,
        at: Instant::now(),
        stats: Stats { records: 6, committed: 2, ..Stats::default() },
        accounts: Accounts { consumed: 6, outcomes, produced, fired: 1 },
        lanes: vec![lane],
        policy: Some(("starter.yaml".to_owned(), 3)),
        census: Some(Arc::new(census())),
    }
}

fn page() -> String {
    let metrics = Arc::new(Metrics::new(&["google".to_owned()]).unwrap());
    let board = Board::default();
    board.say(snapshot(0));
    board.say(snapshot(1));
    board.ends_at("engagement.aggregate", 1, End { stable: 100, high: 101 }, Instant::now());
    for consumer in Consumer::ALL {
        let counters = Counters::new(&metrics, consumer).unwrap();
        if consumer == Consumer::Score || consumer == Consumer::Identify {
            counters.committed(&figures());
            counters.transaction(6, std::time::Duration::from_millis(3), std::time::Duration::from_millis(2));
        }
    }
    metrics.count(&inventory::CANARIES, &["3"]);
    metrics.page(&board);
    // A second page says the same: nothing is counted by being looked at.
    metrics.page(&board)
}

#[test]
fn what_is_declared_is_told_and_nothing_else() {
    let page = page();
    let told: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let declared: BTreeSet<&str> = ALL.iter().map(|spec| spec.name).collect();
    assert_eq!(told, declared);
}

#[test]
fn what_several_workers_did_is_one_sum() {
    let page = page();
    for line in [
        "baton_events_total{consumer=\"score\",outcome=\"scored\"} 10",
        "baton_events_total{consumer=\"score\",outcome=\"dead_letter\"} 2",
        "baton_dead_letters_total{consumer=\"score\",reason=\"decode\"} 2",
        "baton_dead_letters_total{consumer=\"score\",reason=\"limits\"} 0",
        "baton_records_total{consumer=\"score\",worker=\"1\"} 6",
        "baton_input_lag_records{consumer=\"score\",partition=\"1\",topic=\"engagement.aggregate\"} 10",
        "baton_sla_open{clock=\"accept\",lane=\"P0\",state=\"running\"} 6",
        "baton_fairness_gap_leads{pool=\"emea\"} 1.5",
        "baton_unrouted_oldest_timestamp_seconds{pool=\"emea\"} 1",
        "baton_activities_total{machine=\"yes\",source=\"other\"} 1",
        "baton_funnel_moves_total{from=\"mql\",to=\"recycled\"} 2",
        "baton_stage_age_seconds_sum{stage=\"mql\"} 180",
        "baton_episode_stages_total{source=\"google\",stage=\"recycled\"} 2",
        "baton_speed_to_lead_seconds_sum{basis=\"business\",kept=\"yes\",lane=\"P0\",part=\"human\"} 120",
        "baton_speed_to_lead_seconds_sum{basis=\"wall\",kept=\"no\",lane=\"P0\",part=\"human\"} 480",
        "baton_sla_promises_total{breach_age=\"none\",clock=\"first_touch\",kind=\"late\",lane=\"P0\",level=\"0\",pool=\"emea\"} 2",
    ] {
        assert!(page.lines().any(|told| told == line), "{line}\n{page}");
    }
}

#[test]
fn a_breach_that_is_taken_back_counts_against_the_windows_in_which_it_lay() {
    let metrics = Arc::new(Metrics::new(&[]).unwrap());
    let counters = Counters::new(&metrics, Consumer::Watch).unwrap();
    for minutes in [0, 5, 6, 30, 31, 60, 61, 360, 361] {
        let Figure::Promise(mut of) = promise(SlaEventKind::Retracted, false) else { panic!("a promise") };
        of.since_breach_ms = Some(minutes * 60_000);
        counters.committed(&[Figure::Promise(of)]);
    }
    counters.committed(&[promise(SlaEventKind::Met, false)]);
    let page = metrics.page(&Board::default());
    let told = |kind: &str, age: &str, times: u64| {
        let line = format!(
            "baton_sla_promises_total{{breach_age=\"{age}\",clock=\"first_touch\",kind=\"{kind}\",lane=\"P0\",\
             level=\"0\",pool=\"emea\"}} {times}"
        );
        assert!(page.lines().any(|told| told == line), "{line}\n{page}");
    };
    for (age, times) in [("5m", 2), ("30m", 2), ("1h", 2), ("6h", 2), ("later", 1)] {
        told("retracted", age, times);
    }
    told("met", "none", 1);
}

#[test]
fn a_process_that_goes_on_has_started_once() {
    let (metrics, board) = (Metrics::new(&[]).unwrap(), Board::default());
    let started = || {
        let page = metrics.page(&board);
        page.lines().find(|line| line.starts_with("baton_start_timestamp_seconds ")).unwrap().to_owned()
    };
    let first = started();
    for _ in 0..200 {
        assert_eq!(started(), first);
    }
}

#[test]
fn what_is_gone_is_told_of_no_more() {
    let metrics = Metrics::new(&[]).unwrap();
    let board = Board::default();
    board.say(snapshot(0));
    assert!(
        metrics.page(&board).contains("baton_policy_info{consumer=\"score\",policy=\"starter.yaml\",version=\"3\"")
    );
    board.say(Snapshot { policy: Some(("starter.yaml".to_owned(), 4)), census: None, ..snapshot(0) });
    let page = metrics.page(&board);
    assert!(page.contains("version=\"4\"") && !page.contains("version=\"3\""), "{page}");
    let restoring = LaneStatus { restoring: Some(0), now: None, ..snapshot(0).lanes.remove(0) };
    for lanes in [vec![], vec![restoring]] {
        board.say(Snapshot { lanes, ..snapshot(0) });
        let page = metrics.page(&board);
        assert!(!page.contains("baton_policy_info{"), "a policy of one that does not judge: {page}");
        assert!(!page.contains("baton_log_time_timestamp_seconds{"), "a time of one that does not judge: {page}");
    }
    assert!(!page.contains("baton_sla_open{"), "{page}");
}
