//! What a host is given to play: the policy's text, and every line in the order of time.
//!
//! Holds: a script needs no file any more, and each policy in it can be used; a policy that is
//! published says a greater version than all before it, as `baton policy apply` asks.

use baton_domain::{LogTime, Millis};
use baton_policy::Policy;
use serde_json::Value;

use crate::alone::{Alone, Record};
use crate::lines::{is_of_rep, tick, timed, whole};
use crate::model::{Act, Change, Publish, Scenario, Step};

/// What a scenario comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The policy that judges from the start: its text, as changed by the scenario.
    pub policy: String,
    /// The one consumer that runs; `None` for all five.
    pub only: Option<Alone>,
    /// Each line with the time at which it is received.
    pub lines: Vec<(Millis, Line)>,
}

/// Something that is said to the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A source's record: JSON, or whatever a scenario has it send.
    Source(String),
    /// What is so of a rep, for `reps.state`.
    Rep(String),
    /// Another policy. It is published before anything else, and waits for its instant.
    Policy(Publication),
    /// A record for a consumer that runs alone.
    Record(Record),
}

/// A policy that judges from an instant on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// From when on.
    pub effective_at: Millis,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: i64,
    /// The document.
    pub document: String,
}

impl Script {
    /// Makes the script of `scenario`. `read` gives the text of the policy in a file beside it, or with
    /// `None` of the policy for scenarios that name none.
    ///
    /// # Errors
    /// A policy that is not there, a passage that is not in it exactly once, or one that cannot be
    /// published: why, in words.
    pub fn of(
        scenario: &Scenario,
        read: &mut dyn FnMut(Option<&str>) -> Result<String, String>,
    ) -> Result<Self, String> {
        let policy = changed(&scenario.change, read(scenario.policy.as_deref())?)?;
        let mut told = Told { scenario, now: scenario.start, stamp: LogTime::MIN, lines: Vec::new() };
        let mut newest = (policy.clone(), None);
        for step in &scenario.steps {
            match &step.act {
                Act::Send { event, times, every_ms } => {
                    for n in 0..*times {
                        told.send(event, step.at.plus(n.saturating_mul(*every_ms)), n)
                            .map_err(|why| format!("line {}: {why}", step.line))?;
                    }
                }
                Act::Raw(_) | Act::Publish(_) if scenario.only.is_some() => {
                    let line = step.line;
                    return Err(format!(
                        "line {line}: to a consumer alone, `send` records on the topics that it reads"
                    ));
                }
                Act::Raw(text) => told.say(step.at, Line::Source(text.clone())),
                Act::Publish(publish) => {
                    let published = publication(publish, step, &newest, read)?;
                    newest = (published.document.clone(), Some(published.version));
                    told.lines.push((step.at, Line::Policy(published)));
                }
                Act::Pass | Act::Expect(_) => told.wait(step.at),
            }
        }
        // A wake-up due at an instant comes when time has gone past it.
        told.wait(told.now.plus(1_000));
        Ok(Self { policy, only: scenario.only, lines: told.lines })
    }

    /// The policies that are published, and in order what else is said.
    pub fn parts(lines: &[(Millis, Line)]) -> (Vec<&Publication>, Vec<(Millis, &Line)>) {
        let published = lines.iter().filter_map(|(_, line)| match line {
            Line::Policy(published) => Some(published),
            Line::Source(_) | Line::Rep(_) | Line::Record(_) => None,
        });
        let rest = lines.iter().filter(|(_, line)| !matches!(line, Line::Policy(_)));
        (published.collect(), rest.map(|(at, line)| (*at, line)).collect())
    }
}

impl Line {
    /// What a line of a file of events is.
    pub fn of(text: &str) -> Self {
        if is_of_rep(text) { Self::Rep(text.to_owned()) } else { Self::Source(text.to_owned()) }
    }
}

/// Lines as they are made.
struct Told<'a> {
    scenario: &'a Scenario,
    now: Millis,
    /// Of the last record for a consumer that runs alone.
    stamp: LogTime,
    lines: Vec<(Millis, Line)>,
}

impl Told<'_> {
    fn send(&mut self, event: &Value, at: Millis, n: i64) -> Result<(), String> {
        let Scenario { name, start, only, .. } = self.scenario;
        let slug = name.split_whitespace().next().unwrap_or("s").to_lowercase();
        let id = format!("{slug}-{}", self.lines.len() + 1);
        let line = match only {
            None => Line::of(&whole(event, &id, at, *start, n).to_string()),
            Some(alone) => {
                let written = timed(event, *start, n, |at| Value::from(at.0));
                Line::Record(alone.record(&written, &id, self.stamp(at))?)
            }
        };
        self.say(at, line);
        Ok(())
    }

    fn say(&mut self, at: Millis, line: Line) {
        self.now = at;
        self.lines.push((at, line));
    }

    /// Time passes.
    fn wait(&mut self, until: Millis) {
        if until <= self.now {
            return;
        }
        match self.scenario.only {
            None => self.say(until, Line::Source(tick(until))),
            Some(alone) => {
                for record in alone.ticks(self.stamp(until)) {
                    self.say(until, Line::Record(record));
                }
            }
        }
    }

    /// The stamp of the next record: each is greater than the one before.
    fn stamp(&mut self, at: Millis) -> LogTime {
        self.stamp = self.stamp.next().max(LogTime::from_millis(at));
        self.stamp
    }
}

/// A document with its passages changed.
fn changed(changes: &[Change], mut text: String) -> Result<String, String> {
    for Change { line, from, to } in changes {
        let count = text.matches(from.as_str()).count();
        if count != 1 {
            return Err(format!(
                "line {line}: {from:?} stands {count} times in the policy; change.from must be there once"
            ));
        }
        text = text.replacen(from.as_str(), to, 1);
    }
    Ok(text)
}

/// The policy published in a step, after those before it: the document of the newest, and its version
/// unless none was published yet.
fn publication(
    publish: &Publish,
    step: &Step,
    (before, newest): &(String, Option<i64>),
    read: &mut dyn FnMut(Option<&str>) -> Result<String, String>,
) -> Result<Publication, String> {
    let document = match &publish.file {
        Some(file) => read(Some(file))?,
        None => before.clone(),
    };
    let document = changed(&publish.change, document)?;
    let told = baton_policy::parse("policy", &document);
    let Policy { name, version, .. } = told.map_err(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        format!("line {}: this policy cannot be used:\n  {}", step.line, all.join("\n  "))
    })?;
    if let Some(newest) = newest.filter(|newest| version <= *newest) {
        let line = step.line;
        return Err(format!(
            "line {line}: this policy is version {version}, and version {newest} was published before"
        ));
    }
    // One whose instant is over when it is published judges at once.
    let effective_at = publish.effective_at.map_or(step.at, |effective_at| effective_at.max(step.at));
    Ok(Publication { effective_at, name, version, document })
}
