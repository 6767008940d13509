//! The schemas of Baton's topics, compiled in, and which record type each belongs to.
//!
//! Holds: every schema here parses, and its record type encodes to exactly what
//! it describes; both are tested, type by type.
//!
//! Absent on purpose: registration. `schemas/subjects.json` says what a
//! registry should hold; a deployment step puts it there.

use std::sync::OnceLock;

use baton_domain::{
    ActivityAlert, Assignment, AssignmentRequest, Canary, ClockStart, EngagementUpdate, EnrichmentRequested, Handoff,
    HandoffRevised, IdentityLink, LeadCooled, LeadEvent, Ledger, LifecycleChanged, LifecycleRejected, NurtureEvent,
    PolicyPublished, Qualified, RawEvent, RepState, RosterEvent, ScoreUpdate, SlaEvent, StatusChanged,
};

/// What a registry should hold: an object by subject, each with its `topic`, `key`, `compatibility`,
/// record `type` and `schema` file.
pub const SUBJECTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../schemas/subjects.json"));

/// A record type that has a schema.
pub trait Record {
    /// The name of its schema: the file in `schemas/` without `.avsc`.
    const SUBJECT: &'static str;

    /// Its schema.
    fn schema() -> &'static Schema;
}

/// The schema of `T`.
pub fn schema_of<T: Record>() -> &'static Schema {
    T::schema()
}

/// An embedded schema.
#[derive(Debug)]
pub struct Schema {
    /// Its name: the file in `schemas/` without `.avsc`.
    pub subject: &'static str,
    /// The Avro schema as JSON.
    pub json: &'static str,
    parsed: OnceLock<(apache_avro::Schema, u64)>,
}

impl Schema {
    const fn new(subject: &'static str, json: &'static str) -> Self {
        Self { subject, json, parsed: OnceLock::new() }
    }

    /// CRC-64-AVRO of the parsing canonical form.
    pub fn fingerprint(&self) -> u64 {
        self.parsed().1
    }

    pub(crate) fn avro(&self) -> &apache_avro::Schema {
        &self.parsed().0
    }

    fn parsed(&self) -> &(apache_avro::Schema, u64) {
        self.parsed.get_or_init(|| {
            #[expect(clippy::expect_used, reason = "the text is compiled in and a test parses every one")]
            let schema = apache_avro::Schema::parse_str(self.json).expect("an embedded schema is valid");
            let fingerprint = fingerprint(&schema);
            (schema, fingerprint)
        })
    }
}

/// CRC-64-AVRO of the schema's parsing canonical form.
pub(crate) fn fingerprint(schema: &apache_avro::Schema) -> u64 {
    // The specification's polynomial, which is also the fingerprint of nothing.
    const EMPTY: u64 = 0xc15d_213a_a4d7_a795;
    canonical_form(schema).bytes().fold(EMPTY, |value, byte| {
        (0..8).fold(value ^ u64::from(byte), |value, _| (value >> 1) ^ (EMPTY & (value & 1).wrapping_neg()))
    })
}

/// The parsing canonical form, with the step that apache-avro 0.22 leaves out: a primitive that had a
/// logical type becomes its bare name. Names and symbols hold no quotes, so the text can be cut as text.
fn canonical_form(schema: &apache_avro::Schema) -> String {
    ["int", "long", "string", "bytes"].into_iter().fold(schema.canonical_form(), |form, primitive| {
        form.replace(&format!(r#"{{"type":"{primitive}"}}"#), &format!(r#""{primitive}""#))
    })
}

/// Names the schema of each record type, and lists them all.
macro_rules! records {
    ($($record:ty: $subject:literal;)*) => {
        $(impl Record for $record {
            const SUBJECT: &'static str = $subject;

            fn schema() -> &'static Schema {
                static SCHEMA: Schema = Schema::new(
                    $subject,
                    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../schemas/", $subject, ".avsc")),
                );
                &SCHEMA
            }
        })*

        /// Every schema, in the order in which records pass through the pipeline.
        pub fn schemas() -> Vec<&'static Schema> {
            vec![$(<$record>::schema()),*]
        }
    };
}

records! {
    RawEvent: "engagement.raw-value";
    IdentityLink: "lead.identity-value";
    LeadEvent: "lead.events-value";
    EngagementUpdate: "engagement.aggregate-value";
    ScoreUpdate: "lead.score-value";
    LifecycleChanged: "lifecycle.changed-value";
    LifecycleRejected: "lifecycle.rejected-value";
    StatusChanged: "status.changed-value";
    NurtureEvent: "nurture.events-value";
    LeadCooled: "lead.cooled-value";
    EnrichmentRequested: "enrichment.requested-value";
    HandoffRevised: "handoff.revised-value";
    Qualified: "lead.qualified-value";
    AssignmentRequest: "assignment.requests-value";
    Assignment: "lead.assignment-value";
    Handoff: "lead.handoff-value";
    ActivityAlert: "lead.activity_alert-value";
    ClockStart: "sla.requests-value";
    SlaEvent: "sla.events-value";
    Canary: "canary.returned-value";
    PolicyPublished: "policy-value";
    RepState: "reps.state-value";
    RosterEvent: "roster.events-value";
    Ledger: "ledger.balance-value";
}
