//! The search for a desk, step by step, each written down with its reason.
//!
//! Holds: nothing changes but a turn, and that only when a desk is found.

use baton_domain::{Account, Excluded, Millis, Qualifying, RoutingStep};
use baton_policy::{OffHours, Policy, Release, Strategy};

use crate::account;
use crate::floor::{Floor, lead_zone};
use crate::row::{Directory, Lead, Room, hash};
use crate::turns;

/// The most urgent lane: no release holds it up.
pub(crate) const URGENT: &str = "P0";

/// A desk, or that there is none, and how it was found.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) owner: Option<String>,
    pub(crate) pool: String,
    pub(crate) rule: String,
    pub(crate) why: String,
    /// Why it waits, as a code: `nobody_eligible`, `release`, `claim`, `dispatcher`; the rule when it does not.
    pub(crate) code: String,
    pub(crate) excluded: Vec<Excluded>,
    pub(crate) steps: Vec<RoutingStep>,
    pub(crate) account: Option<Account>,
}

impl Choice {
    pub(crate) fn note(&mut self, step: &str, result: &str, reason: impl Into<String>) {
        let (step, result) = (step.to_owned(), result.to_owned());
        self.steps.push(RoutingStep { step, result, reason: reason.into() });
    }

    pub(crate) fn pass_over(&mut self, rep: &str, reason: &str) {
        if !self.excluded.iter().any(|other| other.rep == rep) {
            self.excluded.push(Excluded { rep: rep.to_owned(), reason: reason.to_owned() });
        }
    }

    fn found(mut self, owner: String, why: String) -> Self {
        self.owner = Some(owner);
        self.why = why;
        self.code.clone_from(&self.rule);
        self
    }

    fn waits(mut self, why: impl Into<String>, code: &str) -> Self {
        self.why = why.into();
        code.clone_into(&mut self.code);
        self
    }
}

/// A choice of which only rule and pool are known.
pub(crate) fn blank(policy: &Policy, decision: &Qualifying) -> Choice {
    let (rule, pool) = policy.pool_for(&decision.lane, &decision.facts);
    Choice {
        owner: None,
        pool: pool.to_owned(),
        rule: rule.to_owned(),
        why: String::new(),
        code: String::new(),
        excluded: Vec::new(),
        steps: Vec::new(),
        account: None,
    }
}

/// Finds a desk for a lead with an open episode.
pub(crate) fn choose<D: Directory>(floor: &mut Floor<'_, D>, lead_id: &str, lead: &Lead) -> Option<Choice> {
    let decision = lead.decision.as_ref()?;
    let mut choice = blank(floor.policy, decision);
    choice.note("suppression", "passed", "judged by the scorer before the episode opened");
    let tried = if lead.tried.is_empty() { "first_desk" } else { "next_desk" };
    choice.note("open_episode", tried, format!("episode {}, {} tried", lead.episode, lead.tried.len()));
    if held(floor, &choice.pool, decision, lead.admitted) {
        choice.note("release", "held", format!("{} has let go as many as it may", choice.pool));
        return Some(choice.waits("waiting: the pool's release", "release"));
    }
    choice.note("release", "passed", "");
    match lead_zone(floor.policy, &decision.facts) {
        Some(Ok(zone)) => choice.note("hours", "lead_zone", zone),
        Some(Err(word)) => choice.note("hours", "unknown_zone", format!("{word:?}: the calendar's own zone counts")),
        None => {}
    }
    let (ready, late) = own_rep(floor, lead_id, lead, &mut choice);
    if let Some((owner, why)) = ready {
        return Some(choice.found(owner, why));
    }
    let (rule, pool) = (choice.rule.clone(), choice.pool.clone());
    choice.note("rules", &pool, rule);
    Some(ask_pools(floor, decision, lead, choice, &late))
}

/// Whether a pool's release holds a lead up.
pub(crate) fn held<D: Directory>(floor: &Floor<'_, D>, pool: &str, decision: &Qualifying, admitted: bool) -> bool {
    let limit = floor.policy.routing.pools.get(pool).and_then(|pool| pool.release);
    decision.lane != URGENT && !admitted && limit.is_some_and(|limit| is_spent(floor, pool, limit))
}

/// Whether a pool has let go as many as it may.
pub(crate) fn is_spent<D: Directory>(floor: &Floor<'_, D>, pool: &str, limit: Release) -> bool {
    let since = crate::step::later(floor.at, limit.per_ms.saturating_neg());
    floor.room(pool).released.iter().filter(|at| **at > since).count() >= limit.most
}

/// A rep and how they were found.
type Found = Option<(String, String)>;

/// The rep whose lead it is by itself: of its company by name, who had it before, who has its company.
/// The second is one who could take it but is off duty.
fn own_rep<D: Directory>(floor: &Floor<'_, D>, lead_id: &str, lead: &Lead, choice: &mut Choice) -> (Found, Found) {
    let sticky = floor.policy.routing.sticky;
    let Some(decision) = lead.decision.as_ref() else { return (None, None) };
    let company = account::find(floor, lead, lead_id);
    match &company {
        Some((account, _)) => {
            let owner = account.owner.as_deref().unwrap_or("nobody");
            choice.note("account", "matched", format!("{} by {}, owner {owner}", account.id, account.matched_by));
        }
        None => choice.note("account", "none", "its company is not known"),
    }
    let mut owners: Vec<(String, &str)> = Vec::new();
    if let Some((account, true)) = &company {
        owners.extend(account.owner.clone().map(|owner| (owner, "account owner")));
    }
    if sticky.lead {
        owners.extend(lead.owner.clone().map(|owner| (owner, "previous owner")));
    }
    if let Some((account, false)) = company.as_ref().filter(|_| sticky.account) {
        owners.extend(account.owner.clone().map(|owner| (owner, "account owner")));
    }
    choice.account = company.map(|(account, _)| account);
    let mut off_duty = None;
    for (owner, what) in owners {
        let before = lead.tried.contains(&owner).then_some("tried");
        let obstacle = before.or_else(|| floor.obstacle(&owner));
        if let Some(obstacle) = obstacle {
            choice.note("sticky", obstacle, format!("{what} {owner}"));
            choice.pass_over(&owner, obstacle);
        } else if floor.in_hours(&owner, &choice.pool, decision) {
            choice.note("sticky", "taken", format!("{what} {owner}"));
            return (Some((owner, format!("sticky: {what}"))), None);
        } else {
            choice.note("sticky", "off_hours", format!("{what} {owner}"));
            off_duty = off_duty.or(Some((owner, format!("sticky: {what}, nobody in hours"))));
        }
    }
    if choice.steps.last().is_none_or(|step| step.step != "sticky") {
        choice.note("sticky", "none", "nobody had it before");
    }
    (None, off_duty)
}

/// The pool of the rules, what it overflows to, the fallback.
fn ask_pools<D: Directory>(
    floor: &mut Floor<'_, D>,
    decision: &Qualifying,
    lead: &Lead,
    mut choice: Choice,
    late: &Found,
) -> Choice {
    let policy = floor.policy;
    let first = choice.pool.clone();
    for pool in pools_from(policy, &first) {
        let step = match pool {
            _ if pool == first => "pool",
            _ if pool == policy.routing.fallback => "fallback",
            _ => "overflow",
        };
        let Some(strategy) = policy.routing.pools.get(pool).map(|pool| &pool.strategy) else { continue };
        match strategy {
            Strategy::Claim if pool == first => {
                choice.note(step, "claim", pool);
                return choice.waits(format!("waiting: for a member of {pool} to take it"), "claim");
            }
            Strategy::Dispatcher { dispatcher } if pool == first => {
                choice.note(step, "dispatcher", pool);
                return choice.waits(format!("waiting: for {dispatcher} to give it out"), "dispatcher");
            }
            Strategy::Claim | Strategy::Dispatcher { .. } => {
                choice.note(step, "by_hand", format!("{pool} gives out nothing by itself"));
                continue;
            }
            _ => {}
        }
        match next_in(floor, pool, strategy, (decision, lead), &mut choice, late.is_some()) {
            Some((owner, how)) => {
                choice.note(step, "taken", pool);
                let cover = if pool == first { String::new() } else { format!(" of {pool}, in place of {first}") };
                let hours = if how.off_hours { ", nobody in hours" } else { "" };
                pool.clone_into(&mut choice.pool);
                return choice.found(owner, format!("{}{cover}{hours}", how.how));
            }
            None => choice.note(step, "nobody", pool),
        }
        if pool == first
            && let Some((owner, why)) = late.clone().filter(|_| policy.routing.off_hours == OffHours::Assign)
        {
            return choice.found(owner, why);
        }
    }
    choice.waits("waiting: nobody eligible", "nobody_eligible")
}

/// The pools to ask, in order, each once: a ring of overflows ends where it began.
pub(crate) fn pools_from<'a>(policy: &'a Policy, first: &'a str) -> Vec<&'a str> {
    let routing = &policy.routing;
    let mut pools = Vec::new();
    for start in [first, routing.fallback.as_str()] {
        let mut next = Some(start);
        while let Some(pool) = next.filter(|pool| !pools.contains(pool)) {
            pools.push(pool);
            next = routing.pools.get(pool).and_then(|pool| pool.overflow.as_deref());
        }
    }
    pools
}

struct How {
    how: &'static str,
    off_hours: bool,
}

/// The member of `pool` whose turn it is; notes those passed over. With `duty` nobody off duty.
fn next_in<D: Directory>(
    floor: &mut Floor<'_, D>,
    pool: &str,
    strategy: &Strategy,
    (decision, lead): (&Qualifying, &Lead),
    choice: &mut Choice,
    duty: bool,
) -> Option<(String, How)> {
    let members = floor.members(pool);
    let judge = |rep: &str| floor.obstacle(rep).or_else(|| floor.mismatch(rep, decision, &lead.tried));
    let mut reasons: Vec<Option<&'static str>> = members.iter().map(|(rep, _)| judge(rep)).collect();
    let on_duty: Vec<bool> = members
        .iter()
        .zip(&reasons)
        .map(|((rep, _), reason)| reason.is_none() && floor.in_hours(rep, pool, decision))
        .collect();
    let off_hours = !on_duty.contains(&true);
    if !off_hours || duty || floor.policy.routing.off_hours == OffHours::Wait {
        for (reason, _) in reasons.iter_mut().zip(&on_duty).filter(|(_, on_duty)| !**on_duty) {
            reason.get_or_insert("off_hours");
        }
    }
    let candidates = floor.candidates(&members, |i| reasons[i].is_none());
    let mut room = floor.room(pool);
    let next = turns::take(&mut room, strategy, &candidates, &lead.handoff_id, floor.day());
    if next.is_some() {
        floor.put_room(pool, room);
    }
    for (i, ((rep, _), reason)) in members.iter().zip(reasons).enumerate() {
        if next.map(|(next, _)| next) != Some(i) {
            choice.pass_over(rep, reason.unwrap_or("not_their_turn"));
        }
    }
    next.map(|(i, how)| (members[i].0.clone(), How { how, off_hours }))
}

/// Notes that a pool let a lead go.
pub(crate) fn release(room: &mut Room, limit: Release, at: baton_domain::LogTime) {
    room.released.push(at);
    let surplus = room.released.len().saturating_sub(limit.most);
    room.released.drain(..surplus);
}

/// The same for two leads that can go to the same desks.
pub(crate) fn signature(policy: &Policy, lead: &Lead, decision: &Qualifying) -> u64 {
    let (rule, pool) = policy.pool_for(&decision.lane, &decision.facts);
    let needs = policy.rule_for(&decision.lane, &decision.facts).map(|rule| &rule.needs);
    let words = |fact: Option<&String>| {
        fact.map(|fact| crate::facts::fact_words(&decision.facts, fact).join(",")).unwrap_or_default()
    };
    let language = words(needs.and_then(|needs| needs.language.as_ref()));
    let territory = words(needs.and_then(|needs| needs.territory.as_ref()));
    let admitted = if lead.admitted { "1" } else { "0" };
    let mut parts = vec![rule, pool, &decision.lane, &language, &territory, admitted];
    let zone = lead_zone(policy, &decision.facts).and_then(Result::ok);
    parts.extend(zone.as_deref());
    parts.extend(lead.tried.iter().map(String::as_str));
    hash(&parts)
}

/// Milliseconds that a lead has waited.
pub(crate) fn waited(at: baton_domain::LogTime, since: baton_domain::LogTime) -> i64 {
    let (at, since): (Millis, Millis) = (at.millis(), since.millis());
    at.since(since)
}
