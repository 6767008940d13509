//! Every scenario of `tests/scenarios`, and every one beside the policies that ship, on the pipeline in memory, as
//! `baton policy test` plays them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may unwrap, its helpers too")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_policy::Policy;
use baton_scenario::{Line, Scenario, Script, Seen, bare, judge, parse};

const FOLDERS: [&str; 3] = ["tests/scenarios", "deploy/policy", "deploy/policy/examples"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").join(name)
}

/// Every scenario, by its file; the policy that it names stands beside it.
fn all() -> Vec<(String, Scenario)> {
    let files = |name: &&str| std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = FOLDERS.iter().flat_map(files).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".test.yaml"));
    files.sort();
    let read = |file: PathBuf| {
        let scenario = parse(&file.to_string_lossy(), &std::fs::read_to_string(&file).unwrap());
        let name = file.strip_prefix(folder("")).unwrap().to_string_lossy().into_owned();
        (name, scenario.unwrap_or_else(|problems| panic!("{}", problems[0])))
    };
    files.into_iter().map(read).collect()
}

/// What the scenario in `file` comes to, with its policy; one that is pending may wait for a word of either.
fn script(file: &str, scenario: &Scenario) -> Option<(Arc<Policy>, Script)> {
    let text = |named: Option<&str>| match named {
        None => Ok(baton_policy::STARTER.to_owned()),
        Some(path) => std::fs::read_to_string(folder(file).with_file_name(path)).map_err(|error| error.to_string()),
    };
    let checked = Script::of(scenario, &mut { text }).and_then(|script| {
        let policy = baton_policy::parse("policy.yaml", &script.policy).map_err(|problems| problems[0].to_string());
        Ok((Arc::new(policy?), script))
    });
    match checked {
        Ok(script) => Some(script),
        Err(_) if scenario.pending.is_some() => None,
        Err(why) => panic!("{}: {why}", scenario.name),
    }
}

#[test]
fn each_policy_that_ships_has_a_scenario_that_plays_it() {
    let played: Vec<(String, Scenario)> = all();
    let named = |policy: &str| played.iter().any(|(_, scenario)| scenario.policy.as_deref() == Some(policy));
    for policy in ["starter.yaml", "gitlab.yaml", "posthog.yaml", "relias.yaml", "varsity_tutors.yaml"] {
        assert!(named(policy), "{policy}");
    }
}

#[test]
fn every_scenario_holds_in_the_simulator_and_none_is_pending_that_does() {
    hold(|policy, script| baton_sim::play(policy, script).unwrap());
}

#[test]
fn every_scenario_holds_on_the_bare_stages() {
    hold(|policy, script| bare::play(policy, script));
}

/// Every scenario holds on a host, and each that is pending does not.
fn hold(play: impl Fn(&Arc<Policy>, &Script) -> Vec<Seen>) {
    let mut wrong = Vec::new();
    for (file, scenario) in all() {
        let Some((policy, script)) = script(&file, &scenario) else { continue };
        let records = play(&policy, &script);
        let differences = judge(&scenario, &records);
        match (&scenario.pending, differences.as_slice()) {
            (None, []) | (Some(_), [_, ..]) => {}
            (None, differences) => wrong.extend(differences.iter().map(|difference| format!("{file}: {difference}"))),
            (Some(why), []) => wrong.push(format!("{file}: holds, so it is no longer pending: {why}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Two hosts that have nothing in common but the stages say the same.
#[test]
fn the_bare_stages_say_what_the_engine_makes_of_them() {
    for (file, scenario) in all() {
        let Some((policy, script)) = script(&file, &scenario) else { continue };
        let (bare, whole) = (bare::play(&policy, &script), baton_sim::play(&policy, &script).unwrap());
        let (bare, whole) = (plain(bare), plain(whole));
        let different = bare.iter().zip(&whole).find(|(a, b)| a != b);
        assert!(different.is_none(), "{file}: {different:?}");
        assert_eq!(bare.len(), whole.len(), "{file}");
    }
}

/// Records in one order, without what a host adds: the lane of a stamp, the place of an origin.
fn plain(records: Vec<Seen>) -> Vec<String> {
    let mut plain: Vec<String> = records
        .into_iter()
        .filter(|seen| seen.topic != "ledger.balance")
        .map(|mut seen| {
            for stamp in ["/stamp/lane", "/assignment/stamp/lane"] {
                if let Some(lane) = seen.value.pointer_mut(stamp) {
                    *lane = serde_json::Value::Null;
                }
            }
            format!("{} {} {}", seen.topic, seen.key, seen.value)
        })
        .collect();
    plain.sort();
    plain
}

/// Scenarios are played in one deployment where their policies are equal.
#[test]
fn no_two_scenarios_speak_of_one_person() {
    let mut owners = std::collections::BTreeMap::new();
    for (file, scenario) in all() {
        let lines = script(&file, &scenario).map(|(_, script)| script.lines).unwrap_or_default();
        for (_, line) in lines {
            let (Line::Source(text) | Line::Rep(text)) = line else { continue };
            let Ok(event) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
            for name in ["/userId", "/anonymousId", "/crmId", "/email", "/traits/email", "/messageId", "/activityId"] {
                let Some(id) = event.pointer(name).and_then(|id| id.as_str()) else { continue };
                let owner = owners.entry(id.to_owned()).or_insert_with(|| file.clone());
                assert_eq!(*owner, file, "{id}");
            }
        }
    }
}
