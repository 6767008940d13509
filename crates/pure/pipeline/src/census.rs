//! How things stand, counted from rows of state: promises owed, leads that wait, and what reps have to do.
//!
//! Holds: two lanes counted together are counted as one would be; a row of another kind counts for nothing.
//!
//! Absent on purpose: the consumers that have nothing to count (their rows are never opened), and what marketing
//! promised, which is one row.

use std::collections::BTreeMap;

use baton_domain::{Clock, LogTime};
use baton_route::Row;
use baton_watch::Standing;

use crate::consumer::Consumer;
use crate::keyed;

/// The counts of a consumer's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Promises owed, by clock, lane and how they stand.
    pub owed: BTreeMap<(Clock, String, Standing), u64>,
    /// The next deadline of each clock that runs.
    pub soonest: BTreeMap<Clock, LogTime>,
    /// Leads that wait, by pool; pools for which none does are absent.
    pub waiting: BTreeMap<String, Waiting>,
    /// What the pools' reps have to do.
    pub pools: BTreeMap<String, Pool>,
    /// Leads on each rep's desk.
    open: BTreeMap<String, i64>,
}

/// Leads that wait for a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub leads: u64,
    /// Since when the oldest is ready.
    pub since: LogTime,
}

/// A pool with its reps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Who has had a turn.
    pub reps: Vec<String>,
    /// What the pool owes the rep who is due most more than the one who is due least: leads times `weights`.
    pub gap: i64,
    /// The weights of all.
    pub weights: i64,
}

impl Consumer {
    /// Whether its rows are counted.
    pub fn has_census(self) -> bool {
        matches!(self, Self::Route | Self::Watch)
    }
}

impl Census {
    /// Takes in a row of `consumer`.
    pub fn take(&mut self, consumer: Consumer, key: &[u8], row: &[u8]) {
        match (consumer, keyed::text(key)) {
            (Consumer::Watch, lead) if lead.starts_with("ld_") => self.take_promises(row),
            (Consumer::Route, key) => self.take_desk(key, row),
            _ => {}
        }
    }

    fn take_promises(&mut self, row: &[u8]) {
        let Ok(state) = keyed::decode::<baton_watch::State>(row) else { return };
        for owed in state.owed() {
            *self.owed.entry((owed.clock, owed.lane.to_owned(), owed.standing)).or_default() += 1;
            if owed.standing == Standing::Running {
                let soonest = self.soonest.entry(owed.clock).or_insert(owed.deadline);
                *soonest = (*soonest).min(owed.deadline);
            }
        }
    }

    /// Most rows are leads and companies: they are not opened.
    fn take_desk(&mut self, key: &str, row: &[u8]) {
        let Some((kind, name)) = key.split_once('/').filter(|(kind, _)| ["p", "q", "r"].contains(kind)) else { return };
        match (kind, keyed::decode::<Row>(row)) {
            ("p", Ok(Row::Room(room))) => {
                let credits = || room.turns.iter().map(|turn| turn.credit);
                let gap = credits().max().unwrap_or(0).saturating_sub(credits().min().unwrap_or(0));
                let weights = room.turns.iter().map(|turn| turn.weight).sum();
                let reps = room.turns.into_iter().map(|turn| turn.rep).collect();
                self.pools.insert(name.to_owned(), Pool { reps, gap, weights });
            }
            ("q", Ok(Row::Bucket(bucket))) => {
                let pool = name.rsplit_once('/').map_or(name, |(pool, _)| pool);
                let Some(since) = bucket.places.keys().map(|place| place.since).min() else { return };
                let waiting = self.waiting.entry(pool.to_owned()).or_insert(Waiting { leads: 0, since });
                waiting.leads += bucket.places.len() as u64;
                waiting.since = waiting.since.min(since);
            }
            ("r", Ok(Row::Load(load))) => drop(self.open.insert(name.to_owned(), load.open)),
            _ => {}
        }
    }

    /// Counts another worker's rows with these.
    pub fn join(&mut self, other: &Self) {
        for (key, count) in &other.owed {
            *self.owed.entry(key.clone()).or_default() += count;
        }
        for (clock, at) in &other.soonest {
            let soonest = self.soonest.entry(*clock).or_insert(*at);
            *soonest = (*soonest).min(*at);
        }
        // The router has one lane, so one worker alone has desks.
        self.waiting.extend(other.waiting.iter().map(|(pool, waiting)| (pool.clone(), *waiting)));
        self.pools.extend(other.pools.iter().map(|(name, pool)| (name.clone(), pool.clone())));
        self.open.extend(other.open.iter().map(|(rep, open)| (rep.clone(), *open)));
    }

    /// Leads on the desk of the pool's rep who has least, and of the one who has most.
    pub fn load(&self, pool: &Pool) -> Option<(i64, i64)> {
        let open = || pool.reps.iter().map(|rep| self.open.get(rep).copied().unwrap_or(0));
        Some((open().min()?, open().max()?))
    }
}
