//! All five consumers over one log in memory, run until nothing is left to do.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{Millis, PolicyPublished};
use baton_engine::{Limits, Log, MemStore, Processor, StageSpec, Stop, StoreError, Worker};
use baton_pipeline::{Codec, Consumer, Meter, NoRegistry, Pace, Schemas, Topology};
use baton_policy::Policy;

use crate::Headers;
use crate::log::{MemoryLog, Record, Shared};

type OpenStore = fn(i32) -> Result<MemStore, StoreError>;
type Hosted = Worker<Box<dyn Processor>, MemStore, OpenStore>;

/// A consumer stopped: with a correct policy and an intact log, a defect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which consumer.
    pub consumer: Consumer,
    /// Why.
    pub stop: Stop,
}

/// The pipeline.
pub struct Pipeline<L = MemoryLog> {
    shared: Rc<RefCell<Shared>>,
    topology: Topology,
    stages: Vec<(Consumer, Hosted, L)>,
}

/// Which consumers run, in which transactions, and who hears what came of it.
pub struct Setup<'a> {
    /// The consumers.
    pub consumers: &'a [Consumer],
    /// The bounds of their transactions.
    pub limits: Limits,
    /// Takes their figures.
    pub meter: Option<Rc<dyn Meter>>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self { consumers: &Consumer::ALL, limits: Limits::default(), meter: None }
    }
}

impl Pipeline {
    /// A pipeline that has seen nothing. `now` is what the log says the append time of inputs is.
    pub fn new(topology: &Topology, policy: &Arc<Policy>, now: Millis, limits: Limits) -> Self {
        Self::over(topology, policy, Shared::at(now), Setup { limits, ..Setup::default() })
    }

    /// A pipeline over `shared`.
    pub fn over(topology: &Topology, policy: &Arc<Policy>, shared: Shared, setup: Setup<'_>) -> Self {
        Self::wrapped(topology, policy, shared, setup, |_, log| log)
    }
}

impl<L: Log> Pipeline<L> {
    /// The same; `wrap` makes each consumer's log out of its plain one.
    pub fn wrapped(
        topology: &Topology,
        policy: &Arc<Policy>,
        shared: Shared,
        setup: Setup<'_>,
        wrap: impl Fn(&StageSpec, MemoryLog) -> L,
    ) -> Self {
        let Setup { consumers, limits, meter } = setup;
        let shared = Rc::new(RefCell::new(shared));
        let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
        let stages = consumers
            .iter()
            .copied()
            .map(|consumer| {
                let spec = consumer.spec(topology);
                let log = wrap(&spec, MemoryLog::new(&shared, &spec));
                let processor = consumer.metered(topology, policy, &schemas, Pace::Log, meter.as_ref());
                let open: OpenStore = |_| Ok(MemStore::default());
                (consumer, Worker::new(spec, limits, processor, open), log)
            })
            .collect();
        Self { shared, topology: topology.clone(), stages }
    }

    /// Appends one source record, as a clickstream would.
    pub fn feed(&mut self, value: &[u8]) {
        self.feed_to(&self.topology.default_input(), value);
    }

    /// The same to another source topic, by its full name.
    pub fn feed_to(&mut self, topic: &str, value: &[u8]) {
        let mut shared = self.shared.borrow_mut();
        let record =
            Record { appended: shared.now, key: None, value: Some(value.to_vec()), headers: Headers::default() };
        shared.append(topic, 0, record);
    }

    /// Publishes a policy, as `baton policy apply` does.
    pub fn publish(&mut self, published: &PolicyPublished) {
        let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
        let value = Codec::<PolicyPublished>::new(&schemas).bytes(published);
        self.feed_to(&self.topology.policies(), &value);
    }

    /// Runs every consumer until none has anything left to do.
    pub fn settle(&mut self) -> Result<(), Failure> {
        loop {
            let mut idle = true;
            for (consumer, worker, log) in &mut self.stages {
                loop {
                    let turn = worker.turn(log).map_err(|stop| Failure { consumer: *consumer, stop })?;
                    if turn.idle {
                        break;
                    }
                    idle = false;
                }
            }
            self.shared.borrow_mut().forget_consumed();
            if idle {
                return Ok(());
            }
        }
    }

    /// What lies on the log, for those who look at it from outside.
    pub fn shared(&self) -> Rc<RefCell<Shared>> {
        Rc::clone(&self.shared)
    }

    /// Each consumer's log, to be looked at or changed.
    pub fn logs(&mut self) -> impl Iterator<Item = &mut L> {
        self.stages.iter_mut().map(|(_, _, log)| log)
    }

    /// Runs one turn of one consumer; returns whether it was idle.
    pub fn turn(&mut self, consumer: usize) -> Result<bool, Failure> {
        let Some((name, worker, log)) = self.stages.get_mut(consumer) else { return Ok(true) };
        worker.turn(log).map(|turn| turn.idle).map_err(|stop| Failure { consumer: *name, stop })
    }

    /// Takes the records of an output topic (name without prefix), all partitions, each in order.
    pub fn take(&mut self, topic: &str) -> Vec<Record> {
        self.shared.borrow_mut().take(&self.topology.full(topic))
    }
}
