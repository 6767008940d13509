//! What came out against what was expected.

use core::fmt;

use serde_json::Value;

use crate::ledger::imbalances;
use crate::matching::{Differs, compare, part, told_want};
use crate::model::{Act, Check, Expect, Scenario, Want, WantKind};
use crate::seen::Seen;

/// Records count for an expectation up to this much log time after it, in microseconds: what is
/// sent at one instant takes places one after the other.
const SLACK_US: i64 = 999_999;

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where the expectation stands in the file, from 1.
    pub line: usize,
    /// When it should have held.
    pub at: baton_domain::Millis,
    /// Whose; an id of the lead.
    pub lead: Option<String>,
    /// What was looked at.
    pub what: String,
    /// What was wanted, in words.
    pub wanted: String,
    /// What is there, in words.
    pub found: String,
}

impl fmt::Display for Difference {
    /// `line 12: stage of user:ada at 2026-09-07T09:00:00Z: expected mql, found identified`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, at, lead, what, wanted, found } = self;
        let of = lead.as_ref().map(|lead| format!(" of {lead}")).unwrap_or_default();
        write!(f, "line {line}: {what}{of} at {}: expected {wanted}, found {found}", crate::lines::rfc3339(*at))
    }
}

/// Every expectation that was not met, in the order of the file, and whatever does not balance in the
/// ledgers. `records` are those of all topics, each topic and key in its order.
pub fn judge(scenario: &Scenario, records: &[Seen]) -> Vec<Difference> {
    let mut differences = Vec::new();
    for step in &scenario.steps {
        let Act::Expect(expect) = &step.act else { continue };
        let until = step.at.0.saturating_mul(1_000).saturating_add(SLACK_US);
        let by_then: Vec<&Seen> = records.iter().filter(|seen| seen.at().is_none_or(|at| at <= until)).collect();
        let told = |differs: Differs| Difference {
            line: differs.line,
            at: step.at,
            lead: expect.lead.clone(),
            what: differs.path,
            wanted: differs.wanted,
            found: differs.found,
        };
        match of_lead(expect, &by_then) {
            Ok(theirs) => {
                let all = expect.checks.iter();
                differences.extend(all.filter_map(|check| meets(check, &theirs, &by_then).err()).map(told));
            }
            Err(found) => differences.push(told(Differs {
                path: "lead".to_owned(),
                wanted: "a lead with this id".to_owned(),
                found,
                line: step.line,
            })),
        }
    }
    let end = scenario.steps.last().map_or((0, scenario.start), |step| (step.line, step.at));
    let unbalanced = imbalances(records, scenario.only.is_none());
    differences.extend(unbalanced.into_iter().map(|(what, wanted, found)| {
        let (wanted, found) = (wanted.to_string(), found.to_string());
        Difference { line: end.0, at: end.1, lead: None, what, wanted, found }
    }));
    differences
}

/// The records of the lead in question, in the order of log time.
fn of_lead<'a>(expect: &Expect, records: &[&'a Seen]) -> Result<Vec<&'a Seen>, String> {
    let Some(asked) = &expect.lead else { return Ok(records.to_vec()) };
    let Some(lead_id) = lead_id(asked, records) else {
        // Of somebody whom nobody knows, nothing must have been said: that can be expected too.
        let counts_only = expect.checks.iter().all(|check| matches!(check, Check::Count { .. } | Check::Unsaid { .. }));
        let about_nobody =
            expect.checks.iter().all(|check| matches!(check, Check::Said { topic, .. } if topic == "dlq"));
        return if counts_only || about_nobody { Ok(Vec::new()) } else { Err("none".to_owned()) };
    };
    let mut theirs: Vec<&Seen> = records.iter().copied().filter(|seen| seen.concerns(&lead_id)).collect();
    theirs.sort_by_key(|seen| seen.at());
    Ok(theirs)
}

/// The lead that an id belonged to last.
fn lead_id(asked: &str, records: &[&Seen]) -> Option<String> {
    // Marketing's own promise is kept under its name.
    if asked.starts_with("ld_") || asked == "marketing" {
        return Some(asked.to_owned());
    }
    let names = match baton_identify::email_id(asked) {
        Some(email) => vec![email],
        None if asked.contains(':') => vec![asked.to_owned()],
        None => ["user", "crm", "anonymous"].iter().map(|kind| format!("{kind}:{asked}")).collect(),
    };
    let links = records.iter().filter(|seen| seen.topic == "lead.identity");
    let links = links.filter(|seen| names.contains(&seen.key));
    links.max_by_key(|seen| seen.at()).and_then(|seen| seen.value.get("lead_id")?.as_str().map(str::to_owned))
}

fn meets(check: &Check, theirs: &[&Seen], all: &[&Seen]) -> Result<(), Differs> {
    match check {
        Check::Newest { key, topic, path, want } => {
            let newest = theirs.iter().rev().find(|seen| seen.topic == *topic).map(|seen| &seen.value);
            let value = newest.map_or(&Value::Null, |value| part(value, path));
            let name = path.rsplit('.').next().unwrap_or(path);
            compare(name, want, value).map_err(|differs| Differs { path: join(key, name, &differs.path), ..differs })
        }
        Check::Count { topic, want } => {
            let records = if topic == "dlq" { all } else { theirs };
            let count = records.iter().filter(|seen| seen.topic == *topic).count();
            let found = Value::from(i64::try_from(count).unwrap_or(i64::MAX));
            compare("count", want, &found)
                .map_err(|differs| Differs { path: format!("number of records on {topic}"), ..differs })
        }
        Check::Said { topic, want } => said(topic, want, if topic == "dlq" { all } else { theirs }),
        Check::Unsaid { topic, want } => match said(topic, want, theirs) {
            Err(_) => Ok(()),
            Ok(()) => Err(Differs {
                path: format!("a record on {topic}"),
                wanted: format!("none with {}", told_want(want)),
                found: "one".to_owned(),
                line: want.line,
            }),
        },
    }
}

fn join(key: &str, name: &str, path: &str) -> String {
    match path.strip_prefix(name) {
        Some(rest) => format!("{key}{rest}"),
        None => format!("{key}.{path}"),
    }
}

/// Some record looks as wanted; if none does, the nearest is told.
fn said(topic: &str, want: &Want, records: &[&Seen]) -> Result<(), Differs> {
    let is_topic = |seen: &&&Seen| match topic.strip_suffix('*') {
        Some(start) => seen.topic.starts_with(start),
        None => seen.topic == topic,
    };
    let mut nearest: Option<(usize, String)> = None;
    for seen in records.iter().filter(is_topic) {
        let (met, first) = parts_met(want, seen);
        match first {
            None => return Ok(()),
            Some(differs) if nearest.as_ref().is_none_or(|(most, _)| met >= *most) => {
                let Differs { path, found, .. } = differs;
                nearest = Some((met, format!("{}, nearest but for {path} {found}", seen.topic)));
            }
            Some(_) => {}
        }
    }
    let found = nearest.map_or_else(|| "no record".to_owned(), |(_, told)| told);
    Err(Differs { path: format!("a record on {topic}"), wanted: told_want(want), found, line: want.line })
}

/// How many parts of what is wanted a record has, and the first that it has not.
fn parts_met(want: &Want, seen: &Seen) -> (usize, Option<Differs>) {
    let WantKind::Parts(parts) = &want.kind else {
        return (0, compare("", want, &seen.value).err());
    };
    let mut met = 0;
    let mut first = None;
    for (key, want) in parts {
        let one = Want { line: want.line, kind: WantKind::Parts(vec![(key.clone(), want.clone())]) };
        match compare("", &one, &seen.value) {
            Ok(()) => met += 1,
            Err(differs) => first = first.or(Some(differs)),
        }
    }
    (met, first)
}
