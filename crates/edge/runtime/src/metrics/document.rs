//! The inventory as a page for people: `docs/METRICS.md`.

use std::fmt::Write;

use super::inventory::{ALL, Group, Kind, Spec};

const HEAD: &str = "\
# Metrics

Each consumer process answers with these on `/metrics` of `http.listen`, in Prometheus' text format. This page is
written from the declarations in `crates/edge/runtime/src/metrics/inventory.rs` by `make docs-metrics`; a test compares
the two.

What to know before a query:

- **A counter counts what was committed.** What a transaction did that was undone is not in it, and what is done again
  is in it once. It starts from zero with the process, as Prometheus expects; the exact accounts over all time are the
  ledger's (`baton report`). When the answer to a commit is lost and the commit turns out to have happened, its figures
  are missing here, and the ledger has them.
- **A gauge is so now.** Those of open promises and waiting leads are counted from the rows of state, every ten seconds or
  at larger intervals when there are many, so they are right after a restart, too.
- **Log time is Unix time** where `clock` is `wall`. With `clock: log` (replays, simulations) what is measured between the
  log and the commit says nothing.
- **Every label is bounded** by the code or by your policy and settings. No lead, person, address or URL is a label.
- A consumer in several processes reports its own lanes from each: sum over `instance`.
";

/// The page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for group in Group::ALL {
        // Writing to a string does not fail.
        write!(page, "\n## {}\n", group.title()).ok();
        for spec in ALL.iter().filter(|spec| spec.group == group) {
            metric(&mut page, spec);
        }
    }
    page
}

fn metric(page: &mut String, Spec { name, kind, labels, help, alerts, .. }: &Spec) {
    write!(page, "\n### `{name}`\n\n{help}\n\n- Kind: {}", kind.as_str()).ok();
    if let Kind::Histogram(bounds) = kind {
        let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
        write!(page, ", with the bounds {}", bounds.join(", ")).ok();
    }
    page.push('\n');
    for label in *labels {
        writeln!(page, "- Label `{}`: {}", label.name, label.values).ok();
    }
    if !alerts.is_empty() {
        writeln!(page, "- Alerts: {}", alerts.join(", ")).ok();
    }
}

#[cfg(test)]
mod tests {
    /// `BATON_WRITE_DOCS=1` writes the page instead: `make docs-metrics`.
    #[test]
    fn docs_metrics_md_says_what_is_declared() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/METRICS.md");
        let page = super::page();
        if std::env::var_os("BATON_WRITE_DOCS").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == page, "docs/METRICS.md is not what is declared: run `make docs-metrics`");
    }
}
