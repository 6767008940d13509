//! How large the scores of the bundled sample are.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, its helpers too")]

use std::sync::Arc;

use baton_domain::{Millis, Points, ScoreUpdate};
use baton_engine::Limits;
use baton_pipeline::Topology;
use baton_sim::Pipeline;
use baton_wire::Decoder;

/// After every event of the sample.
const NOW: Millis = Millis(1_800_000_000_000);

#[test]
fn the_median_score_with_its_receipt_takes_at_most_1_kib() {
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let mut pipeline = Pipeline::new(&Topology::new("", 4), &policy, NOW, Limits::default());
    baton_workload::demo().for_each(|line| pipeline.feed_to("engagement.raw", line.as_bytes()));
    pipeline.settle().unwrap();

    let decoder = Decoder::<ScoreUpdate>::new();
    let mut sizes = Vec::new();
    for value in pipeline.take("lead.score").into_iter().filter_map(|record| record.value) {
        sizes.push(value.len());
        let score = decoder.decode(&value).unwrap();
        assert_eq!(score.receipt.iter().map(|line| line.points).sum::<Points>(), score.score);
    }
    sizes.sort_unstable();
    assert!(sizes.len() > 1_000, "{} scores", sizes.len());
    let (median, largest) = (sizes[sizes.len() / 2], sizes[sizes.len() - 1]);
    assert!(median <= 1_024, "median {median}, largest {largest} bytes");
}
