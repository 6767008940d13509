//! Keyed state of one lane, as the engine sees it.

use std::collections::BTreeMap;

/// The committed rows of one lane.
///
/// The engine writes only after the transaction that decided the rows has committed, then ends the
/// frame with [`Store::commit`]. A store that loses or tears a frame must come back as some earlier
/// frame's state with that frame's `position`, or empty with position 0: the changelog repairs the rest.
pub trait Store {
    /// The value of a row.
    fn get(&self, key: &[u8]) -> Option<&[u8]>;

    /// Rows that will be asked for or set next. Nothing changes by it; a store may get hold of them together.
    fn warm(&self, keys: &[&[u8]]) {
        let _ = keys;
    }

    /// Sets (`Some`) or deletes (`None`) a row within the open frame. Visible to `get` at once.
    fn put(&mut self, key: &[u8], value: Option<&[u8]>);

    /// Ends the frame. `position`, when given, is a changelog offset: every changelog record below
    /// it is contained in this store.
    fn commit(&mut self, position: Option<i64>) -> Result<(), StoreError>;

    /// The highest position given to a commit that this store still holds; 0 when it holds nothing
    /// that can be trusted.
    fn position(&self) -> i64;

    /// Visits every row, in any order.
    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8]));

    /// How many rows there are.
    fn len(&self) -> usize;

    /// Whether there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything, on disk too; position becomes 0.
    fn clear(&mut self) -> Result<(), StoreError>;
}

/// The local store could not be written. The log is intact: crash, fix the disk, restart.
#[derive(Debug)]
pub struct StoreError(pub String);

impl core::fmt::Display for StoreError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for StoreError {}

/// A store in memory only, for the simulator and tests.
#[derive(Debug, Default)]
pub struct MemStore {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    position: i64,
}

impl Store for MemStore {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.rows.get(key).map(Vec::as_slice)
    }

    fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        match value {
            Some(value) => {
                self.rows.insert(key.to_vec(), value.to_vec());
            }
            None => {
                self.rows.remove(key);
            }
        }
    }

    fn commit(&mut self, position: Option<i64>) -> Result<(), StoreError> {
        self.position = position.unwrap_or(self.position).max(self.position);
        Ok(())
    }

    fn position(&self) -> i64 {
        self.position
    }

    fn each(&self, visit: &mut dyn FnMut(&[u8], &[u8])) {
        self.rows.iter().for_each(|(key, value)| visit(key, value));
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        *self = Self::default();
        Ok(())
    }
}
