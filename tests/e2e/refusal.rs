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
fn a_tool_names_the_topic_that_is_not_there_and_makes_none() {
    let Some(deployment) = deploy_bare("bare") else { return };
    let policy = deployment.write("policy.yaml", baton_policy::STARTER);
    let roster = deployment.write("roster.yaml", "- { rep: jonas.weber, status: away }\n");
    for (args, topic) in [
        (&["policy", "apply", &policy][..], "policy"),
        (&["roster", "apply", &roster], "reps.state"),
        (&["ingest", &roster], "engagement.raw"),
        (&["dlq", "list"], "dlq"),
        (&["report"], "lifecycle.changed"),
        (&["tap", "lead.handoff"], "lead.handoff"),
    ] {
        for _ in 0..2 {
            let refused = deployment.baton(args);
            assert_eq!(refused.status.code(), Some(78), "{args:?}: {}", text(&refused));
            let said = format!("there is no topic {}{topic} on", deployment.prefix);
            assert!(text(&refused).contains(&said), "{args:?}: {}", text(&refused));
        }
    }
    for args in [&["lead", "explain", "ld_1"][..], &["route", "why", "ld_1"], &["sla", "nobody@x.example"]] {
        let unknown = deployment.baton(args);
        assert_eq!(unknown.status.code(), Some(66), "{args:?}: {}", text(&unknown));
        assert!(text(&unknown).contains("no lead is known by"), "{args:?}: {}", text(&unknown));
    }
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
    let tools = [&["tap", "lead.handoff"][..], &["report"], &["lead", "explain", "ld_1"], &["sla", "ld_1"]];
    for args in [&["run", "all"][..], &["topics", "plan"]].into_iter().chain(tools) {
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
