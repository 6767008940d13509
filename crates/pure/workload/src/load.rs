//! A stream without end for load tests: cheap a line, and no memory of what it said.
//!
//! Holds: `receivedAt` rises by 5 to 75 ms a line (25 lines a second on average); a few leads
//! get most of the lines; the last line is a tick.
//! Absent on purpose: stories. Each line is likely by itself, not as a consequence of the one before.

use baton_domain::Millis;

use crate::content::{ASSETS, PRICING, STORIES};
use crate::journal::{Journal, text};
use crate::line::{Bag, Line};
use crate::person::Person;
use crate::persona::Persona;
use crate::random::Random;
use crate::{START, sales};

/// `events` lines of JSON about up to `leads` leads, from [`START`] on.
///
/// The lead ranked `n` gets about `1/n` as many lines as the first. Of a hundred lines two were
/// sent before and three happened hours ago.
pub fn load(seed: u64, leads: usize, events: usize) -> impl Iterator<Item = String> {
    let random = Random::stream(seed, u64::MAX);
    Load { seed, random, leads: (leads as u64).max(1), left: events, now: START, last: None }
}

struct Load {
    seed: u64,
    random: Random,
    leads: u64,
    left: usize,
    now: Millis,
    last: Option<Line>,
}

impl Iterator for Load {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        self.now = self.now.plus(self.random.between(5, 75));
        if self.left == 0 {
            return Some(Line::tick(self.now).json());
        }
        let line = match self.last.take() {
            Some(last) if self.random.percent(2) => last,
            _ => self.one(),
        };
        let line = line.received_at(self.now);
        let json = line.json();
        self.last = Some(line);
        Some(json)
    }
}

impl Load {
    /// Something that one of the leads did.
    fn one(&mut self) -> Line {
        let number = self.lead();
        let person = Person::new(self.seed, number, Persona::of(number).fit(number));
        let ago = if self.random.percent(3) { 12 * Millis::HOUR } else { 3 * Millis::SECOND };
        let at = self.now.plus(-self.random.between(0, ago));
        let mut journal = Journal::new(person, Random::stream(self.random.draw(), number));
        journal.known = !number.is_multiple_of(3);
        match self.random.below(1_000) {
            0..40 => journal.page(at, &PRICING),
            40..80 => journal.page(at, self.random.pick(&STORIES)),
            80..150 => journal.mail(at, "Email Opened"),
            150..180 => journal.mail(at, "Email Link Clicked"),
            180..230 => journal.download(at, self.random.pick(&ASSETS)),
            230..260 => journal.form(at, "ebook", true),
            260..270 => journal.enrich(at),
            270..280 => journal.webinar(at, None),
            280..290 => journal.track(at, "Chat Started", Bag::new()),
            290..294 => journal.track(at, "Demo Requested", Bag::from([("form_id", text("demo"))])),
            294..304 => sales::attempt(&mut journal, at),
            304..306 => journal.consent(at, "email", "denied", "map"),
            _ => {}
        }
        if journal.lines.is_empty() {
            journal.visit(at, 1);
        }
        // A form also says that it was submitted; one line is enough here.
        journal.lines.swap_remove(0)
    }

    /// A lead by rank: first an octave of ranks, then a rank within it, which comes close to Zipf's law
    /// without a division or a table.
    fn lead(&mut self) -> u64 {
        let octaves = u64::from(self.leads.ilog2()) + 1;
        let low = 1_u64 << self.random.below(octaves);
        let rank = low + self.random.below(low.min(self.leads - low + 1));
        rank - 1
    }
}
