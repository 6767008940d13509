//! Nothing in the repository knows the machine it was written on, or one company's mirror.

use crate::tree::numbered;
use crate::{Fault, Tree};

// Written in two parts, so that this file does not find itself.
const FOLDERS: [&str; 2] = [concat!("/", "work/"), concat!("/", "root/")];
const MIRROR: &str = concat!("arti", "factory");

/// Absolute paths of a workplace, and hosts of a private registry.
pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.files() {
        for (number, line) in numbered(text) {
            for folder in FOLDERS.iter().filter(|folder| names_folder(line, folder)) {
                faults.push(Fault::line(path, number, format!("names {folder}, a folder of one machine")));
            }
            if line.to_ascii_lowercase().contains(MIRROR) {
                faults.push(Fault::line(path, number, format!("names a host of {MIRROR}")));
            }
        }
    }
    faults
}

/// Whether the folder is named from the root on, not as the tail of a longer path.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        !line[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '*'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(line: &str) -> bool {
        !check(&Tree::of(&[("README.md", line)])).is_empty()
    }

    #[test]
    fn a_folder_of_one_machine_is_found() {
        for folder in FOLDERS {
            assert!(is_found(&format!("see {folder}main")), "{folder}");
            assert!(is_found(&format!("path=\"{folder}x\"")), "{folder}");
            assert!(is_found(&format!("file://{folder}x")), "{folder}");
        }
    }

    #[test]
    fn a_folder_of_the_repository_is_not_one_of_the_machine() {
        for prefix in ["$root", "target", "{root}", "."] {
            assert!(!is_found(&format!("{prefix}{}x", FOLDERS[0])), "{prefix}");
        }
    }

    #[test]
    fn a_private_mirror_is_found_however_it_is_written() {
        assert!(is_found(&format!("https://{MIRROR}.example.com/maven")));
        assert!(is_found(&MIRROR.to_uppercase()));
        assert!(!is_found("https://repo.maven.apache.org"));
    }
}
