//! What holds for any bytes and any run of events.

use std::collections::BTreeMap;

use baton_domain::{Body, LogTime};
use proptest::prelude::*;

use super::{NOON, Rows, policy, view};
use crate::{Row, check, parse, stamp_for, step};

const SEEDS: &[&str] = &[
    r#"{"batch":[{"type":"page","messageId":"m1","anonymousId":"a1","properties":{"url":"https://x.test/a?b#c"}},{"type":"tick"}],"sentAt":"2026-01-01T12:00:00Z"}"#,
    r#"{"type":"identify","messageId":"m","userId":"u","traits":{"email":"é@x","employees":1.5e3,"a":[1,"b",{}]},"originalTimestamp":"2026-01-01T12:00:00Z"}"#,
    r#"{"type":"crm","activityId":"x","leadId":"ld_1","kind":"disposition","disposition":{"code":"c","nextCheckIn":"2026-01-01T12:00:00Z"}}"#,
];

/// Any event of few people who share few devices.
fn ids() -> impl Strategy<Value = String> {
    let one = |field: &'static str, n: u8| {
        prop::option::of(0..n).prop_map(move |id| id.map(|id| format!("{field}=x{id}@y ")).unwrap_or_default())
    };
    (one("crm", 3), one("user", 3), one("email", 3), one("anon", 4), one("previous", 4))
        .prop_map(|(a, b, c, d, e)| format!("{a}{b}{c}{d}{e}"))
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(parse(&bytes, NOON).len(), 1);
    }

    #[test]
    fn a_damaged_record_gives_an_answer_within_the_limits(
        seed in 0..SEEDS.len(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6),
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (place, byte, insert) in cuts {
            let place = place.index(bytes.len());
            if insert { bytes.insert(place, byte) } else { bytes[place] = byte }
        }
        for answer in parse(&bytes, NOON) {
            match answer {
                Ok(event) => prop_assert_eq!(check(event.clone()), Ok(event)),
                Err(rejected) => prop_assert!(!rejected.detail.is_empty() && rejected.detail.len() <= 200),
            }
        }
    }

    #[test]
    fn any_run_keeps_the_promises_of_the_sequencer(run in prop::collection::vec((0..40_u8, ids()), 1..60)) {
        let (mut rows, mut now) = (Rows::default(), LogTime::MIN);
        let (mut holders, mut sequenced_ids) = (BTreeMap::new(), Vec::new());
        for (number, ids) in run {
            let raw = view(&format!("m{number}"), &ids);
            let at = stamp_for(now, &raw, NOON);
            let said = step(&policy(), &mut rows, at, "t/0/0", raw);
            for event in &said.events {
                prop_assert!(event.stamp.at > now, "stamps rise strictly");
                now = event.stamp.at;
            }
            prop_assert!(said.last >= now && said.last >= at);
            now = said.last;
            prop_assert_eq!(said.rejected.is_some(), said.outcome == "rejected");
            let Some((event, links)) = said.events.split_last() else {
                prop_assert!(matches!(said.outcome, "duplicate" | "rejected"));
                prop_assert!(said.links.is_empty());
                continue;
            };
            prop_assert!(!sequenced_ids.contains(&number), "an event id counts once");
            sequenced_ids.push(number);
            for link in links {
                let Body::Linked(linked) = &link.body else { panic!("{link:?}") };
                let id = format!("{}:{}", linked.kind, linked.id);
                prop_assert_eq!(linked.previous_lead.as_ref(), holders.get(&id), "a link says where the id was");
                prop_assert!(linked.previous_lead.is_none() || linked.kind == "anonymous", "strong ids stay");
                prop_assert_eq!(&link.lead_id, &event.lead_id);
            }
            for link in said.links {
                holders.insert(link.id, link.lead_id);
            }
        }
        rows_agree_with(&rows, &holders)?;
    }
}

/// The links told, read in order, are the rows: every id at one lead, and every lead's ids counted.
fn rows_agree_with(rows: &Rows, holders: &BTreeMap<String, String>) -> Result<(), TestCaseError> {
    let mut counted = BTreeMap::<String, u32>::new();
    for lead_id in holders.values() {
        *counted.entry(lead_id.clone()).or_default() += 1;
    }
    let mut found = BTreeMap::new();
    for (key, row) in &rows.rows {
        match row {
            Row::Id { lead_id } => {
                found.insert(key["i/".len()..].to_owned(), lead_id.clone());
            }
            Row::Lead(known) => {
                prop_assert_eq!(known.ids, counted.get(&key["l/".len()..]).copied().unwrap_or(0), "{}", key);
            }
            Row::Seen { .. } | Row::Retracted => {
                prop_assert!(rows.wakes.contains_key(key), "every event id is forgotten some day");
            }
        }
    }
    prop_assert_eq!(&found, holders);
    Ok(())
}
