//! The lifecycle as one table: which trigger moves a lead from which stage to which, and which
//! status each stage allows.
//!
//! Holds: total over stage and trigger; what it does not allow changes nothing.
//! Saying again what is already so is not a mistake. Going back is as legal as
//! going on.
//!
//! Absent on purpose: who pulls a trigger (`decide`, `sales`, `due`) and what a
//! code of sales means (the policy).

use baton_domain::{Stage, Status};
use baton_policy::{Destination, Policy};

/// What may move a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trigger {
    /// Known, and has interacted.
    Identified,
    /// The matrix, a hand-raise or a check-in opens an episode.
    Ready,
    /// A customer is ready again.
    Expansion,
    /// A rule rules the lead out.
    Ruled,
    /// A fact clears the rule.
    Cleared,
    /// A rep accepts, or pulls a recycled lead.
    Accepted,
    /// A two-way conversation.
    Connected,
    /// A rep says it is as good as expected.
    Qualified,
    /// A rep gives it back, or nobody was reached.
    Recycle,
    /// A rep rules it out.
    Disqualify,
    /// Another desk is to have it, in the same episode.
    Reroute,
    /// A deal is open.
    Opened,
    /// Bought.
    Won,
    /// Not bought.
    Lost,
    /// Somebody lets back in who was ruled out.
    Reinstate,
    /// Must not be contacted.
    Suppress,
    /// May be contacted again.
    Permit,
}

/// What the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is so already, or the lead stays for a reason of its own.
    Stay,
    /// To another stage.
    Move(Stage),
    /// Not allowed.
    Refused,
}

/// Stages of an open episode.
pub(crate) fn is_open(stage: Stage) -> bool {
    matches!(stage, Stage::Mql | Stage::Sal | Stage::Sql | Stage::Opportunity)
}

/// Stages in which marketing takes care of a lead.
pub(crate) fn is_nurtured(stage: Stage) -> bool {
    matches!(stage, Stage::Identified | Stage::Recycled)
}

/// Whether a lead in `stage` may open an episode, now or once something that it waits for is so.
pub(crate) fn may_open(policy: &Policy, stage: Stage) -> bool {
    match stage {
        Stage::Visitor | Stage::Identified | Stage::Recycled | Stage::Disqualified => true,
        Stage::Customer => policy.lifecycle.expansion,
        Stage::Mql | Stage::Sal | Stage::Sql | Stage::Opportunity | Stage::Suppressed => false,
    }
}

/// What `trigger` does to a lead in `stage`; `base` is where a lead goes that nobody works on any more, or that comes
/// back from where it was ruled out or silenced.
pub(crate) fn answer(stage: Stage, trigger: Trigger, base: Stage) -> Answer {
    use Stage::{Customer, Disqualified, Identified, Mql, Opportunity, Recycled, Sal, Sql, Suppressed, Visitor};
    let (from, to): (&[Stage], Stage) = match trigger {
        Trigger::Identified => (&[Visitor], Identified),
        Trigger::Ready => (&[Identified, Recycled], Mql),
        Trigger::Expansion => (&[Customer], Mql),
        Trigger::Ruled => (&[Visitor, Identified, Mql, Recycled], Disqualified),
        Trigger::Cleared | Trigger::Reinstate => (&[Disqualified], base),
        Trigger::Accepted => (&[Mql, Recycled], Sal),
        // One call may take a lead over and qualify it, and the CRM may tell of the deal first.
        Trigger::Connected | Trigger::Qualified => (&[Mql, Sal], Sql),
        Trigger::Opened => (&[Mql, Sal, Sql], Opportunity),
        Trigger::Recycle => (&[Mql, Sal, Sql], Recycled),
        Trigger::Disqualify => (&[Visitor, Identified, Mql, Sal, Sql, Opportunity, Recycled], Disqualified),
        // Before anybody accepted, the lead only changes desks.
        Trigger::Reroute => (&[Sal], Mql),
        Trigger::Won => (&[Opportunity], Customer),
        Trigger::Lost => (&[Opportunity], Recycled),
        Trigger::Suppress => {
            (&[Visitor, Identified, Mql, Sal, Sql, Opportunity, Customer, Recycled, Disqualified], Suppressed)
        }
        Trigger::Permit => (&[Suppressed], base),
    };
    if from.contains(&stage) {
        if stage == to { Answer::Stay } else { Answer::Move(to) }
    } else if stage == to {
        Answer::Stay
    } else {
        Answer::Refused
    }
}

impl Trigger {
    /// The trigger's name in a rejection.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Identified => "identified",
            Self::Ready => "ready",
            Self::Expansion => "expansion",
            Self::Ruled => "ruled",
            Self::Cleared => "cleared",
            Self::Accepted => "accepted",
            Self::Connected => "connected",
            Self::Qualified => "qualified",
            Self::Recycle => "recycle",
            Self::Disqualify => "disqualify",
            Self::Reroute => "reroute",
            Self::Opened => "opportunity_open",
            Self::Won => "opportunity_won",
            Self::Lost => "opportunity_lost",
            Self::Reinstate => "reinstate",
            Self::Suppress => "suppress",
            Self::Permit => "permit",
        }
    }

    /// The trigger that a disposition pulls.
    pub(crate) fn of(destination: Destination) -> Self {
        match destination {
            Destination::Qualified => Self::Qualified,
            Destination::Recycled => Self::Recycle,
            Destination::Disqualified => Self::Disqualify,
            Destination::Suppressed => Self::Suppress,
            Destination::Reroute => Self::Reroute,
            Destination::Identified => Self::Reinstate,
        }
    }
}

/// The statuses that a stage allows; none where nobody works on the lead. The first is that of a lead
/// which enters the stage without another.
pub(crate) fn statuses(stage: Stage) -> &'static [Status] {
    match stage {
        Stage::Visitor | Stage::Identified | Stage::Customer | Stage::Suppressed => &[],
        Stage::Mql => &[Status::New, Status::Open, Status::Attempted],
        Stage::Sal => &[Status::Open, Status::Attempted, Status::Connected, Status::InProgress],
        Stage::Sql => &[Status::InProgress, Status::Connected, Status::Attempted],
        Stage::Opportunity => &[Status::OpenDeal],
        Stage::Recycled => &[Status::BadTiming, Status::Attempted],
        Stage::Disqualified => &[Status::Unqualified],
    }
}

/// The status that a word of the CRM means, whatever its spelling: `In Progress`, `IN_PROGRESS`, `in-progress`.
pub(crate) fn status_of(word: &str) -> Option<Status> {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    let word = plain(word);
    match word.as_str() {
        "attemptedtocontact" => Some(Status::Attempted),
        _ => Status::ALL.into_iter().find(|status| plain(status.as_str()) == word),
    }
}
