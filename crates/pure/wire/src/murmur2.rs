//! The partition that Java's default partitioner gives a key.
//!
//! Holds: the same key is on the same partition as where a Java client, or
//! librdkafka with `partitioner=murmur2_random`, would put it.
//!
//! Absent on purpose: records without a key, which have no partition of their own.

/// The partition of `key` among `partitions`; 0 when there are fewer than two.
pub fn partition(key: &[u8], partitions: i32) -> i32 {
    (murmur2(key) & i32::MAX).checked_rem(partitions).map_or(0, |partition| partition.max(0))
}

/// The 32-bit hash of Kafka's Java client: murmur2 with its fixed seed.
pub fn murmur2(key: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const MIX: u32 = 0x5bd1_e995;

    // Java's length is an int; like there, more than 2 GiB would wrap.
    #[expect(clippy::cast_possible_truncation, reason = "wraps as the reference does")]
    let mut hash = SEED ^ key.len() as u32;
    let (words, tail) = key.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(MIX);
        word ^= word >> 24;
        hash = hash.wrapping_mul(MIX) ^ word.wrapping_mul(MIX);
    }
    if !tail.is_empty() {
        let rest = tail.iter().rev().fold(0, |rest, byte| rest << 8 | u32::from(*byte));
        hash = (hash ^ rest).wrapping_mul(MIX);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MIX);
    (hash ^ hash >> 15).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_java_client() {
        let golden = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, hash) in golden {
            assert_eq!(murmur2(key.as_bytes()), hash, "{key}");
        }
    }

    #[test]
    fn six_leads_lie_where_a_java_producer_put_them() {
        let placed: Vec<i32> = (1..=6).map(|n| partition(format!("lead-{n}").as_bytes(), 8)).collect();
        assert_eq!(placed, [5, 7, 1, 4, 5, 2]);
    }

    #[test]
    fn a_topic_of_one_partition_or_none_leaves_no_choice() {
        assert_eq!([1, 0, -1].map(|partitions| partition(b"lead-1", partitions)), [0, 0, 0]);
    }
}
