//! R8: nothing but bad input beside the good for a minute, then a registry that is down.
//!
//! Holds: the good records come to what they come to without the storm, byte for byte but for the
//! schema's number; every bad record is a dead letter, untouched and once; while the registry is down the
//! record that needs it waits, and nothing becomes a dead letter for that.
//! Absent on purpose: a bound on the latency of good records. It is reported: beside the storm and before.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_domain::{Body, Fact, FactValue, Ids, Millis, RawEvent};
use baton_kafka::rdkafka::Message;
use baton_kafka::rdkafka::message::Headers;
use baton_kafka::rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use baton_wire::{Encoder, Head, Record, schema_of};

use crate::broker::Broker;
use crate::feed;
use crate::fleet::Fleet;
use crate::oracles::agreement;
use crate::run::{Order, demand, progress, settle};
use crate::schedule::{Dice, STAGES};
use crate::stand_in::StandIn;
use crate::topics::Topics;
use crate::trouble::{Done, trouble};

/// The number under which somebody else registered the schema of raw events.
const FOREIGN: u32 = 1_000;
/// Good lines in each of the three parts, of a thousand bad ones in the storm.
const GOOD_OF_THOUSAND: usize = 100;

/// What a run fed, in the order of the topic; good lines of each part by place.
#[derive(Default)]
struct Fed {
    records: Vec<Vec<u8>>,
    parts: Vec<(&'static str, Vec<usize>)>,
}

/// Runs it; returns the report and the number of differences.
pub(crate) fn run(order: &Order) -> Done<(String, usize)> {
    let broker = Broker::new(&order.dir.join("kafka"));
    let bootstrap = broker.start()?;
    let result = on_broker(order, &bootstrap);
    match &result {
        Ok((_, 0)) => broker.wipe()?,
        _ => broker.stop()?,
    }
    result
}

fn on_broker(order: &Order, bootstrap: &str) -> Done<(String, usize)> {
    let topics = Topics { bootstrap: bootstrap.to_owned(), prefix: "storm.".to_owned() };
    let schema = schema_of::<RawEvent>().json;
    let registry = StandIn::start(BTreeMap::from([(u64::from(FOREIGN), schema)]))?;
    let mut fleet = Fleet::new(&order.bin, &order.dir, &topics, bootstrap)?;
    fleet.set("BATON_REGISTRY__URL", &registry.url);
    demand(&fleet, &["topics", "apply"])?;
    for stage in STAGES {
        fleet.start((stage, 0), false)?;
    }
    let mut fed = Fed::default();
    let good = order.events * GOOD_OF_THOUSAND / 1_000;
    let mut lines = crate::load::lines(order.seed, good * 3).into_iter();
    let mut dice = Dice::new(order.seed);
    progress("calm");
    let calm: Vec<String> = lines.by_ref().take(good).collect();
    feed_part(&mut fleet, &mut fed, "calm", calm, &[], order.span)?;
    progress("storm");
    let bad: Vec<String> =
        (0..order.events).map(|n| crate::load::spoiled(r#"{"type":"page","receivedAt":""}"#, n, &mut dice)).collect();
    let beside: Vec<String> = lines.by_ref().take(good).collect();
    feed_part(&mut fleet, &mut fed, "storm", beside, &bad, order.span)?;
    settle(&mut fleet, order.patience)?;
    progress("registry down");
    registry.down(true);
    let letters = agreement::outcomes(&topics)?["dlq"].values().sum::<usize>();
    send(&topics, &avro(Head::Registry(FOREIGN))?)?;
    fed.records.push(avro(Head::SingleObject)?);
    feed_part(&mut fleet, &mut fed, "registry down", lines.collect(), &[], order.span)?;
    let is_held = agreement::outcomes(&topics)?["dlq"].values().sum::<usize>() == letters && registry.refused() > 0;
    registry.down(false);
    let began = Instant::now();
    settle(&mut fleet, order.patience)?;
    let caught_up = began.elapsed();
    judge(order, &topics, &fed, is_held, caught_up, registry.refused())
}

/// Feeds a part over `span`, the bad evenly among the good.
fn feed_part(
    fleet: &mut Fleet,
    fed: &mut Fed,
    name: &'static str,
    good: Vec<String>,
    bad: &[String],
    span: Duration,
) -> Done {
    let (each, mut places, mut lines) = (bad.len() / good.len().max(1), Vec::new(), Vec::new());
    let mut bad = bad.iter();
    for line in good {
        places.push(fed.records.len() + lines.len());
        lines.push(line);
        lines.extend(bad.by_ref().take(each).cloned());
    }
    lines.extend(bad.cloned());
    fed.records.extend(lines.iter().map(|line| line.as_bytes().to_vec()));
    fed.parts.push((name, places));
    let under_way = feed::start(fleet.command(&["ingest", "-", "--quiet"]), Arc::new(lines), span)?;
    while !under_way.has_ended() {
        fleet.supervise()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    under_way.finish().map(drop)
}

/// A fact about somebody, told in Avro.
fn avro(head: Head) -> Done<Vec<u8>> {
    let event = RawEvent {
        event_id: "foreign-1".to_owned(),
        ids: Ids { email: Some("ada@northwind.example".to_owned()), ..Ids::default() },
        occurred_at: Millis(1_757_300_000_000),
        received_at: Some(Millis(1_757_300_000_000)),
        body: Body::Facts(vec![Fact {
            name: "title".to_owned(),
            value: FactValue::Text("VP".to_owned()),
            source: "form".to_owned(),
            observed_at: None,
        }]),
    };
    let mut bytes = Vec::new();
    match Encoder::new(head).encode(&event, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => trouble(format!("{}: {error:?}", RawEvent::SUBJECT)),
    }
}

fn send(topics: &Topics, value: &[u8]) -> Done {
    let producer: BaseProducer = topics.cluster().tool().create()?;
    let topic = topics.full("engagement.raw");
    producer.send(BaseRecord::<(), [u8]>::to(&topic).partition(0).payload(value)).map_err(|(error, _)| error)?;
    Ok(producer.flush(Duration::from_secs(10))?)
}

fn judge(
    order: &Order,
    topics: &Topics,
    fed: &Fed,
    is_held: bool,
    caught_up: Duration,
    refused: u64,
) -> Done<(String, usize)> {
    let policy =
        Arc::new(baton_policy::parse("starter.yaml", baton_policy::STARTER).map_err(|error| format!("{error:?}"))?);
    let expected = agreement::simulate(&policy, &topics.prefix, fed.records.iter().map(Vec::as_slice))?;
    let letters: usize = expected["dlq"].values().sum();
    let verdict = agreement::compare(
        &agreement::without_heads(expected),
        &agreement::without_heads(agreement::outcomes(topics)?),
    );
    let differences = verdict.differences + usize::from(!is_held);
    let mut text = format!("storm: seed {}, {} records, {letters} dead letters\n", order.seed, fed.records.len());
    for (part, times) in latencies(topics, fed)? {
        writeln!(text, "  good records, {part}: {}", quantiles(times))?;
    }
    writeln!(text, "  registry down {} s: it refused {refused} requests, held: {is_held}", order.span.as_secs())?;
    writeln!(text, "  read to the end {:.1} s after it was back", caught_up.as_secs_f64())?;
    writeln!(text, "  {} differences in {} compared", verdict.differences, verdict.compared)?;
    for example in &verdict.examples {
        writeln!(text, "    {example}")?;
    }
    writeln!(text, "{differences} differences")?;
    Ok((text, differences))
}

/// Milliseconds from the input topic to `lead.events`, by the broker's clock, of the good records of each part.
fn latencies<'a>(topics: &Topics, fed: &'a Fed) -> Done<Vec<(&'a str, Vec<i64>)>> {
    let mut arrived = Vec::new();
    topics.all("engagement.raw", |message| {
        arrived.push(message.timestamp().to_millis().unwrap_or_default());
        Ok(())
    })?;
    let mut sequenced = BTreeMap::new();
    topics.each("lead.events", |message| {
        let origin = message.headers().and_then(|all| all.iter().find(|header| header.key == "ce_causationid"));
        let origin = origin.and_then(|header| header.value).map(String::from_utf8_lossy).unwrap_or_default();
        if let Some(place) = origin.rsplit('/').next().and_then(|offset| offset.parse::<usize>().ok()) {
            sequenced.entry(place).or_insert(message.timestamp().to_millis().unwrap_or_default());
        }
        Ok(())
    })?;
    let of = |places: &[usize]| {
        places.iter().filter_map(|place| Some(sequenced.get(place)? - arrived.get(*place)?)).collect::<Vec<i64>>()
    };
    Ok(fed.parts.iter().map(|(name, places)| (*name, of(places))).collect())
}

fn quantiles(mut times: Vec<i64>) -> String {
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    match (at(50), at(99), times.last()) {
        (Some(p50), Some(p99), Some(max)) => format!("p50 {p50} ms, p99 {p99} ms, max {max} ms ({})", times.len()),
        _ => "none".to_owned(),
    }
}
