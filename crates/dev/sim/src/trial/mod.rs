//! One seed, one trial: all five consumers, several processes of each, on a broker that is not kind.
//!
//! First anything may go wrong at any time; then nothing does any more, and everything must come to
//! what it comes to without faults, in bounded time.
//!
//! Holds: the seed decides everything; the same seed gives the same trace.

mod disk;
mod fortune;
mod oracle;
mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{Millis, PolicyPublished};
use baton_engine::Limits;
use baton_pipeline::{Codec, NoRegistry, Schemas, Topology};
use baton_policy::Policy;

use crate::client::Flaw;
use crate::pipeline::Pipeline;
use oracle::Outcome;
use world::World;

/// Host time at the start of every trial.
const NOW: Millis = Millis(1_800_000_000_000);
/// Lanes of everything keyed by lead.
const LANES: i32 = 3;

/// Lines, and what they come to undisturbed.
pub struct Sample {
    policy: Arc<Policy>,
    topology: Topology,
    /// What lies on other topics before the first line: policies and the roster, as they are written there.
    before: Vec<(String, Vec<u8>)>,
    lines: Vec<String>,
    expected: Outcome,
}

impl Sample {
    /// Runs the lines undisturbed, under a policy and those published for instants within them, with a roster told
    /// before. The lines must carry their own `receivedAt`, and end with a tick long after everything.
    pub fn new(
        policy: &Arc<Policy>,
        published: &[PolicyPublished],
        roster: &[&str],
        lines: Vec<String>,
    ) -> Result<Self, String> {
        let topology = Topology::new("", LANES);
        let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
        let codec = Codec::<PolicyPublished>::new(&schemas);
        let policies = published.iter().map(|published| (topology.policies(), codec.bytes(published)));
        let reps = roster.iter().map(|told| (topology.reps(), told.as_bytes().to_vec()));
        let before: Vec<_> = policies.chain(reps).collect();
        let mut pipeline = Pipeline::new(&topology, policy, NOW, Limits::default());
        for (topic, value) in &before {
            pipeline.feed_to(topic, value);
        }
        for line in &lines {
            pipeline.feed(line.as_bytes());
        }
        pipeline.settle().map_err(|failure| format!("{failure:?}"))?;
        let expected = Outcome::of(|topic| pipeline.take(topic));
        Ok(Self { policy: Arc::clone(policy), topology, before, lines, expected })
    }

    /// The outcome topics on which it leaves nothing.
    pub fn blanks(&self) -> Vec<&'static str> {
        self.expected.blanks()
    }
}

/// A trial that went as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose.
    pub seed: u64,
    /// A fingerprint of every call and of all that is on the broker at the end.
    pub hash: u64,
    /// Rare things that happened, and how often.
    pub seen: BTreeMap<&'static str, u64>,
    /// Turns of workers.
    pub turns: u64,
    /// Milliseconds from the end of the faults until nothing was left to do.
    pub recovery_ms: i64,
}

/// A trial that did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// What is wrong.
    pub what: String,
    /// Rare things that happened before.
    pub seen: BTreeMap<&'static str, u64>,
    /// The last events before.
    pub tail: Vec<String>,
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        self.seen.iter().try_for_each(|(what, count)| writeln!(f, "{count:>8} {what}"))?;
        self.tail.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// A trial to be run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trial {
    /// Decides everything.
    pub seed: u64,
    /// A defence to leave out.
    pub flaw: Flaw,
    /// Whether the last events are kept in words.
    pub is_told: bool,
}

impl Trial {
    /// The trial of a seed, with every defence in place.
    pub fn of(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Runs it.
    pub fn run(self, sample: &Arc<Sample>) -> Result<Report, Caught> {
        let world = World::new(self, sample);
        let result = world.live();
        let broker = world.broker.borrow();
        match result {
            Ok(recovery_ms) => Ok(Report {
                seed: self.seed,
                hash: broker.trace.hash() ^ oracle::fingerprint(&broker),
                seen: broker.trace.seen().clone(),
                turns: world.turns.get(),
                recovery_ms,
            }),
            Err(what) => Err(Caught { what, seen: broker.trace.seen().clone(), tail: broker.trace.lines(NOW.0) }),
        }
    }
}
