//! `baton dlq replay`: records once more, from the topic they came from.
//!
//! Holds: a record is sent at most once, and with its mark or not at all: both are in one transaction.
//! The marks are read after the transactional id was taken over, so everything that any earlier replay
//! sent is among them, however it ended; and an earlier one that still runs can send nothing more.
//! Key, value and headers are those that came, but for `x-replay`, which counts.
//!
//! Absent on purpose: records from topics that only Baton's consumers may write. Put there by somebody
//! else, they would be told as if a consumer had said so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use baton_engine::Fault;
use baton_kafka::rdkafka::Offset;
use baton_kafka::rdkafka::message::{BorrowedMessage, Message};
use baton_kafka::{Batches, Outgoing, headers_of};

use super::letter::{Pairs, once_more};
use super::mark::Mark;
use super::{Choice, Desk, Letter, MOST_REPLAYS, Place, State, print};
use crate::Failure;

/// What to replay.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Numbers, as `baton dlq list` shows them
    #[arg(value_name = "NUMBER", conflicts_with = "all")]
    places: Vec<Place>,
    #[command(flatten)]
    choice: Choice,
    /// All that wait
    #[arg(long)]
    all: bool,
    /// At most so many records, the oldest first
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
}

/// A transaction holds at most so many records, and about so many bytes.
const BATCH: usize = 200;
const BATCH_BYTES: usize = 1 << 20;

/// Replays, or says what it would replay.
pub(super) fn run(args: &Args, desk: &Desk<'_>) -> Result<(), Failure> {
    if args.places.is_empty() && !args.choice.is_narrow() && !args.all {
        let message =
            "say which: numbers, --reason, --stage, --topic, --since, --until, or --all; see `baton dlq list`";
        return Err(Failure { message: message.to_owned(), code: 64 });
    }
    if args.dry_run {
        let plan = Plan::make(args, desk)?;
        return print(&format!("{}would send {}\n", plan.told(), records(plan.chosen.len())));
    }
    let mut topics: Vec<_> = desk.ground.topology.sources.iter().map(|source| source.topic.clone()).collect();
    topics.push(desk.marks.clone());
    let id = format!("{}baton.dlq", desk.ground.topology.prefix);
    let batches = Batches::open(&desk.settings.cluster, &id, topics).map_err(|fault| failure(&fault, 0))?;
    // Only now: everything that an earlier replay sent is decided.
    let plan = Plan::make(args, desk)?;
    print(&plan.told())?;
    let mut sender = Sender { desk, batches, waiting: Vec::new(), bytes: 0, sent: 0, refused: Vec::new() };
    sender.send_all(&plan)?;
    print(&format!("sent {}\n", records(sender.sent)))?;
    if sender.refused.is_empty() {
        return Ok(());
    }
    Err(Failure {
        message: format!(
            "{} could not be sent and still wait{}:\n  {}",
            records(sender.refused.len()),
            if sender.refused.len() == 1 { "s" } else { "" },
            sender.refused.join("\n  ")
        ),
        code: 65,
    })
}

fn records(count: usize) -> String {
    format!("{count} record{}", if count == 1 { "" } else { "s" })
}

/// What is to be sent, and what is passed over and why.
#[derive(Debug, Default)]
struct Plan {
    /// The first dead letter of each record.
    chosen: BTreeMap<Place, Letter>,
    /// What became of the others that were meant.
    passed: BTreeMap<State, usize>,
    /// Topics of Baton's own among them.
    internal: BTreeSet<(String, String)>,
    left: usize,
}

impl Plan {
    fn make(args: &Args, desk: &Desk<'_>) -> Result<Self, Failure> {
        let marks = desk.replayed()?;
        let mut asked: BTreeSet<_> = args.places.iter().copied().collect();
        let (mut plan, mut marked) = (Self::default(), BTreeSet::new());
        let named = !asked.is_empty();
        desk.letters(|letter| {
            if (!named || asked.remove(&letter.place)) && args.choice.takes(&letter, &desk.ground.topology.prefix) {
                let state = desk.state(&letter, &marks);
                plan.add(letter, state, &mut marked, args.limit);
            }
        })?;
        if asked.is_empty() { Ok(plan) } else { Err(super::choice::no_such(&Vec::from_iter(asked), &desk.topic)) }
    }

    fn add(&mut self, letter: Letter, state: State, marked: &mut BTreeSet<String>, limit: Option<usize>) {
        if state != State::Waiting {
            *self.passed.entry(state).or_default() += 1;
            if state == State::Internal {
                self.internal.insert((letter.origin.topic, letter.stage));
            }
        } else if marked.contains(&letter.origin.mark()) {
            // A batch of events is here once for each event that was refused; it is one record.
        } else if limit.is_some_and(|limit| self.chosen.len() >= limit) {
            self.left += 1;
        } else {
            marked.insert(letter.origin.mark());
            self.chosen.insert(letter.place, letter);
        }
    }

    fn told(&self) -> String {
        let mut text = String::new();
        for (state, count) in &self.passed {
            let why = match state {
                State::Replayed => "replayed before; what was refused again is here under another number".to_owned(),
                State::Parked => {
                    format!(
                        "replayed {MOST_REPLAYS} times and refused each time; send a mended record with `baton ingest`"
                    )
                }
                State::Omitted => {
                    "too large to be kept here; the source column of `baton dlq list` says where it lies".to_owned()
                }
                State::Internal => self.internal_way_out(),
                State::Waiting => continue,
            };
            writeln!(text, "passed over {count} {}: {why}", state.as_str()).ok();
        }
        if self.left > 0 {
            writeln!(text, "left {} for later, by --limit", self.left).ok();
        }
        text
    }

    fn internal_way_out(&self) -> String {
        let from: Vec<_> = self.internal.iter().map(|(topic, stage)| format!("{topic} (refused by {stage})")).collect();
        format!(
            "from {}, which only Baton's own consumers may write; find out who else wrote there. What a consumer itself \
             wrote is on its input still: mend the cause, and the record's source can be sent again with `baton ingest`",
            from.join(", ")
        )
    }
}

/// A record on its way.
struct Pending {
    letter: Letter,
    topic: usize,
    partition: i32,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Pairs,
    /// Key and value of its mark.
    mark: (Vec<u8>, Vec<u8>),
}

struct Sender<'a> {
    desk: &'a Desk<'a>,
    batches: Batches,
    waiting: Vec<Pending>,
    bytes: usize,
    sent: usize,
    refused: Vec<String>,
}

impl Sender<'_> {
    fn send_all(&mut self, plan: &Plan) -> Result<(), Failure> {
        let mut left = plan.chosen.len();
        if left == 0 {
            return Ok(());
        }
        let desk = self.desk;
        let starts: Vec<_> = desk
            .whole(&desk.topic)
            .into_iter()
            .map(|(partition, _)| {
                let first = plan.chosen.keys().find(|place| place.partition == partition);
                (partition, first.map_or(Offset::End, |place| Offset::Offset(place.offset)))
            })
            .collect();
        desk.read(&desk.topic, &starts, |record| {
            let place = Place { partition: record.partition(), offset: record.offset() };
            if let Some(letter) = plan.chosen.get(&place) {
                left -= 1;
                self.take(record, letter)?;
            }
            Ok(left > 0)
        })?;
        self.flush()
    }

    fn take(&mut self, record: &BorrowedMessage<'_>, letter: &Letter) -> Result<(), Failure> {
        let desk = self.desk;
        let sources = &desk.ground.topology.sources;
        let Some(topic) = sources.iter().position(|source| source.topic == letter.origin.topic) else { return Ok(()) };
        // Where it lay, so that the records of one key stay in one place; the last if there are fewer now.
        let last = sources.get(topic).map_or(0, |source| source.partitions.saturating_sub(1));
        self.bytes += record.payload_len() + record.key_len();
        self.waiting.push(Pending {
            letter: letter.clone(),
            topic,
            partition: letter.origin.partition.min(last),
            key: record.key().map(<[u8]>::to_vec),
            value: record.payload().map(<[u8]>::to_vec),
            headers: once_more(headers_of(record)),
            mark: (letter.origin.mark().into_bytes(), Mark::of(letter).bytes()),
        });
        if self.waiting.len() >= BATCH || self.bytes >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        if waiting.is_empty() {
            return Ok(());
        }
        match self.send(&waiting) {
            Ok(()) => self.sent += waiting.len(),
            // One of them was not taken: each for itself, so that it holds up no other.
            Err(Fault::Abort(_)) => {
                for pending in &waiting {
                    match self.send(std::slice::from_ref(pending)) {
                        Ok(()) => self.sent += 1,
                        Err(Fault::Abort(why)) => self.refused.push(format!("{}: {why}", pending.letter.place)),
                        Err(fault) => return Err(failure(&fault, self.sent)),
                    }
                }
            }
            Err(fault) => return Err(failure(&fault, self.sent)),
        }
        Ok(())
    }

    fn send(&mut self, batch: &[Pending]) -> Result<(), Fault> {
        let marks = self.desk.ground.topology.sources.len();
        let mut outgoing = Vec::with_capacity(batch.len() * 2);
        for pending in batch {
            let Pending { topic, partition, key, value, headers, mark, .. } = pending;
            outgoing.push(Outgoing {
                topic: *topic,
                partition: *partition,
                key: key.as_deref(),
                value: value.as_deref(),
                headers,
            });
            outgoing.push(Outgoing {
                topic: marks,
                partition: 0,
                key: Some(&mark.0),
                value: Some(&mark.1),
                headers: &(),
            });
        }
        self.batches.send(&outgoing)
    }
}

fn failure(fault: &Fault, sent: usize) -> Failure {
    let so_far = format!(
        "{} sent and marked before; the command can be given again: what was sent is not sent twice",
        if sent == 1 { "1 record was".to_owned() } else { format!("{sent} records were") }
    );
    match fault {
        Fault::Config(why) => Failure::config(why.clone()),
        Fault::Fenced(why) => {
            Failure { message: format!("another replay has begun and took over: {why}; {so_far}"), code: 75 }
        }
        Fault::Abort(why) | Fault::Fatal(why) => Failure { message: format!("{why}; {so_far}"), code: 75 },
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::Origin;
    use super::*;

    fn letter(number: i64, source: i64) -> Letter {
        Letter {
            place: Place { partition: 0, offset: number },
            refused_at: 0,
            reason: "decode".to_owned(),
            stage: "identify".to_owned(),
            detail: String::new(),
            origin: Origin { topic: "in".to_owned(), partition: 0, offset: source, taken_at: 0 },
            replays: 0,
            omitted: false,
        }
    }

    #[test]
    fn a_record_with_several_dead_letters_is_sent_once() {
        let (mut plan, mut marked) = (Plan::default(), BTreeSet::new());
        for (number, source) in [(0, 5), (1, 5), (2, 6)] {
            plan.add(letter(number, source), State::Waiting, &mut marked, None);
        }
        let chosen: Vec<_> = plan.chosen.keys().map(ToString::to_string).collect();
        assert_eq!(chosen, ["0:0", "0:2"]);
    }

    #[test]
    fn what_is_not_sent_is_told() {
        let (mut plan, mut marked) = (Plan::default(), BTreeSet::new());
        let states = [State::Replayed, State::Parked, State::Omitted, State::Internal, State::Waiting];
        for (number, state) in states.into_iter().enumerate() {
            let number = i64::try_from(number).unwrap();
            plan.add(letter(number, number), state, &mut marked, Some(0));
        }
        let told = plan.told();
        for part in
            ["1 replayed", "1 parked", "1 omitted", "1 internal", "in (refused by identify)", "left 1 for later"]
        {
            assert!(told.contains(part), "{part} in\n{told}");
        }
        assert!(plan.chosen.is_empty());
    }
}
