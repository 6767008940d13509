//! Which type each topic's records have, and their values as JSON.
//!
//! Holds: this is the one place that goes from a topic's name to the type of its records.

use std::rc::Rc;

use baton_domain::{
    ActivityAlert, Assignment, AssignmentRequest, Canary, ClockStart, EngagementUpdate, EnrichmentRequested, Handoff,
    HandoffRevised, IdentityLink, LeadCooled, LeadEvent, Ledger, LifecycleChanged, LifecycleRejected, NurtureEvent,
    PolicyPublished, Qualified, RawEvent, RepState, RosterEvent, ScoreUpdate, SlaEvent, StatusChanged,
};
use baton_wire::{Frame, Record};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::codec::{Codec, Schemas};
use crate::topics::Topology;

/// The type of a topic's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What a source says: JSON, or Avro of `RawEvent`.
    Source,
    /// What is so of a rep: JSON, or Avro of `RepState`.
    Rep,
    /// `RosterEvent`.
    Roster,
    /// `PolicyPublished`.
    Policy,
    /// `LeadEvent`.
    LeadEvent,
    /// `IdentityLink`.
    Identity,
    /// `EngagementUpdate`.
    Aggregate,
    /// `ScoreUpdate`.
    Score,
    /// `LifecycleChanged`.
    Lifecycle,
    /// `LifecycleRejected`.
    Rejected,
    /// `StatusChanged`.
    Status,
    /// `NurtureEvent`.
    Nurture,
    /// `LeadCooled`.
    Cooled,
    /// `EnrichmentRequested`.
    Enrichment,
    /// `HandoffRevised`.
    Revised,
    /// `Qualified`.
    Qualified,
    /// `AssignmentRequest`.
    Request,
    /// `Handoff`.
    Handoff,
    /// `Assignment`.
    Assignment,
    /// `ActivityAlert`.
    Alert,
    /// `ClockStart`.
    ClockStart,
    /// `SlaEvent`.
    Sla,
    /// `Canary`.
    Canary,
    /// `Ledger`.
    Ledger,
    /// Anything, as it came.
    DeadLetter,
    /// What was replayed: JSON.
    Mark,
}

impl Kind {
    /// What is on a topic, by its full name; `None` for changelogs and topics that are not Baton's.
    pub fn of(topology: &Topology, topic: &str) -> Option<Self> {
        if topology.sources.iter().any(|source| source.topic == topic) {
            return Some(Self::Source);
        }
        Some(match topic.strip_prefix(topology.prefix.as_str())? {
            "engagement.raw" | "crm.activity" | "consent.events" | "event.retractions" | "clock.ticks" => Self::Source,
            "reps.state" => Self::Rep,
            "roster.events" => Self::Roster,
            "policy" => Self::Policy,
            "lead.events" => Self::LeadEvent,
            "lead.identity" => Self::Identity,
            "engagement.aggregate" => Self::Aggregate,
            "lead.score" => Self::Score,
            "lifecycle.changed" => Self::Lifecycle,
            "lifecycle.rejected" => Self::Rejected,
            "status.changed" => Self::Status,
            "nurture.events" => Self::Nurture,
            "lead.cooled" => Self::Cooled,
            "enrichment.requested" => Self::Enrichment,
            "handoff.revised" => Self::Revised,
            "lead.qualified" => Self::Qualified,
            "assignment.requests" => Self::Request,
            "lead.handoff" => Self::Handoff,
            "lead.assignment" => Self::Assignment,
            "lead.activity_alert" => Self::Alert,
            "sla.requests" => Self::ClockStart,
            "sla.started" | "sla.warned" | "sla.met" | "sla.breach" | "sla.cancelled" | "sla.paused"
            | "sla.resumed" => Self::Sla,
            "canary.returned" => Self::Canary,
            "ledger.balance" => Self::Ledger,
            "dlq" => Self::DeadLetter,
            "dlq.replayed" => Self::Mark,
            _ => return None,
        })
    }
}

/// Reads the values of every topic.
pub struct Nouns {
    source: Codec<RawEvent>,
    rep: Codec<RepState>,
    roster: Codec<RosterEvent>,
    policy: Codec<PolicyPublished>,
    event: Codec<LeadEvent>,
    identity: Codec<IdentityLink>,
    aggregate: Codec<EngagementUpdate>,
    score: Codec<ScoreUpdate>,
    lifecycle: Codec<LifecycleChanged>,
    rejected: Codec<LifecycleRejected>,
    status: Codec<StatusChanged>,
    nurture: Codec<NurtureEvent>,
    cooled: Codec<LeadCooled>,
    enrichment: Codec<EnrichmentRequested>,
    revised: Codec<HandoffRevised>,
    qualified: Codec<Qualified>,
    request: Codec<AssignmentRequest>,
    handoff: Codec<Handoff>,
    assignment: Codec<Assignment>,
    alert: Codec<ActivityAlert>,
    clock: Codec<ClockStart>,
    sla: Codec<SlaEvent>,
    canary: Codec<Canary>,
    ledger: Codec<Ledger>,
}

impl Nouns {
    /// A reader that asks `schemas` for what it does not know.
    pub fn new(schemas: &Rc<dyn Schemas>) -> Self {
        Self {
            source: Codec::new(schemas),
            rep: Codec::new(schemas),
            roster: Codec::new(schemas),
            policy: Codec::new(schemas),
            event: Codec::new(schemas),
            identity: Codec::new(schemas),
            aggregate: Codec::new(schemas),
            score: Codec::new(schemas),
            lifecycle: Codec::new(schemas),
            rejected: Codec::new(schemas),
            status: Codec::new(schemas),
            nurture: Codec::new(schemas),
            cooled: Codec::new(schemas),
            enrichment: Codec::new(schemas),
            revised: Codec::new(schemas),
            qualified: Codec::new(schemas),
            request: Codec::new(schemas),
            handoff: Codec::new(schemas),
            assignment: Codec::new(schemas),
            alert: Codec::new(schemas),
            clock: Codec::new(schemas),
            sla: Codec::new(schemas),
            canary: Codec::new(schemas),
            ledger: Codec::new(schemas),
        }
    }

    /// A value as JSON on one line; `Ok(None)` where it is to be shown as it is.
    ///
    /// # Errors
    /// Why the value cannot be read, in words that begin with the dead-letter reason.
    pub fn json(&mut self, kind: Kind, value: &[u8]) -> Result<Option<Box<RawValue>>, String> {
        match kind {
            Kind::Source => match Frame::of(value) {
                Frame::Json(json) => one_line(json),
                _ => tell(&mut self.source, value),
            },
            Kind::Rep => match Frame::of(value) {
                Frame::Json(json) => one_line(json),
                _ => tell(&mut self.rep, value),
            },
            Kind::Roster => tell(&mut self.roster, value),
            Kind::Policy => tell(&mut self.policy, value),
            Kind::LeadEvent => tell(&mut self.event, value),
            Kind::Identity => tell(&mut self.identity, value),
            Kind::Aggregate => tell(&mut self.aggregate, value),
            Kind::Score => tell(&mut self.score, value),
            Kind::Lifecycle => tell(&mut self.lifecycle, value),
            Kind::Rejected => tell(&mut self.rejected, value),
            Kind::Status => tell(&mut self.status, value),
            Kind::Nurture => tell(&mut self.nurture, value),
            Kind::Cooled => tell(&mut self.cooled, value),
            Kind::Enrichment => tell(&mut self.enrichment, value),
            Kind::Revised => tell(&mut self.revised, value),
            Kind::Qualified => tell(&mut self.qualified, value),
            Kind::Request => tell(&mut self.request, value),
            Kind::Handoff => tell(&mut self.handoff, value),
            Kind::Assignment => tell(&mut self.assignment, value),
            Kind::Alert => tell(&mut self.alert, value),
            Kind::ClockStart => tell(&mut self.clock, value),
            Kind::Sla => tell(&mut self.sla, value),
            Kind::Canary => tell(&mut self.canary, value),
            Kind::Ledger => tell(&mut self.ledger, value),
            Kind::Mark => one_line(value),
            Kind::DeadLetter => return Ok(None),
        }
        .map(Some)
    }
}

fn tell<T>(codec: &mut Codec<T>, value: &[u8]) -> Result<Box<RawValue>, String>
where
    T: Record + Serialize + DeserializeOwned,
{
    let record = codec.decode(value).map_err(|(reason, detail)| format!("{reason}: {detail}"))?;
    to_raw_value(&record).map_err(|error| error.to_string())
}

/// JSON as its source wrote it, but for line breaks between its parts.
fn one_line(json: &[u8]) -> Result<Box<RawValue>, String> {
    let wrong = |error: serde_json::Error| format!("decode: {error}");
    let text: Box<RawValue> = serde_json::from_slice(json).map_err(wrong)?;
    if !text.get().contains(['\n', '\r']) {
        return Ok(text);
    }
    // Within a string a line break is always escaped.
    RawValue::from_string(text.get().replace(['\n', '\r'], " ")).map_err(wrong)
}
