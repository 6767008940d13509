//! Sequences, windows of days, sessions, warmth, trust in facts and questions, one claim a test.

use baton_domain::{Body, Fact, FactValue, Grade, Millis, Points, ReasonKind, Stage, YesNo};
use baton_policy::{
    ActivityMatch, ActivityRule, Counting, CriteriaSet, Distinct, Effect, FactTest, Policy, Question, Sequence, Sign,
    WarmNeeds, Window,
};
use proptest::prelude::*;

use super::support::{DAY, Lead, day, grade_a, number, policy, rule, text, usual};

const HOUR: i64 = Millis::HOUR;

/// Ten points for A, then B, then A within two days, every time.
fn a_b_a() -> ActivityRule {
    let step = |name: &str| ActivityMatch { names: vec![name.to_owned()], ..ActivityMatch::default() };
    let sequence = Sequence { steps: vec![step("A"), step("B"), step("A")], within_ms: 2 * DAY };
    let names = vec!["A".to_owned(), "B".to_owned()];
    let when = ActivityMatch { names, sequence: Some(sequence), ..ActivityMatch::default() };
    ActivityRule { when, half_life_ms: None, ..rule("a_b_a", "", 10) }
}

/// Engagement after the acts, each a name and hours after noon of day 0, told in this order on day 9.
fn engagement(rule: ActivityRule, acts: &[(usize, i64)]) -> Points {
    let mut lead = Lead::new(policy(vec![rule]));
    for (place, hours) in acts {
        let name = ["A", "B", "C"][place % 3].to_owned();
        let body = Body::Activity(baton_domain::Activity { name, ..baton_domain::Activity::default() });
        lead.hear(day(9), day(0).plus(hours * HOUR), &format!("{place}@{hours:04}"), body);
    }
    lead.score(day(9)).engagement
}

#[test]
fn a_sequence_gives_points_when_its_last_step_comes_in_time() {
    let after = |acts: &[(usize, i64)]| engagement(a_b_a(), acts);
    assert_eq!(after(&[(0, 0), (1, 1), (0, 2)]), Points::whole(10));
    assert_eq!(after(&[(0, 0), (1, 1), (0, 48)]), Points::whole(10), "within includes the end");
    assert_eq!(after(&[(0, 0), (1, 1), (0, 49)]), Points::ZERO);
    assert_eq!(after(&[(1, 0), (0, 1), (0, 2)]), Points::ZERO, "the order counts");
    assert_eq!(after(&[(0, 2), (1, 1), (0, 0)]), Points::whole(10), "the order of events, not of arrival");
    assert_eq!(after(&[(0, 0), (1, 1), (0, 2), (0, 3)]), Points::whole(20));
}

/// How often some A, B, A in rising order end at an act, looked for among all triples.
fn ends_by_brute_force(acts: &[(usize, i64)]) -> usize {
    let key = |(place, hours): (usize, i64)| (hours, format!("{place}@{hours:04}"));
    let mut sorted = acts.to_vec();
    sorted.sort_by_key(|act| key(*act));
    sorted.dedup();
    let ends = |third: usize| {
        (0..third).any(|second| {
            (0..second).any(|first| {
                [first, second, third].map(|place| sorted[place].0) == [0, 1, 0]
                    && sorted[third].1 - sorted[first].1 <= 48
            })
        })
    };
    (0..sorted.len()).filter(|third| ends(*third)).count()
}

#[test]
fn days_are_counted_once_each_in_a_window_of_days() {
    let mut often = rule("often", "A", 10);
    often.half_life_ms = None;
    often.when.at_least = Some(Window { times: 3, within_ms: 7 * DAY, of: Distinct::Days });
    assert_eq!(engagement(often.clone(), &[(0, 0), (0, 1), (0, 2), (0, 24)]), Points::ZERO);
    assert_eq!(engagement(often, &[(0, 0), (0, 1), (0, 24), (0, 50)]), Points::whole(10));
}

#[test]
fn a_session_ends_after_half_an_hour_without_the_activity() {
    let seen = ActivityRule { count: Counting::PerSession(1), half_life_ms: None, ..rule("seen", "Page Viewed", 1) };
    let counted = |minutes: &[i64]| {
        let mut lead = Lead::new(policy(vec![seen.clone()]));
        for minute in minutes {
            let body = Body::Activity(baton_domain::Activity {
                name: "Page Viewed".to_owned(),
                ..baton_domain::Activity::default()
            });
            lead.hear(day(1), day(0).plus(minute * Millis::MINUTE), &format!("{minute:03}"), body);
        }
        lead.score(day(1)).engagement
    };
    assert_eq!(counted(&[0, 30, 60, 91]), Points::whole(2));
    assert_eq!(counted(&[0, 60, 91]), Points::whole(3));
    assert_eq!(counted(&[91, 0, 60, 30]), Points::whole(2), "a visit told late joins two sessions into one");
}

#[test]
fn one_channel_alone_is_never_warm_when_the_policy_asks_for_two() {
    let mut wide = usual();
    wide.engagement.warm_needs = WarmNeeds { activities: 3, channels: 2 };
    wide.engagement.rules[1].group = "content".to_owned();
    let mut lead = Lead::known(wide, &grade_a());
    (0..7).for_each(|_| lead.did(day(0), "Page Viewed"));
    assert_eq!((lead.score(day(0)).band.0, lead.handoffs().len()), (3, 0));
    lead.downloaded(day(0), "guide");
    assert_eq!((lead.score(day(0)).band.0, lead.handoffs().len()), (1, 1));
}

#[test]
fn what_a_recycle_took_altogether_makes_nobody_warm() {
    let mut policy = usual();
    policy.engagement.rules[1].group = "content".to_owned();
    policy.engagement.warm_needs = WarmNeeds { activities: 2, channels: 2 };
    let effect = Effect { keep_percent: 0, ..policy.lifecycle.dispositions["not_now"].clone() };
    policy.lifecycle.dispositions.insert("not_now".to_owned(), effect);
    let mut lead = Lead::known(policy, &grade_a());
    lead.downloaded(day(1), "x");
    lead.did(day(1), "Demo Requested");
    lead.judged(day(2), "not_now");
    (0..7).for_each(|_| lead.did(day(3), "Page Viewed"));
    let score = lead.scores().pop().unwrap();
    assert_eq!((score.engagement, score.band.0), (Points::whole(70), 3), "one channel since");
    lead.downloaded(day(3), "y");
    assert_eq!(lead.scores().pop().unwrap().band.0, 1);
}

/// Sources trusted in the order crm, form, enrichment; the head count is out of date after 100 days.
fn trusting() -> Policy {
    let mut policy = usual();
    policy.fit.trust = ["crm", "form", "enrichment"].map(str::to_owned).into();
    policy.fit.fresh_for = [("employees".to_owned(), 100 * DAY)].into();
    policy
}

fn said_by(source: &str, employees: i64) -> Body {
    Body::Facts(vec![Fact { source: source.to_owned(), ..number("employees", employees) }])
}

#[test]
fn a_lower_source_never_overwrites_a_higher_one_that_is_fresh() {
    let mut lead = Lead::known(trusting(), &[]);
    lead.hear(day(1), day(1), "crm", said_by("crm", 100));
    lead.hear(day(2), day(2), "enriched", said_by("enrichment", 5));
    assert_eq!(lead.score(day(50)).fit, Points::whole(40));
    assert_eq!(lead.score(day(102)).fit, Points::ZERO, "the CRM's word is out of date, the enrichment's is not");
    let later = lead.score(day(103));
    assert_eq!((later.fit, later.grade), (Points::ZERO, Grade::U), "nothing fresh is known any more");
}

#[test]
fn a_grade_waits_for_the_share_of_facts_that_the_policy_asks_for() {
    let mut policy = usual();
    policy.fit.complete_at_least = 51;
    let mut lead = Lead::known(policy, &[number("employees", 100)]);
    assert_eq!(lead.score(day(1)).grade, Grade::U);
    lead.facts(day(1), &[text("title", "VP")]);
    assert_eq!(lead.score(day(1)).grade, Grade::A);
}

fn question(id: &str, yes: Vec<Sign>, mandatory: bool) -> Question {
    Question { id: id.to_owned(), ask: None, yes, no: Vec::new(), mandatory }
}

/// Budget by a fact, need by a view within ten days; a country that must not be North Korea.
fn asking(mandatory: bool) -> Policy {
    let fact = |name: &str, test| Sign::Fact(name.to_owned(), test);
    let viewed = Sign::Did { rule: "view".to_owned(), within_ms: Some(10 * DAY) };
    let mut policy = usual();
    policy.fit.disqualify = Vec::new();
    policy.criteria = vec![CriteriaSet {
        name: "bant".to_owned(),
        questions: vec![
            question("budget", vec![fact("budget", FactTest::IsTrue)], mandatory),
            question("need", vec![viewed], mandatory),
            question("country", vec![fact("country", FactTest::NoneOf(vec!["kp".to_owned()]))], mandatory),
        ],
    }];
    policy
}

fn answers(lead: &Lead) -> Vec<YesNo> {
    lead.handoffs().last().unwrap().criteria.iter().map(|criterion| criterion.answer).collect()
}

#[test]
fn t28_the_answers_stand_in_the_handoff_and_unknown_is_not_no() {
    let mut lead = Lead::known(asking(false), &grade_a());
    lead.did(day(1), "Demo Requested");
    assert_eq!(answers(&lead), [YesNo::Unknown; 3]);

    let told = [Fact { value: FactValue::Flag(false), ..text("budget", "") }, text("country", "DE")];
    let mut lead = Lead::known(asking(false), &[&grade_a()[..], &told].concat());
    lead.did(day(1), "Page Viewed");
    lead.did(day(2), "Demo Requested");
    assert_eq!(answers(&lead), [YesNo::No, YesNo::Yes, YesNo::Yes]);

    let mut lead = Lead::known(asking(false), &grade_a());
    lead.did(day(1), "Page Viewed");
    lead.did(day(12), "Demo Requested");
    assert_eq!(answers(&lead)[1], YesNo::Unknown, "eleven days ago is no sign within ten");
    assert_eq!(lead.handoffs()[0].completeness, 100);
}

#[test]
fn a_question_asks_when_a_rule_was_met_and_not_when_it_counted() {
    for count in [Counting::Once, Counting::PerDay(1), Counting::OncePerContent] {
        let mut policy = asking(false);
        policy.engagement.rules[0] = ActivityRule { count, asked_for: true, ..policy.engagement.rules[0].clone() };
        let mut lead = Lead::known(policy, &[number("employees", 3)]);
        (1..=20).for_each(|n| lead.did(day(n), "Page Viewed"));
        let view = baton_domain::Activity { name: "Page Viewed".to_owned(), ..baton_domain::Activity::default() };
        lead.hear(day(21), day(20).plus(1), "again", Body::Activity(view));
        lead.did(day(30).plus(1), "Demo Requested");
        assert_eq!(answers(&lead)[1], YesNo::Yes, "{count:?}");
    }
}

#[test]
fn t03_a_mandatory_no_keeps_even_a_demo_request_with_marketing_and_is_named() {
    let mut lead = Lead::known(asking(true), &grade_a());
    lead.facts(day(0), &[text("country", "KP")]);
    lead.did(day(1), "Demo Requested");
    assert_eq!((lead.outcome, lead.stage(), lead.handoffs().len()), ("kept", Stage::Identified, 0));
    assert_eq!(lead.scores().pop().unwrap().kept_by.as_deref(), Some("bant.country"));
    lead.facts(day(2), &[text("country", "FR")]);
    assert_eq!((lead.handoffs().len(), lead.stage()), (1, Stage::Mql), "the request still waits");
}

#[test]
fn a_lead_kept_by_a_no_is_considered_anew_when_the_answer_changes() {
    let mut lead = Lead::known(asking(true), &grade_a());
    lead.facts(day(0), &[text("country", "KP")]);
    (0..7).for_each(|_| lead.did(day(1), "Page Viewed"));
    assert_eq!(lead.handoffs().len(), 0);
    lead.facts(day(1), &[text("country", "FR")]);
    assert_eq!(lead.handoffs().len(), 1);
}

#[test]
fn who_is_kept_by_a_question_that_the_policy_drops_is_moved_by_the_policy_and_by_no_page_view() {
    for on_change in [None, Some("P3".to_owned())] {
        let mut lead = Lead::known(asking(true), &grade_a());
        lead.facts(day(0), &[text("country", "KP")]);
        (0..7).for_each(|_| lead.did(day(1), "Page Viewed"));
        assert_eq!(lead.outcome, "kept");
        lead.policy = asking(false);
        lead.policy.version += 1;
        lead.policy.decision.on_change.clone_from(&on_change);
        lead.did(day(1), "Page Viewed");
        let handed = lead.handoffs().into_iter().map(|handoff| (handoff.reason, Some(handoff.lane.clone()))).next();
        assert_eq!(handed, on_change.map(|lane| (ReasonKind::Policy, Some(lane))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn sequences_are_found_as_by_trying_every_triple_in_any_order_of_arrival(
        acts in prop::collection::vec((0..3_usize, 0..120_i64), 0..14).prop_shuffle()
    ) {
        let expected = i64::try_from(ends_by_brute_force(&acts)).unwrap();
        prop_assert_eq!(engagement(a_b_a(), &acts), Points::whole(10 * expected));
    }

    #[test]
    fn which_word_holds_does_not_depend_on_the_order_in_which_the_sources_spoke(
        words in prop::collection::vec((0..4_usize, 0..300_i64, 0..100_i64), 1..12), now in 0..400_i64
    ) {
        let known = |words: &[(usize, i64, i64)]| {
            let mut lead = Lead::known(trusting(), &[]);
            for (place, days, count) in words {
                let source = ["crm", "form", "enrichment", "hearsay"][*place];
                let id = format!("{place} {days} {count}");
                lead.hear(day(400), day(*days), &id, said_by(source, *count));
            }
            let policy = trusting();
            lead.state.unwrap().facts.get(&policy.fit, "employees", day(now)).cloned()
        };
        let forth = known(&words);
        let back: Vec<_> = words.iter().rev().copied().collect();
        prop_assert_eq!(&forth, &known(&back));
        // The most trusted of the fresh, and of its words the newest.
        let fresh = words.iter().filter(|(_, days, _)| now - days <= 100);
        let best = fresh.min_by_key(|(place, days, count)| (*place, -days, std::cmp::Reverse(format!("{place} {days} {count}"))));
        let value = |count: &i64| FactValue::Number(*count);
        prop_assert_eq!(forth.map(|known| known.value), best.map(|(.., count)| value(count)));
    }
}

#[test]
fn a_fact_is_as_old_as_its_observation_and_the_handoff_says_so() {
    let mut policy = usual();
    policy.fit.fresh_for.insert("title".to_owned(), 30 * DAY);
    let observed = |at| baton_domain::Fact { observed_at: Some(at), ..text("title", "VP Sales") };
    let mut lead = Lead::known(policy, &[number("employees", 250), observed(day(0))]);
    lead.facts(day(10), &[observed(day(8))]);
    lead.did(day(12), "Demo Requested");
    let told: Vec<_> = lead.handoffs()[0].facts.iter().map(|fact| (fact.name.as_str(), fact.observed_at)).collect();
    assert_eq!(told, [("employees", Some(day(0))), ("title", Some(day(8)))]);
    assert_eq!(lead.score(day(38)).grade, baton_domain::Grade::A);
    assert_eq!(lead.score(day(39)).grade, baton_domain::Grade::B, "observed more than thirty days ago");
    lead.facts(day(40), &[observed(day(90))]);
    assert_eq!(lead.score(day(70)).grade, baton_domain::Grade::A, "nobody has observed what is still to come");
    assert_eq!(lead.score(day(71)).grade, baton_domain::Grade::B);
}
