//! `lead.events`: the one ordered log of everything that touches a lead.

use serde::{Deserialize, Serialize};

use crate::{LeadId, LogTime, Millis};

/// Where a record stands in log time, and which lane of its producer wrote it.
///
/// The first field of every record that one stage reads from another: a lane
/// that merges several producers orders them by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// The log time of the record.
    pub at: LogTime,
    /// The partition (lane) of the stage that wrote it; 0 for the sequencer.
    pub lane: i32,
}

/// One entry of a lead's history. Schema `lead.events-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadEvent {
    /// Position and time in the log.
    pub stamp: Stamp,
    /// Whose history; empty for a [`Body::Tick`], which is everyone's.
    pub lead_id: LeadId,
    /// The id under which the source sent it; unique after deduplication.
    pub event_id: String,
    /// When it happened, by the source, clamped by the sequencer to `stamp` plus the allowed skew.
    pub occurred_at: Millis,
    /// Topic, partition and offset it came from, as `topic/partition/offset`.
    pub origin: String,
    /// What happened.
    pub body: Body,
}

/// What happened to a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Nothing but the passing of time up to and including `stamp.at`.
    Tick(Tick),
    /// The person did something on a channel that marketing watches.
    Activity(Activity),
    /// Something became known about the person or their company.
    Facts(Vec<Fact>),
    /// Sales did something, as told by the CRM.
    Crm(CrmActivity),
    /// The person allowed or forbade being contacted.
    Consent(Consent),
    /// Another id was found to be this lead's.
    Linked(Linked),
    /// An earlier event is taken back: the lead is to stand as if it had never been.
    Retracted(Retraction),
    /// From here on another policy judges. Without a lead, like a [`Body::Tick`], in every partition.
    Policy(PolicyChange),
}

/// A point in log time: every later record of this partition has a greater stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {}

/// Something the person did. Names follow the Segment spec's semantic events
/// (`Page Viewed`, `Content Downloaded`, `Demo Requested`, ...).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Semantic event name.
    pub name: String,
    /// Path of the page, query removed: `/pricing`.
    pub path: Option<String>,
    /// Title of the page or asset.
    pub title: Option<String>,
    /// Identity of the content consumed; the path when the source names none.
    pub content_id: Option<String>,
    /// `tofu`, `mofu` or `bofu`.
    pub content_stage: Option<String>,
    /// Topic of interest that the source tagged.
    pub topic: Option<String>,
    /// Form that was submitted.
    pub form_id: Option<String>,
    /// Campaign (`utm_campaign` or the source's own).
    pub campaign: Option<String>,
    /// Where the visit came from (`utm_source`, else the referrer's host).
    pub source: Option<String>,
    /// `utm_medium`.
    pub medium: Option<String>,
    /// The source said a machine did it.
    pub bot: bool,
}

/// One trait of a person or company, with where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// `email`, `title`, `company`, `employees`, `country`, `industry`, ...
    pub name: String,
    /// Its value.
    pub value: FactValue,
    /// Who said so: `form`, `crm`, `enrichment`, ...
    pub source: String,
    /// When it was observed, where that is not the time of the event that told it.
    pub observed_at: Option<Millis>,
}

/// The value of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FactValue {
    /// Words.
    Text(String),
    /// A whole number: employees, revenue in whole currency units.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Several words: a tech stack.
    List(Vec<String>),
}

/// What sales did or decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmActivity {
    /// Which of the things below this is.
    pub kind: CrmKind,
    /// The person or system that did it.
    pub actor: Option<String>,
    /// Present on a touch.
    pub touch: Option<Touch>,
    /// New lead status on a status change.
    pub status: Option<String>,
    /// New owner on an owner change.
    pub owner: Option<String>,
    /// Present on a disposition.
    pub disposition: Option<Disposition>,
    /// Present on an opportunity change: `open`, `won` or `lost`.
    pub opportunity: Option<String>,
}

/// The kinds of CRM activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CrmKind {
    /// Somebody tried to reach the lead, or the lead reached back.
    #[default]
    Touch,
    /// Lead status changed.
    Status,
    /// Owner changed.
    Owner,
    /// The rep accepted the handoff (MQL to SAL handshake).
    Accepted,
    /// The rep judged the lead.
    Disposition,
    /// An opportunity was opened, won or lost.
    Opportunity,
}

/// One contact or attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// `call`, `email`, `meeting`, `sms`, `social`.
    pub medium: String,
    /// Who reached out.
    pub direction: Direction,
    /// What came of it.
    pub outcome: TouchOutcome,
    /// A sequence or autoresponder did it: never stops a first-touch clock.
    pub automated: bool,
}

/// Who reached out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Direction {
    /// Sales to lead.
    #[default]
    Outbound,
    /// Lead to sales.
    Inbound,
}

/// What came of a touch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TouchOutcome {
    /// Tried, nobody reached.
    #[default]
    Attempt,
    /// Two-way contact.
    Connected,
    /// Left a message.
    Voicemail,
    /// The address does not exist.
    Bounced,
    /// A machine answered.
    AutoReply,
}

/// A rep's verdict on a handed-off lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// `qualified`, `not_now`, `no_response`, `not_a_fit`, `wrong_owner`, `never_contact`, ...
    pub code: String,
    /// The rep's reason, as a code.
    pub reason: Option<String>,
    /// When sales wants the lead back.
    pub next_check_in: Option<Millis>,
    /// Of a duplicate: the lead that it is one of, as the CRM names it.
    pub duplicate_of: Option<String>,
}

/// Permission given, taken back, or a demand to forget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// `email`, `phone`, ... or `all`.
    pub channel: String,
    /// The new state.
    pub state: ConsentState,
    /// Who recorded it: `crm`, `map`, `web`, `legal`.
    pub source: String,
    /// Of a permission: the person chose it, and did not merely leave a form's default as it was.
    pub explicit: bool,
}

/// Whether the lead may be contacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConsentState {
    /// Allowed.
    Granted,
    /// Forbidden.
    Denied,
    /// Forget the person.
    Erased,
}

/// An id that belongs to the lead from here on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// `anonymous`, `user`, `email`, `crm`.
    pub kind: String,
    /// The id; an email appears only as its hash.
    pub id: String,
    /// The lead the id belonged to before, when a shared device changed hands or a visitor was recognised.
    pub previous_lead: Option<LeadId>,
}

/// An earlier event is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retraction {
    /// The id of the event that never was.
    pub event_id: String,
    /// Why.
    pub reason: RetractionReason,
    /// The person or system that took it back.
    pub by: String,
}

/// Why an event is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RetractionReason {
    /// A machine did it.
    Bot,
    /// The same act was told before under another id.
    Duplicate,
    /// Made up to look like interest.
    Fraud,
    /// Somebody tried the forms.
    Test,
    /// The person asked for it to be forgotten.
    Erasure,
}

impl RetractionReason {
    /// The reason's name on topics and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Duplicate => "duplicate",
            Self::Fraud => "fraud",
            Self::Test => "test",
            Self::Erasure => "erasure",
        }
    }
}

/// Another policy takes effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChange {
    /// Its name.
    pub name: String,
    /// Its version: greater than that of every policy before.
    pub version: i64,
    /// Who published it.
    pub author: String,
    /// The document as published, YAML.
    pub document: String,
}
