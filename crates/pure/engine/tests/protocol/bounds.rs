//! How much a transaction takes, how long it waits, and how far a part may run ahead.

use baton_engine::{Limits, Order, Writers};

use crate::bench::Bench;
use crate::port::{OTHER, PART};

fn begins(bench: &mut Bench) -> usize {
    bench.port.heard().iter().filter(|call| *call == "begin").count()
}

#[test]
fn a_backlog_is_committed_in_transactions_of_at_most_so_many_records() {
    let limits = Limits { records: 4, age_ms: 1_000, ..Limits::default() };
    let mut bench = Bench::with(limits, Order::Stamped(Writers::First(1)));
    for at in 0..10 {
        bench.feed("a", &format!("{at}/0"));
    }
    bench.settle();
    assert_eq!(begins(&mut bench), 3);
    assert_eq!(bench.said().len(), 10);
}

#[test]
fn a_record_waits_for_more_only_so_long_and_so_many_bytes() {
    let patient = Limits { records: 1_000, age_ms: 1_000, ..Limits::default() };
    for (limits, later) in [(patient, 1_000), (Limits { bytes: 4, ..patient }, 0)] {
        let mut bench = Bench::with(limits, Order::Stamped(Writers::First(1)));
        bench.settle();
        bench.port.trickle = 1;
        for at in 0..4 {
            bench.feed("a", &format!("{at}/0"));
        }
        bench.port.heard();
        bench.turn();
        if later > 0 {
            bench.world.borrow_mut().now = later - 1;
            bench.turn();
            assert_eq!(begins(&mut bench), 0, "more is coming, and there is time");
            bench.world.borrow_mut().now = later;
            bench.turn();
        }
        assert_eq!(begins(&mut bench), 1);
    }
}

#[test]
fn a_storm_of_wake_ups_is_committed_in_parts_and_to_its_end() {
    let limits = Limits { wakes: 3, ..Limits::default() };
    let mut bench = Bench::with(limits, Order::Stamped(Writers::First(1)));
    for at in 0..7 {
        bench.feed(&format!("row{at}@50"), &format!("{at}/0"));
    }
    bench.settle();
    begins(&mut bench);
    bench.feed("", "60/0");
    bench.settle();
    assert_eq!(begins(&mut bench), 3);
    assert_eq!(bench.said().iter().filter(|said| said.starts_with("wake")).count(), 7);
}

#[test]
fn a_hundred_thousand_wake_ups_at_one_instant_stall_nobody() {
    const ROWS: usize = 100_000;
    let limits = Limits { records: ROWS, bytes: usize::MAX, ..Limits::default() };
    let wakes = limits.wakes;
    let mut bench = Bench::with(limits, Order::Stamped(Writers::First(1)));
    for at in 0..ROWS {
        bench.feed(&format!("row{at}@200000"), &format!("{at}/0"));
    }
    bench.settle();
    bench.port.heard();
    bench.feed("", "300000/0");
    bench.said();
    let (mut woken, mut turns) = (0, 0);
    while woken < ROWS {
        bench.turn();
        let now = bench.said().iter().filter(|said| said.starts_with("wake")).count();
        assert!(now <= wakes, "{now} in one turn, between two looks at the log");
        (woken, turns) = (woken + now, turns + 1);
        assert!(turns < 2 * ROWS / wakes + 20, "{woken} after {turns} turns");
    }
    assert_eq!(woken, ROWS);
}

#[test]
fn a_part_with_two_writers_is_not_held_while_one_of_them_is_silent() {
    let limits = Limits { waiting: 4, records: 3, ..Limits::default() };
    let mut bench = Bench::with(limits, Order::Stamped(Writers::First(2)));
    // Both writers of the only part: the second is silent, so nothing may be taken yet, and it
    // must not be held, for its word comes on this very part.
    for at in 10..20 {
        bench.feed("a", &format!("{at}/0"));
    }
    bench.settle();
    assert!(bench.port.held.is_empty());
    assert_eq!(bench.worker.lanes()[0].waiting, 10);
    for at in 10..20 {
        bench.feed("b", &format!("{at}/1"));
    }
    bench.feed("", "30/0");
    bench.feed("", "30/1");
    bench.settle();
    assert_eq!(bench.said().len(), 20);
    assert_eq!(bench.worker.lanes()[0].waiting, 0);
    assert!(!bench.port.held.contains(&PART));
}

#[test]
fn a_merged_part_is_held_past_the_bound_and_released_at_half_of_it() {
    let limits = Limits { waiting: 4, ..Limits::default() };
    let mut bench = Bench::merging(limits);
    bench.settle();
    for (at, held) in [(10, false), (11, false), (12, false), (13, false), (14, true)] {
        bench.feed("a", &format!("{at}/0"));
        bench.turn();
        assert_eq!(bench.port.held.contains(&PART), held, "{at}");
    }
    assert!(bench.said().is_empty(), "the other may still bring an earlier one");
    // Each tells of the other part that so much may be taken.
    for (at, held) in [(11, true), (12, false)] {
        bench.feed_to(OTHER, "", &format!("{at}/0"));
        bench.turn();
        assert_eq!(bench.port.held.contains(&PART), held, "{at}");
    }
    assert_eq!(bench.said().len(), 3);
}

#[test]
fn a_position_that_only_passed_markers_is_committed_when_there_is_time() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    assert_eq!(bench.worker.lanes()[0].offsets[&PART], 1);
    assert_eq!(bench.worker.lanes()[0].rows, 2);
    bench.feed_marker(PART);
    bench.world.borrow_mut().now = 100;
    bench.settle();
    assert_eq!(bench.world.borrow().offsets[&PART], 1, "no transaction for its own sake");
    bench.world.borrow_mut().now = 101;
    bench.settle();
    assert_eq!(bench.world.borrow().offsets[&PART], 2);
    let begun = begins(&mut bench);
    bench.world.borrow_mut().now = 1_000;
    bench.settle();
    assert_eq!(begins(&mut bench), 0, "after {begun} there is nothing more to say");
}
