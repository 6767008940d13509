//! Whether the accounts of the consumers agree, whatever a scenario expects: nothing is lost, nothing counted twice.
//!
//! Holds: every record that a consumer read stands under one heading of its ledger, and what one says it
//! wrote is what the next says it read.
//!
//! Absent on purpose: hosts that keep no accounts. Where there is no ledger, there is nothing to say.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::seen::Seen;

/// The topics between the consumers: who reads, what, and who wrote it.
const FLOWS: [(&str, &[(&str, &str)]); 4] = [
    ("aggregate", &[("lead.events", "identify")]),
    ("score", &[("engagement.aggregate", "aggregate")]),
    ("route", &[("assignment.requests", "score"), ("roster.events", "identify")]),
    ("watch", &[("lead.events", "identify"), ("sla.requests", "route")]),
];

/// What does not fit together, in words: what it is, what is wanted, what is there. `whole`: all five run.
pub(crate) fn imbalances(records: &[Seen], whole: bool) -> Vec<(String, i64, i64)> {
    let ledgers = records.iter().filter(|seen| seen.topic == "ledger.balance");
    let newest: BTreeMap<&str, &Value> = ledgers.map(|seen| (seen.key.as_str(), &seen.value)).collect();
    let mut wrong = Vec::new();
    for (key, ledger) in &newest {
        let outcomes = sum(&ledger["outcomes"], |_| true);
        let consumed = ledger["consumed"].as_i64().unwrap_or_default();
        wrong.push((format!("records that {key} consumed"), outcomes, consumed));
    }
    let of = |stage: &'static str| newest.values().filter(move |ledger| ledger["stage"] == stage);
    for (reader, inputs) in FLOWS.iter().filter(|_| whole && !newest.is_empty()) {
        let consumed: i64 = of(reader).filter_map(|ledger| ledger["consumed"].as_i64()).sum();
        let made = |(topic, stage): &(&str, &'static str)| -> i64 {
            let is_topic = |name: &str| name == *topic || name.ends_with(&format!(".{topic}"));
            of(stage).map(|ledger| sum(&ledger["produced"], is_topic)).sum()
        };
        let written: i64 = inputs.iter().map(made).sum();
        wrong.push((format!("records written for {reader} and consumed by it"), written, consumed));
    }
    wrong.retain(|(_, wanted, found)| wanted != found);
    wrong
}

/// The counts of those names.
fn sum(counts: &Value, wanted: impl Fn(&str) -> bool) -> i64 {
    let counts = counts.as_array().into_iter().flatten();
    let counts = counts.filter(|count| count["name"].as_str().is_some_and(&wanted));
    counts.filter_map(|count| count["count"].as_i64()).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ledger(stage: &str, consumed: i64, outcome: i64, produced: (&str, i64)) -> Seen {
        let value = json!({
            "stage": stage,
            "consumed": consumed,
            "outcomes": [{ "name": "ok", "count": outcome }],
            "produced": [{ "name": produced.0, "count": produced.1 }],
        });
        Seen { topic: "ledger.balance".to_owned(), key: format!("{stage}/0"), value }
    }

    #[test]
    fn a_record_lost_within_a_consumer_or_between_two_is_told() {
        let good = [
            ledger("identify", 3, 3, ("a.lead.events", 2)),
            ledger("aggregate", 2, 2, ("a.engagement.aggregate", 0)),
            ledger("watch", 2, 2, ("", 0)),
        ];
        assert_eq!(imbalances(&good, true), []);
        assert_eq!(imbalances(&[], true), [], "no accounts");
        let lost = [good[0].clone(), ledger("aggregate", 1, 0, ("", 0)), good[2].clone()];
        let told: Vec<String> = imbalances(&lost, true)
            .into_iter()
            .map(|(what, wanted, found)| format!("{what}: {wanted}, {found}"))
            .collect();
        assert_eq!(
            told,
            ["records that aggregate/0 consumed: 0, 1", "records written for aggregate and consumed by it: 2, 1"]
        );
        assert_eq!(imbalances(&lost[1..], false).len(), 1, "of one that runs alone, only its own account");
    }
}
