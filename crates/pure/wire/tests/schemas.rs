//! Every record type is held to its schema, and every schema to its past.
//!
//! Holds: the bytes are judged by apache-avro, which knows the schema only;
//! fingerprints by numbers that another implementation (fastavro) computed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use baton_wire::{Decoder, Record, Schema, Writer, avro, peek_stamp, schema_of, schemas};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

mod common;

trait Sample: Record + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug {}
impl<T: Record + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug> Sample for T {}

fn parsed(schema: &Schema) -> apache_avro::Schema {
    apache_avro::Schema::parse_str(schema.json).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the frozen copies are for this test alone, so they are not compiled in")]
fn frozen(schema: &Schema) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../schemas/published/v1")
        .join(format!("{}.avsc", schema.subject));
    std::fs::read_to_string(path).unwrap()
}

/// What an implementation that knows only the schema reads.
fn read_by_schema(schema: &apache_avro::Schema, mut bytes: &[u8]) -> Value {
    let value = GenericDatumReader::builder(schema).build().unwrap().read_value(&mut bytes).unwrap();
    assert_eq!(bytes, b"", "bytes remain");
    value
}

fn write_by_schema(schema: &apache_avro::Schema, value: Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    GenericDatumWriter::builder(schema).build().unwrap().write_value(&mut bytes, value).unwrap();
    bytes
}

#[test]
fn bytes_are_what_the_schema_says() {
    fn check<T: Sample>(samples: &[T]) {
        let schema = parsed(schema_of::<T>());
        for sample in samples {
            let bytes = avro::to_vec(sample).unwrap();
            let value = read_by_schema(&schema, &bytes);
            assert!(value.validate(&schema), "{}: {value:?}", T::SUBJECT);
            assert_eq!(write_by_schema(&schema, value), bytes, "{}", T::SUBJECT);
            assert_eq!(avro::from_slice::<T>(&bytes).as_ref(), Ok(sample), "{}", T::SUBJECT);
        }
    }
    for_every_type!(check);
}

#[test]
fn fields_and_symbols_bear_the_names_of_the_struct() {
    fn check<T: Sample>(samples: &[T]) {
        let schema = parsed(schema_of::<T>());
        for sample in samples {
            let read = read_by_schema(&schema, &avro::to_vec(sample).unwrap());
            let told = serde_json::to_value(sample).unwrap();
            assert!(same(&told, &read), "{}:\n{told:#}\n{read:?}", T::SUBJECT);
        }
    }
    for_every_type!(check);
}

/// Whether serde's own account of a value and the schema's reading agree, names included.
fn same(told: &Json, read: &Value) -> bool {
    match (told, read) {
        (Json::Object(fields), Value::Record(read)) if fields.len() == read.len() => {
            read.iter().all(|(name, value)| fields.get(name).is_some_and(|told| same(told, value)))
        }
        (Json::Array(items), Value::Array(read)) => {
            items.len() == read.len() && items.iter().zip(read).all(|(told, read)| same(told, read))
        }
        (Json::Null, Value::Union(0, read)) => **read == Value::Null,
        // A variant that carries something is told as an object of one entry.
        (Json::Object(variant), Value::Union(_, read)) if variant.len() == 1 => {
            variant.values().all(|told| same(told, read)) || same(told, read)
        }
        (told, Value::Union(_, read)) => same(told, read),
        (Json::String(told), Value::String(read)) => told == read,
        (Json::String(told), Value::Enum(_, symbol)) => told.to_lowercase() == symbol.replace('_', "").to_lowercase(),
        (Json::Bool(told), Value::Boolean(read)) => told == read,
        (Json::Number(told), read) => match read {
            Value::Int(read) => told.as_i64() == Some(i64::from(*read)),
            Value::Long(read) | Value::TimestampMillis(read) | Value::TimestampMicros(read) => {
                told.as_i64() == Some(*read)
            }
            _ => false,
        },
        _ => false,
    }
}

#[test]
fn samples_reach_every_branch_and_both_sides_of_every_option() {
    fn check<T: Sample>(samples: &[T]) {
        let schema = parsed(schema_of::<T>());
        let mut seen = BTreeMap::new();
        for sample in samples {
            note(T::SUBJECT, &read_by_schema(&schema, &avro::to_vec(sample).unwrap()), &mut seen);
        }
        let mut wanted = BTreeMap::new();
        want(T::SUBJECT, &serde_json::from_str(schema_of::<T>().json).unwrap(), &mut BTreeMap::new(), &mut wanted);
        for (place, branches) in wanted {
            assert_eq!(seen.get(&place), Some(&branches), "{place}");
        }
    }
    for_every_type!(check);
}

type Branches = BTreeMap<String, BTreeSet<usize>>;

/// The branches that occur in a value, by place.
fn note(place: &str, value: &Value, seen: &mut Branches) {
    match value {
        Value::Record(fields) => fields.iter().for_each(|(name, value)| note(&format!("{place}/{name}"), value, seen)),
        Value::Array(items) => items.iter().for_each(|item| note(&format!("{place}[]"), item, seen)),
        Value::Union(branch, value) => {
            seen.entry(place.to_owned()).or_default().insert(*branch as usize);
            note(&format!("{place}|{branch}"), value, seen);
        }
        _ => {}
    }
}

/// The branches that a schema has, by place.
fn want(place: &str, schema: &Json, named: &mut BTreeMap<String, Json>, wanted: &mut Branches) {
    match schema {
        Json::Array(branches) => {
            wanted.insert(place.to_owned(), (0..branches.len()).collect());
            for (n, branch) in branches.iter().enumerate() {
                want(&format!("{place}|{n}"), branch, named, wanted);
            }
        }
        Json::String(name) => {
            if let Some(schema) = named.get(name).cloned() {
                want(place, &schema, named, wanted);
            }
        }
        _ => match schema["type"].as_str() {
            Some("record") => {
                named.insert(schema["name"].as_str().unwrap().to_owned(), schema.clone());
                for field in schema["fields"].as_array().unwrap() {
                    want(&format!("{place}/{}", field["name"].as_str().unwrap()), &field["type"], named, wanted);
                }
            }
            Some("array") => want(&format!("{place}[]"), &schema["items"], named, wanted),
            _ => {}
        },
    }
}

#[test]
fn symbols_stand_in_the_order_of_the_variants() {
    fn check<E: Serialize + DeserializeOwned>(name: &str, symbols: &BTreeMap<String, Vec<String>>) {
        let symbols = &symbols[name];
        for (index, symbol) in symbols.iter().enumerate() {
            let variant: E = avro::from_slice(&avro::to_vec(&i64::try_from(index).unwrap()).unwrap()).unwrap();
            let told = serde_json::to_value(variant).unwrap();
            assert!(same(&told, &Value::Enum(0, symbol.clone())), "{name}: {symbol} is {told}");
        }
        let beyond = avro::to_vec(&i64::try_from(symbols.len()).unwrap()).unwrap();
        assert!(avro::from_slice::<E>(&beyond).is_err(), "{name} has a variant that the schema lacks");
    }
    let mut symbols = BTreeMap::new();
    for schema in schemas() {
        enums(&serde_json::from_str(schema.json).unwrap(), &mut symbols);
    }
    check::<baton_domain::Answer>("Answer", &symbols);
    check::<baton_domain::Clock>("Clock", &symbols);
    check::<baton_domain::ConsentState>("ConsentState", &symbols);
    check::<baton_domain::ContributionKind>("ContributionKind", &symbols);
    check::<baton_domain::CrmKind>("CrmKind", &symbols);
    check::<baton_domain::Direction>("Direction", &symbols);
    check::<baton_domain::Grade>("Grade", &symbols);
    check::<baton_domain::Party>("Party", &symbols);
    check::<baton_domain::ReasonKind>("ReasonKind", &symbols);
    check::<baton_domain::RepStatus>("RepStatus", &symbols);
    check::<baton_domain::RetractionReason>("RetractionReason", &symbols);
    check::<baton_domain::Revision>("Revision", &symbols);
    check::<baton_domain::SlaAction>("SlaAction", &symbols);
    check::<baton_domain::SlaEventKind>("SlaEventKind", &symbols);
    check::<baton_domain::Stage>("Stage", &symbols);
    check::<baton_domain::TouchOutcome>("TouchOutcome", &symbols);
    check::<baton_domain::TriggerKind>("TriggerKind", &symbols);
    check::<baton_domain::YesNo>("YesNo", &symbols);
    check::<baton_domain::CauseClass>("CauseClass", &symbols);
    check::<baton_domain::Label>("Label", &symbols);
    check::<baton_domain::NurtureKind>("NurtureKind", &symbols);
    check::<baton_domain::Status>("Status", &symbols);
    assert_eq!(symbols.len(), 22, "an enum is not checked: {:?}", symbols.keys());
}

/// The symbols of every enum in a schema, by its name.
fn enums(schema: &Json, found: &mut BTreeMap<String, Vec<String>>) {
    match schema {
        Json::Object(object) => {
            if let (Some(Json::String(name)), Some(symbols)) = (object.get("name"), object.get("symbols")) {
                found.insert(name.clone(), serde_json::from_value(symbols.clone()).unwrap());
            }
            object.values().for_each(|value| enums(value, found));
        }
        Json::Array(items) => items.iter().for_each(|item| enums(item, found)),
        _ => {}
    }
}

#[test]
fn schemas_stay_compatible() {
    fn check<T: Sample>(_: &[T]) {
        let then = frozen(schema_of::<T>());
        let verdict = SchemaCompatibility::mutual_read(
            &parsed(schema_of::<T>()),
            &apache_avro::Schema::parse_str(&then).unwrap(),
        );
        assert_eq!(verdict.unwrap(), Compatibility::Full, "{}", T::SUBJECT);
        // Our own rules are stricter about units of time.
        assert_eq!(Decoder::<T>::new().add_writer(Writer::Id(1), &then), Ok(()), "{}", T::SUBJECT);
    }
    for_every_type!(check);
}

#[test]
fn an_edit_that_breaks_readers_is_not_compatible() {
    let schema = schema_of::<baton_domain::LeadEvent>();
    for (from, to) in [
        ("\"lead_id\"", "\"lead\""),
        ("\"name\": \"event_id\",\n      \"type\": \"string\"", "\"name\": \"event_id\",\n      \"type\": \"long\""),
        ("\"outbound\", \"inbound\"", "\"outbound\", \"inward\""),
    ] {
        assert!(schema.json.contains(from), "{from}");
        let edited = apache_avro::Schema::parse_str(&schema.json.replace(from, to)).unwrap();
        let verdict = SchemaCompatibility::mutual_read(&edited, &parsed(schema));
        assert_ne!(verdict.ok(), Some(Compatibility::Full), "{to}");
    }
}

/// Computed by fastavro 1.13 over the same files: a Java writer must arrive at them too.
#[test]
fn fingerprints_are_those_of_another_implementation() {
    let golden = BTreeMap::from([
        ("assignment.requests-value", 0x2780_81f7_293d_6ca0),
        ("canary.returned-value", 0x6a4d_5fc9_61d0_337a),
        ("engagement.aggregate-value", 0x2da5_5388_1877_d1a3),
        ("engagement.raw-value", 0x87d6_a0dc_ca7b_929a),
        ("enrichment.requested-value", 0x3f16_348d_a5bb_2fde),
        ("handoff.revised-value", 0x6a7e_2f6d_af57_a0cf),
        ("lead.activity_alert-value", 0x8335_93c6_81c6_8d0b),
        ("lead.assignment-value", 0x19e5_5e0c_a405_017f),
        ("lead.cooled-value", 0xdb29_a4a8_358b_2487),
        ("lead.events-value", 0x04f7_45bc_8170_fc63),
        ("lead.handoff-value", 0xe308_fee5_013a_39a7),
        ("lead.identity-value", 0x3a50_efdf_7818_c346),
        ("lead.qualified-value", 0x42e4_4a2f_0211_1c46),
        ("lead.score-value", 0x9850_4c1e_0599_d491),
        ("ledger.balance-value", 0x8476_bcd8_d552_89c5),
        ("lifecycle.changed-value", 0x810b_c0f9_7d72_f1fa),
        ("lifecycle.rejected-value", 0xe488_ca08_7e0e_e0a4),
        ("nurture.events-value", 0xdbcd_5a9b_64f9_c5ed),
        ("policy-value", 0xa705_d8ec_13e1_7e17),
        ("reps.state-value", 0xcb63_b962_d66b_7430),
        ("roster.events-value", 0x8a7f_4bed_7923_e02e),
        ("sla.events-value", 0x7bf3_2ab1_8a68_526e),
        ("sla.requests-value", 0x7b01_d22a_846a_0738),
        ("status.changed-value", 0x4425_f5f1_9da4_b4db),
    ]);
    let ours = schemas().into_iter().map(|schema| (schema.subject, schema.fingerprint())).collect::<BTreeMap<_, _>>();
    assert_eq!(ours, golden, "\n{ours:x?}\n{golden:x?}");
}

#[test]
fn a_stamped_body_begins_with_its_stamp() {
    fn check<T: Sample>(samples: &[T]) {
        for sample in samples {
            let told = serde_json::to_value(sample).unwrap();
            let stamp = told.get("stamp").map(|stamp| serde_json::from_value(stamp.clone()).unwrap());
            if stamp.is_some() {
                assert_eq!(peek_stamp(&avro::to_vec(sample).unwrap()), stamp, "{}", T::SUBJECT);
            } else {
                assert!(
                    ["engagement.raw-value", "lead.identity-value", "policy-value", "reps.state-value"]
                        .contains(&T::SUBJECT),
                    "{}",
                    T::SUBJECT
                );
            }
        }
    }
    for_every_type!(check);
}

#[test]
fn a_type_means_the_same_in_every_schema() {
    fn collect(subject: &str, schema: &Json, known: &mut BTreeMap<String, (Json, String)>) {
        match schema {
            Json::Object(object) => {
                if let (Some(Json::String(name)), Some("record" | "enum")) =
                    (object.get("name"), object.get("type").and_then(Json::as_str))
                {
                    // Where a type stands alone it names its namespace; what it refers to is compared on its own.
                    let shape = flat(schema);
                    let (first, first_subject) =
                        known.entry(name.clone()).or_insert_with(|| (shape.clone(), subject.to_owned()));
                    assert_eq!(*first, shape, "{name} in {first_subject} and {subject}");
                }
                object.values().for_each(|value| collect(subject, value, known));
            }
            Json::Array(items) => items.iter().for_each(|item| collect(subject, item, known)),
            _ => {}
        }
    }
    let mut known = BTreeMap::new();
    for schema in schemas() {
        collect(schema.subject, &serde_json::from_str(schema.json).unwrap(), &mut known);
    }
    assert!(known.len() > 30, "{}", known.len());
}

/// A definition with the named types in it reduced to their names.
fn flat(definition: &Json) -> Json {
    fn reduce(schema: &Json) -> Json {
        match schema {
            Json::Object(object) if object.contains_key("name") && object.contains_key("doc") => {
                match &object["type"] {
                    Json::String(kind) if kind == "record" || kind == "enum" => object["name"].clone(),
                    _ => Json::Object(object.iter().map(|(key, value)| (key.clone(), reduce(value))).collect()),
                }
            }
            Json::Object(object) => {
                Json::Object(object.iter().map(|(key, value)| (key.clone(), reduce(value))).collect())
            }
            Json::Array(items) => Json::Array(items.iter().map(reduce).collect()),
            other => other.clone(),
        }
    }
    let mut object = definition.as_object().unwrap().clone();
    object.remove("namespace");
    Json::Object(object.iter().map(|(key, value)| (key.clone(), reduce(value))).collect())
}

#[test]
fn optional_fields_default_to_null_and_all_is_documented() {
    fn check(subject: &str, schema: &Json) {
        match schema {
            Json::Object(object) => {
                let named = object.get("type").and_then(Json::as_str).is_some_and(|t| t == "record" || t == "enum");
                if named || object.contains_key("doc") {
                    assert!(object["doc"].as_str().is_some_and(|doc| doc.len() > 3), "{subject}: {schema}");
                }
                for field in object.get("fields").and_then(Json::as_array).into_iter().flatten() {
                    assert!(field["doc"].is_string(), "{subject}: {field}");
                    if field["type"][0] == "null" {
                        assert_eq!(field.get("default"), Some(&Json::Null), "{subject}: {field}");
                    }
                }
                object.values().for_each(|value| check(subject, value));
            }
            Json::Array(items) => items.iter().for_each(|item| check(subject, item)),
            _ => {}
        }
    }
    for schema in schemas() {
        check(schema.subject, &serde_json::from_str(schema.json).unwrap());
    }
}

#[test]
fn every_schema_has_a_subject_and_every_subject_a_schema() {
    let subjects: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(baton_wire::SUBJECTS).unwrap();
    let mut files = BTreeSet::new();
    for (subject, entry) in &subjects {
        assert_eq!(*subject, format!("{}-value", entry["topic"]));
        let file = entry["schema"].strip_suffix(".avsc").unwrap();
        let schema = schemas().into_iter().find(|schema| schema.subject == file).unwrap();
        let name = serde_json::from_str::<Json>(schema.json).unwrap()["name"].clone();
        assert_eq!(name, entry["type"].as_str(), "{subject}");
        assert!(["FULL_TRANSITIVE", "BACKWARD_TRANSITIVE"].contains(&entry["compatibility"].as_str()), "{subject}");
        assert!(!entry["key"].is_empty(), "{subject}");
        files.insert(schema.subject);
    }
    assert_eq!(files, schemas().into_iter().map(|schema| schema.subject).collect());
}
