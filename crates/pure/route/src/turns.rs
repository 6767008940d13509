//! Whose turn it is: the strategies of a pool.
//!
//! Holds: the credits of a pool add up to zero; while all members can take leads, each has within one
//! lead of the share that their weight gives, at every moment.

use std::cmp::Ordering;

use baton_policy::Strategy;

use crate::row::{Room, Turn, hash};

/// One who may get the lead.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Who.
    pub(crate) rep: String,
    /// Their weight, from 1.
    pub(crate) weight: i64,
    /// Whether they can take it.
    pub(crate) eligible: bool,
    /// Leads on their desk.
    pub(crate) open: i64,
    /// Most leads at a time.
    pub(crate) open_max: Option<i64>,
}

/// Gives the lead of `handoff` to one of the eligible; their index, and how in words. `None` when
/// there is none, and then nothing has changed.
pub(crate) fn take(
    room: &mut Room,
    strategy: &Strategy,
    members: &[Candidate],
    handoff: &str,
    day: i64,
) -> Option<(usize, &'static str)> {
    if !members.iter().any(|member| member.eligible) {
        return None;
    }
    seat(room, members);
    let (next, how) = match strategy {
        Strategy::LeastLoaded => (least_loaded(members, handoff)?, "least loaded"),
        Strategy::Balanced { catch_up_cap } => match behind(room, members, handoff, day, *catch_up_cap) {
            Some(next) => {
                catch_up(&mut room.turns[next], day);
                (next, "catching up")
            }
            None => (turn(room, members)?, "next in turn"),
        },
        Strategy::Weighted | Strategy::Claim | Strategy::Dispatcher { .. } => (turn(room, members)?, "next in turn"),
    };
    room.turns[next].given = room.turns[next].given.saturating_add(1);
    Some((next, how))
}

/// One turn for each member, in their order.
///
/// Credits are in units of the weights: with other weights they would be false, so a pool that
/// changed starts anew. Of what was given a newcomer counts as having had as much as anybody, by
/// weight: what came before was not theirs to have. So, too, does one whose weight is another now: as
/// far ahead or behind as before, for what was given in the past was given by the weights of then.
fn seat(room: &mut Room, members: &[Candidate]) {
    let same = |(turn, member): (&Turn, &Candidate)| turn.rep == member.rep && turn.weight == member.weight;
    if room.turns.len() == members.len() && room.turns.iter().zip(members).all(same) {
        return;
    }
    let fullest = room.turns.iter().map(|turn| (turn.given, turn.weight)).max_by(|a, b| share(*a, *b));
    let seated = members.iter().map(|member| {
        let before = room.turns.iter().find(|turn| turn.rep == member.rep);
        let newcomer = fullest.map_or(0, |(given, weight)| given.saturating_mul(member.weight) / weight.max(1));
        Turn {
            rep: member.rep.clone(),
            weight: member.weight,
            credit: 0,
            given: before.map_or(newcomer, |turn| turn.given.saturating_mul(member.weight) / turn.weight.max(1)),
            day: before.map_or(0, |turn| turn.day),
            caught_up: before.map_or(0, |turn| turn.caught_up),
        }
    });
    room.turns = seated.collect();
}

/// Compares two (part, whole) by part over whole.
fn share(a: (i64, i64), b: (i64, i64)) -> Ordering {
    (i128::from(a.0) * i128::from(b.1)).cmp(&(i128::from(b.0) * i128::from(a.1)))
}

/// The next in turn.
///
/// Each eligible member is owed its weight more; of those who are owed anything, the one whose next
/// lead falls due first takes it (ties by the order of the members) and pays for all. The largest
/// credit alone would seem enough, but with two heavy members among many light ones it strays more
/// than a lead from the fair share.
fn turn(room: &mut Room, members: &[Candidate]) -> Option<usize> {
    let eligible = |i: usize| members[i].eligible;
    let all: i64 = members.iter().filter(|member| member.eligible).map(|member| member.weight).sum();
    for (_, turn) in room.turns.iter_mut().enumerate().filter(|(i, _)| eligible(*i)) {
        turn.credit += turn.weight;
    }
    let candidates = || room.turns.iter().enumerate().filter(|(i, _)| eligible(*i));
    // When those who are absent hold all the credit, everyone here is a candidate.
    let owed = candidates().any(|(_, turn)| turn.credit > 0);
    let next = candidates()
        .filter(|(_, turn)| !owed || turn.credit > 0)
        .reduce(|first, other| if due_before(other.1, first.1, all) { other } else { first })
        .map(|(i, _)| i)?;
    room.turns[next].credit -= all;
    Some(next)
}

/// Whether a member's next lead falls due in fewer leads of the pool than another's: the lead is due
/// when the credit reaches `all`, and the credit grows by the weight each time.
fn due_before(turn: &Turn, other: &Turn, all: i64) -> bool {
    let gap = |turn: &Turn| i128::from(all) - i128::from(turn.credit);
    gap(turn) * i128::from(other.weight) < gap(other) * i128::from(turn.weight)
}

/// Whoever has the least to do as a share of what they can: of `open_max` where every eligible member
/// has one, else of the weight. Ties by hash of handoff and rep.
fn least_loaded(members: &[Candidate], handoff: &str) -> Option<usize> {
    let limited = members.iter().filter(|member| member.eligible).all(|member| member.open_max.is_some());
    let room = |member: &Candidate| if limited { member.open_max.unwrap_or(1) } else { member.weight };
    let eligible = members.iter().enumerate().filter(|(_, member)| member.eligible);
    let order = |a: &Candidate, b: &Candidate| {
        share((a.open, room(a)), (b.open, room(b))).then_with(|| tie(handoff, &a.rep).cmp(&tie(handoff, &b.rep)))
    };
    eligible.min_by(|(_, a), (_, b)| order(a, b)).map(|(i, _)| i)
}

fn tie(handoff: &str, rep: &str) -> u64 {
    hash(&[handoff, rep])
}

/// The eligible member furthest behind the others of those here, if one is behind by more than turns
/// alone would bring about and may still catch up today. Ties by hash.
fn behind(room: &Room, members: &[Candidate], handoff: &str, day: i64, cap: i64) -> Option<usize> {
    let here: Vec<(usize, &Turn)> = room.turns.iter().enumerate().filter(|(i, _)| members[*i].eligible).collect();
    let most = here.iter().map(|(_, turn)| *turn).max_by(|a, b| share((a.given, a.weight), (b.given, b.weight)))?;
    // Turns keep each within a lead of the fair share: so far apart are two by turns alone.
    let lags = |turn: &Turn| {
        let gap = i128::from(most.given) * i128::from(turn.weight) - i128::from(turn.given) * i128::from(most.weight);
        gap >= i128::from(turn.weight) + i128::from(most.weight)
    };
    let may = |turn: &Turn| cap > if turn.day == day { turn.caught_up } else { 0 };
    let order = |a: &Turn, b: &Turn| {
        share((a.given, a.weight), (b.given, b.weight)).then_with(|| tie(handoff, &a.rep).cmp(&tie(handoff, &b.rep)))
    };
    here.into_iter().filter(|(_, turn)| lags(turn) && may(turn)).min_by(|(_, a), (_, b)| order(a, b)).map(|(i, _)| i)
}

fn catch_up(turn: &mut Turn, day: i64) {
    if turn.day != day {
        (turn.day, turn.caught_up) = (day, 0);
    }
    turn.caught_up += 1;
}
