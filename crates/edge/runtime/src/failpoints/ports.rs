//! The engine's ports with a look at the failpoints before or after each call that is one.
//!
//! Holds: nothing else is changed, but that outputs are handed on one by one.

use baton_domain::{Ledger, LogTime, Millis};
use baton_engine::{
    Ctx, Event, Fault, Incoming, Log, Outbox, Output, Part, Polled, Processor, RowSink, Stamped, Store, StoreError,
    Verdict,
};

use super::{Failpoints, Point};

/// A log with failpoints.
pub(crate) struct FailLog<L> {
    inner: L,
    points: Failpoints,
}

impl<L: Log> FailLog<L> {
    pub(crate) fn new(inner: L, points: Failpoints) -> Self {
        Self { inner, points }
    }
}

impl<L: Log> Log for FailLog<L> {
    fn poll(&mut self, wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        let points = &self.points;
        let polled = self.inner.poll(wait_ms, max, &mut |event| {
            match &event {
                Event::Assigned(_) => points.pass(Point::Assigned),
                Event::Revoked(_) => points.pass(Point::Revoked),
                Event::Record { .. } | Event::Ahead(_) | Event::End { .. } => {}
            }
            sink(event);
        })?;
        if polled.records > 0 {
            points.pass(Point::Polled);
        }
        Ok(polled)
    }

    fn start(&mut self, parts: &[(Part, i64)]) -> Result<(), Fault> {
        self.inner.start(parts)
    }

    fn hold(&mut self, parts: &[Part], hold: bool) -> Result<(), Fault> {
        self.inner.hold(parts, hold)
    }

    fn committed(&mut self, parts: &[Part]) -> Result<Vec<Option<i64>>, Fault> {
        self.inner.committed(parts)
    }

    fn beginning(&mut self, part: Part) -> Result<i64, Fault> {
        self.inner.beginning(part)
    }

    fn changelog_end(&mut self, lane: i32) -> Result<i64, Fault> {
        self.inner.changelog_end(lane)
    }

    fn restore_start(&mut self, lane: i32, from: i64) -> Result<(), Fault> {
        self.inner.restore_start(lane, from)
    }

    fn restore_poll(&mut self, lane: i32, sink: &mut RowSink<'_>) -> Result<i64, Fault> {
        let points = &self.points;
        self.inner.restore_poll(lane, &mut |key, row| {
            sink(key, row);
            points.pass(Point::Restoring);
        })
    }

    fn restore_stop(&mut self, lane: i32) {
        self.inner.restore_stop(lane);
    }

    fn fence(&mut self) -> Result<(), Fault> {
        self.inner.fence()
    }

    fn suspect(&self) -> bool {
        self.inner.suspect()
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.inner.begin()?;
        self.points.pass(Point::Begun);
        Ok(())
    }

    fn produce(&mut self, output: &Output<'_>) -> Result<(), Fault> {
        self.inner.produce(output)
    }

    fn produce_all(&mut self, outbox: &Outbox) -> Result<(), Fault> {
        for (place, output) in outbox.outputs().enumerate() {
            if place.saturating_add(1) == outbox.len() {
                self.points.pass(Point::LastSend);
            }
            self.inner.produce(&output)?;
            if place == 0 {
                self.points.pass(Point::FirstSend);
            }
        }
        Ok(())
    }

    fn send_offsets(&mut self, offsets: &[(Part, i64)]) -> Result<(), Fault> {
        self.points.pass(Point::BeforeOffsets);
        self.inner.send_offsets(offsets)?;
        self.points.pass(Point::AfterOffsets);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Fault> {
        self.points.pass(Point::BeforeCommit);
        self.inner.commit()?;
        self.points.pass(Point::AfterCommit);
        Ok(())
    }

    fn abort(&mut self) -> Result<(), Fault> {
        self.inner.abort()
    }

    fn now(&self) -> Millis {
        self.inner.now()
    }
}

/// A store with failpoints.
pub(crate) struct FailStore<S> {
    inner: S,
    points: Failpoints,
}

impl<S: Store> FailStore<S> {
    pub(crate) fn new(inner: S, points: Failpoints) -> Self {
        Self { inner, points }
    }
}

impl<S: Store> Store for FailStore<S> {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.inner.get(key)
    }

    fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.inner.put(key, value);
    }

    fn commit(&mut self, position: Option<i64>) -> Result<(), StoreError> {
        if position.is_some() {
            self.points.pass(Point::Checkpoint);
        }
        self.inner.commit(position)?;
        self.points.pass(Point::Applied);
        Ok(())
    }

    fn position(&self) -> i64 {
        self.inner.position()
    }

    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        self.inner.each(visit);
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.inner.clear()
    }
}

/// A processor with a failpoint.
pub(crate) struct FailProcessor<P> {
    inner: P,
    points: Failpoints,
}

impl<P: Processor> FailProcessor<P> {
    pub(crate) fn new(inner: P, points: Failpoints) -> Self {
        Self { inner, points }
    }
}

impl<P: Processor> Processor for FailProcessor<P> {
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped {
        self.inner.stamp(record, now)
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        self.inner.process(record, at, ctx)
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        self.points.pass(Point::Waking);
        self.inner.wake(key, due, ctx);
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        self.inner.tell_time(now, ctx);
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        self.inner.encode_ledger(ledger)
    }

    fn verdict(&mut self, verdict: Verdict) {
        self.inner.verdict(verdict);
    }

    fn idle(&mut self, now: LogTime, host: Millis) -> Option<LogTime> {
        self.inner.idle(now, host)
    }

    fn in_force(&self) -> Option<(String, i64)> {
        self.inner.in_force()
    }
}
