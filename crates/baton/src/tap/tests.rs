//! Every topic's records as JSON, and those that cannot be read.

use baton_domain::{
    Activity, AssignmentRequest, Band, Body, ClockStart, Engagement, EngagementUpdate, Fact, FactValue, Grade,
    IdentityLink, Ids, LeadEvent, Millis, Points, PolicyPublished, Qualified, RawEvent, RepState, RosterEvent,
    RosterInput, RouteInput, ScoreUpdate, SlaEventKind, Stage, Stamp, Tick, WatchInput,
};
use baton_pipeline::Codec;
use baton_wire::Record;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::summary::samples::{at, handoff, ledger, moved, nurture, rejected, sla, status};

fn nouns() -> (Nouns, Rc<dyn Schemas>) {
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    (Nouns::new(&schemas), schemas)
}

/// The topic's line for a record, and what its value should be.
fn line<T: Record + Serialize + DeserializeOwned>(topic: &str, record: &T) -> (Value, Value) {
    let (mut nouns, schemas) = nouns();
    let kind = Kind::of(&Topology::new("", 4), topic).unwrap();
    let mut bytes = Vec::new();
    Codec::<T>::new(&schemas).encode(record, &mut bytes);
    let mut out = Vec::new();
    Said::new(topic, Some(b"key")).with_value(&mut nouns, kind, Some(&bytes)).write(&mut out).unwrap();
    (serde_json::from_slice(&out).unwrap(), serde_json::to_value(record).unwrap())
}

fn shown<T: Record + Serialize + DeserializeOwned>(topic: &str, record: &T) {
    let (line, value) = line(topic, record);
    assert_eq!(line, json!({"topic": topic, "key": "key", "value": value}));
}

fn event() -> LeadEvent {
    LeadEvent {
        stamp: Stamp { at: at(1), lane: 0 },
        lead_id: "ld_1".to_owned(),
        event_id: "e1".to_owned(),
        occurred_at: Millis(17),
        origin: "engagement.raw/0/4".to_owned(),
        body: Body::Activity(Activity { name: "Page Viewed".to_owned(), ..Activity::default() }),
    }
}

#[test]
fn every_type_of_record_is_shown_as_json_by_its_topic() {
    let handoff = handoff(1, "ld_1");
    let stamp = handoff.stamp;
    let fact = Fact {
        name: "title".to_owned(),
        value: FactValue::List(vec!["VP".to_owned()]),
        source: "crm".to_owned(),
        observed_at: None,
    };
    shown(
        "engagement.raw",
        &RawEvent {
            event_id: "e1".to_owned(),
            ids: Ids { email: Some("jane@northwind.example".to_owned()), ..Ids::default() },
            occurred_at: Millis(17),
            received_at: None,
            body: Body::Facts(vec![fact]),
        },
    );
    shown("lead.events", &event());
    shown("lead.identity", &IdentityLink { id: "user:1".to_owned(), lead_id: "ld_1".to_owned(), since: at(1) });
    shown("engagement.aggregate", &EngagementUpdate { stamp, event: event(), engagement: Engagement::default() });
    shown(
        "lead.score",
        &ScoreUpdate {
            stamp,
            lead_id: "ld_1".to_owned(),
            event_id: "e1".to_owned(),
            score: Points::whole(3),
            fit: Points::ONE,
            engagement: Points::whole(2),
            grade: Grade::U,
            band: Band(4),
            stage: Stage::Visitor,
            receipt: Vec::new(),
            policy_version: 1,
            status: None,
            kept_by: None,
        },
    );
    shown("lifecycle.changed", &moved(1, "ld_1", None, Stage::Visitor));
    shown("lifecycle.rejected", &rejected(1, "ld_1"));
    shown("status.changed", &status(1, "ld_1"));
    shown("nurture.events", &nurture(1, "ld_1"));
    shown("lead.qualified", &Qualified { stamp, decision: handoff.decision.clone() });
    let input = RouteInput::Qualified(Box::new(handoff.decision.clone()));
    shown("assignment.requests", &AssignmentRequest { stamp, input });
    shown("lead.assignment", &handoff.assignment);
    shown("lead.handoff", &handoff);
    let alert = baton_domain::ActivityAlert {
        stamp,
        owner: Some("kim".to_owned()),
        pool: "emea".to_owned(),
        leads: Vec::new(),
        from: stamp.at,
        until: stamp.at,
        policy_version: 1,
    };
    shown("lead.activity_alert", &alert);
    shown("sla.requests", &ClockStart { stamp, input: WatchInput::Tick(Tick {}) });
    for topic in ["sla.started", "sla.warned", "sla.met", "sla.breach", "sla.cancelled", "sla.paused", "sla.resumed"] {
        shown(topic, &sla(SlaEventKind::Met, 0, 60, "ld_1"));
    }
    shown("ledger.balance", &ledger("route", 0, &[("assigned", 1)], &[]));
}

#[test]
fn what_is_published_to_baton_is_shown_too() {
    let stamp = handoff(1, "ld_1").stamp;
    let policy = PolicyPublished {
        name: "starter".to_owned(),
        version: 2,
        author: "kim".to_owned(),
        effective_at: Millis(0),
        document: "policy: starter".to_owned(),
        checksum: String::new(),
    };
    shown("policy", &policy);
    let state = RepState { rep: "ada".to_owned(), ..RepState::default() };
    shown("reps.state", &state);
    shown("roster.events", &RosterEvent { stamp, input: RosterInput::Rep(Box::new(state)) });
}

#[test]
fn every_topic_of_a_subject_is_shown_as_that_subjects_type() {
    let subjects: std::collections::BTreeMap<String, Value> = serde_json::from_str(baton_wire::SUBJECTS).unwrap();
    let topology = Topology::new("acme.", 4);
    for (subject, about) in subjects {
        let topics = match &about["topic"] {
            Value::String(topic) => vec![topic.clone()],
            Value::Array(topics) => topics.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            other => panic!("{subject}: {other}"),
        };
        for topic in topics {
            let kind = Kind::of(&topology, &topology.full(&topic)).expect(&topic);
            let known = match kind {
                Kind::Source => "RawEvent",
                Kind::LeadEvent => "LeadEvent",
                Kind::Identity => "IdentityLink",
                Kind::Aggregate => "EngagementUpdate",
                Kind::Score => "ScoreUpdate",
                Kind::Lifecycle => "LifecycleChanged",
                Kind::Rejected => "LifecycleRejected",
                Kind::Status => "StatusChanged",
                Kind::Nurture => "NurtureEvent",
                Kind::Cooled => "LeadCooled",
                Kind::Enrichment => "EnrichmentRequested",
                Kind::Revised => "HandoffRevised",
                Kind::Qualified => "Qualified",
                Kind::Request => "AssignmentRequest",
                Kind::Handoff => "Handoff",
                Kind::Assignment => "Assignment",
                Kind::Alert => "ActivityAlert",
                Kind::ClockStart => "ClockStart",
                Kind::Sla => "SlaEvent",
                Kind::Canary => "Canary",
                Kind::Rep => "RepState",
                Kind::Roster => "RosterEvent",
                Kind::Policy => "PolicyPublished",
                Kind::Ledger => "Ledger",
                Kind::DeadLetter | Kind::Mark => "none",
            };
            assert_eq!(about["type"], known, "{topic}");
        }
    }
}

#[test]
fn every_topic_but_changelogs_can_be_tapped() {
    let topology = Topology::new("acme.", 4);
    for topic in topology.topics() {
        let is_changelog = topic.name.ends_with(".changelog");
        assert_eq!(Kind::of(&topology, &topic.name).is_none(), is_changelog, "{}", topic.name);
    }
}

#[test]
fn a_topic_is_found_with_and_without_its_prefix_and_a_changelog_is_refused() {
    let mut topology = Topology::new("acme.", 4);
    topology.sources = vec![baton_pipeline::Source { topic: "clicks".to_owned(), partitions: 3 }];
    let found = |name: &str| find(&topology, name).map_err(|failure| (failure.code, failure.message));
    assert_eq!(found("lead.handoff"), Ok(("acme.lead.handoff".to_owned(), Kind::Handoff)));
    assert_eq!(found("acme.lead.handoff"), Ok(("acme.lead.handoff".to_owned(), Kind::Handoff)));
    assert_eq!(found("clicks"), Ok(("clicks".to_owned(), Kind::Source)));
    let (code, message) = found("score.changelog").unwrap_err();
    assert_eq!(code, 64);
    assert!(message.contains("a consumer's own rows"), "{message}");
    let (code, message) = found("lead.hand").unwrap_err();
    assert_eq!(code, 64);
    assert!(message.contains("\n  acme.lead.handoff\n"), "{message}");
}

fn text(topic: &str, value: Option<&[u8]>) -> String {
    let (mut nouns, _) = nouns();
    let kind = Kind::of(&Topology::new("", 4), topic).unwrap();
    let mut out = Vec::new();
    Said::new(topic, None).with_value(&mut nouns, kind, value).write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn what_a_source_wrote_is_shown_as_it_wrote_it_on_one_line() {
    let said = text("engagement.raw", Some(b"{\"z\":1.50,\r\n \"a\":12345678901234567890}"));
    assert_eq!(
        said,
        "{\"topic\":\"engagement.raw\",\"key\":null,\"value\":{\"z\":1.50,   \"a\":12345678901234567890}}\n"
    );
}

#[test]
fn what_cannot_be_read_is_shown_as_text_with_the_reason() {
    let said: Value = serde_json::from_str(&text("engagement.raw", Some(b"{\"broken\":"))).unwrap();
    assert_eq!(said["value"], "{\"broken\":");
    assert!(said["error"].as_str().unwrap().starts_with("decode: "), "{said}");
    let said: Value = serde_json::from_str(&text("lead.handoff", Some(&[0xff, 0xfe, 0]))).unwrap();
    assert_eq!(said["value_base64"], "//4A");
    assert!(said["error"].as_str().unwrap().starts_with("decode: "), "{said}");
}

#[test]
fn a_dead_letter_is_shown_as_it_came() {
    assert_eq!(text("dlq", Some(b"{oops")), "{\"topic\":\"dlq\",\"key\":null,\"value\":\"{oops\"}\n");
    assert_eq!(text("dlq", Some(&[0xff, 0xfe, 0])), "{\"topic\":\"dlq\",\"key\":null,\"value_base64\":\"//4A\"}\n");
    assert_eq!(text("dlq", None), "{\"topic\":\"dlq\",\"key\":null,\"value\":null}\n");
}

#[test]
fn a_record_concerns_the_lead_that_it_is_keyed_by_or_names() {
    let (mut nouns, schemas) = nouns();
    let mut bytes = Vec::new();
    let link = IdentityLink { id: "user:1".to_owned(), lead_id: "ld_1".to_owned(), since: at(1) };
    Codec::new(&schemas).encode(&link, &mut bytes);
    let said = Said::new("lead.identity", Some(b"user:1")).with_value(&mut nouns, Kind::Identity, Some(&bytes));
    assert!(said.concerns("ld_1") && said.concerns("user:1") && !said.concerns("ld_2"));
    assert!(!Said::new("lead.events", None).concerns(""));
}
