//! The dashboards, from the process to the deal.

mod funnel;
mod pipeline;
mod quality;
mod routing;
mod sla;

use crate::grafana::{Colour, Dashboard, Form, Mark, Panel, Query, Row, Unit};

/// All of them.
pub fn all() -> Vec<Dashboard> {
    vec![pipeline::dashboard(), funnel::dashboard(), sla::dashboard(), routing::dashboard(), quality::dashboard()]
}

fn row(title: &'static str, panels: Vec<Panel>) -> Row {
    Row { title, panels }
}

fn panel(title: &'static str, form: Form, unit: Unit, meaning: &'static str, queries: Vec<Query>) -> Panel {
    Panel { title, meaning, form, unit, queries, marks: Vec::new(), signed: false }
}

impl Panel {
    fn signed(mut self) -> Self {
        self.signed = true;
        self
    }

    fn marked(mut self, marks: &[(f64, Colour)]) -> Self {
        self.marks = marks.iter().map(|&(from, colour)| Mark { from, colour }).collect();
        self
    }
}
