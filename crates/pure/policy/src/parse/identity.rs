//! The section `identity`.

use super::read::Field;
use crate::Identity;

/// Reads the section; problems go to the report.
pub(super) fn read(section: &Field<'_>) -> Option<Identity> {
    let fields = section.fields(&["dedupe", "max_skew", "placeholder_ids"])?;
    let mut placeholder_ids: Vec<String> = fields
        .need("placeholder_ids")
        .map(|ids| ids.texts().into_iter().map(|id| id.to_lowercase()).collect())
        .unwrap_or_default();
    placeholder_ids.sort();
    placeholder_ids.dedup();
    Some(Identity {
        dedupe_ms: fields.need("dedupe").and_then(|f| f.duration()).unwrap_or_default(),
        max_skew_ms: fields.need("max_skew").and_then(|f| f.duration_or_zero()).unwrap_or_default(),
        placeholder_ids,
    })
}
