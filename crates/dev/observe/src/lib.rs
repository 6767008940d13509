//! What a team looks at: dashboards, and alerts for Grafana, written as code and kept as files in `deploy/observe`.
//!
//! Holds: every metric that a query names is one that consumers emit, with the labels that it has; every alert has a
//! heading in `docs/OPERATING.md` and a test. The files are what this crate writes, byte for byte.
//!
//! Absent on purpose: alert rules themselves. They are written by hand for Prometheus, where they can be tested
//! (`deploy/observe/prometheus`); Grafana's are made from them.

pub mod alerts;
pub mod dashboards;
pub mod files;
pub mod grafana;
mod promql;
