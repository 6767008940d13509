//! What the client does on a real broker, each fact a test: what is undone, what is taken over, what
//! blocks whom for how long. The engine's rules rest on these.

use std::time::{Duration, Instant};

use baton_engine::{Event, Fault, Log, Outbox, Part, Topic};
use baton_kafka::KafkaLog;
use baton_kafka::rdkafka::ClientConfig;
use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use baton_proxy::{Act, Api, Rule};

use crate::harness::read_topic;
use crate::rig::{LANES, PATIENCE, Rig, copy, rig, rig_bare};

/// A log by hand, fenced, a member with both lanes, reading them from the beginning.
fn by_hand(rig: &Rig, instance: &str) -> KafkaLog {
    let mut log = rig.open(instance);
    log.fence().unwrap();
    let (deadline, mut lanes) = (Instant::now() + PATIENCE, Vec::new());
    while lanes.len() < usize::try_from(LANES).unwrap() {
        assert!(Instant::now() < deadline, "no lanes");
        log.poll(50, 10, &mut |event| {
            if let Event::Assigned(more) = event {
                lanes.extend(more);
            }
        })
        .unwrap();
    }
    log
}

/// Opens a transaction with one record in it.
fn open_with(log: &mut KafkaLog, topic: Topic, value: &[u8]) -> Result<(), Fault> {
    let mut outbox = Outbox::default();
    outbox.push(topic, 0, Some(b"key"), Some(value), &[]);
    log.begin()?;
    outbox.outputs().try_for_each(|output| log.produce(&output))
}

/// A transaction of one record and one position.
fn commit_one(log: &mut KafkaLog, value: &[u8], position: i64) -> Result<(), Fault> {
    open_with(log, Topic::Output(0), value)?;
    log.send_offsets(&[((0, 0), position)])?;
    log.commit()
}

/// Offsets of the next `count` records of a part.
fn next(log: &mut KafkaLog, wanted: Part, count: usize) -> Vec<i64> {
    let (deadline, mut offsets) = (Instant::now() + PATIENCE, Vec::new());
    while offsets.len() < count {
        assert!(Instant::now() < deadline, "no records");
        log.poll(50, count - offsets.len(), &mut |event| {
            if let Event::Record { part, offset, .. } = event
                && part == wanted
            {
                offsets.push(offset);
            }
        })
        .unwrap();
    }
    offsets
}

/// High watermark and last stable offset of lane 0.
fn ends(rig: &Rig, topic: &str) -> (i64, i64) {
    let ask = |isolation: &str| {
        let mut config: ClientConfig = rig.onlooker();
        let asker: BaseConsumer = config.set("group.id", "asker").set("isolation.level", isolation).create().unwrap();
        asker.fetch_watermarks(&rig.topic(topic), 0, PATIENCE).unwrap().1
    };
    (ask("read_uncommitted"), ask("read_committed"))
}

/// How long until nothing undecided is left at the end of lane 0.
fn time_until_stable(rig: &Rig, topic: &str) -> Duration {
    let began = Instant::now();
    loop {
        let (high, stable) = ends(rig, topic);
        if high == stable {
            return began.elapsed();
        }
        assert!(began.elapsed() < PATIENCE, "stable end {stable} of {high}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn seen(rig: &Rig) -> Vec<Vec<u8>> {
    read_topic(&rig.direct, &rig.topic("out"), true).into_iter().map(|record| record.value).collect()
}

#[test]
fn an_abort_does_not_turn_the_reader_back_and_a_new_start_does() {
    let Some(rig) = rig("abort") else { return };
    rig.feed(0, 6);
    let mut log = by_hand(&rig, "0");
    log.start(&[((0, 0), 0)]).unwrap();
    assert_eq!(next(&mut log, (0, 0), 2), [0, 1]);
    open_with(&mut log, Topic::Output(0), b"undone").unwrap();
    log.abort().unwrap();
    assert_eq!(next(&mut log, (0, 0), 1), [2], "left alone it reads on: records 0 and 1 would be lost");
    log.start(&[((0, 0), 0)]).unwrap();
    assert_eq!(next(&mut log, (0, 0), 6), [0, 1, 2, 3, 4, 5]);
    assert!(seen(&rig).is_empty());
}

#[test]
fn a_record_that_the_client_or_the_broker_refuses_is_never_missing_from_a_commit() {
    let Some(rig) = rig("large") else { return };
    let mut log = by_hand(&rig, "0");
    // Compression must not save them.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    })
    .take(5_000_000)
    .collect();
    let local = commit_one(&mut log, &noise, 1);
    assert!(matches!(&local, Err(Fault::Config(why)) if why.contains("max.message.bytes")), "{local:?}");
    log.abort().unwrap();
    // Within the client's bound, above the topic's.
    let remote = commit_one(&mut log, &noise[..2_000_000], 1);
    assert!(matches!(remote, Err(Fault::Abort(_) | Fault::Fatal(_) | Fault::Config(_))), "{remote:?}");
    let deadline = Instant::now() + PATIENCE;
    // As the engine does: undo, or fence, and do it again.
    loop {
        if log.abort().is_err() {
            log.fence().unwrap();
        }
        if commit_one(&mut log, b"fits", 1).is_ok() {
            break;
        }
        assert!(Instant::now() < deadline, "nothing is committed any more");
    }
    assert_eq!(seen(&rig), [b"fits"]);
}

#[test]
fn a_commit_without_an_answer_is_asked_for_until_there_is_one() {
    let Some(rig) = rig("unknown") else { return };
    let mut log = by_hand(&rig, "0");
    commit_one(&mut log, b"0", 0).unwrap();
    // The connection stays up and mute: only the client's own clock tells it.
    let mute = rig.proxy.add(Rule::on(Api::END_TXN, Act::SwallowReply));
    let began = Instant::now();
    commit_one(&mut log, b"1", 1).unwrap();
    eprintln!("a commit whose answer was lost took {:?}", began.elapsed());
    assert!(mute.caught() == 1 && log.suspect(), "the producer is replaced before the next transaction");
    log.fence().unwrap();
    commit_one(&mut log, b"2", 2).unwrap();
    assert_eq!(seen(&rig), [b"0", b"1", b"2"]);
    assert_eq!(rig.committed(0), 2);
}

#[test]
fn a_dead_producers_transaction_blocks_nobody_once_its_id_is_taken_up() {
    let Some(rig) = rig("again") else { return };
    let mut log = by_hand(&rig, "0");
    open_with(&mut log, Topic::Output(0), b"undone").unwrap();
    await_open(&rig, "out");
    // As a kill -9: nothing is aborted, nobody leaves the group.
    drop(log);
    let mut log = rig.open("0");
    log.fence().unwrap();
    let took = time_until_stable(&rig, "out");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(seen(&rig).is_empty());
}

#[test]
fn a_dead_producer_that_nobody_follows_blocks_readers_for_twenty_five_seconds_at_most() {
    let Some(rig) = rig("nobody") else { return };
    let mut log = by_hand(&rig, "0");
    open_with(&mut log, Topic::Output(0), b"undone").unwrap();
    await_open(&rig, "out");
    drop(log);
    let took = time_until_stable(&rig, "out");
    eprintln!("an abandoned transaction blocked readers for {took:?}");
    assert!(took > Duration::from_secs(5) && took < Duration::from_secs(25), "{took:?}");
}

fn await_open(rig: &Rig, topic: &str) {
    let deadline = Instant::now() + PATIENCE;
    while ends(rig, topic).0 == ends(rig, topic).1 {
        assert!(Instant::now() < deadline, "the record does not arrive");
    }
}

#[test]
fn a_restore_waits_behind_an_open_transaction_and_ends_by_position() {
    let Some(rig) = rig("tail") else { return };
    let mut writer = by_hand(&rig, "0");
    open_with(&mut writer, Topic::Changelog, b"row").unwrap();
    writer.send_offsets(&[((0, 0), 0)]).unwrap();
    writer.commit().unwrap();
    open_with(&mut writer, Topic::Changelog, b"undone").unwrap();
    await_open(&rig, "state");
    let mut log = rig.open("1");
    // Row, its marker, and the row that is not decided: the stable end would be 2.
    assert_eq!((log.changelog_end(0).unwrap(), ends(&rig, "state")), (3, (3, 2)));
    log.restore_start(0, 0).unwrap();
    let (mut rows, mut reached) = (Vec::new(), 0);
    let mut read_for = |log: &mut KafkaLog, time: Duration, end: i64| {
        let until = Instant::now() + time;
        while reached < end && Instant::now() < until {
            reached = log.restore_poll(0, &mut |_, row| rows.extend(row.map(<[u8]>::to_vec))).unwrap();
        }
        (reached, rows.len())
    };
    assert_eq!(read_for(&mut log, Duration::from_secs(1), 3), (2, 1), "it must not pass for restored yet");
    writer.abort().unwrap();
    assert_eq!(read_for(&mut log, PATIENCE, 3), (4, 1), "the undone row and both markers are stepped over");
    assert_eq!(rows, [b"row"]);
}

#[test]
fn of_two_with_one_instance_name_the_older_is_told_and_the_newer_goes_on() {
    let Some(rig) = rig("twins") else { return };
    rig.feed(0, 30);
    let mut older = (rig.copier(), rig.open("0"));
    copy(&mut older.0, &mut older.1, 30);
    rig.feed(30, 60);
    let mut newer = (rig.copier(), rig.open("0"));
    let told = std::thread::scope(|scope| {
        let told = scope.spawn(|| {
            let deadline = Instant::now() + PATIENCE;
            while Instant::now() < deadline {
                if let Err(stop) = older.0.turn(&mut older.1) {
                    return Some(stop);
                }
            }
            None
        });
        copy(&mut newer.0, &mut newer.1, 60);
        told.join().unwrap()
    });
    assert!(matches!(told, Some(baton_engine::Stop::Fenced(_))), "{told:?}");
    rig.assert_exact(60);
}

#[test]
fn a_member_commits_under_the_generation_that_the_group_has_now() {
    let Some(rig) = rig("generation") else { return };
    rig.feed(0, 10);
    let mut first = (rig.copier(), rig.open("0"));
    copy(&mut first.0, &mut first.1, 10);
    // A second one joins, and the first has committed before.
    let mut second = (rig.copier(), rig.open("1"));
    let deadline = Instant::now() + PATIENCE;
    let mut turn_until = |is_done: &dyn Fn(&[baton_engine::LaneStatus]) -> bool| loop {
        first.0.turn(&mut first.1).unwrap();
        second.0.turn(&mut second.1).unwrap();
        if [first.0.lanes(), second.0.lanes()].iter().all(|lanes| lanes.len() == 1 && is_done(lanes)) {
            break;
        }
        assert!(Instant::now() < deadline, "{:?} {:?}", first.0.stats(), second.0.stats());
    };
    turn_until(&|lanes| lanes[0].restoring.is_none());
    rig.feed(10, 20);
    turn_until(&|lanes| lanes[0].offsets.values().all(|at| *at >= 20));
    rig.assert_exact(20);
}

#[test]
fn an_own_request_that_comes_late_does_not_pass_for_another_process() {
    let Some(rig) = rig("ghost") else { return };
    rig.feed(0, 10);
    let late = rig.proxy.add(Rule::on(Api::INIT_PRODUCER_ID, Act::DeliverWhenTold));
    let (mut worker, mut log) = (rig.copier(), rig.open("0"));
    copy(&mut worker, &mut log, 10);
    rig.feed(10, 20);
    late.tell();
    assert!(late.await_done(1, PATIENCE));
    assert_eq!(late.replies().len(), 1, "the broker answered it");
    // The broker now knows a producer that is newer than ours, and nobody has it.
    copy(&mut worker, &mut log, 20);
    assert!(worker.stats().aborted > 0, "the late request did hit: {:?}", worker.stats());
    rig.assert_exact(20);
}

#[test]
fn a_killed_member_is_back_at_its_first_record_within_three_seconds() {
    let Some(rig) = rig("back") else { return };
    rig.feed(0, 5);
    let (mut worker, mut log) = (rig.copier(), rig.open("0"));
    copy(&mut worker, &mut log, 5);
    drop(log);
    rig.feed(5, 6);
    let began = Instant::now();
    let (mut worker, mut log) = (rig.copier(), rig.open("0"));
    while worker.stats().records == 0 {
        worker.turn(&mut log).unwrap();
    }
    let took = began.elapsed();
    eprintln!("back at the first record after {took:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    copy(&mut worker, &mut log, 6);
    rig.assert_exact(6);
}

#[test]
fn small_transactions_take_milliseconds() {
    let Some(rig) = rig("small") else { return };
    let mut log = by_hand(&rig, "0");
    let mut took: Vec<_> = (0..300)
        .map(|position| {
            let began = Instant::now();
            commit_one(&mut log, b"small", position).unwrap();
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    eprintln!("a transaction of one record: p50 {:?}, p99 {:?}", took[150], took[297]);
    // No client time-out of 100 ms and no back-off of 500 ms is paid each time.
    assert!(took[150] < Duration::from_millis(100), "{:?}", took[150]);
}

#[test]
fn a_topic_made_anew_under_the_same_name_has_another_id() {
    let Some(rig) = rig_bare("ids") else { return };
    rig.create(&["in", "state"]);
    let id = |name: &str| rig.admin().topic_id(&rig.topic(name));
    let (input, state) = (id("in").unwrap(), id("state").unwrap());
    assert!(input != state && state.len() == 22, "{input} {state}");
    assert_eq!(id("state").unwrap(), state);
    rig.delete(&["state"]);
    let gone = id("state").unwrap_err().to_string();
    assert!(gone.contains(&rig.topic("state")), "{gone}");
    rig.create(&["state"]);
    assert_ne!(id("state").unwrap(), state);
}

/// A broker that stops or starts says "nobody leads"; librdkafka 2.12 reads past its end at that (its issue 5280).
#[cfg(target_os = "linux")]
#[test]
fn a_hint_of_who_leads_is_passed_over() {
    assert!(baton_kafka::passes_over_leader_hints(), "the linker was not told: see tests/build.rs");
}
