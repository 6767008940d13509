//! `baton dlq show`: one dead letter, all of it.
//!
//! Holds: nothing of it is left out; what is not text is shown as bytes; nothing a stranger wrote
//! moves the cursor.

use std::fmt::Write as _;

use baton_kafka::headers_of;
use baton_kafka::rdkafka::Offset;
use baton_kafka::rdkafka::message::{BorrowedMessage, Message};
use serde_json::Value;

use super::list::plain;
use super::{Desk, Letter, Place, print};
use crate::Failure;
use crate::tap::{Kind, Nouns, schemas};

/// What to show.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its number, as `baton dlq list` shows it
    #[arg(value_name = "NUMBER")]
    place: Place,
}

/// Shows a dead letter.
pub(super) fn run(args: &Args, desk: &Desk<'_>) -> Result<(), Failure> {
    let wanted = args.place;
    let mut said = None;
    if wanted.partition < desk.ground.partitions(&desk.topic) {
        let start = [(wanted.partition, Offset::Offset(wanted.offset))];
        desk.read(&desk.topic, &start, |record| {
            if record.offset() == wanted.offset {
                said = Some(describe(record, desk));
            }
            Ok(false)
        })?;
    }
    match said {
        Some(text) => print(&text),
        None => Err(super::choice::no_such(&[wanted], &desk.topic)),
    }
}

fn describe(record: &BorrowedMessage<'_>, desk: &Desk<'_>) -> String {
    let mut text = String::from("headers\n");
    for (name, value) in headers_of(record) {
        let value = value.map_or_else(|| "(absent)".to_owned(), |value| in_line(&value));
        writeln!(text, "  {}: {value}", in_line(&name)).ok();
    }
    let key = record.key().map_or_else(|| "(absent)".to_owned(), in_line);
    writeln!(text, "key\n  {key}\nvalue").ok();
    let kind = Letter::of(record).and_then(|letter| Kind::of(&desk.ground.topology, &letter.origin.topic));
    match record.payload() {
        None => text.push_str("  (absent)\n"),
        Some(value) => body(&mut text, value, kind.unwrap_or(Kind::Source), desk),
    }
    text
}

/// JSON on many lines, Avro as JSON, else the bytes.
fn body(text: &mut String, value: &[u8], kind: Kind, desk: &Desk<'_>) {
    if let Ok(json) = serde_json::from_slice::<Value>(value) {
        return indent(text, &serde_json::to_string_pretty(&json).unwrap_or_default());
    }
    let read = Nouns::new(&schemas(desk.settings)).json(kind, value);
    if let Ok(Some(json)) = &read
        && let Ok(json) = serde_json::from_str::<Value>(json.get())
    {
        writeln!(text, "  (Avro, {} bytes)", value.len()).ok();
        return indent(text, &serde_json::to_string_pretty(&json).unwrap_or_default());
    }
    match str::from_utf8(value) {
        Ok(words) => indent(text, words),
        Err(_) => hex(text, value),
    }
}

fn indent(text: &mut String, words: &str) {
    for line in words.lines() {
        writeln!(text, "  {}", plain(line)).ok();
    }
}

fn in_line(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(words) => plain(words),
        Err(_) => bytes.iter().fold("0x".to_owned(), |mut hex, byte| {
            write!(hex, "{byte:02x}").ok();
            hex
        }),
    }
}

/// Sixteen bytes a line: where, the bytes, and what of them is text.
fn hex(text: &mut String, value: &[u8]) {
    for (number, chunk) in value.chunks(16).enumerate() {
        let bytes: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' };
        let letters: String = chunk.iter().map(shown).collect();
        writeln!(text, "  {:08x}  {:<47}  {letters}", number * 16, bytes.join(" ")).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_shown_as_bytes() {
        let mut text = String::new();
        hex(&mut text, b"abc\x00\xff0123456789xyz");
        assert_eq!(
            text,
            "  00000000  61 62 63 00 ff 30 31 32 33 34 35 36 37 38 39 78  abc..0123456789x\n  00000010  79 7a                                            yz\n"
        );
        assert_eq!(in_line(b"\xffa"), "0xff61");
        assert_eq!(in_line(b"a\x1bb"), "a\u{fffd}b");
    }
}
