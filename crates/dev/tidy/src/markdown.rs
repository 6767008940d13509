//! As much Markdown as the checks need: blocks of code, code within lines, links, tables, headings.

use crate::tree::numbered;

/// A line of a document, and whether it stands within a fenced block.
pub(crate) struct Line<'a> {
    pub(crate) number: usize,
    pub(crate) text: &'a str,
    pub(crate) fenced: bool,
}

/// The lines of a document without the fences themselves.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (number, text) in numbered(text) {
        if text.trim_start().starts_with("```") {
            fenced = !fenced;
        } else {
            lines.push(Line { number, text, fenced });
        }
    }
    lines
}

/// What stands between backticks in a line.
pub(crate) fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The targets of the links in a line: `[text](target)`.
pub(crate) fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The cells of a line of a table; nothing for any other line.
pub(crate) fn cells(line: &str) -> Vec<&str> {
    let Some(row) = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|')) else { return Vec::new() };
    row.split('|').map(str::trim).collect()
}

/// The rows of every table whose first column is headed `head`, with their line numbers.
pub(crate) fn rows<'a>(text: &'a str, head: &str) -> Vec<(usize, Vec<&'a str>)> {
    let mut rows = Vec::new();
    let mut within = false;
    for line in lines(text).iter().filter(|line| !line.fenced) {
        let cells = cells(line.text);
        match cells.first() {
            None => within = false,
            Some(first) if *first == head => within = true,
            Some(first) if within && !first.starts_with("--") && !first.starts_with(":-") => {
                rows.push((line.number, cells));
            }
            Some(_) => {}
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_part_code_from_prose() {
        let text = "prose\n```sh\ncode\n```\nprose\n";
        let found: Vec<_> = lines(text).iter().map(|line| (line.number, line.fenced)).collect();
        assert_eq!(found, [(1, false), (3, true), (5, false)]);
    }

    #[test]
    fn spans_and_targets_are_taken_out_of_a_line() {
        assert_eq!(spans("a `b` c `d e`").collect::<Vec<_>>(), ["b", "d e"]);
        assert_eq!(targets("[a](b.md) and ![c](d.svg#e)").collect::<Vec<_>>(), ["b.md", "d.svg#e"]);
    }

    #[test]
    fn rows_are_those_of_the_tables_with_that_head() {
        let text = "| Key | x |\n|---|---|\n| `a` | 1 |\n\n| Code | x |\n|---|---|\n| 64 | 2 |\n";
        assert_eq!(rows(text, "Key"), [(3, vec!["`a`", "1"])]);
        assert_eq!(rows(text, "Code"), [(7, vec!["64", "2"])]);
    }
}
