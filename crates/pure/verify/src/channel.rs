//! One lane's records on one partition of one topic: what the replay wrote against what lies there, in order.
//!
//! Holds: of two equal sequences nothing is told; one record dropped, doubled, altered or moved is told once, as
//! what it is, as long as the disorder is no longer than the window; memory is bounded by that window.

use std::collections::{BTreeMap, VecDeque};

use baton_domain::LogTime;
use baton_engine::Fault;

use crate::stage::{Difference, Kind};
use crate::tape::{Entry, at_of};

/// How far is looked ahead for a record that is not next.
const WINDOW: usize = 512;
/// A channel that differs in so many places is not looked at any further.
const MOST: usize = 1_000;

/// What the broker may have removed from the partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    /// All but the newest of a key.
    pub(crate) superseded: bool,
    /// What was there first.
    pub(crate) oldest: bool,
}

/// A record that the replay wrote and that is not there.
struct Missing {
    about: String,
    at: Option<LogTime>,
    required: bool,
}

/// The comparison of one channel.
pub(crate) struct Channel {
    gone: Gone,
    window: VecDeque<(u64, Entry)>,
    ended: bool,
    /// Records passed over: they were not next.
    strays: BTreeMap<u64, VecDeque<(i64, String)>>,
    missing: Vec<Missing>,
    /// So many of the missing lie before a record that is there.
    passed: usize,
    /// Missing records of a compacted partition, until a later one of their key shows up.
    superseded: BTreeMap<Option<Vec<u8>>, Missing>,
    /// The ids matched last, to tell a double from a stranger.
    recent: VecDeque<u64>,
    found: Vec<(Kind, Option<i64>, String, String)>,
    pub(crate) matched: u64,
}

/// Gives the channel's next record on the log.
pub(crate) type Pull<'a> = dyn FnMut(&mut VecDeque<(u64, Entry)>) -> Result<bool, Fault> + 'a;

impl Channel {
    pub(crate) fn new(gone: Gone) -> Self {
        Self {
            gone,
            window: VecDeque::new(),
            ended: false,
            strays: BTreeMap::new(),
            missing: Vec::new(),
            passed: 0,
            superseded: BTreeMap::new(),
            recent: VecDeque::new(),
            found: Vec::new(),
            matched: 0,
        }
    }

    /// A record of this channel that was read while another channel was looked at.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.window.push_back((entry.id(), entry));
    }

    fn fill(&mut self, most: usize, pull: &mut Pull<'_>) -> Result<(), Fault> {
        while !self.ended && self.window.len() < most {
            self.ended = !pull(&mut self.window)?;
        }
        Ok(())
    }

    /// The replay wrote a record. `required`: it must be there, not only may.
    pub(crate) fn expect(&mut self, expected: &Entry, required: bool, pull: &mut Pull<'_>) -> Result<(), Fault> {
        if self.is_hopeless() {
            return Ok(());
        }
        let id = expected.id();
        if let Some(offset) = self.take_stray(id) {
            let told = format!("{} in its place", expected.about());
            self.found.push((Kind::Moved, Some(offset), told, "it lies before records that come first".to_owned()));
            self.matched += 1;
            return Ok(());
        }
        self.fill(1, pull)?;
        if self.window.front().is_none_or(|(head, _)| *head != id) {
            self.fill(WINDOW, pull)?;
            let Some(at) = self.window.iter().position(|(other, _)| *other == id) else {
                self.miss(expected, required);
                return Ok(());
            };
            for (id, entry) in self.window.drain(..at) {
                self.strays.entry(id).or_default().push_back((entry.offset, entry.about()));
            }
        }
        let Some((_, there)) = self.window.pop_front() else { return Ok(()) };
        if let Some(how) = expected.unlike(&there) {
            self.found.push((Kind::Altered, Some(there.offset), expected.about(), format!("{}: {how}", there.about())));
        }
        self.has_matched(id, &there);
        Ok(())
    }

    fn has_matched(&mut self, id: u64, there: &Entry) {
        self.matched += 1;
        self.passed = self.missing.len();
        if self.gone.superseded {
            self.superseded.remove(&there.key);
        }
        self.recent.push_back(id);
        if self.recent.len() > WINDOW {
            self.recent.pop_front();
        }
    }

    fn miss(&mut self, expected: &Entry, required: bool) {
        let missing = Missing { about: expected.about(), at: at_of(expected), required };
        if self.gone.superseded {
            self.superseded.insert(expected.key.clone(), missing);
        } else if !(self.gone.oldest && self.matched == 0) {
            self.missing.push(missing);
        }
    }

    fn take_stray(&mut self, id: u64) -> Option<i64> {
        let strays = self.strays.get_mut(&id)?;
        let (offset, _) = strays.pop_front()?;
        if strays.is_empty() {
            self.strays.remove(&id);
        }
        Some(offset)
    }

    fn is_hopeless(&self) -> bool {
        self.found.len() + self.missing.len() + self.strays.len() > MOST
    }

    /// Whether everything that lies there has been looked at.
    pub(crate) fn is_spent(&mut self, pull: &mut Pull<'_>) -> Result<bool, Fault> {
        self.fill(1, pull)?;
        Ok(self.window.is_empty() || self.is_hopeless())
    }

    /// The replay writes no more: what is left on the log is too much, what is left of the replay is missing,
    /// unless the lane had not come that far: `reached` is its log time.
    pub(crate) fn finish(&mut self, reached: Option<LogTime>, pull: &mut Pull<'_>) -> Result<(), Fault> {
        self.fill(MOST, pull)?;
        for (id, entry) in std::mem::take(&mut self.window) {
            self.strays.entry(id).or_default().push_back((entry.offset, entry.about()));
        }
        for (id, strays) in std::mem::take(&mut self.strays) {
            for (offset, about) in strays {
                let expected = if self.recent.contains(&id) { "this record once" } else { "no such record" };
                self.found.push((Kind::Extra, Some(offset), expected.to_owned(), about));
            }
        }
        let is_due = |missing: &Missing| {
            missing.required && missing.at.is_none_or(|at| reached.is_none_or(|reached| at < reached))
        };
        let missing = std::mem::take(&mut self.missing).into_iter().enumerate();
        let missing = missing.filter(|(index, missing)| *index < self.passed || is_due(missing)).map(|(_, one)| one);
        let superseded = std::mem::take(&mut self.superseded).into_values().filter(is_due);
        let lost: Vec<Missing> = missing.chain(superseded).collect();
        self.found.extend(lost.into_iter().map(|one| (Kind::Missing, None, one.about, "nothing".to_owned())));
        Ok(())
    }

    /// What was found, each with its place.
    pub(crate) fn differences(&mut self, stage: &str, lane: i32, topic: &str, partition: i32) -> Vec<Difference> {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|(_, offset, ..)| *offset);
        let place = |(kind, offset, expected, found)| Difference {
            stage: stage.to_owned(),
            lane,
            kind,
            topic: topic.to_owned(),
            partition,
            offset,
            expected,
            found,
        };
        found.into_iter().map(place).collect()
    }
}
