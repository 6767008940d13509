//! The limits on an event, whatever format it came in.
//!
//! Holds: checking twice is checking once. Names, paths and titles are cut; any other text that is too
//! long refuses the event, because half an id or half an address is another one.

use baton_domain::{Body, CrmActivity, Fact, FactValue, Ids, Millis, RawEvent, Reason};

use crate::Rejected;
use crate::date::not_too_early;
use crate::limits::{self, clip};

/// Judges an event by the limits that hold for every source, and makes blank ids absent.
///
/// Refuses an event without an id or without a person's id (a tick needs neither, a retraction only the first), one that is the
/// sequencer's own to say, one dated before 2000, and one with more or longer texts than the limits.
pub fn check(mut raw: RawEvent) -> Result<RawEvent, Rejected> {
    not_too_early(raw.occurred_at, "occurred_at")?;
    optional_date(raw.received_at, "received_at")?;
    if !matches!(raw.body, Body::Tick(_)) {
        if raw.event_id.trim().is_empty() {
            return Err(Rejected::missing("event_id"));
        }
        text("event_id", &raw.event_id)?;
        let named = ids(&mut raw.ids)?;
        // What is taken back names its lead itself.
        if !named && !matches!(raw.body, Body::Retracted(_)) {
            return Err(Rejected::new(Reason::MissingId, "no id of the person"));
        }
    }
    body(&mut raw.body)?;
    Ok(raw)
}

/// Whether there is any.
fn ids(ids: &mut Ids) -> Result<bool, Rejected> {
    let mut any = false;
    for (field, id) in [
        ("crm_id", &mut ids.crm_id),
        ("user_id", &mut ids.user_id),
        ("email", &mut ids.email),
        ("anonymous_id", &mut ids.anonymous_id),
        ("previous_id", &mut ids.previous_id),
    ] {
        id.take_if(|id| id.trim().is_empty());
        optional(field, id.as_deref())?;
        any |= id.is_some();
    }
    if ids.email.as_deref().is_some_and(|email| email.trim().len() > limits::EMAIL_BYTES) {
        return Err(too_long("email", limits::EMAIL_BYTES));
    }
    Ok(any)
}

fn body(body: &mut Body) -> Result<(), Rejected> {
    match body {
        Body::Tick(_) => Ok(()),
        Body::Linked(_) | Body::Policy(_) => Err(Rejected::unknown("body")),
        Body::Retracted(retraction) if retraction.event_id.trim().is_empty() => Err(Rejected::missing("retracts")),
        Body::Retracted(retraction) => {
            text("retracts", &retraction.event_id)?;
            text("by", &retraction.by)
        }
        Body::Facts(list) if list.len() > limits::TRAITS => {
            Err(Rejected::new(Reason::Limits, format!("more than {} facts", limits::TRAITS)))
        }
        Body::Facts(list) => list.iter().try_for_each(fact),
        Body::Crm(activity) => crm(activity),
        Body::Consent(consent) => {
            text("channel", &consent.channel)?;
            text("source", &consent.source)
        }
        Body::Activity(activity) => {
            clip(&mut activity.name, limits::LABEL_BYTES);
            [&mut activity.path, &mut activity.title]
                .into_iter()
                .flatten()
                .for_each(|label| clip(label, limits::LABEL_BYTES));
            optional("content_id", activity.content_id.as_deref())?;
            optional("content_stage", activity.content_stage.as_deref())?;
            optional("topic", activity.topic.as_deref())?;
            optional("form_id", activity.form_id.as_deref())?;
            optional("campaign", activity.campaign.as_deref())?;
            optional("source", activity.source.as_deref())?;
            optional("medium", activity.medium.as_deref())
        }
    }
}

fn fact(fact: &Fact) -> Result<(), Rejected> {
    text("the name of a fact", &fact.name)?;
    text("the source of a fact", &fact.source)?;
    match &fact.value {
        FactValue::Number(_) | FactValue::Flag(_) => Ok(()),
        FactValue::Text(value) => text(shown(&fact.name), value),
        FactValue::List(items) if items.len() > limits::TRAITS => {
            Err(Rejected::new(Reason::Limits, format!("{} has more than {} items", shown(&fact.name), limits::TRAITS)))
        }
        FactValue::List(items) => items.iter().try_for_each(|item| text(shown(&fact.name), item)),
    }
}

fn crm(activity: &CrmActivity) -> Result<(), Rejected> {
    optional("actor", activity.actor.as_deref())?;
    optional("status", activity.status.as_deref())?;
    optional("owner", activity.owner.as_deref())?;
    optional("opportunity", activity.opportunity.as_deref())?;
    optional("medium", activity.touch.as_ref().map(|touch| touch.medium.as_str()))?;
    let Some(disposition) = &activity.disposition else { return Ok(()) };
    text("disposition.code", &disposition.code)?;
    optional("disposition.reason", disposition.reason.as_deref())?;
    optional_date(disposition.next_check_in, "disposition.nextCheckIn")
}

/// The name of a fact, where it looks like a name: the names are the source's, and might be anything.
fn shown(name: &str) -> &str {
    let plain = |b: u8| b.is_ascii_lowercase() || b == b'_';
    if name.len() <= 32 && name.bytes().all(plain) { name } else { "a fact" }
}

fn optional(field: &str, value: Option<&str>) -> Result<(), Rejected> {
    value.map_or(Ok(()), |value| text(field, value))
}

fn optional_date(at: Option<Millis>, field: &str) -> Result<(), Rejected> {
    at.map_or(Ok(()), |at| not_too_early(at, field))
}

fn text(field: &str, value: &str) -> Result<(), Rejected> {
    if value.len() > limits::TEXT_BYTES { Err(too_long(field, limits::TEXT_BYTES)) } else { Ok(()) }
}

fn too_long(field: &str, most: usize) -> Rejected {
    Rejected::new(Reason::Limits, format!("{field} is longer than {most} bytes"))
}
