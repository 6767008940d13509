//! Consumers, topics and names are about each other: what one writes the next reads, and all of it is made.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, its helpers too")]

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{LogTime, Millis};
use baton_engine::{Order, Processor};
use baton_pipeline::{Cleanup, Consumer, NoRegistry, Pace, Schemas, Topology};

fn sequencer(pace: Pace) -> Box<dyn Processor> {
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    Consumer::Identify.processor(&Topology::new("", 3), &policy, &schemas, pace)
}

#[test]
fn every_topic_that_a_consumer_names_is_made_with_the_partitions_it_counts_on() {
    let topology = Topology::new("acme.", 4);
    let made: BTreeMap<String, i32> =
        topology.topics().into_iter().map(|topic| (topic.name, topic.partitions)).collect();
    for consumer in Consumer::ALL {
        let spec = consumer.spec(&topology);
        assert!(spec.outputs.len() > 1 || consumer == Consumer::Aggregate, "{consumer}");
        let inputs = spec.inputs.iter().map(|input| (input.topic.clone(), input.partitions));
        let state = (spec.changelog.clone(), spec.lanes());
        let named = inputs.chain(spec.outputs.clone()).chain([state, spec.ledger.clone(), spec.dead_letters.clone()]);
        for (topic, partitions) in named {
            assert_eq!(made.get(&topic), Some(&partitions), "{consumer}: {topic}");
        }
    }
    let (dead, replayed) = topology.dead_letters();
    assert_eq!((made[&dead], made[&replayed], made[&topology.default_input()]), (1, 1, 1));
}

#[test]
fn what_a_consumer_reads_by_stamps_another_writes() {
    let topology = Topology::new("", 4);
    let written: Vec<String> = Consumer::ALL
        .into_iter()
        .flat_map(|consumer| consumer.spec(&topology).outputs)
        .map(|(topic, _)| topic)
        .collect();
    for consumer in Consumer::ALL {
        for input in consumer.spec(&topology).inputs {
            let is_stamped = matches!(input.order, Order::Stamped(_));
            assert_eq!(is_stamped, written.contains(&input.topic), "{consumer}: {}", input.topic);
            assert_eq!(is_stamped, consumer != Consumer::Identify, "only the sequencer gives the order");
        }
    }
}

#[test]
fn a_consumer_is_found_by_its_name_and_its_group_bears_it() {
    for consumer in Consumer::ALL {
        assert_eq!(consumer.as_str().parse(), Ok(consumer));
        assert_eq!(consumer.to_string(), format!("{consumer:?}").to_lowercase());
        assert_eq!(consumer.spec(&Topology::new("", 3)).name, consumer.as_str());
    }
    assert!("notify".parse::<Consumer>().unwrap_err().contains("choose identify, aggregate"));
}

#[test]
fn every_topic_is_timed_by_its_broker_and_kept_as_long_as_it_is_needed() {
    const DAY: i64 = 86_400_000;
    let kept_days = |name: &str| match name {
        "dlq" => 28,
        "lead.events" | "roster.events" | "lifecycle.changed" | "status.changed" | "handoff.revised"
        | "lead.handoff" | "lead.assignment" => 400,
        name if name.starts_with("sla.") && name != "sla.requests" => 400,
        _ => 7,
    };
    let topology = Topology { history_ms: 400 * DAY, ..Topology::new("", 3) };
    for topic in topology.topics() {
        let settings: BTreeMap<_, _> = topic.settings().into_iter().collect();
        assert_eq!(settings["message.timestamp.type"], "LogAppendTime", "{}", topic.name);
        let (policy, key, days) = match topic.cleanup {
            // What judged on a day must be told as long as there is a history.
            Cleanup::Delete(ms) if topic.name == "policy" => {
                assert_eq!(ms, -1);
                continue;
            }
            Cleanup::Delete(_) => ("delete", "retention.ms", kept_days(&topic.name)),
            Cleanup::Compact => ("compact", "delete.retention.ms", 7),
        };
        assert_eq!(
            (settings["cleanup.policy"].as_str(), settings[key].as_str()),
            (policy, (days * DAY).to_string().as_str())
        );
        let largest: usize = settings["max.message.bytes"].parse().unwrap();
        assert_eq!(largest, if topic.name == "dlq" { 4 << 20 } else { 2 << 20 });
    }
}

#[test]
fn a_live_sequencer_follows_the_hosts_clock_at_its_pace_and_never_back() {
    let mut live = sequencer(Pace::Wall { every_ms: 100 });
    let mut idle = |now: i64, host: i64| live.idle(LogTime(now), Millis(host)).map(|to| to.0);
    assert_eq!(idle(0, 1_000), Some(1_000_000), "the first time at once");
    assert_eq!(idle(1_000_000, 1_099), None);
    assert_eq!(idle(1_000_000, 1_100), Some(1_100_000));
    assert_eq!(idle(9_000_000, 1_200), None, "the log is ahead of the host");
    assert_eq!(idle(1_300_000, 1_300), None, "it is there already");
    assert_eq!(idle(1_300_000, 1_400), Some(1_400_000));
}

#[test]
fn a_replay_takes_no_time_from_the_host() {
    assert_eq!(sequencer(Pace::Log).idle(LogTime(0), Millis(1_000)), None);
}
