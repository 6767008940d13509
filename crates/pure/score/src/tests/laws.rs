//! What holds for every story.

use std::collections::BTreeSet;

use baton_domain::{
    Activity, Body, Consent, ConsentState, CrmKind, Fact, Linked, Millis, NurtureKind, Points, ReasonKind, RouteInput,
    ScoreUpdate, Stage, Status, TouchOutcome,
};
use baton_policy::{ActivityRule, Counting, Distinct, Policy, Window};
use proptest::prelude::*;

use super::support::*;
use crate::{Said, State};

/// A rule for each way of counting, caps on every level, penalties, a window.
pub(super) fn full() -> Policy {
    let web = |count, id: &str| ActivityRule { count, cap: Some(Points::whole(45)), ..rule(id, "Page Viewed", 7) };
    let mut window = rule("window", "Content Downloaded", 25);
    window.when.at_least = Some(Window { times: 2, within_ms: 3 * DAY, of: Distinct::Times });
    let mut policy = policy(vec![
        web(Counting::Every, "every"),
        web(Counting::Once, "once"),
        web(Counting::OncePerContent, "content"),
        web(Counting::PerDay(2), "daily"),
        ActivityRule { group: "content".to_owned(), ..window },
        ActivityRule { hand_raise: true, group: "intent".to_owned(), ..rule("demo", "Demo Requested", 30) },
        ActivityRule { half_life_ms: None, ..rule("bye", "Email Unsubscribed", -15) },
        ActivityRule { half_life_ms: Some(3 * DAY), ..rule("spam", "Email Marked As Spam", -40) },
    ]);
    policy.engagement.group_caps.insert("web".to_owned(), Points::whole(60));
    policy.engagement.total_cap = Points::whole(90);
    policy.decision.cool_down_ms = 2 * DAY;
    policy
}

pub(super) fn any_activity() -> impl Strategy<Value = Body> {
    let names = prop::sample::select(vec![
        "Page Viewed",
        "Page Viewed",
        "Content Downloaded",
        "Email Unsubscribed",
        "Email Marked As Spam",
        "Nothing Known",
    ]);
    (names, 0..3u8).prop_map(|(name, content)| {
        let content_id = Some(format!("c{content}"));
        Body::Activity(Activity { name: name.to_owned(), content_id, ..Activity::default() })
    })
}

fn any_facts() -> impl Strategy<Value = Body> {
    let fact = prop_oneof![
        prop::sample::select(vec![3, 60, 250]).prop_map(|n| number("employees", n)),
        prop::sample::select(vec!["VP", "Manager", "Intern"]).prop_map(|title| text("title", title)),
        prop::sample::select(vec!["kp", "de", "fr"]).prop_map(|country| text("country", country)),
    ];
    prop::collection::vec(fact, 1..3).prop_map(|facts: Vec<Fact>| Body::Facts(facts))
}

fn any_sales() -> impl Strategy<Value = Body> {
    let crm = prop::sample::select(vec![
        accepted(),
        touch(TouchOutcome::Connected, false),
        judged("qualified"),
        judged("not_now"),
        judged("not_now"),
        judged("competitor"),
        judged("wrong_owner"),
        judged("never_contact"),
        judged("no_response"),
        judged("wrong_person"),
        judged("reinstated"),
        touch(TouchOutcome::Voicemail, false),
        opportunity("open"),
        opportunity("lost"),
        opportunity("won"),
        baton_domain::CrmActivity { kind: CrmKind::Owner, owner: Some("kim".to_owned()), ..accepted() },
        baton_domain::CrmActivity { kind: CrmKind::Owner, ..accepted() },
        baton_domain::CrmActivity { kind: CrmKind::Status, status: Some("Connected".to_owned()), ..accepted() },
        baton_domain::CrmActivity { kind: CrmKind::Status, status: Some("new".to_owned()), ..accepted() },
    ]);
    crm.prop_map(Body::Crm)
}

fn any_consent() -> impl Strategy<Value = Body> {
    let states = vec![ConsentState::Granted, ConsentState::Granted, ConsentState::Denied, ConsentState::Erased];
    (prop::sample::select(vec!["all", "email"]), prop::sample::select(states), any::<bool>())
        .prop_map(|(channel, state, explicit)| Body::Consent(Consent { explicit, ..consent(channel, state) }))
}

fn any_body() -> impl Strategy<Value = Body> {
    let demo = Activity { name: "Demo Requested".to_owned(), ..Activity::default() };
    let link = Linked { kind: "email".to_owned(), id: "x".to_owned(), previous_lead: None };
    prop_oneof![
        8 => any_activity(),
        2 => any_facts(),
        2 => Just(Body::Activity(demo)),
        3 => any_sales(),
        1 => any_consent(),
        2 => Just(Body::Linked(link)),
    ]
}

/// What happened, when, and how much later the next thing is heard.
pub(super) fn any_story() -> impl Strategy<Value = Vec<(Body, i64, i64)>> {
    prop::collection::vec((any_body(), 0..2 * DAY, 0..2 * DAY), 1..60)
}

/// Tells the story to a lead, looking at it after each event.
pub(super) fn tell(story: &[(Body, i64, i64)], mut look: impl FnMut(&Lead, &str)) -> Lead {
    let mut lead = Lead::new(full());
    let mut now = day(0);
    for (n, (body, late, wait)) in story.iter().enumerate() {
        let id = format!("e{n:02}");
        lead.hear(now, now.plus(-late), &id, body.clone());
        look(&lead, &id);
        now = now.plus(*wait);
    }
    lead
}

fn told(story: &[(Body, i64, i64)]) -> Lead {
    tell(story, |_, _| {})
}

/// The score on day 40 and, of just before, all of the state that says who the lead is and what it did, the events
/// of days 0 to 30 having been heard in this order on day 35.
fn heard(events: &[(usize, i64, Body)]) -> (ScoreUpdate, State) {
    let mut lead = Lead::new(full());
    for (n, hour, body) in events {
        lead.hear(day(35), day(0).plus(hour * Millis::HOUR), &format!("e{n:02}"), body.clone());
    }
    let State { marks, facts, recent, .. } = lead.state.clone().unwrap();
    (lead.score(day(40)), State { facts, marks, recent, ..State::default() })
}

pub(super) fn any_history() -> impl Strategy<Value = Vec<(usize, i64, Body)>> {
    let event = (0..30 * 24i64, prop_oneof![6 => any_activity(), 1 => any_facts()]);
    prop::collection::vec(event, 1..40)
        .prop_map(|events| events.into_iter().enumerate().map(|(n, (hour, body))| (n, hour, body)).collect())
}

/// The moves of the lifecycle, written down from its description and not from the table.
fn legal(from: Stage, to: Stage) -> bool {
    use Stage::{Customer, Disqualified, Identified, Mql, Opportunity, Recycled, Sal, Sql, Suppressed, Visitor};
    match to {
        Visitor => matches!(from, Suppressed | Disqualified),
        Identified => matches!(from, Visitor | Suppressed | Disqualified),
        Mql => matches!(from, Identified | Recycled | Sal),
        Sal => matches!(from, Mql | Recycled),
        // Said to be as good as expected where it is.
        Sql => matches!(from, Mql | Sal | Sql),
        Opportunity => matches!(from, Mql | Sal | Sql),
        Customer => matches!(from, Opportunity | Suppressed | Disqualified),
        Recycled => matches!(from, Mql | Sal | Sql | Opportunity | Disqualified),
        Disqualified => !matches!(from, Customer | Disqualified),
        Suppressed => from != Suppressed,
    }
}

fn allowed(stage: Stage, status: Option<Status>) -> bool {
    use Status::{Attempted, BadTiming, Connected, InProgress, New, Open, OpenDeal, Unqualified};
    match stage {
        Stage::Mql => matches!(status, Some(New | Open | Attempted)),
        Stage::Sal => matches!(status, Some(Open | Attempted | Connected | InProgress)),
        Stage::Sql => matches!(status, Some(Attempted | Connected | InProgress)),
        Stage::Opportunity => status == Some(OpenDeal),
        Stage::Recycled => matches!(status, Some(BadTiming | Attempted)),
        Stage::Disqualified => status == Some(Unqualified),
        Stage::Visitor | Stage::Identified | Stage::Customer | Stage::Suppressed => status.is_none(),
    }
}

/// Follows the episodes and what is told of the work by what was said alone.
fn check_work(lead: &Lead) -> Result<(), TestCaseError> {
    let (mut stage, mut status, mut nurtured) = (Stage::Visitor, None, false);
    let (mut open, mut released) = (None, BTreeSet::new());
    for said in &lead.said {
        match said {
            Said::Lifecycle(change) => {
                if let Some(from) = change.from {
                    prop_assert!(legal(from, change.to), "{:?}", change);
                }
                prop_assert!(allowed(change.to, change.status), "{:?}", change);
                let good =
                    change.verdict.as_ref().is_some_and(|verdict| verdict.label == baton_domain::Label::Qualified);
                prop_assert!(change.from != Some(change.to) || good, "{:?}", change);
                let is_open = matches!(change.to, Stage::Mql | Stage::Sal | Stage::Sql | Stage::Opportunity);
                match open {
                    Some(episode) => prop_assert_eq!(change.episode, episode, "one open episode at most"),
                    None if is_open => prop_assert!(!released.contains(&change.episode), "a new number"),
                    None => {}
                }
                let ended = open.is_some() && !is_open;
                let label = change.verdict.as_ref().map(|verdict| verdict.label);
                prop_assert!(!ended || label.is_some_and(|label| label != baton_domain::Label::Qualified));
                open = is_open.then_some(change.episode);
                stage = change.to;
            }
            Said::Status(change) => {
                prop_assert_eq!(change.from, status, "statuses form a chain");
                prop_assert!(allowed(change.stage, change.to), "{:?}", change);
                status = change.to;
            }
            Said::Nurture(news) => {
                let enrolls = news.kind == NurtureKind::Enroll;
                let silenced = stage == Stage::Suppressed && !enrolls;
                prop_assert!(silenced || enrolls != nurtured, "enrolments end with exits");
                nurtured = enrolls;
            }
            Said::Request(request) => {
                if let RouteInput::Released(gone) = &request.input {
                    prop_assert!(gone.reroute || released.insert(gone.episode), "released once");
                    prop_assert_eq!(gone.reroute, open.is_some());
                }
            }
            Said::Score(_)
            | Said::Qualified(_)
            | Said::Rejected(_)
            | Said::Cooled(_)
            | Said::Enrichment(_)
            | Said::Revised(_) => {}
        }
    }
    prop_assert_eq!(nurtured, matches!(stage, Stage::Identified | Stage::Recycled));
    prop_assert!(lead.state.as_ref().is_none_or(|state| (state.stage, state.status) == (stage, status)));
    Ok(())
}

/// Follows the lead by what was said alone.
fn check_moves(lead: &Lead) -> Result<(), TestCaseError> {
    let mut stage = None;
    let mut episodes = BTreeSet::new();
    for said in &lead.said {
        match said {
            Said::Lifecycle(change) => {
                prop_assert_eq!(change.from, stage, "moves form a chain");
                if change.to == Stage::Mql && !["wrong_owner", "handback"].contains(&change.cause.as_str()) {
                    prop_assert!(matches!(stage, Some(Stage::Identified | Stage::Recycled)), "{:?}", change);
                }
                stage = Some(change.to);
            }
            Said::Score(score) => prop_assert_eq!(Some(score.stage), stage),
            Said::Qualified(qualified) => {
                prop_assert_eq!(stage, Some(Stage::Mql));
                prop_assert!(episodes.insert(qualified.decision.episode), "one handoff an episode");
                prop_assert_eq!(episodes.last(), Some(&qualified.decision.episode), "episodes rise");
                prop_assert!(!qualified.decision.trigger_set.is_empty());
            }
            _ => {}
        }
    }
    Ok(())
}

proptest! {
    // `make fuzz-order` asks for a million by PROPTEST_CASES.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(10_000)))]

    #[test]
    fn neither_order_nor_repetition_of_what_arrives_changes_a_line_of_the_receipt_or_what_is_kept(
        (events, shuffled) in any_history().prop_flat_map(|all| {
            let twice = prop::collection::vec(prop::sample::select(all.clone()), 0..5);
            (Just(all.clone()), twice.prop_flat_map(move |twice| Just([all.clone(), twice].concat()).prop_shuffle()))
        })
    ) {
        let ((one, memory), (other, as_shuffled)) = (heard(&events), heard(&shuffled));
        prop_assert_eq!(&one.receipt, &other.receipt);
        prop_assert_eq!((one.score, one.fit, one.grade, one.band), (other.score, other.fit, other.grade, other.band));
        prop_assert_eq!(memory, as_shuffled);
    }
}

proptest! {
    #[test]
    fn every_receipt_sums_to_its_score_and_engagement_is_never_negative(story in any_story()) {
        let lead = told(&story);
        for score in lead.scores() {
            prop_assert_eq!(score.receipt.iter().map(|line| line.points).sum::<Points>(), score.score);
            prop_assert_eq!(score.fit + score.engagement, score.score);
            prop_assert!(score.engagement >= Points::ZERO && score.engagement <= Points::whole(90));
            prop_assert!(score.receipt.is_sorted_by_key(|line| (-line.points, line.rule.clone(), line.event_id.clone())));
        }
        for handoff in lead.handoffs() {
            prop_assert_eq!(handoff.contributions.iter().map(|line| line.points).sum::<Points>(), handoff.score);
        }
    }

    #[test]
    fn every_score_is_worked_out_again_from_the_history_alone(story in any_story()) {
        let mut lead = Lead::new(full());
        let policy = std::sync::Arc::new(lead.policy.clone());
        let (mut now, mut history) = (day(0), Vec::new());
        for (n, (body, late, wait)) in story.iter().enumerate() {
            history.push(lead.heard_as(now, now.plus(-late), &format!("e{n:02}"), body.clone()));
            prop_assert_eq!(crate::recompute(&policy, &history), lead.scores().pop());
            now = now.plus(*wait);
        }
    }

    #[test]
    fn moves_form_a_chain_and_each_episode_has_one_handoff(story in any_story()) {
        check_moves(&told(&story))?;
    }

    #[test]
    fn no_story_leaves_the_table_and_every_episode_ends_once(story in any_story()) {
        check_work(&told(&story))?;
    }

    #[test]
    fn after_never_contact_nothing_but_an_opt_in_leads_to_a_handoff(
        before in any_story(), after in any_story()
    ) {
        let mut story = before;
        story.push((judged_body("never_contact"), 0, 0));
        let handoffs = told(&story).handoffs().len();
        story.extend(after.into_iter().filter(|(body, ..)| !matches!(body, Body::Consent(consent) if consent.explicit)));
        prop_assert_eq!(told(&story).handoffs().len(), handoffs);
    }

    #[test]
    fn every_trigger_set_names_the_event_at_which_the_handoff_opened(story in any_story()) {
        let mut opened = Vec::new();
        let lead = tell(&story, |lead, id| {
            if lead.outcome == "qualified" {
                opened.push(id.to_owned());
            }
        });
        // Time alone keeps a date, or answers a request that was told before.
        let (by_events, by_time): (Vec<_>, Vec<_>) =
            lead.handoffs().into_iter().partition(|handoff| opened.contains(&handoff.event_id));
        prop_assert_eq!(by_events.iter().map(|handoff| &handoff.event_id).collect::<Vec<_>>(), opened.iter().collect::<Vec<_>>());
        prop_assert!(by_time.iter().all(|handoff| handoff.reason != ReasonKind::Matrix));
        for handoff in lead.handoffs() {
            prop_assert!(handoff.trigger_set.iter().any(|trigger| trigger.event_id == handoff.event_id));
        }
    }
}

fn judged_body(code: &str) -> Body {
    Body::Crm(judged(code))
}

#[test]
fn the_stories_do_reach_handoffs_of_both_kinds() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut reasons = BTreeSet::new();
    let mut most = 0;
    for _ in 0..100 {
        let lead = told(&any_story().new_tree(&mut runner).unwrap().current());
        reasons.extend(lead.handoffs().iter().map(|handoff| handoff.reason));
        most = most.max(lead.handoffs().len());
    }
    assert!(reasons.len() >= 2);
    assert!(most >= 2, "no story had a second episode");
}
