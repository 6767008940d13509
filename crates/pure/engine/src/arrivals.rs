//! Takes the records of several sources in the order in which they were received, as far as that can be known.
//!
//! Sources tell no time, so nothing says that an earlier record will not still come. But what lies on
//! the log already can be put in order: as long as a part has not been read to its end, the others wait
//! for it. A part at its end holds up nobody.
//!
//! Holds: of the records at hand the one received first is taken first; those of one part stay in order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use baton_domain::LogTime;

use crate::log::Part;
use crate::merge::Queued;

/// The records of a sequencer's sources that wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    queues: BTreeMap<Part, VecDeque<Queued>>,
    /// Bytes in each queue.
    bytes: BTreeMap<Part, usize>,
}

impl Arrivals {
    /// Whether a record of `part` need not wait: nothing waits, and every other part is at its end.
    pub(crate) fn is_direct<'a>(
        &self,
        part: Part,
        mut parts: impl Iterator<Item = &'a Part>,
        ends: &BTreeSet<Part>,
    ) -> bool {
        self.queues.is_empty() && parts.all(|other| *other == part || ends.contains(other))
    }

    /// A record waits. `record.at` is when it was received.
    pub(crate) fn push(&mut self, record: Queued) {
        *self.bytes.entry(record.part).or_default() += record.bytes();
        self.queues.entry(record.part).or_default().push_back(record);
    }

    /// A record that was taken has to wait on: it is the first of its part again.
    pub(crate) fn put_back(&mut self, record: Queued) {
        *self.bytes.entry(record.part).or_default() += record.bytes();
        self.queues.entry(record.part).or_default().push_front(record);
    }

    /// The record to judge next, unless one received earlier may still be unread.
    pub(crate) fn take<'a>(
        &mut self,
        mut parts: impl Iterator<Item = &'a Part>,
        ends: &BTreeSet<Part>,
    ) -> Option<Queued> {
        if !parts.all(|part| self.queues.contains_key(part) || ends.contains(part)) {
            return None;
        }
        let first = |queue: &VecDeque<Queued>| queue.front().map_or(LogTime::MAX, |record| record.at);
        let part = self.queues.iter().min_by_key(|(part, queue)| (first(queue), **part)).map(|(part, _)| *part)?;
        let queue = self.queues.get_mut(&part)?;
        let record = queue.pop_front()?;
        if queue.is_empty() {
            self.queues.remove(&part);
        }
        if let Some(bytes) = self.bytes.get_mut(&part) {
            *bytes -= record.bytes();
        }
        Some(record)
    }

    /// The first offset of a part that waits.
    pub(crate) fn waiting_from(&self, part: Part) -> Option<i64> {
        self.queues.get(&part)?.front().map(|record| record.offset)
    }

    /// How many records of a part wait, and their bytes.
    pub(crate) fn waiting_of(&self, part: Part) -> (usize, usize) {
        (self.queues.get(&part).map_or(0, VecDeque::len), self.bytes.get(&part).copied().unwrap_or(0))
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Forgets what waits: it comes again from the log.
    pub(crate) fn clear(&mut self) {
        self.queues.clear();
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use baton_domain::Millis;

    use super::*;
    use crate::headers::KeptHeaders;

    const A: Part = (0, 0);
    const B: Part = (1, 0);

    fn record(part: Part, offset: i64, at: i64) -> Queued {
        Queued {
            at: LogTime(at),
            part,
            offset,
            appended: Millis(0),
            key: None,
            value: None,
            headers: KeptHeaders::default(),
        }
    }

    #[test]
    fn what_was_received_first_goes_first_whichever_part_was_read_first() {
        let mut arrivals = Arrivals::default();
        arrivals.push(record(B, 0, 20));
        assert!(arrivals.take([A, B].iter(), &BTreeSet::new()).is_none(), "A may hold an earlier one");
        arrivals.push(record(A, 0, 10));
        arrivals.push(record(A, 1, 30));
        let mut ends = BTreeSet::new();
        assert_eq!(arrivals.take([A, B].iter(), &ends).unwrap().part, A);
        assert_eq!(arrivals.take([A, B].iter(), &ends).unwrap().part, B);
        assert!(arrivals.take([A, B].iter(), &ends).is_none(), "B may hold one before 30");
        ends.insert(B);
        assert_eq!(arrivals.take([A, B].iter(), &ends).unwrap().offset, 1);
    }

    #[test]
    fn a_record_need_not_wait_when_the_others_are_at_their_end() {
        let mut arrivals = Arrivals::default();
        assert!(!arrivals.is_direct(A, [A, B].iter(), &BTreeSet::new()));
        assert!(arrivals.is_direct(A, [A, B].iter(), &BTreeSet::from([B])));
        arrivals.push(record(B, 0, 20));
        assert!(!arrivals.is_direct(A, [A, B].iter(), &BTreeSet::from([B])));
    }
}
