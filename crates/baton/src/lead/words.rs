//! What a record says, in a few words.
//!
//! Holds: no address leaves whole, wherever it stands, and of names and numbers of a person only that they are known.

use baton_domain::{
    Body, ChannelConsent, ConsentState, Fact, FactValue, KindCount, LeadCooled, LeadEvent, LifecycleRejected, Moment,
    StatusChanged, Trigger, TriggerKind,
};
use baton_scenario::Seen;

use super::day_time;
use super::promise::used;
use crate::summary::mask;

/// Facts that name or reach a person, however they are spelt: `first_name`, `firstName`.
const PERSONAL: [&str; 5] = ["name", "firstname", "lastname", "phone", "address"];

fn is_personal(fact: &str) -> bool {
    let plain: String = fact.chars().filter(char::is_ascii_alphanumeric).collect();
    PERSONAL.contains(&plain.to_ascii_lowercase().as_str())
}

/// A record in a few words.
pub(super) fn what(seen: &Seen) -> String {
    let value = || seen.value.clone();
    let said = match seen.topic.as_str() {
        "lead.events" => serde_json::from_value(value()).ok().map(|event: LeadEvent| happened(&event)),
        "lifecycle.rejected" => serde_json::from_value(value()).ok().map(|word: LifecycleRejected| refused(&word)),
        "status.changed" => serde_json::from_value(value()).ok().map(|change: StatusChanged| worked(&change)),
        "lead.cooled" => serde_json::from_value(value()).ok().map(|cooled: LeadCooled| cold(&cooled)),
        _ => None,
    };
    said.unwrap_or_else(|| mask(&named(seen)))
}

/// What stands in the fields of a record that say most.
fn named(seen: &Seen) -> String {
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
        "missing_facts",
    ];
    let said = names.iter().filter_map(|name| match inner.get(name)? {
        serde_json::Value::String(text) if !text.is_empty() => Some(format!("{name} {}", snake(text))),
        serde_json::Value::Array(facts) if *name == "missing_facts" && !facts.is_empty() => {
            let facts: Vec<&str> = facts.iter().filter_map(serde_json::Value::as_str).collect();
            Some(format!("missing {}", facts.join(" and ")))
        }
        serde_json::Value::Number(number) if *name == "level" => {
            number.as_i64().and_then(|level| i32::try_from(level).ok()).filter(|level| *level > 0).map(used)
        }
        serde_json::Value::Number(number) if number.as_i64() != Some(0) => Some(format!("{name} {number}")),
        _ => None,
    });
    said.collect::<Vec<_>>().join(", ")
}

/// What was asked for and not allowed, and why.
fn refused(rejected: &LifecycleRejected) -> String {
    let why = match rejected.rule.as_str() {
        "earlier_episode" => "it happened before the episode that is open".to_owned(),
        "no_trace" => "there is nothing of it that could be taken back".to_owned(),
        "opted_in_since" => "the person opted in after it was said".to_owned(),
        "not_opted_in" => "the person did not opt in".to_owned(),
        "unknown_disposition" | "unknown_opportunity" | "unknown_status" => "nobody knows this word".to_owned(),
        "status_not_allowed" => format!("no status of a lead in {}", rejected.current),
        _ => format!("no way from {}", rejected.current),
    };
    format!("{} is refused: {why} ({})", mask(&rejected.attempted), rejected.rule)
}

/// Where the work on the lead stands now.
fn worked(change: &StatusChanged) -> String {
    let to = change.to.map_or_else(|| "to none: nobody works on the lead now".to_owned(), |to| format!("to {to}"));
    change.owner.as_ref().map_or_else(|| to.clone(), |owner| format!("{to}, owner {}", mask(owner)))
}

fn cold(cooled: &LeadCooled) -> String {
    format!("engagement fell below {}, the line of band {}", cooled.threshold, cooled.band.0)
}

/// `FirstTouch` as it is written elsewhere: `first_touch`. What is no such name stays as it is.
pub(super) fn snake(text: &str) -> String {
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

/// An event of the lead in a few words.
pub(super) fn happened(event: &LeadEvent) -> String {
    let said = match &event.body {
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
            let channel = if consent.channel == "all" { "contact" } else { &consent.channel };
            format!("{channel} {}", permitted(consent.state, consent.explicit))
        }
        Body::Linked(linked) => format!("is the {} of an id", linked.kind),
        Body::Retracted(retraction) => format!("{} is taken back: {}", retraction.event_id, retraction.reason.as_str()),
        Body::Tick(_) | Body::Policy(_) => String::new(),
    };
    mask(&said)
}

/// What a person said of a channel: `denied`, `granted, by the person's own choice`.
pub(super) fn permitted(state: ConsentState, explicit: bool) -> String {
    let chosen = explicit && state == ConsentState::Granted;
    format!("{}{}", snake(&format!("{state:?}")), if chosen { ", by the person's own choice" } else { "" })
}

/// What was said of a channel.
pub(super) fn contact(said: &ChannelConsent) -> String {
    let permitted = permitted(said.state, said.explicit);
    format!("{}: {permitted}, since {}", mask(&said.channel), day_time(said.since))
}

/// What they did, and when.
pub(super) fn did(moment: &Moment) -> String {
    let on = moment.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{} at {}", mask(&format!("{}{on}", moment.name)), day_time(moment.occurred_at))
}

/// What they look at, and how often.
pub(super) fn looks_at(topic: &KindCount) -> String {
    format!("{} ({})", mask(&topic.name), topic.count)
}

/// Where they came from first and last: source and campaign.
pub(super) fn heard_from(
    first: &(Option<String>, Option<String>),
    last: &(Option<String>, Option<String>),
) -> Vec<String> {
    let from = |(which, (source, campaign)): (&str, &(Option<String>, Option<String>))| {
        let campaign = campaign.as_ref().map(|campaign| format!(", campaign {}", mask(campaign))).unwrap_or_default();
        source.as_ref().map(|source| format!("{which}: {}{campaign}", mask(source)))
    };
    [("first", first), ("last", last)].into_iter().filter_map(from).collect()
}

/// A fact in words.
pub(super) fn known(fact: &Fact) -> String {
    let value = match &fact.value {
        _ if is_personal(&fact.name) => "known".to_owned(),
        FactValue::Text(text) => mask(text),
        FactValue::Number(number) => number.to_string(),
        FactValue::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        FactValue::List(words) => words.iter().map(|word| mask(word)).collect::<Vec<_>>().join(", "),
    };
    let since = fact.observed_at.map(|at| format!(", {}", day_time(at))).unwrap_or_default();
    format!("{}: {value} ({}{since})", fact.name, fact.source)
}

/// What made the difference. Of a fact it says `phone = +49 30 1234 (crm)`.
pub(super) fn why(trigger: &Trigger) -> String {
    let kind = match trigger.kind {
        TriggerKind::Action => "an action",
        TriggerKind::Fact => "a new fact",
    };
    let personal = trigger.label.split_once(" = ").filter(|(fact, _)| is_personal(fact));
    let label = match personal {
        Some((fact, value)) if trigger.kind == TriggerKind::Fact => {
            let source = value.rsplit_once(" (").map(|(_, source)| format!(" ({source}")).unwrap_or_default();
            format!("{fact} = known{source}")
        }
        _ => mask(&trigger.label),
    };
    format!("{kind}: {label} at {}, {} points", day_time(trigger.occurred_at), trigger.points)
}
