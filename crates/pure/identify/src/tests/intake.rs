//! What a JSON record is taken for, and every way in which one is refused.

use baton_domain::{
    Body, Consent, ConsentState, CrmActivity, CrmKind, Direction, Disposition, Ids, Linked, Millis, RawEvent, Reason,
    Tick, Touch, TouchOutcome,
};

use super::{NOON, activity, facts, read, refusal, view};
use crate::{check, parse};

const PAGE: &str = r#""type":"page","messageId":"m1","anonymousId":"a1""#;
const CRM: &str = r#""type":"crm","activityId":"x1","crmId":"c1""#;

#[test]
fn every_unusable_record_is_refused_by_reason_and_field() {
    for (json, reason, said) in [
        ("", Reason::Decode, "not JSON"),
        ("{", Reason::Decode, "not JSON"),
        (r#"{"type":"page"} x"#, Reason::Decode, "not JSON"),
        (r#"{"type":NaN}"#, Reason::Decode, "not JSON"),
        (r#"{"type":"page","unread":1e999}"#, Reason::MissingField, "messageId"),
        (r#"{"type":"identify","messageId":"m","userId":"u","traits":{"revenue":1e999}}"#, Reason::NotFinite, "number"),
        ("null", Reason::WrongType, "the record"),
        ("[{}]", Reason::WrongType, "the record"),
        (r#"{"messageId":"m"}"#, Reason::MissingField, "type"),
        (r#"{"type":5}"#, Reason::WrongType, "type"),
        (r#"{"type":"purchase"}"#, Reason::UnknownKind, "type"),
        (r#"{"type":"page","anonymousId":"a"}"#, Reason::MissingField, "messageId"),
        (r#"{"type":"page","messageId":" ","anonymousId":"a"}"#, Reason::MissingField, "messageId"),
        (r#"{"type":"page","messageId":7,"anonymousId":"a"}"#, Reason::WrongType, "messageId"),
        (r#"{"type":"page","messageId":"m"}"#, Reason::MissingId, "id"),
        (r#"{"type":"page","messageId":"m","anonymousId":null,"userId":""}"#, Reason::MissingId, "id"),
        (r#"{"type":"page","messageId":"m","userId":{}}"#, Reason::WrongType, "userId"),
        (r#"{"type":"track","messageId":"m","userId":"u"}"#, Reason::MissingField, "event"),
        (r#"{"type":"group","messageId":"m","userId":"u","traits":"x"}"#, Reason::WrongType, "traits"),
        (r#"{"type":"page","messageId":"m","userId":"u","properties":[1]}"#, Reason::WrongType, "properties"),
        (r#"{"type":"page","messageId":"m","userId":"u","properties":{"title":[]}}"#, Reason::WrongType, "title"),
        (r#"{"type":"page","messageId":"m","userId":"u","timestamp":1767268800}"#, Reason::BadTime, "timestamp"),
        (r#"{"type":"page","messageId":"m","userId":"u","timestamp":"yesterday"}"#, Reason::BadTime, "timestamp"),
        (r#"{"type":"page","messageId":"m","userId":"u","timestamp":"1999-12-31T23:59:59Z"}"#, Reason::BadTime, "2000"),
        (
            r#"{"type":"page","messageId":"m","userId":"u","receivedAt":"1970-01-21T00:00:00Z"}"#,
            Reason::BadTime,
            "2000",
        ),
        (r#"{"type":"tick","receivedAt":1}"#, Reason::BadTime, "receivedAt"),
        (r#"{"batch":{}}"#, Reason::WrongType, "batch"),
        (r#"{"type":"crm","crmId":"c","kind":"touch"}"#, Reason::MissingField, "activityId"),
        (r#"{"type":"crm","activityId":"x","kind":"accepted"}"#, Reason::MissingId, "id"),
    ] {
        let (got, detail) = refusal(json.as_bytes());
        assert_eq!(got, reason, "{json}: {detail}");
        assert!(detail.contains(said), "{json}: {detail}");
    }
    assert_eq!(refusal(b"\"\xff\"").0, Reason::Decode);
}

#[test]
fn every_unusable_crm_activity_and_consent_is_refused_by_reason_and_field() {
    for (fields, reason, said) in [
        ("", Reason::MissingField, "kind"),
        (r#","kind":"call""#, Reason::UnknownKind, "kind"),
        (r#","kind":"touch","medium":"fax""#, Reason::UnknownKind, "medium"),
        (r#","kind":"touch","direction":"up""#, Reason::UnknownKind, "direction"),
        (r#","kind":"touch","outcome":"won""#, Reason::UnknownKind, "outcome"),
        (r#","kind":"touch","automated":"no""#, Reason::WrongType, "automated"),
        (r#","kind":"status""#, Reason::MissingField, "status"),
        (r#","kind":"owner""#, Reason::MissingField, "owner"),
        (r#","kind":"disposition""#, Reason::MissingField, "disposition.code"),
        (r#","kind":"disposition","disposition":"not_now""#, Reason::WrongType, "disposition"),
        (r#","kind":"disposition","disposition":{"code":"x","nextCheckIn":7}"#, Reason::BadTime, "nextCheckIn"),
        (
            r#","kind":"disposition","disposition":{"code":"x","nextCheckIn":"1999-01-01T00:00:00Z"}"#,
            Reason::BadTime,
            "2000",
        ),
        (
            r#","kind":"disposition","disposition":{"code":"x","nextCheckIn":"2026-02-30"}"#,
            Reason::BadTime,
            "nextCheckIn",
        ),
        (
            r#","kind":"disposition","disposition":{"code":"x","nextCheckIn":"2026-05-01T10:00:00"}"#,
            Reason::BadTime,
            "nextCheckIn",
        ),
        (r#","kind":"accepted","occurredAt":"2026-05-01""#, Reason::BadTime, "timestamp"),
        (r#","kind":"opportunity""#, Reason::MissingField, "opportunity"),
        (r#","kind":"opportunity","opportunity":"maybe""#, Reason::UnknownKind, "opportunity"),
        (r#","kind":"accepted","occurredAt":"1999-01-01T00:00:00Z""#, Reason::BadTime, "2000"),
    ] {
        let (got, detail) = refusal(format!("{{{CRM}{fields}}}").as_bytes());
        assert_eq!(got, reason, "{fields}: {detail}");
        assert!(detail.contains(said), "{fields}: {detail}");
    }
    for (fields, reason, said) in [
        (r#""channel":"all","state":"denied""#, Reason::MissingField, "messageId"),
        (r#""messageId":"m","state":"denied""#, Reason::MissingField, "channel"),
        (r#""messageId":"m","channel":"all""#, Reason::MissingField, "state"),
        (r#""messageId":"m","channel":"all","state":"maybe""#, Reason::UnknownKind, "state"),
    ] {
        let (got, detail) = refusal(format!(r#"{{"type":"consent","userId":"u",{fields}}}"#).as_bytes());
        assert_eq!(got, reason, "{fields}: {detail}");
        assert!(detail.contains(said), "{fields}: {detail}");
    }
}

#[test]
fn what_is_beyond_the_limits_is_refused_and_what_is_at_them_is_not() {
    let of = |field: &str, bytes: usize| format!(r#"{{{PAGE},"{field}":"{}"}}"#, "x".repeat(bytes));
    let traits = |n: usize| {
        let list: Vec<_> = (0..n).map(|i| format!(r#""t{i}":{i}"#)).collect();
        format!(r#"{{"type":"identify","messageId":"m","userId":"u","traits":{{{}}}}}"#, list.join(","))
    };
    let nested = |n: usize| format!(r#"{{{PAGE},"x":{}1{}}}"#, "[".repeat(n), "]".repeat(n));
    let record = |bytes: usize| of("ignored", bytes - of("ignored", 0).len());
    let email = |n: usize| {
        of("userId", 1)
            .replace("userId", "x")
            .replace('}', &format!(r#","context":{{"traits":{{"email":"{}@b"}}}}}}"#, "e".repeat(n - 2)))
    };
    for (within, beyond) in [
        (of("userId", 8 * 1024), of("userId", 8 * 1024 + 1)),
        (traits(100), traits(101)),
        (nested(31), nested(32)),
        (record(256 * 1024), record(256 * 1024 + 1)),
        (email(320), email(321)),
    ] {
        read(&within);
        assert_eq!(refusal(beyond.as_bytes()).0, Reason::Limits);
    }
}

#[test]
fn a_batch_is_bounded_and_each_element_judged_alone() {
    let batch = |n: usize| format!(r#"{{"batch":[{}]}}"#, vec!["1"; n].join(","));
    assert_eq!(parse(batch(2_500).as_bytes(), NOON).len(), 2_500);
    assert_eq!(refusal(batch(2_501).as_bytes()).0, Reason::Limits);
    assert_eq!(parse(br#"{"batch":[]}"#, NOON), vec![]);

    let json = format!(
        r#"{{"batch":[{{{PAGE}}},7,{{"type":"page","messageId":"m2","userId":"\ud83d"}},{{{PAGE}}}],"sentAt":"2026-01-01T12:00:00Z"}}"#
    );
    let got: Vec<_> = parse(json.as_bytes(), NOON).into_iter().map(|event| event.map_err(|r| r.reason)).collect();
    let page = read(&format!("{{{PAGE}}}"));
    assert_eq!(got, vec![Ok(page.clone()), Err(Reason::WrongType), Err(Reason::Decode), Ok(page)]);
}

#[test]
fn no_refusal_repeats_what_was_sent() {
    for json in [
        r#"{"type":"ada@acme.test"}"#,
        r#"{"type":"page","messageId":"m","userId":["ada@acme.test"]}"#,
        r#"{"type":"page","messageId":"m","userId":"u","timestamp":"ada@acme.test"}"#,
        r#"{"type":"page" "ada@acme.test"}"#,
        r#"{"type":"crm","activityId":"x","email":"ada@acme.test","kind":"ada@acme.test"}"#,
    ] {
        assert!(!refusal(json.as_bytes()).1.contains("ada"), "{json}");
    }
    let long = format!(
        r#"{{"type":"identify","messageId":"m","userId":"u","traits":{{"ada@acme.test":"{}"}}}}"#,
        "x".repeat(9_000)
    );
    assert_eq!(refusal(long.as_bytes()).1, "a fact is longer than 8192 bytes");
}

#[test]
fn a_page_view_tells_where_and_from_where() {
    let event = read(&format!(
        r#"{{{PAGE},"timestamp":"2026-01-01T11:59:00.500Z","receivedAt":"2026-01-01T12:00:01Z","name":"Plans","properties":{{"url":"https://acme.test/pricing?utm_source=x","referrer":"https://news.test/item","content_id":42,"topic":"kafka"}},"context":{{"campaign":{{"name":"spring","medium":"cpc"}},"bot":true}}}}"#
    ));
    assert_eq!(event.occurred_at, Millis(NOON.0 - 59_500));
    assert_eq!(event.received_at, Some(NOON.plus(1_000)));
    let seen = activity(&event);
    assert_eq!(seen.name, "Page Viewed");
    assert_eq!(seen.path.as_deref(), Some("/pricing"));
    assert_eq!(seen.title.as_deref(), Some("Plans"));
    assert_eq!(seen.content_id.as_deref(), Some("42"));
    assert_eq!(seen.topic.as_deref(), Some("kafka"));
    assert_eq!(seen.campaign.as_deref(), Some("spring"));
    assert_eq!(seen.source.as_deref(), Some("news.test"));
    assert_eq!(seen.medium.as_deref(), Some("cpc"));
    assert!(seen.bot);
}

#[test]
fn a_click_within_the_site_has_no_source_and_content_without_id_is_its_path() {
    let event = read(&format!(
        r#"{{{PAGE},"context":{{"page":{{"url":"https://acme.test/b","path":"/b?x","title":"B","referrer":"https://acme.test/a"}}}}}}"#
    ));
    let seen = activity(&event);
    assert_eq!(seen.source, None);
    assert_eq!((seen.path.as_deref(), seen.content_id.as_deref()), (Some("/b"), Some("/b")));
    assert_eq!(seen.title.as_deref(), Some("B"));
}

#[test]
fn a_long_title_is_cut_and_a_key_given_twice_counts_as_given_last() {
    let title = "é".repeat(300);
    let event = read(&format!(r#"{{{PAGE},"anonymousId":"a2","properties":{{"title":"x","title":"{title}"}}}}"#));
    assert_eq!(event.ids.anonymous_id.as_deref(), Some("a2"));
    assert_eq!(activity(&event).title.as_deref(), Some(&title[..512]));
}

#[test]
fn traits_become_facts_with_their_source() {
    let event = read(
        r#"{"type":"identify","messageId":"m","userId":"u","traits":{"email":" Ada@Acme.test ","employees":"250","title":"VP\u0000","tech_stack":["Kafka"],"vip":true,"gone":null,"company":{"name":"Acme","employee_count":9},"address":{"country":"DE"}},"context":{"source":"enrichment"}}"#,
    );
    assert_eq!(event.ids.email.as_deref(), Some(" Ada@Acme.test "));
    let wanted = [
        r#"company="Acme" (enrichment)"#,
        r#"country="DE" (enrichment)"#,
        r#"email=" Ada@Acme.test " (enrichment)"#,
        "employees=250 (enrichment)",
        r#"tech_stack=["Kafka"] (enrichment)"#,
        r#"title="VP\0" (enrichment)"#,
        "vip=true (enrichment)",
    ];
    assert_eq!(facts(&event), wanted);
}

#[test]
fn a_group_tells_of_a_company_and_not_of_the_person() {
    let event = read(
        r#"{"type":"group","messageId":"m","userId":"u","groupId":"g","traits":{"name":"Acme","email":"info@acme.test","industry":"steel","source":"crm"}}"#,
    );
    assert_eq!(event.ids.email, None);
    assert_eq!(facts(&event), [r#"company="Acme" (crm)"#, r#"group_id="g" (crm)"#, r#"industry="steel" (crm)"#]);
}

#[test]
fn an_alias_carries_the_earlier_id_and_no_facts() {
    let event = read(r#"{"type":"alias","messageId":"m","userId":"u","previousId":"a1"}"#);
    let ids = Ids { user_id: Some("u".into()), previous_id: Some("a1".into()), ..Ids::default() };
    assert_eq!((event.ids, event.body), (ids, Body::Facts(vec![])));
}

#[test]
fn a_tick_says_only_how_late_it_is() {
    let tick = |received_at, occurred_at| RawEvent {
        event_id: String::new(),
        ids: Ids::default(),
        occurred_at,
        received_at,
        body: Body::Tick(Tick {}),
    };
    let at = NOON.plus(-1_000);
    assert_eq!(read(r#"{"type":"tick","receivedAt":"2026-01-01T11:59:59Z"}"#), tick(Some(at), at));
    assert_eq!(read(r#"{"type":"tick","receivedAt":"2026-01-01T13:00:00Z"}"#), tick(None, NOON));
}

#[test]
fn crm_activities_of_every_kind_are_read() {
    let of = |kind| CrmActivity { kind, ..CrmActivity::default() };
    let touch = Touch {
        medium: "call".into(),
        direction: Direction::Inbound,
        outcome: TouchOutcome::Connected,
        automated: true,
    };
    let bare = Touch { medium: "other".into(), ..Touch::default() };
    let verdict = Disposition {
        code: "not_now".into(),
        reason: Some("budget".into()),
        next_check_in: Some(NOON.plus(Millis::DAY)),
        duplicate_of: Some("crm-17".into()),
    };
    for (fields, wanted) in [
        (
            r#""kind":"touch","medium":"call","direction":"inbound","outcome":"connected","automated":true"#,
            CrmActivity { touch: Some(touch), ..of(CrmKind::Touch) },
        ),
        (r#""kind":"touch""#, CrmActivity { touch: Some(bare), ..of(CrmKind::Touch) }),
        (
            r#""kind":"status","status":"working""#,
            CrmActivity { status: Some("working".into()), ..of(CrmKind::Status) },
        ),
        (r#""kind":"owner","owner":"kim""#, CrmActivity { owner: Some("kim".into()), ..of(CrmKind::Owner) }),
        (r#""kind":"owner","owner":null"#, of(CrmKind::Owner)),
        (r#""kind":"owner","owner":" ""#, of(CrmKind::Owner)),
        (r#""kind":"accepted","actor":"kim""#, CrmActivity { actor: Some("kim".into()), ..of(CrmKind::Accepted) }),
        (
            r#""kind":"disposition","disposition":{"code":"not_now","reason":"budget","nextCheckIn":"2026-01-02T12:00:00Z","duplicateOf":"crm-17"}"#,
            CrmActivity { disposition: Some(verdict), ..of(CrmKind::Disposition) },
        ),
        (
            r#""kind":"opportunity","opportunity":"lost","disposition":{"code":"competitor"}"#,
            CrmActivity {
                opportunity: Some("lost".into()),
                disposition: Some(Disposition { code: "competitor".into(), ..Disposition::default() }),
                ..of(CrmKind::Opportunity)
            },
        ),
        (
            r#""kind":"opportunity","opportunity":"won""#,
            CrmActivity { opportunity: Some("won".into()), ..of(CrmKind::Opportunity) },
        ),
    ] {
        let event = read(&format!(r#"{{{CRM},"leadId":"ld_1","occurredAt":"2026-01-01T11:00:00Z",{fields}}}"#));
        assert_eq!(event.body, Body::Crm(wanted), "{fields}");
        assert_eq!((event.event_id.as_str(), event.occurred_at), ("x1", NOON.plus(-Millis::HOUR)));
        assert_eq!(event.ids.crm_id.as_deref(), Some("ld_1"));
    }
}

#[test]
fn a_check_in_date_without_a_time_is_the_start_of_that_day() {
    let event = read(&format!(
        r#"{{{CRM},"leadId":"ld_1","kind":"disposition","disposition":{{"code":"not_now","nextCheckIn":"2026-01-02"}}}}"#
    ));
    let Body::Crm(crm) = event.body else { panic!("{:?}", event.body) };
    let named = crm.disposition.and_then(|disposition| disposition.next_check_in);
    assert_eq!(named, Some(NOON.plus(Millis::DAY / 2)));
}

#[test]
fn consent_is_read_with_its_state() {
    let event = read(
        r#"{"type":"consent","messageId":"m","email":"a@b.c","channel":"all","state":"erased","source":"legal","explicit":true,"timestamp":"3000-01-01T00:00:00Z"}"#,
    );
    let wanted = Consent { channel: "all".into(), state: ConsentState::Erased, source: "legal".into(), explicit: true };
    assert_eq!(event.body, Body::Consent(wanted));
    assert_eq!(event.occurred_at, Millis(32_503_680_000_000), "a date far ahead is the sequencer's to judge");
}

#[test]
fn an_event_from_avro_meets_the_same_limits() {
    let good = view("m", "anon=a1");
    assert_eq!(check(good.clone()), Ok(good.clone()));
    let linked = Linked { kind: "user".into(), id: "u".into(), previous_lead: None };
    for (bad, reason) in [
        (RawEvent { body: Body::Linked(linked), ..good.clone() }, Reason::UnknownKind),
        (RawEvent { event_id: " ".into(), ..good.clone() }, Reason::MissingField),
        (RawEvent { ids: Ids { user_id: Some(" ".into()), ..Ids::default() }, ..good.clone() }, Reason::MissingId),
        (RawEvent { occurred_at: Millis(1_767_268_800), ..good.clone() }, Reason::BadTime),
        (RawEvent { received_at: Some(Millis(0)), ..good.clone() }, Reason::BadTime),
        (RawEvent { event_id: "x".repeat(9_000), ..good.clone() }, Reason::Limits),
    ] {
        assert_eq!(check(bad).map_err(|rejected| rejected.reason), Err(reason));
    }
}
