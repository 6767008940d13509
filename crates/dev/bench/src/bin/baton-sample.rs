//! Prints the seeded sample clickstream for as many leads and days as asked: the product's input when it is measured.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let (Some(Ok(leads)), Some(Ok(days)), None) = (numbers.next(), numbers.next(), numbers.next()) else {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
        tracing::error!("usage: baton-sample LEADS DAYS");
        return ExitCode::from(64);
    };
    let days = i64::try_from(days).unwrap_or(i64::MAX);
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in baton_workload::sample(baton_workload::SEED, leads, baton_workload::START, days) {
        // A reader that has enough closes the pipe.
        if writeln!(out, "{line}").is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}
