//! What the scorer says, as a salesperson would dispute it: examples, the lifecycle, and laws.

mod changes;
mod cooling;
mod decisions;
mod episodes;
mod holds;
mod laws;
mod lifecycle;
mod model;
mod points;
mod raises;
mod retractions;
mod ruled_out;
mod rules;
mod support;
mod triggers;
mod undone;
mod volumes;
