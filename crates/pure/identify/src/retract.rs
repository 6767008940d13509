//! Takes an event back: finds the lead in whose history it stands, or remembers it until it comes.
//!
//! Holds: an event is taken back at most once while it is remembered. One that was taken back before it
//! came is dropped when it comes. A retraction is never taken back itself: the source sends the event
//! again, under another id.
//!
//! Absent on purpose: ids. What the event linked stays linked: two histories are not cut apart again.

use baton_domain::{LogTime, RawEvent, Reason, Retraction};
use baton_policy::Identity;

use crate::claim::claims;
use crate::resolve::{Resolution, known_lead};
use crate::row::{NOBODY, seen_key};
use crate::step::{Sequenced, forgotten_at, say};
use crate::{Directory, Row};

/// Sequences a retraction at `at`; `raw` is the message, `retraction` what it says.
///
/// Outcomes: `retracted` (told to the lead), `retracted_ahead` (the event has not come, or so long ago that
/// it is no longer remembered, and the message names nobody who is known), `retracted_before`.
pub(crate) fn retract(
    policy: &Identity,
    dir: &mut impl Directory,
    at: LogTime,
    origin: &str,
    raw: RawEvent,
    retraction: &Retraction,
) -> Sequenced {
    let target = seen_key(&retraction.event_id);
    let forget = Some(forgotten_at(policy, at));
    let lead_id = match dir.get(&target) {
        Some(Row::Seen { lead_id, .. }) if lead_id == NOBODY => {
            return Sequenced::rejected(Reason::UnknownKind, "retracts names a retraction", at);
        }
        Some(Row::Seen { retracted: true, .. } | Row::Retracted) => {
            return Sequenced::nothing("retracted_before", at);
        }
        Some(Row::Seen { content, lead_id, .. }) => {
            dir.put(&target, Some(Row::Seen { content, lead_id: lead_id.clone(), retracted: true }), forget);
            Some(lead_id)
        }
        _ => {
            let Ok(claims) = claims(policy, dir, &raw.ids) else {
                return Sequenced::rejected(Reason::MissingId, "unknown lead", at);
            };
            dir.put(&target, Some(Row::Retracted), forget);
            known_lead(dir, &claims)
        }
    };
    match lead_id {
        Some(lead_id) => {
            let resolution = Resolution { lead_id, links: Vec::new(), clash: false, overflow: false };
            Sequenced { outcome: "retracted", ..say(policy, at, origin, raw, resolution) }
        }
        None => Sequenced::nothing("retracted_ahead", at),
    }
}
