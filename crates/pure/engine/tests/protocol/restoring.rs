//! From the log back to a state, and what a lane may believe.

use std::rc::Rc;

use baton_engine::{Fault, Limits, Order, Stop, Writers};

use crate::bench::Bench;
use crate::port::{OTHER, PART};

const ORDER: Order = Order::Stamped(Writers::First(1));

fn config(stop: Stop) -> String {
    match stop {
        Stop::Config(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_asked_of_the_log_before_the_producer_is_fenced() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.port.fails = Some(("fence", Fault::Fatal("not yet".to_owned())));
    bench.settle();
    let calls = bench.port.heard();
    assert_eq!(calls[..3], ["fence", "poll", "fence"], "it only serves the group meanwhile");
    let order: Vec<&str> = calls[2..].iter().map(String::as_str).filter(|call| *call != "poll").collect();
    assert_eq!(order[..4], ["fence", "changelog_end", "committed", "changelog_end"]);
    assert_eq!(bench.said(), ["a 10 1"]);
}

#[test]
fn a_state_that_was_lost_is_read_from_the_log_over_markers_and_undone_records() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    bench.feed("a@50", "20/0");
    bench.port.fails = Some(("commit", Fault::Abort("planted".to_owned())));
    bench.settle();
    let mut reborn = Bench::on(&bench.world, &Rc::default(), Limits::default(), ORDER);
    reborn.feed("a", "30/0");
    reborn.feed("", "50/0");
    reborn.settle();
    assert_eq!(reborn.said(), ["a 10 1", "a 20 2", "a 30 3"]);
    assert_eq!(reborn.ledger(), "3/3/0");
}

#[test]
fn a_wake_up_outlives_its_process() {
    let mut bench = Bench::new();
    bench.feed("a@50", "10/0");
    bench.settle();
    let mut reborn = Bench::on(&bench.world, &Rc::default(), Limits::default(), ORDER);
    reborn.settle();
    assert_eq!(reborn.worker.lanes()[0].wakes, 1);
    reborn.feed("", "50/0");
    reborn.settle();
    assert_eq!(reborn.said(), ["a 10 1", "wake a 50 1"]);
}

#[test]
fn a_lane_does_not_run_while_a_transaction_on_its_changelog_is_undecided() {
    let limits = Limits { restore_stall_ms: 100, ..Limits::default() };
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    let decided = bench.world.borrow().changelog.len() - 1;
    bench.world.borrow_mut().undecided = Some(decided);
    let mut reborn = Bench::on(&bench.world, &Rc::default(), limits, ORDER);
    reborn.feed("a", "20/0");
    for _ in 0..10 {
        reborn.turn();
    }
    assert_eq!(reborn.worker.lanes()[0].restoring, Some(1));
    assert!(reborn.port.heard().iter().all(|call| call != "committed" && call != "begin"));
    reborn.world.borrow_mut().now = 100;
    reborn.turn();
    reborn.world.borrow_mut().undecided = None;
    reborn.settle();
    assert_eq!(reborn.worker.lanes()[0].restoring, None);
    assert_eq!(reborn.said(), ["a 10 1", "a 20 2"]);
}

#[test]
fn what_the_last_owner_wrote_while_the_offsets_were_looked_up_is_restored_too() {
    let mut owner = Bench::new();
    owner.settle();
    owner.feed("a", "10/0");
    let mut heir = Bench::on(&owner.world, &Rc::default(), Limits::default(), ORDER);
    heir.port.meanwhile = Some(Box::new(move || owner.settle()));
    heir.settle();
    heir.feed("a", "20/0");
    heir.settle();
    assert_eq!(heir.said(), ["a 10 1", "a 20 2"]);
}

#[test]
fn a_restore_that_stands_still_says_so_and_ends() {
    let limits = Limits { restore_stall_ms: 100, ..Limits::default() };
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    bench.world.borrow_mut().undecided = Some(1);
    let mut reborn = Bench::on(&bench.world, &Rc::default(), limits, ORDER);
    reborn.turn();
    reborn.turn();
    reborn.world.borrow_mut().now = 101;
    let why = config(reborn.stops());
    assert!(why.contains("changelog[0]") && why.contains("offset 1 of "), "{why}");
}

#[test]
fn a_checkpoint_is_trusted_only_after_the_commit_that_follows_it() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    assert_eq!(bench.disk.borrow().1, 0);
    let end = i64::try_from(bench.world.borrow().changelog.len()).unwrap();
    bench.world.borrow_mut().now = 20_000;
    bench.settle();
    assert_eq!(bench.disk.borrow().1, 0, "looked up, not proven");
    bench.feed("a", "20/0");
    bench.settle();
    assert_eq!(bench.disk.borrow().1, end, "proven by the commit, and of before it");
    let mut reborn = bench.reborn();
    reborn.feed("a", "30/0");
    reborn.settle();
    assert!(reborn.port.heard().contains(&format!("restore {end}")));
    assert_eq!(reborn.said(), ["a 10 1", "a 20 2", "a 30 3"]);
}

#[test]
fn a_checkpoint_of_work_that_was_undone_is_forgotten() {
    let mut bench = Bench::new();
    bench.settle();
    bench.world.borrow_mut().now = 20_000;
    bench.settle();
    bench.world.borrow_mut().changelog.push(None);
    bench.feed("a", "10/0");
    bench.port.fails = Some(("commit", Fault::Abort("planted".to_owned())));
    bench.settle();
    assert_eq!(bench.disk.borrow().1, 0);
}

#[test]
fn a_worker_that_ends_in_order_leaves_nothing_undone_and_a_checkpoint_to_start_from() {
    let mut bench = Bench::new();
    bench.settle();
    bench.feed("a", "10/0");
    bench.worker.close(&mut bench.port).unwrap();
    assert!(bench.disk.borrow().1 > 0 || bench.said().is_empty());
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    let end = i64::try_from(bench.world.borrow().changelog.len()).unwrap();
    bench.worker.close(&mut bench.port).unwrap();
    assert_eq!(bench.disk.borrow().1, end);
}

#[test]
fn a_worker_that_never_got_its_id_has_nothing_to_close() {
    let mut bench = Bench::new();
    bench.worker.close(&mut bench.port).unwrap();
    assert!(bench.port.heard().is_empty());
}

#[test]
fn a_disk_that_is_ahead_of_the_log_is_not_the_logs() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    bench.disk.borrow_mut().1 = 99;
    bench.disk.borrow_mut().0.insert(b"a".to_vec(), vec![0; 9]);
    let mut bench = bench.reborn();
    bench.feed("a", "20/0");
    bench.settle();
    assert!(bench.port.heard().contains(&"restore 0".to_owned()));
    assert_eq!(bench.said(), ["a 10 1", "a 20 2"]);
}

#[test]
fn a_lane_whose_state_is_whole_is_not_read_again() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    bench.worker.close(&mut bench.port).unwrap();
    let mut bench = bench.reborn();
    bench.feed("a", "20/0");
    bench.settle();
    let heard = bench.port.heard();
    assert!(!heard.iter().any(|call| call.starts_with("restore")), "{heard:?}");
    assert_eq!(bench.said(), ["a 10 1", "a 20 2"]);
}

#[test]
fn records_that_were_deleted_before_they_were_read_are_named() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    bench.world.borrow_mut().beginning = 3;
    let why = config(bench.reborn().stops());
    assert!(why.contains("in[0]: records 1 to 3 were deleted"), "{why}");
    bench.world.borrow_mut().beginning = 1;
    bench.reborn().settle();
}

#[test]
fn a_worker_whose_lane_was_read_on_meanwhile_gives_way_and_blames_no_retention() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    let mut late = bench.reborn();
    let world = Rc::clone(&late.world);
    late.port.thereafter = Some(Box::new(move || {
        let mut world = world.borrow_mut();
        world.offsets.insert((0, 0), 3);
        world.beginning = 3;
    }));
    let stop = late.stops();
    assert!(matches!(&stop, Stop::Fenced(why) if why.contains("in[0] was read on by another")), "{stop:?}");
}

#[test]
fn state_without_committed_offsets_is_refused() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    bench.world.borrow_mut().offsets.clear();
    let why = config(bench.reborn().stops());
    assert!(why.contains("has state in changelog[0] but no committed offset for in[0]"), "{why}");
}

#[test]
fn what_is_still_to_restore_is_told() {
    let mut bench = Bench::new();
    for at in [10, 20, 30] {
        bench.feed("a", &format!("{at}/0"));
        bench.settle();
    }
    let all = bench.world.borrow().changelog.len();
    bench.world.borrow_mut().undecided = Some(all - 4);
    let mut reborn = Bench::on(&bench.world, &Rc::default(), Limits::default(), ORDER);
    for _ in 0..3 {
        reborn.turn();
    }
    assert_eq!(reborn.worker.lanes()[0].restoring, Some(4));
}

#[test]
fn a_source_that_was_added_later_is_read_from_its_beginning_and_a_lost_offset_of_an_own_part_is_not() {
    let mut bench = Bench::with(Limits::default(), Order::Arrival);
    bench.feed("a", "10/0");
    bench.settle();
    bench.feed_to(OTHER, "b", "20/0");
    bench.world.borrow_mut().offsets.remove(&OTHER);
    let mut reborn = Bench::on(&bench.world, &Rc::default(), Limits::default(), Order::Arrival);
    reborn.settle();
    assert_eq!(reborn.said(), ["a 10 1", "b 20 1"]);
    reborn.world.borrow_mut().offsets.remove(&PART);
    let mut reborn = Bench::on(&bench.world, &Rc::default(), Limits::default(), Order::Arrival);
    assert!(config(reborn.stops()).contains("no committed offset for in[0]"));
}

#[test]
fn a_fault_in_a_restore_is_survived_from_the_start() {
    for call in ["changelog_end", "restore", "restore_poll", "committed", "start"] {
        let mut bench = Bench::new();
        bench.feed("a", "10/0");
        bench.settle();
        let mut reborn = Bench::on(&bench.world, &Rc::default(), Limits::default(), ORDER);
        reborn.feed("a", "20/0");
        reborn.port.fails = Some((call, Fault::Fatal("planted".to_owned())));
        reborn.settle();
        assert!(reborn.port.fails.is_none(), "{call}");
        assert_eq!(reborn.said(), ["a 10 1", "a 20 2"], "{call}");
    }
}
