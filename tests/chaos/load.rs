//! The load of a run: believable leads with what goes wrong on the way to the topic.
//!
//! Holds: the same seed and number give the same lines; of a thousand lines about twenty come again,
//! half of them so much later that a restart lies between, ten change places with a later line, and
//! six cannot be used. The last line is a tick after every promise.
//! Absent on purpose: what is to come of it. That is for the oracles.

use baton_domain::Millis;
use baton_workload::sample;

use crate::schedule::Dice;

/// Monday, 2025-09-08T00:00Z: before any host's clock, or the time of receipt would not be believed.
const START: Millis = Millis(1_757_289_600_000);
/// Days that the stories are told over.
const DAYS: i64 = 21;
/// Leads a thousand lines; a story has about 17 lines.
const LEADS_PER_THOUSAND: usize = 63;

/// About `events` lines.
pub(crate) fn lines(seed: u64, events: usize) -> Vec<String> {
    let leads = (events * LEADS_PER_THOUSAND / 1_000).max(20);
    let mut told: Vec<String> = sample(seed, leads, START, DAYS).collect();
    let Some(last) = told.pop() else { return Vec::new() };
    let mut dice = Dice::new(seed ^ 0x10AD);
    let mut lines = Vec::with_capacity(told.len() + told.len() / 50);
    // Lines that wait for their second coming, by the place at which it is due.
    let mut again: std::collections::BTreeMap<usize, Vec<String>> = std::collections::BTreeMap::new();
    let much_later = (events as u64 / 10).max(50);
    for (place, line) in told.into_iter().enumerate() {
        for line in again.remove(&place).unwrap_or_default() {
            lines.push(line);
        }
        match dice.below(1_000) {
            0..6 => lines.push(spoiled(&line, place, &mut dice)),
            6..16 => {
                let due = place + 1 + usize::try_from(dice.between(much_later / 2, much_later)).unwrap_or(1);
                again.entry(due).or_default().push(line.clone());
            }
            16..26 => {
                let due = place + 1 + usize::try_from(dice.below(40)).unwrap_or(1);
                again.entry(due).or_default().push(line);
                continue;
            }
            _ => {}
        }
        lines.push(line);
    }
    // What is still due is told at the end: a line that changed places must not get lost.
    lines.extend(again.into_values().flatten());
    lines.push(last);
    lines
}

/// The line as something that cannot be used. What can still be read of it says when it was received:
/// else the topic's own time would count, which no second run repeats.
pub(crate) fn spoiled(line: &str, number: usize, dice: &mut Dice) -> String {
    let received =
        line.rsplit_once(r#""receivedAt":"#).and_then(|(_, rest)| rest.split('"').nth(1)).unwrap_or_default();
    let head = format!(r#""messageId":"chaos-{number}","receivedAt":"{received}""#);
    match dice.below(5) {
        0 => {
            let cut = usize::try_from(dice.between(1, (line.len() as u64 / 2).max(2))).unwrap_or(1);
            let cut = (1..=cut).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(1);
            line[..cut].to_owned()
        }
        1 => format!(r#"{{"type":"telepathy",{head},"anonymousId":"anon-{number}"}}"#),
        2 => format!(r#"{{"type":"page",{head},"anonymousId":"null","timestamp":"{received}"}}"#),
        3 => format!(r#"{{"type":"page",{head},"anonymousId":"anon-{number}","timestamp":"next tuesday"}}"#),
        _ => format!("[{line}]"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_load_of_about_the_size_asked_for() {
        let load = lines(1, 20_000);
        assert_eq!(load, lines(1, 20_000));
        assert_ne!(load, lines(2, 20_000));
        assert!((16_000..26_000).contains(&load.len()), "{}", load.len());
    }

    #[test]
    fn a_load_repeats_and_spoils_its_share_and_ends_with_a_tick() {
        let load = lines(1, 20_000);
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &load {
            *seen.entry(line).or_default() += 1;
        }
        let repeats = seen.values().map(|times| times - 1).sum::<usize>() * 1_000 / load.len();
        assert!((7..=13).contains(&repeats), "{repeats} of a thousand come again as they are");
        let is_json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        let is_bad = |line: &&String| !line.starts_with('{') || line.contains("chaos-") || !is_json(line);
        let bad = load.iter().filter(is_bad).count() * 1_000 / load.len();
        assert!((4..=9).contains(&bad), "{bad} in a thousand are bad");
        assert!(load.last().is_some_and(|line| line.contains(r#""type":"tick""#)));
    }

    #[test]
    fn every_line_that_can_be_read_says_when_it_was_received() {
        for line in lines(2, 20_000).iter().filter(|line| line.starts_with('{')) {
            let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let received = value["receivedAt"].as_str().unwrap_or_default();
            assert!(received.parse::<jiff::Timestamp>().is_ok(), "{line}");
        }
    }

    #[test]
    fn no_line_is_blank_or_two() {
        for line in lines(3, 20_000) {
            assert!(!line.trim().is_empty() && !line.contains('\n'), "{line:?}");
        }
    }

    #[test]
    fn what_sales_and_the_law_say_is_in_a_load() {
        let load = lines(1, 20_000);
        for kind in [r#""kind":"touch""#, r#""kind":"disposition""#, r#""type":"consent""#, "Demo Requested"] {
            assert!(load.iter().any(|line| line.contains(kind)), "{kind}");
        }
    }
}
