//! Kafka and the simulator give the same, byte for byte.

use std::path::Path;

use acceptance::leads;

use crate::harness::deploy;

#[test]
fn kafka_gives_exactly_what_simulation_gives() {
    let Some(mut deployment) = deploy("agree") else { return };
    let lines: Vec<String> = baton_workload::demo().collect();
    deployment.start_all();
    deployment.ingest(&lines);
    deployment.settle();
    let expected = deployment.simulate(&lines);
    assert!(expected["lead.handoff"].len() > 50 && expected["sla.breach"].len() > 50, "a rich sample");
    deployment.assert_agrees(&expected);
    deployment.assert_balanced(lines.len());
}

#[test]
fn one_process_for_all_gives_the_same_as_five() {
    let Some(mut deployment) = deploy("all") else { return };
    let lines: Vec<String> = baton_workload::demo().collect();
    deployment.ingest(&lines);
    deployment.start("all");
    deployment.settle();
    deployment.assert_agrees(&deployment.simulate(&lines));
}

#[test]
fn two_processes_share_a_consumers_lanes_and_change_nothing() {
    let Some(mut deployment) = deploy("share") else { return };
    let lines: Vec<String> = baton_workload::demo().collect();
    deployment.start_all();
    deployment.ingest(&lines[..2_000]);
    for consumer in ["aggregate", "score", "watch"] {
        deployment.start_as(consumer, "1");
    }
    deployment.ingest(&lines[2_000..]);
    deployment.settle();
    deployment.assert_agrees(&deployment.simulate(&lines));
    deployment.assert_balanced(lines.len());
}

#[test]
fn real_leads_run_end_to_end_and_balance() {
    let shared =
        std::env::var("BATON_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").into());
    let file = Path::new(&shared).join("data/leads/leads.csv");
    let Ok(csv) = std::fs::File::open(&file) else {
        eprintln!("skipped: the table of real leads is not there (BATON_SHARED names its folder)");
        return;
    };
    let Some(mut deployment) = deploy("leads") else { return };
    let policy = include_str!("../../deploy/policy/education.yaml");
    deployment.settings = vec![("BATON_POLICY".to_owned(), deployment.write("education.yaml", policy))];
    let lines = leads::convert(csv).unwrap();
    deployment.start_all();
    deployment.ingest(&lines);
    deployment.settle();
    let expected = deployment.simulate_with(policy, &lines);
    assert!(expected["lead.handoff"].len() > 1_000, "real leads become ready");
    deployment.assert_agrees(&expected);
    deployment.assert_balanced(lines.len());
}
