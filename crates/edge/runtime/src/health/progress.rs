//! Whether workers get on with what there is to do.
//!
//! Holds: the verdict is about this process and never about the broker. A lane is expected to get on only with what
//! the cluster says, and has just said, is there to be read; not while it waits for somebody else; and not while a
//! transaction of somebody else hides the rest. Time is expected of whoever gives it only once the wall clock is past
//! what the lane has reached: a source's clock may be minutes ahead and is believed.
//!
//! Absent on purpose: a clock, which whoever looks brings along.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use baton_domain::{LogTime, Millis};
use baton_engine::{LaneStatus, Part};
use baton_pipeline::Consumer;

use super::ends::Known;
use super::{SILENT, Snapshot};

/// An answer of the cluster that is older says nothing of now.
const FRESH: Duration = Duration::from_secs(30);
/// Whoever asks for the ends takes two questions of at most five seconds a partition, and gives up at the first
/// that is not answered.
const DEAF: Duration = Duration::from_mins(2);

/// Whose worker, and which.
pub(super) type Who = (Consumer, usize);

/// What a lane was last seen to get on with. One that was given anew begins anew.
type Thing = (Who, (i32, u64), Task);

/// Something that a lane has to get on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    /// Reading a part.
    Read(Part),
    /// Getting its state back.
    Restore,
    /// Passing on the time.
    Tick,
}

/// When a look is taken: by the clock that never goes back, and by the wall's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Instant,
    pub(super) wall: Millis,
}

/// How far it was, and since when it has been no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    far: i64,
    since: Instant,
    /// How long it may stay there.
    patience: Duration,
}

/// What lanes were last seen to get on with.
#[derive(Debug, Default)]
pub(super) struct Progress {
    marks: BTreeMap<Thing, Mark>,
    deaf: Option<Duration>,
}

impl Progress {
    /// Takes a look.
    pub(super) fn look(&mut self, now: Now, workers: &[Snapshot], ends: &Known) {
        let mut seen = BTreeMap::new();
        for snapshot in workers {
            for lane in &snapshot.lanes {
                for (task, far) in tasks(now, snapshot, lane, ends) {
                    let thing = ((snapshot.consumer, snapshot.worker), (lane.lane, lane.given), task);
                    let before = self.marks.get(&thing).filter(|before| before.far == far);
                    let patience = match task {
                        Task::Tick => SILENT + snapshot.gives_time.unwrap_or_default(),
                        Task::Read(_) | Task::Restore => SILENT,
                    };
                    seen.insert(thing, before.copied().unwrap_or(Mark { far, since: now.at, patience }));
                }
            }
        }
        // What is not expected any more begins anew when it is again.
        self.marks = seen;
        self.deaf = ends.asked.map(|asked| now.at.saturating_duration_since(asked)).filter(|silent| *silent > DEAF);
    }

    /// For how long each worker has not got on with something.
    pub(super) fn stalled(&self, now: Instant) -> BTreeMap<Who, Duration> {
        let mut longest = BTreeMap::new();
        for ((who, ..), mark) in &self.marks {
            let stalled = now.saturating_duration_since(mark.since);
            let worst = longest.entry(*who).or_insert(stalled);
            *worst = stalled.max(*worst);
        }
        longest
    }

    /// Why the process does not get on; `Ok` while it does.
    pub(super) fn verdict(&self, now: Instant, workers: &[Snapshot]) -> Result<(), String> {
        if let Some(silent) = self.deaf {
            return Err(format!("the question where the inputs end has had no end for {} s", silent.as_secs()));
        }
        let overdue = self.marks.iter().find(|(_, mark)| now.saturating_duration_since(mark.since) >= mark.patience);
        let Some((((consumer, worker), (lane, _), task), mark)) = overdue else { return Ok(()) };
        let seconds = now.saturating_duration_since(mark.since).as_secs();
        let of = workers.iter().find(|snapshot| snapshot.consumer == *consumer && snapshot.worker == *worker);
        let what = match task {
            Task::Read((input, partition)) => {
                let topic = of.map_or("an input", |snapshot| snapshot.topic(*input));
                format!("has not come past offset {} of {topic}[{partition}], which goes on", mark.far)
            }
            Task::Restore => format!("is restoring and has come no further, {} records left", mark.far),
            Task::Tick => "has passed on no time".to_owned(),
        };
        Err(format!("{consumer} lane {lane} {what} for {seconds} s"))
    }
}

/// What the lane is expected to get on with now, and how far it is with it.
fn tasks(now: Now, snapshot: &Snapshot, lane: &LaneStatus, ends: &Known) -> Vec<(Task, i64)> {
    let fresh = |topic: &str, partition: i32| {
        let seen = ends.of(topic, partition)?;
        (now.at.saturating_duration_since(seen.at) <= FRESH).then_some(seen.end)
    };
    if let Some(left) = lane.restoring {
        return fresh(&snapshot.spec.changelog, lane.lane).map(|_| (Task::Restore, left)).into_iter().collect();
    }
    let mut tasks = Vec::new();
    let mut all_read = !lane.offsets.is_empty();
    for (part, committed) in &lane.offsets {
        let behind = fresh(snapshot.topic(part.0), part.1).map(|end| end.stable > *committed);
        all_read &= behind == Some(false);
        if behind == Some(true) && !lane.held_up.contains(part) {
            tasks.push((Task::Read(*part), *committed));
        }
    }
    // Downstream time is read like all else; whoever gives it has nothing to read when nothing happens.
    if all_read && snapshot.gives_time.is_some_and(|every| is_behind(lane.now, every, now.wall)) {
        tasks.push((Task::Tick, lane.now.map_or(0, |LogTime(at)| at)));
    }
    tasks
}

/// Whether the wall clock is further than a tick past what a lane has reached: else there is no time to pass on.
fn is_behind(reached: Option<LogTime>, every: Duration, wall: Millis) -> bool {
    let every_ms = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
    reached.is_none_or(|reached| wall.since(reached.millis()) > every_ms)
}
