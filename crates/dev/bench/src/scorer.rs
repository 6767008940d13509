//! Stage 2: what it is worth, from `lead.engagement` and the table `lead.profiles` to `lead.scores`.
//!
//! A row: the grades of the profile (level, size, industry, territory as u8; 255 without a profile), hour and score
//! (i32; the hour is the least number before the first event), an accumulator for each kind (i32).
//! The profile lies in the row that needs it: one look-up an event instead of two.

use baton_domain::{Ledger, LogTime, Reason, Stamp};
use baton_engine::{Ctx, Emit, Incoming, Processor, Stamped};

use crate::rules::{CAP, HOUR, KINDS, TERRITORIES, WEIGHT, band, decay, kind, territory};
use crate::time::next;
use crate::wire::{Reader, long, milli, schema, size, start, text};

const ROW: usize = 4 + 4 + 4 + 4 * 12;
const UNKNOWN: [u8; 4] = [255; 4];
const LEVEL: [i32; 6] = [12_000, 10_000, 8_000, 5_000, 2_000, 0];
const REGION: [i32; 5] = [3_000, 3_000, 2_000, 1_000, 0];
const GROUNDS: [&[u8]; 18] = {
    let mut all: [&[u8]; 18] = [b""; 18];
    let mut index = 0;
    while index < 12 {
        all[index] = KINDS[index];
        index += 1;
    }
    all[12] = b"fit:job_level";
    all[13] = b"fit:company_size";
    all[14] = b"fit:industry";
    all[15] = b"fit:region";
    all[16] = b"breadth";
    all[17] = b"frequency";
    all
};

/// The stage, with buffers that are used again.
#[derive(Debug)]
pub struct Scorer {
    decay: Vec<i64>,
    out: Vec<u8>,
}

impl Default for Scorer {
    fn default() -> Self {
        Self { decay: decay(), out: Vec::new() }
    }
}

/// The input that is a table.
const PROFILES: usize = 1;

#[derive(Clone, Copy)]
struct Row {
    profile: [u8; 4],
    hour: i32,
    score: i32,
    points: [i32; 12],
}

impl Row {
    const NONE: Self = Self { profile: UNKNOWN, hour: i32::MIN, score: 0, points: [0; 12] };

    fn read(row: &[u8]) -> Option<Self> {
        let row: &[u8; ROW] = row.try_into().ok()?;
        let (profile, rest) = row.split_first_chunk::<4>()?;
        let (numbers, _) = rest.as_chunks::<4>();
        let number = |index: usize| numbers.get(index).map_or(0, |number| i32::from_le_bytes(*number));
        Some(Self {
            profile: *profile,
            hour: number(0),
            score: number(1),
            points: core::array::from_fn(|kind| number(2 + kind)),
        })
    }

    fn write(&self) -> [u8; ROW] {
        let mut row = [0; ROW];
        row[..4].copy_from_slice(&self.profile);
        let numbers = [self.hour, self.score].into_iter().chain(self.points);
        for (place, number) in row[4..].as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
            *place = number.to_le_bytes();
        }
        row
    }

    /// Points for level, size, industry, region; the territory.
    fn fit(&self) -> ([i32; 4], usize) {
        if self.profile == UNKNOWN {
            return ([0; 4], 4);
        }
        let [level, size, industry, territory] = self.profile.map(usize::from);
        let territory = territory.min(4);
        let level = LEVEL.get(level).copied().unwrap_or(0);
        (
            [level, [1_000, 4_000, 7_000, 10_000][size & 3], [1_000, 3_000, 5_000, 0][industry & 3], REGION[territory]],
            territory,
        )
    }
}

/// The grades of a profile.
fn grade(value: Option<&[u8]>) -> Option<[u8; 4]> {
    let mut reader = Reader::of(schema::PROFILE, value)?;
    for _ in 0..4 {
        reader.text()?;
    }
    let level = u8::try_from(reader.long()?).ok()?;
    reader.text()?;
    let employees = reader.long()?;
    let size = u8::from(employees >= 50) + u8::from(employees >= 200) + u8::from(employees >= 1_000);
    let industry = match reader.text()? {
        b"SOFTWARE" | b"FINANCE" | b"MANUFACTURING" => 2,
        b"HEALTHCARE" | b"RETAIL" => 1,
        _ => 0,
    };
    Some([level, size, industry, u8::try_from(territory(reader.text()?)).ok()?])
}

struct Update<'a> {
    /// Lead to url, which go on as they are.
    head: &'a [u8],
    at: i64,
    kind: usize,
    frequency: i64,
    contents: i32,
    received: i64,
}

impl<'a> Update<'a> {
    fn read(value: Option<&'a [u8]>) -> Option<Self> {
        let mut reader = Reader::of(schema::ENGAGEMENT, value)?;
        let whole = reader.rest();
        reader.text()?;
        reader.text()?;
        let at = reader.long()?;
        reader.long()?;
        let kind = kind(reader.text()?);
        reader.maybe()?;
        reader.maybe()?;
        let head = whole.get(..whole.len() - reader.rest().len())?;
        for _ in 0..4 {
            reader.long()?;
        }
        let mut frequency = 0;
        loop {
            let kinds = reader.block()?;
            if kinds == 0 {
                break;
            }
            for _ in 0..kinds {
                reader.text()?;
                frequency += reader.long()?;
            }
        }
        Some(Self { head, at, kind, frequency, contents: reader.int()?, received: reader.long()? })
    }
}

impl Scorer {
    /// Moves the row and writes the update.
    fn step(&mut self, row: &mut Row, update: &Update<'_>) {
        let hour = i32::try_from(update.at.div_euclid(HOUR)).unwrap_or(i32::MAX);
        let old = row.score;
        if row.hour == i32::MIN {
            row.hour = hour;
        } else if hour > row.hour {
            let left =
                usize::try_from(hour - row.hour).ok().and_then(|hours| self.decay.get(hours)).copied().unwrap_or(0);
            for points in &mut row.points {
                *points = i32::try_from((i64::from(*points) * left) >> 32).unwrap_or(0);
            }
            row.hour = hour;
        }
        let sum = row.points[update.kind] + WEIGHT[update.kind];
        let cap = CAP[update.kind];
        row.points[update.kind] = if WEIGHT[update.kind] < 0 { sum.max(cap) } else { sum.min(cap) };
        let (fit, territory) = row.fit();
        let breadth = 500 * update.contents.clamp(0, 10);
        let frequency = if update.frequency >= 10 { 2_000 } else { 0 };
        let fit_score: i32 = fit.iter().sum();
        row.score = (row.points.iter().sum::<i32>() + breadth + frequency + fit_score).clamp(0, 100_000);
        let out = &mut self.out;
        start(out, schema::SCORE);
        out.extend_from_slice(update.head);
        milli(out, old);
        milli(out, row.score);
        milli(out, fit_score);
        long(out, band(row.score));
        text(out, TERRITORIES[territory]);
        let mut grounds = [0; 18];
        grounds[..12].copy_from_slice(&row.points);
        grounds[12..16].copy_from_slice(&fit);
        grounds[16..].copy_from_slice(&[breadth, frequency]);
        write_best(out, &grounds);
        long(out, update.received);
    }
}

/// The three greatest positive grounds in falling order, earlier ones first on ties.
fn write_best(out: &mut Vec<u8>, grounds: &[i32; 18]) {
    let mut best: [(i32, usize); 3] = [(0, 0); 3];
    for (index, points) in grounds.iter().enumerate() {
        let found = (*points, index);
        if found.0 > best[0].0 {
            best = [found, best[0], best[1]];
        } else if found.0 > best[1].0 {
            best = [best[0], found, best[1]];
        } else if found.0 > best[2].0 {
            best[2] = found;
        }
    }
    let count = best.iter().filter(|(points, _)| *points > 0).count();
    if count > 0 {
        size(out, count);
        for (points, index) in &best[..count] {
            text(out, GROUNDS[*index]);
            milli(out, *points);
        }
    }
    out.push(0);
}

impl Processor for Scorer {
    /// What is on the table comes before what happened, as far as both are at hand.
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped {
        let at = if record.input == PROFILES && now == LogTime::MIN { LogTime(0) } else { next(now) };
        Stamped::At(Stamp { at, lane: 0 })
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let Some(key) = record.key else {
            ctx.dead_letter(record, Reason::NullKey, "no lead");
            return at;
        };
        let Some(mut row) = ctx.get(key).map_or(Some(Row::NONE), Row::read) else {
            ctx.halt("a row cannot be read".to_owned());
            return at;
        };
        if record.input == PROFILES {
            let Some(profile) = grade(record.value) else {
                ctx.dead_letter(record, Reason::Decode, "not a profile");
                return at;
            };
            row.profile = profile;
            ctx.put(key, &row.write(), None);
            ctx.count("profiled");
            return at;
        }
        let Some(update) = Update::read(record.value) else {
            ctx.dead_letter(record, Reason::Decode, "not an engagement update");
            return at;
        };
        self.step(&mut row, &update);
        ctx.put(key, &row.write(), None);
        ctx.emit(Emit { topic: 0, partition: ctx.lane(), key: Some(key), value: &self.out, headers: &[] });
        ctx.count("scored");
        at
    }

    fn wake(&mut self, _: &[u8], _: LogTime, _: &mut Ctx<'_>) {}

    fn tell_time(&mut self, _: LogTime, _: &mut Ctx<'_>) {}

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        postcard::to_allocvec(ledger).unwrap_or_default()
    }
}
