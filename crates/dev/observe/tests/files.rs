//! The files in `deploy/observe`, and whether what they ask for exists.

#![expect(clippy::unwrap_used, reason = "a file that is not there is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use baton_observe::alerts::{self, Rules};
use baton_observe::{dashboards, files};
use baton_runtime::metrics::inventory::{ALL, Kind, Spec};
use promql_parser::label::Matchers;
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn rules(name: &str) -> Rules {
    alerts::read(&root().join(files::FOLDER).join("prometheus").join(name)).unwrap()
}

/// Where it stands, and what is asked.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for dashboard in dashboards::all() {
        for panel in dashboard.rows.iter().flat_map(|row| &row.panels) {
            for query in &panel.queries {
                queries.push((format!("{}, {}", dashboard.title, panel.title), query.expression.clone()));
            }
        }
    }
    for file in ["alerts.yaml", "recording.yaml"] {
        for rule in rules(file).groups.into_iter().flat_map(|group| group.rules) {
            queries.push((format!("{file}, {}{}", rule.alert, rule.record), rule.expr));
        }
    }
    queries
}

/// As Grafana fills it in.
fn filled(query: &str) -> String {
    let mut query = query.replace("$__rate_interval", "5m").replace("$__range", "6h");
    for dashboard in dashboards::all() {
        for (label, _) in dashboard.filters {
            query = query.replace(&format!("${label}"), ".*");
        }
    }
    query
}

fn parsed(place: &str, query: &str) -> Expr {
    parser::parse(&filled(query)).unwrap_or_else(|error| panic!("{place}: {error}\n{query}"))
}

fn recorded() -> BTreeSet<String> {
    rules("recording.yaml").groups.into_iter().flat_map(|group| group.rules).map(|rule| rule.record).collect()
}

/// The metric of a series; a histogram has three series of its name.
fn spec(name: &str) -> Option<&'static Spec> {
    let plain = ALL.iter().find(|spec| spec.name == name && !matches!(spec.kind, Kind::Histogram(_)));
    plain.or_else(|| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix))?;
        ALL.iter().find(|spec| spec.name == base && matches!(spec.kind, Kind::Histogram(_)))
    })
}

/// Calls `see` with every selector within, and the labels that are kept of it by what stands around.
fn walk(expr: &Expr, see: &mut impl FnMut(&VectorSelector), group: &mut impl FnMut(&LabelModifier, &Expr)) {
    match expr {
        Expr::Aggregate(inner) => {
            if let Some(modifier) = &inner.modifier {
                group(modifier, &inner.expr);
            }
            walk(&inner.expr, see, group);
        }
        Expr::Unary(inner) => walk(&inner.expr, see, group),
        Expr::Binary(inner) => {
            walk(&inner.lhs, see, group);
            walk(&inner.rhs, see, group);
        }
        Expr::Paren(inner) => walk(&inner.expr, see, group),
        Expr::Subquery(inner) => walk(&inner.expr, see, group),
        Expr::VectorSelector(selector) => see(selector),
        Expr::MatrixSelector(selector) => see(&selector.vs),
        Expr::Call(call) => call.args.args.iter().for_each(|inner| walk(inner, see, group)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn selectors(expr: &Expr) -> Vec<VectorSelector> {
    let mut found = Vec::new();
    walk(expr, &mut |selector| found.push(selector.clone()), &mut |_, _| {});
    found
}

fn labels_of(Matchers { matchers, .. }: &Matchers) -> Vec<String> {
    matchers.iter().map(|matcher| matcher.name.clone()).collect()
}

/// The labels that a series can have; Prometheus itself adds where it was scraped.
fn has(spec: &Spec, label: &str) -> bool {
    let histogram = matches!(spec.kind, Kind::Histogram(_));
    spec.labels.iter().any(|of| of.name == label)
        || ["instance", "job"].contains(&label)
        || (histogram && label == "le")
}

#[test]
fn the_files_are_what_is_written() {
    for (path, text) in files::all(&root()).unwrap() {
        let there = fs::read_to_string(root().join(&path)).unwrap_or_default();
        assert!(there == text, "{} is not up to date: run `make observe-files`", path.display());
    }
}

#[test]
fn every_query_names_metrics_that_there_are_by_labels_that_they_have() {
    let recorded = recorded();
    for (place, query) in queries() {
        for selector in selectors(&parsed(&place, &query)) {
            let name = selector.name.clone().unwrap_or_default();
            if recorded.contains(&name) {
                continue;
            }
            let spec = spec(&name).unwrap_or_else(|| panic!("{place}: nothing emits `{name}`"));
            for label in labels_of(&selector.matchers) {
                assert!(has(spec, &label), "{place}: `{name}` has no label `{label}`");
            }
        }
    }
}

#[test]
fn what_is_summed_by_a_label_has_it() {
    let recorded = recorded();
    for (place, query) in queries() {
        walk(&parsed(&place, &query), &mut |_| {}, &mut |modifier, inner| {
            let LabelModifier::Include(by) = modifier else { return };
            for selector in selectors(inner) {
                let name = selector.name.clone().unwrap_or_default();
                let Some(spec) = spec(&name) else {
                    assert!(recorded.contains(&name), "{place}: nothing emits `{name}`");
                    continue;
                };
                for label in &by.labels {
                    assert!(has(spec, label), "{place}: summed by `{label}`, which `{name}` has not");
                }
            }
        });
    }
}

#[test]
fn every_metric_is_looked_at() {
    let mut seen = BTreeSet::new();
    for (place, query) in queries() {
        seen.extend(
            selectors(&parsed(&place, &query))
                .iter()
                .filter_map(|found| spec(found.name.as_deref()?))
                .map(|spec| spec.name),
        );
    }
    let unseen: Vec<&str> = ALL.iter().map(|spec| spec.name).filter(|name| !seen.contains(name)).collect();
    assert!(unseen.is_empty(), "no dashboard and no alert looks at {unseen:?}");
}

/// The metrics behind an expression, through what is recorded.
fn behind(place: &str, query: &str, recorded: &BTreeMap<String, String>) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for selector in selectors(&parsed(place, query)) {
        let name = selector.name.unwrap_or_default();
        match recorded.get(&name) {
            Some(source) => found.extend(behind(&name, source, recorded)),
            None => found.extend(spec(&name).map(|spec| spec.name)),
        }
    }
    found
}

#[test]
fn the_inventory_names_the_alerts_that_look_at_each_metric() {
    let sources: BTreeMap<String, String> = rules("recording.yaml")
        .groups
        .into_iter()
        .flat_map(|group| group.rules)
        .map(|rule| (rule.record, rule.expr))
        .collect();
    let mut looking: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for rule in rules("alerts.yaml").groups.into_iter().flat_map(|group| group.rules) {
        for name in behind(&rule.alert, &rule.expr, &sources) {
            looking.entry(name).or_default().insert(rule.alert.clone());
        }
    }
    for spec in ALL {
        let declared: BTreeSet<String> = spec.alerts.iter().map(|alert| (*alert).to_owned()).collect();
        let found = looking.remove(spec.name).unwrap_or_default();
        assert_eq!(declared, found, "{}: declared and looking", spec.name);
    }
}

#[test]
fn every_alert_has_a_heading_a_way_and_a_test() {
    let operating = fs::read_to_string(root().join("docs/OPERATING.md")).unwrap();
    let folder = root().join(files::FOLDER).join("prometheus");
    let tests: String = ["alerts.test.yaml", "alerts-of-weeks.test.yaml"]
        .iter()
        .map(|name| fs::read_to_string(folder.join(name)).unwrap())
        .collect();
    for rule in rules("alerts.yaml").groups.into_iter().flat_map(|group| group.rules) {
        let name = &rule.alert;
        assert!(operating.contains(&format!("\n### {name}\n")), "docs/OPERATING.md has no heading {name}");
        assert_eq!(rule.annotations["runbook_url"], format!("docs/OPERATING.md#{}", name.to_lowercase()));
        for needed in ["severity", "team"] {
            assert!(rule.labels.contains_key(needed), "{name} has no {needed}");
        }
        assert!(tests.contains(&format!("alertname: {name} }}")), "no test says when {name} is silent");
        assert!(tests.contains(&format!("alertname: {name}\n        exp_alerts:\n")), "no test says when {name} fires");
    }
}
