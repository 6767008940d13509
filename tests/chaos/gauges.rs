//! What the consumers say of themselves while everything around them fails.
//!
//! Holds: a figure is from the process's own `/metrics` or from the operating system, kept per process
//! until it is gone; times are good to a quarter of a second, which is how often a worker speaks.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;

const BEAT: Duration = Duration::from_millis(50);
const SCRAPE_EVERY: Duration = Duration::from_secs(1);

/// One process while it lives, and what is left of it after.
#[derive(Clone, Debug)]
struct Watched {
    stage: &'static str,
    pid: u32,
    log: PathBuf,
    /// Where its own lines begin in the log.
    from: u64,
    started: Instant,
    after_kill: bool,
    address: Option<String>,
    first: Option<Duration>,
    fences: u64,
    peak_kb: u64,
    is_gone: bool,
    scraped: Option<Instant>,
}

/// A thread that asks every process.
pub(crate) struct Gauges {
    all: Arc<Mutex<Vec<Watched>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The figures of one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Figures {
    /// Processes started.
    pub(crate) starts: usize,
    /// Milliseconds from a start after kill -9 to the first committed transaction, rising.
    pub(crate) recovery_ms: Vec<u64>,
    /// Producers taken up anew within a process.
    pub(crate) recycles: u64,
    /// The largest resident size of any of its processes, in KiB.
    pub(crate) peak_kb: u64,
}

impl Gauges {
    /// Starts asking.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (all, stop) = (Arc::<Mutex<Vec<Watched>>>::default(), Arc::new(AtomicBool::new(false)));
        let (shared, ended) = (Arc::clone(&all), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("gauges".to_owned()).spawn(move || {
            while !ended.load(Ordering::Acquire) {
                let snapshot: Vec<(usize, Watched)> =
                    lock(&shared).iter().cloned().enumerate().filter(|(_, one)| !one.is_gone).collect();
                for (n, mut one) in snapshot {
                    one.look();
                    if let Some(kept) = lock(&shared).get_mut(n) {
                        one.is_gone |= kept.is_gone;
                        *kept = one;
                    }
                }
                std::thread::sleep(BEAT);
            }
        })?;
        Ok(Self { all, stop, thread: Some(thread) })
    }

    /// Begins to ask a process, whose log it is about to append to.
    pub(crate) fn watch(&self, stage: &'static str, pid: u32, log: &Path, from: u64, after_kill: bool) {
        lock(&self.all).push(Watched {
            stage,
            pid,
            log: log.to_owned(),
            from,
            started: Instant::now(),
            after_kill,
            address: None,
            first: None,
            fences: 0,
            peak_kb: 0,
            is_gone: false,
            scraped: None,
        });
    }

    /// The process is no more.
    pub(crate) fn forget(&self, pid: u32) {
        for one in lock(&self.all).iter_mut().filter(|one| one.pid == pid) {
            one.is_gone = true;
        }
    }

    /// The last page of a process that lives.
    pub(crate) fn page(&self, pid: u32) -> Option<String> {
        let address = lock(&self.all).iter().find(|one| one.pid == pid && !one.is_gone)?.address.clone()?;
        get(&address)
    }

    /// Everything so far, by stage.
    pub(crate) fn figures(&self) -> BTreeMap<&'static str, Figures> {
        let mut by_stage: BTreeMap<&'static str, Figures> = BTreeMap::new();
        for one in lock(&self.all).iter() {
            let figures = by_stage.entry(one.stage).or_default();
            figures.starts += 1;
            figures.recycles += one.fences.saturating_sub(1);
            figures.peak_kb = figures.peak_kb.max(one.peak_kb);
            if one.after_kill
                && let Some(first) = one.first
            {
                figures.recovery_ms.push(u64::try_from(first.as_millis()).unwrap_or(u64::MAX));
            }
        }
        for figures in by_stage.values_mut() {
            figures.recovery_ms.sort_unstable();
        }
        by_stage
    }
}

impl Drop for Gauges {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl Watched {
    fn look(&mut self) {
        if self.address.is_none() {
            self.address = address_in(&self.log, self.from);
        }
        let is_due = self.scraped.is_none_or(|at| at.elapsed() > SCRAPE_EVERY);
        if self.first.is_some() && !is_due {
            return;
        }
        if is_due {
            self.scraped = Some(Instant::now());
            self.peak_kb = self.peak_kb.max(peak_kb(self.pid));
        }
        let Some(page) = self.address.as_deref().and_then(get) else { return };
        if self.first.is_none() && value(&page, "baton_transactions_total", "outcome=\"committed\"") > 0 {
            self.first = Some(self.started.elapsed());
        }
        self.fences = self.fences.max(value(&page, "baton_producer_fences_total", ""));
    }
}

fn lock(all: &Mutex<Vec<Watched>>) -> MutexGuard<'_, Vec<Watched>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The address that a process says its metrics are at.
fn address_in(log: &Path, from: u64) -> Option<String> {
    let mut file = std::fs::File::open(log).ok()?;
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut said = String::new();
    file.take(1 << 16).read_to_string(&mut said).ok()?;
    let line = said.lines().find(|line| line.contains("metrics and probes"))?;
    line.split("address=").nth(1)?.split_whitespace().next().map(str::to_owned)
}

/// One page; a process that does not answer is stopped, and has nothing new to say.
fn get(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&address.parse().ok()?, Duration::from_millis(200)).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(300))).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: baton\r\nconnection: close\r\n\r\n").ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    Some(page)
}

/// The sum of a metric over the lines that carry `label`.
pub(crate) fn value(page: &str, name: &str, label: &str) -> u64 {
    let lines = page.lines().filter(|line| line.starts_with(name) && line.contains(label));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).map(whole).sum()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count on a metrics page")]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// The largest resident size that a process has had, in KiB; 0 when that cannot be known.
fn peak_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_the_workers_with_the_label() {
        let page = "# HELP x y\nbaton_transactions_total{outcome=\"committed\",stage=\"score\",worker=\"0\"} 12\n\
                    baton_transactions_total{outcome=\"aborted\",stage=\"score\",worker=\"0\"} 3\n\
                    baton_transactions_total{outcome=\"committed\",stage=\"score\",worker=\"1\"} 1\n";
        assert_eq!(value(page, "baton_transactions_total", "outcome=\"committed\""), 13);
        assert_eq!(value(page, "baton_transactions_total", ""), 16);
        assert_eq!(value(page, "baton_else", ""), 0);
    }

    #[test]
    fn the_address_is_that_of_the_last_start() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let first = "INFO metrics and probes address=127.0.0.1:1\n";
        std::fs::write(&log, format!("{first}INFO metrics and probes address=127.0.0.1:2 \n")).unwrap();
        assert_eq!(address_in(&log, 0).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(address_in(&log, first.len() as u64).as_deref(), Some("127.0.0.1:2"));
    }
}
