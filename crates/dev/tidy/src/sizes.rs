//! Sizes of the Rust files: one idea fits on a few screens.

use std::fmt;

use crate::{Fault, Tree};

/// No file is longer, in lines.
const MOST: usize = 700;
/// Nine files in ten are at most so long, in lines.
const MOST_P90: usize = 420;

/// How long the files are, in lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// How many files.
    pub files: usize,
    /// Half of them are at most so long.
    pub median: usize,
    /// Nine in ten are at most so long.
    pub p90: usize,
    /// The longest.
    pub longest: usize,
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, median, p90, longest } = self;
        write!(f, "{files} Rust files: median {median} lines, p90 {p90}, longest {longest}")
    }
}

/// The sizes of every `.rs` file.
pub fn measure(tree: &Tree) -> Sizes {
    let mut lines: Vec<usize> = tree.with_extension("rs").map(|(_, text)| text.lines().count()).collect();
    lines.sort_unstable();
    // The nearest rank: the smallest size that so many percent of the files do not exceed.
    let rank = |percent: usize| lines.get((lines.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Sizes {
        files: lines.len(),
        median: rank(50).unwrap_or(0),
        p90: rank(90).unwrap_or(0),
        longest: rank(100).unwrap_or(0),
    }
}

/// Files that are too long, one by one and on the whole.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let too_long = tree.with_extension("rs").filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > MOST).then(|| Fault::new(path, format!("{lines} lines; {MOST} at most: split it by idea")))
    });
    let mut faults: Vec<Fault> = too_long.collect();
    let sizes = measure(tree);
    if sizes.p90 > MOST_P90 {
        faults.push(Fault::new("crates", format!("{sizes}; the p90 may be {MOST_P90}")));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(sizes: &[usize]) -> Tree {
        let files: Vec<_> =
            sizes.iter().enumerate().map(|(n, lines)| (format!("{n}.rs"), "x\n".repeat(*lines))).collect();
        Tree::of(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
    }

    #[test]
    fn sizes_are_told_by_rank() {
        let sizes: Vec<usize> = (1..=10).collect();
        assert_eq!(measure(&tree(&sizes)), Sizes { files: 10, median: 5, p90: 9, longest: 10 });
        assert_eq!(measure(&tree(&[])), Sizes::default());
    }

    #[test]
    fn one_file_too_long_is_found() {
        let mut sizes = vec![100; 20];
        sizes.push(701);
        let faults = check(&tree(&sizes));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].at, "20.rs");
    }

    #[test]
    fn many_files_rather_long_are_found() {
        assert_eq!(check(&tree(&[421; 5])).len(), 1);
        assert!(check(&tree(&[420; 5])).is_empty());
    }
}
