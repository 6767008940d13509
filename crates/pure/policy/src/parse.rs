//! From the YAML that people write to a [`Policy`], or to every mistake in it.
//!
//! Holds: reading never stops at the first mistake; the answer depends on the
//! text alone. A `Policy` comes out only when there is nothing to complain about.
//!
//! Absent on purpose: includes, variables, defaults taken from elsewhere: one
//! document says it all.

mod ask;
mod calendars;
mod compile;
mod criteria;
mod decision;
mod desks;
mod engagement;
mod facts;
mod fit;
mod identity;
mod lifecycle;
mod matching;
mod problem;
pub(crate) mod read;
mod reps;
mod roster;
mod routing;
mod scalar;
mod schema;
mod sla;
#[cfg(test)]
mod tests;
pub(crate) mod yaml;

pub use problem::Problem;
pub use roster::{read_rep, read_roster};
pub use schema::schema;

use read::{Field, Report};

use crate::{Lifecycle, Policy};

const KEYS: [&str; 10] =
    ["policy", "version", "identity", "engagement", "fit", "criteria", "decision", "lifecycle", "routing", "sla"];

/// Reads and checks the policy document `text`, which the problems call `name`.
///
/// # Errors
/// Every problem of the document in its order; at least one. Text that is not YAML gives the
/// first place at which it is not.
pub fn parse(name: &str, text: &str) -> Result<Policy, Vec<Problem>> {
    match yaml::read(text) {
        Ok(root) => compile(name, &root),
        Err(fault) => {
            let report = Report::new(name);
            report.say(fault.at, "", fault.message, None);
            Err(report.into_problems())
        }
    }
}

/// The same of a document that was read already.
pub(crate) fn compile(name: &str, root: &yaml::Node) -> Result<Policy, Vec<Problem>> {
    let report = Report::new(name);
    let policy = document(&Field::root(&report, root));
    let problems = report.into_problems();
    match policy {
        Some(policy) if problems.is_empty() => Ok(policy),
        _ => Err(problems),
    }
}

/// What in the policy document `text` can be used and is hardly meant: names that are another spelling of a common
/// event or fact, unless the writer's sources spell them so; what can never be reached; a matrix that puts off whoever
/// gets warmer. None of a text that is not YAML.
pub fn doubts(name: &str, text: &str) -> Vec<Problem> {
    let report = Report::new(name);
    if let Ok(root) = yaml::read(text) {
        drop(document(&Field::root(&report, &root)));
    }
    report.into_doubts()
}

/// The policy, with defaults in place of what a problem was noted for.
fn document(root: &Field<'_>) -> Option<Policy> {
    let fields = root.fields(&KEYS)?;
    let name = fields.need("policy").and_then(|f| f.name());
    let version = fields.need("version").and_then(|f| f.integer(1, i64::MAX));
    let identity = fields.need("identity").and_then(|f| identity::read(&f));
    let mut engagement = fields.need("engagement").and_then(|f| engagement::read(&f));
    let fit = fields.need("fit").and_then(|f| fit::read(&f));
    let criteria = fields.get("criteria").map(|f| criteria::read(&f, engagement.as_mut())).unwrap_or_default();
    let decision = fields.need("decision").and_then(|f| decision::read(&f));
    let lifecycle = fields.get("lifecycle").map_or_else(|| Some(Lifecycle::default()), |f| lifecycle::read(&f));
    let sla = fields.need("sla").and_then(|f| sla::read(&f));
    let calendars = sla.as_ref().filter(|read| read.has_calendars).map(|read| &read.sla.calendars);
    let routing = fields.need("routing").and_then(|f| routing::read(&f, calendars));
    if let (Some(sla), Some(routing)) = (&sla, &routing) {
        sla.check_pools(&routing.pools);
        if let Some(section) = fields.get("routing") {
            routing::check_auto_pause(&section, routing, sla.strikes());
        }
    }
    Some(Policy {
        name: name?,
        version: version?,
        identity: identity?,
        engagement: engagement?,
        fit: fit?,
        criteria,
        decision: decision?,
        lifecycle: lifecycle?,
        routing: routing?,
        sla: sla?.sla,
    })
}
