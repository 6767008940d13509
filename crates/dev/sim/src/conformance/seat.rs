//! A worker's place at a log, for the claims: it waits, remembers what it is told, and writes.

use std::collections::{BTreeMap, BTreeSet};

use baton_engine::{Event, Fault, Log, Outbox, Part, Topic};

use super::claims::PART;

/// Milliseconds to wait for what must come.
pub(super) const PATIENCE_MS: i64 = 60_000;
/// Milliseconds in which what must not come would have come.
const CALM_MS: i64 = 500;

/// How a claim fails.
pub(super) type Held = Result<(), String>;

/// A worker's log and what it has told so far.
pub(super) struct Seat<L> {
    pub(super) log: L,
    pub(super) lanes: BTreeSet<i32>,
    pub(super) records: Vec<(Part, i64, String)>,
    pub(super) ends: BTreeMap<Part, i64>,
}

impl<L: Log> Seat<L> {
    pub(super) fn new(log: L) -> Self {
        Self { log, lanes: BTreeSet::new(), records: Vec::new(), ends: BTreeMap::new() }
    }

    /// A seat whose producer is ready.
    pub(super) fn ready(log: L) -> Result<Self, String> {
        let mut seat = Self::new(log);
        let began = seat.log.now();
        while let Err(fault) = seat.log.fence() {
            if seat.log.now().since(began) > PATIENCE_MS {
                return Err(format!("fence: {fault}"));
            }
            seat.poll()?;
        }
        Ok(seat)
    }

    pub(super) fn poll(&mut self) -> Held {
        let Self { log, lanes, records, ends } = self;
        let polled = log.poll(10, 100, &mut |event| match event {
            Event::Record { part, offset, value, .. } => {
                records.push((part, offset, String::from_utf8_lossy(value.unwrap_or_default()).into_owned()));
            }
            Event::End { part, offset } => drop(ends.insert(part, offset)),
            Event::Ahead(_) => {}
            Event::Assigned(more) => lanes.extend(more),
            Event::Revoked(less) => lanes.retain(|lane| !less.contains(lane)),
        });
        // A place in the group that was taken is told as a fault; the lanes are gone then.
        match polled {
            Ok(_) | Err(Fault::Fatal(_)) => Ok(()),
            Err(fault) => Err(format!("poll: {fault}")),
        }
    }

    /// Polls until the seat is as it should be.
    pub(super) fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) -> Held {
        let began = self.log.now();
        while !is_so(self) {
            if self.log.now().since(began) > PATIENCE_MS {
                return Err(format!("in {PATIENCE_MS} ms it did not come to pass that {what}"));
            }
            self.poll()?;
        }
        Ok(())
    }

    /// Polls for as long as something that must not happen would take.
    pub(super) fn linger(&mut self) -> Held {
        let began = self.log.now();
        while self.log.now().since(began) < CALM_MS {
            self.poll()?;
        }
        Ok(())
    }

    pub(super) fn join(&mut self) -> Held {
        self.until("the group gives lanes", |seat| !seat.lanes.is_empty())
    }

    pub(super) fn write(&mut self, topic: Topic, value: &str) -> Result<(), Fault> {
        let mut outbox = Outbox::default();
        outbox.push(topic, 0, Some(b"key"), Some(value.as_bytes()), &[]);
        outbox.outputs().try_for_each(|output| self.log.produce(&output))
    }

    /// Opens a transaction and waits until its first record lies on the changelog.
    pub(super) fn open_on_changelog(&mut self, value: &str) -> Held {
        let before = self.log.changelog_end(0).map_err(told)?;
        self.log.begin().map_err(told)?;
        self.write(Topic::Changelog, value).map_err(told)?;
        self.until("an open transaction's record counts for the changelog's end", |seat| {
            seat.log.changelog_end(0).is_ok_and(|end| end > before)
        })
    }

    /// Everything committed on the changelog up to its present end.
    pub(super) fn restored(&mut self) -> Result<(Vec<String>, i64), String> {
        let end = self.log.changelog_end(0).map_err(told)?;
        self.log.restore_start(0, 0).map_err(told)?;
        let (mut rows, mut reached) = (Vec::new(), 0);
        let began = self.log.now();
        while reached < end {
            if self.log.now().since(began) > PATIENCE_MS {
                return Err(format!("a restore stands at {reached} of {end}"));
            }
            let read = self.log.restore_poll(0, &mut |_, value| {
                rows.push(String::from_utf8_lossy(value.unwrap_or_default()).into_owned());
            });
            reached = read.map_err(told)?;
            self.poll()?;
        }
        self.log.restore_stop(0);
        Ok((rows, reached))
    }

    pub(super) fn committed(&mut self) -> Result<Option<i64>, String> {
        let found = self.log.committed(&[PART]).map_err(told)?;
        found.first().copied().ok_or_else(|| "no answer for the part".to_owned())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn told(fault: Fault) -> String {
    format!("{fault:?}")
}

#[allow(clippy::needless_pass_by_value, reason = "called with values made for it")]
pub(super) fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Held {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} instead of {expected:?}")) }
}
