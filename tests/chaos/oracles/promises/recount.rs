//! Which words must have been said, worked out from a lead's whole history.
//!
//! Holds: a clock is followed from its start to its end with everything in view that ever happened to the
//! lead; one owner's clock knows nothing of the next one's.
//! Absent on purpose: when a word is said; its deadline is compared, its own time by the simulator.

use std::collections::{BTreeSet, VecDeque};

use baton_domain::{Clock, LogTime, Millis, SlaEventKind};
use baton_policy::{After, Calendar, Policy, Target};

use super::{Entry, Handed, History, Judgement, Words};
use crate::oracles::calendar::{Door, Finger};

type Entries = [(LogTime, bool, Entry)];

/// Everything that must have been said.
pub(crate) fn recount(policy: &Policy, history: &History) -> Words {
    let finger = Finger::default();
    let mut words = Words::new();
    for entries in history.leads.values() {
        for term in terms(entries) {
            let Some(target) = policy.target(term.clock, &term.handed.lane) else { continue };
            let mut told = Told::new(policy, &finger, &term, target);
            told.follow(entries, history.end);
            for (id, kind, deadline) in told.said {
                words.entry((id, kind)).or_insert((deadline, 0)).1 += 1;
            }
        }
    }
    words
}

/// One clock over one lead.
struct Term<'a> {
    clock: Clock,
    handed: &'a Handed,
    turn: i32,
    start: LogTime,
    /// When it was heard of: later than its start where a lead was ready before.
    heard: LogTime,
    /// The entry that started it, and the one that ended it: another owner or lane, another handoff, the router's No.
    begins: usize,
    ends: Option<usize>,
    /// The entry that first gave this handoff an owner.
    assigned: Option<usize>,
}

/// Who had the lead from when to when; whatever is told twice starts nothing.
fn terms(entries: &Entries) -> Vec<Term<'_>> {
    let mut terms: Vec<Term<'_>> = Vec::new();
    let mut last: Option<Last<'_>> = None;
    for (index, (at, _, entry)) in entries.iter().enumerate() {
        match entry {
            Entry::Forgotten => last = None,
            Entry::Withdrawn(handoff) if last.as_ref().is_some_and(|last| last.handed.handoff == *handoff) => {
                close(&mut terms, index);
            }
            Entry::Handed(handed) => {
                let now = match &last {
                    Some(before) if before.is_repeated_by(handed) => continue,
                    Some(before) if before.handed.handoff == handed.handoff => {
                        let waits_on = before.handed.owner.is_none() && handed.owner.is_none();
                        let turn = before.turn + i32::from(before.handed.owner.is_some() || waits_on);
                        Last { handed, turn, assigned: before.assigned }
                    }
                    Some(_) | None => Last { handed, turn: 1, assigned: None },
                };
                let waits = |term: &Term<'_>| term.clock == Clock::Assign && term.ends.is_none();
                let is_new = last.as_ref().is_none_or(|before| before.handed.handoff != handed.handoff);
                let found = terms.last().is_some_and(waits) && !is_new && handed.owner.is_some();
                close(&mut terms, index);
                let term = |clock, start, assigned| Term {
                    clock,
                    handed,
                    turn: now.turn,
                    start,
                    heard: *at,
                    begins: index,
                    ends: None,
                    assigned,
                };
                if (now.assigned.is_none() || handed.owner.is_none()) && !found {
                    let ends = handed.owner.is_some().then_some(index);
                    let start = if now.turn > 1 { *at } else { handed.ready.min(*at) };
                    terms.push(Term { ends, ..term(Clock::Assign, start, None) });
                }
                let assigned = now.assigned.or(handed.owner.is_some().then_some(index));
                if handed.owner.is_some() {
                    terms.push(term(Clock::Accept, *at, assigned));
                    terms.push(term(Clock::FirstTouch, *at, assigned));
                }
                last = Some(Last { assigned, ..now });
            }
            _ => {}
        }
    }
    terms
}

/// What the router said last.
struct Last<'a> {
    handed: &'a Handed,
    turn: i32,
    assigned: Option<usize>,
}

impl Last<'_> {
    fn is_repeated_by(&self, handed: &Handed) -> bool {
        let is_same = self.handed.handoff == handed.handoff && self.handed.owner == handed.owner;
        // Who waits and is moved up to another lane waits anew.
        let stays = handed.owner.is_some() || self.handed.lane == handed.lane;
        self.handed.episode > handed.episode || is_same && stays
    }
}

fn close(terms: &mut [Term<'_>], index: usize) {
    for term in terms.iter_mut().rev().take_while(|term| term.ends.is_none()) {
        term.ends = Some(index);
    }
}

/// Something that stops the rep's clocks or lets them go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Halt {
    On,
    Off,
    /// The reason is gone with the handoff; what stands still stays so.
    Gone,
}

/// When the rep's clocks stand still between two entries, each with the entry at or before which it is so.
fn halts(
    policy: &Policy,
    entries: &Entries,
    assigned: usize,
    until: usize,
    end: LogTime,
) -> Vec<(usize, LogTime, Halt)> {
    let mut all = Vec::new();
    let (mut by_status, mut date): (bool, Option<LogTime>) = (false, None);
    let since = entries[assigned].0.millis();
    for (index, (at, _, entry)) in entries.iter().enumerate().take(until + 1).skip(assigned + 1) {
        // A new owner settles what is due first; of all else the entry comes before the hour.
        let is_over = |date: LogTime| date < *at || matches!(entry, Entry::Handed(_)) && date <= *at;
        if let Some(over) = date.take_if(|date| is_over(*date)).filter(|_| !by_status) {
            all.push((index, over, Halt::Off));
        }
        let was_on = by_status || date.is_some();
        match entry {
            Entry::Status { done, status } if *done >= since => {
                by_status = policy.sla.pause_statuses.contains(status);
            }
            Entry::Judged { done, judgement: Judgement::PutsOff(until) } if *done >= since && until > at => {
                date = Some(*until);
            }
            Entry::Judged { done, judgement: Judgement::GivesBack } if *done < since => {}
            Entry::Judged { judgement: Judgement::GivesBack, .. } | Entry::Refused | Entry::Withdrawn(_) => {
                (by_status, date) = (false, None);
                all.push((index, *at, Halt::Gone));
                continue;
            }
            Entry::Forgotten => return all,
            _ => {}
        }
        match (was_on, by_status || date.is_some()) {
            (false, true) => all.push((index, *at, Halt::On)),
            (true, false) => all.push((index, *at, Halt::Off)),
            _ => {}
        }
    }
    if let Some(over) = date.filter(|date| !by_status && until >= entries.len() && *date <= end) {
        all.push((entries.len(), over, Halt::Off));
    }
    all
}

/// One clock and what it says.
struct Told<'a> {
    policy: &'a Policy,
    finger: &'a Finger,
    term: &'a Term<'a>,
    door: Option<Door<'a>>,
    allowed: i64,
    deadline: LogTime,
    /// Percent of the time, and how much that is.
    levels: VecDeque<(i64, i64)>,
    /// When the first of them is due, once it was counted out.
    next: Option<LogTime>,
    broke: bool,
    /// Broken, and answered late or owed no more.
    settled: bool,
    /// Since when it stands still; stretches that are over.
    halted: Option<LogTime>,
    stretches: Vec<(LogTime, LogTime)>,
    said: Vec<(String, SlaEventKind, LogTime)>,
}

impl<'a> Told<'a> {
    fn new(policy: &'a Policy, finger: &'a Finger, term: &'a Term<'a>, target: Target) -> Self {
        let allowed = target.within_ms;
        let mut told = Self {
            policy,
            finger,
            term,
            door: target.business_hours.then(|| door(policy, term)),
            allowed,
            deadline: term.start,
            levels: levels(policy, term.clock, allowed),
            next: None,
            broke: false,
            settled: false,
            halted: None,
            stretches: Vec::new(),
            said: Vec::new(),
        };
        told.deadline = told.due(allowed);
        told
    }

    fn say(&mut self, word: &str, kind: SlaEventKind) {
        let turn = if self.term.turn == 1 { String::new() } else { format!("_{}", self.term.turn) };
        let id = format!("{}_{word}_{}{turn}", self.term.clock, self.term.handed.handoff);
        self.said.push((id, kind, self.deadline));
    }

    /// When so much of the time is used.
    fn due(&self, after_ms: i64) -> LogTime {
        let (mut from, mut left) = (self.term.start.millis(), after_ms);
        for (stop, go) in &self.stretches {
            let at = self.later(from, left);
            if at < stop.millis() {
                return LogTime::from_millis(at);
            }
            left -= match self.door {
                Some(door) => self.finger.between(door, from, stop.millis()),
                None => stop.millis().since(from),
            };
            from = go.millis();
        }
        LogTime::from_millis(if left <= 0 { from } else { self.later(from, left) })
    }

    fn later(&self, from: Millis, ms: i64) -> Millis {
        self.door.map_or(from.plus(ms), |door| self.finger.deadline(door, from, ms))
    }

    /// The clock from beginning to end.
    fn follow(&mut self, entries: &Entries, end: LogTime) {
        self.say("started", SlaEventKind::Started);
        let (begins, until) = (self.term.begins, self.term.ends.unwrap_or(entries.len()));
        let rest = match self.term.assigned {
            Some(assigned) if self.term.clock != Clock::Assign => halts(self.policy, entries, assigned, until, end),
            _ => Vec::new(),
        };
        let before = rest.iter().rfind(|(index, ..)| *index <= begins);
        if before.is_some_and(|(.., halt)| *halt == Halt::On) {
            self.halt(self.term.start);
        }
        let mut rest: VecDeque<_> = rest.into_iter().filter(|(index, ..)| *index > begins).collect();
        for (index, (at, _, entry)) in entries.iter().enumerate().take(until).skip(begins + 1) {
            // A date comes before the entry, a halt by the entry after it.
            while let Some((_, over, _)) =
                rest.pop_front_if(|(by, over, halt)| *by <= index && *over < *at && *halt == Halt::Off)
            {
                self.fire(|due| due < over);
                self.resume(over);
            }
            self.fire(|due| due < *at);
            if self.hears(entry, *at) {
                return;
            }
            while let Some((_, at, halt)) = rest.pop_front_if(|(by, ..)| *by == index) {
                match halt {
                    Halt::On => self.halt(at),
                    Halt::Off => self.resume(at),
                    Halt::Gone => {}
                }
            }
        }
        for (_, at, _) in rest.into_iter().filter(|(.., halt)| *halt == Halt::Off) {
            self.fire(|due| due < at);
            self.resume(at);
        }
        match self.term.ends.map(|index| &entries[index]) {
            None => self.fire(|due| due <= end),
            // A new owner settles what is due for the last one; who waited has no last one.
            Some((at, _, Entry::Handed(_))) if self.term.clock != Clock::Assign => {
                self.fire(|due| due <= *at);
                self.drop_it();
            }
            Some((at, _, entry)) => {
                self.fire(|due| due < *at);
                let takes = |to: &Handed| to.handoff == self.term.handed.handoff && to.owner.is_some();
                let is_met = matches!(entry, Entry::Handed(to) if takes(to));
                if is_met && !self.broke {
                    self.say("met", SlaEventKind::Met);
                } else if is_met {
                    self.say_late();
                } else {
                    self.drop_it();
                }
            }
        }
    }

    /// The first answer to a broken promise, if one was still owed.
    fn say_late(&mut self) {
        if !std::mem::replace(&mut self.settled, true) {
            self.say("late", SlaEventKind::Met);
        }
    }

    fn drop_it(&mut self) {
        if !self.broke {
            self.say("cancelled", SlaEventKind::Cancelled);
        }
    }

    /// Says what is due.
    fn fire(&mut self, is_due: impl Fn(LogTime) -> bool) {
        while let Some((level, after_ms)) = self.levels.front().copied().filter(|_| self.halted.is_none()) {
            // A promise that was due before anybody heard of it is due at once.
            let next = self.next.unwrap_or_else(|| self.due(after_ms).max(self.term.heard.next()));
            if !is_due(next) {
                self.next = Some(next);
                return;
            }
            self.next = None;
            self.levels.pop_front();
            let kind = match level {
                ..100 => SlaEventKind::Warned,
                100 => SlaEventKind::Breached,
                _ => SlaEventKind::Escalated,
            };
            self.broke |= kind == SlaEventKind::Breached;
            self.say(&level.to_string(), kind);
        }
    }

    fn halt(&mut self, at: LogTime) {
        if self.halted.is_some() || self.broke && self.levels.is_empty() {
            return;
        }
        self.halted = Some(at);
        self.say(&self.nth("paused", 1), SlaEventKind::Paused);
    }

    fn resume(&mut self, at: LogTime) {
        let Some(from) = self.halted.take() else { return };
        self.stretches.push((from, at));
        self.next = None;
        if !self.broke {
            self.deadline = self.due(self.allowed);
        }
        self.say(&self.nth("resumed", 0), SlaEventKind::Resumed);
    }

    fn nth(&self, word: &str, more: usize) -> String {
        match self.stretches.len() + more {
            1 => word.to_owned(),
            nth => format!("{word}{nth}"),
        }
    }

    /// What an entry means to the clock; whether it has ended.
    fn hears(&mut self, entry: &Entry, at: LogTime) -> bool {
        match ends(entry, self.term.clock, self.term.start.millis()) {
            Some(End::Kept(done)) => {
                if self.broke {
                    // Late or not: nobody need be told further up.
                    self.levels.clear();
                    let grace = LogTime::from_millis(self.deadline.millis().plus(self.policy.sla.grace_ms));
                    if done > self.deadline.millis() || at > grace {
                        self.say_late();
                        return at > grace;
                    }
                    self.say("retracted", SlaEventKind::Retracted);
                }
                self.say("met", SlaEventKind::Met);
                true
            }
            Some(End::Dropped) if self.broke => {
                self.levels.clear();
                self.settled = true;
                false
            }
            Some(End::Dropped | End::Gone) => {
                self.drop_it();
                true
            }
            None => false,
        }
    }
}

enum End {
    /// Done, at this time in the world.
    Kept(Millis),
    /// Not owed any more.
    Dropped,
    /// Not owed any more, and nothing remembered that could take a breach back.
    Gone,
}

/// Whether an entry ends a clock that began at `start`, and how.
fn ends(entry: &Entry, clock: Clock, start: Millis) -> Option<End> {
    let since = |done: &Millis, end| (*done >= start).then_some(end);
    match (entry, clock) {
        (Entry::Refused, _) => Some(End::Dropped),
        (Entry::Forgotten, _) => Some(End::Gone),
        (Entry::Reached(done) | Entry::Spoke { done, reached_out: true }, Clock::FirstTouch)
        | (Entry::Judged { done, .. } | Entry::Spoke { done, .. } | Entry::Dealt(done), Clock::Accept) => {
            since(done, End::Kept(*done))
        }
        (Entry::Dealt(done) | Entry::Judged { done, judgement: Judgement::GivesBack }, Clock::FirstTouch) => {
            since(done, End::Dropped)
        }
        _ => None,
    }
}

/// Whose hours count: those of the owner without absences; of who waits the pool's, else those of all.
fn door<'a>(policy: &'a Policy, term: &Term<'_>) -> Door<'a> {
    let rep = term.handed.owner.as_ref().filter(|_| term.clock != Clock::Assign);
    if let Some(rep) = rep {
        let known = policy.routing.reps.get(rep);
        let calendar = known.and_then(|rep| policy.sla.calendars.get(&rep.calendar));
        let away = known.map_or(&[][..], |rep| &rep.away);
        return Door { calendar: calendar.unwrap_or(Calendar::around_the_clock()), away };
    }
    let name = policy.sla.pool_calendars.get(&term.handed.pool).or(policy.sla.calendar.as_ref());
    let calendar = name.and_then(|name| policy.sla.calendars.get(name)).unwrap_or(Calendar::around_the_clock());
    Door { calendar, away: &[] }
}

/// The points at which a clock that allows so many ms speaks up: percent of its time, and how much that is.
fn levels(policy: &Policy, clock: Clock, allowed: i64) -> VecDeque<(i64, i64)> {
    let share = |percent: i64| (allowed * percent / 100, percent);
    let mut points: BTreeSet<(i64, i64)> = policy.sla.warn_percent.iter().map(|percent| share(*percent)).collect();
    points.insert(share(100));
    for step in policy.sla.escalation.get(&clock).into_iter().flatten() {
        points.insert(match step.after {
            After::Percent(percent) => share(percent),
            After::Late(ms) => (allowed + ms, 100 + (ms * 100 + allowed - 1) / allowed),
        });
    }
    let mut last = 0;
    let mut rising = |percent: i64| {
        last = percent.max(last + 1);
        last
    };
    points.into_iter().map(|(after_ms, percent)| (rising(percent), after_ms)).collect()
}
