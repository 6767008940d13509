//! The headers of a record that was read: looked at only when somebody asks.
//!
//! Holds: what is visited is what the source wrote, in its order, repeated names and all; a record
//! without headers costs nothing to keep.
//!
//! Absent on purpose: meaning. No consumer decides anything by a header.

use core::fmt;

/// The most headers that a source's record may have.
const MOST: usize = 100;
/// The most bytes that their names and values may have together.
const MOST_BYTES: usize = 64 * 1024;

/// Takes a header: name and value, which may be absent.
pub type HeaderSink<'a> = dyn FnMut(&[u8], Option<&[u8]>) + 'a;

/// The headers of a record, wherever they lie.
pub trait RecordHeaders: fmt::Debug {
    /// Gives name and value of each, in order. A value may be absent.
    fn each(&self, sink: &mut HeaderSink<'_>);
}

/// No headers.
impl RecordHeaders for () {
    fn each(&self, _: &mut HeaderSink<'_>) {}
}

impl RecordHeaders for Vec<(Vec<u8>, Option<Vec<u8>>)> {
    fn each(&self, sink: &mut HeaderSink<'_>) {
        for (name, value) in self {
            sink(name, value.as_deref());
        }
    }
}

/// A copy of the headers of a record, in one allocation; none when there are none.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct KeptHeaders(Vec<u8>);

/// Stands where the length of a value would, when there is no value.
const ABSENT: u32 = u32::MAX;

impl KeptHeaders {
    /// Copies them, wherever they lie.
    pub fn of(headers: &dyn RecordHeaders) -> Self {
        let mut room = 0;
        headers.each(&mut |name, value| room += 2 * size_of::<u32>() + name.len() + value.map_or(0, <[u8]>::len));
        let mut bytes = Vec::with_capacity(room);
        headers.each(&mut |name, value| {
            bytes.extend_from_slice(&length(name).to_le_bytes());
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(&value.map_or(ABSENT, length).to_le_bytes());
            bytes.extend_from_slice(value.unwrap_or_default());
        });
        Self(bytes)
    }

    /// Name and value of each, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let mut rest = self.0.as_slice();
        core::iter::from_fn(move || {
            let (name, after) = take(rest)?;
            let (value, after) = take(after)?;
            rest = after;
            Some((name.unwrap_or_default(), value))
        })
    }

    /// The same as a list.
    pub fn to_vec(&self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        self.iter().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect()
    }

    /// The value of the first header of a name: nothing where there is no such header, or no value.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(known, _)| *known == name.as_bytes())?.1
    }
}

/// A record is a few MiB at most.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(ABSENT)
}

impl RecordHeaders for KeptHeaders {
    fn each(&self, sink: &mut HeaderSink<'_>) {
        self.iter().for_each(|(name, value)| sink(name, value));
    }
}

impl fmt::Debug for KeptHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptHeaders({} bytes)", self.0.len())
    }
}

/// One text and what follows it.
fn take(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    match u32::from_le_bytes(*length) {
        ABSENT => Some((None, rest)),
        length => rest.split_at_checked(length as usize).map(|(text, rest)| (Some(text), rest)),
    }
}

/// What is wrong with a source's headers: there are too many, or they are too long.
pub(crate) fn excess(headers: &dyn RecordHeaders) -> Option<String> {
    let (mut count, mut bytes) = (0_usize, 0_usize);
    headers.each(&mut |name, value| {
        count += 1;
        bytes = bytes.saturating_add(name.len()).saturating_add(value.map_or(0, <[u8]>::len));
    });
    if count > MOST {
        return Some(format!("the record has more than {MOST} headers"));
    }
    (bytes > MOST_BYTES).then(|| format!("the record's headers are longer than {MOST_BYTES} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = Vec<(Vec<u8>, Option<Vec<u8>>)>;

    fn pairs(headers: &dyn RecordHeaders) -> Pairs {
        let mut all = Vec::new();
        headers.each(&mut |name, value| all.push((name.to_vec(), value.map(<[u8]>::to_vec))));
        all
    }

    #[test]
    fn a_copy_says_the_same_in_the_same_order() {
        let given: Pairs = vec![
            (b"trace".to_vec(), Some(b"1".to_vec())),
            (b"trace".to_vec(), Some(b"2".to_vec())),
            (b"absent".to_vec(), None),
            (b"empty".to_vec(), Some(Vec::new())),
            (Vec::new(), Some(vec![0xff, 0x00])),
        ];
        let kept = KeptHeaders::of(&given);
        assert_eq!((pairs(&kept), kept.to_vec()), (given.clone(), given));
        assert_eq!(KeptHeaders::of(&()), KeptHeaders::default(), "nothing is kept of a record without headers");
        assert_eq!(KeptHeaders::default().iter().next(), None);
    }

    #[test]
    fn a_name_finds_the_first_header_that_has_it() {
        let given = [("a", Some("1")), ("", None), ("a", Some("")), ("b", None)];
        let given = given.map(|(name, value)| (name.as_bytes().to_vec(), value.map(|value| value.as_bytes().to_vec())));
        let kept = KeptHeaders::of(&given.to_vec());
        assert_eq!(kept.to_vec(), given);
        assert_eq!((kept.get("a"), kept.get("b"), kept.get("c")), (Some(b"1".as_slice()), None, None));
    }

    #[test]
    fn a_hundred_headers_and_64_kib_are_the_most() {
        let many = |count: usize| -> Pairs { vec![(b"n".to_vec(), None); count] };
        assert_eq!(excess(&many(100)), None);
        assert!(excess(&many(101)).unwrap().contains("more than 100"));
        let long = |bytes: usize| -> Pairs { vec![(b"name".to_vec(), Some(vec![b'x'; bytes - 4]))] };
        assert_eq!(excess(&long(65_536)), None);
        assert!(excess(&long(65_537)).unwrap().contains("65536 bytes"));
    }
}
