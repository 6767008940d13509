//! What is in a transaction, and what is not when it did not happen.

use baton_engine::{Event, Fault, Limits, Order, Stop};

use crate::bench::Bench;

/// The calls of each transaction, from begin to its end.
fn transactions(calls: &[String]) -> Vec<Vec<&str>> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    for call in calls {
        match (call.as_str(), found.last_mut()) {
            ("begin", _) => found.push(vec!["begin"]),
            (call, Some(open)) if !matches!(*open.last().unwrap(), "commit" | "abort") => open.push(call),
            _ => {}
        }
    }
    found
}

fn abort() -> Fault {
    Fault::Abort("planted".to_owned())
}

fn fatal() -> Fault {
    Fault::Fatal("planted".to_owned())
}

#[test]
fn outputs_state_and_positions_are_one_transaction() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    let calls = bench.port.heard();
    // One output, the time, one ledger; two rows: the stage's and the engine's own.
    assert_eq!(
        transactions(&calls),
        [["begin", "offsets 1", "produce", "produce", "produce", "remember", "remember", "commit"]]
    );
    assert_eq!((bench.said(), bench.ledger()), (vec!["a 10 1".to_owned()], "1/1/0".to_owned()));
    assert_eq!(bench.worker.stats().committed, 1);
    assert_eq!(bench.worker.stats().written, 5);
    assert_eq!(bench.worker.stats().records, 1);
}

#[test]
fn a_transaction_in_which_only_a_wake_up_fired_claims_the_positions_too() {
    let limits = Limits { wakes: 1, ..Limits::default() };
    let mut bench = Bench::with(limits, Order::Stamped(baton_engine::Writers::First(1)));
    bench.feed("a@50", "10/0");
    bench.feed("b@50", "11/0");
    bench.settle();
    bench.port.heard();
    bench.feed("", "60/0");
    bench.settle();
    assert_eq!(bench.said(), ["a 10 1", "b 11 1", "wake a 50 1", "wake b 50 1"]);
    let calls = bench.port.heard();
    let found = transactions(&calls);
    assert!(found.len() >= 2, "{found:?}");
    for transaction in found {
        assert!(transaction.iter().any(|call| call.starts_with("offsets")), "{transaction:?}");
    }
}

#[test]
fn a_record_that_could_not_be_sent_is_in_no_committed_transaction() {
    for call in ["begin", "produce", "remember", "offsets", "commit"] {
        let mut bench = Bench::new();
        bench.settle();
        bench.port.heard();
        bench.feed("a", "10/0");
        bench.port.fails = Some((call, abort()));
        bench.turn();
        assert_eq!(bench.port.heard().last().unwrap(), "start 0", "undone and read again from there: {call}");
        assert!(bench.said().is_empty(), "{call}");
        bench.settle();
        assert_eq!(bench.said(), ["a 10 1"], "done again, once: {call}");
        assert_eq!(bench.ledger(), "1/1/0", "counted once: {call}");
        let accounts = bench.worker.accounts();
        assert_eq!((accounts.consumed, &accounts.outcomes["seen"], &accounts.produced["out"]), (1, &1, &1), "{call}");
        assert_eq!(bench.worker.stats().aborted, 1);
        assert_eq!(bench.worker.take_fault().unwrap(), "planted");
    }
}

#[test]
fn after_an_undo_the_log_is_read_again_from_the_committed_offsets() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    bench.feed("a", "20/0");
    bench.feed("a", "30/0");
    bench.port.fails = Some(("commit", abort()));
    bench.settle();
    assert!(bench.port.heard().contains(&"start 1".to_owned()));
    assert_eq!(bench.said(), ["a 10 1", "a 20 2", "a 30 3"]);
}

#[test]
fn a_wake_up_that_was_undone_is_given_again_with_the_state_of_before() {
    let mut bench = Bench::new();
    bench.feed("a@50", "10/0");
    bench.settle();
    bench.feed("a", "20/0");
    bench.feed("b@60", "21/0");
    bench.feed("", "70/0");
    bench.port.fails = Some(("offsets", abort()));
    bench.settle();
    // The second record of `a` took its wish back.
    assert_eq!(bench.said(), ["a 10 1", "a 20 2", "b 21 1", "wake b 60 1"]);
    assert_eq!(bench.ledger(), "3/3/1");
}

#[test]
fn nothing_reaches_the_store_before_its_transaction_has_committed() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.port.fails = Some(("commit", fatal()));
    for _ in 0..5 {
        if bench.port.calls.iter().any(|call| call == "commit") {
            break;
        }
        bench.turn();
    }
    assert!(bench.disk.borrow().0.is_empty());
    let mut reborn = bench.reborn();
    reborn.settle();
    assert_eq!(reborn.said(), ["a 10 1"]);
    assert!(!bench.disk.borrow().0.is_empty());
}

#[test]
fn a_lost_answer_is_not_taken_for_an_undone_transaction() {
    let mut bench = Bench::new();
    bench.settle();
    bench.feed("a@50", "10/0");
    bench.port.loses_answer = true;
    bench.settle();
    bench.feed("a", "60/0");
    bench.settle();
    assert_eq!(bench.said(), ["a 10 1", "wake a 50 1", "a 60 2"]);
    assert_eq!(bench.ledger(), "2/2/1");
}

#[test]
fn a_fatal_fault_brings_a_new_producer_and_a_new_look_at_the_log() {
    for call in ["begin", "produce", "offsets", "commit", "poll", "abort"] {
        let mut bench = Bench::new();
        bench.feed("a", "10/0");
        bench.settle();
        bench.port.heard();
        bench.feed("a", "20/0");
        bench.port.fails = Some((call, fatal()));
        if call == "abort" {
            bench.port.fails = Some(("commit", abort()));
            bench.port.cannot_abort = true;
        }
        bench.turn();
        bench.port.heard();
        bench.settle();
        let calls = bench.port.heard();
        let place = |name: &str| calls.iter().position(|call| call == name).unwrap_or_else(|| panic!("{name}: {call}"));
        assert!(place("fence") < place("changelog_end"), "{call}: {calls:?}");
        assert!(place("changelog_end") < place("committed"), "{call}: {calls:?}");
        assert_eq!(bench.said(), ["a 10 1", "a 20 2"], "{call}");
        assert_eq!(bench.worker.stats().fenced, 2, "{call}");
    }
}

#[test]
fn a_suspect_producer_makes_no_further_transaction() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.port.disconnects = true;
    bench.settle();
    bench.feed("a", "20/0");
    bench.settle();
    let calls = bench.port.heard();
    let ends: Vec<&str> = calls
        .iter()
        .map(String::as_str)
        .filter(|call| matches!(*call, "fence" | "begin" | "commit" | "abort"))
        .collect();
    assert_eq!(ends, ["fence", "begin", "commit", "fence", "begin", "commit"]);
    assert_eq!(bench.said(), ["a 10 1", "a 20 2"]);
}

#[test]
fn a_suspect_producer_is_replaced_after_an_abort_too_and_one_in_order_is_not() {
    for disconnects in [true, false] {
        let mut bench = Bench::new();
        bench.settle();
        bench.feed("a", "10/0");
        bench.port.disconnects = disconnects;
        bench.port.fails = Some(("commit", abort()));
        bench.port.heard();
        bench.settle();
        let calls = bench.port.heard();
        let fences = calls.iter().filter(|call| *call == "fence").count();
        assert_eq!(fences, usize::from(disconnects), "{calls:?}");
        assert_eq!(bench.said(), ["a 10 1"]);
    }
}

#[test]
fn what_fails_again_and_again_is_tried_after_a_pause_that_doubles_up_to_a_second() {
    let mut bench = Bench::new();
    bench.settle();
    bench.feed("a", "10/0");
    let mut pauses = Vec::new();
    for _ in 0..9 {
        bench.port.fails = Some(("commit", abort()));
        bench.turn();
        bench.port.waits.clear();
        // The next turn reads again, after the pause; its own commit fails too.
        bench.port.fails = Some(("commit", abort()));
        bench.turn();
        pauses.push(bench.port.waits[0]);
    }
    assert_eq!(pauses[..3], [100, 100, 160], "an idle worker waits as long anyway: {pauses:?}");
    assert_eq!(pauses.last(), Some(&1_000));
    bench.port.fails = None;
    bench.settle();
    bench.port.waits.clear();
    bench.turn();
    assert_eq!(bench.port.waits, [100], "what succeeded ends the pause");
}

#[test]
fn the_counts_of_a_worker_add_up_over_its_transactions() {
    let mut bench = Bench::new();
    bench.port.commit_ms = 7;
    for at in [10, 20, 30] {
        bench.feed("a", &format!("{at}/0"));
        bench.settle();
    }
    let stats = bench.worker.stats();
    assert_eq!((stats.records, stats.committed, stats.transaction_ms), (3, 3, 21));
    assert_eq!(stats.written, bench.world.borrow().written.len() as u64);
}

#[test]
fn what_a_lane_that_leaves_had_begun_is_undone() {
    let limits = Limits { age_ms: 1_000, ..Limits::default() };
    let mut bench = Bench::with(limits, Order::Stamped(baton_engine::Writers::First(1)));
    bench.settle();
    bench.port.trickle = 1;
    bench.feed("a", "10/0");
    bench.feed("a", "20/0");
    bench.turn();
    bench.port.group = vec![Event::Revoked(vec![0])];
    bench.turn();
    assert!(bench.said().is_empty());
    assert!(bench.worker.lanes().is_empty());
    bench.port.group = vec![Event::Assigned(vec![0])];
    bench.settle();
    assert_eq!(bench.said(), ["a 10 1", "a 20 2"]);
}

#[test]
fn who_was_fenced_or_is_not_allowed_ends_with_the_reason() {
    for call in ["fence", "poll", "begin", "produce", "offsets", "commit", "committed", "changelog_end"] {
        let mut bench = Bench::new();
        bench.feed("a", "10/0");
        bench.port.fails = Some((call, Fault::Fenced("a twin".to_owned())));
        assert_eq!(bench.stops(), Stop::Fenced("a twin".to_owned()), "{call}");
        let mut bench = Bench::new();
        bench.feed("a", "10/0");
        bench.port.fails = Some((call, Fault::Config("no such topic".to_owned())));
        assert_eq!(bench.stops(), Stop::Config("no such topic".to_owned()), "{call}");
    }
}

#[test]
fn a_bad_record_is_a_dead_letter_once_and_holds_nothing_up() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.feed("a", "no stamp");
    bench.feed("a", "11/7");
    bench.feed("a", "20/0");
    bench.port.fails = Some(("commit", abort()));
    bench.settle();
    assert_eq!(bench.said(), ["a 10 1", "a 20 2"]);
    assert_eq!(bench.world.borrow().dead, ["no stamp", "11/7"]);
    assert_eq!(bench.ledger(), "4/4/0");
}

#[test]
fn a_record_sees_what_an_earlier_one_of_its_transaction_staged() {
    let mut bench = Bench::new();
    bench.settle();
    for at in 1..=3 {
        bench.feed("a", &format!("{at}/0"));
    }
    bench.port.heard();
    bench.settle();
    assert_eq!(bench.said(), ["a 1 1", "a 2 2", "a 3 3"]);
    assert_eq!(bench.port.heard().iter().filter(|call| *call == "begin").count(), 1);
}

#[test]
fn no_transaction_is_open_between_turns() {
    let mut bench = Bench::new();
    for at in 0..20 {
        bench.feed("a", &format!("{at}/0"));
        bench.turn();
        let calls = bench.port.heard();
        let count = |name: &str| calls.iter().filter(|call| *call == name).count();
        assert_eq!(count("begin"), count("commit"), "{calls:?}");
    }
    bench.port.fails = Some(("produce", abort()));
    bench.feed("a", "30/0");
    bench.turn();
    let calls = bench.port.heard();
    assert_eq!(calls.iter().filter(|call| ["begin", "abort"].contains(&call.as_str())).count(), 2, "{calls:?}");
}

#[test]
fn a_dead_letter_that_could_not_be_sent_is_sent_again_and_nothing_is_dropped() {
    let mut bench = Bench::new();
    bench.settle();
    bench.port.fails = Some(("produce", abort()));
    bench.feed("a", "no stamp");
    bench.feed("b", "5/0");
    bench.settle();
    assert!(bench.port.fails.is_none(), "the first attempt failed");
    assert_eq!(bench.world.borrow().dead, ["no stamp"]);
    assert_eq!(bench.said(), ["b 5 1"]);
}

#[test]
fn a_part_that_cannot_be_read_again_after_an_undo_is_restored_like_after_any_fault() {
    let mut bench = Bench::new();
    bench.feed("a", "1/0");
    bench.settle();
    bench.said();
    // The undo asks the log to start over, and that fails too.
    bench.feed("a", "2/0");
    bench.port.fails = Some(("commit", abort()));
    bench.port.then_fails = Some(("start", fatal()));
    bench.settle();
    assert!(bench.port.then_fails.is_none());
    assert_eq!(bench.said(), ["a 2 2"]);
}

#[test]
fn rows_are_made_ready_before_records_are_judged_and_before_they_are_set() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.feed("b", "20/0");
    bench.settle();
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let warmed = bench.warmed.take();
    assert_eq!(warmed[0], (0, keys(&["a", "b"])), "as they lie on the log");
    assert_eq!(warmed.last().map(|(rows, _)| *rows), Some(0), "before the first of them is set");
    assert!(warmed.last().is_some_and(|(_, set)| set.starts_with(&keys(&["a", "b"]))), "{warmed:?}");
    assert_eq!(bench.said(), ["a 10 1", "b 20 1"]);
}
