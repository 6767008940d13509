//! Records as a topic carries them: heads, foreign writers, refusals.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use baton_domain::{LeadEvent, Ledger, RawEvent, Reason};
use baton_wire::{BadSchema, DecodeError, Decoder, Encoder, Frame, Head, Record, Writer, avro, schema_of};
use serde::Serialize;
use serde::de::DeserializeOwned;

mod common;

fn encoded<T: Record + Serialize>(head: Head, record: &T) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(head).encode(record, &mut out).unwrap();
    out
}

#[test]
fn the_three_heads_are_told_apart_by_content() {
    assert_eq!(Frame::of(&[0, 0, 0, 1, 2, 9, 8]), Frame::Confluent { id: 258, body: &[9, 8] });
    assert_eq!(
        Frame::of(&[0xC3, 1, 8, 7, 6, 5, 4, 3, 2, 1, 9]),
        Frame::Single { fingerprint: 0x0102_0304_0506_0708, body: &[9] }
    );
    assert_eq!(Frame::of(b"\r\n\t {\"a\":1}"), Frame::Json(b"{\"a\":1}"));
    assert_eq!(Frame::of(b"[]"), Frame::Json(b"[]"));
}

#[test]
fn what_has_none_of_the_heads_is_unknown() {
    for value in [&b""[..], &[0, 0, 0, 1], &[1, 0, 0, 0, 1, 2], &[0xC3, 1, 0, 0, 0, 0, 0, 0, 0], &[0xC3, 2], b"\"a\""] {
        assert_eq!(Frame::of(value), Frame::Unknown, "{value:?}");
        assert_eq!(Decoder::<Ledger>::new().decode(value), Err(DecodeError::NotAvro));
    }
}

#[test]
fn every_record_comes_back_under_either_head() {
    fn check<T: Record + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(samples: &[T]) {
        let mut decoder = Decoder::new();
        decoder.add_writer(Writer::Id(7), schema_of::<T>().json).unwrap();
        for sample in samples {
            let by_id = encoded(Head::Registry(7), sample);
            assert_eq!(by_id[..5], [0, 0, 0, 0, 7]);
            assert_eq!(decoder.decode(&by_id).as_ref(), Ok(sample));
            let by_fingerprint = encoded(Head::SingleObject, sample);
            assert_eq!(by_fingerprint[..2], [0xC3, 1]);
            assert_eq!(by_fingerprint[2..10], schema_of::<T>().fingerprint().to_le_bytes());
            assert_eq!(decoder.decode(&by_fingerprint).as_ref(), Ok(sample));
        }
    }
    for_every_type!(check);
}

#[test]
fn a_schema_nobody_told_of_is_asked_for_by_its_own_name() {
    let mut decoder = Decoder::<Ledger>::new();
    let foreign = encoded(Head::Registry(9), &common::ledgers()[0]);
    let refused = decoder.decode(&foreign).unwrap_err();
    assert_eq!((refused.reason(), refused), (Reason::UnknownSchema, DecodeError::UnknownSchema(Writer::Id(9))));
    assert!(!decoder.knows(Writer::Id(9)));

    decoder.add_writer(Writer::Id(9), schema_of::<Ledger>().json).unwrap();
    assert!(decoder.knows(Writer::Id(9)));
    assert_eq!(decoder.decode(&foreign).as_ref(), Ok(&common::ledgers()[0]));

    let strange = encoded(Head::SingleObject, &common::lead_events()[0]);
    let fingerprint = Writer::Fingerprint(schema_of::<LeadEvent>().fingerprint());
    assert_eq!(decoder.decode(&strange), Err(DecodeError::UnknownSchema(fingerprint)));
}

/// Lead events as a later version might write them: a new option inside every activity, before the
/// fields we know, a new field of the record at the end, and one option of ours gone.
fn later_lead_event() -> String {
    let json = schema_of::<LeadEvent>().json;
    let mut schema: serde_json::Value = serde_json::from_str(json).unwrap();
    let fields = schema["fields"].as_array_mut().unwrap();
    fields.push(serde_json::json!({ "name": "tenant", "type": "string" }));
    let body = fields.iter_mut().find(|field| field["name"] == "body").unwrap();
    let activity = body["type"][1]["fields"].as_array_mut().unwrap();
    activity.retain(|field| field["name"] != "medium");
    activity.insert(0, serde_json::json!({ "name": "device", "type": ["null", "string"], "default": null }));
    schema.to_string()
}

#[test]
fn records_of_a_later_schema_are_read_by_ours() {
    use apache_avro::types::Value;
    let writer = apache_avro::Schema::parse_str(&later_lead_event()).unwrap();
    let mut decoder = Decoder::<LeadEvent>::new();
    decoder.add_writer(Writer::Id(3), &later_lead_event()).unwrap();
    for sample in common::lead_events() {
        let ours = apache_avro::Schema::parse_str(schema_of::<LeadEvent>().json).unwrap();
        let bytes = avro::to_vec(&sample).unwrap();
        let reader = apache_avro::reader::datum::GenericDatumReader::builder(&ours).build().unwrap();
        let Value::Record(mut fields) = reader.read_value(&mut &bytes[..]).unwrap() else { unreachable!() };
        fields.push(("tenant".into(), Value::String("acme".into())));
        if let Some((_, Value::Union(1, activity))) = fields.iter_mut().find(|(name, _)| name == "body")
            && let Value::Record(activity) = &mut **activity
        {
            activity.retain(|(name, _)| name != "medium");
            activity.insert(0, ("device".into(), Value::Union(1, Box::new(Value::String("phone".into())))));
        }
        let mut value = vec![0, 0, 0, 0, 3];
        let theirs = apache_avro::writer::datum::GenericDatumWriter::builder(&writer).build().unwrap();
        theirs.write_value(&mut value, Value::Record(fields)).unwrap();

        let mut expected = sample;
        if let baton_domain::Body::Activity(activity) = &mut expected.body {
            activity.medium = None;
        }
        assert_eq!(decoder.decode(&value), Ok(expected));
    }
}

#[test]
fn a_refused_schema_stays_refused_and_is_not_asked_for_again() {
    let mut decoder = Decoder::<RawEvent>::new();
    let writer = Writer::Id(4);
    assert!(matches!(decoder.add_writer(writer, "{"), Err(BadSchema::NotASchema(_))));
    let refusal = decoder.add_writer(writer, schema_of::<Ledger>().json).unwrap_err();
    assert!(decoder.knows(writer));
    let refused = decoder.decode(&encoded(Head::Registry(4), &common::ledgers()[0])).unwrap_err();
    assert_eq!((refused.reason(), refused), (Reason::IncompatibleSchema, DecodeError::BadSchema(refusal)));
}

#[test]
fn seconds_of_another_unit_are_not_taken_for_ours() {
    let theirs = schema_of::<Ledger>().json.replace("timestamp-micros", "timestamp-millis");
    assert!(matches!(
        Decoder::<Ledger>::new().add_writer(Writer::Id(1), &theirs),
        Err(BadSchema::Incompatible { at, .. }) if at == "stamp.at"
    ));
}

#[test]
fn a_body_that_is_not_what_its_schema_says_is_a_decode_error() {
    let mut value = encoded(Head::SingleObject, &common::ledgers()[0]);
    value.extend([1, 2, 3]);
    let refused = Decoder::<Ledger>::new().decode(&value).unwrap_err();
    assert_eq!((refused.reason(), refused), (Reason::Decode, DecodeError::Bad(avro::Error::Trailing(3))));
}

#[test]
fn an_encoder_appends() {
    let mut out = vec![42];
    Encoder::new(Head::Registry(1)).encode(&common::ledgers()[1], &mut out).unwrap();
    assert_eq!(out[..6], [42, 0, 0, 0, 0, 1]);
}
