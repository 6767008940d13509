//! The section `lifecycle`: what it says, what it leaves out, and its mistakes.

use baton_domain::{CauseClass, Millis};

use super::{SMALL, complaints, good};
use crate::{Blame, Destination, Effect, Lifecycle, LoopGuard, Rearm};

fn with_section(section: &str) -> String {
    format!("{}\n{section}", SMALL.trim_end())
}

#[test]
fn a_document_without_the_section_has_the_effects_that_every_policy_knows() {
    let lifecycle = good(SMALL).lifecycle;
    assert_eq!(lifecycle, Lifecycle::default());
    let effect = |code: &str| lifecycle.dispositions[code].clone();
    let later = Effect {
        check_in_ms: Some(60 * Millis::DAY),
        keep_percent: 50,
        rearm: Rearm::HighIntent,
        cause: Blame::Class(CauseClass::Lead),
        ..Effect::default()
    };
    assert_eq!((effect("not_now"), effect("bad_timing")), (later.clone(), later));
    assert_eq!(effect("no_response").cool_down_ms, Some(30 * Millis::DAY));
    assert_eq!(effect("budget").check_in_ms, Some(90 * Millis::DAY));
    assert_eq!(effect("wrong_territory").to, Destination::Reroute);
    assert_eq!(effect("not_icp").to, Destination::Disqualified);
    assert_eq!(effect("never_contact").to, Destination::Suppressed);
    assert_eq!(effect("qualified_as_expected").to, Destination::Qualified);
}

#[test]
fn a_disposition_replaces_the_one_of_its_code_and_leaves_the_others() {
    let lifecycle = good(&with_section(
        "lifecycle:\n  expansion: true\n  check_in: none\n  loop_guard: { recycles: 2, within: 30d, lane: P1 }\n  \
         dispositions:\n    not_now: { to: recycled, cool_down: 0d, keep_percent: 0, rearm: hand_raise, cause: by_touch }\n    \
         on_strike: { to: disqualified }\n",
    ))
    .lifecycle;
    assert!(lifecycle.expansion);
    assert_eq!(lifecycle.check_in_lane, None);
    assert_eq!(lifecycle.loop_guard, LoopGuard { recycles: 2, within_ms: 30 * Millis::DAY, lane: "P1".to_owned() });
    let own = Effect {
        cool_down_ms: Some(0),
        keep_percent: 0,
        rearm: Rearm::HandRaise,
        cause: Blame::ByTouch,
        ..Effect::default()
    };
    assert_eq!(lifecycle.dispositions["not_now"], own);
    assert_eq!(lifecycle.dispositions["on_strike"].to, Destination::Disqualified);
    assert_eq!(lifecycle.dispositions["budget"], Lifecycle::default().dispositions["budget"]);
}

#[test]
fn the_date_that_the_rep_names_goes_before_the_policys_and_counts_on_a_recycle_only() {
    let dispositions = Lifecycle::default().dispositions;
    let (at, named) = (Millis(0), Some(Millis(5)));
    assert_eq!(dispositions["not_now"].check_in(at, named), named);
    assert_eq!(dispositions["not_now"].check_in(at, None), Some(Millis(60 * Millis::DAY)));
    assert_eq!(dispositions["wrong_person"].check_in(at, None), None);
    assert_eq!(dispositions["spam"].check_in(at, named), None);
}

#[test]
fn every_mistake_of_the_section_is_told_at_once() {
    let told = complaints(&with_section(
        "lifecycle:\n  check_in: P9\n  loop_guard: { recycles: 21, within: 30d, lane: P1 }\n  dispositions:\n    \
         a: { to: recycle }\n    b: { to: disqualified, keep_percent: 50 }\n    c: { to: recycled, rearm: never }\n    \
         d: { to: recycled, keep_percent: 101 }\n    e: { cause: nobody }\n",
    ));
    let wanted = [
        "lifecycle.check_in: unknown lane \"P9\"",
        "lifecycle.loop_guard.recycles: must be from 1 to 20",
        "lifecycle.dispositions.a.to: unknown destination \"recycle\"; did you mean \"recycled\"?",
        "lifecycle.dispositions.b.keep_percent: has a meaning only with `to: recycled`",
        "lifecycle.dispositions.c.rearm: unknown re-arming \"never\"",
        "lifecycle.dispositions.d.keep_percent: must be from 0 to 100",
        "lifecycle.dispositions.e.to: missing",
        "lifecycle.dispositions.e.cause: unknown cause \"nobody\"",
    ];
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
    for (told, wanted) in told.iter().zip(wanted) {
        assert!(told.contains(wanted), "{told}\n{wanted}");
    }
}
