//! Stage 1: what a lead did, from `engagement.events` to `lead.engagement`.
//!
//! A row: first and last seen, total (i64 each), the ring's place, its length, contents, buckets (u8, u8, u8, u16),
//! then fingerprints of events and of contents (u64 each) and buckets (day as i32, kind as u8, count as u32).

use baton_domain::{Ledger, LogTime, Reason, Stamp};
use baton_engine::{Ctx, Emit, Incoming, Processor, Stamped};
use xxhash_rust::xxh3::xxh3_64;

use crate::rules::{DAY, KINDS, kind};
use crate::time::next;
use crate::wire::{Reader, long, maybe, schema, size, start, take, text};

const RING: usize = 64;
const CONTENTS: usize = 64;
const WINDOW: i64 = 30;
const HEAD: usize = 29;
const BUCKET: usize = 9;

/// The stage, with buffers that are used again.
#[derive(Debug, Default)]
pub struct Aggregator {
    row: Vec<u8>,
    out: Vec<u8>,
}

struct Event<'a> {
    id: &'a [u8],
    lead: &'a [u8],
    at: i64,
    channel: i64,
    kind: &'a [u8],
    campaign: Option<&'a [u8]>,
    url: Option<&'a [u8]>,
    content: Option<&'a [u8]>,
    received: i64,
}

impl<'a> Event<'a> {
    fn read(value: Option<&'a [u8]>) -> Option<Self> {
        let mut reader = Reader::of(schema::EVENT, value)?;
        let (id, lead, at, channel) = (reader.text()?, reader.text()?, reader.long()?, reader.long()?);
        let (kind, campaign, url, content) = (reader.text()?, reader.maybe()?, reader.maybe()?, reader.maybe()?);
        loop {
            let properties = reader.block()?;
            if properties == 0 {
                break;
            }
            for _ in 0..properties {
                reader.text()?;
                reader.text()?;
            }
        }
        reader.text()?;
        Some(Self { id, lead, at, channel, kind, campaign, url, content, received: reader.long()? })
    }
}

/// A lead's row, in parts that are copied as they are.
#[derive(Clone, Copy)]
struct Row<'a> {
    first: i64,
    last: i64,
    total: i64,
    place: usize,
    ring: &'a [u8],
    contents: &'a [u8],
    buckets: &'a [u8],
}

impl<'a> Row<'a> {
    const NONE: Self =
        Self { first: i64::MAX, last: i64::MIN, total: 0, place: 0, ring: &[], contents: &[], buckets: &[] };

    fn read(mut row: &'a [u8]) -> Option<Self> {
        let rest = &mut row;
        let (first, last, total) = (take(rest)?, take(rest)?, take(rest)?);
        let [place, ring, contents] = take(rest)?.map(usize::from);
        let buckets = usize::from(u16::from_le_bytes(take(rest)?));
        Some(Self {
            first: i64::from_le_bytes(first),
            last: i64::from_le_bytes(last),
            total: i64::from_le_bytes(total),
            place,
            ring: rest.split_off(..8 * ring)?,
            contents: rest.split_off(..8 * contents)?,
            buckets: rest.split_off(..BUCKET * buckets)?,
        })
    }
}

/// Whether a list of fingerprints has this one.
fn has(list: &[u8], print: u64) -> bool {
    list.as_chunks::<8>().0.iter().any(|known| u64::from_le_bytes(*known) == print)
}

/// What goes into the update beside the row's head.
struct Seen {
    idle: i64,
    first: i64,
    last: i64,
    total: i64,
    contents: usize,
    counts: [u32; 12],
}

impl Aggregator {
    /// Writes the row after the event; `None` when the event has been there before.
    fn step(&mut self, before: Row<'_>, event: &Event<'_>) -> Option<Seen> {
        let print = xxh3_64(event.id);
        if has(before.ring, print) {
            return None;
        }
        let idle = if before.last == i64::MIN { -1 } else { event.at.saturating_sub(before.last).max(0) };
        let (first, last, total) = (before.first.min(event.at), before.last.max(event.at), before.total + 1);
        let row = &mut self.row;
        row.clear();
        row.resize(HEAD, 0);
        row.extend_from_slice(before.ring);
        let mut place = before.place;
        if before.ring.len() < 8 * RING {
            row.extend_from_slice(&print.to_le_bytes());
        } else {
            row[HEAD + 8 * place..HEAD + 8 * place + 8].copy_from_slice(&print.to_le_bytes());
            place = (place + 1) % RING;
        }
        let ring = (row.len() - HEAD) / 8;
        row.extend_from_slice(before.contents);
        let mut contents = before.contents.len() / 8;
        if let Some(content) = event.content
            && contents < CONTENTS
            && let content = xxh3_64(content)
            && !has(before.contents, content)
        {
            row.extend_from_slice(&content.to_le_bytes());
            contents += 1;
        }
        let (counts, buckets) = count(row, before.buckets, last, event);
        row[..8].copy_from_slice(&first.to_le_bytes());
        row[8..16].copy_from_slice(&last.to_le_bytes());
        row[16..24].copy_from_slice(&total.to_le_bytes());
        row[24..27].copy_from_slice(&[place, ring, contents].map(|n| u8::try_from(n).unwrap_or(u8::MAX)));
        row[27..HEAD].copy_from_slice(&buckets.to_le_bytes());
        Some(Seen { idle, first, last, total, contents, counts })
    }

    fn write(&mut self, event: &Event<'_>, seen: &Seen) {
        let out = &mut self.out;
        start(out, schema::ENGAGEMENT);
        text(out, event.lead);
        text(out, event.id);
        long(out, event.at);
        long(out, event.channel);
        text(out, event.kind);
        maybe(out, event.campaign);
        maybe(out, event.url);
        for number in [seen.first, seen.last, seen.idle, seen.total] {
            long(out, number);
        }
        let kept = seen.counts.iter().filter(|count| **count > 0).count();
        if kept > 0 {
            size(out, kept);
            for (name, count) in KINDS.iter().zip(seen.counts).filter(|(_, count)| *count > 0) {
                text(out, name);
                long(out, i64::from(count));
            }
        }
        out.push(0);
        size(out, seen.contents);
        long(out, event.received);
    }
}

/// Copies the buckets within the window, with the event in its own; returns their sums and how many there are.
fn count(row: &mut Vec<u8>, before: &[u8], last: i64, event: &Event<'_>) -> ([u32; 12], u16) {
    let day_of = |at: i64| i32::try_from(at.div_euclid(DAY)).unwrap_or(i32::MAX);
    let floor = day_of(last.saturating_sub(WINDOW * DAY));
    let (day, own) = (day_of(event.at), kind(event.kind));
    let (mut counts, mut kept, mut is_counted) = ([0; 12], 0_u16, day <= floor);
    for bucket in before.as_chunks::<BUCKET>().0 {
        let rest = &mut &bucket[..];
        let on = i32::from_le_bytes(take(rest).unwrap_or_default());
        let [of] = take(rest).unwrap_or_default().map(usize::from);
        let mut times = u32::from_le_bytes(take(rest).unwrap_or_default());
        if on <= floor || of >= counts.len() {
            continue;
        }
        row.extend_from_slice(bucket);
        if !is_counted && on == day && of == own {
            times += 1;
            is_counted = true;
            let at = row.len() - 4;
            row[at..].copy_from_slice(&times.to_le_bytes());
        }
        counts[of] += times;
        kept += 1;
    }
    if !is_counted {
        row.extend_from_slice(&day.to_le_bytes());
        row.push(u8::try_from(own).unwrap_or(u8::MAX));
        row.extend_from_slice(&1_u32.to_le_bytes());
        counts[own] += 1;
        kept += 1;
    }
    (counts, kept)
}

impl Processor for Aggregator {
    fn stamp(&mut self, _: &Incoming<'_>, now: LogTime) -> Stamped {
        Stamped::At(Stamp { at: next(now), lane: 0 })
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let (Some(key), Some(event)) = (record.key, Event::read(record.value)) else {
            ctx.dead_letter(record, Reason::Decode, "not an engagement event");
            return at;
        };
        let before = match ctx.get(key).map(Row::read) {
            None => Row::NONE,
            Some(Some(row)) => row,
            Some(None) => {
                ctx.halt("a row cannot be read".to_owned());
                return at;
            }
        };
        let Some(seen) = self.step(before, &event) else {
            ctx.count("repeated");
            return at;
        };
        ctx.put(key, &self.row, None);
        self.write(&event, &seen);
        ctx.emit(Emit { topic: 0, partition: ctx.lane(), key: Some(key), value: &self.out, headers: &[] });
        ctx.count("counted");
        at
    }

    fn wake(&mut self, _: &[u8], _: LogTime, _: &mut Ctx<'_>) {}

    fn tell_time(&mut self, _: LogTime, _: &mut Ctx<'_>) {}

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        postcard::to_allocvec(ledger).unwrap_or_default()
    }
}
