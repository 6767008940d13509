//! `policy`: a policy as it was published, before it takes effect.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// A policy and from when on it is to judge. Schema `policy-value`; the key is the version.
///
/// From its instant on it stands in the history of every lead, as [`crate::Body::Policy`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPublished {
    /// Its name.
    pub name: String,
    /// Its version: greater than that of every policy published before.
    pub version: i64,
    /// Who published it.
    pub author: String,
    /// The instant of log time from which on it judges; one that is over means at once.
    pub effective_at: Millis,
    /// The document, YAML.
    pub document: String,
    /// Fingerprint of the document: 32 hex digits.
    pub checksum: String,
}
