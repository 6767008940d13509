//! A lead as a person: the questions that are asked of it at a handoff and on any other day.

use serde::Serialize;

/// What is known of a person, at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Person {
    /// What were they last doing? Newest first.
    pub(super) last_doing: Vec<String>,
    /// Where did they hear about us? First, and last.
    pub(super) heard_about_us: Vec<String>,
    /// Which resources interest them?
    pub(super) interested_in: Vec<String>,
    /// Who are they? What is known, and who said so.
    pub(super) who: Vec<String>,
    /// What is not known?
    pub(super) missing: Vec<String>,
    /// How may they be contacted? What was said of each channel, a no first.
    pub(super) contact: Vec<String>,
}
