//! `baton tap`: the records of a topic as JSON Lines, for eyes and for other tools.
//!
//! Holds: only committed records are shown, partition by partition in order; a record that cannot be
//! read is shown as it is, with the reason; a reader that goes away ends the tap quietly.
//!
//! Absent on purpose: changelogs, whose rows are the consumers' own and change with them.

use std::io::{BufWriter, ErrorKind, Write};
use std::rc::Rc;
use std::time::Duration;

use baton_kafka::rdkafka::Offset;
use baton_kafka::rdkafka::message::Message;
pub(crate) use baton_pipeline::{Kind, Nouns};
use baton_pipeline::{NoRegistry, Schemas, Topology};
use baton_runtime::Registry;

use crate::Failure;
use crate::ground::Ground;
use crate::settings::Settings;

mod line;
mod scan;

pub(crate) use line::Said;
pub(crate) use scan::{Next, Scan, is_passing};

/// What to show.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The topic, with or without the prefix
    topic: String,
    /// Only records of this lead
    #[arg(long, value_name = "LEAD")]
    lead: Option<String>,
    /// Go on with what is yet to come
    #[arg(long, short)]
    follow: bool,
    /// Where to start
    #[arg(long, value_enum, default_value_t = From::Beginning, value_name = "PLACE")]
    from: From,
    /// Stop after so many records
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Show the headers too
    #[arg(long)]
    headers: bool,
}

/// Where to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum From {
    /// With the first record that is still there.
    Beginning,
    /// With what is yet to come.
    End,
}

/// Shows a topic.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    show(args, settings, &schemas(settings))
}

/// Where the schemas of foreign records are asked for: once, since a person waits for the answer.
pub(crate) fn schemas(settings: &Settings) -> Rc<dyn Schemas> {
    match &settings.registry {
        None => Rc::new(NoRegistry),
        Some(registry) => {
            let login = registry.user.as_deref().map(|user| (user, registry.password.as_deref().unwrap_or_default()));
            Rc::new(Registry::new(&registry.url, login))
        }
    }
}

fn show(args: &Args, settings: &Settings, schemas: &Rc<dyn Schemas>) -> Result<(), Failure> {
    let ground = Ground::open(settings)?;
    let (topic, kind) = find(&ground.topology, &args.topic)?;
    let partitions = ground.need(&topic)?;
    let start = if args.from == From::End { Offset::End } else { Offset::Beginning };
    let mut scan = Scan::open(settings, &topic, (0..partitions).map(|partition| (partition, start)))?;
    let mut nouns = Nouns::new(schemas);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut shown = 0;
    while args.limit.is_none_or(|limit| shown < limit) {
        match scan.next(Duration::from_millis(200))? {
            Next::Record(record) => {
                let headers = args.headers || kind == Kind::DeadLetter;
                let said = Said::of(&record, headers).with_value(&mut nouns, kind, record.payload());
                if args.lead.as_deref().is_none_or(|lead| said.concerns(lead)) {
                    shown += 1;
                    if !went_out(said.write(&mut out))? {
                        return Ok(());
                    }
                }
            }
            Next::End | Next::Quiet => {
                if !went_out(out.flush())? {
                    return Ok(());
                }
                if scan.is_at_end() && !args.follow {
                    break;
                }
            }
        }
    }
    went_out(out.flush()).map(drop)
}

/// Whether somebody still reads what is written.
pub(crate) fn went_out(written: std::io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::io(format!("standard output: {error}"))),
    }
}

/// The full name of a topic, and what is on it.
fn find(topology: &Topology, asked: &str) -> Result<(String, Kind), Failure> {
    let with_prefix = topology.full(asked);
    for name in [asked.to_owned(), with_prefix] {
        if let Some(kind) = Kind::of(topology, &name) {
            return Ok((name, kind));
        }
    }
    if asked.ends_with(".changelog") {
        let message =
            format!("{asked} holds a consumer's own rows, which are not for reading; tap what it writes instead");
        return Err(Failure { message, code: 64 });
    }
    let names: Vec<_> =
        topology.topics().into_iter().filter(|topic| Kind::of(topology, &topic.name).is_some()).collect();
    let names: Vec<_> = names.iter().map(|topic| topic.name.as_str()).collect();
    Err(Failure { message: format!("{asked} is not one of Baton's topics:\n  {}", names.join("\n  ")), code: 64 })
}

#[cfg(test)]
mod tests;
