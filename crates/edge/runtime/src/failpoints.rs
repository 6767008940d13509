//! Named points at which a consumer can be made to die, panic or stall: for tests, and only in a build with the
//! feature `failpoints`.
//!
//! `BATON_FAILPOINT=stage:point:n:action` chooses one: at the n-th time that a worker of `stage` comes to
//! `point`, it does `action`: `kill` (SIGKILL to itself), `panic`, or `delay=<milliseconds>`.
//!
//! Holds: the points are in decorators of the engine's three ports, so the engine under test is the engine that
//! ships, to the byte; a normal build has none of this.
//!
//! Absent on purpose: chance. A sweep names every point; which ones a random run takes is its driver's business.

mod ports;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use baton_engine::Stop;
use baton_pipeline::Consumer;

pub(crate) use ports::{FailLog, FailProcessor, FailStore};

/// The environment variable that chooses.
const VARIABLE: &str = "BATON_FAILPOINT";

/// The points of one cycle, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// Records were handed over.
    Polled,
    /// A transaction is open and empty.
    Begun,
    /// The positions are about to be sent.
    BeforeOffsets,
    /// The positions are in the transaction.
    AfterOffsets,
    /// The first output has been sent.
    FirstSend,
    /// All outputs but the last have been sent.
    LastSend,
    /// The commit is about to be asked for.
    BeforeCommit,
    /// It is committed, and the store knows nothing of it.
    AfterCommit,
    /// The store knows of it.
    Applied,
    /// The group takes lanes back.
    Revoked,
    /// The group gives lanes.
    Assigned,
    /// Some of the changelog has been read, and not all.
    Restoring,
    /// A checkpoint is about to be written.
    Checkpoint,
    /// A row is about to be woken.
    Waking,
}

impl FromStr for Point {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "polled" => Self::Polled,
            "begun" => Self::Begun,
            "first_send" => Self::FirstSend,
            "last_send" => Self::LastSend,
            "before_offsets" => Self::BeforeOffsets,
            "after_offsets" => Self::AfterOffsets,
            "before_commit" => Self::BeforeCommit,
            "after_commit" => Self::AfterCommit,
            "applied" => Self::Applied,
            "revoked" => Self::Revoked,
            "assigned" => Self::Assigned,
            "restoring" => Self::Restoring,
            "checkpoint" => Self::Checkpoint,
            "waking" => Self::Waking,
            _ => return Err(()),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Kill,
    Panic,
    Delay(Duration),
}

impl FromStr for Action {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match (text, text.strip_prefix("delay=").map(str::parse)) {
            ("kill", _) => Ok(Self::Kill),
            ("panic", _) => Ok(Self::Panic),
            (_, Some(Ok(ms))) => Ok(Self::Delay(Duration::from_millis(ms))),
            _ => Err(()),
        }
    }
}

#[derive(Debug)]
struct Armed {
    point: Point,
    times: u32,
    action: Action,
}

/// What a worker does at which point; shared by the decorators of its ports.
#[derive(Clone, Default)]
pub(crate) struct Failpoints(Rc<RefCell<Option<Armed>>>);

impl fmt::Debug for Failpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failpoints({:?})", self.0.borrow())
    }
}

impl Failpoints {
    /// What the environment chooses for a worker of this consumer.
    pub(crate) fn of(consumer: Consumer) -> Result<Self, Stop> {
        let Ok(text) = std::env::var(VARIABLE) else { return Ok(Self::default()) };
        let wrong = || Stop::Config(format!("{VARIABLE}={text}: write stage:point:n:kill|panic|delay=<ms>"));
        let parts: Vec<&str> = text.split(':').collect();
        let [stage, point, times, action] = parts.as_slice() else { return Err(wrong()) };
        let armed = Armed {
            point: point.parse().map_err(|()| wrong())?,
            times: times.parse().map_err(|_| wrong())?,
            action: action.parse().map_err(|()| wrong())?,
        };
        let ours = stage.parse::<Consumer>().map_err(|_| wrong())? == consumer;
        Ok(Self(Rc::new(RefCell::new(ours.then_some(armed)))))
    }

    /// The worker is at this point.
    fn pass(&self, point: Point) {
        let mut armed = self.0.borrow_mut();
        let Some(Armed { times, action, .. }) = armed.as_mut().filter(|armed| armed.point == point) else { return };
        *times = times.saturating_sub(1);
        if *times > 0 {
            return;
        }
        let action = *action;
        *armed = None;
        drop(armed);
        // Said before it is done: the driver must know that the point was reached at all.
        tracing::error!(?point, ?action, "failpoint");
        match action {
            Action::Kill => {
                let me = std::process::id().to_string();
                std::process::Command::new("kill").args(["-KILL", &me]).status().ok();
                // The signal is on its way.
                std::thread::sleep(Duration::from_mins(1));
            }
            Action::Panic => panic!("failpoint {point:?}"),
            Action::Delay(time) => std::thread::sleep(time),
        }
    }
}
