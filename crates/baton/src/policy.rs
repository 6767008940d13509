//! `baton policy`: reads the policy, and says what is wrong with one in the words of its author.
//!
//! Holds: every mistake is shown at once, with the line it stands in and a mark under the place.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use baton_policy::{Policy, Problem};

use crate::Failure;
use crate::settings::Settings;

mod publish;
mod test;

/// What to do with a policy.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether a policy can be used, and everything that is wrong with it
    Check {
        /// The policy file (YAML)
        file: PathBuf,
    },
    /// Play the scenarios beside a policy and compare what came of them with what they expect
    Test(test::Args),
    /// Publish a policy: from its instant on it judges, in every consumer at the same place of the log
    Apply(publish::Args),
    /// Say in words what changes from one policy to another
    Diff {
        /// The policy before (YAML)
        before: PathBuf,
        /// The policy after (YAML)
        after: PathBuf,
        /// As JSON: a list of path, from, to and words
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of a policy, for editors
    Schema,
}

/// Checks, tests, compares or publishes a policy.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let text = match &args.command {
        Command::Check { file } => checked(file)?,
        Command::Test(args) => return test::run(args),
        Command::Apply(args) => return publish::run(args, settings),
        Command::Diff { before, after, json } => differences(before, after, *json)?,
        Command::Schema => baton_policy::schema(),
    };
    write!(std::io::stdout(), "{text}").ok();
    Ok(())
}

/// What a policy that can be used holds, and what in it may be a mistake.
fn checked(file: &Path) -> Result<String, Failure> {
    let (name, text) = (file.display().to_string(), text_of(file)?);
    let policy = read(&name, &text)?;
    Ok(format!("{name}: {}\n{}", summary(&policy), doubted(&name, &text)))
}

/// What may be a mistake, each with its line and a mark under the place; nothing where there are none.
fn doubted(name: &str, text: &str) -> String {
    let doubts = baton_policy::doubts(name, text);
    let marked = doubts.iter().map(|doubt| format!("\nnote: {}", marked(text, doubt)));
    if doubts.is_empty() { String::new() } else { marked.collect::<String>() + "\n" }
}

/// A policy under the version of the one that judges until then must be that one.
pub(crate) fn same_version(file: &Path, policy: &Policy, text: &str, base: Option<&Path>) -> Result<(), Failure> {
    let (name, judging) = match base {
        None => ("the built-in starter".to_owned(), baton_policy::STARTER.to_owned()),
        Some(base) => (base.display().to_string(), text_of(base)?),
    };
    let before = read(&name, &judging)?;
    let differs = before.name != policy.name || baton_policy::diff(&judging, text).is_ok_and(|c| !c.is_empty());
    if policy.version != before.version || !differs {
        return Ok(());
    }
    Err(Failure::config(format!(
        "policy {} is version {}, as is {name}, which judges before it and says something else: give it a greater one",
        file.display(),
        policy.version
    )))
}

/// What changes between two policies that can both be used.
fn differences(before: &Path, after: &Path, json: bool) -> Result<String, Failure> {
    let (old, old_text) = (load(Some(before))?, text_of(before)?);
    let (new, new_text) = (load(Some(after))?, text_of(after)?);
    let changes = baton_policy::diff(&old_text, &new_text)
        .map_err(|fault| Failure::config(format!("line {}: {}", fault.at.line, fault.message)))?;
    Ok(told(&changes, (old.version, new.version), json))
}

/// The changes as text or JSON; in text also that the version must rise for them.
fn told(changes: &[baton_policy::Change], versions: (i64, i64), json: bool) -> String {
    if json {
        let list: Vec<_> = changes
            .iter()
            .map(|c| serde_json::json!({ "path": c.path, "from": c.from, "to": c.to, "words": c.words }))
            .collect();
        return format!("{:#}\n", serde_json::Value::from(list));
    }
    if changes.is_empty() {
        return "no difference\n".to_owned();
    }
    let mut text: String = changes.iter().flat_map(|change| [change.words.as_str(), "\n"]).collect();
    let (old, new) = versions;
    if new <= old {
        let _ = writeln!(text, "note: version {new} does not rise above {old}: raise it with every change");
    }
    text
}

/// Reads and checks a policy; the starter policy when no file is named.
pub(crate) fn load(path: Option<&Path>) -> Result<Policy, Failure> {
    let (name, text) = match path {
        None => ("starter.yaml".to_owned(), baton_policy::STARTER.to_owned()),
        Some(path) => (path.display().to_string(), text_of(path)?),
    };
    read(&name, &text)
}

/// A policy may only be published after those of lower versions.
pub(crate) fn no_newer(file: &Path, version: i64, newest: i64) -> Failure {
    Failure::config(format!(
        "policy {} is version {version}, and version {newest} was published before: give it a greater one",
        file.display()
    ))
}

/// The text of a policy file.
fn text_of(path: &Path) -> Result<String, Failure> {
    text_called("policy", path)
}

/// The text of a file, which is called so when it cannot be read.
pub(crate) fn text_called(what: &str, path: &Path) -> Result<String, Failure> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|error| Failure::config(format!("{what} {name}: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Failure::config(format!("{what} {name}: not a text file in UTF-8")))
}

/// Checks a policy's text; every problem is told.
pub(crate) fn read(name: &str, text: &str) -> Result<Policy, Failure> {
    baton_policy::parse(name, text)
        .map_err(|problems| Failure::config(explain(&format!("policy {name}"), text, &problems)))
}

/// What a policy holds, in one line.
fn summary(policy: &Policy) -> String {
    let Policy { engagement, fit, routing, sla, .. } = policy;
    let promises: usize = sla.clocks.values().map(std::collections::BTreeMap::len).sum();
    format!(
        "policy {} version {} is fine: {}, {}, {}, {}, {} ({}), {}",
        policy.name,
        policy.version,
        counted(engagement.rules.len() + fit.rules.len() + fit.disqualify.len(), "scoring rule"),
        counted(routing.rules.len(), "routing rule"),
        counted(routing.pools.len(), "pool"),
        counted(routing.reps.len(), "rep"),
        counted(sla.clocks.len(), "clock"),
        counted(promises, "promise"),
        counted(sla.calendars.len(), "calendar"),
    )
}

pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Every problem, each with its line and a mark under the place.
pub(crate) fn explain(what: &str, text: &str, problems: &[Problem]) -> String {
    let said = format!("{what} cannot be used: {}", counted(problems.len(), "problem"));
    problems.iter().fold(said, |said, problem| said + "\n\n" + &marked(text, problem))
}

/// A problem, its line, and a mark under the place.
fn marked(text: &str, problem: &Problem) -> String {
    let Some(line) = problem.line.checked_sub(1).and_then(|index| text.lines().nth(index)) else {
        return problem.to_string();
    };
    let (excerpt, place) = excerpt(line, problem.column);
    let number = problem.line.to_string();
    let margin = " ".repeat(number.len());
    format!("{problem}\n  {number} | {excerpt}\n  {margin} | {}^", " ".repeat(place))
}

/// The part of a line around a column (from 1), tabs as blanks, and the column within it (from 0).
fn excerpt(line: &str, column: usize) -> (String, usize) {
    const WIDTH: usize = 100;
    const BEFORE: usize = 60;
    let letters: Vec<char> = line.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let place = column.saturating_sub(1).min(letters.len());
    let first = if letters.len() <= WIDTH { 0 } else { place.saturating_sub(BEFORE) };
    (letters.iter().skip(first).take(WIDTH).collect(), place - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_policy_is_fine_and_is_used_when_none_is_named() {
        let policy = load(None).unwrap();
        let said = summary(&policy);
        assert!(said.starts_with("policy starter version 1 is fine: "), "{said}");
        assert!(said.ends_with("3 routing rules, 4 pools, 8 reps, 6 clocks (24 promises), 3 calendars"), "{said}");
    }

    #[test]
    fn the_schema_file_is_what_the_parser_reads() {
        let file = include_str!("../../../schemas/policy.schema.json");
        assert!(file == baton_policy::schema(), "write it anew: baton policy schema > schemas/policy.schema.json");
    }

    #[test]
    fn a_version_that_does_not_rise_is_noted_beside_what_changes() {
        let after = baton_policy::STARTER.replace("rearm_percent: 75", "rearm_percent: 70");
        let changes = baton_policy::diff(baton_policy::STARTER, &after).unwrap();
        let note = "note: version 1 does not rise above 1: raise it with every change\n";
        assert_eq!(told(&changes, (1, 1), false), format!("decision, rearm_percent: 75 -> 70\n{note}"));
        assert_eq!(told(&changes, (1, 2), false), "decision, rearm_percent: 75 -> 70\n");
        assert_eq!(told(&[], (1, 1), false), "no difference\n");
        let json: serde_json::Value = serde_json::from_str(&told(&changes, (1, 2), true)).unwrap();
        assert_eq!(json[0]["path"], "decision.rearm_percent");
    }

    #[test]
    fn a_mistake_is_shown_with_its_line_and_a_mark_under_the_place() {
        let text = baton_policy::STARTER.replacen("total_cap: 100", "total_cup: 100", 1);
        let problems = baton_policy::parse("mine.yaml", &text).unwrap_err();
        let said = explain("policy mine.yaml", &text, &problems);
        let shown = said.lines().position(|line| line.ends_with("|   total_cup: 100")).expect(&said);
        let mark = said.lines().nth(shown + 1).unwrap();
        let at = said.lines().nth(shown).unwrap().find("total_cup").unwrap();
        assert_eq!(mark.find('^'), Some(at), "{said}");
    }

    #[test]
    fn a_name_that_is_almost_a_common_one_is_noted_and_can_be_used() {
        let text = baton_policy::STARTER.replacen("event: Demo Requested", "event: Demo Requsted", 1);
        assert!(baton_policy::parse("mine.yaml", &text).is_ok());
        let said = doubted("mine.yaml", &text);
        assert!(said.starts_with("\nnote: mine.yaml:"), "{said}");
        assert!(said.contains(r#"did you mean "Demo Requested"?"#) && said.ends_with("^\n"), "{said}");
        assert_eq!(doubted("starter.yaml", baton_policy::STARTER), "");
    }

    #[test]
    fn another_policy_under_the_version_of_the_one_that_judges_is_refused() {
        let refused = |text: &str| {
            let policy = baton_policy::parse("mine.yaml", text).unwrap();
            same_version(Path::new("mine.yaml"), &policy, text, None).err().map(|failure| failure.message)
        };
        assert_eq!(refused(baton_policy::STARTER), None);
        assert_eq!(refused(&format!("# a comment\n{}", baton_policy::STARTER)), None);
        let other = baton_policy::STARTER.replacen("rearm_percent: 75", "rearm_percent: 70", 1);
        assert!(refused(&other).is_some_and(|said| said.contains("version 1, as is the built-in starter")));
        assert_eq!(refused(&other.replacen("version: 1", "version: 2", 1)), None);
    }

    #[test]
    fn all_mistakes_are_shown_at_once() {
        let text = baton_policy::STARTER.replacen("version: 1", "version: none", 1).replacen("total_cap", "cap_it", 1);
        let problems = baton_policy::parse("mine.yaml", &text).unwrap_err();
        let said = explain("policy mine.yaml", &text, &problems);
        assert!(problems.len() >= 2);
        assert_eq!(said.lines().filter(|line| line.trim_end().ends_with('^')).count(), problems.len(), "{said}");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}here{}", "x".repeat(300), "y".repeat(300));
        let (excerpt, place) = excerpt(&line, 301);
        assert_eq!(excerpt.chars().count(), 100);
        assert_eq!(&excerpt[place..place + 4], "here");
    }

    #[test]
    fn a_policy_that_is_not_there_is_a_matter_of_configuration() {
        let failure = load(Some(Path::new("/nowhere/policy.yaml"))).unwrap_err();
        assert_eq!(failure.code, 78);
        assert!(failure.message.contains("/nowhere/policy.yaml"), "{}", failure.message);
    }
}
