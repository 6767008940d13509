//! What an engagement rule matches: names and plain conditions, how often, or one thing after another.
//!
//! Absent on purpose: regular expressions. A condition is a word, a start of one, or a part of a title,
//! so what it costs to match an event is known beforehand.

use baton_domain::Millis;

use super::read::{Field, Fields, shown};
use crate::{ActivityMatch, Distinct, Sequence, Window};

const CONDITIONS: [&str; 9] =
    ["event", "path", "form", "content_stage", "topic", "campaign", "source", "medium", "title"];

/// Early, middle and late.
const STAGES: [&str; 3] = ["tofu", "mofu", "bofu"];

/// Names that sources commonly give to what people do.
const EVENTS: [&str; 24] = [
    "Page Viewed",
    "Screen Viewed",
    "Email Delivered",
    "Email Opened",
    "Email Link Clicked",
    "Email Replied",
    "Email Bounced",
    "Email Unsubscribed",
    "Unsubscribed",
    "Email Marked As Spam",
    "Form Submitted",
    "Demo Requested",
    "Pricing Requested",
    "Contact Requested",
    "Content Downloaded",
    "Webinar Registered",
    "Webinar Attended",
    "Event Attended",
    "Trial Started",
    "Product Milestone",
    "Chat Started",
    "Ad Clicked",
    "Social Engaged",
    "Signed Up",
];

/// Reads a rule's `when`; problems go to the report.
pub(super) fn read(field: &Field<'_>) -> Option<ActivityMatch> {
    let mut known = CONDITIONS.to_vec();
    known.extend(["at_least", "sequence", "within"]);
    let fields = field.fields(&known)?;
    let plain = conditions(&fields);
    let at_least = fields.get("at_least").and_then(|f| window(&f));
    if let Some(steps) = fields.get("sequence") {
        for key in CONDITIONS.into_iter().chain(["at_least"]) {
            if let Some(beside) = fields.get(key) {
                beside.wrong("write it into a step of the sequence");
            }
        }
        return sequence(&steps, &fields);
    }
    if fields.get("event").is_none() {
        fields.missing("event", None);
    }
    if let Some(within) = fields.get("within") {
        within.wrong_but("belongs to a sequence", "write at_least: { times: 3, within: 30d } for a count");
    }
    Some(ActivityMatch { at_least, ..plain })
}

/// The conditions on one activity, as far as they are given.
fn conditions(fields: &Fields<'_>) -> ActivityMatch {
    let texts = |key: &str| fields.get(key).map(|f| f.texts()).unwrap_or_default();
    let whole = |key: &str| fields.get(key).map(|f| whole(&f)).unwrap_or_default();
    let starts = |key: &str| fields.get(key).map(|f| starts(&f)).unwrap_or_default();
    ActivityMatch {
        names: fields.get("event").map(|f| events(&f)).unwrap_or_default(),
        paths: fields.get("path").map(|f| paths(&f)).unwrap_or_default(),
        forms: whole("form"),
        content_stages: fields.get("content_stage").map(|f| stages(&f, in_full)).unwrap_or_default(),
        topics: starts("topic"),
        campaigns: starts("campaign"),
        sources: starts("source"),
        mediums: starts("medium"),
        titles: texts("title").iter().map(|part| part.to_lowercase()).collect(),
        at_least: None,
        sequence: None,
    }
}

fn sequence(field: &Field<'_>, whole: &Fields<'_>) -> Option<ActivityMatch> {
    let items = field.items();
    if !(2..=Sequence::MOST).contains(&items.len()) {
        field.wrong(format!("needs 2 to {} steps, found {}", Sequence::MOST, items.len()));
    }
    let steps: Vec<ActivityMatch> = items.iter().take(Sequence::MOST).filter_map(step).collect();
    let mut names: Vec<String> = steps.iter().flat_map(|step| step.names.clone()).collect();
    names.sort();
    names.dedup();
    let within = whole.get("within");
    if within.is_none() {
        whole.missing("within", None);
    }
    let within_ms = within.and_then(|f| f.duration())?;
    Some(ActivityMatch { names, sequence: Some(Sequence { steps, within_ms }), ..ActivityMatch::default() })
}

fn step(item: &Field<'_>) -> Option<ActivityMatch> {
    let fields = item.fields(&CONDITIONS)?;
    fields.need("event");
    Some(conditions(&fields))
}

/// Names of events: the writer's own, or those that the Segment spec and Baton have for common ones.
pub(super) fn events(field: &Field<'_>) -> Vec<String> {
    field.texts_that(|item, text| {
        in_full(item, text);
        item.doubt("event", text, &EVENTS);
    })
}

/// Stages of content, of which `check` notes what else is wrong with each.
pub(super) fn stages(field: &Field<'_>, check: impl Fn(&Field<'_>, &str)) -> Vec<String> {
    field.texts_that(|item, text| {
        check(item, text);
        if !STAGES.contains(&text) {
            let hint = "those are `tofu`, `mofu` and `bofu`. If it is one of your own, all is well";
            item.odd(format!("{} is no common stage of content", shown(text)), hint);
        }
    })
}

/// Words of which no part is enough: rules are found by the name of the event.
fn whole(field: &Field<'_>) -> Vec<String> {
    field.texts_that(in_full)
}

fn in_full(item: &Field<'_>, text: &str) {
    if text.contains('*') {
        item.wrong("`*` has no meaning here: name each in full");
    }
}

fn starts(field: &Field<'_>) -> Vec<String> {
    field.texts_that(|item, text| {
        if text.strip_suffix('*').unwrap_or(text).contains('*') {
            item.wrong("`*` may stand at the end only");
        }
    })
}

fn paths(field: &Field<'_>) -> Vec<String> {
    field.texts_that(|item, text| {
        let plain = text.strip_suffix('*').unwrap_or(text);
        if !plain.starts_with('/') {
            item.wrong("a path starts with `/`");
        } else if plain.contains('*') {
            item.wrong("`*` may stand at the end only");
        } else if plain.contains(['?', '#']) {
            item.wrong("a path has no query and no fragment");
        } else if plain.contains(['^', '|', '\\']) || plain.contains(")+") || plain.ends_with('$') {
            item.wrong("a path is no regular expression: write it out, or its start and a `*`");
        }
    })
}

/// So many times, on so many days or of so many pieces of content.
fn window(field: &Field<'_>) -> Option<Window> {
    const COUNTS: [(&str, Distinct); 3] =
        [("times", Distinct::Times), ("days", Distinct::Days), ("contents", Distinct::Contents)];
    let fields = field.fields(&["times", "days", "contents", "within"])?;
    let within_ms = fields.need("within").and_then(|f| f.duration()).unwrap_or_default();
    let given: Vec<(Field<'_>, i64, Distinct)> = COUNTS
        .into_iter()
        .filter_map(|(key, of)| {
            let field = fields.get(key)?;
            let count = field.integer(1, 1_000).unwrap_or_default();
            Some((field, count, of))
        })
        .collect();
    match given.as_slice() {
        [] => {
            fields.missing("times", Some("or `days`, or `contents`".to_owned()));
            None
        }
        [(field, times, of)] => {
            // Any span touches one day more than it is long.
            let days = within_ms / Millis::DAY + i64::from(within_ms % Millis::DAY > 0) + 1;
            if *of == Distinct::Days && *times > days {
                field.odd(format!("{times} cannot be reached: {days} days at most lie within it"), "widen `within`");
            }
            Some(Window { times: *times, within_ms, of: *of })
        }
        [_, (second, ..), ..] => {
            second.wrong("another count is given too: keep one of them");
            None
        }
    }
}
