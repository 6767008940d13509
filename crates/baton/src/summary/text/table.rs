//! Columns that fit: each as wide as its widest cell, the widest cut when the line would be too long.

/// A table of text.
pub(super) struct Table<const N: usize> {
    /// Whether to align to the right, and the name, of each column.
    columns: [(bool, &'static str); N],
    rows: Vec<[String; N]>,
}

const GAP: usize = 2;
/// No column is cut to less.
const LEAST: usize = 8;

impl<const N: usize> Table<N> {
    /// A table with these columns. A name begins with `<` or `>`: to which side its cells go.
    pub(super) fn new(columns: &[&'static str; N]) -> Self {
        let column = |name: &'static str| (name.starts_with('>'), name.trim_start_matches(['<', '>']));
        Self { columns: columns.map(column), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| clean(&cell)));
    }

    /// The lines, no longer than [`super::WIDTH`]; the names first, if any column has one.
    pub(super) fn text(&self) -> String {
        let widths = self.widths();
        let names = self.columns.map(|(_, name)| name.to_owned());
        let has_names = names.iter().any(|name| !name.is_empty());
        let mut text = String::new();
        for row in has_names.then_some(&names).into_iter().chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), (to_the_right, _)) in row.iter().zip(widths).zip(self.columns) {
                let cell = fit(cell, width);
                let blanks = " ".repeat(width.saturating_sub(cell.chars().count()));
                let (before, after) = if to_the_right { (blanks, String::new()) } else { (String::new(), blanks) };
                line.extend([before.as_str(), &cell, &after, &" ".repeat(GAP)]);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = self.columns.map(|(_, name)| name.chars().count());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        // One letter at a time off the widest: the columns are few and the lines short.
        while widths.iter().map(|width| width + GAP).sum::<usize>() > super::WIDTH + GAP {
            match widths.iter_mut().max() {
                Some(widest) if *widest > LEAST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}

/// The text without control characters: a record must not steer the terminal.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The text, cut to so many letters; `..` shows that it was.
pub(super) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(2)).collect();
    format!("{}..", kept.trim_end())
}

/// Milliseconds as a person says them: `480ms`, `45s`, `4m12s`, `3h05m`, `2d04h`.
pub(super) fn span(ms: i64) -> String {
    let (sign, ms) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    let (seconds, minutes, hours) = (ms / 1_000, ms / 60_000, ms / 3_600_000);
    let said = if ms == 0 {
        "0s".to_owned()
    } else if seconds == 0 {
        format!("{ms}ms")
    } else if minutes == 0 {
        format!("{seconds}s")
    } else if hours == 0 {
        format!("{minutes}m{:02}s", seconds % 60)
    } else if hours < 48 {
        format!("{hours}h{:02}m", minutes % 60)
    } else {
        format!("{}d{:02}h", hours / 24, hours % 24)
    };
    format!("{sign}{said}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_the_two_largest_units() {
        for (ms, said) in [
            (0, "0s"),
            (480, "480ms"),
            (45_999, "45s"),
            (252_000, "4m12s"),
            (11_100_000, "3h05m"),
            (187_200_000, "2d04h"),
            (-60_000, "-1m00s"),
        ] {
            assert_eq!(span(ms), said);
        }
    }

    #[test]
    fn the_widest_column_gives_way_so_that_no_line_is_too_long() {
        let mut table = Table::new(&["<short", "<long", ">number"]);
        table.row(["a".repeat(20), "b".repeat(200), "7".to_owned()]);
        let text = table.text();
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert_eq!(longest, Some(super::super::WIDTH));
        assert!(text.contains(&"a".repeat(20)), "{text}");
        assert!(text.contains("b.. "), "{text}");
    }

    #[test]
    fn a_record_cannot_steer_the_terminal() {
        let mut table = Table::new(&["<name"]);
        table.row(["evil\u{1b}[2J\nname".to_owned()]);
        assert_eq!(table.text(), "name\nevil [2J name\n");
    }
}
