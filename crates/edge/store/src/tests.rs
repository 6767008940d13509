//! What the tests share: a scratch directory, a way to read a whole store, and the files of a directory as a value.

mod compaction;
mod damage;
mod failure;
mod model;
mod opening;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use baton_engine::Store;
use tempfile::TempDir;

use crate::log::Limits;
use crate::{Identity, MemLog, Opened, Trust};

/// Rows and position.
type State = (BTreeMap<Vec<u8>, Vec<u8>>, i64);
/// File names and contents.
type Files = BTreeMap<String, Vec<u8>>;

/// Segments of a few frames, a frame for each commit, and a compaction that takes a few commits.
const SMALL: Limits = Limits { segment: 300, compaction: 600, slice: 1, frame: 0 };
/// One segment, never compacted.
const ONE_SEGMENT: Limits = Limits { segment: u64::MAX, compaction: u64::MAX, slice: 1, frame: 0 };

fn identity() -> Identity {
    Identity {
        stage: "score".to_owned(),
        lane: 3,
        application: "acme.baton@k1".to_owned(),
        changelog: "t1".to_owned(),
        format: 2,
    }
}

/// Noon, for ever.
const NOON: i64 = 1_800_000_000_000;

fn trust() -> Trust {
    trust_at(NOON)
}

fn trust_at(now: i64) -> Trust {
    Trust { now: Box::new(move || now), most_ms: 6 * 86_400_000 }
}

/// In memory where that is at hand: these tests sync thousands of times.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn lane_dir(state_dir: &TempDir) -> PathBuf {
    state_dir.path().join("score").join("3")
}

fn open(state_dir: &TempDir, limits: Limits) -> (MemLog, Opened) {
    MemLog::open_with(state_dir.path(), &identity(), trust(), limits).unwrap()
}

/// Opens a directory that holds exactly these files.
fn open_files(files: &Files, limits: Limits) -> (TempDir, MemLog, Opened) {
    let state_dir = scratch();
    write_files(&lane_dir(&state_dir), files);
    let (log, opened) = open(&state_dir, limits);
    (state_dir, log, opened)
}

fn state(log: &MemLog) -> State {
    let mut rows = BTreeMap::new();
    log.each(&mut |key, value| {
        assert_eq!(log.get(key), Some(value));
        assert_eq!(rows.insert(key.to_vec(), value.to_vec()), None, "a row is visited once");
    });
    assert_eq!(log.len(), rows.len());
    (rows, log.position())
}

fn read_files(dir: &Path) -> Files {
    let file = |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    fs::read_dir(dir).unwrap().map(|entry| file(entry.unwrap())).collect()
}

fn write_files(dir: &Path, files: &Files) {
    let _absent_at_first = fs::remove_dir_all(dir);
    fs::create_dir_all(dir).unwrap();
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).unwrap();
    }
}

/// The segments' names, in the order of their numbers.
fn segments(files: &Files) -> Vec<String> {
    files.keys().filter(|name| name.starts_with("00")).cloned().collect()
}

/// Commits a varied history, frame by frame: rows set, replaced and deleted, of all lengths, with and without a
/// position. Tells `after` the state at the end of each frame.
fn write_history(log: &mut MemLog, frames: u8, mut after: impl FnMut(&MemLog)) {
    for frame in 0..frames {
        log.put(format!("lead-{}", frame % 17).as_bytes(), Some(&vec![frame; usize::from(frame) % 5 * 11]));
        log.put(&[frame % 3], Some(&[frame]));
        if frame % 4 == 3 {
            log.put(format!("lead-{}", (frame + 4) % 17).as_bytes(), None);
        }
        log.commit((frame % 3 == 1).then_some(i64::from(frame) * 10)).unwrap();
        after(log);
    }
}
