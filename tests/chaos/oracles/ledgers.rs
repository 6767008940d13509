//! Conservation: what each consumer says it took and made adds up, and matches its neighbours.

use std::collections::BTreeMap;

use baton_domain::Ledger;
use baton_kafka::rdkafka::Message;
use baton_wire::Decoder;

use crate::oracles::Verdict;
use crate::topics::Topics;
use crate::trouble::{Done, trouble};

/// The newest ledger of each lane.
pub(crate) fn read(topics: &Topics) -> Done<Vec<Ledger>> {
    let decoder = Decoder::<Ledger>::new();
    let mut newest = BTreeMap::new();
    topics.each("ledger.balance", |message| {
        let key = message.key().unwrap_or_default().to_vec();
        match decoder.decode(message.payload().unwrap_or_default()) {
            Ok(ledger) => {
                newest.insert(key, ledger);
                Ok(())
            }
            Err(error) => trouble(format!("ledger.balance@{}: {error:?}", message.offset())),
        }
    })?;
    Ok(newest.into_values().collect())
}

/// Judges them; `fed` records are on the sources.
pub(crate) fn judge(ledgers: &[Ledger], prefix: &str, fed: usize) -> Verdict {
    let mut verdict = Verdict::default();
    for ledger in ledgers {
        verdict.looked(1);
        let sum: i64 = ledger.outcomes.iter().map(|outcome| outcome.count).sum();
        if ledger.consumed != sum {
            let (stage, lane) = (&ledger.stage, ledger.stamp.lane);
            verdict.differs(format!("{stage} lane {lane}: consumed {}, outcomes add up to {sum}", ledger.consumed));
        }
    }
    let consumed = |stage: &str| -> i64 { ledgers.iter().filter(|l| l.stage == stage).map(|l| l.consumed).sum() };
    let made = |stage: &str, topic: &str| -> i64 {
        let topic = format!("{prefix}{topic}");
        let counts = ledgers.iter().filter(|l| l.stage == stage).flat_map(|l| &l.produced);
        counts.filter(|count| count.name == topic).map(|count| count.count).sum()
    };
    let events = made("identify", "lead.events");
    for (what, one, other) in [
        ("identify consumed what was fed", consumed("identify"), i64::try_from(fed).unwrap_or(i64::MAX)),
        ("aggregate consumed what identify made", consumed("aggregate"), events),
        ("score consumed what aggregate made", consumed("score"), made("aggregate", "engagement.aggregate")),
        (
            "route consumed what score and identify made",
            consumed("route"),
            made("score", "assignment.requests") + made("identify", "roster.events"),
        ),
        ("watch consumed what identify and route made", consumed("watch"), events + made("route", "sla.requests")),
    ] {
        verdict.looked(1);
        if one != other {
            verdict.differs(format!("{what}: {one} and {other}"));
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use baton_domain::Count;

    use super::*;

    fn ledger(stage: &str, consumed: i64, produced: &[(&str, i64)]) -> Ledger {
        let count = |(name, count): &(&str, i64)| Count { name: format!("t.{name}"), count: *count };
        Ledger {
            stage: stage.to_owned(),
            consumed,
            outcomes: vec![Count { name: "applied".to_owned(), count: consumed }],
            produced: produced.iter().map(count).collect(),
            ..Ledger::default()
        }
    }

    fn balanced() -> Vec<Ledger> {
        vec![
            ledger("identify", 10, &[("lead.events", 8)]),
            ledger("aggregate", 8, &[("engagement.aggregate", 7)]),
            ledger("score", 7, &[("assignment.requests", 2)]),
            ledger("route", 2, &[("sla.requests", 2)]),
            ledger("watch", 10, &[]),
        ]
    }

    #[test]
    fn balanced_ledgers_have_no_differences() {
        assert_eq!(judge(&balanced(), "t.", 10).differences, 0);
    }

    #[test]
    fn one_record_too_few_or_too_many_anywhere_is_found() {
        assert_eq!(judge(&balanced(), "t.", 11).differences, 1);
        for stage in 0..5 {
            let mut ledgers = balanced();
            ledgers[stage].consumed += 1;
            // Its own outcomes do not add up, and it took what nobody gave.
            assert_eq!(judge(&ledgers, "t.", 10).differences, 2, "stage {stage}");
        }
    }
}
