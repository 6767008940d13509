//! The codec against bytes worked out by hand from the Avro specification.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Empty {}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(i32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Suit {
    Hearts,
    Spades,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Branch {
    Empty(Empty),
    Number(i64),
    List(Vec<String>),
    Record { flag: bool, text: Option<String> },
}

#[expect(clippy::needless_pass_by_value, reason = "reads as value, bytes")]
fn holds<'a, T: Serialize + Deserialize<'a> + PartialEq + std::fmt::Debug>(value: T, bytes: &'a [u8]) {
    assert_eq!(to_vec(&value).unwrap(), bytes, "{value:?}");
    assert_eq!(from_slice::<T>(bytes).unwrap(), value);
}

#[test]
fn numbers_are_zigzag_and_variable_in_length() {
    holds(0_i64, &[0]);
    holds(-1_i64, &[1]);
    holds(1_i64, &[2]);
    holds(-64_i32, &[0x7f]);
    holds(64_i32, &[0x80, 0x01]);
    holds(i32::MIN, &[0xff, 0xff, 0xff, 0xff, 0x0f]);
    holds(i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    holds(i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
}

#[test]
fn each_kind_of_type_has_the_avro_form_of_its_kind() {
    holds(true, &[1]);
    holds("é", &[4, 0xc3, 0xa9]);
    holds(Some(Wrapped(3)), &[2, 6]);
    holds(None::<String>, &[0]);
    holds(Suit::Spades, &[2]);
    holds(Empty {}, &[]);
    holds(vec![Suit::Hearts, Suit::Spades], &[4, 0, 2, 0]);
    holds(Vec::<i64>::new(), &[0]);
    holds(BTreeMap::from([("a".to_owned(), 1_i32), ("b".to_owned(), -1)]), &[4, 2, b'a', 2, 2, b'b', 1, 0]);
    holds(Branch::Empty(Empty {}), &[0]);
    holds(Branch::Number(-2), &[2, 3]);
    holds(Branch::List(vec!["x".into()]), &[4, 2, 2, b'x', 0]);
    holds(Branch::Record { flag: true, text: Some("y".into()) }, &[6, 1, 2, 2, b'y']);
}

#[test]
fn arrays_may_come_in_several_blocks_with_and_without_their_size() {
    // Two items; then, with the block's size in bytes, one more; then the end.
    assert_eq!(from_slice::<Vec<i64>>(&[4, 2, 4, 1, 2, 6, 0]).unwrap(), [1, 2, 3]);
    let map = from_slice::<BTreeMap<String, i64>>(&[1, 6, 2, b'a', 2, 2, 2, b'b', 4, 0]).unwrap();
    assert_eq!(map, BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
}

#[test]
fn a_string_can_be_borrowed_from_the_record() {
    let bytes = [4, b'h', b'i'];
    assert!(std::ptr::eq(from_slice::<&str>(&bytes).unwrap().as_bytes(), &raw const bytes[1..]));
}

#[test]
fn bytes_that_do_not_fit_the_type_say_what_is_wrong() {
    assert_eq!(from_slice::<i64>(&[]), Err(Error::Short));
    assert_eq!(from_slice::<i64>(&[0x80]), Err(Error::Short));
    assert_eq!(from_slice::<i64>(&[2, 9, 9]), Err(Error::Trailing(2)));
    assert_eq!(from_slice::<i64>(&[0xff; 11]), Err(Error::LongVarint));
    assert_eq!(from_slice::<i64>(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), Err(Error::LongVarint));
    assert_eq!(from_slice::<i32>(&[0x80, 0x80, 0x80, 0x80, 0x10]), Err(Error::NotAnInt(1 << 31)));
    assert_eq!(from_slice::<bool>(&[2]), Err(Error::NotABool(2)));
    assert_eq!(from_slice::<String>(&[2, 0xff]), Err(Error::NotUtf8));
    assert_eq!(from_slice::<String>(&[4, b'a']), Err(Error::BadLength(2)));
    assert_eq!(from_slice::<String>(&[1]), Err(Error::BadLength(-1)));
    assert_eq!(from_slice::<Suit>(&[4]), Err(Error::NoBranch { index: 2, of: 2 }));
    assert_eq!(from_slice::<Branch>(&[1]), Err(Error::NoBranch { index: -1, of: 4 }));
    assert_eq!(from_slice::<Option<i64>>(&[4, 0]), Err(Error::NoBranch { index: 2, of: 2 }));
}

#[test]
fn a_count_beyond_the_record_is_refused_before_anything_is_reserved() {
    let many = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 0];
    assert_eq!(from_slice::<Vec<i64>>(&many), Err(Error::BadLength(i64::MAX)));
    let fewest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 0];
    assert_eq!(from_slice::<Vec<i64>>(&fewest), Err(Error::BadLength(i64::MIN)));
}

#[test]
fn items_that_take_no_bytes_are_refused_both_ways() {
    assert_eq!(from_slice::<Vec<Empty>>(&[4, 0, 0, 0]), Err(Error::EmptyItems));
    assert_eq!(to_vec(&vec![Empty {}]), Err(Error::EmptyItems));
    holds(Vec::<Empty>::new(), &[0]);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Link {
    next: Option<Box<Link>>,
}

#[test]
fn nesting_ends_at_the_limit_however_long_the_input() {
    let linked = |links: usize| from_slice::<Link>(&[vec![2; links], vec![0]].concat());
    assert!(linked(15).unwrap().next.is_some());
    assert_eq!(linked(16), Err(Error::TooDeep));
    assert_eq!(linked(1_000_000), Err(Error::TooDeep));
}

#[test]
fn what_avro_cannot_say_the_same_way_twice_is_refused() {
    let refusal = |refused: Result<Vec<u8>, Error>| matches!(refused, Err(Error::Unsupported(_)));
    assert!(refusal(to_vec(&1.5_f64)));
    assert!(refusal(to_vec(&1_u64)));
    assert!(refusal(to_vec(&(1_i64, 2_i64))));
    assert!(refusal(to_vec(&'x')));
    assert!(refusal(to_vec(&BTreeMap::from([(1_i64, true)]))));
    assert!(matches!(from_slice::<(i64, i64)>(&[2, 2]), Err(Error::Unsupported(_))));
    assert!(matches!(from_slice::<f64>(&[0; 8]), Err(Error::Unsupported(_))));
}

#[test]
fn a_failed_encoding_leaves_the_buffer_as_it_was() {
    let mut out = vec![7];
    assert!(encode_into(&Some(vec![Some(1.0_f32)]), &mut out).is_err());
    assert_eq!(out, [7]);
}
