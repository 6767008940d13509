//! What the owner of a lead has promised, as far as the router acts on it: the steps at which the lead goes to
//! another desk or back to its queue, or its silence counts against the rep.
//!
//! Holds: a step comes at the very instant at which the watchdog says that the promise has come so far. Both
//! work out the same promise, are told of the same answers and pauses, and measure with the same clockwork
//! ([`baton_policy::Stopwatch`]).
//!
//! Absent on purpose: warnings and breaches, which are the watchdog's to tell; of a deadline it is told with the lead
//! by when it is.

use baton_domain::{Answer, Answered, Clock, Deadline, DeskHours, LogTime, Millis, SlaAction};
use baton_policy::{Owing, Policy, Stopwatch};
use serde::{Deserialize, Serialize};

/// The level at which all of the time is used.
const BROKEN: i32 = 100;

/// The promises of a lead's owner, and why they stand still.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promises {
    /// When a desk first had the lead in this episode.
    pub handed_at: Option<LogTime>,
    /// To accept it.
    pub accept: Option<Pending>,
    /// To reach out.
    pub first_touch: Option<Pending>,
    /// Whether a first touch has been owed, where all owners owe the same.
    pub owed: bool,
    /// Whether the lead has a status in which nobody waits for the rep.
    pub on_hold: bool,
    /// The date to which sales put the lead off.
    pub put_off: Option<LogTime>,
    /// When the lead last changed lanes while it waited: all owners owe the same since then.
    pub laned_at: Option<LogTime>,
}

/// A promise that was neither kept nor has come to its last step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Who gave it, for which pool, and what their hours are beyond the policy's word.
    pub owner: String,
    /// The pool.
    pub pool: String,
    /// What the policy alone does not say.
    pub told: Option<DeskHours>,
    /// Since when: nothing from before answers it.
    pub from: LogTime,
    /// How much of it is used.
    pub clockwork: Stopwatch,
    /// What is ahead.
    pub steps: Vec<Step>,
    /// Whether it has counted against the rep.
    pub struck: bool,
}

/// A step of a promise that the router acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// After so many ms of its own measure.
    pub after_ms: i64,
    /// When that is, unless it stands still; or when another desk is looked for again, where nobody was free.
    pub at: LogTime,
    /// Another desk or the queue, or only a mark against the rep.
    pub moves: bool,
}

/// Who has a lead, in whose hours.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) rep: &'a str,
    pub(crate) pool: &'a str,
    pub(crate) told: Option<&'a DeskHours>,
    /// Whether leads are claimed or given out there: then one that is not accepted in time goes back.
    pub(crate) by_hand: bool,
}

/// What came due of an owner's promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// The lead is to go to another desk.
    pub(crate) moves: bool,
    /// And has not been since before.
    pub(crate) anew: bool,
    /// So many promises were broken for good.
    pub(crate) strikes: usize,
}

impl Promises {
    /// A new owner has the lead at `at`; it became ready at `ready`. What they promise with it.
    pub(crate) fn hand_over(
        &mut self,
        policy: &Policy,
        lane: &str,
        owner: Owner<'_>,
        ready: LogTime,
        at: LogTime,
    ) -> Vec<Deadline> {
        self.pass(policy, at);
        self.put_off = self.put_off.filter(|date| *date > at);
        self.handed_at.get_or_insert(at);
        let mut due = Vec::new();
        let mut begin = |clock, start| {
            let (pending, deadline) = Pending::new(policy, clock, lane, owner, start)?;
            due.push(deadline);
            Some(pending)
        };
        self.accept = begin(Clock::Accept, at);
        let from_lead = policy.sla.first_touch_from_lead;
        if !(from_lead && std::mem::replace(&mut self.owed, true)) {
            let from = self.laned_at.unwrap_or(ready).min(at);
            self.first_touch = begin(Clock::FirstTouch, if from_lead { from } else { at });
        }
        if self.on_hold || self.put_off.is_some() {
            self.halt(policy, at);
        }
        // What was due before this owner had it is not theirs to answer for, and has been told.
        for pending in self.all() {
            let hours = policy.hours_of(pending.owing());
            let mut clockwork = pending.clockwork.clone();
            clockwork.resume(at.millis());
            pending.steps.retain(|step| LogTime::from_millis(clockwork.reaches(&hours, step.after_ms)) > at);
        }
        self.drop_done();
        due
    }

    /// Nobody has the lead: what its owner owed is owed no more.
    pub(crate) fn take_from_owner(&mut self, policy: &Policy) {
        self.accept = None;
        if !policy.sla.first_touch_from_lead {
            self.first_touch = None;
        }
    }

    /// A lead that nobody has waits in another lane from `at` on: what was owed of it is so no more, and what its next
    /// owner owes counts from then.
    pub(crate) fn change_lane(&mut self, at: LogTime) {
        (self.first_touch, self.owed, self.laned_at) = (None, false, Some(at));
    }

    /// Sales answered, or the clocks are to stand still or go on. Whether that concerns the lead at all.
    pub(crate) fn hear(&mut self, policy: &Policy, answered: &Answered, at: LogTime) -> bool {
        self.pass(policy, at);
        let ends = |pending: &Option<Pending>, clock: Clock| {
            let since = pending.as_ref().map(|pending| pending.from.millis());
            since.is_some_and(|since| answered.answer.ends(clock) && answered.occurred_at >= since)
        };
        if ends(&self.accept, Clock::Accept) {
            self.accept = None;
        }
        if ends(&self.first_touch, Clock::FirstTouch) {
            self.first_touch = None;
        }
        if self.handed_at.is_none_or(|handed| answered.occurred_at < handed.millis()) {
            return false;
        }
        let was_halted = self.is_halted();
        match answered.answer {
            Answer::Paused => self.on_hold = true,
            Answer::Resumed => self.on_hold = false,
            _ => {}
        }
        if let Some(date) = answered.until.map(LogTime::from_millis).filter(|date| *date > at) {
            self.put_off = Some(date);
        }
        if self.is_halted() {
            self.halt(policy, at);
        } else if was_halted {
            self.resume(policy, at.millis());
        }
        true
    }

    /// Time has come to `at`: what is due of the owner's promises. A move stays due until it is
    /// [put off](Self::try_again) or another owner has the lead.
    pub(crate) fn due(&mut self, policy: &Policy, at: LogTime) -> Passed {
        self.pass(policy, at);
        let mut passed = Passed::default();
        for pending in self.all() {
            if pending.clockwork.is_halted() {
                continue;
            }
            let hours = policy.hours_of(pending.owing());
            let (due, mut ahead): (Vec<Step>, Vec<Step>) = pending.steps.drain(..).partition(|step| step.at <= at);
            for step in &due {
                let at = LogTime::from_millis(pending.clockwork.reaches(&hours, step.after_ms));
                passed.anew |= step.moves && step.at == at;
                passed.strikes += usize::from(!std::mem::replace(&mut pending.struck, true));
            }
            if let Some(step) = due.into_iter().rfind(|step| step.moves) {
                passed.moves = true;
                ahead.insert(0, step);
            }
            pending.steps = ahead;
        }
        self.drop_done();
        passed
    }

    /// Nobody could take the lead at `at`: another desk is looked for at `again`.
    pub(crate) fn try_again(&mut self, at: LogTime, again: LogTime) {
        for pending in self.all().filter(|pending| !pending.clockwork.is_halted()) {
            for step in pending.steps.iter_mut().filter(|step| step.at <= at) {
                step.at = again;
            }
        }
    }

    /// When something is due next.
    pub(crate) fn next(&self) -> Option<LogTime> {
        let pending = || [&self.accept, &self.first_touch].into_iter().flatten();
        let running = pending().filter(|pending| !pending.clockwork.is_halted());
        let date = self.put_off.filter(|_| !self.on_hold && pending().next().is_some());
        running.flat_map(|pending| &pending.steps).map(|step| step.at).chain(date).min()
    }

    fn is_halted(&self) -> bool {
        self.on_hold || self.put_off.is_some()
    }

    /// A date that has come ends its pause, at that very date.
    fn pass(&mut self, policy: &Policy, at: LogTime) {
        if let Some(date) = self.put_off.take_if(|date| *date <= at)
            && !self.on_hold
        {
            self.resume(policy, date.millis());
        }
    }

    fn halt(&mut self, policy: &Policy, at: LogTime) {
        for pending in self.all() {
            let hours = policy.hours_of(pending.owing());
            pending.clockwork.halt(&hours, at.millis());
        }
    }

    fn resume(&mut self, policy: &Policy, at: Millis) {
        for pending in self.all() {
            pending.clockwork.resume(at);
            let hours = policy.hours_of(pending.owing());
            let steps = pending.steps.iter().map(|step| {
                // A move that found nobody was due before: it is tried at once.
                let due = pending.clockwork.reaches(&hours, step.after_ms).max(at);
                Step { at: LogTime::from_millis(due), ..*step }
            });
            pending.steps = steps.collect();
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Pending> {
        [&mut self.accept, &mut self.first_touch].into_iter().flatten()
    }

    /// A promise without a step ahead is the watchdog's alone.
    fn drop_done(&mut self) {
        for pending in [&mut self.accept, &mut self.first_touch] {
            pending.take_if(|pending| pending.steps.is_empty());
        }
    }
}

impl Pending {
    /// A promise as its owner gives it, and by when they owe what.
    fn new(policy: &Policy, clock: Clock, lane: &str, owner: Owner<'_>, start: LogTime) -> Option<(Self, Deadline)> {
        let owing = Owing { owner: Some(owner.rep), pool: owner.pool, told: owner.told };
        let promise = policy.promise(clock, lane, owing, start.millis())?;
        let (local, zone) = policy.hours_for(clock, owing).local(promise.deadline);
        let deadline = LogTime::from_millis(promise.deadline);
        let deadline = Deadline { clock, started_at: start, deadline, local, zone };
        let returns = owner.by_hand && clock == Clock::Accept;
        let steps = promise.levels.iter().filter_map(|level| {
            let moves = match level.action {
                SlaAction::Reassign => true,
                _ if returns && level.level == BROKEN => true,
                SlaAction::AutoPause => false,
                SlaAction::Warn | SlaAction::Escalate | SlaAction::Review => return None,
            };
            Some(Step { after_ms: level.after_ms, at: LogTime::from_millis(level.at), moves })
        });
        let pending = Self {
            owner: owner.rep.to_owned(),
            pool: owner.pool.to_owned(),
            told: owner.told.cloned(),
            from: start,
            steps: steps.collect(),
            clockwork: promise.clockwork,
            struck: false,
        };
        Some((pending, deadline))
    }

    fn owing(&self) -> Owing<'_> {
        Owing { owner: Some(&self.owner), pool: &self.pool, told: self.told.as_ref() }
    }
}
