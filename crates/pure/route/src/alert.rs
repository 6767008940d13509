//! News of leads that a desk already has: the first at once, what follows it together.
//!
//! Holds: news is told once, to whoever has the lead at that instant; what is gathered of a desk is bounded,
//! and told before its time rather than dropped, but for a lead's moments beyond the newest twenty, and for what the
//! lead did not do after all.
//!
//! Absent on purpose: which news is worth telling (the scorer knows).

use baton_domain::{ActivityAlert, AlertedLead, LogTime, Moment, Noticed, Released, Stamp};

use crate::account;
use crate::floor::Floor;
use crate::row::{self, Directory, Lead, News, Standing, lead_key, news_key};
use crate::say::Said;
use crate::step::later;

/// Leads of one alert, and moments of all of them: then it is told before its time.
const MOST_LEADS: usize = 20;
const MOST_MOMENTS: usize = 100;
/// Moments of one lead that an alert tells.
const MOST_OF_ONE: usize = 20;

/// A handed-off lead did something, or did not after all.
pub(crate) fn notice<D: Directory>(floor: &mut Floor<'_, D>, noticed: Noticed, said: &mut Vec<Said>) -> &'static str {
    if noticed.taken_back {
        return take_back(floor, &noticed);
    }
    let lead = AlertedLead {
        lead_id: noticed.lead_id,
        handoff_id: noticed.handoff_id,
        episode: noticed.episode,
        score: noticed.score,
        grade: noticed.grade,
        band: noticed.band,
        moments: vec![noticed.moment],
    };
    let Some((owner, pool)) = desk_of(floor, &lead) else { return "stale" };
    let at = floor.at;
    add(floor, (owner, pool), lead, (at, at), said)
}

/// Sales gave a lead back with a word that whoever has its company is to hear. At once and by itself: a
/// verdict is rare, and the lead is on no desk any more with whose news it could go.
pub(crate) fn account<D: Directory>(floor: &Floor<'_, D>, released: &Released, lead: &Lead, said: &mut Vec<Said>) {
    let effect = floor.policy.lifecycle.dispositions.get(&released.cause);
    let Some(decision) = lead.decision.as_ref().filter(|_| effect.is_some_and(|effect| effect.tell_account)) else {
        return;
    };
    let Some((account, _)) = account::find(floor, lead, &released.lead_id) else { return };
    let (Standing::Owned { pool } | Standing::Waiting { pool, .. }) = &lead.standing else { return };
    let moment = Moment { occurred_at: floor.at.millis(), name: released.cause.clone(), detail: Some(account.id) };
    said.push(Said::Alert(ActivityAlert {
        stamp: Stamp { at: floor.at, lane: 0 },
        owner: account.owner,
        pool: pool.clone(),
        leads: vec![AlertedLead {
            lead_id: released.lead_id.clone(),
            handoff_id: released.handoff_id.clone(),
            episode: released.episode,
            score: decision.score,
            grade: decision.grade,
            band: decision.band,
            moments: vec![moment],
        }],
        from: floor.at,
        until: floor.at,
        policy_version: floor.policy.version,
    }));
}

/// The rep and the pool of a lead whose episode is open.
fn desk_of<D: Directory>(floor: &Floor<'_, D>, lead: &AlertedLead) -> Option<(Option<String>, String)> {
    let known = row::lead(&*floor.dir, &lead_key(&lead.lead_id)).filter(|known| known.episode == lead.episode)?;
    match known.standing {
        Standing::Waiting { pool, .. } => Some((None, pool)),
        Standing::Owned { pool } => Some((known.owner, pool)),
        Standing::Closed => None,
    }
}

/// Tells news of a lead, or puts it to what is to be told of its desk.
fn add<D: Directory>(
    floor: &mut Floor<'_, D>,
    (owner, pool): (Option<String>, String),
    lead: AlertedLead,
    (from, until): (LogTime, LogTime),
    said: &mut Vec<Said>,
) -> &'static str {
    let key = news_key(owner.as_deref(), &pool);
    let Some(mut news) = row::news(&*floor.dir, &key) else {
        let news = News { owner, pool, leads: vec![lead], from, until, due: floor.at };
        say(floor, &key, news, said);
        return "alerted";
    };
    // A rep may have got the lead in another pool than the one before.
    news.pool = pool;
    if news.leads.is_empty() {
        (news.from, news.until) = (from, until);
    }
    (news.from, news.until) = (news.from.min(from), news.until.max(until));
    match news.leads.iter_mut().find(|other| other.handoff_id == lead.handoff_id) {
        Some(other) => merge(other, lead),
        None => news.leads.push(lead),
    }
    let moments: usize = news.leads.iter().map(|lead| lead.moments.len()).sum();
    if news.leads.len() >= MOST_LEADS || moments >= MOST_MOMENTS {
        say(floor, &key, news, said);
        return "alerted";
    }
    row::put_news(floor.dir, &key, news);
    "gathered"
}

/// What a lead did not do after all is not told, if it was not told yet.
fn take_back<D: Directory>(floor: &mut Floor<'_, D>, noticed: &Noticed) -> &'static str {
    let known = row::lead(&*floor.dir, &lead_key(&noticed.lead_id));
    let Some(known) = known.filter(|known| known.episode == noticed.episode) else { return "stale" };
    // What is gathered of a desk stays with it until it is told, though the lead went to another one meanwhile.
    let reps = known.owner.iter().chain(&known.tried).map(|rep| news_key(Some(rep), ""));
    let pools = floor.policy.routing.pools.keys().map(|pool| news_key(None, pool));
    for key in reps.chain(pools) {
        let Some(mut news) = row::news(&*floor.dir, &key) else { continue };
        let of_lead = news.leads.iter_mut().find(|lead| lead.handoff_id == noticed.handoff_id);
        let Some(lead) = of_lead else { continue };
        let Some(place) = lead.moments.iter().position(|moment| *moment == noticed.moment) else { continue };
        lead.moments.remove(place);
        (lead.score, lead.grade, lead.band) = (noticed.score, noticed.grade, noticed.band);
        news.leads.retain(|lead| !lead.moments.is_empty());
        row::put_news(floor.dir, &key, news);
        return "taken_back";
    }
    "stale"
}

/// Newer news of the same lead.
fn merge(lead: &mut AlertedLead, newer: AlertedLead) {
    (lead.score, lead.grade, lead.band) = (newer.score, newer.grade, newer.band);
    for moment in newer.moments {
        let place = lead.moments.partition_point(|other: &Moment| other.occurred_at > moment.occurred_at);
        lead.moments.insert(place, moment);
    }
    lead.moments.truncate(MOST_OF_ONE);
}

/// Says what was gathered; what comes next waits for the policy's time.
fn say<D: Directory>(floor: &mut Floor<'_, D>, key: &str, mut news: News, said: &mut Vec<Said>) {
    said.push(Said::Alert(ActivityAlert {
        stamp: Stamp { at: floor.at, lane: 0 },
        owner: news.owner.clone(),
        pool: news.pool.clone(),
        leads: std::mem::take(&mut news.leads),
        from: news.from,
        until: news.until,
        policy_version: floor.policy.version,
    }));
    news.due = later(floor.at, floor.policy.decision.alerts.as_ref().map_or(0, |alerts| alerts.every_ms));
    if news.due > floor.at {
        row::put_news(floor.dir, key, news);
    } else {
        floor.dir.put(key, None, None);
    }
}

/// The time is over for which news of a desk was gathered.
pub(crate) fn tell<D: Directory>(floor: &mut Floor<'_, D>, key: &str, mut news: News, said: &mut Vec<Said>) {
    let (from, until) = (news.from, news.until);
    let mut elsewhere = Vec::new();
    let mut stay = Vec::new();
    for lead in std::mem::take(&mut news.leads) {
        match desk_of(floor, &lead) {
            Some((owner, pool)) if news_key(owner.as_deref(), &pool) == key => stay.push(lead),
            Some(desk) => elsewhere.push((desk, lead)),
            None => {}
        }
    }
    news.leads = stay;
    if news.leads.is_empty() {
        floor.dir.put(key, None, None);
    } else {
        say(floor, key, news, said);
    }
    for (desk, lead) in elsewhere {
        add(floor, desk, lead, (from, until), said);
    }
}
