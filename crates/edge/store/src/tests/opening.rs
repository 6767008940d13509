//! Whose directory it is, and which ones are refused.

use std::fs;
use std::path::Path;

use baton_engine::Store;

use super::{NOON, ONE_SEGMENT, SMALL, identity, lane_dir, open, open_files, read_files, scratch};
use super::{state, trust, trust_at, write_files};
use crate::manifest;
use crate::{Cause, Error, Identity, MemLog, Opened};

/// A store with one row, of this identity.
fn written_by(identity: &Identity) -> tempfile::TempDir {
    let state_dir = scratch();
    let (mut log, _) = MemLog::open(state_dir.path(), identity, trust()).unwrap();
    log.put(b"ada", Some(b"42"));
    log.commit(Some(7)).unwrap();
    state_dir
}

/// What `identity()` makes of a lane's directory that another identity wrote.
fn reopened_after(owner: &Identity) -> Result<(MemLog, Opened), Error> {
    let state_dir = written_by(owner);
    let theirs = state_dir.path().join(&owner.stage).join(owner.lane.to_string());
    let files = read_files(&theirs);
    write_files(&lane_dir(&state_dir), &files);
    MemLog::open(state_dir.path(), &identity(), trust())
}

#[test]
fn a_new_directory_is_fresh_and_empty() {
    let state_dir = scratch();
    let (log, opened) = open(&state_dir, ONE_SEGMENT);
    assert_eq!(opened, Opened::Fresh);
    assert_eq!((log.len(), log.position(), log.get(b"ada")), (0, 0, None));
}

#[test]
fn what_was_committed_is_there_again_and_what_was_not_is_gone() {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, ONE_SEGMENT);
    log.put(b"ada", Some(b"42"));
    log.put(b"bob", Some(b""));
    log.put(b"", Some(b"a row without a key"));
    log.commit(Some(7)).unwrap();
    log.put(b"bob", None);
    log.commit(None).unwrap();
    let committed = state(&log);
    log.put(b"eve", Some(b"never committed"));
    assert_eq!(log.get(b"eve"), Some(&b"never committed"[..]));
    log.close().unwrap();

    let (log, opened) = open(&state_dir, ONE_SEGMENT);
    assert_eq!(opened, Opened::Loaded { rows: 2, position: 7, frames: 2, torn_bytes: 0 });
    assert_eq!(state(&log), committed);
}

#[test]
fn a_position_never_falls() {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, ONE_SEGMENT);
    for position in [5_i8, 3, -9] {
        log.put(b"ada", Some(&[position.unsigned_abs()]));
        log.commit(Some(i64::from(position))).unwrap();
        assert_eq!(log.position(), 5);
    }
    drop(log);
    let (log, _) = open(&state_dir, ONE_SEGMENT);
    assert_eq!((log.position(), log.get(b"ada")), (5, Some(&[9][..])));
}

#[test]
fn a_frame_that_changes_nothing_takes_no_room() {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, ONE_SEGMENT);
    log.put(b"ada", Some(b"42"));
    log.commit(Some(7)).unwrap();
    let size = log.size();
    log.put(b"ada", Some(b"42"));
    log.put(b"eve", None);
    log.commit(Some(7)).unwrap();
    assert_eq!(log.size(), size);
}

#[test]
fn a_directory_in_use_is_refused_until_it_is_closed() {
    let state_dir = written_by(&identity());
    let (log, _) = MemLog::open(state_dir.path(), &identity(), trust()).unwrap();
    let error = MemLog::open(state_dir.path(), &identity(), trust()).unwrap_err();
    assert!(matches!(&error, Error::Locked { path } if *path == lane_dir(&state_dir)), "{error}");
    assert!(error.to_string().contains("score/3 is in use by another process; "), "{error}");
    // Refusing has touched nothing.
    log.close().unwrap();
    let (log, _) = MemLog::open(state_dir.path(), &identity(), trust()).unwrap();
    assert_eq!(log.get(b"ada"), Some(&b"42"[..]));
}

#[test]
fn lanes_and_stages_have_directories_of_their_own() {
    let state_dir = written_by(&identity());
    for other in [Identity { lane: 4, ..identity() }, Identity { stage: "route".to_owned(), ..identity() }] {
        let (_log, opened) = MemLog::open(state_dir.path(), &other, trust()).unwrap();
        assert_eq!(opened, Opened::Fresh);
    }
}

#[test]
fn rows_of_another_stage_lane_or_application_are_wiped() {
    let other_lane = Identity { lane: 4, ..identity() };
    let other_stage = Identity { stage: "route".to_owned(), ..identity() };
    let other_application = Identity { application: "acme.baton@k2".to_owned(), ..identity() };
    for owner in [other_lane, other_stage, other_application] {
        let (log, opened) = reopened_after(&owner).unwrap();
        let Identity { stage, lane, application, .. } = owner;
        assert_eq!(opened, Opened::Wiped { cause: Cause::Foreign { stage, lane, application } });
        assert_eq!((log.len(), log.position()), (0, 0));
    }
}

#[test]
fn a_wiped_store_is_gone_from_the_disk_and_usable() {
    let owner = Identity { application: "acme.baton@k2".to_owned(), ..identity() };
    let state_dir = written_by(&owner);
    let (mut log, _) = MemLog::open(state_dir.path(), &identity(), trust()).unwrap();
    assert_eq!(log.size().log_bytes, 0);
    log.put(b"bob", Some(b"1"));
    log.commit(Some(1)).unwrap();
    let written = state(&log);
    drop(log);
    let (log, opened) = MemLog::open(state_dir.path(), &identity(), trust()).unwrap();
    assert_eq!(opened, Opened::Loaded { rows: 1, position: 1, frames: 1, torn_bytes: 0 });
    assert_eq!(state(&log), written);
}

#[test]
fn rows_in_an_older_format_are_wiped() {
    let (_log, opened) = reopened_after(&Identity { format: 1, ..identity() }).unwrap();
    assert_eq!(opened, Opened::Wiped { cause: Cause::OldFormat { found: 1 } });
}

#[test]
fn rows_in_a_newer_format_are_refused_and_left_alone() {
    let newer = Identity { format: 3, ..identity() };
    let state_dir = written_by(&newer);
    let before = read_files(&lane_dir(&state_dir));
    let error = MemLog::open(state_dir.path(), &identity(), trust()).unwrap_err();
    assert!(error.to_string().contains("run that release again, or remove the directory"), "{error}");
    assert!(matches!(error, Error::Newer { what: "row format", found: 3, known: 2, .. }), "{error}");
    assert_eq!(read_files(&lane_dir(&state_dir)), before);
}

#[test]
fn a_newer_layout_is_refused_and_an_older_one_wiped() {
    let state_dir = written_by(&identity());
    let path = lane_dir(&state_dir).join("MANIFEST");
    // Of a layout to come only the envelope is known.
    fs::write(&path, manifest::wrap(manifest::LAYOUT + 1, b"who knows")).unwrap();
    let error = MemLog::open(state_dir.path(), &identity(), trust()).unwrap_err();
    assert!(matches!(error, Error::Newer { what: "layout", found: 3, known: 2, .. }), "{error}");
    fs::write(&path, manifest::wrap(manifest::LAYOUT - 1, b"who knew")).unwrap();
    let (_log, opened) = MemLog::open(state_dir.path(), &identity(), trust()).unwrap();
    assert_eq!(opened, Opened::Wiped { cause: Cause::OldLayout { found: 1 } });
}

#[test]
fn segments_without_a_manifest_are_wiped() {
    let state_dir = written_by(&identity());
    fs::remove_file(lane_dir(&state_dir).join("MANIFEST")).unwrap();
    let (log, opened) = MemLog::open(state_dir.path(), &identity(), trust()).unwrap();
    assert_eq!(opened, Opened::Wiped { cause: Cause::ManifestMissing });
    assert!(log.is_empty());
}

#[test]
fn a_missing_segment_wipes_the_store() {
    let state_dir = written_by(&identity());
    fs::remove_file(lane_dir(&state_dir).join("000000000001.log")).unwrap();
    let (_log, opened) = MemLog::open(state_dir.path(), &identity(), trust()).unwrap();
    assert_eq!(opened, Opened::Wiped { cause: Cause::SegmentDamaged { segment: 1 } });
}

#[test]
fn litter_of_a_crash_is_removed_and_foreign_files_are_not() {
    let state_dir = written_by(&identity());
    let before = read_files(&lane_dir(&state_dir));
    let mut littered = before.clone();
    littered.insert("000000000009.log".to_owned(), before["000000000001.log"].clone());
    let (littered_dir, log, _) = open_files(&littered, SMALL);
    assert_eq!(log.len(), 1);
    assert_eq!(read_files(&lane_dir(&littered_dir)), before);

    fs::write(lane_dir(&littered_dir).join("notes.txt"), b"kept").unwrap();
    drop(log);
    drop(open(&littered_dir, SMALL));
    assert!(lane_dir(&littered_dir).join("notes.txt").exists());
}

#[test]
fn clearing_forgets_rows_position_and_the_open_frame_for_good() {
    let state_dir = written_by(&identity());
    let (mut log, _) = MemLog::open(state_dir.path(), &identity(), trust()).unwrap();
    log.put(b"bob", Some(b"1"));
    log.clear().unwrap();
    assert_eq!((log.len(), log.position(), log.size().log_bytes), (0, 0, 0));
    log.commit(None).unwrap();
    drop(log);
    let (log, opened) = MemLog::open(state_dir.path(), &identity(), trust()).unwrap();
    assert_eq!(opened, Opened::Loaded { rows: 0, position: 0, frames: 0, torn_bytes: 0 });
    assert!(log.is_empty());
}

#[test]
fn a_stage_that_is_no_directory_name_is_refused() {
    let state_dir = scratch();
    for stage in ["", ".", "..", "/etc", "a/b", "score/"] {
        let identity = Identity { stage: stage.to_owned(), ..identity() };
        let error = MemLog::open(state_dir.path(), &identity, trust()).unwrap_err();
        assert!(matches!(error, Error::Stage { .. }), "{stage:?}: {error}");
    }
    assert_eq!(fs::read_dir(state_dir.path()).unwrap().count(), 0);
}

#[test]
fn rows_of_a_changelog_that_was_made_anew_are_wiped() {
    let (log, opened) = reopened_after(&Identity { changelog: "t0".to_owned(), ..identity() }).unwrap();
    let cause = Cause::ChangelogReplaced { was: "t0".to_owned(), is: "t1".to_owned() };
    assert_eq!(opened, Opened::Wiped { cause });
    assert_eq!((log.len(), log.position()), (0, 0));
}

const DAY: i64 = 86_400_000;

/// What a store that was last written at noon is opened as, at another time.
fn opened_at(now: i64) -> Opened {
    let state_dir = written_by(&identity());
    MemLog::open(state_dir.path(), &identity(), trust_at(now)).unwrap().1
}

#[test]
fn rows_whose_deletion_the_changelog_may_have_forgotten_are_wiped() {
    assert!(matches!(opened_at(NOON + 6 * DAY), Opened::Loaded { rows: 1, position: 7, .. }));
    assert_eq!(opened_at(NOON + 6 * DAY + 1), Opened::Wiped { cause: Cause::TooOld { days: 6 } });
    assert_eq!(opened_at(NOON + 40 * DAY), Opened::Wiped { cause: Cause::TooOld { days: 40 } });
}

#[test]
fn a_checkpoint_from_the_future_is_not_believed() {
    assert!(matches!(opened_at(NOON - 3_600_000), Opened::Loaded { .. }), "an hour is within what clocks differ by");
    assert_eq!(opened_at(NOON - 3 * 3_600_000), Opened::Wiped { cause: Cause::FromTheFuture { hours: 3 } });
}

#[test]
fn an_idle_lane_s_store_stays_young_as_long_as_it_is_told_so() {
    let state_dir = written_by(&identity());
    let (mut log, _) = MemLog::open(state_dir.path(), &identity(), trust_at(NOON + 5 * DAY)).unwrap();
    log.commit(Some(7)).unwrap();
    drop(log);
    let (log, opened) = MemLog::open(state_dir.path(), &identity(), trust_at(NOON + 10 * DAY)).unwrap();
    assert!(matches!(opened, Opened::Loaded { rows: 1, position: 7, .. }), "{opened:?}");
    assert_eq!(log.get(b"ada"), Some(&b"42"[..]));
}

#[test]
fn the_age_survives_a_compaction() {
    let state_dir = scratch();
    let (mut log, _) = MemLog::open_with(state_dir.path(), &identity(), trust(), SMALL).unwrap();
    super::write_history(&mut log, 120, |_| {});
    drop(log);
    let open = |now| MemLog::open_with(state_dir.path(), &identity(), trust_at(now), SMALL).unwrap().1;
    assert!(matches!(open(NOON + DAY), Opened::Loaded { .. }));
    assert!(matches!(open(NOON + 7 * DAY), Opened::Wiped { cause: Cause::TooOld { .. } }));
}

/// What a folder of layout 2 looks like on disk, as an earlier build wrote it. Never written anew: a layout that
/// cannot read it must wipe it by name, and has a fixture of its own.
#[test]
fn a_folder_that_an_earlier_build_wrote_is_read_to_the_last_row() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/store-layout-2");
    let written = scratch();
    let (mut log, _) = open(&written, SMALL);
    super::write_history(&mut log, 25, |_| {});
    let expected = state(&log);
    drop(log);
    if std::env::var("BATON_WRITE_FIXTURE").is_ok() {
        write_files(&committed, &read_files(&lane_dir(&written)));
    }
    let mut files = read_files(&committed);
    files.remove("LOCK");
    let (_dir, log, opened) = open_files(&files, SMALL);
    assert!(matches!(opened, Opened::Loaded { torn_bytes: 0, .. }), "{opened:?}");
    assert_eq!(state(&log), expected);
}
