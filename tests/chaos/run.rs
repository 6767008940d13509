//! One run: a load, a schedule of faults, quiet, and judgement.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_pipeline::Topology;
use baton_policy::Policy;
use serde_json::Value;

use crate::actor::Actor;
use crate::broker::{Broker, Cluster};
use crate::feed;
use crate::fleet::Fleet;
use crate::gauges::value;
use crate::network::Network;
use crate::oracles::agreement::Bag;
use crate::oracles::{Verdict, agreement, ledgers, liveness, promises, reading};
use crate::plant::Plant;
use crate::reader::{Reader, Seen};
use crate::report::Report;
use crate::schedule::{Counts, Planned, STAGES, plan};
use crate::topics::Topics;
use crate::trouble::{Done, trouble};

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) seed: u64,
    pub(crate) events: usize,
    pub(crate) counts: Counts,
    /// One broker behind a proxy, or so many with as many copies of everything.
    pub(crate) brokers: usize,
    /// How long the load takes, and within it the faults.
    pub(crate) span: Duration,
    /// How long everything may take to be read once the faults are over.
    pub(crate) patience: Duration,
    pub(crate) bin: PathBuf,
    /// Of the run's own; everything is kept there until the run is judged.
    pub(crate) dir: PathBuf,
    /// Whether differences are planted at the end, and must be found.
    pub(crate) plants: bool,
    /// How to run it again.
    pub(crate) command: String,
}

/// What the oracles need to know of a run.
struct Evidence {
    topics: Topics,
    policy: Arc<Policy>,
    lines: Arc<Vec<String>>,
    expected: BTreeMap<&'static str, Bag>,
    seen: Seen,
}

/// The binary's own oracles.
const TOOLS: [&str; 2] = ["verify", "reconcile"];

/// Runs it and judges.
pub(crate) fn run(order: &Order) -> Done<Report> {
    let lines = Arc::new(crate::load::lines(order.seed, order.events));
    let span_ms = u64::try_from(order.span.as_millis()).unwrap_or(u64::MAX);
    let plan = plan(order.seed, &order.counts, span_ms);
    let cluster = Cluster::new(&order.dir.join("kafka"), order.brokers)?;
    let bootstrap = cluster.start()?;
    let result = on_cluster(order, &cluster, &bootstrap, lines, plan);
    match &result {
        Ok(report) if report.differences() == 0 => cluster.wipe()?,
        // Its data is the evidence.
        _ => cluster.stop()?,
    }
    result
}

fn on_cluster(
    order: &Order,
    cluster: &Cluster,
    bootstrap: &str,
    lines: Arc<Vec<String>>,
    plan: Vec<Planned>,
) -> Done<Report> {
    let topics = Topics { bootstrap: bootstrap.to_owned(), prefix: "chaos.".to_owned() };
    let door = cluster.single().map(Broker::door).transpose()?;
    let mut network = door.map(|(listen, door)| Network::start(&listen, &door)).transpose()?;
    let address = network.as_ref().map_or_else(|| bootstrap.to_owned(), Network::address);
    let mut fleet = Fleet::new(&order.bin, &order.dir, &topics, &address)?;
    fleet.set("BATON_TOPICS__REPLICATION", &cluster.size().to_string());
    demand(&fleet, &["topics", "apply"])?;
    let reader = Reader::start(&topics)?;
    for stage in STAGES {
        fleet.start((stage, 0), false)?;
    }
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).map_err(|e| format!("{e:?}"))?);
    let simulation = {
        let (policy, lines, prefix) = (Arc::clone(&policy), Arc::clone(&lines), topics.prefix.clone());
        std::thread::spawn(move || agreement::simulate(&policy, &prefix, lines.iter().map(String::as_bytes)))
    };
    progress(&format!("{} lines, {} faults in {} s", lines.len(), plan.len(), order.span.as_secs()));
    let feed = feed::start(fleet.command(&["ingest", "-", "--quiet"]), Arc::clone(&lines), order.span)?;
    let mut actor = Actor::new(&mut fleet, network.as_mut(), cluster, &order.dir);
    let carried = actor.carry_out(&plan, &feed, &reader);
    let Actor { done: faults, outages: outages_ms, unnoticed, .. } = actor;
    let sent = feed.sent();
    carried.map_err(|error| format!("after {sent} lines: {error}"))?;
    let took = feed.finish()?;
    if let Some(network) = &network {
        network.heal();
    }
    progress(&format!("fed in {:.1} s; waiting until all is read", took.as_secs_f64()));
    let caught_up = settle(&mut fleet, order.patience)?;
    let (open, settled) = liveness::no_open_transactions(&topics, &every_topic(&topics))?;
    progress(&format!("read {:.1} s after the last fault; judging", caught_up.as_secs_f64()));
    let began = Instant::now();
    let expected = simulation.join().unwrap_or_else(|_| trouble("the simulator panicked"))?;
    progress(&format!("the simulator was waited for for {:.1} s", began.elapsed().as_secs_f64()));
    let evidence = Evidence { policy, lines, expected, seen: reader.finish(reading::there(&topics)?)?, topics };
    let mut verdicts = judge(&evidence, &fleet, None)?;
    verdicts.insert("open transactions", open);
    verdicts.insert("faults noticed", unnoticed);
    let restore = restore(&mut fleet)?;
    if order.plants {
        verdicts.insert("planted differences found", plants(&evidence, &mut fleet, order.patience, &verdicts)?);
    }
    verdicts.insert("probe of every partition", liveness::probe(&evidence.topics)?);
    let count = |bag: &Bag| bag.values().sum();
    Ok(Report {
        seed: order.seed,
        command: order.command.clone(),
        events: evidence.lines.len(),
        counts: order.counts,
        schedule: plan,
        faults,
        caught: network.as_ref().map(Network::caught).unwrap_or_default(),
        ends: fleet.ends().clone(),
        outages_ms,
        stages: fleet.gauges.figures(),
        fed_in_s: took.as_secs_f64(),
        caught_up_in_s: caught_up.as_secs_f64(),
        settled_in_s: settled.as_secs_f64(),
        restore,
        outcomes: evidence.expected.iter().map(|(topic, bag)| (*topic, count(bag))).collect(),
        verdicts,
    })
}

/// The verdict of every oracle, or of those that are `asked`.
fn judge(evidence: &Evidence, fleet: &Fleet, asked: Option<&[&str]>) -> Done<BTreeMap<&'static str, Verdict>> {
    let Evidence { topics, policy, lines, expected, seen } = evidence;
    let mut verdicts = BTreeMap::new();
    let mut judge = |oracle: &'static str, verdict: &dyn Fn() -> Done<Verdict>| -> Done {
        if asked.is_some_and(|asked| !asked.contains(&oracle)) {
            return Ok(());
        }
        let began = Instant::now();
        verdicts.insert(oracle, verdict()?);
        progress(&format!("judged in {:.1} s: {oracle}", began.elapsed().as_secs_f64()));
        Ok(())
    };
    judge("input", &|| agreement::input(topics, lines))?;
    judge("agreement", &|| Ok(agreement::compare(expected, &agreement::outcomes(topics)?)))?;
    judge("reader", &|| Ok(reading::compare(seen, &reading::there(topics)?)))?;
    judge("ledgers", &|| Ok(ledgers::judge(&ledgers::read(topics)?, &topics.prefix, lines.len())))?;
    judge("handoffs", &|| promises::handoffs(topics))?;
    judge("promises", &|| {
        let expected = promises::recount(policy, &promises::read(topics)?);
        Ok(promises::compare(&expected, &promises::said(topics)?))
    })?;
    for tool in TOOLS {
        judge(tool, &|| ask(fleet, tool))?;
    }
    Ok(verdicts)
}

/// What the binary itself says of its deployment, as JSON: how many differences, and which.
fn ask(fleet: &Fleet, tool: &str) -> Done<Verdict> {
    let done = fleet.command(&[tool, "--json"]).stdin(Stdio::null()).output()?;
    if !matches!(done.status.code(), Some(0 | 65)) {
        return trouble(format!(
            "`baton {tool}` ended with {}: {}",
            done.status,
            String::from_utf8_lossy(&done.stderr)
        ));
    }
    let said: Value = serde_json::from_slice(&done.stdout)?;
    let mut verdict = Verdict::default();
    let count = |said: &Value, name: &str| said[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let stages = said["stages"].as_array().into_iter().flatten();
    for lane in stages.filter_map(|stage| stage["lanes"].as_array()).flatten() {
        verdict.looked(count(lane, "outputs_compared") + count(lane, "rows_compared"));
    }
    verdict.looked(count(&said, "equations"));
    let told: Vec<&Value> = ["first", "wrong"].iter().filter_map(|name| said[name].as_array()).flatten().collect();
    let more = count(&said, "differences").saturating_sub(told.len());
    for difference in told {
        verdict.differs(difference.to_string());
    }
    verdict.differences += more;
    // What cannot be verified is no difference, and ends with 65 all the same.
    if done.status.code() == Some(65) && verdict.differences == 0 {
        verdict.differs(String::from_utf8_lossy(&done.stdout));
    }
    Ok(verdict)
}

/// Waits until every consumer has read everything, starting again what ends; returns how long it took.
pub(crate) fn settle(fleet: &mut Fleet, patience: Duration) -> Done<Duration> {
    let began = Instant::now();
    let seconds = patience.as_secs().to_string();
    let mut report: std::process::Child = {
        let mut command: Command = fleet.command(&["report", "--wait", "--timeout", &seconds]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::piped()).spawn()?
    };
    loop {
        if let Err(error) = fleet.supervise() {
            report.kill().ok();
            report.wait().ok();
            return Err(error);
        }
        if let Some(status) = report.try_wait()? {
            if status.success() {
                return Ok(began.elapsed());
            }
            let said = report.wait_with_output()?.stderr;
            return trouble(format!("not everything was read: {}", String::from_utf8_lossy(&said)));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Takes `identify` its state and measures how long it takes to have it again: rows and seconds.
fn restore(fleet: &mut Fleet) -> Done<Option<(u64, f64)>> {
    let place = (STAGES[0], 0);
    fleet.kill(place)?;
    std::fs::remove_dir_all(fleet.state(place))?;
    let began = Instant::now();
    fleet.start(place, false)?;
    while began.elapsed() < Duration::from_mins(5) {
        fleet.supervise()?;
        let page = fleet.pid(place).and_then(|pid| fleet.gauges.page(pid)).unwrap_or_default();
        if value(&page, "baton_lanes", "state=\"running\"") > 0 {
            return Ok(Some((value(&page, "baton_state_rows", ""), began.elapsed().as_secs_f64())));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    trouble("identify did not get its state back within five minutes")
}

/// Plants one difference after the other; each must be seen by those who are there to see it.
fn plants(
    evidence: &Evidence,
    fleet: &mut Fleet,
    patience: Duration,
    before: &BTreeMap<&'static str, Verdict>,
) -> Done<Verdict> {
    let mut verdict = Verdict::default();
    let count = |verdicts: &BTreeMap<&'static str, Verdict>, oracle: &str| {
        verdicts.get(oracle).map_or(0, |verdict| verdict.differences)
    };
    let mut last: BTreeMap<&'static str, Verdict> = before.clone();
    for plant in Plant::ALL {
        plant.plant(&evidence.topics, fleet)?;
        settle(fleet, patience)?;
        let now = judge(evidence, fleet, Some(plant.seen_by()))?;
        for oracle in plant.seen_by() {
            verdict.looked(1);
            if count(&now, oracle) <= count(&last, oracle) {
                verdict.differs(format!("{plant:?} was not seen by the oracle of {oracle}"));
            }
        }
        last.extend(now);
    }
    Ok(verdict)
}

/// Every topic of Baton's own, without the prefix.
fn every_topic(topics: &Topics) -> Vec<String> {
    let all = Topology::new(&topics.prefix, 4).topics();
    all.into_iter().map(|topic| topic.name[topics.prefix.len()..].to_owned()).collect()
}

pub(crate) fn demand(fleet: &Fleet, args: &[&str]) -> Done {
    match fleet.call(args)? {
        (Some(0), _) => Ok(()),
        (code, said) => trouble(format!("`baton {}` ended with {code:?}: {said}", args.join(" "))),
    }
}

pub(crate) fn progress(what: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "chaos: {what}").ok();
}

/// A folder that exists, by its full path.
pub(crate) fn own_dir(dir: &Path) -> Done<PathBuf> {
    std::fs::create_dir_all(dir)?;
    Ok(dir.canonicalize()?)
}
