//! Canaries on a real broker: each lane's comes back and is measured, and nobody who counts leads hears of any.

use std::net::TcpListener;
use std::time::Duration;

use baton_domain::Canary;
use baton_wire::Decoder;

use crate::harness::{CONSUMERS, deploy, text};
use crate::metrics::page_when;

/// The number that a line of the page ends with.
fn told(page: &str, line: &str) -> f64 {
    let told = page.lines().find_map(|told| told.strip_prefix(line)?.trim().parse().ok());
    told.unwrap_or_default()
}

#[test]
fn a_canary_comes_through_every_lane_and_into_no_report() {
    let Some(mut deployment) = deploy("canary") else { return };
    let addresses = CONSUMERS.map(|_| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string());
    for (consumer, address) in CONSUMERS.iter().zip(&addresses) {
        deployment.settings = [("CLOCK", "wall"), ("CANARY_MS", "1000"), ("HTTP__LISTEN", address)]
            .map(|(name, value)| (format!("BATON_{name}"), value.to_owned()))
            .into();
        deployment.start(consumer);
    }
    let (sender, watchdog) = (&addresses[0], &addresses[4]);
    for lane in 0..4 {
        let sent = format!("baton_canaries_sent_total{{partition=\"{lane}\"}}");
        page_when(&deployment, sender, |page| told(page, &sent) >= 3.0);
        let back = format!("baton_canary_round_trip_seconds_count{{partition=\"{lane}\"}}");
        let page = page_when(&deployment, watchdog, |page| told(page, &back) >= 3.0);
        let sum = told(&page, &format!("baton_canary_round_trip_seconds_sum{{partition=\"{lane}\"}}"));
        let mean = sum / told(&page, &back);
        println!("partition {lane}: {mean:.3} s on average");
        assert!(mean > 0.0 && mean < 10.0, "{mean} s on average in partition {lane}");
    }
    let page = page_when(&deployment, sender, |_| true);
    assert!(page.contains("baton_activities_total{machine=\"no\",source=\"none\"} 0\n"), "{page}");

    // The sequencer first, so that the others read what it told last.
    for consumer in CONSUMERS {
        deployment.terminate(consumer);
        std::thread::sleep(Duration::from_millis(300));
    }
    let decoder = Decoder::<Canary>::new();
    for record in deployment.read("canary.returned") {
        let canary = decoder.decode(&record.value).unwrap();
        let took = record.appended - canary.sent_at.0;
        assert!((0..30_000).contains(&took), "{took} ms from the sender to a reader of what is committed");
    }
    for topic in ["lead.identity", "lead.score", "lifecycle.changed", "lead.qualified", "lead.handoff", "sla.started"] {
        assert_eq!(deployment.read(topic).len(), 0, "{topic}");
    }
    let report = deployment.baton(&["report", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert!(report["funnel"].as_array().unwrap().iter().all(|step| step["leads"] == 0), "{report:#}");
    assert!(report["ledger"].as_array().unwrap().iter().all(|line| line["balanced"] == true), "{report:#}");
    let verified = deployment.baton(&["verify"]);
    assert!(verified.status.success(), "{}\n{}", text(&verified), deployment.logs());
}
