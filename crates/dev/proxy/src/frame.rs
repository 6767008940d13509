//! Kafka's frames: a length of four bytes, and what it announces.

use std::io::{self, Read};

/// The kind of a request, by its number in Kafka's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Api(pub i16);

#[allow(missing_docs, reason = "the names are Kafka's")]
impl Api {
    pub const PRODUCE: Self = Self(0);
    pub const FETCH: Self = Self(1);
    pub const LIST_OFFSETS: Self = Self(2);
    pub const METADATA: Self = Self(3);
    pub const OFFSET_FETCH: Self = Self(9);
    pub const FIND_COORDINATOR: Self = Self(10);
    pub const JOIN_GROUP: Self = Self(11);
    pub const HEARTBEAT: Self = Self(12);
    pub const SYNC_GROUP: Self = Self(14);
    pub const INIT_PRODUCER_ID: Self = Self(22);
    pub const ADD_PARTITIONS_TO_TXN: Self = Self(24);
    pub const ADD_OFFSETS_TO_TXN: Self = Self(25);
    pub const END_TXN: Self = Self(26);
    pub const TXN_OFFSET_COMMIT: Self = Self(28);
}

/// A frame with its length in front.
pub(crate) struct Frame(pub(crate) Vec<u8>);

/// Client id, transactional id and group stand within so many bytes of a request.
const HEAD: usize = 512;
/// No broker takes more; more is not Kafka's protocol.
const LARGEST: usize = 256 << 20;

impl Frame {
    /// The next frame; `None` at the end of the stream.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut bytes = vec![0; 4];
        if from.read(&mut bytes[..1])? == 0 {
            return Ok(None);
        }
        from.read_exact(&mut bytes[1..])?;
        let length = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        if !(4..=LARGEST).contains(&length) {
            let what = format!("a frame of {length} bytes: not Kafka's protocol, or it is encrypted");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        bytes.resize(4 + length, 0);
        from.read_exact(&mut bytes[4..])?;
        Ok(Some(Self(bytes)))
    }

    /// The kind of this request.
    pub(crate) fn api(&self) -> Api {
        Api(i16::from_be_bytes([self.0[4], self.0[5]]))
    }

    /// The number by which a reply names this request.
    pub(crate) fn request_number(&self) -> Option<i32> {
        self.number(8)
    }

    /// The number of the request that this reply answers.
    pub(crate) fn reply_number(&self) -> Option<i32> {
        self.number(4)
    }

    /// Whether a client id, transactional id or group of this name stands in the request.
    pub(crate) fn names(&self, who: &str) -> bool {
        let head = &self.0[..self.0.len().min(HEAD)];
        who.is_empty() || head.windows(who.len()).any(|window| window == who.as_bytes())
    }

    fn number(&self, at: usize) -> Option<i32> {
        let bytes = self.0.get(at..at + 4)?;
        Some(i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_tells_its_kind_its_number_and_who_sent_it() {
        let bytes = [0, 0, 0, 13, 0, 26, 0, 1, 0, 0, 0, 9, 0, 3, b'm', b'e', b'!'];
        let frame = Frame::read(&mut &bytes[..]).unwrap().unwrap();
        assert_eq!((frame.api(), frame.request_number(), frame.0.len()), (Api::END_TXN, Some(9), 17));
        assert!(frame.names("me!") && frame.names("") && !frame.names("you"));
    }

    #[test]
    fn a_stream_ends_between_frames_or_not_at_all() {
        assert!(Frame::read(&mut &[][..]).unwrap().is_none());
        assert!(Frame::read(&mut &[0, 0][..]).is_err());
        assert!(Frame::read(&mut &[0, 0, 0, 9, 1][..]).is_err());
    }

    #[test]
    fn bytes_of_another_protocol_are_refused_and_not_allocated() {
        let Err(error) = Frame::read(&mut &b"\x16\x03\x01\x02\x00\x01"[..]) else { panic!("taken for a frame") };
        assert!(error.to_string().contains("encrypted"), "{error}");
    }
}
