//! `baton dlq`: the records that could not be used: which, why, and once more from the start.
//!
//! Holds: looking changes nothing; a record is replayed at most once, however often and by how many
//! people the command is given (see [`replay`]); what cannot be replayed is said, never passed over.
//!
//! Absent on purpose: deleting and editing. A record is mended by its source, or by the policy; the
//! topic forgets by itself.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Duration;

use baton_kafka::rdkafka::message::Message;
use baton_kafka::rdkafka::{Offset, message::BorrowedMessage};

use crate::Failure;
use crate::ground::Ground;
use crate::settings::Settings;
use crate::tap::{Next, Scan, went_out};

mod choice;
mod letter;
mod list;
mod mark;
mod replay;
mod show;

use choice::{Choice, Place};
use letter::Letter;

/// What to do with dead letters.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List dead letters, the newest last, with what became of them
    List(list::Args),
    /// Show one: headers, key and value
    Show(show::Args),
    /// Send records to the topic they came from once more, each at most once
    Replay(replay::Args),
}

/// A record that was replayed so often comes to rest.
const MOST_REPLAYS: u32 = 3;

/// Looks at dead letters, or replays them.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let desk = Desk::open(settings)?;
    match &args.command {
        Command::List(args) => list::run(args, &desk),
        Command::Show(args) => show::run(args, &desk),
        Command::Replay(args) => replay::run(args, &desk),
    }
}

/// The cluster, as far as dead letters go.
struct Desk<'a> {
    settings: &'a Settings,
    ground: Ground,
    /// The dead letters.
    topic: String,
    /// The marks of what was replayed.
    marks: String,
}

/// What became of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// Nothing yet.
    Waiting,
    /// Sent to its topic once more.
    Replayed,
    /// Replayed as often as a record may be, and refused again each time.
    Parked,
    /// Too large to be kept here: only where it lies.
    Omitted,
    /// From a topic that only Baton's consumers may write.
    Internal,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replayed => "replayed",
            Self::Parked => "parked",
            Self::Omitted => "omitted",
            Self::Internal => "internal",
        }
    }
}

impl<'a> Desk<'a> {
    fn open(settings: &'a Settings) -> Result<Self, Failure> {
        let ground = Ground::open(settings)?;
        let (topic, marks) = ground.topology.dead_letters();
        for needed in [&topic, &marks] {
            ground.need(needed)?;
        }
        Ok(Self { settings, ground, topic, marks })
    }

    /// What became of a letter.
    fn state(&self, letter: &Letter, marks: &BTreeSet<String>) -> State {
        if marks.contains(&letter.origin.mark()) {
            State::Replayed
        } else if !self.ground.topology.sources.iter().any(|source| source.topic == letter.origin.topic) {
            State::Internal
        } else if letter.omitted {
            State::Omitted
        } else if letter.replays >= MOST_REPLAYS {
            State::Parked
        } else {
            State::Waiting
        }
    }

    /// Gives every record of a topic that is there now, from these places on, until `sink` has enough (`false`).
    fn read(
        &self,
        topic: &str,
        starts: &[(i32, Offset)],
        mut sink: impl FnMut(&BorrowedMessage<'_>) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let mut scan = Scan::open(self.settings, topic, starts.iter().copied())?;
        while !scan.is_at_end() {
            if let Next::Record(record) = scan.next(Duration::from_millis(200))?
                && !sink(&record)?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// All partitions of a topic, from their beginning.
    fn whole(&self, topic: &str) -> Vec<(i32, Offset)> {
        let partitions = self.ground.partitions(topic);
        (0..partitions).map(|partition| (partition, Offset::Beginning)).collect()
    }

    /// The marks of everything replayed so far.
    fn replayed(&self) -> Result<BTreeSet<String>, Failure> {
        let mut marks = BTreeSet::new();
        self.read(&self.marks, &self.whole(&self.marks), |record| {
            marks.extend(record.key().and_then(|key| str::from_utf8(key).ok()).map(str::to_owned));
            Ok(true)
        })?;
        Ok(marks)
    }

    /// Gives every dead letter that is there now; returns how many records on the topic are none.
    fn letters(&self, mut sink: impl FnMut(Letter)) -> Result<usize, Failure> {
        let mut foreign = 0;
        self.read(&self.topic, &self.whole(&self.topic), |record| {
            match Letter::of(record) {
                Some(letter) => sink(letter),
                None => foreign += 1,
            }
            Ok(true)
        })?;
        Ok(foreign)
    }
}

/// Writes to standard output; a reader that went away is no error.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    went_out(out.write_all(text.as_bytes()).and_then(|()| out.flush())).map(drop)
}
