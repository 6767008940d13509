//! The compiled policy, as the stages read it. Plain data; how it is written is `parse`'s business.

use std::collections::BTreeMap;

pub use baton_domain::RepStatus;
use baton_domain::{Activity, Fact, FactValue, Grade, LogTime, Millis, Points};
use jiff::tz::TimeZone;

use crate::{Lifecycle, Sla};

/// The lanes of urgency, most urgent first.
pub const LANES: [&str; 4] = ["P0", "P1", "P2", "P3"];

/// The facts by which the router finds a lead's company.
pub const COMPANY_FACTS: [&str; 7] = ["account_id", "company", "country", "domain", "email", "group_id", "region"];

/// A checked policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Its name, for people.
    pub name: String,
    /// Rises with every change; stamped on every output.
    pub version: i64,
    /// How ids and duplicates are treated.
    pub identity: Identity,
    /// Points for what people do.
    pub engagement: Engagement,
    /// Points for who people are.
    pub fit: Fit,
    /// Questions answered yes, no or unknown, in the order of the document.
    pub criteria: Vec<CriteriaSet>,
    /// When sales is asked to take over.
    pub decision: Decision,
    /// What sales's answers do to a lead.
    pub lifecycle: Lifecycle,
    /// Which desk.
    pub routing: Routing,
    /// How long the desk has.
    pub sla: Sla,
}

/// How ids and duplicates are treated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// For how long of log time an event id is remembered, in ms.
    pub dedupe_ms: i64,
    /// How far an event's own time may lie after its log time before it is clamped, in ms.
    pub max_skew_ms: i64,
    /// Ids that mean nobody (`null`, `anonymous`, `undefined`), lower case, sorted.
    pub placeholder_ids: Vec<String>,
}

/// Points for what people do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engagement {
    /// The rules in the order of the document. A rule is named elsewhere by its index.
    pub rules: Vec<ActivityRule>,
    /// For each event name, the rules (indexes, rising) that could match it: an event meets only these.
    pub by_name: BTreeMap<String, Vec<usize>>,
    /// Cap of each group.
    pub group_caps: BTreeMap<String, Points>,
    /// Cap of the whole.
    pub total_cap: Points,
    /// Least engagement for bands 1, 2 and 3 (falling); below is band 4.
    pub bands: [Points; 3],
    /// What bands 1 and 2 ask for besides points.
    pub warm_needs: WarmNeeds,
    /// Contributions of a rule that are kept one by one, the newest; those before are kept as sums.
    pub max_contributions: usize,
}

/// What a lead must have shown, besides points, to stand in band 1 or 2; without it the band is 3 at best.
/// Keeps one act repeated, or one channel alone, from looking like interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WarmNeeds {
    /// Activities that give points now, each once.
    pub activities: usize,
    /// Groups in which an activity gives points now.
    pub channels: usize,
}

/// One rule of engagement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRule {
    /// Unique name.
    pub id: String,
    /// What it matches.
    pub when: ActivityMatch,
    /// Points for one occurrence; may be negative.
    pub points: Points,
    /// Time in which the points halve, in ms; `None` never decays.
    pub half_life_ms: Option<i64>,
    /// Most that this rule gives in all.
    pub cap: Option<Points>,
    /// The group that it counts under.
    pub group: String,
    /// Which occurrences count.
    pub count: Counting,
    /// The person asks for sales: needs no points.
    pub hand_raise: bool,
    /// Its activities are remembered even where they give no points: a question asks for them.
    pub asked_for: bool,
}

/// What a rule of engagement matches: the name and every condition given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityMatch {
    /// Event names, any of.
    pub names: Vec<String>,
    /// The path equals one of these, or starts with it where it ends in `*`.
    pub paths: Vec<String>,
    /// Forms, any of.
    pub forms: Vec<String>,
    /// Content stages, any of.
    pub content_stages: Vec<String>,
    /// Topics, any of; a prefix where it ends in `*`.
    pub topics: Vec<String>,
    /// Campaigns, any of; a prefix where it ends in `*`.
    pub campaigns: Vec<String>,
    /// Where the visit came from, any of; a prefix where it ends in `*`.
    pub sources: Vec<String>,
    /// Mediums, any of; a prefix where it ends in `*`.
    pub mediums: Vec<String>,
    /// The title contains one of these (lower case).
    pub titles: Vec<String>,
    /// At least this many matching activities within the window, this one included.
    pub at_least: Option<Window>,
    /// Steps that must have been taken one after the other, this activity the last. The names of all
    /// steps are `names`, and the other conditions are empty.
    pub sequence: Option<Sequence>,
}

/// So many within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many.
    pub times: i64,
    /// Within so many ms of event time.
    pub within_ms: i64,
    /// How many of what.
    pub of: Distinct,
}

/// What a window counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distinct {
    /// Activities.
    #[default]
    Times,
    /// UTC days with an activity.
    Days,
    /// Pieces of content.
    Contents,
}

/// One thing after the other, in order of event time, then event id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Two to [`Sequence::MOST`] steps, the first first; none has a window or a sequence of its own.
    pub steps: Vec<ActivityMatch>,
    /// Most ms of event time between the first step and the last.
    pub within_ms: i64,
}

/// Which occurrences of a matching activity count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// All.
    Every,
    /// The first only.
    Once,
    /// The first of each piece of content.
    OncePerContent,
    /// The first so many of each UTC day.
    PerDay(i64),
    /// The first so many of each session: a run of the rule's activities with no gap of more than [`SESSION_GAP_MS`].
    PerSession(i64),
}

/// The longest gap within a session, as web analytics count sessions, in ms.
pub const SESSION_GAP_MS: i64 = 30 * Millis::MINUTE;

/// Points for who people are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    /// Rules in the order of the document.
    pub rules: Vec<FactRule>,
    /// Least fit for grades A, B and C (falling); below is D.
    pub grades: [Points; 3],
    /// The grade is U until this many of the facts that the rules ask for are known.
    pub known_at_least: usize,
    /// The grade is U until this share of the facts that the rules ask for is known, in percent.
    pub complete_at_least: i64,
    /// Sources of facts, the most trusted first. A source that is not named comes after all of them.
    pub trust: Vec<String>,
    /// For how long after it was observed a fact counts as known, in ms; those left out always do.
    pub fresh_for: BTreeMap<String, i64>,
    /// Facts that the rules ask for, sorted.
    pub asked: Vec<String>,
    /// Rules that rule a lead out, whatever its points.
    pub disqualify: Vec<FactRule>,
}

/// One rule on a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRule {
    /// Unique name.
    pub id: String,
    /// The fact asked for.
    pub fact: String,
    /// What it must be.
    pub test: FactTest,
    /// Points when it is; may be negative. Zero on a disqualifier.
    pub points: Points,
}

/// A condition on a fact. Text is compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactTest {
    /// One of these words (lower case). For a list: any element is.
    AnyOf(Vec<String>),
    /// Known, and none of these words (lower case). For a list: no element is.
    NoneOf(Vec<String>),
    /// A list in which each of these words is (lower case); a text that is the only one of them.
    AllOf(Vec<String>),
    /// Contains one of these (lower case).
    Contains(Vec<String>),
    /// A number within the bounds, both included.
    Between(i64, i64),
    /// Yes.
    IsTrue,
    /// No.
    IsFalse,
    /// Known, whatever it is.
    Known,
    /// Not known, or known too long ago.
    Unknown,
}

/// A named set of questions about a lead: BANT, MEDDIC, or a desk's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CriteriaSet {
    /// Unique name.
    pub name: String,
    /// Its questions in the order of the document.
    pub questions: Vec<Question>,
}

/// A question answered yes, no or unknown from what is known of the lead. Unknown is never no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Unique within its set.
    pub id: String,
    /// The question in words, for people.
    pub ask: Option<String>,
    /// Signs of a yes: one is enough.
    pub yes: Vec<Sign>,
    /// Signs of a no: one is enough, unless there is a sign of a yes. Where there are none, facts that
    /// are all known and give no yes say no.
    pub no: Vec<Sign>,
    /// A no keeps the lead with marketing.
    pub mandatory: bool,
}

/// What speaks for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A fact passes a test.
    Fact(String, FactTest),
    /// An activity counted under an engagement rule, lately enough.
    Did {
        /// The rule's id.
        rule: String,
        /// At most so many ms ago, by event time; `None` is ever.
        within_ms: Option<i64>,
    },
}

/// When sales is asked to take over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Lane by (grade, band); cells left out never hand off by score.
    pub matrix: BTreeMap<(Grade, i32), String>,
    /// Lane of a hand-raise by grade; grades left out do not hand off.
    pub hand_raise: BTreeMap<Grade, String>,
    /// After a recycle, for how long a lead rests that has not cooled, in ms.
    pub cool_down_ms: i64,
    /// Engagement must fall to this share (percent) of the band's least before the matrix may fire again in a new episode.
    pub rearm_percent: i64,
    /// A warm lead has cooled when its engagement falls below this share (percent) of its band's least.
    pub low_percent: i64,
    /// For how long a lead must have stood in cells that hand off before the matrix does, in ms; a
    /// hand-raise does not wait.
    pub dwell_ms: i64,
    /// What becomes of warm leads about whom too little is known; `None` leaves them to the matrix.
    pub unknown: Option<Unknown>,
    /// What sales is told of after the handoff; `None` tells nothing.
    pub alerts: Option<Alerts>,
    /// The lane of a lead that stands over the line only because a change of policy moved it; `None`
    /// leaves it with marketing until it steps up.
    pub on_change: Option<String>,
}

/// What becomes of a warm lead of grade U.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The bands that are warm enough, rising.
    pub bands: Vec<i32>,
    /// For how long of log time facts are waited for, in ms.
    pub hold_ms: i64,
    /// The lane in which the lead is reviewed when none came.
    pub then: String,
}

/// What sales is told of after the handoff: an activity that meets any of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alerts {
    /// Event names.
    pub events: Vec<String>,
    /// Content stages.
    pub content_stages: Vec<String>,
    /// Whether a hand-raise is told.
    pub hand_raise: bool,
    /// What comes within this time of the last alert about the lead is gathered into the next one, in ms.
    pub every_ms: i64,
}

/// Which desk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// Rules in order; the first that matches names the pool.
    pub rules: Vec<RouteRule>,
    /// The pool when no rule matches.
    pub fallback: String,
    /// Pools by name.
    pub pools: BTreeMap<String, Pool>,
    /// Reps by id.
    pub reps: BTreeMap<String, Rep>,
    /// For how long a lead, and a company, goes to the rep who had it before.
    pub sticky: Sticky,
    /// What happens where nobody of a pool is in hours.
    pub off_hours: OffHours,
    /// A lead that waits so long, in ms, is told of; again after twice as long, and so on.
    pub alert_after_ms: i64,
    /// Domains whose addresses tell no company (`gmail.com`), lower case, sorted.
    pub personal_domains: Vec<String>,
    /// Companies that a rep was given by name.
    pub accounts: Vec<NamedAccount>,
    /// When a silent rep gets no more leads; `None` is never.
    pub auto_pause: Option<AutoPause>,
}

/// When a silent rep gets no more leads for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoPause {
    /// After so many broken promises in a row, nothing done for any lead between them.
    pub after: usize,
    /// Those of this stretch count, in ms.
    pub within_ms: i64,
    /// For so long, in ms, unless the rep does something first.
    pub for_ms: i64,
}

/// One routing rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRule {
    /// Unique name.
    pub id: String,
    /// Lanes, any of; empty means every lane.
    pub lanes: Vec<String>,
    /// Conditions on facts, all of: (fact, test).
    pub facts: Vec<(String, FactTest)>,
    /// The pool it names.
    pub pool: String,
    /// What a rep must bring, beside being a member.
    pub needs: Needs,
}

/// What a rep must bring for the leads of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// All of these skills (lower case).
    pub skills: Vec<String>,
    /// The fact that names the lead's language; the rep must speak it.
    pub language: Option<String>,
    /// The fact that names the lead's country or region; the rep must cover it.
    pub territory: Option<String>,
}

/// For how long a lead and a company stay with their rep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sticky {
    /// How long an owner is remembered, in ms since the last handoff.
    pub expires_ms: i64,
    /// Whether a lead goes to its previous owner.
    pub lead: bool,
    /// Whether a lead goes to whoever has another lead of its company.
    pub account: bool,
}

impl Default for Sticky {
    fn default() -> Self {
        Self { expires_ms: 90 * Millis::DAY, lead: true, account: true }
    }
}

/// What happens where nobody of a pool is in hours, nor will be within the promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffHours {
    /// Someone off duty gets the lead: the clock waits for them, the lead need not.
    #[default]
    Assign,
    /// The lead waits until someone is due back within the promise.
    Wait,
}

/// A company that a rep was given by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedAccount {
    /// Unique name.
    pub id: String,
    /// Domains of its addresses, lower case.
    pub domains: Vec<String>,
    /// Its names, as a lead may write them; compared without case, dots and legal forms.
    pub names: Vec<String>,
    /// Whose account it is.
    pub owner: String,
}

/// How a pool finds the member who takes the next lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// By weighted turns.
    #[default]
    Weighted,
    /// Whoever has the least to do, as a share of what they can.
    LeastLoaded,
    /// By weighted turns, and who was absent catches up, so many leads a UTC day at most.
    Balanced {
        /// Leads a day beyond the turns.
        catch_up_cap: i64,
    },
    /// A member takes it, told by an owner change of the CRM; the first in the log has it.
    Claim,
    /// A dispatcher gives it out, told by an owner change of the CRM.
    Dispatcher {
        /// Who.
        dispatcher: String,
    },
}

impl Strategy {
    /// Whether leads are given out without anybody's word.
    pub fn is_direct(&self) -> bool {
        !matches!(self, Self::Claim | Self::Dispatcher { .. })
    }
}

/// So many leads within so long; hand-raisers pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The stretch, in ms.
    pub per_ms: i64,
    /// Leads in any such stretch.
    pub most: usize,
}

/// Reps who share work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Members with their weights (1 and more), in the order of the document.
    pub members: Vec<(String, i64)>,
    /// Where a lead goes when nobody here can take it.
    pub overflow: Option<String>,
    /// How the member is found who takes the next lead.
    pub strategy: Strategy,
    /// How many leads may leave the waiting room.
    pub release: Option<Release>,
}

/// A rep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rep {
    /// Name for people.
    pub name: String,
    /// Working hours: a calendar's name; empty for those of the pool.
    pub calendar: String,
    /// Most leads a UTC day; `None` is no limit.
    pub day_max: Option<i64>,
    /// Whether they take leads at all.
    pub status: RepStatus,
    /// Absences: from (included) to (excluded).
    pub away: Vec<(Millis, Millis)>,
    /// Most leads a week, from Monday 00:00 UTC; `None` is no limit.
    pub week_max: Option<i64>,
    /// Most leads at a time; `None` is no limit.
    pub open_max: Option<i64>,
    /// Countries or regions covered, lower case; empty covers all.
    pub territories: Vec<String>,
    /// What the rep knows, lower case.
    pub skills: Vec<String>,
    /// Languages spoken, lower case; empty speaks all.
    pub languages: Vec<String>,
    /// The zone in which the hours of the calendar are meant; `None` is the calendar's own.
    pub zone: Option<TimeZone>,
    /// No leads before this instant.
    pub paused_until: Option<Millis>,
}

impl Sequence {
    /// The most steps of a sequence.
    pub const MOST: usize = 8;
}

impl ActivityMatch {
    /// Over how long of event time earlier activities decide about a later one, in ms; `None` when they do not.
    pub fn span_ms(&self) -> Option<i64> {
        self.at_least.map(|window| window.within_ms).or(self.sequence.as_ref().map(|sequence| sequence.within_ms))
    }

    /// The steps of the sequence that `activity` could be, as bits: the first is 1. Without a sequence, 0.
    pub fn steps(&self, activity: &Activity) -> u8 {
        let steps = self.sequence.iter().flat_map(|sequence| &sequence.steps);
        steps.zip(0..8_u32).filter(|(step, _)| step.matches(activity)).map(|(_, place)| 1 << place).sum()
    }

    /// Whether `activity` meets every condition but those that need history, the window and the sequence:
    /// of a sequence it must be a step.
    pub fn matches(&self, activity: &Activity) -> bool {
        if self.sequence.is_some() {
            return self.steps(activity) != 0;
        }
        let any =
            |wanted: &[String], got: Option<&String>| wanted.is_empty() || got.is_some_and(|got| wanted.contains(got));
        self.names.contains(&activity.name)
            && begins_as(&self.paths, activity.path.as_deref())
            && any(&self.forms, activity.form_id.as_ref())
            && any(&self.content_stages, activity.content_stage.as_ref())
            && begins_as(&self.topics, activity.topic.as_deref())
            && begins_as(&self.campaigns, activity.campaign.as_deref())
            && begins_as(&self.sources, activity.source.as_deref())
            && begins_as(&self.mediums, activity.medium.as_deref())
            && (self.titles.is_empty() || activity.title.as_deref().is_some_and(|title| self.title_contains(title)))
    }

    fn title_contains(&self, title: &str) -> bool {
        let title = title.to_lowercase();
        self.titles.iter().any(|part| title.contains(part.as_str()))
    }
}

/// Whether nothing is wanted, or what was got is one of the wanted, or starts as one that ends in `*` does.
fn begins_as(wanted: &[String], got: Option<&str>) -> bool {
    let one = |got: &str| {
        wanted.iter().any(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => got.starts_with(prefix),
            None => got == wanted,
        })
    };
    wanted.is_empty() || got.is_some_and(one)
}

impl FactTest {
    /// Whether a fact passes, known or not.
    pub fn holds(&self, value: Option<&FactValue>) -> bool {
        match value {
            Some(value) => self.passes(value),
            None => *self == Self::Unknown,
        }
    }

    /// Whether a known fact passes; a value of the wrong kind does not.
    pub fn passes(&self, value: &FactValue) -> bool {
        let plain = |text: &str| text.trim().to_lowercase();
        let is = |words: &[String], text: &str| words.contains(&plain(text));
        match (self, value) {
            (Self::Known, _) => true,
            (Self::AnyOf(words), FactValue::Text(text)) => is(words, text),
            (Self::AnyOf(words), FactValue::List(items)) => items.iter().any(|item| is(words, item)),
            (Self::NoneOf(words), FactValue::Text(text)) => !is(words, text),
            (Self::NoneOf(words), FactValue::List(items)) => !items.iter().any(|item| is(words, item)),
            (Self::AllOf(words), FactValue::Text(text)) => words.iter().all(|word| *word == plain(text)),
            (Self::AllOf(words), FactValue::List(items)) => {
                words.iter().all(|word| items.iter().any(|item| *word == plain(item)))
            }
            (Self::Contains(words), FactValue::Text(text)) => {
                let text = text.to_lowercase();
                words.iter().any(|word| text.contains(word.as_str()))
            }
            (Self::Contains(words), FactValue::List(items)) => {
                items.iter().any(|i| words.iter().any(|word| i.to_lowercase().contains(word.as_str())))
            }
            (Self::Between(low, high), FactValue::Number(n)) => low <= n && n <= high,
            (Self::IsTrue, FactValue::Flag(flag)) => *flag,
            (Self::IsFalse, FactValue::Flag(flag)) => !*flag,
            _ => false,
        }
    }
}

impl Fit {
    /// How far down the order of trust a source stands; 0 is trusted most.
    pub fn rank(&self, source: &str) -> usize {
        self.trust.iter().position(|trusted| trusted == source).unwrap_or(self.trust.len())
    }

    /// Whether a fact observed at `observed` still counts as known at `now`.
    pub fn fresh(&self, fact: &str, observed: Millis, now: Millis) -> bool {
        self.fresh_for.get(fact).is_none_or(|span| now.since(observed) <= *span)
    }
}

impl Policy {
    /// Whether a rule or a question of the policy looks at the fact of a name.
    pub fn asks_for(&self, fact: &str) -> bool {
        let rules = self.fit.rules.iter().chain(&self.fit.disqualify).map(|rule| &rule.fact);
        let routes = self.routing.rules.iter().flat_map(|rule| rule.facts.iter().map(|(fact, _)| fact));
        let questions = self.criteria.iter().flat_map(|set| &set.questions);
        let signs = questions.flat_map(|question| question.yes.iter().chain(&question.no));
        let questions = signs.filter_map(|sign| match sign {
            Sign::Fact(fact, _) => Some(fact),
            Sign::Did { .. } => None,
        });
        let needs = self.routing.rules.iter().flat_map(|rule| [&rule.needs.language, &rule.needs.territory]);
        rules.chain(routes).chain(questions).chain(needs.flatten()).any(|asked| asked == fact)
            || COMPANY_FACTS.contains(&fact)
            || self.sla.lead_zone.as_deref() == Some(fact)
    }

    /// The first routing rule that matches, with its pool; `("fallback", pool)` when none does.
    pub fn pool_for(&self, lane: &str, facts: &[Fact]) -> (&str, &str) {
        self.rule_for(lane, facts)
            .map_or(("fallback", self.routing.fallback.as_str()), |rule| (rule.id.as_str(), rule.pool.as_str()))
    }

    /// The first routing rule that matches.
    pub fn rule_for(&self, lane: &str, facts: &[Fact]) -> Option<&RouteRule> {
        let known = |name: &str| facts.iter().find(|fact| fact.name == name).map(|fact| &fact.value);
        self.routing.rules.iter().find(|rule| {
            (rule.lanes.is_empty() || rule.lanes.iter().any(|l| l == lane))
                && rule.facts.iter().all(|(name, test)| test.holds(known(name)))
        })
    }
}

impl Rep {
    /// Whether the rep is at work at all on the day of `at`, hours aside.
    pub fn present(&self, at: LogTime) -> bool {
        let at = at.millis();
        self.status == RepStatus::Active && !self.away.iter().any(|(from, to)| *from <= at && at < *to)
    }
}
