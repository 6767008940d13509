//! Sends canaries: every so often one down each lane, on a thread of its own.
//!
//! Holds: they take the road that sources take, so what holds up a lead holds up a canary; no consumer waits for them,
//! and one that cannot be sent is told in the log and missed by those who count.
//!
//! Absent on purpose: their return. The watchdog's worker counts that, once it has committed.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use baton_domain::{Activity, Body, Ids, Millis, RawEvent, canary_lead, canary_user};
use baton_kafka::Cluster;
use baton_kafka::rdkafka::ClientContext;
use baton_kafka::rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use baton_pipeline::{Codec, NoRegistry, Schemas, Topology};
use baton_wire::partition;

use crate::metrics::{Metrics, inventory as of};
use crate::wall::wall;

/// Between two looks whether to stop, and at what became of those under way.
const LOOK: Duration = Duration::from_millis(100);
/// One that was not taken by then is given up: the next one tells more.
const PATIENCE_MS: &str = "30000";

/// Sends a canary down each lane every `every`, until `stop`. The thread is not waited for: it may hang in a send.
///
/// # Errors
/// When a property for reaching the cluster is not one of librdkafka's, or there is no thread to be had.
pub fn send_canaries(
    cluster: &Cluster,
    topology: &Topology,
    every: Duration,
    metrics: &Arc<Metrics>,
    stop: &Arc<AtomicBool>,
) -> std::io::Result<()> {
    let mut config = cluster.tool();
    for (name, value) in [("acks", "all"), ("enable.idempotence", "true"), ("message.timeout.ms", PATIENCE_MS)] {
        config.set(name, value);
    }
    let deliveries = Deliveries { metrics: Arc::clone(metrics) };
    let producer: BaseProducer<Deliveries> = config.create_with_context(deliveries).map_err(std::io::Error::other)?;
    let (road, birds, stop) = (topology.road_of_canaries(), birds(topology.lanes), Arc::clone(stop));
    for (lane, _) in &birds {
        // Whoever counts those that are missing sees the first one too.
        metrics.counter(&of::CANARIES, &[&lane.to_string()]).map_err(std::io::Error::other)?;
    }
    tracing::info!(topic = road, lanes = birds.len(), every_ms = every.as_millis(), "sending canaries");
    let thread = std::thread::Builder::new().name("canaries".to_owned()).spawn(move || {
        while !stop.load(Ordering::Acquire) {
            let until = Instant::now() + every;
            let now = wall();
            for (lane, number) in &birds {
                release(&producer, &road, (*lane, *number), now);
            }
            while Instant::now() < until && !stop.load(Ordering::Acquire) {
                producer.poll(LOOK);
                std::thread::sleep(LOOK);
            }
        }
        // Those under way are nobody's loss.
        producer.purge(baton_kafka::rdkafka::producer::PurgeConfig::default().queue().inflight());
    });
    thread.map(drop)
}

fn release(producer: &BaseProducer<Deliveries>, road: &str, (lane, number): (i32, u16), now: Millis) {
    let value = bytes(number, now);
    let user = canary_user(number);
    let record = BaseRecord::with_opaque_to(road, Box::new(lane)).key(&user).payload(&value);
    if let Err((error, _)) = producer.send(record) {
        tracing::warn!(lane, %error, "a canary was not sent");
    }
}

/// Hears of every canary's fate.
struct Deliveries {
    metrics: Arc<Metrics>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<i32>;

    fn delivery(&self, result: &DeliveryResult<'_>, lane: Box<i32>) {
        match result {
            Ok(_) => self.metrics.count(&of::CANARIES, &[&lane.to_string()]),
            Err((error, _)) => tracing::warn!(lane, %error, "a canary was not taken"),
        }
    }
}

/// What is sent.
fn bytes(number: u16, now: Millis) -> Vec<u8> {
    let event = RawEvent {
        event_id: format!("{}@{}", canary_user(number), now.0),
        ids: Ids { user_id: Some(canary_user(number)), ..Ids::default() },
        occurred_at: now,
        received_at: None,
        body: Body::Activity(Activity { name: "Canary Sent".to_owned(), ..Activity::default() }),
    };
    // The reader knows its own schemas without a registry too.
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    Codec::new(&schemas).bytes(&event)
}

/// For each lane the first canary that goes down it.
fn birds(lanes: i32) -> Vec<(i32, u16)> {
    let first = |lane| (0..10_000_u16).find(|number| partition(canary_lead(*number).as_bytes(), lanes) == lane);
    (0..lanes).filter_map(|lane| Some((lane, first(lane)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lane_has_a_canary_of_its_own_up_to_the_most_lanes_there_may_be() {
        for lanes in [1, 2, 4, 16, 1_000] {
            let birds = birds(lanes);
            assert_eq!(birds.iter().map(|(lane, _)| *lane).collect::<Vec<_>>(), (0..lanes).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_sent_is_a_canary() {
        let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
        let sent = Codec::<RawEvent>::new(&schemas).decode(&bytes(7, Millis(1_767_225_600_123))).unwrap();
        assert_eq!(sent.canary(), Some(canary_lead(7)));
        assert_eq!(sent.occurred_at, Millis(1_767_225_600_123));
    }
}
