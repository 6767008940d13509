//! What is told of reps, on its way from `reps.state` into the history.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may unwrap, its helpers too")]

use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{Absence, Millis, RepState, RepStatus, RosterEvent, RosterInput};
use baton_engine::Limits;
use baton_pipeline::{Codec, NoRegistry, Schemas, Topology};
use baton_sim::{Pipeline, Record};

const NOW: Millis = Millis(1_800_000_000_000);
const IDENTIFY: usize = 0;

/// What the sequencer writes when it is told these: the tellings in their place, and the dead letters.
fn sequenced(told: &[&[u8]]) -> (Vec<RosterEvent>, Vec<Record>) {
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let mut pipeline = Pipeline::new(&Topology::new("", 2), &policy, NOW, Limits::default());
    for value in told {
        pipeline.feed_to("reps.state", value);
    }
    while !pipeline.turn(IDENTIFY).unwrap() {}
    let mut codec = codec::<RosterEvent>();
    // A record without a key is a tick.
    let records = pipeline.take("roster.events").into_iter().filter(|record| record.key.is_some());
    let events = records.map(|record| codec.decode(&record.value.unwrap()).unwrap());
    (events.collect(), pipeline.take("dlq"))
}

fn codec<T: baton_wire::Record + serde::Serialize + serde::de::DeserializeOwned>() -> Codec<T> {
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    Codec::new(&schemas)
}

fn states(events: &[RosterEvent]) -> Vec<&RepState> {
    let states = events.iter().map(|event| match &event.input {
        RosterInput::Rep(state) => &**state,
        RosterInput::Tick(_) => panic!("a tick has no key"),
    });
    states.collect()
}

#[test]
fn json_and_avro_tell_the_same() {
    let state = RepState {
        rep: "jonas.weber".to_owned(),
        status: Some(RepStatus::Active),
        day_max: Some(3),
        away: Some(vec![Absence { from: Millis(20), to: Millis(30) }, Absence { from: Millis(1), to: Millis(9) }]),
        ..RepState::default()
    };
    let json = br#"{"type": "rep", "rep": "jonas.weber", "status": "active", "day_max": 3,
        "away": [{"from": 20, "to": 30}, {"from": 1, "to": 9}]}"#;
    let (events, dead) = sequenced(&[json, &codec().bytes(&state)]);
    assert_eq!(dead.len(), 0);
    let states = states(&events);
    assert_eq!(states[0], states[1]);
    assert_eq!(states[0].away.as_ref().unwrap()[0].from, Millis(1), "absences rise");
    assert!(events[0].stamp.at < events[1].stamp.at, "each has its own place");
}

#[test]
fn a_telling_with_a_mistake_is_refused_whole_with_every_reason() {
    let avro = RepState { rep: "zoe".to_owned(), pools: Some(vec!["nowhere".to_owned()]), ..RepState::default() };
    let json = br#"{"rep": "jonas.weber", "status": "away", "weight": 0, "tz": "Mars/Olympus"}"#;
    let (events, dead) = sequenced(&[json, &codec().bytes(&avro), b"rep: ada", br#"{"rep": "jonas.weber"}"#]);
    assert_eq!(states(&events), [&RepState { rep: "jonas.weber".to_owned(), ..RepState::default() }]);
    let details: Vec<String> = dead.iter().map(|letter| header(letter, "x-dlq-detail")).collect();
    let wanted: [&[&str]; 3] = [
        &["weight: must be from 1", "unknown time zone \"Mars/Olympus\""],
        &["pools: unknown pool \"nowhere\"", "needs a calendar"],
        &["neither JSON nor Avro"],
    ];
    assert_eq!(details.len(), wanted.len());
    for (detail, wanted) in details.iter().zip(wanted) {
        assert!(wanted.iter().all(|part| detail.contains(part)), "{detail}");
    }
    assert!(dead.iter().all(|letter| header(letter, "x-dlq-reason") == "decode"));
}

fn header(letter: &Record, name: &str) -> String {
    String::from_utf8(letter.headers.get(name).unwrap().to_vec()).unwrap()
}
