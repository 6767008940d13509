//! Which activities reach a rule's window or end its sequence.
//!
//! Holds: the answer depends on when things happened, never on when they were told.
//!
//! Absent on purpose: which of those that reach it count.

use std::collections::BTreeSet;

use baton_policy::{ActivityRule, Distinct, Sequence, Window};

use crate::marks::Mark;

/// Whether enough marks, this one included, lie within the rule's window before this one.
pub(crate) fn reaches(rule: &ActivityRule, marks: &[Mark], place: usize) -> bool {
    if let Some(sequence) = &rule.when.sequence {
        return ends(sequence, marks, place);
    }
    let Some(window) = rule.when.at_least else {
        return true;
    };
    let at = marks[place].occurred_at;
    let near = |mark: &&Mark| at.since(mark.occurred_at) <= window.within_ms;
    let within = marks[..=place].iter().rev().take_while(near);
    let times = times(window);
    match window.of {
        Distinct::Times => within.take(times).count() == times,
        Distinct::Days | Distinct::Contents => {
            within.map(|mark| one_of(window, mark)).collect::<BTreeSet<_>>().len() >= times
        }
    }
}

/// The places of the earlier marks by which the one at `place` reaches the rule's window, newest first; nothing
/// when it does not.
pub(crate) fn carriers(rule: &ActivityRule, marks: &[Mark], place: usize) -> Option<Vec<usize>> {
    if !reaches(rule, marks, place) {
        return None;
    }
    Some(match &rule.when.sequence {
        Some(sequence) => chain(marks, place, sequence.steps.len().saturating_sub(1)),
        None => evidence(rule, &marks[..=place]).into_iter().rev().filter(|earlier| *earlier != place).collect(),
    })
}

/// The places of the marks that reach the rule's window with the mark of an event, and would not without it: its
/// own, and later ones when it was told after them.
pub(crate) fn completed(rule: &ActivityRule, marks: &[Mark], event_id: &str) -> Vec<usize> {
    let Some(place) = marks.iter().rposition(|mark| mark.event_id == event_id) else { return Vec::new() };
    let mut completed: Vec<usize> = reaches(rule, marks, place).then_some(place).into_iter().collect();
    if place + 1 < marks.len() {
        let mut without = marks.to_vec();
        without.remove(place);
        let needs_it = |later: &usize| reaches(rule, marks, *later) && !reaches(rule, &without, *later - 1);
        completed.extend((place + 1..marks.len()).filter(needs_it));
    }
    completed
}

/// The places of those of `marks`, all older than any other, by which a later one may reach the rule's
/// window: as few as answer for all.
pub(crate) fn evidence(rule: &ActivityRule, marks: &[Mark]) -> BTreeSet<usize> {
    if let Some(sequence) = &rule.when.sequence {
        return (0..sequence.steps.len()).flat_map(|step| chain(marks, marks.len(), step)).collect();
    }
    let Some(window) = rule.when.at_least else {
        return BTreeSet::new();
    };
    let newest_first = (0..marks.len()).rev();
    match window.of {
        Distinct::Times => newest_first.take(times(window)).collect(),
        Distinct::Days | Distinct::Contents => {
            let mut told = BTreeSet::new();
            newest_first.filter(|place| told.insert(one_of(window, &marks[*place]))).take(times(window)).collect()
        }
    }
}

fn times(window: Window) -> usize {
    usize::try_from(window.times).unwrap_or_default()
}

/// What a window tells marks apart by.
fn one_of(window: Window, mark: &Mark) -> u64 {
    match window.of {
        Distinct::Contents => mark.content,
        Distinct::Days | Distinct::Times => mark.occurred_at.day().cast_unsigned(),
    }
}

/// Whether the mark is the last step of a sequence that began not too long before.
fn ends(sequence: &Sequence, marks: &[Mark], place: usize) -> bool {
    let Some(last) = sequence.steps.len().checked_sub(1).filter(|last| is(*last, &marks[place])) else {
        return false;
    };
    let before = chain(marks, place, last);
    let first = if last == 0 { Some(&place) } else { before.last().filter(|_| before.len() == last) };
    first.is_some_and(|first| marks[place].occurred_at.since(marks[*first].occurred_at) <= sequence.within_ms)
}

/// The steps before `step`, backwards from `place`, each taken as late as it can be: no other choice
/// begins later.
fn chain(marks: &[Mark], place: usize, step: usize) -> Vec<usize> {
    let mut before = place;
    let back = (0..step).rev().map_while(|step| {
        before = marks[..before].iter().rposition(|mark| is(step, mark))?;
        Some(before)
    });
    back.collect()
}

fn is(step: usize, mark: &Mark) -> bool {
    u32::try_from(step).is_ok_and(|step| mark.steps >> step & 1 == 1)
}
