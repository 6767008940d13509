//! Counts what came of leads, once it has committed.
//!
//! Holds: what is counted for every event has its handle at hand; what is counted once a handoff looks its up.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use baton_domain::{CauseClass, Clock, Label, LogTime, Millis, ReasonKind, Revision, SlaEventKind};
use baton_pipeline::{Consumer, Figure, LeadSource, Meter, Promise};
use prometheus::{Histogram, IntCounter};

use super::{Metrics, inventory as of};

/// One worker's counters.
pub struct Counters {
    metrics: Arc<Metrics>,
    consumer: Consumer,
    transaction_seconds: Histogram,
    transaction_records: Histogram,
    event_age: Histogram,
    latency: Histogram,
    scores: Option<Histogram>,
    policies_refused: Option<IntCounter>,
    merges: Option<IntCounter>,
    /// By source, with `none` and `other` behind those listed: by people and by machines.
    activities: Vec<[IntCounter; 2]>,
}

impl Counters {
    /// Those of a worker of `consumer`.
    ///
    /// # Errors
    /// When one is declared otherwise than it is used: a defect.
    pub fn new(metrics: &Arc<Metrics>, consumer: Consumer) -> Result<Self, prometheus::Error> {
        let labels = [consumer.as_str()];
        for reason in baton_domain::Reason::ALL {
            // An alert looks at the rise, and there is none from nothing to one.
            metrics.counter(&of::DEAD, &[consumer.as_str(), reason.as_str()])?;
        }
        // Each page tells of what its process does.
        let (sequences, scores) = (consumer == Consumer::Identify, consumer == Consumer::Score);
        let names = metrics.sources.iter().map(String::as_str).chain(["none", "other"]).filter(|_| sequences);
        let activities = names.map(|source| {
            let of_source = |machine| metrics.counter(&of::ACTIVITIES, &[source, machine]);
            Ok([of_source("no")?, of_source("yes")?])
        });
        Ok(Self {
            consumer,
            transaction_seconds: metrics.histogram(&of::TRANSACTION_SECONDS, &labels)?,
            transaction_records: metrics.histogram(&of::TRANSACTION_RECORDS, &labels)?,
            event_age: metrics.histogram(&of::EVENT_AGE, &labels)?,
            latency: metrics.histogram(&of::LATENCY, &labels)?,
            scores: scores.then(|| metrics.histogram(&of::SCORES, &[])).transpose()?,
            policies_refused: sequences.then(|| metrics.counter(&of::POLICIES_REFUSED, &[])).transpose()?,
            merges: sequences.then(|| metrics.counter(&of::MERGES, &[])).transpose()?,
            activities: activities.collect::<Result<_, prometheus::Error>>()?,
            metrics: Arc::clone(metrics),
        })
    }

    /// A transaction with so many records has committed.
    pub fn transaction(&self, records: u64, took: Duration) {
        self.transaction_seconds.observe(took.as_secs_f64());
        self.transaction_records.observe(number(records));
    }

    fn count(&self, figure: &Figure, now: Millis) {
        let metrics = &self.metrics;
        match figure {
            Figure::Event { at, occurred_at } => {
                self.latency.observe(since(now, at.millis()));
                if let Some(occurred_at) = occurred_at {
                    self.event_age.observe(since(now, *occurred_at));
                }
            }
            Figure::Activity { source, machine } => {
                if let Some(counters) = self.activities.get(self.place(*source)) {
                    counters[usize::from(*machine)].inc();
                }
            }
            Figure::Merged => self.merges.iter().for_each(IntCounter::inc),
            Figure::PolicyRefused => self.policies_refused.iter().for_each(IntCounter::inc),
            Figure::Retracted(reason) => metrics.count(&of::RETRACTIONS, &[reason.as_str()]),
            Figure::OptedOut { at } => {
                metrics.observe(&of::OPT_OUT, &[self.consumer.as_str()], since(now, at.millis()));
            }
            Figure::Scored(points) => {
                self.scores.iter().for_each(|scores| scores.observe(signed(points.0) / 1e6));
            }
            Figure::Moved { from, to, verdict } => {
                metrics.count(&of::MOVES, &[from.map_or("none", |stage| stage.as_str()), to.as_str()]);
                if let Some((label, class, code)) = verdict {
                    metrics.count(&of::VERDICTS, &[name_of_label(*label), name_of_class(*class), code]);
                }
            }
            Figure::Refused(rule) => metrics.count(&of::REFUSED, &[rule]),
            Figure::Qualified { lane, why, source } => {
                metrics.count(&of::QUALIFIED, &[lane, name_of_reason(*why), self.source(*source)]);
            }
            Figure::Revised(revision) => metrics.count(&of::REVISIONS, &[name_of_revision(*revision)]),
            Figure::HandedOff { lane, pool, occurred_at } => {
                metrics.count(&of::HANDOFFS, &[lane, pool]);
                metrics.observe(&of::HANDOFF_LATENCY, &[lane], since(now, *occurred_at));
            }
            Figure::Assigned { pool, cause } => metrics.count(&of::ASSIGNMENTS, &[pool, cause]),
            Figure::Promise(promise) => self.promise(promise, now),
        }
    }

    fn promise(&self, promise: &Promise, now: Millis) {
        let Promise { kind, clock, level, lane, pool, deadline, .. } = promise;
        let (metrics, name) = (&self.metrics, clock.as_str());
        metrics.count(&of::PROMISES_TOLD, &[name, lane, pool, kind.as_str(), &level.to_string()]);
        match kind {
            SlaEventKind::Met => {
                for (basis, ms) in [("wall", promise.wall_ms), ("business", promise.business_ms)] {
                    metrics.observe(&of::RESPONSE, &[name, lane, basis], seconds(ms));
                }
                if *clock == Clock::FirstTouch {
                    self.speed(promise);
                }
            }
            SlaEventKind::Breached => {
                metrics.observe(&of::DETECTION, &[name], since(now, LogTime::millis(*deadline)));
            }
            _ => {}
        }
    }

    fn speed(&self, promise: &Promise) {
        let parts = [
            ("system", "wall", promise.system_ms),
            ("human", "wall", promise.wall_ms),
            ("human", "business", promise.business_ms),
            ("total", "wall", promise.lead_ms),
        ];
        for (part, basis, ms) in parts {
            self.metrics.observe(&of::SPEED, &[part, basis, &promise.lane], seconds(ms));
        }
    }

    fn place(&self, source: LeadSource) -> usize {
        match source {
            LeadSource::Listed(place) => place,
            LeadSource::None => self.metrics.sources.len(),
            LeadSource::Other => self.metrics.sources.len() + 1,
        }
    }

    fn source(&self, source: LeadSource) -> &str {
        match source {
            LeadSource::Listed(place) => self.metrics.sources.get(place).map_or("other", String::as_str),
            LeadSource::None => "none",
            LeadSource::Other => "other",
        }
    }
}

impl Meter for Counters {
    fn committed(&self, figures: &[Figure]) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        for figure in figures {
            self.count(figure, now);
        }
    }

    fn sources(&self) -> &[String] {
        &self.metrics.sources
    }
}

fn name_of_label(label: Label) -> &'static str {
    match label {
        Label::Qualified => "qualified",
        Label::Won => "won",
        Label::Lost => "lost",
        Label::Rejected => "rejected",
    }
}

fn name_of_class(class: CauseClass) -> &'static str {
    match class {
        CauseClass::Lead => "lead",
        CauseClass::Followup => "followup",
        CauseClass::Unknown => "unknown",
    }
}

fn name_of_reason(reason: ReasonKind) -> &'static str {
    match reason {
        ReasonKind::HandRaise => "hand_raise",
        ReasonKind::Matrix => "matrix",
        ReasonKind::CheckIn => "check_in",
        ReasonKind::Policy => "policy",
    }
}

fn name_of_revision(revision: Revision) -> &'static str {
    match revision {
        Revision::Withdrawn => "withdrawn",
        Revision::Revised => "revised",
    }
}

/// Seconds from `then` to `now`; none where clocks disagree.
fn since(now: Millis, then: Millis) -> f64 {
    seconds(now.since(then))
}

pub(super) fn seconds(ms: i64) -> f64 {
    signed(ms.max(0)) / 1e3
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a metric: counts and milliseconds of this century fit a double exactly"
)]
pub(super) fn signed(number: i64) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "a metric: no count comes near 2^53")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}
