//! Settings as a user gives them: by flags here, which are read as the environment is.

use super::*;

fn sources(flags: &[(&str, &str)]) -> Sources {
    let flags = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Sources::merge(None, &flags).unwrap()
}

fn errors(flags: &[(&str, &str)]) -> String {
    sources(flags).read().unwrap_err().to_string()
}

#[test]
fn the_defaults_are_whole() {
    let settings = sources(&[]).read().unwrap();
    assert_eq!((settings.topology.lanes, settings.workers, settings.instance.as_str()), (4, 1, "0"));
}

#[test]
fn text_stays_text_where_it_looks_like_a_number() {
    let settings =
        sources(&[("instance", "007"), ("registry.url", "http://r"), ("registry.user", "1")]).read().unwrap();
    assert_eq!(settings.instance, "007");
    assert_eq!(settings.registry.unwrap().user.as_deref(), Some("1"));
}

#[test]
fn every_error_is_told_at_once() {
    let told = errors(&[("workers", "0"), ("clock", "sundial"), ("topics.partitons", "4"), ("instance", "a b")]);
    for part in ["4 errors", "did you mean topics.partitions?", "workers: 0", "clock", "instance"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
#[cfg(not(feature = "otel"))]
fn spans_are_refused_by_a_binary_that_cannot_send_them() {
    let told = errors(&[("tracing.otlp", "http://127.0.0.1:4318/v1/traces")]);
    assert!(told.contains("tracing.otlp: this baton cannot send spans"), "{told}");
}

#[test]
#[cfg(feature = "otel")]
fn spans_go_to_an_address() {
    let address = "http://127.0.0.1:4318/v1/traces";
    assert_eq!(sources(&[("tracing.otlp", address)]).read().unwrap().otlp.as_deref(), Some(address));
    assert!(errors(&[("tracing.otlp", "collector:4318")]).contains("must begin with http:// or https://"));
}

#[test]
fn what_a_guarantee_rests_on_is_not_the_users() {
    let told = errors(&[("kafka.properties.isolation.level", "read_uncommitted")]);
    assert!(told.contains("isolation.level: Baton sets this itself"), "{told}");
}

#[test]
fn each_key_is_shown_once_and_no_secret_at_all() {
    let shown = sources(&[
        ("registry.url", "https://user:hidden@registry"),
        ("registry.password", "hidden"),
        ("kafka.properties.ssl.key.pem", "hidden"),
        ("workers", "2"),
    ])
    .show();
    let mut keys: Vec<_> = shown.iter().map(|(key, ..)| key).collect();
    let all = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), all);
    assert!(shown.iter().all(|(_, value, _)| !value.contains("hidden")), "{shown:?}");
    let workers = shown.iter().find(|(key, ..)| key == "workers").unwrap();
    assert_eq!((workers.1.as_str(), workers.2.as_str()), ("2", "the command line"));
}

#[test]
fn overlapping_sources_are_one_and_baton_never_reads_its_own_outputs() {
    let settings = sources(&[("sources", "[web.a, web.*, lead.*, engagement.raw]")]).read().unwrap();
    let there: BTreeMap<String, i32> =
        [("web.a", 3), ("web.b", 1), ("lead.events", 4), ("engagement.raw", 1)].map(|(n, p)| (n.to_owned(), p)).into();
    let missing = settings.with_sources(&there).unwrap_err();
    assert_eq!(missing.len(), 1, "lead.* covers only outputs: {missing:?}");
    let settings = sources(&[("sources", "[web.a, web.*, engagement.raw]")]).read().unwrap();
    let topics: Vec<_> = settings.with_sources(&there).unwrap().sources.into_iter().map(|s| s.topic).collect();
    assert_eq!(topics, ["engagement.raw", "web.a", "web.b"]);
}

#[test]
fn sources_that_metrics_tell_apart_are_few_and_not_the_rest() {
    let settings = sources(&[("metrics.sources", "[google, linkedin]")]).read().unwrap();
    assert_eq!(settings.told_sources, ["google", "linkedin"]);
    assert!(errors(&[("metrics.sources", "[google, other]")]).contains("metrics.sources: \"other\""));
    let many: Vec<String> = (0..21).map(|n| format!("s{n}")).collect();
    assert!(errors(&[("metrics.sources", &format!("[{}]", many.join(", ")))]).contains("at most 20"));
}
