//! The reps as they are now: who serves a pool, who can take what, who comes back when.
//!
//! Holds: one look at a rep a step, kept up to date; what changes is written at once.

use std::cell::RefCell;
use std::collections::BTreeMap;

use baton_domain::{Absence, Clock, DeskHours, Fact, FactValue, LogTime, Millis, Qualifying, RepStatus};
use baton_policy::{OffHours, Owing, Policy, Rep, rep_as_told};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::facts::fact_words;
use crate::row::{self, Directory, Load, Room, load_key, room_key};
use crate::turns::Candidate;

/// Zones are whole quarters of an hour apart.
const QUARTER_MS: i64 = 15 * Millis::MINUTE;

/// The roster at an instant, over the rows.
pub(crate) struct Floor<'a, D> {
    pub(crate) policy: &'a Policy,
    pub(crate) dir: &'a mut D,
    pub(crate) at: LogTime,
    seen: RefCell<BTreeMap<String, Seen>>,
}

/// A rep and what they have to do. `rep` is `None` for one who is not, or no more, on the roster.
#[derive(Clone)]
struct Seen {
    rep: Option<Rep>,
    load: Load,
}

/// Why a rep cannot take a lead.
pub(crate) type Obstacle = &'static str;

impl<'a, D: Directory> Floor<'a, D> {
    pub(crate) fn new(policy: &'a Policy, dir: &'a mut D, at: LogTime) -> Self {
        Self { policy, dir, at, seen: RefCell::default() }
    }

    fn now(&self) -> Millis {
        self.at.millis()
    }

    pub(crate) fn day(&self) -> i64 {
        self.now().day()
    }

    /// Weeks since the Monday before 1970.
    fn week(&self) -> i64 {
        self.day().saturating_add(3).div_euclid(7)
    }

    fn look<T>(&self, id: &str, read: impl FnOnce(&Seen) -> T) -> T {
        if let Some(seen) = self.seen.borrow().get(id) {
            return read(seen);
        }
        let load = row::load(&*self.dir, &load_key(id)).unwrap_or_default();
        let seen = Seen { rep: rep_as_told(self.policy, id, load.told.as_deref()), load };
        let answer = read(&seen);
        self.seen.borrow_mut().insert(id.to_owned(), seen);
        answer
    }

    /// Whether the roster knows a rep.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.look(id, |seen| seen.rep.is_some())
    }

    /// What was told of a rep last.
    pub(crate) fn told(&self, id: &str) -> Option<baton_domain::RepState> {
        self.look(id, |seen| seen.load.told.as_deref().cloned())
    }

    /// Whether a rep has broken promises to make up for.
    pub(crate) fn counts_against(&self, id: &str) -> bool {
        self.look(id, |seen| !seen.load.strikes.is_empty() || seen.load.auto_paused.is_some())
    }

    /// Changes what a rep has to do.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut Load)) {
        let mut load = self.look(id, |seen| seen.load.clone());
        change(&mut load);
        self.seen.borrow_mut().remove(id);
        row::put_load(self.dir, &load_key(id), load);
    }

    /// A lead goes to a rep's desk.
    pub(crate) fn give(&mut self, id: &str) {
        let (day, week) = (self.day(), self.week());
        self.change(id, |load| {
            if load.day != day {
                (load.day, load.today) = (day, 0);
            }
            if load.week != week {
                (load.week, load.this_week) = (week, 0);
            }
            load.open = load.open.saturating_add(1);
            load.today = load.today.saturating_add(1);
            load.this_week = load.this_week.saturating_add(1);
        });
    }

    /// A lead leaves a rep's desk.
    pub(crate) fn take_back(&mut self, id: &str) {
        self.change(id, |load| load.open = load.open.saturating_sub(1).max(0));
    }

    pub(crate) fn room(&self, pool: &str) -> Room {
        row::room(&*self.dir, &room_key(pool)).unwrap_or_default()
    }

    pub(crate) fn put_room(&mut self, pool: &str, room: Room) {
        row::put_room(self.dir, &room_key(pool), room);
    }

    /// The members of a pool with their weights: as the policy has them, less those who were told to
    /// serve elsewhere, and those told to serve here.
    pub(crate) fn members(&self, pool: &str) -> Vec<(String, i64)> {
        let base = self.policy.routing.pools.get(pool).map(|pool| pool.members.as_slice()).unwrap_or_default();
        let joined = self.room(pool).joined;
        let stays = |rep: &str| {
            self.look(rep, |seen| {
                let told = seen.load.told.as_ref().and_then(|told| told.pools.as_ref());
                told.is_none_or(|pools| pools.iter().any(|other| other == pool))
            })
        };
        let weight = |rep: &str, weight: i64| {
            self.look(rep, |seen| seen.load.told.as_ref().and_then(|told| told.weight)).unwrap_or(weight).max(1)
        };
        let mut members: Vec<(String, i64)> =
            base.iter().filter(|(rep, _)| stays(rep)).map(|(rep, w)| (rep.clone(), weight(rep, *w))).collect();
        for (rep, told) in joined {
            if !members.iter().any(|(other, _)| *other == rep) {
                members.push((rep, told.unwrap_or(1).max(1)));
            }
        }
        members
    }

    /// Why a rep cannot take any lead at all, hours aside; `None` when they can.
    pub(crate) fn obstacle(&self, id: &str) -> Option<Obstacle> {
        let (now, day, week) = (self.now(), self.day(), self.week());
        self.look(id, |seen| {
            // A rep struck from the roster may still be remembered as a previous owner.
            let Some(rep) = &seen.rep else { return Some("gone") };
            let load = &seen.load;
            let count = |current: bool, count: i64| if current { count } else { 0 };
            let full = |most: Option<i64>, count: i64| most.is_some_and(|most| count >= most);
            if rep.status == RepStatus::Gone {
                Some("gone")
            } else if !rep.present(self.at) {
                Some("away")
            } else if rep.paused_until.is_some_and(|until| now < until) {
                Some("paused")
            } else if load.auto_paused.is_some_and(|until| self.at < until) {
                Some("auto_paused")
            } else if full(rep.open_max, load.open) {
                Some("open_full")
            } else if full(rep.day_max, count(load.day == day, load.today)) {
                Some("day_full")
            } else if full(rep.week_max, count(load.week == week, load.this_week)) {
                Some("week_full")
            } else {
                None
            }
        })
    }

    /// Why a rep is not the one for this lead: what the rule asks for, and who had it before.
    pub(crate) fn mismatch(&self, id: &str, decision: &Qualifying, tried: &[String]) -> Option<Obstacle> {
        if tried.iter().any(|other| other == id) {
            return Some("tried");
        }
        let needs = &self.policy.rule_for(&decision.lane, &decision.facts)?.needs;
        self.look(id, |seen| {
            let rep = seen.rep.as_ref()?;
            let covers = |list: &[String], fact: &Option<String>| {
                let words = fact.as_ref().map(|fact| fact_words(&decision.facts, fact)).unwrap_or_default();
                list.is_empty() || words.is_empty() || words.iter().any(|word| list.contains(word))
            };
            if !needs.skills.iter().all(|skill| rep.skills.contains(skill)) {
                Some("skill")
            } else if !covers(&rep.languages, &needs.language) {
                Some("language")
            } else if !covers(&rep.territories, &needs.territory) {
                Some("territory")
            } else {
                None
            }
        })
    }

    /// Whether a rep of a pool is in hours for a lead, or will be before the promise of its lane is over.
    pub(crate) fn in_hours(&self, id: &str, pool: &str, decision: &Qualifying) -> bool {
        if !self.knows(id) {
            return false;
        }
        let told = self.hours_told(Some(id), pool, &decision.facts);
        let hours = self.policy.hours_of(Owing { owner: Some(id), pool, told: told.as_ref() });
        let next = hours.next_open(self.now());
        next.is_some_and(|next| next <= self.on_duty_until(pool, decision))
    }

    /// In whose hours the promises about a lead count, where the policy alone does not say: by what was told of
    /// the rep. Who has no calendar keeps that of the pool in the zone told of them, else, where the pool has none
    /// either, in the lead's own.
    pub(crate) fn hours_told(&self, rep: Option<&str>, pool: &str, facts: &[Fact]) -> Option<DeskHours> {
        let of_rep = |rep: &str| {
            self.look(rep, |seen| {
                let known = seen.rep.as_ref()?;
                let told = seen.load.told.as_deref();
                let told = told.is_some_and(|t| t.calendar.is_some() || t.tz.is_some() || t.away.is_some());
                let away = known.away.iter().map(|(from, to)| Absence { from: *from, to: *to }).collect();
                let zone = known.zone.as_ref().and_then(TimeZone::iana_name).map(str::to_owned);
                let calendar = (!known.calendar.is_empty()).then(|| known.calendar.clone());
                Some((told || !self.policy.routing.reps.contains_key(rep), DeskHours { calendar, zone, away }))
            })
        };
        let (told, own) = rep.and_then(of_rep).unwrap_or_default();
        if own.calendar.is_some() {
            return told.then_some(own);
        }
        let sla = &self.policy.sla;
        let of_pool = sla.pool_calendars.get(pool);
        let of_lead = || if of_pool.is_none() { lead_zone(self.policy, facts).and_then(Result::ok) } else { None };
        let zone = own.zone.or_else(of_lead);
        let calendar = of_pool.or(sla.calendar.as_ref()).cloned();
        (told || zone.is_some()).then_some(DeskHours { calendar, zone, away: own.away })
    }

    /// By when a rep is to be there to count as on duty: so long from now as the first touch may take; where
    /// that is a number of working days, by the end of the last of them in the pool's hours.
    fn on_duty_until(&self, pool: &str, decision: &Qualifying) -> Millis {
        let Some(target) = self.policy.target(Clock::FirstTouch, &decision.lane) else { return self.now() };
        if target.working_days == 0 {
            return self.now().plus(target.within_ms);
        }
        let told = self.hours_told(None, pool, &decision.facts);
        let owing = Owing { owner: None, pool, told: told.as_ref() };
        let promise = self.policy.promise(Clock::FirstTouch, &decision.lane, owing, self.now());
        promise.map_or(self.now(), |promise| promise.deadline)
    }

    /// Members as candidates.
    pub(crate) fn candidates(&self, members: &[(String, i64)], eligible: impl Fn(usize) -> bool) -> Vec<Candidate> {
        let candidate = |(i, (rep, weight)): (usize, &(String, i64))| {
            let (open, open_max) =
                self.look(rep, |seen| (seen.load.open, seen.rep.as_ref().and_then(|rep| rep.open_max)));
            Candidate { rep: rep.clone(), weight: *weight, eligible: eligible(i), open, open_max }
        };
        members.iter().enumerate().map(candidate).collect()
    }

    /// When a rep could next become eligible again for a pool, if that is foreseeable: back from an absence,
    /// no longer paused, on duty where leads wait for that.
    pub(crate) fn back(&self, id: &str, pool: &str) -> Option<Millis> {
        let now = self.now();
        let on_duty = self.opens(id, pool);
        self.look(id, |seen| {
            let rep = seen.rep.as_ref().filter(|rep| rep.status == RepStatus::Active)?;
            let absent = rep.away.iter().filter(|(from, to)| *from <= now && now < *to).map(|(_, to)| *to).min();
            let paused = rep.paused_until.filter(|until| now < *until);
            let silent = seen.load.auto_paused.filter(|until| self.at < *until).map(LogTime::millis);
            [absent, paused, silent, on_duty].into_iter().flatten().min()
        })
    }

    /// When a rep is next on duty in a pool, for a lead of some lane, where leads wait for that.
    fn opens(&self, id: &str, pool: &str) -> Option<Millis> {
        if self.policy.routing.off_hours != OffHours::Wait {
            return None;
        }
        let now = self.now();
        let of_lead = self.policy.sla.lead_zone.is_some() && !self.policy.sla.pool_calendars.contains_key(pool);
        if of_lead
            && self.look(id, |seen| seen.rep.as_ref().is_none_or(|rep| rep.calendar.is_empty() && rep.zone.is_none()))
        {
            // Every lead has hours of its own: all that begin somewhere begin at a quarter.
            return Some(Millis((now.0.div_euclid(QUARTER_MS) + 1).saturating_mul(QUARTER_MS)));
        }
        let told = self.hours_told(Some(id), pool, &[]);
        let next = self.policy.hours_of(Owing { owner: Some(id), pool, told: told.as_ref() }).next_open(now)?;
        // Who opens within the promise of a lane is on duty for it by then.
        let lanes = self.policy.sla.clocks.get(&Clock::FirstTouch).into_iter().flat_map(BTreeMap::values);
        let early = lanes.map(|target| next.plus(target.within_ms.saturating_neg()));
        early.chain([next]).filter(|at| *at > now).min()
    }
}

/// The lead's own time zone by its facts, where the policy asks for it; an error is a word for no zone.
pub(crate) fn lead_zone(policy: &Policy, facts: &[Fact]) -> Option<Result<String, String>> {
    let name = policy.sla.lead_zone.as_ref()?;
    let Some(FactValue::Text(zone)) = facts.iter().find(|fact| fact.name == *name).map(|fact| &fact.value) else {
        return None;
    };
    let known = TimeZoneDatabase::bundled().get(zone.trim());
    let name = known.ok().and_then(|zone| zone.iana_name().map(str::to_owned));
    Some(name.ok_or_else(|| zone.clone()))
}
