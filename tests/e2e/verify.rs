//! `baton verify` and `baton reconcile` on a real broker: nothing is told of a log that is whole, whatever died on the
//! way, and a forged record is named.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_kafka::Cluster;
use baton_kafka::rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::harness::{CONSUMERS, Deployment, deploy, text};

/// Asserts that neither command finds anything.
fn assert_verified(deployment: &Deployment) -> String {
    let verified = deployment.baton(&["verify"]);
    assert!(verified.status.success(), "{}\n{}", text(&verified), deployment.logs());
    let reconciled = deployment.baton(&["reconcile"]);
    assert!(reconciled.status.success(), "{}", text(&reconciled));
    text(&verified)
}

fn send(deployment: &Deployment, topic: &str, records: &[(Option<&str>, &[u8])]) {
    let cluster = Cluster { bootstrap: deployment.bootstrap.clone(), properties: BTreeMap::new() };
    let producer: ThreadedProducer<_> = cluster.tool().create_with_context(DefaultProducerContext).unwrap();
    let topic = format!("{}{topic}", deployment.prefix);
    for (key, value) in records {
        let mut record = BaseRecord::<str, [u8]>::to(&topic).partition(0).payload(value);
        record.key = *key;
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(10)).unwrap();
}

#[test]
fn kills_leave_no_difference_and_a_forged_record_is_named() {
    let Some(mut deployment) = deploy("prove") else { return };
    let lines: Vec<String> = baton_workload::demo().collect();
    deployment.start_all();
    for (consumer, part) in CONSUMERS.iter().zip(lines.chunks(lines.len().div_ceil(5))) {
        deployment.ingest(part);
        std::thread::sleep(Duration::from_millis(50));
        deployment.kill(consumer);
        deployment.start(consumer);
    }
    deployment.settle();
    let told = assert_verified(&deployment);
    assert!(told.contains("\n0 differences\n"), "{told}");
    assert!(!told.contains("not compared"), "consumers by the log's clock stand still: {told}");

    send(&deployment, "sla.breach", &[(Some("nobody"), b"forged")]);
    let found = deployment.baton(&["verify", "--stage", "watch", "--json"]);
    assert_eq!(found.status.code(), Some(65), "{}", text(&found));
    let object: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(object["differences"], 1, "{object:#}");
    let first = &object["first"][0];
    assert_eq!((&first["kind"], &first["partition"]), (&"extra".into(), &0.into()));
    assert_eq!(first["topic"], format!("{}sla.breach", deployment.prefix));
    assert!(first["offset"].as_i64().is_some_and(|offset| offset > 0), "{object:#}");
    let reconciled = deployment.baton(&["reconcile"]);
    assert_eq!(reconciled.status.code(), Some(65), "{}", text(&reconciled));
}

#[test]
fn several_sources_and_a_running_clock_leave_no_difference() {
    let Some(mut deployment) = deploy("witness") else { return };
    deployment.settings =
        vec![("BATON_CLOCK".to_owned(), "wall".to_owned()), ("BATON_TICK_MS".to_owned(), "50".to_owned())];
    let lines: Vec<String> = baton_workload::demo().take(2_000).collect();
    deployment.start_all();
    for (round, part) in lines.chunks(400).enumerate() {
        for (source, kind) in
            [("engagement.raw", ""), ("crm.activity", r#""type":"crm""#), ("consent.events", r#""type":"consent""#)]
        {
            let is_of = |line: &&String| {
                let special = line.contains(r#""type":"crm""#) || line.contains(r#""type":"consent""#);
                if kind.is_empty() { !special } else { line.contains(kind) }
            };
            let records: Vec<_> = part.iter().filter(is_of).map(|line| (None, line.as_bytes())).collect();
            send(&deployment, source, &records);
            // The same once more, elsewhere: a repeat without an event.
            send(&deployment, "consent.events", &records[..records.len().min(5)]);
        }
        let consumer = CONSUMERS[round % CONSUMERS.len()];
        deployment.kill(consumer);
        deployment.start(consumer);
    }
    deployment.settle();
    // At work: the clock ticks on.
    assert_verified(&deployment);
    // The sequencer first, so that the others read what it told last.
    for consumer in CONSUMERS {
        deployment.terminate(consumer);
        std::thread::sleep(Duration::from_millis(300));
    }
    let told = assert_verified(&deployment);
    assert!(!told.contains("not compared"), "{told}");
}
