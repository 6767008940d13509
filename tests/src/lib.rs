//! Acceptance tests.

pub mod leads;

/// Topics whose records must not depend on how they came about.
pub const OUTCOMES: [&str; 17] = [
    "lifecycle.changed",
    "lifecycle.rejected",
    "status.changed",
    "nurture.events",
    "lead.cooled",
    "enrichment.requested",
    "handoff.revised",
    "lead.qualified",
    "lead.assignment",
    "lead.handoff",
    "sla.started",
    "sla.warned",
    "sla.met",
    "sla.breach",
    "sla.cancelled",
    "sla.paused",
    "sla.resumed",
];
