//! From "ready" to a named desk: `lead.qualified`, `assignment.requests`, `lead.handoff`, `lead.assignment`.

use serde::{Deserialize, Serialize};

use crate::{
    Band, Clock, ConsentState, Contribution, Fact, Grade, KindCount, LeadId, LogTime, Millis, Points, PolicyChange,
    Stage, Stamp, Tick,
};

/// The scorer's decision that a lead is ready; opens an episode. Schema `lead.qualified-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qualified {
    /// When, and by which lane.
    pub stamp: Stamp,
    /// What the decision says.
    pub decision: Qualifying,
}

/// What the scorer knows of a lead at the instant it became ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qualifying {
    /// Who.
    pub lead_id: LeadId,
    /// Which handoff of this lead, from 1.
    pub episode: i32,
    /// `h_<lead>_<episode>`: the same on every replay.
    pub handoff_id: String,
    /// Urgency, as the policy names it: `P0` to `P3`.
    pub lane: String,
    /// Why at all.
    pub reason: ReasonKind,
    /// The matrix cell (`A1`), also given for a hand-raise.
    pub cell: String,
    /// Why now: the smallest set of newest inputs without which it would not have happened.
    pub trigger_set: Vec<Trigger>,
    /// Total score.
    pub score: Points,
    /// Fit points.
    pub fit: Points,
    /// Engagement points.
    pub engagement: Points,
    /// Fit grade.
    pub grade: Grade,
    /// Engagement band.
    pub band: Band,
    /// The parts of the score, largest first: they sum to it, but for those that `trimmed` says went.
    pub contributions: Vec<Contribution>,
    /// What is known about the lead.
    pub facts: Vec<Fact>,
    /// What the policy wants to know and does not.
    pub missing_facts: Vec<String>,
    /// What they did last, newest first, at most twenty.
    pub recent: Vec<Moment>,
    /// Topics of interest by falling count.
    pub topics: Vec<KindCount>,
    /// Where they first came from.
    pub first_source: Option<String>,
    /// Where they last came from.
    pub last_source: Option<String>,
    /// When the event that qualified them happened.
    pub occurred_at: Millis,
    /// The event that qualified them.
    pub event_id: String,
    /// Version of the policy that judged.
    pub policy_version: i64,
    /// What became of the episodes before.
    pub history: History,
    /// Given back so often that somebody other than the last owner is to look first: the router keeps the
    /// lead from whoever had it before.
    pub review: bool,
    /// The policy's questions about the lead, answered, in its order.
    pub criteria: Vec<Criterion>,
    /// Share of the facts that the policy wants to know which are known, in percent; 100 when it wants none.
    pub completeness: i32,
    /// What the lead last said of each channel, a no first; a channel of which nothing was said is not there.
    pub consent: Vec<ChannelConsent>,
    /// The campaign of where they first came from.
    pub first_campaign: Option<String>,
    /// The campaign of where they last came from.
    pub last_campaign: Option<String>,
}

/// What a lead last said of being contacted on a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelConsent {
    /// `email`, `phone`, ... or `all`.
    pub channel: String,
    /// Whether the lead may be contacted there.
    pub state: ConsentState,
    /// Whether the person chose a permission themselves; a form has one by default.
    pub explicit: bool,
    /// Since when, by the source.
    pub since: Millis,
}

/// What became of a lead's earlier episodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// How many episodes there were before this one.
    pub episodes: i32,
    /// The last of them, newest first, at most twenty.
    pub past: Vec<PastEpisode>,
    /// The last owner that the CRM named.
    pub last_owner: Option<String>,
    /// The date on which sales wanted to see the lead again.
    pub next_check_in: Option<Millis>,
}

/// An episode that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastEpisode {
    /// Which, from 1.
    pub episode: i32,
    /// The stage in which it ended.
    pub stage: Stage,
    /// Why: the disposition's code, or the cause of the move.
    pub code: String,
    /// The rep's reason, as a code.
    pub reason: Option<String>,
    /// The owner, where the CRM named one.
    pub owner: Option<String>,
    /// When, in log time.
    pub ended_at: Millis,
}

/// A question of a criteria set (BANT, MEDDIC, ...) and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// The set.
    pub set: String,
    /// The question's id.
    pub question: String,
    /// The answer.
    pub answer: YesNo,
}

/// The answers that a question can have. Unknown is not no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum YesNo {
    /// Something known speaks for it.
    Yes,
    /// What is known speaks against it.
    No,
    /// Too little is known.
    Unknown,
}

impl YesNo {
    /// The answer's name on screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a lead was handed off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ReasonKind {
    /// They asked for sales.
    HandRaise,
    /// Fit and engagement together crossed the line.
    Matrix,
    /// The date has come on which sales wanted to see them again.
    CheckIn,
    /// A change of policy moved the line below them.
    Policy,
}

/// One input that made the difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Action or newly learned fact.
    pub kind: TriggerKind,
    /// The input.
    pub event_id: String,
    /// In words: `Demo Requested`, `employees = 250 (enrichment)`.
    pub label: String,
    /// When it happened.
    pub occurred_at: Millis,
    /// Points it moved the score by.
    pub points: Points,
}

/// The two answers to "why now".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TriggerKind {
    /// They did something.
    Action,
    /// We learned something.
    Fact,
}

/// One thing the lead did, for the rep to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When.
    pub occurred_at: Millis,
    /// What: the event name.
    pub name: String,
    /// On what: page, asset or campaign.
    pub detail: Option<String>,
}

/// What the router reads: a request for a desk, or the passing of time. Schema `assignment.requests-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentRequest {
    /// When, and by which lane of the scorer.
    pub stamp: Stamp,
    /// The request.
    pub input: RouteInput,
}

/// What a router hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteInput {
    /// Nothing but time.
    Tick(Tick),
    /// Find a desk for this lead.
    Qualified(Box<Qualifying>),
    /// The lead needs its desk no more, or another one.
    Released(Released),
    /// The CRM names an owner.
    Owner(OwnerChange),
    /// The lead's score moved, it asked for sales, or it said on which channels it may be contacted.
    Moved(Moved),
    /// Sales answered: a promise about the lead is kept.
    Answered(Answered),
    /// A handed-off lead did something that its owner should know of.
    Noticed(Noticed),
    /// From here on another policy judges.
    Policy(PolicyChange),
}

/// Sales answered while the episode is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Whose lead.
    pub lead_id: LeadId,
    /// Which handoff.
    pub handoff_id: String,
    /// Which episode.
    pub episode: i32,
    /// How.
    pub answer: Answer,
    /// Who did it, where the CRM says so.
    pub actor: Option<String>,
    /// When it happened, by the CRM.
    pub occurred_at: Millis,
    /// The event behind it.
    pub event_id: String,
    /// The date to which a verdict puts the lead off: until then the rep's clocks stand still.
    pub until: Option<Millis>,
}

/// How sales answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Answer {
    /// The rep accepted the handoff.
    Accepted,
    /// A person, not a machine, reached out.
    Touched,
    /// The rep gave a verdict.
    Judged,
    /// A person reached out and spoke with the lead.
    Connected,
    /// The lead called, and a person spoke with it.
    Called,
    /// A deal was opened.
    Dealt,
    /// The lead has a status in which the rep's clocks stand still.
    Paused,
    /// The lead has another status.
    Resumed,
}

impl Answer {
    /// Whether a clock of the rep's has its answer by it: who spoke with the lead has plainly accepted it, and
    /// nobody need reach out to a lead with whom there is a deal.
    pub fn ends(self, clock: Clock) -> bool {
        match clock {
            Clock::Accept => {
                matches!(self, Self::Accepted | Self::Judged | Self::Connected | Self::Called | Self::Dealt)
            }
            Clock::FirstTouch => matches!(self, Self::Touched | Self::Connected | Self::Dealt),
            _ => false,
        }
    }

    /// Whether somebody did something about the lead, or only its clocks stop or go on.
    pub fn is_work(self) -> bool {
        !matches!(self, Self::Paused | Self::Resumed)
    }
}

/// Something that a handed-off lead did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noticed {
    /// Whose lead.
    pub lead_id: LeadId,
    /// Which handoff.
    pub handoff_id: String,
    /// Which episode.
    pub episode: i32,
    /// What they did.
    pub moment: Moment,
    /// Total score after it.
    pub score: Points,
    /// Fit grade after it.
    pub grade: Grade,
    /// Engagement band after it.
    pub band: Band,
    /// The event behind it.
    pub event_id: String,
    /// They did not: the event that told so was taken back.
    pub taken_back: bool,
}

/// A lead leaves its desk or the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Whose lead.
    pub lead_id: LeadId,
    /// Which handoff.
    pub handoff_id: String,
    /// Which episode.
    pub episode: i32,
    /// Whether another desk is to be found for the same episode.
    pub reroute: bool,
    /// Why: a disposition code, `suppressed`, `retracted`, `won`, `reassign`, ...
    pub cause: String,
    /// The event behind it.
    pub event_id: String,
}

/// The CRM names an owner: a claim from a queue, a dispatcher's word, a change by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerChange {
    /// Whose lead.
    pub lead_id: LeadId,
    /// Which handoff; empty before the first.
    pub handoff_id: String,
    /// Which episode; 0 before the first.
    pub episode: i32,
    /// The rep named; `None` takes the lead from whoever has it.
    pub owner: Option<String>,
    /// Who said so.
    pub actor: Option<String>,
    /// The event behind it.
    pub event_id: String,
}

/// News of a lead whose episode is open: the router ranks those who wait by it, moves up who asks for sales, and moves
/// back who did not after all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Whose score.
    pub lead_id: LeadId,
    /// Which episode.
    pub episode: i32,
    /// Total score.
    pub score: Points,
    /// The event behind it.
    pub event_id: String,
    /// The lead asks for sales, with this event or with one that still stands when another was taken back: what is
    /// known of it now, as it would be handed off for that. What the episode began with is left out.
    pub raised: Option<Box<Qualifying>>,
    /// What the lead says of being contacted from now on, where that is what the event told.
    pub consent: Option<Vec<ChannelConsent>>,
    /// The events of requests for sales that stand no more, for one of them was taken back.
    pub fallen: Vec<String>,
}

/// A lead on a named desk, with all a rep needs. Schema `lead.handoff-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handoff {
    /// When, and by which lane of the router.
    pub stamp: Stamp,
    /// Everything known when the lead became ready.
    pub decision: Qualifying,
    /// Who has it, and why them.
    pub assignment: Assignment,
    /// What was left out so that the record stays within its bound, in words: `recent: 4 of 20`.
    pub trimmed: Vec<String>,
}

/// Who owns a lead and why. Schema `lead.assignment-value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// When, and by which lane of the router.
    pub stamp: Stamp,
    /// Whose lead.
    pub lead_id: LeadId,
    /// Which handoff.
    pub handoff_id: String,
    /// Which episode of the lead.
    pub episode: i32,
    /// The rep, or `None` while it waits in a queue.
    pub owner: Option<String>,
    /// The pool that was asked.
    pub pool: String,
    /// The routing rule that chose the pool; `fallback` when none matched.
    pub rule: String,
    /// How the rep was chosen, in words.
    pub why: String,
    /// Everyone passed over, each with the reason code.
    pub excluded: Vec<Excluded>,
    /// Milliseconds between qualification and assignment.
    pub waited_ms: i64,
    /// Version of the policy that judged.
    pub policy_version: i64,
    /// What led to this record: `qualified`, `hand_raise` (it asked for sales while it waited), `claimed`,
    /// `dispatched`, `owner`, `handback`, `unrouted` (an alert: it still waits), `reassign`, `auto_paused` (its owner
    /// gets no more leads), what refused a claim, or the cause of a release.
    pub cause: String,
    /// Every step of the search in its order.
    pub steps: Vec<RoutingStep>,
    /// The company, when it is known.
    pub account: Option<Account>,
    /// What the owner owes from this record on, and by when; `None` where it puts the lead on no desk: it waits, is
    /// withdrawn, or stays where it is. A first touch that an owner inherits goes on as told before.
    pub deadlines: Option<Vec<Deadline>>,
}

/// A promise as it begins. Pauses move it from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// Of which clock.
    pub clock: Clock,
    /// When it begins.
    pub started_at: LogTime,
    /// The last instant at which it is kept.
    pub deadline: LogTime,
    /// The same by the clock on the wall of whoever owes it: `2026-03-02T10:05:00+01:00`.
    pub local: String,
    /// The time zone of that wall.
    pub zone: String,
}

/// One step of the search for a desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingStep {
    /// Which: `suppression`, `open_episode`, `release`, `hours`, `account`, `sticky`, `rules`, `pool`,
    /// `overflow`, `fallback`; `auto_pause`.
    pub step: String,
    /// What it found, as a code.
    pub result: String,
    /// Why, in words; may be empty.
    pub reason: String,
}

/// The company that a lead was matched to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name in the policy, else what it was matched by.
    pub id: String,
    /// `domain`, `group` or `name_region`.
    pub matched_by: String,
    /// Whose account it is.
    pub owner: Option<String>,
    /// Other leads of it that are on a desk or waiting, at most twenty.
    pub other_leads: Vec<LeadId>,
}

/// A rep who was passed over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Excluded {
    /// Who.
    pub rep: String,
    /// `away`, `gone`, `paused`, `auto_paused`, `off_hours`, `day_full`, `week_full`, `open_full`, `tried`,
    /// `skill`, `language`, `territory`, `not_their_turn`.
    pub reason: String,
}
