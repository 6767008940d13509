//! The mark of a replayed record: written with it in one transaction, so that neither is there without the other.

use serde::Serialize;

use super::letter::Letter;

/// What a mark says, for people: the key alone decides.
#[derive(Debug, Serialize)]
pub(super) struct Mark<'a> {
    /// The dead letter that was replayed.
    pub(super) dead_letter: String,
    pub(super) reason: &'a str,
    /// How often the record has been replayed with this.
    pub(super) replay: u32,
}

impl<'a> Mark<'a> {
    pub(super) fn of(letter: &'a Letter) -> Self {
        Self { dead_letter: letter.place.to_string(), reason: &letter.reason, replay: letter.replays.saturating_add(1) }
    }

    /// One line of JSON.
    pub(super) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
