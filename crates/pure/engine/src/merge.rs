//! Puts the records of several producers into the one order of log time.
//!
//! A channel is what one lane of a producing stage wrote to one partition: rising stamps, first in,
//! first out. The next record of a lane is the smallest head, and it is due only when no channel
//! that is empty could still bring a smaller one. So the order does not depend on who was faster.
//!
//! Holds: records leave in rising (log time, input, key); a record leaves once, also over restarts,
//! because each channel's cursor commits with the work.

use std::collections::{BTreeMap, VecDeque};

use baton_domain::{LogTime, Millis};
use serde::{Deserialize, Serialize};

use crate::headers::KeptHeaders;
use crate::log::Part;
use crate::processor::Incoming;
use crate::spec::Writers;

/// One producer's records in one partition.
#[derive(Debug)]
struct Channel {
    part: Part,
    queue: VecDeque<Queued>,
    /// Bytes in the queue.
    bytes: usize,
    mark: Mark,
}

/// How far a channel has been taken, as it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Everything up to and including this log time has arrived.
    arrived: LogTime,
    /// The greatest offset taken.
    taken: i64,
}

impl Mark {
    /// Everything up to and including this log time has arrived.
    pub(crate) fn arrived(self) -> LogTime {
        self.arrived
    }
}

/// A record that waits for its turn.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) at: LogTime,
    pub(crate) part: Part,
    pub(crate) offset: i64,
    pub(crate) appended: Millis,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: KeptHeaders,
}

impl Queued {
    /// A copy of a record that has to wait.
    pub(crate) fn copy(at: LogTime, record: &Incoming<'_>) -> Self {
        Self {
            at,
            part: (record.input, record.partition),
            offset: record.offset,
            appended: record.appended,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: KeptHeaders::of(record.headers),
        }
    }

    /// Bytes that it holds, about.
    pub(crate) fn bytes(&self) -> usize {
        self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len) + 100
    }

    /// The record as it came.
    pub(crate) fn incoming(&self) -> Incoming<'_> {
        Incoming {
            input: self.part.0,
            partition: self.part.1,
            offset: self.offset,
            appended: self.appended,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &self.headers,
        }
    }
}

/// The channels of a lane.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    channels: BTreeMap<(Part, i32), Channel>,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The record at the head of the order is due, at this log time.
    Take(LogTime),
    /// Nothing is due; everything up to and including this log time has been taken.
    Wait(LogTime),
}

impl Merge {
    /// A channel for each lane that writes a stamped part.
    pub(crate) fn new(parts: impl Iterator<Item = (Part, Writers)>) -> Self {
        let mut channels = BTreeMap::new();
        for (part, writers) in parts {
            for producer in writers.of(part.1) {
                let mark = Mark { arrived: LogTime::MIN, taken: -1 };
                channels.insert((part, producer), Channel { part, queue: VecDeque::new(), bytes: 0, mark });
            }
        }
        Self { channels }
    }

    /// The log time up to which, and including, everything has been taken; `None` without channels.
    pub(crate) fn complete(&self) -> Option<LogTime> {
        self.channels.values().map(|channel| channel.committed_mark().arrived).min()
    }

    /// Whether no order has to be found: a single channel with nothing waiting.
    pub(crate) fn is_direct(&self) -> bool {
        self.channels.len() == 1 && self.channels.values().all(|channel| channel.queue.is_empty())
    }

    /// Whether the channel exists and has not taken this offset before.
    pub(crate) fn is_new(&self, part: Part, producer: i32, offset: i64) -> Option<bool> {
        self.channels.get(&(part, producer)).map(|channel| offset > channel.mark.taken)
    }

    /// A record has arrived and waits.
    pub(crate) fn push(&mut self, producer: i32, record: Queued) {
        if let Some(channel) = self.channels.get_mut(&(record.part, producer)) {
            channel.mark.arrived = channel.mark.arrived.max(LogTime(record.at.0.saturating_sub(1)));
            channel.bytes += record.bytes();
            channel.queue.push_back(record);
        }
    }

    /// A record has arrived and is taken at once (see [`Merge::is_direct`]).
    pub(crate) fn pass(&mut self, part: Part, producer: i32, offset: i64, at: LogTime) {
        if let Some(channel) = self.channels.get_mut(&(part, producer)) {
            channel.mark.arrived = channel.mark.arrived.max(LogTime(at.0.saturating_sub(1)));
            channel.mark.taken = offset;
        }
    }

    /// A tick has arrived: every later record of the channel lies after `at`.
    pub(crate) fn tick(&mut self, part: Part, producer: i32, offset: i64, at: LogTime) {
        if let Some(channel) = self.channels.get_mut(&(part, producer)) {
            channel.mark.arrived = channel.mark.arrived.max(at);
            if channel.queue.is_empty() {
                channel.mark.taken = offset;
            }
        }
    }

    /// What is due now.
    pub(crate) fn next(&self) -> Turn {
        let silent = self.channels.values().filter(|channel| channel.queue.is_empty());
        let arrived = silent.map(|channel| channel.mark.arrived).min().unwrap_or(LogTime::MAX);
        match (self.first(), self.complete()) {
            (Some(head), _) if head.at <= arrived => Turn::Take(head.at),
            (_, Some(complete)) => Turn::Wait(complete),
            (_, None) => Turn::Wait(LogTime::MIN),
        }
    }

    /// Takes the record that [`Merge::next`] said is due.
    pub(crate) fn take(&mut self) -> Option<Queued> {
        let first = self.first()?;
        let (part, offset) = (first.part, first.offset);
        let channel = self
            .channels
            .values_mut()
            .find(|channel| channel.part == part && channel.queue.front().is_some_and(|head| head.offset == offset))?;
        channel.mark.taken = offset;
        let record = channel.queue.pop_front()?;
        channel.bytes -= record.bytes();
        Some(record)
    }

    fn first(&self) -> Option<&Queued> {
        self.channels
            .values()
            .filter_map(|channel| channel.queue.front())
            .min_by(|a, b| (a.at, a.part.0, &a.key).cmp(&(b.at, b.part.0, &b.key)))
    }

    /// The first offset of a part that is still waiting.
    pub(crate) fn waiting_from(&self, part: Part) -> Option<i64> {
        self.channels
            .values()
            .filter(|channel| channel.part == part)
            .filter_map(|channel| channel.queue.front().map(|head| head.offset))
            .min()
    }

    /// How many records of a part wait, and their bytes, in the shortest of its channels: while one of them is
    /// empty, the part must be read on.
    pub(crate) fn waiting_of(&self, part: Part) -> (usize, usize) {
        let of_part = || self.channels.values().filter(move |channel| channel.part == part);
        let records = of_part().map(|channel| channel.queue.len()).min().unwrap_or(0);
        (records, of_part().map(|channel| channel.bytes).min().unwrap_or(0))
    }

    /// How many records wait.
    pub(crate) fn len(&self) -> usize {
        self.channels.values().map(|channel| channel.queue.len()).sum()
    }

    /// The marks to commit.
    pub(crate) fn marks(&self) -> Vec<((Part, i32), Mark)> {
        self.channels.iter().map(|(id, channel)| (*id, channel.committed_mark())).collect()
    }

    /// Starts over from committed marks: what waited comes again from the log.
    pub(crate) fn reset(&mut self, marks: &[((Part, i32), Mark)]) {
        for channel in self.channels.values_mut() {
            channel.queue.clear();
            channel.bytes = 0;
            channel.mark = Mark { arrived: LogTime::MIN, taken: -1 };
        }
        for (id, mark) in marks {
            if let Some(channel) = self.channels.get_mut(id) {
                channel.mark = *mark;
            }
        }
    }
}

impl Channel {
    /// Records that wait are read again after a restart, so the mark must not claim them.
    fn committed_mark(&self) -> Mark {
        match self.queue.front() {
            Some(head) => {
                Mark { arrived: self.mark.arrived.min(LogTime(head.at.0.saturating_sub(1))), taken: self.mark.taken }
            }
            None => self.mark,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Part = (0, 0);

    fn record(at: i64, offset: i64, key: &str) -> Queued {
        Queued {
            at: LogTime(at),
            part: A,
            offset,
            appended: Millis(0),
            key: Some(key.as_bytes().to_vec()),
            value: None,
            headers: KeptHeaders::default(),
        }
    }

    fn drain(merge: &mut Merge) -> Vec<i64> {
        let mut taken = Vec::new();
        while let Turn::Take(_) = merge.next() {
            taken.extend(merge.take().map(|record| record.offset));
        }
        taken
    }

    #[test]
    fn a_record_waits_for_a_channel_that_could_still_be_earlier() {
        let mut merge = Merge::new([(A, Writers::First(2))].into_iter());
        merge.push(0, record(10, 0, "x"));
        assert_eq!(merge.next(), Turn::Wait(LogTime::MIN));
        merge.push(1, record(7, 1, "y"));
        assert_eq!(drain(&mut merge), [1]);
        assert_eq!(merge.next(), Turn::Wait(LogTime(6)));
        merge.tick(A, 1, 2, LogTime(10));
        assert_eq!(drain(&mut merge), [0]);
    }

    #[test]
    fn equal_times_go_by_key_whoever_was_first() {
        for flip in [false, true] {
            let mut merge = Merge::new([(A, Writers::First(2))].into_iter());
            let (first, second) = if flip { (1, 0) } else { (0, 1) };
            merge.push(first, record(5, i64::from(first), "lead"));
            merge.push(second, record(5, i64::from(second), "lead"));
            for producer in 0..2 {
                merge.tick(A, producer, 9, LogTime(5));
            }
            assert_eq!(drain(&mut merge).len(), 2);
        }
        let mut merge = Merge::new([(A, Writers::First(2))].into_iter());
        merge.push(1, record(5, 0, "a"));
        merge.push(0, record(5, 1, "b"));
        merge.tick(A, 0, 2, LogTime(5));
        merge.tick(A, 1, 3, LogTime(5));
        assert_eq!(drain(&mut merge), [0, 1]);
    }

    #[test]
    fn a_committed_mark_does_not_claim_what_still_waits() {
        let mut merge = Merge::new([(A, Writers::First(2))].into_iter());
        merge.push(0, record(10, 0, "x"));
        merge.tick(A, 0, 1, LogTime(20));
        let marks = merge.marks();
        merge.reset(&marks);
        assert_eq!(merge.is_new(A, 0, 0), Some(true));
        merge.push(1, record(15, 2, "y"));
        assert_eq!(merge.next(), Turn::Wait(LogTime(9)), "the record at 10 is still to come again");
        merge.push(0, record(10, 0, "x"));
        assert_eq!(drain(&mut merge), [0], "what lies after 10 has not come again either");
        merge.tick(A, 0, 1, LogTime(20));
        assert_eq!(drain(&mut merge), [2]);
    }

    #[test]
    fn a_taken_record_is_not_new_after_a_restart() {
        let mut merge = Merge::new([(A, Writers::First(1))].into_iter());
        merge.push(0, record(10, 4, "x"));
        merge.tick(A, 0, 5, LogTime(10));
        assert_eq!(drain(&mut merge), [4]);
        let marks = merge.marks();
        merge.reset(&marks);
        assert_eq!(merge.is_new(A, 0, 4), Some(false));
        assert_eq!(merge.is_new(A, 0, 6), Some(true));
    }
}
