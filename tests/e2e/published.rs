//! Policies and rosters as an operator publishes them: what is good judges from its instant on, what is bad is refused
//! whole with every mistake, and the pipeline goes on by what it had.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use baton_domain::{Assignment, PolicyPublished, ScoreUpdate};
use baton_kafka::Cluster;
use baton_kafka::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use baton_pipeline::{Codec, NoRegistry, Schemas};

use crate::harness::{Deployment, deploy, text};

/// Monday, 10:00 in Berlin.
const DAY: &str = "2026-03-02T09:00:00Z";
const NEXT: &str = "2026-03-03T09:00:00Z";

fn identify(user: &str, at: &str) -> String {
    format!(
        r#"{{"type":"identify","messageId":"i-{user}","userId":"{user}","timestamp":"{at}","receivedAt":"{at}","traits":{{"email":"{user}@{user}.example","title":"VP Sales","company":"{user}","employees":250,"industry":"software","country":"DE"}}}}"#
    )
}

fn demo(user: &str, at: &str) -> String {
    format!(
        r#"{{"type":"track","event":"Demo Requested","messageId":"d-{user}","userId":"{user}","timestamp":"{at}","receivedAt":"{at}"}}"#
    )
}

fn tick(at: &str) -> String {
    format!(r#"{{"type":"tick","receivedAt":"{at}"}}"#)
}

/// The starter policy as another version.
fn version(number: i64) -> String {
    baton_policy::STARTER.replacen("version: 1 #", &format!("version: {number} #"), 1)
}

/// Runs a command that must be refused so, with all of these words.
fn refused(deployment: &Deployment, args: &[&str], words: &[&str]) {
    let done = deployment.baton(args);
    assert_eq!(done.status.code(), Some(78), "{args:?}: {}", text(&done));
    for word in words {
        assert!(text(&done).contains(word), "{args:?}: no {word:?} in\n{}", text(&done));
    }
}

fn write_raw(deployment: &Deployment, topic: &str, value: &[u8]) {
    let cluster = Cluster { bootstrap: deployment.bootstrap.clone(), properties: BTreeMap::new() };
    let producer: BaseProducer = cluster.tool().set("acks", "all").create().unwrap();
    let topic = format!("{}{topic}", deployment.prefix);
    producer.send(BaseRecord::<str, [u8]>::to(&topic).key("9").payload(value)).map_err(|(error, _)| error).unwrap();
    producer.flush(Duration::from_mins(1)).unwrap();
}

/// The metrics of the process that listens there.
fn metrics(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

#[test]
fn a_policy_judges_from_its_instant_and_a_bad_one_is_refused_whole_while_the_old_one_goes_on() {
    let Some(mut deployment) = deploy("publish") else { return };
    let bad = version(2).replacen("total_cap:", "total_cup:", 1).replacen("rearm_percent: 75", "rearm_percent: 175", 1);
    let (bad, good) = (deployment.write("bad.yaml", &bad), deployment.write("good.yaml", &version(2)));
    refused(&deployment, &["policy", "apply", &bad], &["2 problems", "total_cup", "did you mean", "rearm_percent"]);
    assert!(deployment.read_all("policy").is_empty(), "nothing of it was published");
    let done = deployment.baton(&["policy", "apply", &good, "--at", NEXT]);
    assert!(done.status.success() && text(&done).contains("version 2 is published"), "{}", text(&done));
    refused(&deployment, &["policy", "apply", &good], &["version 2 was published before: give it a greater one"]);

    // Somebody writes to the topic what the command would have refused.
    let published = PolicyPublished {
        name: "starter".to_owned(),
        version: 3,
        author: "kim".to_owned(),
        effective_at: baton_domain::Millis(0),
        document: version(3),
        checksum: "0".repeat(32),
    };
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    write_raw(&deployment, "policy", &Codec::new(&schemas).bytes(&published));

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    deployment.settings.push(("BATON_HTTP__LISTEN".to_owned(), format!("127.0.0.1:{port}")));
    let lines = [
        identify("old", DAY),
        demo("old", DAY),
        identify("new", NEXT),
        demo("new", NEXT),
        tick("2026-03-04T09:00:00Z"),
    ];
    deployment.ingest(&lines);
    deployment.start("all");
    deployment.settle();
    let decoder = baton_wire::Decoder::<ScoreUpdate>::new();
    let scores: Vec<ScoreUpdate> =
        deployment.read("lead.score").iter().map(|record| decoder.decode(&record.value).unwrap()).collect();
    let next: jiff::Timestamp = NEXT.parse().unwrap();
    assert!(!scores.is_empty());
    for score in &scores {
        let version = if score.stamp.at.0 < next.as_microsecond() { 1 } else { 2 };
        assert_eq!(score.policy_version, version, "{score:?}");
    }
    assert!(scores.iter().any(|score| score.policy_version == 2));
    let letters = deployment.dead_letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert!(letters[0].1["x-dlq-topic"].ends_with("policy"), "{letters:?}");
    let page = metrics(port);
    assert!(page.contains("\nbaton_policies_refused_total 1\n"), "{page}");
}

#[test]
fn a_roster_is_heard_by_the_router_and_a_bad_one_is_refused_whole() {
    let Some(mut deployment) = deploy("enrol") else { return };
    let bad = deployment.write("bad.yaml", "- { rep: jonas.weber, weight: 0 }\n- { rep: zoe, pools: [nowhere] }\n");
    refused(&deployment, &["roster", "apply", &bad], &["weight", "unknown pool", "needs a calendar"]);
    assert!(deployment.read_all("reps.state").is_empty(), "nothing of it was told");

    let mut owners = Vec::new();
    for (number, roster) in [None, Some("away")].into_iter().enumerate() {
        let at = format!("2026-03-0{}T09:00:00Z", number + 2);
        if let Some(status) = roster {
            let first: &String = &owners[0];
            let roster = format!("- {{ rep: {first}, status: {status}, updated_at: \"{at}\" }}\n");
            let file = deployment.write("roster.yaml", &roster);
            let done = deployment.baton(&["roster", "apply", &file]);
            assert!(done.status.success() && text(&done).contains("1 rep told on"), "{}", text(&done));
        }
        let user = format!("u{number}");
        deployment.ingest(&[
            identify(&user, &at),
            demo(&user, &at),
            tick(&format!("2026-03-0{}T09:00:01Z", number + 2)),
        ]);
        if number == 0 {
            deployment.start("all");
        }
        deployment.settle();
        let decoder = baton_wire::Decoder::<Assignment>::new();
        let given: Vec<Assignment> =
            deployment.read("lead.assignment").iter().map(|record| decoder.decode(&record.value).unwrap()).collect();
        let last = given.iter().max_by_key(|assignment| assignment.stamp.at).unwrap();
        if let Some(first) = owners.first() {
            let why = last.excluded.iter().find(|excluded| excluded.rep == *first);
            assert_eq!(why.map(|excluded| excluded.reason.as_str()), Some("away"), "{last:?}");
        }
        owners.push(last.owner.clone().unwrap());
    }
    assert_ne!(owners[0], owners[1]);
}
