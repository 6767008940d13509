//! From records on the outcome topics to the summary.

use std::rc::Rc;

use baton_domain::{Handoff, Ledger, LifecycleChanged, Millis, Reason, SlaEvent};
use baton_pipeline::{Codec, Schemas};

use super::Summary;

/// The topics that the summary is made of, without the prefix.
pub(crate) const OUTCOMES: [&str; 9] = [
    "lifecycle.changed",
    "lead.handoff",
    "sla.started",
    "sla.warned",
    "sla.met",
    "sla.breach",
    "sla.cancelled",
    "ledger.balance",
    "dlq",
];

/// Reads outcome records into a summary.
pub(crate) struct Intake {
    lifecycle: Codec<LifecycleChanged>,
    handoff: Codec<Handoff>,
    sla: Codec<SlaEvent>,
    ledger: Codec<Ledger>,
    summary: Summary,
}

impl Intake {
    /// An empty summary, and a reader that asks `schemas` for what it does not know.
    pub(crate) fn new(schemas: &Rc<dyn Schemas>) -> Self {
        Self {
            lifecycle: Codec::new(schemas),
            handoff: Codec::new(schemas),
            sla: Codec::new(schemas),
            ledger: Codec::new(schemas),
            summary: Summary::default(),
        }
    }

    /// Takes in a record of one of [`OUTCOMES`]. `appended` is when the log took it, where log time is
    /// the wall clock's; `header` gives a header by its name.
    pub(crate) fn take<'a>(
        &mut self,
        topic: &str,
        value: &[u8],
        appended: Option<Millis>,
        header: impl Fn(&str) -> Option<&'a [u8]>,
    ) {
        let summary = &mut self.summary;
        let read: Result<(), (Reason, String)> = match topic {
            "lifecycle.changed" => self.lifecycle.decode(value).map(|change| summary.moved(&change)),
            "lead.handoff" => self.handoff.decode(value).map(|handoff| summary.handed_off(&handoff)),
            "ledger.balance" => self.ledger.decode(value).map(|ledger| summary.balanced(ledger)),
            "dlq" => {
                let named = |name| header(name).map_or("?".into(), String::from_utf8_lossy);
                summary.dead_letter(&named("x-dlq-stage"), &named("x-dlq-reason"));
                Ok(())
            }
            _ => self.sla.decode(value).map(|event| summary.promised(&event, appended)),
        };
        if read.is_err() {
            summary.unreadable();
        }
    }

    /// What was taken in.
    pub(crate) fn summary(&self) -> &Summary {
        &self.summary
    }
}
