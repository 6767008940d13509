//! `baton run`: one consumer, or all of them, until told to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baton_engine::{Limits, Stop};
use baton_kafka::Admin;
use baton_pipeline::{Consumer, Pace, Topology};
use baton_policy::Policy;
#[cfg(feature = "otel")]
use baton_runtime::Spans;
use baton_runtime::{Board, Exit, Hosting, Metrics, Running, ask_for_ends, send_canaries, serve, start};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::settings::{ClockSource, Settings};
use crate::{Failure, policy, topics};

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// identify, aggregate, score, route, watch, or all of them in this process
    #[arg(value_parser = which, value_name = "CONSUMER")]
    consumers: Which,
}

#[derive(Clone, Debug)]
struct Which(Vec<Consumer>);

fn which(text: &str) -> Result<Which, String> {
    if text == "all" {
        return Ok(Which(Consumer::ALL.to_vec()));
    }
    text.parse().map(|consumer| Which(vec![consumer]))
}

/// Time to finish what is under way after the signal to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// A worker is given up after so many looks, five seconds' worth: a process that was stopped as a whole
/// finds all of its workers late, and they are not stuck.
const LOOKS: u32 = 100;

/// Runs until SIGTERM or Ctrl-C, or until a consumer cannot go on.
pub(crate) fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io(format!("could not start: {error}")))?;
    let result = runtime.block_on(prepare_and_host(args, settings));
    // A look at the cluster that was given up may still wait for its answer.
    runtime.shutdown_background();
    result
}

/// Listens for the end before the first look at the cluster: an orchestrator that thinks again gets its
/// answer at once, and a clean one.
async fn prepare_and_host(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let mut end = End::new()?;
    tracing::info!("starting");
    let (consumers, own) = (args.consumers.0.clone(), settings.clone());
    let prepared = tokio::task::spawn_blocking(move || prepare(&consumers, &own));
    let hosting = tokio::select! {
        () = end.asked() => return Ok(()),
        prepared = prepared => prepared.map_err(|error| Failure::io(format!("could not start: {error}")))??,
    };
    host(args, settings, &hosting, &mut end).await
}

/// All that can be found wrong before anything is opened.
fn prepare(consumers: &[Consumer], settings: &Settings) -> Result<Hosting, Failure> {
    let policy = Arc::new(policy::load(settings.policy.as_deref())?);
    let topology = check_topics(consumers, settings)?;
    let mut hosting = hosting(settings, topology, &policy);
    hosting.changelog_ids = changelog_ids(consumers, &hosting)?;
    #[cfg(feature = "otel")]
    if let Some(endpoint) = &settings.otlp {
        let spans = Spans::to(endpoint, &settings.instance);
        hosting.spans = Some(spans.map_err(|why| Failure::config(format!("tracing.otlp: {why}")))?);
    }
    Ok(hosting)
}

/// The signals that ask for the end.
struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    fn new() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(|error| Failure::io(format!("signals: {error}")));
        Ok(Self { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn host(args: &Args, settings: &Settings, hosting: &Hosting, end: &mut End) -> Result<(), Failure> {
    let policy = &hosting.policy;
    let (board, stop) = (Arc::new(Board::default()), Arc::new(AtomicBool::new(false)));
    let metrics = Metrics::new(&settings.told_sources).map_err(|e| Failure::io(format!("metrics: {e}")))?;
    let metrics = Arc::new(metrics);
    if let Some(listen) = &settings.listen {
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| Failure::config(format!("http.listen: cannot listen on {listen}: {error}")))?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "metrics and probes");
        }
        let board = Arc::clone(&board);
        tokio::spawn(serve(listener, board, Arc::clone(&metrics), std::future::pending()));
    }
    let mut workers = Vec::new();
    for consumer in &args.consumers.0 {
        // A stage with one lane has work for one worker only; the others would stand by.
        let count = settings.workers.min(usize::try_from(consumer.spec(&hosting.topology).lanes()).unwrap_or(1));
        for number in 0..count {
            let worker = start(*consumer, number, hosting, (&board, &metrics), &stop)
                .map_err(|error| Failure::io(format!("could not start a thread: {error}")))?;
            workers.push(worker);
        }
    }
    ask_for_ends(&settings.cluster, &board, &stop)
        .map_err(|error| Failure::io(format!("could not ask where the inputs end: {error}")))?;
    let canaries = settings.canary_ms.filter(|_| settings.clock == ClockSource::Wall);
    if let Some(every) = canaries.filter(|_| args.consumers.0.contains(&Consumer::Identify)) {
        let every = Duration::from_millis(every.unsigned_abs());
        send_canaries(&settings.cluster, &hosting.topology, every, &metrics, &stop)
            .map_err(|error| Failure::io(format!("canary_ms: could not send any: {error}")))?;
    }
    tracing::info!(policy = policy.name, version = policy.version, "running");
    wait_for_the_end(&workers, &board, end).await?;
    stop.store(true, Ordering::Release);
    let result = finish(workers);
    #[cfg(feature = "otel")]
    if let Some(spans) = &hosting.spans {
        spans.close();
    }
    result
}

/// A signal, or the end of a worker.
async fn wait_for_the_end(workers: &[Running], board: &Board, end: &mut End) -> Result<(), Failure> {
    let mut looks = 0;
    loop {
        tokio::select! {
            () = end.asked() => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(50)) => {
                if workers.iter().any(Running::has_ended) {
                    return Ok(());
                }
                let stuck = board.hopeless().err();
                looks = if stuck.is_some() { looks + 1 } else { 0 };
                if let Some(stuck) = stuck.filter(|_| looks > LOOKS) {
                    let message = format!("{stuck}: given up; another start goes on where the last commit ended");
                    return Err(Failure { message, code: 75 });
                }
            }
        }
    }
}

/// Waits for every worker, but not for ever: what is not committed by then is done again at the next start.
fn finish(workers: Vec<Running>) -> Result<(), Failure> {
    let watchdog = std::thread::Builder::new().name("drain".to_owned()).spawn(|| {
        std::thread::sleep(DRAIN);
        let mut out = std::io::stderr();
        writeln!(out, "baton: did not drain within {} s; ending", DRAIN.as_secs()).ok();
        std::process::exit(75);
    });
    drop(watchdog);
    let mut result = Ok(());
    for worker in workers {
        let consumer = worker.consumer;
        match worker.join() {
            Exit::Asked => {}
            Exit::Stopped(stop) => result = Err(failure(consumer, stop)),
            Exit::Panicked => {
                let message = format!("{consumer} panicked: a defect; start it again, nothing is lost");
                result = Err(Failure { message, code: 70 });
            }
        }
    }
    result
}

fn failure(consumer: Consumer, stop: Stop) -> Failure {
    match stop {
        Stop::Fenced(why) => Failure { message: format!("{consumer}: {why}"), code: 75 },
        Stop::Config(why) => Failure::config(format!("{consumer}: {why}")),
        Stop::Store(why) => Failure::io(format!("{consumer}: {why}")),
    }
}

/// What the settings say of hosting consumers.
pub(crate) fn hosting(settings: &Settings, topology: Topology, policy: &Arc<Policy>) -> Hosting {
    let registry = settings.registry.as_ref().map(|registry| {
        let login = registry.user.clone().map(|user| (user, registry.password.clone().unwrap_or_default()));
        (registry.url.clone(), login)
    });
    Hosting {
        cluster: settings.cluster.clone(),
        topology,
        policy: Arc::clone(policy),
        state_dir: settings.state_dir.clone(),
        instance: settings.instance.clone(),
        pace: match settings.clock {
            ClockSource::Wall => Pace::Wall { every_ms: settings.tick_ms },
            ClockSource::Log => Pace::Log,
        },
        changelog_ids: BTreeMap::new(),
        limits: Limits::default(),
        registry,
        #[cfg(feature = "otel")]
        spans: None,
    }
}

/// The ids of the changelogs: local state is that of a topic, not of its name.
fn changelog_ids(consumers: &[Consumer], hosting: &Hosting) -> Result<BTreeMap<Consumer, String>, Failure> {
    let admin = Admin::new(&hosting.cluster)?;
    let mut ids = BTreeMap::new();
    for consumer in consumers {
        ids.insert(*consumer, admin.topic_id(&consumer.spec(&hosting.topology).changelog)?);
    }
    Ok(ids)
}

/// Every topic that the consumers touch must be there, with the right number of partitions and what else a
/// guarantee needs.
pub(crate) fn check_topics(consumers: &[Consumer], settings: &Settings) -> Result<Topology, Failure> {
    let admin = Admin::new(&settings.cluster)?;
    let there = admin.topics()?;
    let topology = settings.with_sources(&there).map_err(|errors| Failure::config(errors.join("\n")))?;
    let (mut wrong, mut touched) = (Vec::new(), BTreeSet::new());
    for consumer in consumers {
        let spec = consumer.spec(&topology);
        let inputs = spec.inputs.iter().map(|input| (input.topic.clone(), input.partitions));
        let state = std::iter::once((spec.changelog.clone(), spec.lanes()));
        let needed =
            inputs.chain(spec.outputs.clone()).chain(state).chain([spec.ledger.clone(), spec.dead_letters.clone()]);
        for (topic, partitions) in needed {
            match there.get(&topic) {
                None => wrong.push(format!("{topic}: no such topic")),
                Some(found) if *found != partitions => {
                    wrong.push(format!("{topic}: has {found} partitions, should have {partitions}"));
                }
                Some(_) => {}
            }
            touched.insert(topic);
        }
    }
    wrong.extend(topics::broken(settings, &admin, &touched)?);
    wrong.sort();
    wrong.dedup();
    if wrong.is_empty() {
        return Ok(topology);
    }
    Err(Failure::config(format!(
        "the topics on {} are not as they should be:\n  {}\nsee `baton topics plan`; `baton topics apply` creates \
         what is missing and says how to mend what is wrong",
        settings.cluster.bootstrap,
        wrong.join("\n  ")
    )))
}
