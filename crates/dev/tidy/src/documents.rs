//! Reference documents name exactly what the code has: no more, no less, and with the same defaults.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Fault, Tree, markdown};

const DEAD_LETTERS: &str = "docs/DEAD_LETTERS.md";
const SETTINGS: &str = "docs/SETTINGS.md";
const DEFAULTS: &str = "crates/baton/src/default.yaml";
const ADRS: &str = "docs/adr/";

/// Reasons without a heading of their own in `docs/DEAD_LETTERS.md`, and headings without a reason.
pub fn dead_letters(tree: &Tree, reasons: &[&str]) -> Vec<Fault> {
    let text = tree.get(DEAD_LETTERS).unwrap_or_default();
    let headings = text.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    let documented: BTreeSet<&str> = headings.collect();
    let reasons: BTreeSet<&str> = reasons.iter().copied().collect();
    let missing = reasons.difference(&documented).map(|reason| format!("### `{reason}` is missing"));
    let invented = documented.difference(&reasons).map(|reason| format!("`{reason}` is no reason"));
    missing.chain(invented).map(|what| Fault::new(DEAD_LETTERS, what)).collect()
}

/// Settings that `docs/SETTINGS.md` leaves out, makes up, or gives another default.
pub fn settings(tree: &Tree) -> Vec<Fault> {
    let defaults = defaults(tree.get(DEFAULTS).unwrap_or_default());
    if defaults.is_empty() {
        return vec![Fault::new(DEFAULTS, "has no settings")];
    }
    let mut documented = BTreeMap::new();
    for (number, cells) in markdown::rows(tree.get(SETTINGS).unwrap_or_default(), "Key") {
        let code = |cell: Option<&&str>| cell.map_or_else(String::new, |cell| cell.replace('`', ""));
        documented.insert(code(cells.first()), (number, code(cells.get(1))));
    }
    let mut faults = Vec::new();
    for (key, value) in &defaults {
        match documented.get(key) {
            None => faults.push(Fault::new(SETTINGS, format!("{key} is missing"))),
            Some((number, told)) if told != value => {
                faults.push(Fault::line(SETTINGS, *number, format!("the default of {key} is {value}, not {told}")));
            }
            Some(_) => {}
        }
    }
    for (key, (number, _)) in documented.iter().filter(|(key, _)| !defaults.contains_key(*key)) {
        faults.push(Fault::line(SETTINGS, *number, format!("there is no setting {key}")));
    }
    faults
}

/// Keys and values of the settings file: mappings in mappings by indentation, values on one line.
fn defaults(yaml: &str) -> BTreeMap<String, String> {
    let mut defaults = BTreeMap::new();
    let mut path: Vec<(usize, &str)> = Vec::new();
    for line in yaml.lines() {
        let Some((key, value)) = line.split_once(':').filter(|_| !line.trim_start().starts_with('#')) else { continue };
        let depth = key.len() - key.trim_start().len();
        path.retain(|(outer, _)| *outer < depth);
        path.push((depth, key.trim()));
        let value = value.split(" #").next().unwrap_or_default().trim();
        if !value.is_empty() {
            let key: Vec<&str> = path.iter().map(|(_, key)| *key).collect();
            defaults.insert(key.join("."), value.to_owned());
        }
    }
    defaults
}

/// Decisions that lack a part, share a number, or are not listed in `docs/adr/README.md`.
pub fn decisions(tree: &Tree) -> Vec<Fault> {
    let list = tree.get(&format!("{ADRS}README.md")).unwrap_or_default();
    let mut faults = Vec::new();
    let mut numbers = BTreeSet::new();
    for (path, text) in tree.with_extension("md") {
        let Some(file) = path.strip_prefix(ADRS).filter(|file| *file != "README.md") else { continue };
        if !file.get(..4).is_some_and(|number| number.parse::<u16>().is_ok() && numbers.insert(number)) {
            faults.push(Fault::new(path, "its name does not begin with a number of its own"));
        }
        for part in ["## Context", "## Decision", "## Consequences"] {
            if !text.lines().any(|line| line == part) {
                faults.push(Fault::new(path, format!("has no {part}")));
            }
        }
        if !markdown::targets(list).any(|target| target == file) {
            faults.push(Fault::new(path, format!("{ADRS}README.md does not list it")));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(faults: Vec<Fault>) -> Vec<String> {
        faults.into_iter().map(|fault| fault.to_string()).collect()
    }

    #[test]
    fn a_reason_without_its_heading_and_a_heading_without_its_reason_are_found() {
        let tree = Tree::of(&[(DEAD_LETTERS, "# Dead letters\n### `decode`\n### `made_up`\n")]);
        assert_eq!(
            told(dead_letters(&tree, &["decode", "limits"])),
            ["docs/DEAD_LETTERS.md: ### `limits` is missing", "docs/DEAD_LETTERS.md: `made_up` is no reason"]
        );
        assert!(dead_letters(&tree, &["decode", "made_up"]).is_empty());
    }

    const YAML: &str =
        "# a: comment\nkafka:\n  bootstrap: a:1   # host:port\n  properties: {}\n\nsources: []\nhttp:\n  listen: ~\n";

    #[test]
    fn defaults_are_read_with_the_whole_path_of_their_key() {
        let wanted = [("http.listen", "~"), ("kafka.bootstrap", "a:1"), ("kafka.properties", "{}"), ("sources", "[]")];
        let found = defaults(YAML);
        assert_eq!(found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_setting_left_out_made_up_or_with_another_default_is_found() {
        let text = "| Key | Default | Meaning |\n|---|---|---|\n| `kafka.bootstrap` | `b:2` | x |\n\
                    | `kafka.properties` | `{}` | x |\n| `sources` | `[]` | x |\n| `made.up` | `1` | x |\n";
        let tree = Tree::of(&[(DEFAULTS, YAML), (SETTINGS, text)]);
        assert_eq!(
            told(settings(&tree)),
            [
                "docs/SETTINGS.md: http.listen is missing",
                "docs/SETTINGS.md:3: the default of kafka.bootstrap is a:1, not b:2",
                "docs/SETTINGS.md:6: there is no setting made.up",
            ]
        );
        assert_eq!(settings(&Tree::of(&[])).len(), 1);
    }

    #[test]
    fn a_decision_not_listed_not_numbered_or_without_a_part_is_found() {
        let whole = "# x\n## Context\n## Decision\n## Consequences\n";
        let tree = Tree::of(&[
            ("docs/adr/README.md", "- [one](0001-one.md)\n- [two](0001-two.md)\n- [three](0003-three.md)\n"),
            ("docs/adr/0001-one.md", whole),
            ("docs/adr/0001-two.md", whole),
            ("docs/adr/0003-three.md", "# x\n## Context\n## Decision\n"),
            ("docs/adr/0004-four.md", whole),
        ]);
        assert_eq!(
            told(decisions(&tree)),
            [
                "docs/adr/0001-two.md: its name does not begin with a number of its own",
                "docs/adr/0003-three.md: has no ## Consequences",
                "docs/adr/0004-four.md: docs/adr/README.md does not list it",
            ]
        );
    }
}
