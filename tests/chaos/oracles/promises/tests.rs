//! The recount against histories told by hand, and against planted differences.

use super::*;

fn at(text: &str) -> LogTime {
    LogTime::from_millis(Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()))
}

fn policy() -> Policy {
    baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap()
}

fn handed(handoff: &str, episode: i32, owner: &str) -> Entry {
    let owner = Some(owner.to_owned());
    Entry::Handed { handoff: handoff.to_owned(), episode, lane: "P1".to_owned(), owner }
}

/// Tuesday in Berlin: nine o'clock is 07:00 UTC; a P1 lead is owed both within the hour.
fn history(entries: &[(&str, Entry)]) -> History {
    let entries = entries
        .iter()
        .map(|(time, entry)| (at(&format!("2026-09-08T{time}Z")), matches!(entry, Entry::Handed { .. }), entry.clone()))
        .collect();
    History { leads: BTreeMap::from([("ada".to_owned(), entries)]), end: at("2026-09-30T00:00:00Z") }
}

fn said_of(entries: &[(&str, Entry)]) -> Vec<String> {
    let mut said: Vec<String> = recount(&policy(), &history(entries)).into_keys().map(|(id, _)| id).collect();
    said.retain(|id| !id.contains("started"));
    said
}

fn reached(time: &str) -> Entry {
    Entry::Reached(at(&format!("2026-09-08T{time}Z")).millis())
}

fn judged(time: &str, gives_back: bool) -> Entry {
    Entry::Judged { done: at(&format!("2026-09-08T{time}Z")).millis(), gives_back }
}

const DESK: &str = "jonas.weber";

#[test]
fn silence_breaks_both_promises() {
    assert_eq!(said_of(&[("07:00:00", handed("h1", 1, DESK))]), ["accept_100_h1", "first_touch_100_h1"]);
}

#[test]
fn what_is_done_in_time_is_kept_also_at_the_deadline_itself() {
    let said = said_of(&[
        ("07:00:00", handed("h1", 1, DESK)),
        ("07:30:00", reached("07:30:00")),
        ("08:00:00", judged("08:00:00", false)),
    ]);
    assert_eq!(said, ["accept_met_h1", "first_touch_met_h1"]);
}

#[test]
fn what_was_done_in_time_and_told_within_the_grace_takes_the_breach_back() {
    let told = |time| said_of(&[("07:00:00", handed("h1", 1, DESK)), (time, reached("07:59:00"))]);
    let taken_back = ["first_touch_100_h1", "first_touch_met_h1", "first_touch_retracted_h1"];
    assert_eq!(told("08:09:00")[1..], taken_back);
    assert_eq!(told("08:11:00")[1..], ["first_touch_100_h1"], "too late to take it back");
}

#[test]
fn another_episode_ends_what_runs_and_a_repeat_ends_nothing() {
    let twice = [("07:00:00", handed("h1", 1, DESK)), ("07:10:00", handed("h1", 1, DESK))];
    assert_eq!(said_of(&twice), ["accept_100_h1", "first_touch_100_h1"]);
    let said = said_of(&[("07:00:00", handed("h1", 1, DESK)), ("07:10:00", handed("h2", 2, DESK))]);
    assert_eq!(said, ["accept_100_h2", "accept_cancelled_h1", "first_touch_100_h2", "first_touch_cancelled_h1"]);
}

#[test]
fn a_lead_that_refuses_or_is_given_back_is_owed_nothing() {
    let start = ("07:00:00", handed("h1", 1, DESK));
    let refused = [start.clone(), ("07:10:00", Entry::Refused)];
    assert_eq!(said_of(&refused), ["accept_cancelled_h1", "first_touch_cancelled_h1"]);
    let forgotten = [start.clone(), ("07:10:00", Entry::Forgotten)];
    assert_eq!(said_of(&forgotten), ["accept_cancelled_h1", "first_touch_cancelled_h1"]);
    assert_eq!(
        said_of(&[start, ("07:10:00", judged("07:10:00", true))]),
        ["accept_met_h1", "first_touch_cancelled_h1"]
    );
}

#[test]
fn what_sales_did_before_the_handoff_says_nothing_about_it() {
    let said = said_of(&[("07:00:00", handed("h1", 1, DESK)), ("07:10:00", reached("06:59:00"))]);
    assert_eq!(said, ["accept_100_h1", "first_touch_100_h1"]);
}

#[test]
fn a_missed_a_phantom_a_doubled_and_a_moved_word_are_found() {
    let expected = recount(&policy(), &history(&[("07:00:00", handed("h1", 1, DESK))]));
    assert_eq!(compare(&expected, &expected).differences, 0);
    let word = ("accept_100_h1".to_owned(), SlaEventKind::Breached);
    let mut missed = expected.clone();
    missed.remove(&word);
    assert_eq!(compare(&expected, &missed).examples, ["accept_100_h1 Breached: missed (0 of 1)"]);
    let mut phantom = expected.clone();
    phantom.insert(("accept_100_h9".to_owned(), SlaEventKind::Breached), (LogTime(0), 1));
    assert_eq!(compare(&expected, &phantom).examples, ["accept_100_h9 Breached: a phantom"]);
    let mut doubled = expected.clone();
    doubled.get_mut(&word).unwrap().1 = 2;
    assert_eq!(compare(&expected, &doubled).examples, ["accept_100_h1 Breached: said twice (2 of 1)"]);
    let mut moved = expected.clone();
    moved.get_mut(&word).unwrap().0.0 += 1;
    assert_eq!(compare(&expected, &moved).differences, 1);
}

#[test]
fn a_handoff_too_few_too_many_or_out_of_nothing_is_found() {
    let counts = |all: &[(&str, usize)]| all.iter().map(|(id, n)| ((*id).to_owned(), *n)).collect::<BTreeMap<_, _>>();
    let ready = counts(&[("h1", 1), ("h2", 1)]);
    let waiting = BTreeMap::from([("h2".to_owned(), true)]);
    let judge = |handed: &[(&str, usize)], episodes: &BTreeMap<(String, i32), BTreeSet<String>>| {
        once_each(&ready, &counts(handed), episodes, &waiting).differences
    };
    let none = BTreeMap::new();
    assert_eq!(judge(&[("h1", 1), ("h2", 1)], &none), 0);
    assert_eq!(judge(&[("h1", 1)], &none), 0, "h2 waits for a desk");
    assert_eq!(judge(&[("h2", 1)], &none), 1);
    assert_eq!(judge(&[("h1", 2), ("h2", 1)], &none), 1);
    assert_eq!(judge(&[("h1", 1), ("h2", 1), ("h3", 1)], &none), 1);
    let two = BTreeMap::from([(("ada".to_owned(), 1), BTreeSet::from(["h1".to_owned(), "h2".to_owned()]))]);
    assert_eq!(judge(&[("h1", 1), ("h2", 1)], &two), 1);
}
