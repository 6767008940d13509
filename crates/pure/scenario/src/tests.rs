//! What a scenario file says, and what is wrong with one.

use serde_json::json;

use crate::{Seen, judge, lines, parse};

const FILE: &str = "\
scenario: T99 a demo request is handed off
start: 2026-03-02T09:00:00Z
steps:
  - send: { type: track, event: Demo Requested, userId: ada }
  - at: 5m
    send: { type: crm, userId: ada, kind: touch, occurredAt: \"@4m\" }
    expect:
      stage: mql
      score: 62.5
      receipt: [{ rule: demo, points: \">= 40\" }]
      excluded: { kim: away }
      sla: { clock: first_touch, kind: warned, deadline: \"@5m\" }
      topics: { lead.handoff: 1 }
      unsaid: { topic: sla.breach }
";

fn seen(topic: &str, key: &str, value: serde_json::Value) -> Seen {
    Seen { topic: topic.to_owned(), key: key.to_owned(), value }
}

/// 09:00 of the scenario in microseconds.
const START: i64 = 1_772_442_000_000_000;

fn records() -> Vec<Seen> {
    let stamp = json!({"at": START, "lane": 0});
    vec![
        seen("lead.identity", "user:ada", json!({"id": "user:ada", "lead_id": "ld_1", "since": START})),
        seen("lifecycle.changed", "ld_1", json!({"stamp": stamp, "to": "Mql"})),
        seen(
            "lead.score",
            "ld_1",
            json!({"stamp": stamp, "score": 62_500_999, "receipt": [{"rule": "demo", "points": 40_000_000}]}),
        ),
        seen("lead.assignment", "ld_1", json!({"stamp": stamp, "excluded": [{"rep": "kim", "reason": "away"}]})),
        seen(
            "sla.warned",
            "ld_1",
            json!({"stamp": stamp, "clock": "FirstTouch", "kind": "Warned", "deadline": START + 300_000_000}),
        ),
        seen("lead.handoff", "ld_1", json!({"stamp": stamp})),
    ]
}

#[test]
fn what_was_expected_and_came_is_no_difference() {
    let scenario = parse("t.yaml", FILE).unwrap();
    assert_eq!(judge(&scenario, &records()), []);
}

#[test]
fn each_difference_names_its_line_the_wanted_and_the_found() {
    let scenario = parse("t.yaml", FILE).unwrap();
    let mut records = records();
    records[1].value["to"] = json!("Identified");
    records[3].value["excluded"] = json!([]);
    records.push(seen("sla.breach", "ld_1", json!({"stamp": {"at": START + 1}})));
    records.retain(|seen| seen.topic != "lead.handoff");
    let told: Vec<String> = judge(&scenario, &records).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 8: stage of user:ada at 2026-03-02T09:05:00Z: expected mql, found Identified",
            "line 11: excluded.kim of user:ada at 2026-03-02T09:05:00Z: expected away, found nothing",
            "line 13: number of records on lead.handoff of user:ada at 2026-03-02T09:05:00Z: expected 1, found 0",
            "line 14: a record on sla.breach of user:ada at 2026-03-02T09:05:00Z: expected none with , found one",
        ]
    );
}

#[test]
fn a_record_after_the_instant_of_an_expectation_does_not_count() {
    let scenario = parse("t.yaml", FILE).unwrap();
    let mut records = records();
    records.push(seen("lead.handoff", "ld_1", json!({"stamp": {"at": START + 301_000_001}})));
    records.push(seen("lifecycle.changed", "ld_1", json!({"stamp": {"at": START + 301_000_001}, "to": "Sal"})));
    assert_eq!(judge(&scenario, &records), []);
}

#[test]
fn lines_say_what_every_source_says_and_time_ends_past_the_last_step() {
    let scenario = parse("t.yaml", FILE).unwrap();
    let lines: Vec<String> = lines(&scenario).into_iter().map(|(_, line)| line).collect();
    assert_eq!(
        lines,
        [
            r#"{"event":"Demo Requested","messageId":"t99-1","receivedAt":"2026-03-02T09:00:00Z","timestamp":"2026-03-02T09:00:00Z","type":"track","userId":"ada"}"#,
            r#"{"activityId":"t99-2","kind":"touch","occurredAt":"2026-03-02T09:04:00Z","receivedAt":"2026-03-02T09:05:00Z","type":"crm","userId":"ada"}"#,
            r#"{"receivedAt":"2026-03-02T09:05:01Z","type":"tick"}"#,
        ]
    );
}

#[test]
fn every_mistake_is_told_with_its_line_and_what_to_do() {
    let text = "\
scenario: T99 wrong
start: yesterday
stops: []
steps:
  - at: soon
    send: page
  - at: 5m
    expects: {}
  - at: 2m
    expect: { stag: mql }
  - at: 6m
    expect: { said: { clock: accept } }
";
    let told: Vec<String> = parse("t.yaml", text).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "t.yaml:2:8: start: \"yesterday\" is not a time; write it as in 2026-09-07T09:00:00Z",
            "t.yaml:3:1: stops: unknown key; did you mean \"steps\"?",
            "t.yaml:5:9: steps[0].at: \"soon\" is not a time; write +5m, 3d, 1d2h (counted from `start`) or 2026-09-07T09:00:00Z",
            "t.yaml:6:11: steps[0].send: expected an event, as in { type: page, userId: ada }, found \"page\"",
            "t.yaml:8:5: steps[1].expects: unknown key; did you mean \"expect\"?",
            "t.yaml:9:5: steps[2]: this step lies before the one above it; put the steps in the order of time",
            "t.yaml:10:15: steps[2].expect.stag: unknown key; did you mean \"stage\"?",
            "t.yaml:12:21: steps[3].expect.said: the topic is missing; add `topic: lead.handoff` or another one",
        ]
    );
}

#[test]
fn durations_add_up_and_what_is_none_is_refused() {
    use crate::lines::duration;
    assert_eq!(duration("1d2h"), Some(26 * 3_600_000));
    assert_eq!(duration("-90s"), Some(-90_000));
    for text in ["", "5", "m", "5x", "1h5", "+"] {
        assert_eq!(duration(text), None, "{text}");
    }
}
