//! `baton simulate`: a policy over a file of events, without Kafka, in the log's own time.
//!
//! Holds: the very consumers of production run; the same file and policy give the same lines; lines
//! are admitted as `ingest` admits them; memory is bounded by the consumers' state, not by the file.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use baton_domain::Millis;
use baton_engine::Limits;
use baton_pipeline::{NoRegistry, Schemas, Topology};
use baton_sim::{Pipeline, Record, unread};

use crate::lines::{Line, Lines, Refusals};
use crate::settings::Settings;
use crate::summary::{Intake, Look, OUTCOMES};
use crate::tap::{Kind, Nouns, Said, went_out};
use crate::{Failure, policy};

/// What to run, on what, and what to show.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The policy [default: the one in the settings, else the built-in starter]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
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
    let policy = policy::load(args.policy.as_deref().or(settings.policy.as_deref()))?;
    let topology = Topology::new(&settings.topology.prefix, settings.topology.lanes);
    let mut lines = Lines::open(&args.events)?;
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    let mut play = Play {
        pipeline: Pipeline::new(&topology, &Arc::new(policy), received(args)?, Limits::default()),
        taken: unread(&topology),
        shown: shown(args, &topology)?,
        nouns: Nouns::new(&schemas),
        intake: Intake::new(&schemas),
        out: BufWriter::new(std::io::stdout().lock()),
        topology,
    };
    let mut refusals = Refusals::default();
    let mut fed = 0;
    while let Some((number, line)) = lines.next()? {
        match line {
            Line::Record(text) if baton_scenario::tells_of_rep(text) => {
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
                    let header = |name: &str| header(&record, name);
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

fn header<'a>(record: &'a Record, name: &str) -> Option<&'a [u8]> {
    record
        .headers
        .iter()
        .find(|(known, _)| known == name.as_bytes())
        .map(|(_, value)| value.as_deref().unwrap_or_default())
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

fn received(args: &Args) -> Result<Millis, Failure> {
    if let Some(text) = &args.received {
        return text
            .parse::<jiff::Timestamp>()
            .map(|time| Millis(time.as_millisecond()))
            .map_err(|error| Failure { message: format!("--received {text}: {error}"), code: 64 });
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_of_the_summary_is_taken_by_nobody_else() {
        let unread = unread(&Topology::new("acme.", 4));
        for topic in OUTCOMES {
            assert!(unread.iter().any(|name| name == topic), "{topic}");
        }
        assert!(!unread.iter().any(|name| name == "lead.events"));
    }
}
