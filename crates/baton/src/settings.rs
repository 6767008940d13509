//! Settings: file, then environment, then flags; unknown keys refused; every error at once; nothing
//! is opened before they are whole.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use baton_kafka::Cluster;
use baton_pipeline::{Source, Topology};
use figment::providers::{Format, Serialized, Yaml};
use figment::value::{Dict, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Everything that can be set. `docs/SETTINGS.md` explains each; [`DEFAULTS`] holds the defaults.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How to reach the cluster.
    pub(crate) cluster: Cluster,
    /// Copies of each topic that `topics apply` creates; `None` asks for 3, or as many as there are brokers.
    pub(crate) replication: Option<i32>,
    /// Topics: prefix, partitions, sources.
    pub(crate) topology: Topology,
    /// Source topics by name, whose partitions are looked up when a consumer starts.
    pub(crate) source_names: Vec<String>,
    /// The policy file; the starter policy when absent.
    pub(crate) policy: Option<PathBuf>,
    /// Where local state is kept.
    pub(crate) state_dir: PathBuf,
    /// The name of this process among its kind: part of the transactional id.
    pub(crate) instance: String,
    /// Worker threads a consumer.
    pub(crate) workers: usize,
    /// Whose clock moves time when nothing arrives.
    pub(crate) clock: ClockSource,
    /// Milliseconds between ticks of the wall clock.
    pub(crate) tick_ms: i64,
    /// Milliseconds between canaries; `None` for none.
    pub(crate) canary_ms: Option<i64>,
    /// Where `/metrics`, `/livez` and `/readyz` listen; `None` for nowhere.
    pub(crate) listen: Option<String>,
    /// Sources of leads that metrics tell apart.
    pub(crate) told_sources: Vec<String>,
    /// A Confluent-compatible schema registry.
    pub(crate) registry: Option<Registry>,
    /// Where spans go.
    #[cfg(feature = "otel")]
    pub(crate) otlp: Option<String>,
    /// How logs look.
    pub(crate) log_format: LogFormat,
    /// Which logs: a `tracing` filter.
    pub(crate) log_level: String,
}

/// Whose clock moves time when nothing arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClockSource {
    /// The host's: a live pipeline.
    Wall,
    /// Only what is on the log: replays, samples, tests.
    Log,
}

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// A schema registry.
#[derive(Clone)]
pub(crate) struct Registry {
    /// Base address; may carry a path.
    pub(crate) url: String,
    /// Basic authentication.
    pub(crate) user: Option<String>,
    /// Its password.
    pub(crate) password: Option<String>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("url", &self.url).field("user", &self.user).finish_non_exhaustive()
    }
}

/// The defaults, commented, in the form of a settings file.
pub(crate) const DEFAULTS: &str = include_str!("default.yaml");

/// Parts of keys whose values are never shown.
const SECRETS: [&str; 7] = ["password", "secret", "pem", "token", "key", "jaas", "oauthbearer"];

/// A value for the screen: secrets masked, also those within an address.
fn shown(key: &str, value: &str) -> String {
    if !value.is_empty() && SECRETS.iter().any(|secret| key.contains(secret)) {
        return "***".to_owned();
    }
    match value.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?.1))) {
        Some((scheme, host)) => format!("{scheme}://***@{host}"),
        None => value.to_owned(),
    }
}

/// Everything wrong with the settings.
#[derive(Debug)]
pub(crate) struct Wrong(pub Vec<String>);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} error{} in the settings", self.0.len(), if self.0.len() == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for Wrong {}

/// What flags set, by key: `kafka.bootstrap` and so on.
pub(crate) type Overrides = BTreeMap<String, String>;

/// The merged sources, before they are read.
pub(crate) struct Sources(Figment);

impl Sources {
    /// Merges defaults, `file`, the environment (`BATON_KAFKA__BOOTSTRAP`) and flags.
    pub(crate) fn merge(file: Option<&Path>, flags: &Overrides) -> Result<Self, Wrong> {
        let mut figment = Figment::from(Yaml::string(DEFAULTS));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(Wrong(vec![format!("{}: no such settings file", file.display())]));
            }
            figment = figment.merge(Yaml::file_exact(file));
        }
        for (name, value) in std::env::vars() {
            let Some(key) = name.strip_prefix("BATON_").filter(|key| !NOT_SETTINGS.contains(key)) else { continue };
            let key = key.to_lowercase().replace("__", ".");
            figment =
                figment.merge(Given { place: format!("the environment variable {name}"), key: &key, value: &value });
        }
        for (key, value) in flags {
            figment = figment.merge(Given { place: "the command line".to_owned(), key, value });
        }
        Ok(Self(figment))
    }

    /// Reads and checks everything; all errors together.
    pub(crate) fn read(&self) -> Result<Settings, Wrong> {
        // What cannot be parsed has no keys to complain about.
        if let Err(error) = self.0.data() {
            return Err(Wrong(vec![error.to_string()]));
        }
        let mut errors = self.unknown_keys();
        let mut read = Reader { figment: &self.0, errors: &mut errors };
        let topology = read.topology();
        #[cfg(not(feature = "otel"))]
        read.refuse_otlp();
        let settings = Settings {
            cluster: read.cluster(),
            replication: read.get("topics.replication"),
            source_names: read.get("sources").unwrap_or_default(),
            topology,
            policy: read.text("policy").map(PathBuf::from),
            state_dir: read.need("state_dir").into(),
            instance: read.name("instance"),
            workers: usize::try_from(read.between("workers", 1, 64)).unwrap_or(1),
            clock: read.one_of("clock", ClockSource::Wall),
            tick_ms: read.between("tick_ms", 10, 60_000),
            canary_ms: read.canary_ms(),
            listen: read.text("http.listen"),
            told_sources: read.told_sources(),
            registry: read.registry(),
            #[cfg(feature = "otel")]
            otlp: read.otlp(),
            log_format: read.one_of("log.format", LogFormat::Text),
            log_level: read.need("log.level"),
        };
        if errors.is_empty() { Ok(settings) } else { Err(Wrong(errors)) }
    }

    /// Every key with its value and where it came from, secrets masked.
    pub(crate) fn show(&self) -> Vec<(String, String, String)> {
        // Merged, so that each key comes once, with the value in force.
        let Ok(merged) = self.0.extract::<Dict>() else { return Vec::new() };
        let mut rows = Vec::new();
        flatten("", &Value::from(merged), &mut |key, value| {
            let origin = self.0.find_metadata(key).map_or_else(String::new, |meta| {
                meta.source.as_ref().map_or_else(|| meta.name.to_string(), ToString::to_string)
            });
            let origin = if origin.is_empty() || origin.contains("string") { "default".to_owned() } else { origin };
            rows.push((key.to_owned(), shown(key, &plain(value)), origin));
        });
        rows
    }

    fn unknown_keys(&self) -> Vec<String> {
        let known: Vec<String> = {
            let mut known = Vec::new();
            if let Ok(data) = Yaml::string(DEFAULTS).data() {
                for dict in data.into_values() {
                    flatten("", &Value::from(dict), &mut |key, _| known.push(key.to_owned()));
                }
            }
            known
        };
        let mut unknown = Vec::new();
        let Ok(data) = self.0.data() else {
            return vec![self.0.data().err().map_or_else(String::new, |error| error.to_string())];
        };
        for dict in data.into_values() {
            flatten("", &Value::from(dict), &mut |key, _| {
                if !known.iter().any(|known| known == key) && !key.starts_with("kafka.properties.") {
                    let near = known
                        .iter()
                        .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
                    let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
                    let place =
                        self.0.find_metadata(key).map_or_else(String::new, |meta| format!(" (in {})", meta.name));
                    unknown.push(format!("{key}: no such setting{hint}{place}"));
                }
            });
        }
        unknown
    }
}

/// Variables that mean something else than a setting.
#[cfg(not(feature = "failpoints"))]
const NOT_SETTINGS: [&str; 4] = ["SETTINGS", "TEST_BOOTSTRAP", "CACHE", "SHARED"];
#[cfg(feature = "failpoints")]
const NOT_SETTINGS: [&str; 5] = ["SETTINGS", "TEST_BOOTSTRAP", "CACHE", "SHARED", "FAILPOINT"];

/// Settings that are text, also where they look like a number: `007` is no seven.
const TEXT: [&str; 13] = [
    "kafka.bootstrap",
    "topics.prefix",
    "policy",
    "state_dir",
    "instance",
    "clock",
    "http.listen",
    "registry.url",
    "registry.user",
    "registry.password",
    "tracing.otlp",
    "log.format",
    "log.level",
];

/// A setting from the environment or the command line.
struct Given<'a> {
    place: String,
    key: &'a str,
    value: &'a str,
}

impl Provider for Given<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.place.clone())
    }

    fn data(&self) -> Result<figment::value::Map<Profile, Dict>, figment::Error> {
        if TEXT.contains(&self.key) || self.key.starts_with("kafka.properties.") {
            return Serialized::global(self.key, self.value).data();
        }
        // 4 is a number, [a, b] a list.
        let value: Value = self.value.parse().unwrap_or_else(|never| match never {});
        Serialized::global(self.key, value).data()
    }
}

/// An error of one setting: which, what is wrong, where it was written.
fn explain(key: &str, error: figment::Error) -> String {
    let mut all = Vec::new();
    for one in error {
        let place = one.metadata.as_ref().map_or_else(String::new, |meta| match &meta.source {
            Some(source) => format!(" (in {source})"),
            None => format!(" (in {})", meta.name),
        });
        all.push(format!("{key}: {}{place}", one.kind));
    }
    all.join("; ")
}

struct Reader<'a> {
    figment: &'a Figment,
    errors: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn get<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        match self.figment.extract_inner::<Option<T>>(key) {
            Ok(value) => value,
            Err(error) => {
                self.errors.push(explain(key, error));
                None
            }
        }
    }

    /// Text; a number or a flag is taken as it is written, and `~` as not set.
    fn text(&mut self, key: &str) -> Option<String> {
        match self.figment.find_value(key) {
            Ok(Value::Empty(..)) | Err(_) => None,
            Ok(Value::Dict(..) | Value::Array(..)) => {
                self.errors.push(format!("{key}: is not text"));
                None
            }
            Ok(value) => Some(plain(&value)).filter(|text| text != "~"),
        }
    }

    fn need(&mut self, key: &str) -> String {
        let before = self.errors.len();
        let value = self.text(key);
        if value.is_none() && self.errors.len() == before {
            self.errors.push(format!("{key}: must be set"));
        }
        value.unwrap_or_default()
    }

    fn one_of<T: DeserializeOwned>(&mut self, key: &str, otherwise: T) -> T {
        self.get(key).unwrap_or(otherwise)
    }

    fn between(&mut self, key: &str, least: i64, most: i64) -> i64 {
        let value: Option<i64> = self.get(key);
        match value {
            Some(value) if (least..=most).contains(&value) => value,
            Some(value) => {
                self.errors.push(format!("{key}: {value} is not between {least} and {most}"));
                least
            }
            None => least,
        }
    }

    /// The alert on canaries that do not return looks at a quarter of an hour.
    fn canary_ms(&mut self) -> Option<i64> {
        let key = "canary_ms";
        self.text(key).map(|_| self.between(key, 1_000, 300_000))
    }

    fn name(&mut self, key: &str) -> String {
        let value = self.need(key);
        let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !value.chars().all(is_fine) || value.len() > 100 {
            self.errors.push(format!("{key}: {value:?} may hold letters, digits, '.', '_' and '-' only, 100 at most"));
        }
        value
    }

    /// Each is a value of a label, so they are few, and `none` and `other` mean something else.
    fn told_sources(&mut self) -> Vec<String> {
        let key = "metrics.sources";
        let sources: Vec<String> = self.get(key).unwrap_or_default();
        if sources.len() > 20 {
            self.errors.push(format!("{key}: at most 20 sources are told apart, not {}", sources.len()));
        }
        if let Some(taken) = sources.iter().find(|name| ["none", "other", ""].contains(&name.as_str())) {
            self.errors.push(format!("{key}: {taken:?} has a meaning of its own"));
        }
        sources
    }

    fn cluster(&mut self) -> Cluster {
        let cluster = Cluster { bootstrap: self.need("kafka.bootstrap"), properties: self.properties() };
        if let Err(errors) = cluster.check() {
            self.errors.extend(errors.into_iter().map(|error| error.to_string()));
        }
        cluster
    }

    /// librdkafka's names have dots in them, so they may be written nested or whole.
    fn properties(&mut self) -> BTreeMap<String, String> {
        let mut properties = BTreeMap::new();
        if let Ok(value) = self.figment.find_value("kafka.properties") {
            flatten("", &value, &mut |key, value| {
                properties.insert(key.to_owned(), plain(value));
            });
        }
        properties
    }

    fn topology(&mut self) -> Topology {
        let prefix = self.name("topics.prefix");
        let lanes = i32::try_from(self.between("topics.partitions", 1, 1_000)).unwrap_or(1);
        let mut topology = Topology::new(&prefix, lanes);
        topology.history_ms = self.get("topics.history_ms").unwrap_or(-1);
        topology
    }

    #[cfg(feature = "otel")]
    fn otlp(&mut self) -> Option<String> {
        let url = self.text("tracing.otlp")?;
        if !url.starts_with("http://") && !url.starts_with("https://") {
            self.errors.push(format!("tracing.otlp: {url} must begin with http:// or https://"));
        }
        Some(url)
    }

    #[cfg(not(feature = "otel"))]
    fn refuse_otlp(&mut self) {
        if self.text("tracing.otlp").is_some() {
            self.errors.push("tracing.otlp: this baton cannot send spans; build it with --features otel".to_owned());
        }
    }

    fn registry(&mut self) -> Option<Registry> {
        let url = self.text("registry.url")?;
        if !url.starts_with("http://") && !url.starts_with("https://") {
            self.errors.push(format!("registry.url: {url} must begin with http:// or https://"));
        }
        Some(Registry {
            url: url.trim_end_matches('/').to_owned(),
            user: self.text("registry.user"),
            password: self.text("registry.password"),
        })
    }
}

impl Settings {
    /// The topology with the sources that were named, given how many partitions each has.
    pub(crate) fn with_sources(&self, partitions: &BTreeMap<String, i32>) -> Result<Topology, Vec<String>> {
        let mut topology = self.topology.clone();
        if self.source_names.is_empty() {
            return Ok(topology);
        }
        let inputs: Vec<String> = topology.sources.iter().map(|source| source.topic.clone()).collect();
        let outputs: Vec<String> = topology.topics().into_iter().map(|topic| topic.name).collect();
        let is_own = |name: &str| outputs.iter().any(|own| own == name) && !inputs.iter().any(|input| input == name);
        let (mut missing, mut sources) = (Vec::new(), BTreeMap::new());
        for wanted in &self.source_names {
            let matches = |name: &str| match wanted.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == wanted,
            };
            let found = partitions.iter().filter(|(name, _)| matches(name) && !is_own(name) && !name.starts_with("__"));
            let found: Vec<_> = found.map(|(topic, partitions)| (topic.clone(), *partitions)).collect();
            if found.is_empty() {
                missing.push(format!("sources: {wanted} names no topic (Baton's own outputs aside)"));
            }
            sources.extend(found);
        }
        topology.sources = sources.into_iter().map(|(topic, partitions)| Source { topic, partitions }).collect();
        if missing.is_empty() { Ok(topology) } else { Err(missing) }
    }
}

fn flatten(prefix: &str, value: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Dict(_, dict) if !dict.is_empty() || prefix.is_empty() => flatten_dict(prefix, dict, visit),
        other => visit(prefix, other),
    }
}

fn flatten_dict(prefix: &str, dict: &Dict, visit: &mut dyn FnMut(&str, &Value)) {
    for (key, value) in dict {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        flatten(&key, value, visit);
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(_, text) => text.clone(),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Num(_, number) => number
            .to_i128()
            .map(|n| n.to_string())
            .or_else(|| number.to_u128().map(|n| n.to_string()))
            .or_else(|| number.to_f64().map(|n| n.to_string()))
            .unwrap_or_default(),
        Value::Empty(..) => String::new(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
