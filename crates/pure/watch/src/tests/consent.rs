//! A No and an opt-in: the later holds, by when each was said, whichever is told first.

use super::*;

fn opts_in(at: LogTime) -> Heard {
    consent(at, "all", ConsentState::Granted)
}

fn refuses(at: LogTime) -> Heard {
    consent(at, "all", ConsentState::Denied)
}

/// A desk that was handed the lead at 9:00; the person opted in at `said`, told before the handoff or after it.
fn opted_in(said: LogTime, before: bool) -> Desk {
    let (policy, mut desk) = (policy(), Desk::default());
    if before {
        assert_eq!(desk.hears(&policy, at(8, 50), opts_in(said)).outcome, "ignored");
    }
    assert_eq!(desk.hears(&policy, at(9, 0), handed_to("ada")).outcome, "clock_started");
    if !before {
        assert_eq!(desk.hears(&policy, at(9, 1), opts_in(said)).outcome, "ignored");
    }
    desk
}

#[test]
fn a_no_from_before_the_opt_in_stops_no_clock_however_late_it_is_told() {
    for before in [true, false] {
        for (said, outcome) in [(at(7, 0), "ignored"), (at(8, 0), "cancelled"), (at(8, 30), "cancelled")] {
            let mut desk = opted_in(at(8, 0), before);
            assert_eq!(desk.hears(&policy(), at(9, 2), refuses(said)).outcome, outcome, "{before} {said:?}");
            assert_eq!(desk.wake.is_none(), outcome == "cancelled");
        }
    }
}

#[test]
fn the_demand_to_be_forgotten_holds_whenever_it_was_said() {
    let mut desk = opted_in(at(8, 0), true);
    let told = desk.hears(&policy(), at(9, 2), consent(at(7, 0), "email", ConsentState::Erased));
    assert_eq!((told.outcome, desk.state.is_none()), ("cancelled", true));
}

#[test]
fn a_permission_that_is_no_opt_in_outdates_nothing() {
    let mut choosy = policy();
    choosy.lifecycle.opt_in = vec!["preferences".to_owned()];
    let by_default = Consent {
        channel: "all".to_owned(),
        state: ConsentState::Granted,
        source: "preferences".to_owned(),
        explicit: false,
    };
    let by_mail = consent(at(8, 0), "email", ConsentState::Granted);
    for permission in [event(at(8, 0), Body::Consent(by_default)), opts_in(at(8, 0)), by_mail] {
        let mut desk = Desk::default();
        desk.hears(&choosy, at(8, 50), permission);
        assert_eq!(desk.state, None, "nothing to remember");
        desk.hears(&choosy, at(9, 0), handed_to("ada"));
        assert_eq!(desk.hears(&choosy, at(9, 2), refuses(at(7, 0))).outcome, "cancelled");
    }
}

#[test]
fn an_opt_in_is_remembered_until_a_later_no() {
    let mut desk = Desk::default();
    for (n, (word, kept)) in [
        (opts_in(at(8, 0)), true),
        (opts_in(at(7, 30)), true),
        (refuses(at(7, 45)), true),
        (call(at(8, 5)), true),
        (refuses(at(8, 10)), false),
    ]
    .into_iter()
    .enumerate()
    {
        desk.hears(&policy(), at(8, 20 + i64::try_from(n).unwrap()), word);
        assert_eq!((desk.state.is_some(), desk.wake), (kept, None), "word {n}");
    }
}

#[test]
fn the_opt_in_outlives_the_handoff_in_which_it_was_told() {
    let mut desk = opted_in(at(8, 0), true);
    desk.hears(&policy(), at(9, 5), verdict(at(9, 5), "not_now"));
    desk.hears(&policy(), at(10, 0), handed("h2", 2, "P1", Some("ada")));
    assert_eq!(desk.hears(&policy(), at(10, 1), refuses(at(7, 0))).outcome, "ignored");
}

#[test]
fn a_never_contact_that_the_person_outdated_answers_the_handoff_and_gives_nothing_back() {
    let mut desk = opted_in(at(9, 10), false);
    let told = desk.hears(&policy(), at(9, 20), verdict(at(9, 5), "never_contact"));
    assert_eq!(told.ids(), ["accept_met_h1"], "the rep did answer; the first touch is still owed");
    let told = desk.hears(&policy(), at(9, 25), verdict(at(9, 15), "never_contact"));
    assert_eq!(told.ids(), ["first_touch_cancelled_h1"]);
}
