//! The section `lifecycle`: what dispositions do, the loop guard, check-ins, expansion.

use std::collections::BTreeMap;

use baton_domain::CauseClass;

use super::decision::lane;
use super::read::Field;
use crate::{Blame, Destination, Effect, Lifecycle, LoopGuard, Rearm};

const DESTINATIONS: [(&str, Destination); 6] = [
    ("qualified", Destination::Qualified),
    ("recycled", Destination::Recycled),
    ("disqualified", Destination::Disqualified),
    ("suppressed", Destination::Suppressed),
    ("reroute", Destination::Reroute),
    ("identified", Destination::Identified),
];
const REARMS: [(&str, Rearm); 3] =
    [("cooled", Rearm::Cooled), ("high_intent", Rearm::HighIntent), ("hand_raise", Rearm::HandRaise)];
const CAUSES: [(&str, Blame); 4] = [
    ("lead", Blame::Class(CauseClass::Lead)),
    ("followup", Blame::Class(CauseClass::Followup)),
    ("unknown", Blame::Class(CauseClass::Unknown)),
    ("by_touch", Blame::ByTouch),
];
/// Most recycles that a loop guard counts: the scorer remembers so many episodes.
const MOST_RECYCLES: i64 = 20;

const EFFECT_KEYS: [&str; 8] =
    ["to", "check_in", "cool_down", "keep_percent", "rearm", "cause", "mark", "tell_account"];

/// Reads the section; problems go to the report. What it leaves out has its default.
pub(super) fn read(section: &Field<'_>) -> Option<Lifecycle> {
    let fields = section.fields(&["expansion", "opt_in", "check_in", "loop_guard", "dispositions"])?;
    let defaults = Lifecycle::default();
    let mut dispositions = defaults.dispositions;
    dispositions.extend(fields.get("dispositions").map(|f| effects(&f)).unwrap_or_default());
    Some(Lifecycle {
        expansion: fields.get("expansion").and_then(|f| f.flag()).unwrap_or(defaults.expansion),
        opt_in: fields.get("opt_in").map(|f| f.texts()).unwrap_or_default(),
        check_in_lane: fields.get("check_in").map_or(defaults.check_in_lane, |f| check_in(&f)),
        loop_guard: fields.get("loop_guard").and_then(|f| loop_guard(&f)).unwrap_or(defaults.loop_guard),
        dispositions,
    })
}

/// A lane, or `none`.
fn check_in(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    (text != "none").then(|| lane(field))
}

fn loop_guard(field: &Field<'_>) -> Option<LoopGuard> {
    let fields = field.fields(&["recycles", "within", "lane"])?;
    let recycles = fields.need("recycles").and_then(|f| f.integer(1, MOST_RECYCLES)).unwrap_or(1);
    Some(LoopGuard {
        recycles: usize::try_from(recycles).unwrap_or(1),
        within_ms: fields.need("within").and_then(|f| f.duration()).unwrap_or_default(),
        lane: fields.need("lane").map(|f| lane(&f)).unwrap_or_default(),
    })
}

fn effects(field: &Field<'_>) -> BTreeMap<String, Effect> {
    let mut effects = BTreeMap::new();
    for entry in field.named().unwrap_or_default() {
        entry.key.check_name(entry.name);
        if let Some(effect) = effect(&entry.value) {
            effects.insert(entry.name.to_owned(), effect);
        }
    }
    effects
}

fn effect(field: &Field<'_>) -> Option<Effect> {
    let fields = field.fields(&EFFECT_KEYS)?;
    let defaults = Effect::default();
    let to = fields.need("to").and_then(|f| named(&f, "destination", &DESTINATIONS)).unwrap_or(defaults.to);
    for key in ["check_in", "cool_down", "keep_percent", "rearm"] {
        if let Some(given) = fields.get(key).filter(|_| to != Destination::Recycled) {
            given.wrong("has a meaning only with `to: recycled`");
        }
    }
    if let Some(given) = fields.get("mark").filter(|_| to != Destination::Disqualified) {
        given.wrong("has a meaning only with `to: disqualified`");
    }
    Some(Effect {
        to,
        check_in_ms: fields.get("check_in").and_then(|f| f.duration()),
        cool_down_ms: fields.get("cool_down").and_then(|f| f.duration_or_zero()),
        keep_percent: fields.get("keep_percent").and_then(|f| f.integer(0, 100)).unwrap_or(defaults.keep_percent),
        rearm: fields.get("rearm").and_then(|f| named(&f, "re-arming", &REARMS)).unwrap_or(defaults.rearm),
        cause: fields.get("cause").and_then(|f| named(&f, "cause", &CAUSES)).unwrap_or(defaults.cause),
        mark: fields.get("mark").and_then(|f| f.flag()).unwrap_or(false),
        tell_account: fields.get("tell_account").and_then(|f| f.flag()).unwrap_or(false),
    })
}

fn named<T: Copy>(field: &Field<'_>, what: &str, known: &[(&str, T)]) -> Option<T> {
    let text = field.one_of(what, known.iter().map(|(name, _)| *name))?;
    known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}
