//! A log that serves what lies on the topics and keeps what the worker writes, so that production's own worker
//! does the work once more.
//!
//! Holds: nothing that is written here reaches anybody; a transaction that the feed refuses is undone by the
//! worker as any other, and its record is not taken.

use std::collections::BTreeMap;

use baton_domain::Millis;
use baton_engine::{Event, Fault, Log, Part, Polled, RowSink, StageSpec, Topic};

use crate::tape::{Bounds, Cluster, Entry, Tape};

/// A record that the replay wrote.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) topic: Topic,
    pub(crate) partition: i32,
    pub(crate) entry: Entry,
}

/// Decides which record comes next.
pub(crate) trait Feed {
    /// Hands over what comes next, at most `max` records.
    fn poll(&mut self, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault>;

    /// Stops or goes on with handing over records of these parts.
    fn hold(&mut self, parts: &[Part], hold: bool);

    /// The worker reads on from what is committed.
    fn restarted(&mut self) {}

    /// A transaction with these outputs is about to be committed; `false` undoes it.
    fn allows(&mut self, written: &[Output]) -> bool {
        let _ = written;
        true
    }

    /// From here on the bound of each part is another.
    fn go_on_to(&mut self, ends: &BTreeMap<Part, i64>);

    /// Whether anything lies behind the bounds.
    fn unread(&mut self) -> Result<u64, Fault>;

    /// Whether there is nothing more to hand over.
    fn is_done(&mut self) -> Result<bool, Fault>;
}

/// The log of one lane's replay.
pub(crate) struct Replay<F> {
    lane: i32,
    joined: bool,
    started: bool,
    firsts: BTreeMap<Part, i64>,
    pub(crate) feed: F,
    pending: Vec<Output>,
    pending_ledger: Option<Vec<u8>>,
    /// Committed since they were last taken.
    pub(crate) done: Vec<Output>,
    /// The ledger committed last.
    pub(crate) ledger: Option<Vec<u8>>,
    pub(crate) failed: Option<Fault>,
}

impl<F: Feed> Replay<F> {
    pub(crate) fn new(lane: i32, firsts: BTreeMap<Part, i64>, feed: F) -> Self {
        Self {
            lane,
            joined: false,
            started: false,
            firsts,
            feed,
            pending: Vec::new(),
            pending_ledger: None,
            done: Vec::new(),
            ledger: None,
            failed: None,
        }
    }
}

impl<F: Feed> Log for Replay<F> {
    fn poll(&mut self, _wait_ms: i64, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        if max == 0 {
            return Ok(Polled::default());
        }
        if !self.joined {
            self.joined = true;
            sink(Event::Assigned(vec![self.lane]));
            return Ok(Polled { records: 0, drained: true });
        }
        if !self.started {
            return Ok(Polled { records: 0, drained: true });
        }
        // The worker would try again for ever; who drives it must know.
        self.feed.poll(max, sink).inspect_err(|fault| self.failed = Some(fault.clone()))
    }

    fn start(&mut self, _parts: &[(Part, i64)]) -> Result<(), Fault> {
        self.started = true;
        self.feed.restarted();
        Ok(())
    }

    fn hold(&mut self, parts: &[Part], hold: bool) -> Result<(), Fault> {
        self.feed.hold(parts, hold);
        Ok(())
    }

    fn committed(&mut self, parts: &[Part]) -> Result<Vec<Option<i64>>, Fault> {
        Ok(vec![None; parts.len()])
    }

    fn beginning(&mut self, part: Part) -> Result<i64, Fault> {
        Ok(self.firsts.get(&part).copied().unwrap_or(0))
    }

    fn changelog_end(&mut self, _lane: i32) -> Result<i64, Fault> {
        Ok(0)
    }

    fn restore_start(&mut self, _lane: i32, _from: i64) -> Result<(), Fault> {
        Ok(())
    }

    fn restore_poll(&mut self, _lane: i32, _sink: &mut RowSink<'_>) -> Result<i64, Fault> {
        Ok(0)
    }

    fn restore_stop(&mut self, _lane: i32) {}

    fn fence(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    fn suspect(&self) -> bool {
        false
    }

    fn begin(&mut self) -> Result<(), Fault> {
        self.pending.clear();
        self.pending_ledger = None;
        Ok(())
    }

    fn produce(&mut self, output: &baton_engine::Output<'_>) -> Result<(), Fault> {
        match output.topic {
            Topic::Changelog => {}
            Topic::Ledger => self.pending_ledger = output.value.map(<[u8]>::to_vec),
            // How often time is told depends on batches.
            Topic::Output(_) if output.key.is_none() => {}
            Topic::Output(_) | Topic::DeadLetters => {
                let entry = Entry::expected(output);
                self.pending.push(Output { topic: output.topic, partition: output.partition, entry });
            }
        }
        Ok(())
    }

    fn send_offsets(&mut self, _offsets: &[(Part, i64)]) -> Result<(), Fault> {
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Fault> {
        if !self.feed.allows(&self.pending) {
            return Err(Fault::Abort("its turn has not come".to_owned()));
        }
        self.done.append(&mut self.pending);
        if let Some(ledger) = self.pending_ledger.take() {
            self.ledger = Some(ledger);
        }
        Ok(())
    }

    fn abort(&mut self) -> Result<(), Fault> {
        self.pending.clear();
        self.pending_ledger = None;
        Ok(())
    }

    fn now(&self) -> Millis {
        Millis(0)
    }
}

/// The inputs of one lane, each part up to its bound.
pub(crate) struct Inputs {
    tapes: BTreeMap<usize, Box<dyn Tape>>,
    heads: BTreeMap<Part, Option<Entry>>,
    bounds: BTreeMap<Part, i64>,
}

impl Inputs {
    /// Opens a lane's parts up to where they end; hands over what lies before `bounds` at first.
    pub(crate) fn open(
        cluster: &mut dyn Cluster,
        spec: &StageSpec,
        lane: i32,
        ends: &BTreeMap<Part, Bounds>,
        bounds: &BTreeMap<Part, i64>,
    ) -> Result<Self, Fault> {
        let parts = spec.parts_of(lane);
        let mut tapes = BTreeMap::new();
        for (index, input) in spec.inputs.iter().enumerate() {
            let end = |part: Part| ends.get(&part).map_or(0, |bounds| bounds.end);
            let of_input: Vec<_> = parts.iter().filter(|(other, _)| *other == index).collect();
            let of_input: Vec<_> = of_input.into_iter().map(|part| (part.1, end(*part))).collect();
            tapes.insert(index, cluster.read(&input.topic, &of_input)?);
        }
        let heads = parts.iter().map(|part| (*part, None)).collect();
        Ok(Self { tapes, heads, bounds: bounds.clone() })
    }

    pub(crate) fn parts(&self) -> Vec<Part> {
        self.heads.keys().copied().collect()
    }

    pub(crate) fn bound(&self, part: Part) -> i64 {
        self.bounds.get(&part).copied().unwrap_or(0)
    }

    pub(crate) fn go_on_to(&mut self, ends: &BTreeMap<Part, i64>) {
        self.bounds.clone_from(ends);
    }

    fn head(&mut self, part: Part) -> Result<Option<&Entry>, Fault> {
        let Some(head) = self.heads.get_mut(&part) else { return Ok(None) };
        if head.is_none()
            && let Some(tape) = self.tapes.get_mut(&part.0)
        {
            *head = tape.next(part.1)?;
        }
        Ok(head.as_ref())
    }

    /// The next record of a part before its bound.
    pub(crate) fn peek(&mut self, part: Part) -> Result<Option<&Entry>, Fault> {
        let bound = self.bound(part);
        Ok(self.head(part)?.filter(|entry| entry.offset < bound))
    }

    pub(crate) fn pop(&mut self, part: Part) -> Result<Option<Entry>, Fault> {
        if self.peek(part)?.is_none() {
            return Ok(None);
        }
        Ok(self.heads.get_mut(&part).and_then(Option::take))
    }

    /// How many parts have something beyond their bound.
    pub(crate) fn unread(&mut self) -> Result<u64, Fault> {
        let mut unread = 0;
        for part in self.parts() {
            let bound = self.bound(part);
            unread += u64::from(self.head(part)?.is_some_and(|entry| entry.offset >= bound));
        }
        Ok(unread)
    }
}

/// Gives a record to the worker.
pub(crate) fn hand_over(part: Part, entry: &Entry, sink: &mut dyn FnMut(Event<'_>)) {
    sink(Event::Record {
        part,
        offset: entry.offset,
        appended: entry.appended,
        key: entry.key.as_deref(),
        value: entry.value.as_deref(),
        headers: &entry.headers,
    });
}

/// Each part in its own order, the parts by turns: the worker finds the order between them itself.
pub(crate) struct Straight {
    pub(crate) inputs: Inputs,
    held: std::collections::BTreeSet<Part>,
}

/// Records of one part before the next part's turn.
const TURN: usize = 500;

impl Straight {
    pub(crate) fn new(inputs: Inputs) -> Self {
        Self { inputs, held: std::collections::BTreeSet::new() }
    }
}

impl Feed for Straight {
    fn poll(&mut self, max: usize, sink: &mut dyn FnMut(Event<'_>)) -> Result<Polled, Fault> {
        let mut polled = Polled { records: 0, drained: true };
        for part in self.inputs.parts() {
            if self.inputs.peek(part)?.is_none() {
                sink(Event::End { part, offset: self.inputs.bound(part) });
            }
        }
        for part in self.inputs.parts() {
            let most = polled.records.saturating_add(TURN).min(max);
            while polled.records < most && !self.held.contains(&part) {
                let Some(entry) = self.inputs.pop(part)? else { break };
                hand_over(part, &entry, sink);
                polled.records += 1;
            }
            polled.drained &= self.inputs.peek(part)?.is_none();
        }
        Ok(polled)
    }

    fn hold(&mut self, parts: &[Part], hold: bool) {
        for part in parts {
            if hold {
                self.held.insert(*part)
            } else {
                self.held.remove(part)
            };
        }
    }

    fn go_on_to(&mut self, ends: &BTreeMap<Part, i64>) {
        self.inputs.go_on_to(ends);
    }

    fn unread(&mut self) -> Result<u64, Fault> {
        self.inputs.unread()
    }

    fn is_done(&mut self) -> Result<bool, Fault> {
        for part in self.inputs.parts() {
            if self.inputs.peek(part)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
