//! Runs a stage on the row of its key.

use baton_domain::LogTime;
use baton_engine::Ctx;
use baton_stage::{Input, Stage};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of the layout of state rows; the first byte of each.
pub(crate) const STATE_FORMAT: u8 = 1;

/// Reads the row, steps, writes the row; returns what the stage said.
pub(crate) fn step<S>(policy: &S::Policy, key: &str, input: Input<S::Event>, ctx: &mut Ctx<'_>) -> Vec<S::Output>
where
    S: Stage,
    S::State: Serialize + DeserializeOwned,
{
    let is_record = matches!(input, Input::Record { .. });
    let state = match ctx.get(key.as_bytes()).map(decode::<S::State>) {
        None => None,
        Some(Ok(state)) => Some(state),
        Some(Err(why)) => {
            ctx.halt(format!("state of {key}: {why}"));
            return Vec::new();
        }
    };
    let step = S::step(policy, key, state, input);
    match step.state {
        Some(state) => ctx.put(key.as_bytes(), &encode(&state), step.wake),
        None => ctx.delete(key.as_bytes()),
    }
    if is_record {
        ctx.count(step.outcome);
    }
    step.outputs
}

/// Bytes of a state row.
pub(crate) fn encode<T: Serialize>(state: &T) -> Vec<u8> {
    // Plain data into memory: serialising does not fail.
    postcard::to_extend(state, vec![STATE_FORMAT]).unwrap_or_default()
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
    fn a_row_in_another_format_is_named_and_never_guessed_at() {
        assert_eq!(decode::<u32>(&encode(&7_u32)), Ok(7));
        assert_eq!(decode::<u32>(b"\x7f\x07").unwrap_err(), "format 127, this version reads 1");
        assert_eq!(decode::<u32>(b"").unwrap_err(), "empty row");
        assert!(decode::<u32>(&[STATE_FORMAT]).is_err(), "cut short");
    }
}
