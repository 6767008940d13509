//! Prints the demo's sample: `cargo run -p baton-workload --example write_sample`.

use std::io::{self, BufWriter, Write};

fn main() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in baton_workload::demo() {
        writeln!(out, "{line}")?;
    }
    out.flush()
}
