//! The section `routing`: rules and pools, and that every name among them is somebody's.

use std::collections::{BTreeMap, BTreeSet};

use super::decision::lane;
use super::read::{Field, Named, Once};
use super::{desks, facts, reps};
use crate::{Calendar, FactTest, Needs, Pool, Rep, RepStatus, RouteRule, Routing};

/// Names that may be referred to; `None` when their section is absent, which is noted once and there.
type Known<'a, T> = Option<&'a BTreeMap<String, T>>;

/// A pool, with the place of its overflow.
struct Draft<'a> {
    pool: Pool,
    overflow: Option<Field<'a>>,
}

/// Reads the section; problems go to the report.
pub(super) fn read(section: &Field<'_>, calendars: Known<'_, Calendar>) -> Option<Routing> {
    let fields = section.fields(&[
        "rules",
        "fallback",
        "pools",
        "reps",
        "sticky",
        "off_hours",
        "alert_after",
        "personal_domains",
        "accounts",
        "auto_pause",
    ])?;
    let reps_named = fields.need("reps").and_then(|f| f.named());
    let pools_named = fields.need("pools").and_then(|f| f.named());
    let reps: Option<BTreeMap<String, Rep>> =
        reps_named.as_ref().map(|named| named.iter().map(|rep| reps::read(rep, calendars)).collect());
    let drafts: Option<BTreeMap<String, Draft<'_>>> = pools_named.as_ref().map(|named| drafts(named, reps.as_ref()));
    if let (Some(named), Some(drafts)) = (&pools_named, &drafts) {
        circles(named, drafts);
    }
    if let (Some(named), Some(reps), Some(drafts)) = (&reps_named, &reps, &drafts) {
        idle(named, reps, drafts);
    }
    Some(Routing {
        auto_pause: fields.get("auto_pause").and_then(|f| desks::auto_pause(&f)),
        sticky: fields.get("sticky").map(|f| desks::sticky(&f)).unwrap_or_default(),
        off_hours: fields.get("off_hours").map(|f| desks::off_hours(&f)).unwrap_or_default(),
        alert_after_ms: fields.get("alert_after").and_then(|f| f.duration()).unwrap_or(desks::ALERT_AFTER_MS),
        personal_domains: desks::personal_domains(fields.get("personal_domains").as_ref()),
        accounts: fields.get("accounts").map(|f| desks::accounts(&f, reps.as_ref())).unwrap_or_default(),
        rules: fields.get("rules").map(|f| rules(&f, drafts.as_ref())).unwrap_or_default(),
        fallback: fields.need("fallback").map(|f| refer(&f, "pool", drafts.as_ref())).unwrap_or_default(),
        pools: drafts.unwrap_or_default().into_iter().map(|(name, draft)| (name, draft.pool)).collect(),
        reps: reps.unwrap_or_default(),
    })
}

/// Notes an `auto_pause` that nothing leads to, and steps that lead to none.
pub(super) fn check_auto_pause(section: &Field<'_>, routing: &Routing, (any, asked): (bool, bool)) {
    match routing.auto_pause {
        Some(_) if !any => section.wrong_but(
            "`auto_pause` pauses nobody",
            "let a step of `sla.escalate` for accept or first_touch `reassign` or `auto_pause`",
        ),
        None if asked => section.wrong_but(
            "a step of `sla.escalate` asks to auto_pause, and `auto_pause` is missing here",
            "write it as in auto_pause: { after: 3, within: 7d, for: 1d }",
        ),
        _ => {}
    }
}

/// A name that must be among the `known`.
pub(super) fn refer<T>(field: &Field<'_>, what: &str, known: Known<'_, T>) -> String {
    let name = match known {
        Some(known) => field.one_of(what, known.keys().map(String::as_str)),
        None => field.text(),
    };
    name.unwrap_or_default()
}

fn rules(field: &Field<'_>, pools: Known<'_, Draft<'_>>) -> Vec<RouteRule> {
    let mut ids = Once::default();
    field.items().iter().filter_map(|item| rule(item, pools, &mut ids)).collect()
}

fn rule(item: &Field<'_>, pools: Known<'_, Draft<'_>>, ids: &mut Once) -> Option<RouteRule> {
    let fields = item.fields(&["id", "lanes", "when", "pool", "skills", "language", "territory"])?;
    let id = fields.id(ids);
    if let ("fallback", Some(field)) = (id.as_str(), fields.get("id")) {
        field.wrong("`fallback` is what no rule matches: choose another id");
    }
    Some(RouteRule {
        id,
        lanes: fields.get("lanes").map(|f| f.items_or_self().iter().map(lane).collect()).unwrap_or_default(),
        facts: fields.get("when").map(|f| conditions(&f)).unwrap_or_default(),
        pool: fields.need("pool").map(|f| refer(&f, "pool", pools)).unwrap_or_default(),
        needs: Needs {
            skills: fields.get("skills").map(|f| reps::lower(&f)).unwrap_or_default(),
            language: fields.get("language").and_then(|f| f.name()),
            territory: fields.get("territory").and_then(|f| f.name()),
        },
    })
}

fn conditions(field: &Field<'_>) -> Vec<(String, FactTest)> {
    field.items_or_self().iter().filter_map(|item| Some(facts::read(&item.fields(&facts::KEYS)?))).collect()
}

fn drafts<'a>(named: &[Named<'a>], reps: Known<'_, Rep>) -> BTreeMap<String, Draft<'a>> {
    let mut drafts: BTreeMap<_, _> = named.iter().map(|entry| (entry.name.to_owned(), draft(entry, reps))).collect();
    let overflows: Vec<(&str, String)> = named
        .iter()
        .filter_map(|entry| {
            Some((entry.name, refer(drafts.get(entry.name)?.overflow.as_ref()?, "pool", Some(&drafts))))
        })
        .collect();
    for (name, overflow) in overflows {
        if let Some(draft) = drafts.get_mut(name) {
            draft.pool.overflow = Some(overflow);
        }
    }
    drafts
}

/// A pool but for its overflow, which may name a pool further down.
fn draft<'a>(entry: &Named<'a>, reps: Known<'_, Rep>) -> Draft<'a> {
    entry.key.check_name(entry.name);
    let fields = entry.value.fields(&["members", "overflow", "strategy", "catch_up_cap", "dispatcher", "release"]);
    let members = fields.as_ref().and_then(|fields| fields.need("members"));
    Draft {
        pool: Pool {
            members: members.map(|f| self::members(&f, reps)).unwrap_or_default(),
            overflow: None,
            strategy: fields.as_ref().map(|fields| desks::strategy(fields, reps)).unwrap_or_default(),
            release: fields.as_ref().and_then(|fields| desks::release(&fields.get("release")?)),
        },
        overflow: fields.as_ref().and_then(|fields| fields.get("overflow")),
    }
}

fn members(field: &Field<'_>, reps: Known<'_, Rep>) -> Vec<(String, i64)> {
    let members = field.named().unwrap_or_default();
    if field.is_empty() {
        field.wrong("needs at least one rep: nobody would take its leads");
    }
    let read = |member: &Named<'_>| {
        if let Some(reps) = reps.filter(|reps| !reps.contains_key(member.name)) {
            member.key.unknown("rep", member.name, reps.keys().map(String::as_str));
        }
        (member.name.to_owned(), member.value.integer(1, 1_000).unwrap_or_default())
    };
    members.iter().map(read).collect()
}

/// Notes pools whose overflow leads back to themselves, each circle once.
fn circles(named: &[Named<'_>], drafts: &BTreeMap<String, Draft<'_>>) {
    let mut told = BTreeSet::new();
    for entry in named {
        let overflow = drafts.get(entry.name).and_then(|draft| draft.overflow.as_ref());
        if let (Some(overflow), Some(way)) = (overflow, circle(entry.name, drafts))
            && !told.contains(entry.name)
        {
            overflow.wrong(format!("leads in a circle: {}", way.join(" -> ")));
            told.extend(way);
        }
    }
}

/// The way from a pool by overflow back to itself.
fn circle<'a>(start: &'a str, drafts: &'a BTreeMap<String, Draft<'_>>) -> Option<Vec<&'a str>> {
    let next = |name: &&str| drafts.get(*name)?.pool.overflow.as_deref();
    let mut way: Vec<&str> = std::iter::successors(Some(start), next).take(drafts.len() + 1).collect();
    let back = way.iter().skip(1).position(|name| *name == start)? + 1;
    way.truncate(back + 1);
    Some(way)
}

/// Notes reps whom no pool names. Who is gone may stay, so that old leads keep a name.
fn idle(named: &[Named<'_>], reps: &BTreeMap<String, Rep>, drafts: &BTreeMap<String, Draft<'_>>) {
    let members = drafts.values().flat_map(|draft| &draft.pool.members);
    let busy: BTreeSet<&str> = members.map(|(rep, _)| rep.as_str()).collect();
    for entry in named {
        let gone = reps.get(entry.name).is_some_and(|rep| rep.status == RepStatus::Gone);
        if !gone && !busy.contains(entry.name) {
            entry.key.wrong("in no pool: would never get a lead");
        }
    }
}
