//! What Baton believes of a log, as claims that any log can be held to.
//!
//! Written once and run against the model broker (`tests/conformance.rs`) and against Kafka
//! (`tests/e2e/conformance.rs`), so that the model cannot drift from what it stands for.
//!
//! Holds: a claim asks only through the engine's port, and for what a plain reader would find.
//!
//! Absent on purpose: faults of the network; those are the trials' here and the proxy's on Kafka.

mod claims;
mod seat;

use baton_engine::{InputSpec, Log, Order, Spread, StageSpec};

pub use claims::*;

/// A broker with topics of a claim's own.
pub trait Place {
    /// A worker's log on it.
    type Log: Log;

    /// The stage of the claim, by the topics' true names; see [`stage`].
    fn spec(&self) -> &StageSpec;

    /// Joins the stage's group as `instance`.
    fn open(&self, instance: &str) -> Self::Log;

    /// Ends the process that has this log, without a word to anybody.
    fn kill(&self, log: Self::Log);

    /// Appends a record to an input outside of any transaction.
    fn append(&self, topic: &str, partition: i32, value: &str);

    /// The committed values on a partition, as a new reader finds them.
    fn read(&self, topic: &str, partition: i32) -> Vec<String>;
}

/// A stage with two lanes that can write to its own input.
pub fn stage(prefix: &str) -> StageSpec {
    let topic = |name: &str| format!("{prefix}{name}");
    let input = InputSpec { topic: topic("in"), partitions: 2, spread: Spread::Own, order: Order::Arrival };
    StageSpec {
        name: topic("copy"),
        inputs: vec![input],
        outputs: vec![(topic("out"), 2), (topic("in"), 2)],
        changelog: topic("state"),
        ledger: (topic("ledger"), 1),
        dead_letters: (topic("dlq"), 1),
    }
}

/// The topics of [`stage`]: name, partitions, whether compacted.
pub fn topics(spec: &StageSpec) -> Vec<(String, i32, bool)> {
    let mut all: Vec<_> = spec.outputs.iter().map(|(name, partitions)| (name.clone(), *partitions, false)).collect();
    all.extend([
        (spec.changelog.clone(), 2, true),
        (spec.ledger.0.clone(), 1, true),
        (spec.dead_letters.0.clone(), 1, false),
    ]);
    all
}

/// Makes a test of each claim; `$make` gives a place of the claim's own, or `None` to skip it.
#[macro_export]
macro_rules! conformance {
    ($make:path) => {
        $crate::conformance! { $make;
            an_aborted_transaction_leaves_nothing
            a_committed_transaction_leaves_outputs_and_positions
            the_end_of_a_part_is_told_behind_its_last_marker
            the_changelogs_end_counts_what_is_still_open
            a_restore_reads_over_an_undone_tail_to_the_end
            committed_offsets_wait_for_an_open_transaction
            a_takeover_undoes_what_was_left_open_and_fences_the_last_holder
            a_replaced_member_cannot_commit_positions
            a_record_too_large_fails_before_anything_is_visible
            a_part_is_read_again_from_where_it_is_started
            a_held_part_gives_nothing_until_it_is_let_go
            two_members_share_the_lanes_and_each_has_one_owner
        }
    };
    ($make:path; $($claim:ident)*) => { $(
        #[test]
        fn $claim() {
            let Some(place) = $make(stringify!($claim)) else { return };
            if let Err(why) = $crate::conformance::$claim(&place) {
                panic!("{why}");
            }
        }
    )* };
}
