//! `baton report`: what came of it all, read from the outcome topics.
//!
//! Holds: only committed records count, up to the end of each topic; nothing is written anywhere.

use std::time::Duration;

use baton_domain::Millis;
use baton_kafka::rdkafka::Offset;
use baton_kafka::rdkafka::message::{BorrowedMessage, Headers, Message};
use baton_pipeline::{Consumer, Topology};

use crate::Failure;
use crate::ground::{Ground, show};
use crate::settings::{ClockSource, Settings};
use crate::summary::{Intake, Look, OUTCOMES};
use crate::tap::{Next, Scan, schemas};

mod progress;
mod wait;

/// How to report.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// First wait until every consumer has read all there is
    #[arg(long)]
    wait: bool,
    /// Wait only for these consumers: identify, aggregate, score, route, watch
    #[arg(long, value_name = "CONSUMER", value_delimiter = ',', requires = "wait")]
    stage: Vec<Consumer>,
    /// How long to wait, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    timeout: u64,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Reports.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let ground = Ground::open(settings)?;
    let topology = &ground.topology;
    for topic in OUTCOMES {
        ground.need(&topology.full(topic))?;
    }
    if args.wait {
        let wanted = |consumer: &Consumer| args.stage.is_empty() || args.stage.contains(consumer);
        let consumers: Vec<Consumer> = Consumer::ALL.into_iter().filter(wanted).collect();
        wait::until_read(settings, topology, &consumers, Duration::from_secs(args.timeout))?;
    }
    let report = read(settings, topology, |name| ground.partitions(name))?.summary().report(topology);
    show(args.json, &report, |report| report.text(Look::of(&std::io::stdout())))
}

fn read(settings: &Settings, topology: &Topology, partitions: impl Fn(&str) -> i32) -> Result<Intake, Failure> {
    let mut intake = Intake::new(&schemas(settings));
    for topic in OUTCOMES {
        let full = topology.full(topic);
        let starts = (0..partitions(&full)).map(|partition| (partition, Offset::Beginning));
        let mut scan = Scan::open(settings, &full, starts)?;
        while !scan.is_at_end() {
            if let Next::Record(record) = scan.next(Duration::from_millis(200))? {
                let appended = record.timestamp().to_millis().filter(|_| settings.clock == ClockSource::Wall);
                let value = record.payload().unwrap_or_default();
                intake.take(topic, value, appended.map(Millis), |name| header(&record, name));
            }
        }
    }
    Ok(intake)
}

fn header<'a>(record: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a [u8]> {
    record.headers()?.iter().find(|header| header.key == name)?.value
}
