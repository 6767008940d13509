//! What the sequencer makes of `reps.state`, where it is told what is so of each rep.
//!
//! Holds: what comes out can be used by the policy in force; a telling with a mistake is refused whole,
//! with everything that is wrong with it.

use std::rc::Rc;

use baton_domain::{Millis, Reason, RepState, RosterEvent, RosterInput, Stamp, Tick};
use baton_engine::Incoming;
use baton_policy::{Policy, check_rep, read_rep};
use baton_wire::Frame;
use serde::Deserialize;

use crate::codec::{Codec, Schemas};

/// Largest telling as JSON, in bytes: the longest lists of the longest words fit.
const MOST_BYTES: usize = 128 * 1024;
/// Longest account of what is wrong, in bytes: it travels in a header.
const MOST_DETAIL: usize = 8 * 1024;

/// Reads tellings and writes them into the history.
pub(crate) struct Roster {
    told: Codec<RepState>,
    events: Codec<RosterEvent>,
}

impl Roster {
    pub(crate) fn new(schemas: &Rc<dyn Schemas>) -> Self {
        Self { told: Codec::new(schemas), events: Codec::new(schemas) }
    }

    /// What is told, if `policy` can use it.
    pub(crate) fn read(&mut self, record: &Incoming<'_>, policy: &Policy) -> Result<RepState, (Reason, String)> {
        let value = record.value.unwrap_or_default();
        match Frame::of(value) {
            Frame::Json(json) if json.len() > MOST_BYTES => {
                Err((Reason::Limits, format!("the record is longer in bytes than {MOST_BYTES}")))
            }
            Frame::Json(json) => {
                let text = core::str::from_utf8(json).map_err(|_| (Reason::Decode, "not UTF-8".to_owned()))?;
                let problems = |problems: Vec<baton_policy::Problem>| refused(problems.iter().map(ToString::to_string));
                read_rep("reps.state", text, policy).map_err(problems)
            }
            Frame::Confluent { .. } | Frame::Single { .. } => {
                let mut state = self.told.decode(value)?;
                let wrong = check_rep(policy, &state);
                if !wrong.is_empty() {
                    return Err(refused(wrong.into_iter().map(|(field, message)| format!("{field}: {message}"))));
                }
                if let Some(away) = &mut state.away {
                    away.sort_unstable();
                }
                Ok(state)
            }
            Frame::Unknown => Err((Reason::Decode, "neither JSON nor Avro with a schema id or fingerprint".to_owned())),
        }
    }

    /// The bytes of a telling in its place.
    pub(crate) fn event(&self, stamp: Stamp, state: RepState, out: &mut Vec<u8>) {
        self.events.encode(&RosterEvent { stamp, input: RosterInput::Rep(Box::new(state)) }, out);
    }

    /// The bytes of nothing but time.
    pub(crate) fn tick(&self, stamp: Stamp, out: &mut Vec<u8>) {
        self.events.encode(&RosterEvent { stamp, input: RosterInput::Tick(Tick {}) }, out);
    }
}

/// When a telling says that it was told, where no clock drives the log.
pub(crate) fn told_at(value: &[u8]) -> Option<Millis> {
    #[derive(Deserialize)]
    struct Told {
        updated_at: Option<Instant>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Instant {
        Millis(i64),
        Text(String),
    }
    let Frame::Json(json) = Frame::of(value) else { return None };
    match serde_json::from_slice::<Told>(json).ok()?.updated_at? {
        Instant::Millis(ms) => Some(Millis(ms)),
        Instant::Text(text) => text.parse::<jiff::Timestamp>().ok().map(|at| Millis(at.as_millisecond())),
    }
}

fn refused(reasons: impl Iterator<Item = String>) -> (Reason, String) {
    let mut detail = reasons.collect::<Vec<_>>().join("; ");
    detail.truncate(detail.floor_char_boundary(MOST_DETAIL));
    (Reason::Decode, detail)
}
