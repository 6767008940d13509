//! What a check finds.

use std::fmt;

/// Something that is not as it should be, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// A path from the root of the repository, with `:` and the line where there is one.
    pub at: String,
    /// What is wrong, and the way out where it is not plain.
    pub what: String,
}

impl Fault {
    pub(crate) fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into() }
    }

    /// `number` counts from 1.
    pub(crate) fn line(path: &str, number: usize, what: impl Into<String>) -> Self {
        Self::new(format!("{path}:{number}"), what)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}
