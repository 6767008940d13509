//! The parts of `routing` that say how a desk is found once the pool is known.

use std::collections::BTreeMap;

use baton_domain::Millis;

use super::read::{Field, Fields, Once};
use super::reps;
use super::routing::refer;
use crate::{AutoPause, NamedAccount, OffHours, Release, Rep, Sticky, Strategy};

/// Half an hour in a queue is when somebody should look.
pub(super) const ALERT_AFTER_MS: i64 = 30 * Millis::MINUTE;
/// Leads of one release: the router keeps the instant of each.
const MOST_RELEASED: i64 = 1_000;
const STRATEGIES: [&str; 5] = ["weighted", "least_loaded", "balanced", "claim", "dispatcher"];
/// Domains of mail providers: two people there have nothing in common.
const PERSONAL: [&str; 18] = [
    "163.com",
    "aol.com",
    "gmail.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.ru",
    "me.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "web.de",
    "yahoo.com",
    "yandex.ru",
];

/// `{ expires: 90d, lead: true, account: true }`.
pub(super) fn sticky(field: &Field<'_>) -> Sticky {
    let Sticky { expires_ms, lead, account } = Sticky::default();
    let Some(fields) = field.fields(&["expires", "lead", "account"]) else { return Sticky::default() };
    Sticky {
        expires_ms: fields.get("expires").and_then(|f| f.duration()).unwrap_or(expires_ms),
        lead: fields.get("lead").and_then(|f| f.flag()).unwrap_or(lead),
        account: fields.get("account").and_then(|f| f.flag()).unwrap_or(account),
    }
}

/// `assign` or `wait`.
pub(super) fn off_hours(field: &Field<'_>) -> OffHours {
    match field.one_of("way", ["assign", "wait"]).as_deref() {
        Some("wait") => OffHours::Wait,
        _ => OffHours::Assign,
    }
}

/// The domains given, else the well-known ones; sorted.
pub(super) fn personal_domains(field: Option<&Field<'_>>) -> Vec<String> {
    let mut domains = field.map_or_else(|| PERSONAL.map(str::to_owned).to_vec(), reps::lower);
    domains.sort_unstable();
    domains
}

/// Companies by name, each with domains or names.
pub(super) fn accounts(field: &Field<'_>, reps: Option<&BTreeMap<String, Rep>>) -> Vec<NamedAccount> {
    let mut ids = Once::default();
    let mut domains = Once::default();
    let account = |item: &Field<'_>| {
        let fields = item.fields(&["id", "domains", "names", "owner"])?;
        let given = ["domains", "names"].into_iter().any(|key| fields.get(key).is_some());
        if !given {
            item.wrong("needs domains or names: nobody would be found to belong to it");
        }
        let account = NamedAccount {
            id: fields.id(&mut ids),
            domains: fields.get("domains").map(|f| reps::lower(&f)).unwrap_or_default(),
            names: fields.get("names").map(|f| f.texts()).unwrap_or_default(),
            owner: fields.need("owner").map(|f| refer(&f, "rep", reps)).unwrap_or_default(),
        };
        for domain in &account.domains {
            domains.add(domain, item);
        }
        Some(account)
    };
    field.items().iter().filter_map(account).collect()
}

/// The most broken promises that are counted of a rep.
const MOST_STRIKES: i64 = 50;

/// A pool's strategy with what belongs to it.
pub(super) fn strategy(fields: &Fields<'_>, reps: Option<&BTreeMap<String, Rep>>) -> Strategy {
    let field = fields.get("strategy");
    let name = field.as_ref().and_then(|f| f.one_of("strategy", STRATEGIES)).unwrap_or_default();
    let (cap, dispatcher) = (fields.get("catch_up_cap"), fields.get("dispatcher"));
    if let Some(cap) = cap.as_ref().filter(|_| name != "balanced") {
        cap.wrong("only a pool with `strategy: balanced` catches up");
    }
    if let Some(dispatcher) = dispatcher.as_ref().filter(|_| name != "dispatcher") {
        dispatcher.wrong("only a pool with `strategy: dispatcher` has one");
    }
    // Read whatever the strategy: what is misplaced may also be wrong.
    let (most, rep) = (cap.and_then(|f| f.integer(0, 1_000)), dispatcher.map(|f| refer(&f, "rep", reps)));
    match name.as_str() {
        "least_loaded" => Strategy::LeastLoaded,
        "balanced" => Strategy::Balanced { catch_up_cap: most.unwrap_or(3) },
        "claim" => Strategy::Claim,
        "dispatcher" => {
            if rep.is_none() {
                fields.missing("dispatcher", None);
            }
            Strategy::Dispatcher { dispatcher: rep.unwrap_or_default() }
        }
        _ => Strategy::Weighted,
    }
}

/// `{ per: 1h, most: 20 }`.
pub(super) fn release(field: &Field<'_>) -> Option<Release> {
    let fields = field.fields(&["per", "most"])?;
    let (per, most) = (fields.need("per"), fields.need("most"));
    // Each is read whatever the others are: all that is wrong is told.
    let (per_ms, most) = (per.and_then(|f| f.duration()), most.and_then(|f| f.integer(1, MOST_RELEASED)));
    Some(Release { per_ms: per_ms?, most: usize::try_from(most?).ok()? })
}

/// `{ after: 3, within: 7d, for: 1d }`.
pub(super) fn auto_pause(field: &Field<'_>) -> Option<AutoPause> {
    let fields = field.fields(&["after", "within", "for"])?;
    let (after, within, pause) = (fields.need("after"), fields.need("within"), fields.need("for"));
    let after = after.and_then(|f| f.integer(1, MOST_STRIKES));
    let (within_ms, for_ms) = (within.and_then(|f| f.duration()), pause.and_then(|f| f.duration()));
    Some(AutoPause { after: usize::try_from(after?).ok()?, within_ms: within_ms?, for_ms: for_ms? })
}
