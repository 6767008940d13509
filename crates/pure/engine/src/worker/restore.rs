//! From a lane that was given to a lane that runs: its state from the log, then where to read on.
//!
//! Holds: a lane runs only on a state that has everything its committed offsets account for. The end to
//! read to is the high watermark, open transactions included, looked up after the producer was fenced
//! and once more after the offsets were stable; it is reached by position, markers counted.

use baton_domain::Millis;

use super::{Slot, Stop, Worker};
use crate::lane::Lane;
use crate::log::{Fault, Log, Part};
use crate::processor::Processor;
use crate::spec::Spread;
use crate::{Store, StoreError};

impl<P, S, F> Worker<P, S, F>
where
    P: Processor,
    S: Store,
    F: FnMut(i32) -> Result<S, StoreError>,
{
    pub(super) fn restore<L: Log>(&mut self, log: &mut L) -> Result<(), Stop> {
        let waiting: Vec<i32> =
            self.slots.iter().filter(|(_, slot)| !matches!(slot, Slot::Running(_))).map(|(lane, _)| *lane).collect();
        for lane in waiting {
            let slot = self.slots.insert(lane, Slot::Moving).unwrap_or(Slot::Moving);
            let next = match slot {
                Slot::Fresh(store) => self.restore_begin(log, lane, store),
                Slot::Restoring { store, position, end, moved_at } => {
                    self.restore_on(log, lane, store, (position, end, moved_at))
                }
                other => Ok(other),
            };
            match next {
                Ok(slot) => {
                    self.slots.insert(lane, slot);
                }
                Err(Trouble::Stop(stop)) => return Err(stop),
                Err(Trouble::Fault(fault)) => {
                    log.restore_stop(lane);
                    self.slots.insert(lane, Slot::Fresh(None));
                    // The others would only wait for the same broker.
                    return self.retry_later(fault);
                }
            }
        }
        Ok(())
    }

    fn restore_begin<L: Log>(&mut self, log: &mut L, lane: i32, store: Option<S>) -> Result<Slot<S>, Trouble> {
        let mut store = match store {
            Some(store) => store,
            None => (self.open_store)(lane)?,
        };
        let end = log.changelog_end(lane)?;
        // Ahead of the log, so of another one; or rows of a restore that did not get to its end, of which nobody
        // can say what was deleted since.
        if store.position() > end || (store.position() == 0 && !store.is_empty()) {
            store.clear()?;
        }
        let position = store.position();
        // Most often there is nothing to read, and a reader is a client of its own.
        if position < end {
            log.restore_start(lane, position)?;
        }
        Ok(Slot::Restoring { store, position, end, moved_at: log.now() })
    }

    fn restore_on<L: Log>(
        &mut self,
        log: &mut L,
        lane: i32,
        mut store: S,
        (position, end, moved_at): (i64, i64, Millis),
    ) -> Result<Slot<S>, Trouble> {
        let reached =
            if position >= end { position } else { log.restore_poll(lane, &mut |key, value| store.put(key, value))? };
        if reached < end {
            store.commit(None)?;
            let moved_at = if reached > position { log.now() } else { moved_at };
            if log.now().since(moved_at) > self.limits.restore_stall_ms {
                let changelog = &self.spec.changelog;
                return Err(Trouble::Stop(Stop::Config(format!(
                    "restore of {changelog}[{lane}] stands still at offset {reached} of {end}: a transaction of another \
                     producer is still open there, or the topic lost records"
                ))));
            }
            return Ok(Slot::Restoring { store, position: reached, end, moved_at });
        }
        let offsets = self.offsets_of(log, lane, store.is_empty())?;
        // The offsets are stable now, so what belongs to them is on the changelog: but the lane's last
        // owner may have put it there after the end was looked up.
        let last = log.changelog_end(lane)?;
        if last > reached {
            store.commit(None)?;
            if position >= end {
                log.restore_start(lane, reached)?;
            }
            return Ok(Slot::Restoring { store, position: reached, end: last, moved_at: log.now() });
        }
        store.commit(Some(reached))?;
        log.restore_stop(lane);
        log.start(&offsets)?;
        let lane = Lane::open(lane, store, &self.spec, offsets.into_iter().collect());
        Ok(Slot::Running(Box::new(lane)))
    }

    /// Where a restored lane reads on: its committed offsets, or the beginning for a new application.
    fn offsets_of<L: Log>(&mut self, log: &mut L, lane: i32, is_new: bool) -> Result<Vec<(Part, i64)>, Trouble> {
        let parts = self.spec.parts_of(lane);
        let committed = log.committed(&parts)?;
        let knows_none = committed.iter().all(Option::is_none);
        let mut offsets = Vec::with_capacity(parts.len());
        for (part, committed) in parts.into_iter().zip(committed) {
            let beginning = log.beginning(part)?;
            let topic = self.spec.inputs.get(part.0).map_or("", |input| input.topic.as_str());
            match committed {
                Some(offset) if offset < beginning => {
                    // A worker that stood still between the two look-ups may have lost the lane: then its new
                    // owner has read on, and only what that one read was deleted.
                    if log.committed(&[part])? != [committed] {
                        let why = format!("{topic}[{}] was read on by another worker meanwhile", part.1);
                        return Err(Trouble::Stop(Stop::Fenced(why)));
                    }
                    return Err(Trouble::Stop(Stop::Config(format!(
                        "{topic}[{}]: records {offset} to {beginning} were deleted by retention before {} read them; \
                         reset the group's offset to go on without them",
                        part.1, self.spec.name
                    ))));
                }
                Some(offset) => offsets.push((part, offset)),
                // A source that was added later is read from its beginning.
                None if is_new
                    || (!knows_none && self.spec.inputs.get(part.0).is_some_and(|i| i.spread == Spread::All)) =>
                {
                    offsets.push((part, beginning));
                }
                None => {
                    return Err(Trouble::Stop(Stop::Config(format!(
                        "group {} has state in {}[{lane}] but no committed offset for {topic}[{}]: its offsets were \
                         deleted or the state belongs to another application",
                        self.spec.name, self.spec.changelog, part.1
                    ))));
                }
            }
        }
        Ok(offsets)
    }
}

enum Trouble {
    Fault(Fault),
    Stop(Stop),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Stop(Stop::Store(error.0))
    }
}
