//! Stages: who may move a lead where, and what silence and erasure mean.

use baton_domain::{ConsentState, CrmActivity, Disposition, LifecycleChanged, Millis, Stage, TouchOutcome};

use super::support::*;
use crate::Said;
use crate::state::{Permission, Word};

const DEMO: &str = "Demo Requested";

/// A lead of grade A that sales was asked to take over on day 1.
fn handed_off() -> Lead {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.did(day(1), DEMO);
    assert_eq!(lead.stage(), Stage::Mql);
    lead
}

#[test]
fn a_lead_is_a_visitor_until_it_is_known_and_has_acted() {
    let mut acted = Lead::new(usual());
    acted.did(day(0), "Page Viewed");
    assert_eq!(acted.moves(), [(Stage::Visitor, "first_seen")]);
    assert_eq!(acted.lifecycle()[0].from, None);
    acted.linked(day(1), "anonymous");
    assert_eq!(acted.stage(), Stage::Visitor);
    acted.linked(day(1), "email");
    assert_eq!(acted.moves(), [(Stage::Identified, "identified")]);

    let mut known = Lead::new(usual());
    known.facts(day(0), &[text("email", "3f2a9c")]);
    assert_eq!(known.stage(), Stage::Visitor);
    known.did(day(1), "Page Viewed");
    assert_eq!(known.moves(), [(Stage::Identified, "identified")]);
}

#[test]
fn acceptance_contact_a_deal_and_its_winning_lead_to_a_customer() {
    let mut lead = handed_off();
    lead.crm(day(2), accepted());
    assert_eq!(lead.moves(), [(Stage::Sal, "accepted")]);
    lead.crm(day(2), touch(TouchOutcome::Connected, false));
    assert_eq!(lead.moves(), [(Stage::Sql, "connected")]);
    lead.crm(day(3), opportunity("open"));
    assert_eq!(lead.moves(), [(Stage::Opportunity, "opportunity_open")]);
    lead.crm(day(4), opportunity("won"));
    assert_eq!(lead.moves(), [(Stage::Customer, "opportunity_won")]);
    assert!(lead.lifecycle().iter().rev().take(4).all(|change| change.episode == 1));
}

#[test]
fn a_move_tells_how_long_the_lead_stayed_and_where_its_episode_came_from() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.came_from = Some("podcast");
    lead.did(day(1), DEMO);
    lead.came_from = Some("newsletter");
    lead.crm(day(3), accepted());
    lead.crm(day(6), judged("budget"));
    lead.did(day(60), DEMO);
    let told = |change: &LifecycleChanged| {
        (change.to, change.lasted_ms.map(|ms| ms / day(1).since(day(0))), change.source.clone())
    };
    let (podcast, newsletter) = (Some("podcast".to_owned()), Some("newsletter".to_owned()));
    assert_eq!(
        lead.lifecycle().into_iter().map(told).collect::<Vec<_>>(),
        [
            (Stage::Visitor, None, None),
            (Stage::Identified, Some(1), None),
            (Stage::Mql, Some(0), podcast.clone()),
            (Stage::Sal, Some(2), podcast.clone()),
            (Stage::Recycled, Some(3), podcast),
            (Stage::Mql, Some(54), newsletter),
        ]
    );
}

#[test]
fn a_lost_deal_gives_the_lead_back() {
    let mut lead = handed_off();
    lead.crm(day(2), opportunity("lost"));
    assert_eq!((lead.stage(), lead.outcome), (Stage::Mql, "lifecycle_rejected"), "there was no deal");
    lead.crm(day(3), opportunity("open"));
    lead.crm(day(4), opportunity("lost"));
    assert_eq!(lead.moves(), [(Stage::Recycled, "opportunity_lost")]);
}

#[test]
fn what_the_crm_calls_a_lost_deal_is_a_code_only_where_the_policy_knows_it() {
    let lost = |code: &str, reason: Option<&str>| {
        let mut lead = handed_off();
        lead.crm(day(3), opportunity("open"));
        let CrmActivity { disposition, .. } = judged(code);
        let disposition = disposition.map(|given| Disposition { reason: reason.map(str::to_owned), ..given });
        lead.crm(day(4), CrmActivity { disposition, ..opportunity("lost") });
        let change = lead.lifecycle().pop().unwrap();
        let verdict = change.verdict.clone().unwrap();
        (change.cause.clone(), verdict.code, verdict.reason)
    };
    let said = |code: &str, reason: &str| (code.to_owned(), code.to_owned(), Some(reason.to_owned()));
    assert_eq!(lost("budget", Some("none left")), said("budget", "none left"));
    assert_eq!(lost("Went with Acme, Jo told me", None), said("opportunity_lost", "Went with Acme, Jo told me"));
    assert_eq!(lost("Jo told me", Some("price")), said("opportunity_lost", "price"));
}

#[test]
fn an_attempt_or_a_machine_that_answers_is_no_conversation() {
    let mut lead = handed_off();
    for touch in [touch(TouchOutcome::Attempt, false), touch(TouchOutcome::Connected, true)] {
        lead.crm(day(2), touch);
        assert_eq!((lead.stage(), lead.outcome, lead.moves()), (Stage::Mql, "unchanged", vec![]));
    }
}

#[test]
fn an_automatic_touch_says_nothing() {
    let mut lead = handed_off();
    let said = lead.said.len();
    lead.crm(day(2), touch(TouchOutcome::Voicemail, true));
    assert_eq!(lead.said.len(), said);
}

#[test]
fn every_verdict_of_sales_leads_to_its_stage() {
    let wanted = [
        (Stage::Sql, vec!["qualified", "qualified_as_expected"]),
        (Stage::Recycled, vec!["not_now", "bad_timing", "no_response", "budget", "wrong_person"]),
        (
            Stage::Disqualified,
            vec!["not_a_fit", "competitor", "student", "spam", "not_icp", "duplicate", "customer_already"],
        ),
        (Stage::Suppressed, vec!["never_contact"]),
    ];
    for (stage, codes) in wanted {
        for code in codes {
            let mut lead = handed_off();
            lead.judged(day(2), code);
            assert_eq!(lead.moves(), [(stage, code)]);
            lead.judged(day(3), code);
            assert_eq!((lead.stage(), lead.outcome), (stage, "unchanged"), "{code} said twice");
        }
    }
}

#[test]
fn a_wrong_owner_sends_the_lead_back_to_wait_within_the_same_episode() {
    let mut lead = handed_off();
    lead.judged(day(2), "wrong_owner");
    assert_eq!((lead.stage(), lead.outcome), (Stage::Mql, "unchanged"));
    lead.crm(day(2), accepted());
    lead.judged(day(3), "wrong_territory");
    assert_eq!(lead.moves(), [(Stage::Mql, "wrong_territory")]);
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn an_illegal_move_changes_nothing_and_is_answered() {
    for illegal in [accepted(), judged("qualified"), judged("not_now"), judged("no such code"), opportunity("won")] {
        let mut lead = Lead::known(usual(), &grade_a());
        lead.did(day(0), "Page Viewed");
        let (state, said) = (lead.state.clone(), lead.said.len());
        lead.crm(day(1), illegal.clone());
        assert_eq!((lead.outcome, lead.said.len()), ("lifecycle_rejected", said + 1), "{illegal:?}");
        assert!(matches!(lead.last(), [Said::Rejected(_)]), "{illegal:?}");
        assert_eq!(lead.state, state);
    }
}

#[test]
fn a_fact_rules_a_lead_out_and_a_later_fact_lets_it_in_again() {
    let mut lead = Lead::known(usual(), &[]);
    lead.did(day(0), "Page Viewed");
    lead.facts(day(1), &[text("country", "KP")]);
    assert_eq!(lead.moves(), [(Stage::Disqualified, "embargo")]);
    lead.facts(day(2), &[text("country", "KR")]);
    assert_eq!(lead.moves(), [(Stage::Identified, "cleared")]);
}

#[test]
fn a_fact_does_not_let_in_whom_sales_ruled_out() {
    let mut lead = handed_off();
    lead.judged(day(2), "competitor");
    lead.facts(day(3), &[text("country", "de")]);
    assert_eq!(lead.stage(), Stage::Disqualified);

    let mut both = Lead::known(usual(), &[text("country", "kp")]);
    both.judged(day(1), "competitor");
    both.facts(day(2), &[text("country", "de")]);
    assert_eq!(both.stage(), Stage::Disqualified);
}

#[test]
fn only_a_verdict_of_sales_makes_a_rules_no_final() {
    let mut called = Lead::known(usual(), &[text("country", "kp")]);
    called.crm(day(1), touch(TouchOutcome::Connected, false));
    called.facts(day(2), &[text("country", "de")]);
    assert_ne!(called.stage(), Stage::Disqualified, "a call is no verdict");
}

#[test]
fn a_source_that_invents_channels_of_consent_cannot_crowd_out_a_no_to_all() {
    let mut lead = Lead::known(usual(), &grade_a());
    for n in 0..40 {
        lead.consent(day(1), &format!("channel{n:02}"), ConsentState::Granted);
    }
    assert_eq!(lead.state.as_ref().unwrap().consent.len(), 32);
    lead.consent(day(2), "channel00", ConsentState::Denied);
    lead.consent(day(2), "channel39", ConsentState::Denied);
    let consent = &lead.state.as_ref().unwrap().consent;
    assert_eq!(consent["channel00"].word, Word::Denied);
    assert!(!consent.contains_key("channel39"));
    lead.consent(day(3), "all", ConsentState::Denied);
    assert_eq!(lead.stage(), Stage::Suppressed);
}

#[test]
fn a_demo_request_after_an_opt_out_is_counted_as_suppressed_and_hands_nothing_off() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.consent(day(1), "all", ConsentState::Denied);
    assert_eq!(lead.moves(), [(Stage::Suppressed, "consent_denied")]);
    lead.did(day(2), DEMO);
    assert_eq!((lead.outcome, lead.handoffs().len()), ("suppressed", 0));
    lead.consent(day(3), "all", ConsentState::Granted);
    assert_eq!(lead.moves(), [(Stage::Identified, "consent_granted")]);
    assert_eq!(lead.handoffs().len(), 0, "a permission is no request for sales");
    lead.did(day(4), DEMO);
    assert_eq!((lead.outcome, lead.handoffs().len()), ("qualified", 1));
}

#[test]
fn an_opt_out_of_one_channel_is_remembered_and_nothing_more() {
    let mut lead = Lead::known(usual(), &grade_a());
    lead.consent(day(1), "email", ConsentState::Denied);
    assert_eq!((lead.stage(), lead.outcome), (Stage::Visitor, "unchanged"));
    assert_eq!(lead.state.as_ref().unwrap().consent["email"].word, Word::Denied);
    lead.did(day(2), DEMO);
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn a_permission_older_than_the_denial_does_not_lift_it() {
    let mut lead = handed_off();
    lead.judged(day(5), "never_contact");
    let granted = || baton_domain::Body::Consent(consent("all", ConsentState::Granted));
    lead.hear(day(6), day(4), "late", granted());
    assert_eq!(lead.stage(), Stage::Suppressed);
    lead.hear(day(7), day(6), "new", granted());
    assert_eq!(lead.stage(), Stage::Identified);
}

/// What a form has by default, told by `web`.
fn by_default(channel: &str) -> baton_domain::Consent {
    baton_domain::Consent { explicit: false, source: "web".to_owned(), ..consent(channel, ConsentState::Granted) }
}

fn rejections(lead: &Lead) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for said in lead.last() {
        if let crate::Said::Rejected(rejected) = said {
            found.push((rejected.attempted.as_str(), rejected.rule.as_str()));
        }
    }
    found
}

#[test]
fn the_default_of_a_form_lifts_no_opt_out_and_is_answered() {
    let say = |lead: &mut Lead, at, id: &str, consent| lead.hear(at, at, id, baton_domain::Body::Consent(consent));
    for silenced in ["never_contact", "denied", "erased"] {
        let mut lead = handed_off();
        match silenced {
            "denied" => lead.consent(day(2), "all", ConsentState::Denied),
            "erased" => lead.consent(day(2), "all", ConsentState::Erased),
            code => lead.judged(day(2), code),
        }
        say(&mut lead, day(3), "default", by_default("all"));
        assert_eq!(
            (lead.stage(), rejections(&lead)),
            (Stage::Suppressed, vec![("granted", "not_opted_in")]),
            "{silenced}"
        );
        lead.did(day(3), DEMO);
        assert_eq!((lead.stage(), lead.handoffs().len()), (Stage::Suppressed, 1), "{silenced}");
        lead.consent(day(4), "all", ConsentState::Granted);
        assert_ne!(lead.stage(), Stage::Suppressed, "{silenced}: the person opted in");
        say(&mut lead, day(5), "again", by_default("all"));
        assert_eq!(rejections(&lead), [], "{silenced}");
    }
}

#[test]
fn an_opt_in_from_a_source_that_may_not_tell_one_is_a_default_like_any_other() {
    let mut policy = usual();
    policy.lifecycle.opt_in = vec!["preferences".to_owned()];
    let mut lead = Lead::known(policy, &grade_a());
    lead.consent(day(1), "all", ConsentState::Denied);
    let opts_in = |source: &str| {
        let source = source.to_owned();
        baton_domain::Body::Consent(baton_domain::Consent { source, ..consent("all", ConsentState::Granted) })
    };
    lead.hear(day(2), day(2), "by a rep", opts_in("crm"));
    assert_eq!((lead.stage(), rejections(&lead)), (Stage::Suppressed, vec![("granted", "not_opted_in")]));
    lead.hear(day(3), day(3), "by the person", opts_in(" Preferences"));
    assert_eq!(lead.moves(), [(Stage::Visitor, "consent_granted")]);
}

#[test]
fn which_word_on_contact_holds_does_not_depend_on_which_came_in_first() {
    let denied = (day(1), consent("all", ConsentState::Denied));
    let early = (day(0), consent("all", ConsentState::Granted));
    let opted_in = (day(2), consent("all", ConsentState::Granted));
    let default = (day(3), by_default("all"));
    let stage = |words: &[&(Millis, baton_domain::Consent)]| {
        let mut lead = Lead::known(usual(), &grade_a());
        for (n, (at, consent)) in words.iter().enumerate() {
            lead.hear(day(5), *at, &format!("c{n}"), baton_domain::Body::Consent(consent.clone()));
        }
        lead.stage()
    };
    for words in [[&denied, &early, &default], [&default, &denied, &early], [&early, &default, &denied]] {
        assert_eq!(stage(&words), Stage::Suppressed);
    }
    for words in [[&denied, &opted_in, &default], [&default, &opted_in, &denied], [&opted_in, &denied, &default]] {
        assert_eq!(stage(&words), Stage::Visitor);
    }
}

/// Bytes of a row as an earlier version wrote when a word came and which state it told.
#[test]
fn permissions_of_a_version_that_knew_no_opt_in_are_read() {
    let states = [ConsentState::Granted, ConsentState::Denied, ConsentState::Erased];
    for (state, word) in states.into_iter().zip([Word::Granted, Word::Denied, Word::Erased]) {
        let row = postcard::to_allocvec(&(day(1), state)).unwrap();
        assert_eq!(postcard::from_bytes::<Permission>(&row).unwrap(), Permission { since: day(1), word });
    }
}

#[test]
fn a_permission_does_not_take_back_the_verdict_of_sales() {
    let mut lead = handed_off();
    lead.judged(day(2), "competitor");
    lead.consent(day(3), "all", ConsentState::Denied);
    lead.consent(day(4), "all", ConsentState::Granted);
    assert_eq!(lead.stage(), Stage::Disqualified);
}

#[test]
fn erasure_forgets_everything_and_remembers_nothing_new() {
    let mut lead = handed_off();
    lead.consent(day(2), "email", ConsentState::Erased);
    assert_eq!(lead.moves(), [(Stage::Suppressed, "erased")]);
    let erased = lead.state.clone().unwrap();
    assert!(erased.facts.0.is_empty() && erased.recent.is_empty() && !erased.known);
    assert_eq!(erased.episode, 1, "handoff ids never repeat");
    let said = lead.said.len();
    lead.did(day(3), DEMO);
    lead.facts(day(3), &grade_a());
    lead.linked(day(3), "email");
    lead.judged(day(4), "never_contact");
    lead.consent(day(4), "all", ConsentState::Denied);
    assert_eq!(lead.state, Some(erased));
    assert_eq!(lead.said.len(), said);
    lead.consent(day(5), "all", ConsentState::Granted);
    assert_eq!(lead.moves(), [(Stage::Visitor, "consent_granted")]);
}
