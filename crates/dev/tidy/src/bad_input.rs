//! The table of bad input: every kind has a decision, and the test that shows it is there.
//!
//! Holds: the numbers are those of the catalogue, each once; a decision begins with a word that the
//! document explains; a dead letter names a reason of the closed list; only a kind of input that does
//! not exist goes without a test.

use std::collections::BTreeSet;

use crate::{Fault, Tree, markdown};

const DOCUMENT: &str = "docs/BAD_INPUT.md";

/// How many kinds of bad input there are.
const KINDS: usize = 76;

/// With what a decision may begin.
const DECISIONS: [&str; 6] = ["Dead letter", "Corrected", "Accepted", "Waits", "Refused", "Ends"];

/// With what the decision on an input that does not exist begins.
const NONE: &str = "None: ";

/// Rows that are missing, undecided, or shown by a test that is not there.
pub fn check(tree: &Tree, reasons: &[&str]) -> Vec<Fault> {
    let rows = markdown::rows(tree.get(DOCUMENT).unwrap_or_default(), "#");
    let mut faults = Vec::new();
    let mut numbers = BTreeSet::new();
    for (line, cells) in &rows {
        let [number, _, decision, test] = cells.as_slice() else {
            faults.push(Fault::line(DOCUMENT, *line, "does not have four columns".to_owned()));
            continue;
        };
        match number.parse::<usize>() {
            Ok(number) if (1..=KINDS).contains(&number) && numbers.insert(number) => {}
            _ => faults.push(Fault::line(DOCUMENT, *line, format!("{number} is no number of its own up to {KINDS}"))),
        }
        faults.extend(judge(tree, reasons, decision, test).map(|what| Fault::line(DOCUMENT, *line, what)));
    }
    let missing = (1..=KINDS).filter(|number| !numbers.contains(number));
    faults.extend(missing.map(|number| Fault::new(DOCUMENT, format!("{number} is missing"))));
    faults
}

/// What is wrong with a row.
fn judge(tree: &Tree, reasons: &[&str], decision: &str, test: &str) -> Option<String> {
    if decision.starts_with(NONE) {
        return (test != "-").then(|| "there is no such input, and yet a test".to_owned());
    }
    if !DECISIONS.iter().any(|word| decision.starts_with(word)) {
        return Some(format!("\"{decision}\" is no decision"));
    }
    if let Some(rest) = decision.strip_prefix("Dead letter `") {
        let reason = rest.split('`').next().unwrap_or_default();
        if !reasons.contains(&reason) {
            return Some(format!("`{reason}` is no reason"));
        }
    }
    let Some((path, name)) = test.trim_matches('`').split_once("::") else {
        return Some("names no test".to_owned());
    };
    let found = tree.get(path).is_some_and(|text| has_test(text, name));
    (!found).then(|| format!("{path} has no test {name}"))
}

/// Whether a source has a test of this name.
pub(crate) fn has_test(text: &str, name: &str) -> bool {
    let rest = text.split("#[test]").skip(1).filter_map(|rest| rest.split_once("fn "));
    rest.filter_map(|(_, from)| from.split_once('(')).any(|(found, _)| found == name)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn tree(change: &str, by: &str) -> Tree {
        let mut text = "| # | Input | What Baton does | Shown by |\n|---|---|---|---|\n".to_owned();
        for number in 1..=KINDS {
            writeln!(text, "| {number} | x | Dead letter `decode`, at once | `a.rs::a_claim` |").unwrap();
        }
        let text = text.replacen(change, by, 1);
        Tree::of(&[(DOCUMENT, &text), ("a.rs", "#[test]\nfn a_claim() {}\nfn no_test() {}\n")])
    }

    fn told(change: &str, by: &str) -> Vec<String> {
        check(&tree(change, by), &["decode"]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_whole_table_has_no_fault() {
        assert!(told("", "").is_empty());
    }

    #[test]
    fn a_row_that_is_missing_doubled_or_undecided_is_found() {
        assert_eq!(told("| 7 |", "| 8 |").len(), 2, "8 twice, 7 missing");
        assert_eq!(told("| 76 |", "| 77 |").len(), 2);
        assert!(told("Dead letter", "Perhaps")[0].contains("is no decision"));
        assert!(told("`decode`", "`made_up`")[0].contains("`made_up` is no reason"));
        assert!(told("| x |", "| x | y |")[0].contains("four columns"));
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        for by in ["a.rs::another", "b.rs::a_claim", "a.rs::no_test", "a.rs::a_clai"] {
            assert!(told("a.rs::a_claim", by)[0].contains("has no test"), "{by}");
        }
        assert!(told("`a.rs::a_claim`", "-")[0].contains("names no test"));
        let none = "None: nobody sends it | - |";
        assert!(told("Dead letter `decode`, at once | `a.rs::a_claim` |", none).is_empty());
        assert!(told("Dead letter `decode`, at once", "None: nobody sends it")[0].contains("and yet a test"));
    }
}
