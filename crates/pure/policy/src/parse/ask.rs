//! What the parser asks of each place of a document, told by itself.
//!
//! The parser is given a value that is everything at once, and every question it asks of it is noted:
//! which keys, which kind, which bounds. So the schema for editors is what the parser reads, and cannot
//! fall behind it.

use std::collections::{BTreeMap, BTreeSet};

use baton_domain::Points;

/// Questions by the path of the place, as in a problem. An item of a list stands at `[0]`, a value under
/// a key that the writer chooses at `["*"]`, and the key itself at `["*"]#key`.
pub(crate) type Asked = BTreeMap<String, BTreeSet<Ask>>;

/// Names under which the probe offers a value where the writer chooses the keys: one that no set of
/// names can hold, and one of each closed set that sections read.
pub(crate) const NAMES: [&str; 7] = [ANY, "mon", "A1", "A", "P0", "accept", "2026-01-01"];
/// The name that stands for any.
pub(crate) const ANY: &str = "*";

/// One question about a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ask {
    /// A map of these keys only.
    Keys(Vec<&'static str>),
    /// A map in which this key must be.
    Needs(String),
    /// A map whose keys the writer chooses.
    Named,
    /// A list.
    List,
    /// A list, or one item of it.
    ListOrItem,
    /// Words.
    Text,
    /// One of these words.
    OneOf(Vec<String>),
    /// A whole number within bounds, both included.
    Integer(i64, i64),
    /// Points, above a bound where there is one.
    Points(Option<Points>),
    /// A duration.
    Duration,
    /// True or false.
    Flag,
}
