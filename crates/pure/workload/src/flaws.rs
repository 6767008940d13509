//! What goes wrong on the way: late lines, lines sent twice, and records that are broken.
//!
//! Holds: a hand-raise, a form and what sales does are never late, so that a sample's promises
//! are judged on their merits; a line sent again differs from the first in `receivedAt` alone.

use baton_domain::Millis;

use crate::line::{Line, rfc3339};
use crate::random::Random;

/// Makes some lines late by hours (a phone without network) and sends some again some minutes later
/// (a client that saw no answer).
pub(crate) fn spoil(lines: Vec<Line>, random: &mut Random) -> Vec<Line> {
    let mut spoiled = Vec::with_capacity(lines.len());
    for line in lines {
        let received = line.received();
        let late = may_be_late(&line) && random.below(1_000) < 38;
        let line = if late { line.received_at(received.plus(random.between(2, 18) * Millis::HOUR)) } else { line };
        if matches!(line, Line::Segment(_)) && random.below(1_000) < 22 {
            let again = line.received().plus(random.between(60_000, 6 * Millis::MINUTE));
            spoiled.push(line.clone().received_at(again));
        }
        spoiled.push(line);
    }
    spoiled
}

fn may_be_late(line: &Line) -> bool {
    let Line::Segment(call) = line else { return false };
    match call.r#type {
        "page" => true,
        "track" => !call.properties.contains_key("form_id"),
        _ => false,
    }
}

/// How many broken records a sample has.
pub const BROKEN: usize = 9;

/// A broken record of the given sort, received at `at`; sorts beyond the last give the last.
///
/// In order: cut off in the middle, no message id, nobody's, of an unknown type, dated in
/// seconds, dated 1970, dated in the year 3000 (taken, and moved to the present), of 300 KiB, a list.
pub(crate) fn broken(sort: usize, at: Millis) -> String {
    let at = rfc3339(at);
    let ids = r#""anonymousId":"anon-broken""#;
    let page = r#""properties":{"path":"/pricing"}"#;
    match sort {
        0 => format!(r#"{{"type":"page","messageId":"bad-cut",{ids},"receivedAt":"{at}","properti"#),
        1 => format!(r#"{{"type":"page",{ids},{page},"timestamp":"{at}","receivedAt":"{at}"}}"#),
        2 => format!(
            r#"{{"type":"page","messageId":"bad-nobody","anonymousId":null,{page},"timestamp":"{at}","receivedAt":"{at}"}}"#
        ),
        3 => format!(r#"{{"type":"telepathy","messageId":"bad-type",{ids},"timestamp":"{at}","receivedAt":"{at}"}}"#),
        4 => format!(
            r#"{{"type":"page","messageId":"bad-number",{ids},{page},"timestamp":1788739200,"receivedAt":"{at}"}}"#
        ),
        5 => format!(
            r#"{{"type":"page","messageId":"bad-1970",{ids},{page},"timestamp":"1970-01-21T16:52:19Z","receivedAt":"{at}"}}"#
        ),
        6 => format!(
            r#"{{"type":"page","messageId":"far-future",{ids},{page},"timestamp":"3000-01-01T00:00:00Z","receivedAt":"{at}"}}"#
        ),
        7 => {
            let body = "0123456789abcdef".repeat(300 * 64);
            format!(
                r#"{{"type":"page","messageId":"bad-size",{ids},"properties":{{"path":"/","body":"{body}"}},"timestamp":"{at}","receivedAt":"{at}"}}"#
            )
        }
        _ => format!(r#"[{{"type":"page","messageId":"bad-list",{ids},"timestamp":"{at}","receivedAt":"{at}"}}]"#),
    }
}
