//! The stage of these tests: it counts how often it heard of a row, and says so.

use std::fmt::Write;

use baton_domain::{Count, Ledger, LogTime, Millis, Reason, Stamp};
use baton_engine::{Ctx, Emit, Incoming, InputSpec, Order, Processor, Spread, StageSpec, Stamped};

/// A value is `AT/LANE`; a key `name@due` asks for a wake-up of the row `name`. It says
/// `name AT n`, n being how often that row was heard of; on a wake-up `wake name DUE n`.
/// The keys `-name`, `batch`, `who` and `halt` do something else: see [`Counter::process`].
pub(crate) struct Counter;

/// The same as a sequencer: it gives the stamps, and follows the host's clock, one microsecond a
/// millisecond, in steps of ten at least.
pub(crate) struct Sequencer(pub(crate) Counter);

fn stamp_of(record: &Incoming<'_>) -> Option<Stamp> {
    let (at, lane) = std::str::from_utf8(record.value?).ok()?.split_once('/')?;
    Some(Stamp { at: LogTime(at.parse().ok()?), lane: lane.parse().ok()? })
}

fn stamped(stamp: Option<Stamp>) -> Stamped {
    stamp.map_or_else(|| Stamped::Bad(Reason::Decode, "no stamp".to_owned()), Stamped::At)
}

impl Processor for Counter {
    fn stamp(&mut self, record: &Incoming<'_>, _now: LogTime) -> Stamped {
        stamped(stamp_of(record))
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
        if let Some(name) = key.strip_prefix('-') {
            ctx.delete(name.as_bytes());
        } else if key == "batch" {
            // Three events, the last of them two microseconds later.
            ctx.holds(3);
            (0..3).for_each(|_| ctx.count("seen"));
            return LogTime(at.0 + 2);
        } else if key == "who" {
            say(ctx, &format!("lane {} of a topic of {}", ctx.lane(), ctx.partitions(0)));
        } else if key == "halt" {
            ctx.halt("a row cannot be read".to_owned());
            ctx.halt("nor can another".to_owned());
        } else {
            let (name, due) = key.split_once('@').map_or((key.as_str(), None), |(name, due)| (name, due.parse().ok()));
            let count = count(ctx, name) + 1;
            ctx.put(name.as_bytes(), &[count], due.map(LogTime));
            say(ctx, &format!("{name} {} {count}", at.0));
        }
        ctx.count("seen");
        at
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        let name = std::str::from_utf8(key).unwrap();
        let count = count(ctx, name);
        say(ctx, &format!("wake {name} {} {count}", due.0));
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        ctx.tick(0, 0, now.0.to_string().as_bytes());
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        let outcomes: i64 = ledger.outcomes.iter().map(|count| count.count).sum();
        let mut text = format!("{}/{outcomes}/{}", ledger.consumed, ledger.fired);
        for Count { name, count } in ledger.outcomes.iter().chain(&ledger.produced) {
            write!(text, " {name}={count}").unwrap();
        }
        text.into_bytes()
    }
}

impl Processor for Sequencer {
    fn stamp(&mut self, record: &Incoming<'_>, now: LogTime) -> Stamped {
        stamped(stamp_of(record).map(|stamp| Stamp { at: stamp.at.max(now.next()), ..stamp }))
    }

    fn process(&mut self, record: &Incoming<'_>, at: LogTime, ctx: &mut Ctx<'_>) -> LogTime {
        self.0.process(record, at, ctx)
    }

    fn wake(&mut self, key: &[u8], due: LogTime, ctx: &mut Ctx<'_>) {
        self.0.wake(key, due, ctx);
    }

    fn tell_time(&mut self, now: LogTime, ctx: &mut Ctx<'_>) {
        self.0.tell_time(now, ctx);
    }

    fn encode_ledger(&mut self, ledger: &Ledger) -> Vec<u8> {
        self.0.encode_ledger(ledger)
    }

    fn idle(&mut self, now: LogTime, host: Millis) -> Option<LogTime> {
        Some(LogTime(host.0)).filter(|to| to.0 >= now.0.saturating_add(10))
    }
}

fn count(ctx: &Ctx<'_>, name: &str) -> u8 {
    ctx.get(name.as_bytes()).map_or(0, |row| row[0])
}

fn say(ctx: &mut Ctx<'_>, text: &str) {
    ctx.emit(Emit {
        topic: 0,
        partition: 0,
        key: Some(b"k"),
        value: text.as_bytes(),
        headers: &[("x-by", b"counter")],
    });
}

/// A stage with so many inputs; of a sequencer the second is a further source.
pub(crate) fn spec(order: Order, inputs: usize) -> StageSpec {
    let input = InputSpec { topic: "in".to_owned(), partitions: 1, spread: Spread::Own, order };
    let spread = if order == Order::Arrival { Spread::All } else { Spread::Own };
    let other = InputSpec { topic: "other".to_owned(), spread, ..input.clone() };
    StageSpec {
        name: "counter".to_owned(),
        inputs: [input, other].into_iter().take(inputs).collect(),
        outputs: vec![("out".to_owned(), 5)],
        changelog: "changelog".to_owned(),
        ledger: ("ledger".to_owned(), 2),
        dead_letters: ("dlq".to_owned(), 2),
    }
}
