//! `baton`: from clickstream to the right desk, and a clock on the promise.
//!
//! One binary: the five consumers (`run`), and the tools around them.

mod dlq;
mod ground;
mod ingest;
mod instant;
mod lead;
mod lines;
mod policy;
mod reconcile;
mod report;
mod roster;
mod run;
mod settings;
mod simulate;
mod summary;
mod tap;
mod topics;
mod verify;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use baton_kafka::AdminError;
use clap::{Parser, Subcommand};
use settings::{LogFormat, Overrides, Settings, Sources};

/// Hands leads to sales in real time: scores with receipts, the right desk, the exact clock.
#[derive(Debug, Parser)]
#[command(name = "baton", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    /// Settings file (YAML)
    #[arg(long, short, global = true, env = "BATON_SETTINGS", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Kafka brokers, host:port
    #[arg(long, global = true, value_name = "BROKERS")]
    bootstrap: Option<String>,
    /// Prefix of topics, groups and transactional ids
    #[arg(long, global = true, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Any setting, as key=value
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a consumer, or all of them in one process
    Run(run::Args),
    /// Compare the topics on the cluster with what Baton needs, or create them
    Topics(topics::Args),
    /// Send JSON Lines (Segment spec) to the input topic
    Ingest(ingest::Args),
    /// Run a policy over a file of events, without Kafka, in the log's own time
    Simulate(simulate::Args),
    /// Print a topic's records as JSON Lines
    Tap(tap::Args),
    /// Look at the records that could not be used, and replay them
    Dlq(dlq::Args),
    /// Check, test, compare or publish a policy
    Policy(policy::Args),
    /// Check the roster of the day, or tell it to the router
    Roster(roster::Args),
    /// Summarise what is on the topics: funnel, handoffs, breaches, ledger
    Report(report::Args),
    /// Prove from the log that nothing was lost or doubled: replay what was consumed, compare what was written
    Verify(verify::Args),
    /// Compare the ledgers with each other and with the topics; quick, also while consumers run
    Reconcile(reconcile::Args),
    /// Tell a lead's story
    Lead(lead::Args),
    /// Tell how a lead's desk was chosen
    Route(lead::RouteArgs),
    /// Tell each promise about a lead: from when, until when, how much is used, how it ended
    Sla(lead::Lead),
    /// Show every setting, its value and where it came from
    Settings,
}

/// Why a command ended badly: what to tell the user, and the exit code (sysexits).
#[derive(Debug)]
pub(crate) struct Failure {
    /// One message with the way out.
    pub(crate) message: String,
    /// 64 usage, 65 bad data, 66 not there, 69 unavailable, 70 a defect, 74 input or output, 75 try again, 78 configuration.
    pub(crate) code: u8,
}

impl Failure {
    fn config(message: String) -> Self {
        Self { message, code: 78 }
    }

    fn io(message: String) -> Self {
        Self { message, code: 74 }
    }

    fn unavailable(message: String) -> Self {
        Self { message, code: 69 }
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Unreachable { .. } => Self::unavailable(error.to_string()),
            AdminError::Property(_) | AdminError::Refused { .. } => Self::config(error.to_string()),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match execute(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            writeln!(std::io::stderr(), "baton: {}", failure.message).ok();
            ExitCode::from(failure.code)
        }
    }
}

fn execute(cli: &Cli) -> Result<(), Failure> {
    let sources = Sources::merge(cli.config.as_deref(), &overrides(cli)?).map_err(|errors| wrong(&errors))?;
    if matches!(cli.command, Command::Settings) {
        return show(&sources);
    }
    let settings = sources.read().map_err(|errors| wrong(&errors))?;
    start_logs(&settings)?;
    match &cli.command {
        Command::Run(args) => run::run(args, &settings),
        Command::Topics(args) => topics::run(args, &settings),
        Command::Ingest(args) => ingest::run(args, &settings),
        Command::Simulate(args) => simulate::run(args, &settings),
        Command::Tap(args) => tap::run(args, &settings),
        Command::Dlq(args) => dlq::run(args, &settings),
        Command::Policy(args) => policy::run(args, &settings),
        Command::Roster(args) => roster::run(args, &settings),
        Command::Report(args) => report::run(args, &settings),
        Command::Verify(args) => verify::run(args, &settings),
        Command::Reconcile(args) => reconcile::run(args, &settings),
        Command::Lead(args) => lead::run(args, &settings),
        Command::Route(args) => lead::why(args, &settings),
        Command::Sla(args) => lead::sla(args, &settings),
        Command::Settings => Ok(()),
    }
}

fn wrong(errors: &settings::Wrong) -> Failure {
    Failure::config(errors.to_string())
}

fn overrides(cli: &Cli) -> Result<Overrides, Failure> {
    let mut flags = Overrides::new();
    for pair in &cli.set {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Failure { message: format!("--set {pair}: write it as key=value"), code: 64 });
        };
        flags.insert(key.to_owned(), value.to_owned());
    }
    flags.extend(cli.bootstrap.iter().map(|value| ("kafka.bootstrap".to_owned(), value.clone())));
    flags.extend(cli.prefix.iter().map(|value| ("topics.prefix".to_owned(), value.clone())));
    Ok(flags)
}

fn show(sources: &Sources) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for (key, value, origin) in sources.show() {
        if writeln!(out, "{key:<28} {value:<32} {origin}").is_err() {
            return Ok(());
        }
    }
    drop(out);
    sources.read().map(drop).map_err(|errors| wrong(&errors))
}

fn start_logs(settings: &Settings) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log_level)
        .map_err(|error| Failure::config(format!("log.level: {error}")))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match settings.log_format {
        LogFormat::Text => logs.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    Ok(())
}
