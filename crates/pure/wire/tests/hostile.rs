//! Damaged and invented bytes: every type, every path, no panic.
//!
//! Holds: whatever is accepted means one thing, for it encodes and decodes to itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use baton_domain::LeadEvent;
use baton_wire::{DecodeError, Decoder, Frame, Record, Writer, avro, peek_stamp, schema_of};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde::Serialize;
use serde::de::DeserializeOwned;

mod common;

/// One act of damage.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Flip(Index, u8),
    Cut(Index),
    Remove(Index),
    Insert(Index, Vec<u8>),
}

impl Damage {
    fn do_to(&self, bytes: &mut Vec<u8>) {
        let end = bytes.len();
        match self {
            Self::Set(at, value) if end > 0 => bytes[at.index(end)] = *value,
            Self::Flip(at, bit) if end > 0 => bytes[at.index(end)] ^= 1 << (bit % 8),
            Self::Remove(at) if end > 0 => {
                bytes.remove(at.index(end));
            }
            Self::Set(..) | Self::Flip(..) | Self::Remove(_) => {}
            Self::Cut(at) => bytes.truncate(at.index(end + 1)),
            Self::Insert(at, new) => {
                let at = at.index(end + 1);
                bytes.splice(at..at, new.iter().copied());
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let index = any::<Index>;
    let odd = prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x80), Just(1), Just(2)];
    let one = prop_oneof![
        (index(), odd.clone()).prop_map(|(at, value)| Damage::Set(at, value)),
        (index(), any::<u8>()).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        index().prop_map(Damage::Cut),
        index().prop_map(Damage::Remove),
        (index(), prop::collection::vec(odd, 1..12)).prop_map(|(at, new)| Damage::Insert(at, new)),
    ];
    prop::collection::vec(one, 1..4)
}

fn check<T: Record + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(samples: &[T]) {
    // A writer with a field more takes every record through the rewriting path.
    let mut foreign: serde_json::Value = serde_json::from_str(schema_of::<T>().json).unwrap();
    let extra = serde_json::json!({ "name": "extra", "type": ["null", { "type": "array", "items": "double" }] });
    foreign["fields"].as_array_mut().unwrap().push(extra);
    let mut decoder = Decoder::<T>::new();
    decoder.add_writer(Writer::Id(0), &foreign.to_string()).unwrap();

    let samples: Vec<_> = samples.iter().map(|sample| avro::to_vec(sample).unwrap()).collect();
    let cases = ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(cases)
        .run(&(any::<Index>(), damage()), |(which, damage)| {
            let mut bytes = which.get(&samples).clone();
            for one in &damage {
                one.do_to(&mut bytes);
            }
            // A record followed by the new field's null, as the foreign writer puts it.
            let foreign = decoder.decode(&[&[0, 0, 0, 0, 0], &bytes[..], &[0]].concat());
            if let Ok(value) = avro::from_slice::<T>(&bytes) {
                prop_assert_eq!(foreign.as_ref(), Ok(&value), "rewritten, it reads otherwise");
                let again = avro::from_slice::<T>(&avro::to_vec(&value).unwrap());
                prop_assert_eq!(again, Ok(value));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn damaged_records_are_refused_or_read_the_same_on_every_path() {
    for_every_type!(check);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invented_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let decoded = Decoder::<LeadEvent>::new().decode(&bytes);
        let headless = matches!(Frame::of(&bytes), Frame::Json(_) | Frame::Unknown);
        prop_assert_eq!(decoded == Err(DecodeError::NotAvro), headless);
        if let Ok(event) = avro::from_slice::<LeadEvent>(&bytes) {
            prop_assert_eq!(peek_stamp(&bytes), Some(event.stamp));
        }
    }
}
