//! `baton verify`: did it lose or double anything? The committed input of each consumer, replayed and compared with
//! what lies on the log.
//!
//! Holds: nothing is written anywhere; the policy, the schemas and the clock are those that `run` would use.
//!
//! Absent on purpose: a verdict on what cannot be seen. An input that retention has shortened is named, and ends the
//! command as a difference does: what was not proven has not passed.

use std::sync::Arc;

use baton_engine::{Fault, Stop};
use baton_pipeline::Consumer;
use baton_runtime::schemas_of;
use baton_verify::{Difference, Receipts, StageReport, Verifier};
use serde_json::{Value, json};

use crate::ground::show;
use crate::settings::{ClockSource, Settings};
use crate::{Failure, policy, run as running};

mod cluster;
mod progress;

pub(crate) use cluster::Kafka;
pub(crate) use progress::Progress;

/// What to verify.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Replays, through the consumers' own code, every record that each consumer has committed, and compares with what is on
the log: outputs and dead letters record by record, state row by row, running totals; and every score is worked out again from lead.events alone, by the policy of its day. Run it against consumers that
stand still or that are at work; of a lane that goes on meanwhile, state and totals are not compared, which is said.
Give it the settings the consumers run with: policy, schema registry, clock, topics.

An input that retention has shortened cannot be replayed. It is named, the other consumers are verified, and the
command ends with 65; choose what still can be verified with --stage.

Exit codes: 0 no differences; 65 differences, or something that could not be verified; 69 no broker; 78 settings or
topics are not as they should be.")]
pub(crate) struct Args {
    /// Only these consumers: identify, aggregate, score, route, watch
    #[arg(long, value_name = "CONSUMER", value_delimiter = ',')]
    stage: Vec<Consumer>,
    /// Tell at most so many differences
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: usize,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Verifies.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let policy = Arc::new(policy::load(settings.policy.as_deref())?);
    let wanted = |consumer: &Consumer| args.stage.is_empty() || args.stage.contains(consumer);
    let consumers: Vec<Consumer> = Consumer::ALL.into_iter().filter(wanted).collect();
    let topology = running::check_topics(&consumers, settings)?;
    let hosting = running::hosting(settings, topology.clone(), &policy);
    let schemas = schemas_of(&hosting).map_err(stopped)?;
    let is_clocked = settings.clock == ClockSource::Wall;
    let mut cluster = Kafka::open(settings, &topology)?;
    let verifier = Verifier { topology, policy, schemas, is_clocked };
    let progress = Progress::new();
    let mut reports = Vec::new();
    for consumer in consumers {
        let mut heard = |lane: i32, records: u64| progress.say(&format!("{consumer} lane {lane}: {records} records"));
        reports.push(verifier.stage(&mut cluster, consumer, &mut heard).map_err(failed)?);
    }
    let receipts = if reports.iter().any(|report| report.stage == Consumer::Score.as_str()) {
        let mut heard = |lane: i32, events: u64| progress.say(&format!("receipts, lane {lane}: {events} events"));
        Some(verifier.receipts(&mut cluster, &mut heard).map_err(failed)?)
    } else {
        None
    };
    drop(progress);
    let found = Found { reports, receipts };
    let (differences, unverifiable) = (found.differences().len(), found.unverifiable());
    show(args.json, &object(&found, args.limit), |_| text(&found, args.limit))?;
    match (differences, unverifiable) {
        (0, 0) => Ok(()),
        (0, _) => Err(Failure { message: format!("{unverifiable} lanes could not be verified"), code: 65 }),
        _ => Err(Failure { message: format!("{} found", count(differences, "difference")), code: 65 }),
    }
}

/// What was verified.
struct Found {
    reports: Vec<StageReport>,
    /// The scores worked out again, where the scorer was asked for.
    receipts: Option<Receipts>,
}

impl Found {
    fn differences(&self) -> Vec<&Difference> {
        let receipts = self.receipts.iter().flat_map(|receipts| &receipts.differences);
        self.reports.iter().flat_map(|report| &report.differences).chain(receipts).collect()
    }

    fn unverifiable(&self) -> usize {
        let receipts = self.receipts.as_ref().map_or(0, |receipts| receipts.unverifiable.len());
        self.reports.iter().map(|report| report.unverifiable.len()).sum::<usize>() + receipts
    }
}

/// A fault of the cluster as an exit.
pub(crate) fn failed(fault: Fault) -> Failure {
    match fault {
        Fault::Config(why) => Failure::config(why),
        Fault::Abort(why) | Fault::Fatal(why) | Fault::Fenced(why) => Failure::unavailable(why),
    }
}

pub(crate) fn stopped(stop: Stop) -> Failure {
    let (Stop::Config(why) | Stop::Fenced(why) | Stop::Store(why)) = stop;
    Failure::config(why)
}

/// `1 difference`, `2 differences`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn place(difference: &Difference) -> String {
    let Difference { topic, partition, offset, .. } = difference;
    match offset {
        Some(offset) => format!("{topic}[{partition}]@{offset}"),
        None => format!("{topic}[{partition}]"),
    }
}

fn text(found: &Found, limit: usize) -> String {
    let mut lines = Vec::new();
    let differences = found.differences();
    for report in &found.reports {
        let sum = |pick: fn(&baton_verify::LaneReport) -> u64| report.lanes.iter().map(pick).sum::<u64>();
        lines.push(format!(
            "{:<10} {:>10} records replayed, {:>10} outputs compared, {:>9} rows compared, {}",
            report.stage,
            sum(|lane| lane.records),
            sum(|lane| lane.outputs),
            sum(|lane| lane.rows),
            count(report.differences.len(), "difference"),
        ));
        for lane in &report.lanes {
            if let Some(why) = &lane.state_skipped {
                lines.push(format!("  lane {}: state and totals not compared: {why}", lane.lane));
            }
        }
        lines.extend(report.unverifiable.iter().map(|why| format!("  cannot be verified: {why}")));
    }
    if let Some(receipts) = &found.receipts {
        let wrong = count(receipts.differences.len(), "difference");
        lines.push(format!("receipts   {:>10} recomputed from lead.events alone, {wrong}", receipts.recomputed));
        lines.extend(receipts.unverifiable.iter().map(|why| format!("  cannot be verified: {why}")));
    }
    for difference in differences.iter().take(limit) {
        lines.push(format!(
            "{} {}: {}\n    expected {}\n    found    {}",
            difference.stage,
            difference.kind.as_str(),
            place(difference),
            difference.expected,
            difference.found
        ));
    }
    if differences.len() > limit {
        lines.push(format!("and {} more; --limit tells more", differences.len() - limit));
    }
    lines.push(count(differences.len(), "difference"));
    lines.join("\n") + "\n"
}

fn object(found: &Found, limit: usize) -> Value {
    let stages: Vec<Value> = found.reports.iter().map(stage_object).collect();
    let all = found.differences();
    let receipts = found.receipts.as_ref().map(|receipts| {
        json!({
            "recomputed": receipts.recomputed,
            "differences": receipts.differences.len(),
            "cannot_be_verified": receipts.unverifiable,
        })
    });
    let told: Vec<Value> = all
        .iter()
        .take(limit)
        .map(|difference| {
            json!({
                "stage": difference.stage,
                "lane": difference.lane,
                "kind": difference.kind.as_str(),
                "topic": difference.topic,
                "partition": difference.partition,
                "offset": difference.offset,
                "expected": difference.expected,
                "found": difference.found,
            })
        })
        .collect();
    json!({ "differences": all.len(), "stages": stages, "receipts": receipts, "first": told })
}

fn stage_object(report: &StageReport) -> Value {
    let lanes: Vec<Value> = report
        .lanes
        .iter()
        .map(|lane| {
            json!({
                "lane": lane.lane,
                "records_replayed": lane.records,
                "outputs_compared": lane.outputs,
                "rows_compared": lane.rows,
                "state_not_compared": lane.state_skipped,
            })
        })
        .collect();
    json!({
        "stage": report.stage,
        "differences": report.differences.len(),
        "cannot_be_verified": report.unverifiable,
        "lanes": lanes,
    })
}
