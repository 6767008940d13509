//! `baton dlq list`: one line a dead letter, and what they come to.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::{Choice, Desk, Letter, State, print};
use crate::Failure;

/// What to list.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Only the newest so many
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// JSON Lines instead of a table
    #[arg(long)]
    json: bool,
}

/// Lists.
pub(super) fn run(args: &Args, desk: &Desk<'_>) -> Result<(), Failure> {
    let marks = desk.replayed()?;
    let mut tally = Tally::default();
    let mut lines = VecDeque::new();
    let foreign = desk.letters(|letter| {
        if args.choice.takes(&letter, &desk.ground.topology.prefix) {
            let state = desk.state(&letter, &marks);
            tally.add(&letter, state);
            lines.push_back(Line::of(&letter, state));
            if args.limit.is_some_and(|limit| lines.len() > limit) {
                lines.pop_front();
            }
        }
    })?;
    if args.json {
        let mut text = String::new();
        for line in &lines {
            let json = serde_json::to_string(line).map_err(|error| Failure::io(error.to_string()))?;
            text.push_str(&json);
            text.push('\n');
        }
        return print(&text);
    }
    let mut text = table(lines.make_contiguous());
    text.push_str(&tally.text());
    if foreign > 0 {
        writeln!(text, "{foreign} on {} were written by none of Baton's consumers", desk.topic).ok();
    }
    print(&text)
}

/// A dead letter, as it is listed.
#[derive(Debug, Serialize)]
struct Line {
    number: String,
    /// When it was refused.
    at: String,
    state: &'static str,
    replays: u32,
    reason: String,
    stage: String,
    source: String,
    detail: String,
}

impl Line {
    fn of(letter: &Letter, state: State) -> Self {
        let at = Timestamp::from_millisecond(letter.refused_at);
        let origin = &letter.origin;
        Self {
            number: letter.place.to_string(),
            at: at.map_or_else(|_| letter.refused_at.to_string(), |at| at.to_string()),
            state: state.as_str(),
            replays: letter.replays,
            reason: letter.reason.clone(),
            stage: letter.stage.clone(),
            source: format!("{}:{}:{}", origin.topic, origin.partition, origin.offset),
            detail: letter.detail.clone(),
        }
    }

    fn cells(&self) -> [&str; 7] {
        [&self.number, &self.at, self.state, &self.reason, &self.stage, &self.source, &self.detail]
    }
}

/// Columns as wide as their widest cell; the last one as it is.
fn table(lines: &[Line]) -> String {
    const NAMES: [&str; 7] = ["NUMBER", "REFUSED AT", "STATE", "REASON", "STAGE", "SOURCE", "DETAIL"];
    if lines.is_empty() {
        return String::new();
    }
    let cells = || std::iter::once(NAMES).chain(lines.iter().map(Line::cells));
    let mut widths = [0; 7];
    for row in cells() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(plain(cell).chars().count());
        }
    }
    let mut text = String::new();
    for row in cells() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            write!(line, "{:<width$}  ", plain(cell)).ok();
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Text that moves no cursor and rings no bell, whatever a stranger wrote.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }).collect()
}

/// How many there are, by reason and by what became of them.
#[derive(Debug, Default)]
struct Tally {
    reasons: BTreeMap<String, usize>,
    states: BTreeMap<State, usize>,
}

impl Tally {
    fn add(&mut self, letter: &Letter, state: State) {
        *self.reasons.entry(letter.reason.clone()).or_default() += 1;
        *self.states.entry(state).or_default() += 1;
    }

    fn text(&self) -> String {
        let all: usize = self.states.values().sum();
        if all == 0 {
            return "no dead letters\n".to_owned();
        }
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
        let reasons: Vec<_> = reasons.iter().map(|(name, count)| format!("{count} {}", plain(name))).collect();
        let states: Vec<_> = self.states.iter().map(|(state, count)| format!("{count} {}", state.as_str())).collect();
        let noun = if all == 1 { "dead letter" } else { "dead letters" };
        format!("{all} {noun}: {}\nby reason: {}\n", states.join(", "), reasons.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_s_text_moves_no_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc\u{7}"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\u{fffd}");
    }

    #[test]
    fn the_commonest_reason_comes_first() {
        let tally = Tally {
            reasons: [("decode".to_owned(), 1), ("limits".to_owned(), 2)].into(),
            states: [(State::Waiting, 2), (State::Parked, 1)].into(),
        };
        assert_eq!(tally.text(), "3 dead letters: 2 waiting, 1 parked\nby reason: 2 limits, 1 decode\n");
        assert_eq!(Tally::default().text(), "no dead letters\n");
    }
}
