//! Torn transactions: that a plain client tears one, and that nothing here does.
//!
//! librdkafka speaks transactions V1. A request that a cut connection delivers late then belongs to
//! whatever transaction is open when it arrives. `docs/GUARANTEES.md` says what is done about it.

use std::time::{Duration, Instant};

use baton_engine::Log;
use baton_kafka::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use baton_proxy::{Act, Api, Cut, Rule, Ticket, Way};

use crate::harness::{deploy, read_topic};
use crate::rig::{LANES, PATIENCE, Rig, copy, rig, rig_bare};

const LATE: Duration = Duration::from_millis(700);

/// Kafka's error code at this place of a reply.
fn code(reply: &[u8], at: usize) -> i16 {
    i16::from_be_bytes([reply[at], reply[at + 1]])
}

/// The plain client: commits `first`, then leaves `second` half done while the late commit arrives.
/// Returns what a reader of committed records sees, and how the broker answered the late commit.
fn half_a_transaction(rig: &Rig, is_replaced: bool) -> (Vec<Vec<u8>>, i16) {
    let make = || -> BaseProducer {
        let mut config = rig.cluster().tool();
        config.set("transactional.id", rig.topic("plain")).set("transaction.timeout.ms", "30000");
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer
    };
    let mut producer = make();
    let topic = rig.topic("out");
    let send = |producer: &BaseProducer, value: &str| {
        producer.send(BaseRecord::<(), _>::to(&topic).partition(0).payload(value)).unwrap();
        producer.flush(PATIENCE).unwrap();
    };
    let late = rig.proxy.add(Rule::on(Api::END_TXN, Act::DeliverWhenTold).of("plain"));
    producer.begin_transaction().unwrap();
    send(&producer, "first");
    producer.commit_transaction(PATIENCE).unwrap();
    assert_eq!((late.caught(), late.done()), (1, 0), "the commit was answered while a first copy is still held");
    if is_replaced {
        drop(producer);
        producer = make();
    }
    producer.begin_transaction().unwrap();
    send(&producer, "half of the second");
    late.tell();
    assert!(late.await_done(1, PATIENCE));
    // A crash here would leave the half for good.
    let seen = read_topic(&rig.direct, &topic, true).into_iter().map(|record| record.value).collect();
    producer.abort_transaction(PATIENCE).ok();
    (seen, code(&late.replies()[0], 8))
}

#[test]
fn a_plain_client_commits_half_a_transaction_when_its_last_commit_arrives_late() {
    let Some(rig) = rig("torn") else { return };
    // Should this fail after a new librdkafka: it may speak transactions V2, and the defence can go.
    let (seen, code) = half_a_transaction(&rig, false);
    assert_eq!(code, 0, "the broker took the late commit");
    assert_eq!(seen, [&b"first"[..], b"half of the second"]);
}

#[test]
fn a_producer_that_is_replaced_after_the_fault_tears_nothing() {
    let Some(rig) = rig("mended") else { return };
    let (seen, code) = half_a_transaction(&rig, true);
    assert!([47, 90].contains(&code), "the broker refused the late commit as of an old producer, not with {code}");
    assert_eq!(seen, [b"first"]);
}

/// Copies `records` a lane while the rules act, and asserts that nothing shows.
fn copy_under(rig: &Rig, rules: impl FnOnce() -> Vec<Ticket>, records: usize) -> Vec<Ticket> {
    rig.feed(0, records);
    let mut log = rig.open("0");
    let mut worker = rig.copier();
    let tickets = rules();
    copy(&mut worker, &mut log, records);
    for ticket in &tickets {
        assert!(ticket.await_done(ticket.caught(), PATIENCE));
    }
    rig.assert_exact(records);
    let stats = worker.stats();
    eprintln!("{} commits, {} undone, {} producers", stats.committed, stats.aborted, stats.fenced);
    tickets
}

/// Each third request of a kind comes late, 24 times.
fn often(rig: &Rig, api: Api) -> Vec<Ticket> {
    vec![rig.proxy.add(Rule::on(api, Act::DeliverLate(LATE)).of("copy").after(2).every(3).times(24))]
}

#[test]
fn twenty_four_late_commits_tear_nothing() {
    let Some(rig) = rig("endtxn") else { return };
    let tickets = copy_under(&rig, || often(&rig, Api::END_TXN), 60);
    let refused = tickets.iter().flat_map(Ticket::replies).filter(|reply| code(reply, 8) != 0).count();
    let caught: usize = tickets.iter().map(Ticket::caught).sum();
    eprintln!("late commits: {caught} held, {refused} refused by the broker");
    assert_eq!(caught, 24);
    assert!(refused >= 12, "most came after the producer was replaced: {refused}");
}

#[test]
fn twenty_four_late_positions_tear_nothing() {
    let Some(rig) = rig("offsets") else { return };
    let tickets = copy_under(&rig, || often(&rig, Api::TXN_OFFSET_COMMIT), 60);
    assert_eq!(tickets.iter().map(Ticket::caught).sum::<usize>(), 24);
}

#[test]
fn requests_and_replies_lost_in_every_phase_change_nothing() {
    let Some(rig) = rig("phases") else { return };
    let phases = [
        Api::ADD_PARTITIONS_TO_TXN,
        Api::PRODUCE,
        Api::ADD_OFFSETS_TO_TXN,
        Api::TXN_OFFSET_COMMIT,
        Api::END_TXN,
        Api::FETCH,
        Api::OFFSET_FETCH,
        Api::HEARTBEAT,
        Api::INIT_PRODUCER_ID,
        Api::FIND_COORDINATOR,
    ];
    let acts = [Act::LoseRequest, Act::LoseReply, Act::DeliverLate(LATE), Act::HoldReply(LATE)];
    let rules = || {
        let every = acts.iter().flat_map(|act| phases.map(|api| (*act, api)));
        every.map(|(act, api)| rig.proxy.add(Rule::on(api, act).after(2))).collect()
    };
    let tickets = copy_under(&rig, rules, 120);
    let caught = tickets.iter().filter(|ticket| ticket.caught() > 0).count();
    eprintln!("{caught} of {} faults met their request", tickets.len());
    assert!(caught >= 20, "{caught} of {} faults met their request", tickets.len());
}

#[test]
fn connections_cut_and_stalled_at_any_moment_change_nothing() {
    let Some(rig) = rig("cuts") else { return };
    rig.feed(0, 150);
    let mut log = rig.open("0");
    let mut worker = rig.copier();
    std::thread::scope(|scope| {
        let proxy = &rig.proxy;
        scope.spawn(move || {
            for round in 0..24_u64 {
                // No two at the same distance from a commit.
                std::thread::sleep(Duration::from_millis(150 + round * 37 % 101));
                match round % 4 {
                    0 => drop(proxy.cut(Cut::Reset)),
                    1 => drop(proxy.cut(Cut::Clean)),
                    2 => proxy.stall(Way::ToBroker, Duration::from_millis(300)),
                    _ => proxy.swallow(Way::ToBroker, Duration::from_millis(100)),
                }
            }
            proxy.heal();
        });
        copy(&mut worker, &mut log, 150);
    });
    rig.assert_exact(150);
}

#[test]
fn a_late_commit_costs_one_new_producer_and_no_more() {
    let Some(rig) = rig("recycle") else { return };
    rig.feed(0, 12);
    let mut log = rig.open("0");
    let mut worker = rig.copier();
    copy(&mut worker, &mut log, 12);
    assert_eq!(worker.stats().fenced, 1, "one producer while nothing fails");
    let mut took = Vec::new();
    for _ in 0..10 {
        rig.proxy.cut(Cut::Reset);
        let deadline = Instant::now() + PATIENCE;
        while !log.suspect() {
            assert!(Instant::now() < deadline, "a cut connection leaves the producer under suspicion");
            std::thread::sleep(Duration::from_millis(1));
        }
        let began = Instant::now();
        log.fence().unwrap();
        took.push(began.elapsed().as_millis());
        assert!(!log.suspect(), "a new producer is trusted");
    }
    took.sort_unstable();
    eprintln!("a new producer takes {took:?} ms");
    rig.feed(12, 24);
    copy(&mut worker, &mut log, 24);
    rig.assert_exact(24);
    assert_eq!(usize::try_from(LANES).unwrap(), worker.lanes().len());
}

#[test]
fn the_whole_pipeline_under_late_requests_gives_what_simulation_gives() {
    let Some(rig) = rig_bare("late") else { return };
    let Some(mut deployment) = deploy("late") else { return };
    deployment.bootstrap = rig.proxy.address().to_string();
    let lines: Vec<String> = baton_workload::demo().collect();
    let late: Vec<_> = [Api::END_TXN, Api::TXN_OFFSET_COMMIT, Api::ADD_OFFSETS_TO_TXN, Api::ADD_PARTITIONS_TO_TXN]
        .map(|api| rig.proxy.add(Rule::on(api, Act::DeliverLate(LATE)).after(10).every(20).times(6)))
        .into();
    let lost = rig.proxy.add(Rule::on(Api::END_TXN, Act::LoseReply).after(15).every(20).times(6));
    deployment.start_all();
    for part in lines.chunks(200) {
        deployment.ingest(part);
    }
    deployment.settle();
    let caught: Vec<_> = late.iter().chain([&lost]).map(Ticket::caught).collect();
    eprintln!("held: EndTxn, TxnOffsetCommit, AddOffsets, AddPartitions; EndTxn replies lost: {caught:?}");
    assert!(caught.iter().sum::<usize>() >= 20, "{caught:?}");
    rig.proxy.heal();
    deployment.assert_agrees(&deployment.simulate(&lines));
    deployment.assert_balanced(lines.len());
}
