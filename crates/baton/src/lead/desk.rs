//! Why this rep, and why not the others.

use baton_domain::Assignment;
use baton_scenario::Seen;
use serde::Serialize;

use super::{of_topic, time};

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
    /// How long the lead had waited, in ms.
    pub(super) waited_ms: i64,
    /// The policy that judged.
    pub(super) policy_version: i64,
}

/// Every decision about the lead, oldest first.
pub(super) fn desks(records: &[Seen]) -> Vec<Desk> {
    let assignments: Vec<Assignment> = of_topic(records, |topic| topic == "lead.assignment");
    let desk = |given: Assignment| Desk {
        at: time(given.stamp.at),
        episode: given.episode,
        owner: given.owner,
        pool: given.pool,
        rule: given.rule,
        cause: given.cause,
        why: given.why,
        steps: given.steps.into_iter().map(|step| (step.step, step.result, step.reason)).collect(),
        passed_over: given.excluded.into_iter().map(|excluded| (excluded.rep, excluded.reason)).collect(),
        waited_ms: given.waited_ms,
        policy_version: given.policy_version,
    };
    assignments.into_iter().map(desk).collect()
}
