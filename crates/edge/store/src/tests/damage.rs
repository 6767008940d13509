//! Files cut short, bits flipped, bytes that strayed: an earlier frame's state, or nothing.

use baton_engine::Store;

use super::{Files, ONE_SEGMENT, SMALL, State, lane_dir, open, open_files, read_files, scratch, segments, state};
use super::{identity, trust, write_files, write_history};
use crate::log::Limits;
use crate::{Cause, Identity, MemLog, Opened};

/// The files after a history of frames, and after each frame the state and the log's length.
fn history(limits: Limits, frames: u8) -> (Files, Vec<(State, u64)>) {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, limits);
    let mut states = vec![(state(&log), 0)];
    write_history(&mut log, frames, |log| states.push((state(log), log.size().log_bytes)));
    drop(log);
    // Opened once more, so that an unfinished base is gone: damage to litter would prove nothing.
    drop(open(&state_dir, limits));
    (read_files(&lane_dir(&state_dir)), states)
}

/// The store goes on from whatever it came back as.
fn assert_usable(state_dir: &tempfile::TempDir, mut log: MemLog, limits: Limits) {
    log.put(b"after", Some(b"the damage"));
    log.commit(Some(i64::MAX)).unwrap();
    let expected = state(&log);
    drop(log);
    let (log, opened) = open(state_dir, limits);
    assert!(matches!(opened, Opened::Loaded { torn_bytes: 0, .. }), "{opened:?}");
    assert_eq!(state(&log), expected);
}

/// Nothing but a state that once was, or an empty store that says so.
fn assert_earlier_or_wiped(opened: &Opened, found: &State, states: &[(State, u64)], what: &str) {
    match opened {
        Opened::Loaded { .. } => assert!(states.iter().any(|(state, _)| state == found), "{what}: {found:?}"),
        Opened::Wiped { .. } => assert_eq!(found, &State::default(), "{what}"),
        Opened::Fresh => panic!("{what}: not fresh"),
    }
}

#[test]
fn a_log_cut_at_any_byte_is_the_last_whole_frames_state() {
    let (mut files, states) = history(ONE_SEGMENT, 12);
    let name = segments(&files).pop().unwrap();
    let whole = files[&name].clone();
    for cut in 0..=whole.len() {
        files.insert(name.clone(), whole[..cut].to_vec());
        let cut = cut as u64;
        let (expected, end) = states.iter().rfind(|(_, end)| *end <= cut).unwrap();

        let (state_dir, log, opened) = open_files(&files, ONE_SEGMENT);

        assert_eq!(&state(&log), expected, "cut at {cut}");
        let Opened::Loaded { rows, position, torn_bytes, .. } = opened else { panic!("cut at {cut}: {opened:?}") };
        assert_eq!((rows, position, torn_bytes), (expected.0.len(), expected.1, cut - end), "cut at {cut}");
        assert_usable(&state_dir, log, ONE_SEGMENT);
    }
}

#[test]
fn zeroes_or_noise_after_the_last_frame_are_cut_off() {
    let (files, states) = history(ONE_SEGMENT, 5);
    for tail in [vec![0; 4096], vec![0xff; 100], b"no frame at all".to_vec()] {
        let mut files = files.clone();
        files.get_mut("000000000001.log").unwrap().extend_from_slice(&tail);
        let (state_dir, log, opened) = open_files(&files, ONE_SEGMENT);
        assert!(matches!(opened, Opened::Loaded { torn_bytes, .. } if torn_bytes == tail.len() as u64));
        assert_eq!(state(&log), states.last().unwrap().0);
        assert_usable(&state_dir, log, ONE_SEGMENT);
    }
}

#[test]
fn a_sealed_segment_cut_or_lengthened_by_a_byte_wipes_the_store() {
    let limits = Limits { compaction: u64::MAX, ..SMALL };
    let (files, _) = history(limits, 24);
    let names = segments(&files);
    assert!(names.len() > 2, "{names:?}");
    for (name, number) in names[..names.len() - 1].iter().zip(1..) {
        let whole = files[name].len();
        for length in (0..whole).chain([whole + 1]) {
            let mut files = files.clone();
            files.get_mut(name).unwrap().resize(length, 0);
            let (_dir, log, opened) = open_files(&files, limits);
            assert_eq!(opened, Opened::Wiped { cause: Cause::SegmentDamaged { segment: number } });
            assert_eq!(state(&log), State::default());
        }
    }
}

#[test]
fn a_bit_flipped_anywhere_never_yields_rows_that_never_were() {
    for (limits, what) in [(ONE_SEGMENT, "one segment"), (SMALL, "compacted")] {
        let (files, states) = history(limits, 40);
        assert_eq!(segments(&files).first().unwrap() == "000000000001.log", what == "one segment");
        for (name, bytes) in &files {
            for at in 0..bytes.len() {
                for mask in [1 << (at % 8), 0xff] {
                    let mut files = files.clone();
                    files.get_mut(name).unwrap()[at] ^= mask;
                    let (_dir, log, opened) = open_files(&files, limits);
                    let what = format!("{what}, {name}, byte {at}");
                    assert_earlier_or_wiped(&opened, &state(&log), &states, &what);
                    // No flipped bit goes unnoticed.
                    assert!(!matches!(opened, Opened::Loaded { torn_bytes: 0, .. }), "{what}");
                }
            }
        }
    }
}

#[test]
fn a_compacted_log_cut_at_any_byte_is_an_earlier_state_or_wiped() {
    // At every stage between two compactions: just switched, and with frames since.
    let mut wiped = 0;
    let mut kept = 0;
    for frames in (11..60).step_by(3) {
        let (files, states) = history(SMALL, frames);
        let name = segments(&files).pop().unwrap();
        for cut in 0..files[&name].len() {
            let mut files = files.clone();
            files.get_mut(&name).unwrap().truncate(cut);
            let (_dir, log, opened) = open_files(&files, SMALL);
            let found = state(&log);
            assert_earlier_or_wiped(&opened, &found, &states, &format!("{frames} frames, cut at {cut}"));
            wiped += u32::from(found == State::default());
            kept += u32::from(found != State::default());
        }
    }
    assert!(wiped > 100 && kept > 100, "{wiped} wiped, {kept} kept: both must occur");
}

#[test]
fn frames_that_change_places_are_not_frames() {
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, ONE_SEGMENT);
    for value in [b"1", b"2", b"3"] {
        log.put(b"ada", Some(value));
        log.commit(None).unwrap();
    }
    drop(log);
    let mut files = read_files(&lane_dir(&state_dir));
    let bytes = files.get_mut("000000000001.log").unwrap();
    let third = bytes.len() / 3;
    let (second, last) = bytes[third..].split_at_mut(third);
    second.swap_with_slice(last);

    let (_dir, log, opened) = open_files(&files, ONE_SEGMENT);
    assert_eq!(log.get(b"ada"), Some(&b"1"[..]));
    assert!(matches!(opened, Opened::Loaded { frames: 1, torn_bytes, .. } if torn_bytes == 2 * third as u64));
}

#[test]
fn a_segment_of_another_lane_is_not_read() {
    let (files, _) = history(ONE_SEGMENT, 3);
    let state_dir = scratch();
    let other = Identity { lane: 4, ..identity() };
    drop(MemLog::open_with(state_dir.path(), &other, trust(), ONE_SEGMENT).unwrap());
    let dir = state_dir.path().join("score").join("4");
    let mut mixed = read_files(&dir);
    mixed.insert("000000000001.log".to_owned(), files["000000000001.log"].clone());
    write_files(&dir, &mixed);
    let (log, opened) = MemLog::open_with(state_dir.path(), &other, trust(), ONE_SEGMENT).unwrap();
    assert!(log.is_empty());
    assert!(matches!(opened, Opened::Loaded { frames: 0, torn_bytes: 1.., .. }), "{opened:?}");
}
