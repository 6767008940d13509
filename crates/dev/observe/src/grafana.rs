//! A dashboard of Grafana as a value: rows of panels, laid out from left to right, written as classic JSON.
//!
//! Classic JSON is what every Grafana from 10 to 13 loads; later ones convert it themselves.
//! Absent on purpose: anything that can be clicked together but not be checked here.

use serde_json::{Value, json};

/// The width of a dashboard in Grafana's grid.
const COLUMNS: u64 = 24;

/// A page of panels.
pub struct Dashboard {
    /// Part of its address and of the name of its file; never changes.
    pub uid: &'static str,
    /// What stands above it.
    pub title: &'static str,
    /// The question it answers, in a sentence.
    pub question: &'static str,
    /// How to read it, for the page beside it: markdown.
    pub reading: &'static str,
    /// From top to bottom.
    pub rows: Vec<Row>,
    /// The labels that it can be narrowed to: label, and a metric that carries it.
    pub filters: &'static [(&'static str, &'static str)],
}

/// Panels side by side under a heading.
pub struct Row {
    /// The heading.
    pub title: &'static str,
    /// From left to right; they share the width.
    pub panels: Vec<Panel>,
}

/// One picture.
pub struct Panel {
    /// What is seen.
    pub title: &'static str,
    /// How to read it: what is good, what is not, and what to do then.
    pub meaning: &'static str,
    /// Its form.
    pub form: Form,
    /// The unit of its values, in Grafana's words.
    pub unit: Unit,
    /// What it shows.
    pub queries: Vec<Query>,
    /// Lines of reference, or the values from which a number changes its colour.
    pub marks: Vec<Mark>,
    /// Whether values below 0 say something.
    pub signed: bool,
}

/// How a panel draws.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Over time.
    Lines,
    /// Over time, one upon the other.
    Stack,
    /// The last value, large.
    Number,
    /// The last value of each series as a bar.
    Bars,
    /// The last value of each series as a row.
    Table,
    /// How a histogram's values lie, over time.
    Heatmap,
}

/// What a value counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Things a second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// A share of 1.
    Share,
    /// Bytes.
    Bytes,
}

/// One expression of a panel.
pub struct Query {
    /// In `PromQL`; `$__rate_interval`, `$__range` and the dashboard's filters may stand in it.
    pub expression: String,
    /// The name of its series, labels in `{{ }}`.
    pub legend: &'static str,
}

/// A value that means something.
pub struct Mark {
    /// From here on.
    pub from: f64,
    /// As what it is drawn.
    pub colour: Colour,
}

/// What a mark says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// As it should be.
    Good,
    /// A reference, or worth a look.
    Watch,
    /// Somebody must act.
    Bad,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "short",
            Self::PerSecond => "ops",
            Self::Seconds => "s",
            Self::Share => "percentunit",
            Self::Bytes => "bytes",
        }
    }
}

impl Colour {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "green",
            Self::Watch => "orange",
            Self::Bad => "red",
        }
    }
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Lines | Self::Stack => "timeseries",
            Self::Number => "stat",
            Self::Bars => "bargauge",
            Self::Table => "table",
            Self::Heatmap => "heatmap",
        }
    }

    /// Whether only the last value is asked for.
    fn is_instant(self) -> bool {
        matches!(self, Self::Bars | Self::Table)
    }

    fn height(self) -> u64 {
        if self == Self::Number { 5 } else { 8 }
    }
}

impl Dashboard {
    /// As Grafana reads it.
    pub fn json(&self) -> Value {
        json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.question,
            "tags": ["baton"],
            "timezone": "browser",
            "editable": false,
            "graphTooltip": 1,
            "schemaVersion": 39,
            "version": 1,
            "refresh": "30s",
            "time": { "from": "now-6h", "to": "now" },
            "timepicker": {},
            "annotations": { "list": [] },
            "links": [{
                "type": "dashboards", "tags": ["baton"], "title": "Baton", "asDropdown": true,
                "includeVars": true, "keepTime": true, "icon": "external link", "targetBlank": false, "url": "", "tooltip": "",
            }],
            "templating": { "list": self.variables() },
            "panels": self.panels(),
        })
    }

    fn variables(&self) -> Vec<Value> {
        let source = json!({
            "name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus",
            "current": {}, "hide": 0, "includeAll": false, "multi": false, "options": [], "refresh": 1, "regex": "",
        });
        let filters = self.filters.iter().map(|(label, metric)| {
            let query = format!("label_values({metric}, {label})");
            json!({
                "name": label, "label": label, "type": "query", "datasource": datasource(),
                "definition": query, "query": { "query": query, "refId": "A" },
                "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
                "hide": 0, "includeAll": true, "allValue": ".*", "multi": true, "options": [], "refresh": 2, "regex": "", "sort": 1,
            })
        });
        std::iter::once(source).chain(filters).collect()
    }

    fn panels(&self) -> Vec<Value> {
        let mut panels = Vec::new();
        let mut top = 0;
        for row in &self.rows {
            panels.push(json!({
                "id": panels.len() + 1, "type": "row", "title": row.title, "collapsed": false, "panels": [],
                "gridPos": { "x": 0, "y": top, "w": COLUMNS, "h": 1 },
            }));
            top += 1;
            let width = COLUMNS / (row.panels.len() as u64).max(1);
            let height = row.panels.iter().map(|panel| panel.form.height()).max().unwrap_or(0);
            for (place, panel) in row.panels.iter().enumerate() {
                let at = json!({ "x": place as u64 * width, "y": top, "w": width, "h": height });
                panels.push(panel.json(panels.len() + 1, &at));
            }
            top += height;
        }
        panels
    }
}

impl Panel {
    fn json(&self, id: usize, at: &Value) -> Value {
        let targets: Vec<Value> =
            self.queries.iter().enumerate().map(|(place, query)| self.target(place, query)).collect();
        json!({
            "id": id,
            "type": self.form.name(),
            "title": self.title,
            "description": self.meaning,
            "datasource": datasource(),
            "gridPos": at,
            "targets": targets,
            "fieldConfig": { "defaults": self.field(), "overrides": [] },
            "options": self.options(),
            "transformations": self.transformations(),
        })
    }

    fn target(&self, place: usize, query: &Query) -> Value {
        let format = match self.form {
            Form::Table => "table",
            Form::Heatmap => "heatmap",
            _ => "time_series",
        };
        json!({
            "refId": reference(place),
            "datasource": datasource(),
            "editorMode": "code",
            "expr": query.expression,
            "legendFormat": query.legend,
            "instant": self.form.is_instant(),
            "range": !self.form.is_instant(),
            "format": format,
        })
    }

    fn field(&self) -> Value {
        let base =
            json!({ "color": if self.first_colour() == Colour::Good { "green" } else { "text" }, "value": null });
        let steps: Vec<Value> = std::iter::once(base)
            .chain(self.marks.iter().map(|mark| json!({ "color": mark.colour.name(), "value": mark.from })))
            .collect();
        let lines = if self.marks.is_empty() { "off" } else { "dashed" };
        json!({
            "unit": self.unit.name(),
            "min": if self.signed { Value::Null } else { json!(0) },
            "color": { "mode": if self.form == Form::Number { "thresholds" } else { "palette-classic" } },
            "thresholds": { "mode": "absolute", "steps": steps },
            "custom": match self.form {
                Form::Lines | Form::Stack => json!({
                    "drawStyle": "line", "lineWidth": 1, "showPoints": "auto", "spanNulls": false,
                    "fillOpacity": if self.form == Form::Stack { 40 } else { 0 },
                    "stacking": { "group": "A", "mode": if self.form == Form::Stack { "normal" } else { "none" } },
                    "thresholdsStyle": { "mode": lines },
                }),
                _ => json!({}),
            },
        })
    }

    /// Below the first mark that is not good, all is well; where marks begin with good, nothing is yet.
    fn first_colour(&self) -> Colour {
        match self.marks.first() {
            Some(mark) if mark.colour == Colour::Good => Colour::Watch,
            _ => Colour::Good,
        }
    }

    fn options(&self) -> Value {
        match self.form {
            Form::Lines | Form::Stack => json!({
                "legend": { "displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": ["lastNotNull", "max"] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Form::Number => json!({
                "colorMode": "value", "graphMode": "area", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            }),
            Form::Bars => json!({
                "displayMode": "basic", "orientation": "horizontal", "showUnfilled": true,
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            }),
            Form::Table => json!({ "showHeader": true, "cellHeight": "sm", "footer": { "show": false } }),
            Form::Heatmap => json!({
                "calculate": false, "cellGap": 1, "color": { "mode": "scheme", "scheme": "Blues", "steps": 32 },
                "yAxis": { "axisPlacement": "left", "unit": self.unit.name() }, "tooltip": { "mode": "single", "showColorScale": true },
                "legend": { "show": true },
            }),
        }
    }

    /// A table drops what the reader did not ask for.
    fn transformations(&self) -> Value {
        if self.form != Form::Table {
            return json!([]);
        }
        json!([
            { "id": "merge", "options": {} },
            { "id": "organize", "options": { "excludeByName": { "Time": true }, "indexByName": {}, "renameByName": {} } },
        ])
    }
}

fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// The letters by which Grafana tells the queries of a panel apart.
fn reference(place: usize) -> String {
    char::from(b'A' + u8::try_from(place).unwrap_or(25).min(25)).to_string()
}
