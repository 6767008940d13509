//! What can go wrong with a call, and which of the port's own defences can be switched off.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::dice::Dice;

/// A defence of the port that is left out, to show that the oracle misses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaw {
    /// None: the port as it should be.
    #[default]
    None,
    /// Never says that a connection failed within a transaction, so the producer is kept.
    NeverSuspect,
    /// Takes over the transactional id without a new epoch and without undoing what is open.
    NoFence,
    /// Gives the last stable offset as the changelog's end.
    StableEnd,
    /// Gives committed offsets that an open transaction may still change.
    UnstableOffsets,
    /// Commits offsets without naming the member's generation.
    NoGeneration,
    /// Takes an unanswered commit for done.
    GuessCommitted,
    /// Takes an unanswered commit for undone.
    GuessUndone,
    /// Does not read again from where the engine says.
    NoRewind,
    /// Counts records only, so a position never passes a marker.
    RecordsOnly,
    /// Hides that the group took lanes away.
    DeafToRevokes,
}

/// What strikes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    None,
    /// The request never arrives.
    Before,
    /// It takes effect, the answer is lost.
    After,
    /// It arrives later than it should.
    Late(i64),
}

/// One process as the outside world treats it.
#[derive(Clone)]
pub(crate) struct Fate {
    dice: Rc<RefCell<Dice>>,
    /// About one request in so many is struck; none when 0.
    pub(crate) strikes: Rc<Cell<u64>>,
    /// About one call in so many is the process's last.
    pub(crate) crashes: Rc<Cell<u64>>,
    /// About one call in so many is followed by a long pause.
    pub(crate) pauses: Rc<Cell<u64>>,
    is_dead: Rc<Cell<bool>>,
}

impl Fate {
    /// Nothing goes wrong.
    pub(crate) fn kind() -> Self {
        Self::new(0)
    }

    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Rc::new(RefCell::new(Dice::new(seed))),
            strikes: Rc::default(),
            crashes: Rc::default(),
            pauses: Rc::default(),
            is_dead: Rc::default(),
        }
    }

    /// Another process in the same world.
    pub(crate) fn sibling(&self) -> Self {
        Self { is_dead: Rc::default(), ..self.clone() }
    }

    pub(crate) fn end(&self) {
        self.is_dead.set(true);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.is_dead.get()
    }

    pub(crate) fn crashes_now(&self, what: &str) -> bool {
        self.dice.borrow_mut().one_in(often(self.crashes.get(), what))
    }

    pub(crate) fn pauses_now(&self, what: &str) -> bool {
        let rate = if what == "send" { self.pauses.get().div_ceil(2) } else { self.pauses.get() };
        self.dice.borrow_mut().one_in(often(often(rate, what), what))
    }

    /// Whether faults may happen at all.
    pub(crate) fn is_rough(&self) -> bool {
        self.strikes.get() > 0
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.dice.borrow_mut().below(bound)
    }

    pub(crate) fn strike(&self, what: &str) -> Strike {
        let mut dice = self.dice.borrow_mut();
        if !dice.one_in(often(self.strikes.get(), what)) {
            return Strike::None;
        }
        match dice.below(3) {
            0 => Strike::Before,
            1 => Strike::After,
            _ => {
                let most = if dice.one_in(4) { 4_000 } else { 60 };
                Strike::Late(1 + dice.ms(most))
            }
        }
    }
}

/// The end of a transaction is where it hurts most, so it is hit three times as often.
fn often(rate: u64, what: &str) -> u64 {
    if matches!(what, "offsets" | "commit") { rate.div_ceil(3) } else { rate }
}
