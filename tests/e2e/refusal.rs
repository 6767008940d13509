//! What cannot work is refused with one clear message, and nothing is written.

use crate::harness::{deploy, deploy_bare, text};

#[test]
fn missing_topics_are_named_with_the_way_out() {
    let Some(deployment) = deploy_bare("none") else { return };
    let refused = deployment.baton(&["run", "score"]);
    assert_eq!(refused.status.code(), Some(78), "{}", text(&refused));
    let said = text(&refused);
    assert!(said.contains(&format!("{}engagement.aggregate: no such topic", deployment.prefix)), "{said}");
    assert!(said.contains("baton topics apply"), "{said}");
}

#[test]
fn a_wrong_partition_count_is_refused_by_run_and_by_apply() {
    let Some(deployment) = deploy("wrong") else { return };
    for args in
        [&["run", "score", "--set", "topics.partitions=6"][..], &["topics", "apply", "--set", "topics.partitions=6"]]
    {
        let refused = deployment.baton(args);
        assert_eq!(refused.status.code(), Some(78), "{}", text(&refused));
        assert!(text(&refused).contains("partitions"), "{}", text(&refused));
    }
}

#[test]
fn applying_topics_twice_changes_nothing() {
    let Some(deployment) = deploy("twice") else { return };
    let again = deployment.baton(&["topics", "apply"]);
    assert!(again.status.success(), "{}", text(&again));
}

#[test]
fn an_unreachable_broker_is_named() {
    let Some(mut deployment) = deploy_bare("nobody") else { return };
    deployment.bootstrap = "127.0.0.1:1".to_owned();
    for args in [&["run", "all"][..], &["topics", "plan"], &["tap", "lead.handoff"], &["report"]] {
        let refused = deployment.baton(args);
        assert_eq!(refused.status.code(), Some(69), "{args:?}: {}", text(&refused));
        assert!(text(&refused).contains("127.0.0.1:1"), "{args:?}: {}", text(&refused));
    }
}

#[test]
fn every_wrong_setting_is_listed_before_anything_is_opened() {
    let Some(mut deployment) = deploy_bare("settings") else { return };
    deployment.settings = vec![("BATON_CLOCK".to_owned(), "sundial".to_owned())];
    let refused = deployment.baton(&["run", "all", "--set", "topics.partitons=4", "--set", "workers=0"]);
    let said = text(&refused);
    assert_eq!(refused.status.code(), Some(78), "{said}");
    for part in ["did you mean topics.partitions?", "workers: 0 is not between 1 and 64", "clock"] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
}
