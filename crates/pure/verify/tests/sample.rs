//! The sample over a log in memory: nothing is told of a log that is whole, and each planted damage is told once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may, its helpers too")]

mod common;

use std::rc::Rc;

use baton_domain::{Points, ScoreUpdate};
use baton_engine::LaneRow;
use baton_pipeline::{Codec, Consumer, NoRegistry, Schemas};
use baton_verify::Kind;
use common::{Ran, one, run, run_partly, run_traced, run_with_policies, run_with_roster, three};

fn sample() -> Vec<String> {
    baton_workload::demo().collect()
}

fn small() -> Ran {
    run(&sample()[..1_500], one, 2, 400)
}

/// A record that says nothing, in the place of one that was dropped: the offsets of the others stay.
fn blank(record: &mut baton_sim::Record) {
    *record =
        baton_sim::Record { appended: record.appended, key: None, value: None, headers: baton_sim::Headers::default() };
}

/// The one difference that there is.
fn only(ran: &Ran) -> (Kind, String, i32, Option<i64>) {
    let found = ran.differences();
    assert_eq!(found.len(), 1, "{found:#?}");
    let first = found.into_iter().next().unwrap();
    (first.kind, first.topic, first.partition, first.offset)
}

#[test]
fn a_log_that_is_whole_has_no_differences() {
    let lines = sample();
    for (lanes, chunk, most) in [(4, 1_000, 5_000), (1, 5_000, 5_000), (3, 77, 2_000)] {
        let ran = run(&lines[..most.min(lines.len())], one, lanes, chunk);
        let reports = Consumer::ALL.map(|consumer| ran.verify_one(consumer));
        for report in &reports {
            assert_eq!(report.differences, [], "{lanes} lanes, {chunk} a time");
            assert!(report.lanes.iter().all(|lane| lane.state_skipped.is_none()), "{report:?}");
            assert!(report.lanes.iter().any(|lane| lane.outputs > 50 && lane.rows > 1), "{report:?}");
        }
        let balance = ran.reconcile();
        assert_eq!(balance.wrong, []);
        assert_eq!(balance.under_way, []);
    }
}

#[test]
fn a_replay_gives_the_same_traces_and_another_one_on_the_log_is_told() {
    let ran = run_traced(&sample()[..1_500], 2, 400);
    assert_eq!(ran.differences(), []);
    let mut shared = ran.shared.borrow_mut();
    let scores = shared.records("lead.score", 1);
    let traced = scores.iter_mut().find(|score| score.headers.get("traceparent").is_some()).unwrap();
    let mut headers = traced.headers.to_vec();
    let (_, trace) = headers.iter_mut().find(|(name, _)| name == b"traceparent").unwrap();
    *trace = Some(b"00-00000000000000000000000000001000-0000000000000007-01".to_vec());
    traced.headers = baton_sim::Headers::of(&headers);
    drop(shared);
    let (kind, topic, partition, _) = only(&ran);
    assert_eq!((kind, topic.as_str(), partition), (Kind::Altered, "lead.score", 1));
}

#[test]
fn a_pipeline_stopped_amid_its_work_has_no_differences() {
    let lines = &sample()[..2_000];
    let (mut skipped, mut under_way) = (0, 0);
    for (turns, lanes) in [(30, 3), (150, 3), (151, 1), (155, 4), (260, 2)] {
        for source in [one, three] {
            let ran = run_partly(lines, source, lanes, turns);
            let reports = Consumer::ALL.map(|consumer| ran.verify_one(consumer));
            for report in &reports {
                assert_eq!(report.differences, [], "after {turns} turns");
            }
            skipped +=
                reports.iter().flat_map(|report| &report.lanes).filter(|lane| lane.state_skipped.is_some()).count();
            let balance = ran.reconcile();
            assert_eq!(balance.wrong, [], "after {turns} turns");
            under_way += balance.under_way.len();
        }
    }
    assert!(skipped > 0 && under_way > 0, "somebody was not at the end");
}

/// A field of a line, as its source wrote it.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_once(&format!("\"{name}\":\""))?.1.split('"').next()
}

/// The lines with every seventh event taken back: some of them by a retraction received before the event.
fn with_retractions(lines: &[String]) -> Vec<String> {
    let (mut told, mut before) = (Vec::new(), None);
    for (number, line) in lines.iter().enumerate() {
        let taken = field(line, "messageId").zip(field(line, "receivedAt")).filter(|_| number % 7 == 0);
        let ahead = before.filter(|_| number % 3 == 0);
        let retraction = taken.map(|(id, at)| {
            let at = ahead.unwrap_or(at);
            format!(
                r#"{{"type":"retract","messageId":"r{number}","retracts":"{id}","reason":"bot","receivedAt":"{at}"}}"#
            )
        });
        told.extend(retraction.clone().filter(|_| ahead.is_some()));
        told.push(line.clone());
        told.extend(retraction.filter(|_| ahead.is_none()));
        before = field(line, "receivedAt").or(before);
    }
    told
}

#[test]
fn events_taken_back_before_and_after_they_came_have_no_differences() {
    let lines = with_retractions(&sample()[..2_000]);
    let four = |line: &str| if line.contains(r#""type":"retract""#) { "event.retractions" } else { three(line) };
    for (chunk, lanes) in [(1, 2), (400, 3), (5_000, 1)] {
        let ran = run(&lines, four, lanes, chunk);
        let reports = Consumer::ALL.map(|consumer| ran.verify_one(consumer));
        for report in &reports {
            assert_eq!(report.differences, [], "{chunk} a time");
            assert!(report.lanes.iter().all(|lane| lane.state_skipped.is_none()), "{report:?}");
        }
        assert_eq!(ran.reconcile().wrong, []);
        for outcome in ["retracted", "retracted_ahead", "taken_back"] {
            // What comes while every source is at its end is taken at once, so few of a later chunk come ahead.
            assert!(ran.counted(Consumer::Identify, outcome) > 5, "{outcome}, {chunk} a time");
        }
    }
    let partly = run_partly(&lines, four, 2, 260);
    assert_eq!(partly.differences(), []);
}

#[test]
fn the_roster_is_replayed_in_its_place() {
    let lines = &sample()[..2_500];
    for (chunk, lanes, source) in [(400, 3, one as fn(&str) -> &'static str), (100, 2, three)] {
        let ran = run_with_roster(lines, source, lanes, chunk);
        for report in Consumer::ALL.map(|consumer| ran.verify_one(consumer)) {
            assert_eq!(report.differences, [], "{chunk} a time");
            assert!(report.lanes.iter().all(|lane| lane.state_skipped.is_none()), "{report:?}");
        }
        let balance = ran.reconcile();
        assert_eq!((balance.wrong, balance.under_way), (vec![], vec![]));
        let told = i64::try_from(lines.len().div_ceil(chunk)).unwrap();
        for consumer in [Consumer::Identify, Consumer::Route] {
            assert_eq!(ran.counted(consumer, "roster"), told, "{consumer}, {chunk} a time");
        }
        // One line of the sample cannot be read either.
        assert_eq!(ran.counted(Consumer::Identify, "dlq_decode"), told + 1, "{chunk} a time");
    }
}

#[test]
fn changes_of_policy_are_replayed_in_their_place() {
    let lines = &sample()[..2_500];
    for (chunk, lanes, source) in [(400, 3, one as fn(&str) -> &'static str), (5_000, 1, three)] {
        let ran = run_with_policies(lines, source, lanes, chunk);
        let reports = Consumer::ALL.map(|consumer| ran.verify_one(consumer));
        for report in &reports {
            assert_eq!(report.differences, [], "{chunk} a time");
            assert!(report.lanes.iter().all(|lane| lane.state_skipped.is_none()), "{report:?}");
        }
        let balance = ran.reconcile();
        assert_eq!(balance.wrong, []);
        assert_eq!(balance.under_way, []);
        assert_eq!(ran.counted(Consumer::Score, "policy_changed"), 3 * i64::from(lanes), "{chunk} a time");
    }
}

#[test]
fn a_record_lost_amid_the_work_is_missing_all_the_same() {
    let ran = run_partly(&sample()[..2_000], one, 2, 260);
    let (partition, index) = ran.place("lifecycle.changed", 2);
    blank(&mut ran.shared.borrow_mut().records("lifecycle.changed", partition)[index]);
    let found = ran.verify_one(Consumer::Score).differences;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].kind, found[0].topic.as_str()), (Kind::Missing, "lifecycle.changed"));
}

#[test]
fn the_order_of_several_sources_is_taken_from_what_was_written() {
    let lines = sample();
    // Fed in chunks, each source is at its end in between: the order is the arrival's, not that of receipt.
    let rotated: Vec<String> = lines[2_500..].iter().chain(&lines[..2_500]).cloned().collect();
    for (lines, chunk) in [(&lines[..], 5_000), (&lines[..1_500], 50), (&rotated[..], 313)] {
        let ran = run(lines, three, 4, chunk);
        assert_eq!(ran.differences(), [], "{chunk} a time");
        assert_eq!(ran.reconcile().wrong, []);
    }
}

#[test]
fn repeats_that_came_over_another_source_find_their_place() {
    let lines = &sample()[..800];
    // Each line also over another topic, before or after the first.
    let mut twice = Vec::new();
    for (index, line) in (100..).zip(lines) {
        twice.push((index * 2, line.clone()));
        twice.push((index * 2 + 61 - (index % 2) * 122, line.replace("\"messageId\"", " \"messageId\"")));
    }
    twice.sort_by_key(|(at, _)| *at);
    let twice: Vec<String> = twice.into_iter().map(|(_, line)| line).collect();
    let topic = |line: &str| if line.contains(" \"messageId\"") { "crm.activity" } else { "engagement.raw" };
    for chunk in [2_000, 40, 7] {
        let ran = run(&twice, topic, 2, chunk);
        assert_eq!(ran.differences(), [], "{chunk} a time");
    }
}

#[test]
fn a_record_that_was_dropped_is_missing() {
    for (topic, writer) in [
        ("lead.handoff", Consumer::Route),
        ("lifecycle.changed", Consumer::Score),
        ("sla.started", Consumer::Watch),
        ("engagement.aggregate", Consumer::Aggregate),
        ("assignment.requests", Consumer::Score),
    ] {
        let ran = small();
        let (partition, index) = ran.place(topic, 3);
        blank(&mut ran.shared.borrow_mut().records(topic, partition)[index]);
        let found = ran.verify_one(writer).differences;
        assert_eq!(found.len(), 1, "{topic} {found:#?}");
        assert_eq!((found[0].kind, found[0].topic.as_str()), (Kind::Missing, topic));
        assert_eq!(found[0].partition, partition);
        assert!(!ran.reconcile().wrong.is_empty(), "{topic}");
    }
}

#[test]
fn a_record_that_is_there_twice_is_named_by_its_offset() {
    let ran = small();
    let (partition, index) = ran.place("lead.handoff", 2);
    {
        let mut shared = ran.shared.borrow_mut();
        let records = shared.records("lead.handoff", partition);
        let again = records[index].clone();
        records.push_back(again);
    }
    let last = ran.shared.borrow_mut().records("lead.handoff", partition).len() - 1;
    let last = Some(i64::try_from(last).unwrap());
    assert_eq!(only(&ran), (Kind::Extra, "lead.handoff".to_owned(), partition, last));
    assert_eq!(ran.reconcile().wrong.len(), 1);
}

#[test]
fn a_forged_record_is_named_by_its_offset() {
    let ran = small();
    let (partition, index) = ran.place("sla.started", 0);
    {
        let mut shared = ran.shared.borrow_mut();
        let records = shared.records("sla.started", partition);
        let mut forged = records[index].clone();
        forged.headers = baton_sim::Headers::default();
        forged.key = Some(b"nobody".to_vec());
        records.push_back(forged);
    }
    let (kind, topic, ..) = only(&ran);
    assert_eq!((kind, topic.as_str()), (Kind::Extra, "sla.started"));
    assert_eq!(ran.reconcile().wrong.len(), 1);
}

#[test]
fn a_record_that_was_altered_is_named_by_its_offset() {
    let ran = small();
    let (partition, index) = ran.place("lead.handoff", 1);
    let at = Some(i64::try_from(index).unwrap());
    if let Some(value) = &mut ran.shared.borrow_mut().records("lead.handoff", partition)[index].value {
        *value.last_mut().unwrap() ^= 1;
    }
    assert_eq!(only(&ran), (Kind::Altered, "lead.handoff".to_owned(), partition, at));
    assert_eq!(ran.reconcile().wrong, [], "content is not what is counted");
}

#[test]
fn a_record_that_was_moved_is_out_of_order() {
    let ran = small();
    let (partition, _) = ran.place("lifecycle.changed", 5);
    ran.shared.borrow_mut().records("lifecycle.changed", partition).swap(3, 4);
    let (kind, topic, at, _) = only(&ran);
    assert_eq!((kind, topic.as_str(), at), (Kind::Moved, "lifecycle.changed", partition));
}

#[test]
fn a_row_of_state_that_was_altered_is_named() {
    for (topic, lane) in [("score.changelog", 1), ("identify.changelog", 0), ("route.changelog", 0)] {
        let ran = small();
        {
            let mut shared = ran.shared.borrow_mut();
            let rows = shared.records(topic, lane);
            let mut row = rows.iter().rev().find(|row| row.key.as_deref() != Some(LaneRow::KEY)).unwrap().clone();
            row.value = Some(b"another row".to_vec());
            rows.push_back(row);
        }
        let (kind, name, partition, _) = only(&ran);
        assert_eq!((kind, name.as_str(), partition), (Kind::State, topic, lane));
    }
}

#[test]
fn a_ledger_that_was_altered_is_named() {
    let ran = small();
    {
        let mut shared = ran.shared.borrow_mut();
        let ledgers = shared.records("ledger.balance", 0);
        let key: &[u8] = b"score/1";
        let old = ledgers.iter().find(|ledger| ledger.key.as_deref() == Some(key)).unwrap().clone();
        ledgers.push_back(old);
    }
    let (kind, topic, ..) = only(&ran);
    assert_eq!((kind, topic.as_str()), (Kind::Ledger, "ledger.balance"));
    assert!(!ran.reconcile().wrong.is_empty());
}

#[test]
fn a_dead_letter_that_is_not_there_is_missing() {
    let ran = small();
    let bad = ran.shared.borrow_mut().records("dlq", 0).len();
    assert!(bad > 0, "the sample holds records that cannot be used");
    ran.shared.borrow_mut().records("dlq", 0).pop_front();
    let (kind, topic, ..) = only(&ran);
    assert_eq!((kind, topic.as_str()), (Kind::Missing, "dlq"));
}

#[test]
fn an_event_that_is_missing_is_found_with_several_sources_too() {
    let ran = run(&sample()[..1_500], three, 1, 300);
    // The last of its record, so that the order of the others is witnessed still.
    let (partition, index) = ran.place("lead.events", 700);
    blank(&mut ran.shared.borrow_mut().records("lead.events", partition)[index]);
    let report = ran.verify_one(Consumer::Identify);
    let missing: Vec<_> = report.differences.iter().filter(|one| one.kind == Kind::Missing).collect();
    assert_eq!(missing.len(), 1, "{:#?}", report.differences);
    assert_eq!(missing[0].topic, "lead.events");
}

#[test]
fn every_score_follows_from_the_history_by_the_policy_of_its_day() {
    let lines = &sample()[..2_500];
    let policies = run_with_policies(lines, one, 3, 400);
    let amid = run_partly(&sample()[..2_000], three, 2, 260);
    for (ran, least) in [(policies, 1_500), (amid, 100)] {
        let receipts = ran.receipts();
        assert_eq!(receipts.differences, []);
        assert_eq!(receipts.unverifiable, Vec::<String>::new());
        assert!(receipts.recomputed > least, "{}", receipts.recomputed);
    }
}

/// Changes a late score, and says what it was.
fn change(ran: &Ran, act: impl Fn(&mut ScoreUpdate)) -> ScoreUpdate {
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    let mut codec = Codec::<ScoreUpdate>::new(&schemas);
    let mut shared = ran.shared.borrow_mut();
    let record = shared.records("lead.score", 1).iter_mut().rev().find(|record| record.key.is_some()).unwrap();
    let value = record.value.as_mut().unwrap();
    let before = codec.decode(value).unwrap();
    let mut score = before.clone();
    act(&mut score);
    *value = codec.bytes(&score);
    before
}

#[test]
fn a_receipt_that_does_not_follow_from_the_history_is_named_with_lead_event_and_field() {
    type Planted = fn(&mut ScoreUpdate);
    let planted: [(&str, Planted); 3] = [
        ("score", |score| score.score = Points(score.score.0 + 1)),
        ("receipt", |score| drop(score.receipt.pop())),
        // What judged before the change.
        ("policy_version", |score| score.policy_version -= 1),
    ];
    for (field, act) in planted {
        let ran = run_with_policies(&sample()[..2_500], one, 2, 400);
        let before = change(&ran, act);
        assert!(before.policy_version > 2, "after two changes");
        let found = ran.receipts().differences;
        assert_eq!(found.len(), 1, "{found:#?}");
        let (kind, told) = (found[0].kind, &found[0].found);
        assert_eq!((kind, found[0].topic.as_str()), (Kind::Receipt, "lead.score"));
        for word in [&before.lead_id, &before.event_id, field] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert_ne!(found[0].expected, *told);
    }
}

#[test]
fn scores_that_the_broker_has_replaced_by_newer_ones_are_no_difference_and_a_lost_one_is() {
    let ran = small();
    let whole = ran.receipts().recomputed;
    let mut newest = std::collections::BTreeMap::new();
    for partition in 0..2 {
        for (index, record) in ran.shared.borrow_mut().records("lead.score", partition).iter().enumerate() {
            newest.insert(record.key.clone(), (partition, index));
        }
    }
    for partition in 0..2 {
        for (index, record) in ran.shared.borrow_mut().records("lead.score", partition).iter_mut().enumerate() {
            if newest.get(&record.key) != Some(&(partition, index)) {
                blank(record);
            }
        }
    }
    let receipts = ran.receipts();
    assert_eq!(receipts.differences, []);
    assert!(receipts.recomputed < whole / 2 && receipts.recomputed > 50, "{} of {whole}", receipts.recomputed);

    let (partition, index) = ran.place("lead.score", 3);
    blank(&mut ran.shared.borrow_mut().records("lead.score", partition)[index]);
    let found = ran.receipts().differences;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].kind, found[0].offset), (Kind::Receipt, None));
}
