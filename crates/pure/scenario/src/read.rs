//! From the YAML that people write to a [`Scenario`], or to every mistake in it.
//!
//! Holds: reading never stops at the first mistake; steps come out in the order of time.

use baton_domain::Millis;
use baton_policy::Problem;
use baton_policy::document::{self, Field, Kind, Node, Report};
use serde_json::{Map, Number, Value};

use crate::alone::Alone;
use crate::lines::duration;
use crate::model::{Act, Change, Check, Expect, Publish, Scenario, Step, Want, WantKind};

const KEYS: [&str; 8] = ["scenario", "about", "pending", "policy", "change", "only", "start", "steps"];
const STEP: [&str; 8] = ["at", "pass", "send", "raw", "times", "every", "expect", "about"];

/// The longest time that a scenario may take.
const LONGEST_MS: i64 = 3_650 * Millis::DAY;
/// The most copies of one event.
const MOST_TIMES: i64 = 10_000;

/// What a lead is expected to be, by key: the newest record of which topic, and where in it.
const NEWEST: [(&str, &str, &str); 25] = [
    ("score", "lead.score", "score"),
    ("fit", "lead.score", "fit"),
    ("engagement", "lead.score", "engagement"),
    ("grade", "lead.score", "grade"),
    ("band", "lead.score", "band"),
    ("receipt", "lead.score", "receipt"),
    ("policy_version", "lead.score", "policy_version"),
    ("stage", "lifecycle.changed", "to"),
    ("status", "status.changed", "to"),
    ("verdict", "lifecycle.changed", "verdict"),
    ("check_in", "lifecycle.changed", "check_in"),
    ("cause", "lifecycle.changed", "cause"),
    ("lane", "lead.qualified", "decision.lane"),
    ("reason", "lead.qualified", "decision.reason"),
    ("cell", "lead.qualified", "decision.cell"),
    ("episode", "lead.qualified", "decision.episode"),
    ("trigger", "lead.qualified", "decision.trigger_set"),
    ("missing", "lead.qualified", "decision.missing_facts"),
    ("qualified", "lead.qualified", "decision"),
    ("owner", "lead.assignment", "owner"),
    ("pool", "lead.assignment", "pool"),
    ("rule", "lead.assignment", "rule"),
    ("why", "lead.assignment", "why"),
    ("excluded", "lead.assignment", "excluded"),
    ("handoff", "lead.handoff", ""),
];
const REST: [&str; 6] = ["lead", "sla", "topics", "said", "unsaid", "dead_letters"];

/// Reads and checks the scenario `text`, which the problems call `name`.
///
/// # Errors
/// Every problem of the document in its order, each with its line and what to do; at least one.
pub fn parse(name: &str, text: &str) -> Result<Scenario, Vec<Problem>> {
    let report = Report::new(name);
    let scenario = match document::read(text) {
        Ok(root) => whole(&Field::root(&report, &root)),
        Err(fault) => {
            report.say(fault.at, "", fault.message, None);
            None
        }
    };
    let problems = report.into_problems();
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        _ => Err(problems),
    }
}

fn whole(root: &Field<'_>) -> Option<Scenario> {
    let fields = root.fields(&KEYS)?;
    let name = fields.need("scenario").and_then(|field| field.text());
    let pending = fields.get("pending").and_then(|field| field.text());
    let policy = fields.get("policy").and_then(|field| field.text());
    let change = fields.get("change").map(|field| changes(&field)).unwrap_or_default();
    let only = fields.get("only").and_then(|field| alone(&field));
    let start = fields.need("start").and_then(|field| instant(&field));
    let steps = fields.need("steps").map(|field| steps(&field, start.unwrap_or_default()));
    Some(Scenario { name: name?, pending, policy, change, only, start: start?, steps: steps? })
}

fn changes(list: &Field<'_>) -> Vec<Change> {
    let words = |field: Field<'_>| match field.kind {
        Kind::Plain(text) | Kind::Quoted(text) => Some(text.clone()),
        _ => {
            field.expected("a passage of the policy");
            None
        }
    };
    let mut all = Vec::new();
    for item in list.items() {
        let Some(fields) = item.fields(&["from", "to"]) else { continue };
        let (from, to) = (fields.need("from").and_then(words), fields.need("to").and_then(words));
        all.extend(from.zip(to).map(|(from, to)| Change { line: item.at.line, from, to }));
    }
    all
}

fn alone(field: &Field<'_>) -> Option<Alone> {
    let name = field.text()?;
    let alone = Alone::named(&name);
    if alone.is_none() {
        field.wrong_but(format!("{name:?} cannot be played alone"), "choose `score` or `watch`");
    }
    alone
}

fn instant(field: &Field<'_>) -> Option<Millis> {
    let text = field.text()?;
    let time: Option<jiff::Timestamp> = text.parse().ok();
    if time.is_none() {
        field.wrong_but(format!("{text:?} is not a time"), "write it as in 2026-09-07T09:00:00Z");
    }
    time.map(|time| Millis(time.as_millisecond()))
}

fn steps(list: &Field<'_>, start: Millis) -> Vec<Step> {
    let mut now = start;
    let mut steps = Vec::new();
    let mut first_lead = None;
    for item in list.items() {
        let Some(fields) = item.fields(&STEP) else { continue };
        if let Some(at) = fields.get("at").and_then(|field| when(&field, start)) {
            if at < now {
                item.wrong_but("this step lies before the one above it", "put the steps in the order of time");
            }
            now = now.max(at);
        }
        if let Some(ms) = fields.get("pass").and_then(|field| span(&field)) {
            now = now.plus(ms);
        }
        let step = |act| Step { at: now, line: item.at.line, act };
        let before = steps.len();
        let times = fields.get("times").and_then(|field| field.integer(1, MOST_TIMES)).unwrap_or(1);
        let every_ms = fields.get("every").and_then(|field| span(&field)).unwrap_or(Millis::SECOND);
        for event in fields.get("send").iter().flat_map(Field::items_or_self) {
            if !matches!(event.kind, Kind::Map(_)) {
                event.expected("an event, as in { type: page, userId: ada }");
                continue;
            }
            if is_policy(event.kind) {
                steps.extend(publish(&event, start).map(|publish| step(Act::Publish(publish))));
                continue;
            }
            let event = json(event.kind);
            first_lead = first_lead.or_else(|| lead_of(&event));
            steps.push(step(Act::Send { event, times, every_ms }));
        }
        for raw in fields.get("raw").iter().flat_map(Field::items_or_self) {
            match raw.kind {
                Kind::Plain(text) | Kind::Quoted(text) => steps.push(step(Act::Raw(text.clone()))),
                _ => raw.expected("the text of a record"),
            }
        }
        let sent = steps.len() > before;
        if sent && times > 1 {
            now = now.plus(every_ms.saturating_mul(times - 1));
        }
        let step = |act| Step { at: now, line: item.at.line, act };
        for field in fields.get("expect").iter().flat_map(Field::items_or_self) {
            steps.extend(expect(&field, start, first_lead.as_deref()).map(|expect| step(Act::Expect(expect))));
        }
        if steps.len() == before && fields.get("expect").is_none() {
            steps.push(step(Act::Pass));
        }
    }
    steps
}

fn is_policy(event: &Kind) -> bool {
    let Kind::Map(entries) = event else { return false };
    let is_type = |entry: &document::Entry| {
        entry.key == "type" && matches!(&entry.value.kind, Kind::Plain(word) | Kind::Quoted(word) if word == "policy")
    };
    entries.iter().any(is_type)
}

fn publish(event: &Field<'_>, start: Millis) -> Option<Publish> {
    let fields = event.fields(&["type", "file", "change", "effective_at"])?;
    let file = fields.get("file").and_then(|field| field.text());
    let change = fields.get("change").map(|field| changes(&field)).unwrap_or_default();
    let effective_at = fields.get("effective_at").and_then(|field| when(&field, start));
    if file.is_none() && change.is_empty() {
        event.wrong_but("nothing changes", "name the policy's `file`, or a `change` that also raises its version");
    }
    Some(Publish { file, change, effective_at })
}

/// An instant, or a time counted from the start.
fn when(field: &Field<'_>, start: Millis) -> Option<Millis> {
    let text = field.text()?;
    if let Some(ms) = duration(text.trim_start_matches('@')).filter(|ms| (0..=LONGEST_MS).contains(ms)) {
        return Some(start.plus(ms));
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(Millis(time.as_millisecond()));
    }
    let hint = "write +5m, 3d, 1d2h (counted from `start`) or 2026-09-07T09:00:00Z";
    field.wrong_but(format!("{text:?} is not a time"), hint);
    None
}

fn span(field: &Field<'_>) -> Option<i64> {
    let text = field.text()?;
    let span = duration(&text).filter(|ms| (0..=LONGEST_MS).contains(ms));
    if span.is_none() {
        field.wrong_but(format!("expected a duration, found {text:?}"), "write it as in 90s, 5m, 1h, 14d or 1d2h");
    }
    span
}

/// The id under which a lead is spoken of, the strongest first.
fn lead_of(event: &Value) -> Option<String> {
    let given = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let named = [
        ("/userId", "user:"),
        ("/crmId", "crm:"),
        ("/email", ""),
        ("/traits/email", ""),
        ("/anonymousId", "anonymous:"),
    ];
    named.iter().find_map(|(pointer, kind)| given(pointer).map(|id| format!("{kind}{id}")))
}

/// A value of the document as JSON: what stands in quotes is text, the rest is what it looks like.
fn json(kind: &Kind) -> Value {
    match kind {
        Kind::Quoted(text) => Value::String(text.clone()),
        Kind::Plain(text) => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "" | "~" | "null" => Value::Null,
            text if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                text.parse::<Number>().map_or_else(|_| Value::String(text.to_owned()), Value::Number)
            }
            text => Value::String(text.to_owned()),
        },
        Kind::List(items) => Value::Array(items.iter().map(|item| json(&item.kind)).collect()),
        Kind::Map(entries) => {
            let parts: Map<_, _> = entries.iter().map(|entry| (entry.key.clone(), json(&entry.value.kind))).collect();
            Value::Object(parts)
        }
        Kind::Probe => Value::Null,
    }
}

fn expect(field: &Field<'_>, start: Millis, first_lead: Option<&str>) -> Option<Expect> {
    let known: Vec<&'static str> = NEWEST.iter().map(|(key, ..)| *key).chain(REST).collect();
    let fields = field.fields(&known)?;
    let lead = fields.get("lead").and_then(|field| field.text()).or_else(|| first_lead.map(str::to_owned));
    let mut checks = Vec::new();
    for (key, topic, path) in NEWEST {
        if let Some(field) = fields.get(key) {
            checks.push(Check::Newest { key: key.to_owned(), topic, path, want: want(&field, start) });
        }
    }
    for named in fields.get("topics").and_then(|field| field.named()).unwrap_or_default() {
        checks.push(Check::Count { topic: named.name.to_owned(), want: want(&named.value, start) });
    }
    for item in fields.get("sla").iter().flat_map(Field::items_or_self) {
        checks.push(Check::Said { topic: "sla.*".to_owned(), want: want(&item, start) });
    }
    for item in fields.get("dead_letters").iter().flat_map(Field::items_or_self) {
        checks.push(Check::Said { topic: "dlq".to_owned(), want: want(&item, start) });
    }
    for item in fields.get("said").iter().flat_map(Field::items_or_self) {
        checks.extend(record(&item, start).map(|(topic, want)| Check::Said { topic, want }));
    }
    for item in fields.get("unsaid").iter().flat_map(Field::items_or_self) {
        checks.extend(record(&item, start).map(|(topic, want)| Check::Unsaid { topic, want }));
    }
    let names_nothing = matches!(field.kind, Kind::Map(entries) if entries.iter().all(|entry| entry.key == "lead"));
    if names_nothing {
        field.wrong_but("nothing is expected", "name a key such as `stage`, `score`, `owner` or `topics`");
    }
    Some(Expect { lead, checks })
}

/// What a record must look like, and on which topic.
fn record(field: &Field<'_>, start: Millis) -> Option<(String, Want)> {
    let Want { line, kind: WantKind::Parts(mut parts) } = want(field, start) else {
        field.expected("a map with `topic` and what the record has");
        return None;
    };
    let Some(place) = parts.iter().position(|(key, _)| key == "topic") else {
        field.wrong_but("the topic is missing", "add `topic: lead.handoff` or another one");
        return None;
    };
    let WantKind::Word(topic) = parts.remove(place).1.kind else {
        field.wrong("the topic must be one word");
        return None;
    };
    Some((topic, Want { line, kind: WantKind::Parts(parts) }))
}

/// What is wanted, with times relative to the start made absolute.
fn want(field: &Field<'_>, start: Millis) -> Want {
    want_of(field.at.line, field.kind, start)
}

fn want_of(line: usize, kind: &Kind, start: Millis) -> Want {
    let kind = match kind {
        Kind::Plain(text) | Kind::Quoted(text) => {
            let time = text.strip_prefix('@').and_then(duration).map(|ms| crate::lines::rfc3339(start.plus(ms)));
            WantKind::Word(time.unwrap_or_else(|| text.clone()))
        }
        Kind::List(items) => WantKind::Some(wants(items, start)),
        Kind::Probe => WantKind::Some(Vec::new()),
        Kind::Map(entries) => match entries.as_slice() {
            [only] if only.key == "exactly" => match &only.value.kind {
                Kind::List(items) => WantKind::Exactly(wants(items, start)),
                other => WantKind::Exactly(vec![want_of(line, other, start)]),
            },
            _ => WantKind::Parts(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), want_of(entry.at.line, &entry.value.kind, start)))
                    .collect(),
            ),
        },
    };
    Want { line, kind }
}

fn wants(items: &[Node], start: Millis) -> Vec<Want> {
    items.iter().map(|item| want_of(item.at.line, &item.kind, start)).collect()
}
