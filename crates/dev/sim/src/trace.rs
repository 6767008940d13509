//! What happened: a fingerprint of all of it, the last of it in words, and which rare things were among it.

use std::collections::{BTreeMap, VecDeque};

/// How many events are kept in words.
const TAIL: usize = 80;

/// The trace of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    hash: u64,
    tail: VecDeque<(i64, String, &'static str, String)>,
    seen: BTreeMap<&'static str, u64>,
    is_told: bool,
}

impl Trace {
    /// Keeps the tail in words, for a run that is known to fail.
    pub(crate) fn tell(&mut self) {
        self.is_told = true;
    }

    /// A call and what came of it.
    pub(crate) fn call(
        &mut self,
        now: i64,
        who: &str,
        what: &'static str,
        outcome: impl FnOnce() -> String,
        value: i64,
    ) {
        for byte in who.bytes().chain(what.bytes()).chain(now.to_le_bytes()).chain(value.to_le_bytes()) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        if self.is_told {
            if self.tail.len() == TAIL {
                self.tail.pop_front();
            }
            self.tail.push_back((now, who.to_owned(), what, outcome()));
        }
    }

    /// Something rare happened.
    pub(crate) fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    pub(crate) fn seen(&self) -> &BTreeMap<&'static str, u64> {
        &self.seen
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The last events, a line each.
    pub(crate) fn lines(&self, since: i64) -> Vec<String> {
        self.tail.iter().map(|(now, who, what, out)| format!("{:>8} ms {who} {what} {out}", now - since)).collect()
    }
}
