//! Kafka under the claims that the simulator's broker is held to as well
//! (`crates/dev/sim/tests/conformance.rs`): what Baton believes of its log is the same in both.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_engine::StageSpec;
use baton_kafka::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use baton_kafka::{Admin, Cluster, KafkaLog, TopicConfig};
use baton_sim::conformance::{Place, stage, topics};

use crate::harness::{deploy_bare, read_topic};
use crate::rig::block_on;

struct Kafka {
    cluster: Cluster,
    spec: StageSpec,
}

fn kafka(claim: &str) -> Option<Kafka> {
    // The deployment's prefix and broker are all that is needed of it.
    let deployment = deploy_bare(&claim[..claim.len().min(24)])?;
    let spec = stage(&deployment.prefix);
    let cluster = Cluster { bootstrap: deployment.bootstrap.clone(), properties: BTreeMap::new() };
    let configs: Vec<TopicConfig> = topics(&spec)
        .into_iter()
        .map(|(name, partitions, is_compacted)| {
            let policy = if is_compacted { "compact" } else { "delete" };
            let settings = [("cleanup.policy", policy), ("message.timestamp.type", "LogAppendTime")];
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            TopicConfig { name, partitions, settings }
        })
        .collect();
    let admin = Admin::new(&cluster).unwrap();
    block_on(admin.create(&configs, 1)).unwrap();
    Some(Kafka { cluster, spec })
}

impl Place for Kafka {
    type Log = KafkaLog;

    fn spec(&self) -> &StageSpec {
        &self.spec
    }

    fn open(&self, instance: &str) -> KafkaLog {
        KafkaLog::open(&self.cluster, &self.spec, &self.spec.name, instance).unwrap()
    }

    fn kill(&self, log: KafkaLog) {
        drop(log);
    }

    fn append(&self, topic: &str, partition: i32, value: &str) {
        let producer: BaseProducer = self.cluster.tool().create().unwrap();
        let record = BaseRecord::<(), str>::to(topic).partition(partition).payload(value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(Duration::from_secs(10)).unwrap();
    }

    fn read(&self, topic: &str, _partition: i32) -> Vec<String> {
        let records = read_topic(&self.cluster.bootstrap, topic, true);
        records.into_iter().map(|record| String::from_utf8_lossy(&record.value).into_owned()).collect()
    }
}

baton_sim::conformance!(kafka);
