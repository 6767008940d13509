//! What a rep hears of leads that are already on the desk.

use baton_domain::{ActivityAlert, Moment, Noticed, Released};
use baton_policy::Alerts;

use super::hands::released;
use super::*;

const EVERY: i64 = 30 * Millis::MINUTE;

fn alerting(reps: Vec<(&str, Rep)>) -> Policy {
    let alerts = Alerts { events: Vec::new(), content_stages: Vec::new(), hand_raise: true, every_ms: EVERY };
    Policy { decision: Decision { alerts: Some(alerts), ..Decision::default() }, ..desk(reps) }
}

fn noticed(id: &str, name: &str, when: LogTime) -> Heard {
    Heard::Lead(RouteInput::Noticed(Noticed {
        lead_id: id.to_owned(),
        handoff_id: format!("h_{id}_1"),
        episode: 1,
        moment: Moment { occurred_at: when.millis(), name: name.to_owned(), detail: None },
        score: Points::whole(90),
        grade: Grade::A,
        band: Band(1),
        event_id: format!("e_{name}"),
        taken_back: false,
    }))
}

/// The event that told so is taken back.
fn untold(id: &str, name: &str, when: LogTime) -> Heard {
    let Heard::Lead(RouteInput::Noticed(told)) = noticed(id, name, when) else { unreachable!("it is news") };
    Heard::Lead(RouteInput::Noticed(Noticed { taken_back: true, score: Points::whole(50), ..told }))
}

fn alerts(said: &[Said]) -> Vec<&ActivityAlert> {
    said.iter().filter_map(|said| if let Said::Alert(alert) = said { Some(alert) } else { None }).collect()
}

/// (lead, names of its moments) of an alert.
fn told(alert: &ActivityAlert) -> Vec<(&str, Vec<&str>)> {
    let mut told = Vec::new();
    for lead in &alert.leads {
        told.push((lead.lead_id.as_str(), lead.moments.iter().map(|moment| moment.name.as_str()).collect()));
    }
    told
}

#[test]
fn t19_news_of_a_reps_leads_is_told_at_once_then_gathered_for_a_time() {
    let policy = alerting(vec![("ada", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    router.hears(&policy, at(9, 0), lead("l2"));
    let first = router.takes(&policy, at(9, 5), noticed("l1", "Webinar Attended", at(9, 5)));
    assert_eq!(first.outcome, "alerted");
    let alert = alerts(&first.outputs)[0];
    assert_eq!((alert.owner.as_deref(), alert.pool.as_str()), (Some("ada"), "desk"));
    assert_eq!(told(alert), [("l1", vec!["Webinar Attended"])]);
    assert_eq!((alert.from, alert.until), (at(9, 5), at(9, 5)));

    for (minute, id, name) in [(6, "l2", "Chat Started"), (7, "l1", "Question Asked"), (8, "l2", "Asked Again")] {
        let step = router.takes(&policy, at(9, minute), noticed(id, name, at(9, minute)));
        assert_eq!((step.outcome, step.outputs), ("gathered", vec![]));
    }
    let said = router.fires(&policy, "n/r/ada", at(9, 35));
    let alert = alerts(&said)[0];
    assert_eq!(told(alert), [("l2", vec!["Asked Again", "Chat Started"]), ("l1", vec!["Question Asked"])]);
    assert_eq!((alert.from, alert.until, alert.stamp.at), (at(9, 6), at(9, 8), at(9, 35)));

    assert_eq!(router.fires(&policy, "n/r/ada", at(10, 5)), vec![], "nothing came");
    let later = router.takes(&policy, at(10, 6), noticed("l1", "Chat Started", at(10, 6)));
    assert_eq!(later.outcome, "alerted", "the desk had its rest");
}

#[test]
fn news_of_one_rep_does_not_hold_up_that_of_another() {
    let policy = alerting(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    router.hears(&policy, at(9, 0), lead("l2"));
    for id in ["l1", "l2"] {
        assert_eq!(router.takes(&policy, at(9, 5), noticed(id, "Chat Started", at(9, 5))).outcome, "alerted");
    }
}

#[test]
fn news_of_a_lead_that_waits_is_told_to_its_pool_and_of_one_that_is_gone_to_nobody() {
    let policy = alerting(vec![("ada", Rep { status: RepStatus::Gone, ..rep() })]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    let step = router.takes(&policy, at(9, 5), noticed("l1", "Chat Started", at(9, 5)));
    let alert = alerts(&step.outputs)[0];
    assert_eq!((alert.owner.as_deref(), alert.pool.as_str()), (None, "desk"));
    assert_eq!(router.takes(&policy, at(9, 5), noticed("l2", "Chat Started", at(9, 5))).outcome, "stale");
}

#[test]
fn gathered_news_goes_to_whoever_has_the_lead_when_it_is_told() {
    let policy = alerting(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    for minute in [5, 6] {
        router.takes(&policy, at(9, minute), noticed("l1", "Chat Started", at(9, minute)));
    }
    router.takes(&policy, at(9, 10), released("l1", true, "wrong_owner"));
    let said = router.fires(&policy, "n/r/ada", at(9, 35));
    let alert = alerts(&said)[0];
    assert_eq!((alert.owner.as_deref(), alert.from), (Some("bob"), at(9, 6)));
}

#[test]
fn gathered_news_that_is_taken_back_is_not_told() {
    let policy = alerting(vec![("ada", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    router.hears(&policy, at(9, 0), lead("l2"));
    for (minute, id, name) in [
        (5, "l1", "Chat Started"),
        (6, "l1", "Pricing Requested"),
        (7, "l1", "Question Asked"),
        (8, "l2", "Chat Started"),
    ] {
        router.takes(&policy, at(9, minute), noticed(id, name, at(9, minute)));
    }
    let mut back =
        |id: &str, name: &str, minute| router.takes(&policy, at(9, 9), untold(id, name, at(9, minute))).outcome;
    assert_eq!(back("l1", "Chat Started", 5), "stale", "it was told at once");
    assert_eq!(back("l1", "Pricing Requested", 6), "taken_back");
    assert_eq!(back("l1", "Pricing Requested", 6), "stale");
    assert_eq!(back("l2", "Chat Started", 8), "taken_back");
    assert_eq!(back("l3", "Chat Started", 8), "stale", "nobody knows the lead");
    let said = router.fires(&policy, "n/r/ada", at(9, 35));
    let alert = alerts(&said)[0];
    assert_eq!(told(alert), [("l1", vec!["Question Asked"])]);
    assert_eq!(alert.leads[0].score, Points::whole(50));
}

#[test]
fn a_desk_of_whose_news_nothing_is_left_hears_nothing() {
    let policy = alerting(vec![("ada", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    for minute in [5, 6] {
        router.takes(&policy, at(9, minute), noticed("l1", "Chat Started", at(9, minute)));
    }
    router.takes(&policy, at(9, 9), untold("l1", "Chat Started", at(9, 6)));
    assert_eq!(router.fires(&policy, "n/r/ada", at(9, 35)), vec![]);
}

#[test]
fn news_that_was_gathered_for_the_desk_before_is_found_there() {
    let policy = alerting(vec![("ada", rep()), ("bob", rep())]);
    let mut router = Router::default();
    router.hears(&policy, at(9, 0), lead("l1"));
    for minute in [5, 6] {
        router.takes(&policy, at(9, minute), noticed("l1", "Chat Started", at(9, minute)));
    }
    router.takes(&policy, at(9, 10), released("l1", true, "wrong_owner"));
    assert_eq!(router.takes(&policy, at(9, 11), untold("l1", "Chat Started", at(9, 6))).outcome, "taken_back");
    assert_eq!(alerts(&router.fires(&policy, "n/r/ada", at(9, 35))).len(), 0);
}

#[test]
fn a_desk_with_too_much_news_is_told_before_its_time_and_nothing_is_lost() {
    let policy = alerting(vec![("ada", rep())]);
    let mut router = Router::default();
    let ids: Vec<String> = (0..30).map(|n| format!("l{n}")).collect();
    let mut told = 0;
    for id in &ids {
        router.hears(&policy, at(9, 0), lead(id));
    }
    for id in &ids {
        let step = router.takes(&policy, at(9, 5), noticed(id, "Chat Started", at(9, 5)));
        told += alerts(&step.outputs).iter().map(|alert| alert.leads.len()).sum::<usize>();
    }
    assert_eq!(told, 21, "the first alone, then twenty together");
    let said = router.fires(&policy, "n/r/ada", at(9, 35));
    assert_eq!(told + alerts(&said)[0].leads.len(), ids.len());
}

#[test]
fn that_it_was_the_wrong_person_is_told_to_whoever_has_the_company() {
    let mut policy = alerting(vec![("ada", rep()), ("bob", rep())]);
    policy.routing.accounts = vec![baton_policy::NamedAccount {
        id: "northwind".to_owned(),
        domains: vec!["northwind.example".to_owned()],
        names: Vec::new(),
        owner: "bob".to_owned(),
    }];
    let domain = Fact {
        name: "domain".to_owned(),
        value: FactValue::Text("northwind.example".to_owned()),
        source: "form".to_owned(),
        observed_at: None,
    };
    let told_of = |cause: &str| {
        let mut router = Router::default();
        router.hears(&policy, at(9, 0), Qualifying { facts: vec![domain.clone()], ..lead("l1") });
        let released = Released {
            lead_id: "l1".to_owned(),
            handoff_id: "h_l1_1".to_owned(),
            episode: 1,
            reroute: false,
            cause: cause.to_owned(),
            event_id: "e_2".to_owned(),
        };
        let said = router.takes(&policy, at(9, 5), Heard::Lead(RouteInput::Released(released))).outputs;
        let one = |alert: &&ActivityAlert| {
            let moment = &alert.leads[0].moments[0];
            (alert.owner.clone().unwrap(), moment.name.clone(), moment.detail.clone().unwrap())
        };
        alerts(&said).iter().map(one).collect::<Vec<_>>()
    };
    for code in ["wrong_person", "customer_already"] {
        assert_eq!(told_of(code), [("bob".to_owned(), code.to_owned(), "northwind".to_owned())]);
    }
    assert_eq!(told_of("not_now"), []);
}
