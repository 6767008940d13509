//! The sample: every lead's story told, spoiled, sorted and written.
//!
//! Holds: `receivedAt` never falls from line to line; what is not received before the end is left out.

use baton_domain::Millis;

use crate::flaws::{BROKEN, broken, spoil};
use crate::journal::Journal;
use crate::line::Line;
use crate::person::Person;
use crate::persona::Persona;
use crate::random::Random;
use crate::script::play;

/// A believable clickstream as JSON Lines, in the order in which its lines were received.
///
/// `leads` people, numbered from 0, arrive over the first two thirds of `days` days from `start`
/// (milliseconds, taken to be a midnight in UTC). A tick stands at every midnight and, as the
/// last line, ten days after the end; [`BROKEN`] records at fixed places in between are broken.
/// The whole sample is built in memory: for millions of lines use [`load`](crate::load()).
pub fn sample(seed: u64, leads: usize, start: Millis, days: i64) -> impl Iterator<Item = String> {
    let end = start.plus(days.saturating_mul(Millis::DAY));
    let mut lines: Vec<Line> = (0..leads as u64)
        .flat_map(|number| story(seed, number, start, days))
        .filter(|line| line.received() < end)
        .chain((1..=days).map(|day| Line::tick(start.plus(day * Millis::DAY))))
        .collect();
    lines.sort_by_key(Line::received);
    let gap = lines.len() / (BROKEN + 1);
    let last = Line::tick(end.plus(10 * Millis::DAY));
    let mut written = Vec::with_capacity(lines.len() + BROKEN + 1);
    for (place, line) in lines.iter().enumerate() {
        written.push(line.json());
        let (sort, rest) = ((place + 1) / gap.max(1), (place + 1) % gap.max(1));
        if rest == 0 && (1..=BROKEN).contains(&sort) {
            written.push(broken(sort - 1, line.received()));
        }
    }
    written.push(last.json());
    written.into_iter()
}

/// What one lead and the sales people around it do, with what goes wrong on the way.
fn story(seed: u64, number: u64, start: Millis, days: i64) -> Vec<Line> {
    let persona = Persona::of(number);
    let person = Person::new(seed, number, persona.fit(number));
    // The person's own stream has the number; the story's lies half the space away.
    let mut journal = Journal::new(person, Random::stream(seed, number | 1 << 63));
    let first = journal.random.between(0, (days * 2 / 3 - 1).max(0));
    play(persona, &mut journal, start.plus(first * Millis::DAY));
    let mut random = journal.random;
    spoil(journal.lines, &mut random)
}
