//! `baton policy test`: the scenarios beside a policy, played without Kafka in the log's own time.
//!
//! Holds: the very consumers of production run; every file is read before any is played, and every
//! mistake of every file is told at once; a scenario that is pending never fails, and one that could
//! be pending no more is said so.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_policy::Policy;
use baton_scenario::{Scenario, Script, judge};

use crate::Failure;

mod junit;

/// How the name of a scenario file ends.
const ENDING: &str = ".test.yaml";

/// What to play, and where the report goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Scenario files, or folders of files whose names end in .test.yaml
    #[arg(required = true, value_name = "DIR|FILE")]
    places: Vec<PathBuf>,
    /// The policy for scenarios that name none [default: the built-in starter]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Also write a report that build servers read
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// What became of one scenario.
struct Outcome {
    file: String,
    name: String,
    pending: Option<String>,
    /// In words, one each.
    differences: Vec<String>,
}

/// Plays every scenario; fails when one differs.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let files = files(&args.places)?;
    let scenarios = read(&files)?;
    let fallback = match &args.policy {
        None => baton_policy::STARTER.to_owned(),
        Some(path) => super::text_of(path)?,
    };
    let mut policies = BTreeMap::new();
    let mut outcomes = Vec::new();
    for (file, scenario) in &scenarios {
        match script(file, scenario, &fallback, &mut policies) {
            Ok((policy, script)) => outcomes.push(play(file, scenario, &policy, &script)?),
            // What it waits for may be a word of the policy.
            Err(failure) if scenario.pending.is_some() => {
                outcomes.push(Outcome::of(file, scenario, vec![failure.message]));
            }
            Err(failure) => return Err(failure),
        }
    }
    let told = tell(&outcomes);
    writeln!(std::io::stdout(), "{told}").ok();
    if let Some(path) = &args.junit {
        let failed = |error| Failure::io(format!("{}: {error}", path.display()));
        std::fs::write(path, junit::report(&outcomes)).map_err(failed)?;
    }
    let failed = outcomes.iter().filter(|outcome| outcome.is_failed()).count();
    match failed {
        0 => Ok(()),
        _ => Err(Failure { message: format!("{failed} of {} scenarios differ", outcomes.len()), code: 65 }),
    }
}

/// The files named, and those in the folders named, in the order of their names.
fn files(places: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for place in places {
        if !place.is_dir() {
            files.push(place.clone());
            continue;
        }
        let unreadable = |error| Failure::io(format!("{}: {error}", place.display()));
        let mut found = Vec::new();
        for entry in std::fs::read_dir(place).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.to_string_lossy().ends_with(ENDING) {
                found.push(path);
            }
        }
        if found.is_empty() {
            let message = format!("{} holds no file whose name ends in {ENDING}", place.display());
            return Err(Failure { message, code: 64 });
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// Every scenario, or every mistake of every file.
fn read(files: &[PathBuf]) -> Result<Vec<(PathBuf, Scenario)>, Failure> {
    let mut scenarios = Vec::new();
    let mut mistakes = Vec::new();
    for file in files {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| Failure::io(format!("{name}: {error}")))?;
        match baton_scenario::parse(&name, &text) {
            Ok(scenario) => scenarios.push((file.clone(), scenario)),
            Err(problems) => mistakes.extend(problems.iter().map(ToString::to_string)),
        }
    }
    if mistakes.is_empty() { Ok(scenarios) } else { Err(Failure { message: mistakes.join("\n"), code: 65 }) }
}

/// What a scenario comes to, and the policy that it begins with.
fn script(
    file: &Path,
    scenario: &Scenario,
    fallback: &str,
    known: &mut BTreeMap<String, Arc<Policy>>,
) -> Result<(Arc<Policy>, Script), Failure> {
    let mut read = |named: Option<&str>| match named {
        None => Ok(fallback.to_owned()),
        Some(name) => {
            let path = file.parent().unwrap_or(Path::new("")).join(name);
            std::fs::read_to_string(&path).map_err(|error| format!("policy {}: {error}", path.display()))
        }
    };
    let script = Script::of(scenario, &mut read)
        .map_err(|why| Failure { message: format!("{}: {why}", file.display()), code: 65 })?;
    if let Some(policy) = known.get(&script.policy) {
        return Ok((Arc::clone(policy), script));
    }
    let policy = Arc::new(super::read(&format!("of {}", file.display()), &script.policy)?);
    known.insert(script.policy.clone(), Arc::clone(&policy));
    Ok((policy, script))
}

fn play(file: &Path, scenario: &Scenario, policy: &Arc<Policy>, script: &Script) -> Result<Outcome, Failure> {
    let records = baton_sim::play(policy, script).map_err(|failure| Failure {
        message: format!("{}: the consumer {} stopped: {:?}", file.display(), failure.consumer, failure.stop),
        code: 70,
    })?;
    let differences = judge(scenario, &records).iter().map(ToString::to_string).collect();
    Ok(Outcome::of(file, scenario, differences))
}

impl Outcome {
    fn of(file: &Path, scenario: &Scenario, differences: Vec<String>) -> Self {
        Self {
            file: file.display().to_string(),
            name: scenario.name.clone(),
            pending: scenario.pending.clone(),
            differences,
        }
    }

    fn is_failed(&self) -> bool {
        self.pending.is_none() && !self.differences.is_empty()
    }
}

/// A line for each scenario, and under one that differs every difference, the first one first.
fn tell(outcomes: &[Outcome]) -> String {
    let mut said = Vec::new();
    for outcome in outcomes {
        let Outcome { file, name, pending, differences } = outcome;
        match (pending, differences.as_slice()) {
            (None, []) => said.push(format!("ok       {name}")),
            (Some(why), []) => said.push(format!("ok       {name} (holds: no longer pending: {why})")),
            (Some(why), _) => said.push(format!("pending  {name}: {why}")),
            (None, differences) => {
                said.push(format!("DIFFERS  {name}"));
                said.push(format!("         {file}"));
                said.extend(differences.iter().map(|difference| format!("         {difference}")));
            }
        }
    }
    let of = |test: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| test(outcome)).count();
    let (met, pending) = (of(|o| o.differences.is_empty()), of(|o| o.pending.is_some() && !o.differences.is_empty()));
    said.push(format!("{met} as expected, {} differ, {pending} pending", of(Outcome::is_failed)));
    said.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str, pending: Option<&str>, differences: &[&str]) -> Outcome {
        Outcome {
            file: "a.test.yaml".to_owned(),
            name: name.to_owned(),
            pending: pending.map(str::to_owned),
            differences: differences.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn each_scenario_is_told_and_the_differences_of_those_that_differ() {
        let outcomes = [
            outcome("T01 a", None, &[]),
            outcome("T02 b", None, &["line 3: stage: expected mql, found sal"]),
            outcome("T03 c", Some("later"), &["x"]),
            outcome("T04 d", Some("later"), &[]),
        ];
        let lines: Vec<String> = tell(&outcomes).lines().map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "ok       T01 a",
                "DIFFERS  T02 b",
                "         a.test.yaml",
                "         line 3: stage: expected mql, found sal",
                "pending  T03 c: later",
                "ok       T04 d (holds: no longer pending: later)",
                "2 as expected, 1 differ, 1 pending",
            ]
        );
        assert!(junit::report(&outcomes).contains("tests=\"4\" failures=\"1\" skipped=\"1\""));
    }

    #[test]
    fn a_folder_without_scenarios_is_a_mistake_of_the_caller() {
        let failure = files(&[PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")]).unwrap_err();
        assert_eq!(failure.code, 64);
        assert!(failure.message.ends_with("holds no file whose name ends in .test.yaml"), "{}", failure.message);
    }
}
