//! Stage 4: whether the promise was kept, from `lead.handoffs` and `crm.activities` to `lead.sla-breaches`.
//!
//! The clock is the highest time on the lane's partition of `crm.activities`: here it is the lane's log time, so a
//! deadline is a wake-up of the engine's.
//!
//! A row: touches, the ring's place (u8 each), touches (i64 each), then open handoffs: handed off, deadline (i64
//! each), length (u16) and the breach as it would be written.

use baton_domain::{Ledger, LogTime, Reason, Stamp};
use baton_engine::{Ctx, Emit, Incoming, Processor, Stamped};

use crate::time::{clock, last_of, moved, next};
use crate::wire::{Reader, long, schema, start, text};

const TOUCHES: usize = 32;
/// The input with what sales did.
const ACTIVITIES: usize = 1;

/// The stage, with buffers that are used again.
#[derive(Debug, Default)]
pub struct Watchdog {
    row: Vec<u8>,
    out: Vec<u8>,
}

struct Activity<'a> {
    at: i64,
    kind: &'a [u8],
}

impl<'a> Activity<'a> {
    fn read(value: Option<&'a [u8]>) -> Option<Self> {
        let mut reader = Reader::of(schema::ACTIVITY, value)?;
        reader.text()?;
        reader.text()?;
        Some(Self { at: reader.long()?, kind: reader.text()? })
    }
}

/// A lead's row.
#[derive(Clone, Copy)]
struct Row<'a> {
    place: u8,
    touches: &'a [u8],
    open: &'a [u8],
}

/// A handoff that nobody has answered yet.
struct Open<'a> {
    from: i64,
    deadline: i64,
    /// All of it, as it stands in the row.
    whole: &'a [u8],
    breach: &'a [u8],
}

impl<'a> Row<'a> {
    const NONE: Self = Self { place: 0, touches: &[], open: &[] };

    fn read(row: &'a [u8]) -> Option<Self> {
        let ([touches, place], rest) = row.split_first_chunk::<2>()?;
        let (touches, open) = rest.split_at_checked(8 * usize::from(*touches))?;
        Some(Self { place: *place, touches, open })
    }

    fn was_touched(&self, from: i64, until: i64) -> bool {
        self.touches.as_chunks::<8>().0.iter().any(|at| (from..=until).contains(&i64::from_le_bytes(*at)))
    }

    fn open(&self) -> impl Iterator<Item = Open<'a>> + use<'a> {
        let mut rest = self.open;
        core::iter::from_fn(move || {
            let (head, after) = rest.split_first_chunk::<18>()?;
            let [from, deadline] = [head[..8].try_into().ok()?, head[8..16].try_into().ok()?].map(i64::from_le_bytes);
            let length = usize::from(u16::from_le_bytes([head[16], head[17]]));
            let (breach, next) = after.split_at_checked(length)?;
            let whole = &rest[..18 + length];
            rest = next;
            Some(Open { from, deadline, whole, breach })
        })
    }
}

/// Writes touches as they are, with one more if there is one.
fn write_touches(row: &mut Vec<u8>, before: &Row<'_>, touch: Option<i64>) {
    row.clear();
    row.extend_from_slice(&[0, before.place]);
    row.extend_from_slice(before.touches);
    if let Some(at) = touch {
        if before.touches.len() < 8 * TOUCHES {
            row.extend_from_slice(&at.to_le_bytes());
        } else {
            let place = usize::from(before.place) % TOUCHES;
            row[2 + 8 * place..10 + 8 * place].copy_from_slice(&at.to_le_bytes());
            row[1] = u8::try_from((place + 1) % TOUCHES).unwrap_or(0);
        }
    }
    row[0] = u8::try_from((row.len() - 2) / 8).unwrap_or(0);
}

/// When the first of the open handoffs is overdue.
fn first_wake(row: &[u8]) -> Option<LogTime> {
    Row::read(row)?.open().map(|open| last_of(open.deadline)).min()
}

impl Watchdog {
    fn handoff(&mut self, key: &[u8], record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> Option<&'static str> {
        let mut reader = Reader::of(schema::HANDOFF, record.value)?;
        let (id, lead, from) = (reader.text()?, reader.text()?, reader.long()?);
        reader.long()?;
        let priority = reader.long()?;
        reader.milli()?;
        reader.long()?;
        let (territory, owner) = (reader.text()?, reader.text()?);
        let deadline = from.saturating_add(reader.long()?);
        let before = ctx.get(key).map_or(Some(Row::NONE), Row::read)?;
        if before.was_touched(from, deadline) {
            return Some("answered");
        }
        let out = &mut self.out;
        start(out, schema::BREACH);
        for field in [id, lead, owner, territory] {
            text(out, field);
        }
        for number in [priority, from, deadline] {
            long(out, number);
        }
        if clock(at) > deadline {
            ctx.emit(Emit { topic: 0, partition: ctx.lane(), key: Some(key), value: &self.out, headers: &[] });
            return Some("breached");
        }
        let row = &mut self.row;
        write_touches(row, &before, None);
        row.extend_from_slice(before.open);
        row.extend_from_slice(&from.to_le_bytes());
        row.extend_from_slice(&deadline.to_le_bytes());
        row.extend_from_slice(&u16::try_from(self.out.len()).ok()?.to_le_bytes());
        row.extend_from_slice(&self.out);
        ctx.put(key, row, first_wake(row));
        Some("opened")
    }

    fn activity(&mut self, key: &[u8], record: &Incoming<'_>, ctx: &mut Ctx<'_>) -> Option<&'static str> {
        let activity = Activity::read(record.value)?;
        if !matches!(activity.kind, b"call" | b"email" | b"meeting") {
            return Some("seen");
        }
        let before = ctx.get(key).map_or(Some(Row::NONE), Row::read)?;
        let row = &mut self.row;
        write_touches(row, &before, Some(activity.at));
        for open in before.open().filter(|open| !(open.from..=open.deadline).contains(&activity.at)) {
            row.extend_from_slice(open.whole);
        }
        ctx.put(key, row, first_wake(row));
        Some("touched")
    }
}

impl Processor for Watchdog {
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped {
        let at = if record.input == ACTIVITIES {
            let Some(activity) = Activity::read(record.value) else {
                return Stamped::Bad(Reason::Decode, "not an activity".to_owned());
            };
            moved(now, activity.at)
        } else {
            next(now)
        };
        Stamped::At(Stamp { at, lane: 0 })
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let Some(key) = record.key else {
            ctx.dead_letter(record, Reason::NullKey, "no lead");
            return at;
        };
        let outcome = if record.input == ACTIVITIES {
            self.activity(key, record, ctx)
        } else {
            self.handoff(key, record, at, ctx)
        };
        match outcome {
            Some(outcome) => ctx.count(outcome),
            None => ctx.dead_letter(record, Reason::Decode, "record or row cannot be read"),
        }
        at
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        let Some(before) = ctx.get(key).and_then(Row::read) else { return };
        let row = &mut self.row;
        write_touches(row, &before, None);
        self.out.clear();
        let is_over = |open: &Open<'_>| last_of(open.deadline) <= due;
        for open in before.open() {
            if is_over(&open) {
                self.out.extend_from_slice(open.whole);
            } else {
                row.extend_from_slice(open.whole);
            }
        }
        ctx.put(key, row, first_wake(row));
        let breached = Row { open: &self.out, ..Row::NONE };
        for open in breached.open() {
            ctx.emit(Emit { topic: 0, partition: ctx.lane(), key: Some(key), value: open.breach, headers: &[] });
        }
    }

    fn tell_time(&mut self, _: LogTime, _: &mut Ctx<'_>) {}

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        postcard::to_allocvec(ledger).unwrap_or_default()
    }
}
