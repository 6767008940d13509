//! The nouns spoken on Baton's topics, and the time they are told in.
//!
//! Holds: every type here is plain data with a fixed field order (the order of
//! its Avro schema in `schemas/`), so that the same value always has the same
//! bytes. No floats: points are micro-points, money is whole units.
//!
//! Absent on purpose: any rule, any clock, any knowledge of Kafka.

mod aggregate;
mod canary;
mod dead_letter;
mod event;
mod handoff;
mod ledger;
mod lifecycle;
mod notice;
mod points;
mod policy;
mod raw;
mod roster;
mod score;
mod sla;
mod time;

pub use aggregate::{Engagement, EngagementUpdate, KindCount};
pub use canary::{Canary, canary_lead, canary_user, is_canary};
pub use dead_letter::Reason;
pub use event::{
    Activity, Body, Consent, ConsentState, CrmActivity, CrmKind, Direction, Disposition, Fact, FactValue, LeadEvent,
    Linked, PolicyChange, Retraction, RetractionReason, Stamp, Tick, Touch, TouchOutcome,
};
pub use handoff::{
    Account, Answer, Answered, Assignment, AssignmentRequest, ChannelConsent, Criterion, Deadline, Excluded, Handoff,
    History, Moment, Moved, Noticed, OwnerChange, PastEpisode, Qualified, Qualifying, ReasonKind, Released, RouteInput,
    RoutingStep, Trigger, TriggerKind, YesNo,
};
pub use ledger::{Count, Ledger};
pub use lifecycle::{
    CauseClass, Label, LifecycleChanged, LifecycleRejected, NurtureEvent, NurtureKind, Stage, Status, StatusChanged,
    Verdict,
};
pub use notice::{ActivityAlert, AlertedLead, EnrichmentRequested, HandoffRevised, LeadCooled, Revision};
pub use points::Points;
pub use policy::PolicyPublished;
pub use raw::{IdentityLink, Ids, RawEvent};
pub use roster::{Absence, RepState, RepStatus, RosterEvent, RosterInput};
pub use score::{Band, Contribution, ContributionKind, Grade, ScoreUpdate, Span};
pub use sla::{Clock, ClockStart, DeskHours, MARKETING, Party, Pause, SlaAction, SlaEvent, SlaEventKind, WatchInput};
pub use time::{LogTime, Millis};

/// The identity of a lead inside Baton, for example `ld_3f2a9c01d4e5b677`.
///
/// Minted once by `identify`, never changed afterwards.
pub type LeadId = String;
