//! Runs the stages of the fixed work that the environment names, until it is told to end.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baton_bench::host::{Place, prepare, start};
use baton_engine::{Limits, Stop};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn setting(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| format!("{name}: {error}"))
}

fn run() -> Result<(), String> {
    let place = Place {
        bootstrap: setting("BOOTSTRAP")?,
        inputs: setting("BENCH_IN_NS")?,
        prefix: setting("BENCH_NS")?,
        state: setting("BENCH_STATE_DIR")?.into(),
        // The first, unless it is said otherwise.
        instance: std::env::var("BENCH_INSTANCE").unwrap_or_else(|_| "0".to_owned()),
    };
    let stages: Vec<String> = setting("BENCH_STAGES")?.split(',').map(str::to_owned).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        prepare(&place, &stages).await.map_err(|error| error.to_string())?;
        let mut workers = Vec::new();
        for stage in &stages {
            workers.push(start(stage, &place, Limits::default(), &stop).map_err(|why| format!("{why:?}"))?);
        }
        let mut ask = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
        while !workers.iter().any(std::thread::JoinHandle::is_finished) {
            if tokio::time::timeout(Duration::from_millis(100), ask.recv()).await.is_ok() {
                break;
            }
        }
        stop.store(true, Ordering::Release);
        for worker in workers {
            match worker.join() {
                Ok(Ok(())) => {}
                Ok(Err(Stop::Fenced(why) | Stop::Config(why) | Stop::Store(why))) => return Err(why),
                Err(_) => return Err("a worker panicked".to_owned()),
            }
        }
        Ok(())
    })
}
