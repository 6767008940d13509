//! `baton policy apply`: publishes a policy on the log, where the sequencer takes it up.
//!
//! Holds: nothing is published that could not be used, or that is no newer than what was published before.
//!
//! Absent on purpose: taking a publication back. A later version, effective at once, takes its place.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use baton_domain::PolicyPublished;
use baton_pipeline::{Codec, publication};
use baton_runtime::schemas_of;
use baton_verify::Cluster;

use super::{doubted, no_newer, read, same_version, text_of};
use crate::ground::Topics;
use crate::ingest::Sender;
use crate::settings::Settings;
use crate::verify::{Kafka, failed, stopped};
use crate::{Failure, instant, run as running};

/// What to publish, and when it takes effect.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The policy file (YAML); its version must be greater than that of every policy published before
    file: PathBuf,
    /// From when on it judges, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Who publishes it
    #[arg(long, value_name = "NAME", env = "USER", default_value = "unknown")]
    author: String,
}

/// Publishes a policy.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let document = text_of(&args.file)?;
    let policy = Arc::new(read(&args.file.display().to_string(), &document)?);
    let effective_at = instant::given("--at", args.at.as_deref())?;
    let topology = settings.topology.clone();
    let topic = topology.policies();
    Topics::of(settings)?.need(&topic)?;
    let hosting = running::hosting(settings, topology.clone(), &policy);
    let mut codec = Codec::<PolicyPublished>::new(&schemas_of(&hosting).map_err(stopped)?);
    let mut cluster = Kafka::open(settings, &topology)?;
    match newest(&mut cluster, &topic, &mut codec)? {
        Some(newest) if policy.version <= newest => return Err(no_newer(&args.file, policy.version, newest)),
        Some(_) => {}
        None => same_version(&args.file, &policy, &document, settings.policy.as_deref())?,
    }
    eprint!("{}", doubted(&args.file.display().to_string(), &document));
    let published = publication(&policy, document, &args.author, effective_at);
    let sender = Sender::open(settings, &topic)?;
    sender.put(1, Some(&policy.version.to_string()), &codec.bytes(&published))?;
    sender.finish()?;
    let at = instant::shown(effective_at);
    let said =
        format!("policy {} version {} is published on {topic}; it judges from {at} on", policy.name, policy.version);
    writeln!(std::io::stdout(), "{said}").ok();
    Ok(())
}

/// The greatest version on the topic.
fn newest(cluster: &mut Kafka, topic: &str, codec: &mut Codec<PolicyPublished>) -> Result<Option<i64>, Failure> {
    let end = cluster.bounds(topic, 0).map_err(failed)?.end;
    let mut tape = cluster.read(topic, &[(0, end)]).map_err(failed)?;
    let mut newest = None;
    while let Some(entry) = tape.next(0).map_err(failed)? {
        // What cannot be read, the sequencer has refused.
        if let Ok(published) = codec.decode(entry.value.as_deref().unwrap_or_default()) {
            newest = newest.max(Some(published.version));
        }
    }
    Ok(newest)
}
