//! Who comes to the site, and how many of each.
//!
//! Holds: of every hundred leads in a row exactly `SHARES` are of each persona.

use crate::person::Fit;

/// A kind of visitor, with a script of its own in `script`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Persona {
    /// Looks, never says who it is.
    WindowShopper,
    /// Reads, and fills in a form for a download.
    Reader,
    /// Asks for a demo.
    DemoRequester,
    /// Asks for a price, a call or a trial.
    Asker,
    /// Becomes ready by engagement alone.
    SlowBurner,
    /// Becomes ready because a fact is found out.
    Enriched,
    /// Downloads everything and will never buy.
    Collector,
    /// Asks for a demo from where nothing may be sold.
    Excluded,
    /// Writes a thesis.
    Student,
    /// Works for a competitor.
    Competitor,
    /// Two people, one browser.
    SharedDevice,
    /// Wants to be left alone.
    OptOut,
    /// A machine.
    Bot,
}

/// How many of a hundred leads are of each persona.
pub(crate) const SHARES: [(Persona, u64); 13] = [
    (Persona::WindowShopper, 24),
    (Persona::Reader, 23),
    (Persona::DemoRequester, 14),
    (Persona::Asker, 5),
    (Persona::SlowBurner, 8),
    (Persona::Enriched, 6),
    (Persona::Collector, 5),
    (Persona::Excluded, 2),
    (Persona::Student, 2),
    (Persona::Competitor, 2),
    (Persona::SharedDevice, 2),
    (Persona::OptOut, 4),
    (Persona::Bot, 3),
];

impl Persona {
    /// The persona of the lead with this number.
    ///
    /// 37 shares no factor with 100, so a hundred numbers in a row visit every place of the
    /// deck once, and neighbours are of different kinds.
    pub(crate) fn of(number: u64) -> Self {
        let mut place = (number % 100) * 37 % 100;
        for (persona, share) in SHARES {
            if place < share {
                return persona;
            }
            place -= share;
        }
        Self::WindowShopper
    }

    /// How well such a person fits; some kinds come in several.
    pub(crate) fn fit(self, number: u64) -> Fit {
        match self {
            Self::SlowBurner | Self::Enriched => Fit::Ideal,
            Self::DemoRequester if number % 7 == 3 => Fit::Poor,
            Self::DemoRequester | Self::Asker | Self::SharedDevice | Self::OptOut => {
                if number.is_multiple_of(2) {
                    Fit::Ideal
                } else {
                    Fit::Fair
                }
            }
            Self::Reader => {
                if number.is_multiple_of(3) {
                    Fit::Fair
                } else {
                    Fit::Poor
                }
            }
            Self::WindowShopper | Self::Collector | Self::Bot => Fit::Poor,
            Self::Excluded => Fit::Excluded,
            Self::Student => Fit::Student,
            Self::Competitor => Fit::Competitor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_hold_in_every_hundred_leads() {
        assert_eq!(SHARES.iter().map(|(_, share)| share).sum::<u64>(), 100);
        for hundred in [0, 700] {
            for (persona, share) in SHARES {
                let found = (hundred..hundred + 100).filter(|number| Persona::of(*number) == persona).count();
                assert_eq!(found as u64, share, "{persona:?}");
            }
        }
    }
}
