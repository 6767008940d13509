//! A receipt by groups of rules, and the last time that a lead asked for sales.
//!
//! Holds: the subtotals sum to the score exactly, as the receipt does.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::{
    Activity, Body, Contribution, ContributionKind, HandoffRevised, LeadEvent, Millis, Points, Qualified, ReasonKind,
    TriggerKind,
};
use baton_policy::Policy;
use baton_scenario::Seen;
use serde::Serialize;

use super::{day_time, of_topic};
use crate::summary::mask;

/// What one part of the policy comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Subtotal {
    /// `fit`, `group`, `taken_away` (negative points, which no cap limits), `total_cap`, `floor`.
    pub(super) part: &'static str,
    /// Which group.
    pub(super) group: Option<String>,
    /// What is left of its points after fading and caps.
    pub(super) points: String,
}

/// When a person asked for sales.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Raise {
    pub(super) at: String,
    pub(super) did: String,
}

/// Parts of a score, in the order in which they are added up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Fit,
    Group(&'a str),
    TotalCap,
    TakenAway,
    Floor,
}

/// A receipt by the groups of the policy that judged.
pub(super) fn subtotals(receipt: &[Contribution], policy: &Policy) -> Vec<Subtotal> {
    let mut sums = BTreeMap::<Part<'_>, Points>::new();
    for line in receipt {
        let sum = sums.entry(part(line, policy)).or_default();
        *sum = *sum + line.points;
    }
    let told = |(part, points): (Part<'_>, Points)| {
        let (part, group) = match part {
            Part::Fit => ("fit", None),
            Part::Group(name) => ("group", Some(name.to_owned())),
            Part::TotalCap => ("total_cap", None),
            Part::TakenAway => ("taken_away", None),
            Part::Floor => ("floor", None),
        };
        Subtotal { part, group, points: points.to_string() }
    };
    sums.into_iter().map(told).collect()
}

fn part<'a>(line: &Contribution, policy: &'a Policy) -> Part<'a> {
    let rule = policy.engagement.rules.iter().find(|rule| rule.id == line.rule);
    let group = || policy.engagement.group_caps.get_key_value(&line.rule).map(|(name, _)| name.as_str());
    match line.kind {
        ContributionKind::Fact => Part::Fit,
        ContributionKind::Floor => Part::Floor,
        ContributionKind::Activity if line.points < Points::ZERO => Part::TakenAway,
        // What a recycle leaves of negative points is nearer to zero.
        ContributionKind::Damp if line.points > Points::ZERO => Part::TakenAway,
        _ => rule.map(|rule| rule.group.as_str()).or_else(group).map_or(Part::TotalCap, Part::Group),
    }
}

/// The last time that the person asked for sales: by an event that a rule takes for it by itself, or by one that
/// opened an episode. What was taken back does not count.
pub(super) fn last_raise(records: &[Seen], policy: Option<&Policy>) -> Option<Raise> {
    let events: Vec<LeadEvent> = of_topic(records, |topic| topic == "lead.events");
    let taken_back = |event: &LeadEvent| match &event.body {
        Body::Retracted(retraction) => Some(retraction.event_id.clone()),
        _ => None,
    };
    let revised: Vec<HandoffRevised> = of_topic(records, |topic| topic == "handoff.revised");
    let revised = revised.into_iter().map(|revised| revised.retracted);
    let gone: BTreeSet<String> = events.iter().filter_map(taken_back).chain(revised).collect();
    let heard = events.iter().filter_map(|event| match &event.body {
        Body::Activity(activity) if policy.is_some_and(|policy| asks(policy, activity)) => {
            Some((event.occurred_at, event.event_id.clone(), activity.name.clone()))
        }
        _ => None,
    });
    let ready: Vec<Qualified> = of_topic(records, |topic| topic == "lead.qualified");
    let opened = ready.into_iter().filter(|ready| ready.decision.reason == ReasonKind::HandRaise);
    let opened = opened.filter_map(|ready| {
        let trigger = ready.decision.trigger_set.into_iter().find(|trigger| trigger.kind == TriggerKind::Action)?;
        Some((trigger.occurred_at, trigger.event_id, trigger.label))
    });
    let all = heard.chain(opened).filter(|(_, event_id, _)| !gone.contains(event_id));
    let (at, _, name): (Millis, String, String) = all.max()?;
    Some(Raise { at: day_time(at), did: mask(&name) })
}

/// Whether an activity asks for sales by itself, whatever came before it.
fn asks(policy: &Policy, activity: &Activity) -> bool {
    let mut raises = policy.engagement.rules.iter().filter(|rule| rule.hand_raise && rule.when.span_ms().is_none());
    !activity.bot && raises.any(|rule| rule.when.matches(activity))
}
