//! Why now: the two answers, and that nothing more is named than it took.

use baton_domain::{Activity, Body, LeadEvent, Points, Stamp, Trigger, TriggerKind};
use proptest::prelude::*;

use super::support::*;
use crate::decide::advance;
use crate::trigger::in_words;

const VIEW: &str = "Page Viewed";

/// Kind, label and points of each input of the last handoff.
fn why(lead: &Lead) -> Vec<(TriggerKind, &str, Points)> {
    let set = &lead.handoffs().last().unwrap().trigger_set;
    set.iter().map(|trigger| (trigger.kind, trigger.label.as_str(), trigger.points)).collect()
}

#[test]
fn the_download_that_lifted_the_lead_over_the_line_is_the_trigger() {
    let mut lead = Lead::known(usual(), &grade_a());
    (0..2).for_each(|_| lead.did(day(0), VIEW));
    lead.downloaded(day(1), "x");
    assert_eq!(
        lead.handoffs()[0].trigger_set,
        [Trigger {
            kind: TriggerKind::Action,
            event_id: "e005".to_owned(),
            label: "Content Downloaded".to_owned(),
            occurred_at: day(1),
            points: Points::whole(20),
        }]
    );
}

#[test]
fn the_fact_that_made_a_warm_lead_fit_is_the_trigger() {
    let mut lead = Lead::known(usual(), &[text("title", "Sales Manager")]);
    (0..5).for_each(|_| lead.did(day(0), VIEW));
    assert_eq!(lead.handoffs().len(), 0);
    lead.facts(day(1), &[text("city", "Bonn"), number("employees", 250), flag("remote")]);
    assert_eq!(why(&lead), [(TriggerKind::Fact, "employees = 250 (enrichment)", Points::whole(40))]);
}

#[test]
fn facts_that_are_needed_together_are_all_named() {
    let mut lead = Lead::known(usual(), &[]);
    lead.policy.decision.matrix.remove(&(baton_domain::Grade::B, 2));
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    lead.facts(day(0), &grade_a());
    let labels: Vec<_> = why(&lead).into_iter().map(|(_, label, _)| label).collect();
    assert_eq!(labels, ["employees = 250 (enrichment)", "title = VP Sales (enrichment)"]);
}

#[test]
fn of_facts_that_each_suffice_as_many_are_named_as_must_be_missing() {
    let mut lead = Lead::known(usual(), &[]);
    lead.policy.fit.grades = [30, 20, 10].map(Points::whole);
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    lead.facts(day(0), &grade_a());
    assert_eq!(lead.handoffs()[0].cell, "A2");
    assert_eq!(why(&lead).len(), 2);
}

#[test]
fn a_hand_raise_is_its_own_and_only_trigger() {
    let mut lead = Lead::known(usual(), &grade_a());
    (0..2).for_each(|_| lead.did(day(0), VIEW));
    lead.did(day(0), "Demo Requested");
    assert_eq!(why(&lead), [(TriggerKind::Action, "Demo Requested", Points::whole(30))]);
}

#[test]
fn a_request_that_waited_is_named_with_what_it_waited_for() {
    let mut lead = Lead::new(usual());
    lead.did(day(0), "Demo Requested");
    lead.linked(day(0), "email");
    assert_eq!(
        why(&lead),
        [(TriggerKind::Action, "Demo Requested", Points::whole(30)), (TriggerKind::Fact, "email known", Points::ZERO),]
    );
}

#[test]
fn every_activity_that_a_window_needed_is_named() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.policy.engagement.rules[1].points = Points::whole(2);
    lead.did(day(0), VIEW);
    for content in ["x", "y", "z"] {
        lead.downloaded(day(0), content);
    }
    let events: Vec<_> = lead.handoffs()[0].trigger_set.iter().map(|trigger| trigger.event_id.as_str()).collect();
    assert_eq!(events, ["e006", "e005", "e004"]);
    let download = |points| (TriggerKind::Action, "Content Downloaded", Points::whole(points));
    assert_eq!(why(&lead), [download(27), download(27), download(27)]);
}

#[test]
fn a_window_that_was_not_needed_names_nobody() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.policy.engagement.rules[1].points = Points::whole(12);
    for content in ["x", "y", "z"] {
        lead.downloaded(day(0), content);
    }
    assert_eq!(why(&lead), [(TriggerKind::Action, "Content Downloaded", Points::whole(37))]);
}

#[test]
fn a_late_arrival_that_completes_a_window_is_the_first_trigger() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.policy.engagement.rules[1].points = Points::whole(2);
    lead.did(day(9), VIEW);
    let download = |content: &str| {
        let content_id = Some(content.to_owned());
        Body::Activity(Activity { name: "Content Downloaded".to_owned(), content_id, ..Activity::default() })
    };
    lead.hear(day(9), day(7), "first", download("x"));
    lead.hear(day(9), day(9), "last", download("z"));
    lead.hear(day(9), day(8), "late", download("y"));
    let events: Vec<_> = lead.handoffs()[0].trigger_set.iter().map(|trigger| trigger.event_id.as_str()).collect();
    assert_eq!(events, ["late", "last", "first"]);
}

/// Told with views and downloads, or with facts, to a lead of grade A or to one of whom little is known.
fn opening() -> impl Strategy<Value = (Vec<Body>, bool)> {
    let view = Body::Activity(Activity { name: VIEW.to_owned(), ..Activity::default() });
    let download = (0..4u8).prop_map(|n| {
        let (name, content_id) = ("Content Downloaded".to_owned(), Some(format!("c{n}")));
        Body::Activity(Activity { name, content_id, ..Activity::default() })
    });
    let facts = prop::collection::vec(
        prop_oneof![
            Just(number("employees", 250)),
            Just(text("title", "VP Sales")),
            Just(text("title", "Sales Manager")),
            Just(flag("remote")),
        ],
        1..4,
    );
    let body = prop_oneof![3 => Just(view), 3 => download, 2 => facts.prop_map(Body::Facts)];
    (prop::collection::vec(body, 4..16), any::<bool>())
}

proptest! {
    /// Decided again without each member, and without all of them.
    #[test]
    fn a_trigger_set_is_what_it_took_and_no_more((story, fits) in opening()) {
        let mut lead = Lead::known(usual(), &[]);
        lead.policy.engagement.rules[1].points = Points::whole(4);
        if fits {
            lead.facts(day(0), &grade_a());
        }
        for (n, body) in story.iter().enumerate() {
            let before = lead.state.clone().unwrap();
            let id = format!("s{n:02}");
            lead.hear(day(1), day(1), &id, body.clone());
            let Some(handoff) = lead.handoffs().first().copied().cloned() else { continue };
            let opens = |left_out: &[&Trigger]| {
                let mut before = before.clone();
                let gone = |label: &str| {
                    left_out.iter().any(|trigger| trigger.event_id == id && trigger.label.starts_with(label))
                };
                for trigger in left_out.iter().filter(|trigger| trigger.event_id != id) {
                    before.forget(&lead.policy, &trigger.event_id);
                }
                let body = match body {
                    Body::Facts(facts) => Body::Facts(
                        facts.iter().filter(|fact| !gone(&in_words(fact))).cloned().collect(),
                    ),
                    _ if gone("") => Body::Tick(baton_domain::Tick {}),
                    body => body.clone(),
                };
                let event = LeadEvent {
                    stamp: Stamp::default(),
                    lead_id: "ld_1".to_owned(),
                    event_id: id.clone(),
                    occurred_at: day(1),
                    origin: String::new(),
                    body,
                };
                advance(&lead.policy, before, day(1), &event).opened.is_some()
            };
            let set: Vec<&Trigger> = handoff.trigger_set.iter().collect();
            prop_assert!(opens(&[]), "the decision can be repeated");
            prop_assert!(!opens(&set), "without the set nothing opens");
            let alone = set.iter().filter(|trigger| !opens(&[**trigger])).count();
            // Either each member is needed, or any one of them suffices and they fall together.
            prop_assert!(alone == set.len() || (alone == 0 && set.len() > 1), "{alone} of {}", set.len());
            return Ok(());
        }
    }
}
