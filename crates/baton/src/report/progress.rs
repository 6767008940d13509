//! How far the consumers are, shown on standard error while a person waits.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use baton_pipeline::Consumer;
use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Shows what is left to read, consumer by consumer.
pub(super) struct Progress {
    spinner: Option<ProgressBar>,
    said_at: Instant,
    left: Vec<(Consumer, Option<i64>)>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let style = ProgressStyle::with_template("{spinner} {wide_msg}");
        let spinner = std::io::stderr()
            .is_terminal()
            .then(|| ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())));
        Self { spinner, said_at: Instant::now(), left: Consumer::ALL.map(|consumer| (consumer, None)).to_vec() }
    }

    /// So many offsets are left for a consumer.
    pub(super) fn left(&mut self, consumer: Consumer, left: i64) {
        for known in self.left.iter_mut().filter(|(other, _)| *other == consumer) {
            known.1 = Some(left);
        }
        if let Some(spinner) = &self.spinner {
            spinner.set_message(self.line());
            spinner.tick();
        } else if self.said_at.elapsed() >= EVERY {
            self.said_at = Instant::now();
            writeln!(std::io::stderr(), "waiting: {}", self.line()).ok();
        }
    }

    fn line(&self) -> String {
        let said = self.left.iter().map(|(consumer, left)| match left {
            None => format!("{consumer} -"),
            Some(0) => format!("{consumer} done"),
            Some(left) => format!("{consumer} {left} left"),
        });
        said.collect::<Vec<_>>().join(", ")
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
