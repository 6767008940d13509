//! A live scrape: it passes Prometheus' own check, and its figures are those of a recount from the log.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use baton_domain::{Clock, Handoff, LifecycleChanged, SlaEvent, SlaEventKind, Stage};
use baton_wire::Decoder;

use crate::harness::{Deployment, deploy};

const SLA: [&str; 7] =
    ["sla.started", "sla.warned", "sla.met", "sla.breach", "sla.cancelled", "sla.paused", "sla.resumed"];

type Counts = BTreeMap<String, i64>;

pub(crate) fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: baton\r\nconnection: close\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// The page, once it says what is waited for.
pub(crate) fn page_when(deployment: &Deployment, address: &str, says: impl Fn(&str) -> bool) -> String {
    let began = Instant::now();
    loop {
        let page = get(address, "/metrics").map(|(_, page)| page).unwrap_or_default();
        if says(&page) {
            return page;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "not in a minute:\n{page}\n{}", deployment.logs());
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The values of a metric that are not 0, by the values of these labels.
pub(crate) fn values(page: &str, name: &str, labels: &[&str]) -> Counts {
    let mut counts = Counts::new();
    for line in page.lines() {
        let Some((told, value)) = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('{')?.split_once("} "))
        else {
            continue;
        };
        let value = value.parse::<f64>().unwrap();
        let of = |label: &&str| {
            let told = told.split(',').find_map(|pair| pair.strip_prefix(label)?.strip_prefix('='));
            told.unwrap_or_default().trim_matches('"').to_owned()
        };
        #[expect(clippy::cast_possible_truncation, reason = "a count")]
        let value = value as i64;
        *counts.entry(labels.iter().map(of).collect::<Vec<_>>().join(" ")).or_default() += value;
    }
    counts.retain(|_, value| *value != 0);
    counts
}

fn read<T>(deployment: &Deployment, topic: &str) -> Vec<T>
where
    T: baton_wire::Record + serde::Serialize + serde::de::DeserializeOwned,
{
    let decoder = Decoder::new();
    deployment.read(topic).into_iter().map(|record| decoder.decode(&record.value).unwrap()).collect()
}

fn tally(names: impl IntoIterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    names.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}

fn promises(deployment: &Deployment) -> Vec<SlaEvent> {
    SLA.iter().flat_map(|topic| read::<SlaEvent>(deployment, topic)).collect()
}

/// Promises of each clock whose time runs or stands still: said to have begun, and nothing since that ends it.
fn owed(events: &[SlaEvent]) -> Counts {
    let mut owed = Counts::new();
    for event in events.iter().filter(|event| event.clock != Clock::Quota) {
        *owed.entry(event.clock.as_str().to_owned()).or_default() += match event.kind {
            SlaEventKind::Started | SlaEventKind::Retracted => 1,
            SlaEventKind::Met if event.late => 0,
            SlaEventKind::Met | SlaEventKind::Breached | SlaEventKind::Cancelled => -1,
            SlaEventKind::Warned | SlaEventKind::Paused | SlaEventKind::Resumed | SlaEventKind::Escalated => 0,
        };
    }
    owed.retain(|_, count| *count != 0);
    owed
}

fn owed_on(page: &str) -> Counts {
    let all = values(page, "baton_sla_open", &["clock", "state"]);
    let runs = all.into_iter().filter(|(labels, _)| !labels.ends_with("breached"));
    let mut owed = Counts::new();
    for (labels, count) in runs {
        *owed.entry(labels.split(' ').next().unwrap_or_default().to_owned()).or_default() += count;
    }
    owed
}

fn passes_promtool(page: &str) {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, of Debian's package prometheus");
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let told = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned();
    assert!(told.status.success() && words.is_empty(), "{words}");
}

#[test]
fn a_live_scrape_passes_prometheus_check_and_its_figures_are_those_of_the_log() {
    let Some(mut deployment) = deploy("metrics") else { return };
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    deployment.settings.push(("BATON_HTTP__LISTEN".to_owned(), address.clone()));
    deployment.start("all");
    let mut lines: Vec<String> = baton_workload::demo().collect();
    lines.push("{ this is not an event".to_owned());
    deployment.ingest(&lines);
    deployment.settle();
    // The ends are asked for every five seconds, the rows counted every ten.
    let events = promises(&deployment);
    let is_read = |page: &str| {
        page.contains("baton_input_lag_records{")
            && values(page, "baton_input_lag_records", &["topic", "partition"]).is_empty()
    };
    let page = page_when(&deployment, &address, |page| is_read(page) && owed_on(page) == owed(&events));
    passes_promtool(&page);
    assert_eq!(get(&address, "/livez").unwrap(), (200, "ok\n".to_owned()));
    assert_eq!(get(&address, "/readyz").unwrap(), (200, "ok\n".to_owned()));

    let mut changes = read::<LifecycleChanged>(&deployment, "lifecycle.changed");
    // A verdict that leaves a lead where it is moves nothing.
    changes.retain(|change| change.from != Some(change.to));
    let moved = changes.iter().map(|change| format!("{} {}", change.from.map_or("none", Stage::as_str), change.to));
    assert_eq!(values(&page, "baton_funnel_moves_total", &["from", "to"]), tally(moved));
    let left = changes.iter().filter(|change| change.lasted_ms.is_some());
    let left = left.filter_map(|change| change.from).map(|stage| stage.to_string());
    assert_eq!(values(&page, "baton_stage_age_seconds_count", &["stage"]), tally(left));
    let reached = changes.iter().filter(|change| change.episode > 0);
    let of_source = |change: &LifecycleChanged| change.source.as_ref().map_or("none", |_| "other");
    let reached = reached.map(|change| format!("{} {}", of_source(change), change.to));
    assert_eq!(values(&page, "baton_episode_stages_total", &["source", "stage"]), tally(reached));
    let handoffs = read::<Handoff>(&deployment, "lead.handoff");
    let handed = handoffs.iter().map(|handoff| format!("{} {}", handoff.decision.lane, handoff.assignment.pool));
    assert_eq!(values(&page, "baton_handoffs_total", &["lane", "pool"]), tally(handed));
    let told = events.iter().map(|event| {
        let SlaEvent { clock, lane, pool, level, .. } = event;
        format!("{clock} {} {lane} {pool} {level}", event.word())
    });
    let labels = ["clock", "kind", "lane", "pool", "level"];
    assert_eq!(values(&page, "baton_sla_promises_total", &labels), tally(told));
    let scored = i64::try_from(deployment.read("lead.score").len()).unwrap();
    assert!(page.contains(&format!("baton_score_points_count {scored}\n")), "{scored} scores\n{page}");
    let letters = deployment.dead_letters();
    let dead = letters.iter().map(|(_, headers)| format!("{} {}", headers["x-dlq-stage"], headers["x-dlq-reason"]));
    assert_eq!(values(&page, "baton_dead_letters_total", &["consumer", "reason"]), tally(dead));
    let mut became = Counts::new();
    for ledger in deployment.ledgers() {
        for outcome in ledger.outcomes {
            let name = if outcome.name.starts_with("dlq_") { "dead_letter" } else { &outcome.name };
            *became.entry(format!("{} {name}", ledger.stage)).or_default() += outcome.count;
        }
    }
    assert_eq!(values(&page, "baton_events_total", &["consumer", "outcome"]), became);
    assert!(values(&page, "baton_ledger_error_records", &["consumer"]).is_empty(), "{page}");

    // What is counted begins anew with the process, what is so is so again.
    deployment.kill("all");
    deployment.start("all");
    let page = page_when(&deployment, &address, |page| owed_on(page) == owed(&events));
    assert!(values(&page, "baton_funnel_moves_total", &["from", "to"]).is_empty(), "{page}");
    assert!(values(&page, "baton_events_total", &["consumer", "outcome"]).is_empty(), "{page}");
}

#[test]
fn no_address_of_a_lead_is_in_logs_or_metrics() {
    let Some(mut deployment) = deploy("private") else { return };
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (name, value) in [("HTTP__LISTEN", address.as_str()), ("LOG__LEVEL", "trace"), ("LOG__FORMAT", "json")] {
        deployment.settings.push((format!("BATON_{name}"), value.to_owned()));
    }
    deployment.start("all");
    let told = |id: &str, more: &str| {
        let head = format!(r#""messageId":"{id}","userId":"u-1","timestamp":"2026-01-05T10:00:00Z""#);
        format!("{{{head},{more}}}")
    };
    let trait_of = r#""type":"identify","traits":{"email":"planted.one@canary.test","employees":500}"#;
    let known = r#""type":"track","event":"Demo Requested","context":{"traits":{"email":"planted.two@canary.test"}}"#;
    // The same id with another content, a field of the wrong type, and no JSON: each is refused with words about it.
    let other = r#""type":"identify","traits":{"email":"planted.three@canary.test"}"#;
    let wrong = r#""type":"planted.four@canary.test","event":7"#;
    deployment.ingest(&[
        told("m-1", trait_of),
        told("m-2", known),
        told("m-1", other),
        told("m-3", wrong),
        "planted.five@canary.test".to_owned(),
    ]);
    deployment.settle();
    assert!(deployment.dead_letters().len() >= 2, "the bad ones were refused");
    assert_eq!(deployment.read("lead.handoff").len(), 1, "the good ones went all the way");
    let page = page_when(&deployment, &address, |page| page.contains("baton_handoffs_total{"));
    let logs = deployment.logs();
    assert!(logs.contains("\"level\":\"TRACE\"") || logs.contains("\"level\":\"INFO\""), "it did log:\n{logs}");
    for text in [&page, &logs] {
        let line = text.lines().find(|line| line.contains("canary.test"));
        assert_eq!(line, None);
    }
}
