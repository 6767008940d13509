//! Whose clock moves a lane, and what it tells the lanes downstream.

use baton_engine::{Limits, Order, Writers};

use crate::bench::Bench;
use crate::port::OTHER;

#[test]
fn the_hosts_clock_gives_no_wake_up_to_a_lane_that_lives_by_stamps() {
    let mut bench = Bench::new();
    bench.feed("a@50", "10/0");
    bench.world.borrow_mut().now = 1_000_000;
    bench.settle();
    assert_eq!(bench.said(), ["a 10 1"]);
    assert_eq!(bench.worker.lanes()[0].now.unwrap().0, 10);
}

#[test]
fn the_hosts_clock_moves_a_sequencer_that_has_read_everything() {
    let mut bench = Bench::with(Limits::default(), Order::Arrival);
    bench.feed("a@50", "10/0");
    bench.settle();
    bench.world.borrow_mut().now = 60;
    bench.settle();
    assert_eq!(bench.said(), ["a 10 1", "wake a 50 1"]);
    assert_eq!(bench.worker.lanes()[0].now.unwrap().0, 60);
}

#[test]
fn no_wake_up_is_given_before_the_backlog_was_read() {
    let limits = Limits { records: 1, ..Limits::default() };
    let mut bench = Bench::with(limits, Order::Arrival);
    bench.feed("a@50", "10/0");
    bench.settle();
    // The stage was down; the record that takes the wish back lies unread, with others before it.
    for at in 20..30 {
        bench.feed("b", &format!("{at}/0"));
    }
    bench.feed("a", "40/0");
    bench.world.borrow_mut().now = 100;
    bench.settle();
    assert!(!bench.said().iter().any(|said| said.starts_with("wake")), "a promise kept was called broken");
}

#[test]
fn the_hosts_clock_does_not_pass_a_source_that_was_not_read_to_its_end() {
    for first in [None, Some("a 10 1")] {
        let mut bench = Bench::with(Limits::default(), Order::Arrival);
        if first.is_some() {
            bench.feed("a@50", "10/0");
        }
        // Nothing has come of the other source, though something lies there.
        bench.feed_to(OTHER, "b", "40/0");
        bench.port.silent = [OTHER].into();
        bench.world.borrow_mut().now = 100;
        for _ in 0..6 {
            bench.turn();
        }
        assert!(bench.said().is_empty() && bench.worker.lanes()[0].now.is_none());
        bench.port.silent.clear();
        bench.settle();
        let said = bench.said();
        let expected: Vec<&str> = first.into_iter().chain(["b 40 1"]).collect();
        assert_eq!(said[..expected.len()], expected);
    }
}

#[test]
fn a_tick_moves_the_lane_and_what_is_complete_is_told_once() {
    let mut bench = Bench::new();
    bench.feed("a@50", "10/0");
    bench.settle();
    assert_eq!(bench.told(), ["9"], "another record at 10 may follow");
    bench.feed("", "30/0");
    bench.settle();
    assert_eq!(bench.worker.lanes()[0].now.unwrap().0, 30);
    bench.feed("a@50", "31/0");
    bench.settle();
    assert_eq!(bench.told(), ["30"], "31 is not complete, and 30 is known");
    bench.feed("", "60/0");
    bench.settle();
    assert_eq!(bench.told(), ["60"]);
}

#[test]
fn no_time_is_told_that_a_wake_up_still_to_be_given_lies_before() {
    let limits = Limits { wakes: 1, ..Limits::default() };
    let mut bench = Bench::with(limits, Order::Stamped(Writers::First(1)));
    bench.feed("a@50", "10/0");
    bench.feed("b@52", "11/0");
    bench.settle();
    bench.told();
    bench.feed("", "60/0");
    bench.settle();
    assert_eq!(bench.told(), ["51", "60"]);
    assert_eq!(bench.worker.lanes()[0].now.unwrap().0, 60);
}

#[test]
fn a_lane_that_heard_nothing_tells_nothing() {
    let mut bench = Bench::new();
    bench.settle();
    bench.worker.close(&mut bench.port).unwrap();
    assert!(bench.told().is_empty());
    assert_eq!(bench.ledger(), "");
    assert_eq!(bench.worker.lanes()[0].now, None);
}

#[test]
fn a_sequencer_is_asked_from_its_own_time_on() {
    let mut bench = Bench::with(Limits::default(), Order::Arrival);
    bench.feed("a", "10/0");
    bench.settle();
    for (host, now) in [(15, 10), (19, 10), (20, 20), (25, 20)] {
        bench.world.borrow_mut().now = host;
        bench.settle();
        assert_eq!(bench.worker.lanes()[0].now.unwrap().0, now, "{host}");
    }
}

#[test]
fn a_record_that_held_several_events_leaves_the_lane_at_the_last() {
    let mut bench = Bench::new();
    bench.feed("batch", "10/0");
    bench.settle();
    assert_eq!(bench.worker.lanes()[0].now.unwrap().0, 12);
    assert_eq!(bench.ledger(), "3/3/0");
}
