//! A seeded stream of believable B2B leads: for the demo, the simulator and load tests.
//!
//! Holds: the same arguments give the same bytes on every machine; no clock, no floats,
//! no source of entropy; people, companies and addresses are made up.
//!
//! Absent on purpose: Baton's own types and decisions. A line is what a website, a mail
//! system or a CRM would send, not what Baton makes of it.

mod content;
mod flaws;
mod hours;
mod journal;
mod line;
mod load;
mod person;
mod persona;
mod random;
mod sales;
mod sample;
mod script;

use baton_domain::Millis;

pub use flaws::BROKEN;
pub use load::load;
pub use sample::sample;

/// Seed of the demo's sample.
pub const SEED: u64 = 42;
/// Leads in the demo's sample.
pub const LEADS: usize = 300;
/// Start of the demo's sample: Monday, 2026-09-07T00:00Z.
pub const START: Millis = Millis(1_788_739_200_000);
/// Days of the demo's sample.
pub const DAYS: i64 = 21;

/// The sample that the demo plays: about 5,000 lines, always the same.
pub fn demo() -> impl Iterator<Item = String> {
    sample(SEED, LEADS, START, DAYS)
}
