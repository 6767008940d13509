//! The five consumers by name: what each reads and writes, and how it is made.

use std::fmt;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;

use baton_engine::{InputSpec, Order, Processor, Spread, StageSpec};
use baton_policy::Policy;

use crate::codec::Schemas;
use crate::figures::{Book, Meter};
use crate::identify::{self, Identify, Pace};
use crate::topics::{Topology, name};
use crate::{aggregate, route, score, watch};

/// One of the five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consumer {
    /// Whose event is it? The sequencer.
    Identify,
    /// How engaged are they?
    Aggregate,
    /// Are they ready, and why?
    Score,
    /// Which desk?
    Route,
    /// Is the promise kept?
    Watch,
}

impl Consumer {
    /// All, in the order of the pipeline.
    pub const ALL: [Self; 5] = [Self::Identify, Self::Aggregate, Self::Score, Self::Route, Self::Watch];

    /// Its name on the command line, in groups, ledgers and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Aggregate => "aggregate",
            Self::Score => "score",
            Self::Route => "route",
            Self::Watch => "watch",
        }
    }

    /// What it reads and writes.
    pub fn spec(self, topology: &Topology) -> StageSpec {
        match self {
            Self::Identify => identify::spec(topology),
            Self::Aggregate => aggregate::spec(topology),
            Self::Score => score::spec(topology),
            Self::Route => route::spec(topology),
            Self::Watch => watch::spec(topology),
        }
    }

    /// Its logic, ready for a worker.
    pub fn processor(
        self,
        topology: &Topology,
        policy: &Arc<Policy>,
        schemas: &Rc<dyn Schemas>,
        pace: Pace,
    ) -> Box<dyn Processor> {
        self.metered(topology, policy, schemas, pace, None)
    }

    /// The same, with somebody who hears what came of it.
    pub fn metered(
        self,
        topology: &Topology,
        policy: &Arc<Policy>,
        schemas: &Rc<dyn Schemas>,
        pace: Pace,
        meter: Option<&Rc<dyn Meter>>,
    ) -> Box<dyn Processor> {
        let book = Book::new(meter);
        match self {
            Self::Identify => Box::new(Identify::new(topology, policy, schemas, pace, book)),
            Self::Aggregate => Box::new(aggregate::Host::new(schemas, book)),
            Self::Score => Box::new(score::Host::new(policy, schemas, book)),
            Self::Route => Box::new(route::Host::new(policy, schemas, book)),
            Self::Watch => Box::new(watch::Host::new(policy, schemas, book)),
        }
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Consumer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|consumer| consumer.as_str() == text)
            .ok_or_else(|| format!("{text} is not a consumer: choose identify, aggregate, score, route, watch or all"))
    }
}

/// The parts of a spec that all stages share.
pub(crate) fn frame(
    topology: &Topology,
    stage: &str,
    inputs: Vec<InputSpec>,
    outputs: Vec<(String, i32)>,
) -> StageSpec {
    StageSpec {
        name: stage.to_owned(),
        inputs,
        outputs,
        changelog: topology.full(&format!("{stage}.changelog")),
        ledger: (topology.full(name::LEDGER), 1),
        dead_letters: (topology.full(name::DLQ), 1),
    }
}

/// An input that is keyed by lead and read partition by partition.
pub(crate) fn lead_input(topology: &Topology, name: &str, order: Order) -> InputSpec {
    InputSpec { topic: topology.full(name), partitions: topology.lanes, spread: Spread::Own, order }
}

/// Outputs that have as many partitions as there are lanes.
pub(crate) fn outputs(topology: &Topology, names: &[&str]) -> Vec<(String, i32)> {
    names.iter().map(|name| (topology.full(name), topology.lanes)).collect()
}
