//! The recount against histories told by hand, and against planted differences.

use baton_policy::Policy;

use super::*;

fn at(text: &str) -> LogTime {
    LogTime::from_millis(Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()))
}

fn policy() -> Policy {
    baton_policy::parse("starter.yaml", baton_policy::STARTER).unwrap()
}

fn handed(handoff: &str, episode: i32, owner: &str) -> Entry {
    let owner = Some(owner.to_owned()).filter(|owner| !owner.is_empty());
    let (handoff, lane, pool) = (handoff.to_owned(), "P1".to_owned(), "emea".to_owned());
    Entry::Handed(Handed { handoff, episode, lane, owner, pool, ready: LogTime::MAX })
}

/// Tuesday in Berlin: nine o'clock is 07:00 UTC; a P1 lead is owed both within the hour.
fn history(entries: &[(&str, Entry)]) -> History {
    let entries = entries
        .iter()
        .map(|(time, entry)| {
            (at(&format!("2026-09-08T{time}Z")), matches!(entry, Entry::Handed(_) | Entry::Withdrawn(_)), entry.clone())
        })
        .collect();
    History { leads: BTreeMap::from([("ada".to_owned(), entries)]), end: at("2026-09-30T00:00:00Z") }
}

fn said_of(entries: &[(&str, Entry)]) -> Vec<String> {
    let mut said: Vec<String> = recount(&policy(), &history(entries)).into_keys().map(|(id, _)| id).collect();
    said.retain(|id| !["started", "_50_", "_80_", "assign_"].iter().any(|word| id.contains(word)));
    said
}

fn reached(time: &str) -> Entry {
    Entry::Reached(at(&format!("2026-09-08T{time}Z")).millis())
}

fn judged(time: &str, judgement: Judgement) -> Entry {
    Entry::Judged { done: at(&format!("2026-09-08T{time}Z")).millis(), judgement }
}

const DESK: &str = "jonas.weber";

#[test]
fn silence_breaks_both_promises() {
    assert_eq!(
        said_of(&[("07:00:00", handed("h1", 1, DESK))]),
        ["accept_100_h1", "first_touch_100_h1", "first_touch_150_h1", "first_touch_500_h1"]
    );
}

#[test]
fn what_is_done_in_time_is_kept_also_at_the_deadline_itself() {
    let said = said_of(&[
        ("07:00:00", handed("h1", 1, DESK)),
        ("07:30:00", reached("07:30:00")),
        ("08:00:00", judged("08:00:00", Judgement::Keeps)),
    ]);
    assert_eq!(said, ["accept_met_h1", "first_touch_met_h1"]);
}

#[test]
fn what_was_done_in_time_and_told_within_the_grace_takes_the_breach_back() {
    let told = |time| said_of(&[("07:00:00", handed("h1", 1, DESK)), (time, reached("07:59:00"))]);
    let taken_back = ["first_touch_100_h1", "first_touch_met_h1", "first_touch_retracted_h1"];
    assert_eq!(told("08:09:00")[1..], taken_back);
    assert_eq!(
        told("08:11:00")[1..],
        ["first_touch_100_h1", "first_touch_late_h1"],
        "too late to take it back, and nobody is told further up"
    );
    assert_eq!(told("08:31:00")[1..], ["first_touch_100_h1", "first_touch_150_h1", "first_touch_late_h1"]);
}

#[test]
fn another_episode_ends_what_runs_and_a_repeat_ends_nothing() {
    let twice = [("07:00:00", handed("h1", 1, DESK)), ("07:10:00", handed("h1", 1, DESK))];
    assert_eq!(said_of(&twice), ["accept_100_h1", "first_touch_100_h1", "first_touch_150_h1", "first_touch_500_h1"]);
    let said = said_of(&[("07:00:00", handed("h1", 1, DESK)), ("07:10:00", handed("h2", 2, DESK))]);
    let ends = ["accept_cancelled_h1", "first_touch_cancelled_h1"];
    assert_eq!(said.iter().filter(|id| id.ends_with("_h1")).collect::<Vec<_>>(), ends.iter().collect::<Vec<_>>());
}

#[test]
fn a_lead_that_refuses_or_is_given_back_is_owed_nothing() {
    let start = ("07:00:00", handed("h1", 1, DESK));
    let refused = [start.clone(), ("07:10:00", Entry::Refused)];
    assert_eq!(said_of(&refused), ["accept_cancelled_h1", "first_touch_cancelled_h1"]);
    let forgotten = [start.clone(), ("07:10:00", Entry::Forgotten)];
    assert_eq!(said_of(&forgotten), ["accept_cancelled_h1", "first_touch_cancelled_h1"]);
    assert_eq!(
        said_of(&[start, ("07:10:00", judged("07:10:00", Judgement::GivesBack))]),
        ["accept_met_h1", "first_touch_cancelled_h1"]
    );
}

#[test]
fn what_sales_did_before_the_handoff_says_nothing_about_it() {
    let said = said_of(&[("07:00:00", handed("h1", 1, DESK)), ("07:10:00", reached("06:59:00"))]);
    assert_eq!(said, ["accept_100_h1", "first_touch_100_h1", "first_touch_150_h1", "first_touch_500_h1"]);
}

#[test]
fn who_is_handed_back_or_moved_up_waits_anew_and_who_is_told_of_twice_does_not() {
    let assigned = |entries: &[(&str, Entry)]| -> Vec<String> {
        let said = recount(&policy(), &history(entries)).into_keys().map(|(id, _)| id);
        said.filter(|id| id.starts_with("assign_") && !["_50_", "_80_"].iter().any(|word| id.contains(word))).collect()
    };
    let back = [
        ("07:00:00", handed("h1", 1, DESK)),
        ("07:10:00", handed("h1", 1, "")),
        ("07:11:00", handed("h1", 1, "")),
        ("07:12:00", handed("h1", 1, "lena.fischer")),
    ];
    let expected = ["assign_met_h1", "assign_met_h1_2", "assign_started_h1", "assign_started_h1_2"];
    assert_eq!(assigned(&back), expected);
    let up = |lane: &str| match handed("h1", 1, "") {
        Entry::Handed(handed) => Entry::Handed(Handed { lane: lane.to_owned(), ..handed }),
        other => other,
    };
    let moved = [("07:00:00", up("P2")), ("07:01:00", up("P1")), ("07:02:00", handed("h1", 1, DESK))];
    let expected = ["assign_cancelled_h1", "assign_met_h1_2", "assign_started_h1", "assign_started_h1_2"];
    assert_eq!(assigned(&moved), expected);
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
fn a_new_owner_has_clocks_of_their_own_and_the_old_ones_end_where_they_are() {
    let said = said_of(&[("07:00:00", handed("h1", 1, DESK)), ("08:30:00", handed("h1", 1, "lena.fischer"))]);
    let of_first: Vec<&String> = said.iter().filter(|id| id.ends_with("_h1")).collect();
    assert_eq!(of_first, ["accept_100_h1", "first_touch_100_h1", "first_touch_150_h1"], "told at the very instant");
    assert!(said.contains(&"first_touch_500_h1_2".to_owned()), "{said:?}");
    assert!(!said.iter().any(|id| id.contains("cancelled")), "what broke stays broken: {said:?}");
}

#[test]
fn who_waits_is_owed_a_desk_until_one_is_named_or_the_handoff_is_taken_back() {
    let all = |entries: &[(&str, Entry)]| {
        let words = recount(&policy(), &history(entries)).into_keys().map(|(id, _)| id);
        words.filter(|id| id.starts_with("assign_")).collect::<Vec<_>>()
    };
    let queued = ("07:00:00", handed("h1", 1, ""));
    let named = all(&[queued.clone(), ("07:03:00", handed("h1", 1, DESK))]);
    assert_eq!(named, ["assign_50_h1", "assign_met_h1", "assign_started_h1"]);
    let late = all(&[queued.clone(), ("07:06:00", handed("h1", 1, DESK))]);
    assert_eq!(late, ["assign_100_h1", "assign_50_h1", "assign_80_h1", "assign_late_h1", "assign_started_h1"]);
    let taken_back = all(&[queued, ("07:02:00", Entry::Withdrawn("h1".to_owned()))]);
    assert_eq!(taken_back, ["assign_cancelled_h1", "assign_started_h1"]);
}

#[test]
fn what_stands_still_loses_no_time() {
    let status = |time: &str, status: &str| {
        let done = at(&format!("2026-09-08T{time}Z")).millis();
        Entry::Status { done, status: status.to_owned() }
    };
    let words = recount(
        &policy(),
        &history(&[
            ("07:00:00", handed("h1", 1, DESK)),
            ("07:20:00", status("07:20:00", "on_hold")),
            ("07:50:00", status("07:50:00", "working")),
        ]),
    );
    let deadline = |id: &str, kind| words.get(&(id.to_owned(), kind)).map(|(deadline, _)| *deadline);
    assert_eq!(deadline("accept_paused_h1", SlaEventKind::Paused), Some(at("2026-09-08T08:00:00Z")));
    assert_eq!(deadline("accept_resumed_h1", SlaEventKind::Resumed), Some(at("2026-09-08T08:30:00Z")));
    assert_eq!(deadline("accept_100_h1", SlaEventKind::Breached), Some(at("2026-09-08T08:30:00Z")));
    assert!(words.keys().all(|(id, _)| !id.contains("paused2")), "{words:?}");
}

/// Two leads on their desks; the second has been on two.
fn desks() -> Desks {
    let (first, second, third) = (("h1", 1), ("h2", 2), ("h2", 9));
    let place = |(handoff, at): (&str, i64)| (handoff.to_owned(), LogTime(at));
    let once = |all: &[(&str, i64)]| all.iter().map(|desk| (place(*desk), 1)).collect::<Times>();
    Desks {
        ready: ["h1", "h2"].map(|id| (id.to_owned(), 1)).into(),
        handed: once(&[first, second]),
        clocked: once(&[first, second, third]),
        owned: [first, second, third].map(place).into(),
        ..Desks::default()
    }
}

#[test]
fn a_handoff_too_few_too_many_or_out_of_nothing_is_found() {
    assert_eq!(once_each(&desks()).differences, 0);
    let judge = |change: &dyn Fn(&mut Desks)| {
        let mut changed = desks();
        change(&mut changed);
        once_each(&changed).differences
    };
    let second = || ("h2".to_owned(), LogTime(2));
    let gone = |desks: &mut Desks| {
        desks.handed.remove(&second());
    };
    assert_eq!(judge(&gone), 1);
    let waiting = |desks: &mut Desks| {
        gone(desks);
        desks.waiting.insert("h2".to_owned(), true);
    };
    assert_eq!(judge(&waiting), 0, "h2 waits for a desk");
    assert_eq!(judge(&|desks| *desks.handed.entry(second()).or_default() += 1), 1, "told twice");
    assert_eq!(judge(&|desks| *desks.clocked.entry(second()).or_default() += 1), 1, "clocks twice");
    assert_eq!(judge(&|desks| desks.clocked.retain(|desk, _| *desk != second())), 1, "no clocks");
    assert_eq!(judge(&|desks| desks.owned.retain(|desk| *desk != second())), 1, "clocks for nobody");
    assert_eq!(judge(&|desks| desks.ready.retain(|id, _| id == "h2")), 1, "nobody was ready");
    let both = || (("ada".to_owned(), 1), BTreeSet::from(["h1".to_owned(), "h2".to_owned()]));
    assert_eq!(judge(&|desks| desks.episodes.extend([both()])), 1, "one episode, two handoffs");
}

/// What the pipeline makes of lines when nothing fails: the lead's history, and what the watchdog said.
fn played(lines: &[String]) -> (History, Words) {
    let topology = baton_pipeline::Topology::new("", 4);
    let now = Millis(1_800_000_000_000);
    let limits = baton_engine::Limits::default();
    let mut pipeline = baton_sim::Pipeline::new(&topology, &std::sync::Arc::new(policy()), now, limits);
    for line in lines {
        pipeline.feed(line.as_bytes());
    }
    for consumer in (0..baton_pipeline::Consumer::ALL.len()).cycle().take(200) {
        while !pipeline.turn(consumer).unwrap() {}
    }
    let mut history = History::default();
    for event in records(&mut pipeline, "lead.events") {
        history.event(event);
    }
    for start in records(&mut pipeline, "sla.requests") {
        history.request(start);
    }
    history.sort();
    let mut words = Words::new();
    for event in SPOKEN.into_iter().flat_map(|topic| records(&mut pipeline, topic)) {
        note(&mut words, event);
    }
    (history, words)
}

fn records<T: baton_wire::Record + serde::de::DeserializeOwned>(
    pipeline: &mut baton_sim::Pipeline,
    topic: &str,
) -> Vec<T> {
    let decoder = Decoder::<T>::new();
    pipeline.take(topic).into_iter().map(|record| decode(&decoder, record.value.as_deref()).unwrap()).collect()
}

/// The load with a halt here and there: after some lines of sales the CRM says that the lead is on hold, puts it
/// off or names another owner, and some lines later that it is worked on.
fn with_halts(lines: Vec<String>) -> Vec<String> {
    let mut told = Vec::new();
    let mut over: BTreeMap<usize, String> = BTreeMap::new();
    for (number, line) in lines.into_iter().enumerate() {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        told.push(line);
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        if let Some(at) = text("receivedAt")
            && let Some(more) = over.first_entry().filter(|due| *due.key() <= number)
        {
            told.push(more.remove().replace("NOW", &at));
        }
        let (Some("crm"), Some(at)) = (value["type"].as_str(), text("receivedAt")) else { continue };
        let whose = ["userId", "email"].iter().find_map(|id| Some(format!(r#""{id}":"{}""#, text(id)?)));
        let Some(whose) = whose else { continue };
        let say = |word: &str, at: &str, more: &str| {
            format!(
                r#"{{"type":"crm","activityId":"{word}-{number}",{whose},{more},"occurredAt":"{at}","receivedAt":"{at}"}}"#
            )
        };
        let later = |days: i64| at.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_hours(24 * days);
        match number % 5 {
            0 => {
                told.push(say("hold", &at, r#""kind":"status","status":"on_hold""#));
                let pause = number + 10 + number % 400;
                over.insert(pause, say("work", "NOW", r#""kind":"status","status":"working""#));
            }
            1 => {
                let date = later(1 + i64::try_from(number % 4).unwrap());
                let verdict =
                    format!(r#""kind":"disposition","disposition":{{"code":"still_talking","nextCheckIn":"{date}"}}"#);
                told.push(say("off", &at, &verdict));
            }
            2 => told.push(say("owner", &at, r#""kind":"owner","owner":"lena.fischer""#)),
            _ => {}
        }
    }
    told
}

#[test]
fn the_recount_of_a_load_finds_what_the_watchdog_said() {
    let (history, said) = played(&crate::load::lines(1, 5_000));
    let verdict = compare(&recount(&policy(), &history), &said);
    assert_eq!(verdict.differences, 0, "{verdict:#?}");
    assert!(verdict.compared > 1_000, "{}", verdict.compared);
}

#[test]
fn the_recount_of_a_load_with_halts_finds_what_the_watchdog_said() {
    let (history, said) = played(&with_halts(crate::load::lines(2, 5_000)));
    let verdict = compare(&recount(&policy(), &history), &said);
    assert_eq!(verdict.differences, 0, "{verdict:#?}");
    for kind in [SlaEventKind::Paused, SlaEventKind::Resumed, SlaEventKind::Escalated] {
        assert!(said.keys().filter(|(_, of)| *of == kind).count() > 20, "{kind:?}");
    }
}
