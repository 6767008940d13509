//! By the host's clock: a lead is handed off at once, and silence alone breaks a promise.

use std::time::{Duration, Instant};

use baton_domain::{Clock, SlaEvent, SlaEventKind};
use baton_wire::Decoder;

use crate::harness::{Deployment, Stored, deploy};

fn wait_for(deployment: &Deployment, topic: &str, enough: impl Fn(&[Stored]) -> bool) -> Vec<Stored> {
    let began = Instant::now();
    loop {
        let records = deployment.read(topic);
        if enough(&records) {
            return records;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "nothing on {topic} in 30 s\n{}", deployment.logs());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn track(event: &str, id: &str, user: &str) -> String {
    let now = jiff::Timestamp::now();
    format!(r#"{{"type":"track","event":"{event}","messageId":"{id}","userId":"{user}","timestamp":"{now}"}}"#)
}

#[test]
fn a_demo_request_is_handed_off_and_silence_breaks_the_promise() {
    let Some(mut deployment) = deploy("live") else { return };
    let policy = baton_policy::STARTER.replace("P0: 5m business", "P0: 2s").replace("P0: 15m business", "P0: 1h");
    let policy = deployment.write("policy.yaml", &policy);
    deployment.settings = vec![("BATON_CLOCK".to_owned(), "wall".to_owned()), ("BATON_POLICY".to_owned(), policy)];
    deployment.start_all();
    deployment.ingest(&[track("Page Viewed", "m-0", "u-0")]);
    wait_for(&deployment, "lead.score", |records| !records.is_empty());
    deployment.ingest(&[track("Demo Requested", "m-1", "u-1")]);
    let asked = deployment.read("engagement.raw").remove(1);
    let handoff = wait_for(&deployment, "lead.handoff", |records| records.len() == 1).remove(0);
    let breaches = wait_for(&deployment, "sla.breach", |records| !records.is_empty());
    let decoder = Decoder::<SlaEvent>::new();
    let events: Vec<SlaEvent> = breaches.iter().map(|record| decoder.decode(&record.value).unwrap()).collect();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].kind, events[0].clock, events[0].wall_ms),
        (SlaEventKind::Breached, Clock::FirstTouch, 2_000)
    );
    // Generous, for a loaded machine; the benchmark is another matter.
    let late = breaches[0].appended - events[0].deadline.millis().0;
    assert!((0..2_000).contains(&late), "detected {late} ms after the deadline");
    let took = handoff.appended - asked.appended;
    assert!((0..2_000).contains(&took), "handed off {took} ms after the request");
}

/// How long after its deadline each broken first touch came to the log, in ms, and when it did.
fn lags(records: &[Stored]) -> Vec<(i64, i64)> {
    let decoder = Decoder::<SlaEvent>::new();
    let lag = |record: &Stored| {
        let event = decoder.decode(&record.value).unwrap();
        let broke = event.kind == SlaEventKind::Breached && event.clock == Clock::FirstTouch;
        broke.then(|| (record.appended - event.deadline.millis().0, record.appended))
    };
    records.iter().filter_map(lag).collect()
}

/// The value that so many percent do not exceed.
fn percentile(mut values: Vec<i64>, percent: usize) -> i64 {
    values.sort_unstable();
    values[(values.len() * percent).div_ceil(100) - 1]
}

#[test]
fn a_breach_is_detected_within_two_seconds_and_within_ten_of_a_restart() {
    const LEADS: usize = 40;
    let Some(mut deployment) = deploy("lag") else { return };
    let policy = baton_policy::STARTER.replace("P0: 5m business", "P0: 3s").replace("P0: 15m business", "P0: 1h");
    let policy = deployment.write("policy.yaml", &policy);
    deployment.settings = vec![("BATON_CLOCK".to_owned(), "wall".to_owned()), ("BATON_POLICY".to_owned(), policy)];
    deployment.start_all();
    deployment.ingest(&[track("Page Viewed", "m-0", "u-0")]);
    wait_for(&deployment, "lead.score", |records| !records.is_empty());
    let asks = |from: usize| -> Vec<String> {
        (from..from + LEADS).map(|n| track("Demo Requested", &format!("d-{n}"), &format!("d-{n}"))).collect()
    };
    deployment.ingest(&asks(0));
    let up = lags(&wait_for(&deployment, "sla.breach", |records| lags(records).len() == LEADS));
    let late: Vec<i64> = up.iter().map(|(lag, _)| *lag).collect();
    let (half, most) = (percentile(late.clone(), 50), percentile(late, 99));
    println!("detection lag with the watchdog up: p50 {half} ms, p99 {most} ms of {LEADS}");
    assert!(most < 2_000, "detected {most} ms after the deadline");

    deployment.ingest(&asks(LEADS));
    wait_for(&deployment, "lead.handoff", |records| records.len() == 2 * LEADS);
    deployment.kill("watch");
    std::thread::sleep(Duration::from_secs(4));
    let restarted = jiff::Timestamp::now().as_millisecond();
    deployment.start("watch");
    let all = lags(&wait_for(&deployment, "sla.breach", |records| lags(records).len() == 2 * LEADS));
    let after: Vec<i64> = all.iter().map(|(_, at)| at - restarted).filter(|after| *after >= 0).collect();
    assert!(!after.is_empty(), "none was overdue when it came back");
    let (half, most) = (percentile(after.clone(), 50), percentile(after.clone(), 99));
    println!("after its restart: p50 {half} ms, p99 {most} ms of {} overdue", after.len());
    assert!(most < 10_000, "detected {most} ms after the restart");
}
