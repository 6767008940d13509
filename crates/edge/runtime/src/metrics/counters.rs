//! Counts what came of leads, once it has committed.
//!
//! Holds: what is counted for every event has its handle at hand; what is counted once a handoff looks its up.

use std::sync::Arc;
use std::time::Duration;

use baton_domain::{CauseClass, Clock, Label, LogTime, Millis, ReasonKind, Revision, SlaEventKind, Stage};
use baton_pipeline::{Consumer, Figure, LeadSource, Meter, Promise};
use prometheus::{Histogram, IntCounter};

use super::{Metrics, inventory as of};
use crate::wall::wall;

/// One worker's counters.
pub struct Counters {
    metrics: Arc<Metrics>,
    consumer: Consumer,
    transaction_seconds: Histogram,
    commit_seconds: Histogram,
    transaction_records: Histogram,
    event_age: Option<Histogram>,
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
            commit_seconds: metrics.histogram(&of::COMMIT_SECONDS, &labels)?,
            transaction_records: metrics.histogram(&of::TRANSACTION_RECORDS, &labels)?,
            // The router hears of leads that are ready, and not when what made them so happened.
            event_age: (consumer != Consumer::Route).then(|| metrics.histogram(&of::EVENT_AGE, &labels)).transpose()?,
            latency: metrics.histogram(&of::LATENCY, &labels)?,
            scores: scores.then(|| metrics.histogram(&of::SCORES, &[])).transpose()?,
            policies_refused: sequences.then(|| metrics.counter(&of::POLICIES_REFUSED, &[])).transpose()?,
            merges: sequences.then(|| metrics.counter(&of::MERGES, &[])).transpose()?,
            activities: activities.collect::<Result<_, prometheus::Error>>()?,
            metrics: Arc::clone(metrics),
        })
    }

    /// A transaction with so many records has committed, of whose time so much was the commit.
    pub fn transaction(&self, records: u64, took: Duration, commit: Duration) {
        self.transaction_seconds.observe(took.as_secs_f64());
        self.commit_seconds.observe(commit.as_secs_f64());
        self.transaction_records.observe(number(records));
    }

    fn count(&self, figure: &Figure, now: Millis) {
        let metrics = &self.metrics;
        match figure {
            Figure::Event { at, occurred_at } => {
                self.latency.observe(since(now, at.millis()));
                if let Some((age, occurred_at)) = self.event_age.as_ref().zip(*occurred_at) {
                    age.observe(since(now, occurred_at));
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
            Figure::Moved { from, to, lasted_ms, source, verdict } => {
                // Sales may say of a lead that it is as good as expected, and it stays where it is.
                if *from != Some(*to) {
                    self.moved(*from, *to, *lasted_ms, *source);
                }
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
            Figure::Canary { lane, sent_at } => {
                metrics.observe(&of::CANARY_RETURNED, &[&lane.to_string()], since(now, *sent_at));
            }
            Figure::Promise(promise) => self.promise(promise, now),
        }
    }

    fn moved(&self, from: Option<Stage>, to: Stage, lasted_ms: Option<i64>, source: Option<LeadSource>) {
        self.metrics.count(&of::MOVES, &[from.map_or("none", |stage| stage.as_str()), to.as_str()]);
        if let Some((from, lasted)) = from.zip(lasted_ms) {
            self.metrics.observe(&of::STAYED, &[from.as_str()], seconds(lasted));
        }
        if let Some(source) = source {
            self.metrics.count(&of::REACHED, &[self.source(source), to.as_str()]);
        }
    }

    fn promise(&self, promise: &Promise, now: Millis) {
        let Promise { kind, clock, level, lane, pool, deadline, .. } = promise;
        let (metrics, name) = (&self.metrics, clock.as_str());
        let age = name_of_age(promise.since_breach_ms);
        metrics.count(&of::PROMISES_TOLD, &[name, lane, pool, promise.word, &level.to_string(), age]);
        match kind {
            SlaEventKind::Met => {
                for (basis, ms) in [("wall", promise.wall_ms), ("business", promise.business_ms)] {
                    metrics.observe(&of::RESPONSE, &[name, lane, basis, kept(promise)], seconds(ms));
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
            self.metrics.observe(&of::SPEED, &[part, basis, &promise.lane, kept(promise)], seconds(ms));
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
        let now = wall();
        for figure in figures {
            self.count(figure, now);
        }
    }

    fn sources(&self) -> &[String] {
        &self.metrics.sources
    }
}

/// Whether a promise that was answered was kept.
fn kept(promise: &Promise) -> &'static str {
    if promise.late { "no" } else { "yes" }
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

/// The first of the windows of the rules in `deploy/observe/prometheus` in which a breach lay when it was taken back.
fn name_of_age(since_breach_ms: Option<i64>) -> &'static str {
    let windows = [(5, "5m"), (30, "30m"), (60, "1h"), (360, "6h")];
    since_breach_ms.map_or("none", |ms| {
        windows.into_iter().find(|(minutes, _)| ms <= minutes * 60_000).map_or("later", |(_, name)| name)
    })
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
