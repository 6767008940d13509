//! `baton topics`: the topics on the cluster beside the topics that Baton needs.
//!
//! Holds: `apply` creates what is missing and changes nothing that exists; a topic that exists and
//! would break a guarantee is refused with the way out; a second `apply` does nothing.
//!
//! Absent on purpose: deleting, altering, and topics that somebody else fills (`sources`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::future::Future;
use std::io::Write as _;
use std::time::{Duration, Instant};

use baton_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use baton_kafka::{Admin, TopicConfig, TopicState};
use baton_pipeline::Topic;
use baton_runtime::Registry;

use crate::Failure;
use crate::settings::Settings;

mod judge;

use judge::{Difference, Verdict, judge};

/// What to do about topics.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show every topic that Baton needs, and what is there; ends with 78 when something must change
    Plan,
    /// Create the topics that are missing; change nothing that exists
    Apply,
}

/// How long new topics may take to get their leaders.
const PATIENCE: Duration = Duration::from_secs(30);

/// Shows or creates topics.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let admin = Admin::new(&settings.cluster)?;
    let wanted = own(settings);
    let there = describe(&admin, &wanted)?;
    let judged: Vec<_> = wanted.iter().map(|topic| (topic, judge(topic, there.get(&topic.name)))).collect();
    match args.command {
        Command::Plan => {
            print(&table(&judged));
            verdict(&judged)
        }
        Command::Apply => apply(settings, &admin, &judged),
    }
}

/// Fails when something is missing, or is there in a way that breaks a guarantee.
fn verdict(judged: &[(&Topic, Verdict)]) -> Result<(), Failure> {
    let missing = judged.iter().filter(|(_, verdict)| *verdict == Verdict::Missing).count();
    let wrong = judged.iter().filter(|(_, verdict)| verdict.differences().iter().any(|found| found.breaks)).count();
    if missing + wrong == 0 {
        return Ok(());
    }
    let mut said = Vec::new();
    if missing > 0 {
        said.push(format!("{} missing; create with `baton topics apply`", names(missing)));
    }
    if wrong > 0 {
        said.push(format!("{} not as a guarantee needs; `baton topics apply` says how to mend", names(wrong)));
    }
    Err(Failure::config(said.join("\n")))
}

/// What breaks a guarantee in those of `names` that are Baton's own and are there, a line each.
pub(crate) fn broken(settings: &Settings, admin: &Admin, names: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
    let wanted: Vec<_> = own(settings).into_iter().filter(|topic| names.contains(&topic.name)).collect();
    let there = describe(admin, &wanted)?;
    let mut said = Vec::new();
    for topic in wanted.iter().filter(|topic| there.contains_key(&topic.name)) {
        let verdict = judge(topic, there.get(&topic.name));
        // The caller has compared the partitions, also of topics that somebody else fills.
        let breaking = verdict.differences().iter().filter(|found| found.breaks && found.setting != judge::PARTITIONS);
        said.extend(breaking.map(|difference| format!("{}: {difference}", topic.name)));
    }
    Ok(said)
}

/// Baton's topics, without those that are named as somebody else's.
fn own(settings: &Settings) -> Vec<Topic> {
    let inputs: Vec<_> = settings.topology.sources.iter().map(|source| source.topic.as_str()).collect();
    // Only an input can be somebody else's, whatever a pattern covers.
    let is_foreign = |name: &str| {
        inputs.contains(&name)
            && settings.source_names.iter().any(|source| match source.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == source,
            })
    };
    settings.topology.topics().into_iter().filter(|topic| !is_foreign(&topic.name)).collect()
}

fn describe(admin: &Admin, wanted: &[Topic]) -> Result<BTreeMap<String, TopicState>, Failure> {
    let names: Vec<_> = wanted.iter().map(|topic| topic.name.clone()).collect();
    Ok(block_on(admin.describe(&names))??)
}

fn apply(settings: &Settings, admin: &Admin, judged: &[(&Topic, Verdict)]) -> Result<(), Failure> {
    refuse(settings, judged)?;
    let missing: Vec<&Topic> =
        judged.iter().filter(|(_, verdict)| *verdict == Verdict::Missing).map(|(topic, _)| *topic).collect();
    if !missing.is_empty() {
        let copies = copies(settings, admin)?;
        let configs: Vec<_> = missing.iter().map(|topic| config(topic, copies)).collect();
        block_on(admin.create(&configs, copies))??;
        await_leaders(settings, &missing)?;
        print(&format!(
            "created {} with {copies} cop{} each\n",
            names(missing.len()),
            if copies == 1 { "y" } else { "ies" }
        ));
    }
    let kept = judged.len() - missing.len();
    if kept > 0 {
        print(&format!("left {} as they were\n", names(kept)));
    }
    for (topic, verdict) in judged {
        for difference in verdict.differences() {
            print(&format!("note: {}: {difference}\n", topic.name));
        }
    }
    register(settings)
}

fn names(count: usize) -> String {
    format!("{count} topic{}", if count == 1 { "" } else { "s" })
}

/// Fails when a topic exists that would break a guarantee.
fn refuse(settings: &Settings, judged: &[(&Topic, Verdict)]) -> Result<(), Failure> {
    let bootstrap = &settings.cluster.bootstrap;
    let (mut said, mut ways_out) = (Vec::new(), Vec::new());
    for (topic, verdict) in judged {
        for difference in verdict.differences().iter().filter(|difference| difference.breaks) {
            said.push(format!("{}: {difference}", topic.name));
            ways_out.push(way_out(bootstrap, topic, difference));
        }
    }
    if said.is_empty() {
        return Ok(());
    }
    ways_out.dedup();
    Err(Failure::config(format!(
        "topics exist that are not as they must be; nothing was created\n  {}\nmend them:\n  {}\nor leave them and give \
         Baton topics of its own: --prefix NAME.",
        said.join("\n  "),
        ways_out.join("\n  ")
    )))
}

/// How to mend a difference.
fn way_out(bootstrap: &str, topic: &Topic, difference: &Difference) -> String {
    let Difference { setting, wanted, .. } = difference;
    if *setting == judge::PARTITIONS {
        // A key would change its partition, and its state would stay behind.
        return format!(
            "partitions cannot be changed in place: set topics.partitions to what is there, or, when nothing in them \
             is needed,\n  kafka-topics.sh --bootstrap-server {bootstrap} --delete --topic NAME"
        );
    }
    let name = &topic.name;
    format!(
        "kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics --entity-name {name} --add-config \
         {setting}={wanted}"
    )
}

fn config(topic: &Topic, copies: i32) -> TopicConfig {
    let mut settings: BTreeMap<_, _> =
        topic.settings().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if copies >= 3 {
        // With one copy enough, what was acknowledged could be lost with a single broker.
        settings.insert("min.insync.replicas".to_owned(), "2".to_owned());
    }
    TopicConfig { name: topic.name.clone(), partitions: topic.partitions, settings }
}

/// Copies of each topic: as set, else three, or as many as there are brokers.
fn copies(settings: &Settings, admin: &Admin) -> Result<i32, Failure> {
    if let Some(copies) = settings.replication {
        return Ok(copies);
    }
    let brokers = admin.brokers()?;
    Ok(i32::try_from(brokers.clamp(1, 3)).unwrap_or(1))
}

/// A topic can be written only when each of its partitions has a leader, some time after its creation.
fn await_leaders(settings: &Settings, topics: &[&Topic]) -> Result<(), Failure> {
    let unavailable = |error: baton_kafka::rdkafka::error::KafkaError| Failure::unavailable(error.to_string());
    let client: BaseConsumer = settings.cluster.tool().create().map_err(unavailable)?;
    let since = Instant::now();
    loop {
        // Asked for all topics: a question about one by name could create it.
        let metadata = client.fetch_metadata(None, Duration::from_secs(10)).map_err(unavailable)?;
        let mut waiting: BTreeSet<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
        for found in metadata.topics() {
            let led = found.partitions().iter().filter(|partition| partition.leader() >= 0).count();
            let is_whole = |topic: &&&Topic| topic.name == found.name() && usize::try_from(topic.partitions) == Ok(led);
            if topics.iter().any(|topic| is_whole(&topic)) {
                waiting.remove(found.name());
            }
        }
        let Some(first) = waiting.first() else { return Ok(()) };
        if since.elapsed() > PATIENCE {
            let message =
                format!("{} have no leader after {} s, {first} among them", names(waiting.len()), PATIENCE.as_secs());
            return Err(Failure::unavailable(message));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Registers the schemas of the topics, where there is a registry.
fn register(settings: &Settings) -> Result<(), Failure> {
    let Some(registry) = &settings.registry else { return Ok(()) };
    let login = registry.user.as_deref().map(|user| (user, registry.password.as_deref().unwrap_or_default()));
    let client = Registry::new(&registry.url, login);
    let schemas = baton_wire::schemas();
    for schema in &schemas {
        client.register(schema.subject, schema.json).map_err(|error| Failure::unavailable(error.to_string()))?;
    }
    print(&format!("{} schemas are registered at {}\n", schemas.len(), registry.url));
    Ok(())
}

fn table(judged: &[(&Topic, Verdict)]) -> String {
    let width = judged.iter().map(|(topic, _)| topic.name.len()).max().unwrap_or(0).max(5);
    let mut said = format!("{:<width$}  {:>10}  {:<8}  what is there\n", "topic", "partitions", "cleanup");
    for (topic, verdict) in judged {
        let cleanup = judge::cleanup(topic);
        let state = match verdict {
            Verdict::Fine => "ok".to_owned(),
            Verdict::Missing => "missing".to_owned(),
            Verdict::Differs(list) => {
                let list: Vec<_> = list.iter().map(ToString::to_string).collect();
                format!("differs: {}", list.join("; "))
            }
        };
        let _ = writeln!(said, "{:<width$}  {:>10}  {cleanup:<8}  {state}", topic.name, topic.partitions);
    }
    said
}

fn print(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).ok();
}

fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io(format!("could not start: {error}")))?;
    Ok(runtime.block_on(work))
}

#[cfg(test)]
mod tests {
    use baton_pipeline::Topology;

    use super::*;

    #[test]
    fn three_copies_are_never_acknowledged_by_one() {
        for topic in Topology::new("", 4).topics() {
            for (copies, insync) in [(1, None), (2, None), (3, Some("2")), (5, Some("2"))] {
                let made = config(&topic, copies);
                assert_eq!(made.settings.get("min.insync.replicas").map(String::as_str), insync, "{}", topic.name);
            }
        }
    }
}
