//! Every scenario of `tests/scenarios` on a real broker, through the binary.
//!
//! Scenarios of one policy share a deployment, since each is about people of its own; one that the
//! others would disturb (they share the reps and their turns) has a deployment to itself. The
//! simulator says which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use baton_domain::Millis;
use baton_kafka::Cluster;
use baton_kafka::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use baton_pipeline::{Kind, NoRegistry, Nouns, Schemas, Topology};
use baton_scenario::{Line, Record as Written, Scenario, Script, Seen, judge, parse};
use baton_sim::{Headers, Record};
use baton_wire::partition;

use crate::harness::{Deployment, deploy, text};

/// A scenario, and what is said in it.
struct Played {
    scenario: Scenario,
    script: Script,
}

/// Every scenario that must hold, by the text of its policy.
fn all() -> BTreeMap<String, Vec<Played>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".test.yaml"));
    files.sort();
    let mut all = BTreeMap::<String, Vec<Played>>::new();
    for file in files {
        let name = file.display().to_string();
        let scenario = parse(&name, &std::fs::read_to_string(&file).unwrap());
        let scenario = scenario.unwrap_or_else(|problems| panic!("{}", problems[0]));
        if scenario.pending.is_some() {
            continue;
        }
        let mut text = |named: Option<&str>| match named {
            None => Ok(baton_policy::STARTER.to_owned()),
            Some(path) => std::fs::read_to_string(folder.join(path)).map_err(|error| error.to_string()),
        };
        let script = Script::of(&scenario, &mut text).unwrap_or_else(|why| panic!("{name}: {why}"));
        all.entry(script.policy.clone()).or_default().push(Played { scenario, script });
    }
    all
}

/// All in one script, in the order of time; what runs a consumer alone is alone.
fn together(all: &[Played]) -> Script {
    let mut lines: Vec<_> = all.iter().flat_map(|played| played.script.lines.clone()).collect();
    lines.sort_by_key(|(at, _)| *at);
    let first = all.first().map(|played| &played.script);
    let policy = first.map(|script| script.policy.clone()).unwrap_or_default();
    Script { policy, only: first.and_then(|script| script.only), lines }
}

/// Those that hold when played together, and those that only hold alone.
fn apart(policy: &str, all: Vec<Played>) -> (Vec<Played>, Vec<Played>) {
    let policy = Arc::new(baton_policy::parse("policy.yaml", policy).unwrap());
    // A policy that is published would judge the others too.
    let is_alone = |played: &Played| played.script.only.is_some() || !Script::parts(&played.script.lines).0.is_empty();
    let (mut alone, mut shared): (Vec<_>, Vec<_>) = all.into_iter().partition(is_alone);
    loop {
        let records = baton_sim::play(&policy, &together(&shared)).unwrap();
        let disturbed = shared.iter().position(|played| !judge(&played.scenario, &records).is_empty());
        match disturbed {
            Some(place) => alone.push(shared.remove(place)),
            None => return (shared, alone),
        }
    }
}

fn seen(deployment: &Deployment) -> Vec<Seen> {
    let topology = Topology::new("", 4);
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    let mut nouns = Nouns::new(&schemas);
    let mut all = Vec::new();
    for topic in baton_sim::unread(&topology) {
        let Some(kind) = Kind::of(&topology, &topic) else { continue };
        for stored in deployment.read_all(&topic) {
            let headers = stored.headers.into_iter().map(|(name, value)| (name.into_bytes(), Some(value.into_bytes())));
            let headers: Vec<_> = headers.collect();
            let record = Record {
                appended: Millis(stored.appended),
                key: Some(stored.key),
                value: Some(stored.value),
                headers: Headers::of(&headers),
            };
            all.push(baton_sim::told(&topic, kind, &record, &mut nouns));
        }
    }
    all
}

/// Differences of the scenarios when played together on the broker; `None` without a broker.
fn played(policy: &str, all: &[Played]) -> Option<Vec<String>> {
    let mut deployment = deploy("scenes")?;
    deployment.settings = vec![("BATON_POLICY".to_owned(), deployment.write("policy.yaml", policy))];
    let Script { only, lines, .. } = together(all);
    let (published, lines) = Script::parts(&lines);
    for published in published {
        let at = jiff::Timestamp::from_millisecond(published.effective_at.0).unwrap().to_string();
        let file = deployment.write("next.yaml", &published.document);
        let done = deployment.baton(&["policy", "apply", &file, "--at", &at]);
        assert!(done.status.success(), "{}", text(&done));
    }
    let (mut reps, mut events, mut written) = (Vec::new(), Vec::new(), Vec::new());
    for (_, line) in lines {
        match line {
            Line::Source(text) => events.push(text.clone()),
            Line::Rep(text) => reps.push(text.clone()),
            Line::Record(record) => written.push(record),
            Line::Policy(_) => {}
        }
    }
    if !reps.is_empty() {
        let (topic, file) =
            (Topology::new(&deployment.prefix, 4).reps(), deployment.write("reps.jsonl", &reps.join("\n")));
        let done = deployment.baton(&["ingest", "--topic", &topic, &file]);
        assert!(done.status.success(), "{}", text(&done));
    }
    match only.map(baton_sim::consumer) {
        None => {
            deployment.ingest(&events);
            deployment.start("all");
            deployment.settle();
        }
        Some(consumer) => {
            write(&deployment, &written);
            deployment.start(consumer.as_str());
            deployment.settle_of(consumer.as_str());
        }
    }
    let records = seen(&deployment);
    let told = |played: &Played| {
        let name = played.scenario.name.clone();
        judge(&played.scenario, &records).into_iter().map(move |difference| format!("{name}: {difference}"))
    };
    Some(all.iter().flat_map(told).collect())
}

/// Writes records as another producer would: on the partition of the key, a tick on all.
fn write(deployment: &Deployment, records: &[&Written]) {
    let cluster = Cluster { bootstrap: deployment.bootstrap.clone(), properties: BTreeMap::new() };
    let producer: BaseProducer = cluster.tool().set("acks", "all").create().unwrap();
    for record in records {
        let (topic, key) = (format!("{}{}", deployment.prefix, record.topic()), record.key());
        let partitions = if key.is_empty() { (0..4).collect() } else { vec![partition(key.as_bytes(), 4)] };
        for partition in partitions {
            let value = baton_sim::bytes(record, partition);
            let written = BaseRecord::<str, [u8]>::to(&topic).partition(partition).payload(&value);
            let written = if key.is_empty() { written } else { written.key(key) };
            producer.send(written).map_err(|(error, _)| error).unwrap();
        }
    }
    producer.flush(Duration::from_mins(1)).unwrap();
}

/// Deployments at once: each waits most of its time for its groups to form.
const AT_ONCE: usize = 4;

#[test]
fn every_scenario_holds_on_a_real_broker() {
    let mut groups = Vec::new();
    for (policy, all) in all() {
        let (shared, alone) = apart(&policy, all);
        let each = std::iter::once(shared).chain(alone.into_iter().map(|played| vec![played]));
        groups.extend(each.filter(|group| !group.is_empty()).map(|group| (policy.clone(), group)));
    }
    let mut wrong = Vec::new();
    for part in groups.chunks(AT_ONCE) {
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> =
                part.iter().map(|(policy, group)| scope.spawn(move || played(policy, group))).collect();
            running.into_iter().map(|run| run.join().unwrap()).collect()
        });
        for differences in outcomes {
            let Some(differences) = differences else { return };
            wrong.extend(differences);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
