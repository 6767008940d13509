//! What a record on a topic between consumers must be, beyond its bytes.
//!
//! Holds: a record that no consumer of Baton's would have written this way is a dead letter, never a
//! lead's state in the wrong place: a record about a lead has the lead as its key and lies on the
//! key's partition; a change of policy is every partition's, under a key of its own; only a tick has no key.

use baton_domain::{Body, LeadEvent, Reason};
use baton_engine::{Incoming, Stamped};
use baton_wire::{Frame, partition, peek_stamp};

/// The key of a change of policy. No lead has it: a lead's id begins with `ld_`.
pub(crate) const POLICY_KEY: &str = "policy";

/// Reads only the stamp at the head of a record; `is_tick` reads the rest where there is no key.
pub(crate) fn stamped(record: &Incoming<'_>, is_tick: impl FnOnce(&[u8]) -> Result<bool, (Reason, String)>) -> Stamped {
    let Some(value) = record.value else {
        return Stamped::Bad(Reason::Decode, "the record has no value".to_owned());
    };
    let body = match Frame::of(value) {
        Frame::Confluent { body, .. } | Frame::Single { body, .. } => body,
        Frame::Json(_) | Frame::Unknown => {
            return Stamped::Bad(Reason::Decode, "not Avro with a schema id or fingerprint".to_owned());
        }
    };
    let Some(stamp) = peek_stamp(body) else {
        return Stamped::Bad(Reason::Decode, "the record ends within its stamp".to_owned());
    };
    if record.key.is_some() {
        return Stamped::At(stamp);
    }
    match is_tick(value) {
        Ok(true) => Stamped::At(stamp),
        Ok(false) => Stamped::Bad(Reason::NullKey, "a record about a lead has no key".to_owned()),
        Err((reason, detail)) => Stamped::Bad(reason, detail),
    }
}

/// Whether a record about `lead` has it as its key.
pub(crate) fn keyed_by(record: &Incoming<'_>, lead: &str) -> Result<(), (Reason, String)> {
    if record.key == Some(lead.as_bytes()) {
        return Ok(());
    }
    Err((Reason::Misrouted, "its key is not the lead that it is about".to_owned()))
}

/// The same, and whether it lies on the key's partition among so many.
pub(crate) fn belongs(record: &Incoming<'_>, lead: &str, partitions: i32) -> Result<(), (Reason, String)> {
    keyed_by(record, lead)?;
    let right = partition(lead.as_bytes(), partitions);
    if record.partition == right {
        return Ok(());
    }
    Err((Reason::Misrouted, format!("its key belongs to partition {right} of {partitions}")))
}

/// The same for an entry of the history.
pub(crate) fn event_belongs(record: &Incoming<'_>, event: &LeadEvent, partitions: i32) -> Result<(), (Reason, String)> {
    match event.body {
        Body::Policy(_) => keyed_by(record, POLICY_KEY),
        _ => belongs(record, &event.lead_id, partitions),
    }
}

#[cfg(test)]
mod tests {
    use baton_domain::Millis;

    use super::*;

    fn record<'a>(key: Option<&'a [u8]>, value: Option<&'a [u8]>, partition: i32) -> Incoming<'a> {
        Incoming { input: 0, partition, offset: 0, appended: Millis(0), key, value, headers: &() }
    }

    #[test]
    fn a_record_lies_on_the_partition_of_its_lead() {
        let right = partition(b"ld_1", 4);
        for at in 0..4 {
            let judged = belongs(&record(Some(b"ld_1"), None, at), "ld_1", 4).map_err(|(reason, _)| reason);
            assert_eq!(judged, if at == right { Ok(()) } else { Err(Reason::Misrouted) });
        }
        let empty = belongs(&record(Some(b""), None, right), "ld_1", 4).map_err(|(reason, _)| reason);
        assert_eq!(empty, Err(Reason::Misrouted), "an empty key is nobody's");
    }

    #[test]
    fn only_a_tick_has_no_key() {
        let value = [0xC3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0];
        let judge = |key, tick: Result<bool, (Reason, String)>| stamped(&record(key, Some(&value), 0), |_| tick);
        assert!(matches!(judge(None, Ok(true)), Stamped::At(_)));
        assert!(matches!(judge(None, Ok(false)), Stamped::Bad(Reason::NullKey, _)));
        assert!(matches!(judge(None, Err((Reason::Decode, String::new()))), Stamped::Bad(Reason::Decode, _)));
        assert!(matches!(judge(Some(b"k"), Ok(false)), Stamped::At(_)), "with a key the rest is read later");
    }
}
