//! What a scenario file says, and what is wrong with one.

use baton_domain::Millis;
use serde_json::json;

use crate::lines::rfc3339;
use crate::{Line, Scenario, Script, Seen, judge, parse};

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

/// The lines of a scenario under the starter policy.
fn lines(scenario: &Scenario) -> Vec<(Millis, Line)> {
    Script::of(scenario, &mut |_| Ok(baton_policy::STARTER.to_owned())).unwrap().lines
}

fn plain(line: Line) -> String {
    match line {
        Line::Source(text) | Line::Rep(text) => text,
        Line::Record(record) => format!("{record:?}"),
        Line::Policy(published) => format!("policy {} at {}", published.version, rfc3339(published.effective_at)),
    }
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
    let lines: Vec<String> = lines(&scenario).into_iter().map(|(_, line)| plain(line)).collect();
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

/// A scenario with one step that publishes.
fn publishing(send: &str) -> Scenario {
    let text = format!("scenario: T99 x\nstart: 2026-03-02T09:00:00Z\nsteps:\n  - at: 1d\n    send: {send}\n");
    parse("t.yaml", &text).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

#[test]
fn a_policy_is_published_from_its_instant_and_never_from_before_its_step() {
    let raised = r#"change: [{ from: "version: 1", to: "version: 2" }]"#;
    for (effective_at, said) in [
        ("", "policy 2 at 2026-03-03T09:00:00Z"),
        (r#", effective_at: "@2d""#, "policy 2 at 2026-03-04T09:00:00Z"),
        (r#", effective_at: "@1h""#, "policy 2 at 2026-03-03T09:00:00Z"),
    ] {
        let scenario = publishing(&format!("{{ type: policy, {raised}{effective_at} }}"));
        let (_, first) = lines(&scenario).remove(0);
        assert_eq!(plain(first), said);
    }
}

#[test]
fn a_policy_that_could_not_be_applied_cannot_be_published_in_a_scenario() {
    let broken = r#"change: [{ from: "version: 1", to: "version: 2" }, { from: "total_cap:", to: "total_cup:" }]"#;
    let told = |send: &str| Script::of(&publishing(send), &mut |_| Ok(baton_policy::STARTER.to_owned())).unwrap_err();
    let unusable = told(&format!("{{ type: policy, {broken} }}"));
    assert!(unusable.starts_with("line 4: this policy cannot be used:\n  policy:"), "{unusable}");
    assert!(unusable.contains("total_cup"), "{unusable}");
    let again = r#"{ type: policy, change: [{ from: "total_cap: 100", to: "total_cap: 90" }] }"#;
    let twice = format!("[{again}, {{ type: policy, file: starter.yaml }}]");
    assert_eq!(told(&twice), "line 4: this policy is version 1, and version 1 was published before");
    assert_eq!(
        told(r#"{ type: policy, change: [{ from: "no such words", to: "" }] }"#),
        "line 5: \"no such words\" stands 0 times in the policy; change.from must be there once"
    );
}
