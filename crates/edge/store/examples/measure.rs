//! What a frame costs: `cargo run --release -p baton-store --example measure -- [rows] [dir]`.
//!
//! Fills a store with rows of a 20 B key and a 200 B value, rewrites them in frames of 1,000, and
//! reads it back; prints rates, and the times of single commits.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use baton_engine::Store;
use baton_store::{Identity, MemLog, Trust};

const FRAME: u64 = 1_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let rows = arguments.next().map_or(Ok(1_000_000), |rows| rows.parse())?;
    let dir = arguments.next().map_or_else(|| std::env::temp_dir().join("baton-measure"), PathBuf::from);
    let (stage, application, changelog) = ("measure".to_owned(), format!("rows of {rows}"), String::new());
    let identity = Identity { stage, lane: 0, application, changelog, format: 1 };

    let (mut log, _) = MemLog::open(&dir, &identity, Trust::six_days())?;
    log.clear()?;
    frames("load", &mut log, 0..rows, |row| row)?;
    println!("memory  {} kB resident", resident());
    // Scattered, so that nearly every row misses the caches; long enough for several compactions.
    frames("rewrite", &mut log, 0..3 * rows, |n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % rows.max(1))?;
    println!("size    {:?}", log.size());
    log.close()?;

    let start = Instant::now();
    let (log, opened) = MemLog::open(&dir, &identity, Trust::six_days())?;
    println!("open    {:?}  {opened:?}", start.elapsed());
    log.close()?;
    Ok(())
}

/// Puts a row for each number, commits every thousand, and gives a position every hundred frames.
fn frames(
    what: &str,
    log: &mut MemLog,
    numbers: std::ops::Range<u64>,
    row: impl Fn(u64) -> u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut value = [7; 200];
    let mut times = Vec::new();
    let mut synced = Vec::new();
    let count = numbers.end - numbers.start;
    let start = Instant::now();
    let mut begun = Instant::now();
    for number in numbers {
        value[..8].copy_from_slice(&number.to_le_bytes());
        log.put(format!("ld_{:017x}", row(number)).as_bytes(), Some(&value));
        if number % FRAME == FRAME - 1 {
            let frame = number / FRAME;
            let position = (frame % 100 == 99).then_some(i64::try_from(number)?);
            log.commit(position)?;
            if position.is_some() { &mut synced } else { &mut times }.push(begun.elapsed());
            begun = Instant::now();
        }
    }
    let each = start.elapsed() / u32::try_from(count.max(1))?;
    println!("{what:7} {each:?} a put with its share of the commit");
    report("  frame", &mut times);
    report("  synced", &mut synced);
    Ok(())
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    println!("{what:8} p50 {:?}  p99 {:?}  max {:?}", at(50), at(99), times.last().copied().unwrap_or_default());
}

/// Resident memory as Linux tells it; 0 elsewhere.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
