//! The trace that a record belongs to, as the header `traceparent` of W3C Trace Context says it, and how it goes on
//! to what the record leads to.
//!
//! Holds: what a stage does with a record is one span, and its id follows from the stage, the record's place in
//! time and its headers, so that every replay gives the same; nothing is decided, kept or counted by it.
//!
//! Absent on purpose: `tracestate`, which W3C allows to be dropped; a trace for what time alone leads to.

use baton_domain::LogTime;
use xxhash_rust::xxh3::Xxh3;

use crate::processor::Incoming;

/// The header's name.
pub const TRACEPARENT: &str = "traceparent";

/// The flags that are passed on: sampled, and that the trace's id is random. W3C wants all others cleared.
const FLAGS: u8 = 0b11;
const SAMPLED: u8 = 1;
/// `00-` trace id `-` span id `-` flags.
const LENGTH: usize = 55;

/// What a valid `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: u128,
    /// The span that the record comes from.
    pub span_id: u64,
    /// Flags.
    pub flags: u8,
}

/// The span of a record that is being judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What its header says.
    pub parent: TraceContext,
    /// What the headers of its outcomes say: the same trace, the span of this stage.
    pub own: TraceContext,
}

impl TraceContext {
    /// Reads a header's value; `None` when it is not valid.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_at_checked(LENGTH)?;
        let &[v1, v2, b'-', ref trace @ .., b'-', f1, f2] = head else { return None };
        let version = hex(&[v1, v2])?;
        // A later version may say more, behind another dash; version 0 says no more and 255 is no version.
        let ends = rest.is_empty() || (version > 0 && rest.starts_with(b"-"));
        if !ends || version == 0xff || trace.get(32) != Some(&b'-') {
            return None;
        }
        let trace_id = hex(trace.get(..32)?)?;
        let span_id = u64::try_from(hex(trace.get(33..)?)?).ok()?;
        let flags = u8::try_from(hex(&[f1, f2])?).ok()? & FLAGS;
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id, flags })
    }

    /// The value of the header.
    pub fn text(&self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }

    /// Whether who began the trace wants its spans to be recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl Trace {
    /// The span of what `stage` does at `at` with a record, if it has exactly one valid header.
    pub(crate) fn of(record: &Incoming<'_>, stage: &str, at: LogTime) -> Option<Self> {
        let (mut found, mut count) = (None, 0_usize);
        record.headers.each(&mut |name, value| {
            if name == TRACEPARENT.as_bytes() {
                count += 1;
                found = value.and_then(TraceContext::parse);
            }
        });
        let parent = found.filter(|_| count == 1)?;
        Some(Self { parent, own: TraceContext { span_id: span_id(record, stage, at), ..parent } })
    }
}

/// A source's record has its instant alone; one of another consumer's has an id of its own among its headers.
fn span_id(record: &Incoming<'_>, stage: &str, at: LogTime) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(stage.as_bytes());
    hash.update(&at.0.to_le_bytes());
    record.headers.each(&mut |name, value| {
        hash.update(name);
        hash.update(b"\0");
        hash.update(value.unwrap_or_default());
        hash.update(b"\0");
    });
    // No span has the id 0.
    hash.digest().max(1)
}

/// A number in lowercase digits, as W3C wants them.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use baton_domain::Millis;

    use super::*;

    /// The example of the specification.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), Some(value.as_bytes().to_vec()))).collect()
    }

    fn of(headers: &Headers, stage: &str, at: i64) -> Option<Trace> {
        let record =
            Incoming { input: 0, partition: 0, offset: 0, appended: Millis(0), key: None, value: None, headers };
        Trace::of(&record, stage, LogTime(at))
    }

    #[test]
    fn a_valid_header_is_read_and_written_again() {
        let context = TraceContext::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(context.trace_id, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(context.span_id, 0x00f0_67aa_0ba9_02b7);
        assert!(context.is_sampled());
        assert_eq!(context.text(), EXAMPLE);
        assert!(!TraceContext::parse(EXAMPLE.replace("-01", "-02").as_bytes()).unwrap().is_sampled());
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known_and_unknown_flags_are_cleared() {
        let later = EXAMPLE.replacen("00", "cc", 1).replace("-01", "-f5");
        for later in [later.clone(), format!("{later}-what-comes")] {
            assert_eq!(TraceContext::parse(later.as_bytes()).unwrap().text(), EXAMPLE);
        }
    }

    #[test]
    fn what_is_not_valid_is_ignored() {
        let zeros = "0".repeat(32);
        let bad = [
            String::new(),
            EXAMPLE[..54].to_owned(),
            format!("{EXAMPLE}-more"),
            EXAMPLE.replacen("00", "ff", 1),
            format!("{}.more", EXAMPLE.replacen("00", "01", 1)),
            EXAMPLE.to_uppercase(),
            EXAMPLE.replace('-', "_"),
            EXAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zeros),
            EXAMPLE.replace("00f067aa0ba902b7", &zeros[..16]),
            EXAMPLE.replace("4bf9", "xbf9"),
            EXAMPLE.replace("-01", "-0g"),
            "00-4bf92f3577b34da6a3ce929d0e0e473600-f067aa0ba902b7-01".to_owned(),
        ];
        for bad in bad {
            assert_eq!(TraceContext::parse(bad.as_bytes()), None, "{bad}");
            assert_eq!(of(&headers(&[(TRACEPARENT, &bad)]), "score", 1), None, "{bad}");
        }
        assert_eq!(of(&headers(&[(TRACEPARENT, EXAMPLE), (TRACEPARENT, EXAMPLE)]), "score", 1), None, "which of two?");
        assert_eq!(of(&vec![(TRACEPARENT.into(), None)], "score", 1), None);
        assert_eq!(of(&headers(&[("tracestate", EXAMPLE)]), "score", 1), None);
    }

    #[test]
    fn a_span_is_told_from_every_other_and_is_the_same_on_every_replay() {
        let span = |stage, at, id| {
            let trace = of(&headers(&[("ce_id", id), (TRACEPARENT, EXAMPLE)]), stage, at).unwrap();
            assert_eq!(trace.parent.text(), EXAMPLE);
            assert_eq!((trace.own.trace_id, trace.own.flags), (trace.parent.trace_id, trace.parent.flags));
            trace.own.span_id
        };
        let all = [span("score", 1, "a"), span("route", 1, "a"), span("score", 2, "a"), span("score", 1, "b")];
        let told: std::collections::BTreeSet<_> = all.into_iter().collect();
        assert_eq!(told.len(), all.len());
        // Fixed: other releases must come to the same, or their replays would differ.
        assert_eq!(format!("{:016x}", span("score", 1, "a")), "4a9863c5a02bf24d");
    }
}
