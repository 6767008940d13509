//! Stage 3: who gets it, from `lead.scores` to `lead.handoffs`.
//!
//! A lead's row: armed (u8), the last handoff (i64, 0 for none), then up to five events (length as u16, Avro), oldest
//! first. A territory's row: the turn of each owner (i32); its key begins with a letter that no lead's does.

use baton_domain::{Ledger, LogTime, Reason, Stamp};
use baton_engine::{Ctx, Emit, Incoming, Processor, Stamped};

use crate::rules::{DAY, DEMO, HOT, MQL, OWNERS, REARM, TERRITORIES, band, kind, territory};
use crate::time::next;
use crate::wire::{Reader, long, milli, schema, size, start, text};

const CONTEXT: usize = 5;
const HEAD: usize = 9;

/// The stage, with buffers that are used again.
#[derive(Debug, Default)]
pub struct Router {
    row: Vec<u8>,
    turns: Vec<u8>,
    out: Vec<u8>,
}

struct Update<'a> {
    lead: &'a [u8],
    event: &'a [u8],
    /// Event, time, channel, kind, campaign and url, as they go into a context.
    trigger: &'a [u8],
    at: i64,
    kind: usize,
    score: i32,
    territory: usize,
    /// The list, with the zero at its end.
    grounds: &'a [u8],
    received: i64,
}

impl<'a> Update<'a> {
    fn read(value: Option<&'a [u8]>) -> Option<Self> {
        let mut reader = Reader::of(schema::SCORE, value)?;
        let lead = reader.text()?;
        let whole = reader.rest();
        let event = reader.text()?;
        let at = reader.long()?;
        reader.long()?;
        let kind = kind(reader.text()?);
        reader.maybe()?;
        reader.maybe()?;
        let trigger = whole.get(..whole.len() - reader.rest().len())?;
        reader.milli()?;
        let score = reader.milli()?;
        reader.milli()?;
        reader.long()?;
        let territory = territory(reader.text()?);
        let whole = reader.rest();
        loop {
            let grounds = reader.block()?;
            if grounds == 0 {
                break;
            }
            for _ in 0..grounds {
                reader.text()?;
                reader.milli()?;
            }
        }
        let grounds = whole.get(..whole.len() - reader.rest().len())?;
        Some(Self { lead, event, trigger, at, kind, score, territory, grounds, received: reader.long()? })
    }
}

/// Why a lead is handed off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Raised,
    Score,
}

/// A lead's row.
struct Row<'a> {
    is_armed: bool,
    last: i64,
    events: &'a [u8],
}

impl<'a> Row<'a> {
    fn read(row: &'a [u8]) -> Option<Self> {
        let (armed, rest) = row.split_first()?;
        let (last, events) = rest.split_first_chunk::<8>()?;
        Some(Self { is_armed: *armed != 0, last: i64::from_le_bytes(*last), events })
    }

    fn decide(&mut self, update: &Update<'_>) -> Option<Why> {
        let may_raise = self.last == 0 || update.at.saturating_sub(self.last) >= DAY;
        let why = if update.kind == DEMO && may_raise {
            Some(Why::Raised)
        } else {
            (self.is_armed && update.score >= MQL).then_some(Why::Score)
        };
        if why.is_some() {
            self.last = update.at;
            self.is_armed &= update.score < MQL;
        }
        self.is_armed |= update.score < REARM;
        why
    }
}

/// The events of a row, each with its length.
fn events(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (event, after) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        bytes = after;
        Some(event)
    })
}

impl Router {
    fn write_row(&mut self, row: &Row<'_>, update: &Update<'_>) {
        let mut kept = row.events;
        if events(kept).count() >= CONTEXT
            && let Some(oldest) = events(kept).next()
        {
            kept = &kept[2 + oldest.len()..];
        }
        let out = &mut self.row;
        out.clear();
        out.push(u8::from(row.is_armed));
        out.extend_from_slice(&row.last.to_le_bytes());
        out.extend_from_slice(kept);
        out.extend_from_slice(&u16::try_from(update.trigger.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(update.trigger);
    }

    /// Smooth weighted round robin; the earlier owner on a tie.
    fn pick(&mut self, territory: usize, ctx: &mut Ctx<'_>) -> &'static [u8] {
        let key = [b'#', u8::try_from(territory).unwrap_or(4)];
        let owners = OWNERS[territory];
        let mut turns = [0_i32; 4];
        for (turn, bytes) in turns.iter_mut().zip(ctx.get(&key).unwrap_or_default().as_chunks::<4>().0) {
            *turn = i32::from_le_bytes(*bytes);
        }
        let mut best = 0;
        for (index, (_, weight)) in owners.iter().enumerate() {
            turns[index] += weight;
            if turns[index] > turns[best] {
                best = index;
            }
        }
        turns[best] -= owners.iter().map(|(_, weight)| weight).sum::<i32>();
        self.turns.clear();
        for turn in &turns[..owners.len()] {
            self.turns.extend_from_slice(&turn.to_le_bytes());
        }
        ctx.put(&key, &self.turns, None);
        owners[best].0
    }

    fn write_handoff(&mut self, update: &Update<'_>, why: Why, owner: &[u8]) {
        let is_hot = why == Why::Raised || update.score >= HOT;
        let out = &mut self.out;
        start(out, schema::HANDOFF);
        size(out, 3 + update.event.len());
        out.extend_from_slice(b"ho-");
        out.extend_from_slice(update.event);
        text(out, update.lead);
        long(out, update.at);
        long(out, i64::from(why == Why::Raised));
        long(out, i64::from(!is_hot));
        milli(out, update.score);
        long(out, band(update.score));
        text(out, TERRITORIES[update.territory]);
        text(out, owner);
        long(out, if is_hot { 300_000 } else { 3_600_000 });
        out.extend_from_slice(update.grounds);
        let context = &self.row[HEAD..];
        size(out, events(context).count());
        for event in events(context) {
            out.extend_from_slice(event);
        }
        out.push(0);
        long(out, update.received);
    }
}

impl Processor for Router {
    fn stamp(&mut self, _: &Incoming<'_>, now: LogTime) -> Stamped {
        Stamped::At(Stamp { at: next(now), lane: 0 })
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let (Some(key), Some(update)) = (record.key, Update::read(record.value)) else {
            ctx.dead_letter(record, Reason::Decode, "not a score update");
            return at;
        };
        let before = match ctx.get(key).map(Row::read) {
            None => Some(Row { is_armed: true, last: 0, events: &[] }),
            Some(row) => row,
        };
        let Some(mut row) = before else {
            ctx.halt("a row cannot be read".to_owned());
            return at;
        };
        let why = row.decide(&update);
        self.write_row(&row, &update);
        ctx.put(key, &self.row, None);
        let Some(why) = why else {
            ctx.count("kept");
            return at;
        };
        let owner = self.pick(update.territory, ctx);
        self.write_handoff(&update, why, owner);
        ctx.emit(Emit { topic: 0, partition: ctx.lane(), key: Some(key), value: &self.out, headers: &[] });
        ctx.count("handed_off");
        at
    }

    fn wake(&mut self, _: &[u8], _: LogTime, _: &mut Ctx<'_>) {}

    fn tell_time(&mut self, _: LogTime, _: &mut Ctx<'_>) {}

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        postcard::to_allocvec(ledger).unwrap_or_default()
    }
}
