//! What is worth counting, told once its transaction has committed.
//!
//! Holds: nothing is told that was undone, and what is judged again is told once; what one record led to is taken
//! back with it. Telling decides nothing: a consumer without a meter says the same on the log.
//!
//! Absent on purpose: names of metrics, and counts. The meter's host has them.

use std::rc::Rc;

use baton_domain::{
    CauseClass, Clock, Label, LeadEvent, LogTime, Millis, Points, ReasonKind, RetractionReason, Revision, SlaEvent,
    SlaEventKind, Stage, is_canary,
};
use baton_engine::Verdict;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figure {
    /// A record was judged.
    Event {
        /// Its place on the log.
        at: LogTime,
        /// When it happened, by its source, where it tells of an event of one.
        occurred_at: Option<Millis>,
    },
    /// A lead did something.
    Activity {
        /// Where the visit came from.
        source: Source,
        /// The source said that a machine did it.
        machine: bool,
    },
    /// An id turned out to belong to another lead than before.
    Merged,
    /// A policy that was published cannot be used, or is no newer than another one: what judges goes on.
    PolicyRefused,
    /// An event was taken back.
    Retracted(RetractionReason),
    /// An opt-out took effect here.
    OptedOut {
        /// The place of the opt-out on the log.
        at: LogTime,
    },
    /// A lead was scored.
    Scored(Points),
    /// A lead moved.
    Moved {
        /// From where; `None` for one seen for the first time.
        from: Option<Stage>,
        /// Where to.
        to: Stage,
        /// How long it was where it comes from.
        lasted_ms: Option<i64>,
        /// Where it had come from last when its episode began; `None` before its first.
        source: Option<Source>,
        /// What sales made of it: label, class, code.
        verdict: Option<(Label, CauseClass, String)>,
    },
    /// A move that is not allowed, by its rule.
    Refused(String),
    /// A lead became ready.
    Qualified {
        /// Urgency.
        lane: String,
        /// Why.
        why: ReasonKind,
        /// Where it came from last.
        source: Source,
    },
    /// A handoff's grounds were taken back.
    Revised(Revision),
    /// A lead is on a desk.
    HandedOff {
        /// Urgency.
        lane: String,
        /// The pool of the desk.
        pool: String,
        /// When the event happened that made it ready, by its source.
        occurred_at: Millis,
    },
    /// It was said who has a lead.
    Assigned {
        /// The pool that was asked.
        pool: String,
        /// What led to it.
        cause: &'static str,
    },
    /// A canary came to the end of the line.
    Canary {
        /// The lane that it went down.
        lane: i32,
        /// When it was sent, by its source.
        sent_at: Millis,
    },
    /// A promise started, was kept, was broken, ...
    Promise(Box<Promise>),
}

/// What was said of a promise, as far as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// What happened.
    pub kind: SlaEventKind,
    /// The same in a word: an answer to a promise that had broken is `late`, not `met`.
    pub word: &'static str,
    /// Whether it is such an answer.
    pub late: bool,
    /// To which clock.
    pub clock: Clock,
    /// At which level.
    pub level: i32,
    /// Urgency, or a stage.
    pub lane: String,
    /// Who owes it.
    pub pool: String,
    /// When it was due.
    pub deadline: LogTime,
    /// From start to now, round the clock.
    pub wall_ms: i64,
    /// The same in working time.
    pub business_ms: i64,
    /// From the event that made the lead ready to its first desk.
    pub system_ms: i64,
    /// From that event to now.
    pub lead_ms: i64,
    /// How long after the deadline its breach was taken back, where this says so, or says what came of it then.
    pub since_breach_ms: Option<i64>,
}

impl Figure {
    /// A record about a lead was judged at `at`. How old a canary is is no word about the sources.
    pub(crate) fn event(at: LogTime, event: &LeadEvent) -> Self {
        Self::Event { at, occurred_at: (!is_canary(&event.lead_id)).then_some(event.occurred_at) }
    }
}

impl Promise {
    /// As it was said.
    pub(crate) fn of(event: &SlaEvent, since_breach_ms: Option<i64>) -> Self {
        Self {
            kind: event.kind,
            word: event.word(),
            late: event.late,
            clock: event.clock,
            level: event.level,
            lane: event.lane.clone(),
            pool: event.pool.clone(),
            deadline: event.deadline,
            wall_ms: event.wall_ms,
            business_ms: event.business_ms,
            system_ms: event.system_ms,
            lead_ms: event.lead_ms,
            since_breach_ms,
        }
    }
}

/// Where a lead came from, as far as it is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was not told.
    None,
    /// One that is not in the list.
    Other,
    /// The one at this place in the list.
    Listed(usize),
}

/// Takes figures.
pub trait Meter {
    /// The transaction in which they came about has committed.
    fn committed(&self, figures: &[Figure]);

    /// The sources that are told apart.
    fn sources(&self) -> &[String];
}

/// The figures of the transaction under way.
pub(crate) struct Book {
    meter: Option<Rc<dyn Meter>>,
    pending: Vec<Figure>,
    /// How many there were before the record that is being judged.
    mark: usize,
}

impl Book {
    pub(crate) fn new(meter: Option<&Rc<dyn Meter>>) -> Self {
        Self { meter: meter.map(Rc::clone), pending: Vec::new(), mark: 0 }
    }

    /// A record or a wake-up is about to be judged.
    pub(crate) fn begin(&mut self) {
        self.mark = self.pending.len();
    }

    /// Notes a figure, where somebody wants it.
    pub(crate) fn note(&mut self, figure: impl FnOnce() -> Figure) {
        if self.meter.is_some() {
            self.pending.push(figure());
        }
    }

    /// What became of what was judged.
    pub(crate) fn verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::SetAside => self.pending.truncate(self.mark),
            Verdict::Undone => self.pending.clear(),
            Verdict::Committed => {
                if let Some(meter) = self.meter.as_ref().filter(|_| !self.pending.is_empty()) {
                    meter.committed(&self.pending);
                }
                self.pending.clear();
            }
        }
        self.mark = self.mark.min(self.pending.len());
    }

    /// The place of a source in the meter's list.
    pub(crate) fn source(&self, name: Option<&str>) -> Source {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Source::None };
        let listed = self.meter.as_ref().and_then(|meter| meter.sources().iter().position(|listed| listed == name));
        listed.map_or(Source::Other, Source::Listed)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[derive(Default)]
    struct Heard(RefCell<Vec<Figure>>);

    impl Meter for Heard {
        fn committed(&self, figures: &[Figure]) {
            self.0.borrow_mut().extend_from_slice(figures);
        }

        fn sources(&self) -> &[String] {
            &[]
        }
    }

    fn book() -> (Book, Rc<Heard>) {
        let heard = Rc::new(Heard::default());
        let meter: Rc<dyn Meter> = Rc::<Heard>::clone(&heard);
        (Book::new(Some(&meter)), heard)
    }

    fn scored(book: &mut Book, points: i64) {
        book.begin();
        book.note(|| Figure::Scored(Points(points)));
    }

    #[test]
    fn nothing_is_told_before_the_commit_and_nothing_twice() {
        let (mut book, heard) = book();
        scored(&mut book, 1);
        assert!(heard.0.borrow().is_empty());
        book.verdict(Verdict::Committed);
        book.verdict(Verdict::Committed);
        assert_eq!(*heard.0.borrow(), [Figure::Scored(Points(1))]);
    }

    #[test]
    fn what_was_undone_is_not_told() {
        let (mut book, heard) = book();
        scored(&mut book, 1);
        book.verdict(Verdict::Undone);
        scored(&mut book, 2);
        book.verdict(Verdict::Committed);
        assert_eq!(*heard.0.borrow(), [Figure::Scored(Points(2))]);
    }

    #[test]
    fn a_record_that_was_set_aside_takes_its_own_figures_with_it() {
        let (mut book, heard) = book();
        scored(&mut book, 1);
        scored(&mut book, 2);
        book.verdict(Verdict::SetAside);
        scored(&mut book, 3);
        book.verdict(Verdict::Committed);
        assert_eq!(*heard.0.borrow(), [Figure::Scored(Points(1)), Figure::Scored(Points(3))]);
    }
}
