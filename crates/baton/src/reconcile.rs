//! `baton reconcile`: the accounts. Every total of every ledger against the others and against the topics.
//!
//! Holds: nothing is written anywhere; consumers at work are no difference, and what is under way between two of
//! them is told as such.
//!
//! Absent on purpose: content, which `baton verify` compares.

use std::sync::Arc;

use baton_pipeline::Consumer;
use baton_runtime::schemas_of;
use baton_verify::{Account, Balance};
use serde_json::{Value, json};

use crate::ground::show;
use crate::settings::Settings;
use crate::verify::{Kafka, Progress, count, failed, stopped};
use crate::{Failure, policy, run as running};

/// How to tell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 every equation holds; 65 some do not; 69 no broker; 78 settings or topics are not as they should be.")]
pub(crate) struct Args {
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Reconciles.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let policy = Arc::new(policy::load(settings.policy.as_deref())?);
    let topology = running::check_topics(&Consumer::ALL, settings)?;
    let schemas = schemas_of(&running::hosting(settings, topology.clone(), &policy)).map_err(stopped)?;
    let mut cluster = Kafka::open(settings, &topology)?;
    let progress = Progress::new();
    let mut heard = |topic: &str, records: u64| progress.say(&format!("{topic}: {records} records"));
    let balance = Account::take(&mut cluster, &topology, &schemas, &mut heard).map_err(failed)?.settle(&topology);
    drop(progress);
    show(args.json, &object(&balance), |_| text(&balance))?;
    if balance.wrong.is_empty() {
        return Ok(());
    }
    Err(Failure { message: format!("{} found", count(balance.wrong.len(), "difference")), code: 65 })
}

fn text(balance: &Balance) -> String {
    let mut lines = Vec::new();
    for (stage, consumed) in &balance.consumed {
        lines.push(format!("{stage:<10} {consumed:>10} records consumed"));
    }
    for lag in &balance.under_way {
        lines.push(format!("in flight: {} for {} on {}", count_records(lag.records), lag.reader, lag.topic));
    }
    lines.extend(balance.skipped.iter().map(|why| format!("not counted: {why}")));
    for wrong in &balance.wrong {
        lines.push(format!("{} {}, but {} {}", wrong.left, wrong.left_count, wrong.right, wrong.right_count));
    }
    lines.push(format!("{} in {}", count(balance.wrong.len(), "difference"), count(balance.equations, "equation")));
    lines.join("\n") + "\n"
}

fn count_records(records: i64) -> String {
    count(usize::try_from(records).unwrap_or(0), "record")
}

fn object(balance: &Balance) -> Value {
    let wrong: Vec<Value> = balance
        .wrong
        .iter()
        .map(|wrong| json!({ wrong.left.as_str(): wrong.left_count, wrong.right.as_str(): wrong.right_count }))
        .collect();
    let under_way: Vec<Value> = balance
        .under_way
        .iter()
        .map(|lag| json!({ "reader": lag.reader, "topic": lag.topic, "records": lag.records }))
        .collect();
    let consumed: Value = balance.consumed.iter().map(|(stage, count)| (stage.clone(), json!(count))).collect();
    json!({
        "differences": balance.wrong.len(),
        "equations": balance.equations,
        "wrong": wrong,
        "in_flight": under_way,
        "consumed": consumed,
        "not_counted": balance.skipped,
    })
}
