//! A topic as it is against the topic as it should be.
//!
//! Holds: a difference breaks a guarantee exactly when it is in the partitions (which key is where),
//! the cleanup policy or unclean leaders (what may be lost), or the timestamp type (what time it is).

use std::fmt;

use baton_kafka::TopicState;
use baton_pipeline::Topic;

/// The name under which the number of partitions is compared.
pub(super) const PARTITIONS: &str = "partitions";

const CLEANUP: &str = "cleanup.policy";
const TIMESTAMPS: &str = "message.timestamp.type";
/// A copy that lags may lead: what was acknowledged is gone.
const UNCLEAN: &str = "unclean.leader.election.enable";

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The topic as it should be.
    Fine,
    /// Nothing.
    Missing,
    /// Another topic of that name.
    Differs(Vec<Difference>),
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// The broker's name of the setting.
    pub(super) setting: &'static str,
    /// What it is.
    pub(super) found: String,
    /// What it should be.
    pub(super) wanted: String,
    /// Whether Baton's guarantees do not hold with it.
    pub(super) breaks: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, should be {}", self.setting, self.found, self.wanted)
    }
}

impl Verdict {
    pub(super) fn differences(&self) -> &[Difference] {
        match self {
            Self::Fine | Self::Missing => &[],
            Self::Differs(list) => list,
        }
    }
}

/// Compares a topic with what is there.
pub(super) fn judge(topic: &Topic, there: Option<&TopicState>) -> Verdict {
    let Some(there) = there else { return Verdict::Missing };
    let mut list = Vec::new();
    if there.partitions != topic.partitions {
        list.push(Difference {
            setting: PARTITIONS,
            found: there.partitions.to_string(),
            wanted: topic.partitions.to_string(),
            breaks: true,
        });
    }
    for (setting, wanted) in topic.settings() {
        let found = there.settings.get(setting).map_or("not set", String::as_str);
        if found != wanted {
            let breaks = matches!(setting, CLEANUP | TIMESTAMPS);
            list.push(Difference { setting, found: found.to_owned(), wanted, breaks });
        }
    }
    if there.settings.get(UNCLEAN).is_some_and(|found| found == "true") {
        list.push(Difference { setting: UNCLEAN, found: "true".to_owned(), wanted: "false".to_owned(), breaks: true });
    }
    if list.is_empty() { Verdict::Fine } else { Verdict::Differs(list) }
}

/// The cleanup policy that a topic should have.
pub(super) fn cleanup(topic: &Topic) -> String {
    topic.settings().into_iter().find(|(name, _)| *name == CLEANUP).map_or_else(String::new, |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use baton_pipeline::Topology;

    use super::*;

    fn topic(name: &str) -> Topic {
        Topology::new("", 4).topics().into_iter().find(|topic| topic.name == name).unwrap()
    }

    fn as_it_should_be(topic: &Topic) -> TopicState {
        let settings = topic.settings().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        TopicState { partitions: topic.partitions, settings }
    }

    #[test]
    fn a_topic_made_from_the_topology_is_fine_whatever_else_is_set_on_it() {
        for topic in Topology::new("acme.", 4).topics() {
            let mut there = as_it_should_be(&topic);
            there.settings.insert("segment.bytes".into(), "1".into());
            assert_eq!(judge(&topic, Some(&there)), Verdict::Fine, "{}", topic.name);
            assert_eq!(judge(&topic, None), Verdict::Missing);
        }
    }

    #[test]
    fn partitions_cleanup_and_timestamps_break_guarantees() {
        let topic = topic("lead.score");
        let mut there = as_it_should_be(&topic);
        there.partitions = 1;
        there.settings.insert(CLEANUP.into(), "compact,delete".into());
        there.settings.insert(TIMESTAMPS.into(), "CreateTime".into());
        there.settings.insert(UNCLEAN.into(), "true".into());
        let verdict = judge(&topic, Some(&there));
        let mut said: Vec<_> = verdict.differences().iter().map(ToString::to_string).collect();
        said.sort();
        assert_eq!(
            said,
            [
                "cleanup.policy is compact,delete, should be compact",
                "message.timestamp.type is CreateTime, should be LogAppendTime",
                "partitions is 1, should be 4",
                "unclean.leader.election.enable is true, should be false"
            ]
        );
        assert!(verdict.differences().iter().all(|difference| difference.breaks));
    }

    #[test]
    fn how_long_records_are_kept_is_noted_but_breaks_nothing() {
        let topic = topic("lead.handoff");
        let mut there = as_it_should_be(&topic);
        there.settings.insert("retention.ms".into(), "604800000".into());
        let verdict = judge(&topic, Some(&there));
        let found: Vec<_> = verdict.differences().iter().map(|d| (d.setting, d.breaks)).collect();
        assert_eq!(found, [("retention.ms", false)]);
    }
}
