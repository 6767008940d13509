//! What cargo knows of the workspace: who depends on whom.
//!
//! Holds: dependencies of tests alone do not count.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A crate of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder, from the root of the repository.
    pub folder: String,
    /// What it depends on by itself, for running or building, by the name on the registry.
    pub uses: Vec<String>,
}

/// Asks cargo for the crates of the workspace at `root`. Needs no network.
///
/// # Errors
/// Cargo does not run, refuses, or answers something else; with its own words.
pub fn packages(root: &Path) -> Result<Vec<Package>, String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let answer = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    read(&answer).ok_or_else(|| "cargo metadata: not the format that was asked for".to_owned())
}

fn read(answer: &Value) -> Option<Vec<Package>> {
    let root = answer.get("workspace_root")?.as_str()?;
    answer.get("packages")?.as_array()?.iter().map(|package| read_package(package, root)).collect()
}

fn read_package(package: &Value, root: &str) -> Option<Package> {
    let manifest = package.get("manifest_path")?.as_str()?;
    let folder = manifest.strip_prefix(root)?.trim_start_matches('/').trim_end_matches("/Cargo.toml");
    let mut uses = Vec::new();
    for dependency in package.get("dependencies")?.as_array()? {
        if dependency.get("kind")?.as_str() != Some("dev") {
            uses.push(dependency.get("name")?.as_str()?.to_owned());
        }
    }
    Some(Package { name: package.get("name")?.as_str()?.to_owned(), folder: folder.to_owned(), uses })
}

/// `Cargo.lock`: what each crate depends on, all features and platforms that the build can ask for.
#[derive(Clone, Debug, Default)]
pub struct Lock(BTreeMap<String, Vec<String>>);

impl Lock {
    /// Reads the text that cargo writes: one `name` and at most one `dependencies` a package.
    pub fn read(text: &str) -> Self {
        let mut lock = Self::default();
        for package in text.split("[[package]]").skip(1) {
            let Some(name) = package.lines().find_map(|line| line.strip_prefix("name = ")) else { continue };
            let used = lock.0.entry(name.trim_matches('"').to_owned()).or_default();
            let (_, list) = package.split_once("dependencies = [").unwrap_or_default();
            let list = list.split(']').next().unwrap_or_default();
            // An entry is `name`, or `name version` where several versions are locked.
            let names = list.split(',').filter_map(|entry| entry.trim().trim_matches('"').split(' ').next());
            used.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        lock
    }

    /// Everything that `from` brings along, itself included, each with the crate that brings it.
    /// A dependency (user, used) that `is_excused` is not followed.
    pub fn reach(&self, from: &str, is_excused: impl Fn(&str, &str) -> bool) -> BTreeMap<String, String> {
        let mut reached = BTreeMap::from([(from.to_owned(), String::new())]);
        let mut open = vec![from.to_owned()];
        while let Some(user) = open.pop() {
            for used in self.0.get(&user).into_iter().flatten() {
                if !is_excused(&user, used) && !reached.contains_key(used) {
                    reached.insert(used.clone(), user.clone());
                    open.push(used.clone());
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dependencies_of_tests_do_not_count() {
        let answer = json!({
            "workspace_root": "/r",
            "packages": [{
                "name": "a",
                "manifest_path": "/r/crates/pure/a/Cargo.toml",
                "dependencies": [
                    { "name": "run", "kind": null },
                    { "name": "build", "kind": "build" },
                    { "name": "test", "kind": "dev" },
                ],
            }],
        });
        let package = Package {
            name: "a".to_owned(),
            folder: "crates/pure/a".to_owned(),
            uses: vec!["run".to_owned(), "build".to_owned()],
        };
        assert_eq!(read(&answer), Some(vec![package]));
        assert_eq!(read(&json!({ "packages": [] })), None);
    }

    #[test]
    fn what_is_brought_along_is_found_through_others() {
        let lock = Lock::read(
            "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\n \"b 2.0.0\",\n \"c\",\n]\n\n\
             [[package]]\nname = \"b\"\nversion = \"2.0.0\"\ndependencies = [\n \"d\",\n]\n\n[[package]]\nname = \"d\"\n",
        );
        let reached = lock.reach("a", |_, _| false);
        assert_eq!(reached.keys().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(reached["d"], "b");
        assert!(!lock.reach("a", |user, used| (user, used) == ("b", "d")).contains_key("d"));
    }
}
