//! The waiting rooms: one queue a pool, ranked by urgency, score and age.
//!
//! Holds: a lead stands in at most one queue, once; the counts on the desk are those of the queues.
//! A queue is spread over rows by lead, so that one lead's coming rewrites a sixteenth of it.

use std::collections::BTreeMap;

use crate::row::{self, DESK, Directory, Place, Waiting, Wants, bucket_key, hash};

const BUCKETS: u64 = 16;

/// Puts a lead in the queue of a pool.
pub(crate) fn enter(dir: &mut impl Directory, pool: &str, place: Place, wants: Wants) {
    let key = bucket_key(pool, hash(&[&place.lead_id]) % BUCKETS);
    let mut bucket = row::bucket(dir, &key).unwrap_or_default();
    if bucket.places.insert(place, wants).is_none() {
        count(dir, pool, wants, 1);
    }
    row::put_bucket(dir, &key, bucket);
}

/// Takes a lead out of it.
pub(crate) fn leave(dir: &mut impl Directory, pool: &str, place: &Place) -> Option<Wants> {
    let key = bucket_key(pool, hash(&[&place.lead_id]) % BUCKETS);
    let mut bucket = row::bucket(dir, &key)?;
    let wants = bucket.places.remove(place)?;
    count(dir, pool, wants, -1);
    if bucket.places.is_empty() {
        dir.put(&key, None, None);
    } else {
        row::put_bucket(dir, &key, bucket);
    }
    Some(wants)
}

/// The queue in the order of service.
pub(crate) fn places(dir: &impl Directory, pool: &str) -> BTreeMap<Place, Wants> {
    (0..BUCKETS).filter_map(|n| row::bucket(dir, &bucket_key(pool, n))).flat_map(|bucket| bucket.places).collect()
}

fn count(dir: &mut impl Directory, pool: &str, wants: Wants, by: i32) {
    let mut desk = row::desk(dir, DESK).unwrap_or_default();
    let waiting = desk.waiting.entry(pool.to_owned()).or_default();
    let add = |count: &mut u32, counts: bool| {
        if counts {
            *count = count.saturating_add_signed(by);
        }
    };
    add(&mut waiting.all, true);
    add(&mut waiting.urgent, wants.passes);
    add(&mut waiting.sticky, wants.sticky);
    if *waiting == Waiting::default() {
        desk.waiting.remove(pool);
    }
    row::put_desk(dir, DESK, desk);
}
