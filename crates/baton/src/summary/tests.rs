//! The report of a small world, to the letter, and what must hold of any.

use std::rc::Rc;

use baton_domain::{FactValue, SlaEventKind as Kind, Stage};
use baton_pipeline::{Codec, NoRegistry, Schemas, Topology};

use super::samples::{at, handoff, ledger, moved, sla};
use super::*;

const PREFIX: &str = "acme.";

fn topology() -> Topology {
    Topology::new(PREFIX, 2)
}

/// Three leads: one answered in time, one too late, one whose answer was told too late.
fn small_world() -> Summary {
    let mut summary = Summary::default();
    for (n, lead) in ["ld_1", "ld_2", "ld_3"].into_iter().enumerate() {
        let start = i64::try_from(n).unwrap() * 3_600;
        summary.moved(&moved(start, lead, None, Stage::Visitor));
        summary.moved(&moved(start + 90, lead, Some(Stage::Visitor), Stage::Identified));
        summary.moved(&moved(start + 570, lead, Some(Stage::Identified), Stage::Mql));
        let mut handoff = handoff(start + 600, lead);
        if lead == "ld_2" {
            handoff.decision.facts[0] = baton_domain::Fact {
                name: "company".to_owned(),
                value: FactValue::Text("Contoso".to_owned()),
                source: "crm".to_owned(),
                observed_at: None,
            };
        }
        summary.handed_off(&handoff);
        summary.promised(&sla(Kind::Started, start + 600, start + 600, lead), None);
    }
    summary.moved(&moved(900, "ld_1", Some(Stage::Mql), Stage::Sal));
    summary.moved(&moved(99, "ld_4", None, Stage::Visitor));
    summary.promised(&sla(Kind::Met, 600, 720, "ld_1"), None);
    summary.promised(&sla(Kind::Breached, 4_200, 4_500, "ld_2"), Some(at(4_501).millis()));
    summary.promised(&sla(Kind::Breached, 7_800, 8_100, "ld_3"), Some(at(8_102).millis()));
    summary.promised(&sla(Kind::Retracted, 7_800, 8_000, "ld_3"), None);
    summary.promised(&sla(Kind::Met, 7_800, 8_000, "ld_3"), None);
    summary.balanced(ledger(
        "identify",
        0,
        &[("sequenced", 40), ("duplicate", 2), ("dlq_decode", 1)],
        &[("acme.lead.events", 46), ("acme.lead.identity", 4)],
    ));
    summary.balanced(ledger("aggregate", 0, &[("counted", 20)], &[("acme.engagement.aggregate", 20)]));
    summary.balanced(ledger("aggregate", 1, &[("counted", 20), ("passed", 6)], &[("acme.engagement.aggregate", 26)]));
    summary.balanced(ledger("score", 0, &[("qualified", 3), ("scored", 43)], &[("acme.assignment.requests", 3)]));
    summary.balanced(ledger("route", 0, &[("assigned", 3)], &[("acme.sla.requests", 3)]));
    summary.balanced(ledger("watch", 1, &[("ignored", 47)], &[]));
    summary.dead_letter("identify", "decode");
    summary
}

#[test]
fn the_report_of_a_small_world_reads_like_this() {
    let text = small_world().report(&topology()).text(Look::Plain);
    assert_eq!(text, include_str!("golden.txt"), "\n{text}");
}

#[test]
fn colours_change_nothing_but_colours() {
    let report = small_world().report(&topology());
    let coloured = report.text(Look::Coloured);
    assert!(coloured.contains("\u{1b}[1m"));
    let mut plain = coloured;
    for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[32m", "\u{1b}[1;31m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, report.text(Look::Plain));
}

#[test]
fn the_order_in_which_topics_are_read_does_not_matter() {
    let forwards = [sla(Kind::Started, 0, 0, "ld_1"), sla(Kind::Met, 0, 60, "ld_1")];
    let fold = |events: &[&SlaEvent], handoff_first: bool| {
        let mut summary = Summary::default();
        if handoff_first {
            summary.handed_off(&handoff(0, "ld_1"));
        }
        for event in events {
            summary.promised(event, None);
        }
        if !handoff_first {
            summary.handed_off(&handoff(0, "ld_1"));
        }
        summary.report(&topology())
    };
    let one = fold(&[&forwards[0], &forwards[1]], true);
    assert_eq!(one, fold(&[&forwards[1], &forwards[0]], false));
    assert!(one.chain.is_some());
}

#[test]
fn of_a_lanes_totals_the_newest_prevails() {
    let mut summary = Summary::default();
    summary.balanced(ledger("score", 0, &[("scored", 5)], &[]));
    summary.balanced(ledger("score", 0, &[("scored", 9)], &[]));
    summary.balanced(ledger("score", 0, &[("scored", 7)], &[]));
    let report = summary.report(&topology());
    assert_eq!(report.ledger.iter().find(|line| line.stage == "score").unwrap().consumed, 9);
}

#[test]
fn a_ledger_that_does_not_add_up_is_said_to_differ() {
    let mut summary = small_world();
    let mut short = ledger("route", 0, &[("assigned", 4)], &[("acme.sla.requests", 3)]);
    short.consumed = 5;
    summary.balanced(short);
    let report = summary.report(&topology());
    assert!(!report.ledger.iter().find(|line| line.stage == "route").unwrap().balanced);
    let text = report.text(Look::Plain);
    assert!(text.contains("  route      DIFFERS\n"), "{text}");
    assert!(text.contains("score, identify wrote 3, route read 5"), "{text}");
    assert!(text.contains("DIFFERS by -2"), "{text}");
}

#[test]
fn a_median_is_one_of_the_values() {
    let mut summary = Summary::default();
    for (lead, took) in [("ld_1", 60), ("ld_2", 240), ("ld_3", 120), ("ld_4", 180)] {
        summary.promised(&sla(Kind::Started, 0, 0, lead), None);
        summary.promised(&sla(Kind::Met, 0, took, lead), None);
    }
    assert_eq!(summary.report(&topology()).sla[0].median_ms, Some(120_000));
}

#[test]
fn a_second_owners_promise_on_the_same_handoff_is_counted_by_itself() {
    let mut summary = Summary::default();
    summary.promised(&sla(Kind::Started, 0, 0, "ld_1"), None);
    summary.promised(&sla(Kind::Cancelled, 0, 60, "ld_1"), None);
    summary.promised(&sla(Kind::Started, 60, 60, "ld_1"), None);
    let report = summary.report(&topology());
    let line = &report.sla[0];
    assert_eq!((line.started, line.cancelled, line.open), (2, 1, 1));
}

#[test]
fn only_the_newest_handoffs_are_shown_but_all_are_counted() {
    let mut summary = Summary::default();
    (1..=30).for_each(|n| summary.handed_off(&handoff(n, &format!("ld_{n}"))));
    let report = summary.report(&topology());
    assert_eq!((report.handoffs.total, report.handoffs.newest.len()), (30, 25));
    assert_eq!(report.handoffs.newest[24].lead_id, "ld_30");
    assert!(report.text(Look::Plain).contains("... and 5 more before these"));
}

#[test]
fn no_line_is_wider_than_a_terminal_and_no_address_is_whole_whatever_the_records_say() {
    let mut summary = small_world();
    let mut long = handoff(1, &"l".repeat(200));
    long.decision.facts[0].value = FactValue::Text(format!("{}@secret.example", "x".repeat(150)));
    long.decision.trigger_set[0].label = format!("email = jane@northwind.example {}", "y ".repeat(200));
    long.assignment.owner = Some("o".repeat(120));
    summary.handed_off(&long);
    let outcomes: Vec<_> = (0..60).map(|n| (format!("outcome_{n}"), n)).collect();
    let outcomes: Vec<_> = outcomes.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    summary.balanced(ledger("score", 1, &outcomes, &[]));
    let report = summary.report(&topology());
    let text = report.text(Look::Plain);
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    let json = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("jane@") && !json.contains("jane@") && !json.contains("xx@"), "{json}");
}

#[test]
fn an_empty_world_has_a_report_too() {
    let text = Summary::default().report(&topology()).text(Look::Plain);
    for said in ["none yet", "no promise was made yet", "0 in = nothing; wrote nothing; 0 wake-ups"] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn records_are_taken_in_by_their_topic_and_what_cannot_be_read_is_counted() {
    fn bytes<T>(schemas: &Rc<dyn Schemas>, record: &T) -> Vec<u8>
    where
        T: baton_wire::Record + serde::Serialize + serde::de::DeserializeOwned,
    {
        let mut bytes = Vec::new();
        Codec::<T>::new(schemas).encode(record, &mut bytes);
        bytes
    }
    let schemas: Rc<dyn Schemas> = Rc::new(NoRegistry);
    let mut intake = Intake::new(&schemas);
    let none = |_: &str| None;
    intake.take("lifecycle.changed", &bytes(&schemas, &moved(0, "ld_1", None, Stage::Visitor)), None, none);
    intake.take("lead.handoff", &bytes(&schemas, &handoff(0, "ld_1")), None, none);
    intake.take("sla.met", &bytes(&schemas, &sla(Kind::Met, 0, 60, "ld_1")), None, none);
    intake.take("ledger.balance", &bytes(&schemas, &ledger("route", 0, &[("assigned", 1)], &[])), None, none);
    intake.take("dlq", b"\xff", None, |name| (name == "x-dlq-reason").then_some(b"decode".as_slice()));
    intake.take("sla.breach", b"not a record", None, none);
    let report = intake.summary().report(&topology());
    assert_eq!(report.funnel[0].leads, 1);
    assert_eq!(report.handoffs.total, 1);
    assert_eq!(report.sla[0].met, 1);
    assert_eq!(report.ledger[3].consumed, 1);
    assert_eq!((report.dead_letters[0].stage.as_str(), report.dead_letters[0].reason.as_str()), ("?", "decode"));
    assert_eq!(report.unreadable, 1);
}
