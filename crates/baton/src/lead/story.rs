//! A lead's story: everything that a person asks about it, ready to be shown.
//!
//! Holds: the receipt shown is the newest one, whole, so that it sums to the score shown; what is
//! unknown is an empty list or nothing, never a guess; no address leaves whole, and of names and numbers of a
//! person only that they are known.

use std::collections::BTreeMap;

use baton_domain::{LeadEvent, LifecycleChanged, Points, ScoreUpdate};
use baton_policy::Policy;
use baton_scenario::Seen;
use serde::Serialize;

use super::desk::{Desk, desks};
use super::episode::{Episode, episodes};
use super::promise::{Promise, promises};
use super::sums::{Raise, Subtotal, last_raise, subtotals};
use super::today::{Today, today};
use super::words::{happened, what};
use super::{day_time, of_topic, time};

/// Everything about one lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Story {
    pub(super) lead_id: String,
    pub(super) stage: Option<String>,
    pub(super) score: Option<Score>,
    /// When they last asked for sales, and by what; nothing where the log no longer has it.
    pub(super) last_hand_raise: Option<Raise>,
    /// Who has it now, and why.
    pub(super) desk: Option<Desk>,
    /// As it stands by the end of the log; nothing where the policy that judged is not known.
    pub(super) today: Option<Today>,
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
    /// The same by groups of rules, which come to the score too; nothing where the policy that judged is not known.
    pub(super) by_group: Vec<Subtotal>,
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    pub(super) points: String,
    pub(super) rule: String,
    pub(super) kind: String,
    pub(super) event_id: String,
    /// What the person did, or what became known; absent where the event is no longer on the log.
    pub(super) did: Option<String>,
    pub(super) at: String,
    /// How many events are told in this line.
    pub(super) count: i32,
    /// When the first and the last of several happened.
    pub(super) between: Option<(String, String)>,
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
    /// The story in a lead's records, and in the policy that judged it last, where that is known.
    pub(super) fn of(lead_id: &str, records: &[Seen], policy: Option<&Policy>) -> Self {
        let moves: Vec<LifecycleChanged> = of_topic(records, |topic| topic == "lifecycle.changed");
        let scores: Vec<ScoreUpdate> = of_topic(records, |topic| topic == "lead.score");
        let stages: Vec<Move> = moves.iter().map(entered).collect();
        Self {
            lead_id: lead_id.to_owned(),
            stage: moves.last().map(|change| change.to.to_string()),
            score: scores.last().map(|update| score(update, &did(records), policy)),
            last_hand_raise: last_raise(records, policy),
            desk: desks(records).pop(),
            today: policy.and_then(|policy| today(records, &moves, policy)),
            episodes: episodes(records),
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

/// What each event on the log says, by its id.
fn did(records: &[Seen]) -> BTreeMap<String, String> {
    let events: Vec<LeadEvent> = of_topic(records, |topic| topic == "lead.events");
    events.into_iter().map(|event| (event.event_id.clone(), happened(&event))).collect()
}

fn score(update: &ScoreUpdate, did: &BTreeMap<String, String>, policy: Option<&Policy>) -> Score {
    let part = |line: &baton_domain::Contribution| Part {
        points: line.points.to_string(),
        rule: line.rule.clone(),
        kind: format!("{:?}", line.kind).to_lowercase(),
        event_id: line.event_id.clone(),
        did: did.get(&line.event_id).cloned(),
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
        by_group: policy.map(|policy| subtotals(&update.receipt, policy)).unwrap_or_default(),
    }
}

/// Everything in order; scores only where nothing else is said of the same instant.
fn timeline(records: &[Seen]) -> Vec<Entry> {
    let told = |seen: &&Seen| !["lead.score", super::AGGREGATE, super::POLICY].contains(&seen.topic.as_str());
    let mut all: Vec<&Seen> = records.iter().filter(told).collect();
    all.sort_by_key(|seen| (seen.at(), seen.topic != "lead.events"));
    let entry = |seen: &Seen| Entry {
        at: seen.at().map(|at| time(baton_domain::LogTime(at))).unwrap_or_default(),
        topic: seen.topic.clone(),
        what: what(seen),
    };
    all.into_iter().map(entry).collect()
}
