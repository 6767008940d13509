//! Points as integers, so that a score is exact and the same everywhere.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, Neg, Sub};

use serde::{Deserialize, Serialize};

/// Millionths of a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Points(pub i64);

impl Points {
    /// No points.
    pub const ZERO: Self = Self(0);
    /// One whole point.
    pub const ONE: Self = Self(1_000_000);

    /// Whole points.
    pub fn whole(points: i64) -> Self {
        Self(points.saturating_mul(1_000_000))
    }
}

impl Add for Points {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Points {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Points {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, |total, item| total + item)
    }
}

impl fmt::Display for Points {
    /// Up to three decimals, rounded towards zero: `12`, `7.5`, `-0.125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milli = self.0 / 1_000;
        let sign = if milli < 0 { "-" } else { "" };
        let (whole, rest) = (milli.unsigned_abs() / 1_000, milli.unsigned_abs() % 1_000);
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let decimals = format!("{rest:03}");
        write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_print_as_a_person_writes_them() {
        assert_eq!(Points::whole(12).to_string(), "12");
        assert_eq!(Points(7_500_000).to_string(), "7.5");
        assert_eq!(Points(-125_000).to_string(), "-0.125");
        assert_eq!(Points(999).to_string(), "0");
    }

    #[test]
    fn points_add_up_exactly_and_stop_at_the_ends() {
        let (seven, two) = (Points::whole(7), Points(2_500_000));
        assert_eq!([seven + two, seven - two, -two], [Points(9_500_000), Points(4_500_000), Points(-2_500_000)]);
        assert_eq!([seven, two, -two].into_iter().sum::<Points>(), seven);
        assert_eq!(Points(i64::MAX) + Points::ONE, Points(i64::MAX));
        assert_eq!(Points(i64::MIN) - Points::ONE, Points(i64::MIN));
        assert_eq!(-Points(i64::MIN), Points(i64::MAX));
    }

    #[test]
    fn no_part_of_a_point_is_printed_past_the_third_decimal() {
        let texts = [Points(-1_050_900), Points(999_999), Points(-10_000_000)].map(|points| points.to_string());
        assert_eq!(texts, ["-1.05", "0.999", "-10"]);
    }
}
