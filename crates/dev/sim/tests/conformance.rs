//! The model broker under the claims that Kafka is held to as well (`tests/e2e/conformance.rs`).

use std::cell::RefCell;
use std::rc::Rc;

use baton_domain::Millis;
use baton_engine::StageSpec;
use baton_sim::conformance::{Place, stage, topics};
use baton_sim::{Broker, Headers, Record, SimLog};

struct Model {
    broker: Rc<RefCell<Broker>>,
    spec: StageSpec,
}

#[allow(clippy::unnecessary_wraps, reason = "a place may be missing elsewhere: a broker is not always there")]
fn model(_claim: &str) -> Option<Model> {
    let spec = stage("");
    let mut broker = Broker::new(Millis(1_800_000_000_000), 7);
    for (name, partitions, is_compacted) in topics(&spec) {
        broker.create(&name, partitions, is_compacted);
    }
    Some(Model { broker: Rc::new(RefCell::new(broker)), spec })
}

impl Place for Model {
    type Log = SimLog;

    fn spec(&self) -> &StageSpec {
        &self.spec
    }

    fn open(&self, instance: &str) -> SimLog {
        SimLog::open(&self.broker, &self.spec, instance)
    }

    fn kill(&self, log: SimLog) {
        log.leave();
    }

    fn append(&self, topic: &str, partition: i32, value: &str) {
        let value = Some(value.as_bytes().to_vec());
        let record = Record { appended: Millis(0), key: None, value, headers: Headers::default() };
        assert!(self.broker.borrow_mut().append(topic, partition, record), "no {topic}[{partition}]");
    }

    fn read(&self, topic: &str, partition: i32) -> Vec<String> {
        // Markers may come later than the verdict.
        (0..100).for_each(|_| self.broker.borrow_mut().pass(20));
        let broker = self.broker.borrow();
        let values = broker.read(topic, partition).into_iter().map(|(_, record)| record.value.unwrap_or_default());
        values.map(|value| String::from_utf8_lossy(&value).into_owned()).collect()
    }
}

baton_sim::conformance!(model);
