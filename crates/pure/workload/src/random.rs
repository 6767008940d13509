//! A small seeded generator of numbers (`SplitMix64`), so that a stream is the same on every machine.
//!
//! Holds: the same seed and stream give the same numbers; whole numbers only.
//! Absent on purpose: any source of entropy, and any promise of secrecy.

/// One stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

/// 2^64 divided by the golden ratio: the step of `SplitMix64`.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// The stream named `stream` under `seed`: one for each lead, so that a lead's story
    /// does not depend on how many leads there are.
    pub(crate) fn stream(seed: u64, stream: u64) -> Self {
        let mut root = Self(seed);
        let salt = root.draw();
        let mut named = Self(stream.wrapping_mul(STEP) ^ salt);
        Self(named.draw())
    }

    /// The next 64 bits.
    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let scaled = (u128::from(self.draw()) * u128::from(bound)) >> 64;
        u64::try_from(scaled).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included; `low` when they are the wrong way round.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        low.saturating_add(i64::try_from(self.below(span)).unwrap_or(0))
    }

    /// True in `share` of a hundred cases.
    pub(crate) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of a list, which must not be empty: every list here is a constant.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        &list[index]
    }

    /// Sixteen hexadecimal digits: the tail of an id.
    pub(crate) fn hex(&mut self) -> String {
        format!("{:016x}", self.draw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_match_the_published_splitmix64_sequence() {
        let mut random = Random(1_234_567);
        assert_eq!(random.draw(), 6_457_827_717_110_365_317);
        assert_eq!(random.draw(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn bounds_are_kept_and_both_ends_are_reached() {
        let mut random = Random::stream(1, 1);
        let seen: Vec<i64> = (0..200).map(|_| random.between(-2, 2)).collect();
        assert_eq!(seen.iter().min(), Some(&-2));
        assert_eq!(seen.iter().max(), Some(&2));
        assert_eq!(random.between(7, 3), 7);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn two_streams_of_one_seed_differ() {
        assert_ne!(Random::stream(42, 0).draw(), Random::stream(42, 1).draw());
        assert_ne!(Random::stream(42, 0).draw(), Random::stream(43, 0).draw());
    }
}
