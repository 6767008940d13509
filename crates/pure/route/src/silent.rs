//! An owner who lets the time pass: the lead goes to another desk, back to its queue, or stays for want of one.
//!
//! Holds: a lead is looked at again at what its owner owes next, or when another desk may be free.
//!
//! Absent on purpose: when that is ([`crate::Promises`]), and the breach itself (the watchdog's).

use baton_domain::{LogTime, Points};

use crate::choose;
use crate::floor::Floor;
use crate::hear::{queue, standing_choice, try_no_more, voice};
use crate::pause;
use crate::row::{self, Directory, Lead, Standing, lead_key};
use crate::say::Said;
use crate::serve::{alert_at, clear, give, is_by_hand, next_chance, serve};

/// The owner of a lead let the time pass: it goes to another desk where one is free, where that is what the
/// policy asks for. Else it stays for now, for a lead that nobody else can take is better with a silent owner
/// than with none; that is told once, and another desk is looked for until the owner answers.
pub(crate) fn silent<D: Directory>(floor: &mut Floor<'_, D>, lead_id: &str, mut lead: Box<Lead>, said: &mut Vec<Said>) {
    let passed = lead.promises.due(floor.policy, floor.at);
    let words = lead.owner.clone().and_then(|owner| pause::strike(floor, &owner, passed.strikes));
    if passed.moves && lead.decision.as_ref().is_some_and(|decision| is_by_hand(floor, decision)) {
        return back(floor, lead_id, lead, words, said);
    }
    let mut kept = None;
    if passed.moves {
        let mut moving = lead.clone();
        try_no_more(&mut moving);
        if let Some(mut choice) = choose::choose(floor, lead_id, &moving) {
            if let Some(words) = &words {
                choice.note("auto_pause", "paused", words);
            }
            if choice.owner.is_some() {
                give(floor, moving, choice, "reassign", said);
                // Who had it has room again.
                return serve(floor, None, said);
            }
            kept = Some(choice);
        }
        lead.alerts = if passed.anew { 0 } else { lead.alerts.saturating_add(1) };
        // Whatever was found, what was due now is so no more: or the lead would be looked at again at once.
        let pools = kept.as_ref().map(|choice| std::slice::from_ref(&choice.pool)).unwrap_or_default();
        let again = next_chance(floor, pools).min(alert_at(floor, floor.at, lead.alerts));
        lead.promises.try_again(floor.at, again);
        kept = kept.filter(|_| passed.anew || words.is_some());
    }
    lead.due = lead.promises.next().unwrap_or(LogTime::MAX);
    if let (Some(mut choice), Some(decision)) = (kept, &lead.decision) {
        if let Standing::Owned { pool } = &lead.standing {
            choice.pool.clone_from(pool);
        }
        choice.owner.clone_from(&lead.owner);
        choice.why = format!("stays with {}: nobody else can take it", lead.owner.as_deref().unwrap_or("nobody"));
        said.push(voice(floor).told(decision, &lead, choice, "reassign"));
    } else {
        paused(floor, &lead, words, said);
    }
    row::put_lead(floor.dir, &lead_key(lead_id), lead);
}

/// Nobody is looked for where leads are claimed or given out: the lead is there for the next one to take.
fn back<D: Directory>(
    floor: &mut Floor<'_, D>,
    lead_id: &str,
    mut lead: Box<Lead>,
    words: Option<String>,
    said: &mut Vec<Said>,
) {
    paused(floor, &lead, words, said);
    clear(floor, &lead);
    lead.promises.take_from_owner(floor.policy);
    try_no_more(&mut lead);
    let score = lead.decision.as_ref().map_or(Points::ZERO, |decision| decision.score);
    queue(floor, lead, lead_id, score, "reassign", said);
    // Who had it has room again.
    serve(floor, None, said);
}

/// Says that the owner gets no more leads for now, where it is so.
fn paused<D: Directory>(floor: &Floor<'_, D>, lead: &Lead, words: Option<String>, said: &mut Vec<Said>) {
    let (Some(words), Some(decision)) = (words, &lead.decision) else { return };
    let mut choice = standing_choice(floor, decision, lead);
    choice.owner.clone_from(&lead.owner);
    choice.note("auto_pause", "paused", &words);
    choice.why = words;
    said.push(voice(floor).told(decision, lead, choice, "auto_paused"));
}
