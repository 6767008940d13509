//! What sales's answers do: statuses, recycles, check-ins, labels, and what the router and marketing hear.

use baton_domain::{
    Activity, Answer, Body, CauseClass, ConsentState, CrmActivity, CrmKind, Direction, Disposition, Label,
    LifecycleRejected, Millis, NurtureEvent, NurtureKind, Points, ReasonKind, RouteInput, Stage, Status, Touch,
    TouchOutcome, Verdict,
};

use super::support::*;
use crate::Said;

const DEMO: &str = "Demo Requested";
const VIEW: &str = "Page Viewed";

fn handed_off() -> Lead {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(1), DEMO);
    lead
}

fn owned_by(owner: Option<&str>) -> CrmActivity {
    CrmActivity { kind: CrmKind::Owner, owner: owner.map(str::to_owned), ..CrmActivity::default() }
}

fn status(word: &str) -> CrmActivity {
    CrmActivity { kind: CrmKind::Status, status: Some(word.to_owned()), ..CrmActivity::default() }
}

fn judged_until(code: &str, check_in: Millis) -> CrmActivity {
    let reason = Some("frozen".to_owned());
    let disposition =
        Some(Disposition { code: code.to_owned(), reason, next_check_in: Some(check_in), ..Disposition::default() });
    CrmActivity { disposition, ..judged(code) }
}

fn rejections(lead: &Lead) -> Vec<LifecycleRejected> {
    let rejected = |said: &Said| if let Said::Rejected(rejected) = said { Some(rejected.clone()) } else { None };
    lead.last().iter().filter_map(rejected).collect()
}

fn nurture(lead: &Lead) -> Vec<NurtureEvent> {
    lead.said.iter().filter_map(|said| if let Said::Nurture(news) = said { Some(news.clone()) } else { None }).collect()
}

fn verdict(lead: &Lead) -> Verdict {
    lead.lifecycle().last().unwrap().verdict.clone().unwrap()
}

/// Cause and whether another desk is wanted, as the last event told the router.
fn released(lead: &Lead) -> (String, bool) {
    match lead.asked() {
        Some(RouteInput::Released(released)) => (released.cause.clone(), released.reroute),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_status_follows_the_work_from_new_to_an_open_deal() {
    let mut lead = handed_off();
    assert_eq!(lead.status(), Some(Status::New));
    lead.crm(day(1), owned_by(Some("kim")));
    assert_eq!(lead.status(), Some(Status::Open));
    lead.crm(day(1), touch(TouchOutcome::Voicemail, false));
    assert_eq!(lead.status(), Some(Status::Attempted));
    lead.crm(day(2), accepted());
    assert_eq!((lead.stage(), lead.status()), (Stage::Sal, Some(Status::Attempted)), "accepting undoes no attempt");
    lead.crm(day(2), touch(TouchOutcome::Connected, false));
    assert_eq!((lead.stage(), lead.status()), (Stage::Sql, Some(Status::Connected)));
    lead.crm(day(2), status("In Progress"));
    assert_eq!(lead.status(), Some(Status::InProgress));
    lead.crm(day(3), opportunity("open"));
    assert_eq!(lead.status(), Some(Status::OpenDeal));
    lead.crm(day(4), opportunity("won"));
    assert_eq!(lead.status(), None, "nobody works on a customer");
    let told = |said: &&Said| matches!(said, Said::Status(_));
    assert_eq!(lead.said.iter().filter(told).count(), 7);
}

#[test]
fn a_status_that_the_stage_does_not_allow_is_answered_and_changes_nothing() {
    let mut lead = handed_off();
    for (word, rule, attempted) in
        [("Open Deal", "status_not_allowed", "open_deal"), ("whatever", "unknown_status", "whatever")]
    {
        lead.crm(day(2), status(word));
        assert_eq!((lead.status(), lead.outcome), (Some(Status::New), "lifecycle_rejected"));
        let [rejected] = rejections(&lead).try_into().unwrap();
        assert_eq!((rejected.rule.as_str(), rejected.attempted.as_str()), (rule, attempted));
        assert_eq!((rejected.current, rejected.status, rejected.episode), (Stage::Mql, Some(Status::New), 1));
    }
}

#[test]
fn a_rejection_names_what_was_asked_for_and_the_rule() {
    let mut lead = handed_off();
    lead.crm(day(2), opportunity("won"));
    let [rejected] = rejections(&lead).try_into().unwrap();
    assert_eq!((rejected.attempted.as_str(), rejected.rule.as_str()), ("customer", "opportunity_won"));
    lead.judged(day(2), "no such code");
    assert_eq!(rejections(&lead)[0].rule, "unknown_disposition");
}

#[test]
fn the_router_hears_how_sales_answers_and_of_owners() {
    let mut lead = handed_off();
    let answer = |lead: &Lead| match lead.asked() {
        Some(RouteInput::Answered(answered)) => Some((answered.answer, answered.handoff_id.clone())),
        _ => None,
    };
    lead.crm(day(2), accepted());
    assert_eq!(answer(&lead), Some((Answer::Accepted, "h_ld_1_1".to_owned())));
    lead.crm(day(2), touch(TouchOutcome::Attempt, false));
    assert_eq!(answer(&lead).unwrap().0, Answer::Touched);
    lead.crm(day(2), touch(TouchOutcome::Attempt, true));
    assert_eq!(answer(&lead), None, "a machine answers for nobody");
    let inbound = Touch { direction: Direction::Inbound, outcome: TouchOutcome::Voicemail, ..Touch::default() };
    lead.crm(day(2), CrmActivity { touch: Some(inbound), ..CrmActivity::default() });
    assert_eq!((answer(&lead), lead.status()), (None, Some(Status::Attempted)), "the lead called, not sales");
    lead.judged(day(2), "qualified");
    assert_eq!(answer(&lead).unwrap().0, Answer::Judged);
    lead.crm(day(3), owned_by(Some("bo")));
    let Some(RouteInput::Owner(change)) = lead.asked() else { panic!("the owner is told") };
    assert_eq!((change.owner.as_deref(), change.episode), (Some("bo"), 1));
}

#[test]
fn while_its_episode_is_open_the_router_hears_the_score_move() {
    let mut lead = handed_off();
    lead.did(day(2), VIEW);
    let Some(RouteInput::Moved(moved)) = lead.asked() else { panic!("{:?}", lead.asked()) };
    assert_eq!((moved.episode, moved.score), (1, lead.scores().pop().unwrap().score));
    lead.crm(day(2), accepted());
    lead.did(day(3), VIEW);
    assert!(matches!(lead.asked(), Some(RouteInput::Moved(_))));
    lead.judged(day(4), "not_now");
    lead.did(day(5), VIEW);
    assert_eq!(lead.asked(), None);
}

#[test]
fn while_its_episode_is_open_the_router_hears_that_the_lead_asks_for_sales_and_what_it_says_of_channels() {
    let mut lead = handed_off();
    let heard = |lead: &Lead| match lead.asked() {
        Some(RouteInput::Moved(moved)) => (moved.raised.clone(), moved.consent.clone()),
        other => panic!("{other:?}"),
    };
    lead.did(day(2), VIEW);
    assert_eq!(heard(&lead), (None, None));
    lead.did(day(2), DEMO);
    let (raised, consent) = heard(&lead);
    let raised = raised.expect("a demo is a request for sales");
    assert_eq!(
        (raised.trigger_set[0].label.as_str(), raised.trigger_set[0].occurred_at, consent),
        (DEMO, day(2), None)
    );
    lead.consent(day(3), "phone", ConsentState::Denied);
    let said = heard(&lead).1.expect("what was said of a channel is told");
    assert_eq!((said[0].channel.as_str(), said[0].state, said[0].since), ("phone", ConsentState::Denied, day(3)));
}

#[test]
fn every_end_of_an_episode_releases_the_desk_once() {
    for code in ["not_now", "competitor", "never_contact"] {
        let mut lead = handed_off();
        lead.judged(day(2), code);
        assert_eq!(released(&lead), (code.to_owned(), false));
        lead.judged(day(3), code);
        assert_eq!(lead.asked(), None, "{code}");
    }
    let mut won = handed_off();
    won.crm(day(2), opportunity("open"));
    won.crm(day(3), opportunity("won"));
    assert_eq!(released(&won), ("opportunity_won".to_owned(), false));
    let mut ruled = handed_off();
    ruled.facts(day(2), &[text("country", "kp")]);
    assert_eq!(released(&ruled), ("embargo".to_owned(), false));
    let mut left = handed_off();
    left.consent(day(2), "all", ConsentState::Denied);
    assert_eq!(released(&left), ("consent_denied".to_owned(), false));
}

#[test]
fn a_wrong_territory_asks_for_another_desk_before_and_after_acceptance() {
    let mut lead = handed_off();
    lead.judged(day(2), "wrong_territory");
    assert_eq!((released(&lead), lead.stage()), (("wrong_territory".to_owned(), true), Stage::Mql));
    lead.crm(day(2), accepted());
    lead.judged(day(3), "wrong_owner");
    assert_eq!((released(&lead), lead.stage()), (("wrong_owner".to_owned(), true), Stage::Mql));
    assert_eq!((lead.status(), lead.handoffs().len()), (Some(Status::New), 1));
}

#[test]
fn t15_a_rejection_as_no_fit_disqualifies_with_a_negative_label_and_hands_off_no_more() {
    let mut lead = handed_off();
    lead.policy.version = 9;
    lead.judged(day(2), "not_a_fit");
    let verdict = verdict(&lead);
    assert_eq!((verdict.label, verdict.class, verdict.code.as_str()), (Label::Rejected, CauseClass::Lead, "not_a_fit"));
    assert_eq!(verdict.handoff_policy_version, 7, "the policy that handed it off");
    assert_eq!((lead.stage(), lead.status()), (Stage::Disqualified, Some(Status::Unqualified)));
    lead.did(day(3), DEMO);
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn t16_bad_timing_enrols_and_the_lead_comes_back_on_its_check_in_date() {
    let mut lead = handed_off();
    lead.crm(day(2), judged_until("bad_timing", day(62)));
    assert_eq!((lead.stage(), lead.status()), (Stage::Recycled, Some(Status::BadTiming)));
    assert_eq!(lead.lifecycle().last().unwrap().check_in, Some(day(62)));
    let news = nurture(&lead).pop().unwrap();
    assert_eq!((news.kind, news.reason.as_str(), news.until), (NurtureKind::Enroll, "bad_timing", Some(day(62))));
    lead.sleep(day(62).plus(-1));
    assert_eq!(lead.handoffs().len(), 1);
    lead.sleep(day(62));
    let handoff = lead.handoffs()[1];
    assert_eq!((handoff.episode, handoff.reason, handoff.lane.as_str()), (2, ReasonKind::CheckIn, "P2"));
    assert_eq!(handoff.history.next_check_in, Some(day(62)));
    assert_eq!(handoff.trigger_set[0].label, "check-in due");
    assert_eq!(nurture(&lead).pop().unwrap().kind, NurtureKind::Exit);
    assert_eq!(lead.wake, None, "a date fires once");
}

#[test]
fn a_policy_without_a_check_in_lane_only_re_arms_on_the_date() {
    let mut lead = handed_off();
    lead.policy.lifecycle.check_in_lane = None;
    lead.crm(day(2), judged_until("not_now", day(5)));
    lead.sleep(day(10));
    assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Recycled, 1));
    (0..4).for_each(|_| lead.did(day(10), VIEW));
    assert_eq!(lead.handoffs().len(), 2, "long before the rest of 30 days is over");
}

#[test]
fn t17_a_recycled_lead_that_comes_back_brings_its_history() {
    let mut lead = handed_off();
    lead.crm(day(2), owned_by(Some("kim")));
    lead.crm(day(2), judged_until("not_now", day(62)));
    lead.did(day(3), DEMO);
    let handoff = lead.handoffs()[1];
    assert_eq!((handoff.episode, handoff.lane.as_str(), handoff.review), (2, "P0", false));
    let history = &handoff.history;
    assert_eq!((history.episodes, history.last_owner.as_deref()), (1, Some("kim")));
    assert_eq!(history.next_check_in, Some(day(62)));
    let past = &history.past[0];
    assert_eq!((past.episode, past.stage, past.code.as_str()), (1, Stage::Recycled, "not_now"));
    assert_eq!((past.reason.as_deref(), past.owner.as_deref()), (Some("frozen"), Some("kim")));
    assert_eq!(lead.status(), Some(Status::New));
    lead.sleep(day(80));
    assert_eq!(lead.handoffs().len(), 2, "the date of an episode that is over means nothing");
}

#[test]
fn t18_attempts_that_reach_nobody_end_with_the_cadence_and_a_recycle() {
    let attempts = |answered: bool| {
        let mut lead = handed_off();
        let within = baton_policy::Target { within_ms: 10 * DAY, ..baton_policy::Target::default() };
        lead.policy.sla.cadence = Some(baton_policy::Cadence { touches: 6, within, calendar: None });
        (2..7).for_each(|n| lead.crm(day(n), touch(TouchOutcome::Attempt, false)));
        if answered {
            lead.crm(day(8), touch(TouchOutcome::Connected, false));
        }
        lead.sleep(day(12).plus(-1));
        assert_eq!(lead.state.as_ref().unwrap().recycled, None);
        lead.sleep(day(12));
        lead
    };
    let unreached = attempts(false);
    assert_eq!(unreached.moves(), [(Stage::Recycled, "no_response")]);
    assert_eq!(released(&unreached), ("no_response".to_owned(), false));
    assert_eq!((verdict(&unreached).label, verdict(&unreached).class), (Label::Rejected, CauseClass::Lead));
    assert_eq!(unreached.status(), Some(Status::Attempted));
    assert_eq!(attempts(true).stage(), Stage::Sql);
}

#[test]
fn t22_a_won_deal_is_labelled_with_the_policy_of_the_handoff() {
    let mut lead = handed_off();
    lead.policy.version = 12;
    lead.crm(day(2), opportunity("open"));
    lead.crm(day(9), opportunity("won"));
    let verdict = verdict(&lead);
    assert_eq!((verdict.label, verdict.class, verdict.handoff_policy_version), (Label::Won, CauseClass::Unknown, 7));
}

#[test]
fn t30_a_lead_that_did_not_convert_says_whether_anybody_followed_up() {
    let mut called = handed_off();
    called.crm(day(2), touch(TouchOutcome::Attempt, false));
    called.judged(day(3), "no_response");
    assert_eq!(verdict(&called).class, CauseClass::Lead);
    let mut forgotten = handed_off();
    forgotten.crm(day(2), touch(TouchOutcome::Attempt, true));
    forgotten.judged(day(3), "no_response");
    assert_eq!(verdict(&forgotten).class, CauseClass::Followup);
    let mut lost = handed_off();
    lost.crm(day(2), opportunity("open"));
    lost.crm(day(3), opportunity("lost"));
    assert_eq!((verdict(&lost).label, verdict(&lost).class), (Label::Lost, CauseClass::Unknown));
}

#[test]
fn a_recycle_halves_what_was_earned_before_it_on_a_line_of_its_own() {
    let mut policy = usual();
    policy.engagement.rules.iter_mut().for_each(|rule| rule.half_life_ms = None);
    let mut lead = Lead::known(policy, &grade_a());
    (0..4).for_each(|_| lead.did(day(1), VIEW));
    lead.judged(day(2), "not_now");
    lead.did(day(3), VIEW);
    let late = Body::Activity(Activity { name: VIEW.to_owned(), ..Activity::default() });
    lead.hear(day(4), day(1), "late", late);
    let score = lead.scores().pop().unwrap();
    assert_eq!(score.engagement, Points::whole(35), "five views before at half, one after in full");
    let damp = score.receipt.iter().find(|line| line.kind == baton_domain::ContributionKind::Damp).unwrap();
    assert_eq!((damp.rule.as_str(), damp.points), ("view", Points::whole(-25)));
    assert_eq!(score.receipt.iter().map(|line| line.points).sum::<Points>(), score.score);
}

#[test]
fn a_recycle_takes_nothing_off_penalties() {
    let mut lead = handed_off();
    lead.did(day(1), "Email Unsubscribed");
    lead.judged(day(2), "not_now");
    let score = lead.score(day(2));
    let penalty = score.receipt.iter().find(|line| line.rule == "unsubscribe").unwrap();
    assert_eq!(penalty.points, Points::whole(-15));
}

#[test]
fn late_stage_content_re_arms_where_the_disposition_says_so() {
    let read = |lead: &mut Lead, stage: &str| {
        let content_stage = Some(stage.to_owned());
        let activity = Activity { name: VIEW.to_owned(), content_stage, ..Activity::default() };
        lead.hear(day(3), day(3), stage, Body::Activity(activity));
    };
    let mut lead = handed_off();
    lead.judged(day(2), "not_now");
    (0..3).for_each(|_| lead.did(day(3), VIEW));
    read(&mut lead, "tofu");
    assert_eq!(lead.handoffs().len(), 1);
    read(&mut lead, "bofu");
    assert_eq!(lead.handoffs().len(), 2);
}

#[test]
fn the_third_recycle_in_half_a_year_sends_the_next_episode_to_review() {
    let mut lead = handed_off();
    for n in 0..3 {
        assert!(!lead.handoffs().last().unwrap().review, "episode {n}");
        lead.judged(day(10 * n + 2), "not_now");
        lead.did(day(10 * n + 5), DEMO);
    }
    let asked = lead.handoffs().pop().unwrap();
    assert_eq!((asked.review, asked.lane.as_str()), (true, "P0"), "who asks for sales is not kept waiting");
    lead.judged(day(30), "not_now");
    lead.sleep(day(100));
    let back = lead.handoffs().pop().unwrap();
    assert_eq!((back.review, back.lane.as_str(), back.reason), (true, "P3", ReasonKind::CheckIn));
    lead.judged(day(101), "wrong_person");
    lead.did(day(300), DEMO);
    assert!(!lead.handoffs().last().unwrap().review, "long ago");
}

#[test]
fn a_rep_who_pulls_a_recycled_lead_begins_an_episode_without_a_handoff() {
    let mut lead = handed_off();
    lead.judged(day(2), "not_now");
    lead.crm(day(3), CrmActivity { actor: Some("kim".to_owned()), ..accepted() });
    assert_eq!(lead.moves(), [(Stage::Sal, "pulled")]);
    assert_eq!((lead.status(), lead.handoffs().len()), (Some(Status::Open), 1));
    let Some(RouteInput::Owner(change)) = lead.asked() else { panic!("the router hears who has it") };
    assert_eq!((change.episode, change.owner.as_deref()), (2, Some("kim")));
}

#[test]
fn who_was_ruled_out_may_be_let_in_again_by_hand() {
    let mut lead = handed_off();
    lead.judged(day(2), "spam");
    lead.judged(day(3), "reinstated");
    assert_eq!(lead.moves(), [(Stage::Identified, "reinstated")]);
}

#[test]
fn a_handback_returns_the_lead_to_the_queue() {
    let mut lead = handed_off();
    lead.crm(day(2), owned_by(Some("kim")));
    lead.crm(day(2), accepted());
    lead.crm(day(3), owned_by(None));
    assert_eq!(lead.moves(), [(Stage::Mql, "handback")]);
    assert_eq!(lead.status(), Some(Status::New));
    assert!(matches!(lead.asked(), Some(RouteInput::Owner(change)) if change.owner.is_none()));
}

#[test]
fn only_an_expansion_policy_hands_customers_off() {
    for expansion in [false, true] {
        let mut lead = handed_off();
        lead.policy.lifecycle.expansion = expansion;
        (0..2).for_each(|_| lead.did(day(1), VIEW));
        lead.crm(day(2), opportunity("open"));
        lead.crm(day(3), opportunity("won"));
        lead.did(day(4), VIEW);
        assert_eq!(lead.handoffs().len(), 1, "what sales knows is no news");
        lead.did(day(5), DEMO);
        assert_eq!(lead.handoffs().len(), if expansion { 2 } else { 1 });
    }
}

#[test]
fn a_lead_is_nurtured_until_it_is_handed_off_or_left_alone() {
    use NurtureKind::{Enroll, Exit};
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), VIEW);
    lead.did(day(1), DEMO);
    lead.judged(day(2), "no_response");
    lead.consent(day(3), "all", ConsentState::Denied);
    let told: Vec<_> = nurture(&lead).into_iter().map(|news| (news.kind, news.reason)).collect();
    let told: Vec<_> = told.iter().map(|(kind, reason)| (*kind, reason.as_str())).collect();
    assert_eq!(told, [(Enroll, "identified"), (Exit, "hand_raise"), (Enroll, "no_response"), (Exit, "consent_denied")]);
}

#[test]
fn that_a_lead_is_not_to_be_contacted_is_told_to_marketing_whoever_has_it() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), DEMO);
    lead.judged(day(1), "never_contact");
    lead.consent(day(2), "all", ConsentState::Denied);
    let told: Vec<_> = nurture(&lead).into_iter().map(|news| (news.kind, news.reason)).collect();
    let told: Vec<_> = told.iter().map(|(kind, reason)| (*kind, reason.as_str())).collect();
    assert_eq!(told.last(), Some(&(NurtureKind::Exit, "never_contact")), "{told:?}");
    assert_eq!(told.iter().filter(|(_, reason)| *reason == "consent_denied").count(), 0, "told once");
}

#[test]
fn as_good_as_expected_labels_a_lead_that_already_talks_to_sales_and_does_so_once() {
    let mut lead = handed_off();
    lead.crm(day(2), touch(TouchOutcome::Connected, false));
    assert_eq!((lead.stage(), lead.lifecycle().last().unwrap().verdict.clone()), (Stage::Sql, None));
    lead.judged(day(3), "qualified_as_expected");
    assert_eq!(lead.moves(), [(Stage::Sql, "qualified_as_expected")]);
    assert_eq!((verdict(&lead).label, lead.status()), (Label::Qualified, Some(Status::InProgress)));
    lead.judged(day(4), "qualified");
    assert_eq!((lead.moves(), rejections(&lead)), (vec![], vec![]), "said before");
}

#[test]
fn what_sales_ruled_a_lead_out_as_stays_with_it() {
    let mut lead = handed_off();
    lead.judged(day(2), "competitor");
    lead.judged(day(3), "reinstated");
    assert_eq!(lead.stage(), Stage::Identified);
    lead.did(day(4), DEMO);
    let told = lead.handoffs().pop().unwrap().facts.iter().find(|fact| fact.name == "ruled_out_as").unwrap().clone();
    assert_eq!(told.value, baton_domain::FactValue::Text("competitor".to_owned()));
    assert_eq!((told.source.as_str(), told.observed_at), ("crm", Some(day(2))));
}

#[test]
fn a_policy_may_rule_out_for_good_what_sales_ruled_out_once() {
    let mut lead = handed_off();
    let mut rule = lead.policy.fit.disqualify[0].clone();
    "a_competitor".clone_into(&mut rule.id);
    "ruled_out_as".clone_into(&mut rule.fact);
    rule.test = baton_policy::FactTest::AnyOf(vec!["competitor".to_owned()]);
    lead.policy.fit.disqualify.push(rule);
    lead.judged(day(2), "competitor");
    lead.judged(day(3), "reinstated");
    assert_eq!(lead.moves(), [(Stage::Identified, "reinstated"), (Stage::Disqualified, "a_competitor")]);
    lead.judged(day(4), "not_a_fit");
    assert_eq!(lead.stage(), Stage::Disqualified);
}

#[test]
fn a_duplicate_names_the_lead_that_it_is_one_of() {
    let mut lead = handed_off();
    let disposition = Some(Disposition {
        code: "duplicate".to_owned(),
        duplicate_of: Some("crm-17".to_owned()),
        ..Disposition::default()
    });
    lead.crm(day(2), CrmActivity { disposition, ..judged("duplicate") });
    let change = *lead.lifecycle().last().unwrap();
    assert_eq!((change.to, change.duplicate_of.as_deref()), (Stage::Disqualified, Some("crm-17")));
}

#[test]
fn the_end_of_an_earlier_deal_ends_no_later_episode() {
    for deal in ["lost", "won"] {
        let mut lead = handed_off();
        lead.crm(day(2), opportunity("open"));
        lead.crm(day(3), opportunity("lost"));
        lead.did(day(10), "Demo Requested");
        lead.crm(day(11), opportunity("open"));
        assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Opportunity, 2));
        lead.hear(day(12), day(4), "late", Body::Crm(opportunity(deal)));
        assert_eq!(lead.stage(), Stage::Opportunity, "{deal}");
        let rejected = rejections(&lead).pop().unwrap();
        assert_eq!((rejected.rule.as_str(), rejected.episode), ("earlier_episode", 2), "{deal}");
        lead.crm(day(13), opportunity(deal));
        assert_ne!(lead.stage(), Stage::Opportunity, "{deal}");
    }
}
