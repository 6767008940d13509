//! The sequencer: gives every event its lead, its place in the log, and drops what came before.
//!
//! Holds: the same rows and the same event give the same answer. An event id counts once within the
//! time that the policy remembers it. Stamps rise strictly, from one call to the next when the caller
//! takes them from [`stamp_for`]. Every call has exactly one outcome.

use baton_domain::{Body, IdentityLink, LeadEvent, LeadId, Linked, LogTime, Millis, RawEvent, Reason, Stamp};
use baton_policy::Identity;
use xxhash_rust::xxh3::xxh3_64;

use crate::claim::{Claim, Kind, claims};
use crate::resolve::{Resolution, resolve};
use crate::retract::retract;
use crate::row::{Known, NOBODY, id_key, lead_key, seen_key};
use crate::{Directory, Rejected, Row, date};

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an event that is not written is lost"]
pub struct Sequenced {
    /// What to write to `lead.events`, in order: the links first, then the event.
    pub events: Vec<LeadEvent>,
    /// What to write to `lead.identity`.
    pub links: Vec<IdentityLink>,
    /// One of `sequenced`, `clamped`, `id_overflow`, `id_clash`, `duplicate`, `taken_back` (dropped: a
    /// retraction came before it), `retracted`, `retracted_ahead`, `retracted_before`, `canary`, `tick`, `rejected`.
    /// Where several hold, the one that stands later in the list up to `id_clash`.
    pub outcome: &'static str,
    /// Why, when rejected.
    pub rejected: Option<Rejected>,
    /// The last stamp used: the log's time from here on.
    pub last: LogTime,
}

impl Sequenced {
    pub(crate) fn nothing(outcome: &'static str, at: LogTime) -> Self {
        Self { events: Vec::new(), links: Vec::new(), outcome, rejected: None, last: at }
    }

    pub(crate) fn rejected(reason: Reason, detail: &str, at: LogTime) -> Self {
        Self { rejected: Some(Rejected::new(reason, detail)), ..Self::nothing("rejected", at) }
    }
}

/// The stamp for the next event: the time of its receipt, but always after `now`, the last stamp used.
///
/// `appended` is when the log took the record. A receipt more than five minutes after it is not
/// believed: one wrong clock must not carry everyone's time away.
pub fn stamp_for(now: LogTime, raw: &RawEvent, appended: Millis) -> LogTime {
    let received = date::believed(raw.received_at, appended).unwrap_or(appended);
    now.next().max(LogTime::from_millis(received))
}

/// Sequences one event at `at`. `origin` is where it came from, as `topic/partition/offset`.
pub fn step(policy: &Identity, dir: &mut impl Directory, at: LogTime, origin: &str, raw: RawEvent) -> Sequenced {
    if matches!(raw.body, Body::Tick(_)) {
        return Sequenced::nothing("tick", at);
    }
    if let Some(lead_id) = raw.canary() {
        return release(policy, at, origin, lead_id, raw);
    }
    let (seen_key, content) = (seen_key(&raw.event_id), content(&raw));
    match dir.get(&seen_key) {
        Some(Row::Seen { content: before, .. }) if before == content => return Sequenced::nothing("duplicate", at),
        Some(Row::Retracted) => return Sequenced::nothing("taken_back", at),
        Some(_) => return Sequenced::rejected(Reason::IdConflict, "the same event id came with other content", at),
        None => {}
    }
    let seen = |lead_id: &str| Some(Row::Seen { content, lead_id: lead_id.to_owned(), retracted: false });
    let forget = Some(forgotten_at(policy, at));
    if let Body::Retracted(retraction) = &raw.body {
        let retraction = retraction.clone();
        let done = retract(policy, dir, at, origin, raw, &retraction);
        if done.rejected.is_none() {
            dir.put(&seen_key, seen(NOBODY), forget);
        }
        return done;
    }
    let Ok(claims) = claims(policy, dir, &raw.ids) else {
        return Sequenced::rejected(Reason::MissingId, "unknown lead", at);
    };
    let Some(resolution) = resolve(dir, claims) else {
        return Sequenced::rejected(Reason::MissingId, "no id that means somebody", at);
    };
    dir.put(&seen_key, seen(&resolution.lead_id), forget);
    remember(dir, at, &resolution);
    say(policy, at, origin, raw, resolution)
}

/// Lets a canary go. It leaves no row: nobody asks for its past, and one that comes twice is two canaries.
fn release(policy: &Identity, at: LogTime, origin: &str, lead_id: LeadId, raw: RawEvent) -> Sequenced {
    let resolution = Resolution { lead_id, links: Vec::new(), clash: false, overflow: false };
    Sequenced { outcome: "canary", ..say(policy, at, origin, raw, resolution) }
}

/// Forgets an event id whose time is over. `key` is the key that [`Directory::put`] was given.
pub fn wake(dir: &mut impl Directory, key: &str) {
    dir.put(key, None, None);
}

/// When an event id that came, or was taken back, at `at` is forgotten.
pub(crate) fn forgotten_at(policy: &Identity, at: LogTime) -> LogTime {
    LogTime(at.0.saturating_add(policy.dedupe_ms.saturating_mul(1_000)))
}

/// Hash of what an event says: ids and body.
///
/// Not its time: an SDK that sends again is given another time by the server that works it out, and
/// the same event would look like another.
fn content(raw: &RawEvent) -> u64 {
    // Writing plain data into memory does not fail; if it did, a repeat would still count once.
    let bytes = postcard::to_stdvec(&(&raw.ids, &raw.body)).unwrap_or_default();
    xxh3_64(&bytes)
}

/// Writes the lead, its new ids, and what the leads they left have lost.
fn remember(dir: &mut impl Directory, at: LogTime, resolution: &Resolution) {
    let lead_id = &resolution.lead_id;
    let before = Known::of(dir, lead_id);
    let mut known = before.clone().unwrap_or_else(|| Known::new(at));
    for link in &resolution.links {
        if let Some((holder, mut loser)) = link.holder.as_ref().and_then(|lead| Some((lead, Known::of(dir, lead)?))) {
            loser.ids = loser.ids.saturating_sub(1);
            dir.put(&lead_key(holder), Some(Row::Lead(loser)), None);
        }
        known.ids += 1;
        match link.kind {
            Kind::Crm => known.crm = true,
            Kind::User => known.user = true,
            Kind::Email => known.email = true,
            Kind::Anonymous => {}
        }
        dir.put(&id_key(&link.name()), Some(Row::Id { lead_id: lead_id.clone() }), None);
    }
    if before.as_ref() != Some(&known) {
        dir.put(&lead_key(lead_id), Some(Row::Lead(known)), None);
    }
}

/// Says which ids were found to be the lead's, then what happened.
pub(crate) fn say(policy: &Identity, at: LogTime, origin: &str, raw: RawEvent, resolution: Resolution) -> Sequenced {
    let Resolution { lead_id, links: new_ids, clash, overflow } = resolution;
    let clamped = raw.occurred_at.since(at.millis()) > policy.max_skew_ms;
    let occurred_at = if clamped { at.millis() } else { raw.occurred_at };
    let links =
        new_ids.iter().map(|link| IdentityLink { id: link.name(), lead_id: lead_id.clone(), since: at }).collect();
    let told = new_ids.into_iter().filter(|link| link.kind.is_strong() || link.holder.is_some());
    let told = told.map(|link| (format!("{}#link-{}", raw.event_id, label(&link)), Body::Linked(linked(link))));
    let mut said: Vec<(String, Body)> = told.collect();
    said.push((raw.event_id, raw.body));
    let mut last = at;
    let mut events = Vec::with_capacity(said.len());
    for (event_id, body) in said {
        last = if events.is_empty() { at } else { last.next() };
        let stamp = Stamp { at: last, lane: 0 };
        let origin = origin.to_owned();
        events.push(LeadEvent { stamp, lead_id: lead_id.clone(), event_id, occurred_at, origin, body });
    }
    let outcome = match (clash, overflow, clamped) {
        (true, _, _) => "id_clash",
        (_, true, _) => "id_overflow",
        (_, _, true) => "clamped",
        _ => "sequenced",
    };
    Sequenced { events, links, outcome, rejected: None, last }
}

fn label(link: &Claim) -> &'static str {
    if link.previous { "previous" } else { link.kind.as_str() }
}

fn linked(link: Claim) -> Linked {
    Linked { kind: link.kind.as_str().to_owned(), id: link.id, previous_lead: link.holder }
}
