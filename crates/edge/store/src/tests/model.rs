//! Random histories against a sorted map: put, delete, commit, close, crash, torn tails, clear.

use std::collections::BTreeMap;

use baton_engine::Store;
use proptest::prelude::*;
use tempfile::TempDir;

use super::{SMALL, State, lane_dir, open, read_files, scratch, segments, state, write_files};
use crate::log::Limits;
use crate::{MemLog, Opened};

#[derive(Clone, Debug)]
enum Action {
    Put(u8, u8, usize),
    Delete(u8),
    Commit(Option<i64>),
    /// Closes in good order and opens again.
    Close,
    /// The process ends between two calls: the files are as the operating system has them.
    Crash,
    /// The same, and so many bytes of the last segment never reached the disk.
    Tear(usize),
    Clear,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        30 => (0..16_u8, any::<u8>(), 0..150_usize).prop_map(|(key, fill, length)| Action::Put(key, fill, length)),
        8 => (0..16_u8).prop_map(Action::Delete),
        20 => proptest::option::of(0..500_i64).prop_map(Action::Commit),
        3 => Just(Action::Close),
        3 => Just(Action::Crash),
        2 => (1..200_usize).prop_map(Action::Tear),
        1 => Just(Action::Clear),
    ]
}

/// The store, and what it must say.
struct Run {
    limits: Limits,
    state_dir: TempDir,
    log: Option<MemLog>,
    /// With the open frame.
    seen: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Whether something changed since the last commit, be it back to what was.
    is_open: bool,
    committed: State,
    history: Vec<State>,
}

impl Run {
    fn new(limits: Limits) -> Self {
        let state_dir = scratch();
        let log = Some(open(&state_dir, limits).0);
        let (seen, committed, history) = (BTreeMap::new(), State::default(), vec![State::default()]);
        Self { limits, state_dir, log, seen, is_open: false, committed, history }
    }

    fn log(&mut self) -> &mut MemLog {
        self.log.as_mut().unwrap()
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Put(key, fill, length) => {
                let (key, value) = (vec![key; usize::from(key)], vec![fill; length]);
                self.log().put(&key, Some(&value));
                self.is_open |= self.seen.insert(key, value.clone()).is_none_or(|before| before != value);
            }
            Action::Delete(key) => {
                let key = vec![key; usize::from(key)];
                self.log().put(&key, None);
                self.is_open |= self.seen.remove(&key).is_some();
            }
            Action::Commit(position) => {
                self.log().commit(position).unwrap();
                self.committed = (self.seen.clone(), position.unwrap_or(0).max(self.committed.1));
                self.history.push(self.committed.clone());
            }
            Action::Close => {
                self.log.take().unwrap().close().unwrap();
                if self.is_open && self.limits.frame > 0 { self.reopen_earlier() } else { self.reopen_whole() }
            }
            Action::Crash => {
                self.crash(0);
                if self.limits.frame > 0 { self.reopen_earlier() } else { self.reopen_whole() }
            }
            Action::Tear(bytes) => {
                self.crash(bytes);
                self.reopen_earlier();
            }
            Action::Clear => {
                self.log().clear().unwrap();
                self.committed = State::default();
            }
        }
        if !matches!(action, Action::Put(..) | Action::Delete(_)) {
            self.seen = self.committed.0.clone();
            self.is_open = false;
        }
        let expected = (self.seen.clone(), self.committed.1);
        assert_eq!(state(self.log()), expected);
    }

    /// Leaves the files as they are before the store is dropped, less the last `bytes`.
    fn crash(&mut self, bytes: usize) {
        let dir = lane_dir(&self.state_dir);
        let mut files = read_files(&dir);
        drop(self.log.take());
        let last = segments(&files).pop().unwrap();
        let last = files.get_mut(&last).unwrap();
        last.truncate(last.len().saturating_sub(bytes));
        write_files(&dir, &files);
    }

    fn reopen(&mut self) -> Opened {
        let (log, opened) = open(&self.state_dir, self.limits);
        self.log = Some(log);
        opened
    }

    fn reopen_earlier(&mut self) {
        let opened = self.reopen();
        let found = state(self.log());
        assert!(self.history.contains(&found), "{opened:?}: never was {found:?}");
        assert!(found == State::default() || matches!(opened, Opened::Loaded { .. }));
        self.committed = found;
    }

    fn reopen_whole(&mut self) {
        let opened = self.reopen();
        assert!(matches!(opened, Opened::Loaded { torn_bytes: 0, .. }), "{opened:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_history_reads_like_a_sorted_map(
        actions in proptest::collection::vec(action(), 1..120),
        slice in prop_oneof![Just(1_u64), Just(200), Just(1 << 20)],
        frame in prop_oneof![Just(0_u64), Just(300), Just(1 << 20)],
    ) {
        let mut run = Run::new(Limits { slice, frame, ..SMALL });
        for action in &actions {
            run.act(action);
        }
    }
}
