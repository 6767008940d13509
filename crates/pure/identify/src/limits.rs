//! The bounds of what one record may hold, and the cuts that keep a text within them.
//!
//! Holds: everything that is read is bounded by these numbers, so a record costs a bounded amount of memory.

/// Largest JSON record, in bytes. Segment's own limit is 32 KiB an event and 500 KiB a batch.
pub(crate) const RECORD_BYTES: usize = 256 * 1024;
/// Deepest nesting of objects and lists; the record itself is the first.
pub(crate) const DEPTH: usize = 32;
/// Most events in one batch.
pub(crate) const BATCH: usize = 2_500;
/// Longest text, in bytes.
pub(crate) const TEXT_BYTES: usize = 8 * 1024;
/// Longest name, path or title, in bytes; longer ones are cut, for they are only matched and shown.
pub(crate) const LABEL_BYTES: usize = 512;
/// Longest email address, in bytes: 64 for the local part, `@`, 255 for the domain.
pub(crate) const EMAIL_BYTES: usize = 320;
/// Most traits of an event, and most items of a trait that is a list.
pub(crate) const TRAITS: usize = 100;
/// Most ids of one lead.
pub(crate) const IDS: u32 = 50;

/// Cuts `text` to at most `most` bytes, on a character boundary.
pub(crate) fn clip(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}

/// Whether JSON text nests deeper than [`DEPTH`]. Brackets inside strings do not count.
///
/// Looks before the parser does: a parser that recurses would have to be trusted with its stack.
pub(crate) fn too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        let mut text = "aé€".to_owned();
        clip(&mut text, 2);
        assert_eq!(text, "a");
        clip(&mut text, 10);
        assert_eq!(text, "a");
    }

    #[test]
    fn brackets_count_only_outside_strings() {
        assert!(!too_deep("[".repeat(DEPTH).as_bytes()));
        assert!(too_deep("[".repeat(DEPTH + 1).as_bytes()));
        assert!(!too_deep(format!("\"{}\"", "[".repeat(DEPTH + 1)).as_bytes()));
        assert!(!too_deep(format!("\"\\\"{}\"", "[".repeat(DEPTH + 1)).as_bytes()));
        assert!(too_deep(format!("\"\\\\\"{}", "[".repeat(DEPTH + 1)).as_bytes()));
    }
}
