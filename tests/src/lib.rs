//! Acceptance tests.

pub mod leads;

/// Topics whose records must not depend on how they came about.
pub const OUTCOMES: [&str; 18] = [
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
    "lead.activity_alert",
    "sla.started",
    "sla.warned",
    "sla.met",
    "sla.breach",
    "sla.cancelled",
    "sla.paused",
    "sla.resumed",
];
