//! What the scorer says, as a salesperson would dispute it: examples, the lifecycle, and laws.

mod decisions;
mod episodes;
mod laws;
mod lifecycle;
mod points;
mod rules;
mod support;
mod triggers;
