//! What `lead.events` and `roster.events` say about the order in which the sequencer judged its sources.
//!
//! Several sources have no order between them but the one that they were given when they arrived. It is on the
//! log: stamps rise over all partitions of the two together, and each event names the record it came from.
//!
//! Holds: memory is one bit for each source record, and the head of each partition.

use std::collections::BTreeMap;

use baton_domain::LogTime;
use baton_engine::{Fault, Part};

use crate::tape::{Cluster, Entry, Tape, at_of};

/// Which source records have an event.
#[derive(Debug, Default)]
pub(crate) struct Marks(BTreeMap<Part, Vec<u64>>);

impl Marks {
    fn set(&mut self, part: Part, offset: i64) {
        let Ok(offset) = usize::try_from(offset) else { return };
        let bits = self.0.entry(part).or_default();
        if bits.len() <= offset / 64 {
            bits.resize(offset / 64 + 1, 0);
        }
        if let Some(bits) = bits.get_mut(offset / 64) {
            *bits |= 1 << (offset % 64);
        }
    }

    pub(crate) fn has(&self, part: Part, offset: i64) -> bool {
        let Ok(offset) = usize::try_from(offset) else { return false };
        self.0.get(&part).and_then(|bits| bits.get(offset / 64)).is_some_and(|bits| bits >> (offset % 64) & 1 == 1)
    }
}

/// What was told next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// An event of this source record, at this stamp.
    Event(Part, i64, LogTime),
    /// That it is so late.
    Time(LogTime),
}

/// Where a head is: which of the topics, and its partition.
type Place = (usize, i32);

/// Reads the sequencer's history in the order of its stamps.
pub(crate) struct Witness {
    tapes: Vec<Box<dyn Tape>>,
    heads: BTreeMap<Place, Option<Entry>>,
    inputs: Vec<String>,
}

impl Witness {
    pub(crate) fn open(
        cluster: &mut dyn Cluster,
        topics: &[(&str, Vec<(i32, i64)>)],
        inputs: &[String],
    ) -> Result<Self, Fault> {
        let mut tapes = Vec::new();
        let mut heads = BTreeMap::new();
        for (index, (topic, ends)) in topics.iter().enumerate() {
            tapes.push(cluster.read(topic, ends)?);
            heads.extend(ends.iter().map(|(partition, _)| ((index, *partition), None)));
        }
        Ok(Self { tapes, heads, inputs: inputs.to_vec() })
    }

    /// Reads it once for the marks. `events` bounds how far: the offset that no source reaches.
    pub(crate) fn marks(mut self) -> Result<Marks, Fault> {
        let mut marks = Marks::default();
        let places: Vec<Place> = self.heads.keys().copied().collect();
        for place in places {
            while let Some(entry) = self.next(place)? {
                if let Some((part, offset)) = self.origin(&entry) {
                    marks.set(part, offset);
                }
            }
        }
        Ok(marks)
    }

    /// What was told next, without taking it.
    pub(crate) fn peek(&mut self) -> Result<Option<Told>, Fault> {
        Ok(self.first()?.map(|(_, told)| told))
    }

    /// Takes it.
    pub(crate) fn pop(&mut self) -> Result<(), Fault> {
        if let Some((place, _)) = self.first()? {
            self.heads.insert(place, None);
        }
        Ok(())
    }

    fn next(&mut self, (topic, partition): Place) -> Result<Option<Entry>, Fault> {
        self.tapes.get_mut(topic).map_or(Ok(None), |tape| tape.next(partition))
    }

    fn first(&mut self) -> Result<Option<(Place, Told)>, Fault> {
        let mut first: Option<((LogTime, bool), Place, Told)> = None;
        let places: Vec<Place> = self.heads.keys().copied().collect();
        for place in places {
            let Some((at, told)) = self.head(place)? else { continue };
            // A tick tells the time of the last event, on every partition: the event comes first.
            let order = (at, matches!(told, Told::Time(_)));
            if first.is_none_or(|(least, ..)| order < least) {
                first = Some((order, place, told));
            }
        }
        Ok(first.map(|(_, place, told)| (place, told)))
    }

    fn head(&mut self, place: Place) -> Result<Option<(LogTime, Told)>, Fault> {
        loop {
            if self.heads.get(&place).is_some_and(Option::is_none) {
                match self.next(place)? {
                    Some(entry) => self.heads.insert(place, Some(entry)),
                    None => return Ok(None),
                };
            }
            let Some(Some(entry)) = self.heads.get(&place) else { return Ok(None) };
            let told = match (at_of(entry), self.origin(entry)) {
                (Some(at), None) if entry.key.is_none() => Some((at, Told::Time(at))),
                (Some(at), Some((part, offset))) => Some((at, Told::Event(part, offset, at))),
                // Whoever wrote this was not the sequencer: it bears witness to nothing.
                _ => None,
            };
            if told.is_some() {
                return Ok(told);
            }
            self.heads.insert(place, None);
        }
    }

    fn origin(&self, entry: &Entry) -> Option<(Part, i64)> {
        let mut names = entry.header("ce_causationid")?.rsplitn(3, '/');
        let (offset, partition, topic) = (names.next()?, names.next()?, names.next()?);
        let input = self.inputs.iter().position(|input| input == topic)?;
        Some(((input, partition.parse().ok()?), offset.parse().ok()?))
    }
}
