//! Where each output goes and what it carries: a stage's own, the ledger, the changelog, dead letters.

use baton_engine::{Event, Fault, Order, Outbox, RecordHeaders, Stop, StoreError, Topic};

use crate::bench::Bench;
use crate::port::{OTHER, PART, Written};
use crate::stage::spec;

/// The last record committed to a topic.
fn last(bench: &Bench, topic: Topic) -> Written {
    bench.world.borrow().written.iter().rev().find(|record| record.topic == topic).unwrap().clone()
}

fn text(bytes: Option<&Vec<u8>>) -> &str {
    std::str::from_utf8(bytes.unwrap()).unwrap()
}

/// A worker that was given lane 3.
fn third_lane() -> Bench {
    let mut bench = Bench::new();
    bench.port.group = vec![Event::Assigned(vec![3])];
    bench
}

#[test]
fn everything_of_a_lane_goes_to_partitions_by_its_number() {
    let mut bench = third_lane();
    bench.feed_to((0, 3), "who", "10/0");
    bench.feed_to((0, 3), "bad", "no stamp");
    bench.settle();
    assert_eq!(bench.said(), ["lane 3 of a topic of 5"]);
    let ledger = last(&bench, Topic::Ledger);
    assert_eq!((ledger.partition, text(ledger.key.as_ref())), (1, "counter/3"), "of two partitions");
    assert_eq!(last(&bench, Topic::DeadLetters).partition, 1);
    assert_eq!(last(&bench, Topic::Changelog).partition, 3);
    assert_eq!(last(&bench, Topic::Changelog).key.unwrap()[0], 0, "the engine's own row");
    assert_eq!(bench.worker.lanes()[0].lane, 3);
}

#[test]
fn a_dead_letter_is_the_record_as_it_came_with_the_reason_behind_its_headers() {
    let mut bench = third_lane();
    bench.port.headers = vec![(b"trace".to_vec(), Some(b"t1".to_vec())), (b"empty".to_vec(), None)];
    bench.world.borrow_mut().now = 1_234;
    bench.feed_to((0, 3), "first", "10/0");
    bench.feed_to((0, 3), "bad", "no stamp");
    bench.settle();
    let dead = last(&bench, Topic::DeadLetters);
    assert_eq!((text(dead.key.as_ref()), text(dead.value.as_ref())), ("bad", "no stamp"));
    let headers: Vec<(&str, &str)> = dead.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        headers,
        [
            ("trace", "t1"),
            ("empty", "-"),
            ("x-dlq-reason", "decode"),
            ("x-dlq-detail", "no stamp"),
            ("x-dlq-stage", "counter"),
            ("x-dlq-topic", "in"),
            ("x-dlq-partition", "3"),
            ("x-dlq-offset", "1"),
            ("x-dlq-timestamp", "1234"),
        ]
    );
}

#[test]
fn an_output_carries_the_headers_it_was_given_and_a_tick_none() {
    let mut bench = Bench::new();
    bench.feed("a", "10/0");
    bench.settle();
    let world = bench.world.borrow();
    let mut outputs = world.written.iter().filter(|record| record.topic == Topic::Output(0));
    assert_eq!(outputs.next().unwrap().headers, [("x-by".to_owned(), "counter".to_owned())]);
    let tick = outputs.next().unwrap();
    assert!(tick.headers.is_empty() && tick.key.is_none());
}

#[test]
fn the_ledger_counts_what_was_consumed_judged_written_and_fired() {
    let mut bench = Bench::new();
    bench.feed("a@50", "10/0");
    bench.feed("bad", "no stamp");
    bench.feed("batch", "20/0");
    bench.feed("", "60/0");
    bench.settle();
    assert_eq!(bench.books(), "5/5/1 dlq_decode=1 seen=4 out=2", "a tick counts nowhere");
}

#[test]
fn a_row_that_was_deleted_is_gone_with_its_wish_on_the_changelog_too() {
    let mut bench = Bench::new();
    bench.feed("a@50", "10/0");
    bench.settle();
    bench.feed("-a", "20/0");
    bench.feed("", "60/0");
    bench.settle();
    assert_eq!(bench.said(), ["a 10 1"]);
    let row = bench.world.borrow().written.iter().rev().find(|record| record.key.as_deref() == Some(b"a")).cloned();
    assert_eq!(row.unwrap().value, None, "a tombstone");
    bench.feed("a", "70/0");
    bench.settle();
    assert_eq!(bench.said(), ["a 70 1"]);
}

#[test]
fn a_lane_whose_state_cannot_be_read_commits_nothing_and_names_itself() {
    let mut bench = third_lane();
    bench.feed_to((0, 3), "a", "10/0");
    bench.feed_to((0, 3), "halt", "20/0");
    assert_eq!(bench.stops(), Stop::Config("counter lane 3: a row cannot be read".to_owned()));
    assert!(bench.said().is_empty());
}

#[test]
fn an_outbox_gives_back_what_was_put_in_headers_too() {
    let mut outbox = Outbox::default();
    assert!(outbox.is_empty() && outbox.outputs().next().is_none());
    outbox.push(Topic::Ledger, 7, None, Some(b"value"), &[("a", b"1"), ("b", b"22")]);
    assert_eq!((outbox.is_empty(), outbox.len(), outbox.bytes()), (false, 1, 10));
    let output = outbox.outputs().next().unwrap();
    assert_eq!(
        (output.topic, output.partition, output.key, output.value),
        (Topic::Ledger, 7, None, Some(&b"value"[..]))
    );
    let mut seen = Vec::new();
    output.headers.each(&mut |name, value| seen.push((name.to_vec(), value.unwrap().to_vec())));
    assert_eq!(seen, [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"22".to_vec())]);
    outbox.clear();
    assert_eq!((outbox.is_empty(), outbox.bytes()), (true, 0));
}

#[test]
fn the_lanes_are_the_partitions_of_the_first_input() {
    let mut stage = spec(Order::Arrival, 2);
    stage.inputs[0].partitions = 4;
    stage.inputs[1].partitions = 2;
    assert_eq!(stage.lanes(), 4);
    assert_eq!(stage.parts_of(0), [PART, OTHER, (OTHER.0, 1)], "its own, and all of a source");
    stage.inputs.clear();
    assert_eq!(stage.lanes(), 0);
}

#[test]
fn a_fault_reads_as_its_reason() {
    assert_eq!(StoreError("disk full".to_owned()).to_string(), "disk full");
    for fault in [Fault::Abort, Fault::Fatal, Fault::Fenced, Fault::Config] {
        assert_eq!(fault("why".to_owned()).to_string(), "why");
    }
}
