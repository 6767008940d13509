//! Verifies one consumer, lane by lane.
//!
//! Holds: committed offsets are looked up before anything is read, then the ends of what was written, then the ends
//! of what was read: so all that lies on an output by then comes of inputs that are replayed. What a replay of the
//! committed inputs gives must be there; what lies there beyond it must be what the inputs after that give.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::Ledger;
use baton_engine::{Fault, Order, Part, StageSpec};
use baton_pipeline::{Cleanup, Codec, Consumer, Schemas, Topology};
use baton_policy::Policy;

use crate::lane;
use crate::side::Known;
use crate::tape::{Bounds, Cluster};

/// How a record, a row or a total is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It should be there and is not.
    Missing,
    /// It is there and should not be.
    Extra,
    /// It is there, but says something else.
    Altered,
    /// It is there, but not in its place.
    Moved,
    /// Its stamp lies before what its lane had told.
    Late,
    /// A row of state.
    State,
    /// A running total.
    Ledger,
    /// A score that does not follow from the lead's history.
    Receipt,
}

impl Kind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Altered => "altered",
            Self::Moved => "out of order",
            Self::Late => "late stamp",
            Self::State => "state",
            Self::Ledger => "ledger",
            Self::Receipt => "receipt",
        }
    }
}

/// Something on the log that the replay does not bear out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The consumer that wrote, or should have written.
    pub stage: String,
    /// Its lane.
    pub lane: i32,
    /// What kind.
    pub kind: Kind,
    /// On which topic.
    pub topic: String,
    /// On which partition.
    pub partition: i32,
    /// At which offset; `None` for what is not there.
    pub offset: Option<i64>,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// What was compared of one lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneReport {
    /// Which lane.
    pub lane: i32,
    /// Records replayed, ticks included.
    pub records: u64,
    /// Output records found in their place.
    pub outputs: u64,
    /// Rows of state compared.
    pub rows: u64,
    /// Why state and totals were not compared.
    pub state_skipped: Option<String>,
}

/// What was compared of one consumer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageReport {
    /// Which consumer.
    pub stage: String,
    /// Lane by lane.
    pub lanes: Vec<LaneReport>,
    /// All differences.
    pub differences: Vec<Difference>,
    /// What could not be verified, and why.
    pub unverifiable: Vec<String>,
}

/// Everything that a replay needs to know.
pub struct Verifier {
    /// Topics.
    pub topology: Topology,
    /// The rules.
    pub policy: Arc<Policy>,
    /// Schemas, as the consumers have them.
    pub schemas: Rc<dyn Schemas>,
    /// Whether the sequencer runs by the host's clock.
    pub is_clocked: bool,
}

/// What was found of a consumer before anything was replayed.
pub struct Plan {
    pub(crate) consumer: Consumer,
    pub(crate) spec: StageSpec,
    pub(crate) committed: BTreeMap<Part, i64>,
    pub(crate) inputs: BTreeMap<Part, Bounds>,
    pub(crate) outputs: BTreeMap<(String, i32), Bounds>,
    pub(crate) changelogs: BTreeMap<i32, Bounds>,
    pub(crate) ledgers: BTreeMap<i32, (i32, i64, Ledger)>,
}

impl Plan {
    /// Up to where a part was committed.
    pub(crate) fn bound(&self, part: Part) -> i64 {
        let first = self.inputs.get(&part).map_or(0, |bounds| bounds.first);
        self.committed.get(&part).copied().unwrap_or(first)
    }
}

impl Verifier {
    /// Verifies one consumer. `heard` is told lane and records replayed, now and then.
    pub fn stage(
        &self,
        cluster: &mut dyn Cluster,
        consumer: Consumer,
        heard: &mut dyn FnMut(i32, u64),
    ) -> Result<StageReport, Fault> {
        let plan = self.plan(cluster, consumer)?;
        let mut report = StageReport { stage: consumer.to_string(), ..StageReport::default() };
        for number in 0..plan.spec.lanes() {
            let gone = plan.spec.parts_of(number).into_iter().filter(|part| {
                let first = plan.inputs.get(part).map_or(0, |bounds| bounds.first);
                first > 0 && plan.committed.contains_key(part)
            });
            let gone: Vec<Part> = gone.collect();
            for part in &gone {
                report.unverifiable.push(why_not(cluster, &plan, number, *part)?);
            }
            if gone.is_empty() {
                let (lane, differences) = lane::verify(self, cluster, &plan, number, heard)?;
                report.lanes.push(lane);
                report.differences.extend(differences);
            }
        }
        Ok(report)
    }

    fn plan(&self, cluster: &mut dyn Cluster, consumer: Consumer) -> Result<Plan, Fault> {
        let spec = consumer.spec(&self.topology);
        let committed = cluster.committed(consumer)?;
        let mut changelogs = BTreeMap::new();
        for lane in 0..spec.lanes() {
            changelogs.insert(lane, cluster.bounds(&spec.changelog, lane)?);
        }
        let ledgers = self.ledgers(cluster, &spec)?;
        let mut outputs = BTreeMap::new();
        for (topic, partitions) in spec.outputs.iter().chain([&spec.dead_letters]) {
            for partition in 0..*partitions {
                outputs.insert((topic.clone(), partition), cluster.bounds(topic, partition)?);
            }
        }
        let mut inputs = BTreeMap::new();
        for (index, input) in spec.inputs.iter().enumerate() {
            for partition in 0..input.partitions {
                inputs.insert((index, partition), cluster.bounds(&input.topic, partition)?);
            }
        }
        Ok(Plan { consumer, spec, committed, inputs, outputs, changelogs, ledgers })
    }

    /// The newest ledger of each lane, with its place.
    fn ledgers(&self, cluster: &mut dyn Cluster, spec: &StageSpec) -> Result<BTreeMap<i32, (i32, i64, Ledger)>, Fault> {
        let (topic, partitions) = &spec.ledger;
        let mut codec = Codec::<Ledger>::new(&self.schemas);
        let mut ledgers = BTreeMap::new();
        for partition in 0..*partitions {
            let end = cluster.bounds(topic, partition)?.end;
            let mut tape = cluster.read(topic, &[(partition, end)])?;
            while let Some(entry) = tape.next(partition)? {
                let lane = entry.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
                let lane = lane.and_then(|key| key.strip_prefix(spec.name.as_str())?.strip_prefix('/')?.parse().ok());
                let Some(lane) = lane else { continue };
                if let Ok(ledger) = codec.decode(entry.value.as_deref().unwrap_or_default()) {
                    ledgers.insert(lane, (partition, entry.offset, ledger));
                }
            }
        }
        Ok(ledgers)
    }

    /// What is known of the topics that a stage writes.
    pub(crate) fn with_known<T>(&self, plan: &Plan, act: impl FnOnce(&Known<'_>) -> T) -> T {
        let compacted: Vec<String> = {
            let topics = self.topology.topics().into_iter();
            topics.filter(|topic| topic.cleanup == Cleanup::Compact).map(|topic| topic.name).collect()
        };
        let specs = Consumer::ALL.map(|consumer| consumer.spec(&self.topology));
        let inputs = specs.iter().flat_map(|spec| &spec.inputs);
        let ordered = inputs.filter(|input| matches!(input.order, Order::Stamped(_)));
        let ordered: Vec<&str> = ordered.map(|input| input.topic.as_str()).collect();
        act(&Known {
            bounds: &plan.outputs,
            is_compacted: &|name| compacted.iter().any(|topic| topic == name),
            is_ordered: &|name| ordered.contains(&name),
        })
    }
}

/// Why a lane cannot be verified.
fn why_not(cluster: &mut dyn Cluster, plan: &Plan, lane: i32, part: Part) -> Result<String, Fault> {
    let topic = plan.spec.inputs.get(part.0).map_or("", |input| input.topic.as_str());
    let bounds = plan.inputs.get(&part).copied().unwrap_or_default();
    let oldest = cluster.read(topic, &[(part.1, bounds.end)])?.next(part.1)?;
    let since = oldest.map_or_else(String::new, |entry| format!(", the oldest left came at {} ms", entry.appended.0));
    Ok(format!(
        "{} lane {lane}: its input {topic}[{}] begins at offset {}: what lay before was removed by retention{since}",
        plan.spec.name, part.1, bounds.first
    ))
}
