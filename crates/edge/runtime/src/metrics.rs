//! The metrics of the process, declared once: name, kind, unit, labels, meaning.
//!
//! Filled from the workers' own counts when they are scraped, so the hot path knows nothing of them.

use baton_domain::Millis;
use prometheus::core::Collector;
use prometheus::{CounterVec, Encoder, GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::health::{Board, Snapshot};

/// Every metric of a consumer process.
pub struct Metrics {
    registry: Registry,
    records: IntCounterVec,
    transactions: IntCounterVec,
    transaction_seconds: CounterVec,
    written: IntCounterVec,
    fences: IntCounterVec,
    lanes: IntGaugeVec,
    restore: IntGaugeVec,
    rows: IntGaugeVec,
    wakes: IntGaugeVec,
    waiting: IntGaugeVec,
    log_time: GaugeVec,
    policy: IntGaugeVec,
}

const STAGE: &[&str] = &["stage", "worker"];

impl Metrics {
    /// Declares them.
    ///
    /// # Errors
    /// When two metrics have one name: a defect, caught by the first scrape in any test.
    pub fn new() -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauge = |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let seconds_spent = |name: &str, help: &str, labels: &[&str]| CounterVec::new(Opts::new(name, help), labels);
        let float = |name: &str, help: &str, labels: &[&str]| GaugeVec::new(Opts::new(name, help), labels);
        let metrics = Self {
            registry: Registry::new(),
            records: counter(
                "baton_records_total",
                "Records taken in, repeats after an undone transaction included.",
                STAGE,
            )?,
            transactions: counter(
                "baton_transactions_total",
                "Transactions by outcome (committed, aborted).",
                &["stage", "worker", "outcome"],
            )?,
            transaction_seconds: seconds_spent(
                "baton_transaction_seconds_total",
                "Seconds spent from begin to verdict of committed transactions; divide by baton_transactions_total.",
                STAGE,
            )?,
            written: counter("baton_written_records_total", "Records committed, changelog included.", STAGE)?,
            fences: counter(
                "baton_producer_fences_total",
                "Producers taken up, the first included; more mean faults.",
                STAGE,
            )?,
            lanes: gauge("baton_lanes", "Lanes by state (running, restoring).", &["stage", "worker", "state"])?,
            restore: gauge("baton_restore_remaining_records", "Changelog records still to restore.", STAGE)?,
            rows: gauge("baton_state_rows", "Rows of state.", STAGE)?,
            wakes: gauge("baton_wakes_pending", "Rows that wait for an instant: deadlines, expiries.", STAGE)?,
            waiting: gauge("baton_merge_waiting_records", "Records that wait for another producer's time.", STAGE)?,
            log_time: float("baton_log_time_seconds", "Log time that every lane has reached, as Unix time.", STAGE)?,
            policy: gauge(
                "baton_policy_info",
                "The policy that judged last: always 1.",
                &["stage", "worker", "name", "version"],
            )?,
        };
        for collector in metrics.collectors() {
            metrics.registry.register(collector)?;
        }
        Ok(metrics)
    }

    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.records.clone()),
            Box::new(self.transactions.clone()),
            Box::new(self.transaction_seconds.clone()),
            Box::new(self.written.clone()),
            Box::new(self.fences.clone()),
            Box::new(self.lanes.clone()),
            Box::new(self.restore.clone()),
            Box::new(self.rows.clone()),
            Box::new(self.wakes.clone()),
            Box::new(self.waiting.clone()),
            Box::new(self.log_time.clone()),
            Box::new(self.policy.clone()),
        ]
    }

    /// The page that Prometheus reads.
    pub fn page(&self, board: &Board) -> String {
        // A policy that judges no more is told of no more.
        self.policy.reset();
        for snapshot in board.all() {
            self.fill(&snapshot);
        }
        let mut page = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut page) {
            tracing::error!(%error, "could not write the metrics");
        }
        String::from_utf8(page).unwrap_or_default()
    }

    fn fill(&self, snapshot: &Snapshot) {
        let worker = snapshot.worker.to_string();
        let of = [snapshot.consumer.as_str(), worker.as_str()];
        let stats = &snapshot.stats;
        raise(&self.records, &of, stats.records);
        raise(&self.transactions, &[of[0], of[1], "committed"], stats.committed);
        raise(&self.transactions, &[of[0], of[1], "aborted"], stats.aborted);
        raise(&self.written, &of, stats.written);
        raise(&self.fences, &of, stats.fenced);
        let millis = i64::try_from(stats.transaction_ms).unwrap_or(i64::MAX);
        let spent = self.transaction_seconds.with_label_values(&of);
        spent.inc_by((seconds(Millis(millis)) - spent.get()).max(0.0));
        let restoring = snapshot.lanes.iter().filter(|lane| lane.restoring.is_some()).count();
        let lanes = |state: &str, count: usize| self.lanes.with_label_values(&[of[0], of[1], state]).set(whole(count));
        lanes("restoring", restoring);
        lanes("running", snapshot.lanes.len() - restoring);
        self.restore.with_label_values(&of).set(snapshot.lanes.iter().filter_map(|lane| lane.restoring).sum());
        self.rows.with_label_values(&of).set(whole(snapshot.lanes.iter().map(|lane| lane.rows).sum()));
        self.wakes.with_label_values(&of).set(whole(snapshot.lanes.iter().map(|lane| lane.wakes).sum()));
        self.waiting.with_label_values(&of).set(whole(snapshot.lanes.iter().map(|lane| lane.waiting).sum()));
        if let Some((name, version)) = &snapshot.policy {
            self.policy.with_label_values(&[of[0], of[1], name.as_str(), version.to_string().as_str()]).set(1);
        }
        if let Some(reached) = snapshot.lanes.iter().map(|lane| lane.now).min().flatten() {
            self.log_time.with_label_values(&of).set(seconds(reached.millis()));
        }
    }
}

fn raise(counter: &IntCounterVec, labels: &[&str], to: u64) {
    let counter = counter.with_label_values(labels);
    counter.inc_by(to.saturating_sub(counter.get()));
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a metric: milliseconds of this century fit a double exactly")]
fn seconds(time: Millis) -> f64 {
    time.0 as f64 / 1_000.0
}
