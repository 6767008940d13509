//! What the scorer says, one input at a time: a lead is ready, leaves, changes hands.
//!
//! Holds: a lead with an open episode is on one desk or in one queue after each of them.

use baton_domain::{Answer, Answered, LogTime, OwnerChange, Points, Qualifying, Released};
use baton_policy::Strategy;

use crate::account;
use crate::alert;
use crate::choose::{self, Choice};
use crate::floor::Floor;
use crate::pause;
use crate::row::{self, Directory, Lead, Standing, lead_key};
use crate::say::{Said, Voice};
use crate::serve::{clear, give, serve, wait};
use crate::step::later;

/// The cause of a release whose grounds never were.
const RETRACTED: &str = "retracted";
/// The most reps of one episode that are remembered.
const MOST_TRIED: usize = 64;

/// A lead is ready: find a desk.
pub(crate) fn qualified<D: Directory>(
    floor: &mut Floor<'_, D>,
    decision: Qualifying,
    said: &mut Vec<Said>,
) -> &'static str {
    let (lead_id, key) = (decision.lead_id.clone(), lead_key(&decision.lead_id));
    let before = row::lead(&*floor.dir, &key);
    if before.as_ref().is_some_and(|lead| lead.episode >= decision.episode) {
        return "repeated";
    }
    if let Some(before) = before.as_ref().filter(|lead| lead.standing != Standing::Closed) {
        clear(floor, before);
        said.push(voice(floor).withdrawn(&lead_id, before, "superseded"));
    }
    let pool = choose::blank(floor.policy, &decision).pool;
    said.push(voice(floor).delivered(&decision, &pool));
    let (score, previous) = (decision.score, before.and_then(|lead| lead.owner));
    let mut lead = Box::new(Lead {
        episode: decision.episode,
        handoff_id: decision.handoff_id.clone(),
        owner: previous.clone(),
        // Given back too often: somebody else is to look first.
        tried: previous.iter().filter(|_| decision.review).cloned().collect(),
        decision: Some(decision),
        counted: pool,
        ..Lead::unknown(floor.at)
    });
    lead.accounts = account::join(floor, &lead, &lead_id);
    queue(floor, lead, &lead_id, score, "qualified", said)
}

/// Puts a lead in its queue and serves; what became of it.
pub(crate) fn queue<D: Directory>(
    floor: &mut Floor<'_, D>,
    mut lead: Box<Lead>,
    lead_id: &str,
    score: Points,
    cause: &str,
    said: &mut Vec<Said>,
) -> &'static str {
    wait(floor, lead_id, &mut lead, score);
    row::put_lead(floor.dir, &lead_key(lead_id), lead);
    serve(floor, Some((lead_id, cause)), said);
    if is_waiting(floor, lead_id) { "queued" } else { "assigned" }
}

pub(crate) fn is_waiting<D: Directory>(floor: &Floor<'_, D>, lead_id: &str) -> bool {
    let waits = |lead: Box<Lead>| matches!(lead.standing, Standing::Waiting { .. });
    row::lead(&*floor.dir, &lead_key(lead_id)).is_some_and(waits)
}

/// A lead leaves its desk, for another one or for good.
pub(crate) fn released<D: Directory>(
    floor: &mut Floor<'_, D>,
    released: &Released,
    said: &mut Vec<Said>,
) -> &'static str {
    let key = lead_key(&released.lead_id);
    let open = row::lead(&*floor.dir, &key).filter(|lead| lead.standing != Standing::Closed);
    let Some(mut lead) = open.filter(|lead| lead.episode == released.episode) else { return "stale" };
    // A verdict is an answer like any other: who gives one is not silent.
    let is_verdict = floor.policy.lifecycle.dispositions.contains_key(&released.cause);
    if let Some(owner) = lead.owner.as_deref().filter(|_| is_verdict) {
        pause::lift(floor, owner);
    }
    if released.reroute {
        if matches!(lead.standing, Standing::Waiting { .. }) {
            return "queued";
        }
        clear(floor, &lead);
        lead.promises.take_from_owner(floor.policy);
        try_no_more(&mut lead);
        let score = lead.decision.as_ref().map_or(Points::ZERO, |decision| decision.score);
        return queue(floor, lead, &released.lead_id, score, &released.cause, said);
    }
    alert::account(floor, released, &lead, said);
    clear(floor, &lead);
    account::leave(floor, &lead.accounts, &released.lead_id);
    said.push(voice(floor).withdrawn(&released.lead_id, &lead, &released.cause));
    if released.cause == RETRACTED {
        said.push(voice(floor).returned(&released.lead_id, &lead));
    }
    // Who won a customer keeps it: only the clocks end.
    if let Some(decision) = lead.decision.take().filter(|_| released.cause != "won") {
        let mut choice = standing_choice(floor, &decision, &lead);
        choice.why = format!("withdrawn: {}", released.cause);
        said.push(voice(floor).told(&decision, &lead, choice, &released.cause));
    }
    lead.risen = None;
    lead.standing = Standing::Closed;
    lead.due = later(floor.at, floor.policy.routing.sticky.expires_ms);
    row::put_lead(floor.dir, &key, lead);
    // A desk has room again.
    serve(floor, None, said);
    "released"
}

/// Sales answered: the owner is not silent; or nobody waits for the owner for now.
pub(crate) fn answered<D: Directory>(
    floor: &mut Floor<'_, D>,
    answered: &Answered,
    said: &mut Vec<Said>,
) -> &'static str {
    let key = lead_key(&answered.lead_id);
    let lead = row::lead(&*floor.dir, &key).filter(|lead| lead.episode == answered.episode);
    let Some(mut lead) = lead.filter(|lead| lead.standing != Standing::Closed) else { return "stale" };
    let concerns = lead.promises.hear(floor.policy, answered, floor.at);
    if !matches!(lead.standing, Standing::Owned { .. }) {
        row::put_lead(floor.dir, &key, lead);
        return "unchanged";
    }
    lead.due = lead.promises.next().unwrap_or(LogTime::MAX);
    let owner = lead.owner.clone();
    row::put_lead(floor.dir, &key, lead);
    if answered.answer.is_work() {
        let actor = answered.actor.clone().filter(|actor| floor.knows(actor)).or(owner);
        if actor.is_some_and(|rep| pause::lift(floor, &rep)) {
            serve(floor, None, said);
        }
        return "answered";
    }
    match answered.answer {
        _ if !concerns => "unchanged",
        Answer::Paused => "paused",
        _ => "resumed",
    }
}

/// The CRM names an owner: its word holds, but in a pool whose leads are claimed or given out.
pub(crate) fn owner<D: Directory>(
    floor: &mut Floor<'_, D>,
    change: &OwnerChange,
    said: &mut Vec<Said>,
) -> &'static str {
    let lead = row::lead(&*floor.dir, &lead_key(&change.lead_id));
    let Some(lead) = lead.filter(|lead| lead.standing != Standing::Closed) else {
        return remember(floor, change);
    };
    if change.episode != 0 && change.episode != lead.episode {
        return "stale";
    }
    let has = matches!(lead.standing, Standing::Owned { .. }).then(|| lead.owner.clone()).flatten();
    match (&change.owner, has) {
        (None, None) => "unchanged",
        (Some(new), Some(old)) if *new == old => "unchanged",
        (None, Some(_)) => {
            let mut lead = lead;
            clear(floor, &lead);
            lead.promises.take_from_owner(floor.policy);
            try_no_more(&mut lead);
            let score = lead.decision.as_ref().map_or(Points::ZERO, |decision| decision.score);
            queue(floor, lead, &change.lead_id, score, "handback", said)
        }
        (Some(new), has) => by_hand(floor, lead, new, (change, has.as_deref()), said),
    }
}

/// Somebody's word puts a lead on a desk, or is refused.
fn by_hand<D: Directory>(
    floor: &mut Floor<'_, D>,
    mut lead: Box<Lead>,
    new: &str,
    (change, has): (&OwnerChange, Option<&str>),
    said: &mut Vec<Said>,
) -> &'static str {
    let Some(decision) = lead.decision.clone() else { return "stale" };
    let (rule_pool, mut choice) = {
        let choice = standing_choice(floor, &decision, &lead);
        (choose::blank(floor.policy, &decision).pool, choice)
    };
    let strategy = floor.policy.routing.pools.get(&rule_pool).map(|pool| pool.strategy.clone()).unwrap_or_default();
    // Without an actor it is the rep's own word.
    let own = change.actor.as_deref().is_none_or(|actor| actor == new);
    let (cause, refused) = match (&strategy, has) {
        (Strategy::Claim, Some(_)) if own => ("too_late", true),
        (Strategy::Claim, None) if own => {
            let member = floor.members(&rule_pool).iter().any(|(rep, _)| rep == new);
            match floor.obstacle(new) {
                _ if !member => ("not_a_member", true),
                Some(obstacle @ ("away" | "gone" | "paused" | "auto_paused")) => (obstacle, true),
                _ => ("claimed", false),
            }
        }
        (Strategy::Dispatcher { dispatcher }, None) => {
            let word = change.actor.as_deref().is_none_or(|actor| actor == dispatcher);
            match floor.obstacle(new).filter(|_| floor.knows(new)) {
                _ if !word => ("not_the_dispatcher", true),
                // Whoever is on pause may be asked all the same; who is not there cannot.
                Some(obstacle @ ("away" | "gone")) => (obstacle, true),
                _ => ("dispatched", false),
            }
        }
        _ => ("owner", false),
    };
    if refused {
        choice.owner = has.map(str::to_owned);
        choice.why = format!("refused: {new}, {cause}");
        choice.note("claim", cause, new);
        said.push(voice(floor).told(&decision, &lead, choice, cause));
        return cause;
    }
    if has.is_some() {
        clear(floor, &lead);
        try_no_more(&mut lead);
        lead.standing = Standing::Closed;
    }
    choice.owner = Some(new.to_owned());
    choice.why = format!("named by {}", change.actor.as_deref().unwrap_or("the CRM"));
    cause.clone_into(&mut choice.code);
    let known = if floor.knows(new) { "on the roster" } else { "not on the roster" };
    choice.note("owner", cause, format!("{new}, {known}"));
    give(floor, lead, choice, cause, said);
    // Who had it has room again.
    if has.is_some() {
        serve(floor, None, said);
    }
    cause
}

/// A choice that says where a lead stands.
pub(crate) fn standing_choice<D: Directory>(floor: &Floor<'_, D>, decision: &Qualifying, lead: &Lead) -> Choice {
    let mut choice = choose::blank(floor.policy, decision);
    if let Standing::Owned { pool } | Standing::Waiting { pool, .. } = &lead.standing {
        choice.pool.clone_from(pool);
    }
    choice.account = account::find(floor, lead, &decision.lead_id).map(|(account, _)| account);
    choice
}

/// An owner is named for a lead without an open episode: its next one goes there.
fn remember<D: Directory>(floor: &mut Floor<'_, D>, change: &OwnerChange) -> &'static str {
    let key = lead_key(&change.lead_id);
    let before = row::lead(&*floor.dir, &key);
    let mut lead = before.unwrap_or_else(|| Box::new(Lead::unknown(floor.at)));
    lead.owner.clone_from(&change.owner);
    lead.due = later(floor.at, floor.policy.routing.sticky.expires_ms);
    if let Some(owner) = &change.owner {
        account::own(floor, &lead.accounts, owner);
    }
    row::put_lead(floor.dir, &key, lead);
    "owner_noted"
}

/// Whoever has a lead now must not get it again in this episode.
pub(crate) fn try_no_more(lead: &mut Lead) {
    if let Some(owner) = lead.owner.clone()
        && let Err(place) = lead.tried.binary_search(&owner)
        && lead.tried.len() < MOST_TRIED
    {
        lead.tried.insert(place, owner);
    }
}

pub(crate) fn voice<'a, D>(floor: &Floor<'a, D>) -> Voice<'a> {
    Voice { policy: floor.policy, at: floor.at }
}
