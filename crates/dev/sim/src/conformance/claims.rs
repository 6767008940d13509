//! The claims, each with a place of its own.

use baton_engine::{Fault, Log, Part, Topic};

use super::Place;
use super::seat::{Held, PATIENCE_MS, Seat, same, told};

/// The part that most claims are about.
pub(super) const PART: Part = (0, 0);
const OUT: Topic = Topic::Output(0);
/// The stage's own input.
const IN: Topic = Topic::Output(1);

/// What an aborted transaction wrote is read by nobody, and what it consumed is not consumed.
pub fn an_aborted_transaction_leaves_nothing<P: Place>(place: &P) -> Held {
    let mut seat = Seat::ready(place.open("0"))?;
    seat.join()?;
    seat.open_on_changelog("undone")?;
    seat.write(OUT, "undone").map_err(told)?;
    seat.log.send_offsets(&[(PART, 7)]).map_err(told)?;
    seat.log.abort().map_err(told)?;
    same("outputs", place.read(&place.spec().outputs[0].0, 0), Vec::new())?;
    same("committed offset", seat.committed()?, None)
}

/// Outputs and positions of a committed transaction are there; positions need no output.
pub fn a_committed_transaction_leaves_outputs_and_positions<P: Place>(place: &P) -> Held {
    let mut seat = Seat::ready(place.open("0"))?;
    seat.join()?;
    same("committed offset of a new group", seat.committed()?, None)?;
    same("beginning", seat.log.beginning(PART).map_err(told)?, 0)?;
    seat.log.begin().map_err(told)?;
    seat.write(OUT, "done").map_err(told)?;
    seat.log.send_offsets(&[(PART, 7)]).map_err(told)?;
    seat.log.commit().map_err(told)?;
    same("outputs", place.read(&place.spec().outputs[0].0, 0), vec!["done".to_owned()])?;
    same("committed offset", seat.committed()?, Some(7))?;
    seat.log.begin().map_err(told)?;
    seat.log.send_offsets(&[(PART, 9)]).map_err(told)?;
    seat.log.commit().map_err(told)?;
    same("committed offset", seat.committed()?, Some(9))
}

/// The end of a part is told behind the marker of the last transaction on it.
pub fn the_end_of_a_part_is_told_behind_its_last_marker<P: Place>(place: &P) -> Held {
    let mut seat = Seat::ready(place.open("0"))?;
    seat.join()?;
    seat.log.begin().map_err(told)?;
    seat.write(IN, "a").map_err(told)?;
    seat.log.send_offsets(&[(PART, 0)]).map_err(told)?;
    seat.log.commit().map_err(told)?;
    seat.log.start(&[(PART, 0)]).map_err(told)?;
    seat.until("the end is told", |seat| seat.ends.get(&PART).is_some_and(|end| *end > 1))?;
    same("records", seat.records.clone(), vec![(PART, 0, "a".to_owned())])?;
    same("end", seat.ends.get(&PART).copied(), Some(2))
}

/// The changelog's end counts a transaction that is open, which no restore can read past.
pub fn the_changelogs_end_counts_what_is_still_open<P: Place>(place: &P) -> Held {
    let mut seat = Seat::ready(place.open("0"))?;
    seat.join()?;
    seat.open_on_changelog("row")?;
    same("end with an open transaction", seat.log.changelog_end(0).map_err(told)?, 1)?;
    seat.log.restore_start(0, 0).map_err(told)?;
    let mut rows = 0;
    for _ in 0..20 {
        let reached = seat.log.restore_poll(0, &mut |_, _| rows += 1).map_err(told)?;
        same("position before the verdict", (reached, rows), (0, 0))?;
        seat.poll()?;
    }
    seat.log.restore_stop(0);
    seat.log.commit().map_err(told)?;
    seat.until("the marker is written", |seat| seat.log.changelog_end(0) == Ok(2))?;
    same("restored", seat.restored()?, (vec!["row".to_owned()], 2))
}

/// A restore comes to the end over what was undone there.
pub fn a_restore_reads_over_an_undone_tail_to_the_end<P: Place>(place: &P) -> Held {
    let mut seat = Seat::ready(place.open("0"))?;
    seat.join()?;
    seat.open_on_changelog("undone")?;
    seat.log.abort().map_err(told)?;
    seat.until("the marker is written", |seat| seat.log.changelog_end(0) == Ok(2))?;
    same("restored", seat.restored()?, (Vec::new(), 2))
}

/// While an open transaction could change a committed offset, no offset is told.
pub fn committed_offsets_wait_for_an_open_transaction<P: Place>(place: &P) -> Held {
    let mut seat = Seat::ready(place.open("0"))?;
    seat.join()?;
    seat.log.begin().map_err(told)?;
    seat.log.send_offsets(&[(PART, 7)]).map_err(told)?;
    if let Ok(offset) = seat.committed() {
        return Err(format!("{offset:?} was told while a transaction over it was open"));
    }
    seat.log.commit().map_err(told)?;
    same("committed offset", seat.committed()?, Some(7))
}

/// Whoever takes over a transactional id undoes what its last holder left open; that one can write no more.
pub fn a_takeover_undoes_what_was_left_open_and_fences_the_last_holder<P: Place>(place: &P) -> Held {
    let mut first = Seat::ready(place.open("0"))?;
    first.join()?;
    first.open_on_changelog("left open")?;
    first.write(OUT, "left open").map_err(told)?;
    let mut second = Seat::ready(place.open("0"))?;
    second.until("the marker is written", |seat| seat.log.changelog_end(0) == Ok(2))?;
    same("restored", second.restored()?, (Vec::new(), 2))?;
    match first.log.commit() {
        Err(Fault::Fenced(_)) => {}
        other => return Err(format!("a fenced producer's commit gave {other:?}")),
    }
    same("outputs", place.read(&place.spec().outputs[0].0, 0), Vec::new())
}

/// A member whose place somebody else has cannot commit positions, though its producer is as good as ever.
pub fn a_replaced_member_cannot_commit_positions<P: Place>(place: &P) -> Held {
    let mut first = Seat::ready(place.open("0"))?;
    first.join()?;
    let mut second = Seat::new(place.open("0"));
    second.join()?;
    first.log.begin().map_err(told)?;
    first.write(OUT, "too late").map_err(told)?;
    match first.log.send_offsets(&[(PART, 7)]) {
        Err(Fault::Abort(_)) => {}
        other => return Err(format!("a replaced member's positions gave {other:?}")),
    }
    first.log.abort().map_err(told)?;
    same("outputs", place.read(&place.spec().outputs[0].0, 0), Vec::new())?;
    same("committed offset", second.committed()?, None)
}

/// A record that no broker would take ends the process with a message, and nothing of its transaction is seen.
pub fn a_record_too_large_fails_before_anything_is_visible<P: Place>(place: &P) -> Held {
    let mut seat = Seat::ready(place.open("0"))?;
    seat.join()?;
    seat.log.begin().map_err(told)?;
    seat.write(OUT, "small").map_err(told)?;
    match seat.write(OUT, &"x".repeat(5_000_000)) {
        Err(Fault::Config(_)) => {}
        other => return Err(format!("five million bytes gave {other:?}")),
    }
    place.kill(seat.log);
    same("outputs", place.read(&place.spec().outputs[0].0, 0), Vec::new())
}

/// Reading starts over where it is told to.
pub fn a_part_is_read_again_from_where_it_is_started<P: Place>(place: &P) -> Held {
    let mut seat = Seat::ready(place.open("0"))?;
    seat.join()?;
    let topic = &place.spec().inputs[0].topic;
    for value in ["a", "b", "c"] {
        place.append(topic, 0, value);
    }
    let offsets = |seat: &mut Seat<P::Log>| seat.records.drain(..).map(|(_, offset, _)| offset).collect::<Vec<_>>();
    seat.log.start(&[(PART, 0)]).map_err(told)?;
    seat.until("all is read", |seat| seat.records.len() == 3 && seat.ends.contains_key(&PART))?;
    same("records", offsets(&mut seat), vec![0, 1, 2])?;
    seat.ends.clear();
    seat.log.start(&[(PART, 1)]).map_err(told)?;
    seat.until("it is read again", |seat| seat.records.len() >= 2 && seat.ends.contains_key(&PART))?;
    same("records", offsets(&mut seat), vec![1, 2])?;
    same("end", seat.ends.get(&PART).copied(), Some(3))
}

/// A held part gives nothing until it is let go, and then all of it.
pub fn a_held_part_gives_nothing_until_it_is_let_go<P: Place>(place: &P) -> Held {
    let mut seat = Seat::ready(place.open("0"))?;
    seat.join()?;
    seat.log.start(&[(PART, 0)]).map_err(told)?;
    seat.log.hold(&[PART], true).map_err(told)?;
    place.append(&place.spec().inputs[0].topic, 0, "a");
    seat.linger()?;
    same("records of a held part", seat.records.len(), 0)?;
    seat.log.hold(&[PART], false).map_err(told)?;
    seat.until("the record comes", |seat| !seat.records.is_empty())?;
    same("records", seat.records.clone(), vec![(PART, 0, "a".to_owned())])
}

/// Two members share the lanes; no lane is given before its last owner has let go.
pub fn two_members_share_the_lanes_and_each_has_one_owner<P: Place>(place: &P) -> Held {
    let mut first = Seat::new(place.open("0"));
    first.until("it has every lane", |seat| seat.lanes.len() == 2)?;
    let mut second = Seat::new(place.open("1"));
    let began = first.log.now();
    while first.lanes.len() != 1 || second.lanes.len() != 1 {
        if first.log.now().since(began) > PATIENCE_MS {
            return Err(format!("lanes are not shared: {:?} and {:?}", first.lanes, second.lanes));
        }
        first.poll()?;
        second.poll()?;
        if let Some(lane) = first.lanes.intersection(&second.lanes).next() {
            return Err(format!("lane {lane} has two owners"));
        }
    }
    place.kill(second.log);
    first.until("the lanes of a dead member come back", |seat| seat.lanes.len() == 2)
}
