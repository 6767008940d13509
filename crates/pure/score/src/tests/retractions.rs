//! An event that was taken back leaves the lead as if it had never come.

use baton_domain::{Activity, Body, Millis, Points, RetractionReason, Revision, Stage};
use proptest::prelude::*;

use super::laws::{any_history, full};
use super::support::*;
use crate::Said;

const VIEW: &str = "Page Viewed";

#[test]
fn the_points_of_an_event_that_was_taken_back_are_gone() {
    let mut lead = Lead::known(usual(), &[]);
    lead.did(day(0), VIEW); // e003
    lead.did(day(0), VIEW);
    lead.retract(day(0), "e003");
    assert_eq!(lead.outcome, "retracted");
    let score = lead.scores().pop().unwrap();
    assert_eq!(score.engagement, Points::whole(10));
    assert!(score.receipt.iter().all(|line| line.event_id != "e003"));
}

#[test]
fn what_the_event_had_displaced_counts_again() {
    let mut lead = Lead::known(usual(), &[]);
    lead.downloaded(day(0), "paper"); // e003
    lead.downloaded(day(1), "paper"); // counts only once per content
    lead.retract(day(1), "e003");
    assert_eq!(lead.scores().pop().unwrap().engagement, Points::whole(20));
}

#[test]
fn an_earlier_value_of_a_fact_holds_again() {
    let mut lead = Lead::known(usual(), &[text("title", "Sales Manager")]); // e002
    lead.facts(day(1), &[text("title", "VP Sales")]); // e003
    lead.retract(day(2), "e003");
    assert_eq!(lead.scores().pop().unwrap().fit, Points::whole(20));
    lead.retract(day(2), "e002");
    assert_eq!(lead.scores().pop().unwrap().fit, Points::ZERO);
}

#[test]
fn a_lead_ruled_out_by_a_fact_that_was_taken_back_is_let_in_again() {
    let mut lead = Lead::known(usual(), &[]);
    lead.did(day(0), VIEW);
    lead.facts(day(1), &[text("country", "KP")]); // e004
    assert_eq!(lead.stage(), Stage::Disqualified);
    lead.retract(day(2), "e004");
    assert_eq!(lead.stage(), Stage::Identified);
}

#[test]
fn a_lead_whose_only_activity_was_taken_back_is_a_visitor_again() {
    let mut lead = Lead::known(usual(), &[]);
    lead.did(day(0), VIEW); // e003
    lead.retract(day(0), "e003");
    assert_eq!(lead.moves(), [(Stage::Visitor, "retracted")]);
}

#[test]
fn a_handoff_that_rested_on_the_event_is_withdrawn_before_a_rep_accepted() {
    let mut lead = Lead::known(usual(), &grade_a());
    (0..3).for_each(|_| lead.did(day(1), VIEW)); // e003 to e005
    assert_eq!(lead.stage(), Stage::Mql);
    lead.retract(day(1), "e003");
    assert_eq!((lead.stage(), lead.moves()), (Stage::Identified, vec![(Stage::Identified, "retracted")]));
    let told = lead.revisions()[0];
    assert_eq!(
        (told.kind, told.handoff_id.as_str(), told.retracted.as_str()),
        (Revision::Withdrawn, "h_ld_1_1", "e003")
    );
    assert_eq!((told.engagement, told.reason), (Points::whole(20), RetractionReason::Bot));
    assert_eq!(lead.released(), [("retracted", false)]);
    lead.did(day(1), VIEW);
    assert_eq!(lead.handoffs().last().unwrap().handoff_id, "h_ld_1_2", "the next event opens the next episode");
}

#[test]
fn a_demo_request_that_was_a_bots_is_withdrawn() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(1), "Demo Requested"); // e003
    lead.retract(day(1), "e003");
    assert_eq!(lead.revisions()[0].kind, Revision::Withdrawn);
    assert_eq!(lead.stage(), Stage::Visitor, "it was all that the lead ever did");
}

#[test]
fn a_handoff_that_does_not_need_the_event_stands_with_other_scores() {
    let mut lead = Lead::known(usual(), &grade_a());
    (0..3).for_each(|_| lead.did(day(1), VIEW));
    lead.did(day(1), VIEW); // e006
    lead.retract(day(1), "e006");
    assert_eq!((lead.revisions()[0].kind, lead.stage()), (Revision::Revised, Stage::Mql));
}

#[test]
fn a_second_request_keeps_the_handoff_that_a_repeat_of_it_opened() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.policy.engagement.rules[2].points = Points::whole(5);
    lead.did(day(1), "Demo Requested"); // e003
    lead.did(day(1), "Demo Requested"); // e004
    lead.retract(day(1), "e003");
    assert_eq!((lead.revisions()[0].kind, lead.stage()), (Revision::Revised, Stage::Mql));
    lead.retract(day(1), "e004");
    assert_eq!(lead.revisions()[1].kind, Revision::Withdrawn);
}

#[test]
fn what_a_rep_accepted_is_revised_and_never_withdrawn() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(1), "Demo Requested"); // e003
    lead.crm(day(1), accepted());
    lead.retract(day(1), "e003");
    assert_eq!((lead.revisions()[0].kind, lead.stage()), (Revision::Revised, Stage::Sal));
}

#[test]
fn an_event_of_which_there_is_no_trace_changes_nothing_and_that_is_said() {
    let mut lead = Lead::known(usual(), &grade_a());
    let before = lead.state.clone();
    lead.retract(day(1), "who");
    assert_eq!((lead.outcome, &lead.state), ("lifecycle_rejected", &before));
    let [Said::Rejected(rejected)] = lead.last() else { panic!("{:?}", lead.last()) };
    assert_eq!((rejected.attempted.as_str(), rejected.rule.as_str()), ("retraction", "no_trace"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Against the same history without the event, bit by bit.
    #[test]
    fn the_score_is_that_of_a_history_in_which_the_event_never_came(
        history in any_history(), place in any::<prop::sample::Index>(), when in any::<prop::sample::Index>()
    ) {
        let gone = place.index(history.len());
        let tell = |skip: bool| {
            let mut lead = Lead::new(full());
            let mut hear = |n: usize, hour: i64, body: &Body| {
                lead.hear(day(35), day(0).plus(hour * Millis::HOUR), &format!("e{n:02}"), body.clone());
            };
            let after = when.index(history.len()).max(gone);
            for (n, hour, body) in &history {
                if !(skip && *n == gone) {
                    hear(*n, *hour, body);
                }
                if !skip && *n == after {
                    hear(99, 35 * 24, &retracted(&format!("e{gone:02}")));
                }
            }
            lead.score(day(40))
        };
        let (without, taken_back) = (tell(true), tell(false));
        prop_assert_eq!(&without.receipt, &taken_back.receipt);
        prop_assert_eq!(
            (without.score, without.fit, without.grade, without.band),
            (taken_back.score, taken_back.fit, taken_back.grade, taken_back.band)
        );
    }

    #[test]
    fn many_views_of_one_page_leave_the_first_that_was_not_taken_back(gone in prop::collection::btree_set(0..8usize, 0..5)) {
        let mut lead = Lead::new(full());
        for n in 0..8 {
            let page = Activity { name: VIEW.to_owned(), content_id: Some("c".to_owned()), ..Activity::default() };
            lead.hear(day(0), day(0).plus(n * Millis::HOUR), &format!("v{n}"), Body::Activity(page));
        }
        for n in &gone {
            lead.retract(day(0), &format!("v{n}"));
        }
        let first = (0..8).find(|n| !gone.contains(n)).unwrap();
        let receipt = lead.score(day(0)).receipt;
        for rule in ["once", "content"] {
            let line = receipt.iter().find(|line| line.rule == rule).unwrap();
            prop_assert_eq!(&line.event_id, &format!("v{first}"));
        }
    }
}
