//! A link from a document to a file of the repository leads somewhere, a path in code names one, and a test that
//! is named there (`path::name`) exists.
//!
//! Absent on purpose: anchors, and addresses on the network, which a test must not ask.

use crate::bad_input::has_test;
use crate::{Fault, Tree, markdown};

/// How a path from the root of the repository begins.
const TOPS: [&str; 6] = [".ci/", "crates/", "deploy/", "docs/", "schemas/", "tests/"];

/// Links and paths that lead nowhere, in every `.md` file.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.with_extension("md") {
        for line in markdown::lines(text).iter().filter(|line| !line.fenced) {
            for target in markdown::targets(line.text) {
                let file = target.split('#').next().unwrap_or_default();
                if file.contains(':') || tree.has(&resolve(path, file)) {
                    continue;
                }
                faults.push(Fault::line(path, line.number, format!("the link to {target} leads nowhere")));
            }
            for (file, name) in markdown::spans(line.text).filter_map(|span| span.split_once("::")) {
                if is_path(file) && !tree.get(file).is_some_and(|source| has_test(source, name)) {
                    faults.push(Fault::line(path, line.number, format!("{file} has no test {name}")));
                }
            }
            for named in markdown::spans(line.text).filter(|span| is_path(span) && !tree.has(span)) {
                faults.push(Fault::line(path, line.number, format!("there is no {named}")));
            }
        }
    }
    faults
}

/// A path from the root, without placeholders and patterns.
fn is_path(span: &str) -> bool {
    TOPS.iter().any(|top| span.starts_with(top))
        && span.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-'))
}

/// The path that `target` means in the document `from`.
fn resolve(from: &str, target: &str) -> String {
    if target.is_empty() {
        return from.to_owned();
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let text = "[a](adr/README.md#top) [b](../README.md) [c](#here) [d](https://kafka.apache.org) [e](adr)\n[f](gone.md)\n";
        let tree = Tree::of(&[("docs/A.md", text), ("docs/adr/README.md", ""), ("README.md", "")]);
        let faults = check(&tree);
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].to_string(), "docs/A.md:2: the link to gone.md leads nowhere");
    }

    #[test]
    fn a_path_that_names_nothing_is_found() {
        let text = "`docs/A.md`, `docs/`, `crates/*/src`, `crates/{a,b}`, `docs.rs/x`\n`docs/gone.md`\n";
        let faults = check(&Tree::of(&[("docs/A.md", text)]));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].to_string(), "docs/A.md:2: there is no docs/gone.md");
    }

    #[test]
    fn a_test_that_is_named_and_not_there_is_found() {
        let text = "`tests/a.rs::a_claim`, `std::fs`\n`tests/a.rs::another` `tests/gone.rs::a_claim`\n";
        let source = "#[test]\nfn a_claim() {}\nfn another() {}\n";
        let found = check(&Tree::of(&[("docs/A.md", text), ("tests/a.rs", source)]));
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["docs/A.md:2: tests/a.rs has no test another", "docs/A.md:2: tests/gone.rs has no test a_claim"]
        );
    }
}
