//! What a stage reads and writes, and the bounds it runs within.

/// A stage as the engine sees it: topics by name, lanes by number.
#[derive(Clone, Debug)]
pub struct StageSpec {
    /// The stage's name: also its consumer group's and its ledger's.
    pub name: String,
    /// What it reads. The first input's partitions are the lanes; the group is subscribed to it alone.
    pub inputs: Vec<InputSpec>,
    /// What it writes, addressed by index in [`crate::Emit`]: (topic, partitions).
    pub outputs: Vec<(String, i32)>,
    /// The topic of its state: one partition a lane, compacted.
    pub changelog: String,
    /// The topic of its running totals, with its partition count.
    pub ledger: (String, i32),
    /// The topic of what it could not read, with its partition count.
    pub dead_letters: (String, i32),
}

/// One input topic.
#[derive(Clone, Debug)]
pub struct InputSpec {
    /// Its name.
    pub topic: String,
    /// Its partitions.
    pub partitions: i32,
    /// Which of them a lane reads.
    pub spread: Spread,
    /// In which order its records are taken.
    pub order: Order,
}

/// Which partitions of an input a lane reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// The one with the lane's own number.
    Own,
    /// All of them. Only for a stage with a single lane.
    All,
}

/// In which order the records of an input are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In the order in which they were received, as far as they lie on the log already: the lane itself
    /// gives them their place in log time.
    Arrival,
    /// By the stamp at the head of each record: each writer in rising order and each with ticks, so
    /// that a silent one does not hold up the rest.
    Stamped(Writers),
}

/// Which lanes of the producing stage write a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// The one with the partition's own number.
    Own,
    /// The first so many.
    First(i32),
}

impl Writers {
    /// The lanes that write `partition`.
    pub fn of(self, partition: i32) -> core::ops::Range<i32> {
        match self {
            Self::Own => partition..partition.saturating_add(1),
            Self::First(count) => 0..count,
        }
    }
}

/// Bounds of one transaction and of the pauses between them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records a transaction at most.
    pub records: usize,
    /// Bytes of outputs and changed rows a transaction at most, plus what one more record leads to.
    pub bytes: usize,
    /// Milliseconds that a record may wait for its transaction to close while more keep coming.
    pub age_ms: i64,
    /// Milliseconds to wait for a record when there is nothing to do.
    pub idle_ms: i64,
    /// Milliseconds between checkpoints of the local store.
    pub checkpoint_ms: i64,
    /// Wake-ups a transaction at most, so that a storm of them cannot starve records.
    pub wakes: usize,
    /// Records of a part that may wait for another producer's time before the part is held.
    pub waiting: usize,
    /// Bytes of such records after which a part is held, too.
    pub waiting_bytes: usize,
    /// Bytes of the largest output or row, key and headers included: below what the topics allow.
    pub record_bytes: usize,
    /// Bytes of the largest record that goes to the dead letters with its value.
    pub letter_bytes: usize,
    /// Milliseconds without progress after which a restore gives up.
    pub restore_stall_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records: 10_000,
            bytes: 8 << 20,
            age_ms: 50,
            idle_ms: 100,
            checkpoint_ms: 10_000,
            wakes: 5_000,
            waiting: 20_000,
            waiting_bytes: 32 << 20,
            // The topics allow 2 MiB; the client 4,000,000, which the topic of the dead letters allows too.
            record_bytes: 2_000_000,
            letter_bytes: 3_900_000,
            restore_stall_ms: 60_000,
        }
    }
}

impl StageSpec {
    /// How many lanes there are: the partitions of the first input.
    pub fn lanes(&self) -> i32 {
        self.inputs.first().map_or(0, |input| input.partitions)
    }

    /// The (input, partition) pairs that a lane reads.
    pub fn parts_of(&self, lane: i32) -> Vec<(usize, i32)> {
        let mut parts = Vec::new();
        for (index, input) in self.inputs.iter().enumerate() {
            match input.spread {
                Spread::Own => parts.push((index, lane)),
                Spread::All => parts.extend((0..input.partitions).map(|partition| (index, partition))),
            }
        }
        parts
    }
}
