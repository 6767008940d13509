//! The table of who may depend on whom, and the check that nobody else does.
//!
//! Holds: a stage knows neither another stage nor the engine; the pure zone reaches no clock, network,
//! thread or log, not even through somebody else; one crate knows Kafka.

use std::collections::BTreeMap;

use crate::Fault;
use crate::cargo::{Lock, Package};

/// What a crate may depend on.
#[derive(Clone, Copy, Debug)]
enum May {
    /// These crates of the workspace.
    Use(&'static [&'static str]),
    /// Any: nothing depends on it.
    UseAll,
}

use May::{Use, UseAll};

/// Every crate of the workspace.
const TABLE: [(&str, May); 24] = [
    ("baton-domain", Use(&[])),
    ("baton-policy", Use(&["baton-domain"])),
    ("baton-stage", Use(&["baton-domain"])),
    // The engine sees bytes, stamps and ledgers; a stage's types would tie it to one pipeline.
    ("baton-engine", Use(&["baton-domain"])),
    // No `stage`: the sequencer keeps rows of several kinds and steps over them all, not over one key.
    ("baton-identify", Use(&["baton-domain", "baton-policy"])),
    // No `policy`: counting is not judging.
    ("baton-aggregate", Use(&["baton-domain", "baton-stage"])),
    ("baton-score", Use(&["baton-domain", "baton-policy", "baton-stage"])),
    ("baton-route", Use(&["baton-domain", "baton-policy"])),
    ("baton-watch", Use(&["baton-domain", "baton-policy", "baton-stage"])),
    ("baton-wire", Use(&["baton-domain"])),
    ("baton-workload", Use(&["baton-domain"])),
    // The one place where the stages meet: between them and the engine's bytes.
    (
        "baton-pipeline",
        Use(&[
            "baton-aggregate",
            "baton-domain",
            "baton-engine",
            "baton-identify",
            "baton-policy",
            "baton-route",
            "baton-score",
            "baton-stage",
            "baton-watch",
            "baton-wire",
        ]),
    ),
    // Replays the stages as a host would, and works scores out again by the scorer's own recount; its tests plant
    // damage in a log of the simulator's.
    (
        "baton-verify",
        Use(&[
            "baton-domain",
            "baton-engine",
            "baton-pipeline",
            "baton-policy",
            "baton-score",
            "baton-sim",
            "baton-wire",
            "baton-workload",
        ]),
    ),
    // A host of its own for the stages, one after the other and without an engine, beside the pipeline's.
    (
        "baton-scenario",
        Use(&[
            "baton-aggregate",
            "baton-domain",
            "baton-identify",
            "baton-policy",
            "baton-route",
            "baton-score",
            "baton-stage",
            "baton-watch",
        ]),
    ),
    // An edge implements the engine's ports and knows no stage.
    ("baton-store", Use(&["baton-engine"])),
    ("baton-kafka", Use(&["baton-domain", "baton-engine"])),
    (
        "baton-runtime",
        Use(&[
            "baton-domain",
            "baton-engine",
            "baton-kafka",
            "baton-pipeline",
            "baton-policy",
            "baton-store",
            "baton-wire",
        ]),
    ),
    // No edge: the simulator is the pipeline on a log in memory.
    (
        "baton-sim",
        Use(&["baton-domain", "baton-engine", "baton-pipeline", "baton-policy", "baton-scenario", "baton-wire"]),
    ),
    // Knows frames, not what is in them.
    ("baton-proxy", Use(&[])),
    // The engine at a fixed piece of work, and the hot paths of the product one by one.
    ("baton-bench", UseAll),
    // Dashboards name metrics by their declarations.
    ("baton-observe", Use(&["baton-runtime"])),
    ("baton-tidy", Use(&[])),
    ("baton", UseAll),
    ("acceptance", UseAll),
];

/// Who may name a crate of somebody else's that is kept in few hands.
const WRAPPED: [(&str, &[&str]); 2] = [
    // `baton`: its operator tools use the safe client; the consumers go through `baton-kafka`.
    ("rdkafka", &["baton-kafka", "baton"]),
    ("rdkafka-sys", &[]),
];

/// What the pure zone must not reach: clocks, chance, threads, network, logs.
const IMPURE: [&str; 12] = [
    "async-std",
    "chrono",
    "getrandom",
    "mio",
    "rand",
    "rdkafka",
    "rdkafka-sys",
    "reqwest",
    "rustls",
    "tokio",
    "tracing",
    "ureq",
];

/// Dependencies of others that are not followed: (user, used).
const EXCUSED: [(&str, &str); 1] = [
    // Draws the sync markers of Avro's container files, which we neither read nor write.
    ("apache-avro", "rand"),
];

/// Edges that the table does not have, rows of the table without their crate, and impurities.
pub fn check(packages: &[Package], lock: &Lock) -> Vec<Fault> {
    let mut faults = between_crates(packages, &TABLE.into_iter().collect());
    for package in packages {
        faults.extend(wrapped(package));
        if package.folder.starts_with("crates/pure/") {
            faults.extend(impure(package, packages, lock));
        }
    }
    faults
}

fn between_crates(packages: &[Package], table: &BTreeMap<&str, May>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for package in packages {
        let Some(may) = table.get(package.name.as_str()) else {
            faults.push(Fault::new(&package.folder, format!("{} is not in the table of edges", package.name)));
            continue;
        };
        let Use(allowed) = may else { continue };
        let ours = |name: &&String| packages.iter().any(|other| other.name == **name);
        for used in package.uses.iter().filter(ours).filter(|used| !allowed.contains(&used.as_str())) {
            faults.push(Fault::new(&package.folder, format!("{} may not depend on {used}", package.name)));
        }
    }
    for name in table.keys().filter(|name| !packages.iter().any(|package| package.name == **name)) {
        faults.push(Fault::new("crates/dev/tidy/src/edges.rs", format!("there is no crate {name}")));
    }
    faults
}

fn wrapped(package: &Package) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, hands) in WRAPPED {
        if package.uses.iter().any(|used| used == name) && !hands.contains(&package.name.as_str()) {
            faults.push(Fault::new(&package.folder, format!("{} may not depend on {name} itself", package.name)));
        }
    }
    faults
}

fn impure(package: &Package, packages: &[Package], lock: &Lock) -> Vec<Fault> {
    let mut faults = Vec::new();
    // What is ours is checked on its own; the lock file would add what its tests use.
    for used in package.uses.iter().filter(|used| !packages.iter().any(|other| other.name == **used)) {
        let reached = lock.reach(used, |user, used| EXCUSED.contains(&(user, used)));
        for (name, by) in reached.iter().filter(|(name, _)| IMPURE.contains(&name.as_str())) {
            let by = if by.is_empty() { &package.name } else { by };
            faults.push(Fault::new(&package.folder, format!("{} reaches {name}, by {used} and {by}", package.name)));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, folder: &str, uses: &[&str]) -> Package {
        let uses = uses.iter().map(|used| (*used).to_owned()).collect();
        Package { name: name.to_owned(), folder: folder.to_owned(), uses }
    }

    fn told(faults: &[Fault]) -> Vec<&str> {
        faults.iter().map(|fault| fault.what.as_str()).collect()
    }

    #[test]
    fn an_edge_that_the_table_lacks_is_found() {
        let table = BTreeMap::from([("score", Use(&["domain"])), ("route", Use(&[])), ("domain", Use(&[]))]);
        let score = package("score", "crates/pure/score", &["domain", "route", "serde"]);
        let others = [package("route", "r", &[]), package("domain", "d", &["serde"])];
        let faults = between_crates(&[&[score], &others[..]].concat(), &table);
        assert_eq!(told(&faults), ["score may not depend on route"]);
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_found() {
        let faults = between_crates(&[package("new", "n", &[])], &BTreeMap::from([("old", UseAll)]));
        assert_eq!(told(&faults), ["new is not in the table of edges", "there is no crate old"]);
    }

    #[test]
    fn kafka_in_the_wrong_hands_is_found() {
        assert!(wrapped(&package("baton-kafka", "k", &["rdkafka"])).is_empty());
        let faults = wrapped(&package("baton-runtime", "r", &["rdkafka"]));
        assert_eq!(told(&faults), ["baton-runtime may not depend on rdkafka itself"]);
        assert_eq!(wrapped(&package("baton-kafka", "k", &["rdkafka-sys"])).len(), 1);
    }

    #[test]
    fn what_the_pure_zone_reaches_through_others_is_found() {
        let lock = Lock::read("[[package]]\nname = \"nice\"\ndependencies = [\n \"tokio\",\n]\n");
        let ours = package("a", "crates/pure/a", &["b", "nice"]);
        let other = package("b", "crates/pure/b", &["chrono"]);
        let all = [ours.clone(), other.clone()];
        assert_eq!(told(&impure(&ours, &all, &lock)), ["a reaches tokio, by nice and nice"]);
        assert_eq!(told(&impure(&other, &all, &lock)), ["b reaches chrono, by chrono and b"]);
    }

    #[test]
    fn no_row_lets_a_stage_depend_on_a_stage() {
        let stages = ["baton-identify", "baton-aggregate", "baton-score", "baton-route", "baton-watch"];
        for (name, may) in TABLE.iter().filter(|(name, _)| stages.contains(name)) {
            let Use(allowed) = may else { panic!("{name} may use all") };
            assert!(!allowed.iter().any(|used| stages.contains(used) || *used == "baton-engine"), "{name}");
        }
    }
}
