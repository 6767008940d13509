//! State that an earlier release wrote: today's code goes on from it, and a state of the future stops it.
//!
//! A fixture is what a deployment leaves on the log after some lines: the rows of every changelog and how far
//! every group had read, with the policy and the lines, those already read and those still to come. Committed
//! fixtures are never rewritten: `make fixture DIR=…` writes one more when the format of state changes.
//!
//! Holds: what is on the inputs before the groups' offsets is filler, so every row used is the fixture's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use baton_kafka::Cluster;
use baton_kafka::rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use baton_kafka::rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use baton_kafka::rdkafka::{Offset, TopicPartitionList};
use baton_pipeline::{Consumer, Topology};

use crate::harness::{CONSUMERS, Deployment, Records, deploy};

/// A row of a changelog: stage, lane, key, row.
type Row = (String, i32, Vec<u8>, Vec<u8>);

/// What a deployment left behind.
struct Fixture {
    policy: String,
    lines: Vec<String>,
    /// How many of the lines had been read.
    read: usize,
    rows: Vec<Row>,
    /// Stage, input (without prefix), partition, committed offset.
    offsets: Vec<(String, String, i32, i64)>,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("x"), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix('x').unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

impl Fixture {
    fn read(name: &str) -> Self {
        let text = |file: &str| std::fs::read_to_string(folder(name).join(file)).unwrap();
        let row = |line: &str| {
            let parts: Vec<&str> = line.split(' ').collect();
            (parts[0].to_owned(), parts[1].parse().unwrap(), unhex(parts[2]), unhex(parts[3]))
        };
        let offset = |line: &str| {
            let parts: Vec<&str> = line.split(' ').collect();
            (parts[0].to_owned(), parts[1].to_owned(), parts[2].parse().unwrap(), parts[3].parse().unwrap())
        };
        Self {
            policy: text("policy.yaml"),
            lines: text("lines.jsonl").lines().map(str::to_owned).collect(),
            read: text("read.txt").trim().parse().unwrap(),
            rows: text("rows.txt").lines().map(row).collect(),
            offsets: text("offsets.txt").lines().map(offset).collect(),
        }
    }

    fn write(&self, dir: &Path) {
        std::fs::create_dir_all(dir).unwrap();
        let put = |file: &str, text: String| std::fs::write(dir.join(file), text).unwrap();
        let lines = |texts: Vec<String>| texts.into_iter().fold(String::new(), |all, text| all + &text + "\n");
        put("policy.yaml", self.policy.clone());
        put("lines.jsonl", lines(self.lines.clone()));
        put("read.txt", format!("{}\n", self.read));
        let row = |(stage, lane, key, row): &Row| format!("{stage} {lane} {} {}", hex(key), hex(row));
        put("rows.txt", lines(self.rows.iter().map(row).collect()));
        let offset = |(stage, topic, part, at): &(String, String, i32, i64)| format!("{stage} {topic} {part} {at}");
        put("offsets.txt", lines(self.offsets.iter().map(offset).collect()));
    }

    /// A deployment whose log holds this state.
    fn deploy(&self, name: &str) -> Option<Deployment> {
        let mut deployment = deploy(name)?;
        deployment.settings = vec![("BATON_POLICY".to_owned(), deployment.write("policy.yaml", &self.policy))];
        let prefix = deployment.prefix.clone();
        let producer: ThreadedProducer<_> =
            cluster(&deployment).tool().create_with_context(DefaultProducerContext).unwrap();
        let send = |topic: &str, partition: i32, key: Option<&[u8]>, value: &[u8]| {
            let mut record = BaseRecord::<[u8], [u8]>::to(topic).partition(partition).payload(value);
            record.key = key;
            producer.send(record).map_err(|(error, _)| error).unwrap();
        };
        for (stage, lane, key, row) in &self.rows {
            send(&format!("{prefix}{stage}.changelog"), *lane, Some(key), row);
        }
        let mut ends: BTreeMap<(&str, i32), i64> = BTreeMap::new();
        for (_, topic, partition, offset) in &self.offsets {
            let before = ends.insert((topic, *partition), *offset);
            assert!(before.is_none_or(|before| before == *offset), "every reader of {topic} had read it all");
        }
        for ((topic, partition), end) in ends {
            (0..end).for_each(|_| send(&format!("{prefix}{topic}"), partition, None, b"filler"));
        }
        producer.flush(Duration::from_secs(30)).unwrap();
        for stage in CONSUMERS {
            let mut list = TopicPartitionList::new();
            for (_, topic, partition, offset) in self.offsets.iter().filter(|(of, ..)| of == stage) {
                list.add_partition_offset(&format!("{prefix}{topic}"), *partition, Offset::Offset(*offset)).unwrap();
            }
            group(&deployment, stage).commit(&list, CommitMode::Sync).unwrap();
        }
        Some(deployment)
    }

    /// What is to come of the lines that are still to be read.
    fn outcome_of_the_rest(&self, deployment: &Deployment) -> BTreeMap<&'static str, Records> {
        let mut before = deployment.simulate_with(&self.policy, &self.lines[..self.read]);
        let all = deployment.simulate_with(&self.policy, &self.lines);
        let rest = |(topic, records): (&'static str, Records)| {
            let mut told = before.remove(topic).unwrap().into_iter().peekable();
            // Both are sorted: what was told before is told again by the whole, record for record.
            let new = records.into_iter().filter(|record| told.next_if_eq(record).is_none()).collect();
            assert!(told.next().is_none(), "{topic}: the whole tells what its first part told");
            (topic, new)
        };
        all.into_iter().map(rest).collect()
    }
}

fn cluster(deployment: &Deployment) -> Cluster {
    Cluster { bootstrap: deployment.bootstrap.clone(), properties: BTreeMap::new() }
}

fn group(deployment: &Deployment, stage: &str) -> BaseConsumer {
    let name = format!("{}baton.{stage}", deployment.prefix);
    cluster(deployment).tool().set("group.id", name).set("enable.auto.commit", "false").create().unwrap()
}

fn committed(deployment: &Deployment, stage: &str) -> Vec<(String, i32, i64)> {
    let consumer: Consumer = stage.parse().unwrap();
    let mut list = TopicPartitionList::new();
    for input in consumer.spec(&Topology::new(&deployment.prefix, 4)).inputs {
        for partition in 0..input.partitions {
            list.add_partition(&input.topic, partition);
        }
    }
    let offsets = group(deployment, stage).committed_offsets(list, Duration::from_secs(10)).unwrap();
    let offset = |element: &baton_kafka::rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        let topic = element.topic().strip_prefix(&deployment.prefix).unwrap().to_owned();
        (topic, element.partition(), element.offset().to_raw().unwrap())
    };
    offsets.elements().iter().map(offset).collect()
}

#[test]
fn state_of_format_one_is_carried_on_to_the_outcome_of_an_uninterrupted_run() {
    let fixture = Fixture::read("state-v1");
    let Some(mut deployment) = fixture.deploy("upgrade") else { return };
    deployment.start_all();
    deployment.ingest(&fixture.lines[fixture.read..]);
    deployment.settle();
    let expected = fixture.outcome_of_the_rest(&deployment);
    for topic in ["lead.handoff", "sla.started", "sla.breach", "lifecycle.changed"] {
        assert!(!expected[topic].is_empty(), "{topic}: the rest of the sample says something there");
    }
    deployment.assert_agrees(&expected);
    deployment.assert_balanced(fixture.lines.len());
}

#[test]
fn state_of_a_later_format_stops_its_stage_and_nothing_is_written() {
    let mut fixture = Fixture::read("state-v1");
    // A row is its wake-up, 8 bytes, then the format.
    let rows = fixture.rows.iter_mut().filter(|(stage, _, key, _)| stage == "score" && !key.starts_with(b"\0"));
    for (_, _, _, row) in rows {
        assert_eq!(std::mem::replace(&mut row[8], 2), 1);
    }
    let Some(mut deployment) = fixture.deploy("downgrade") else { return };
    let before = committed(&deployment, "score");
    deployment.start_all();
    deployment.ingest(&fixture.lines[fixture.read..]);
    let began = Instant::now();
    let ended = loop {
        assert!(began.elapsed() < Duration::from_mins(1), "score goes on\n{}", deployment.logs());
        match deployment.has_ended("score") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    assert_eq!(ended.code(), Some(78), "{}", deployment.logs());
    assert!(deployment.log_of("score").contains("format 2, this version reads 1"), "{}", deployment.logs());
    assert_eq!(committed(&deployment, "score"), before, "nothing was claimed");
    for topic in ["lead.score", "lifecycle.changed", "lead.qualified", "assignment.requests"] {
        assert!(deployment.records(topic).is_empty(), "{topic}");
    }
}

/// Not a claim but a tool: writes what today's code leaves behind, when it is told where.
#[test]
fn the_state_of_today_can_be_written_as_a_fixture() {
    let Some(mut deployment) = deploy("fixture") else { return };
    let lines: Vec<String> = baton_workload::demo().take(700).collect();
    let read = 450;
    deployment.start_all();
    deployment.ingest(&lines[..read]);
    deployment.settle();
    for consumer in CONSUMERS {
        assert_eq!(deployment.terminate(consumer).0, Some(0), "{}", deployment.logs());
    }
    let mut rows = Vec::new();
    let mut offsets = Vec::new();
    for stage in CONSUMERS {
        let mut state: BTreeMap<(i32, Vec<u8>), Vec<u8>> = BTreeMap::new();
        for record in deployment.read(&format!("{stage}.changelog")) {
            state.insert((record.partition, record.key), record.value);
        }
        let live = state.into_iter().filter(|(_, row)| !row.is_empty());
        rows.extend(live.map(|((lane, key), row)| (stage.to_owned(), lane, key, row)));
        offsets
            .extend(committed(&deployment, stage).into_iter().map(|(t, p, offset)| (stage.to_owned(), t, p, offset)));
    }
    assert!(rows.len() > 100 && offsets.iter().all(|(.., offset)| *offset >= 0), "{} rows, {offsets:?}", rows.len());
    let Ok(dir) = std::env::var("BATON_WRITE_FIXTURE") else { return };
    Fixture { policy: baton_policy::STARTER.to_owned(), lines, read, rows, offsets }.write(Path::new(&dir));
}
