//! The few forms of query that dashboards are made of.
//!
//! Holds: a name stands in a query only by its declaration, so a metric that is renamed is renamed here, too.

use std::fmt::Display;

use baton_runtime::metrics::inventory::Spec;

use crate::grafana::Query;

/// A metric with what it is narrowed to.
#[derive(Clone, Copy)]
pub(crate) struct Series<'a> {
    name: &'a str,
    matching: &'a str,
}

/// All series of a metric.
pub(crate) fn all(spec: &'static Spec) -> Series<'static> {
    Series { name: spec.name, matching: "" }
}

/// Those of its series that match, as in `clock="accept"`.
pub(crate) fn only<'a>(spec: &'static Spec, matching: &'a str) -> Series<'a> {
    Series { name: spec.name, matching }
}

impl Series<'_> {
    fn of(self, suffix: &str) -> String {
        let Self { name, matching } = self;
        if matching.is_empty() { format!("{name}{suffix}") } else { format!("{name}{suffix}{{{matching}}}") }
    }

    /// How many a second, by these labels.
    pub(crate) fn per_second(self, by: &str) -> String {
        sum(by, &format!("rate({}[$__rate_interval])", self.of("")))
    }

    /// How many within the time that the dashboard shows.
    pub(crate) fn in_range(self, by: &str) -> String {
        self.within("$__range", by)
    }

    /// How many within a time, as in `7d`.
    pub(crate) fn within(self, time: &str, by: &str) -> String {
        sum(by, &risen(&self.of(""), time))
    }

    /// The value now, summed.
    pub(crate) fn total(self, by: &str) -> String {
        sum(by, &self.of(""))
    }

    /// The greatest value now.
    pub(crate) fn most(self, by: &str) -> String {
        format!("max by ({by}) ({})", self.of(""))
    }

    /// The least value now.
    pub(crate) fn least(self, by: &str) -> String {
        format!("min by ({by}) ({})", self.of(""))
    }

    /// For how long the instant that the oldest of them tells is past.
    pub(crate) fn age(self, by: &str) -> String {
        format!("time() - {}", self.least(by))
    }

    /// The value below which this share of a histogram lies, over the last minutes: of what happens all the time.
    pub(crate) fn quantile(self, share: impl Display, by: &str) -> String {
        let rates = format!("rate({}[$__rate_interval])", self.of("_bucket"));
        format!("histogram_quantile({share}, {})", sum(&with_bounds(by), &rates))
    }

    /// The same over a longer time, as in `7d`: of what leads and people do, now and then.
    pub(crate) fn quantile_over(self, time: &str, share: impl Display, by: &str) -> String {
        format!("histogram_quantile({share}, {})", sum(&with_bounds(by), &risen(&self.of("_bucket"), time)))
    }

    /// The share of a histogram's values up to a bound, which must be one of its own.
    pub(crate) fn share_within(self, bound: &str, by: &str) -> String {
        let Self { name, matching } = self;
        let comma = if matching.is_empty() { "" } else { ", " };
        // From version 3 on Prometheus writes a whole number with a point.
        let within = risen(&format!("{name}_bucket{{{matching}{comma}le=~\"{bound}|{bound}[.]0\"}}"), "$__range");
        format!("{} / {}", sum(by, &within), sum(by, &risen(&self.of("_count"), "$__range")))
    }

    /// How often each value came, for a heatmap.
    pub(crate) fn heat(self) -> String {
        sum("le", &risen(&self.of("_bucket"), "$__rate_interval"))
    }
}

/// How far a counter has risen within a time, by series. `increase` takes the first value of a series for where it
/// began; of one that was not there at the beginning of the time, that value has been counted within it. The label
/// keeps the two apart until they are summed. `deploy/observe/prometheus/recording.yaml` asks in the same way.
fn risen(series: &str, time: &str) -> String {
    let born = format!("min_over_time({series}[{time}]) unless {series} offset {time}");
    format!("increase({series}[{time}]) or label_replace({born}, \"born\", \"yes\", \"\", \"\")")
}

fn with_bounds(by: &str) -> String {
    if by.is_empty() { "le".to_owned() } else { format!("{by}, le") }
}

fn sum(by: &str, inner: &str) -> String {
    if by.is_empty() { format!("sum({inner})") } else { format!("sum by ({by}) ({inner})") }
}

/// A query with the name of its series.
pub(crate) fn query(expression: impl Into<String>, legend: &'static str) -> Query {
    Query { expression: expression.into(), legend }
}
