//! A lead's story: everything that a person asks about it, ready to be shown.
//!
//! Holds: the receipt shown is the newest one, whole, so that it sums to the score shown; what is
//! unknown is an empty list or nothing, never a guess; no address leaves whole, and of names and numbers of a
//! person only that they are known.

use baton_domain::{
    Body, Fact, FactValue, History, LeadEvent, LifecycleChanged, PastEpisode, Points, Qualified, Qualifying,
    ReasonKind, ScoreUpdate, TriggerKind,
};
use baton_scenario::Seen;
use serde::Serialize;

use super::desk::{Desk, desks};
use super::promise::{Promise, promises};
use super::{day_time, of_topic, time};
use crate::summary::mask;

/// Facts that name or reach a person.
const PERSONAL: [&str; 5] = ["name", "first_name", "last_name", "phone", "address"];

/// Everything about one lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Story {
    pub(super) lead_id: String,
    pub(super) stage: Option<String>,
    pub(super) score: Option<Score>,
    /// Who has it now, and why.
    pub(super) desk: Option<Desk>,
    /// One for each episode, oldest first.
    pub(super) episodes: Vec<Episode>,
    /// Stages entered, oldest first.
    pub(super) stages: Vec<Move>,
    /// Promises, oldest first.
    pub(super) promises: Vec<Promise>,
    /// What happened and what was said of it, oldest first.
    pub(super) timeline: Vec<Entry>,
}

/// The newest score with its receipt.
#[expect(clippy::struct_field_names, reason = "the names are those of the topic")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Score {
    pub(super) at: String,
    pub(super) score: String,
    pub(super) fit: String,
    pub(super) engagement: String,
    /// Grade and band: `A2`.
    pub(super) cell: String,
    pub(super) policy_version: i64,
    /// Parts of the score, largest first.
    pub(super) receipt: Vec<Part>,
    /// What the parts come to: the score.
    pub(super) sum: String,
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    pub(super) points: String,
    pub(super) rule: String,
    pub(super) kind: String,
    pub(super) event_id: String,
    pub(super) at: String,
    /// How many events are told in this line.
    pub(super) count: i32,
    /// When the first and the last of several happened.
    pub(super) between: Option<(String, String)>,
}

/// One handoff: why, and the questions of whoever takes over.
#[expect(clippy::struct_field_names, reason = "the names are those of the topic")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Episode {
    pub(super) episode: i32,
    pub(super) at: String,
    pub(super) lane: String,
    pub(super) reason: String,
    pub(super) cell: String,
    pub(super) score: String,
    /// What were they last doing? Newest first.
    pub(super) last_doing: Vec<String>,
    /// Where did they hear about us? First, and last.
    pub(super) heard_about_us: Vec<String>,
    /// Which resources interest them?
    pub(super) interested_in: Vec<String>,
    /// Why are they suddenly ready: actions or facts?
    pub(super) why_now: Vec<String>,
    /// Who are they? What is known, and who said so.
    pub(super) who: Vec<String>,
    /// What is not known?
    pub(super) missing: Vec<String>,
    /// What happened before? Earlier episodes, newest first.
    pub(super) before: Vec<String>,
}

/// A stage entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Move {
    pub(super) at: String,
    pub(super) stage: String,
    pub(super) status: Option<String>,
    pub(super) cause: String,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    pub(super) at: String,
    pub(super) topic: String,
    pub(super) what: String,
}

impl Story {
    /// The story in a lead's records.
    pub(super) fn of(lead_id: &str, records: &[Seen]) -> Self {
        let moves: Vec<LifecycleChanged> = of_topic(records, |topic| topic == "lifecycle.changed");
        let scores: Vec<ScoreUpdate> = of_topic(records, |topic| topic == "lead.score");
        let qualified: Vec<Qualified> = of_topic(records, |topic| topic == "lead.qualified");
        let stages: Vec<Move> = moves.iter().map(entered).collect();
        Self {
            lead_id: lead_id.to_owned(),
            stage: moves.last().map(|change| change.to.to_string()),
            score: scores.last().map(score),
            desk: desks(records).pop(),
            episodes: qualified.iter().map(|ready| episode(&time(ready.stamp.at), &ready.decision)).collect(),
            stages,
            promises: promises(records),
            timeline: timeline(records),
        }
    }
}

fn entered(change: &LifecycleChanged) -> Move {
    Move {
        at: time(change.stamp.at),
        stage: change.to.to_string(),
        status: change.status.map(|status| status.to_string()),
        cause: change.cause.clone(),
    }
}

fn score(update: &ScoreUpdate) -> Score {
    let part = |line: &baton_domain::Contribution| Part {
        points: line.points.to_string(),
        rule: line.rule.clone(),
        kind: format!("{:?}", line.kind).to_lowercase(),
        event_id: line.event_id.clone(),
        at: if line.event_id.is_empty() { String::new() } else { day_time(line.occurred_at) },
        count: line.count,
        between: line.span.map(|span| (day_time(span.first_at), day_time(span.last_at))),
    };
    let sum: Points = update.receipt.iter().map(|line| line.points).sum();
    Score {
        at: time(update.stamp.at),
        score: update.score.to_string(),
        fit: update.fit.to_string(),
        engagement: update.engagement.to_string(),
        cell: format!("{}{}", update.grade, update.band),
        policy_version: update.policy_version,
        receipt: update.receipt.iter().map(part).collect(),
        sum: sum.to_string(),
    }
}

fn episode(at: &str, decision: &Qualifying) -> Episode {
    let sources = [("first", &decision.first_source), ("last", &decision.last_source)];
    let why = |trigger: &baton_domain::Trigger| {
        let kind = match trigger.kind {
            TriggerKind::Action => "an action",
            TriggerKind::Fact => "a new fact",
        };
        format!("{kind}: {} at {}, {} points", trigger.label, day_time(trigger.occurred_at), trigger.points)
    };
    Episode {
        episode: decision.episode,
        at: at.to_owned(),
        lane: decision.lane.clone(),
        reason: match decision.reason {
            ReasonKind::HandRaise => "asked for sales".to_owned(),
            ReasonKind::Matrix => "fit and engagement crossed the line".to_owned(),
            ReasonKind::CheckIn => "the check-in that sales asked for is due".to_owned(),
            ReasonKind::Policy => "a change of policy moved the line below them".to_owned(),
        },
        cell: decision.cell.clone(),
        score: decision.score.to_string(),
        last_doing: decision
            .recent
            .iter()
            .map(|moment| {
                let on = moment.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
                format!("{}{on} at {}", moment.name, day_time(moment.occurred_at))
            })
            .collect(),
        heard_about_us: sources
            .iter()
            .filter_map(|(which, source)| source.as_ref().map(|source| format!("{which}: {source}")))
            .collect(),
        interested_in: decision.topics.iter().map(|topic| format!("{} ({})", topic.name, topic.count)).collect(),
        why_now: decision.trigger_set.iter().map(why).collect(),
        who: decision.facts.iter().map(known).collect(),
        missing: decision.missing_facts.clone(),
        before: before(&decision.history),
    }
}

/// A fact in words.
fn known(fact: &Fact) -> String {
    let value = match &fact.value {
        _ if PERSONAL.contains(&fact.name.as_str()) => "known".to_owned(),
        FactValue::Text(text) => mask(text),
        FactValue::Number(number) => number.to_string(),
        FactValue::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        FactValue::List(words) => words.join(", "),
    };
    let since = fact.observed_at.map(|at| format!(", {}", day_time(at))).unwrap_or_default();
    format!("{}: {value} ({}{since})", fact.name, fact.source)
}

fn before(history: &History) -> Vec<String> {
    let ended = |past: &PastEpisode| {
        let reason = past.reason.as_ref().map(|reason| format!(", {reason}")).unwrap_or_default();
        let owner = past.owner.as_ref().map(|owner| format!(", {owner} had it")).unwrap_or_default();
        format!(
            "episode {} ended in {} at {}: {}{reason}{owner}",
            past.episode,
            past.stage,
            day_time(past.ended_at),
            past.code
        )
    };
    let asked = history.next_check_in.map(|at| format!("sales asked to see them again at {}", day_time(at)));
    history.past.iter().map(ended).chain(asked).collect()
}

/// Everything in order; scores only where nothing else is said of the same instant.
fn timeline(records: &[Seen]) -> Vec<Entry> {
    let mut all: Vec<&Seen> = records.iter().filter(|seen| seen.topic != "lead.score").collect();
    all.sort_by_key(|seen| (seen.at(), seen.topic != "lead.events"));
    let entry = |seen: &Seen| Entry {
        at: seen.at().map(|at| time(baton_domain::LogTime(at))).unwrap_or_default(),
        topic: seen.topic.clone(),
        what: what(seen),
    };
    all.into_iter().map(entry).collect()
}

/// A record in a few words.
fn what(seen: &Seen) -> String {
    if seen.topic == "lead.events" {
        return serde_json::from_value(seen.value.clone()).map(|event: LeadEvent| happened(&event)).unwrap_or_default();
    }
    let inner = seen.value.get("decision").unwrap_or(&seen.value);
    let names = [
        "clock",
        "kind",
        "level",
        "to",
        "attempted",
        "cause",
        "reason",
        "lane",
        "cell",
        "owner",
        "pool",
        "rule",
        "duplicate_of",
    ];
    let said = names.iter().filter_map(|name| match inner.get(name)? {
        serde_json::Value::String(text) if !text.is_empty() => Some(format!("{name} {}", snake(text))),
        serde_json::Value::Number(number) if number.as_i64() != Some(0) => Some(format!("{name} {number}")),
        _ => None,
    });
    said.collect::<Vec<_>>().join(", ")
}

/// `FirstTouch` as it is written elsewhere: `first_touch`. What is no such name stays as it is.
fn snake(text: &str) -> String {
    let is_name = text.chars().all(char::is_alphanumeric) && text.starts_with(char::is_uppercase) && text.len() > 2;
    if !is_name {
        return text.to_owned();
    }
    let mut said = String::new();
    for (place, letter) in text.char_indices() {
        if letter.is_uppercase() && place > 0 {
            said.push('_');
        }
        said.extend(letter.to_lowercase());
    }
    said
}

fn happened(event: &LeadEvent) -> String {
    match &event.body {
        Body::Activity(activity) => {
            let on = activity.title.as_ref().or(activity.path.as_ref()).or(activity.content_id.as_ref());
            let bot = if activity.bot { ", by a machine" } else { "" };
            format!("{}{}{bot}", activity.name, on.map(|on| format!(" ({on})")).unwrap_or_default())
        }
        Body::Facts(facts) => {
            let names: Vec<_> = facts.iter().filter(|fact| fact.value != FactValue::Text(String::new())).collect();
            let names: Vec<&str> = names.iter().map(|fact| fact.name.as_str()).collect();
            format!("learned {}", if names.is_empty() { "an id".to_owned() } else { names.join(", ") })
        }
        Body::Crm(crm) => {
            let how = crm.touch.as_ref().map(|touch| {
                let by = if touch.automated { ", automated" } else { "" };
                format!(" by {} ({:?}{by})", touch.medium, touch.outcome).to_lowercase()
            });
            let verdict = crm.disposition.as_ref().map(|verdict| format!(" {}", verdict.code));
            let other = crm.status.as_ref().or(crm.owner.as_ref()).or(crm.opportunity.as_ref());
            let by = crm.actor.as_ref().map(|actor| format!(", {actor}")).unwrap_or_default();
            let detail = how.or(verdict).or_else(|| other.map(|other| format!(" {other}"))).unwrap_or_default();
            format!("sales: {}{detail}{by}", snake(&format!("{:?}", crm.kind)))
        }
        Body::Consent(consent) => {
            format!(
                "{} {}",
                if consent.channel == "all" { "contact" } else { &consent.channel },
                snake(&format!("{:?}", consent.state))
            )
        }
        Body::Linked(linked) => format!("is the {} of an id", linked.kind),
        Body::Retracted(retraction) => format!("{} is taken back: {}", retraction.event_id, retraction.reason.as_str()),
        Body::Tick(_) | Body::Policy(_) => String::new(),
    }
}
