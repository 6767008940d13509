//! A deployment of its own for each test: own topic prefix, own state folder, own processes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) use acceptance::OUTCOMES;
use baton_domain::{Ledger, Millis};
use baton_engine::Limits;
use baton_kafka::Cluster;
use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use baton_kafka::rdkafka::error::KafkaError;
use baton_kafka::rdkafka::message::Headers;
use baton_kafka::rdkafka::types::RDKafkaErrorCode;
use baton_kafka::rdkafka::{Message, Offset, TopicPartitionList};
use baton_pipeline::Topology;
use baton_sim::Pipeline;
use baton_wire::Decoder;

/// The five, as the binary names them.
pub(crate) const CONSUMERS: [&str; 5] = ["identify", "aggregate", "score", "route", "watch"];

/// A record as it lies on the broker.
pub(crate) struct Stored {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) partition: i32,
    /// The broker's append time, in milliseconds.
    pub(crate) appended: i64,
}

/// Records of a topic as key and value, sorted.
pub(crate) type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// A deployment, ended and its folder removed when dropped.
pub(crate) struct Deployment {
    pub(crate) bootstrap: String,
    pub(crate) prefix: String,
    state: tempfile::TempDir,
    running: BTreeMap<String, Child>,
    /// Settings of this deployment, as environment; stronger than those of every deployment.
    pub(crate) settings: Vec<(String, String)>,
    /// The binary, where it is not the one under test everywhere else.
    pub(crate) binary: Option<PathBuf>,
}

/// A deployment with its topics, or `None` with a line that says why the test is skipped.
pub(crate) fn deploy(name: &str) -> Option<Deployment> {
    let deployment = deploy_bare(name)?;
    let done = deployment.baton(&["topics", "apply"]);
    assert!(done.status.success(), "{}", text(&done));
    Some(deployment)
}

/// The same without topics.
pub(crate) fn deploy_bare(name: &str) -> Option<Deployment> {
    let Ok(bootstrap) = std::env::var("BATON_TEST_BOOTSTRAP") else {
        assert!(std::env::var("E2E_REQUIRED").is_err(), "BATON_TEST_BOOTSTRAP must name a broker");
        eprintln!("skipped: no broker; run `make broker-test`");
        return None;
    };
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    Some(Deployment {
        bootstrap,
        prefix: format!("{name}-{nanos}."),
        state: tempfile::tempdir().unwrap(),
        running: BTreeMap::new(),
        settings: Vec::new(),
        binary: None,
    })
}

impl Deployment {
    fn command(&self, state: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.binary.clone().unwrap_or_else(binary));
        // Nothing that is set around the tests is meant for the deployment.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BATON_")) {
            command.env_remove(name);
        }
        command
            .args(args)
            .env("BATON_KAFKA__BOOTSTRAP", &self.bootstrap)
            .env("BATON_TOPICS__PREFIX", &self.prefix)
            .env("BATON_TOPICS__REPLICATION", "1")
            .env("BATON_STATE_DIR", self.state.path().join(state))
            .env("BATON_CLOCK", "log")
            .env("BATON_LOG__LEVEL", "warn")
            .envs(self.settings.iter().cloned());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn baton(&self, args: &[&str]) -> Output {
        self.command("tools", args).stdin(Stdio::null()).output().unwrap()
    }

    /// Starts a command and does not wait for it.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command("tools", args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Writes a file into the deployment's folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.state.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Starts a consumer as a process of its own.
    pub(crate) fn start(&mut self, consumer: &str) {
        self.start_as(consumer, "0");
    }

    /// Starts a consumer under an instance name, with a state folder of its own.
    pub(crate) fn start_as(&mut self, consumer: &str, instance: &str) {
        self.launch(format!("{consumer}-{instance}"), consumer, instance);
    }

    /// Starts a consumer a second time under the same instance name, with a state folder of its own;
    /// returns how the first one ended.
    pub(crate) fn replace(&mut self, consumer: &str) -> (Option<i32>, Duration) {
        let mut older = self.running.remove(&format!("{consumer}-0")).unwrap();
        self.launch(format!("{consumer}-0.twin"), consumer, "0");
        let began = Instant::now();
        while began.elapsed() < Duration::from_mins(1) {
            if let Some(status) = older.try_wait().unwrap() {
                return (status.code(), began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        older.kill().unwrap();
        older.wait().unwrap();
        panic!("the older {consumer} goes on\n{}", self.logs());
    }

    /// SIGSTOP or SIGCONT.
    pub(crate) fn signal(&self, consumer: &str, signal: &str) {
        let id = self.running[&format!("{consumer}-0")].id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn launch(&mut self, name: String, consumer: &str, instance: &str) {
        let log = std::fs::File::create(self.state.path().join(format!("{name}.log"))).unwrap();
        let child = self
            .command(&name, &["run", consumer, "--set", &format!("instance={instance}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.running.insert(name, child);
    }

    /// Starts all five.
    pub(crate) fn start_all(&mut self) {
        for consumer in CONSUMERS {
            self.start(consumer);
        }
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(&mut self, consumer: &str) {
        self.kill_as(consumer, "0");
    }

    /// Waits until a consumer has a handler for SIGTERM; before that no process can answer one.
    pub(crate) fn hears_signals(&self, consumer: &str) {
        const SIGTERM_BIT: u64 = 1 << 14;
        let status = format!("/proc/{}/status", self.running[&format!("{consumer}-0")].id());
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            let status = std::fs::read_to_string(&status).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
            if u64::from_str_radix(caught, 16).unwrap() & SIGTERM_BIT != 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("{consumer} does not listen\n{}", self.logs());
    }

    /// SIGTERM; returns the exit code and how long it took.
    pub(crate) fn terminate(&mut self, consumer: &str) -> (Option<i32>, Duration) {
        let mut child = self.running.remove(&format!("{consumer}-0")).unwrap();
        let began = Instant::now();
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let status = child.wait().unwrap();
        // A signal has no code: whoever reads of a failure wants to know which one it was.
        eprintln!("{consumer}: {status}");
        (status.code(), began.elapsed())
    }

    /// How a consumer ended, if it has; then it is started again under the same name.
    pub(crate) fn has_ended(&mut self, consumer: &str) -> Option<std::process::ExitStatus> {
        let name = format!("{consumer}-0");
        let ended = self.running.get_mut(&name)?.try_wait().unwrap()?;
        self.running.remove(&name);
        Some(ended)
    }

    /// The same for one of several processes.
    pub(crate) fn kill_as(&mut self, consumer: &str, instance: &str) {
        let mut child = self.running.remove(&format!("{consumer}-{instance}")).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// What a consumer logged since it was started.
    pub(crate) fn log_of(&self, consumer: &str) -> String {
        std::fs::read_to_string(self.state.path().join(format!("{consumer}-0.log"))).unwrap_or_default()
    }

    /// Removes a consumer's local state.
    pub(crate) fn wipe(&self, consumer: &str) {
        std::fs::remove_dir_all(self.state.path().join(format!("{consumer}-0"))).unwrap();
    }

    /// Sends lines through `baton ingest -`.
    pub(crate) fn ingest(&self, lines: &[String]) {
        let mut child = self
            .command("tools", &["ingest", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        for line in lines {
            input.write_all(line.as_bytes()).unwrap();
            input.write_all(b"\n").unwrap();
        }
        drop(input);
        assert!(child.wait().unwrap().success());
    }

    /// Waits until every consumer has read everything there is; fails at once when one has ended.
    pub(crate) fn settle(&mut self) {
        self.settle_with(&["report", "--wait", "--timeout", "60"]);
    }

    /// The same for one that runs alone.
    pub(crate) fn settle_of(&mut self, consumer: &str) {
        self.settle_with(&["report", "--wait", "--timeout", "60", "--stage", consumer]);
    }

    fn settle_with(&mut self, report: &[&str]) {
        // Beside the consumers' logs, to be shown with them.
        let log = std::fs::File::create(self.state.path().join("report.log")).unwrap();
        let mut report =
            self.command("tools", report).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        loop {
            if let Some(status) = report.try_wait().unwrap() {
                assert!(status.success(), "the consumers did not read to the end\n{}", self.logs());
                return;
            }
            let ended =
                self.running.iter_mut().find_map(|(name, child)| Some((name.clone(), child.try_wait().unwrap()?)));
            if let Some((name, status)) = ended {
                report.kill().unwrap();
                report.wait().unwrap();
                panic!("{name} ended with {status}\n{}", self.logs());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the consumers logged.
    pub(crate) fn logs(&self) -> String {
        let mut all = String::new();
        for entry in std::fs::read_dir(self.state.path()).unwrap().flatten() {
            if entry.path().extension().is_some_and(|kind| kind == "log") {
                all.push_str(&std::fs::read_to_string(entry.path()).unwrap());
            }
        }
        all
    }

    /// Every committed record of a topic, those without a key too.
    pub(crate) fn read_all(&self, topic: &str) -> Vec<Stored> {
        read_topic(&self.bootstrap, &format!("{}{topic}", self.prefix), true)
    }

    /// Every committed record of a topic: key, value, headers.
    pub(crate) fn read(&self, topic: &str) -> Vec<Stored> {
        read_topic(&self.bootstrap, &format!("{}{topic}", self.prefix), false)
    }

    /// Value and headers of every dead letter, in order.
    pub(crate) fn dead_letters(&self) -> Vec<(Vec<u8>, BTreeMap<String, String>)> {
        let all = read_topic(&self.bootstrap, &format!("{}dlq", self.prefix), true);
        all.into_iter().map(|record| (record.value, record.headers)).collect()
    }

    /// Key and value of every record, sorted.
    pub(crate) fn records(&self, topic: &str) -> Records {
        let mut records: Records = self.read(topic).into_iter().map(|record| (record.key, record.value)).collect();
        records.sort();
        records
    }

    /// The newest ledger of each lane.
    pub(crate) fn ledgers(&self) -> Vec<Ledger> {
        let decoder = Decoder::<Ledger>::new();
        let newest: BTreeMap<_, _> =
            self.read("ledger.balance").into_iter().map(|record| (record.key, record.value)).collect();
        newest.into_values().map(|value| decoder.decode(&value).unwrap()).collect()
    }

    /// Asserts that every record is accounted for; `lines` were sent.
    pub(crate) fn assert_balanced(&self, lines: usize) {
        let ledgers = self.ledgers();
        let consumed = |stage: &str| -> i64 { ledgers.iter().filter(|l| l.stage == stage).map(|l| l.consumed).sum() };
        let made = |stage: &str, topic: &str| -> i64 {
            // A deployment may go on from the state of another, whose topics had another prefix.
            let topic = format!(".{topic}");
            let of_stage = ledgers.iter().filter(|l| l.stage == stage).flat_map(|l| &l.produced);
            of_stage.filter(|count| count.name.ends_with(&topic)).map(|count| count.count).sum()
        };
        for ledger in &ledgers {
            let sum: i64 = ledger.outcomes.iter().map(|outcome| outcome.count).sum();
            assert_eq!(ledger.consumed, sum, "{} lane {}", ledger.stage, ledger.stamp.lane);
        }
        assert_eq!(consumed("identify"), i64::try_from(lines).unwrap());
        assert_eq!(made("identify", "lead.events"), consumed("aggregate"));
        assert_eq!(made("aggregate", "engagement.aggregate"), consumed("score"));
        assert_eq!(made("score", "assignment.requests") + made("identify", "roster.events"), consumed("route"));
        assert_eq!(made("identify", "lead.events") + made("route", "sla.requests"), consumed("watch"));
    }

    /// What the same lines come to in the simulator, topic by topic.
    pub(crate) fn simulate(&self, lines: &[String]) -> BTreeMap<&'static str, Records> {
        self.simulate_with(baton_policy::STARTER, lines)
    }

    /// The same under another policy than the starter's.
    pub(crate) fn simulate_with(&self, policy: &str, lines: &[String]) -> BTreeMap<&'static str, Records> {
        let policy = std::sync::Arc::new(baton_policy::parse("policy.yaml", policy).unwrap());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let topology = Topology::new(&self.prefix, 4);
        let mut pipeline = Pipeline::new(&topology, &policy, Millis(i64::try_from(now).unwrap()), Limits::default());
        for part in lines.chunks(1_000) {
            for line in part {
                pipeline.feed(line.as_bytes());
            }
            pipeline.settle().unwrap();
        }
        OUTCOMES.iter().map(|topic| (*topic, sorted(pipeline.take(topic)))).collect()
    }

    /// Asserts that the broker holds what the simulator gave.
    pub(crate) fn assert_agrees(&self, expected: &BTreeMap<&'static str, Records>) {
        for (topic, expected) in expected {
            let records = self.records(topic);
            assert_eq!(records.len(), expected.len(), "number of records on {topic}\n{}", self.logs());
            assert!(records == *expected, "{topic} differs from the simulation");
        }
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn sorted(records: Vec<baton_sim::Record>) -> Records {
    let mut pairs: Records =
        records.into_iter().map(|r| (r.key.unwrap_or_default(), r.value.unwrap_or_default())).collect();
    pairs.sort();
    pairs
}

/// The binary under test.
fn binary() -> PathBuf {
    if let Ok(binary) = std::env::var("E2E_BIN") {
        return PathBuf::from(binary);
    }
    let here = std::env::current_exe().unwrap();
    here.parent().and_then(Path::parent).unwrap().join("baton")
}

/// Standard output and error of a command.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Reads a topic to its end; `ticks`: also records without a key.
pub(crate) fn read_topic(bootstrap: &str, topic: &str, ticks: bool) -> Vec<Stored> {
    let cluster = Cluster { bootstrap: bootstrap.to_owned(), properties: BTreeMap::new() };
    let reader: BaseConsumer = cluster
        .tool()
        .set("group.id", "e2e-reader")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let metadata = reader.fetch_metadata(Some(topic), Duration::from_secs(10)).unwrap();
    let mut open = metadata.topics()[0].partitions().len();
    let mut parts = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        parts.add_partition_offset(topic, partition.id(), Offset::Beginning).unwrap();
    }
    reader.assign(&parts).unwrap();
    let mut records = Vec::new();
    while open > 0 {
        match reader.poll(Duration::from_secs(10)).expect("the broker answers within 10 s") {
            Ok(message) => {
                if message.key().is_none() && !ticks {
                    continue;
                }
                let key = message.key().unwrap_or_default();
                let headers = message.headers().map(|headers| {
                    headers
                        .iter()
                        .map(|h| (h.key.to_owned(), String::from_utf8_lossy(h.value.unwrap_or_default()).into_owned()))
                        .collect()
                });
                let value = message.payload().unwrap_or_default().to_vec();
                let partition = message.partition();
                let appended = message.timestamp().to_millis().unwrap_or_default();
                records.push(Stored {
                    key: key.to_vec(),
                    value,
                    headers: headers.unwrap_or_default(),
                    partition,
                    appended,
                });
            }
            Err(KafkaError::PartitionEOF(_)) => open -= 1,
            // Told in passing while connections are made; without an end the poll above gives up.
            Err(KafkaError::MessageConsumption(
                RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure,
            )) => {}
            Err(error) => panic!("{error}"),
        }
    }
    records
}
