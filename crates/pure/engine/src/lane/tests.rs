//! A lane over a toy stage that writes down what it is given, in order.

use baton_domain::{Ledger, LogTime, Millis, Stamp};

use super::*;
use crate::spec::{InputSpec, Spread, Writers};
use crate::{Emit, MemStore};

/// Emits `record <at>` and `wake <due>`; a record's value is its stamp, its key the row to wake, and a
/// key of the form `name@due` asks for a wake-up.
struct Diary;

fn stamp_of(value: &[u8]) -> Option<Stamp> {
    let (at, lane) = std::str::from_utf8(value).ok()?.split_once('/')?;
    Some(Stamp { at: LogTime(at.parse().ok()?), lane: lane.parse().ok()? })
}

impl Processor for Diary {
    fn stamp(&mut self, record: &Incoming<'_>, _now: LogTime) -> Stamped {
        match record.value.and_then(stamp_of) {
            Some(stamp) => Stamped::At(stamp),
            None => Stamped::Bad(Reason::Decode, "no stamp".to_owned()),
        }
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let key = String::from_utf8_lossy(record.key.unwrap_or_default()).into_owned();
        if let Some((name, due)) = key.split_once('@') {
            ctx.put(name.as_bytes(), b"row", due.parse().ok().map(LogTime));
        }
        if key == "grows" {
            // As a stage does: part of the work is done by the time the rest turns out too large.
            ctx.put(b"touched", b"row", Some(LogTime(at.0 + 1)));
            say(ctx, &format!("before {}", at.0));
            ctx.holds(3);
            ctx.count("seen");
            ctx.put(b"grown", &[7; 1_000], None);
            say(ctx, &format!("after {}", at.0));
            return at;
        }
        if key == "shouts" {
            ctx.delete(b"touched");
            say(ctx, &"x".repeat(1_000));
            return at;
        }
        if key == "refuse" {
            ctx.dead_letter(record, Reason::Decode, "asked for");
            return at;
        }
        say(ctx, &format!("record {}", at.0));
        ctx.count("seen");
        at
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        if key.starts_with(b"bomb") {
            say(ctx, &"x".repeat(1_000));
        }
        say(ctx, &format!("wake {} {}", String::from_utf8_lossy(key), due.0));
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        ctx.tick(0, 0, now.0.to_string().as_bytes());
    }

    fn encode_ledger(&mut self, _ledger: &Ledger) -> Vec<u8> {
        Vec::new()
    }
}

fn say(ctx: &mut Ctx<'_>, text: &str) {
    ctx.emit(Emit { topic: 0, partition: 0, key: Some(b"k"), value: text.as_bytes(), headers: &[] });
}

fn spec(writers: i32) -> StageSpec {
    let input = InputSpec {
        topic: "in".to_owned(),
        partitions: 1,
        spread: Spread::Own,
        order: Order::Stamped(Writers::First(writers)),
    };
    StageSpec {
        name: "diary".to_owned(),
        inputs: vec![input],
        outputs: vec![("out".to_owned(), 1)],
        changelog: "changelog".to_owned(),
        ledger: ("ledger".to_owned(), 1),
        dead_letters: ("dlq".to_owned(), 1),
    }
}

/// A lane with everything it borrows.
struct Bench {
    spec: StageSpec,
    limits: Limits,
    lane: Lane<MemStore>,
    outbox: Outbox,
    offset: i64,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Bench {
    fn new(writers: i32) -> Self {
        let spec = spec(writers);
        let lane = Lane::open(0, MemStore::default(), &spec, [((0, 0), 0)].into());
        let limits = Limits { record_bytes: 1_000, letter_bytes: 2_000, ..Limits::default() };
        Self { spec, limits, lane, outbox: Outbox::default(), offset: 0, headers: Vec::new() }
    }

    fn hear(&mut self, key: Option<&str>, value: &str) {
        let record = Incoming {
            input: 0,
            partition: 0,
            offset: self.offset,
            appended: Millis(0),
            key: key.map(str::as_bytes),
            value: Some(value.as_bytes()),
            headers: &self.headers,
        };
        self.offset += 1;
        let mut desk = Desk { spec: &self.spec, limits: &self.limits, processor: &mut Diary, outbox: &mut self.outbox };
        self.lane.accept(&mut desk, &record);
    }

    fn drain(&mut self, wakes: usize) -> bool {
        self.limits.wakes = wakes;
        let mut desk = Desk { spec: &self.spec, limits: &self.limits, processor: &mut Diary, outbox: &mut self.outbox };
        self.lane.drain(&mut desk)
    }

    /// The headers of the one dead letter.
    fn letter(&self) -> Vec<(String, Option<String>)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut letters = self.outbox.outputs().filter(|output| output.topic == Topic::DeadLetters);
        let headers = letters.next().unwrap().headers.iter().map(|(name, value)| (text(name), value.map(text)));
        assert!(letters.next().is_none());
        headers.collect()
    }

    /// What the stage said since the last time; dead letters as `dlq`.
    fn said(&mut self) -> Vec<String> {
        let text = |output: crate::Output<'_>| match output.topic {
            Topic::Output(_) => Some(String::from_utf8_lossy(output.value.unwrap_or_default()).into_owned()),
            Topic::DeadLetters => Some("dlq".to_owned()),
            _ => None,
        };
        let said = self.outbox.outputs().filter_map(text).collect();
        self.outbox.clear();
        said
    }
}

#[test]
fn a_record_at_the_instant_of_a_wake_up_comes_first() {
    let mut bench = Bench::new(1);
    bench.hear(Some("a@50"), "10/0");
    bench.hear(Some("b"), "50/0");
    bench.hear(Some("c"), "51/0");
    bench.drain(100);
    assert_eq!(bench.said(), ["record 10", "record 50", "wake a 50", "record 51"]);
}

#[test]
fn a_tick_lets_a_wake_up_through_when_no_record_comes() {
    let mut bench = Bench::new(1);
    bench.hear(Some("a@50"), "10/0");
    bench.hear(None, "49/0");
    bench.drain(100);
    assert_eq!(bench.said(), ["record 10"]);
    bench.hear(None, "50/0");
    bench.drain(100);
    assert_eq!(bench.said(), ["wake a 50"]);
}

#[test]
fn a_wake_up_is_given_once_and_survives_an_undo() {
    let mut bench = Bench::new(1);
    bench.hear(Some("a@50"), "10/0");
    bench.lane.settle().unwrap();
    bench.hear(None, "60/0");
    bench.drain(100);
    bench.lane.undo();
    bench.said();
    bench.offset = 1;
    bench.hear(None, "60/0");
    bench.drain(100);
    assert_eq!(bench.said(), ["wake a 50"]);
    bench.lane.settle().unwrap();
    bench.hear(None, "70/0");
    bench.drain(100);
    assert_eq!(bench.said(), Vec::<String>::new());
}

#[test]
fn a_storm_of_wake_ups_is_given_in_bounded_parts() {
    let mut bench = Bench::new(1);
    for n in 0..10 {
        bench.hear(Some(&format!("row{n}@50")), &format!("{}/0", 10 + n));
    }
    bench.hear(Some("late"), "60/0");
    bench.said();
    assert!(bench.drain(4), "there is more");
    assert_eq!(bench.said().len(), 4);
    assert!(bench.drain(4));
    assert!(!bench.drain(4));
    let rest = bench.said();
    assert_eq!((rest.len(), rest.last().unwrap().as_str()), (7, "record 60"));
}

#[test]
fn the_offset_of_a_record_that_waits_is_not_committed() {
    let mut bench = Bench::new(2);
    bench.hear(Some("a"), "10/0");
    bench.hear(None, "20/0");
    assert_eq!(bench.lane.offsets(), [((0, 0), 0)].into());
    bench.hear(None, "15/1");
    bench.drain(100);
    assert_eq!(bench.said(), ["record 10"]);
    assert_eq!(bench.lane.offsets(), [((0, 0), 3)].into());
}

#[test]
fn a_record_is_judged_and_a_bad_one_refused_only_once_when_both_are_read_again() {
    let mut bench = Bench::new(2);
    bench.hear(Some("waits"), "30/0");
    bench.hear(Some("bad"), "no stamp");
    bench.hear(Some("first"), "10/1");
    bench.hear(None, "12/1");
    bench.drain(100);
    assert_eq!(bench.said(), ["dlq", "record 10"]);
    bench.lane.settle().unwrap();
    bench.lane.undo();
    bench.offset = 0;
    bench.hear(Some("waits"), "30/0");
    bench.hear(Some("bad"), "no stamp");
    bench.hear(Some("first"), "10/1");
    bench.hear(None, "12/1");
    bench.hear(None, "40/1");
    bench.drain(100);
    assert_eq!(bench.said(), ["record 30"]);
}

#[test]
fn the_time_told_downstream_is_only_what_is_complete() {
    let mut bench = Bench::new(1);
    bench.hear(Some("a"), "10/0");
    let mut desk = Desk { spec: &bench.spec, limits: &bench.limits, processor: &mut Diary, outbox: &mut bench.outbox };
    bench.lane.seal(&mut desk);
    assert_eq!(bench.said(), ["record 10", "9"], "another record at 10 may follow");
    bench.lane.settle().unwrap();
    bench.hear(None, "10/0");
    bench.drain(100);
    let mut desk = Desk { spec: &bench.spec, limits: &bench.limits, processor: &mut Diary, outbox: &mut bench.outbox };
    bench.lane.seal(&mut desk);
    assert_eq!(bench.said(), ["10"]);
}

#[test]
fn in_a_merge_too_the_record_at_the_instant_comes_first() {
    let mut bench = Bench::new(2);
    bench.hear(Some("a@50"), "10/0");
    bench.hear(None, "10/1");
    bench.drain(100);
    bench.hear(Some("b"), "50/0");
    bench.hear(None, "50/1");
    bench.drain(100);
    assert_eq!(bench.said(), ["record 10", "record 50"]);
    bench.hear(None, "50/0");
    bench.drain(100);
    assert_eq!(bench.said(), ["wake a 50"]);
}

#[test]
fn a_dead_letter_keeps_the_headers_that_came_and_adds_its_own_behind_them() {
    let mut bench = Bench::new(1);
    bench.headers = vec![
        (b"trace".to_vec(), Some(b"7".to_vec())),
        (b"trace".to_vec(), Some(b"8".to_vec())),
        (b"absent".to_vec(), None),
    ];
    bench.hear(Some("a"), "not a stamp");
    let headers = bench.letter();
    assert_eq!(headers[0], ("trace".to_owned(), Some("7".to_owned())));
    assert_eq!(headers[1], ("trace".to_owned(), Some("8".to_owned())));
    assert_eq!(headers[2], ("absent".to_owned(), None));
    assert_eq!(headers[3], ("x-dlq-reason".to_owned(), Some("decode".to_owned())));
    assert_eq!(headers.len(), 3 + 7);
}

#[test]
fn a_record_that_had_to_wait_keeps_its_headers() {
    let mut bench = Bench::new(2);
    bench.headers = vec![(b"trace".to_vec(), Some(b"7".to_vec()))];
    bench.hear(Some("refuse"), "10/0");
    bench.headers.clear();
    bench.hear(None, "20/1");
    assert!(bench.outbox.is_empty(), "the other writer could still be earlier");
    bench.drain(100);
    assert_eq!(bench.letter()[0], ("trace".to_owned(), Some("7".to_owned())));
}

#[test]
fn a_source_s_record_with_too_many_headers_is_a_dead_letter() {
    for (count, outcome) in [(100, "record 10"), (101, "dlq")] {
        let mut bench = Bench::new(1);
        bench.spec.inputs[0].order = Order::Arrival;
        bench.headers = vec![(b"n".to_vec(), None); count];
        bench.hear(Some("a"), "10/0");
        assert_eq!(bench.said(), [outcome], "{count} headers");
    }
}

/// Changed rows as they would be committed.
type Changed = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Rows, number of wake-ups and totals as they would be committed.
fn kept(bench: &mut Bench) -> (Changed, usize, Totals) {
    let rows = bench.lane.rows.changes().map(|(key, row)| (key.to_vec(), row.map(<[u8]>::to_vec))).collect();
    (rows, bench.lane.rows.waiting(), bench.lane.totals.clone())
}

#[test]
fn a_record_that_leads_to_too_much_goes_to_the_dead_letters_alone_and_leaves_no_trace() {
    for poison in ["grows", "shouts"] {
        let mut with = Bench::new(1);
        let mut without = Bench::new(1);
        for bench in [&mut with, &mut without] {
            bench.hear(Some("touched@50"), "10/0");
        }
        with.hear(Some(poison), "20/0");
        without.hear(Some("refuse"), "20/0");
        for bench in [&mut with, &mut without] {
            bench.hear(Some("b"), "30/0");
            bench.hear(None, "60/0");
            bench.drain(100);
        }
        let letter = with.letter();
        assert!(letter.contains(&("x-dlq-reason".to_owned(), Some("too_large".to_owned()))), "{letter:?}");
        assert_eq!(with.said(), ["record 10", "dlq", "record 30", "wake touched 50"], "{poison}");
        assert_eq!(without.said(), ["record 10", "dlq", "record 30", "wake touched 50"]);
        let ((rows, wakes, totals), (other_rows, other_wakes, other_totals)) = (kept(&mut with), kept(&mut without));
        assert_eq!((rows, wakes), (other_rows, other_wakes), "{poison}");
        let balance = |totals: Totals| totals.balance("diary", 0, LogTime(0));
        let (found, expected) = (balance(totals), balance(other_totals));
        assert_eq!((found.consumed, &found.produced), (expected.consumed, &expected.produced), "{poison}");
        let outcomes: Vec<_> = found.outcomes.iter().map(|count| (count.name.as_str(), count.count)).collect();
        assert_eq!(outcomes, [("dlq_too_large", 1), ("seen", 2)], "{poison}: each record under one heading");
    }
}

#[test]
fn what_is_too_large_does_not_depend_on_the_batch() {
    let history = [("a", "10/0"), ("grows", "20/0"), ("shouts", "21/0"), ("b", "30/0"), ("grows", "40/0")];
    let mut expected = None;
    for commit_every in [1, 2, 5] {
        let mut bench = Bench::new(1);
        let mut said = Vec::new();
        for (index, (key, value)) in history.iter().enumerate() {
            bench.hear(Some(key), value);
            if (index + 1) % commit_every == 0 {
                bench.drain(100);
                said.extend(bench.said());
                bench.lane.settle().unwrap();
            }
        }
        said.extend(bench.said());
        let totals = bench.lane.totals.clone();
        assert_eq!(expected.get_or_insert((said.clone(), totals.clone())), &(said, totals), "{commit_every}");
    }
}

#[test]
fn a_wake_up_that_leads_to_too_much_stops_the_lane_and_names_the_row() {
    let mut bench = Bench::new(1);
    bench.hear(Some("bomb@50"), "10/0");
    bench.hear(None, "60/0");
    bench.drain(100);
    let why = bench.lane.halted().unwrap();
    assert!(why.starts_with("waking row bomb at 50 led to an output of 1"), "{why}");
}

#[test]
fn a_dead_letter_that_would_not_fit_says_where_the_record_still_lies() {
    let mut bench = Bench::new(1);
    bench.headers = vec![(b"trace".to_vec(), Some(vec![b'7'; 3_000]))];
    bench.hear(Some("refuse"), "10/0");
    let letter = bench.letter();
    let value = |name: &str| letter.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.clone());
    assert_eq!(value("trace"), None);
    assert_eq!((value("x-dlq-topic"), value("x-dlq-offset")), (Some("in".to_owned()), Some("0".to_owned())));
    assert!(value("x-dlq-omitted").unwrap().parse::<usize>().unwrap() > 3_000);
    let letters: Vec<_> = bench.outbox.outputs().map(|output| (output.key, output.value)).collect();
    assert_eq!(letters, [(Some(&b"refuse"[..]), None)]);
}

/// A sequencer: its records' order is that of their arrival.
fn sequencer() -> Bench {
    let mut bench = Bench::new(1);
    bench.spec.inputs[0].order = Order::Arrival;
    bench.lane = Lane::open(0, MemStore::default(), &bench.spec, [((0, 0), 0)].into());
    bench.lane.end((0, 0), 0);
    bench
}

#[test]
fn a_sequencer_s_storm_of_wake_ups_is_given_in_bounded_parts_and_in_order() {
    let mut whole = sequencer();
    let mut parts = sequencer();
    for bench in [&mut whole, &mut parts] {
        for n in 0..10 {
            bench.hear(Some(&format!("row{n}@{}", 50 + n)), &format!("{}/0", 10 + n));
        }
        bench.said();
        bench.hear(Some("late"), "56/0");
        bench.hear(Some("later"), "90/0");
        assert!(bench.said().is_empty(), "a record waits for the wake-ups before it");
    }
    assert!(!whole.drain(100));
    let expected = whole.said();
    let mut said = Vec::new();
    let mut rounds = 0;
    loop {
        let more = parts.drain(3);
        let now = parts.said();
        assert!(now.iter().filter(|text| text.starts_with("wake")).count() <= 3, "{now:?}");
        said.extend(now);
        parts.lane.settle().unwrap();
        rounds += 1;
        if !more {
            break;
        }
    }
    assert_eq!(said, expected);
    assert_eq!(rounds, 4, "ten wake-ups, three at a time");
    let late = said.iter().position(|text| text == "record 56").unwrap();
    assert_eq!((&*said[late - 1], &*said[late + 1]), ("wake row5 55", "wake row6 56"));
}

#[test]
fn a_transaction_ends_at_its_bytes_and_the_rest_waits() {
    for sequenced in [false, true] {
        let mut bench = if sequenced { sequencer() } else { Bench::new(1) };
        bench.limits.bytes = 100;
        for n in 0..40 {
            bench.hear(Some("a"), &format!("{}/0", 10 + n));
        }
        let mut said = bench.said();
        assert!(said.len() < 20, "{} records in one transaction", said.len());
        bench.lane.settle().unwrap();
        while bench.drain(100) {
            let now = bench.said();
            assert!(!now.is_empty() && now.len() < 20, "{now:?}");
            said.extend(now);
            bench.lane.settle().unwrap();
        }
        said.extend(bench.said());
        assert_eq!(said, (0..40).map(|n| format!("record {}", 10 + n)).collect::<Vec<_>>());
    }
}

#[test]
fn a_part_whose_waiting_records_are_heavy_is_held() {
    let mut bench = Bench::new(2);
    for n in 0..10 {
        bench.hear(Some(&"k".repeat(1_000)), &format!("{}/0", 10 + n));
    }
    bench.hear(Some(&"k".repeat(1_000)), "90/1");
    assert_eq!(bench.lane.crowded(100, 1_000), [(0, 0)]);
    assert_eq!(bench.lane.crowded(100, 2_000), [], "the shortest channel decides: it must be read on");
    assert_eq!(bench.lane.crowded(0, 2_000), [(0, 0)]);
}

#[test]
fn a_record_that_waited_past_a_commit_is_work_again_when_it_is_judged() {
    let mut bench = Bench::new(1);
    let input = InputSpec { partitions: 2, spread: Spread::All, order: Order::Arrival, ..bench.spec.inputs.remove(0) };
    bench.spec.inputs = vec![input];
    bench.lane = Lane::open(0, MemStore::default(), &bench.spec, [((0, 0), 0), ((0, 1), 0)].into());
    bench.hear(Some("a"), "10/0");
    bench.drain(100);
    assert_eq!(bench.said(), [""; 0], "the other partition may hold an earlier one");
    bench.lane.settle().unwrap();
    assert!(!bench.lane.is_dirty());
    bench.lane.end((0, 1), 0);
    bench.drain(100);
    assert_eq!(bench.said(), ["record 10"]);
    assert!(bench.lane.is_dirty(), "else a lane that is lost now would leave its output behind");
}

#[test]
fn an_output_carries_the_trace_of_the_record_that_led_to_it_and_nothing_else_does() {
    let mut bench = Bench::new(1);
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    bench.headers = vec![(b"traceparent".to_vec(), Some(given.into()))];
    // Just what the outputs come to without the header: a trace makes nothing too large.
    bench.limits.record_bytes = "k".len() + "wake a 50".len() + 100;
    bench.hear(Some("a@50"), "10/0");
    bench.hear(Some("refuse"), "20/0");
    bench.headers.clear();
    bench.hear(Some("b"), "60/0");
    bench.drain(100);
    let mut desk = Desk { spec: &bench.spec, limits: &bench.limits, processor: &mut Diary, outbox: &mut bench.outbox };
    bench.lane.seal(&mut desk);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let traced = bench.outbox.outputs().filter_map(|output| {
        let (name, value) = output.headers.iter().find(|(name, _)| *name == b"traceparent")?;
        assert_eq!(name, b"traceparent");
        Some((output.topic, text(output.value.unwrap_or_default()), text(value.unwrap_or_default())))
    });
    let traced: Vec<_> = traced.collect();
    let [(topic, value, own), letter] = traced.as_slice() else { panic!("{traced:?}") };
    assert_eq!((*topic, value.as_str()), (Topic::Output(0), "record 10"));
    assert!(own.starts_with(&given[..36]) && own.ends_with("-01") && own != given, "{own}");
    assert_eq!(letter, &(Topic::DeadLetters, "20/0".to_owned(), given.to_owned()), "as it came");
    assert_eq!(bench.said(), ["record 10", "dlq", "wake a 50", "record 60", "59"]);
}
