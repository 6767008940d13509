//! Every check on this repository.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::path::Path;
use std::sync::LazyLock;

use baton_domain::Reason;
use baton_tidy::cargo::{Lock, packages};
use baton_tidy::{Fault, Tree, bad_input, commands, documents, edges, links, places, schemas, sizes, sources};

static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::read(root()).unwrap());

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.."))
}

#[track_caller]
fn none(faults: &[Fault]) {
    let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{} found:\n  {}", faults.len(), list.join("\n  "));
}

#[test]
fn the_tree_that_is_checked_is_this_repository() {
    assert!(TREE.get("Cargo.toml").unwrap().contains("[workspace]"));
    assert!(TREE.get(file!()).is_some_and(|text| text.contains("the_tree_that_is_checked")));
    assert!(!TREE.has("target"));
}

#[test]
fn crates_depend_on_each_other_as_the_table_says() {
    let lock = Lock::read(TREE.get("Cargo.lock").unwrap());
    none(&edges::check(&packages(root()).unwrap(), &lock));
}

#[test]
fn sources_say_what_they_are_and_hold_no_unfinished_work() {
    none(&sources::check(&TREE));
}

#[test]
fn files_are_one_idea_long() {
    println!("{}", sizes::measure(&TREE));
    none(&sizes::check(&TREE));
}

#[test]
fn subjects_and_schemas_are_about_each_other() {
    none(&schemas::check(&TREE));
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    none(&places::check(&TREE));
}

#[test]
fn every_command_in_a_document_exists() {
    none(&commands::check(&TREE));
}

#[test]
fn every_link_and_path_in_a_document_leads_somewhere() {
    none(&links::check(&TREE));
}

#[test]
fn every_reason_for_a_dead_letter_is_documented() {
    none(&documents::dead_letters(&TREE, &Reason::ALL.map(Reason::as_str)));
}

#[test]
fn every_kind_of_bad_input_is_decided_and_shown_by_a_test() {
    none(&bad_input::check(&TREE, &Reason::ALL.map(Reason::as_str)));
}

#[test]
fn every_setting_is_documented_with_its_default() {
    none(&documents::settings(&TREE));
}

#[test]
fn every_decision_is_whole_and_listed() {
    none(&documents::decisions(&TREE));
}
