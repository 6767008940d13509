//! `baton roster`: says who is there to take leads, from now on.
//!
//! Holds: every mistake is shown at once with its line, and nothing is told of a roster that has one.
//!
//! Absent on purpose: which policy judges on the log. The sequencer checks each telling against that one again.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use baton_domain::RepState;
use baton_pipeline::Codec;
use baton_policy::Policy;
use baton_runtime::schemas_of;

use crate::ground::Topics;
use crate::ingest::Sender;
use crate::policy::{counted, explain, load, text_called};
use crate::settings::Settings;
use crate::verify::stopped;
use crate::{Failure, run as running};

/// What to do with a roster.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether a roster can be used, and everything that is wrong with it
    Check(What),
    /// Check a roster and tell it to the router: what is said of a rep replaces what was said before
    Apply(What),
}

#[derive(Debug, clap::Args)]
struct What {
    /// The roster: a list of reps, YAML or JSON
    file: PathBuf,
    /// The policy it must fit [default: the one in the settings, else the built-in starter]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// Checks or tells a roster.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let (Command::Check(what) | Command::Apply(what)) = &args.command;
    let policy = load(what.policy.as_deref().or(settings.policy.as_deref()))?;
    let roster = read(&what.file.display().to_string(), &text_called("roster", &what.file)?, &policy)?;
    let reps = counted(roster.len(), "rep");
    let said = match &args.command {
        Command::Check(what) => format!("{}: the roster is fine: {reps}", what.file.display()),
        Command::Apply(_) => format!("{reps} told on {}", tell(&roster, policy, settings)?),
    };
    writeln!(std::io::stdout(), "{said}").ok();
    Ok(())
}

fn read(name: &str, text: &str, policy: &Policy) -> Result<Vec<RepState>, Failure> {
    baton_policy::read_roster(name, text, policy)
        .map_err(|problems| Failure::config(explain(&format!("roster {name}"), text, &problems)))
}

/// Writes each rep to the topic, whose name is returned.
fn tell(roster: &[RepState], policy: Policy, settings: &Settings) -> Result<String, Failure> {
    let topic = settings.topology.reps();
    Topics::of(settings)?.need(&topic)?;
    let hosting = running::hosting(settings, settings.topology.clone(), &Arc::new(policy));
    let codec = Codec::<RepState>::new(&schemas_of(&hosting).map_err(stopped)?);
    let sender = Sender::open(settings, &topic)?;
    for (number, state) in (1..).zip(roster) {
        sender.put(number, Some(&state.rep), &codec.bytes(state))?;
    }
    sender.finish()?;
    Ok(topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Result<Vec<RepState>, Failure> {
        read("roster.yaml", text, &load(None).unwrap())
    }

    #[test]
    fn every_mistake_of_a_roster_is_shown_and_ends_in_78() {
        let failure = judge("- { rep: jonas.weber, weight: 0 }\n- { rep: zoe, pools: [nowhere] }\n").unwrap_err();
        assert_eq!(failure.code, 78);
        for wanted in ["cannot be used: 3 problems", "weight", "unknown pool", "needs a calendar"] {
            assert!(failure.message.contains(wanted), "{wanted}: {}", failure.message);
        }
    }

    #[test]
    fn a_roster_names_only_what_is_other_than_in_the_policy() {
        let roster = judge("- { rep: jonas.weber, status: away }\n").unwrap();
        assert_eq!((roster.len(), roster[0].day_max), (1, None));
    }
}
