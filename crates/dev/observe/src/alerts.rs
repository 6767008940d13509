//! The alerts: read from the rules of Prometheus, written for Grafana's own alerting.

use std::collections::BTreeMap;
use std::path::Path;

use figment::Figment;
use figment::providers::{Format, Yaml};
use serde::Deserialize;
use serde_json::{Value, json};

/// The name under which Grafana knows Prometheus; `deploy/observe/grafana/provisioning/datasources` says the same.
const DATASOURCE: &str = "baton-prometheus";

/// A file of rules.
#[derive(Debug, Deserialize)]
pub struct Rules {
    /// In the order in which they are evaluated.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated together.
#[derive(Debug, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// An alert, or a value that is recorded under a name.
#[derive(Debug, Deserialize)]
pub struct Rule {
    /// The alert's name.
    #[serde(default)]
    pub alert: String,
    /// The recorded value's name.
    #[serde(default)]
    pub record: String,
    /// What is asked, in `PromQL`.
    pub expr: String,
    /// For how long it must hold.
    #[serde(default = "at_once", rename = "for")]
    pub hold: String,
    /// Severity and team.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What people read.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

fn at_once() -> String {
    "0s".to_owned()
}

/// Reads a file of rules.
///
/// # Errors
/// When it cannot be read, or is not what Prometheus takes.
pub fn read(path: &Path) -> Result<Rules, Box<figment::Error>> {
    Figment::from(Yaml::file_exact(path)).extract().map_err(Box::new)
}

/// The same alerts as a provisioning file of Grafana (JSON is YAML).
///
/// A rule of Prometheus fires for whatever its expression gives, be it 0. Grafana asks for a number above a threshold,
/// so beside the value, for people, stands a 1 for each series that there is, for the threshold. Both are asked of
/// Prometheus: a `$` of Grafana's own expressions would be taken for a variable of the environment in such a file.
pub fn provisioning(rules: &Rules) -> Value {
    let groups: Vec<Value> = rules
        .groups
        .iter()
        .map(|group| {
            let rules: Vec<Value> = group.rules.iter().map(rule).collect();
            json!({ "orgId": 1, "name": group.name, "folder": "Baton", "interval": "1m", "rules": rules })
        })
        .collect();
    json!({ "apiVersion": 1, "groups": groups })
}

fn rule(rule: &Rule) -> Value {
    let asked = |name: &str, expression: &str| {
        json!({
            "refId": name,
            "relativeTimeRange": { "from": 600, "to": 0 },
            "datasourceUid": DATASOURCE,
            "model": { "refId": name, "expr": expression, "instant": true, "range": false },
        })
    };
    let threshold = json!({
        "refId": "fires",
        "relativeTimeRange": { "from": 0, "to": 0 },
        "datasourceUid": "__expr__",
        "model": {
            "refId": "fires", "type": "threshold", "expression": "there",
            "conditions": [{ "evaluator": { "type": "gt", "params": [0] } }],
        },
    });
    json!({
        "uid": rule.alert.to_lowercase(),
        "title": rule.alert,
        "condition": "fires",
        "data": [asked("value", rule.expr.trim()), asked("there", &format!("0 * ({}) + 1", rule.expr.trim())), threshold],
        // An expression that gives nothing is an alert that does not fire, as in Prometheus.
        "noDataState": "OK",
        "execErrState": "Error",
        "for": rule.hold,
        "labels": rule.labels,
        "annotations": annotations(rule),
    })
}

/// Prometheus gives templates the value itself; Grafana gives a value of each query.
fn annotations(rule: &Rule) -> BTreeMap<String, String> {
    rule.annotations.iter().map(|(name, text)| (name.clone(), text.replace("$value", "$values.value.Value"))).collect()
}
