//! What one record, or one wake-up, has led to so far: so that it alone can be undone.
//!
//! A record whose effects do not fit into records of the log must not stop the records behind it. It is judged
//! like any other; when an output or a row of it turns out too large, what it did is taken back and it goes to
//! the dead letters. That is decided by a written bound (`Limits::record_bytes`), before the log is asked, so it
//! does not depend on batches, on restarts, or on which log it is.
//!
//! Holds: after an undo, rows, wake-ups, outputs and totals are those of before the record.

use crate::ledger::Totals;
use crate::outbox::{Mark, Outbox};
use crate::rows::Rows;
use crate::spec::StageSpec;
use crate::store::Store;

/// One count that the record has caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Consumed(i64),
    Outcome(&'static str),
    /// An output to the topic with this index.
    Produced(usize),
}

/// The effects of what is being judged.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    mark: Mark,
    counted: Vec<Counted>,
    too_large: Option<String>,
}

impl Trial {
    /// A record or wake-up is about to be judged.
    pub(crate) fn begin(&mut self, rows: &mut Rows, outbox: &Outbox) {
        self.mark = outbox.mark();
        self.counted.clear();
        self.too_large = None;
        rows.mark();
    }

    /// Why it cannot be written, if so.
    pub(crate) fn verdict(&mut self) -> Option<String> {
        self.too_large.take()
    }

    /// Takes back all that it did.
    pub(crate) fn undo(
        &mut self,
        rows: &mut Rows,
        store: &dyn Store,
        outbox: &mut Outbox,
        totals: &mut Totals,
        spec: &StageSpec,
    ) {
        outbox.truncate(&self.mark);
        rows.back_to_mark(store);
        for counted in self.counted.drain(..) {
            match counted {
                Counted::Consumed(records) => totals.consumed(records.saturating_neg()),
                Counted::Outcome(name) => totals.outcome(name, -1),
                Counted::Produced(topic) => {
                    let name = spec.outputs.get(topic).map_or("", |(name, _)| name.as_str());
                    totals.produced(name, -1);
                }
            }
        }
    }

    pub(crate) fn consumed(&mut self, totals: &mut Totals, records: i64) {
        self.counted.push(Counted::Consumed(records));
        totals.consumed(records);
    }

    pub(crate) fn outcome(&mut self, totals: &mut Totals, name: &'static str) {
        self.counted.push(Counted::Outcome(name));
        totals.outcome(name, 1);
    }

    pub(crate) fn produced(&mut self, totals: &mut Totals, topic: usize, name: &str) {
        self.counted.push(Counted::Produced(topic));
        totals.produced(name, 1);
    }

    /// Whether `bytes` fit into a record; the first that do not are remembered.
    pub(crate) fn fits(&mut self, what: &str, bytes: usize, most: usize) -> bool {
        if bytes > most {
            self.too_large.get_or_insert_with(|| format!("{what} of {bytes} bytes; a record may have {most}"));
        }
        bytes <= most
    }
}
