//! Points that halve with time, in whole numbers.
//!
//! Holds: the same on every machine; exact at whole half-lives; never rises
//! with age; rounded once, towards zero.
//!
//! Absent on purpose: floats and libm, whose last digit differs between machines.

use baton_domain::{Millis, Points};
use serde::{Deserialize, Serialize};

/// Binary digits of the fraction of a half-life that are looked at: four bytes.
const DIGITS: usize = 32;
/// One, in the fixed point of the factors.
const ONE: u64 = 1 << 63;

/// `2^-x` for every value of each byte of the fraction, the highest byte first.
static FACTORS: [[u64; 256]; 4] = factors();

/// Binary digits below a micro-point that an [`Amount`] keeps, so that the rounding of a million events
/// stays below one.
const EXTRA: u32 = 24;

/// Points earned at one instant or at several, as of one instant from which they halve together.
///
/// Amounts of one instant and half-life add up exactly, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Amount(i128);

impl Amount {
    pub(crate) fn of(points: Points) -> Self {
        Self(i128::from(points.0) << EXTRA)
    }

    /// `points` of `at` as if they had been earned at the last whole half-life before it, counted from
    /// the epoch; which one that was.
    pub(crate) fn forwarded(points: Points, at: Millis, half_life_ms: i64) -> (i64, Self) {
        let half_life = half_life_ms.max(1);
        let (turn, rest) = (at.0.div_euclid(half_life), at.0.rem_euclid(half_life));
        if rest == 0 {
            return (turn, Self::of(points));
        }
        let fraction = share((half_life - rest).unsigned_abs(), half_life.unsigned_abs());
        // Twice what would be left at the next whole half-life.
        let size = (u128::from(points.0.unsigned_abs()) * u128::from(factor(fraction))) >> (62 - EXTRA);
        let size = i128::try_from(size).unwrap_or(i128::MAX);
        (turn, Self(if points.0 < 0 { -size } else { size }))
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(crate) fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The points that are left after `age_ms`, when they halve every `half_life_ms`, and never without one.
    pub(crate) fn after(self, age_ms: i64, half_life_ms: Option<i64>) -> Points {
        let size = self.0.unsigned_abs();
        let left = half_life_ms.map_or(size, |half_life_ms| {
            let age = age_ms.max(0).unsigned_abs();
            let half_life = half_life_ms.max(1).unsigned_abs();
            let factor = u128::from(factor(share(age % half_life, half_life)));
            // In two parts, as 2^127 * 2^63 is more than there is room for.
            let left = (((size >> 64) * factor) << 1) + (((size & u128::from(u64::MAX)) * factor) >> 63);
            u32::try_from(age / half_life).ok().and_then(|halvings| left.checked_shr(halvings)).unwrap_or(0)
        });
        let left = i64::try_from(left >> EXTRA).unwrap_or(i64::MAX);
        Points(if self.is_negative() { -left } else { left })
    }
}

/// What is left of `points` after `age_ms`, when they halve every `half_life_ms`.
///
/// An age below zero (an event stamped ahead of the log) counts as none.
pub(crate) fn decayed(points: Points, age_ms: i64, half_life_ms: i64) -> Points {
    Amount::of(points).after(age_ms, Some(half_life_ms))
}

/// A part of a whole, less than it, in units of `2^-32`.
fn share(part: u64, whole: u64) -> u64 {
    match part.checked_mul(1 << DIGITS) {
        Some(part) => part / whole,
        // Half-lives of more than fifty days.
        None => u64::try_from((u128::from(part) << DIGITS) / u128::from(whole)).unwrap_or(u64::MAX),
    }
}

/// `2^-fraction`, the fraction given in units of `2^-32`.
///
/// Every product on the way loses less than `2^-63`, and there are fewer than 64 of them;
/// neighbouring fractions lie `2^-34` apart. So truncation never turns the order of two results around.
fn factor(fraction: u64) -> u64 {
    let byte = |place: usize| (fraction >> (DIGITS - 8 * (place + 1)) & 0xff) as usize;
    (0..4).fold(ONE, |product, place| times(product, FACTORS[place][byte(place)]))
}

/// The product of two numbers of at most one, in fixed point, truncated.
#[expect(clippy::cast_possible_truncation, reason = "a product of two numbers of at most one is at most one")]
const fn times(a: u64, b: u64) -> u64 {
    ((a as u128 * b as u128) >> 63) as u64
}

/// Builds the table from square roots: `2^-1/2`, `2^-1/4`, `2^-1/8`, ... one for each digit.
#[expect(clippy::cast_possible_truncation, reason = "the root of a number below one is below one")]
const fn factors() -> [[u64; 256]; 4] {
    let mut table = [[ONE; 256]; 4];
    let mut root = ONE / 2;
    let mut digit = 0;
    while digit < DIGITS {
        root = (root as u128 * ONE as u128).isqrt() as u64;
        let mut byte = 0;
        while byte < 256 {
            if byte >> (7 - digit % 8) & 1 == 1 {
                table[digit / 8][byte] = times(table[digit / 8][byte], root);
            }
            byte += 1;
        }
        digit += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAYS_14: i64 = 14 * Millis::DAY;

    #[test]
    fn ten_points_are_five_after_one_half_life_and_two_and_a_half_after_two() {
        assert_eq!(decayed(Points::whole(10), 0, DAYS_14), Points(10_000_000));
        assert_eq!(decayed(Points::whole(10), DAYS_14, DAYS_14), Points(5_000_000));
        assert_eq!(decayed(Points::whole(10), 2 * DAYS_14, DAYS_14), Points(2_500_000));
    }

    #[test]
    fn half_a_half_life_leaves_the_square_root_of_a_half() {
        assert_eq!(decayed(Points::whole(10), DAYS_14 / 2, DAYS_14), Points(7_071_067));
        assert_eq!(decayed(Points::whole(-10), DAYS_14 / 2, DAYS_14), Points(-7_071_067));
    }

    #[test]
    fn forty_points_reach_thirty_after_fourteen_days_times_log2_of_four_thirds() {
        let crossing = 502_029_359; // 14 d * log2(40/30) = 5.811 d, in whole ms below
        assert!(decayed(Points::whole(40), crossing, DAYS_14) >= Points::whole(30));
        assert!(decayed(Points::whole(40), crossing + 1, DAYS_14) < Points::whole(30));
    }

    #[test]
    fn an_event_ahead_of_the_log_is_not_worth_more() {
        assert_eq!(decayed(Points::whole(10), -DAYS_14, DAYS_14), Points::whole(10));
    }

    #[test]
    fn the_ends_of_the_number_line_do_not_overflow() {
        assert_eq!(decayed(Points(i64::MIN), 0, 1), Points(-i64::MAX));
        assert_eq!(decayed(Points(i64::MAX), i64::MAX, 1), Points::ZERO);
        assert_eq!(decayed(Points(i64::MAX), 1, i64::MAX), Points(i64::MAX));
        assert_eq!(decayed(Points::ONE, 5, 0), Points(31_250));
    }

    proptest! {
        #[test]
        fn points_never_rise_with_age(
            points in any::<i64>(), age in 0..400 * Millis::DAY, later in 0..Millis::DAY, half_life in 1..200 * Millis::DAY
        ) {
            let (now, then) = (decayed(Points(points), age, half_life), decayed(Points(points), age + later, half_life));
            prop_assert!(then.0.abs() <= now.0.abs());
        }

        #[test]
        fn a_neighbouring_fraction_is_never_worth_more(fraction in 0..(1u64 << 32) - 1) {
            prop_assert!(factor(fraction + 1) < factor(fraction));
            prop_assert!(factor(fraction + 1) > ONE / 2);
        }

        #[test]
        fn one_half_life_halves_exactly(points in -1_000_000_000..1_000_000_000i64, half_life in 1..200 * Millis::DAY) {
            prop_assert_eq!(decayed(Points(points), half_life, half_life), Points(points / 2));
        }

        #[test]
        fn points_of_many_instants_are_worth_as_one_sum_what_they_are_worth_one_by_one(
            events in prop::collection::vec((-1_000_000_000..1_000_000_000i64, 0..400 * Millis::DAY), 1..20),
            half_life in 1..60 * Millis::DAY, later in 0..60 * Millis::DAY
        ) {
            let at = Millis(400 * Millis::DAY + later);
            let mut turns = std::collections::BTreeMap::<i64, Amount>::new();
            for (points, then) in &events {
                let (turn, amount) = Amount::forwarded(Points(*points), Millis(*then), half_life);
                prop_assert!(turn * half_life <= *then && *then < (turn + 1) * half_life);
                let sum = turns.entry(turn).or_default();
                *sum = sum.plus(amount);
            }
            let whole: Points = turns.iter().map(|(turn, sum)| sum.after(at.0 - turn * half_life, Some(half_life))).sum();
            let each: Points = events.iter().map(|(points, then)| decayed(Points(*points), at.0 - then, half_life)).sum();
            prop_assert!((whole - each).0.abs() <= i64::try_from(events.len() + turns.len()).unwrap());
        }

        #[test]
        fn two_steps_differ_from_one_by_less_than_two_micro_points(
            points in 0..1_000_000_000i64, first in 0..90 * Millis::DAY, second in 0..90 * Millis::DAY
        ) {
            let once = decayed(Points(points), first + second, DAYS_14);
            let twice = decayed(decayed(Points(points), first, DAYS_14), second, DAYS_14);
            prop_assert!((once - twice).0.abs() <= 1, "{once:?} {twice:?}");
        }
    }
}
