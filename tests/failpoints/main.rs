//! Every consumer killed, panicking or stalled at every point of its cycle: the outcome is the simulator's.
//!
//! `make chaos-failpoints` sweeps all points; `make test` takes twelve by a seed, which is printed. Needs a broker
//! (`BATON_TEST_BOOTSTRAP`) and a binary with the feature `failpoints` (`FAILPOINTS_BIN`); otherwise each test says
//! that it is skipped.
//!
//! Holds: a case counts only when its point was reached: the consumer says so before it dies.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests and their helpers may")]
#![allow(clippy::disallowed_macros, clippy::print_stderr, reason = "a skipped test says so")]

mod case;
#[path = "../e2e/harness.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest")]
mod harness;

use case::{Case, Run};

/// Twelve cases by a seed, or as many as `BATON_FAILPOINTS` asks for.
#[test]
fn a_consumer_may_die_panic_or_stall_at_any_point_of_its_cycle() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let nanos = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = number("BATON_SEED").unwrap_or_else(|| u64::from(nanos()));
    let count = usize::try_from(number("BATON_FAILPOINTS").unwrap_or(12)).unwrap();
    let mut cases = Case::all();
    case::shuffle(&mut cases, seed);
    // A case that stalls takes as long as it stalls: one of them is enough here.
    let (stalls, others): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(Case::stalls);
    let chosen: Vec<Case> = stalls.into_iter().take(1).chain(others).take(count).collect();
    eprintln!("seed {seed}: repeat with BATON_SEED={seed} BATON_FAILPOINTS={count}");
    let Some(mut run) = Run::start("points", 100) else { return };
    for case in &chosen {
        eprintln!("{case}");
        run.play(case);
    }
    // Once for all: the sweep compares after each, to say which it was.
    run.compare();
}

/// The sweep: `BATON_SWEEP` is `all`, or part of what names a case: `route`, `:waking:`, `score:begun:kill`.
#[test]
fn the_sweep_of_every_point_changes_nothing() {
    let Ok(which) = std::env::var("BATON_SWEEP") else {
        eprintln!("skipped: `make chaos-failpoints` runs the sweep");
        return;
    };
    let mut played = 0;
    let is_chosen = |case: &Case| which == "all" || case.to_string().contains(&which);
    for stage in harness::CONSUMERS {
        let cases: Vec<Case> = Case::all().into_iter().filter(|case| case.stage == stage && is_chosen(case)).collect();
        if cases.is_empty() {
            continue;
        }
        let Some(mut run) = Run::start(stage, 40) else { return };
        for case in &cases {
            let began = std::time::Instant::now();
            run.play(case);
            run.compare();
            played += 1;
            eprintln!("ok {case} ({:.1} s)", began.elapsed().as_secs_f64());
        }
    }
    eprintln!("{played} cases");
    assert!(played > 0, "BATON_SWEEP={which} names no case");
}
