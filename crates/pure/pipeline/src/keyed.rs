//! Runs a stage on the row of its key.
//!
//! Holds: a state that was kept decoded is used only where the row is, byte for byte, what it was encoded to, so it
//! says what decoding would say, whatever was undone, restored or handed over in between. What is kept is bounded.

use baton_domain::LogTime;
use baton_engine::Ctx;
use baton_stage::{Input, Stage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

/// The version of the layout of state rows; the first byte of each.
pub(crate) const STATE_FORMAT: u8 = 1;
/// States that are kept decoded, each in the one place of its key.
const KEPT: usize = 2_048;
/// A row of more bytes than this is decoded anew each time, so that a few large ones do not fill the memory.
const LONGEST: usize = 16 << 10;

/// The rows of a stage, with the states that were judged last.
pub(crate) struct Keyed<S: Stage> {
    kept: Vec<Option<Box<Kept<S::State>>>>,
    buffer: Vec<u8>,
}

/// A state and its row.
struct Kept<T> {
    row: Vec<u8>,
    state: T,
}

impl<S: Stage> Default for Keyed<S> {
    fn default() -> Self {
        Self { kept: (0..KEPT).map(|_| None).collect(), buffer: Vec::new() }
    }
}

impl<S: Stage> Keyed<S>
where
    S::State: Serialize + DeserializeOwned,
{
    /// Reads the row, steps, writes the row; returns what the stage said.
    pub(crate) fn step(
        &mut self,
        policy: &S::Policy,
        key: &str,
        input: Input<S::Event>,
        ctx: &mut Ctx<'_>,
    ) -> Vec<S::Output> {
        let is_record = matches!(input, Input::Record { .. });
        let place = &mut self.kept[place(key)];
        let (state, mut row) = state_of(ctx.get(key.as_bytes()), place.take());
        let state = match state {
            Ok(state) => state,
            Err(why) => {
                ctx.halt(format!("state of {key}: {why}"));
                return Vec::new();
            }
        };
        let step = S::step(policy, key, state, input);
        match step.state {
            Some(state) => {
                self.buffer.clear();
                encode_into(&state, &mut self.buffer);
                ctx.put(key.as_bytes(), &self.buffer, step.wake);
                if self.buffer.len() <= LONGEST {
                    row.clear();
                    row.extend_from_slice(&self.buffer);
                    *place = Some(Box::new(Kept { row, state }));
                }
            }
            None => ctx.delete(key.as_bytes()),
        }
        if is_record {
            ctx.count(step.outcome);
        }
        step.outputs
    }
}

/// The state of a row, and memory for the next one.
fn state_of<T: DeserializeOwned>(
    row: Option<&[u8]>,
    kept: Option<Box<Kept<T>>>,
) -> (Result<Option<T>, String>, Vec<u8>) {
    match (row, kept) {
        (Some(row), Some(kept)) if kept.row == row => (Ok(Some(kept.state)), kept.row),
        (row, kept) => (row.map(decode).transpose(), kept.map(|kept| kept.row).unwrap_or_default()),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a remainder of a few thousand")]
fn place(key: &str) -> usize {
    (xxh3_64(key.as_bytes()) % KEPT as u64) as usize
}

/// Bytes of a state row.
pub(crate) fn encode<T: Serialize>(state: &T) -> Vec<u8> {
    let mut row = Vec::with_capacity(64);
    encode_into(state, &mut row);
    row
}

/// The same into memory that was used before.
fn encode_into<T: Serialize>(state: &T, row: &mut Vec<u8>) {
    row.push(STATE_FORMAT);
    // Plain data into memory: serialising does not fail.
    *row = postcard::to_extend(state, std::mem::take(row)).unwrap_or_default();
}

/// A state row from bytes.
pub(crate) fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, String> {
    match row {
        [STATE_FORMAT, body @ ..] => postcard::from_bytes(body).map_err(|error| error.to_string()),
        [format, ..] => Err(format!("format {format}, this version reads {STATE_FORMAT}")),
        [] => Err("empty row".to_owned()),
    }
}

/// The key of a row as text. Stage keys are text by construction.
pub(crate) fn text(key: &[u8]) -> &str {
    std::str::from_utf8(key).unwrap_or_default()
}

/// A wake-up as a stage's input.
pub(crate) fn wake<E>(due: LogTime) -> Input<E> {
    Input::Wake { due }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_kept_for_the_row_that_it_was_encoded_to_and_for_no_other() {
        // The state is another one than its row says, to be told apart.
        let kept = || Some(Box::new(Kept { row: encode(&7_u32), state: 8_u32 }));
        assert_eq!(state_of(Some(&encode(&7_u32)), kept()).0, Ok(Some(8)));
        assert_eq!(state_of(Some(&encode(&6_u32)), kept()).0, Ok(Some(6)));
        assert_eq!(state_of(Some(&encode(&7_u32)), None::<Box<Kept<u32>>>).0, Ok(Some(7)));
        assert_eq!(state_of(None, kept()).0, Ok(None));
        assert!(state_of(Some(b""), kept()).0.is_err());
    }

    #[test]
    fn a_row_in_another_format_is_named_and_never_guessed_at() {
        assert_eq!(decode::<u32>(&encode(&7_u32)), Ok(7));
        assert_eq!(decode::<u32>(b"\x7f\x07").unwrap_err(), "format 127, this version reads 1");
        assert_eq!(decode::<u32>(b"").unwrap_err(), "empty row");
        assert!(decode::<u32>(&[STATE_FORMAT]).is_err(), "cut short");
    }
}
