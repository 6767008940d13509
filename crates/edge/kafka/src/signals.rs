//! What librdkafka says on the side: disconnects, refused log-ins, failed handshakes.
//!
//! A disconnect within a transaction is reported by the log callback alone, never by an error code,
//! and it is the sign that the producer must be replaced before the next transaction.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared between a client handle and librdkafka's threads.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    suspect: AtomicBool,
    failures: AtomicU64,
    last: Mutex<String>,
}

impl Signals {
    /// A log line of librdkafka.
    pub(crate) fn log(&self, level: i32, facility: &str, line: &str) {
        let is_failure = matches!(facility, "FAIL" | "REQTMOUT" | "TIMEOUT" | "ERROR" | "TXNERR" | "FATAL");
        if is_failure {
            self.suspect.store(true, Ordering::Release);
            self.failures.fetch_add(1, Ordering::Relaxed);
            if let Ok(mut last) = self.last.lock() {
                line.clone_into(&mut last);
            }
        }
        match level {
            0..=3 if !is_failure => tracing::error!(facility, "{line}"),
            0..=4 if !is_failure => tracing::warn!(facility, "{line}"),
            _ => tracing::debug!(facility, "{line}"),
        }
    }

    /// Something happened that the log did not tell: an answer that did not come in time.
    pub(crate) fn mark(&self) {
        self.suspect.store(true, Ordering::Release);
    }

    /// Whether something failed since the last [`Signals::clear`].
    pub(crate) fn is_suspect(&self) -> bool {
        self.suspect.load(Ordering::Acquire)
    }

    /// Forgets the suspicion.
    pub(crate) fn clear(&self) {
        self.suspect.store(false, Ordering::Release);
    }

    /// The last failure in librdkafka's words; the only place that names a wrong password or certificate.
    pub(crate) fn last_failure(&self) -> String {
        self.last.lock().map(|last| last.clone()).unwrap_or_default()
    }
}
