//! The files that are written, and where.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::grafana::Dashboard;
use crate::{alerts, dashboards};

/// A file: its path from the root of the repository, and what is in it.
pub type File = (PathBuf, String);

/// The folder of everything that is at hand for observing, from the root of the repository.
pub const FOLDER: &str = "deploy/observe";

/// All files that this crate writes.
///
/// # Errors
/// When the rules of Prometheus cannot be read.
pub fn all(root: &Path) -> Result<Vec<File>, Box<figment::Error>> {
    let folder = Path::new(FOLDER);
    let rules = alerts::read(&root.join(FOLDER).join("prometheus/alerts.yaml"))?;
    let mut files =
        vec![(folder.join("grafana/provisioning/alerting/alerts.json"), pretty(&alerts::provisioning(&rules)))];
    for dashboard in dashboards::all() {
        let name = dashboard.uid.trim_start_matches("baton-");
        let grafana = folder.join("grafana/dashboards");
        files.push((grafana.join(format!("{name}.json")), pretty(&dashboard.json())));
        files.push((grafana.join(format!("{name}.md")), page(&dashboard)));
    }
    Ok(files)
}

/// How to read a dashboard, panel by panel.
fn page(dashboard: &Dashboard) -> String {
    let head = format!("# {}\n\n{}\n\n{}\n", dashboard.title, dashboard.question, dashboard.reading);
    let sections = dashboard.rows.iter().map(|row| {
        let panels = row.panels.iter().map(|panel| format!("| {} | {} |\n", panel.title, panel.meaning));
        format!("\n## {}\n\n| Panel | How to read it |\n|---|---|\n{}", row.title, panels.collect::<String>())
    });
    std::iter::once(head).chain(sections).collect()
}

fn pretty(value: &serde_json::Value) -> String {
    // A `Value` has text for keys and finite numbers: it can always be written.
    let mut text =
        serde_json::to_string_pretty(value).unwrap_or_else(|error| json!({ "error": error.to_string() }).to_string());
    text.push('\n');
    text
}
