//! `chaos`: the real binary on a real broker under every fault, and judged by everything that can judge it.
//!
//! Exit: 0 no difference; 65 a difference, with the evidence kept; 70 the run could not be judged.

mod actor;
mod broker;
mod feed;
mod fleet;
mod gauges;
mod load;
mod network;
mod oracles;
mod plant;
mod reader;
mod report;
mod run;
mod schedule;
mod stand_in;
mod storm;
mod topics;
mod trouble;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::run::{Order, own_dir};
use crate::schedule::Counts;
use crate::trouble::Done;

/// Runs Baton under a schedule of faults and judges what it did.
#[derive(Debug, Parser)]
struct Cli {
    /// Load and schedule are a function of it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How much
    #[arg(long, value_enum, default_value = "smoke")]
    size: Size,
    /// Events; the size's own number when not given
    #[arg(long)]
    events: Option<usize>,
    /// Seconds over which the load and the faults are spread; the size's own when not given
    #[arg(long)]
    seconds: Option<u64>,
    /// So many percent of the size's faults
    #[arg(long, default_value_t = 100)]
    percent: usize,
    /// The binary under test
    #[arg(long, env = "E2E_BIN")]
    bin: PathBuf,
    /// Where the run works, and where the evidence stays when it fails
    #[arg(long)]
    dir: PathBuf,
    /// Write the report here too, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Plant differences at the end: each must be found
    #[arg(long)]
    plants: bool,
}

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Size {
    /// No faults
    Calm,
    /// A few of each sort that matters most: minutes
    Smoke,
    /// All of it
    Full,
    /// Three brokers with three copies of everything, which die in turn, and two at once
    Cluster,
    /// No faults: bad input without end, then a registry that is down
    Storm,
}

impl Size {
    fn counts(self) -> Counts {
        match self {
            Self::Calm | Self::Storm => Counts::default(),
            Self::Smoke => Counts::SMOKE,
            Self::Full => Counts::FULL,
            Self::Cluster => Counts::CLUSTER,
        }
    }

    fn events(self) -> usize {
        match self {
            Self::Calm | Self::Smoke => 50_000,
            Self::Storm => 60_000,
            Self::Full => 1_000_000,
            Self::Cluster => 200_000,
        }
    }

    fn seconds(self) -> u64 {
        match self {
            Self::Calm | Self::Smoke | Self::Storm => 60,
            Self::Full | Self::Cluster => 600,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Smoke => "smoke",
            Self::Full => "full",
            Self::Cluster => "cluster",
            Self::Storm => "storm",
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match judge(&cli) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(65),
        Err(error) => {
            writeln!(std::io::stderr(), "chaos: {error}\nchaos: seed {}; {}", cli.seed, kept(&cli)).ok();
            ExitCode::from(70)
        }
    }
}

fn kept(cli: &Cli) -> String {
    format!("the broker's data, state and logs are in {}; again with `{}`", cli.dir.display(), again(cli))
}

/// The command that runs the same again.
fn again(cli: &Cli) -> String {
    let (events, seconds) = (cli.events.unwrap_or(cli.size.events()), cli.seconds.unwrap_or(cli.size.seconds()));
    format!(
        "make chaos SEED={} SIZE={} EVENTS={events} SPAN={seconds} PERCENT={}",
        cli.seed,
        cli.size.name(),
        cli.percent
    )
}

/// Runs, reports, and returns the number of differences.
fn judge(cli: &Cli) -> Done<usize> {
    let dir = own_dir(&cli.dir)?;
    let order = Order {
        seed: cli.seed,
        events: cli.events.unwrap_or(cli.size.events()),
        counts: cli.size.counts().percent(cli.percent),
        brokers: if cli.size == Size::Cluster { 3 } else { 1 },
        span: Duration::from_secs(cli.seconds.unwrap_or(cli.size.seconds())),
        patience: Duration::from_mins(1),
        bin: cli.bin.canonicalize().map_err(|error| format!("{}: {error}", cli.bin.display()))?,
        dir: dir.clone(),
        plants: cli.plants,
        command: again(cli),
    };
    if cli.size == Size::Storm {
        let (text, differences) = storm::run(&order)?;
        write!(std::io::stdout(), "{text}").ok();
        if differences == 0 {
            std::fs::remove_dir_all(dir)?;
        }
        return Ok(differences);
    }
    let report = run::run(&order)?;
    let text = report.text();
    write!(std::io::stdout(), "{text}").ok();
    if let Some(json) = &cli.json {
        std::fs::write(json, serde_json::to_string_pretty(&report)?)?;
    }
    if report.differences() == 0 {
        std::fs::remove_dir_all(dir)?;
    } else {
        std::fs::write(dir.join("report.txt"), text)?;
        writeln!(std::io::stderr(), "chaos: {}", kept(cli)).ok();
    }
    Ok(report.differences())
}
