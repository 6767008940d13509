//! A command that a document tells people to type exists.
//!
//! Looks at fenced blocks and at code within lines, for `make <target>`, `baton <subcommand>`, and the
//! subcommand of a subcommand where it has some.
//!
//! Absent on purpose: flags, which `--help` explains, and any other argument.

use std::collections::BTreeSet;

use crate::markdown;
use crate::{Fault, Tree};

const MAKEFILE: &str = "Makefile";
const BINARY: &str = "crates/baton/src/";

/// Commands in `.md` files that name no target of the `Makefile`, or no subcommand of the binary.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let targets = targets_of(tree.get(MAKEFILE).unwrap_or_default());
    let verbs = verbs_of(tree, "main");
    let mut faults = Vec::new();
    if targets.is_empty() {
        faults.push(Fault::new(MAKEFILE, "has no targets"));
    }
    if verbs.is_empty() {
        faults.push(Fault::new(format!("{BINARY}main.rs"), "has no `enum Command` with the subcommands"));
    }
    for (path, text) in tree.with_extension("md") {
        for (number, Command { tool, word, then }) in commands(text) {
            let known = if tool == "make" { &targets } else { &verbs };
            if !known.contains(&word) {
                faults.push(Fault::line(path, number, format!("there is no `{tool} {word}`")));
            } else if let Some(then) = then.filter(|_| tool == "baton") {
                let below = verbs_of(tree, &word.replace('-', "_"));
                if !below.is_empty() && !below.contains(&then) {
                    faults.push(Fault::line(path, number, format!("there is no `{tool} {word} {then}`")));
                }
            }
        }
    }
    faults
}

/// The targets of a Makefile.
fn targets_of(makefile: &str) -> BTreeSet<String> {
    let rules = makefile.lines().filter_map(|line| line.split_once(':'));
    rules.filter(|(name, rest)| is_word(name) && !rest.starts_with('=')).map(|(name, _)| name.to_owned()).collect()
}

/// The subcommands in a module of the binary: the variants of its `enum Command`, as clap writes them.
fn verbs_of(tree: &Tree, module: &str) -> BTreeSet<String> {
    let source = tree.get(&format!("{BINARY}{module}.rs")).unwrap_or_default();
    let lines = source.lines().skip_while(|line| !line.starts_with("enum Command {")).skip(1);
    let variants = lines.take_while(|line| *line != "}").filter_map(|line| {
        let line = line.strip_prefix("    ")?;
        line.starts_with(|c: char| c.is_ascii_uppercase()).then(|| line.split(|c: char| !c.is_alphanumeric()).next())?
    });
    variants.map(kebab).collect()
}

fn kebab(variant: &str) -> String {
    let mut word = String::new();
    for letter in variant.chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// A tool, the first thing asked of it, and the second.
#[derive(Debug, PartialEq, Eq)]
struct Command {
    tool: &'static str,
    word: String,
    then: Option<String>,
}

/// The commands of a document with their line numbers.
fn commands(text: &str) -> Vec<(usize, Command)> {
    let mut found = Vec::new();
    // A command goes on in the next line after a backslash.
    let mut begun = String::new();
    for line in markdown::lines(text) {
        if line.fenced {
            if let Some(part) = line.text.strip_suffix('\\') {
                begun.push_str(part);
            } else {
                let whole = std::mem::take(&mut begun) + line.text;
                found.extend(in_shell(&whole).into_iter().map(|command| (line.number, command)));
            }
        } else {
            let spans = markdown::spans(line.text).flat_map(in_shell);
            found.extend(spans.map(|command| (line.number, command)));
        }
    }
    found
}

/// The commands of one line of shell.
fn in_shell(line: &str) -> Vec<Command> {
    let line = line.trim_start().trim_start_matches("$ ").split(" #").next().unwrap_or_default();
    line.split(['|', ';', '&']).filter_map(command).collect()
}

fn command(shell: &str) -> Option<Command> {
    let mut words =
        shell.split_whitespace().skip_while(|word| word.contains('=') || *word == "sudo" || *word == "exec");
    let name = words.next()?;
    let tool = match name.rsplit('/').next()? {
        "make" => "make",
        "baton" => "baton",
        _ => return None,
    };
    loop {
        let word = words.next()?;
        match word.strip_prefix('-') {
            // Such a flag takes the next word, unless it has its value in itself.
            Some(flag) if !word.contains('=') && !matches!(flag, "h" | "-help" | "V" | "-version") => {
                words.next()?;
            }
            Some(_) => {}
            None if is_word(word) => {
                let then = words.next().filter(|then| is_word(then)).map(str::to_owned);
                return Some(Command { tool, word: word.to_owned(), then });
            }
            None => return None,
        }
    }
}

/// Neither a variable, nor a placeholder, nor a version.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAKE: (&str, &str) =
        (MAKEFILE, "X := 1\nCARGO ?= cargo\n.PHONY: demo\n\ndemo: ## Show\n\t@x: y\ntest: demo\n");
    const ENUM: (&str, &str) = (
        "crates/baton/src/main.rs",
        "enum Command {\n    /// Run\n    Run(run::Args),\n    ShowAll { all: bool },\n    Settings,\n}\n",
    );

    fn faults(document: &str) -> Vec<String> {
        check(&Tree::of(&[MAKE, ENUM, ("README.md", document)])).into_iter().map(|fault| fault.to_string()).collect()
    }

    fn told(shell: &str) -> Vec<String> {
        shell.lines().flat_map(in_shell).map(|c| format!("{} {}", c.tool, c.word)).collect()
    }

    #[test]
    fn targets_and_subcommands_are_read_from_their_sources() {
        assert_eq!(targets_of(MAKE.1).into_iter().collect::<Vec<_>>(), ["demo", "test"]);
        assert_eq!(
            verbs_of(&Tree::of(&[ENUM]), "main").into_iter().collect::<Vec<_>>(),
            ["run", "settings", "show-all"]
        );
    }

    #[test]
    fn commands_are_found_among_variables_flags_and_other_commands() {
        assert_eq!(told("$ make demo && make test # make up"), ["make demo", "make test"]);
        assert_eq!(told("KAFKA=a:1 ./target/release/baton -c x.yaml --set a=b run all"), ["baton run"]);
        assert_eq!(told("zcat x | baton ingest --file - | jq ."), ["baton ingest"]);
        assert!(told("make\nbaton --help\nbaton 0.1.0\nbaton <verb>\nbaton: make sure\nmake VERB").is_empty());
    }

    #[test]
    fn a_command_that_does_not_exist_is_found_in_blocks_and_in_lines() {
        let document =
            "Type `make demo`, then `make tea`.\n\n```sh\nbaton \\\n  fly\nbaton show-all\n```\nMake it so: make it.\n";
        assert_eq!(faults(document), ["README.md:1: there is no `make tea`", "README.md:5: there is no `baton fly`"]);
    }

    #[test]
    fn a_subcommand_of_a_subcommand_is_looked_for_where_there_are_some() {
        let module = ("crates/baton/src/show_all.rs", "enum Command {\n    Plan,\n    Apply { all: bool },\n}\n");
        let document =
            ("README.md", "`baton show-all plan`, `baton show-all tea`, `baton show-all`, `baton run score`");
        let faults = check(&Tree::of(&[MAKE, ENUM, module, document]));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].to_string(), "README.md:1: there is no `baton show-all tea`");
    }

    #[test]
    fn sources_that_cannot_be_read_are_found() {
        assert_eq!(check(&Tree::of(&[])).len(), 2);
    }
}
