//! Every scenario of `tests/scenarios` on a real broker, through the binary.
//!
//! Scenarios of one policy share a deployment, since each is about people of its own; one that the
//! others would disturb (they share the reps and their turns) has a deployment to itself. The
//! simulator says which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::Millis;
use baton_pipeline::{Kind, NoRegistry, Nouns, Schemas, Topology};
use baton_scenario::{Scenario, Seen, judge, lines, parse, tells_of_rep};
use baton_sim::Record;

use crate::harness::{Deployment, deploy, text};

/// Every scenario that must hold, by the text of its policy.
fn all() -> BTreeMap<String, Vec<Scenario>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".test.yaml"));
    files.sort();
    let mut all = BTreeMap::<String, Vec<Scenario>>::new();
    for file in files {
        let name = file.display().to_string();
        let scenario = parse(&name, &std::fs::read_to_string(&file).unwrap());
        let scenario = scenario.unwrap_or_else(|problems| panic!("{}", problems[0]));
        if scenario.pending.is_some() {
            continue;
        }
        let policy = match &scenario.policy {
            None => baton_policy::STARTER.to_owned(),
            Some(path) => std::fs::read_to_string(folder.join(path)).unwrap(),
        };
        let policy = scenario.policy_text(&policy).unwrap();
        all.entry(policy).or_default().push(scenario);
    }
    all
}

/// The lines of all in the order of time.
fn together(scenarios: &[Scenario]) -> Vec<(Millis, String)> {
    let mut all: Vec<_> = scenarios.iter().flat_map(lines).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// Those that hold when played together, and those that only hold alone.
fn apart(policy: &str, mut scenarios: Vec<Scenario>) -> (Vec<Scenario>, Vec<Scenario>) {
    let policy = Arc::new(baton_policy::parse("policy.yaml", policy).unwrap());
    let mut alone = Vec::new();
    loop {
        let records = baton_sim::play(&policy, &together(&scenarios)).unwrap();
        let disturbed = scenarios.iter().position(|scenario| !judge(scenario, &records).is_empty());
        match disturbed {
            Some(place) => alone.push(scenarios.remove(place)),
            None => return (scenarios, alone),
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
            let record = Record {
                appended: Millis(stored.appended),
                key: Some(stored.key),
                value: Some(stored.value),
                headers: headers.collect(),
            };
            all.push(baton_sim::told(&topic, kind, &record, &mut nouns));
        }
    }
    all
}

/// Differences of the scenarios when played together on the broker; `None` without a broker.
fn played(policy: &str, scenarios: &[Scenario]) -> Option<Vec<String>> {
    let mut deployment = deploy("scenes")?;
    deployment.settings = vec![("BATON_POLICY".to_owned(), deployment.write("policy.yaml", policy))];
    let lines = together(scenarios).into_iter().map(|(_, line)| line);
    let (reps, lines): (Vec<String>, Vec<String>) = lines.partition(|line| tells_of_rep(line));
    if !reps.is_empty() {
        let (topic, file) =
            (Topology::new(&deployment.prefix, 4).reps(), deployment.write("reps.jsonl", &reps.join("\n")));
        let done = deployment.baton(&["ingest", "--topic", &topic, &file]);
        assert!(done.status.success(), "{}", text(&done));
    }
    deployment.ingest(&lines);
    deployment.start("all");
    deployment.settle();
    let records = seen(&deployment);
    let told = |scenario: &Scenario| {
        let name = scenario.name.clone();
        judge(scenario, &records).into_iter().map(move |difference| format!("{name}: {difference}"))
    };
    Some(scenarios.iter().flat_map(told).collect())
}

/// Deployments at once: each waits most of its time for its groups to form.
const AT_ONCE: usize = 4;

#[test]
fn every_scenario_holds_on_a_real_broker() {
    let mut groups = Vec::new();
    for (policy, scenarios) in all() {
        let (shared, alone) = apart(&policy, scenarios);
        let each = std::iter::once(shared).chain(alone.into_iter().map(|scenario| vec![scenario]));
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
