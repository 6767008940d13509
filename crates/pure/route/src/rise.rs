//! News of a lead whose episode is open: the score moved, it asked for sales, or it did not after all.
//!
//! Holds: only a lead that waits is moved up; it goes on waiting in the lane and the pool of those who ask, and what is
//! known of it is what was known then. When the request is taken back it stands as if it had never asked, and what its
//! next owner owes of a first touch counts from whenever it changed lanes last.
//!
//! Absent on purpose: what is a request (the scorer knows), and the clocks of who has a desk already: they go on.

use baton_domain::{LogTime, Moved, Qualifying};

use crate::account;
use crate::floor::Floor;
use crate::hear::{is_waiting, voice};
use crate::row::{self, Directory, Lead, Risen, Standing, lead_key};
use crate::say::Said;
use crate::serve::{serve, stand_anew};

/// One that waits stands elsewhere in the queue; of one on a desk the watchdog hears the score.
pub(crate) fn moved<D: Directory>(floor: &mut Floor<'_, D>, moved: &Moved, said: &mut Vec<Said>) -> &'static str {
    let key = lead_key(&moved.lead_id);
    let Some(mut lead) = row::lead(&*floor.dir, &key).filter(|lead| lead.episode == moved.episode) else {
        return "stale";
    };
    let is_queued = matches!(lead.standing, Standing::Waiting { .. });
    let was = lead.decision.as_ref().map(|decision| decision.lane.clone());
    let fell = fall(&mut lead, moved);
    let rose = (is_queued || fell) && rise(&mut lead, moved);
    if fell || rose {
        account::move_on(floor, &mut lead, &moved.lead_id);
    }
    if matches!(lead.standing, Standing::Owned { .. }) {
        said.push(voice(floor).scored(&moved.lead_id, &lead, moved.score));
        row::put_lead(floor.dir, &key, lead);
        return "told_on";
    }
    if let Some(consent) = &moved.consent {
        let before = lead.risen.iter_mut().map(|risen| &mut risen.before);
        lead.decision.iter_mut().chain(before).for_each(|decision| decision.consent.clone_from(consent));
    }
    if fell || rose {
        let lane = lead.decision.as_ref().map(|decision| decision.lane.clone());
        let at = (lane != was).then_some(floor.at);
        return stand(
            floor,
            (lead, at),
            moved,
            if rose { ("hand_raise", "raised") } else { ("retracted", "lowered") },
            said,
        );
    }
    let Standing::Waiting { pool, place, .. } = &mut lead.standing else { return "not_waiting" };
    let Some(wants) = crate::queue::leave(floor.dir, pool, place) else { return "not_waiting" };
    place.rank = moved.score.0.saturating_neg();
    crate::queue::enter(floor.dir, pool, place.clone(), wants);
    row::put_lead(floor.dir, &key, lead);
    "ranked"
}

/// The lead did not ask for sales after all: it stands as it did before. Whether that is so.
fn fall(lead: &mut Lead, moved: &Moved) -> bool {
    let Some(risen) = lead.risen.take_if(|risen| moved.fallen.contains(&risen.by)) else { return false };
    lead.decision = Some(risen.before);
    true
}

/// The lead asks for sales, and whoever does is served before it: it is one of those. Whether that is so.
fn rise(lead: &mut Lead, moved: &Moved) -> bool {
    let (Some(asks), Some(stood)) = (&moved.raised, &mut lead.decision) else { return false };
    if asks.lane >= stood.lane {
        return false;
    }
    let by = asks.trigger_set.first().map(|trigger| trigger.event_id.clone()).unwrap_or_default();
    let before = lead.risen.take().map_or_else(|| stood.clone(), |risen| risen.before);
    *stood = Qualifying {
        // What opened the episode opened it.
        event_id: before.event_id.clone(),
        occurred_at: before.occurred_at,
        history: before.history.clone(),
        review: before.review,
        trigger_set: asks.trigger_set.iter().chain(&before.trigger_set).cloned().collect(),
        ..(**asks).clone()
    };
    lead.risen = Some(Box::new(Risen { by, before }));
    true
}

/// Puts a lead that waits where it belongs by now, and offers it. With `at` it changed lanes then.
fn stand<D: Directory>(
    floor: &mut Floor<'_, D>,
    (mut lead, at): (Box<Lead>, Option<LogTime>),
    moved: &Moved,
    (cause, outcome): (&str, &'static str),
    said: &mut Vec<Said>,
) -> &'static str {
    if let Some(at) = at {
        lead.promises.change_lane(at);
    }
    stand_anew(floor, &moved.lead_id, &mut lead, moved.score);
    row::put_lead(floor.dir, &lead_key(&moved.lead_id), lead);
    serve(floor, Some((moved.lead_id.as_str(), cause)), said);
    if is_waiting(floor, &moved.lead_id) { outcome } else { "assigned" }
}
