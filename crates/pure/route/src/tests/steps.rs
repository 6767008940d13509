//! The ordered steps: company, previous owner, what a rule asks for, hours.

use baton_domain::Clock;
use baton_policy::{NamedAccount, OffHours, Sticky, Target};

use super::*;

fn with(id: &str, facts: &[(&str, &str)]) -> Qualifying {
    let fact = |(name, value): &(&str, &str)| Fact {
        name: (*name).to_owned(),
        value: FactValue::Text((*value).to_owned()),
        source: "form".to_owned(),
        observed_at: None,
    };
    Qualifying { facts: facts.iter().map(fact).collect(), ..lead(id) }
}

fn results(step: &Answer, name: &str) -> Vec<String> {
    let steps = assignment(step).steps.iter().filter(|step| step.step == name);
    steps.map(|step| step.result.clone()).collect()
}

#[test]
fn t14_a_lead_of_a_known_company_goes_to_the_rep_who_has_it() {
    let policy = desk(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    assert_eq!(router.gives(&policy, at(9, 0), with("l1", &[("email", "a@northwind.example")])), "ada");
    let step = router.hears(&policy, at(9, 1), with("l2", &[("email", "B@Northwind.example")]));
    assert_eq!(owners(&step), pairs(&[("l2", "ada")]));
    let account = assignment(&step).account.clone().unwrap();
    assert_eq!((account.id.as_str(), account.matched_by.as_str()), ("northwind.example", "domain"));
    assert_eq!(account.other_leads, ["l1"]);
    assert_eq!(assignment(&step).why, "sticky: account owner");
    assert_eq!(router.gives(&policy, at(9, 2), lead("l3")), "bob", "the turn was not used up");
}

#[test]
fn a_company_is_matched_by_domain_then_group_then_name_and_region() {
    let by = |facts: &[(&str, &str)]| {
        let policy = desk(vec![("ada", rep())]);
        let step = Router::default().hears(&policy, at(9, 0), with("l1", facts));
        assignment(&step).account.as_ref().map(|account| account.matched_by.clone())
    };
    let all = [("email", "a@x.example"), ("group_id", "7"), ("company", "X Inc."), ("country", "DE")];
    assert_eq!(by(&all).as_deref(), Some("domain"));
    assert_eq!(by(&all[1..]).as_deref(), Some("group"));
    assert_eq!(by(&all[2..]).as_deref(), Some("name_region"));
    assert_eq!(by(&all[2..3]), None, "a name without a region is anybody's");
}

#[test]
fn people_with_a_private_address_have_nothing_in_common() {
    let mut policy = desk(vec![("ada", rep()), ("bob", rep())]);
    policy.routing.personal_domains = vec!["mail.example".to_owned()];
    let mut router = Router::default();
    assert_eq!(router.gives(&policy, at(9, 0), with("l1", &[("email", "a@mail.example")])), "ada");
    assert_eq!(router.gives(&policy, at(9, 1), with("l2", &[("email", "b@mail.example")])), "bob");
}

#[test]
fn a_company_that_was_given_to_a_rep_by_name_goes_before_the_previous_owner() {
    let mut policy = desk(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    policy.routing.accounts = vec![NamedAccount {
        id: "northwind".to_owned(),
        domains: Vec::new(),
        names: vec!["Northwind GmbH".to_owned()],
        owner: "bob".to_owned(),
    }];
    let event = Qualifying { episode: 2, handoff_id: "h_l1_2".to_owned(), ..with("l1", &[("company", "Northwind")]) };
    assert_eq!(router.gives(&policy, at(9, 1), event), "bob");
}

#[test]
fn t17_a_lead_that_comes_back_goes_to_its_previous_owner_unless_somebody_else_is_to_look() {
    let policy = desk(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let mut second_look = router.clone();
    assert_eq!(router.gives(&policy, at(9, 1), again("l1", 2)), "ada");
    let event = Qualifying { review: true, ..again("l1", 2) };
    assert_eq!(second_look.gives(&policy, at(9, 1), event), "bob");
}

#[test]
fn an_owner_is_remembered_for_as_long_as_the_policy_says() {
    let mut policy = desk(vec![("ada", rep()), ("bob", rep())]);
    policy.routing.sticky = Sticky { expires_ms: Millis::HOUR, ..Sticky::default() };
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), with("l1", &[("email", "a@x.example")]));
    router.takes(&policy, at(9, 30), super::hands::released("l1", false, "recycled"));
    while let Some((due, key)) = router.next() {
        let expected = if key.starts_with("a/") { at(10, 0) } else { at(10, 30) };
        assert_eq!(due, expected, "{key}");
        assert!(router.fires(&policy, &key, due).is_empty());
    }
    let left: Vec<&String> =
        router.rows.0.keys().filter(|key| key.starts_with("l/") || key.starts_with("a/")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(router.gives(&policy, at(10, 31), again("l1", 2)), "bob");
}

#[test]
fn a_rule_that_asks_for_a_language_a_territory_and_skills_passes_over_those_without() {
    let brings = |languages: &[&str], territories: &[&str], skills: &[&str]| Rep {
        languages: languages.iter().map(|word| (*word).to_owned()).collect(),
        territories: territories.iter().map(|word| (*word).to_owned()).collect(),
        skills: skills.iter().map(|word| (*word).to_owned()).collect(),
        ..rep()
    };
    let reps = vec![
        ("ada", brings(&["en"], &["de"], &["fintech"])),
        ("bob", brings(&["de"], &["us"], &["fintech"])),
        ("cid", brings(&["de"], &[], &[])),
        ("dee", brings(&["de", "en"], &["de"], &["fintech"])),
    ];
    let mut policy = policy(reps, vec![("desk", pool(&[("ada", 1), ("bob", 1), ("cid", 1), ("dee", 1)], None))]);
    policy.routing.rules = vec![RouteRule {
        id: "dach".to_owned(),
        lanes: Vec::new(),
        facts: Vec::new(),
        pool: "desk".to_owned(),
        needs: Needs {
            skills: vec!["fintech".to_owned()],
            language: Some("language".to_owned()),
            territory: Some("country".to_owned()),
        },
    }];
    let step = Router::default().hears(&policy, at(9, 0), with("l1", &[("language", "DE"), ("country", "de")]));
    assert_eq!(owners(&step), pairs(&[("l1", "dee")]));
    let passed = [("ada", "language"), ("bob", "territory"), ("cid", "skill")];
    assert_eq!(assignment(&step).excluded, excluded(&passed));
}

#[test]
fn a_rep_who_opens_within_the_promise_counts_as_on_duty() {
    let office = || Rep { calendar: "office".to_owned(), ..rep() };
    let mut policy = desk(vec![("ada", office()), ("bob", rep())]);
    let target = Target { within_ms: Millis::HOUR, ..Target::default() };
    policy.sla.clocks.insert(Clock::FirstTouch, BTreeMap::from([("P1".to_owned(), target)]));
    let mut router = Router::default();
    assert_eq!(router.gives(&policy, at(7, 59), lead("l1")), "bob");
    assert_eq!(router.gives(&policy, at(8, 0), lead("l2")), "ada", "an hour before nine");
}

#[test]
fn within_a_promise_of_working_days_a_previous_owner_who_opens_before_its_end_gets_the_lead() {
    let office = || Rep { calendar: "office".to_owned(), ..rep() };
    let mut policy = desk(vec![("ada", office()), ("bob", rep())]);
    policy.sla.calendar = Some("office".to_owned());
    let target = Target { working_days: 1, business_hours: true, ..Target::default() };
    policy.sla.clocks.insert(Clock::FirstTouch, BTreeMap::from([("P1".to_owned(), target)]));
    let mut router = Router::default();
    assert_eq!(router.gives(&policy, at(10, 0), lead("l1")), "ada");
    assert_eq!(router.gives(&policy, at(24 + 8, 0), again("l1", 2)), "ada", "an hour before nine");
    let gone = Rep { away: vec![(at(24 + 9, 0).millis(), at(15 * 24, 0).millis())], ..office() };
    policy.routing.reps.insert("ada".to_owned(), gone);
    assert_eq!(router.gives(&policy, at(24 + 8, 0), again("l1", 3)), "bob", "ada opens in two weeks");
}

/// Leads wait for somebody on duty.
fn patient(ada: Rep) -> Policy {
    let mut policy = desk(vec![("ada", ada)]);
    policy.routing.off_hours = OffHours::Wait;
    policy
}

#[test]
fn a_waiting_lead_is_looked_at_as_the_promise_reaches_the_opening() {
    let mut policy = patient(Rep { calendar: "office".to_owned(), ..rep() });
    let target = Target { within_ms: 2 * Millis::HOUR, ..Target::default() };
    policy.sla.clocks.insert(Clock::FirstTouch, BTreeMap::from([("P1".to_owned(), target)]));
    let mut router = Router::default();
    let step = router.hears(&policy, at(5, 0), lead("l1"));
    assert_eq!((step.outcome, step.wake), ("queued", Some(at(7, 0))));
    assert_eq!(owners(&router.wakes(&policy)), pairs(&[("l1", "ada")]));
}

#[test]
fn a_rep_without_a_calendar_opens_with_the_pool() {
    let mut policy = patient(Rep { calendar: String::new(), ..rep() });
    policy.sla.pool_calendars.insert("desk".to_owned(), "office".to_owned());
    let mut router = Router::default();
    let step = router.hears(&policy, at(5, 0), lead("l1"));
    assert_eq!((step.outcome, step.wake), ("queued", Some(at(9, 0))));
    assert_eq!(owners(&router.wakes(&policy)), pairs(&[("l1", "ada")]));
}

#[test]
fn a_lead_whose_zone_sleeps_does_not_hold_up_one_whose_zone_works() {
    let mut policy = patient(Rep { calendar: String::new(), ..rep() });
    policy.sla.calendar = Some("office".to_owned());
    policy.sla.lead_zone = Some("time_zone".to_owned());
    let mut router = Router::default();
    router.hears(&policy, at(5, 0), with("l1", &[("time_zone", "America/Los_Angeles")]));
    router.hears(&policy, at(5, 1), with("l2", &[("time_zone", "Europe/Berlin")]));
    let mut step = router.wakes(&policy);
    while owners(&step).is_empty() {
        step = router.wakes(&policy);
    }
    assert_eq!(owners(&step), pairs(&[("l2", "ada")]));
    assert_eq!(assignment(&step).stamp.at, at(7, 0), "Berlin is at work from seven UTC");
}

#[test]
fn where_leads_wait_for_office_hours_the_queue_is_served_when_the_desk_opens() {
    let office = Rep { calendar: "office".to_owned(), ..rep() };
    let mut policy = desk(vec![("ada", office)]);
    policy.routing.off_hours = OffHours::Wait;
    let mut router = Router::default();
    let step = router.hears(&policy, at(8, 0), lead("l1"));
    assert_eq!((step.outcome, step.wake), ("queued", Some(at(9, 0))));
    assert_eq!(assignment(&step).excluded, excluded(&[("ada", "off_hours")]));
    assert_eq!(owners(&router.wakes(&policy)), pairs(&[("l1", "ada")]));
}

#[test]
fn every_step_stands_in_the_assignment_in_its_order() {
    let policy = desk(vec![("ada", rep())]);
    let step = Router::default().hears(&policy, at(9, 0), lead("l1"));
    let order: Vec<&str> = assignment(&step).steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(order, ["suppression", "open_episode", "release", "account", "sticky", "rules", "pool"]);
    assert_eq!(results(&step, "pool"), ["taken"]);
}
