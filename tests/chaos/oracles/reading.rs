//! What the reader saw on the way against what is there at the end.
//!
//! The names are those of Jepsen's checkers: a record seen that is not there (aborted read), there and not
//! seen (unseen), seen twice (duplicate), or out of order (nonmonotonic poll).

use std::collections::{BTreeMap, BTreeSet};

use baton_kafka::rdkafka::Message;

use crate::oracles::Verdict;
use crate::reader::Seen;
use crate::topics::{OUTCOMES, Topics, digest};
use crate::trouble::Done;

/// What lies on the outcome topics, as a reader that comes late sees it.
pub(crate) fn there(topics: &Topics) -> Done<Seen> {
    let mut there = Seen::new();
    for topic in OUTCOMES {
        topics.each(topic, |message| {
            let digest = digest(message.key().unwrap_or_default(), message.payload().unwrap_or_default());
            there.entry((topic.to_owned(), message.partition())).or_default().push((message.offset(), digest));
            Ok(())
        })?;
    }
    Ok(there)
}

/// Compares them.
pub(crate) fn compare(seen: &Seen, there: &Seen) -> Verdict {
    let mut verdict = Verdict::default();
    let places: BTreeSet<_> = seen.keys().chain(there.keys()).collect();
    for place in places {
        let name = |offset: i64| format!("{}[{}]@{offset}", place.0, place.1);
        let none = Vec::new();
        let (seen, there) = (seen.get(place).unwrap_or(&none), there.get(place).unwrap_or(&none));
        let mut left: BTreeMap<i64, u64> = there.iter().copied().collect();
        let mut last = -1;
        verdict.looked(there.len());
        for (offset, digest) in seen {
            if *offset <= last {
                verdict.differs(format!("{}: after @{last} (nonmonotonic poll)", name(*offset)));
            }
            last = (*offset).max(last);
            match left.remove(offset) {
                Some(found) if found == *digest => {}
                Some(_) => verdict.differs(format!("{}: other content than was seen", name(*offset))),
                None if there.iter().any(|(found, _)| found == offset) => {
                    verdict.differs(format!("{}: seen twice", name(*offset)));
                }
                None => verdict.differs(format!("{}: seen and not there (aborted read)", name(*offset))),
            }
        }
        for offset in left.keys() {
            verdict.differs(format!("{}: there and not seen", name(*offset)));
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(records: &[(i64, u64)]) -> Seen {
        Seen::from([(("lead.handoff".to_owned(), 0), records.to_vec())])
    }

    #[test]
    fn a_reader_that_saw_what_is_there_has_no_differences() {
        assert_eq!(compare(&seen(&[(0, 1), (3, 2)]), &seen(&[(0, 1), (3, 2)])).differences, 0);
    }

    #[test]
    fn an_aborted_read_a_double_a_gap_and_a_step_back_are_told_apart() {
        let there = seen(&[(0, 1), (3, 2)]);
        for (saw, what) in [
            (vec![(0, 1), (2, 9), (3, 2)], "aborted read"),
            (vec![(0, 1), (3, 2), (3, 2)], "seen twice"),
            (vec![(0, 1)], "not seen"),
            (vec![(3, 2), (0, 1)], "nonmonotonic poll"),
            (vec![(0, 1), (3, 7)], "other content"),
        ] {
            let examples = compare(&seen(&saw), &there).examples.join("; ");
            assert!(examples.contains(what), "{what}: {examples}");
        }
    }
}
