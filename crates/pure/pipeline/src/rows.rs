//! A lane's rows as the directory of a stage that asks for several of them in a step.
//!
//! Holds: a row that cannot be read is as good as none for the step, and its host is told to halt.

use std::cell::Cell;

use baton_domain::LogTime;
use baton_engine::Ctx;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keyed;

/// The rows of the lane that `ctx` judges for.
pub(crate) struct Rows<'a, 'b> {
    ctx: &'a mut Ctx<'b>,
    broken: Cell<Option<String>>,
}

impl<'a, 'b> Rows<'a, 'b> {
    pub(crate) fn new(ctx: &'a mut Ctx<'b>) -> Self {
        Self { ctx, broken: Cell::new(None) }
    }

    /// Which row could not be read and why, if one could not.
    pub(crate) fn take_broken(&self) -> Option<String> {
        self.broken.take()
    }

    fn read<R: DeserializeOwned>(&self, key: &str) -> Option<R> {
        match keyed::decode(self.ctx.get(key.as_bytes())?) {
            Ok(row) => Some(row),
            Err(why) => {
                self.broken.set(Some(format!("state of {key}: {why}")));
                None
            }
        }
    }

    fn write<R: Serialize>(&mut self, key: &str, row: Option<&R>, wake: Option<LogTime>) {
        match row {
            Some(row) => self.ctx.put(key.as_bytes(), &keyed::encode(row), wake),
            None => self.ctx.delete(key.as_bytes()),
        }
    }
}

impl baton_identify::Directory for Rows<'_, '_> {
    fn get(&self, key: &str) -> Option<baton_identify::Row> {
        self.read(key)
    }

    fn put(&mut self, key: &str, row: Option<baton_identify::Row>, wake: Option<LogTime>) {
        self.write(key, row.as_ref(), wake);
    }
}

impl baton_route::Directory for Rows<'_, '_> {
    fn get(&self, key: &str) -> Option<baton_route::Row> {
        self.read(key)
    }

    fn put(&mut self, key: &str, row: Option<baton_route::Row>, wake: Option<LogTime>) {
        self.write(key, row.as_ref(), wake);
    }
}
