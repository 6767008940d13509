//! Prints a table of leads as JSON Lines: `leads_to_events leads.csv > events.jsonl`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: leads_to_events <leads.csv>");
        return ExitCode::from(64);
    };
    let lines = match File::open(&path).map_err(csv::Error::from).and_then(acceptance::leads::convert) {
        Ok(lines) => lines,
        Err(error) => {
            eprintln!("could not read {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let written = lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not write: {error}");
            ExitCode::FAILURE
        }
    }
}
