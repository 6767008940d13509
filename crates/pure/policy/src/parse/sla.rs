//! The section `sla`: calendars, targets, warnings, escalations, pauses and what marketing promises.
//!
//! Absent on purpose: pools, which stand in another section: [`Read::check_pools`] looks at their names when
//! both are read.

use std::collections::BTreeMap;

use baton_domain::{Clock, SlaAction, Stage};

use super::calendars;
use super::read::{Field, Fields, Named, shown};
use super::routing::refer;
use crate::{After, Cadence, Calendar, Escalation, LANES, ROLES, Sla, Target};

/// The section, whether it has calendars to refer to, and the pools that it names.
pub(super) struct Read<'a> {
    pub(super) sla: Sla,
    pub(super) has_calendars: bool,
    pools: Vec<Named<'a>>,
}

/// Clocks that every policy sets; the others run where it mentions them.
const REQUIRED: [Clock; 2] = [Clock::Accept, Clock::FirstTouch];
/// Clocks with a target for each lane.
const BY_LANE: [Clock; 6] =
    [Clock::Accept, Clock::FirstTouch, Clock::System, Clock::Assign, Clock::Disposition, Clock::CheckIn];
/// Stages in which a lead may grow old: those between marketing's word and the end.
const AGING: [Stage; 4] = [Stage::Mql, Stage::Sal, Stage::Sql, Stage::Opportunity];
const OTHERS: [&str; 9] =
    ["calendars", "warn", "grace", "escalate", "calendar", "pools", "pause_on", "first_touch_from", "lead_zone"];
/// Clocks whose steps the router reckons too.
const OWNERS: [Clock; 2] = [Clock::Accept, Clock::FirstTouch];
/// The pool of a quota that means all of them.
const EVERY_POOL: &str = "all";

/// Reads the section; problems go to the report.
pub(super) fn read<'a>(section: &Field<'a>) -> Option<Read<'a>> {
    let mut known = OTHERS.to_vec();
    known.extend(Clock::ALL.map(Clock::as_str));
    let fields = section.fields(&known)?;
    let calendars: Option<BTreeMap<String, Calendar>> =
        fields.need("calendars").and_then(|f| f.named()).map(|named| named.iter().map(calendars::read).collect());
    let calendar = |field: &Field<'_>| refer(field, "calendar", calendars.as_ref());
    let pools = |field: Field<'_>| {
        let named = field.named().unwrap_or_default();
        named.iter().map(|entry| (entry.name.to_owned(), calendar(&entry.value))).collect()
    };
    let sla = Sla {
        clocks: clocks(&fields),
        warn_percent: fields.need("warn").map(|f| warnings(&f)).unwrap_or_default(),
        grace_ms: fields.need("grace").and_then(|f| f.duration_or_zero()).unwrap_or_default(),
        escalation: fields.get("escalate").map(|f| escalations(&f)).unwrap_or_default(),
        cadence: fields.get(Clock::Cadence.as_str()).and_then(|f| cadence(&f, calendars.as_ref())),
        quota: fields.get(Clock::Quota.as_str()).map(|f| quota(&f)).unwrap_or_default(),
        calendar: fields.get("calendar").map(|f| calendar(&f)),
        pool_calendars: fields.get("pools").map(pools).unwrap_or_default(),
        pause_statuses: fields.get("pause_on").map(|f| statuses(&f)).unwrap_or_default(),
        lead_zone: fields.get("lead_zone").and_then(|f| lead_zone(&f, &fields)),
        first_touch_from_lead: fields.get("first_touch_from").is_some_and(|f| from_lead(&f)),
        calendars: calendars.clone().unwrap_or_default(),
    };
    let named = |key: &str| fields.get(key).and_then(|field| field.named()).unwrap_or_default();
    let promised = named(Clock::Quota.as_str()).into_iter().filter(|entry| entry.name != EVERY_POOL);
    let pools = named("pools").into_iter().chain(promised).collect();
    Some(Read { sla, has_calendars: calendars.is_some(), pools })
}

impl Read<'_> {
    /// Whether a step of the owner's clocks takes part in what pauses a rep: any at all, and one that says so.
    pub(super) fn strikes(&self) -> (bool, bool) {
        let steps = || OWNERS.iter().flat_map(|clock| self.sla.escalation.get(clock).into_iter().flatten());
        let pauses = steps().any(|step| step.action == SlaAction::AutoPause);
        (pauses || steps().any(|step| step.action == SlaAction::Reassign), pauses)
    }

    /// Notes pools that the section names and the routing does not have.
    pub(super) fn check_pools<T>(&self, pools: &BTreeMap<String, T>) {
        for entry in self.pools.iter().filter(|entry| !pools.contains_key(entry.name)) {
            entry.key.unknown("pool", entry.name, pools.keys().map(String::as_str));
        }
    }
}

fn clocks(fields: &Fields<'_>) -> BTreeMap<Clock, BTreeMap<String, Target>> {
    let by_lane = |clock: Clock| {
        let name = clock.as_str();
        let field = if REQUIRED.contains(&clock) { fields.need(name) } else { fields.get(name) };
        Some((clock, targets(&field?, "lane", &LANES)))
    };
    let mut clocks: BTreeMap<_, _> = BY_LANE.into_iter().filter_map(by_lane).collect();
    if let Some(field) = fields.get(Clock::StageAge.as_str()) {
        clocks.insert(Clock::StageAge, targets(&field, "stage that ages", &AGING.map(Stage::as_str)));
    }
    clocks
}

fn targets(field: &Field<'_>, what: &str, known: &[&'static str]) -> BTreeMap<String, Target> {
    let mut targets = BTreeMap::new();
    for entry in field.named().unwrap_or_default() {
        if !known.contains(&entry.name) {
            entry.key.unknown(what, entry.name, known.iter().copied());
        }
        if let Some(target) = target(&entry.value) {
            targets.insert(entry.name.to_owned(), target);
        }
    }
    targets
}

/// `8h` around the clock, `8h business` on the owner's calendar, or `3 working days` to the close of the third.
fn target(field: &Field<'_>) -> Option<Target> {
    const MOST_DAYS: i64 = 2_000;
    let text = field.text()?;
    let (duration, hours) = text.split_once(' ').unwrap_or((&text, ""));
    let business_hours = match hours.trim() {
        "" => false,
        "business" => true,
        "working days" | "working day" => {
            let days = duration.parse::<i64>().ok().filter(|days| (1..=MOST_DAYS).contains(days));
            if days.is_none() {
                field.wrong(format!("expected 1 to {MOST_DAYS} working days, found {}", shown(duration)));
            }
            return Some(Target { within_ms: 0, business_hours: true, working_days: days? });
        }
        other => {
            let message = format!("expected `business` or nothing after the duration, found {}", shown(other));
            field.wrong_but(message, "write it as in 8h or 8h business");
            return None;
        }
    };
    let within_ms = field.read_duration(duration)?;
    if within_ms == 0 {
        field.wrong("must be longer than 0");
    }
    Some(Target { within_ms, business_hours, working_days: 0 })
}

fn cadence(field: &Field<'_>, calendars: Option<&BTreeMap<String, Calendar>>) -> Option<Cadence> {
    let fields = field.fields(&["touches", "within", "calendar"])?;
    let touches = fields.need("touches").and_then(|f| f.integer(1, 100));
    let within = fields.need("within").and_then(|f| target(&f));
    let calendar = fields.get("calendar").map(|f| refer(&f, "calendar", calendars));
    Some(Cadence { touches: touches?, within: within?, calendar })
}

fn quota(field: &Field<'_>) -> BTreeMap<String, i64> {
    let named = field.named().unwrap_or_default();
    named.iter().filter_map(|entry| Some((entry.name.to_owned(), entry.value.integer(1, 1_000_000)?))).collect()
}

fn escalations(field: &Field<'_>) -> BTreeMap<Clock, Vec<Escalation>> {
    let mut all = BTreeMap::new();
    for entry in field.named().unwrap_or_default() {
        let known = Clock::ALL.into_iter().filter(|clock| *clock != Clock::System);
        let Some(clock) = known.clone().find(|clock| clock.as_str() == entry.name) else {
            entry.key.unknown("clock", entry.name, known.map(Clock::as_str));
            continue;
        };
        all.insert(clock, steps(&entry.value, OWNERS.contains(&clock)));
    }
    all
}

fn steps(field: &Field<'_>, moves: bool) -> Vec<Escalation> {
    let mut steps: Vec<Escalation> = Vec::new();
    for item in field.items() {
        let Some(fields) = item.fields(&["after", "do", "to"]) else { continue };
        let after = fields.need("after").and_then(|f| Some((after(&f)?, f)));
        let action = fields.need("do").and_then(|f| action(&f, moves));
        let to = fields.get("to").map(|f| {
            f.texts_that(|role, name| {
                if !ROLES.contains(&name) {
                    role.unknown("role", name, ROLES);
                }
            })
        });
        let (Some((after, says)), Some(action)) = (after, action) else { continue };
        if steps.last().is_some_and(|last| rank(last.after) >= rank(after)) {
            says.wrong("must be later than the step before it");
        }
        steps.push(Escalation { after, action, to: to.unwrap_or_default() });
    }
    steps
}

/// Percentages come first, then durations after the deadline.
fn rank(after: After) -> (i64, i64) {
    match after {
        After::Percent(percent) => (0, percent),
        After::Late(ms) => (1, ms),
    }
}

/// `80%`, `100%`, `150%` of the time used, or `30m` after the deadline.
fn after(field: &Field<'_>) -> Option<After> {
    const MOST_PERCENT: i64 = 10_000;
    let text = field.text()?;
    if let Some(percent) = text.strip_suffix('%') {
        let percent = percent.parse::<i64>().ok().filter(|percent| (1..=MOST_PERCENT).contains(percent));
        if percent.is_none() {
            field.wrong(format!("expected 1% to {MOST_PERCENT}%, found {}", shown(&text)));
        }
        return percent.map(After::Percent);
    }
    let ms = field.read_duration(&text)?;
    if ms == 0 {
        field.wrong_but("must be longer than 0", "the deadline itself is 100%");
    }
    Some(After::Late(ms))
}

/// What a step does; where the router does not hear of it, nothing that only the router can do.
fn action(field: &Field<'_>, moves: bool) -> Option<SlaAction> {
    let name = field.one_of("action", SlaAction::ALL.map(SlaAction::as_str))?;
    let action = SlaAction::ALL.into_iter().find(|action| action.as_str() == name)?;
    if !moves && matches!(action, SlaAction::Reassign | SlaAction::AutoPause) {
        field.wrong(format!("only a step of accept or first_touch can {name}"));
    }
    Some(action)
}

/// The fact that names the lead's zone: without hours that everybody has it would mean nothing.
fn lead_zone(field: &Field<'_>, section: &Fields<'_>) -> Option<String> {
    if section.get("calendar").is_none() {
        field.wrong("needs `calendar`: the hours that are meant in the lead's zone");
    }
    field.name()
}

fn statuses(field: &Field<'_>) -> Vec<String> {
    let mut statuses = field.texts();
    statuses.sort_unstable();
    statuses
}

fn from_lead(field: &Field<'_>) -> bool {
    field.one_of("start", ["assignment", "lead"]).is_some_and(|start| start == "lead")
}

fn warnings(field: &Field<'_>) -> Vec<i64> {
    let mut rising = Vec::new();
    for item in field.items() {
        let Some(percent) = item.integer(1, 99) else { continue };
        if let Some(before) = rising.last().filter(|before| **before >= percent) {
            item.wrong(format!("must be above {before}, the warning before it"));
        }
        rising.push(percent);
    }
    rising
}
