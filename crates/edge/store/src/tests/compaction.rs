//! Compaction: less on the disk, the same rows, whenever it is cut short.

use baton_engine::Store;

use super::{
    Files, ONE_SEGMENT, SMALL, State, identity, lane_dir, open, open_files, read_files, scratch, segments, state,
};
use super::{write_files, write_history};
use crate::log::Limits;
use crate::manifest::{self, Found};
use crate::segment;
use crate::{Opened, Size};

/// After each frame of a history with several compactions: the state, and the files as a crash would leave them.
fn snapshots() -> Vec<Snapshot> {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, SMALL);
    let mut snapshots = Vec::new();
    write_history(&mut log, 120, |log| snapshots.push((state(log), read_files(&lane_dir(&state_dir)))));
    snapshots
}

type Snapshot = (State, Files);

/// Pairs of snapshots of which the second's commit completed a compaction.
fn switches(snapshots: &[Snapshot]) -> Vec<[&Snapshot; 2]> {
    let pairs = snapshots.iter().zip(&snapshots[1..]);
    pairs.filter(|(before, after)| base(&before.1) != base(&after.1)).map(|(before, after)| [before, after]).collect()
}

/// The first segment that the manifest names.
fn base(files: &Files) -> u64 {
    let scratch = scratch();
    write_files(scratch.path(), files);
    let Found::Segments(entries) = manifest::read(scratch.path(), &identity()).unwrap() else { panic!("no manifest") };
    entries[0].segment
}

#[test]
fn a_crash_after_any_commit_loses_nothing() {
    let snapshots = snapshots();
    for (index, (expected, files)) in snapshots.iter().enumerate() {
        let (_dir, log, opened) = open_files(files, SMALL);
        assert_eq!(&state(&log), expected, "after frame {index}");
        assert!(matches!(opened, Opened::Loaded { torn_bytes: 0, .. }), "after frame {index}: {opened:?}");
    }
    assert!(switches(&snapshots).len() >= 3, "several compactions were under test");
}

#[test]
fn a_crash_between_base_and_manifest_keeps_the_old_log() {
    let snapshots = snapshots();
    for [before, after] in switches(&snapshots) {
        // All of the new files, but the old ones still there and still in force.
        let mut files = before.1.clone();
        files.extend(after.1.clone());
        files.insert("MANIFEST.next".to_owned(), after.1["MANIFEST"].clone());
        files.insert("MANIFEST".to_owned(), before.1["MANIFEST"].clone());
        let (_dir, log, opened) = open_files(&files, SMALL);
        assert_eq!(state(&log), after.0);
        assert!(matches!(opened, Opened::Loaded { torn_bytes: 0, .. }), "{opened:?}");
    }
}

#[test]
fn what_a_compaction_replaced_is_deleted_on_opening_or_by_the_commits_after_it() {
    let snapshots = snapshots();
    for [_, after] in switches(&snapshots) {
        let (dir, log, _) = open_files(&after.1, SMALL);
        assert_eq!(state(&log), after.0);
        assert_eq!(older_than(base(&after.1), &read_files(&lane_dir(&dir))), 0);

        // A commit deletes one of these small files.
        let commits = older_than(base(&after.1), &after.1);
        assert!(commits > 0);
        let switch = snapshots.iter().position(|snapshot| snapshot == after).unwrap();
        if let Some((_, later)) = snapshots.get(switch + commits) {
            assert_eq!(older_than(base(&after.1), later), 0);
        }
    }
}

/// How many segments have a lower number.
fn older_than(number: u64, files: &Files) -> usize {
    let name = segment::path("".as_ref(), number);
    segments(files).iter().filter(|older| older.as_str() < name.to_string_lossy().as_ref()).count()
}

#[test]
fn a_compaction_takes_several_commits_and_rows_change_meanwhile() {
    let snapshots = snapshots();
    for [_, after] in switches(&snapshots) {
        let base = base(&after.1);
        let name = segment::path("".as_ref(), base).into_os_string().into_string().unwrap();
        let under_way = snapshots.iter().filter(|(_, files)| files.contains_key(&name) && self::base(files) < base);
        assert!(under_way.count() > 1, "{name}");
    }
}

#[test]
fn a_log_mostly_dead_shrinks_to_the_live_rows() {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, Limits { slice: 1 << 20, ..SMALL });
    for round in 0..100_u32 {
        for lead in 0..10_u32 {
            log.put(&lead.to_be_bytes(), Some(&[&round.to_be_bytes()[..], &[7; 60]].concat()));
        }
        log.commit(Some(i64::from(round))).unwrap();
    }
    let Size { rows, live_bytes, log_bytes } = log.size();
    assert_eq!(rows, 10);
    assert_eq!(live_bytes, 10 * (1 + 1 + 4 + 64));
    assert!(log_bytes < 3 * live_bytes, "{log_bytes} of {live_bytes}");
    let expected = state(&log);
    drop(log);
    assert_eq!(state(&open(&state_dir, SMALL).0), expected);
}

#[test]
fn a_log_is_left_alone_until_more_than_half_of_it_is_dead() {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, Limits { segment: u64::MAX, slice: 1 << 20, ..SMALL });
    let mut compactions = 0;
    for round in 0..40_u8 {
        log.put(&[round % 10], Some(&[round; 100]));
        let Size { live_bytes, log_bytes, .. } = log.size();
        log.commit(None).unwrap();
        let frame = 32 + 3 + 100;
        let length = log_bytes + frame;
        if length > 600 && length - live_bytes > length / 2 {
            assert!(log.size().log_bytes < log_bytes, "round {round}");
            compactions += 1;
        } else {
            assert_eq!(log.size().log_bytes, length, "round {round}");
        }
    }
    assert!(compactions > 1);
}

#[test]
fn a_base_filled_part_by_part_has_every_row() {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, Limits { compaction: 1 << 16, slice: 1, ..Limits::DEFAULT });
    // Rows in every part of the map, in frames too small to carry a compaction over more than a few parts.
    for lead in 0..15_000_u32 {
        log.put(&(lead % 5_000).to_be_bytes(), Some(&lead.to_be_bytes()));
        log.commit(None).unwrap();
    }
    let frames = 15_000 * (32 + 2 + 4 + 4);
    assert!(log.size().log_bytes < frames / 2, "{:?}", log.size());
    let expected = state(&log);
    assert_eq!(expected.0.len(), 5_000);
    drop(log);
    assert_eq!(state(&open(&state_dir, SMALL).0), expected);
}

#[test]
fn deleting_every_row_empties_the_log_but_keeps_the_position() {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, Limits { slice: 1 << 20, ..SMALL });
    log.put(b"ada", Some(&[7; 1000]));
    log.commit(Some(9)).unwrap();
    log.put(b"ada", None);
    log.commit(None).unwrap();
    assert!(log.size().log_bytes < 100, "{:?}", log.size());
    drop(log);
    let (log, _) = open(&state_dir, SMALL);
    assert_eq!((log.len(), log.position()), (0, 9));
}

#[test]
fn the_usual_limits_bound_the_log_to_twice_the_rows_and_eight_mebibytes() {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, Limits::DEFAULT);
    let mut longest = 0;
    for round in 0..40_u32 {
        for lead in 0..4_000_u32 {
            log.put(&lead.to_be_bytes(), Some(&[&round.to_be_bytes()[..], &[7; 800]].concat()));
            if lead % 500 == 499 {
                log.commit(None).unwrap();
                longest = longest.max(log.size().log_bytes);
            }
        }
    }
    let live = log.size().live_bytes;
    // Begun at twice the rows or 8 MiB, whichever is later; while it is under way as much again may be added.
    assert!(longest <= (2 * live).max(8 << 20) + live + (1 << 20), "{longest} of {live}");
    let expected = state(&log);
    drop(log);
    assert_eq!(state(&open(&state_dir, Limits::DEFAULT).0), expected);
}

#[test]
fn a_row_that_changes_often_is_written_once_a_frame_and_kept_on_closing() {
    let state_dir = scratch();
    let limits = Limits { frame: 1 << 20, ..ONE_SEGMENT };
    let (mut log, _) = open(&state_dir, limits);
    for round in 0..=255_u8 {
        log.put(b"ada", Some(&[round; 100]));
        log.put(b"bob", (round % 2 == 0).then_some(&[round][..]));
        log.commit(None).unwrap();
    }
    assert_eq!(log.size().log_bytes, 0, "without a position nothing would be gained by writing");
    log.commit(Some(7)).unwrap();
    assert!(log.size().log_bytes < 2_000, "{:?}", log.size());
    log.put(b"cyd", Some(b"1"));
    log.commit(None).unwrap();
    let before = state(&log);
    log.close().unwrap();
    assert_eq!(state(&open(&state_dir, limits).0), before);
}
