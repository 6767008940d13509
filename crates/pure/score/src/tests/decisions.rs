//! When sales is asked to take over, and when not.

use baton_domain::{Activity, Body, ConsentState, FactValue, Grade, KindCount, Points, ReasonKind, Stage};
use baton_policy::{ActivityRule, Effect, Rearm};

use super::support::*;

const DEMO: &str = "Demo Requested";
const VIEW: &str = "Page Viewed";

#[test]
fn a_hand_raise_needs_no_points() {
    let mut policy = usual();
    policy.engagement.rules[2].points = Points::ZERO;
    let mut lead = Lead::known(policy, &[]);
    lead.did(day(0), DEMO);
    let handoff = lead.handoffs()[0];
    assert_eq!((handoff.lane.as_str(), handoff.reason, handoff.cell.as_str()), ("P0", ReasonKind::HandRaise, "U4"));
    assert_eq!((handoff.episode, handoff.handoff_id.as_str()), (1, "h_ld_1_1"));
    assert_eq!(lead.moves(), [(Stage::Identified, "identified"), (Stage::Mql, "hand_raise")]);
}

#[test]
fn a_hand_raise_of_grade_d_uses_the_lane_of_its_grade_if_there_is_one() {
    let raise = |with_lane: bool| {
        let mut policy = usual();
        if !with_lane {
            policy.decision.hand_raise.remove(&Grade::D);
        }
        let mut lead = Lead::known(policy, &[number("employees", 3)]);
        lead.did(day(0), DEMO);
        lead.handoffs().iter().map(|handoff| handoff.lane.clone()).collect::<Vec<_>>()
    };
    assert_eq!(raise(true), ["P3"]);
    assert!(raise(false).is_empty());
}

#[test]
fn a_demo_request_from_an_excluded_country_hands_nothing_off() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.facts(day(0), &[text("country", "kp")]);
    lead.did(day(1), DEMO);
    assert_eq!((lead.handoffs().len(), lead.stage()), (0, Stage::Disqualified));
    assert_eq!(lead.lifecycle().last().unwrap().cause, "embargo");
}

#[test]
fn a_thousand_downloads_by_a_poor_fit_are_never_handed_off() {
    let mut lead = Lead::known(usual(), &[number("employees", 3)]);
    (0..1_000).for_each(|n| lead.downloaded(day(n / 40), &format!("ebook {n}")));
    let score = lead.scores().pop().unwrap();
    assert_eq!((score.grade, score.band.0), (Grade::D, 1));
    assert_eq!((lead.handoffs().len(), lead.stage()), (0, Stage::Identified));
}

#[test]
fn crossing_into_a_cell_with_a_lane_hands_off_once_an_episode() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), VIEW);
    lead.did(day(0), VIEW);
    assert_eq!(lead.handoffs().len(), 0);
    lead.did(day(0), VIEW);
    assert_eq!(lead.outcome, "qualified");
    assert_eq!((lead.handoffs()[0].lane.as_str(), lead.handoffs()[0].cell.as_str()), ("P1", "A2"));
    assert_eq!(lead.moves(), [(Stage::Mql, "matrix")]);
    (0..9).for_each(|_| lead.did(day(1), VIEW));
    lead.did(day(1), DEMO);
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn a_handoff_tells_the_rep_what_is_known_and_what_is_missing() {
    let mut lead = Lead::known(usual(), &[number("employees", 250), text("city", "Bonn")]);
    for n in 0..25 {
        let title = Some(format!("page {n}"));
        let view = Activity { name: "Blog Read".to_owned(), title, ..Activity::default() };
        lead.hear(day(1).plus(n), day(1).plus(n), &format!("v{n}"), Body::Activity(view));
    }
    lead.did(day(2), DEMO);
    let handoff = lead.handoffs()[0];
    let facts: Vec<_> = handoff.facts.iter().map(|fact| (fact.name.as_str(), &fact.value)).collect();
    assert_eq!(facts, [("city", &FactValue::Text("Bonn".to_owned())), ("employees", &FactValue::Number(250))]);
    assert_eq!(handoff.missing_facts, ["title"]);
    assert_eq!(handoff.recent.len(), 20);
    assert_eq!(handoff.recent[0].name, DEMO);
    assert_eq!(handoff.recent[1].detail.as_deref(), Some("page 24"));
    assert_eq!((handoff.score, handoff.fit), (Points::whole(70), Points::whole(40)));
    assert_eq!((handoff.event_id.as_str(), handoff.occurred_at), ("e028", day(2)));
    assert_eq!(handoff.policy_version, 7);
}

#[test]
fn a_handoff_carries_its_whole_receipt_and_the_windows_of_its_event() {
    let mut lead = Lead::known(usual(), &[number("employees", 3)]);
    (0..11).for_each(|_| lead.did(day(0), VIEW));
    let mut update = baton_domain::EngagementUpdate {
        stamp: baton_domain::Stamp { at: baton_domain::LogTime::from_millis(day(1)), lane: 4 },
        event: baton_domain::LeadEvent {
            stamp: baton_domain::Stamp::default(),
            lead_id: "ld_1".to_owned(),
            event_id: "demo".to_owned(),
            occurred_at: day(1),
            origin: String::new(),
            body: Body::Activity(Activity { name: DEMO.to_owned(), ..Activity::default() }),
        },
        engagement: baton_domain::Engagement::default(),
    };
    update.engagement.topics = vec![KindCount { name: "kafka".to_owned(), count: 3 }];
    update.engagement.first_source = Some("google".to_owned());
    update.engagement.first_campaign = Some("spring".to_owned());
    lead.consent(day(0), "email", baton_domain::ConsentState::Granted);
    lead.consent(day(0), "phone", baton_domain::ConsentState::Denied);
    lead.update(update.clone());
    let handoff = lead.handoffs()[0];
    assert_eq!(handoff.contributions.len(), 12);
    assert_eq!((handoff.contributions[0].rule.as_str(), handoff.contributions[0].points), ("demo", Points::whole(30)));
    assert_eq!((&handoff.topics, &handoff.first_source), (&update.engagement.topics, &update.engagement.first_source));
    assert_eq!((handoff.first_campaign.as_deref(), handoff.last_campaign.as_deref()), (Some("spring"), None));
    let consent: Vec<_> = handoff.consent.iter().map(|said| (said.channel.as_str(), said.explicit)).collect();
    assert_eq!(consent, [("phone", false), ("email", true)], "a no first");
}

#[test]
fn a_request_by_a_stranger_waits_until_the_stranger_is_known() {
    let mut lead = Lead::new(usual());
    lead.did(day(0), DEMO);
    assert_eq!(lead.handoffs().len(), 0);
    lead.linked(day(1), "email");
    assert_eq!((lead.outcome, lead.handoffs()[0].reason), ("qualified", ReasonKind::HandRaise));

    let mut just = Lead::new(usual());
    just.did(day(0), DEMO);
    just.linked(day(7), "email");
    assert_eq!(just.handoffs().len(), 1);

    let mut late = Lead::new(usual());
    late.did(day(0), DEMO);
    late.linked(day(8), "email");
    assert_eq!(late.handoffs().len(), 0, "after a week it is no answer any more");
}

#[test]
fn a_request_that_waits_is_granted_by_news_only() {
    let mut lead = Lead::known(usual(), &[number("employees", 3)]);
    let lane = lead.policy.decision.hand_raise.remove(&Grade::D).unwrap();
    lead.did(day(0), DEMO);
    lead.policy.decision.hand_raise.insert(Grade::D, lane);
    lead.crm(day(1), judged("wrong_owner"));
    lead.linked(day(1), "email");
    assert_eq!(lead.handoffs().len(), 0);
    lead.did(day(1), VIEW);
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn a_request_made_while_sales_has_the_lead_opens_nothing_afterwards() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), DEMO);
    lead.did(day(1), DEMO);
    lead.judged(day(2), "not_now");
    lead.did(day(3), VIEW);
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn warm_strangers_are_handed_off_when_they_become_known() {
    let mut lead = Lead::new(usual());
    lead.facts(day(0), &grade_a());
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    assert_eq!(lead.handoffs().len(), 0);
    lead.linked(day(0), "email");
    assert_eq!(lead.handoffs()[0].cell, "A2");
}

/// Handed off on day 0 in band 2 with 40 points, given back on day 1.
fn recycled() -> Lead {
    recycled_by("not_now")
}

/// The same for another reason.
fn recycled_by(code: &str) -> Lead {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), VIEW);
    lead.did(day(0), VIEW);
    lead.downloaded(day(0), "x");
    assert_eq!(lead.handoffs()[0].cell, "A2");
    lead.judged(day(1), code);
    assert_eq!(lead.stage(), Stage::Recycled);
    lead
}

#[test]
fn a_recycled_lead_that_stays_warm_is_not_handed_off_but_a_demo_request_reopens_at_once() {
    let mut lead = recycled();
    lead.did(day(2), VIEW);
    lead.did(day(2), VIEW);
    assert_eq!((lead.handoffs().len(), lead.stage()), (1, Stage::Recycled));
    lead.did(day(2), DEMO);
    let handoff = lead.handoffs()[1];
    assert_eq!((handoff.episode, handoff.handoff_id.as_str(), handoff.lane.as_str()), (2, "h_ld_1_2", "P0"));
}

#[test]
fn a_lead_that_cooled_and_rested_is_handed_off_again_by_new_evidence() {
    let mut lead = recycled_by("no_response");
    (0..3).for_each(|_| lead.did(day(40), VIEW)); // 40 points are 5.5 on day 40: cooled; day 31: rested
    assert_eq!((lead.handoffs().len(), lead.handoffs()[1].episode), (2, 2));
}

#[test]
fn a_lead_that_comes_back_by_what_it_shows_does_not_come_back_by_resting_or_cooling() {
    let mut lead = recycled();
    (0..4).for_each(|_| lead.did(day(25), VIEW));
    lead.did(day(32), VIEW);
    assert_eq!(lead.handoffs().len(), 1, "sales said not now, and it only reads on");
    lead.did(day(33), DEMO);
    assert_eq!(lead.handoffs().len(), 2);
}

#[test]
fn a_lead_that_comes_back_by_asking_alone_is_opened_by_nothing_else() {
    let mut policy = usual();
    let effect = Effect { rearm: Rearm::HandRaise, ..policy.lifecycle.dispositions["not_now"].clone() };
    policy.lifecycle.dispositions.insert("spring".to_owned(), effect);
    let mut lead = Lead::known(policy, &grade_a());
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    lead.judged(day(1), "spring");
    (2..50).for_each(|n| lead.did(day(n), VIEW));
    assert_eq!((lead.handoffs().len(), lead.stage()), (1, Stage::Recycled));
    lead.did(day(50), DEMO);
    assert_eq!(lead.handoffs().len(), 2);
}

#[test]
fn a_lead_that_rested_without_cooling_is_handed_off_by_the_first_new_evidence() {
    let mut lead = recycled_by("no_response");
    (2..31).for_each(|n| lead.did(day(n), VIEW));
    assert_eq!((lead.handoffs().len(), lead.stage()), (1, Stage::Recycled));
    lead.did(day(31), VIEW);
    assert_eq!(lead.handoffs().len(), 2);
}

#[test]
fn a_lead_that_cooled_by_itself_is_in_play_before_the_rest_is_over_if_its_disposition_says_so() {
    let mut cooled = Lead::known(usual(), &grade_a());
    (0..3).for_each(|_| cooled.did(day(0), VIEW));
    assert_eq!(cooled.handoffs()[0].cell, "A2");
    cooled.judged(day(0), "wrong_person");
    cooled.did(day(2), VIEW);
    assert_eq!(cooled.handoffs().len(), 1, "27 points: it never fell to 22.5");
    (0..4).for_each(|_| cooled.did(day(20), VIEW));
    assert_eq!(cooled.handoffs().len(), 2, "17 points were left before day 20");
}

#[test]
fn an_episode_that_reopened_ends_the_rest_of_the_one_before() {
    let mut lead = recycled();
    lead.did(day(2), DEMO);
    lead.facts(day(3), &[text("country", "kp")]);
    lead.facts(day(3), &[text("country", "de")]);
    assert_eq!(lead.handoffs().len(), 3);
    let why: Vec<_> = lead.handoffs()[2].trigger_set.iter().map(|trigger| trigger.label.as_str()).collect();
    assert_eq!(why, [DEMO, "country = de (enrichment)"], "what they asked for was never answered");
}

#[test]
fn a_warm_lead_that_opts_in_again_is_handed_off_by_the_next_thing_it_does() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.consent(day(0), "all", ConsentState::Denied);
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    lead.consent(day(1), "all", ConsentState::Granted);
    assert_eq!(lead.handoffs().len(), 0);
    lead.did(day(1), VIEW);
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn the_passing_of_time_hands_nobody_off() {
    let mut policy = usual();
    policy.engagement.rules.push(rule("complained", "Email Marked As Spam", -30));
    policy.engagement.by_name.insert("Email Marked As Spam".to_owned(), vec![5]);
    policy.engagement.rules[0].half_life_ms = None;
    let mut lead = Lead::known(policy, &grade_a());
    lead.did(day(0), "Email Marked As Spam");
    (0..4).for_each(|_| lead.did(day(0), VIEW));
    assert_eq!(lead.scores().pop().unwrap().band.0, 3);
    // The penalty decays, and the lead drifts into the cell.
    assert_eq!(lead.score(day(40)).band.0, 2);
    lead.crm(day(41), judged("wrong_owner"));
    lead.linked(day(42), "crm");
    lead.did(day(43), VIEW);
    assert_eq!(lead.handoffs().len(), 0, "it did not cross by what it did");
    lead.did(day(43), VIEW);
    lead.did(day(43), VIEW);
    assert_eq!(lead.handoffs()[0].cell, "A1", "the next step up is its own");
}

#[test]
fn a_changed_policy_hands_nobody_off_by_itself() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(0), VIEW);
    lead.policy.version = 8;
    lead.policy.engagement.bands = [50, 5, 1].map(Points::whole);
    lead.did(day(0), VIEW);
    assert_eq!((lead.scores().pop().unwrap().band.0, lead.handoffs().len()), (2, 0));
    lead.did(day(0), VIEW);
    assert_eq!(
        (lead.handoffs()[0].cell.as_str(), lead.handoffs()[0].policy_version),
        ("A2", 8),
        "by the line of before"
    );
}

#[test]
fn a_hand_raise_that_takes_several_waits_for_its_window() {
    let mut ask = ActivityRule { hand_raise: true, ..rule("ask", "Chat Started", 0) };
    ask.when.at_least = Some(baton_policy::Window { times: 2, within_ms: DAY, of: baton_policy::Distinct::Times });
    let mut lead = Lead::known(policy(vec![ask]), &[]);
    lead.did(day(0), "Chat Started");
    lead.did(day(2), "Chat Started");
    assert_eq!(lead.handoffs().len(), 0);
    lead.did(day(3), "Chat Started");
    assert_eq!(lead.handoffs().len(), 1);
}
