//! Where the inputs end, as the cluster said last.

use std::collections::BTreeMap;
use std::time::Instant;

use baton_kafka::End;

/// What is known of the end of a partition.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Where it ends.
    pub end: End,
    /// When the cluster said so.
    pub at: Instant,
    /// Since when an open transaction has kept the stable end where it is.
    pub unstable_since: Option<Instant>,
}

/// The ends of all parts that the process reads.
#[derive(Clone, Debug, Default)]
pub struct Known {
    parts: BTreeMap<(String, i32), Seen>,
    /// When all of them were answered last.
    pub answered: Option<Instant>,
    /// When whoever asks came round last, with an answer or without.
    pub asked: Option<Instant>,
}

impl Known {
    /// The end of a partition.
    pub fn of(&self, topic: &str, partition: i32) -> Option<&Seen> {
        self.parts.get(&(topic.to_owned(), partition))
    }

    /// Takes in an answer.
    pub fn take(&mut self, topic: &str, partition: i32, end: End, at: Instant) {
        let before = self.of(topic, partition).copied();
        let unstable_since = (end.stable < end.high).then(|| {
            let still = before.filter(|before| before.end.stable == end.stable);
            still.and_then(|before| before.unstable_since).unwrap_or(at)
        });
        self.parts.insert((topic.to_owned(), partition), Seen { end, at, unstable_since });
    }

    /// Forgets the partitions that are not among these.
    pub fn keep(&mut self, parts: &[(String, i32)]) {
        self.parts.retain(|part, _| parts.contains(part));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_open_transaction_is_told_apart_from_one_after_the_other() {
        let (mut known, start) = (Known::default(), Instant::now());
        let mut at = |second: u64, stable, high| {
            let at = start + Duration::from_secs(second);
            known.take("t", 0, End { stable, high }, at);
            known.of("t", 0).unwrap().unstable_since.map(|since| (since - start).as_secs())
        };
        assert_eq!(at(0, 5, 5), None);
        assert_eq!(at(1, 5, 7), Some(1));
        assert_eq!(at(20, 5, 9), Some(1), "the same one");
        assert_eq!(at(25, 9, 12), Some(25), "another one");
        assert_eq!(at(30, 12, 12), None);
    }
}
