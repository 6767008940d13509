//! Bad input on the real thing: what `docs/BAD_INPUT.md` says of records, topics and the cluster.
//!
//! Absent on purpose: what a unit test shows as well; the table names those too.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use baton_kafka::Cluster;
use baton_kafka::rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use baton_kafka::rdkafka::client::DefaultClientContext;
use baton_kafka::rdkafka::message::{Header, OwnedHeaders};
use baton_kafka::rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use baton_kafka::rdkafka::{Offset, TopicPartitionList};

use crate::harness::{Deployment, deploy, deploy_bare, text};

fn cluster(deployment: &Deployment) -> Cluster {
    Cluster { bootstrap: deployment.bootstrap.clone(), properties: BTreeMap::default() }
}

fn admin(deployment: &Deployment) -> AdminClient<DefaultClientContext> {
    cluster(deployment).tool().create().unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Sets all settings of a topic; those not named go back to the broker's defaults.
fn alter(deployment: &Deployment, topic: &str, settings: &[(&str, &str)]) {
    let topic = format!("{}{topic}", deployment.prefix);
    let mut config = AlterConfig::new(ResourceSpecifier::Topic(&topic));
    for (name, value) in settings {
        config = config.set(name, value);
    }
    let done = block_on(admin(deployment).alter_configs([&config], &AdminOptions::new())).unwrap();
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    // The broker answers before it goes by it.
    let since = Instant::now();
    while !settings.iter().all(|(name, value)| setting(deployment, &topic, name).as_deref() == Some(*value)) {
        assert!(since.elapsed() < Duration::from_secs(20), "{topic} does not take {settings:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn setting(deployment: &Deployment, topic: &str, name: &str) -> Option<String> {
    let asked = [ResourceSpecifier::Topic(topic)];
    let told = block_on(admin(deployment).describe_configs(&asked, &AdminOptions::new())).unwrap();
    told.into_iter().next()?.ok()?.get(name)?.value.clone()
}

fn producer(deployment: &Deployment) -> ThreadedProducer<DefaultProducerContext> {
    cluster(deployment).tool().create_with_context(DefaultProducerContext).unwrap()
}

fn send(deployment: &Deployment, topic: &str, values: &[&[u8]]) {
    let producer = producer(deployment);
    let topic = format!("{}{topic}", deployment.prefix);
    for value in values {
        let record = BaseRecord::<(), [u8]>::to(&topic).partition(0).payload(value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(20)).unwrap();
}

fn page(id: &str) -> Vec<u8> {
    format!(r#"{{"type":"page","messageId":"{id}","userId":"u1","timestamp":"2026-09-20T10:00:00Z"}}"#).into_bytes()
}

fn refused_with(deployment: &Deployment, args: &[&str], code: i32, parts: &[&str]) {
    let done = deployment.baton(args);
    let said = text(&done);
    assert_eq!(done.status.code(), Some(code), "{args:?}: {said}");
    for part in parts {
        assert!(said.contains(part), "{args:?}: {part} in\n{said}");
    }
}

#[test]
fn headers_beyond_the_limits_and_an_id_used_twice_are_dead_letters() {
    let Some(mut deployment) = deploy("limits") else { return };
    let producer = producer(&deployment);
    let topic = format!("{}engagement.raw", deployment.prefix);
    let long = "x".repeat(70_000);
    for (count, value) in [(100, "v"), (101, "v"), (1, long.as_str())] {
        let mut headers = OwnedHeaders::new();
        for _ in 0..count {
            headers = headers.insert(Header { key: "same", value: Some(value) });
        }
        let payload = page(&format!("h-{count}-{}", value.len()));
        let record = BaseRecord::<(), Vec<u8>>::to(&topic).partition(0).payload(&payload).headers(headers);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(20)).unwrap();
    let other = String::from_utf8(page("h-100-1"))
        .unwrap()
        .replace("\"type\":\"page\"", "\"type\":\"track\",\"event\":\"Demo Requested\"");
    send(&deployment, "engagement.raw", &[other.as_bytes(), &page("h-100-1"), b"{\"batch\":[]}"]);
    deployment.start("all");
    deployment.settle();
    let letters = deployment.dead_letters();
    let found: Vec<_> = letters
        .iter()
        .map(|(_, headers)| (headers["x-dlq-offset"].as_str(), headers["x-dlq-reason"].as_str()))
        .collect();
    assert_eq!(found, [("1", "limits"), ("2", "limits"), ("3", "id_conflict"), ("5", "decode")]);
    assert_eq!(letters[1].1["same"].len(), 70_000, "untouched");
    deployment.assert_balanced(6);
}

#[test]
fn a_record_between_consumers_without_its_key_or_in_the_wrong_place_is_a_dead_letter() {
    let Some(mut deployment) = deploy("stray") else { return };
    send(&deployment, "engagement.raw", &[&page("a")]);
    deployment.start("all");
    deployment.settle();
    let told = deployment.read("lead.events").pop().unwrap();
    let lead = String::from_utf8(told.key.clone()).unwrap();
    let home = baton_wire::partition(&told.key, 4);
    let producer = producer(&deployment);
    let topic = format!("{}lead.events", deployment.prefix);
    let forged = |key: Option<&str>, partition: i32| {
        let mut record = BaseRecord::<str, Vec<u8>>::to(&topic).partition(partition).payload(&told.value);
        record.key = key;
        producer.send(record).map_err(|(error, _)| error).unwrap();
    };
    forged(None, home);
    forged(Some(""), home);
    forged(Some(&lead), (home + 1) % 4);
    producer.flush(Duration::from_secs(20)).unwrap();
    // Time goes on, so that what waits for its turn gets it.
    send(&deployment, "engagement.raw", &[&page("b")]);
    deployment.settle();
    let mut found: Vec<_> = deployment
        .dead_letters()
        .into_iter()
        .filter(|(_, headers)| headers["x-dlq-stage"] == "aggregate")
        .map(|(_, headers)| headers["x-dlq-reason"].clone())
        .collect();
    found.sort();
    assert_eq!(found, ["misrouted", "misrouted", "null_key"]);
}

#[test]
fn a_changelog_that_forgets_is_refused_before_anything_is_read() {
    let Some(deployment) = deploy("forgets") else { return };
    let plan = deployment.baton(&["topics", "plan"]);
    assert!(plan.status.success(), "as made by apply: {}", text(&plan));
    for policy in ["delete", "compact,delete"] {
        alter(
            &deployment,
            "score.changelog",
            &[("cleanup.policy", policy), ("message.timestamp.type", "LogAppendTime")],
        );
        let named = format!("score.changelog: cleanup.policy is {policy}, should be compact");
        refused_with(&deployment, &["run", "score"], 78, &[&named, "topics apply"]);
        refused_with(&deployment, &["topics", "plan"], 78, &["cleanup.policy is", "1 topic not as a guarantee needs"]);
        refused_with(&deployment, &["topics", "apply"], 78, &[&named, "--add-config cleanup.policy=compact"]);
    }
}

#[test]
fn a_topic_whose_lagging_copy_may_lead_is_refused() {
    let Some(deployment) = deploy("unclean") else { return };
    let settings = [
        ("cleanup.policy", "delete"),
        ("message.timestamp.type", "LogAppendTime"),
        ("unclean.leader.election.enable", "true"),
    ];
    alter(&deployment, "lead.events", &settings);
    refused_with(&deployment, &["run", "aggregate"], 78, &["unclean.leader.election.enable is true"]);
}

#[test]
fn a_plan_with_missing_topics_ends_with_78() {
    let Some(deployment) = deploy_bare("plan") else { return };
    refused_with(&deployment, &["topics", "plan"], 78, &["missing; create with `baton topics apply`"]);
}

#[test]
fn a_mistyped_kafka_property_is_named() {
    let Some(deployment) = deploy_bare("typo") else { return };
    for command in [&["run", "all"][..], &["topics", "plan"], &["dlq", "list"]] {
        let args = [command, &["--set", "kafka.properties.fetch.wait.maxi.ms=3"]].concat();
        refused_with(&deployment, &args, 78, &["kafka.properties", "fetch.wait.maxi.ms"]);
    }
}

#[test]
fn a_log_in_that_the_broker_does_not_take_is_told_with_its_cause() {
    let Some(deployment) = deploy_bare("login") else { return };
    let sasl = [
        "kafka.properties.security.protocol=sasl_plaintext",
        "kafka.properties.sasl.mechanism=PLAIN",
        "kafka.properties.sasl.username=baton",
        "kafka.properties.sasl.password=canary",
    ];
    let mut args = vec!["topics", "plan"];
    for pair in &sasl {
        args.extend(["--set", pair]);
    }
    let done = deployment.baton(&args);
    let said = text(&done);
    assert_eq!(done.status.code(), Some(69), "{said}");
    assert!(said.contains("sasl") || said.contains("SASL"), "the cause is in\n{said}");
    assert!(!said.contains("canary"), "a password is in\n{said}");
}

#[test]
fn records_that_retention_took_before_they_were_read_end_the_consumer() {
    let Some(mut deployment) = deploy("gap") else { return };
    send(&deployment, "engagement.raw", &[&page("a")]);
    deployment.start_all();
    deployment.settle();
    deployment.terminate("identify");
    let told = deployment.read("lead.events").len();
    send(&deployment, "engagement.raw", &[&page("b"), &page("c"), &page("d")]);
    let mut cut = TopicPartitionList::new();
    cut.add_partition_offset(&format!("{}engagement.raw", deployment.prefix), 0, Offset::Offset(3)).unwrap();
    block_on(admin(&deployment).delete_records(&cut, &AdminOptions::new())).unwrap();
    let mut child = deployment.spawn(&["run", "identify"]);
    let since = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if since.elapsed() > Duration::from_secs(40) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it goes on over the gap");
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(code, Some(78));
    assert_eq!(deployment.read("lead.events").len(), told, "nothing behind the gap was used");
}

#[test]
fn a_dead_letter_that_cannot_be_written_is_not_dropped() {
    let Some(mut deployment) = deploy("full") else { return };
    let small = [("message.timestamp.type", "LogAppendTime"), ("max.message.bytes", "100")];
    alter(&deployment, "dlq", &small);
    send(&deployment, "engagement.raw", &[b"not json"]);
    deployment.start("identify");
    let since = Instant::now();
    let ended = loop {
        assert!(since.elapsed() < Duration::from_secs(30), "identify goes on\n{}", deployment.logs());
        match deployment.has_ended("identify") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    assert_eq!(ended.code(), Some(78), "{}", deployment.logs());
    assert!(deployment.logs().contains("max.message.bytes"), "{}", deployment.logs());
    assert_eq!(deployment.dead_letters().len(), 0, "100 bytes are too few for any");
    alter(&deployment, "dlq", &[("message.timestamp.type", "LogAppendTime"), ("max.message.bytes", "4194304")]);
    deployment.start("identify");
    let since = Instant::now();
    while deployment.dead_letters().is_empty() {
        assert!(since.elapsed() < Duration::from_secs(30), "{}", deployment.logs());
        std::thread::sleep(Duration::from_millis(200));
    }
    let letters = deployment.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].1["x-dlq-offset"], "0");
}

/// Without a broker: a policy is judged before anything is opened.
#[test]
fn a_policy_with_mistakes_is_refused_with_each_of_them() {
    let Some(deployment) = deploy_bare("rules") else { return };
    let cases = [
        (baton_policy::STARTER.replacen("total_cap: ", "total_cap: -", 1), "total_cap"),
        (baton_policy::STARTER.replacen("total_cap", "totl_cap", 1), "totl_cap"),
    ];
    for (policy, part) in cases {
        let file = deployment.write("policy.yaml", &policy);
        for args in [&["policy", "check", &file][..], &["run", "all", "--set", &format!("policy={file}")]] {
            let done = deployment.baton(args);
            let said = text(&done);
            assert!(matches!(done.status.code(), Some(65 | 78)), "{args:?}: {said}");
            assert!(said.contains(part), "{args:?}: {part} in\n{said}");
        }
    }
}

#[test]
fn a_state_folder_that_cannot_be_written_ends_the_consumer() {
    let Some(mut deployment) = deploy("folder") else { return };
    let file = deployment.write("a-file", "");
    deployment.settings = vec![("BATON_STATE_DIR".to_owned(), file.clone())];
    let done = deployment.baton(&["run", "identify"]);
    assert_eq!(done.status.code(), Some(74), "{}", text(&done));
    assert!(text(&done).contains(&file), "{}", text(&done));
    assert!(Command::new("test").args(["-f", &file]).status().unwrap().success(), "the file is as it was");
}
