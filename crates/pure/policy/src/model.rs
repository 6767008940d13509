//! The compiled policy, as the stages read it. Plain data; how it is written is `parse`'s business.

use std::collections::BTreeMap;

use baton_domain::{Activity, Clock, Fact, FactValue, Grade, LogTime, Millis, Points};

use crate::Calendar;

/// The lanes of urgency, most urgent first.
pub const LANES: [&str; 4] = ["P0", "P1", "P2", "P3"];

/// A checked policy.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// When sales is asked to take over.
    pub decision: Decision,
    /// Which desk.
    pub routing: Routing,
    /// How long the desk has.
    pub sla: Sla,
}

/// How ids and duplicates are treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// For how long of log time an event id is remembered, in ms.
    pub dedupe_ms: i64,
    /// How far an event's own time may lie after its log time before it is clamped, in ms.
    pub max_skew_ms: i64,
    /// Ids that mean nobody (`null`, `anonymous`, `undefined`), lower case, sorted.
    pub placeholder_ids: Vec<String>,
}

/// Points for what people do.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Contributions kept a lead; beyond it the smallest are dropped first.
    pub max_contributions: usize,
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
    /// At least this many matching activities within the window, this one included.
    pub at_least: Option<Window>,
}

/// So many within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many.
    pub times: i64,
    /// Within so many ms of event time.
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
}

/// Points for who people are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Rules in the order of the document.
    pub rules: Vec<FactRule>,
    /// Least fit for grades A, B and C (falling); below is D.
    pub grades: [Points; 3],
    /// The grade is U until this many of the facts that the rules ask for are known.
    pub known_at_least: usize,
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
    /// Contains one of these (lower case).
    Contains(Vec<String>),
    /// A number within the bounds, both included.
    Between(i64, i64),
    /// Yes.
    IsTrue,
}

/// When sales is asked to take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Lane by (grade, band); cells left out never hand off by score.
    pub matrix: BTreeMap<(Grade, i32), String>,
    /// Lane of a hand-raise by grade; grades left out do not hand off.
    pub hand_raise: BTreeMap<Grade, String>,
    /// After a recycle, for how long only a hand-raise re-opens, in ms.
    pub cool_down_ms: i64,
    /// Engagement must fall to this share (percent) of the band's least before the matrix may fire again in a new episode.
    pub rearm_percent: i64,
}

/// Which desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// Rules in order; the first that matches names the pool.
    pub rules: Vec<RouteRule>,
    /// The pool when no rule matches.
    pub fallback: String,
    /// Pools by name.
    pub pools: BTreeMap<String, Pool>,
    /// Reps by id.
    pub reps: BTreeMap<String, Rep>,
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
}

/// Reps who share work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Members with their weights (1 and more), in the order of the document.
    pub members: Vec<(String, i64)>,
    /// Where a lead goes when nobody here can take it.
    pub overflow: Option<String>,
}

/// A rep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rep {
    /// Name for people.
    pub name: String,
    /// Working hours: a calendar's name.
    pub calendar: String,
    /// Most leads a UTC day; `None` is no limit.
    pub day_max: Option<i64>,
    /// Whether they take leads at all.
    pub status: RepStatus,
    /// Absences: from (included) to (excluded).
    pub away: Vec<(Millis, Millis)>,
}

/// Whether a rep takes leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepStatus {
    /// Yes.
    Active,
    /// Not now.
    Away,
    /// Never again.
    Gone,
}

/// How long the desk has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sla {
    /// Calendars by name.
    pub calendars: BTreeMap<String, Calendar>,
    /// Targets by clock, then lane.
    pub clocks: BTreeMap<Clock, BTreeMap<String, Target>>,
    /// Warn when this much of the time is used, percent, rising.
    pub warn_percent: Vec<i64>,
    /// For how long after a breach a touch that happened in time may still arrive and take it back, in ms.
    pub grace_ms: i64,
}

/// A promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// So many ms.
    pub within_ms: i64,
    /// Counted on the owner's calendar, or around the clock.
    pub business_hours: bool,
}

impl ActivityMatch {
    /// Whether `activity` meets every condition but the window, which needs history.
    pub fn matches(&self, activity: &Activity) -> bool {
        let any =
            |wanted: &[String], got: Option<&String>| wanted.is_empty() || got.is_some_and(|got| wanted.contains(got));
        self.names.contains(&activity.name)
            && (self.paths.is_empty() || activity.path.as_deref().is_some_and(|path| self.path_matches(path)))
            && any(&self.forms, activity.form_id.as_ref())
            && any(&self.content_stages, activity.content_stage.as_ref())
    }

    fn path_matches(&self, path: &str) -> bool {
        self.paths.iter().any(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == wanted,
        })
    }
}

impl FactTest {
    /// Whether a known fact passes; a value of the wrong kind does not.
    pub fn passes(&self, value: &FactValue) -> bool {
        match (self, value) {
            (Self::AnyOf(words), FactValue::Text(text)) => words.contains(&text.to_lowercase()),
            (Self::AnyOf(words), FactValue::List(items)) => items.iter().any(|i| words.contains(&i.to_lowercase())),
            (Self::Contains(words), FactValue::Text(text)) => {
                let text = text.to_lowercase();
                words.iter().any(|word| text.contains(word.as_str()))
            }
            (Self::Contains(words), FactValue::List(items)) => {
                items.iter().any(|i| words.iter().any(|word| i.to_lowercase().contains(word.as_str())))
            }
            (Self::Between(low, high), FactValue::Number(n)) => low <= n && n <= high,
            (Self::IsTrue, FactValue::Flag(flag)) => *flag,
            _ => false,
        }
    }
}

impl Policy {
    /// The first routing rule that matches, with its pool; `("fallback", pool)` when none does.
    pub fn pool_for(&self, lane: &str, facts: &[Fact]) -> (&str, &str) {
        let known = |name: &str| facts.iter().find(|fact| fact.name == name).map(|fact| &fact.value);
        self.routing
            .rules
            .iter()
            .find(|rule| {
                (rule.lanes.is_empty() || rule.lanes.iter().any(|l| l == lane))
                    && rule.facts.iter().all(|(name, test)| known(name).is_some_and(|value| test.passes(value)))
            })
            .map_or(("fallback", self.routing.fallback.as_str()), |rule| (rule.id.as_str(), rule.pool.as_str()))
    }

    /// The calendar of a rep; around the clock for a rep or calendar that is not known.
    pub fn calendar_of(&self, rep: Option<&str>) -> &Calendar {
        rep.and_then(|rep| self.routing.reps.get(rep))
            .and_then(|rep| self.sla.calendars.get(&rep.calendar))
            .unwrap_or(Calendar::around_the_clock())
    }

    /// The promise of a clock in a lane, if there is one.
    pub fn target(&self, clock: Clock, lane: &str) -> Option<Target> {
        self.sla.clocks.get(&clock)?.get(lane).copied()
    }
}

impl Rep {
    /// Whether the rep is at work at all on the day of `at`, hours aside.
    pub fn present(&self, at: LogTime) -> bool {
        let at = at.millis();
        self.status == RepStatus::Active && !self.away.iter().any(|(from, to)| *from <= at && at < *to)
    }
}
