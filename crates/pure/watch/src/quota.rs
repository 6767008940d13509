//! What marketing promised: so many qualified leads a month, in all and by pool.
//!
//! Holds: one row counts for everybody, so the count is exact whatever the number of partitions; a lead
//! counts in the month in which it became ready; each level of a month is said at most once, and a
//! level before the end only when the count is behind its share.
//!
//! Absent on purpose: leads that sales gave back (they were handed over; one whose grounds never were is
//! taken off the count, though a promise that it kept stays kept), and months without a first lead before
//! them: the row begins with the first lead ever delivered.

use baton_domain::{Clock, LogTime, MARKETING, Millis, SlaEvent, SlaEventKind, Stamp};
use baton_policy::{Month, Owing, Policy};
use baton_stage::{Input, Stage, Step};
use serde::{Deserialize, Serialize};

use crate::running::Due;

/// The pool that stands for all of them.
const EVERY_POOL: &str = "all";
/// Months that are remembered: this one, and the last for what arrives late.
const MONTHS: usize = 2;

/// The watchdog over marketing; the one key is [`MARKETING`].
///
/// Outcomes of records: `counted`, `uncounted`, `clock_met`, `retracted`, `too_late`, `ignored` when nothing is promised.
#[derive(Clone, Copy, Debug)]
pub struct Quota;

/// A qualified lead that reached sales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The pool that got it.
    pub pool: String,
    /// When it became ready.
    pub qualified_at: LogTime,
    /// Whether what made it ready was taken back: then it counts no more.
    pub returned: bool,
}

/// The counts of the last months, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    months: Vec<Counted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    name: String,
    from: Millis,
    until: Millis,
    policy_version: i64,
    calendar: String,
    rows: Vec<Row>,
}

/// One promise of one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    pool: String,
    done: i64,
    promised: i64,
    levels: Vec<Due>,
    broken: bool,
    /// Said once: a lead taken back and another in its place keep nothing twice.
    met: bool,
}

impl Stage for Quota {
    type Policy = Policy;
    type State = State;
    type Event = Delivery;
    type Output = SlaEvent;

    fn step(policy: &Policy, _key: &str, state: Option<State>, input: Input<Delivery>) -> Step<State, SlaEvent> {
        let mut state = state.unwrap_or_default();
        let mut said = Vec::new();
        let (at, outcome) = match input {
            Input::Record { at, event } => {
                state.open(policy, event.qualified_at.millis(), at, &mut said);
                (at, state.count(policy, &event, at, &mut said))
            }
            Input::Wake { due } => {
                state.fire(due, &mut said);
                state.open(policy, due.millis(), due, &mut said);
                (due, "fired")
            }
        };
        let wake = state.next_due(policy).map(|due| due.max(at.next()));
        let state = (!state.months.is_empty()).then_some(state);
        Step { state, wake, outputs: said, outcome }
    }
}

impl State {
    /// Opens the month that holds `instant`, unless it is open or over.
    fn open(&mut self, policy: &Policy, instant: Millis, at: LogTime, said: &mut Vec<SlaEvent>) {
        if policy.sla.quota.is_empty() || self.months.last().is_some_and(|last| instant < last.until) {
            return;
        }
        let month = policy.month_of(instant);
        if let Some(last) = self.months.last_mut().filter(|last| last.name == month.name) {
            // In the hours of another zone the month goes on: what was promised for it stands.
            last.until = month.until;
            return;
        }
        let counted = Counted::new(policy, month);
        for row in &counted.rows {
            said.push(counted.event(row, SlaEventKind::Started, None, at));
        }
        self.months.push(counted);
        if self.months.len() > MONTHS {
            self.months.remove(0);
        }
    }

    fn count(&mut self, policy: &Policy, delivery: &Delivery, at: LogTime, said: &mut Vec<SlaEvent>) -> &'static str {
        let ready = delivery.qualified_at.millis();
        let Some(month) = self.months.iter_mut().find(|month| month.from <= ready && ready < month.until) else {
            return if policy.sla.quota.is_empty() { "ignored" } else { "too_late" };
        };
        let mut rows = std::mem::take(&mut month.rows);
        let is_in_grace = at <= LogTime::from_millis(month.until.plus(policy.sla.grace_ms));
        if delivery.returned {
            for row in rows.iter_mut().filter(|row| row.pool == EVERY_POOL || row.pool == delivery.pool) {
                row.done = (row.done - 1).max(0);
            }
            month.rows = rows;
            return "uncounted";
        }
        let mut outcome = "counted";
        for row in rows.iter_mut().filter(|row| row.pool == EVERY_POOL || row.pool == delivery.pool) {
            row.done += 1;
            if row.done != row.promised || row.met || (row.broken && !is_in_grace) {
                continue;
            }
            outcome = "clock_met";
            if row.broken {
                outcome = "retracted";
                said.push(month.event(row, SlaEventKind::Retracted, None, at));
            }
            row.levels.clear();
            row.met = true;
            said.push(month.event(row, SlaEventKind::Met, None, at));
        }
        month.rows = rows;
        outcome
    }

    /// Says what is due: a level before the end only when the count is behind its share.
    fn fire(&mut self, due: LogTime, said: &mut Vec<SlaEvent>) {
        for month in &mut self.months {
            let mut rows = std::mem::take(&mut month.rows);
            for row in &mut rows {
                let passed = row.levels.iter().take_while(|level| level.at <= due).count();
                let levels: Vec<Due> = row.levels.drain(..passed).collect();
                for level in levels {
                    let is_behind =
                        row.done.saturating_mul(100) < row.promised.saturating_mul(level.level.min(100).into());
                    let kind = match level.level {
                        ..100 => SlaEventKind::Warned,
                        100 => SlaEventKind::Breached,
                        _ => SlaEventKind::Escalated,
                    };
                    if is_behind {
                        row.broken |= kind == SlaEventKind::Breached;
                        said.push(month.event(row, kind, Some(&level), due));
                    }
                }
            }
            month.rows = rows;
        }
    }

    /// The next level of any month, or the end of the last one, with which the next begins where one is promised.
    fn next_due(&self, policy: &Policy) -> Option<LogTime> {
        let levels = self.months.iter().flat_map(|month| &month.rows).filter_map(|row| row.levels.first());
        let goes_on = !policy.sla.quota.is_empty();
        let end = self.months.last().filter(|_| goes_on).map(|last| LogTime::from_millis(last.until));
        levels.map(|level| level.at).chain(end).min()
    }
}

impl Counted {
    fn new(policy: &Policy, month: Month) -> Self {
        let promise = policy.quota_promise(&month);
        let due = |level: &baton_policy::Level| Due {
            level: level.level,
            after_ms: level.after_ms,
            at: LogTime::from_millis(level.at),
            action: level.action,
            to: level.to.clone(),
        };
        let row = |(pool, promised): (&String, &i64)| Row {
            pool: pool.clone(),
            done: 0,
            promised: *promised,
            levels: promise.levels.iter().map(due).collect(),
            broken: false,
            met: false,
        };
        Self {
            rows: policy.sla.quota.iter().map(row).collect(),
            name: month.name,
            from: month.from,
            until: month.until,
            policy_version: policy.version,
            calendar: policy.hours_of(Owing::default()).version(),
        }
    }

    fn event(&self, row: &Row, kind: SlaEventKind, due: Option<&Due>, at: LogTime) -> SlaEvent {
        let level = due.map_or(0, |due| due.level);
        let id = |word: &str| format!("{}_{word}_{}_{}", Clock::Quota, self.name, row.pool);
        let word = if level == 0 { kind.as_str().to_owned() } else { level.to_string() };
        let wall_ms = at.millis().since(self.from);
        SlaEvent {
            stamp: Stamp { at, lane: 0 },
            id: id(&word),
            kind,
            clock: Clock::Quota,
            level,
            lead_id: MARKETING.to_owned(),
            handoff_id: self.name.clone(),
            episode: 0,
            lane: String::new(),
            owner: None,
            pool: row.pool.clone(),
            started_at: LogTime::from_millis(self.from),
            deadline: LogTime::from_millis(self.until),
            wall_ms,
            business_ms: wall_ms,
            event_id: String::new(),
            policy_version: self.policy_version,
            party: Clock::Quota.party(),
            action: due.map(|due| due.action),
            to: due.map_or_else(Vec::new, |due| due.to.clone()),
            paused_ms: 0,
            pauses: Vec::new(),
            calendar: self.calendar.clone(),
            retraction_of: (kind == SlaEventKind::Retracted).then(|| id("100")),
            qualified_at: LogTime::from_millis(self.from),
            system_ms: 0,
            lead_ms: 0,
            last_activity_at: None,
            done: row.done,
            promised: row.promised,
            score_then: None,
            score_now: None,
            late: false,
        }
    }
}
