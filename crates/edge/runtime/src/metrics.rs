//! The metrics of the process, behind the inventory: what is not declared there cannot be told.
//!
//! Holds: what workers say of themselves is filled in when it is scraped; what came of leads is counted when its
//! transaction has committed, by handles looked up before.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{
    Encoder, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder,
};

use crate::health::Board;

mod counters;
mod document;
mod gauges;
pub mod inventory;
#[cfg(test)]
mod tests;

pub use counters::Counters;
pub use document::page as document;
use inventory::{ALL, Kind, Spec};

/// Every metric of a consumer process.
pub struct Metrics {
    registry: Registry,
    counters: BTreeMap<&'static str, IntCounterVec>,
    gauges: BTreeMap<&'static str, GaugeVec>,
    histograms: BTreeMap<&'static str, HistogramVec>,
    /// The sources that are told apart.
    sources: Vec<String>,
    /// One page at a time: between a gauge's reset and its filling it says nothing.
    filling: Mutex<()>,
}

impl Metrics {
    /// Declares them; the `sources` of leads are told apart.
    ///
    /// # Errors
    /// When two metrics have one name: a defect.
    pub fn new(sources: &[String]) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let (mut counters, mut gauges, mut histograms) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for Spec { name, kind, labels, help, .. } in ALL {
            let labels: Vec<&str> = labels.iter().map(|label| label.name).collect();
            match kind {
                Kind::Counter => {
                    let counter = IntCounterVec::new(Opts::new(*name, *help), &labels)?;
                    registry.register(Box::new(counter.clone()))?;
                    counters.insert(*name, counter);
                }
                Kind::Gauge => {
                    let gauge = GaugeVec::new(Opts::new(*name, *help), &labels)?;
                    registry.register(Box::new(gauge.clone()))?;
                    gauges.insert(*name, gauge);
                }
                Kind::Histogram(bounds) => {
                    let options = HistogramOpts::new(*name, *help).buckets(bounds.to_vec());
                    let histogram = HistogramVec::new(options, &labels)?;
                    registry.register(Box::new(histogram.clone()))?;
                    histograms.insert(*name, histogram);
                }
            }
        }
        let sources = sources.to_vec();
        Ok(Self { registry, counters, gauges, histograms, sources, filling: Mutex::new(()) })
    }

    /// The page that Prometheus reads.
    pub fn page(&self, board: &Board) -> String {
        let _one = self.filling.lock().unwrap_or_else(PoisonError::into_inner);
        gauges::fill(self, board);
        let mut page = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut page) {
            tracing::error!(%error, "could not write the metrics");
        }
        String::from_utf8(page).unwrap_or_default()
    }

    pub(crate) fn counter(&self, spec: &Spec, labels: &[&str]) -> Result<IntCounter, prometheus::Error> {
        self.counters.get(spec.name).ok_or_else(|| undeclared(spec))?.get_metric_with_label_values(labels)
    }

    fn histogram(&self, spec: &Spec, labels: &[&str]) -> Result<Histogram, prometheus::Error> {
        self.histograms.get(spec.name).ok_or_else(|| undeclared(spec))?.get_metric_with_label_values(labels)
    }

    pub(crate) fn count(&self, spec: &Spec, labels: &[&str]) {
        told(spec, self.counter(spec, labels)).inspect(IntCounter::inc);
    }

    fn observe(&self, spec: &Spec, labels: &[&str], value: f64) {
        told(spec, self.histogram(spec, labels)).inspect(|histogram| histogram.observe(value));
    }

    /// Lets a counter rise to what somebody else has counted.
    fn raise(&self, spec: &Spec, labels: &[&str], to: u64) {
        told(spec, self.counter(spec, labels)).inspect(|counter| counter.inc_by(to.saturating_sub(counter.get())));
    }

    fn set(&self, spec: &Spec, labels: &[&str], value: f64) {
        let gauge = self.gauges.get(spec.name).ok_or_else(|| undeclared(spec));
        told(spec, gauge.and_then(|gauge| gauge.get_metric_with_label_values(labels)))
            .inspect(|gauge| gauge.set(value));
    }

    /// Forgets what a gauge said: it is told anew.
    fn clear(&self, spec: &Spec) {
        self.gauges.get(spec.name).inspect(|gauge| gauge.reset());
    }
}

fn undeclared(spec: &Spec) -> prometheus::Error {
    prometheus::Error::Msg(format!("{} is of another kind", spec.name))
}

/// A metric that is used with other labels than declared is a defect: told of, and not worth a process.
fn told<T>(spec: &Spec, metric: Result<T, prometheus::Error>) -> Option<T> {
    metric.inspect_err(|error| tracing::error!(metric = spec.name, %error, "a metric was not told")).ok()
}
