//! Why this rep, and why not the others.

use std::collections::BTreeSet;

use baton_domain::{Assignment, Deadline, RoutingStep};
use baton_scenario::Seen;
use serde::Serialize;

use super::{of_topic, time};
use crate::summary::mask;

/// One decision of the router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Desk {
    /// When.
    pub(super) at: String,
    /// Which episode of the lead.
    pub(super) episode: i32,
    /// The rep; nobody while the lead waits.
    pub(super) owner: Option<String>,
    /// The pool that was asked.
    pub(super) pool: String,
    /// The routing rule that named it.
    pub(super) rule: String,
    /// What led to it: `qualified`, `reassign`, `owner`, ...
    pub(super) cause: String,
    /// How the rep was chosen.
    pub(super) why: String,
    /// Each step of the search: what, what it found, why.
    pub(super) steps: Vec<(String, String, String)>,
    /// Everyone passed over, and why.
    pub(super) passed_over: Vec<(String, String)>,
    /// What the owner owes from then on: which clock, by when, and when that is where they work.
    pub(super) owes: Vec<(String, String, String)>,
    /// How long it was since the lead became ready, in ms.
    pub(super) ready_ms: i64,
    /// The same where it waited all the while, and nobody had it; absent once somebody had.
    pub(super) waited_ms: Option<i64>,
    /// The policy that judged.
    pub(super) policy_version: i64,
}

/// Every decision about the lead, oldest first.
pub(super) fn desks(records: &[Seen]) -> Vec<Desk> {
    let assignments: Vec<Assignment> = of_topic(records, |topic| topic == "lead.assignment");
    let mut had = BTreeSet::new();
    let mut desk = |given: Assignment| {
        let waited_ms = (!had.contains(&given.episode)).then_some(given.waited_ms);
        had.extend(given.owner.as_ref().map(|_| given.episode));
        let owes = |due: Deadline| (due.clock.to_string(), time(due.deadline), format!("{} {}", due.local, due.zone));
        let step = |step: RoutingStep| (step.step, step.result, mask(&step.reason));
        Desk {
            at: time(given.stamp.at),
            episode: given.episode,
            owner: given.owner,
            pool: given.pool,
            rule: given.rule,
            cause: given.cause,
            why: mask(&given.why),
            steps: given.steps.into_iter().map(step).collect(),
            passed_over: given.excluded.into_iter().map(|excluded| (excluded.rep, excluded.reason)).collect(),
            owes: given.deadlines.into_iter().flatten().map(owes).collect(),
            ready_ms: given.waited_ms,
            waited_ms,
            policy_version: given.policy_version,
        }
    };
    assignments.into_iter().map(&mut desk).collect()
}
