//! A disk that is full, a directory that cannot be one.

use std::fs::{self, OpenOptions};
use std::path::Path;

use baton_engine::Store;

use super::{ONE_SEGMENT, identity, lane_dir, open, scratch, state, trust};
use crate::{Error, MemLog, Opened};

/// Linux's device that is always full.
const FULL: &str = "/dev/full";

#[test]
fn a_full_disk_is_named_and_nothing_is_written_after_it() {
    if !Path::new(FULL).exists() {
        return;
    }
    let state_dir = scratch();
    let (mut log, _) = open(&state_dir, ONE_SEGMENT);
    log.put(b"ada", Some(b"42"));
    log.commit(Some(7)).unwrap();
    let committed = state(&log);
    let disk = std::mem::replace(&mut log.chain.active.file, OpenOptions::new().append(true).open(FULL).unwrap());

    log.put(b"ada", Some(b"43"));
    let error = log.commit(Some(8)).unwrap_err().to_string();
    assert!(error.starts_with("could not append to "), "{error}");
    assert!(error.contains("score/3/000000000001.log: No space left on device"), "{error}");
    assert!(error.ends_with("; make room there and start again, nothing is lost"), "{error}");

    // With room again, a frame would follow a gap: the store has to be opened anew.
    log.chain.active.file = disk;
    assert_eq!(log.commit(Some(8)).unwrap_err().to_string(), error);
    assert_eq!(log.clear().unwrap_err().to_string(), error);
    assert_eq!(log.close().unwrap_err().to_string(), error);
    assert_eq!(state(&open(&state_dir, ONE_SEGMENT).0), committed);
}

#[test]
fn a_state_directory_that_is_a_file_is_named() {
    let scratch = scratch();
    let file = scratch.path().join("state");
    fs::write(&file, b"").unwrap();
    let error = MemLog::open(&file, &identity(), trust()).unwrap_err();
    assert!(matches!(&error, Error::Io { doing: "create", path, .. } if path.starts_with(&file)), "{error}");
    assert!(error.to_string().ends_with("state/score/3"), "{error}");
    // With the cause out of the way it starts as if nothing had been.
    fs::remove_file(&file).unwrap();
    let (_log, opened) = MemLog::open(&file, &identity(), trust()).unwrap();
    assert_eq!(opened, Opened::Fresh);
}

#[test]
fn a_segment_that_cannot_be_read_is_an_error_and_not_a_reason_to_wipe() {
    let state_dir = scratch();
    drop(open(&state_dir, ONE_SEGMENT));
    let segment = lane_dir(&state_dir).join("000000000001.log");
    fs::remove_file(&segment).unwrap();
    fs::create_dir(&segment).unwrap();
    let error = MemLog::open(state_dir.path(), &identity(), trust()).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == segment), "{error}");
}

#[test]
fn a_directory_that_may_not_be_written_is_named_with_the_way_out() {
    use baton_engine::StoreError;
    use std::io;
    for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
        let refused = Error::io("create", Path::new("/state/score/3"))(io::Error::from(kind));
        let said = StoreError::from(refused).0;
        assert!(said.starts_with("could not create /state/score/3: "), "{said}");
        assert!(said.ends_with("; make it writable for this user, or set another state_dir"), "{said}");
    }
}
