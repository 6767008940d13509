//! The contract of a stage: a pure, total function from state and input to state and effects.
//!
//! Holds: a step cannot fail, wait, log, count or look anything up; the same
//! arguments always give the same [`Step`]. One key has at most one wake-up.
//!
//! Absent on purpose: bytes, topics and offsets (the pipeline crate's), clocks
//! (the engine decides when a wake-up is due, by log time alone).

use baton_domain::LogTime;

/// One consumer's logic, for one key at a time.
pub trait Stage {
    /// The rules it judges by, already checked and compiled.
    type Policy;
    /// What it remembers of a key.
    type State;
    /// What it hears.
    type Event;
    /// What it says.
    type Output;

    /// Judges one input.
    ///
    /// `state` is `None` for a key never seen or dropped. It is taken by value:
    /// a step that is thrown away leaves nothing behind.
    fn step(
        policy: &Self::Policy,
        key: &str,
        state: Option<Self::State>,
        input: Input<Self::Event>,
    ) -> Step<Self::State, Self::Output>;
}

/// What a stage is given to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<E> {
    /// A record at `at` on the log. All wake-ups due before `at` have already been given.
    Record {
        /// Log time of the record.
        at: LogTime,
        /// The record.
        event: E,
    },
    /// The wake-up that the last step of this key asked for. Every record with a stamp up to
    /// and including `due` has already been given.
    Wake {
        /// The instant that was asked for: "now" for this step.
        due: LogTime,
    },
}

/// What a stage answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a step changes nothing until its host takes it up"]
pub struct Step<S, O> {
    /// What to remember; `None` forgets the key.
    pub state: Option<S>,
    /// When to be woken for this key; replaces any earlier wish. Must lie after the input's own time.
    pub wake: Option<LogTime>,
    /// What to say, in order.
    pub outputs: Vec<O>,
    /// Under which heading the ledger counts this input: a short, closed name.
    pub outcome: &'static str,
}

impl<S, O> Step<S, O> {
    /// Keeps `state`, says nothing, asks for no wake-up.
    pub fn quiet(state: Option<S>, outcome: &'static str) -> Self {
        Self { state, wake: None, outputs: Vec::new(), outcome }
    }
}
