//! Single values: words, names, numbers, points, durations, flags, dates.
//!
//! Holds: numbers are read from their decimal text into integers; no value is
//! ever rounded.

use baton_domain::{Millis, Points};
use jiff::civil::Date;

use super::ask::{ANY, Ask};
use super::read::{Field, Once, is_nothing, shown};
use super::yaml::Kind;

/// The most points anything can give or take, in whole points. A million contributions of it
/// still add up within an `i64` of micro-points.
const MAX_POINTS: i64 = 1_000_000;
/// The longest duration: ten years.
const MAX_DURATION_MS: i64 = 3_650 * Millis::DAY;
const MAX_TEXT: usize = 200;
const MAX_NAME: usize = 64;

impl Field<'_> {
    /// Words, trimmed, not empty. What YAML calls null must be quoted to be a word.
    pub fn text(&self) -> Option<String> {
        if self.ask(|| Ask::Text) {
            return Some(ANY.to_owned());
        }
        self.words()
    }

    fn words(&self) -> Option<String> {
        let text = match self.kind {
            Kind::Plain(text) if !is_nothing(text) => text.trim(),
            Kind::Quoted(text) => text.trim(),
            _ => {
                self.expected("text");
                return None;
            }
        };
        if text.is_empty() {
            self.wrong("must not be empty");
            return None;
        }
        if text.chars().count() > MAX_TEXT {
            self.wrong(format!("longer than {MAX_TEXT} characters"));
            return None;
        }
        Some(text.to_owned())
    }

    /// One text or a list of them; not empty, none twice.
    pub fn texts(&self) -> Vec<String> {
        self.texts_that(|_, _| ())
    }

    /// [`Self::texts`], of which `check` notes what else is wrong with each.
    pub fn texts_that(&self, check: impl Fn(&Field<'_>, &str)) -> Vec<String> {
        let mut seen = Once::default();
        let mut texts = Vec::new();
        for item in self.items_or_self() {
            if let Some(text) = item.text() {
                check(&item, &text);
                seen.add(&text, &item);
                texts.push(text);
            }
        }
        if matches!(self.kind, Kind::List(items) if items.is_empty()) {
            self.wrong("must not be empty");
        }
        texts
    }

    /// A name that others refer to.
    pub fn name(&self) -> Option<String> {
        let text = self.text()?;
        self.check_name(&text);
        Some(text)
    }

    /// Notes a problem when `name` could not stand in a metric, a message key or a path.
    pub fn check_name(&self, name: &str) {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
            self.wrong_but(
                format!("{} is not a name", shown(name)),
                format!("use up to {MAX_NAME} letters, digits, `_`, `-`, `.` and `@`"),
            );
        }
    }

    /// One of `known`: the name of a `what` given elsewhere.
    pub fn one_of<'k>(&self, what: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
        let known: Vec<&str> = known.into_iter().collect();
        if self.ask(|| Ask::OneOf(known.iter().map(|name| (*name).to_owned()).collect())) {
            return known.first().map(|name| (*name).to_owned());
        }
        let text = self.words()?;
        if !known.contains(&text.as_str()) {
            self.unknown(what, &text, known);
        }
        Some(text)
    }

    /// A whole number from `low` to `high`.
    pub fn integer(&self, low: i64, high: i64) -> Option<i64> {
        if self.ask(|| Ask::Integer(low, high)) {
            return Some(low.max(1).min(high));
        }
        let text = self.number_text("a whole number")?;
        match decimal(text, 0) {
            Ok(number) if (low..=high).contains(&number) => return Some(number),
            Ok(_) | Err(Flaw::TooLarge) if high == i64::MAX => self.wrong(format!("must be {low} or more")),
            Ok(_) | Err(Flaw::TooLarge) => self.wrong(format!("must be from {low} to {high}")),
            Err(Flaw::TooFine) => self.wrong(format!("must be a whole number, found {text}")),
            Err(Flaw::NotANumber) => self.expected("a whole number"),
        }
        None
    }

    /// Points with up to three decimals; may be negative.
    pub fn points(&self) -> Option<Points> {
        if self.ask(|| Ask::Points(None)) {
            return Some(Points::ONE);
        }
        let text = self.number_text("points")?;
        let most = MAX_POINTS * Points::ONE.0;
        match decimal(text, 6) {
            Ok(micro) if micro % 1_000 != 0 => self.wrong("at most three decimals"),
            Ok(micro) if (-most..=most).contains(&micro) => return Some(Points(micro)),
            Ok(_) | Err(Flaw::TooLarge) => self.wrong(format!("must be from -{MAX_POINTS} to {MAX_POINTS}")),
            Err(Flaw::TooFine) => self.wrong("at most three decimals"),
            Err(Flaw::NotANumber) => self.expected("points, as in 12 or 7.5"),
        }
        None
    }

    /// Points above zero.
    pub fn positive_points(&self) -> Option<Points> {
        if self.ask(|| Ask::Points(Some(Points::ZERO))) {
            return Some(Points::ONE);
        }
        let points = self.points()?;
        if points <= Points::ZERO {
            self.wrong(format!("must be above 0, found {points}"));
            return None;
        }
        Some(points)
    }

    fn number_text(&self, what: &str) -> Option<&str> {
        match self.kind {
            Kind::Plain(text) if is_not_finite(text) => self.wrong(format!("must be finite, found {text}")),
            Kind::Plain(text) if !is_nothing(text) => return Some(text),
            _ => self.expected(what),
        }
        None
    }

    /// A duration in ms, above zero.
    pub fn duration(&self) -> Option<i64> {
        let ms = self.duration_or_zero()?;
        if ms == 0 {
            self.wrong("must be longer than 0");
            return None;
        }
        Some(ms)
    }

    /// A duration in ms: `90s`, `5m`, `1h`, `14d`, `2w`.
    pub fn duration_or_zero(&self) -> Option<i64> {
        if self.ask(|| Ask::Duration) {
            return Some(Millis::DAY);
        }
        let text = self.words()?;
        self.read_duration(&text)
    }

    /// A duration written in `text`, which is this value or a part of it; in ms.
    pub fn read_duration(&self, text: &str) -> Option<i64> {
        let unit = match text.chars().last() {
            Some('s') => Millis::SECOND,
            Some('m') => Millis::MINUTE,
            Some('h') => Millis::HOUR,
            Some('d') => Millis::DAY,
            Some('w') => 7 * Millis::DAY,
            _ => {
                self.not_a_duration(text);
                return None;
            }
        };
        match decimal(&text[..text.len() - 1], 0).map(|count| count.checked_mul(unit)) {
            Ok(Some(ms)) if ms < 0 => self.wrong("must not be negative"),
            Ok(Some(ms)) if ms <= MAX_DURATION_MS => return Some(ms),
            Ok(_) | Err(Flaw::TooLarge) => self.wrong("longer than ten years"),
            Err(_) => self.not_a_duration(text),
        }
        None
    }

    fn not_a_duration(&self, text: &str) {
        self.wrong_but(format!("expected a duration, found {}", shown(text)), "write it as in 90s, 5m, 1h, 14d or 2w");
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Option<bool> {
        if self.ask(|| Ask::Flag) {
            return Some(true);
        }
        match self.kind {
            Kind::Plain(text) if text == "true" => return Some(true),
            Kind::Plain(text) if text == "false" => return Some(false),
            _ => self.expected("true or false"),
        }
        None
    }

    /// A date: `2026-12-24`.
    pub fn date(&self) -> Option<Date> {
        let text = self.text()?;
        self.read_date(&text)
    }

    /// A date written in `text`, which is this value or its key.
    pub fn read_date(&self, text: &str) -> Option<Date> {
        let date = day_of(text);
        if date.is_none() {
            self.wrong(format!("expected a date as in 2026-12-24, found {}", shown(text)));
        }
        date
    }
}

/// Why a text is not a decimal number of the wanted size.
#[derive(Debug, PartialEq, Eq)]
enum Flaw {
    NotANumber,
    TooFine,
    TooLarge,
}

/// A decimal text as a whole number of 10^-`places`.
fn decimal(text: &str, places: u32) -> Result<i64, Flaw> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(Flaw::NotANumber);
    }
    let fraction = fraction.trim_end_matches('0');
    let spare = u32::try_from(fraction.len()).ok().and_then(|used| places.checked_sub(used)).ok_or(Flaw::TooFine)?;
    let digit = |total: i64, b: u8| total.checked_mul(10)?.checked_add(i64::from(b - b'0'));
    let scaled = whole.bytes().chain(fraction.bytes()).try_fold(0, digit);
    let value = scaled.and_then(|value| value.checked_mul(10_i64.checked_pow(spare)?)).ok_or(Flaw::TooLarge)?;
    Ok(if negative { -value } else { value })
}

fn is_not_finite(plain: &str) -> bool {
    let word = plain.trim_start_matches(['-', '+']).trim_start_matches('.').to_ascii_lowercase();
    matches!(word.as_str(), "inf" | "infinity" | "nan")
}

/// A date in exactly the form `YYYY-MM-DD`.
fn day_of(text: &str) -> Option<Date> {
    let mut parts = text.split('-').map(|part| part.bytes().all(|b| b.is_ascii_digit()).then_some(part));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_read_exactly_from_its_text() {
        assert_eq!(decimal("12", 6), Ok(12_000_000));
        assert_eq!(decimal("-0.125", 6), Ok(-125_000));
        assert_eq!(decimal("7.50", 6), Ok(7_500_000));
        assert_eq!(decimal("0.1", 6), Ok(100_000));
        assert_eq!(decimal("3.0", 0), Ok(3));
    }

    #[test]
    fn what_is_not_a_decimal_is_told_apart() {
        for text in ["", "-", ".5", "5.", "1e3", "0x1f", "1_000", "+-1", "1.2.3", "\u{661}"] {
            assert_eq!(decimal(text, 6), Err(Flaw::NotANumber), "{text}");
        }
        assert_eq!(decimal("1.0000001", 6), Err(Flaw::TooFine));
        assert_eq!(decimal("1.5", 0), Err(Flaw::TooFine));
        assert_eq!(decimal("9223372036854775808", 0), Err(Flaw::TooLarge));
        assert_eq!(decimal("9223372036855", 6), Err(Flaw::TooLarge));
    }

    #[test]
    fn only_real_dates_in_full_are_dates() {
        assert!(day_of("2028-02-29").is_some());
        for text in ["2026-02-29", "2026-2-9", "26-02-09", "2026-13-01", "2026-02-01-", "2026/02/01", "-026-02-01"] {
            assert_eq!(day_of(text), None, "{text}");
        }
    }
}
