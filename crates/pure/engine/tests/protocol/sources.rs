//! A sequencer with two sources: which record is next, and what may be claimed meanwhile.

use baton_engine::{Fault, Limits, Order};

use crate::bench::Bench;
use crate::port::{OTHER, PART};

/// One record a poll, and a transaction after each; nothing was read yet.
fn slow() -> Bench {
    let mut bench = Bench::with(Limits { age_ms: 0, waiting: 2, ..Limits::default() }, Order::Arrival);
    bench.port.trickle = 1;
    bench
}

/// Turns until the first record was read and what is due was committed.
fn first_record(bench: &mut Bench) {
    while bench.worker.stats().records == 0 {
        bench.turn();
    }
}

#[test]
fn a_record_waits_for_a_source_that_may_hold_an_earlier_one_and_is_not_claimed() {
    let mut bench = slow();
    bench.feed("a", "20/0");
    bench.feed_to(OTHER, "b", "10/0");
    first_record(&mut bench);
    assert!(bench.said().is_empty());
    assert!(bench.port.heard().contains(&"offsets 0,0".to_owned()), "it would be lost with the process");
    assert_eq!(bench.worker.lanes()[0].offsets[&PART], 0);
    bench.settle();
    assert_eq!(bench.said(), ["b 10 1", "a 20 1"]);
    assert_eq!(bench.worker.lanes()[0].offsets, [(PART, 1), (OTHER, 1)].into());
}

#[test]
fn what_waited_when_a_transaction_was_undone_comes_once() {
    let mut bench = slow();
    bench.feed("a", "20/0");
    bench.feed_to(OTHER, "b", "10/0");
    bench.port.fails = Some(("commit", Fault::Abort("planted".to_owned())));
    first_record(&mut bench);
    assert_eq!(bench.worker.stats().aborted, 1);
    bench.settle();
    assert_eq!(bench.said(), ["b 10 1", "a 20 1"]);
    assert_eq!(bench.ledger(), "2/2/0");
}

#[test]
fn a_source_that_runs_ahead_is_held_so_that_the_other_is_read() {
    let mut bench = slow();
    for at in 20..30 {
        bench.feed("a", &format!("{at}/0"));
    }
    bench.feed_to(OTHER, "b", "10/0");
    let mut holds = 0;
    while bench.said().is_empty() {
        bench.turn();
        holds += bench.port.heard().iter().filter(|call| *call == "hold").count();
    }
    assert_eq!(holds, 1, "held once, not again in each turn");
    bench.settle();
    assert!(bench.port.held.is_empty(), "and released when it was caught up with");
    assert_eq!(bench.worker.lanes()[0].offsets, [(PART, 10), (OTHER, 1)].into());
}

#[test]
fn a_source_that_cannot_be_held_is_a_fault_like_any_other() {
    let mut bench = slow();
    for at in 20..30 {
        bench.feed("a", &format!("{at}/0"));
    }
    bench.feed_to(OTHER, "b", "10/0");
    bench.port.fails = Some(("hold", Fault::Fatal("planted".to_owned())));
    bench.settle();
    assert_eq!(bench.worker.stats().fenced, 2);
    let said = bench.said();
    assert_eq!((said.len(), said[0].as_str()), (11, "b 10 1"));
}

#[test]
fn a_record_that_is_handed_over_twice_counts_once_and_markers_between_count_not_at_all() {
    let mut bench = Bench::with(Limits::default(), Order::Arrival);
    bench.port.stutters = true;
    bench.feed("a", "10/0");
    bench.feed_marker(PART);
    bench.feed("a", "20/0");
    bench.feed_marker(PART);
    bench.settle();
    assert_eq!(bench.said(), ["a 10 1", "a 20 2"]);
    assert_eq!(bench.worker.lanes()[0].offsets[&PART], 4, "read to its end, the last marker included");
}
