//! The report as data: what `--json` prints.
//!
//! Holds: times are RFC 3339 in UTC, durations are milliseconds, shares are per mille.

use serde::Serialize;

/// The whole report.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Leads that ever reached each stage, in the order of the funnel.
    pub(crate) funnel: Vec<Step>,
    /// Leads on desks.
    pub(crate) handoffs: Shown<HandoffLine>,
    /// Promises broken, those taken back included.
    pub(crate) breaches: Shown<BreachLine>,
    /// Promises by clock and lane.
    pub(crate) sla: Vec<SlaLine>,
    /// How long leads waited for a person of sales, from the desk to the first touch.
    pub(crate) first_touches: FirstTouches,
    /// What each consumer took in and what became of it.
    pub(crate) ledger: Vec<LedgerLine>,
    /// What one consumer wrote against what the next one read.
    pub(crate) checks: Vec<Check>,
    /// One lead from the first sight to the first touch.
    pub(crate) chain: Option<Chain>,
    /// Records that could not be used.
    pub(crate) dead_letters: Vec<DeadLetters>,
    /// Records of outcome topics that this report could not read.
    pub(crate) unreadable: i64,
    /// What to look at next.
    pub(crate) next: Vec<String>,
}

/// A list of which only the end is shown.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shown<T> {
    /// How many there are.
    pub(crate) total: usize,
    /// The newest, newest last.
    pub(crate) newest: Vec<T>,
}

/// A stage of the funnel.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// Its name.
    pub(crate) stage: &'static str,
    /// Leads that ever got there.
    pub(crate) leads: i64,
    /// Their share of the stage before; absent for the first, and for ways out of the funnel.
    pub(crate) of_previous_per_mille: Option<i64>,
}

/// A lead on a desk.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HandoffLine {
    /// When, in log time.
    pub(crate) at: String,
    /// Who.
    pub(crate) lead_id: String,
    /// Who, for people.
    pub(crate) lead: String,
    /// Urgency.
    pub(crate) lane: String,
    /// Fit grade and engagement band.
    pub(crate) cell: String,
    /// Score, one decimal.
    pub(crate) score: String,
    /// The rep.
    pub(crate) owner: Option<String>,
    /// The pool.
    pub(crate) pool: String,
    /// What made the difference.
    pub(crate) why_now: Vec<String>,
}

/// A promise broken.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct BreachLine {
    /// Which clock.
    pub(crate) clock: &'static str,
    /// Whose lead.
    pub(crate) lead_id: String,
    /// The lead, for people.
    pub(crate) lead: String,
    /// Who owed the answer.
    pub(crate) owner: Option<String>,
    /// Urgency.
    pub(crate) lane: String,
    /// When it was due.
    pub(crate) deadline: String,
    /// How long after the start that was.
    pub(crate) due_after_ms: i64,
    /// How long after the deadline the log had it; absent where log time is not the wall clock's.
    pub(crate) detected_after_ms: Option<i64>,
    /// The answer had come in time after all.
    pub(crate) retracted: bool,
}

/// The promises of one clock in one lane.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SlaLine {
    /// Which clock.
    pub(crate) clock: &'static str,
    /// Urgency.
    pub(crate) lane: String,
    /// Promises made.
    pub(crate) started: i64,
    /// Of which a warning was given.
    pub(crate) warned: i64,
    /// Kept; with those whose breach was taken back.
    pub(crate) met: i64,
    /// Broken; with those taken back.
    pub(crate) breached: i64,
    /// Of those broken, the ones that were answered all the same; those taken back are not among them.
    pub(crate) late: i64,
    /// For which the lead was to go to another desk.
    pub(crate) reassigned: i64,
    /// Breaches taken back.
    pub(crate) retracted: i64,
    /// No longer owed.
    pub(crate) cancelled: i64,
    /// Still running.
    pub(crate) open: i64,
    /// Half of those kept took no longer than this, round the clock.
    pub(crate) median_ms: Option<i64>,
    /// The same in the owner's working time.
    pub(crate) median_working_ms: Option<i64>,
}

/// First touches of all lanes: those of kept promises alone would look the better the more are broken.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct FirstTouches {
    /// Every lead that was touched.
    pub(crate) all: Answers,
    /// Those whose promise was kept.
    pub(crate) kept: Answers,
    /// Those whose promise had broken.
    pub(crate) late: Answers,
}

/// Answers, and how long they took.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Answers {
    /// How many.
    pub(crate) count: i64,
    /// Half took no longer than this, round the clock.
    pub(crate) median_ms: Option<i64>,
    /// The same in the owner's working time.
    pub(crate) median_working_ms: Option<i64>,
}

/// The balance of one consumer over all its lanes.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LedgerLine {
    /// The consumer.
    pub(crate) stage: String,
    /// Records taken in; ticks are not counted.
    pub(crate) consumed: i64,
    /// What became of them.
    pub(crate) outcomes: Vec<Entry>,
    /// Those that went to the dead letters, by reason.
    pub(crate) dead: Vec<Entry>,
    /// Records written, by topic without the prefix.
    pub(crate) produced: Vec<Entry>,
    /// Wake-ups given.
    pub(crate) fired: i64,
    /// Whether what was taken in is all accounted for.
    pub(crate) balanced: bool,
}

/// A name and a number.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// What is counted.
    pub(crate) name: String,
    /// How many.
    pub(crate) count: i64,
}

/// What was written against what was read.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// The topics.
    pub(crate) topics: &'static str,
    /// Who wrote.
    pub(crate) writer: &'static str,
    /// How many records.
    pub(crate) wrote: i64,
    /// Who reads.
    pub(crate) reader: &'static str,
    /// How many it took in.
    pub(crate) read: i64,
}

impl Check {
    /// Whether nothing was lost and nothing made up.
    pub(crate) fn is_even(&self) -> bool {
        self.wrote == self.read
    }
}

/// One lead's way.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Chain {
    /// Who.
    pub(crate) lead_id: String,
    /// Who, for people.
    pub(crate) lead: String,
    /// What happened, in order.
    pub(crate) steps: Vec<Happened>,
}

/// One step of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Happened {
    /// What.
    pub(crate) what: String,
    /// When.
    pub(crate) at: String,
    /// How long after the step before.
    pub(crate) after_ms: Option<i64>,
}

/// Records that one consumer could not use for one reason.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct DeadLetters {
    /// The consumer.
    pub(crate) stage: String,
    /// Why.
    pub(crate) reason: String,
    /// How many.
    pub(crate) count: i64,
}
