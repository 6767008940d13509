//! A scenario that has been read and checked.

use baton_domain::Millis;
use serde_json::Value;

use crate::alone::Alone;

/// What is sent, when, and what must come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name: an id (`T02`) and a claim.
    pub name: String,
    /// Why it does not hold yet; `None` when it must.
    pub pending: Option<String>,
    /// The policy's file, relative to the scenario's; `None` leaves it to the host.
    pub policy: Option<String>,
    /// What the scenario changes in the policy, in order.
    pub change: Vec<Change>,
    /// The one consumer that runs; `None` for all five.
    pub only: Option<Alone>,
    /// The time that relative times count from.
    pub start: Millis,
    /// In the order of time.
    pub steps: Vec<Step>,
}

/// A passage of the policy that the scenario replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// The passage; it must stand in the policy exactly once.
    pub from: String,
    /// What stands there instead.
    pub to: String,
}

/// A policy that is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Its file, relative to the scenario's; `None` for the document that was published last, or else
    /// the one that the scenario began with.
    pub file: Option<String>,
    /// What is changed in it, in order.
    pub change: Vec<Change>,
    /// From when on it judges; `None` for the instant of its step.
    pub effective_at: Option<Millis>,
}

/// Something done or looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Log time.
    pub at: Millis,
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// What is done.
    pub act: Act,
}

/// What is done in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A source sends an event: JSON as it would, less what is the same every time. Where one consumer
    /// runs alone, a record on one of its topics.
    Send {
        /// The event.
        event: Value,
        /// How often.
        times: i64,
        /// Milliseconds between two.
        every_ms: i64,
    },
    /// A source sends this very text.
    Raw(String),
    /// Another policy is published.
    Publish(Publish),
    /// Time passes and nothing is sent.
    Pass,
    /// What must be so.
    Expect(Expect),
}

/// What must be so at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Whose records: an id of the lead; `None` for everybody's.
    pub lead: Option<String>,
    /// Each must hold.
    pub checks: Vec<Check>,
}

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// The newest record of a topic has this value at this place.
    Newest {
        /// The key in the file.
        key: String,
        /// The topic.
        topic: &'static str,
        /// Keys on the way to the value, with dots between.
        path: &'static str,
        /// The value.
        want: Want,
    },
    /// So many records are on a topic.
    Count {
        /// The topic.
        topic: String,
        /// The number.
        want: Want,
    },
    /// Some record of the topics that begin so looks like this.
    Said {
        /// The topic; ends in `*` for several.
        topic: String,
        /// What the record must have.
        want: Want,
    },
    /// No record looks like this.
    Unsaid {
        /// The topic; ends in `*` for several.
        topic: String,
        /// What no record may have.
        want: Want,
    },
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// What it is.
    pub kind: WantKind,
}

/// The shapes of what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantKind {
    /// A word, number, time, duration or comparison, by what it is compared with.
    Word(String),
    /// Each of these is among the values.
    Some(Vec<Want>),
    /// These and no others are the values, in any order.
    Exactly(Vec<Want>),
    /// These parts are so.
    Parts(Vec<(String, Want)>),
}
