//! `baton lead explain`, `baton route why`, `baton sla`: one lead, from what lies on the topics.
//!
//! Holds: only committed records count, up to the end of each topic; of topics keyed by lead, only the
//! lead's own partition is read; nothing is written anywhere.

use std::time::Duration;

use baton_domain::ScoreUpdate;
use baton_kafka::rdkafka::Offset;
use baton_kafka::rdkafka::message::Message;
use baton_pipeline::Topology;
use baton_policy::Policy;
use baton_scenario::Seen;

use crate::Failure;
use crate::ground::{Ground, show};
use crate::settings::Settings;
use crate::tap::{Kind, Next, Nouns, Scan, schemas};

mod desk;
mod episode;
mod person;
mod promise;
mod story;
mod sums;
mod text;
mod today;
mod words;

use story::Story;

/// The topic of policies as they were published, keyed by version.
const POLICY: &str = "policy";

/// The topic of leads' events with their windows, keyed by lead.
const AGGREGATE: &str = "engagement.aggregate";

/// What to tell of a lead.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Tell a lead's whole story: score and receipt, why now, stages, desks, promises, what it did
    Explain(Lead),
}

/// What to tell of a lead's way to a desk.
#[derive(Debug, clap::Args)]
pub(crate) struct RouteArgs {
    #[command(subcommand)]
    command: RouteCommand,
}

#[derive(Debug, clap::Subcommand)]
enum RouteCommand {
    /// Tell why this rep has the lead, and why nobody else has
    Why(Lead),
}

/// Which lead, and how to tell of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Lead {
    /// The lead's own id, or an email address, user, CRM or anonymous id of the person
    #[arg(value_name = "LEAD")]
    id: String,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Tells a lead's story.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let Command::Explain(lead) = &args.command;
    let mut reader = Reader::open(settings)?;
    let (lead_id, mut records) = reader.about(&lead.id)?;
    let version = version(&records);
    records.extend(reader.read(AGGREGATE, &lead_id)?);
    if let Some(version) = version {
        records.extend(reader.read(POLICY, &version.to_string())?);
    }
    let policy = version.and_then(|version| judged_by(&records, version, settings));
    show(lead.json, &Story::of(&lead_id, &records, policy.as_ref()), text::story)
}

/// Tells how the desk was chosen.
pub(crate) fn why(args: &RouteArgs, settings: &Settings) -> Result<(), Failure> {
    let RouteCommand::Why(lead) = &args.command;
    let (_, records) = Reader::open(settings)?.about(&lead.id)?;
    show(lead.json, &desk::desks(&records), |desks| text::desks(desks))
}

/// Tells each promise about the lead.
pub(crate) fn sla(lead: &Lead, settings: &Settings) -> Result<(), Failure> {
    let (_, records) = Reader::open(settings)?.about(&lead.id)?;
    show(lead.json, &promise::promises(&records), |promises| text::promises(promises))
}

/// The version of the policy that judged the newest score.
fn version(records: &[Seen]) -> Option<i64> {
    of_topic::<ScoreUpdate>(records, |topic| topic == "lead.score").last().map(|score| score.policy_version)
}

/// The policy that judged the newest score: as it was published, or that of the settings.
fn judged_by(records: &[Seen], version: i64, settings: &Settings) -> Option<Policy> {
    let configured = || crate::policy::load(settings.policy.as_deref()).ok();
    published(records).or_else(configured).filter(|policy| policy.version == version)
}

/// The policy among the records that was published under the version of the newest score.
fn published(records: &[Seen]) -> Option<Policy> {
    let documents =
        records.iter().filter(|seen| seen.topic == POLICY).filter_map(|seen| seen.value["document"].as_str());
    documents.filter_map(|document| baton_policy::parse("policy", document).ok()).next_back()
}

/// The keys under which an id may stand on `lead.identity`.
fn names(asked: &str) -> Vec<String> {
    match baton_scenario::email_id(asked) {
        Some(email) => vec![email],
        None if asked.contains(':') => vec![asked.to_owned()],
        None => ["user", "crm", "anonymous"].iter().map(|kind| format!("{kind}:{asked}")).collect(),
    }
}

/// The topics keyed by lead that say something new of it, without the prefix.
fn topics(topology: &Topology) -> Vec<String> {
    let other = [
        "engagement.raw",
        "crm.activity",
        "consent.events",
        "clock.ticks",
        "reps.state",
        "roster.events",
        "lead.identity",
        AGGREGATE,
        POLICY,
        "assignment.requests",
        "sla.requests",
        "ledger.balance",
        "dlq",
        "dlq.replayed",
    ];
    let all = topology.topics().into_iter().filter(|topic| Kind::of(topology, &topic.name).is_some());
    let names = all.filter_map(|topic| topic.name.strip_prefix(topology.prefix.as_str()).map(str::to_owned));
    names.filter(|name| !other.contains(&name.as_str())).collect()
}

struct Reader<'a> {
    settings: &'a Settings,
    ground: Ground,
    nouns: Nouns,
    /// One for all topics: a connection takes longer than what is read over it.
    scan: Option<Scan>,
}

impl<'a> Reader<'a> {
    fn open(settings: &'a Settings) -> Result<Self, Failure> {
        Ok(Self { settings, ground: Ground::open(settings)?, nouns: Nouns::new(&schemas(settings)), scan: None })
    }

    /// The lead behind an id, and every record about it.
    fn about(&mut self, asked: &str) -> Result<(String, Vec<Seen>), Failure> {
        let mut lead_id = asked.starts_with("ld_").then(|| asked.to_owned());
        if lead_id.is_none() {
            let mut newest = None;
            for id in names(asked) {
                for link in self.read("lead.identity", &id)? {
                    newest = newest.max(link.at().map(|at| (at, link.value["lead_id"].as_str().map(str::to_owned))));
                }
            }
            lead_id = newest.and_then(|(_, lead_id)| lead_id);
        }
        let unknown = || Failure {
            message: format!(
                "no lead is known by {asked}; name it by its own id (ld_...), an email address, a user, CRM or anonymous id"
            ),
            code: 66,
        };
        let lead_id = lead_id.ok_or_else(unknown)?;
        let mut records = Vec::new();
        for topic in topics(&self.ground.topology) {
            records.extend(self.read(&topic, &lead_id)?);
        }
        if records.is_empty() { Err(unknown()) } else { Ok((lead_id, records)) }
    }

    /// Every record of a topic with this key, from the key's partition.
    fn read(&mut self, topic: &str, key: &str) -> Result<Vec<Seen>, Failure> {
        let topology = &self.ground.topology;
        let full = topology.full(topic);
        let partitions = self.ground.partitions(&full);
        let Some(kind) = Kind::of(topology, &full).filter(|_| partitions > 0) else { return Ok(Vec::new()) };
        let partition = baton_wire::partition(key.as_bytes(), partitions);
        let start = [(partition, Offset::Beginning)];
        let mut scan = match self.scan.take() {
            Some(mut scan) => {
                scan.turn_to(&full, start)?;
                scan
            }
            None => Scan::open(self.settings, &full, start)?,
        };
        let mut found = Vec::new();
        while !scan.is_at_end() {
            let Next::Record(record) = scan.next(Duration::from_millis(200))? else { continue };
            if record.key() != Some(key.as_bytes()) {
                continue;
            }
            let json = self.nouns.json(kind, record.payload().unwrap_or_default());
            if let Ok(Some(json)) = json
                && let Ok(value) = serde_json::from_str(json.get())
            {
                found.push(Seen { topic: topic.to_owned(), key: key.to_owned(), value });
            }
        }
        self.scan = Some(scan);
        Ok(found)
    }
}

/// The records of a topic as its type, in the order of log time.
fn of_topic<T: serde::de::DeserializeOwned>(records: &[Seen], topic: impl Fn(&str) -> bool) -> Vec<T> {
    let mut found: Vec<&Seen> = records.iter().filter(|seen| topic(&seen.topic)).collect();
    found.sort_by_key(|seen| seen.at());
    found.into_iter().filter_map(|seen| serde_json::from_value(seen.value.clone()).ok()).collect()
}

/// Log time as people read it.
fn time(at: baton_domain::LogTime) -> String {
    day_time(at.millis())
}

fn day_time(at: baton_domain::Millis) -> String {
    crate::instant::shown(at)
}

#[cfg(test)]
mod tests;
