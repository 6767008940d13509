//! What a run was and what came of it: for people, and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::gauges::Figures;
use crate::oracles::Verdict;
use crate::schedule::{Counts, Planned};

/// One run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// How to run it again.
    pub(crate) command: String,
    /// Lines fed.
    pub(crate) events: usize,
    /// What was asked for.
    pub(crate) counts: Counts,
    pub(crate) schedule: Vec<Planned>,
    /// Faults done, by name.
    pub(crate) faults: BTreeMap<&'static str, usize>,
    /// Requests that were held in the network: commits, offsets.
    pub(crate) caught: (usize, usize),
    /// Documented ends, by stage and code, that a supervisor started again.
    pub(crate) ends: BTreeMap<String, usize>,
    /// How long the broker was away each time, ms.
    pub(crate) outages_ms: Vec<u128>,
    pub(crate) stages: BTreeMap<&'static str, Figures>,
    /// Seconds from the first line to the last acknowledgement.
    pub(crate) fed_in_s: f64,
    /// Seconds from then until every consumer had read everything.
    pub(crate) caught_up_in_s: f64,
    /// Seconds from then until no transaction was open.
    pub(crate) settled_in_s: f64,
    /// `identify` from nothing: rows, seconds.
    pub(crate) restore: Option<(u64, f64)>,
    /// Records on each outcome topic.
    pub(crate) outcomes: BTreeMap<&'static str, usize>,
    /// What each oracle found.
    pub(crate) verdicts: BTreeMap<&'static str, Verdict>,
}

impl Report {
    /// Differences in all.
    pub(crate) fn differences(&self) -> usize {
        self.verdicts.values().map(|verdict| verdict.differences).sum()
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut say = |line: String| {
            out.push_str(&line);
            out.push('\n');
        };
        say(format!("seed {}   {} events   {}", self.seed, self.events, self.command));
        say("faults".to_owned());
        for (name, count) in &self.faults {
            say(format!("  {count:>5}  {name}"));
        }
        say(format!("  of these caught in the network: {} EndTxn, {} TxnOffsetCommit", self.caught.0, self.caught.1));
        if !self.outages_ms.is_empty() {
            say(format!("  broker away, ms: {:?}", self.outages_ms));
        }
        for (end, count) in &self.ends {
            say(format!("  {count:>5}  ended by itself with a documented code: {end}"));
        }
        say("consumers".to_owned());
        say("             starts  recycles  peak MiB   restart to first commit, ms: p50   p99   max".to_owned());
        for (stage, figures) in &self.stages {
            say(row(stage, figures));
        }
        say(rates(self));
        say("oracles".to_owned());
        for (oracle, verdict) in &self.verdicts {
            say(format!("  {:>8} differences in {:>9} compared  {oracle}", verdict.differences, verdict.compared));
            for example in &verdict.examples {
                say(format!("           {example}"));
            }
        }
        say(format!("{} differences", self.differences()));
        out
    }
}

fn row(stage: &str, figures: &Figures) -> String {
    let times = &figures.recovery_ms;
    let mut row = String::new();
    // Writing to a string cannot fail.
    write!(row, "  {stage:<10} {:>6} {:>9} {:>9}", figures.starts, figures.recycles, figures.peak_kb / 1_024).ok();
    if let Some(max) = times.last() {
        let (p50, p99) = (quantile(times, 50), quantile(times, 99));
        write!(row, "   {p50:>32} {p99:>5} {max:>5}").ok();
    }
    row
}

fn rates(report: &Report) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let events = report.events as f64;
    let all = report.fed_in_s + report.caught_up_in_s;
    let mut line = format!(
        "fed in {:.1} s, read to the end {:.1} s later, no open transaction {:.1} s later: {:.0} events/s in all",
        report.fed_in_s,
        report.caught_up_in_s,
        report.settled_in_s,
        events / all.max(0.001)
    );
    if let Some((rows, seconds)) = report.restore {
        write!(line, "\nidentify from nothing: {rows} rows in {seconds:.1} s").ok();
    }
    line
}

/// The value that so many percent do not exceed; `sorted` is not empty.
fn quantile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).clamp(1, sorted.len());
    sorted[rank - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_was_seen() {
        let times: Vec<u64> = (1..=100).collect();
        assert_eq!([quantile(&times, 50), quantile(&times, 99), quantile(&times, 100)], [50, 99, 100]);
        assert_eq!(quantile(&[7], 50), 7);
    }
}
