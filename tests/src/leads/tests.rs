//! Three rows told in full, and the whole table where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;

use serde_json::Value;

use super::convert;

const THREE: &str = "\
Prospect ID,Lead Number,Lead Origin,Lead Source,Do Not Email,Do Not Call,Converted,TotalVisits,Total Time Spent on Website,Page Views Per Visit,Last Activity,Country,Specialization,What is your current occupation,Tags,Lead Quality,Lead Profile,Asymmetrique Activity Score\n\
p-1,101,Landing Page Submission,Direct Traffic,No,No,1,3,300,2,Email Opened,India,Finance Management,Working Professional,Closed by Horizzon,High in Relevance,Potential Lead,17\n\
p-2,102,API,Olark Chat,Yes,No,0,0,0,0,SMS Sent,unknown,Select,Select,Ringing,Might be,Select,13\n\
p-3,103,Lead Add Form,,No,Yes,1,1,40,1,Olark Chat Conversation,Germany,Media and Advertising,Student,,,,\n";

/// What the three rows become, one event a line.
const TOLD: &str = r#"
{"anonymousId":"web-103","messageId":"x-103-0","properties":{"path":"/"},"receivedAt":"2026-09-10T00:31:15.957Z","timestamp":"2026-09-10T00:31:14.957Z","type":"page"}
{"anonymousId":"web-103","context":{"source":"form"},"messageId":"x-103-1","receivedAt":"2026-09-10T00:33:15.957Z","timestamp":"2026-09-10T00:33:14.957Z","traits":{"country":"DE","email":"lead-103@leads.example","industry":"Media and Advertising","title":"Student"},"type":"identify","userId":"p-3"}
{"anonymousId":"web-103","event":"Form Submitted","messageId":"x-103-2","properties":{"form_id":"add_form"},"receivedAt":"2026-09-10T00:33:16.957Z","timestamp":"2026-09-10T00:33:15.957Z","type":"track","userId":"p-3"}
{"anonymousId":"web-101","context":{"campaign":{"source":"direct_traffic"}},"messageId":"x-101-0","properties":{"path":"/landing"},"receivedAt":"2026-09-19T04:11:44.727Z","timestamp":"2026-09-19T04:11:43.727Z","type":"page"}
{"anonymousId":"web-101","context":{"campaign":{"source":"direct_traffic"},"source":"form"},"messageId":"x-101-1","receivedAt":"2026-09-19T04:13:44.727Z","timestamp":"2026-09-19T04:13:43.727Z","traits":{"country":"IN","email":"lead-101@leads.example","industry":"Finance Management","title":"Working Professional"},"type":"identify","userId":"p-1"}
{"anonymousId":"web-101","context":{"campaign":{"source":"direct_traffic"}},"event":"Form Submitted","messageId":"x-101-2","properties":{"form_id":"landing_page"},"receivedAt":"2026-09-19T04:13:45.727Z","timestamp":"2026-09-19T04:13:44.727Z","type":"track","userId":"p-1"}
{"anonymousId":"web-101","context":{"campaign":{"source":"direct_traffic"}},"messageId":"x-101-3","properties":{"path":"/courses"},"receivedAt":"2026-09-24T00:03:08.263Z","timestamp":"2026-09-24T00:03:07.263Z","type":"page","userId":"p-1"}
{"anonymousId":"web-103","event":"Chat Started","messageId":"x-103-3","properties":{},"receivedAt":"2026-09-24T01:31:15.957Z","timestamp":"2026-09-24T01:31:14.957Z","type":"track","userId":"p-3"}
{"channel":"phone","email":"lead-103@leads.example","messageId":"x-103-4","receivedAt":"2026-09-24T02:31:15.957Z","source":"crm","state":"denied","timestamp":"2026-09-24T02:31:14.957Z","type":"consent"}
{"anonymousId":"web-102","context":{"campaign":{"source":"olark_chat"},"source":"import"},"messageId":"x-102-0","receivedAt":"2026-09-24T14:18:40.797Z","timestamp":"2026-09-24T14:18:39.797Z","traits":{"email":"lead-102@leads.example"},"type":"identify","userId":"p-2"}
{"anonymousId":"web-101","context":{"campaign":{"source":"direct_traffic"}},"messageId":"x-101-4","properties":{"path":"/courses"},"receivedAt":"2026-09-29T09:18:05.462Z","timestamp":"2026-09-29T09:18:04.462Z","type":"page","userId":"p-1"}
{"event":"Email Opened","messageId":"x-101-5","properties":{"email":"lead-101@leads.example"},"receivedAt":"2026-10-03T05:11:44.727Z","timestamp":"2026-10-03T05:11:43.727Z","type":"track","userId":"p-1"}
{"activityId":"x-102-1","automated":true,"direction":"outbound","kind":"touch","medium":"sms","occurredAt":"2026-10-08T15:16:39.797Z","outcome":"attempt","receivedAt":"2026-10-08T15:16:40.797Z","type":"crm","userId":"p-2"}
{"channel":"email","email":"lead-102@leads.example","messageId":"x-102-2","receivedAt":"2026-10-08T16:16:40.797Z","source":"crm","state":"denied","timestamp":"2026-10-08T16:16:39.797Z","type":"consent"}
{"activityId":"x-101-6","kind":"opportunity","occurredAt":"2026-10-27T00:00:00Z","opportunity":"won","receivedAt":"2026-10-27T00:00:01Z","type":"crm","userId":"p-1"}
{"activityId":"x-103-5","kind":"opportunity","occurredAt":"2026-10-27T00:00:00.002Z","opportunity":"won","receivedAt":"2026-10-27T00:00:01.002Z","type":"crm","userId":"p-3"}
{"receivedAt":"2026-11-06T00:00:00Z","type":"tick"}
"#;

fn values<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    lines.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn told(csv: &str) -> Vec<Value> {
    values(convert(csv.as_bytes()).unwrap().iter().map(String::as_str))
}

fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event[field].as_str().unwrap_or_default()
}

#[test]
fn three_rows_become_exactly_these_events() {
    assert_eq!(told(THREE), values(TOLD.trim().lines()));
}

#[test]
fn what_sales_noted_after_the_fact_changes_nothing() {
    let mut changed = THREE.to_owned();
    for (noted, other) in
        [("Closed by Horizzon", "Ringing"), ("High in Relevance", "Worst"), ("Potential Lead", "Dual"), (",17", ",99")]
    {
        assert!(changed.contains(noted));
        changed = changed.replace(noted, other);
    }
    assert_eq!(told(&changed), told(THREE));
}

#[test]
fn the_outcome_is_the_only_difference_that_it_makes() {
    let lost = THREE.replace("No,No,1,3,300", "No,No,0,3,300");
    assert_ne!(lost, THREE);
    let with: Vec<Value> = told(THREE);
    let without = told(&lost);
    let kept: Vec<Value> =
        with.iter().filter(|event| !(event["opportunity"] == "won" && event["userId"] == "p-1")).cloned().collect();
    assert_eq!(kept.len() + 1, with.len());
    assert_eq!(kept, without);
}

#[test]
fn a_missing_column_is_named() {
    let error = convert(&b"Prospect ID,Lead Number\np-1,101\n"[..]).unwrap_err().to_string();
    assert!(error.contains("Lead Origin"), "{error}");
}

#[test]
fn every_last_activity_of_the_table_has_its_event() {
    let events = |activity: &str| -> Vec<String> {
        let row = THREE.lines().nth(2).unwrap().replace("SMS Sent", activity).replace("Yes,No", "No,No");
        told(&format!("{}\n{row}\n", THREE.lines().next().unwrap()))
            .iter()
            .filter(|event| !matches!(text(event, "type"), "identify" | "tick"))
            .map(|event| format!("{} {}{}", text(event, "type"), text(event, "event"), text(event, "medium")))
            .collect()
    };
    for (activity, event) in [
        ("Email Opened", "track Email Opened"),
        ("Email Link Clicked", "track Email Link Clicked"),
        ("View in browser link Clicked", "track Email Link Clicked"),
        ("Email Bounced", "track Email Bounced"),
        ("Email Marked Spam", "track Email Marked As Spam"),
        ("Unsubscribed", "track Email Unsubscribed"),
        ("Olark Chat Conversation", "track Chat Started"),
        ("Form Submitted on Website", "track Form Submitted"),
        ("Visited Booth in Tradeshow", "track Event Attended"),
        ("Page Visited on Website", "page "),
        ("SMS Sent", "crm sms"),
        ("Unreachable", "crm call"),
        ("Had a Phone Conversation", "crm call"),
        ("Approached upfront", "crm meeting"),
        ("Email Received", "crm email"),
    ] {
        assert_eq!(events(activity), [event], "{activity}");
    }
    assert!(events("Converted to Lead").is_empty());
    assert!(events("").is_empty());
}

/// The real table, where the shared data lie beside the repository or where `BATON_SHARED` says.
fn real() -> Option<File> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("BATON_SHARED").map_or(beside, PathBuf::from);
    let path = shared.join("data/leads/leads.csv");
    let file = File::open(&path).ok();
    if file.is_none() {
        eprintln!("skipped: {} is not there; set BATON_SHARED to the folder that has it", path.display());
    }
    file
}

#[test]
fn the_real_table_is_told_row_by_row_and_count_by_count() {
    let Some(file) = real() else { return };
    let mut rows: Vec<BTreeMap<String, String>> = Vec::new();
    for row in csv::Reader::from_reader(file).deserialize() {
        rows.push(row.unwrap());
    }
    let is = |column: &'static str, value: &'static str| {
        i64::try_from(rows.iter().filter(|row| row[column] == value).count()).unwrap()
    };
    let visits: i64 = rows.iter().filter_map(|row| row["TotalVisits"].parse::<i64>().ok()).sum();
    let lines = convert(real().unwrap()).unwrap();
    let events = values(lines.iter().map(String::as_str));
    let count = |field: &str, value: &str| {
        i64::try_from(events.iter().filter(|event| text(event, field) == value).count()).unwrap()
    };
    assert_eq!(count("type", "identify"), i64::try_from(rows.len()).unwrap());
    assert_eq!(count("type", "page"), visits + is("Last Activity", "Page Visited on Website"));
    assert_eq!(count("opportunity", "won"), is("Converted", "1"));
    assert_eq!(count("type", "consent"), is("Do Not Email", "Yes") + is("Do Not Call", "Yes"));
    assert_eq!(count("event", "Email Opened"), is("Last Activity", "Email Opened"));
    assert_eq!(count("type", "tick"), 1);

    let ids: BTreeSet<&str> =
        events.iter().flat_map(|event| [&event["messageId"], &event["activityId"]]).filter_map(Value::as_str).collect();
    assert_eq!(ids.len() + 1, events.len());
    let received = |event: &Value| text(event, "receivedAt").parse::<jiff::Timestamp>().unwrap();
    assert!(events.iter().map(received).is_sorted());
    let first_outcome = events.iter().position(|event| event["opportunity"] == "won").unwrap();
    assert!(events[first_outcome..events.len() - 1].iter().all(|event| event["opportunity"] == "won"));
    assert_eq!(events.last().unwrap()["type"], "tick");
}
