//! A consumer group: static members, generations, a cooperative rebalance in two phases.
//!
//! Holds: a lane that is taken from a member is given to nobody before that member has heard of it
//! or its session has ended; a join waits for every member whose session is alive.

use std::collections::{BTreeMap, BTreeSet};

use crate::dice::Dice;

/// Milliseconds without a sign of life after which a member is struck off.
const SESSION_MS: i64 = 6_000;

/// A topic by number, and a partition.
pub(crate) type Place = (usize, i32);

/// What a member hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Given(Vec<i32>),
    Taken(Vec<i32>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    pub(crate) id: u64,
    lanes: BTreeSet<i32>,
    /// Taken, and not acknowledged yet.
    leaving: BTreeSet<i32>,
    changes: Vec<Change>,
    /// Since when its process shows no sign of life.
    silent_since: Option<i64>,
}

/// Why a member's word does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// Somebody else is this instance now.
    Replaced,
    /// Struck off.
    Unknown,
    /// A generation that is over.
    Stale,
}

#[derive(Debug, Default)]
pub(crate) struct Group {
    lanes: i32,
    pub(crate) generation: i32,
    members: BTreeMap<String, Member>,
    ids: u64,
    is_due: bool,
    pub(crate) committed: BTreeMap<Place, i64>,
    /// Offsets within transactions that are not decided, by producer.
    pub(crate) pending: BTreeMap<u64, BTreeMap<Place, i64>>,
}

impl Group {
    pub(crate) fn new(lanes: i32) -> Self {
        Self { lanes, ..Self::default() }
    }

    /// Joins as a static member: a known instance gets its lanes back at once, and its last holder is out.
    pub(crate) fn join(&mut self, instance: &str) -> u64 {
        self.ids += 1;
        let id = self.ids;
        if let Some(member) = self.members.get_mut(instance) {
            self.is_due |= !member.leaving.is_empty();
            member.id = id;
            member.leaving.clear();
            member.silent_since = None;
            member.changes = vec![Change::Given(member.lanes.iter().copied().collect())];
        } else {
            self.members.insert(instance.to_owned(), Member { id, ..Member::default() });
            self.is_due = true;
        }
        id
    }

    /// A process shows no sign of life from now on, or does again.
    pub(crate) fn silence(&mut self, instance: &str, id: u64, since: Option<i64>) {
        if let Some(member) = self.members.get_mut(instance)
            && member.id == id
        {
            member.silent_since = since;
        }
    }

    /// What has changed for a member since it last asked; asking acknowledges.
    pub(crate) fn changes(&mut self, instance: &str, id: u64) -> Result<Vec<Change>, Stranger> {
        let member = self.members.get_mut(instance).ok_or(Stranger::Unknown)?;
        if member.id != id {
            return Err(Stranger::Replaced);
        }
        let changes = std::mem::take(&mut member.changes);
        self.is_due |= !std::mem::take(&mut member.leaving).is_empty();
        Ok(changes)
    }

    /// Whether this member, of this generation, may commit offsets.
    pub(crate) fn check(&self, instance: &str, id: u64, generation: i32) -> Result<(), Stranger> {
        // As the broker has it: nobody is there whom such a commit could harm.
        if generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        match self.members.get(instance) {
            None => Err(Stranger::Unknown),
            Some(member) if member.id != id => Err(Stranger::Replaced),
            Some(_) if generation != self.generation => Err(Stranger::Stale),
            Some(_) => Ok(()),
        }
    }

    /// Whether this is still a member.
    pub(crate) fn knows(&self, instance: &str, id: u64) -> bool {
        self.members.get(instance).is_some_and(|member| member.id == id)
    }

    /// Asks for a rebalance in which lanes move.
    pub(crate) fn shake(&mut self) {
        self.is_due = true;
    }

    /// Strikes off the silent and, when all the others are there, rebalances. Returns how many were struck off.
    pub(crate) fn settle(&mut self, now: i64, dice: &mut Dice) -> usize {
        let before = self.members.len();
        self.members.retain(|_, member| member.silent_since.is_none_or(|since| now - since <= SESSION_MS));
        let expired = before - self.members.len();
        self.is_due |= expired > 0;
        let has_silent = self.members.values().any(|member| member.silent_since.is_some());
        let has_leaving = self.members.values().any(|member| !member.leaving.is_empty());
        if self.is_due && !has_silent && !has_leaving && !self.members.is_empty() {
            self.is_due = false;
            self.rebalance(dice);
        }
        expired
    }

    fn rebalance(&mut self, dice: &mut Dice) {
        self.generation += 1;
        let target = self.target(dice);
        let mut taken = BTreeSet::new();
        for (name, member) in &mut self.members {
            let keeps = target.get(name).cloned().unwrap_or_default();
            member.leaving = member.lanes.difference(&keeps).copied().collect();
            if !member.leaving.is_empty() {
                member.lanes.retain(|lane| keeps.contains(lane));
                member.changes.push(Change::Taken(member.leaving.iter().copied().collect()));
                taken.extend(member.leaving.iter().copied());
            }
        }
        for (name, member) in &mut self.members {
            let gets: Vec<i32> = target
                .get(name)
                .into_iter()
                .flatten()
                .filter(|lane| !member.lanes.contains(lane) && !taken.contains(lane))
                .copied()
                .collect();
            member.lanes.extend(&gets);
            // The callback comes with an empty list too.
            member.changes.push(Change::Given(gets));
        }
        // What was taken is given in the round after all have acknowledged: `changes` asks for it.
    }

    /// Who should have what: as it is as far as it is even, and sometimes otherwise.
    fn target(&self, dice: &mut Dice) -> BTreeMap<String, BTreeSet<i32>> {
        let mut target: BTreeMap<String, BTreeSet<i32>> =
            self.members.iter().map(|(name, member)| (name.clone(), member.lanes.clone())).collect();
        let names: Vec<String> = target.keys().cloned().collect();
        let owned: BTreeSet<i32> = target.values().flatten().copied().collect();
        for lane in (0..self.lanes).filter(|lane| !owned.contains(lane)) {
            let least = names.iter().min_by_key(|name| target.get(*name).map_or(0, BTreeSet::len));
            if let Some(lanes) = least.and_then(|name| target.get_mut(name)) {
                lanes.insert(lane);
            }
        }
        let count = |target: &BTreeMap<String, BTreeSet<i32>>, name: &String| target.get(name).map_or(0, BTreeSet::len);
        for _ in 0..self.lanes {
            let (Some(most), Some(least)) = (
                names.iter().max_by_key(|name| count(&target, name)),
                names.iter().min_by_key(|name| count(&target, name)),
            ) else {
                break;
            };
            let is_moved = count(&target, most) == count(&target, least) + 1 && dice.one_in(4);
            if count(&target, most) > count(&target, least) + 1 || is_moved {
                let lane = target.get_mut(most).and_then(BTreeSet::pop_last);
                if let (Some(lane), Some(lanes)) = (lane, target.get_mut(least)) {
                    lanes.insert(lane);
                }
            }
        }
        target
    }
}
