//! Canaries among the bundled sample: each comes through, and nobody who counts leads can tell that there were any.
#![allow(clippy::unwrap_used, reason = "a test may unwrap, its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use baton_domain::{Activity, Body, Canary, Ids, Ledger, Millis, RawEvent, canary_user};
use baton_pipeline::{Codec, Consumer, Figure, Meter, NoRegistry, Schemas, Topology};
use baton_sim::{Heard, OUTCOMES, Pipeline, Record, Setup, Shared};
use baton_wire::Decoder;

/// After every event of the sample.
const NOW: Millis = Millis(1_800_000_000_000);
/// A canary after so many lines.
const EVERY: usize = 50;
const RETURNED: &str = "canary.returned";

fn received(line: &str) -> Millis {
    let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let at = line["receivedAt"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    Millis(at.map_or(0, jiff::Timestamp::as_millisecond))
}

/// Canary `number`, received at `at`.
fn canary(number: u16, at: Millis) -> Vec<u8> {
    let event = RawEvent {
        event_id: format!("canary-{number}@{}", at.0),
        ids: Ids { user_id: Some(canary_user(number)), ..Ids::default() },
        occurred_at: at,
        received_at: Some(at),
        body: Body::Activity(Activity { name: "Demo Requested".to_owned(), ..Activity::default() }),
    };
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    Codec::new(&schemas).bytes(&event)
}

/// What a run comes to, by topic; the figures that were told; when canaries were sent.
struct Run {
    records: BTreeMap<String, Vec<Record>>,
    figures: Vec<Figure>,
    sent: Vec<Millis>,
}

fn run(with_canaries: bool) -> Run {
    let policy = Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap());
    let heard = Rc::new(Heard::default());
    let meter: Rc<dyn Meter> = Rc::<Heard>::clone(&heard);
    let topology = Topology::new("", 4);
    let setup = Setup { meter: Some(meter), ..Setup::default() };
    let mut pipeline = Pipeline::over(&topology, &policy, Shared::at(NOW), setup);
    let lines: Vec<String> = baton_workload::demo().collect();
    let mut sent = Vec::new();
    for (place, pair) in lines.windows(2).enumerate() {
        pipeline.feed_to("engagement.raw", pair[0].as_bytes());
        // Where there is room between two lines of the sample, so that none of them takes another place for it.
        let at = received(&pair[0]).plus(2);
        if place % EVERY == 0 && at.plus(2) < received(&pair[1]) && sent.last().is_none_or(|last| *last < at) {
            sent.push(at);
            if with_canaries {
                // Another topic, so that the offsets of the sample stay what they are.
                pipeline.feed_to("crm.activity", &canary(u16::try_from(place % 7).unwrap(), at));
            }
        }
    }
    pipeline.feed_to("engagement.raw", lines.last().unwrap().as_bytes());
    pipeline.settle().unwrap();
    let names = topology.topics().into_iter().map(|topic| topic.name);
    let records = names.map(|name| (name.clone(), pipeline.take(&name))).collect();
    Run { records, figures: heard.figures.take(), sent }
}

/// What others build on, as it lies on the topics.
fn business(run: &Run) -> BTreeMap<&str, Vec<Record>> {
    let topics = OUTCOMES.into_iter().filter(|topic| *topic != RETURNED).chain(["lead.score", "lead.identity", "dlq"]);
    topics.map(|topic| (topic, run.records[topic].clone())).collect()
}

#[test]
fn every_canary_comes_through_and_nobody_who_counts_leads_can_tell() {
    let (with, without) = (run(true), run(false));
    assert!(with.sent.len() > 20, "{} canaries", with.sent.len());
    assert!(business(&with) == business(&without), "what is told of leads differs");

    let decoder = Decoder::<Canary>::new();
    let returned =
        with.records[RETURNED].iter().map(|record| decoder.decode(record.value.as_deref().unwrap()).unwrap());
    let returned: BTreeSet<Millis> = returned.map(|canary| canary.sent_at).collect();
    assert_eq!(returned, with.sent.iter().copied().collect());
    let told = with.figures.iter().filter_map(|figure| match figure {
        Figure::Canary { sent_at, .. } => Some(*sent_at),
        _ => None,
    });
    assert_eq!(told.collect::<BTreeSet<_>>(), returned, "each is measured");
}

#[test]
fn no_figure_but_its_own_tells_of_a_canary() {
    let count = |run: &Run| {
        let mut counts = BTreeMap::<String, usize>::new();
        let technical =
            |figure: &&Figure| matches!(figure, Figure::Canary { .. } | Figure::Event { occurred_at: None, .. });
        let told = run.figures.iter().filter(|figure| !technical(figure));
        told.for_each(|figure| *counts.entry(format!("{figure:?}")).or_default() += 1);
        counts
    };
    let (with, without) = (count(&run(true)), count(&run(false)));
    assert!(with == without, "a figure differs");
}

#[test]
fn a_canary_leaves_no_row_and_each_ledger_counts_it_as_what_it_is() {
    let run = run(true);
    let decoder = Decoder::<Ledger>::new();
    let mut newest = BTreeMap::new();
    for record in &run.records["ledger.balance"] {
        let ledger = decoder.decode(record.value.as_deref().unwrap()).unwrap();
        newest.insert((ledger.stage.clone(), ledger.stamp.lane), ledger);
    }
    for consumer in Consumer::ALL {
        let rows = &run.records[&format!("{consumer}.changelog")];
        let keys = rows.iter().filter_map(|row| row.key.as_deref());
        let of_canaries = keys.filter(|key| String::from_utf8_lossy(key).contains("canary")).count();
        assert_eq!(of_canaries, 0, "{consumer} keeps a row");
        let outcomes = newest.iter().filter(|((stage, _), _)| *stage == consumer.to_string());
        let outcomes = outcomes.flat_map(|(_, ledger)| &ledger.outcomes).filter(|outcome| outcome.name == "canary");
        let counted: i64 = outcomes.map(|outcome| outcome.count).sum();
        // The watchdog hears of each twice: from the sequencer and from the router.
        let heard = run.sent.len() * if consumer == Consumer::Watch { 2 } else { 1 };
        assert_eq!(counted, i64::try_from(heard).unwrap(), "{consumer}");
    }
}
