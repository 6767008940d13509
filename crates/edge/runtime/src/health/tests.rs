//! A minute of trouble in a microsecond: whoever looks brings the time along.

use std::collections::{BTreeMap, BTreeSet};

use baton_engine::LaneStatus;
use baton_pipeline::Topology;

use super::*;

fn snapshot(restoring: Option<i64>) -> Snapshot {
    let lane = LaneStatus {
        lane: 0,
        given: 1,
        restoring,
        now: None,
        waiting: 0,
        wakes: 0,
        soonest: None,
        rows: 0,
        offsets: BTreeMap::new(),
        held_up: BTreeSet::new(),
        error: 0,
    };
    Snapshot {
        consumer: Consumer::Score,
        worker: 0,
        spec: Arc::new(Consumer::Score.spec(&Topology::new("", 4))),
        gives_time: false,
        at: Instant::now(),
        stats: Stats::default(),
        accounts: Accounts::default(),
        lanes: vec![lane],
        policy: None,
        census: None,
    }
}

#[test]
fn a_worker_that_does_not_turn_is_seen_after_a_minute_and_given_up_after_two() {
    let after = |seconds: u64| {
        let board = Board::default();
        board.say(Snapshot { at: Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap(), ..snapshot(None) });
        (board.live().is_ok(), board.hopeless().is_ok())
    };
    assert_eq!([after(0), after(50)], [(true, true); 2]);
    assert_eq!([after(70), after(110)], [(false, true); 2]);
    assert_eq!(after(130), (false, false));
}

#[test]
fn a_restoring_lane_is_alive_but_not_ready() {
    let board = Board::default();
    assert!(board.ready().is_err());
    board.say(snapshot(Some(7)));
    assert_eq!(board.live(), Ok(()));
    assert_eq!(board.ready(), Err("score lane 0 is restoring, 7 records left".to_owned()));
    board.say(snapshot(None));
    assert_eq!(board.ready(), Ok(()));
}
