//! Whether a value is as it was wanted.
//!
//! A wanted word is read by what it is compared with: points for points, a time for an instant, a
//! duration for milliseconds, and a word for a word whatever its case (`hand_raise` is `HandRaise`).
//!
//! Holds: nothing is rounded: points agree to their third decimal, instants to their millisecond.

use baton_domain::Points;
use serde_json::Value;

use crate::lines::{duration, rfc3339};
use crate::model::{Want, WantKind};

/// Names of fields that hold micro-points.
const POINTS: [&str; 6] = ["score", "fit", "engagement", "points", "intent", "value"];

/// Where a value differs, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Differs {
    /// Keys on the way to it.
    pub(crate) path: String,
    /// What was wanted, in words.
    pub(crate) wanted: String,
    /// What is there.
    pub(crate) found: String,
    /// Where it stands in the file.
    pub(crate) line: usize,
}

/// Compares the value of the field `name` with what is wanted.
pub(crate) fn compare(name: &str, want: &Want, found: &Value) -> Result<(), Differs> {
    match (&want.kind, found) {
        (WantKind::Word(word), _) => {
            if word_is(name, word, found) {
                Ok(())
            } else {
                Err(differs(name, want, found))
            }
        }
        (WantKind::Parts(parts), Value::Array(items)) => {
            parts.iter().try_for_each(|(key, want)| named(name, key, want, items))
        }
        (WantKind::Parts(parts), _) => parts.iter().try_for_each(|(key, want)| {
            let inner = part(found, key);
            let last = key.rsplit('.').next().unwrap_or(key);
            compare(last, want, inner).map_err(|differs| Differs { path: join(key, &differs.path, last), ..differs })
        }),
        (WantKind::Some(wants), Value::Array(items)) => each(name, wants, items),
        (WantKind::Exactly(wants), Value::Array(items)) if wants.len() == items.len() => each(name, wants, items),
        _ => Err(differs(name, want, found)),
    }
}

fn differs(name: &str, want: &Want, found: &Value) -> Differs {
    Differs { path: name.to_owned(), wanted: told_want(want), found: told(name, found), line: want.line }
}

fn join(key: &str, rest: &str, last: &str) -> String {
    match rest.strip_prefix(last) {
        Some(rest) => format!("{key}{rest}"),
        None => format!("{key}.{rest}"),
    }
}

/// The value at a path of keys with dots between; null where there is none.
pub(crate) fn part<'a>(value: &'a Value, path: &str) -> &'a Value {
    if path.is_empty() {
        return value;
    }
    let whole = value.get(path);
    whole.unwrap_or_else(|| {
        path.split('.').fold(value, |value, key| {
            let inner = match key.parse::<usize>() {
                Ok(index) if value.is_array() => value.get(index),
                _ => value.get(key),
            };
            inner.unwrap_or(&Value::Null)
        })
    })
}

/// Each wanted value is met by one found value of its own.
fn each(name: &str, wants: &[Want], items: &[Value]) -> Result<(), Differs> {
    let mut free: Vec<&Value> = items.iter().collect();
    for want in wants {
        let Some(place) = free.iter().position(|item| compare(name, want, item).is_ok()) else {
            let found: Vec<String> = items.iter().map(|item| told(name, item)).collect();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join("; ") };
            let (path, wanted) = (name.to_owned(), told_want(want));
            return Err(Differs { path, wanted, found, line: want.line });
        };
        free.remove(place);
    }
    Ok(())
}

/// `{ kim: away }` in a list of `{ rep, reason }`, and the like: found by its first name.
fn named(name: &str, key: &str, want: &Want, items: &[Value]) -> Result<(), Differs> {
    let is_called = |item: &&Value| {
        ["rep", "name", "rule", "question", "id"]
            .iter()
            .any(|field| item.get(field).and_then(Value::as_str) == Some(key))
    };
    let found = items.iter().find(is_called);
    let (field, value) = ["reason", "count", "value", "points", "answer"]
        .iter()
        .find_map(|field| Some((*field, found?.get(field)?)))
        .unwrap_or(("", &Value::Null));
    compare(field, want, value).map_err(|differs| Differs { path: format!("{name}.{key}"), ..differs })
}

fn word_is(name: &str, word: &str, found: &Value) -> bool {
    let word = word.trim();
    match (word, found) {
        ("none" | "~" | "null" | "", Value::Array(items)) => return items.is_empty(),
        ("none", Value::String(text)) => return text.is_empty() || text == "none",
        ("some", Value::Null) => return false,
        ("some", Value::Array(items)) => return !items.is_empty(),
        ("some", Value::String(text)) => return !text.is_empty(),
        ("none" | "~" | "null" | "", Value::Null) | ("some", _) => return true,
        _ => {}
    }
    match found {
        Value::Null | Value::Array(_) => false,
        Value::Bool(flag) => word == if *flag { "true" } else { "false" } || word == if *flag { "yes" } else { "no" },
        Value::String(text) => same_word(word, text),
        Value::Number(number) => number.as_i64().is_some_and(|number| number_is(name, word, number)),
        // A variant with what it holds: `{"Text": "DE"}`.
        Value::Object(parts) => match parts.iter().next() {
            Some((_, inner)) if parts.len() == 1 => word_is(name, word, inner),
            _ => false,
        },
    }
}

/// Words agree whatever their case and joints; `*` at an end stands for anything.
fn same_word(word: &str, text: &str) -> bool {
    let plain = |word: &str| -> String { word.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect() };
    let (word, text) = (plain(word), plain(text));
    match (word.strip_prefix('*'), word.strip_suffix('*')) {
        (Some(_), Some(_)) => text.contains(word.trim_matches('*')),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => text == word,
    }
}

/// A number, or a comparison with one: `> 5`, `>= 5`, `< 5`, `<= 5`, `5..7` (both included).
fn number_is(name: &str, word: &str, found: i64) -> bool {
    let is = |test: fn(i64, i64) -> bool, word: &str| {
        reading(name, word.trim(), found).is_some_and(|(wanted, found)| test(found, wanted))
    };
    if let Some((low, high)) = word.split_once("..") {
        return is(|a, b| a >= b, low) && is(|a, b| a <= b, high);
    }
    for (sign, test) in [
        (">=", (|a, b| a >= b) as fn(i64, i64) -> bool),
        ("<=", |a, b| a <= b),
        (">", |a, b| a > b),
        ("<", |a, b| a < b),
    ] {
        if let Some(rest) = word.strip_prefix(sign) {
            return is(test, rest);
        }
    }
    is(|a, b| a == b, word)
}

/// The wanted and the found number in one unit; `None` for a word that is none.
fn reading(name: &str, word: &str, found: i64) -> Option<(i64, i64)> {
    if name.ends_with("_ms")
        && let Some(ms) = duration(word)
    {
        return Some((ms, found));
    }
    if let Ok(time) = word.parse::<jiff::Timestamp>() {
        return Some((time.as_millisecond(), millis(found)));
    }
    if POINTS.contains(&name) && (name != "value" || word.contains('.')) {
        return Some((thousandths(word)?, found / 1_000));
    }
    Some((word.parse().ok()?, found))
}

/// An instant in milliseconds, given in milliseconds or microseconds: those of this age have 13 and 16 digits.
fn millis(found: i64) -> i64 {
    if found.abs() >= 100_000_000_000_000 { found.div_euclid(1_000) } else { found }
}

/// A decimal with up to three places as thousandths.
fn thousandths(word: &str) -> Option<i64> {
    let (sign, digits) = word.strip_prefix('-').map_or((1, word), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<3}").parse().ok()?;
    Some(sign * whole.checked_mul(1_000)?.checked_add(fraction)?)
}

/// A wanted value in words.
pub(crate) fn told_want(want: &Want) -> String {
    let all = |wants: &[Want]| wants.iter().map(told_want).collect::<Vec<_>>().join("; ");
    match &want.kind {
        WantKind::Word(word) => word.clone(),
        WantKind::Some(wants) => all(wants),
        WantKind::Exactly(wants) => format!("exactly {}: {}", wants.len(), all(wants)),
        WantKind::Parts(parts) => {
            let parts: Vec<_> = parts.iter().map(|(key, want)| format!("{key} {}", told_want(want))).collect();
            parts.join(", ")
        }
    }
}

/// A found value in the words in which it would be wanted.
pub(crate) fn told(name: &str, found: &Value) -> String {
    match found {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_i64() {
            Some(n) if POINTS.contains(&name) => Points(n).to_string(),
            Some(n) if n.abs() >= 1_000_000_000_000 => rfc3339(baton_domain::Millis(millis(n))),
            _ => number.to_string(),
        },
        Value::Bool(flag) => flag.to_string(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| told(name, item)).collect();
            if items.is_empty() { "nothing".to_owned() } else { items.join("; ") }
        }
        Value::Object(parts) => {
            let parts: Vec<_> = parts.iter().map(|(key, part)| format!("{key} {}", told(key, part))).collect();
            parts.join(", ")
        }
    }
}
