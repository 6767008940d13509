//! `baton simulate`: a policy over a file of events, without Kafka, in the log's own time.
//!
//! Holds: the very consumers of production run; the same file and policy give the same lines; lines
//! are admitted as `ingest` admits them; memory is bounded by the consumers' state, not by the file.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{Millis, PolicyPublished};
use baton_engine::Limits;
use baton_pipeline::{NoRegistry, Schemas, Topology, publication};
use baton_sim::{Pipeline, unread};

use crate::lines::{Line, Lines, Refusals};
use crate::settings::Settings;
use crate::summary::{Intake, Look, OUTCOMES};
use crate::tap::{Kind, Nouns, Said, went_out};
use crate::{Failure, instant, policy};

/// What to run, on what, and what to show.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The policy [default: the one in the settings, else the built-in starter]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Another policy that judges from an instant of the log on, as if `baton policy apply` had published it
    /// before; may be given several times, with rising versions
    #[arg(long, value_name = "TIME=FILE", value_parser = told_at)]
    policy_at: Vec<(Millis, PathBuf)>,
    /// JSON Lines, plain or gzip; - for standard input
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Topics to show, without the prefix [default: lead.handoff,sla.breach; none with --summary]
    #[arg(long, value_name = "TOPICS", value_delimiter = ',')]
    topic: Vec<String>,
    /// Show a summary at the end
    #[arg(long)]
    summary: bool,
    /// When lines that do not say so were received, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    received: Option<String>,
}

/// Lines between two rests, at which outputs are taken and let go.
const CHUNK: u64 = 1_000;

/// Runs a file of events.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let base = args.policy.as_deref().or(settings.policy.as_deref());
    let policy = policy::load(base)?;
    let topology = Topology::new(&settings.topology.prefix, settings.topology.lanes);
    let mut lines = Lines::open(&args.events)?;
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    let mut play = Play {
        pipeline: Pipeline::new(
            &topology,
            &Arc::new(policy),
            instant::given("--received", args.received.as_deref())?,
            Limits::default(),
        ),
        taken: unread(&topology),
        shown: shown(args, &topology)?,
        nouns: Nouns::new(&schemas),
        intake: Intake::new(&schemas),
        out: BufWriter::new(std::io::stdout().lock()),
        topology,
    };
    for published in published(&args.policy_at, base)? {
        play.pipeline.publish(&published);
    }
    let mut refusals = Refusals::default();
    let mut fed = 0;
    while let Some((number, line)) = lines.next()? {
        match line {
            Line::Record(text) if baton_scenario::is_of_rep(text) => {
                play.pipeline.feed_to(&play.topology.reps(), text.as_bytes());
            }
            Line::Record(text) => play.pipeline.feed(text.as_bytes()),
            Line::Refused(why) => refusals.note(number, &why),
        }
        fed += 1;
        if fed % CHUNK == 0 && !play.settle()? {
            return Ok(());
        }
    }
    if !play.settle()? {
        return Ok(());
    }
    refusals.tell();
    if args.summary {
        let report = play.intake.summary().report(&play.topology);
        let text = report.text(Look::of(&std::io::stdout()));
        went_out(play.out.write_all(text.as_bytes()))?;
    }
    went_out(play.out.flush()).map(drop)
}

/// A pipeline at work, and what is made of its outputs.
struct Play<'a> {
    pipeline: Pipeline,
    topology: Topology,
    /// Topics that nobody reads: taken at every rest, or they would pile up.
    taken: Vec<String>,
    shown: BTreeSet<String>,
    nouns: Nouns,
    intake: Intake,
    out: BufWriter<std::io::StdoutLock<'a>>,
}

impl Play<'_> {
    /// Runs until nothing is left to do and takes what came of it. Returns whether somebody still
    /// reads what is shown.
    fn settle(&mut self) -> Result<bool, Failure> {
        self.pipeline.settle().map_err(|failure| {
            Failure::config(format!("the consumer {} stopped: {:?}", failure.consumer, failure.stop))
        })?;
        for topic in &self.taken {
            let full = self.topology.full(topic);
            for record in self.pipeline.take(topic) {
                if OUTCOMES.contains(&topic.as_str()) {
                    let header = |name: &str| record.headers.get(name);
                    self.intake.take(topic, record.value.as_deref().unwrap_or_default(), None, header);
                }
                if self.shown.contains(topic)
                    && let Some(kind) = Kind::of(&self.topology, &full)
                {
                    let said = Said::new(topic, record.key.as_deref());
                    let said = said.with_value(&mut self.nouns, kind, record.value.as_deref());
                    if !went_out(said.write(&mut self.out))? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }
}

/// The topics to show; one that the consumers take from each other cannot be.
fn shown(args: &Args, topology: &Topology) -> Result<BTreeSet<String>, Failure> {
    let can = unread(topology);
    let can: Vec<_> = can.into_iter().filter(|name| Kind::of(topology, &topology.full(name)).is_some()).collect();
    if args.topic.is_empty() && !args.summary {
        return Ok(["lead.handoff", "sla.breach"].map(str::to_owned).into());
    }
    for topic in &args.topic {
        if !can.contains(topic) {
            let message = format!("--topic {topic}: choose from\n  {}", can.join("\n  "));
            return Err(Failure { message, code: 64 });
        }
    }
    Ok(args.topic.iter().cloned().collect())
}

/// `2026-10-01T00:00:00Z=next.yaml`.
fn told_at(text: &str) -> Result<(Millis, PathBuf), String> {
    let (at, file) = text.split_once('=').ok_or("write it as 2026-10-01T00:00:00Z=policy.yaml")?;
    Ok((instant::read(at)?, PathBuf::from(file)))
}

/// The policies to publish, in the order given; each must be newer than the one before, the first than `base`
/// where it says something else.
fn published(given: &[(Millis, PathBuf)], base: Option<&Path>) -> Result<Vec<PolicyPublished>, Failure> {
    let mut all: Vec<PolicyPublished> = Vec::new();
    for (at, file) in given {
        let document = policy::text_called("policy", file)?;
        let policy = policy::read(&file.display().to_string(), &document)?;
        if let Some(before) = all.last().filter(|before| policy.version <= before.version) {
            return Err(policy::no_newer(file, policy.version, before.version));
        }
        if all.is_empty() {
            policy::same_version(file, &policy, &document, base)?;
        }
        all.push(publication(&policy, document, "simulate", *at));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_given_with_its_instant_and_each_is_newer_than_the_one_before() {
        let (at, file) = told_at("2026-10-01T00:00:00Z=deploy/next=1.yaml").unwrap();
        assert_eq!((at, file), (Millis(1_790_812_800_000), PathBuf::from("deploy/next=1.yaml")));
        assert!(told_at("next.yaml").is_err() && told_at("tomorrow=next.yaml").is_err());
        let folder = tempfile::tempdir().unwrap();
        let write = |version: &str| {
            let file = folder.path().join(format!("{version}.yaml"));
            let text = baton_policy::STARTER.replacen("version: 1", &format!("version: {version}"), 1);
            std::fs::write(&file, text).unwrap();
            (Millis(0), file)
        };
        let (two, three) = (write("2"), write("3"));
        assert_eq!(published(&[two.clone(), three.clone()], None).unwrap().len(), 2);
        let refused = published(&[three, two.clone()], None).unwrap_err();
        assert!(published(std::slice::from_ref(&two), Some(&two.1)).is_ok(), "the very document that judges already");
        assert!(refused.message.ends_with("is version 2, and version 3 was published before: give it a greater one"));
    }

    #[test]
    fn every_topic_of_the_summary_is_taken_by_nobody_else() {
        let unread = unread(&Topology::new("acme.", 4));
        for topic in OUTCOMES {
            assert!(unread.iter().any(|name| name == topic), "{topic}");
        }
        assert!(!unread.iter().any(|name| name == "lead.events"));
    }
}
