//! The line that a lead was last below, remembered for when another policy draws it lower.
//!
//! Holds: a lead that stands over the line only because a policy lowered it is handed off by the event that
//! would have taken it over the line as it was, just as if nobody had lowered it.
//!
//! Absent on purpose: the earlier policy's rules. What a lead's activities are worth, the present one says.

use std::collections::BTreeMap;

use baton_domain::{Grade, Points};
use baton_policy::{Policy, WarmNeeds};
use serde::{Deserialize, Serialize};

use crate::reckon::Standing;
use crate::state::Considered;

/// Where a lead stood that the matrix did not hand off. The first two are written as a no and a yes were
/// before lines were remembered, so that rows of that time are still read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stood {
    /// Below a line that is not remembered.
    Below,
    /// Over the line, by a step that it took and that did not count, or where sales knows it.
    Over,
    /// Below this line.
    Under(Line),
    /// Over the line, since a policy drew it lower than this one.
    Lifted(Line),
}

/// From where on a policy hands leads off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The least fit of grades A, B and C.
    grades: [Points; 3],
    /// The least engagement at which a lead of a grade is handed off.
    least: BTreeMap<Grade, Points>,
    /// The same of a lead that has not shown what bands 1 and 2 ask for besides points.
    least_cold: BTreeMap<Grade, Points>,
    /// So many activities, in so many channels.
    needs: (usize, usize),
}

impl Stood {
    /// Where a lead stands now that news of it was judged, of which the matrix thought so before.
    pub(crate) fn judged(policy: &Policy, now: &Standing, before: Option<Considered>) -> Self {
        if now.lane(policy).is_none() {
            return Self::Under(Line::of(policy));
        }
        match before.map(|before| before.stood) {
            Some(Self::Under(line) | Self::Lifted(line)) => Self::Lifted(line),
            _ => Self::Over,
        }
    }

    pub(crate) fn is_below(&self) -> bool {
        matches!(self, Self::Below | Self::Under(_))
    }

    /// Whether the line asks for more than points.
    pub(crate) fn needs_warmth(&self) -> bool {
        matches!(self, Self::Under(line) | Self::Lifted(line) if line.needs != (0, 0))
    }

    /// Whether an event takes the lead over the line that it was below.
    pub(crate) fn passes(&self, before: &Standing, after: &Standing) -> bool {
        match self {
            Self::Under(line) | Self::Lifted(line) => !line.is_below(before) && line.is_below(after),
            Self::Below | Self::Over => false,
        }
    }
}

impl Line {
    fn of(policy: &Policy) -> Self {
        let bands = &policy.engagement.bands;
        let place = |band: i32| usize::try_from(band.saturating_sub(1)).unwrap_or_default();
        let from = |band: i32| bands.get(place(band)).copied().unwrap_or_default();
        let (mut least, mut least_cold) = (BTreeMap::<Grade, Points>::new(), BTreeMap::new());
        for (grade, band) in policy.decision.matrix.keys() {
            let from = from(*band);
            for least in [Some(&mut least), Some(&mut least_cold).filter(|_| *band > 2)].into_iter().flatten() {
                least.entry(*grade).and_modify(|least| *least = from.min(*least)).or_insert(from);
            }
        }
        let WarmNeeds { activities, channels } = policy.engagement.warm_needs;
        Self { grades: policy.fit.grades, least, least_cold, needs: (activities, channels) }
    }

    /// Whether the line lies below a standing, which a grade of unknown stays.
    fn is_below(&self, standing: &Standing) -> bool {
        let reached = || [Grade::A, Grade::B, Grade::C].into_iter().zip(self.grades);
        let graded = || reached().find(|(_, least)| standing.fit >= *least).map_or(Grade::D, |(grade, _)| grade);
        let grade = if standing.grade == Grade::U { Grade::U } else { graded() };
        let (activities, channels) = self.needs;
        let warm = standing.shown.meets(WarmNeeds { activities, channels });
        let least = if warm { &self.least } else { &self.least_cold };
        least.get(&grade).is_some_and(|least| standing.engagement >= *least)
    }
}
