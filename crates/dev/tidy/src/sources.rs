//! Rust sources: each says what it is, none holds unfinished work, `unsafe` has one home.

use crate::tree::numbered;
use crate::{Fault, Tree};

/// The one place that may call foreign code.
const UNSAFE_HOME: &str = "crates/edge/kafka/src/raw/";

// Written in two parts, so that this file does not find itself.
const UNSAFE: &str = concat!("un", "safe");
const UNFINISHED: [(&str, &str); 4] = [
    (concat!("todo", "!("), "unfinished work"),
    (concat!("unimplemented", "!("), "unfinished work"),
    (concat!("dbg", "!("), "left over from debugging"),
    (concat!("#[", "ignore"), "a test that does not run proves nothing"),
];

/// Every fault of every `.rs` file.
pub fn check(tree: &Tree) -> Vec<Fault> {
    tree.with_extension("rs").flat_map(|(path, text)| file(path, text)).collect()
}

fn file(path: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !text.starts_with("//! ") {
        faults.push(Fault::line(path, 1, "does not begin by saying what it is (`//! ...`)"));
    }
    let mut is_test = false;
    for (number, line) in numbered(text) {
        let code = line.split("//").next().unwrap_or_default();
        for (needle, why) in UNFINISHED {
            if code.contains(needle) {
                faults.push(Fault::line(path, number, format!("{needle}: {why}")));
            }
        }
        if !path.starts_with(UNSAFE_HOME) && has_word(code, UNSAFE) {
            faults.push(Fault::line(path, number, format!("{UNSAFE} outside {UNSAFE_HOME}")));
        }
        is_test |= code.trim() == "#[test]" || code.trim().starts_with("#[tokio::test");
        if let Some((_, name)) = code.split_once("fn ") {
            if is_test && name.starts_with(concat!("test", "_")) {
                faults.push(Fault::line(path, number, "a test's name is a claim: leave out the prefix"));
            }
            is_test = false;
        }
    }
    faults
}

fn has_word(code: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(start, found)| {
        !code[..start].ends_with(part_of_name) && !code[start + found.len()..].starts_with(part_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|fault| fault.to_string()).collect()
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_is_found() {
        assert_eq!(faults("a.rs", "use x;\n"), ["a.rs:1: does not begin by saying what it is (`//! ...`)"]);
        assert!(faults("a.rs", "//! A thing.\n").is_empty());
        assert!(faults("a.md", "no source\n").is_empty());
    }

    #[test]
    fn unfinished_work_is_found_but_not_in_comments() {
        for (needle, _) in UNFINISHED {
            let found = faults("a.rs", &format!("//! A.\n// {needle}\nx; {needle})\n"));
            assert_eq!(found.len(), 1, "{needle}");
            assert!(found[0].starts_with("a.rs:3: "), "{needle}");
        }
    }

    #[test]
    fn a_prefix_is_found_on_tests_alone() {
        let prefixed = concat!("fn test", "_it() {}");
        assert_eq!(faults("a.rs", &format!("//! A.\n#[test]\n{prefixed}\n")).len(), 1);
        assert!(faults("a.rs", &format!("//! A.\n#[test]\nfn it() {{}}\n{prefixed}\n")).is_empty());
    }

    #[test]
    fn foreign_calls_are_found_outside_their_home_alone() {
        let text = format!("//! A.\n#![allow({UNSAFE}_code)]\n{UNSAFE} {{ call() }}\n");
        assert_eq!(faults("crates/baton/src/a.rs", &text).len(), 1);
        assert!(faults("crates/edge/kafka/src/raw/a.rs", &text).is_empty());
    }
}
