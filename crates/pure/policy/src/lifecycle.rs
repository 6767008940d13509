//! What sales's answers do to a lead: the section `lifecycle` of a policy.
//!
//! Holds: plain data with a default for everything, so that a document may leave the section out.
//!
//! Absent on purpose: which move is legal from which stage (the scorer's table): a policy
//! says what a code means, not what a funnel is.

use std::collections::BTreeMap;

use baton_domain::{CauseClass, Millis};

/// What sales's answers do to a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// Whether a customer may be handed off again.
    pub expansion: bool,
    /// Sources whose word is taken that a person opted in again; when empty, that of every source.
    pub opt_in: Vec<String>,
    /// The lane in which a recycled lead comes back on its check-in date; `None` lets it only re-arm.
    pub check_in_lane: Option<String>,
    /// When a lead goes in circles.
    pub loop_guard: LoopGuard,
    /// What each disposition does, by code.
    pub dispositions: BTreeMap<String, Effect>,
}

/// When a lead goes in circles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopGuard {
    /// From this many recycles on ...
    pub recycles: usize,
    /// ... within so many ms of log time, the next episode is reviewed ...
    pub within_ms: i64,
    /// ... in this lane, unless the lead asked for sales itself.
    pub lane: String,
}

/// What a disposition does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Where the lead goes.
    pub to: Destination,
    /// After how many ms sales is to see a recycled lead again, where the rep names no date.
    pub check_in_ms: Option<i64>,
    /// For how many ms a recycled lead rests; `None` takes the decision's `cool_down`.
    pub cool_down_ms: Option<i64>,
    /// How much is left, in percent, of the points earned before a recycle: 100 keeps them, 0 takes them all.
    pub keep_percent: i64,
    /// What re-arms a recycled lead before its rest is over.
    pub rearm: Rearm,
    /// Whose failure it was.
    pub cause: Blame,
    /// Whether it stays with the lead, as the fact [`RULED_OUT_AS`] told by the CRM.
    pub mark: bool,
    /// Whether whoever has the lead's company is told.
    pub tell_account: bool,
}

/// The fact by which fit rules and disqualifiers see what sales once ruled a lead out as.
pub const RULED_OUT_AS: &str = "ruled_out_as";

/// Where a disposition sends a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// On to a sales-qualified lead.
    Qualified,
    /// Back to marketing.
    Recycled,
    /// Out.
    Disqualified,
    /// Never to be contacted again.
    Suppressed,
    /// To another desk in the same episode.
    Reroute,
    /// Back in, after it was ruled out.
    Identified,
}

/// What re-arms a recycled lead. A hand-raise always does, and so does new evidence after the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rearm {
    /// Its engagement fell below the low threshold once.
    Cooled,
    /// It reads late-stage content.
    HighIntent,
    /// Nothing else.
    HandRaise,
}

/// Whose failure an episode was that did not convert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// As the code says.
    Class(CauseClass),
    /// The lead's when a person reached out in the episode, else the follow-up's.
    ByTouch,
}

impl Default for Effect {
    fn default() -> Self {
        Self {
            to: Destination::Recycled,
            check_in_ms: None,
            cool_down_ms: None,
            keep_percent: 100,
            rearm: Rearm::Cooled,
            cause: Blame::Class(CauseClass::Unknown),
            mark: false,
            tell_account: false,
        }
    }
}

impl Effect {
    /// When sales is to see the lead again that was given back at `at`: the rep's date, else the policy's.
    /// A date that is past by then is none: the lead would come back at once.
    pub fn check_in(&self, at: Millis, named: Option<Millis>) -> Option<Millis> {
        (self.to == Destination::Recycled).then_some(())?;
        named.filter(|date| *date > at).or_else(|| self.check_in_ms.map(|ms| at.plus(ms)))
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            expansion: false,
            opt_in: Vec::new(),
            check_in_lane: Some("P2".to_owned()),
            loop_guard: LoopGuard { recycles: 3, within_ms: 180 * Millis::DAY, lane: "P3".to_owned() },
            dispositions: dispositions(),
        }
    }
}

/// The dispositions that every policy knows unless it says otherwise.
fn dispositions() -> BTreeMap<String, Effect> {
    let lead = Blame::Class(CauseClass::Lead);
    let to = |to| Effect { to, ..Effect::default() };
    let out = || Effect { cause: lead, ..to(Destination::Disqualified) };
    let marked = || Effect { mark: true, ..out() };
    let later = || Effect {
        check_in_ms: Some(60 * Millis::DAY),
        keep_percent: 50,
        rearm: Rearm::HighIntent,
        cause: lead,
        ..Effect::default()
    };
    let rest = |days: i64| Effect { cool_down_ms: Some(days * Millis::DAY), ..Effect::default() };
    let named = [
        ("qualified", to(Destination::Qualified)),
        ("qualified_as_expected", to(Destination::Qualified)),
        ("not_now", later()),
        ("bad_timing", later()),
        ("no_response", Effect { cause: Blame::ByTouch, ..rest(30) }),
        ("budget", Effect { check_in_ms: Some(90 * Millis::DAY), cause: lead, ..rest(90) }),
        ("wrong_person", Effect { cause: lead, tell_account: true, ..Effect::default() }),
        ("opportunity_lost", Effect::default()),
        ("wrong_owner", to(Destination::Reroute)),
        ("wrong_territory", to(Destination::Reroute)),
        ("not_icp", out()),
        ("not_a_fit", out()),
        ("competitor", marked()),
        ("student", marked()),
        ("spam", marked()),
        ("duplicate", to(Destination::Disqualified)),
        ("customer_already", Effect { tell_account: true, ..to(Destination::Disqualified) }),
        ("never_contact", Effect { cause: lead, ..to(Destination::Suppressed) }),
        ("reinstated", to(Destination::Identified)),
    ];
    named.into_iter().map(|(code, effect)| (code.to_owned(), effect)).collect()
}
