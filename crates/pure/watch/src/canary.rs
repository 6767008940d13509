//! The end of a canary's way: no clock is started for it, and that it came is told.

use baton_domain::{Canary, LogTime, Stamp, WatchInput, is_canary};

use crate::Heard;

/// The canary that has come to the end of the line, if the router sent one.
pub fn canary(heard: &Heard, at: LogTime) -> Option<Canary> {
    let Heard::Clock(WatchInput::HandedOff { lead_id, handoff_id, occurred_at, .. }) = heard else { return None };
    is_canary(lead_id).then(|| Canary {
        stamp: Stamp { at, lane: 0 },
        lead_id: lead_id.clone(),
        event_id: handoff_id.clone(),
        sent_at: *occurred_at,
    })
}
