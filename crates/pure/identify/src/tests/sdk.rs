//! Messages as real SDKs send them, with the traps that each lays.

use baton_domain::{Body, ConsentState, Millis};

use super::{NOON, activity, facts, read};
use crate::parse;

#[test]
fn a_python_page_with_a_null_device_and_a_category_is_read() {
    let event = read(
        r#"{"anonymousId":null,"category":"Docs","channel":"server","context":{"library":{"name":"analytics-python","version":"2.4.0"}},"integrations":{},"messageId":"8a1d0f3e-5f6a-4a8b-9c0d-1e2f3a4b5c6d","name":"Install","properties":{"name":"Install","category":"Docs"},"timestamp":"2026-01-01T11:59:00.123456+00:00","type":"page","userId":"u1","sentAt":"2026-01-01T12:00:00.000000+00:00"}"#,
    );
    assert_eq!(event.ids.anonymous_id, None);
    assert_eq!(event.ids.user_id.as_deref(), Some("u1"));
    assert_eq!(activity(&event).title.as_deref(), Some("Install"));
    assert_eq!(event.occurred_at, Millis(NOON.0 - 59_877));
}

#[test]
fn a_node_message_id_that_is_no_uuid_is_an_id_like_any() {
    let event = read(
        r#"{"type":"track","event":"Demo Requested","userId":"u1","properties":{"form_id":"demo"},"timestamp":"2026-01-01T12:00:00.000Z","_metadata":{"nodeVersion":"22.1.0"},"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"integrations":{},"messageId":"node-next-1767268800000-5b7d9c1e-aaaa-4bbb-8ccc-0123456789ab"}"#,
    );
    assert_eq!(event.event_id, "node-next-1767268800000-5b7d9c1e-aaaa-4bbb-8ccc-0123456789ab");
    assert_eq!(activity(&event).name, "Demo Requested");
    assert_eq!(activity(&event).form_id.as_deref(), Some("demo"));
}

#[test]
fn a_rudderstack_batch_with_original_times_only_is_corrected_for_the_device_clock() {
    // The device is an hour ahead; the event lay in its queue for ten seconds.
    let json = r#"{"batch":[{"type":"track","event":"Signup","userId":"u1","messageId":"m1","originalTimestamp":"2026-01-01T13:00:00.000Z","channel":"server"}],"sentAt":"2026-01-01T13:00:10.000Z"}"#;
    let events = parse(json.as_bytes(), NOON);
    assert_eq!(events[0].as_ref().unwrap().occurred_at, NOON.plus(-10_000));
}

#[test]
fn a_rudderstack_identify_has_its_traits_in_the_context() {
    let event = read(
        r#"{"type":"identify","messageId":"m1","userId":"u1","anonymousId":"a1","context":{"traits":{"email":"ada@acme.test","title":"CTO"}},"originalTimestamp":"2026-01-01T12:00:00.000Z"}"#,
    );
    assert_eq!(event.ids.email.as_deref(), Some("ada@acme.test"));
    assert_eq!(facts(&event), [r#"email="ada@acme.test" (form)"#, r#"title="CTO" (form)"#]);
}

#[test]
fn a_browser_page_has_its_place_in_properties_and_context() {
    let event = read(
        r#"{"timestamp":"2026-01-01T12:00:00.000Z","integrations":{"Segment.io":true},"anonymousId":"a1","userId":null,"type":"page","properties":{"path":"/pricing","referrer":"","search":"?utm_source=news","title":"Pricing","url":"https://acme.test/pricing?utm_source=news"},"name":null,"category":null,"context":{"page":{"path":"/pricing","referrer":"","search":"?utm_source=news","title":"Pricing","url":"https://acme.test/pricing"},"userAgent":"Mozilla/5.0","campaign":{"source":"news"},"library":{"name":"analytics.js","version":"next-1.84.3"}},"messageId":"ajs-next-1767268800000-2f0c","writeKey":"k","_metadata":{"bundled":[]}}"#,
    );
    assert_eq!(event.ids.user_id, None);
    let seen = activity(&event);
    assert_eq!((seen.path.as_deref(), seen.title.as_deref()), (Some("/pricing"), Some("Pricing")));
    assert_eq!(seen.source.as_deref(), Some("news"));
}

#[test]
fn a_php_message_writes_empty_objects_as_empty_lists() {
    let event = read(r#"{"type":"identify","messageId":"m1","userId":"u1","traits":[],"context":[]}"#);
    assert_eq!(facts(&event), [""; 0]);
}

#[test]
fn every_state_of_consent_is_read_as_what_it_says() {
    let states =
        [("granted", ConsentState::Granted), ("denied", ConsentState::Denied), ("erased", ConsentState::Erased)];
    for (word, state) in states {
        let event =
            read(&format!(r#"{{"type":"consent","messageId":"m","userId":"u","channel":"email","state":"{word}"}}"#));
        assert!(matches!(event.body, Body::Consent(consent) if consent.state == state), "{word}");
    }
}

#[test]
fn a_screen_of_an_app_is_a_view_like_a_page() {
    let event =
        read(r#"{"type":"screen","messageId":"m1","userId":"u1","name":"Plans","properties":{"topic":"pricing"}}"#);
    let seen = activity(&event);
    assert_eq!((seen.title.as_deref(), seen.topic.as_deref()), (Some("Plans"), Some("pricing")));
}

#[test]
fn a_campaign_among_the_properties_counts_when_the_context_names_none() {
    let event =
        read(r#"{"type":"track","event":"Signup","messageId":"m1","userId":"u1","properties":{"campaign":"autumn"}}"#);
    assert_eq!(activity(&event).campaign.as_deref(), Some("autumn"));
}

#[test]
fn a_referrer_known_to_the_context_alone_is_the_source() {
    let event = read(
        r#"{"type":"page","messageId":"m1","userId":"u1","context":{"page":{"url":"https://acme.test/","referrer":"https://news.test/item"}}}"#,
    );
    assert_eq!(activity(&event).source.as_deref(), Some("news.test"));
}

#[test]
fn a_blank_email_among_the_traits_is_none() {
    let event = read(r#"{"type":"identify","messageId":"m1","userId":"u1","traits":{"email":"  ","title":"CTO"}}"#);
    assert_eq!(event.ids.email, None);
}
