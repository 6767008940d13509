//! Leads that were played through the stages, told.

use baton_domain::{
    Activity, Band, Body, Contribution, ContributionKind, EngagementUpdate, Grade, LeadEvent, LogTime, Millis, Points,
    Retraction, RetractionReason, ScoreUpdate, Stage, Stamp,
};
use baton_policy::{Policy, STARTER, parse};
use baton_scenario::{Line, Script, Seen, bare};
use serde_json::{Value, json};

use super::story::Story;
use super::{AGGREGATE, sums, text};
use crate::summary::samples::at;

/// Monday, 2026-03-02, 09:00 UTC.
const START: i64 = 1_772_442_000_000;

fn starter() -> Policy {
    parse("starter.yaml", STARTER).unwrap()
}

fn instant(minute: i64) -> String {
    crate::instant::shown(Millis(START + minute * Millis::MINUTE))
}

/// What becomes known of somebody who fits, and their demo request.
fn ready() -> Vec<(i64, Value)> {
    let traits = json!({
        "email": "ada.king@northwind.example", "firstName": "Ada", "phone": "+49 30 1234", "title": "VP Sales",
        "company": "Northwind", "employees": 250, "industry": "software", "country": "DE",
        "tech_stack": ["aws", "ada.king@northwind.example"],
    });
    let page =
        json!({"path": "/unsubscribe/ada.king%40northwind.example", "title": "Hello ada.king@northwind.example"});
    vec![
        (0, json!({"type": "identify", "traits": traits})),
        (1, json!({"type": "page", "properties": page})),
        (2, json!({"type": "page", "properties": {"path": "/unsubscribe/ada.king%40northwind.example"}})),
        (3, json!({"type": "track", "messageId": "demo", "event": "Demo Requested"})),
    ]
}

/// What is told of the lead by the end of these records, at these minutes.
fn played(sent: Vec<(i64, Value)>) -> Vec<Seen> {
    let line = |(n, (minute, mut value)): (usize, (i64, Value))| {
        let id = if value["type"] == "crm" { "activityId" } else { "messageId" };
        for (name, given) in
            [(id, json!(format!("e{n}"))), ("userId", json!("ada")), ("receivedAt", json!(instant(minute)))]
        {
            if value[name].is_null() {
                value[name] = given;
            }
        }
        (Millis(START + minute * Millis::MINUTE), Line::Source(value.to_string()))
    };
    let lines = sent.into_iter().enumerate().map(line).collect();
    let script = Script { policy: String::new(), only: None, lines };
    let update = |update: EngagementUpdate| Seen {
        topic: AGGREGATE.to_owned(),
        key: update.event.lead_id.clone(),
        value: serde_json::to_value(&update).unwrap(),
    };
    let updates = bare::updates(&starter(), &script).into_iter().map(update);
    let seen = bare::play(&starter(), &script);
    assert!(seen.iter().all(|record| record.topic != "dlq"), "{seen:?}");
    let lead = seen.iter().find(|record| record.topic == "lead.score").unwrap().key.clone();
    seen.into_iter().chain(updates).filter(|record| record.key == lead).collect()
}

fn story(records: &[Seen]) -> Story {
    Story::of("ld_1", records, Some(&starter()))
}

#[test]
fn an_episode_that_was_taken_back_says_so_and_why() {
    let mut sent = ready();
    sent.push((10, json!({"type": "retract", "retracts": "demo", "reason": "bot", "by": "ops"})));
    let told = story(&played(sent.clone()));
    let said = text::story(&told);
    let withdrawn = format!("\n  Withdrawn at {}: demo was taken back (bot)\n", instant(10));
    assert!(said.contains(&withdrawn), "{said}");
    assert_eq!(told.episodes[0].withdrawn.as_ref().unwrap().event_id, "demo");
    assert_eq!(told.last_hand_raise, None, "it never was");
    sent.pop();
    let said = text::story(&story(&played(sent)));
    assert!(said.contains("\nEpisode 1: ") && !said.contains("Withdrawn"), "{said}");
}

#[test]
fn only_a_lead_that_nobody_has_had_is_said_to_have_waited() {
    let verdict = json!({"type": "crm", "kind": "disposition", "disposition": {"code": "not_now"}});
    let records = played([ready(), vec![(20, verdict)]].concat());
    let told = super::desk::desks(&records);
    let spans: Vec<_> = told.iter().map(|desk| (desk.cause.as_str(), desk.waited_ms, desk.ready_ms)).collect();
    assert_eq!(spans, [("qualified", Some(0), 0), ("not_now", None, 17 * Millis::MINUTE)]);
    let said = text::desks(&told);
    assert!(said.contains("withdrawn: not_now\n    17m after it became ready\n"), "{said}");
    assert!(!said.contains("waited"), "{said}");
}

#[test]
fn no_address_leaves_whole_wherever_it_stands_nor_what_names_or_reaches_a_person() {
    let verdict = json!({"type": "crm", "kind": "disposition", "disposition": {"code": "ada.king@northwind.example"}});
    let mut records = played([ready(), vec![(20, verdict)]].concat());
    for record in &mut records {
        if let Some(triggers) = record.value.pointer_mut("/decision/trigger_set").and_then(Value::as_array_mut) {
            for trigger in triggers {
                trigger["kind"] = json!("Fact");
                trigger["label"] = json!("phone = +49 30 1234 (form)");
            }
        }
    }
    let told = story(&records);
    let (json, text) = (serde_json::to_string(&told).unwrap(), text::story(&told));
    for said in [json, text] {
        for hidden in ["ada.king@", "ada.king%40", "\"Ada\"", ": Ada", "30 1234"] {
            assert!(!said.contains(hidden), "{hidden} in {said}");
        }
        for shown in [
            "Page Viewed (Hello a***@northwind.example)",
            "Page Viewed (/u***@northwind.example)",
            "tech_stack: aws, a***@northwind.example (",
            "firstName: known (",
            "a new fact: phone = known (form) at ",
            "a***@northwind.example is refused: nobody knows this word",
        ] {
            assert!(said.contains(shown), "{shown} in {said}");
        }
    }
}

#[test]
fn work_that_ends_is_told_in_words() {
    let verdict = json!({"type": "crm", "kind": "disposition", "disposition": {"code": "never_contact"}});
    let said = text::story(&story(&played([ready(), vec![(10, verdict)]].concat())));
    assert!(said.contains("status.changed     to new\n"), "{said}");
    assert!(said.contains("status.changed     to none: nobody works on the lead now\n"), "{said}");
}

/// An event of the lead, as it lies on the log.
fn event(minute: i64, event_id: &str, body: Body) -> Seen {
    let stamp = Stamp { at: LogTime::from_millis(Millis(START + minute * Millis::MINUTE)), lane: 0 };
    let event = LeadEvent {
        stamp,
        lead_id: "ld_1".to_owned(),
        event_id: event_id.to_owned(),
        occurred_at: stamp.at.millis(),
        origin: String::new(),
        body,
    };
    Seen { topic: "lead.events".to_owned(), key: "ld_1".to_owned(), value: serde_json::to_value(event).unwrap() }
}

#[test]
fn the_last_request_for_sales_is_told_also_one_that_opened_no_episode() {
    let did = |minute, name: &str, bot| {
        let activity = Activity { name: name.to_owned(), bot, ..Activity::default() };
        event(minute, name, Body::Activity(activity))
    };
    let mut records = played(ready());
    records.push(did(30, "Pricing Requested", false));
    records.push(did(40, "Chat Started", false));
    records.push(did(45, "Contact Requested", true));
    let said = text::story(&story(&records));
    assert!(said.contains(&format!("\n  Last asked for sales: Pricing Requested at {}\n", instant(30))), "{said}");
    // Without the policy that judged, only what opened an episode is known to be one.
    let told = Story::of("ld_1", &records, None).last_hand_raise.unwrap();
    assert_eq!((told.did.as_str(), told.at), ("Demo Requested", instant(3)));
    let (reason, by) = (RetractionReason::Test, "ops".to_owned());
    records.push(event(
        50,
        "back",
        Body::Retracted(Retraction { event_id: "Pricing Requested".to_owned(), reason, by }),
    ));
    assert_eq!(story(&records).last_hand_raise.unwrap().at, instant(3));
}

#[test]
fn the_points_of_each_group_are_told_and_come_to_the_score() {
    let pages = |path: &str, times: i64| {
        let page = json!({"type": "page", "properties": {"path": path}});
        (0..times).map(move |n| (4 + n, page.clone())).collect::<Vec<_>>()
    };
    let records = played([ready(), pages("/pricing", 5), pages("/careers", 1)].concat());
    let told = story(&records).score.unwrap();
    let groups: Vec<_> = told.by_group.iter().map(|sum| (sum.part, sum.group.as_deref())).collect();
    assert_eq!(groups, [("fit", None), ("group", Some("intent")), ("group", Some("web")), ("taken_away", None)]);
    assert_eq!(told.by_group[2].points, "30", "the rule's own cap is part of its group");
    let said = text::story(&story(&records));
    assert!(said.contains(", web 30, taken away -10\n"), "{said}");
    assert_eq!(Story::of("ld_1", &records, None).score.unwrap().by_group, []);
}

#[test]
fn caps_floors_and_what_a_recycle_took_are_each_told_where_they_belong() {
    let line = |kind, rule: &str, points| Contribution {
        kind,
        rule: rule.to_owned(),
        event_id: String::new(),
        occurred_at: at(0).millis(),
        points: Points::whole(points),
        count: 1,
        span: None,
    };
    let receipt = [
        line(ContributionKind::Activity, "download", 24),
        line(ContributionKind::Damp, "download", -12),
        line(ContributionKind::Activity, "three_downloads_in_30_days", 40),
        line(ContributionKind::Cap, "content", -12),
        line(ContributionKind::Activity, "pricing_page", 70),
        line(ContributionKind::Cap, "total", -10),
        line(ContributionKind::Activity, "careers_page", -210),
        line(ContributionKind::Damp, "careers_page", 105),
        line(ContributionKind::Floor, "total", 5),
    ];
    let told = sums::subtotals(&receipt, &starter());
    let told: Vec<_> = told.iter().map(|sum| (sum.part, sum.group.as_deref(), sum.points.as_str())).collect();
    assert_eq!(
        told,
        [
            ("group", Some("content"), "40"),
            ("group", Some("web"), "70"),
            ("total_cap", None, "-10"),
            ("taken_away", None, "-105"),
            ("floor", None, "5"),
        ]
    );
}

#[test]
fn the_policy_that_judged_is_the_published_one_of_the_scores_version() {
    let score = ScoreUpdate {
        stamp: Stamp::default(),
        lead_id: "ld_1".to_owned(),
        event_id: "e1".to_owned(),
        score: Points::ZERO,
        fit: Points::ZERO,
        engagement: Points::ZERO,
        grade: Grade::A,
        band: Band(4),
        stage: Stage::Mql,
        receipt: Vec::new(),
        policy_version: 7,
        status: None,
        kept_by: None,
    };
    let seen = |topic: &str, value| Seen { topic: topic.to_owned(), key: String::new(), value };
    let document = STARTER.replacen("version: 1 ", "version: 7 ", 1);
    let records = [
        seen("lead.score", serde_json::to_value(score).unwrap()),
        seen("policy", json!({"version": 7, "document": document})),
    ];
    assert_eq!(super::published(&records).map(|policy| policy.version), Some(7));
    assert!(super::published(&records[..1]).is_none());
    assert_eq!(story(&records).timeline, [], "a policy is nothing that happened to the lead");
}

/// What a lead that did `more` at these minutes is waiting for.
fn next(sent: Vec<(i64, Value)>) -> Vec<String> {
    story(&played(sent)).today.unwrap().next
}

#[test]
fn a_lead_that_sales_has_not_got_tells_who_it_is_and_what_it_is_waiting_for() {
    let traits = json!({"email": "bo@quiet.example", "title": "VP Sales", "company": "Quiet"});
    let sent = vec![
        (0, json!({"type": "identify", "traits": traits})),
        (1, json!({"type": "page", "properties": {"path": "/docs", "title": "Getting started"}})),
    ];
    let told = story(&played(sent));
    let today = told.today.as_ref().unwrap();
    assert!(told.episodes.is_empty() && told.stage.as_deref() == Some("identified"));
    let cell = &told.score.as_ref().unwrap().cell;
    assert_eq!(
        today.next,
        [format!("{cell} hands nobody off by points"), "asking for sales hands them off in P0".into()]
    );
    assert!(today.person.who.iter().any(|fact| fact.starts_with("title: VP Sales")), "{today:?}");
    assert_eq!(today.person.missing, ["country", "employees", "industry"]);
    assert_eq!(today.person.last_doing, [format!("Page Viewed (Getting started) at {}", instant(1))]);
    let said = text::story(&told);
    assert!(said.contains("  What is next?\n    U") && said.contains("  What is not known?\n    country\n"), "{said}");
}

#[test]
fn what_is_learned_after_the_handoff_is_told_of_today_and_not_of_the_handoff() {
    let mut sent = ready();
    sent.push((9, json!({"type": "identify", "traits": {"seniority": "director"}})));
    let told = story(&played(sent));
    let knows = |who: &[String]| who.iter().any(|fact| fact.starts_with("seniority: director"));
    assert!(knows(&told.today.as_ref().unwrap().person.who) && !knows(&told.episodes[0].person.who));
    assert_eq!(told.today.unwrap().next, ["sales has them: mql"]);
}

#[test]
fn a_lead_that_sales_gave_back_says_what_brings_it_back() {
    let judged = |code: &str| {
        let mut sent = ready();
        sent.push((9, json!({"type": "crm", "kind": "disposition", "disposition": {"code": code}})));
        next(sent)
    };
    let rests = format!(
        "given back (no_response); their points count again when they cooled, or from {}",
        instant(9 + 30 * 24 * 60)
    );
    let request = "asking for sales hands them off in P0".to_owned();
    assert_eq!(judged("no_response"), [rests, request.clone()]);
    let again = format!("sales wants to see them again at {}", instant(9 + 60 * 24 * 60));
    let shows = "given back (not_now); their points count again by late-stage content".to_owned();
    assert_eq!(judged("not_now"), [shows, again, request]);
    assert_eq!(judged("competitor"), ["ruled out: competitor"]);
}
