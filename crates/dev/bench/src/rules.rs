//! The numbers of the fixed work: all of them part of its specification.

/// Kinds of events, in order.
pub const KINDS: [&[u8]; 12] = [
    b"page_view",
    b"pricing_view",
    b"email_open",
    b"email_click",
    b"content_download",
    b"webinar_attended",
    b"form_submit",
    b"demo_request",
    b"unsubscribe",
    b"social_engagement",
    b"crm_note",
    b"other",
];
/// The kind that asks for a call.
pub const DEMO: usize = 7;
/// Thousandths of a point for each kind.
pub const WEIGHT: [i32; 12] = [500, 5_000, 500, 2_000, 4_000, 8_000, 6_000, 25_000, -15_000, 1_000, 1_000, 0];
/// The most that a kind may come to.
pub const CAP: [i32; 12] = [10_000, 20_000, 5_000, 12_000, 20_000, 24_000, 18_000, 50_000, -30_000, 6_000, 5_000, 0];

/// Milliseconds of an hour.
pub const HOUR: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

/// A score from here on is marketing's.
pub const MQL: i32 = 65_000;
/// Below this a lead may be handed off again.
pub const REARM: i32 = 50_000;
/// From here on the matter is urgent.
pub const HOT: i32 = 85_000;
/// From here on the lead is warm.
pub const WARM: i32 = 35_000;

/// Territories; the last is for leads without one.
pub const TERRITORIES: [&[u8]; 5] = [b"NA", b"EMEA", b"APAC", b"LATAM", b"UNASSIGNED"];
/// Owners of each, with their weights.
pub const OWNERS: [&[(&[u8], i32)]; 5] = [
    &[(b"owner-na-1", 5), (b"owner-na-2", 3), (b"owner-na-3", 2), (b"owner-na-4", 1)],
    &[(b"owner-emea-1", 4), (b"owner-emea-2", 2), (b"owner-emea-3", 1)],
    &[(b"owner-apac-1", 3), (b"owner-apac-2", 2), (b"owner-apac-3", 2)],
    &[(b"owner-latam-1", 2), (b"owner-latam-2", 1)],
    &[(b"owner-pool-1", 1), (b"owner-pool-2", 1)],
];

/// The index of a kind; that of `other` for one that is not known.
#[inline]
pub fn kind(name: &[u8]) -> usize {
    match name {
        b"page_view" => 0,
        b"pricing_view" => 1,
        b"email_open" => 2,
        b"email_click" => 3,
        b"content_download" => 4,
        b"webinar_attended" => 5,
        b"form_submit" => 6,
        b"demo_request" => DEMO,
        b"unsubscribe" => 8,
        b"social_engagement" => 9,
        b"crm_note" => 10,
        _ => 11,
    }
}

/// The index of a territory.
pub fn territory(name: &[u8]) -> usize {
    TERRITORIES[..4].iter().position(|known| *known == name).unwrap_or(4)
}

/// The band of a score.
pub fn band(score: i32) -> i64 {
    i64::from(score >= WARM) + i64::from(score >= MQL) + i64::from(score >= HOT)
}

/// What remains of points after so many hours, of 2^32: halves in 336 hours, nothing after 90 days.
pub fn decay() -> Vec<i64> {
    const STEP: u64 = 4_286_116_177;
    let mut table = vec![0; 2160];
    let mut left = 1_u64 << 32;
    for (hour, entry) in table.iter_mut().enumerate() {
        if hour > 0 {
            left =
                if hour == 1 { STEP } else { u64::try_from((u128::from(left) * u128::from(STEP)) >> 32).unwrap_or(0) };
        }
        *entry = left.cast_signed();
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_name() {
        for (index, name) in KINDS.iter().enumerate() {
            assert_eq!(kind(name), index);
        }
        assert_eq!(kind(b"else"), 11);
    }

    #[test]
    fn points_halve_in_two_weeks() {
        let table = decay();
        assert_eq!(table[0], 1 << 32);
        assert_eq!(table[1], 4_286_116_177);
        assert!((table[336] - (1 << 31)).abs() < 1_000);
    }
}
