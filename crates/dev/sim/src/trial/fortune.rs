//! What befalls a trial beside the turns of its processes.

use baton_domain::Millis;
use baton_pipeline::Consumer;

use super::disk::TOMBSTONES_MS;
use super::world::World;
use crate::Headers;
use crate::log::Record;

impl World {
    /// One throw of a thousand-sided die. Returns whether something happened.
    pub(super) fn befall(&self, throw: u64) -> bool {
        match throw {
            0..60 => self.feed(),
            60..75 => self.witness.borrow_mut().look(&self.broker.borrow()),
            75..79 => self.shake(),
            79..81 => self.close_one(),
            81..83 => {
                let ms = self.ms(3_000);
                self.broker.borrow_mut().bounce(ms);
            }
            83..87 => {
                let ms = self.ms(12_000);
                self.broker.borrow_mut().pass(ms);
            }
            87..90 => {
                let ms = self.ms(7_200_000) - 3_600_000;
                self.broker.borrow_mut().skew(ms);
            }
            90..96 => self.compact(),
            96..99 => self.retain(),
            _ => return false,
        }
        true
    }

    fn ms(&self, bound: u64) -> i64 {
        self.dice.borrow_mut().ms(bound)
    }

    fn feed(&self) {
        let count = 1 + self.dice.borrow_mut().index(16);
        let from = self.fed.get();
        let upto = (from + count).min(self.sample.lines.len());
        let topic = self.sample.topology.default_input();
        for line in &self.sample.lines[from..upto] {
            let value = Some(line.clone().into_bytes());
            let record = Record { appended: Millis(0), key: None, value, headers: Headers::default() };
            self.broker.borrow_mut().append(&topic, 0, record);
        }
        self.fed.set(upto);
    }

    fn shake(&self) {
        let mut broker = self.broker.borrow_mut();
        broker.groups().for_each(crate::broker::Group::shake);
    }

    /// Compacts the state of one consumer; what went stays readable for longer than any store is kept.
    fn compact(&self) {
        let consumer = Consumer::ALL[self.dice.borrow_mut().index(Consumer::ALL.len())];
        let spec = consumer.spec(&self.sample.topology);
        let mut broker = self.broker.borrow_mut();
        let end = broker.end(&spec.changelog, 0);
        let bound = self.ms(u64::try_from(end).unwrap_or(0) + 1);
        broker.compact(&spec.changelog, bound, TOMBSTONES_MS);
    }

    /// Retention takes what every reader of an input has committed.
    fn retain(&self) {
        let topic = self.sample.topology.default_input();
        let spec = Consumer::Identify.spec(&self.sample.topology);
        let mut broker = self.broker.borrow_mut();
        let Some(place) = broker.topic(&topic).map(|topic| (topic, 0)) else { return };
        let committed = broker.committed(&spec.name, place, false).ok().flatten().unwrap_or(0);
        broker.retain_from(&topic, 0, committed);
        broker.trace.saw("retention took what was read");
    }
}
