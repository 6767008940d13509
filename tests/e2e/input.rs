//! Bad input goes to the dead letters with its reason, and the flow goes on.

use baton_domain::{Body, Fact, FactValue, Ids, Millis, RawEvent};
use baton_kafka::Cluster;
use baton_kafka::rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use baton_wire::{Encoder, Head};

use crate::harness::{Deployment, deploy};

fn send(deployment: &Deployment, values: &[Option<Vec<u8>>]) {
    let cluster =
        Cluster { bootstrap: deployment.bootstrap.clone(), properties: std::collections::BTreeMap::default() };
    let producer: ThreadedProducer<_> =
        cluster.tool().create_with_context(baton_kafka::rdkafka::producer::DefaultProducerContext).unwrap();
    let topic = format!("{}engagement.raw", deployment.prefix);
    for value in values {
        let mut record = BaseRecord::<(), Vec<u8>>::to(&topic).partition(0);
        record.payload = value.as_ref();
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(std::time::Duration::from_secs(10)).unwrap();
}

fn avro(event_id: &str) -> Vec<u8> {
    let event = RawEvent {
        event_id: event_id.to_owned(),
        ids: Ids { email: Some("ada@northwind.example".to_owned()), ..Ids::default() },
        occurred_at: Millis(1_790_000_000_000),
        received_at: Some(Millis(1_790_000_000_000)),
        body: Body::Facts(vec![Fact {
            name: "title".to_owned(),
            value: FactValue::Text("VP".to_owned()),
            source: "form".to_owned(),
            observed_at: None,
        }]),
    };
    let mut bytes = Vec::new();
    Encoder::new(Head::SingleObject).encode(&event, &mut bytes).unwrap();
    bytes
}

#[test]
fn each_bad_record_is_a_dead_letter_with_its_reason_and_source() {
    let Some(mut deployment) = deploy("bad") else { return };
    let good = |id: &str| {
        format!(
            r#"{{"type":"track","event":"Demo Requested","messageId":"{id}","userId":"u1","timestamp":"2026-09-20T10:00:00Z","receivedAt":"2026-09-20T10:00:01Z"}}"#
        )
        .into_bytes()
    };
    let with = |from: &str, to: &str| String::from_utf8(good("x")).unwrap().replace(from, to).into_bytes();
    let mut truncated = avro("a2");
    truncated.truncate(truncated.len() - 3);
    let cases: Vec<(Option<Vec<u8>>, Option<&str>)> = vec![
        (Some(good("ok-1")), None),
        (Some(avro("a1")), None),
        (Some(b"{\"type\":\"track\",".to_vec()), Some("decode")),
        (Some(truncated), Some("decode")),
        (Some([&[0, 0, 0, 0x7f, 0xff], avro("a3").as_slice()].concat()), Some("unknown_schema")),
        (Some([&[0xC3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8], [0; 4].as_slice()].concat()), Some("unknown_schema")),
        (Some(with("\"messageId\":\"x\",", "")), Some("missing_field")),
        (Some(with("\"userId\":\"u1\",", "")), Some("missing_id")),
        (Some(with("2026-09-20T10:00:00Z", "1970-01-01T00:00:00Z")), Some("bad_time")),
        (Some(with("2026-09-20T10:00:00Z", "next tuesday")), Some("bad_time")),
        (Some(with("\"type\":\"track\"", "\"type\":\"dance\"")), Some("unknown_kind")),
        (Some(with("\"u1\"", "\"null\"")), Some("missing_id")),
        (Some(with("Demo Requested", &"x".repeat(300_000))), Some("limits")),
        (Some(vec![0xff, 0xfe, 0x00]), Some("decode")),
        (None, Some("decode")),
        (Some(with("2026-09-20T10:00:00Z", "3000-01-01T00:00:00Z")), None),
        (Some(good("ok-2")), None),
    ];
    let values: Vec<_> = cases.iter().map(|(value, _)| value.clone()).collect();
    send(&deployment, &values);
    deployment.start("all");
    deployment.settle();
    let expected: Vec<(String, &str)> = cases
        .iter()
        .enumerate()
        .filter_map(|(offset, (_, reason))| reason.map(|reason| (offset.to_string(), reason)))
        .collect();
    let letters = deployment.dead_letters();
    let found: Vec<_> = letters
        .iter()
        .map(|(_, headers)| (headers["x-dlq-offset"].clone(), headers["x-dlq-reason"].as_str()))
        .collect();
    assert_eq!(found, expected);
    for (value, headers) in &letters {
        let offset: usize = headers["x-dlq-offset"].parse().unwrap();
        assert_eq!(*value, values[offset].clone().unwrap_or_default(), "the record is untouched");
        assert_eq!(headers["x-dlq-stage"], "identify");
        assert_eq!(headers["x-dlq-topic"], format!("{}engagement.raw", deployment.prefix));
        assert!(!headers["x-dlq-detail"].contains("northwind"), "no personal data in a header");
    }
    deployment.assert_balanced(cases.len());
}
