//! What every tool does before and after its work: looks which topics are there, and prints text or JSON.
//!
//! Holds: a topic that is not there is named, with the way out, before anything is read or written.

use std::collections::BTreeMap;
use std::io::Write;

use baton_kafka::Admin;
use baton_pipeline::Topology;
use serde::Serialize;

use crate::Failure;
use crate::settings::Settings;
use crate::tap::went_out;

/// The cluster that a tool looks at.
pub(crate) struct Ground {
    /// Baton's topics there, with the sources that the settings name.
    pub(crate) topology: Topology,
    topics: Topics,
}

/// Partitions of every topic that is there, by full name.
pub(crate) struct Topics {
    there: BTreeMap<String, i32>,
    bootstrap: String,
}

impl Topics {
    /// Asks the cluster.
    pub(crate) fn of(settings: &Settings) -> Result<Self, Failure> {
        let there = Admin::new(&settings.cluster).and_then(|admin| admin.topics())?;
        Ok(Self { there, bootstrap: settings.cluster.bootstrap.clone() })
    }

    /// How many partitions a topic has: it must not come into being by being asked for.
    pub(crate) fn need(&self, topic: &str) -> Result<i32, Failure> {
        self.there.get(topic).copied().ok_or_else(|| {
            Failure::config(format!(
                "there is no topic {topic} on {}; create Baton's topics with `baton topics apply`",
                self.bootstrap
            ))
        })
    }
}

impl Ground {
    /// Asks the cluster.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Failure> {
        let topics = Topics::of(settings)?;
        let topology = settings.with_sources(&topics.there).map_err(|errors| Failure::config(errors.join("\n")))?;
        Ok(Self { topology, topics })
    }

    /// How many partitions a topic has, which must be there.
    pub(crate) fn need(&self, topic: &str) -> Result<i32, Failure> {
        self.topics.need(topic)
    }

    /// How many partitions a topic has; none where it is not there.
    pub(crate) fn partitions(&self, topic: &str) -> i32 {
        self.topics.there.get(topic).copied().unwrap_or(0)
    }
}

/// Prints what a tool tells, as text or as one JSON object.
pub(crate) fn show<T: Serialize>(json: bool, told: &T, text: impl FnOnce(&T) -> String) -> Result<(), Failure> {
    let said = if json {
        serde_json::to_string_pretty(told).map_err(|error| Failure::io(error.to_string()))? + "\n"
    } else {
        text(told)
    };
    went_out(std::io::stdout().lock().write_all(said.as_bytes())).map(drop)
}
