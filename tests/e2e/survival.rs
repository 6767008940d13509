//! Whatever dies, the outcome is the same.

use std::time::Duration;

use crate::harness::{CONSUMERS, deploy};

#[test]
fn kill_nine_of_every_consumer_in_the_middle_changes_nothing() {
    let Some(mut deployment) = deploy("kill") else { return };
    let lines: Vec<String> = baton_workload::demo().collect();
    deployment.start_all();
    // Each part is still under way when its consumer dies; two kills a consumer.
    for (round, part) in lines.chunks(lines.len().div_ceil(10)).enumerate() {
        let consumer = CONSUMERS[round % CONSUMERS.len()];
        deployment.ingest(part);
        std::thread::sleep(Duration::from_millis(20 * round as u64));
        deployment.kill(consumer);
        deployment.start(consumer);
    }
    deployment.settle();
    deployment.assert_agrees(&deployment.simulate(&lines));
    deployment.assert_balanced(lines.len());
}

#[test]
fn state_that_is_lost_is_rebuilt_from_the_log() {
    let Some(mut deployment) = deploy("wipe") else { return };
    let lines: Vec<String> = baton_workload::demo().collect();
    deployment.start_all();
    deployment.ingest(&lines[..3_000]);
    deployment.settle();
    for consumer in CONSUMERS {
        deployment.kill(consumer);
        deployment.wipe(consumer);
        deployment.start(consumer);
    }
    deployment.ingest(&lines[3_000..]);
    deployment.settle();
    deployment.assert_agrees(&deployment.simulate(&lines));
    deployment.assert_balanced(lines.len());
}

#[test]
fn a_terminated_consumer_drains_within_ten_seconds_and_leaves_cleanly() {
    let Some(mut deployment) = deploy("term") else { return };
    let lines: Vec<String> = baton_workload::demo().collect();
    deployment.start_all();
    deployment.ingest(&lines);
    for consumer in CONSUMERS {
        let (code, took) = deployment.terminate(consumer);
        assert_eq!(code, Some(0), "{consumer}\n{}", deployment.logs());
        assert!(took < Duration::from_secs(10), "{consumer} took {took:?}");
    }
}

#[test]
fn a_consumer_that_is_terminated_while_it_starts_ends_cleanly() {
    let Some(mut deployment) = deploy("early") else { return };
    for wait in [0, 50, 200] {
        deployment.start("identify");
        deployment.hears_signals("identify");
        std::thread::sleep(Duration::from_millis(wait));
        let (code, took) = deployment.terminate("identify");
        assert_eq!(code, Some(0), "after {wait} ms\n{}", deployment.logs());
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}

#[test]
fn of_two_processes_with_one_instance_name_only_one_goes_on() {
    let Some(mut deployment) = deploy("twin") else { return };
    deployment.start("all");
    let lines: Vec<String> = baton_workload::demo().collect();
    deployment.ingest(&lines);
    deployment.settle();
    let twin = deployment.baton(&["run", "route", "--set", "state_dir=/dev/null/nowhere"]);
    assert_ne!(twin.status.code(), Some(0), "a twin without a place for its state does not start");
    deployment.assert_agrees(&deployment.simulate(&lines));
}

#[test]
fn the_older_of_two_processes_with_one_instance_name_ends_with_75() {
    let Some(mut deployment) = deploy("older") else { return };
    let lines: Vec<String> = baton_workload::demo().collect();
    deployment.start_all();
    deployment.ingest(&lines[..2_000]);
    deployment.settle();
    let (code, took) = deployment.replace("aggregate");
    assert_eq!(code, Some(75), "{}", deployment.logs());
    assert!(took < Duration::from_secs(30), "{took:?}");
    deployment.ingest(&lines[2_000..]);
    deployment.settle();
    deployment.assert_agrees(&deployment.simulate(&lines));
    deployment.assert_balanced(lines.len());
}

#[test]
fn an_instance_that_was_stopped_for_longer_than_every_time_out_writes_nothing_afterwards() {
    let Some(mut deployment) = deploy("stopped") else { return };
    let lines: Vec<String> = baton_workload::demo().collect();
    deployment.start_all();
    deployment.ingest(&lines[..2_000]);
    // In the middle of its work: a transaction may be open, a batch in memory.
    deployment.signal("aggregate", "-STOP");
    deployment.start_as("aggregate", "1");
    // The session's time-out, the transaction's, and the broker's sweep.
    std::thread::sleep(Duration::from_secs(25));
    deployment.ingest(&lines[2_000..]);
    deployment.signal("aggregate", "-CONT");
    deployment.settle();
    deployment.assert_agrees(&deployment.simulate(&lines));
    deployment.assert_balanced(lines.len());
}
