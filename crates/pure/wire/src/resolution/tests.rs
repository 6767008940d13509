//! Resolution against small schemas, each rule with its bytes.

use apache_avro::Schema;

use super::*;

fn schema(json: &str) -> Schema {
    Schema::parse_str(json).unwrap()
}

/// A record with these fields.
fn record(fields: &str) -> Schema {
    schema(&format!(r#"{{"type": "record", "name": "R", "fields": [{fields}]}}"#))
}

fn plan(writer: &str, reader: &str) -> Result<Resolution, BadSchema> {
    Resolution::new(&record(writer), &record(reader))
}

fn rewritten(writer: &str, reader: &str, body: &[u8]) -> Vec<u8> {
    plan(writer, reader).unwrap().rewrite(body).unwrap()
}

const A: &str = r#"{"name": "a", "type": "long"}"#;
const B: &str = r#"{"name": "b", "type": "string"}"#;

#[test]
fn fields_find_each_other_by_name() {
    assert_eq!(rewritten(&format!("{B},{A}"), &format!("{A},{B}"), &[2, b'x', 8]), [8, 2, b'x']);
}

#[test]
fn a_field_we_lack_is_skipped_whatever_its_type() {
    let extra = r#"{"name": "x", "type": ["null", {"type": "map", "values": "double"}]},
        {"name": "y", "type": {"type": "fixed", "name": "F", "size": 3}}, {"name": "z", "type": "float"},"#;
    let body = [2, 2, 2, b'k', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 8];
    assert_eq!(rewritten(&format!("{extra}{A}"), A, &body), [8]);
}

#[test]
fn a_field_the_writer_lacks_takes_our_default() {
    let defaults = [
        (r#""type": ["null", "string"], "default": null"#, &[0][..]),
        (r#""type": "boolean", "default": true"#, &[1]),
        (r#""type": "long", "default": -2"#, &[3]),
        (r#""type": "string", "default": "hi""#, &[4, b'h', b'i']),
        (r#""type": {"type": "array", "items": "int"}, "default": []"#, &[0]),
        (r#""type": {"type": "enum", "name": "E", "symbols": ["p", "q"]}, "default": "q""#, &[2]),
    ];
    for (field, bytes) in defaults {
        let reader = format!(r#"{A},{{"name": "new", {field}}}"#);
        assert_eq!(rewritten(A, &reader, &[8]), [&[8], bytes].concat(), "{field}");
    }
    let refusal = plan(A, &format!("{A},{B}")).unwrap_err();
    assert_eq!(refusal.to_string(), "`b`: the writer lacks it, and it has no default");
}

#[test]
fn an_alias_finds_a_field_under_its_old_name() {
    assert_eq!(rewritten(A, r#"{"name": "n", "aliases": ["a"], "type": "long"}"#, &[8]), [8]);
}

#[test]
fn symbols_go_by_name_and_an_unknown_one_fails_only_its_record() {
    let symbols = |list: &str, default: &str| {
        format!(r#"{{"name": "e", "type": {{"type": "enum", "name": "E", "symbols": [{list}]{default}}}}}"#)
    };
    let strict = plan(&symbols(r#""c", "b", "a""#, ""), &symbols(r#""a", "b""#, "")).unwrap();
    assert_eq!(strict.rewrite(&[4]).unwrap(), [0]);
    assert_eq!(strict.rewrite(&[2]).unwrap(), [2]);
    assert!(matches!(strict.rewrite(&[0]), Err(Error::Custom(_))));
    assert_eq!(strict.rewrite(&[6]), Err(Error::NoBranch { index: 3, of: 3 }));
    let lenient = plan(&symbols(r#""c""#, ""), &symbols(r#""a", "b""#, r#", "default": "b""#)).unwrap();
    assert_eq!(lenient.rewrite(&[0]).unwrap(), [2]);
}

#[test]
fn a_branch_goes_by_its_name_even_where_another_would_fit() {
    let empty = r#"{"type": "record", "name": "Tick", "fields": []}"#;
    let full = |extra: &str| format!(r#"{{"type": "record", "name": "Full", "fields": [{A}{extra}]}}"#);
    let writer = format!(r#"{{"name": "u", "type": [{}, {empty}]}}"#, full(&format!(", {B}")));
    let reader = format!(r#"{{"name": "u", "type": [{empty}, {}]}}"#, full(""));
    let plan = plan(&writer, &reader).unwrap();
    assert_eq!(plan.rewrite(&[0, 8, 2, b'x']).unwrap(), [2, 8]);
    assert_eq!(plan.rewrite(&[2]).unwrap(), [0]);
}

#[test]
fn unions_and_plain_types_pass_into_each_other() {
    let field = |schema: &str| format!(r#"{{"name": "a", "type": {schema}}}"#);
    assert_eq!(rewritten(A, &field(r#"["null", "long"]"#), &[8]), [2, 8]);
    assert_eq!(rewritten(&field(r#""int""#), &field(r#"["null", "long"]"#), &[8]), [2, 8]);
    assert_eq!(rewritten(&field(r#""bytes""#), &field(r#""string""#), &[2, b'x']), [2, b'x']);
    let narrowing = plan(&field(r#"["null", "long"]"#), A).unwrap();
    assert_eq!(narrowing.rewrite(&[2, 8]).unwrap(), [8]);
    assert!(matches!(narrowing.rewrite(&[0]), Err(Error::Custom(_))));
}

#[test]
fn arrays_keep_their_blocks_and_lose_their_sizes() {
    let array = |item: &str| format!(r#"{{"name": "l", "type": {{"type": "array", "items": {item}}}}}"#);
    assert_eq!(rewritten(&array(r#""int""#), &array(r#""long""#), &[1, 2, 6, 2, 8, 0]), [2, 6, 2, 8, 0]);
}

#[test]
fn types_that_do_not_become_each_other_are_refused_with_the_place() {
    let inner = |kind: &str| {
        format!(
            r#"{{"name": "o", "type": {{"type": "record", "name": "I", "fields": [{{"name": "t", "type": {kind}}}]}}}}"#
        )
    };
    let time = |unit: &str| inner(&format!(r#"{{"type": "long", "logicalType": "timestamp-{unit}"}}"#));
    let refused = |writer: &str, reader: &str| plan(writer, reader).unwrap_err().to_string();
    assert_eq!(refused(&inner(r#""string""#), &inner(r#""long""#)), "`o.t`: the writer has a string, we read a long");
    assert_eq!(refused(&inner(r#""long""#), &inner(r#""int""#)), "`o.t`: the writer has a long, we read an int");
    assert_eq!(refused(&time("millis"), &time("micros")), "`o.t`: the writer counts time in another unit");
    assert!(plan(&inner(r#""long""#), &time("micros")).is_ok());
    let other = schema(r#"{"type": "record", "name": "Other", "fields": []}"#);
    assert!(matches!(Resolution::new(&other, &record("")), Err(BadSchema::Incompatible { .. })));
}

#[test]
fn a_type_within_itself_is_refused() {
    let writer = record(r#"{"name": "next", "type": ["null", "R"]}"#);
    assert_eq!(Resolution::new(&writer, &record("")), Err(BadSchema::Recursive("R".into())));
}

#[test]
fn items_that_take_no_bytes_are_refused_even_in_fields_we_skip() {
    for item in [
        r#""null""#,
        r#"{"type": "record", "name": "E", "fields": [{"name": "n", "type": "null"}]}"#,
        r#"{"type": "fixed", "name": "F", "size": 0}"#,
    ] {
        for of in [
            format!(r#"{{"type": "array", "items": {item}}}"#),
            format!(r#"{{"type": "map", "values": {{"type": "array", "items": {item}}}}}"#),
        ] {
            let refused = plan(&format!(r#"{{"name": "l", "type": {of}}},{A}"#), A);
            assert_eq!(refused, Err(BadSchema::EmptyItems), "{of}");
        }
    }
}

#[test]
fn a_schema_that_unfolds_without_end_is_refused() {
    // Twenty records, each twice the one before: 2^20 parts.
    let mut nested = r#"{"type": "record", "name": "N0", "fields": []}"#.to_owned();
    for n in 1..=20 {
        nested = format!(
            r#"{{"type": "record", "name": "N{n}", "fields": [{{"name": "a", "type": {nested}}},
                {{"name": "b", "type": "N{}"}}]}}"#,
            n - 1
        );
    }
    let refused = Resolution::new(&record(&format!(r#"{{"name": "n", "type": {nested}}}"#)), &record(""));
    assert_eq!(refused, Err(BadSchema::TooLarge));
    let deep = (0..40).fold(r#""int""#.to_owned(), |of, _| format!(r#"{{"type": "array", "items": {of}}}"#));
    let refused = Resolution::new(&record(&format!(r#"{{"name": "n", "type": {deep}}}"#)), &record(""));
    assert_eq!(refused, Err(BadSchema::TooLarge));
}

#[test]
fn a_rewrite_accounts_for_every_byte() {
    let plan = plan(A, A).unwrap();
    assert_eq!(plan.rewrite(&[8, 8]), Err(Error::Trailing(1)));
    assert_eq!(plan.rewrite(&[]), Err(Error::Short));
}

/// What a schema may become: (the step, before, after, and bodies with what the other side reads; `None` where
/// that side cannot).
type Step<'a> = (&'a str, String, String, (&'a [u8], &'a [u8]), Option<(&'a [u8], &'a [u8])>);

#[test]
fn the_six_steps_that_a_schema_may_take_are_read_by_the_side_that_comes_later() {
    let field = |name: &str, rest: &str| format!(r#"{{"name": "{name}", {rest}}}"#);
    let kind = |symbols: &str| {
        field("e", &format!(r#""type": {{"type": "enum", "name": "E", "symbols": [{symbols}], "default": "p"}}"#))
    };
    let more = field("n", r#""type": "string", "default": "hi""#);
    let optional = field("o", r#""type": ["null", "long"], "default": null"#);
    let steps: [Step<'_>; 6] = [
        (
            "a field more, with a default",
            A.into(),
            format!("{A},{more}"),
            (&[8], &[8, 4, b'h', b'i']),
            Some((&[8, 2, b'x'], &[8])),
        ),
        ("an optional field less", format!("{A},{optional}"), A.into(), (&[8, 2, 6], &[8]), Some((&[8], &[8, 0]))),
        ("int becomes long", field("a", r#""type": "int""#), A.into(), (&[8], &[8]), None),
        (
            "another name, the old as alias",
            A.into(),
            field("z", r#""aliases": ["a"], "type": "long""#),
            (&[8], &[8]),
            None,
        ),
        (
            "a symbol more, with a default",
            kind(r#""p", "q""#),
            kind(r#""p", "q", "r""#),
            (&[2], &[2]),
            Some((&[4], &[0])),
        ),
        (
            "another order",
            format!("{A},{B}"),
            format!("{B},{A}"),
            (&[8, 2, b'x'], &[2, b'x', 8]),
            Some((&[2, b'x', 8], &[8, 2, b'x'])),
        ),
    ];
    for (step, before, after, (written, read), back) in steps {
        assert_eq!(rewritten(&before, &after, written), read, "{step}: the later side reads the earlier");
        match back {
            Some((written, read)) => assert_eq!(rewritten(&after, &before, written), read, "{step}: and the other way"),
            None => assert!(plan(&after, &before).is_err(), "{step}: the earlier side refuses the later, and says so"),
        }
    }
}
