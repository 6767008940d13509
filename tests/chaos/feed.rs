//! The load on its way to the input topic, through `baton ingest -`, spread over the faults.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::trouble::{Done, trouble};

/// A feed under way.
pub(crate) struct Feed {
    thread: JoinHandle<Done<Duration>>,
    sent: Arc<AtomicU64>,
    _stop: mpsc::Sender<()>,
}

/// How often the pace is looked at.
const BEAT: Duration = Duration::from_millis(10);

/// Sends `lines` evenly over `span`; `ingest` is the command that takes them.
pub(crate) fn start(mut ingest: Command, lines: Arc<Vec<String>>, span: Duration) -> Done<Feed> {
    let mut child = ingest.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let sent = Arc::new(AtomicU64::new(0));
    let (stop, stopped) = mpsc::channel();
    let count = Arc::clone(&sent);
    let thread = std::thread::Builder::new().name("feed".to_owned()).spawn(move || {
        let Some(mut input) = child.stdin.take() else { return trouble("no way to feed") };
        let began = Instant::now();
        let total = lines.len() as u64;
        let mut next = 0;
        let mut written = Ok(());
        while next < total && written.is_ok() {
            let due = due(began.elapsed(), span, total);
            for line in &lines[index(next)..index(due)] {
                written = input.write_all(line.as_bytes()).and_then(|()| input.write_all(b"\n"));
                if written.is_err() {
                    break;
                }
            }
            next = due.max(next);
            count.store(next, Ordering::Relaxed);
            // The run is over when its owner is gone.
            if matches!(stopped.recv_timeout(BEAT), Err(mpsc::RecvTimeoutError::Disconnected)) {
                break;
            }
        }
        drop(input);
        let done = child.wait_with_output()?;
        if done.status.success() && written.is_ok() {
            return Ok(began.elapsed());
        }
        trouble(format!("`baton ingest` ended with {}: {}", done.status, String::from_utf8_lossy(&done.stderr)))
    })?;
    Ok(Feed { thread, sent, _stop: stop })
}

/// How many lines should be out after `elapsed`.
fn due(elapsed: Duration, span: Duration, total: u64) -> u64 {
    let (elapsed, span) = (elapsed.as_micros(), span.as_micros().max(1));
    u64::try_from(u128::from(total) * elapsed.min(span) / span).unwrap_or(total)
}

fn index(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

impl Feed {
    /// Whether every line is out, or none can go out any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Lines given to `baton ingest` so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Waits for the acknowledgement of the last line; returns how long it all took.
    pub(crate) fn finish(self) -> Done<Duration> {
        self.thread.join().unwrap_or_else(|_| trouble("the feed panicked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_even_and_ends_with_every_line() {
        let second = Duration::from_secs(1);
        let due = |tenths: u32| due(second * tenths / 10, second, 1_000);
        assert_eq!([due(0), due(1), due(5), due(10), due(30)], [0, 100, 500, 1_000, 1_000]);
    }
}
