//! Dead letters there and back: what is refused keeps all that it came with, and a replay sends it once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use baton_kafka::Cluster;
use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use baton_kafka::rdkafka::message::{Header, OwnedHeaders};
use baton_kafka::rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::harness::{Deployment, Stored, deploy, text};

const RAW: &str = "engagement.raw";

fn page(id: &str, user: &str) -> Vec<u8> {
    format!(r#"{{"type":"page","messageId":"{id}","userId":"{user}","timestamp":"2026-09-20T10:00:00Z"}}"#).into_bytes()
}

/// Sends records with a key and headers.
fn send(deployment: &Deployment, topic: &str, values: &[Vec<u8>], headers: &[(&str, Option<&str>)]) {
    let cluster = Cluster { bootstrap: deployment.bootstrap.clone(), properties: BTreeMap::default() };
    let producer: ThreadedProducer<_> = cluster.tool().create_with_context(DefaultProducerContext).unwrap();
    let topic = format!("{}{topic}", deployment.prefix);
    for value in values {
        let mut owned = OwnedHeaders::new();
        for (key, value) in headers {
            owned = owned.insert(Header { key, value: *value });
        }
        let record = BaseRecord::<[u8], Vec<u8>>::to(&topic).partition(0).key(b"k".as_slice()).payload(value);
        producer.send(record.headers(owned)).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(20)).unwrap();
}

/// `baton dlq list --json`, by number.
fn list(deployment: &Deployment, args: &[&str]) -> Vec<serde_json::Value> {
    let done = deployment.baton(&[&["dlq", "list", "--json"], args].concat());
    assert!(done.status.success(), "{}", text(&done));
    String::from_utf8(done.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn states(deployment: &Deployment) -> Vec<(String, String, u64)> {
    let field = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap().to_owned();
    let line = |line| (field(&line, "number"), field(&line, "state"), line["replays"].as_u64().unwrap());
    list(deployment, &[]).into_iter().map(line).collect()
}

fn replay(deployment: &Deployment, args: &[&str]) -> (Option<i32>, String) {
    let done = deployment.baton(&[&["dlq", "replay"], args].concat());
    (done.status.code(), text(&done))
}

fn row(number: &str, state: &str, replays: u64) -> (String, String, u64) {
    (number.to_owned(), state.to_owned(), replays)
}

#[test]
fn what_the_policy_refused_is_used_after_it_was_mended_and_replayed() {
    let Some(mut deployment) = deploy("mend") else { return };
    let headers = [("trace", Some("1")), ("trace", Some("2")), ("absent", None)];
    send(&deployment, RAW, &[page("ok", "u1"), page("p1", "visitor"), page("p2", "visitor")], &headers);
    let strict = baton_policy::STARTER.replace("placeholder_ids: [", "placeholder_ids: [visitor, ");
    let file = deployment.write("strict.yaml", &strict);
    deployment.settings = vec![("BATON_POLICY".to_owned(), file)];
    deployment.start_all();
    deployment.settle();
    deployment.terminate("identify");

    let listed = list(&deployment, &["--reason", "missing_id", "--stage", "identify", "--topic", RAW]);
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["source"], format!("{}{RAW}:0:1", deployment.prefix));
    assert_eq!(list(&deployment, &["--reason", "decode"]).len(), 0);
    assert_eq!(list(&deployment, &["--until", "1h"]).len(), 0);
    assert_eq!(list(&deployment, &["--since", "1h", "--limit", "1"])[0]["number"], "0:1", "the newest is kept");
    let shown = text(&deployment.baton(&["dlq", "show", "0:0"]));
    for part in ["trace: 1\n", "trace: 2\n", "absent: (absent)", "x-dlq-reason: missing_id", "\"messageId\": \"p1\""] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }

    let (code, said) = replay(&deployment, &["--all", "--dry-run"]);
    assert_eq!((code, said.as_str()), (Some(0), "would send 2 records\n"));
    assert_eq!(deployment.read_all(RAW).len(), 3, "a dry run sends nothing");
    assert_eq!(replay(&deployment, &["--reason", "missing_id"]), (Some(0), "sent 2 records\n".to_owned()));
    let (code, said) = replay(&deployment, &["--all"]);
    assert!(code == Some(0) && said.contains("passed over 2 replayed") && said.contains("sent 0 records"), "{said}");
    let sent = deployment.read_all(RAW);
    let again: Vec<_> = sent[3..].iter().map(|record| record.value.clone()).collect();
    assert_eq!(again, [page("p1", "visitor"), page("p2", "visitor")], "as they came, in their order");
    for record in &sent[3..] {
        assert_eq!(record.key, b"k");
        assert_eq!(record.headers.len(), 3, "trace, absent, x-replay: {:?}", record.headers);
        assert_eq!((record.headers["trace"].as_str(), record.headers["x-replay"].as_str()), ("2", "1"));
    }

    deployment.settings.clear();
    deployment.start("identify");
    deployment.settle();
    assert_eq!(deployment.dead_letters().len(), 2, "nothing was refused again");
    assert_eq!(states(&deployment), [row("0:0", "replayed", 0), row("0:1", "replayed", 0)]);
    deployment.assert_balanced(5);
    let events = deployment.ledgers();
    let counted = |name: &str| -> i64 {
        let of = events.iter().filter(|l| l.stage == "identify").flat_map(|l| &l.outcomes);
        of.filter(|outcome| outcome.name == name).map(|outcome| outcome.count).sum()
    };
    assert_eq!(counted("dlq_missing_id"), 2);
}

#[test]
fn a_record_that_stays_bad_is_parked_after_three_replays() {
    let Some(mut deployment) = deploy("park") else { return };
    send(&deployment, RAW, &[b"{\"type\":".to_vec()], &[("trace", Some("7"))]);
    deployment.start_all();
    for round in 1..=3_u64 {
        deployment.settle();
        assert_eq!(states(&deployment).last().unwrap().2, round - 1);
        let (code, said) = replay(&deployment, &["--all"]);
        assert!(code == Some(0) && said.contains("sent 1 record\n"), "round {round}: {said}");
    }
    deployment.settle();
    let rows =
        [row("0:0", "replayed", 0), row("0:2", "replayed", 1), row("0:4", "replayed", 2), row("0:6", "parked", 3)];
    assert_eq!(states(&deployment), rows);
    let (code, said) = replay(&deployment, &["--all"]);
    assert!(code == Some(0) && said.contains("passed over 1 parked") && said.contains("sent 0 records"), "{said}");
    let last = deployment.dead_letters().pop().unwrap();
    assert_eq!((last.1["x-replay"].as_str(), last.1["trace"].as_str()), ("3", "7"));
    assert_eq!(deployment.read_all(RAW).len(), 4);
    deployment.assert_balanced(4);
}

#[test]
fn a_replay_killed_in_the_middle_and_given_again_sends_nothing_twice_and_loses_nothing() {
    let Some(mut deployment) = deploy("killed") else { return };
    let count = 8_000;
    let values: Vec<Vec<u8>> = (0..count).map(|number| format!("not json {number}").into_bytes()).collect();
    send(&deployment, RAW, &values, &[]);
    deployment.start("identify");
    await_letters(&deployment, count);
    deployment.terminate("identify");
    let mut interrupted = 0;
    let ends = Ends::of(&deployment);
    for wait in [0, 5, 10, 20, 40, 0, 80, 160] {
        let before = ends.now();
        let mut child = deployment.spawn(&["dlq", "replay", "--all"]);
        // The first records are being written, in a transaction that is open still, or just done.
        while ends.now() == before && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted += usize::from(ends.now() > before && replayed(&deployment) < count);
    }
    assert!(interrupted > 0, "a kill must come after the first record and before the last commit");
    // Two at once: one of them may be told that the other took over.
    let mut first = deployment.spawn(&["dlq", "replay", "--all"]);
    let (code, said) = replay(&deployment, &["--all"]);
    let other = first.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 75)) && matches!(other, Some(0 | 75)), "{code:?} {other:?} {said}");
    let (code, said) = replay(&deployment, &["--all"]);
    assert_eq!(code, Some(0), "{said}");
    let mut times = BTreeMap::<Vec<u8>, usize>::new();
    for Stored { value, headers, .. } in deployment.read_all(RAW).into_iter().skip(count) {
        assert_eq!(headers["x-replay"], "1");
        *times.entry(value).or_default() += 1;
    }
    assert_eq!(times.len(), count, "nothing is lost");
    assert!(times.values().all(|times| *times == 1), "nothing is sent twice");
}

fn replayed(deployment: &Deployment) -> usize {
    deployment.read_all(RAW).iter().filter(|record| record.headers.contains_key("x-replay")).count()
}

/// The end of the input, records of open transactions and markers included.
struct Ends(BaseConsumer, String);

impl Ends {
    fn of(deployment: &Deployment) -> Self {
        let cluster = Cluster { bootstrap: deployment.bootstrap.clone(), properties: BTreeMap::default() };
        let client: BaseConsumer = cluster.tool().set("isolation.level", "read_uncommitted").create().unwrap();
        Self(client, format!("{}{RAW}", deployment.prefix))
    }

    fn now(&self) -> i64 {
        self.0.fetch_watermarks(&self.1, 0, Duration::from_secs(10)).unwrap().1
    }
}

fn await_letters(deployment: &Deployment, count: usize) {
    let since = Instant::now();
    while deployment.dead_letters().len() < count {
        assert!(since.elapsed() < Duration::from_mins(1), "{}", deployment.logs());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_batch_with_several_bad_events_is_replayed_once() {
    let Some(mut deployment) = deploy("batch") else { return };
    let batch = r#"{"batch":[{"type":"page","messageId":"b1","userId":"u1"},{"type":"dance","messageId":"b2","userId":"u1"},{"type":"page","userId":"u1"}]}"#;
    send(&deployment, RAW, &[batch.as_bytes().to_vec()], &[]);
    deployment.start_all();
    deployment.settle();
    assert_eq!(deployment.dead_letters().len(), 2);
    assert_eq!(replay(&deployment, &["0:1"]), (Some(0), "sent 1 record\n".to_owned()));
    let (_, said) = replay(&deployment, &["0:0"]);
    assert!(said.contains("passed over 1 replayed"), "one record, two letters: {said}");
    deployment.settle();
    assert_eq!(deployment.dead_letters().len(), 4);
    assert_eq!(deployment.read_all(RAW).len(), 2);
}

#[test]
fn what_came_from_a_topic_of_baton_s_own_is_not_replayed() {
    let Some(mut deployment) = deploy("own") else { return };
    send(&deployment, "lead.events", &[b"forged".to_vec()], &[]);
    deployment.start("aggregate");
    await_letters(&deployment, 1);
    let (code, said) = replay(&deployment, &["--all"]);
    assert_eq!(code, Some(0));
    for part in ["passed over 1 internal", "lead.events (refused by aggregate)", "sent 0 records"] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    assert_eq!(states(&deployment), [row("0:0", "internal", 0)]);
}

#[test]
fn a_replay_needs_to_be_told_which_and_names_what_is_not_there() {
    let Some(deployment) = deploy("which") else { return };
    assert_eq!(replay(&deployment, &[]).0, Some(64));
    let (code, said) = replay(&deployment, &["0:7"]);
    assert!(code == Some(65) && said.contains("no dead letter 0:7"), "{said}");
    assert_eq!(deployment.baton(&["dlq", "show", "0:7"]).status.code(), Some(65));
}
