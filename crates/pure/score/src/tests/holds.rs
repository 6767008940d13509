//! What stands between the line and the handoff, and what sales hears after it.

use baton_domain::{
    Activity, Body, EnrichmentRequested, Grade, LogTime, Millis, Noticed, ReasonKind, RouteInput, Stage, TriggerKind,
};
use baton_policy::{Alerts, Policy, Unknown};

use super::support::*;
use crate::Said;

const VIEW: &str = "Page Viewed";
const HOLD: i64 = 15 * Millis::MINUTE;

fn holding() -> Policy {
    let mut policy = usual();
    policy.decision.unknown = Some(Unknown { bands: vec![1, 2], hold_ms: HOLD, then: "P2".to_owned() });
    policy
}

/// A lead known by email of whom the policy knows nothing else, with `views` views at day 1.
fn unknown(policy: Policy, views: usize) -> Lead {
    let mut lead = Lead::known(policy, &[]);
    (0..views).for_each(|_| lead.did(day(1), VIEW));
    lead
}

fn wanted(lead: &Lead) -> Vec<&EnrichmentRequested> {
    let wanted = lead.said.iter().filter_map(|said| if let Said::Enrichment(w) = said { Some(w) } else { None });
    wanted.collect()
}

fn noticed(lead: &Lead) -> Vec<&Noticed> {
    let noticed = lead.said.iter().filter_map(|said| match said {
        Said::Request(request) => match &request.input {
            RouteInput::Noticed(noticed) => Some(noticed),
            _ => None,
        },
        _ => None,
    });
    noticed.collect()
}

#[test]
fn t05_a_warm_lead_of_an_unknown_company_waits_for_facts_and_is_then_reviewed() {
    let mut lead = unknown(holding(), 3);
    let until = day(1).plus(HOLD);
    assert_eq!(wanted(&lead).len(), 1);
    assert_eq!(wanted(&lead)[0].missing_facts, ["employees", "title"]);
    assert_eq!((wanted(&lead)[0].episode, wanted(&lead)[0].hold_until), (1, LogTime::from_millis(until)));
    assert_eq!(lead.wake, Some(LogTime::from_millis(until)));
    lead.sleep(until.plus(-1));
    assert_eq!((lead.handoffs().len(), lead.stage()), (0, Stage::Identified));
    lead.sleep(until);
    let handoff = lead.handoffs()[0];
    assert_eq!((handoff.lane.as_str(), handoff.reason, handoff.cell.as_str()), ("P2", ReasonKind::Matrix, "U2"));
    assert_eq!(handoff.missing_facts, ["employees", "title"]);
    assert_eq!((handoff.event_id.as_str(), handoff.occurred_at), ("e005", day(1)), "the event that warmed it");
    assert_eq!(handoff.trigger_set[0].label, VIEW);
    assert_eq!(lead.stage(), Stage::Mql);
}

#[test]
fn t05_facts_that_arrive_in_time_decide_at_once() {
    let mut lead = unknown(holding(), 3);
    lead.facts(day(1).plus(Millis::MINUTE), &grade_a());
    let handoff = lead.handoffs()[0];
    assert_eq!((handoff.lane.as_str(), handoff.cell.as_str()), ("P1", "A2"));
    assert!(handoff.trigger_set.iter().all(|trigger| trigger.kind == TriggerKind::Fact));
    lead.sleep(day(2));
    assert_eq!((lead.handoffs().len(), wanted(&lead).len()), (1, 1));
}

#[test]
fn facts_of_a_poor_fit_end_the_wait_without_a_handoff() {
    let mut lead = unknown(holding(), 3);
    lead.facts(day(1).plus(Millis::MINUTE), &[text("title", "Clerk")]);
    lead.sleep(day(2));
    assert_eq!(lead.handoffs().len(), 0);
}

#[test]
fn facts_are_asked_for_once_however_warm_the_lead_becomes_meanwhile() {
    let mut lead = unknown(holding(), 3);
    (0..5).for_each(|_| lead.did(day(1).plus(Millis::MINUTE), VIEW));
    assert_eq!(wanted(&lead).len(), 1);
    lead.sleep(day(2));
    assert_eq!((lead.handoffs().len(), lead.handoffs()[0].cell.as_str()), (1, "U1"));
}

#[test]
fn a_hand_raise_is_not_held() {
    let mut lead = unknown(holding(), 3);
    lead.did(day(1).plus(Millis::MINUTE), "Demo Requested");
    assert_eq!(lead.handoffs()[0].lane, "P0");
    lead.sleep(day(2));
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn a_lead_that_must_not_be_contacted_waits_for_nothing() {
    let mut lead = unknown(holding(), 3);
    lead.consent(day(1).plus(Millis::MINUTE), "all", baton_domain::ConsentState::Denied);
    lead.sleep(day(2));
    assert_eq!((lead.handoffs().len(), lead.stage()), (0, Stage::Suppressed));
}

#[test]
fn without_a_word_on_unknown_leads_nobody_is_asked() {
    let mut lead = unknown(usual(), 9);
    lead.sleep(day(2));
    assert_eq!((wanted(&lead).len(), lead.handoffs().len()), (0, 0));
}

fn dwelling() -> Policy {
    let mut policy = usual();
    policy.decision.dwell_ms = DAY;
    policy
}

#[test]
fn a_lead_is_handed_off_when_it_has_stood_in_the_cell_for_the_dwell() {
    let mut lead = Lead::known(dwelling(), &grade_a());
    (0..4).for_each(|_| lead.did(day(1), VIEW));
    lead.sleep(day(2).plus(-1));
    assert_eq!(lead.handoffs().len(), 0);
    lead.sleep(day(2));
    assert_eq!((lead.handoffs().len(), lead.handoffs()[0].event_id.as_str()), (1, "e005"));
}

#[test]
fn a_lead_that_leaves_the_cell_begins_its_dwell_again() {
    let mut lead = Lead::known(dwelling(), &grade_a());
    (0..3).for_each(|_| lead.did(day(1), VIEW));
    (0..2).for_each(|_| lead.did(day(1).plus(Millis::HOUR), "Email Unsubscribed"));
    lead.sleep(day(3));
    assert_eq!(lead.handoffs().len(), 0);
    (0..4).for_each(|_| lead.did(day(3), VIEW));
    lead.sleep(day(4).plus(-1));
    assert_eq!(lead.handoffs().len(), 0);
    lead.sleep(day(4));
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn a_hand_raise_does_not_dwell() {
    let mut lead = Lead::known(dwelling(), &grade_a());
    lead.did(day(1), "Demo Requested");
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn decay_and_time_alone_never_open_an_episode() {
    let mut lead = Lead::known(dwelling(), &grade_a());
    lead.did(day(1), "Email Marked As Spam");
    (0..2).for_each(|_| lead.did(day(1), VIEW));
    lead.sleep(day(400));
    assert_eq!(lead.handoffs().len(), 0);
}

fn alerting() -> Policy {
    let mut policy = usual();
    policy.decision.alerts = Some(Alerts {
        events: vec!["Webinar Attended".to_owned()],
        content_stages: vec!["bofu".to_owned()],
        hand_raise: true,
        every_ms: 30 * Millis::MINUTE,
    });
    policy
}

#[test]
fn t19_what_a_handed_off_lead_does_is_told_with_its_standing() {
    let mut lead = Lead::known(alerting(), &grade_a());
    lead.did(day(1), "Webinar Attended");
    assert_eq!(noticed(&lead).len(), 0, "nobody has the lead yet");
    lead.did(day(1), "Demo Requested");
    assert_eq!(noticed(&lead).len(), 0, "the handoff itself tells it");
    lead.did(day(2), "Webinar Attended");
    lead.did(day(2), VIEW);
    lead.did(day(2), "Demo Requested");
    let bofu = Activity { content_stage: Some("bofu".to_owned()), ..Activity::default() };
    lead.hear(day(2), day(2), "late", Body::Activity(Activity { name: "Content Downloaded".to_owned(), ..bofu }));
    let told = noticed(&lead);
    let names: Vec<_> = told.iter().map(|noticed| noticed.moment.name.as_str()).collect();
    assert_eq!(names, ["Webinar Attended", "Demo Requested", "Content Downloaded"]);
    assert_eq!((told[0].handoff_id.as_str(), told[0].episode, told[0].grade), ("h_ld_1_1", 1, Grade::A));
}

#[test]
fn t19_what_is_taken_back_after_the_handoff_is_told_as_not_done() {
    let mut lead = Lead::known(alerting(), &grade_a());
    let back = |lead: &mut Lead, event_id: &str| {
        let reason = baton_domain::RetractionReason::Bot;
        let retraction = baton_domain::Retraction { event_id: event_id.to_owned(), reason, by: "ops".to_owned() };
        lead.hear(day(3), day(3), &format!("r-{event_id}"), Body::Retracted(retraction));
    };
    lead.did(day(1), "Demo Requested");
    lead.did(day(2), "Webinar Attended");
    lead.did(day(2), "Webinar Attended");
    let first = noticed(&lead)[0].clone();
    back(&mut lead, &first.event_id);
    let told = noticed(&lead)[2].clone();
    assert_eq!((told.taken_back, &told.moment, told.event_id), (true, &first.moment, first.event_id));
    assert!(told.score < first.score, "without what was taken back");
    back(&mut lead, "unheard of");
    assert_eq!(noticed(&lead).len(), 3);
    let second = noticed(&lead)[1].event_id.clone();
    lead.judged(day(3), "not_now");
    back(&mut lead, &second);
    assert_eq!(noticed(&lead).len(), 3, "no desk is to hear of the lead");
}

#[test]
fn t19_nothing_is_told_of_a_lead_that_went_back_to_marketing() {
    let mut lead = Lead::known(alerting(), &grade_a());
    lead.did(day(1), "Demo Requested");
    lead.judged(day(1), "not_now");
    lead.did(day(2), "Webinar Attended");
    assert_eq!(noticed(&lead).len(), 0);
}
